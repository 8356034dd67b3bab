# SPDX-License-Identifier: Apache-2.0
"""NetworkPolicies as iptables rules, for live_enforce.sh and live_nodes.sh.

live_enforce.py POLICY-DIR CLUSTER.json 4|6 [NODE]: of all pods, or of a node's

What NetworkPolicy v1 says, as far as recommendations use it, written from its
documentation and not from our evaluator: a pod that a policy selects has its
direction closed but for the union of the rules; a packet has to pass the
source's egress and the destination's ingress; answers always pass.
"""
import glob
import ipaddress
import json
import sys

import yaml


def matches(selector, labels):
    """A label selector; {} selects everything."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    if unknown:
        sys.exit(f"selector: {unknown}")
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for e in selector.get("matchExpressions", []):
        has, value = e["key"] in labels, labels.get(e["key"])
        values = e.get("values", [])
        if not {"In": has and value in values,
                "NotIn": not has or value not in values,
                "Exists": has, "DoesNotExist": not has}[e["operator"]]:
            return False
    return True


class Cluster:
    def __init__(self, path, family):
        with open(path) as f:
            items = json.load(f)["items"]
        self.family = family
        self.namespaces = {
            o["metadata"]["name"]: {
                "kubernetes.io/metadata.name": o["metadata"]["name"],
                **o["metadata"]["labels"]}
            for o in items if o["kind"] == "Namespace"}
        self.pods = [o for o in items if o["kind"] == "Pod"]

    def address(self, pod):
        return next(a["ip"] for a in pod["status"]["podIPs"]
                    if ipaddress.ip_address(a["ip"]).version == self.family)

    def selected(self, namespace, selector):
        return [p for p in self.pods if p["metadata"]["namespace"] == namespace
                and matches(selector, p["metadata"]["labels"])]

    def peers(self, namespace, peer):
        """The match arguments of a peer, with the negated ones it needs."""
        block = peer.get("ipBlock")
        if block:
            if ipaddress.ip_network(block["cidr"]).version != self.family:
                return []
            if block.get("except"):
                sys.exit("ipBlock.except: not needed so far")
            return [(block["cidr"], None)]
        where = [namespace]
        if "namespaceSelector" in peer:
            where = [n for n, labels in self.namespaces.items()
                     if matches(peer["namespaceSelector"], labels)]
        return [(self.address(p), p) for n in where
                for p in self.selected(n, peer.get("podSelector", {}))]


def port_numbers(port, server):
    """Of one entry of ports; a name is looked up in the pod that serves."""
    number = port.get("port")
    if number is None:
        return None
    if isinstance(number, str):
        return [str(p["containerPort"])
                for c in server["spec"]["containers"] for p in c["ports"]
                if p.get("name") == number] if server else []
    return [f"{number}:{port.get('endPort', number)}"]


def rule_lines(cluster, policy, rule, pod, egress):
    """Matches that let a packet through, one a line."""
    peers = rule.get("to" if egress else "from")
    wanted = [("", None)] if not peers else [
        (f"-{'d' if egress else 's'} {cidr} ", p) for peer in peers
        for cidr, p in cluster.peers(policy["metadata"]["namespace"], peer)]
    for match, peer in wanted:
        for port in rule.get("ports") or [{}]:
            if not port:
                yield match
                continue
            proto = port.get("protocol", "TCP").lower()
            numbers = port_numbers(port, peer if egress else pod)
            for n in [None] if numbers is None else numbers:
                yield (f"{match}-p {proto} " +
                       (f"--dport {n} " if n else ""))


def direction(cluster, policies, egress, node):
    kind, key = ("Egress", "egress") if egress else ("Ingress", "ingress")
    for i, pod in enumerate(cluster.pods):
        meta = pod["metadata"]
        if node and pod["spec"]["nodeName"] != node:
            continue
        chosen = [p for p in policies
                  if p["metadata"]["namespace"] == meta["namespace"]
                  and kind in p["spec"]["policyTypes"]
                  and matches(p["spec"]["podSelector"], meta["labels"])]
        if not chosen:
            continue
        chain = f"{kind.upper()}-{i}"
        yield f":{chain} - [0:0]"
        yield (f"-A FORWARD -{'s' if egress else 'd'} "
               f"{cluster.address(pod)} -j {chain}")
        for policy in chosen:
            for rule in policy["spec"].get(key) or []:
                for match in rule_lines(cluster, policy, rule, pod, egress):
                    yield f"-A {chain} {match}-j RETURN"
        yield f"-A {chain} -j DROP"


def main():
    folder, objects, family = sys.argv[1:4]
    node = sys.argv[4] if len(sys.argv) > 4 else None
    cluster = Cluster(objects, int(family))
    policies = []
    for path in sorted(glob.glob(f"{folder}/*/*.yaml")):
        with open(path) as f:
            policies += [d for d in yaml.safe_load_all(f)
                         if d and d["kind"] == "NetworkPolicy"]
    if not policies:
        sys.exit(f"{folder}: no policies")
    print("*filter")
    print("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT")
    if family == "6":
        print("-A FORWARD -p icmpv6 -j ACCEPT")
    for egress in (True, False):
        for line in direction(cluster, policies, egress, node):
            print(line)
    print("COMMIT")


if __name__ == "__main__":
    sys.exit(main())

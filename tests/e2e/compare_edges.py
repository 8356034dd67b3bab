#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare_edges.py APP FLOWS.json - flows against an application's truth.

APP holds expected-edges.json and snapshot.json. Prints "ok NAME" or "not ok
NAME: why" for each expected edge and for each kind of surplus, and exits 1 if
anything is not ok.

DNS over UDP: the truth counts look-ups, of which one can take several
exchanges (search path), so there the count is a lower bound.
"""
import json
import os
import sys

TRAFFIC = ("established", "oneway", "midstream")
SURE = ("handshake", "listener")


def node_names(snapshot):
    """address -> node name, gateways of pod ranges left out"""
    found = {}
    for o in snapshot["items"]:
        if o["kind"] == "Node":
            for a in o["status"]["addresses"]:
                found[a["address"]] = o["metadata"]["name"]
    return found


def end_matches(want, got, nodes):
    kind = want["type"]
    if kind == "workload":
        if want.get("hostNetwork"):
            return got["type"] == "node"
        if got["type"] != "workload":
            return False
        if got["namespace"] != want["namespace"]:
            return False
        if want["name"].endswith("-*") and got["kind"] != "Pod":
            # Pods of a custom resource, whose kind the truth does not know.
            return got["name"] == want["name"][:-2]
        if got["kind"] != want["kind"]:
            return False
        if want["name"].endswith("*"):
            return got["name"].startswith(want["name"][:-1])
        return got["name"] == want["name"]
    if kind == "node":
        return got["type"] == "node" and (
            not want.get("nodes") or got["name"] in want["nodes"]
            or got["name"] in [nodes.get(i) for i in want.get("ips", [])])
    ips = want.get("ips", [])
    if got["type"] == "external":
        return got["ip"] in ips
    return got["type"] == "node" and got["name"] in [nodes.get(i) for i in ips]


def service_matches(want, got, from_host):
    """The Service that a host-network client dialled is never on the wire."""
    if got is None and from_host:
        return True
    if want is None or got is None:
        return want is None and got is None
    return all(want[k] == got[k] for k in ("namespace", "name", "port"))


def edge_matches(want, got, nodes):
    return (want["protocol"] == got["protocol"]
            and want["port"] == got["port"]
            and service_matches(want["service"], got["service"],
                                want["src"].get("hostNetwork"))
            and end_matches(want["src"], got["src"], nodes)
            and end_matches(want["dst"], got["dst"], nodes))


def end_text(e):
    if e["type"] == "workload":
        return "%s/%s/%s" % (e["kind"], e["namespace"], e["name"])
    return "%s:%s" % (e["type"], e.get("name") or e.get("ip") or e.get("ips"))


def edge_text(e):
    s = e["service"]
    return "%s -> %s %s/%d%s" % (
        end_text(e["src"]), end_text(e["dst"]), e["protocol"], e["port"],
        " via %s/%s:%d" % (s["namespace"], s["name"], s["port"]) if s else "")


def is_rule_material(e):
    return e["outcome"] in TRAFFIC and e["certainty"] in SURE


def merged(edges):
    """Edges that differ only in being a hairpin are one edge to an observer."""
    found = {}
    for e in edges:
        key = json.dumps([[e[end].get(k) for k in (
            "type", "kind", "namespace", "name", "hostNetwork", "fqdn")]
            for end in ("src", "dst")] + [e["protocol"], e["port"],
            e["service"], e["expect"], e["class"]], sort_keys=True)
        if key in found:
            found[key]["connections"] += e["connections"]
        else:
            found[key] = dict(e)
    return found.values()


def compare(app, flows):
    """-> list of (name, problem or None)"""
    truth = json.load(open(os.path.join(app, "expected-edges.json")))
    nodes = node_names(json.load(open(os.path.join(app, "snapshot.json"))))
    got = flows["edges"]
    used, results = set(), []
    for e in merged(truth["edges"]):
        found = [i for i, g in enumerate(got) if edge_matches(e, g, nodes)]
        name = "%s %s" % (e["id"], edge_text(e))
        if e["expect"] != "include":
            bad = [i for i in found if is_rule_material(got[i])]
            if e["class"] == "noise" or e.get("rst") or e.get("noreply"):
                used.update(found)
            results.append((name + " (excluded)", "%s is seen as traffic" %
                            got[bad[0]]["outcome"] if bad else None))
            continue
        found = [i for i in found if got[i]["outcome"] in TRAFFIC]
        used.update(found)
        n = sum(got[i]["connections"] for i in found)
        is_lookup = e["class"] == "dns" and e["protocol"] == "UDP"
        if not found:
            problem = "missing"
        elif n < e["connections"] or (n > e["connections"] and not is_lookup):
            problem = "%d connections, not %d" % (n, e["connections"])
        elif not all(got[i]["certainty"] in SURE for i in found):
            problem = "the direction is guessed"
        else:
            problem = None
        results.append((name, problem))
    surplus = [g for i, g in enumerate(got) if i not in used
               and g["outcome"] in TRAFFIC]
    between = [g for g in surplus if g["src"]["type"] == "workload"
               and g["dst"]["type"] == "workload"]
    results.append(("nothing else between workloads",
                    edge_text(between[0]) if between else None))
    other = [g for g in surplus if g not in between
             and "unknown" not in (g["src"]["type"], g["dst"]["type"])]
    results.append(("nothing else at all",
                    edge_text(other[0]) if other else None))
    return results


def main():
    results = compare(sys.argv[1], json.load(open(sys.argv[2])))
    for name, problem in results:
        print("not ok %s: %s" % (name, problem) if problem else "ok " + name)
    return any(problem for _, problem in results)


if __name__ == "__main__":
    sys.exit(main())

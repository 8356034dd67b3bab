# SPDX-License-Identifier: Apache-2.0
"""Two nodes' pods, their programs and what must be known of it, for
live_nodes.sh.

live_nodes.py objects | serve | traffic | unseen
live_nodes.py check DB RINGFENCE
"""
import json
import selectors
import socket
import subprocess
import sys

import live_net

NODES = {"node-1": ("172.18.0.2", "10.244.1.0/24"),
         "node-2": ("172.18.0.3", "10.244.2.0/24")}
PODS = [("client-0", "client", "node-1", "10.244.1.10"),
        ("web-0", "web", "node-1", "10.244.1.20"),
        ("web-1", "web", "node-2", "10.244.2.20")]
VIP = "10.96.0.50"
PORT, NODE_PORT = 8080, 30080
N = 4  # connections of a kind; every other one goes to the same pod

# source, destination, port, Service: connections
WANT = {
    # by the Service, and by the port of their own node, which rewrites it
    # where the client still is one
    ("client", "web", PORT, "web"): 2 * N,
    # by the other node's port: the client's node sees only that
    ("client", "node-2", NODE_PORT, "web"): N,
    ("node-1", "web", PORT, "web"): N,
    ("203.0.113.10", "web", PORT, "web"): N,
}


def objects():
    items = [live_net.obj("Namespace", "shop")]
    for name, (ip, cidr) in NODES.items():
        items.append(live_net.obj(
            "Node", name, spec={"podCIDR": cidr, "podCIDRs": [cidr]},
            status={"addresses": [{"type": "InternalIP", "address": ip}]}))
    for name, app, node, ip in PODS:
        items.append(live_net.obj(
            "Pod", name, labels={"app": app}, spec={
                "nodeName": node, "containers": [{"name": "main"}]},
            status={"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
                    "hostIP": NODES[node][0],
                    "startTime": live_net.STARTED}))
    items += live_net.service(
        "web", [VIP], ((80, PORT, "TCP"),),
        [(p[0], p[1], p[3]) for p in PODS if p[1] == "web"])
    service = next(o for o in items if o["kind"] == "Service")
    service["spec"]["type"] = "NodePort"
    service["spec"]["ports"][0]["nodePort"] = NODE_PORT
    json.dump({"apiVersion": "v1", "kind": "List", "items": items},
              sys.stdout)


def serve():
    sel = selectors.DefaultSelector()
    for name, app, _, ip in PODS:
        if app == "web":
            sel.register(live_net.listen(name, ip, PORT),
                         selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in sel.select():
            c, _ = key.fileobj.accept()
            with c:
                c.setblocking(True)
                c.recv(4096)
                c.sendall(live_net.REPLY)


def tries(netns, ip, port):
    """How many of N connections were answered."""
    live_net.enter(netns)
    return sum(live_net.answers(ip, port) for _ in range(N))


def traffic():
    failed = 0
    for netns, ip, port in (("client-0", VIP, 80),
                            ("client-0", NODES["node-1"][0], NODE_PORT),
                            ("client-0", NODES["node-2"][0], NODE_PORT),
                            ("world", NODES["node-2"][0], NODE_PORT)):
        n = tries(netns, ip, port)
        if n != N:
            print(f"{netns} to {ip}:{port}: {n} of {N} were answered")
            failed += 1
    return failed


def unseen():
    """A pod that nobody saw call another."""
    live_net.enter("web-0")
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex((PODS[2][3], PORT)) == 0


def name_of(end):
    name = end.get("name") or end["ip"]
    return name.rsplit("-", 1)[0] if end["type"] == "workload" else name


def check(db, ringfence):
    out = subprocess.run([ringfence, "flows", "--db", db, "-o", "json"],
                         check=True, capture_output=True).stdout
    found = {}
    for e in json.loads(out)["edges"]:
        key = (name_of(e["src"]), name_of(e["dst"]), e["port"],
               (e["service"] or {}).get("name"))
        if e["outcome"] != "established" or e["certainty"] != "handshake":
            key += (e["outcome"], e["certainty"])
        found[key] = found.get(key, 0) + e["connections"]
    for key in sorted(set(WANT) | set(found), key=str):
        if WANT.get(key) != found.get(key):
            print(f"{key}: {found.get(key)}, and {WANT.get(key)} ran")
    return found != WANT


if __name__ == "__main__":
    sys.exit({"objects": objects, "serve": serve, "traffic": traffic,
              "unseen": unseen, "check": check}[sys.argv[1]](*sys.argv[2:]))

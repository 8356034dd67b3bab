# SPDX-License-Identifier: Apache-2.0
"""The pods' programs for live.sh: servers, clients, and the cluster's objects.

live_net.py serve | traffic | long | get HOST PORT PATH | cluster <PODS
"""
import ctypes
import json
import os
import selectors
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
REPLY = b"HTTP/1.0 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
VIP = "10.96.0.50"
DNS = "10.96.0.10"
DB = "10.244.0.20"
OUTSIDE = "203.0.113.10"
CLIENTS = ("client-0", "client-1", "client-2")
ROUNDS = 3


def enter(netns):
    fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {netns}")
    os.close(fd)


def listen(netns, ip, port, kind=socket.SOCK_STREAM):
    enter(netns)
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ip, port))
    if kind == socket.SOCK_STREAM:
        s.listen(128)
    s.setblocking(False)
    return s


def dns_answer(query):
    """Every name has the outside's address."""
    end = query.index(b"\0", 12) + 5
    return (query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] +
            b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(OUTSIDE))


def serve():
    sel = selectors.DefaultSelector()
    tcp = [("web-0", "10.244.0.10", 8080), ("web-1", "10.244.0.11", 8080),
           ("web-0", "fd00:10:244::10", 8080), ("db-0", DB, 5432),
           ("world", OUTSIDE, 80)]
    for where in tcp:
        sel.register(listen(*where), selectors.EVENT_READ, "accept")
    udp = listen("dns-0", "10.244.0.2", 53, socket.SOCK_DGRAM)
    sel.register(udp, selectors.EVENT_READ, "dns")
    print("ready", flush=True)
    while True:
        for key, _ in sel.select():
            s = key.fileobj
            if key.data == "accept":
                c, _ = s.accept()
                sel.register(c, selectors.EVENT_READ, "stream")
                continue
            if key.data == "dns":
                query, peer = s.recvfrom(512)
                s.sendto(dns_answer(query), peer)
                continue
            try:
                data = s.recv(4096)
            except OSError:
                data = b""
            if data == b"ping":
                s.send(b"pong")
                continue
            if data:
                s.send(REPLY)
            sel.unregister(s)
            s.close()


def fetch(host, port, timeout=3, path="/"):
    with socket.create_connection((host, port), timeout) as s:
        s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        got = b""
        while chunk := s.recv(65536):
            got += chunk
    return got


def fails(host, port, timeout=1):
    try:
        fetch(host, port, timeout)
    except OSError:
        return True
    return False


def ask(name):
    query = (struct.pack("!HHHHHH", os.getpid() & 0xffff, 0x100, 1, 0, 0, 0) +
             b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) +
             b"\0\0\1\0\1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.connect((DNS, 53))
        s.send(query)
        return socket.inet_ntoa(s.recv(512)[-4:])


def client(name):
    enter(name)
    ok = True
    for _ in range(ROUNDS):
        ok &= len(fetch(VIP, 80)) > 3000
        ok &= ask("api.example.com") == OUTSIDE
        ok &= len(fetch(OUTSIDE, 80)) > 3000
        ok &= len(fetch(DB, 5432)) > 3000
        ok &= len(fetch("fd00:10:244::10", 8080)) > 3000
    if name == "client-2":  # a scan, and a port that is silently dropped
        for port in range(100, 120):
            ok &= fails(DB, port)
        ok &= fails(DB, 9999, 0.6)
    return ok


def traffic():
    pids = []
    for name in CLIENTS:
        pid = os.fork()
        if pid == 0:
            ok = False
            try:
                ok = client(name)
            finally:
                os._exit(0 if ok else 1)
        pids.append(pid)
    return sum(os.waitpid(pid, 0)[1] != 0 for pid in pids)


def long_lived():
    enter("client-0")
    with socket.create_connection((DB, 5432)) as s:
        while True:
            s.send(b"ping")
            s.recv(16)
            time.sleep(0.5)


def obj(kind, name, api="v1", **rest):
    ns = {} if kind in ("Node", "Namespace") else {"namespace": "shop"}
    meta = {"name": name, **ns, "labels": rest.pop("labels", {})}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def cluster(pods):
    items = [
        obj("Namespace", "shop"),
        obj("Node", "node-0", spec={"podCIDR": "10.244.0.0/24", "podCIDRs":
            ["10.244.0.0/24", "fd00:10:244::/64"]}, status={"addresses":
            [{"type": "InternalIP", "address": "172.18.0.2"}]})]
    for name, app, ip, port in pods:
        ips = [ip, "fd00:10:244::" + ip.split(".")[-1]]
        ports = [{"containerPort": int(port), "protocol":
                  "UDP" if port == "53" else "TCP"}] if port != "0" else []
        items.append(obj(
            "Pod", name, labels={"app": app},
            spec={"nodeName": "node-0",
                  "containers": [{"name": "main", "ports": ports}]},
            status={"phase": "Running", "podIP": ip, "hostIP": "172.18.0.2",
                    "podIPs": [{"ip": i} for i in ips]}))
    for name, app, vip, port, target, proto in (
            ("dns", "dns", DNS, 53, 53, "UDP"),
            ("web", "web", VIP, 80, 8080, "TCP")):
        items.append(obj(
            "Service", name, spec={"clusterIP": vip, "selector": {"app": app},
            "ports": [{"port": port, "targetPort": target,
                       "protocol": proto}]}))
        items.append(obj(
            "EndpointSlice", name + "-1", "discovery.k8s.io/v1",
            labels={"kubernetes.io/service-name": name}, addressType="IPv4",
            ports=[{"port": target, "protocol": proto}],
            endpoints=[{"addresses": [p[2]], "targetRef": {
                "kind": "Pod", "name": p[0], "namespace": "shop"}}
                for p in pods if p[1] == app]))
    json.dump({"apiVersion": "v1", "kind": "List", "items": items},
              sys.stdout, indent=1)


def main():
    what = sys.argv[1]
    if what == "serve":
        serve()
    elif what == "traffic":
        return traffic()
    elif what == "long":
        long_lived()
    elif what == "get":
        head, _, body = fetch(sys.argv[2], int(sys.argv[3]),
                              path=sys.argv[4]).partition(b"\r\n\r\n")
        sys.stdout.write(body.decode())
        return b" 200 " not in head.split(b"\r\n")[0]
    elif what == "cluster":
        cluster([line.split() for line in sys.stdin])
    return 0


if __name__ == "__main__":
    sys.exit(main())

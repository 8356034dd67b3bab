# SPDX-License-Identifier: Apache-2.0
"""The pods' programs for live*.sh: servers, clients, and the cluster's objects.

live_net.py serve | traffic [quiet] | get HOST PORT PATH | cluster <PODS
live_net.py hold POD HOST PORT [SECONDS]  a connection; SECONDS between pings
live_net.py try POD HOST PORT             does it answer?
live_net.py api CLUSTER.JSON [EVENTS]     what an API server says of them
"""
import ctypes
import http.server
import itertools
import json
import os
import selectors
import signal
import socket
import ssl
import struct
import sys
import time
import urllib.parse

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
REPLY = b"HTTP/1.0 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
VIP = "10.96.0.50"
VIP6 = "fd00:10:96::50"
DNS = "10.96.0.10"
TIME = "10.96.0.55"
DB = "10.244.0.20"
STATSD = "10.244.0.25"
OUTSIDE = "203.0.113.10"
CLIENTS = ("client-0", "client-1", "client-2")
ROUNDS = 3
STARTED = "2020-01-01T00:00:00Z"
PATIENCE = 10  # seconds for an answer that must come
# Below those that the kernel gives, which may give one twice.
PORTS = itertools.count(16384 + int(time.time() * 4) % 500 * 32)


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


def serve():
    sel = selectors.DefaultSelector()
    tcp = [("web-0", "10.244.0.10", 8080), ("web-1", "10.244.0.11", 8080),
           ("web-0", "fd00:10:244::10", 8080), ("db-0", DB, 5432),
           ("world", OUTSIDE, 80)]
    for where in tcp:
        sel.register(listen(*where), selectors.EVENT_READ, "accept")
    udp = listen("time-0", STATSD, 7123, socket.SOCK_DGRAM)
    sel.register(udp, selectors.EVENT_READ, "time")
    udp = listen("time-0", STATSD, 8125, socket.SOCK_DGRAM)
    sel.register(udp, selectors.EVENT_READ, "statsd")
    print("ready", flush=True)
    while True:
        for key, _ in sel.select():
            s = key.fileobj
            if key.data == "accept":
                c, _ = s.accept()
                sel.register(c, selectors.EVENT_READ, "stream")
                continue
            if key.data == "time":
                _, peer = s.recvfrom(512)
                s.sendto(b"noon", peer)
                continue
            if key.data == "statsd":
                s.recv(512)
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


def fetch(host, port, timeout=PATIENCE, path="/", by=0):
    with socket.create_connection((host, port), timeout, ("", by)) as s:
        s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        got = b""
        while chunk := s.recv(65536):
            got += chunk
    return got


def answers(host, port, timeout=PATIENCE, by=0):
    try:
        return len(fetch(host, port, timeout, by=by)) > 3000
    except OSError:
        return False


def asks(name, want):
    try:
        return ask(name) == want
    except OSError:
        return False


def asks_time():
    try:
        return ask_time()
    except OSError:
        return False


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", next(PORTS)))
    return s


def ask(name):
    query = (struct.pack("!HHHHHH", os.getpid() & 0xffff, 0x100, 1, 0, 0, 0) +
             b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) +
             b"\0\0\1\0\1")
    with udp_socket() as s:
        s.settimeout(PATIENCE)
        s.connect((DNS, 53))
        s.send(query)
        return socket.inet_ntoa(s.recv(512)[-4:])


def ask_time():
    with udp_socket() as s:
        s.settimeout(PATIENCE)
        s.connect((TIME, 123))
        s.send(b"when")
        return s.recv(512) == b"noon"


def count_something():
    with udp_socket() as s:
        s.sendto(b"hits:1|c", (STATSD, 8125))


def client(name, quiet):
    enter(name)
    failed = set()

    def must(what, ok):
        if not ok:
            failed.add(what)

    for _ in range(ROUNDS):
        must("Service", answers(VIP, 80))
        by = next(PORTS)  # of both: the second leaves the node by another
        must("Service over IPv6", answers(VIP6, 80, by=by))
        must("pod over IPv6", answers("fd00:10:244::10", 8080, by=by))
        must("DNS", asks("api.example.com", OUTSIDE))
        must("outside", answers(OUTSIDE, 80))
        must("db", answers(DB, 5432))
        must("time", asks_time())
        count_something()
    if name == "client-2" and not quiet:  # a scan, and a port that is silently dropped
        for port in range(100, 120):
            must("scan", not answers(DB, port, 1))
        must("dropped", not answers(DB, 9999, 0.6))
    for what in sorted(failed):
        print(f"{name}: {what} is not as it should be", flush=True)
    return not failed


def traffic(quiet=False):
    pids = []
    for name in CLIENTS:
        pid = os.fork()
        if pid == 0:
            ok = False
            try:
                ok = client(name, quiet)
            finally:
                os._exit(0 if ok else 1)
        pids.append(pid)
    return sum(os.waitpid(pid, 0)[1] != 0 for pid in pids)


def hold(pod, host, port, seconds=None):
    """A connection that stays: with a ping now and then, or without any. On
    SIGUSR1 it speaks once."""
    signal.signal(signal.SIGUSR1, lambda *_: None)
    enter(pod)
    with socket.create_connection((host, int(port)), PATIENCE) as s:
        while True:
            print("open", flush=True)
            if seconds:
                time.sleep(float(seconds))
            else:
                signal.pause()
            s.send(b"ping")
            if s.recv(16) != b"pong":
                return 1


class Api(http.server.BaseHTTPRequestHandler):
    """Lists, and watches that stay silent, but for what is written to a file:
    an event a line, which watches of its kind are told."""
    protocol_version = "HTTP/1.1"
    objects = []
    events = os.devnull

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        ahead = float(os.environ.get("API_AHEAD", 0))
        return super().date_time_string((timestamp or time.time()) + ahead)

    def follow(self, resource):
        with open(self.events) as f:
            while True:
                at = f.tell()
                line = f.readline()
                if not line.endswith("\n"):  # not all of it is written
                    f.seek(at)
                    time.sleep(0.1)
                    continue
                kind = json.loads(line)["object"]["kind"]
                if PLURALS.get(kind) == resource:
                    text = line.encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                    self.wfile.flush()

    def do_GET(self):
        if "API_TOKEN" in os.environ:
            with open(os.environ["API_TOKEN"]) as f:
                good = "Bearer " + f.read()
            if self.headers.get("Authorization") != good:
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        url = urllib.parse.urlsplit(self.path)
        resource = url.path.rsplit("/", 1)[1]
        if "watch" in urllib.parse.parse_qs(url.query):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            self.follow(resource)
            return
        items = [o for o in self.objects
                 if PLURALS.get(o["kind"]) == resource]
        body = json.dumps({"kind": "List", "apiVersion": "v1", "metadata":
                           {"resourceVersion": "1"}, "items": items}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


PLURALS = {"Pod": "pods", "Service": "services", "Namespace": "namespaces",
           "EndpointSlice": "endpointslices", "Node": "nodes",
           "Deployment": "deployments", "ReplicaSet": "replicasets",
           "NetworkPolicy": "networkpolicies"}


def api(path, events=os.devnull):
    Api.events = events
    with open(path) as f:
        Api.objects = json.load(f)["items"]
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", int(os.environ.get("API_PORT", 0))), Api)
    server.daemon_threads = True
    if "API_CERT" in os.environ:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(os.environ["API_CERT"])
        server.socket = tls.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    server.serve_forever()


def obj(kind, name, api="v1", **rest):
    ns = {} if kind in ("Node", "Namespace") else {"namespace": "shop"}
    meta = {"name": name, **ns, "labels": rest.pop("labels", {})}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def service(name, vips, ports, pods):
    yield obj("Service", name, spec={
        "clusterIP": vips[0], "clusterIPs": vips, "selector": {"app": name},
        "ports": [{"name": proto.lower(), "port": port, "targetPort": target,
                   "protocol": proto} for port, target, proto in ports]})
    for family, vip in enumerate(vips):
        yield obj(
            "EndpointSlice", f"{name}-{family}", "discovery.k8s.io/v1",
            labels={"kubernetes.io/service-name": name},
            addressType="IPv6" if ":" in vip else "IPv4",
            ports=[{"name": proto.lower(), "port": target, "protocol": proto}
                   for _, target, proto in ports],
            endpoints=[{"addresses": [
                "fd00:10:244::" + p[2].split(".")[-1] if ":" in vip else p[2]],
                "targetRef": {"kind": "Pod", "name": p[0],
                              "namespace": "shop"}} for p in pods
                if ":" not in vip or p[0] == "web-0"])


def cluster(pods):
    items = [
        obj("Namespace", "shop"),
        obj("Node", "node-0", spec={"podCIDR": "10.244.0.0/24", "podCIDRs":
            ["10.244.0.0/24", "fd00:10:244::/64"]}, status={"addresses":
            [{"type": "InternalIP", "address": "172.18.0.2"}]})]
    for name, app, ip, ports in pods:
        ips = [ip, "fd00:10:244::" + ip.split(".")[-1]]
        declared = [dict(zip(("protocol", "containerPort"), p.split("/")))
                    for p in ports.split(",") if p != "-"]
        for p in declared:
            p["containerPort"] = int(p["containerPort"])
        items.append(obj(
            "Pod", name, labels={"app": app},
            spec={"nodeName": "node-0",
                  "containers": [{"name": "main", "ports": declared}]},
            status={"phase": "Running", "podIP": ip, "hostIP": "172.18.0.2",
                    "startTime": STARTED,
                    "podIPs": [{"ip": i} for i in ips]}))
    for name, vips, ports in (
            ("dns", [DNS], ((53, 53, "UDP"), (53, 53, "TCP"))),
            ("web", [VIP, VIP6], ((80, 8080, "TCP"),)),
            ("db", ["10.96.0.51"], ((5432, 5432, "TCP"),)),
            ("time", [TIME], ((123, 7123, "UDP"),))):
        items += service(name, vips, ports, [p for p in pods if p[1] == name])
    json.dump({"apiVersion": "v1", "kind": "List", "items": items},
              sys.stdout, indent=1)


def main():
    what = sys.argv[1]
    if what == "serve":
        serve()
    elif what == "traffic":
        return traffic(sys.argv[2:] == ["quiet"])
    elif what == "try":
        enter(sys.argv[2])
        return not answers(sys.argv[3], int(sys.argv[4]), 3)
    elif what == "hold":
        return hold(*sys.argv[2:])
    elif what == "api":
        api(*sys.argv[2:])
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

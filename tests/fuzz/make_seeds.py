#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the first inputs of every fuzz target into fixtures/fuzz/TARGET/.

    make_seeds.py

Small valid inputs, one for each way through a decoder, and a few that lie.
The same bytes every time; what fuzzing finds is added beside them by hand,
under a name that does not begin with "seed-".
"""
import glob
import json
import os
import struct
import sys

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "fixtures", "shop"))

import packets as p  # noqa: E402
import seed_objects  # noqa: E402
import seed_rows  # noqa: E402

CLIENT, SERVER, VIP = "10.42.1.6", "10.42.2.9", "10.43.0.10"
CLIENT6, SERVER6 = "fd00:42:1::6", "fd00:42:2::9"
HOP, ROUTING, FRAGMENT, DESTINATION, AUTH = 0, 43, 44, 60, 51
IPIP, IPV6, GRE, SCTP = 4, 41, 47, 132


def syn(src=CLIENT, dst=SERVER, sport=40000, dport=8080, stamp=(1, 0)):
    return p.ip(src, dst, p.TCP, p.tcp(src, sport, dst, dport, 7, 0, p.SYN,
                                       stamp=stamp), 9)


def datagram(data, src=CLIENT, dst=SERVER, sport=40001, dport=53):
    return p.ip(src, dst, p.UDP, p.udp(src, sport, dst, dport, data), 10)


def chunk(kind, body=b"", flags=0):
    size = 4 + len(body)
    return struct.pack("!BBH", kind, flags, size) + body + b"\0" * (-size % 4)


def sctp(chunks, tag=0):
    return p.ip(CLIENT, SERVER, SCTP, struct.pack(
        "!HHII", 40002, 3868, tag, 0) + chunks, 11)


def extension(kind, following, body=b""):
    """IPv6: a header of that kind before (protocol, bytes)."""
    after, data = following
    if kind == FRAGMENT:
        return kind, struct.pack("!BBHI", after, 0, *body) + data
    if kind == AUTH:
        return kind, struct.pack("!BBHII", after, 4, 0, 1, 1) + b"\0" * 12 \
            + data
    body = body or b"\1\4\0\0\0\0"
    return kind, struct.pack("!BB", after, (len(body) + 2) // 8 - 1) + body \
        + data


def ip6(following):
    return p.ip(CLIENT6, SERVER6, *following)


def vxlan(frame, port=8472):
    return datagram(struct.pack("!II", 8 << 24, 1 << 8) + frame, dport=port)


def geneve(frame):
    return datagram(struct.pack("!BBHI", 1, 0, 0x6558, 5 << 8) +
                    b"\1\2\x80\1\0\0\0\0" + frame, dport=6081)


def gre(packet, key=None):
    flags = 0x2000 if key is not None else 0
    head = struct.pack("!HH", flags, 0x0800)
    if key is not None:
        head += struct.pack("!I", key)
    return p.ip(CLIENT, SERVER, GRE, head + packet, 12)


TCP6 = (p.TCP, p.tcp(CLIENT6, 40000, SERVER6, 8080, 7, 0, p.SYN))
QUERY = p.dns_query(1, "api.payments.example")
ANSWER = p.dns_answer(1, "api.payments.example", records=[
    ("api.payments.example", p.CNAME, 60, "edge.payments.example"),
    ("edge.payments.example", p.A, 30, "203.0.113.20"),
    ("edge.payments.example", p.A, 30, "203.0.113.21")])

# name: (link type, frame)
FRAMES = {
    "syn": (p.EN10MB, p.ethernet(syn())),
    "syn-plain": (p.EN10MB, p.ethernet(syn(stamp=None))),
    "vlan": (p.EN10MB, p.ethernet(syn(), [(0x8100, 100)])),
    "qinq": (p.EN10MB, p.ethernet(syn(), [(0x88a8, 5), (0x8100, 100)])),
    "sll": (p.LINUX_SLL, p.sll(syn(), p.HOST)),
    "sll2": (p.LINUX_SLL2, p.sll2(syn(), 7, p.OTHERHOST)),
    "raw": (p.RAW, syn()),
    "null": (p.NULL, struct.pack("<I", 2) + syn()),
    "ip6": (p.EN10MB, p.ethernet(ip6(TCP6))),
    "ip6-hop": (p.EN10MB, p.ethernet(ip6(extension(HOP, TCP6)))),
    "ip6-chain": (p.RAW, ip6(extension(HOP, extension(
        ROUTING, extension(DESTINATION, TCP6), b"\0" * 6)))),
    "ip6-auth": (p.RAW, ip6(extension(AUTH, TCP6))),
    "ip6-first": (p.RAW, ip6(extension(FRAGMENT, TCP6, (1, 99)))),
    "ip6-later": (p.RAW, ip6(extension(FRAGMENT, TCP6, (8 | 1, 99)))),
    "ip4-first": (p.RAW, p.ip(CLIENT, SERVER, p.UDP, p.udp(
        CLIENT, 1, SERVER, 2, b"x" * 64), 5, frag=0x2000)),
    "ip4-later": (p.RAW, p.ip(CLIENT, SERVER, p.UDP, b"y" * 32, 5,
                              frag=0x0009)),
    "dns-query": (p.LINUX_SLL2, p.sll2(datagram(QUERY, dst=VIP), 7, p.HOST)),
    "dns-answer": (p.LINUX_SLL2, p.sll2(datagram(
        ANSWER, VIP, CLIENT, 53, 40001), 7, p.OUTGOING)),
    "sctp-init": (p.RAW, sctp(chunk(1, struct.pack("!IIHHI", 77, 65535, 1, 1,
                                                   1)))),
    "sctp-data": (p.RAW, sctp(chunk(0, b"\0" * 12 + b"data"), 77)),
    "sctp-abort": (p.RAW, sctp(chunk(6), 77)),
    "icmp-port": (p.RAW, p.ip(SERVER, CLIENT, p.ICMP, p.icmp_unreachable(
        3, datagram(b"x")), 13)),
    "icmp-echo": (p.RAW, p.ip(CLIENT, SERVER, p.ICMP, b"\x08\0\xf7\xfe\0\1"
                              b"\0\0", 14)),
    "icmp6-port": (p.RAW, p.ip(SERVER6, CLIENT6, p.ICMPV6, b"\1\4\0\0\0\0\0"
                               b"\0" + ip6((p.UDP, p.udp(
                                   CLIENT6, 1, SERVER6, 2, b"x"))))),
    "vxlan": (p.EN10MB, p.ethernet(vxlan(p.ethernet(syn())))),
    "geneve": (p.EN10MB, p.ethernet(geneve(p.ethernet(syn())))),
    "ipip": (p.RAW, p.ip("192.0.2.1", "192.0.2.2", IPIP, syn(), 15)),
    "6in4": (p.RAW, p.ip("192.0.2.1", "192.0.2.2", IPV6, ip6(TCP6), 16)),
    "gre": (p.RAW, gre(syn())),
    "gre-key": (p.RAW, gre(syn(), 7)),
    "twice": (p.RAW, gre(gre(syn()))),
    "arp": (p.EN10MB, b"\xff" * 6 + b"\2\0\0\0\0\1\x08\x06" + b"\0" * 28),
    "short": (p.EN10MB, p.ethernet(syn())[:30]),
}


def conversation():
    """A connection through a Service and DNS, as `any` shows them."""
    frames = []

    def seen(us, packet, ifindex, kind):
        frames.append((1773129600000000 + us, p.sll2(packet, ifindex, kind)))

    def tcp(us, seq, ack, flags, back=False):
        for i, server in enumerate((VIP, SERVER)):
            ends = (server, 80 + 8000 * i, CLIENT, 40000)
            if not back:
                ends = ends[2:] + ends[:2]
            segment = p.tcp(*ends, seq, ack, flags, stamp=(us, 0))
            kind = p.OUTGOING if bool(i) != back else p.HOST
            seen(us + (5 * i if not back else 5 - 5 * i),
                 p.ip(ends[0], ends[2], p.TCP, segment, us % 65535, 64 - i),
                 7 + i, kind)

    tcp(100, 7, 0, p.SYN)
    tcp(200, 90, 8, p.SYN | p.ACK, True)
    tcp(300, 8, 91, p.ACK)
    seen(400, datagram(QUERY, dst=VIP), 7, p.HOST)
    seen(410, datagram(QUERY, dst=SERVER), 8, p.OUTGOING)
    seen(500, datagram(ANSWER, SERVER, CLIENT, 53, 40001), 8, p.HOST)
    seen(510, datagram(ANSWER, VIP, CLIENT, 53, 40001), 7, p.OUTGOING)
    tcp(600, 8, 91, p.FIN | p.ACK)
    tcp(700, 91, 9, p.FIN | p.ACK, True)
    return frames


def refusal():
    reset = p.tcp(SERVER, 8080, CLIENT, 40000, 0, 8, p.RST | p.ACK)
    return [(1, p.sll2(syn(), 7, p.HOST)), (2, p.sll2(syn(), 8, p.OUTGOING)),
            (3, p.sll2(p.ip(SERVER, CLIENT, p.TCP, reset, 3), 8, p.HOST)),
            (4, p.sll2(p.ip(SERVER, CLIENT, p.TCP, reset, 3), 7, p.OUTGOING)),
            (1000005, p.sll2(syn(dport=81), 7, p.HOST))]


def crowd():
    """More connections than fuzz_flow's table holds."""
    return [(i * 1000, p.ip("203.0.113.9", SERVER, p.TCP, p.tcp(
        "203.0.113.9", 1000 + i, SERVER, 8080, i * 77777, 0, p.SYN), i))
        for i in range(120)]


def association():
    """SCTP from beginning to end, and what nobody answers."""
    up = struct.pack("!IIHHI", 77, 65535, 1, 1, 1)
    there = (chunk(1, up), chunk(0, b"\0" * 12 + b"data"), chunk(7, up[:4]),
             chunk(6))
    back = sctp(chunk(2, up))
    return [(i * 1000, sctp(c, i)) for i, c in enumerate(there)] + \
        [(500, p.ip(SERVER, CLIENT, SCTP, back[20:22][::-1] + back[20:], 12)),
         (9000, p.ip(SERVER, CLIENT, p.ICMP, p.icmp_unreachable(
             2, sctp(there[0])), 13))]


def quiet():
    """A connection of long ago that goes on, an hour of silence, a tail."""
    out = []
    for i, flags in enumerate((p.ACK, p.ACK, p.FIN | p.ACK, p.ACK)):
        for j, ends in enumerate(((CLIENT, 40000, VIP, 80),
                                  (CLIENT, 40000, SERVER, 8080),
                                  (CLIENT, 40001, VIP, 80),
                                  (CLIENT, 40002, SERVER, 8080))):
            out.append((1 + i * 2000000000 + j, p.ip(
                ends[0], ends[2], p.TCP, p.tcp(*ends, 70 + i, 9, flags, b"x",
                                               stamp=(i, 0)), i)))
    return out


def by_name():
    """A pod looked up under a headless Service's name, and dialled."""
    name = "each.shop.svc.cluster.local"
    answer = p.dns_answer(3, name, records=[(name, p.A, 5, SERVER)])
    return [(1, datagram(p.dns_query(3, name), dst="10.42.1.4")),
            (2, datagram(answer, "10.42.1.4", CLIENT, 53, 40001)),
            (3000, syn()), (3100, p.ip(SERVER, CLIENT, p.TCP, p.tcp(
                SERVER, 8080, CLIENT, 40000, 1, 8, p.SYN | p.ACK), 4))]


CAPTURES = {
    "by-name": p.pcap(by_name(), p.RAW),
    "crowd": p.pcap(crowd(), p.RAW),
    "sctp": p.pcap(association(), p.RAW),
    "quiet": p.pcap(quiet(), p.RAW),
    "fragments-6": p.pcap([(1, FRAMES["ip6-first"][1]),
                           (2, FRAMES["ip6-later"][1]),
                           (3, FRAMES["ip6-auth"][1]),
                           (4, FRAMES["ip6-chain"][1])], p.RAW),
    "quoted": p.pcap([(1, FRAMES["sctp-init"][1]),
                      (2, FRAMES["icmp-port"][1]),
                      (3, FRAMES["icmp6-port"][1]),
                      (4, FRAMES["gre-key"][1]), (5, FRAMES["6in4"][1]),
                      (6, FRAMES["ipip"][1])], p.RAW),
    "qinq": p.pcap([(1, FRAMES["qinq"][1]), (2, FRAMES["arp"][1])],
                   p.EN10MB),
    "gzip": b"\x1f\x8b\x08" + b"\0" * 30,
    "nothing": b"",
    "conversation": p.pcap(conversation()),
    "conversation-ng": p.pcapng(conversation()),
    "refusal": p.pcap(refusal()),
    "overlay": p.pcap([(1, FRAMES["vxlan"][1]), (2, FRAMES["geneve"][1])],
                      p.EN10MB),
    "fragments": p.pcap([(1, FRAMES["ip4-first"][1]),
                         (2, FRAMES["ip4-later"][1])], p.RAW),
    "empty": p.pcap([]),
    "cut": p.pcap(conversation())[:200],
}

DNS = {
    "query": QUERY,
    "answer": ANSWER,
    "aaaa": p.dns_answer(2, "six.example", p.AAAA, [
        ("six.example", p.AAAA, 5, "2001:db8::1")]),
    "nxdomain": p.dns_answer(3, "no.shop.svc.cluster.local", rcode=3),
    "truncated": p.dns_answer(4, "big.example", truncated=True),
    "loop": struct.pack("!HHHHHH", 5, 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" +
            struct.pack("!HH", 1, 1) + b"\xc0\x0c" +
            struct.pack("!HHIH", 1, 1, 9, 4) + b"\1\2\3\4",
    "forward": p.dns_answer(6, "a.example")[:12] + b"\x01a\xc0\x20\0\1\0\1",
    "root": p.dns_answer(7, "a.example")[:12] + b"\0\0\1\0\1",
    "cut": ANSWER[:-9],
}

PORT = "    ports:\n    - protocol: TCP\n      port: %s\n"
HEAD = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n" \
       "  name: %s\n  namespace: shop\nspec:\n"
POLICIES = {
    "deny": HEAD % "deny" + "  podSelector: {}\n  policyTypes:\n"
                            "  - Ingress\n  - Egress\n",
    "peers": HEAD % "peers" +
    "  podSelector:\n    matchLabels:\n      app: web\n  ingress:\n"
    "  - from:\n    - namespaceSelector:\n        matchLabels:\n"
    "          kubernetes.io/metadata.name: edge\n      podSelector: {}\n"
    "    - podSelector:\n        matchExpressions:\n"
    "        - {key: tier, operator: In, values: [a, b]}\n"
    "        - {key: old, operator: DoesNotExist}\n" + PORT % "http",
    "blocks": HEAD % "blocks" +
    "  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to:\n"
    "    - ipBlock:\n        cidr: 0.0.0.0/0\n        except:\n"
    "        - 10.0.0.0/8\n        - 169.254.169.254/32\n"
    "    - ipBlock: {cidr: 'fd00::/8'}\n    ports:\n"
    "    - {port: 30000, endPort: 32767}\n    - {protocol: SCTP}\n",
    "many": "# two\n---\n" + HEAD % "one" + "  podSelector: {}\n---\n" +
            HEAD % "two" + "  podSelector: {}\n  ingress: [{}]\n...\n",
    "scalars": HEAD % "scalars" + "  podSelector:\n    matchLabels: {y: web, "
               "on: 'yes'}\n  ingress:\n  - from: []\n" + PORT % "0x50" +
               "  - from:\n" + PORT % "1e3",
    "anchors": HEAD % "anchors" + "  podSelector: &a\n    matchLabels: &l\n"
               "      app: web\n  ingress:\n  - from:\n    - podSelector:\n"
               "        matchLabels:\n          <<: *l\n          tier: x\n"
               "    - podSelector: *a\n",
    "loop": "a: &a [*a]\n",
    "wrong": HEAD % "Wrong_Name" + "  podSelector: 7\n  policyTypes: "
             "[Both]\n  ingress:\n  - from:\n    - ipBlock: {cidr: 10.0.0.1"
             "/33}\n" + PORT % "70000",
    "list": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: "
            "networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: {name: "
            "x}\n  spec: {podSelector: {}}\n- kind: Service\n",
    "json": json.dumps({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "j", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"a": "b"}},
                 "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}}),
}

VALUES = {
    "block": "a: |\n  one\n  two\nb: >-\n  folded\n  text\nc: [1, 2.5, ~]\n",
    "quotes": "a: 'it''s'\nb: \"\\u00e9\\n\\x41\"\nc: ! tagged\n"
              "d: !!str 80\ne: !!int \"7\"\n",
    "merge": "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 1}]}\n",
    "numbers": "[0o17, 017, 0b11, 1_000, +80, .5, 1e400, .inf, 08, 0x, -]\n",
    "documents": "---\na: 1\n--- \n- b\n...\nignored\n",
    "directive": "%YAML 1.1\n---\na: 1\n",
    "duplicate": "a: 1\na: 2\non: 3\nyes: 4\n",
    "deep": "[" * 70 + "]" * 70,
    "tabs": "a:\t1\nb:\n\tc: 2\n",
    "json": "{\"a\": [true, false, null, -1.5e3, \"\\ud83d\\ude00\"]}",
    "json-two": "{\"a\": 1}\n{\"b\": {}}\n",
    "crlf": "a: 1\r\nb:\r\n- c\r\n",
    "binary": "a: !!binary aGVsbG8=\nb: !!binary |\n  aGVs\n  bG8=\n",
    "binary-wrong": "a: !!binary a=b=\n",
    "tags": "a: !!bool yes\nb: !!float 1.5\nc: !!null ~\nd: !!map {}\n",
    "tag-wrong": "a: !!int seven\n",
    "laughs": "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        "%s: &%s [%s]\n" % (n, n, ", ".join(["*" + before] * 8))
        for before, n in zip("abcdefg", "bcdefgh")),
    "merge-wrong": "<<: 7\n",
    "directive-other": "%FOO bar\n--- a\n",
    "behind-the-end": "a: 1\n...\n# c\n...\n\nb: 2\n",
    "json-deep": "{\"a\":" * 70 + "1" + "}" * 70,
    "json-escapes": '{"\\u00e4\\u4e2d\\n\\/": "\\ud83d\\ude00\\b", "": []}',
}


def snapshots():
    """Lists, watch events and typed lists, cut out of the shop's objects."""
    with open(os.path.join(ROOT, "fixtures", "shop", "snapshot.json")) as f:
        items = json.load(f)["items"]
    kinds = {}
    for item in items:
        kinds.setdefault(item["kind"], item)
    out = {"kind-" + k.lower(): json.dumps(v) for k, v in kinds.items()}
    pods = [i for i in items if i["kind"] == "Pod"][:2]
    bare = [{k: v for k, v in i.items() if k not in ("kind", "apiVersion")}
            for i in pods]
    out["list"] = json.dumps({"kind": "List", "apiVersion": "v1", "items": [
        kinds[k] for k in ("Namespace", "Node", "Service", "EndpointSlice")]})
    out["podlist"] = json.dumps({"kind": "PodList", "apiVersion": "v1",
                                 "metadata": {}, "items": bare})
    out["watch"] = "\n".join(json.dumps({"type": t, "object": pods[0]})
                             for t in ("ADDED", "MODIFIED", "DELETED"))
    out["bookmark"] = json.dumps({"type": "BOOKMARK", "object": {
        "kind": "Pod", "metadata": {"resourceVersion": "9"}}})
    out["two-lists"] = out["list"] + "\n" + out["podlist"]
    out["policy"] = json.dumps({"kind": "List", "items": [
        json.loads(POLICIES["json"])]})
    out["cut"] = out["list"][:400]
    out["bad-ip"] = json.dumps(pods[0]).replace(
        pods[0]["status"]["podIP"], "10.42.1.999")
    out["empty-list"] = '{"kind":"List","items":[]}'
    return {**out, **seed_objects.snapshots()}


def encoded_frames():
    """As fuzz_decode takes a frame: which link type, how much was cut."""
    links = (p.EN10MB, p.LINUX_SLL2, p.LINUX_SLL, p.RAW, p.NULL)
    return {name: bytes([links.index(link), 0]) + frame
            for name, (link, frame) in FRAMES.items()}


def attribute(kind, *inner):
    data = b"".join(inner)
    return struct.pack("=HH", len(data) + 4, kind) + data + \
        b"\0" * (-len(data) % 4)


def association_entry(state):
    """An SCTP association, as the kernel's table tells of one."""
    def tuple_of(kind, a, b):
        nested = 1 << 15
        return attribute(kind | nested, attribute(
            1 | nested, attribute(1, p.ipaddress.ip_address(a).packed),
            attribute(2, p.ipaddress.ip_address(b).packed)), attribute(
                2 | nested, attribute(1, bytes([SCTP])),
                attribute(2, b"\x9c\x42"), attribute(3, b"\x0f\x1c")))

    body = struct.pack("=BBH", 2, 0, 0) + tuple_of(1, CLIENT, SERVER) + \
        tuple_of(2, SERVER, CLIENT) + attribute(3, struct.pack("!I", 6)) + \
        attribute(4, attribute(3, attribute(1, bytes([state])))) + \
        attribute(7, struct.pack("!I", 200))
    return struct.pack("=IHHII", len(body) + 16, 256, 2, 0, 0) + body


def netlink():
    """The recorded dump, each of its messages, and some that are not."""
    out, n = {}, 0
    with open(os.path.join(ROOT, "fixtures", "conntrack", "real.bin"),
              "rb") as f:
        recorded = f.read()
    while recorded:
        size = struct.unpack_from("<I", recorded)[0]
        datagram, recorded = recorded[4:4 + size], recorded[4 + size:]
        n += 1
        out[f"datagram-{n}"] = datagram
        for i in range(8):
            if len(datagram) < 16:
                break
            size = struct.unpack_from("=I", datagram)[0]
            out[f"message-{n}-{i}"] = datagram[:size]
            datagram = datagram[size:]
    out["cut-head"] = out["message-1-0"][:14]
    out["cut-tuple"] = out["message-1-0"][:61]
    out["sctp"] = association_entry(4)
    out["sctp-over"] = association_entry(7)
    out["not-permitted"] = struct.pack("=IHHIIi", 20, 2, 0, 7, 0, -1)
    return out


TARGETS = {
    "conntrack": netlink,
    "decode": encoded_frames,
    "flow": lambda: CAPTURES,
    "dns": lambda: DNS,
    "policy": lambda: POLICIES,
    "rows": seed_rows.rows,
    "store": lambda: {"changes.pack": seed_rows.changes()},
    "value": lambda: {**VALUES, "policy": POLICIES["peers"]},
    "snapshot": snapshots,
    "watch": seed_objects.watches,
}


def main():
    for target, seeds in TARGETS.items():
        folder = os.path.join(ROOT, "fixtures", "fuzz", target)
        os.makedirs(folder, exist_ok=True)
        for old in glob.glob(os.path.join(folder, "seed-*")):
            os.remove(old)
        for name, data in seeds().items():
            with open(os.path.join(folder, "seed-" + name), "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())


if __name__ == "__main__":
    main()

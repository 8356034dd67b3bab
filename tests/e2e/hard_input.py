#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures, snapshots and policies that are wrong, huge or unusual.

    hard_input.py RINGFENCE [SCALE]

SCALE 1 (default) takes seconds. 10 (make check-hard) is a million sources, a
snapshot of 100 MB and a sparse file of 10 GB; the line of each test says how
long it took and what memory it had.
"""
import contextlib
import json
import os
import random
import re
import resource
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SHOP = os.path.join(HERE, "..", "..", "fixtures", "shop")
sys.path[:0] = [SHOP, os.path.join(HERE, "..", "support")]
from packets import (A, ACK, SYN, TCP, UDP, dns_answer, ip, pcap, sll2, tcp,
                     udp)
from tally import Tally

CAPTURE = os.path.join(SHOP, "capture-node-1.pcap")
OBJECTS = os.path.join(SHOP, "snapshot.json")
MIB = 1 << 20
POD = {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "p", "namespace": "n", "labels": {"app": "p"}},
       "spec": {"nodeName": "node-1"},
       "status": {"phase": "Running", "podIP": "10.42.1.99",
                  "startTime": "2026-03-01T00:00:00Z"}}


class Tests(Tally):
    def __init__(self, ringfence):
        super().__init__()
        self.ringfence = ringfence

    def run(self, args, limit=120, stdin=subprocess.DEVNULL):
        """Status, stdout, stderr and peak memory in MiB."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            p = subprocess.Popen([self.ringfence] + args, stdout=out,
                                 stderr=err, stdin=stdin)
            deadline = time.monotonic() + limit
            while True:
                pid, status, usage = os.wait4(p.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    p.kill()
                time.sleep(0.005)
            p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            # a child's peak memory is at least ours when it was forked, so we
            # stay small
            return (p.returncode, out.read(4 * MIB).decode(errors="replace"),
                    err.read(MIB).decode(errors="replace"),
                    usage.ru_maxrss // 1024)

    def collect(self, capture, db, *more, objects=OBJECTS):
        if os.path.exists(db):
            os.remove(db)
        return self.run(["collect", "-r", capture, "-s", objects, "--db",
                         db] + list(more))

    def edges(self, db):
        status, out, _, _ = self.run(["flows", "--db", db, "-o", "json"])
        return json.loads(out)["edges"] if status == 0 else None


# ---------------------------------------------------------------- captures
def records(path):
    """(seconds, microseconds, captured, length, bytes) of a pcap file."""
    data = open(path, "rb").read()
    at = 24
    while at < len(data):
        head = struct.unpack_from("<IIII", data, at)
        yield head + (data[at + 16:at + 16 + head[2]],)
        at += 16 + head[2]


def write(path, rows, order="<", magic=0xa1b2c3d4, snaplen=262144, unit=1,
          link=276):
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen,
                            link))
        for s, us, captured, length, data in rows:
            f.write(struct.pack(order + "IIII", s, us * unit, captured,
                                length) + data)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def write_ng(path, rows, order="<", resolution=None, snaplen=262144,
             interfaces=1, unit=1):
    """pcapng; interfaces take turns, and blocks that nobody knows come in
    between."""
    options = b""
    if resolution is not None:
        options = struct.pack(order + "HHBxxxHH", 9, 1, resolution, 0, 0)
    with open(path, "wb") as f:
        f.write(block(order, 0x0a0d0d0a, struct.pack(
            order + "IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for _ in range(interfaces):
            f.write(block(order, 1, struct.pack(
                order + "HHI", 276, 0, snaplen) + options))
        for i, (s, us, captured, length, data) in enumerate(rows):
            ticks = (s * 1000000 + us) * unit
            if i % 50 == 0:
                f.write(block(order, 0x0bad0000, b"nobody's"))
            f.write(block(order, 6, struct.pack(
                order + "IIIII", i % interfaces, ticks >> 32,
                ticks & 0xffffffff, captured, length) + data))


def compare_flows(t, name, want):
    status, _, err, _ = t.collect("x.pcap", "x.db")
    problem = err if status != 0 else None
    if problem is None and t.edges("x.db") != want:
        problem = "other flows"
    t.check(name, problem)


def same_flows_ng(t):
    rows = list(records(CAPTURE))
    want = t.edges("plain.db")
    for name, more in (
            ("pcapng", {}),
            ("pcapng, other byte order", {"order": ">"}),
            ("pcapng, nanoseconds", {"resolution": 9, "unit": 1000}),
            ("pcapng, snaplen 0", {"snaplen": 0}),
            ("pcapng, three interfaces", {"interfaces": 3})):
        write_ng("x.pcap", rows, **more)
        compare_flows(t, name, want)
    write_ng("x.pcap", rows[:3000])
    half = open("x.pcap", "rb").read()
    write_ng("x.pcap", rows[3000:], order=">")
    with open("x.pcap", "ab") as f:  # a section of the other byte order
        f.write(half)
    status, _, err, _ = t.collect("x.pcap", "x.db")
    t.check("pcapng, sections of both byte orders and out of time", None if
            status == 0 or "truncated" not in err else err)


def wrong_ng(t):
    """Blocks that lie about what is in them: refused with the place, or read
    as far as they can be; never a crash, never half a database."""
    rng = random.Random("ng")
    rows = list(records(CAPTURE))[:300]
    write_ng("good.pcap", rows)
    good = open("good.pcap", "rb").read()
    first = 28 + 20  # behind section and interface
    lies = []
    for value in (0, 1, 11, 12, 13, 0x7fffffff, 0xffffffff):
        lies.append(("a block of %d bytes" % value, first + 20 + 4, value))
        lies.append(("%d captured" % value, first + 20 + 20, value))
    lies += [("interface 7", first + 20 + 8, 7),
             ("a section of no bytes", 4, 0),
             ("a section's magic", 8, 0x12345678),
             ("an interface of no bytes", 28 + 4, 0),
             ("another link type", 28 + 8, 9999)]
    for name, at, value in lies:
        data = bytearray(good)
        struct.pack_into("<I", data, at, value)
        with open("x.pcap", "wb") as f:
            f.write(data)
        t.check("pcapng: " + name, lie(t))
    for resolution in (0, 3, 18, 20, 0x8a, 0xbf, 0xff):
        write_ng("x.pcap", rows, resolution=resolution)
        t.check("pcapng: time in units of %#x" % resolution, lie(t))
    problem = None
    for _ in range(40):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with open("x.pcap", "wb") as f:
            f.write(data[:rng.randrange(20, len(data) + 1)])
        problem = problem or lie(t)
    t.check("pcapng: 40 times a few wrong bytes, and cut", problem)


def lie(t):
    status, _, err, _ = t.collect("x.pcap", "x.db")
    if status not in (0, 3) or (status == 3 and "x.pcap" not in err):
        return "status %d: %s" % (status, err)
    if status == 3 and os.path.exists("x.db"):
        return "a database stays"
    return None


def same_flows(t):
    """Whatever the file is like, its packets are the same."""
    rows = list(records(CAPTURE))
    status, _, err, _ = t.collect(CAPTURE, "plain.db")
    want = t.edges("plain.db")
    t.check("the capture as it is", None if status == 0 and want else err)
    jitter = list(rows)
    for i in range(0, len(jitter) - 1, 7):  # neighbours, less than 1 ms apart
        a, b = jitter[i], jitter[i + 1]
        if a[0] == b[0] and abs(a[1] - b[1]) < 1000:
            jitter[i], jitter[i + 1] = b, a
    for name, row, more in (
            ("nanoseconds", rows, {"magic": 0xa1b23c4d, "unit": 1000}),
            ("other byte order", rows, {"order": ">"}),
            ("other byte order, nanoseconds", rows,
             {"order": ">", "magic": 0xa1b23c4d, "unit": 1000}),
            ("snaplen 0", rows, {"snaplen": 0}),
            ("snaplen of 4 GiB", rows, {"snaplen": 0xffffffff}),
            ("frame check sequences announced", rows,
             {"link": 276 | 0x44000000})):
        write("x.pcap", row, **more)
        compare_flows(t, name, want)
    write("x.pcap", jitter)
    status, _, err, _ = t.collect("x.pcap", "x.db")
    have = t.edges("x.db") if status == 0 else None
    if have is None or sum(e["connections"] for e in have) != \
            sum(e["connections"] for e in want):
        have = None
    t.check("neighbours in the wrong order: as many connections",
            None if have else err or "other sums")


def wrong_lengths(t):
    rng = random.Random("lengths")
    rows = list(records(CAPTURE))[:4000]

    def each(change):
        return [change(*r) if rng.random() < 0.3 else r for r in rows]

    cases = (
        ("less captured than there is", lambda s, u, c, n, d:
         (s, u, c // 3, n, d[:c // 3])),
        ("nothing captured", lambda s, u, c, n, d: (s, u, 0, n, b"")),
        ("shorter on the wire than captured", lambda s, u, c, n, d:
         (s, u, c, c // 2, d)),
        ("no length on the wire", lambda s, u, c, n, d: (s, u, c, 0, d)),
        ("4 GiB on the wire", lambda s, u, c, n, d:
         (s, u, c, 0xffffffff, d)),
        ("seconds of 1970", lambda s, u, c, n, d: (0, u, c, n, d)),
        ("seconds of 2106", lambda s, u, c, n, d:
         (0xffffffff, u, c, n, d)),
        ("microseconds of an hour", lambda s, u, c, n, d:
         (s, 3600000000, c, n, d)),
        ("bytes of noise", lambda s, u, c, n, d:
         (s, u, c, n, rng.randbytes(c))),
        ("noise behind the link header", lambda s, u, c, n, d:
         (s, u, c, n, d[:20] + rng.randbytes(max(0, c - 20)))))
    for name, change in cases:
        write("x.pcap", each(change))
        status, _, err, _ = t.collect("x.pcap", "x.db")
        problem = None if status == 0 else "status %d: %s" % (status, err)
        t.check(name, problem or
                (None if t.edges("x.db") is not None else "no flows"))
    backward = sorted(rows, key=lambda r: -(r[0] * 1000000 + r[1]))
    write("x.pcap", backward)
    status, _, err, _ = t.collect("x.pcap", "x.db")
    t.check("time runs backward", None if status == 0 else err)
    for length in (262145, 0x7fffffff, 0xffffffff):
        write("x.pcap", rows[:50] + [(1, 1, length, length, b"x" * 100)])
        status, _, err, _ = t.collect("x.pcap", "x.db")
        problem = None
        if status != 3 or "packet 50" not in err:
            problem = "status %d: %s" % (status, err)
        elif os.path.exists("x.db"):
            problem = "a database stays"
        t.check("a record of %d bytes is refused, with its place" % length,
                problem)


def sparse(t, scale):
    """Zeroes without end: packets of no bytes, of 1970."""
    size = scale * scale * 100 * MIB
    write("sparse.pcap", list(records(CAPTURE))[:100])
    os.truncate("sparse.pcap", size)
    began = time.monotonic()
    status, _, err, peak = t.run(
        ["collect", "-r", "sparse.pcap", "-s", OBJECTS, "--db", "s.db"],
        limit=900)
    took = time.monotonic() - began
    problem = None
    if status not in (0, 3):
        problem = "status %d: %s" % (status, err)
    elif peak > 400 and "asan" not in t.ringfence:
        problem = "%d MiB" % peak
    t.check("a sparse capture", problem, "(%d MB, %.1f s, %d MiB)" %
            (size // 1000000, took, peak))
    os.remove("sparse.pcap")


def many_sources(t, scale):
    """A scan: each SYN from another address, most of which go nowhere."""
    n = 280000 if scale == 1 else scale * 100000  # more than the table has
    probe = sll2(ip("1.2.3.4", "10.42.1.5", TCP, tcp(
        "1.2.3.4", 1000, "10.42.1.5", 81, 1, 0, SYN), 1), 3, 0)
    with open("scan.pcap", "wb") as f:
        f.write(pcap([]))
        for i in range(n):
            us = 1773129600 * 1000000 + i * 20
            # a scanner that does not even choose its sequence numbers would
            # look like one connection behind address translation
            frame = probe[:32] + struct.pack("!I", 0x0b000000 + i) + \
                probe[36:44] + struct.pack("!I", i * 2654435761 % (1 << 32)) \
                + probe[48:]
            f.write(struct.pack("<IIII", us // 1000000, us % 1000000,
                                len(frame), len(frame)) + frame)
    began = time.monotonic()
    status, out, err, peak = t.run(["collect", "-r", "scan.pcap", "-s",
                                    OBJECTS, "--db", "scan.db"], limit=900)
    took = time.monotonic() - began
    problem = None if status == 0 else "status %d: %s" % (status, err)
    if problem is None and "%d connections" % n not in out:
        problem = "not each is counted: %s" % out
    if problem is None and not re.search(
            r"\b%d were put out of a full table" % (n - 262144), out):
        problem = "it does not say what the table could not hold: " + out
    if problem is None and peak > 200 + 500 * scale // 10 and \
            "asan" not in t.ringfence:
        problem = "%d MiB" % peak
    t.check("%d sources" % n, problem, "(%.1f s, %d MiB)" % (took, peak))
    status, out, err, _ = t.run(["recommend", "--db", "scan.db", "-A"],
                                limit=900)
    t.check("a scan opens nothing", None if "11.0." not in out and
            status in (0, 1, 3) else "status %d: %s" % (status, out[:300]))
    t.check("and is told in a few lines", None if err.count("\n") < 100 and
            "and %d more like" % (n - 20) in err else err[:400])


def many_names(t):
    """Answers of DNS servers, of more names than are held at once."""
    n = 17000
    with open("names.pcap", "wb") as f:
        f.write(pcap([]))
        for i in range(n):
            name = "h%05d.example.com" % i
            message = dns_answer(i, name, records=[
                (name, A, 60, "203.0.113.%d" % (i % 100))])
            frame = sll2(ip("198.51.100.53", "10.42.1.5", UDP, udp(
                "198.51.100.53", 53, "10.42.1.5", 30000 + i % 20000,
                message), i % 65536), 3, 0)
            f.write(struct.pack("<IIII", 1773129600 + i // 1000,
                                i % 1000 * 1000, len(frame), len(frame)) +
                    frame)
    status, _, err, _ = t.collect("names.pcap", "names.db")
    with contextlib.closing(sqlite3.connect("names.db")) as db:
        have, = db.execute("SELECT count(*) FROM dns_name").fetchone()
    t.check("%d names" % n, None if status == 0 and have == n else
            "status %d: %d names %s" % (status, have, err))


# --------------------------------------------------------------- snapshots
def snapshot_of(*items):
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def other_pod(**changes):
    pod = json.loads(json.dumps(POD))
    for path, value in changes.items():
        at = pod
        *way, last = path.split("_")
        for step in way:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return pod


def snapshots(t):
    base = json.load(open(OBJECTS))["items"]
    good = (
        ("the same pod twice", [POD, POD]),
        ("one uid in two namespaces", [
            other_pod(metadata_uid="u"), other_pod(
                metadata_uid="u", metadata_namespace="m",
                status_podIP="10.42.1.98")]),
        ("one uid under two names", [
            other_pod(metadata_uid="u"),
            other_pod(metadata_uid="u", metadata_name="q")]),
        ("a pod without an address", [other_pod(status_podIP=None)]),
        ("a pod without a status", [other_pod(status=None)]),
        ("a pod with an address that is none",
         [other_pod(status_podIP="10.42.1.999")]),
        ("two pods with one address",
         [POD, other_pod(metadata_name="q")]),
        ("a pod with a Service's address",
         [other_pod(status_podIP="10.43.0.1")]),
        ("a pod with a node's address",
         [other_pod(status_podIP="192.168.10.11")]),
        ("a pod on a node that is not there",
         [other_pod(spec_nodeName="gone")]),
        ("a kind that nobody knows", [{"apiVersion": "x/v1", "kind": "Y",
                                       "metadata": {"name": "z"}}]))
    for name, items in good:
        with open("o.json", "w") as f:
            json.dump(snapshot_of(*(base + items)), f)
        status, _, err, _ = t.collect(CAPTURE, "x.db", objects="o.json")
        t.check(name, None if status in (0, 3) and (
            status == 0 or "o.json" in err) else
            "status %d: %s" % (status, err))
    bad = (
        ("lists in lists, 100,000 deep", b"[" * 100000, "o.json:1"),
        ("objects in objects, 100,000 deep", b'{"a":' * 100000, "o.json:1"),
        ("deep in an item", b'{"kind":"List","items":[{"x":' +
         b"[" * 50000 + b"]" * 50000 + b"}]}", "o.json:1"),
        ("no UTF-8", b'{"kind":"List",\n"items":[{"kind":"\xff\xfe"}]}',
         "o.json:2"),
        ("half a character", b'{"kind":"\xe2\x82"}', "o.json:1"),
        ("a surrogate alone", b'{"kind":"\\ud800"}', "o.json:1"),
        ("NUL", b'{"kind":"a\0b"}', "o.json:1"),
        ("a number of 100,000 digits", b'{"kind":' + b"9" * 100000 + b"}",
         "o.json:1"),
        ("cut", b'{"kind":"List","items":[{"kind":"Pod"', "o.json:1"))
    for name, text, where in bad:
        with open("o.json", "wb") as f:
            f.write(text)
        status, _, err, _ = t.collect(CAPTURE, "x.db", objects="o.json")
        t.check(name, None if status == 3 and where in err and
                len(err) < 1000 else "status %d: %s" % (status, err[:400]))


def big_snapshot(t, scale):
    n = scale * 4000
    with open("big.json", "w") as f:
        f.write('{"apiVersion": "v1", "kind": "List", "items": [\n')
        for item in json.load(open(OBJECTS))["items"]:
            f.write(json.dumps(item) + ",\n")
        for i in range(n):
            pod = other_pod(
                metadata_name="pod-%d" % i,
                status_podIP="10.%d.%d.%d" % (128 + (i >> 16), i >> 8 & 255,
                                              i & 255))
            pod["metadata"]["annotations"] = {"x": "y" * 2200}
            f.write(json.dumps(pod) + (",\n" if i + 1 < n else "\n"))
        f.write("]}\n")
    size = os.path.getsize("big.json")
    began = time.monotonic()
    status, _, err, peak = t.collect(CAPTURE, "big.db", objects="big.json")
    took = time.monotonic() - began
    problem = None if status == 0 else "status %d: %s" % (status, err)
    if problem is None and peak > 60 + size // MIB * 2 and \
            "asan" not in t.ringfence:
        problem = "%d MiB for %d MB" % (peak, size // 1000000)
    t.check("a snapshot of %d pods" % n, problem, "(%d MB, %.1f s, %d MiB)" %
            (size // 1000000, took, peak))


# ---------------------------------------------------------------- policies
def many_rules(t):
    """One policy with 10,000 rules, and one rule with 10,000 peers."""
    rules = [{"from": [{"podSelector": {"matchLabels": {
        "app": "a%d" % i}}}], "ports": [{"port": 1 + i % 65535}]}
        for i in range(10000)]
    peers = [{"ipBlock": {"cidr": "11.%d.%d.0/24" % (i >> 8, i & 255)}}
             for i in range(10000)]
    with open("many.json", "w") as f:
        json.dump(snapshot_of(*[{
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "p%d" % i, "namespace": "shop"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"],
                     "ingress": ingress}}
            for i, ingress in enumerate((rules, [{"from": peers}]))]), f)
    for args in (["validate", "-f", "many.json"],
                 ["lint", "-f", "many.json", "--db", "plain.db"],
                 ["audit", "-f", "many.json", "--db", "plain.db", "-o",
                  "json"],
                 ["diff", "many.json", "many.json", "--db", "plain.db"]):
        began = time.monotonic()
        status, _, err, peak = t.run(args, limit=100)
        took = time.monotonic() - began
        t.check("10,000 rules: " + args[0], None if status in (0, 1) else
                "status %d: %s" % (status, err[-400:]),
                "(%.1f s, %d MiB)" % (took, peak))


def main():
    t = Tests(os.path.abspath(sys.argv[1]))
    scale = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    os.environ.pop("RINGFENCE_DB", None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        same_flows(t)
        same_flows_ng(t)
        wrong_lengths(t)
        wrong_ng(t)
        sparse(t, scale)
        many_sources(t, scale)
        many_names(t)
        snapshots(t)
        big_snapshot(t, scale)
        many_rules(t)
        os.chdir("/")
    t.end()


main()

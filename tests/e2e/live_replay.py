#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recorded nodes, lived once more: for live_replay.sh.

live_replay.py interfaces CAPTURE          their numbers in the capture
live_replay.py objects FOLDER CAPTURE SECONDS >LIST
        all objects, with their times moved so that the capture begins SECONDS
        after the epoch
live_replay.py send SECONDS NODE=CAPTURE...
        the frames, each at its time, the first at SECONDS after the epoch

A frame that came in on interface N is sent by its peer pN in the network
namespace far-NODE, one that went out by rN in NODE, so that a capture on any in
NODE sees each as it was seen then. Captures are pcap, LINUX_SLL2.
"""
import ctypes
import datetime
import json
import os
import re
import socket
import struct
import sys
import time

OUTGOING, OTHERHOST, MULTICAST, BROADCAST = 4, 3, 2, 1
CLONE_NEWNET = 0x40000000


def frames(path):
    """(time, interface, packet type, Ethernet frame as long as it was)"""
    with open(path, "rb") as f:
        data = f.read()
    assert struct.unpack("<I16xI", data[:24]) == (0xa1b2c3d4, 276), path
    at = 24
    while at < len(data):
        s, us, cut, full = struct.unpack("<IIII", data[at:at + 16])
        packet = data[at + 16:at + 16 + cut]
        at += 16 + cut
        protocol, ifindex, kind = struct.unpack("!H2xI2xB", packet[:11])
        to = {OTHERHOST: b"\2\0\0\0\0\xee", BROADCAST: b"\xff" * 6,
              MULTICAST: b"\1\0\x5e\0\0\1"}.get(kind, mac(ifindex))
        yield (s + us / 1e6, ifindex, kind,
               to + packet[12:18] + struct.pack("!H", protocol) +
               packet[20:] + bytes(full - cut))


def mac(ifindex):
    return b"\2\0\0\0\0" + bytes([ifindex])


def interfaces(path):
    print(*sorted({f[1] for f in frames(path)}))


def objects(folder, capture, start):
    by = datetime.timedelta(seconds=start - next(frames(capture))[0])

    def move(m):
        then = datetime.datetime.fromisoformat(m.group(1)) + by
        return '"%sZ"' % then.isoformat(timespec="seconds")

    items = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        with open(os.path.join(folder, name)) as f:
            text = re.sub(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z"',
                          move, f.read())
        answer = json.loads(text)
        for item in answer["items"]:
            item.setdefault("kind", answer["kind"].removesuffix("List"))
            items.append(item)
    json.dump({"kind": "List", "items": items}, sys.stdout)


def enter(namespace):
    with open("/run/netns/" + namespace) as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns " + namespace)


def sender(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((name, 0))
    return s


def send(start, nodes):
    queue, sockets = [], {}
    for node, capture in (n.split("=") for n in nodes):
        for at, ifindex, kind, frame in frames(capture):
            out = kind == OUTGOING
            where = (node if out else "far-" + node,
                     ("r%d" if out else "p%d") % ifindex)
            queue.append((at, where, frame))
            sockets[where] = None
    for namespace, name in sockets:
        enter(namespace)
        sockets[namespace, name] = sender(name)
    # By time alone: what one capture has in an order stays in it.
    queue.sort(key=lambda q: q[0])
    late = start - queue[0][0]
    for at, where, frame in queue:
        time.sleep(max(0, at + late - time.time()))
        sockets[where].send(frame)
    print(len(queue), "frames")


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "interfaces":
        interfaces(sys.argv[2])
    elif what == "objects":
        objects(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    elif what == "send":
        send(float(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__)

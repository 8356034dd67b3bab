#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""replace_pods.py APP OUT - APP with a rollout of everything in its middle.

In a quiet moment every pod that a controller runs is replaced, and the new
ones have the addresses of other old ones on their node, so that who held an
address is a question of time. OUT gets flows.pcap, events.json (what `kubectl
get pods -w --output-watch-events` prints) and last.json, the objects at the
end. The truth between workloads is that of APP.
"""
import copy
import datetime
import ipaddress
import json
import os
import struct
import sys

QUIET = (0.2, 2.2)  # seconds before and after the moment
CONTROLLERS = ("ReplicaSet", "StatefulSet", "DaemonSet")
UDP, TCP, VXLAN, DNS = 17, 6, 8472, 53


def iso(t):
    return datetime.datetime.fromtimestamp(
        int(t), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_capture(path):
    """-> file header, [(time, record header, frame)]"""
    data = open(path, "rb").read()
    at, found = 24, []
    while at < len(data):
        s, us, size, _ = struct.unpack_from("<IIII", data, at)
        found.append((s + us / 1e6, data[at:at + 16],
                      data[at + 16:at + 16 + size]))
        at += 16 + size
    return data[:24], found


def quiet_moment(times):
    middle = int((times[0] + times[-1]) / 2)
    for away in range(200):
        for t in (middle + away, middle - away):
            if not any(t - QUIET[0] <= x <= t + QUIET[1] for x in times):
                return t
    sys.exit("replace_pods.py: no quiet moment")


# ---------------------------------------------------------------- packets
def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def renumber_answers(message, moved):
    """IPv4 addresses of a DNS answer; its questions hold none."""
    at = message.find(b"\0\x04", 12)
    while at >= 0:
        old = bytes(message[at + 2:at + 6])
        if old in moved:
            message[at + 2:at + 6] = moved[old]
        at = message.find(b"\0\x04", at + 2)


def renumber(packet, moved):
    """The IP packet with its addresses changed, and its checksums right."""
    p = bytearray(packet)
    if p[0] >> 4 == 4:
        size, src, dst, width, proto = (p[0] & 15) * 4, 12, 16, 4, p[9]
    else:
        size, src, dst, width, proto = 40, 8, 24, 16, p[6]
    for at in (src, dst):
        p[at:at + width] = moved.get(bytes(p[at:at + width]),
                                     p[at:at + width])
    inner = p[size:]
    ports = struct.unpack_from("!HH", inner) if proto in (TCP, UDP) else ()
    if proto == UDP and ports[1] == VXLAN:
        inner[30:] = renumber(inner[30:], moved)
    elif proto == UDP and DNS in ports:
        message = inner[8:]
        renumber_answers(message, moved)
        inner[8:] = message
    if width == 4:
        p[10:12] = b"\0\0"
        p[10:12] = struct.pack("!H", checksum(bytes(p[:size])))
    if ports and ports[1] != VXLAN:
        at = 16 if proto == TCP else 6
        inner[at:at + 2] = b"\0\0"
        pseudo = bytes(p[src:src + width] + p[dst:dst + width]) + struct.pack(
            "!II", len(inner), proto)
        inner[at:at + 2] = struct.pack(
            "!H", checksum(pseudo + bytes(inner)) or 0xffff)
    p[size:] = inner
    return bytes(p)


def write_capture(path, header, records, moment, moved):
    with open(path, "wb") as f:
        f.write(header)
        for t, head, frame in records:
            if t >= moment:
                interface = struct.unpack_from("!I", frame, 4)[0]
                if interface >= 5:  # below are those of nodes
                    interface += 1000
                frame = (frame[:4] + struct.pack("!I", interface)
                         + frame[8:20] + renumber(frame[20:], moved))
            f.write(head + frame)


# ---------------------------------------------------------------- objects
def controlled(o):
    return (o["kind"] == "Pod" and not o["spec"].get("hostNetwork")
            and o["status"]["phase"] == "Running"
            and any(r.get("controller") and r["kind"] in CONTROLLERS
                    for r in o["metadata"].get("ownerReferences", [])))


def addresses(pod):
    return [a["ip"] for a in pod["status"]["podIPs"]]


def other(uid):
    return ("0" if uid[0] != "0" else "1") + uid[1:]


def successor(old, ips, moment):
    pod = copy.deepcopy(old)
    meta, status = pod["metadata"], pod["status"]
    owner = meta["ownerReferences"][0]
    hashed = meta["labels"].get("pod-template-hash")
    meta["uid"] = other(meta["uid"])
    if hashed:
        meta["labels"]["pod-template-hash"] = hashed[::-1]
        meta["name"] = meta["name"].replace(hashed, hashed[::-1])
        owner["name"] = owner["name"].replace(hashed, hashed[::-1])
        owner["uid"] = other(owner["uid"])
    elif owner["kind"] == "DaemonSet":
        meta["name"] += "x"
    meta["creationTimestamp"] = status["startTime"] = iso(moment + 1)
    status["podIP"], status["podIPs"] = ips[0], [{"ip": i} for i in ips]
    for c in status["containerStatuses"]:
        c["state"] = {"running": {"startedAt": iso(moment + 1)}}
    for c in status["conditions"]:
        c["lastTransitionTime"] = iso(moment + 2)
    return pod


def ended(old, moment):
    pod = copy.deepcopy(old)
    pod["metadata"]["deletionTimestamp"] = iso(moment)
    pod["metadata"]["deletionGracePeriodSeconds"] = 0
    for c in pod["status"]["containerStatuses"]:
        c["state"] = {"terminated": {
            "exitCode": 0, "finishedAt": iso(moment),
            "startedAt": c["state"]["running"]["startedAt"]}}
    return pod


def new_replica_set(o):
    rs = copy.deepcopy(o)
    hashed = rs["metadata"]["labels"]["pod-template-hash"]
    text = json.dumps(rs).replace(hashed, hashed[::-1])
    rs = json.loads(text)
    rs["metadata"]["uid"] = other(o["metadata"]["uid"])
    return rs


def move_endpoints(o, by_uid):
    for e in o.get("endpoints", []):
        target = e.get("targetRef") or {}
        pod = by_uid.get(target.get("uid"))
        if pod is None:
            continue
        target.update(name=pod["metadata"]["name"],
                      uid=pod["metadata"]["uid"])
        e["addresses"] = [addresses(pod)[o["addressType"] == "IPv6"]]


def main():
    app, out = sys.argv[1:]
    header, records = read_capture(os.path.join(app, "flows.pcap"))
    moment = quiet_moment([r[0] for r in records])
    objects = json.load(open(os.path.join(app, "snapshot.json")))
    old = [o for o in objects["items"] if controlled(o)]
    by_node, moved, by_uid = {}, {}, {}
    for o in old:
        by_node.setdefault(o["spec"]["nodeName"], []).append(o)
    for pods in by_node.values():
        for i, o in enumerate(pods):
            ips = addresses(pods[(i + 1) % len(pods)])
            by_uid[o["metadata"]["uid"]] = successor(o, ips, moment)
            for a, b in zip(addresses(o), ips):
                moved[ipaddress.ip_address(a).packed] = (
                    ipaddress.ip_address(b).packed)
    items = []
    for o in objects["items"]:
        uid = o["metadata"].get("uid")
        if o["kind"] == "EndpointSlice":
            move_endpoints(o, by_uid)
        if o["kind"] == "ReplicaSet" and o["spec"]["replicas"] > 0:
            items.append(new_replica_set(o))
        items.append(by_uid.get(uid, o) if o["kind"] == "Pod" else o)
    os.makedirs(out, exist_ok=True)
    json.dump({"apiVersion": "v1", "kind": "List", "items": items},
              open(os.path.join(out, "last.json"), "w"))
    with open(os.path.join(out, "events.json"), "w") as f:
        for o in old:
            json.dump({"type": "ADDED", "object": o}, f)
        for o in old:
            gone = ended(o, moment)
            for kind, what in (("MODIFIED", gone), ("DELETED", gone),
                               ("ADDED", by_uid[o["metadata"]["uid"]])):
                json.dump({"type": kind, "object": what}, f)
    write_capture(os.path.join(out, "flows.pcap"), header, records, moment,
                  moved)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""drops.py FLOWS.json PODS.json NFLOG.pcap... - drops must not look alive.

The captures hold the packets that the kernel logged when a policy dropped
them. For each between two pods: no flow of those workloads on that port may
hold more established connections than were not dropped - here, where a pair
of pods and port either passes or is dropped, none at all.
"""
import json
import socket
import struct
import sys


def logged(path):
    """(source, destination, port) of the TCP packets of an NFLOG capture"""
    data = open(path, "rb").read()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        pos = 4
        while pos + 4 <= len(frame):
            length, kind = struct.unpack_from("<HH", frame, pos)
            if kind & 0x7fff == 9 and length > 24:
                ip = frame[pos + 4:pos + length]
                ports = ip[(ip[0] & 15) * 4:]
                if ip[0] >> 4 == 4 and ip[9] == 6:
                    yield (socket.inet_ntoa(ip[12:16]),
                           socket.inet_ntoa(ip[16:20]),
                           struct.unpack("!H", ports[2:4])[0])
            pos += (max(length, 4) + 3) & ~3


def main():
    flows = json.load(open(sys.argv[1]))["edges"]
    pods = {i["ip"]: p["metadata"]["labels"].get("app", "")
            for p in json.load(open(sys.argv[2]))["items"]
            if not p["spec"].get("hostNetwork")
            for i in p["status"].get("podIPs", [])}
    drops = {d for path in sys.argv[3:] for d in logged(path)}
    between = {(pods[s], pods[d], port) for s, d, port in drops
               if s in pods and d in pods and pods[s] != pods[d]}
    bad = [(f["src"]["name"], f["dst"]["name"], f["port"]) for f in flows
           if f["outcome"] in ("established", "oneway", "midstream")
           and (f["src"].get("name"), f["dst"].get("name"), f["port"])
           in between]
    for b in bad:
        print("# %s -> %s port %d was dropped, and looks alive" % b)
    if not drops:
        print("# no drop was read")
    return bool(bad) or not drops


if __name__ == "__main__":
    sys.exit(main())

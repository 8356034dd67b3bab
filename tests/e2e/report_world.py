#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of many namespaces in which much is called: objects and a capture.

    report_world.py FOLDER NAMESPACES WORKLOADS EDGES

Workload w of each namespace calls those behind it, also next door; edge after
edge, until there are EDGES. The same arguments give the same bytes.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "fixtures", "shop"))
from packets import ACK, HOST, OUTGOING, SYN, TCP, ip, pcap, sll2, tcp

START_US = 1773129600 * 1000000


def address(namespace, workload):
    return "10.42.%d.%d" % (namespace, workload + 2)


def workload(n, w):
    name, labels = "svc-%d" % w, {"app": "svc-%d" % w}
    namespace = "team-%02d" % n
    return [{
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"namespace": namespace, "name": name,
                     "uid": "%d/%d" % (n, w)},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}}},
    }, {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name + "-0",
                     "uid": "%d/%d-0" % (n, w), "labels": labels,
                     "creationTimestamp": "2026-03-01T00:00:00Z",
                     "ownerReferences": [{
                         "apiVersion": "apps/v1", "kind": "StatefulSet",
                         "name": name, "uid": "%d/%d" % (n, w),
                         "controller": True}]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
        "status": {"phase": "Running", "podIP": address(n, w),
                   "podIPs": [{"ip": address(n, w)}],
                   "startTime": "2026-03-01T00:00:00Z"}}]


def objects(namespaces, workloads):
    items = [{"apiVersion": "v1", "kind": "Node",
              "metadata": {"name": "node-1", "uid": "node"},
              "spec": {"podCIDR": "10.42.0.0/16"},
              "status": {"addresses": [
                  {"type": "InternalIP", "address": "192.168.0.1"}]}}]
    for n in range(namespaces):
        name = "team-%02d" % n
        items.append({"apiVersion": "v1", "kind": "Namespace",
                      "metadata": {"name": name, "uid": name, "labels": {
                          "kubernetes.io/metadata.name": name}}})
        for w in range(workloads):
            items += workload(n, w)
    return {"apiVersion": "v1", "kind": "List", "items": items}


def edges(namespaces, workloads, count):
    """Distinct (source, destination, port), nearest neighbours first."""
    step = 0
    while count > 0:
        step += 1
        for n in range(namespaces):
            for w in range(workloads):
                dst = (n, w + step) if step < 4 else (
                    n + (step % 7 == 0), w + step // 3)
                if dst[0] >= namespaces or dst[1] >= workloads:
                    dst = (dst[0] % namespaces, dst[1] % workloads)
                if dst == (n, w):
                    continue
                if count == 0:
                    return
                count -= 1
                yield (n, w), dst, 8000 + step


def frames(wanted):
    out, us = [], START_US
    for i, (src, dst, port) in enumerate(wanted):
        a, b = address(*src), address(*dst)
        for x, y, segment in (
                (a, b, tcp(a, 40000 + i % 20000, b, port, i + 1, 0, SYN)),
                (b, a, tcp(b, port, a, 40000 + i % 20000, i + 9, i + 2,
                           SYN | ACK))):
            packet = ip(x, y, TCP, segment, len(out) & 0xffff)
            for index, kind in ((11, HOST), (12, OUTGOING)):
                us += 20
                out.append((us, sll2(packet, index, kind)))
    return out


def main():
    folder, sizes = sys.argv[1], [int(s) for s in sys.argv[2:]]
    with open(os.path.join(folder, "objects.json"), "w") as f:
        json.dump(objects(*sizes[:2]), f)
    with open(os.path.join(folder, "flows.pcap"), "wb") as f:
        f.write(pcap(frames(edges(*sizes))))


main()

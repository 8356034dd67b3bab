#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pods.py list | pods.py churn

A cluster of 5,000 pods for bench/live.sh, with as much text in each object as
a real API server sends: the 100 clients and 4,000 servers that send_frames
knows, and others. churn writes watch events for ever: five times a second one
of those others goes and another one comes, with its address.
"""
import json
import sys
import time

CLIENTS, SERVERS, OTHERS = 100, 4000, 900
STARTED = "2026-01-01T00:00:00Z"
# Of what the collector has no use for, as much as there is of it.
IGNORED = [{"manager": "kubelet", "operation": "Update", "apiVersion": "v1",
            "time": STARTED, "fieldsType": "FieldsV1", "fieldsV1": {
                "f:status": {f"f:field-{i}": {} for i in range(60)}}}]


def obj(kind, name, api="v1", **rest):
    meta = {"name": name, "uid": f"uid-{kind}-{name}", "creationTimestamp":
            STARTED, "labels": rest.pop("labels", {})}
    if kind not in ("Node", "Namespace"):
        meta["namespace"] = "shop"
    meta.update(rest.pop("meta", {}))
    return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}


def pod(name, app, ip):
    return obj(
        "Pod", name, labels={"app": app, "pod-template-hash": "5d9c7b"},
        meta={"managedFields": IGNORED, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True,
             "name": app + "-5d9c7b", "uid": "uid-ReplicaSet-" + app}]},
        spec={"nodeName": "node-0", "containers": [
            {"name": "main", "image": "registry.example/app:1.2.3",
             "ports": [{"containerPort": 8080, "protocol": "TCP"}],
             "env": [{"name": f"SETTING_{i}", "value": "x" * 20}
                     for i in range(10)]}]},
        status={"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
                "hostIP": "172.18.0.2", "startTime": STARTED, "conditions": [
                    {"type": t, "status": "True", "lastTransitionTime":
                     STARTED} for t in ("PodReadyToStartContainers",
                                        "Initialized", "Ready")],
                "containerStatuses": [{"name": "main", "ready": True,
                                       "restartCount": 0, "state": {
                                           "running": {"startedAt": STARTED}}}]
                })


def other(i, generation):
    return pod(f"other-{i}-{generation}", f"other-{i // 20}",
               f"10.144.{i >> 8}.{i & 255}")


def everything():
    yield obj("Namespace", "shop")
    yield obj("Node", "node-0", spec={"podCIDRs": ["10.0.0.0/24"]},
              status={"addresses": [
                  {"type": "InternalIP", "address": "172.18.0.2"}]})
    for i in range(40):
        yield obj("Node", f"node-{i + 1}", spec={"podCIDRs": [
            f"10.{128 if i < 20 else 144}.{i % 20}.0/24"]}, status={
                "addresses": [{"type": "InternalIP",
                               "address": f"172.18.1.{i}"}]})
    for i in range(CLIENTS):
        yield pod(f"client-{i}", f"client-{i // 10}", f"10.0.0.{i + 1}")
    for i in range(SERVERS):
        yield pod(f"server-{i}", f"server-{i // 20}",
                  f"10.128.{i >> 8}.{i & 255}")
    for i in range(OTHERS):
        yield other(i, 0)


def churn():
    turn = 0
    while True:
        i, generation = turn % OTHERS, turn // OTHERS
        for kind, o in (("DELETED", other(i, generation)),
                        ("ADDED", other(i, generation + 1))):
            o["metadata"]["resourceVersion"] = str(turn + 2)
            print(json.dumps({"type": kind, "object": o}), flush=True)
        turn += 1
        time.sleep(0.2)


if sys.argv[1:] == ["churn"]:
    churn()
json.dump({"apiVersion": "v1", "kind": "List", "items": list(everything())},
          sys.stdout)

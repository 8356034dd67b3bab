# SPDX-License-Identifier: Apache-2.0
"""Objects for the seeds of snapshot and watch: each kind with all fields that
are read, and states of a pod one after the other."""
import copy
import json

ANNOUNCED = ("projectcalico.org/IPv4Address",
             "flannel.alpha.coreos.com/public-ip",
             "network.cilium.io/ipv4-cilium-host")


def meta(name, namespace="shop", **more):
    return {"name": name, "namespace": namespace, "uid": "u-" + name, **more}


def owner(kind, name, version="apps/v1"):
    return [{"apiVersion": version, "kind": kind, "name": name,
             "controller": True, "uid": "u-" + name}]


def selector():
    return {"matchLabels": {"app": "web"}, "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "NotIn", "values": ["x"]},
        {"key": "app", "operator": "Exists"},
        {"key": "no", "operator": "DoesNotExist"}]}


def pod(name="web-1", ip="10.42.1.6", labels=None, **status):
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": meta(name, labels=labels or {"app": "web", "tier": "a"},
                         creationTimestamp="2026-03-08T08:00:00Z"),
        "spec": {"nodeName": "node-1", "containers": [
            {"name": "c", "ports": [{"name": "http", "containerPort": 8080},
                                    {"containerPort": 53, "protocol": "UDP",
                                     "hostPort": 5353}]}],
                 "initContainers": [
                     {"name": "i", "ports": [{"containerPort": 1}]},
                     {"name": "s", "restartPolicy": "Always",
                      "ports": [{"containerPort": 15090}]}]},
        "status": {"phase": "Running", "podIP": ip,
                   "podIPs": [{"ip": ip}, {"ip": "fd00:42:1::6"}],
                   "hostIP": "192.168.10.11",
                   "hostIPs": [{"ip": "192.168.10.11"}],
                   "startTime": "2026-03-08T08:00:01Z", "conditions": [
                       {"type": "PodReadyToStartContainers",
                        "status": "True",
                        "lastTransitionTime": "2026-03-08T08:00:02Z"},
                       {"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": "c", "state": {
                       "running": {"startedAt": "2026-03-08T08:00:03Z"}}}],
                   **status}}


def ended(**more):
    return {"state": {"terminated": {"startedAt": "2026-03-08T08:00:03Z",
                                     "finishedAt": "2026-03-08T09:00:00Z",
                                     **more}}}


def pods():
    done = pod("done-28000000-x", "10.42.1.7", phase="Succeeded",
               containerStatuses=[{"name": "c", **ended()}],
               initContainerStatuses=[{"name": "i", **ended()}])
    done["metadata"]["ownerReferences"] = owner(
        "Job", "done-28000000", "batch/v1")
    going = pod("going", "10.42.1.8", phase="Failed")
    going["metadata"]["deletionTimestamp"] = "2026-03-08T09:30:00Z"
    going["metadata"]["deletionGracePeriodSeconds"] = 30
    again = pod("again", "10.42.1.9", containerStatuses=[
        {"name": "c", "restartCount": 3, "lastState": ended()["state"],
         "state": {"running": {"startedAt": "2026-03-08T10:00:00Z"}}}])
    host = pod("host", "192.168.10.11")
    host["spec"]["hostNetwork"] = True
    static = pod("etcd-node-1", "192.168.10.11")
    static["spec"]["hostNetwork"] = True
    static["metadata"]["ownerReferences"] = owner("Node", "node-1", "v1")
    static["metadata"]["annotations"] = {
        "kubernetes.io/config.source": "file",
        "kubernetes.io/config.mirror": "x"}
    waiting = pod("waiting", None, phase="Pending", podIPs=None, hostIPs=None,
                  conditions=None, containerStatuses=[
                      {"name": "c", "state": {"waiting": {"reason": "x"}}}])
    return [pod(), done, going, again, host, static, waiting]


def controllers():
    spec = {"replicas": 2, "selector": selector(),
            "template": {"metadata": {"labels": {"app": "web"}}}}

    def made(version, kind, name, spec, status=None, **more):
        return {"apiVersion": version, "kind": kind,
                "metadata": meta(name, **more), "spec": spec,
                "status": status or {}}

    return [
        made("apps/v1", "Deployment", "web", spec),
        made("apps/v1", "ReplicaSet", "web-5d4", spec,
             ownerReferences=owner("Deployment", "web")),
        made("apps/v1", "StatefulSet", "db", spec,
             ownerReferences=owner("Cluster", "pg", "postgresql.cnpg.io/v1")),
        made("apps/v1", "DaemonSet", "agent", spec,
             {"desiredNumberScheduled": 3}),
        made("v1", "ReplicationController", "rc",
             {"replicas": 1, "selector": {"app": "web"}}),
        made("apps.openshift.io/v1", "DeploymentConfig", "dc",
             {"selector": {"app": "web"}}),
        made("batch/v1", "CronJob", "done",
             {"suspend": True, "jobTemplate": {"spec": {"template": {
                 "metadata": {"labels": {"app": "done"}}}}}}),
        made("batch/v1", "Job", "done-28000000",
             {"parallelism": 2, "suspend": False, "selector": {"matchLabels": {
                 "batch.kubernetes.io/controller-uid": "u"}}}),
        made("argoproj.io/v1alpha1", "Rollout", "roll", spec),
        made("example.com/v1", "Thing", "t", {}, ownerReferences=owner(
            "Deployment", "web")),
        made("example.com/v1", "Nothing", "n", {})]


def services():
    ports = [{"name": "http", "port": 80, "targetPort": "http",
              "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]

    def service(name, more, **status):
        return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name),
                "spec": {"selector": {"app": "web"}, "ports": ports, **more},
                "status": status}

    ends = [{"ip": "10.42.1.6", "targetRef": {"kind": "Pod", "name": "web-1"}},
            {"ip": "203.0.113.9"}]
    return [
        service("derived", {"type": "NodePort", "clusterIP": "10.43.0.10",
                            "clusterIPs": ["10.43.0.10", "fd00:43::a"],
                            "externalTrafficPolicy": "Local"}),
        service("public", {"type": "LoadBalancer", "clusterIP": "10.43.0.11",
                           "externalIPs": ["198.51.100.7"]},
                loadBalancer={"ingress": [{"ip": "198.51.100.8"},
                                          {"hostname": "lb.example"}]}),
        service("asked", {"type": "LoadBalancer", "clusterIP": "10.43.0.12",
                          "loadBalancerIP": "198.51.100.9"}),
        service("headless", {"clusterIP": "None"}),
        service("outside", {"type": "ExternalName", "selector": None,
                            "externalName": "a.example", "ports": None}),
        {"apiVersion": "v1", "kind": "Endpoints",
         "metadata": meta("public"), "subsets": [
             {"addresses": ends, "notReadyAddresses": ends[:1],
              "ports": [{"name": "http", "port": 8080}]},
             {"addresses": ends[1:], "ports": [{"port": 53,
                                                "protocol": "UDP"}]}]},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": meta("asked-1", labels={
             "kubernetes.io/service-name": "asked"}), "addressType": "IPv4",
         "endpoints": [{"addresses": ["10.42.1.6"], "conditions": {
             "ready": True}, "targetRef": {
                 "kind": "Pod", "name": "web-1", "namespace": "shop"}},
             {"addresses": ["10.42.1.7"], "conditions": {"ready": False}}],
         "ports": [{"name": "http", "port": 8080, "protocol": "TCP"},
                   {"name": "any", "port": None}]}]


def places():
    return [
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {"name": "shop", "labels": {"team": "a"}}},
        {"apiVersion": "v1", "kind": "Node",
         "metadata": {"name": "node-1", "labels": {"zone": "z"},
                      "annotations": {k: "192.168.10.12/24, 10.42.1.1"
                                      for k in ANNOUNCED}},
         "spec": {"podCIDR": "10.42.1.0/24", "providerID": "aws:///x/i-1",
                  "podCIDRs": ["10.42.1.0/24", "fd00:42:1::/64"]},
         "status": {"addresses": [
             {"type": "InternalIP", "address": "192.168.10.11"},
             {"type": "Hostname", "address": "node-1"}]}}]


def everything():
    return places() + controllers() + services() + pods()


def states():
    """A pod as time goes by: relabelled, moved, another's, gone."""
    relabelled = pod(labels={"app": "web", "tier": "b"})
    relabelled["metadata"]["managedFields"] = [
        {"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1",
         "time": "2026-03-08T09:00:00Z"}]
    moved = pod(ip="10.42.1.66")
    adopted = pod()
    adopted["metadata"]["ownerReferences"] = owner("ReplicaSet", "web-5d4")
    successor = pod("web-2")
    successor["metadata"]["creationTimestamp"] = "2026-03-08T11:00:00Z"
    successor["status"]["startTime"] = "2026-03-08T11:00:01Z"
    namesake = pod(ip="10.42.1.67")
    namesake["metadata"]["uid"] = "u-other"
    waiting = pod(ip=None, phase="Pending", podIPs=None)
    return [waiting, pod(), relabelled, moved, adopted, successor, namesake]


def dumps(value):
    return json.dumps(value, separators=(",", ":"))


def events(objects, kinds=("ADDED", "MODIFIED")):
    return "\n".join(dumps({"type": kinds[min(i, len(kinds) - 1)],
                                 "object": o})
                     for i, o in enumerate(objects))


def as_list(items, kind="List", **metadata):
    return dumps({"kind": kind, "apiVersion": "v1",
                       "metadata": metadata, "items": items})


def snapshots():
    s = states()
    bare = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")}
            for o in s]
    early = copy.deepcopy(bare[:4])
    return {
        "everything": as_list(everything()),
        "places": as_list(places()),
        "controllers": as_list(controllers() + pods()[:2]),
        "services": as_list(services() + places() + [pod()]),
        "pods": as_list(pods() + places()),
        "states": events(s) + "\n" + dumps(
            {"type": "DELETED", "object": s[3]}),
        "states-of-lists": "\n".join(as_list([o], "PodList") for o in bare),
        "pages": as_list(early[:1], "PodList", **{"continue": "x"}) +
        as_list(early[1:], "PodList"),
        "nested": as_list([json.loads(as_list(bare[:2], "PodList")),
                           json.loads(as_list(services()))]),
        "items-first": dumps({"items": bare[:2], "apiVersion": "v1",
                                   "kind": "PodList"}),
        "policies": as_list([{"metadata": {"name": "p"}, "spec": {}}],
                            "NetworkPolicyList"),
        "table": '{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]}',
        "error-event": '{"type":"ERROR","object":{"kind":"Status","code":410,'
                       '"message":"too old resource version"}}',
        "types": as_list([{"kind": "Pod", "metadata": {
            "name": "p", "labels": v}} for v in ({}, None)] + [
                {"kind": "Pod", "metadata": {"name": "p", "labels": {"a": v}}}
                for v in (True,)]),
        "type-number": as_list([{"kind": "Pod", "metadata": {
            "name": "p", "labels": 1.5}}]),
        "type-null": as_list([{"kind": "Service", "metadata": {"name": "s"},
                               "spec": {"ports": [None]}}]),
    }


def watches():
    """Events of all kinds, and bodies of refusals."""
    gone = [{"type": "DELETED", "object": o} for o in states()[2:4]]
    many = [pod("web-%d" % i, "10.42.2.%d" % i, {"n": str(i)})
            for i in range(1, 9)]
    for o in many:
        del o["spec"], o["status"]["conditions"]
    return {
        "events": events(everything(), ("ADDED",)),
        "history": events(states()) + "\n" + "\n".join(map(dumps, gone)),
        "objects": "\n".join(map(dumps, places() + services())),
        "many": events(many, ("ADDED",)),
        "bookmarks": "\n".join(dumps({"type": "BOOKMARK", "object": {
            "kind": "Pod", "apiVersion": "v1", "metadata": {
                "resourceVersion": str(v), "annotations": {
                    "k8s.io/initial-events-end": "true"}}}})
            for v in (7, 12)),
        "gone": dumps({"type": "ERROR", "object": {
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "too old resource version: 1 (9)",
            "reason": "Expired", "code": 410}}),
        "page": "<!DOCTYPE html>\n<html><head><title>502 Bad\nGateway</title>"
                "</head></html>",
        "page-bare": "<html><body>no title</body></html>",
        "too-many": dumps({
            "kind": "Status", "status": "Failure", "code": 429,
            "reason": "TooManyRequests", "message": "slow down",
            "details": {"retryAfterSeconds": 5}}),
    }

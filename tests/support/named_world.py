# SPDX-License-Identifier: Apache-2.0
"""A cluster whose namespaces, workloads, labels, ports and Services have given
names, and a capture in which they talk to each other."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "fixtures", "shop"))
from packets import (A, ACK, HOST, OUTGOING, PSH, RST, SYN, TCP, UDP,
                     dns_answer, dns_query, ip, pcap, sll2, tcp, udp)

START_US = 1773129600 * 1000000


def meta(kind, namespace, name, labels=None, **more):
    out = {"name": name, "uid": "%s/%s/%s" % (kind, namespace, name),
           "creationTimestamp": "2026-03-01T00:00:00Z", **more}
    if namespace is not None:
        out["namespace"] = namespace
    if labels:
        out["labels"] = labels
    return out


def owner(kind, name):
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name,
             "controller": True, "uid": "%s//%s" % (kind, name)}]


class World:
    """For each name a namespace with a server of that name and a client.

    With only_owners all is well-formed but what no server checks: the kind and
    name of an owner, and what a DNS answer says that an address is called.
    """

    def __init__(self, names, only_owners=False):
        self.only_owners = only_owners
        self.items = [{"apiVersion": "v1", "kind": "Node",
                       "metadata": meta("Node", None, "node-1"),
                       "spec": {"podCIDR": "10.42.0.0/16"},
                       "status": {"addresses": [
                           {"type": "InternalIP", "address": "192.168.0.1"}]}}]
        self.frames = []
        self.us = START_US
        for i, name in enumerate(names):
            self.namespace(i, name)

    def namespace(self, i, hostile):
        name = "team-%d" % i if self.only_owners else hostile
        labels = {"kubernetes.io/metadata.name": name}
        self.items.append({"apiVersion": "v1", "kind": "Namespace",
                           "metadata": meta("Namespace", None, name, labels)})
        server = "10.42.%d.%d" % (i, 10)
        client = "10.42.%d.%d" % (i, 11)
        self.workload(name, name, server, {"app": name, name: "x"},
                      hostile if self.only_owners else None)
        self.workload(name, "client", client, {"app": "client"})
        self.service(i, name, server)
        self.talk(client, server, 40000 + i, 8080)
        self.talk(client, server, 41000 + i, 9, refused=True)
        self.talk(client, "203.0.113.%d" % (i + 1), 42000 + i, 443)
        query = "host-%d.example" % i
        if self.only_owners:
            query = hostile.replace(".", "-")[:15] + ".example"
        self.datagram(client, 43000, "10.42.200.53", 53, dns_query(i, query))
        self.datagram("10.42.200.53", 53, client, 43000, dns_answer(
            i, query, A, [(query, A, 300, "203.0.113.%d" % (i + 1))]))

    def workload(self, namespace, name, address, labels, foreign=None):
        owned = owner("StatefulSet", name)
        if foreign is not None:
            owned = owner(foreign, foreign)
        else:
            self.items.append({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": meta("StatefulSet", namespace, name, labels),
                "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": labels}}}})
        self.items.append({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": meta("Pod", namespace, name + "-0", labels,
                             ownerReferences=owned),
            "spec": {"nodeName": "node-1", "containers": [{
                "name": name, "ports": [
                    {"name": name[:15], "containerPort": 8080,
                     "protocol": "TCP"}]}]},
            "status": {"phase": "Running", "podIP": address,
                       "podIPs": [{"ip": address}],
                       "startTime": "2026-03-01T00:00:00Z"}})

    def service(self, i, name, server):
        self.items.append({
            "apiVersion": "v1", "kind": "Service",
            "metadata": meta("Service", name, name),
            "spec": {"type": "ClusterIP", "clusterIP": "10.43.0.%d" % (i + 1),
                     "selector": {"app": name},
                     "ports": [{"name": name[:15], "port": 80,
                                "targetPort": 8080, "protocol": "TCP"}]}})
        self.items.append({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": meta("EndpointSlice", name, name, {
                "kubernetes.io/service-name": name}),
            "addressType": "IPv4",
            "endpoints": [{"addresses": [server], "conditions": {
                "ready": True}, "targetRef": {
                    "kind": "Pod", "namespace": name, "name": name + "-0"}}],
            "ports": [{"name": name[:15], "port": 8080, "protocol": "TCP"}]})

    # --------------------------------------------------------------- wire
    def put(self, src, dst, protocol, payload):
        packet = ip(src, dst, protocol, payload, len(self.frames) & 0xffff)
        for index, kind, ttl in ((11, HOST, 0), (12, OUTGOING, 1)):
            del ttl
            self.us += 50
            self.frames.append((self.us, sll2(packet, index, kind)))

    def talk(self, src, dst, sport, dport, refused=False):
        self.put(src, dst, TCP, tcp(src, sport, dst, dport, 1, 0, SYN))
        if refused:
            self.put(dst, src, TCP,
                     tcp(dst, dport, src, sport, 0, 2, RST | ACK))
            return
        self.put(dst, src, TCP, tcp(dst, dport, src, sport, 9, 2, SYN | ACK))
        self.put(src, dst, TCP, tcp(src, sport, dst, dport, 2, 10, ACK))
        self.put(src, dst, TCP,
                 tcp(src, sport, dst, dport, 2, 10, PSH | ACK, b"x" * 40))

    def datagram(self, src, sport, dst, dport, data):
        self.put(src, dst, UDP, udp(src, sport, dst, dport, data))

    def write(self, folder, wire):
        with open(os.path.join(folder, "objects.json"), "w") as f:
            json.dump({"apiVersion": "v1", "kind": "List",
                       "items": self.items}, f)
        with open(os.path.join(folder, wire), "wb") as f:
            f.write(pcap(self.frames))

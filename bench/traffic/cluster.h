/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster: the benchmark's invented cluster; names and addresses are pure
 * functions of indices, so that nothing has to be kept.
 *
 * WORKLOADS Deployments with PODS pods each. Pod 0 of each is on node 0,
 * where the capture is taken. Workload 0 is CoreDNS. Each has a Service.
 */
#ifndef BENCH_TRAFFIC_CLUSTER_H
#define BENCH_TRAFFIC_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/ip.h"

enum {
	CLUSTER_WORKLOADS = 300,
	CLUSTER_PODS = 6, /* a workload's */
	CLUSTER_NODES = 16,
	CLUSTER_NAMESPACES = 20,
	CLUSTER_EXTERNALS = 64
};

struct ip_addr cluster_pod_ip(unsigned workload, unsigned pod, bool v6);
struct ip_addr cluster_node_ip(unsigned node, bool v6);
struct ip_addr cluster_vip(unsigned workload, bool v6);
struct ip_addr cluster_external_ip(unsigned i, bool v6);

unsigned cluster_pod_node(unsigned workload, unsigned pod);
uint16_t cluster_pod_port(unsigned workload);     /* where pods listen */
uint16_t cluster_service_port(unsigned workload); /* what clients dial */

/* Text in buf, which is returned. */
#define CLUSTER_NAME_MAX 64
const char *cluster_namespace(
    unsigned workload, char buf[static CLUSTER_NAME_MAX]);
const char *cluster_workload(
    unsigned workload, char buf[static CLUSTER_NAME_MAX]);
const char *cluster_external_name(
    unsigned i, char buf[static CLUSTER_NAME_MAX]);

/* The objects as `kubectl get … -A -o json` prints them. */
void cluster_write_snapshot(FILE *f);

#endif

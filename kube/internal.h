/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: the index that cluster_finish builds and address.c reads.
 *
 * Three kinds of tables, all open addressing in the cluster's arena, at most
 * half full: names, addresses, and addresses with port and protocol.
 */
#ifndef KUBE_INTERNAL_H
#define KUBE_INTERNAL_H

#include "kube/cluster.h"

enum name_table_id {
	NAMES_NAMESPACE,
	NAMES_NODE,
	NAMES_WORKLOAD,
	NAMES_POD,
	NAMES_SERVICE
};
#define NAME_TABLE_COUNT 5

struct name_table {
	uint32_t *slots; /* object index + 1; 0 is empty */
	uint32_t mask;
};

/* A pod held an address in [from, to). */
struct address_span {
	int64_t from_us, to_us;
	uint32_t pod;
};

struct address_slot {
	struct ip_addr ip;  /* all zero: empty */
	uint32_t first, n;  /* spans, ascending and disjoint */
	uint32_t live;      /* the last of them that is there, or FLOW_NONE */
	uint32_t node;      /* or FLOW_NONE */
	uint32_t services;  /* index + 1 of the first link; 0: none */
	bool own_node_addr; /* node: not just its gateway */
};

/* One of the Services that have, or had, an address. */
struct service_link {
	uint32_t service, next; /* next as services above */
};

struct port_key {
	struct ip_addr ip; /* zero: any node's own address (nodePorts) */
	uint16_t port;
	uint16_t protocol;
	uint32_t
	    zero; /* no padding bytes: keys are hashed and compared whole */
};

/* What stands behind a key: (backend, 0), (service, index of its port) or
 * (hostNetwork pod, 0). */
struct port_entry {
	struct port_key key;
	uint32_t object, detail;
};

struct port_table {
	const struct port_entry *entries; /* equal keys stand together */
	size_t n_entries;
	uint32_t *slots; /* first entry of a key + 1 */
	uint32_t mask;
};

struct address_range {
	struct ip_addr lo, hi; /* both inside */
};

struct cluster_index {
	struct name_table names[NAME_TABLE_COUNT];
	struct address_slot *slots;
	uint32_t mask;
	struct address_span *spans;
	int64_t *changes; /* ascending: when spans begin or end */
	size_t n_changes;
	struct service_link *links;
	uint32_t n_links;
	struct port_table services, backends, host_ports;
	struct address_range *pod_ranges; /* ascending and disjoint */
	size_t n_pod_ranges;
	struct ip_addr *pod_nets; /* around pods in none of them: ascending */
	size_t n_pod_nets;
	struct ip_prefix service_ranges[2];
	size_t n_service_ranges;
	bool has_public_pods[2]; /* addresses of pods, by ip_is_v4 */
};

/* index_name.c: build all name tables; look one up (unused parts ""). */
RF_MUST_USE enum rf_status index_names(struct cluster *c, struct rf_error *err);
uint32_t index_find_name(const struct cluster *c, enum name_table_id id,
    const char *kind, const char *namespace, const char *name);

/* index_address.c: who held what when, and the ranges. */
RF_MUST_USE enum rf_status index_addresses(
    struct cluster *c, struct rf_error *err);
bool index_in_pod_ranges(
    const struct cluster_index *ix, const struct ip_addr *ip);
/* The network in which addresses are near each other. */
struct ip_addr index_net_of(const struct ip_addr *ip);
/* Neither deleted nor finished (SEMANTICS 2). */
bool index_is_live(const struct kube_pod *p);
/* NULL: nobody is known at ip. */
const struct address_slot *index_find_address(
    const struct cluster_index *ix, const struct ip_addr *ip);

/* index_port.c: Services, backends and hostNetwork ports. */
RF_MUST_USE enum rf_status index_ports(struct cluster *c, struct rf_error *err);
/* The entries of a key, *n of them. */
const struct port_entry *index_find_port(const struct port_table *t,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol, size_t *n);

/* A power of two with room for n entries at half load. */
uint32_t index_capacity(size_t n);

#endif

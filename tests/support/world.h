/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: small clusters and flows for tests, built by hand.
 *
 * Build the objects, call world_finish, then add flows. Mistakes (an address
 * that does not parse, memory) abort the test program. Labels are written
 * "app=web,tier=front"; "" is none.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "core/flow.h"
#include "kube/cluster.h"

struct world {
	struct cluster *c;
	struct endpoint *endpoints;
	size_t n_endpoints, cap_endpoints;
	struct flow *flows;
	size_t n_flows, cap_flows;
	struct dns_name *names;
	size_t n_names, cap_names;
	size_t cap_namespaces, cap_nodes, cap_workloads, cap_pods, cap_services,
	    cap_backends;
};

void world_init(struct world *w);
void world_release(struct world *w);

uint32_t world_namespace(struct world *w, const char *name);
/* cidr: its pod range, or NULL. */
uint32_t world_node(
    struct world *w, const char *name, const char *ip, const char *cidr);
/* An object with this spec.selector, or NULL for none, and these labels on
 * its pod template. The namespace is made when it is not there. */
uint32_t world_workload(struct world *w, const char *ns, const char *kind,
    const char *name, const char *selector, const char *template);
/* A running pod. Without an address: hostNetwork. */
uint32_t world_pod(struct world *w, uint32_t workload, const char *name,
    const char *labels, const char *ip, uint32_t node);
/* Workload (selector app=name) and one pod in one. */
uint32_t world_app(struct world *w, const char *ns, const char *name,
    const char *ip, uint32_t node);
uint32_t world_service(struct world *w, const char *ns, const char *name,
    const char *ip, const char *selector);
void world_service_port(struct world *w, uint32_t service, const char *name,
    uint8_t protocol, uint16_t port, uint16_t target);
/* A ready backend of the port that was added last; pod may be FLOW_NONE. */
void world_backend(struct world *w, uint32_t service, const char *ip,
    uint16_t port, uint32_t pod);
/* kube-system/kube-dns with one pod on port 53. */
uint32_t world_dns(struct world *w, const char *pod_ip, uint32_t node);
/* default/kubernetes with one ready address. */
void world_api_server(struct world *w, const char *ip, uint16_t port);

void world_finish(struct world *w);

/* Endpoints; each call makes a new one. */
uint32_t world_at_pod(struct world *w, uint32_t pod);
uint32_t world_at_node(struct world *w, uint32_t node, const char *ip);
uint32_t world_at(struct world *w, enum endpoint_type type, const char *ip);

/* An established flow, to be changed in place before the next call. */
struct flow *world_flow(struct world *w, uint32_t src, uint32_t dst,
    uint8_t protocol, uint16_t port);
void world_name(struct world *w, const char *ip, const char *name);
struct flow_set world_flows(const struct world *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster: what is known of a cluster's objects, with the times at which it
 * held, as plain values.
 *
 * It is built from snapshots, watch events or the store, is then finished
 * (indices and address intervals) and from there on only read. Everything is
 * in the cluster's own arena and lives as long as it. Objects name each other
 * by index into its arrays; FLOW_NONE is none. Times are microseconds since
 * the epoch, intervals are [from, to).
 */
#ifndef KUBE_CLUSTER_H
#define KUBE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/flow.h"
#include "core/ip.h"
#include "kube/labels.h"

struct kube_namespace {
	const char *name;
	struct label_set labels; /* kubernetes.io/metadata.name is always there
				  * (SEMANTICS 4) */
	bool assumed; /* no Namespace object was seen: only that label */
};

struct kube_node {
	const char *name;
	const char *provider; /* spec.providerID up to "://", or "" */
	struct label_set labels;
	const struct ip_addr
	    *addrs; /* status.addresses that are addresses,
		     * and tunnel addresses that CNIs announce in annotations */
	size_t n_addrs;
	const struct ip_prefix *pod_cidrs; /* spec.podCIDRs */
	size_t n_pod_cidrs;
};

/* A container's declared port. Declaring opens nothing (SEMANTICS 46). */
struct kube_port {
	const char *name; /* "" when it has none */
	uint16_t port;
	uint8_t protocol; /* enum flow_protocol */
	bool init;        /* on an init container that ends before start */
	bool sidecar;     /* on a restartable init container */
};

/*
 * Who runs pods: the top controller of an owner chain, or, for pods without
 * one, the group of pods that share their stable labels (kind "Pod", name of
 * the pod, or common name stem and "*" when there are several). A chain ends
 * at a Deployment, StatefulSet, DaemonSet or CronJob, and at a custom resource
 * that selects its pods, whoever owns them: their owner often has several that
 * have nothing in common.
 */
struct kube_workload {
	const char *kind, *namespace, *name;
	const char *api_version; /* "" when no object or reference gave it */
	bool has_object;         /* its own object was read */
	bool has_selector;       /* selector is its spec.selector */
	struct label_selector selector;
	struct label_set labels; /* stable labels common to all its pods; from
				  * the pod template while it has none */
	int64_t replicas;        /* spec.replicas or desired; -1 unknown */
	bool suspended;          /* a suspended CronJob or Job */
	uint32_t n_pods;         /* of it in the cluster */
};

enum pod_phase {
	POD_PENDING,
	POD_RUNNING,
	POD_SUCCEEDED,
	POD_FAILED,
	POD_UNKNOWN
};

struct kube_pod {
	const char *namespace, *name, *uid; /* uid "" when it was not given */
	uint32_t ns;             /* index of its namespace, always there */
	uint32_t workload;       /* always there */
	uint32_t node;           /* FLOW_NONE: not scheduled or unknown */
	struct label_set labels; /* all of them, as policies see them */
	enum pod_phase phase;
	bool host_network;
	bool deleted;              /* gone from the last state that was read */
	const struct ip_addr *ips; /* status.podIPs, else podIP (SEM. 3) */
	size_t n_ips;
	const struct ip_addr *host_ips; /* status.hostIPs or hostIP */
	size_t n_host_ips;
	const struct kube_port *ports;
	size_t n_ports;
	int64_t from_us,
	    to_us;       /* when it held its addresses; ends
			  * that the API cuts to seconds are rounded up */
	int64_t held_us; /* it surely had them then. Later than from_us: that
			  * is when the pod was started, and until the end of
			  * whoever had them before they are that one's */
	bool is_vague;   /* so it is, although held_us may not tell */
};

struct kube_service_port {
	const char *name; /* "" when it has none */
	uint16_t port;
	uint16_t node_port;      /* 0: none */
	uint16_t target_port;    /* 0 when target_name is set */
	const char *target_name; /* named targetPort, or "" */
	uint8_t protocol;
};

struct kube_service {
	const char *namespace, *name;
	const char *type;                    /* "ClusterIP", … */
	const char *external_traffic_policy; /* "Cluster", "Local" or "" */
	bool headless;
	bool has_selector;
	struct label_selector selector; /* match_labels only */
	struct label_set labels;
	const struct ip_addr *cluster_ips; /* empty when headless */
	size_t n_cluster_ips;
	const struct ip_addr *lb_ips; /* status.loadBalancer.ingress[].ip
				       * and spec.externalIPs */
	size_t n_lb_ips;
	const struct kube_service_port *ports;
	size_t n_ports;
	int64_t from_us, to_us; /* when it was there, as far as is told: else
				 * INT64_MIN, TIME_MAX_US */
	bool gone;              /* from the last state that was read */
};

/* One address and port behind a Service, from EndpointSlices. */
struct kube_backend {
	uint32_t service; /* the Service it belongs to */
	struct ip_addr ip;
	uint16_t port; /* the target port */
	uint8_t protocol;
	const char *port_name; /* of the service port, or "" */
	uint32_t pod;          /* the pod that targetRef or the address names,
				* or FLOW_NONE */
	bool ready;
};

/* A NetworkPolicy that lives in the cluster, as JSON text for policy/. */
struct kube_policy_text {
	const char *namespace, *name;
	const char *json;
};

struct cluster_index; /* kube/address.h */

struct cluster {
	struct arena arena;
	struct kube_namespace *namespaces;
	size_t n_namespaces;
	struct kube_node *nodes;
	size_t n_nodes;
	struct kube_workload *workloads;
	size_t n_workloads;
	struct kube_pod *pods;
	size_t n_pods;
	struct kube_service *services;
	size_t n_services;
	struct kube_backend *backends; /* grouped by service */
	size_t n_backends;
	struct kube_policy_text *policies;
	size_t n_policies;
	struct cluster_index *index; /* made by cluster_finish, in the arena */
	bool has_policies; /* NetworkPolicies were among what was read */
};

/* How much of a uid is the API server's. Who a pod was before it changed has
 * one of its own, with more behind a '~' (kube/live_table.c, pod_part.sql). */
static inline size_t
kube_uid_length(const char *uid)
{
	return strcspn(uid, "~");
}

/* An empty cluster; NULL: out of memory. */
struct cluster *cluster_new(void);
void cluster_free(struct cluster *c);

/*
 * Build the index (kube/address.h) over arrays that are complete. Called once
 * by whoever filled them: the snapshot reader and the store do it themselves.
 */
RF_MUST_USE enum rf_status cluster_finish(
    struct cluster *c, struct rf_error *err);

/* Index by name, or FLOW_NONE. Need a finished cluster. */
uint32_t cluster_find_namespace(const struct cluster *c, const char *name);
uint32_t cluster_find_node(const struct cluster *c, const char *name);
uint32_t cluster_find_service(
    const struct cluster *c, const char *namespace, const char *name);
uint32_t cluster_find_workload(const struct cluster *c, const char *namespace,
    const char *kind, const char *name);
/* The newest pod of that name. */
uint32_t cluster_find_pod(
    const struct cluster *c, const char *namespace, const char *name);

/* The number that a container which serves gives the name; 0: none does. */
uint16_t kube_pod_named_port(
    const struct kube_pod *p, uint8_t protocol, const char *name);
/* The pod's port behind that of a Service; 0: it has none of that name. */
uint16_t kube_service_target(
    const struct kube_service_port *sp, const struct kube_pod *p);

/* The pod's address of that family; NULL: it has none. */
const struct ip_addr *kube_pod_address(const struct kube_pod *p, bool is_v4);

/* Can a Service of these addresses lead to ip? A headless one leads to all. */
bool kube_service_has_family(
    const struct kube_service *s, const struct ip_addr *ip);

/* How long before or after at_us it was there; 0: at that time. */
int64_t kube_service_away_us(const struct kube_service *s, int64_t at_us);

/* May clients outside arrive behind it with a node's address: a balancer's or
 * nodes' ports, without externalTrafficPolicy Local? */
bool kube_service_masks_clients(const struct kube_service *s);

/* Is a one of the node's own addresses or the gateway addresses (.0 and .1,
 * the first two) of its pod ranges? */
bool kube_node_owns(const struct kube_node *n, const struct ip_addr *a);

/* Is a an address of the pod's own node: host_ips or kube_node_owns?
 * (SEMANTICS 50, 51) */
bool cluster_is_own_node(const struct cluster *c, const struct kube_pod *pod,
    const struct ip_addr *a);

/* From now on hostNetwork pods are pods like all others to whoever asks about
 * pods (SEMANTICS 6a); their addresses stay the nodes'. */
void cluster_see_host_pods(struct cluster *c);

#endif

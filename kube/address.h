/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: who held an address at a time, and what a Service address leads to.
 *
 * Pure look-ups over a finished cluster; no allocation, safe from several
 * threads. An address of a finished pod may already belong to a running one:
 * the running one wins (SEMANTICS 3). hostNetwork pods own no address; theirs
 * is the node's.
 */
#ifndef KUBE_ADDRESS_H
#define KUBE_ADDRESS_H

#include "kube/cluster.h"

enum address_kind {
	ADDRESS_EXTERNAL,     /* in no range of the cluster */
	ADDRESS_POD,          /* a pod held it at that time */
	ADDRESS_NODE,         /* node address or gateway of a pod range */
	ADDRESS_SERVICE,      /* a Service's cluster, external or balancer IP */
	ADDRESS_POD_RANGE,    /* pods hold such addresses; owner then unknown */
	ADDRESS_SERVICE_RANGE /* between cluster IPs; no Service is known */
};

struct address_owner {
	enum address_kind kind;
	uint32_t pod, node, service; /* by kind; FLOW_NONE otherwise. For a
				      * Service address that several Services
				      * share: one of them */
};

/* Who held ip at at_us? Never the owner of another time. */
struct address_owner address_owner_at(
    const struct cluster *c, const struct ip_addr *ip, int64_t at_us);

/*
 * Who holds ip as the objects stand? Beside who held it last, a pod that is
 * there and not finished: one that is only about to run, or is being deleted
 * and runs no more (SEMANTICS 2).
 */
struct address_owner address_owner_now(
    const struct cluster *c, const struct ip_addr *ip);

/*
 * The span of time [*from_us, *to_us) around at_us in which no address changes
 * hands, and its number.
 */
uint32_t address_span_at(
    const struct cluster *c, int64_t at_us, int64_t *from_us, int64_t *to_us);

/* Did ip have one and the same owner, or none, from from_us to to_us? */
bool address_is_steady(const struct cluster *c, const struct ip_addr *ip,
    int64_t from_us, int64_t to_us);

/* Might a pod of which nobody told have such an address? It is private, or
 * pods have public ones of its family here. */
bool address_may_be_pods(const struct cluster *c, const struct ip_addr *ip);

/* Do pods whose addresses are in no range that a node tells have ones near it,
 * in its /24, or /64? */
bool address_is_near_pods(const struct cluster *c, const struct ip_addr *ip);

/* Is ip a cluster IP of the Service, not one of its other addresses? */
bool address_is_cluster_ip(
    const struct cluster *c, uint32_t service, const struct ip_addr *ip);

/* As the objects stand, not at a time of the past. */
#define ADDRESS_NOW (INT64_MAX - 1)

/* Where somebody went, and when. */
struct address_target {
	const struct ip_addr *ip;
	uint16_t port;
	uint8_t protocol;
	int64_t at_us;
};

/*
 * The Service and its port that a dialled address leads to: cluster IP and
 * port, balancer or external address and port, or a node's address and
 * nodePort. false: none. Of several that have or had it the one that was there
 * at that time; if none was, the one that was next to it.
 */
bool address_service(const struct cluster *c, const struct address_target *to,
    uint32_t *service, uint16_t *service_port);

/* May Service service, dialled on service_port, lead to ip:port? */
bool address_is_backend(const struct cluster *c, uint32_t service,
    uint16_t service_port, uint8_t protocol, const struct ip_addr *ip,
    uint16_t port);

/*
 * The port of a Service that leads to ip:port, 0: none. pod had the address at
 * that time, or is FLOW_NONE. Where the Service selects pods that decides, for
 * endpoints go with their pods, and their addresses to others.
 */
uint16_t address_leading_port(const struct cluster *c, uint32_t service,
    uint32_t pod, const struct ip_addr *ip, uint16_t port, uint8_t protocol);

/* The backends of a service: *n of them from the returned pointer on. */
const struct kube_backend *address_backends(
    const struct cluster *c, uint32_t service, size_t *n);

/*
 * The Services (not headless) that led there at that time, at most max of them
 * with the service ports beside; returns how many there are.
 */
size_t address_services_of(const struct cluster *c,
    const struct address_target *to, uint32_t *services,
    uint16_t *service_ports, size_t max);

/*
 * Is something known to listen on ip:port at at_us: an endpoint of an
 * EndpointSlice, if it is of the workload that held ip, a Service's own address
 * and port or nodePort, or a declared container port of the pod that held ip?
 */
bool address_listens(const struct cluster *c, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol, int64_t at_us);

#endif

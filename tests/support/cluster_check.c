/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cluster_check.h"

#include <stdlib.h>

#include "core/rfc3339.h"
#include "kube/address.h"

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* Who held it when, and between which times that is sure. */
static void
check_address(const struct cluster *c, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = address_owner_at(c, ip, at_us);
	int64_t from_us, to_us;

	if (at_us == TIME_MAX_US) /* never, and in no span */
		return;
	require((o.kind == ADDRESS_POD) == (o.pod != FLOW_NONE));
	require(o.pod == FLOW_NONE || o.pod < c->n_pods);
	require(o.node == FLOW_NONE || o.node < c->n_nodes);
	require(o.service == FLOW_NONE || o.service < c->n_services);
	(void)address_span_at(c, at_us, &from_us, &to_us);
	require(from_us <= at_us && at_us < to_us);
	/* The same owner at both ends of the span. */
	require(address_owner_at(c, ip, from_us).pod == o.pod);
	require(address_owner_at(c, ip, to_us - 1).pod == o.pod);
}

static void
check_pod(const struct cluster *c, const struct kube_pod *p)
{
	require(p->ns < c->n_namespaces);
	require(p->workload < c->n_workloads);
	require(p->node == FLOW_NONE || p->node < c->n_nodes);
	require(p->from_us <= p->to_us);
	require(cluster_find_pod(c, p->namespace, p->name) < c->n_pods);
	for (size_t k = 0; k < p->n_ips; k++) {
		struct address_owner o =
		    address_owner_at(c, &p->ips[k], p->from_us);

		require(o.kind != ADDRESS_EXTERNAL || p->host_network ||
		    ip_is_none(&p->ips[k]));
		check_address(c, &p->ips[k], p->from_us);
		check_address(c, &p->ips[k], p->held_us);
		check_address(c, &p->ips[k], 0);
		(void)cluster_is_own_node(c, p, &p->ips[k]);
		for (size_t i = 0; i < p->n_ports; i++)
			(void)address_listens(c, &p->ips[k], p->ports[i].port,
			    p->ports[i].protocol, p->from_us);
	}
}

/* Endpoints are those of now: an address of one may be another's at a time. */
static bool
is_anothers(
    const struct cluster *c, const struct kube_backend *b, int64_t at_us)
{
	struct address_owner o = address_owner_at(c, &b->ip, at_us);

	return o.kind == ADDRESS_POD && b->pod != FLOW_NONE &&
	    c->pods[b->pod].workload != c->pods[o.pod].workload;
}

/* Each backend listens, and belongs to the Service that lists it. */
static void
check_backends(const struct cluster *c, uint32_t service)
{
	size_t n = 0;
	const struct kube_backend *v = address_backends(c, service, &n);

	require((v == NULL) == (n == 0));
	for (size_t i = 0; i < n; i++) {
		const struct kube_backend *b = &v[i];
		struct address_target to = { &b->ip, b->port, b->protocol,
			ADDRESS_NOW };
		uint32_t services[4];
		uint16_t ports[4];

		require(b->service == service);
		require(b->pod == FLOW_NONE || b->pod < c->n_pods);
		require(is_anothers(c, b, 0) ||
		    address_listens(c, &b->ip, b->port, b->protocol, 0));
		require(address_services_of(c, &to, services, ports, 4) <= 4);
		(void)address_is_backend(
		    c, service, ports[0], b->protocol, &b->ip, b->port);
	}
}

/* Its addresses are a Service's, if not this one's. */
static void
check_service(const struct cluster *c, uint32_t service)
{
	const struct kube_service *s = &c->services[service];
	uint16_t port;
	uint32_t have;

	require(cluster_find_service(c, s->namespace, s->name) == service);
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct kube_service_port *sp = &s->ports[i];

		for (size_t k = 0; k < s->n_cluster_ips; k++) {
			struct address_target to = { &s->cluster_ips[k],
				sp->port, sp->protocol, s->from_us };

			if (ip_is_none(to.ip))
				continue;
			require(address_service(c, &to, &have, &port));
			require(have < c->n_services && port == sp->port);
		}
		for (size_t n = 0; sp->node_port != 0 && n < c->n_nodes; n++)
			for (size_t k = 0; k < c->nodes[n].n_addrs; k++) {
				struct address_target to = {
					&c->nodes[n].addrs[k], sp->node_port,
					sp->protocol, s->from_us
				};

				(void)address_service(c, &to, &have, &port);
			}
	}
	check_backends(c, service);
}

void
cluster_check(const struct cluster *c)
{
	size_t n = 0, of_service;

	for (size_t i = 0; i < c->n_pods; i++)
		check_pod(c, &c->pods[i]);
	for (uint32_t i = 0; i < c->n_services; i++) {
		check_service(c, i);
		(void)address_backends(c, i, &of_service);
		n += of_service;
	}
	require(n == c->n_backends);
	for (size_t i = 0; i < c->n_workloads; i++)
		require(cluster_find_workload(c, c->workloads[i].namespace,
			    c->workloads[i].kind, c->workloads[i].name) == i);
	for (size_t i = 0; i < c->n_namespaces; i++)
		require(cluster_find_namespace(c, c->namespaces[i].name) == i);
	for (size_t i = 0; i < c->n_nodes; i++)
		require(cluster_find_node(c, c->nodes[i].name) == i);
}

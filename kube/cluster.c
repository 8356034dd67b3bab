/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/cluster.h"

#include <stdlib.h>

#include "kube/internal.h"

struct cluster *
cluster_new(void)
{
	struct cluster *c = calloc(1, sizeof(*c));

	if (c != NULL)
		arena_init(&c->arena, 0);
	return c;
}

void
cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	arena_release(&c->arena);
	free(c);
}

enum rf_status
cluster_finish(struct cluster *c, struct rf_error *err)
{
	enum rf_status st;

	c->index = arena_alloc(&c->arena, sizeof(*c->index));
	if (c->index == NULL)
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	if ((st = index_names(c, err)) != RF_OK)
		return st;
	if ((st = index_addresses(c, err)) != RF_OK)
		return st;
	return index_ports(c, err);
}

uint32_t
cluster_find_namespace(const struct cluster *c, const char *name)
{
	return index_find_name(c, NAMES_NAMESPACE, "", "", name);
}

uint32_t
cluster_find_node(const struct cluster *c, const char *name)
{
	return index_find_name(c, NAMES_NODE, "", "", name);
}

uint32_t
cluster_find_service(
    const struct cluster *c, const char *namespace, const char *name)
{
	return index_find_name(c, NAMES_SERVICE, "", namespace, name);
}

uint32_t
cluster_find_workload(const struct cluster *c, const char *namespace,
    const char *kind, const char *name)
{
	return index_find_name(c, NAMES_WORKLOAD, kind, namespace, name);
}

uint32_t
cluster_find_pod(
    const struct cluster *c, const char *namespace, const char *name)
{
	return index_find_name(c, NAMES_POD, "", namespace, name);
}

uint16_t
kube_pod_named_port(
    const struct kube_pod *p, uint8_t protocol, const char *name)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (!p->ports[i].init && p->ports[i].protocol == protocol &&
		    strcmp(p->ports[i].name, name) == 0)
			return p->ports[i].port;
	return 0;
}

uint16_t
kube_service_target(
    const struct kube_service_port *sp, const struct kube_pod *p)
{
	if (sp->target_name[0] != '\0')
		return kube_pod_named_port(p, sp->protocol, sp->target_name);
	return sp->target_port != 0 ? sp->target_port : sp->port;
}

bool
kube_service_has_family(const struct kube_service *s, const struct ip_addr *ip)
{
	for (size_t i = 0; i < s->n_cluster_ips; i++)
		if (ip_is_v4(&s->cluster_ips[i]) == ip_is_v4(ip))
			return true;
	return s->n_cluster_ips == 0;
}

/* From lo to hi, which is later. */
static int64_t
span_us(int64_t lo, int64_t hi)
{
	return lo < 0 && hi > INT64_MAX + lo ? INT64_MAX : hi - lo;
}

int64_t
kube_service_away_us(const struct kube_service *s, int64_t at_us)
{
	if (at_us < s->from_us)
		return span_us(at_us, s->from_us);
	if (at_us < s->to_us)
		return 0;
	return at_us == s->to_us ? 1 : span_us(s->to_us, at_us);
}

bool
kube_service_masks_clients(const struct kube_service *s)
{
	return (strcmp(s->type, "LoadBalancer") == 0 ||
		   strcmp(s->type, "NodePort") == 0) &&
	    strcmp(s->external_traffic_policy, "Local") != 0;
}

/* The first two addresses of a range, unless it is too small for a bridge. */
static bool
is_gateway(const struct ip_prefix *p, const struct ip_addr *a)
{
	struct ip_addr even = *a;

	even.b[15] &= 0xfe;
	return p->bits < 127 && ip_equal(&p->addr, &even);
}

bool
kube_node_owns(const struct kube_node *n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n->n_addrs; i++)
		if (ip_equal(&n->addrs[i], a))
			return true;
	for (size_t i = 0; i < n->n_pod_cidrs; i++)
		if (is_gateway(&n->pod_cidrs[i], a))
			return true;
	return false;
}

bool
cluster_is_own_node(const struct cluster *c, const struct kube_pod *pod,
    const struct ip_addr *a)
{
	for (size_t i = 0; i < pod->n_host_ips; i++)
		if (ip_equal(&pod->host_ips[i], a))
			return true;
	return pod->node != FLOW_NONE &&
	    kube_node_owns(&c->nodes[pod->node], a);
}

void
cluster_see_host_pods(struct cluster *c)
{
	for (size_t i = 0; i < c->n_pods; i++)
		c->pods[i].host_network = false;
}

const struct ip_addr *
kube_pod_address(const struct kube_pod *p, bool is_v4)
{
	for (size_t i = 0; i < p->n_ips; i++)
		if (ip_is_v4(&p->ips[i]) == is_v4)
			return &p->ips[i];
	return NULL;
}

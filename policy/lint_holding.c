/* SPDX-License-Identifier: Apache-2.0 */
/* Whose addresses a block holds. Blocks are many, and so are addresses: they
 * are sorted once, and each block is looked up. */
#include <stdlib.h>

#include "policy/lint_internal.h"

struct addresses {
	struct ip_addr *v; /* sorted */
	size_t n;
};

struct owned_address {
	struct ip_addr ip;
	const struct kube_service *service;
};

struct lint_holders {
	struct addresses pods, nodes;
	struct owned_address *services; /* by address */
	size_t n_services;
};

bool
lint_block_has(const struct policy_ip_block *b, const struct ip_addr *a)
{
	if (!ip_prefix_contains(&b->cidr, a))
		return false;
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_contains(&b->except[i], a))
			return false;
	return true;
}

static bool
meets(const struct policy_ip_block *b, const struct ip_prefix *range)
{
	if (ip_prefix_is_v4(&b->cidr) != ip_prefix_is_v4(range))
		return false;
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_covers(&b->except[i], range))
			return false;
	return ip_prefix_covers(&b->cidr, range) ||
	    ip_prefix_covers(range, &b->cidr);
}

/* One address, or a pair such as a pod range's .0 and .1. */
static bool
is_gateway(const struct kube_node *n, const struct ip_prefix *p)
{
	struct ip_addr last = p->addr;

	if (p->bits < 127)
		return false;
	if (p->bits == 127)
		last.b[15] |= 1;
	return kube_node_owns(n, &p->addr) && kube_node_owns(n, &last);
}

static int
compare_addresses(const void *x, const void *y)
{
	return ip_compare(x, y);
}

/* Of two with one address the one that is listed first. */
static int
compare_owned(const void *x, const void *y)
{
	const struct owned_address *a = x, *b = y;
	int d = ip_compare(&a->ip, &b->ip);

	return d != 0 ? d
		      : (a->service > b->service) - (a->service < b->service);
}

static bool
gather_pods(const struct lint *l, struct addresses *out)
{
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_pods; i++)
		n += l->c->pods[i].n_ips;
	out->v = arena_calloc(l->arena, n + 1, sizeof(*out->v));
	for (size_t i = 0; out->v != NULL && i < l->c->n_pods; i++) {
		const struct kube_pod *p = &l->c->pods[i];

		for (size_t k = 0; k < p->n_ips; k++)
			if (!p->host_network && !p->deleted)
				out->v[out->n++] = p->ips[k];
	}
	return out->v != NULL;
}

static bool
gather_nodes(const struct lint *l, struct addresses *out)
{
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_nodes; i++)
		n += l->c->nodes[i].n_addrs;
	out->v = arena_calloc(l->arena, n + 1, sizeof(*out->v));
	for (size_t i = 0; out->v != NULL && i < l->c->n_nodes; i++)
		for (size_t k = 0; k < l->c->nodes[i].n_addrs; k++)
			out->v[out->n++] = l->c->nodes[i].addrs[k];
	return out->v != NULL;
}

static bool
gather_services(const struct lint *l, struct lint_holders *out)
{
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_services; i++)
		n += l->c->services[i].n_cluster_ips;
	out->services = arena_calloc(l->arena, n + 1, sizeof(*out->services));
	for (size_t i = 0; out->services != NULL && i < l->c->n_services; i++) {
		const struct kube_service *s = &l->c->services[i];

		for (size_t k = 0; !s->gone && k < s->n_cluster_ips; k++)
			out->services[out->n_services++] =
			    (struct owned_address){ s->cluster_ips[k], s };
	}
	return out->services != NULL;
}

bool
lint_holders_make(struct lint *l)
{
	struct lint_holders *h;

	if (l->c == NULL)
		return true;
	h = arena_calloc(l->arena, 1, sizeof(*h));
	if (h == NULL || !gather_pods(l, &h->pods) ||
	    !gather_nodes(l, &h->nodes) || !gather_services(l, h))
		return false;
	qsort(h->pods.v, h->pods.n, sizeof(*h->pods.v), compare_addresses);
	qsort(h->nodes.v, h->nodes.n, sizeof(*h->nodes.v), compare_addresses);
	qsort(h->services, h->n_services, sizeof(*h->services), compare_owned);
	l->holders = h;
	return true;
}

/* Does the block hold any of them? */
static bool
holds_any(const struct addresses *a, const struct policy_ip_block *b)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&a->v[mid], &b->cidr.addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < a->n && ip_prefix_contains(&b->cidr, &a->v[lo]); lo++)
		if (lint_block_has(b, &a->v[lo]))
			return true;
	return false;
}

/* The first Service by address whose cluster IP the block holds, or NULL. */
static const struct kube_service *
held_service(const struct lint_holders *by, const struct policy_ip_block *b)
{
	size_t lo = 0, hi = by->n_services;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&by->services[mid].ip, &b->cidr.addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < by->n_services &&
	     ip_prefix_contains(&b->cidr, &by->services[lo].ip);
	     lo++)
		if (lint_block_has(b, &by->services[lo].ip))
			return by->services[lo].service;
	return NULL;
}

struct lint_holding
lint_holding_of(const struct lint *l, const struct policy_ip_block *b)
{
	struct lint_holding h = { .pods = holds_any(&l->holders->pods, b),
		.nodes = holds_any(&l->holders->nodes, b),
		.service = held_service(l->holders, b) };

	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct kube_node *n = &l->c->nodes[i];

		h.gateways |= is_gateway(n, &b->cidr);
		for (size_t k = 0; k < n->n_pod_cidrs; k++)
			h.pod_ranges |= meets(b, &n->pod_cidrs[k]);
	}
	return h;
}

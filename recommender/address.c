/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses and ranges that belong to the cluster, so that no block that
 * is merged or widened ever lets them in. */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

/* Networks in which plugins give addresses to pods where nodes tell none. */
#define NEAR_BITS_V4 24
#define NEAR_BITS_V6 64

static int
compare_addresses(const void *x, const void *y)
{
	return ip_compare(x, y);
}

/* Sort addresses in place, drop repetitions. Returns how many are left. */
static size_t
addresses_unique(struct ip_addr *v, size_t n)
{
	size_t k = 0;

	qsort(v, n, sizeof(*v), compare_addresses);
	for (size_t i = 0; i < n; i++)
		if (k == 0 || !ip_equal(&v[k - 1], &v[i]))
			v[k++] = v[i];
	return k;
}

static int
compare_prefixes(const void *x, const void *y)
{
	return ip_prefix_compare(x, y);
}

struct ip_prefix
prefix_around(const struct ip_prefix *a, const struct ip_prefix *b)
{
	uint8_t bits = a->bits < b->bits ? a->bits : b->bits;
	struct ip_prefix p = ip_prefix_of(&a->addr, bits);

	while (bits > 0 && !ip_prefix_covers(&p, b))
		p = ip_prefix_of(&a->addr, --bits);
	return p;
}

/* Are these the two halves of one prefix? */
static bool
are_halves(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_prefix p;

	if (a->bits != b->bits || a->bits == 0 ||
	    ip_prefix_is_v4(a) != ip_prefix_is_v4(b) ||
	    (ip_prefix_is_v4(a) && a->bits == 96))
		return false;
	p = ip_prefix_of(&a->addr, (uint8_t)(a->bits - 1));
	return ip_prefix_covers(&p, b);
}

size_t
prefixes_unite(struct ip_prefix *v, size_t n)
{
	size_t k = 0;

	qsort(v, n, sizeof(*v), compare_prefixes);
	for (size_t i = 0; i < n; i++) {
		if (k > 0 && ip_prefix_covers(&v[k - 1], &v[i]))
			continue;
		v[k++] = v[i];
		for (; k > 1 && are_halves(&v[k - 2], &v[k - 1]); k--)
			v[k - 2] = ip_prefix_of(
			    &v[k - 2].addr, (uint8_t)(v[k - 2].bits - 1));
	}
	return k;
}

static int
find_inside(const void *prefix, const void *ip)
{
	const struct ip_prefix *p = prefix;

	return ip_prefix_contains(p, ip) ? 0 : ip_compare(&p->addr, ip);
}

bool
addr_list_touches(const struct addr_list *l, const struct ip_prefix *p)
{
	return l->n > 0 &&
	    bsearch(p, l->v, l->n, sizeof(*l->v), find_inside) != NULL;
}

static bool
overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_covers(a, b) || ip_prefix_covers(b, a);
}

bool
address_holds_pods(const struct run *r, const struct ip_prefix *p)
{
	for (size_t i = 0; i < r->pod_ranges.n; i++)
		if (overlaps(&r->pod_ranges.v[i], p))
			return true;
	return addr_list_touches(&r->pod_ips, p) ||
	    addr_list_touches(&r->service_ips, p);
}

static int
find_name(const void *ip, const void *name)
{
	return ip_compare(ip, &((const struct dns_name *)name)->ip);
}

/* Did a DNS answer give it a name? */
static bool
has_name(const struct run *r, const struct ip_addr *ip)
{
	const struct flow_set *fs = r->fs;

	return fs->n_names > 0 &&
	    bsearch(ip, fs->names, fs->n_names, sizeof(*fs->names),
		find_name) != NULL;
}

static int
find_range(const void *key, const void *range)
{
	return ip_prefix_contains(range, key)
	    ? 0
	    : ip_compare(key, &((const struct ip_prefix *)range)->addr);
}

static int
find_node(const void *key, const void *node)
{
	return ip_compare(key, &((const struct node_addr *)node)->ip);
}

bool
address_is_passed_on(const struct run *r, const struct ip_addr *ip)
{
	const struct prefix_list *ranges = &r->pod_ranges;
	struct ip_prefix host = ip_prefix_host(ip);

	return addr_list_touches(&r->pod_ips, &host) ||
	    addr_list_touches(&r->service_ips, &host) ||
	    (ranges->n > 0 &&
		bsearch(ip, ranges->v, ranges->n, sizeof(*ranges->v),
		    find_range) != NULL) ||
	    (r->n_node_ips > 0 &&
		bsearch(ip, r->node_ips, r->n_node_ips, sizeof(*r->node_ips),
		    find_node) != NULL);
}

bool
address_is_beside_pods(const struct run *r, const struct ip_addr *ip)
{
	struct ip_prefix near =
	    ip_prefix_of(ip, ip_is_v4(ip) ? 96 + NEAR_BITS_V4 : NEAR_BITS_V6);

	for (size_t i = 0; i < r->pod_ranges.n; i++)
		if (overlaps(&r->pod_ranges.v[i], &near))
			return false;
	return ip_is_private(ip) && addr_list_touches(&r->pod_ips, &near) &&
	    !has_name(r, ip) && !address_is_passed_on(r, ip);
}

bool
address_holds_special(const struct run *r, const struct ip_prefix *p)
{
	static const char *const special[] = { "0.0.0.0/8", "127.0.0.0/8",
		"169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10",
		"ff00::/8", "fd00:ec2::254/128" };
	struct ip_prefix s;

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (ip_prefix_parse(&s, special[i], NULL) && overlaps(&s, p))
			return true;
	for (size_t i = 0; i < r->n_node_ips; i++)
		if (ip_prefix_contains(p, &r->node_ips[i].ip))
			return true;
	return false;
}

static enum rf_status
collect_pods(struct run *r)
{
	struct ip_addr *v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->c->n_pods; i++)
		n += r->c->pods[i].n_ips;
	if ((v = arena_calloc(r->arena, n, sizeof(*v))) == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->c->n_pods; i++) {
		const struct kube_pod *p = &r->c->pods[i];

		for (size_t j = 0; j < p->n_ips; j++)
			if (!p->host_network && !p->deleted &&
			    p->phase != POD_SUCCEEDED && p->phase != POD_FAILED)
				v[k++] = p->ips[j];
	}
	r->pod_ips = (struct addr_list){ v, addresses_unique(v, k) };
	return RF_OK;
}

static enum rf_status
collect_services(struct run *r)
{
	struct ip_addr *v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->c->n_services; i++)
		n += r->c->services[i].n_cluster_ips;
	if ((v = arena_calloc(r->arena, n, sizeof(*v))) == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->c->n_services; i++)
		for (size_t j = 0; j < r->c->services[i].n_cluster_ips; j++)
			v[k++] = r->c->services[i].cluster_ips[j];
	r->service_ips = (struct addr_list){ v, addresses_unique(v, k) };
	return RF_OK;
}

/* External and unknown ends: a node's block must not admit them unseen. */
static enum rf_status
collect_others(struct run *r)
{
	struct ip_addr *v =
	    arena_calloc(r->arena, r->fs->n_endpoints, sizeof(*v));
	size_t k = 0;

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->fs->n_endpoints; i++)
		if (r->fs->endpoints[i].type == ENDPOINT_EXTERNAL ||
		    r->fs->endpoints[i].type == ENDPOINT_UNKNOWN)
			v[k++] = r->fs->endpoints[i].ip;
	r->other_ips = (struct addr_list){ v, addresses_unique(v, k) };
	return RF_OK;
}

static enum rf_status
collect_ranges(struct run *r)
{
	struct ip_prefix *v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->c->n_nodes; i++)
		n += r->c->nodes[i].n_pod_cidrs;
	if ((v = arena_calloc(r->arena, n, sizeof(*v))) == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->c->n_nodes; i++)
		for (size_t j = 0; j < r->c->nodes[i].n_pod_cidrs; j++)
			v[k++] = r->c->nodes[i].pod_cidrs[j];
	r->pod_ranges = (struct prefix_list){ v, prefixes_unite(v, k) };
	return RF_OK;
}

enum rf_status
address_collect(struct run *r)
{
	enum rf_status st;

	if ((st = collect_pods(r)) != RF_OK ||
	    (st = collect_services(r)) != RF_OK ||
	    (st = collect_others(r)) != RF_OK ||
	    (st = collect_ranges(r)) != RF_OK)
		return st;
	return node_collect(r);
}

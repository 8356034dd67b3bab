/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to their owners: the pods' claims become disjoint spans of time,
 * one list an address, and the ranges of pods and Services are summed up.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/rfc3339.h"
#include "kube/internal.h"

/* A /12 is the shortest that kube-apiserver takes for IPv4; the same length
 * for IPv6 would swallow everything, so a /64 there. */
#define SERVICE_BITS_MIN_V4 (96 + 12)
#define SERVICE_BITS_MIN_V6 64

/* To which the API cuts times. */
#define GRAIN_US INT64_C(1000000)

struct claim {
	struct ip_addr ip;
	int64_t from_us, to_us;
	int64_t held_us; /* see struct kube_pod */
	int64_t sure_us; /* not before it, since another one might have it */
	uint32_t pod;
	bool live;     /* neither deleted nor finished */
	bool is_vague; /* see struct kube_pod */
};

bool
index_is_live(const struct kube_pod *p)
{
	return !p->deleted && p->phase != POD_SUCCEEDED &&
	    p->phase != POD_FAILED;
}

static int
compare_claims(const void *va, const void *vb)
{
	const struct claim *a = va, *b = vb;
	int d = ip_compare(&a->ip, &b->ip);

	if (d != 0)
		return d;
	if (a->held_us != b->held_us)
		return a->held_us < b->held_us ? -1 : 1;
	return a->pod < b->pod ? -1 : a->pod > b->pod;
}

/*
 * Take the address from cl when taker had it. That is told in whole seconds,
 * so while cl may go on, nobody is sure to have it for the rest of that one.
 * One of which nothing but its start is told waits for an end that is known.
 */
static void
hand_over(struct claim *cl, struct claim *taker)
{
	int64_t sure_us = cl->to_us, held_us = taker->held_us;
	bool can_wait = taker->is_vague && held_us == taker->from_us &&
	    cl->to_us != TIME_MAX_US;

	if (cl->to_us > held_us && !can_wait) {
		if (held_us < TIME_MAX_US - GRAIN_US &&
		    sure_us > held_us + GRAIN_US)
			sure_us = held_us + GRAIN_US;
		cl->to_us = held_us;
	}
	if (sure_us > taker->sure_us)
		taker->sure_us = sure_us;
}

/*
 * End every claim of one address where the next owner begins. Whoever starts
 * later has taken the address over, but a pod that is finished or gone never
 * takes it from one that runs (SEMANTICS 3).
 */
static void
resolve_claims(struct claim *v, size_t n)
{
	struct claim *next = NULL, *next_live = NULL;
	int64_t live_us = TIME_MAX_US; /* when the first live one began */

	for (size_t i = n; i > 0; i--) {
		struct claim *cl = &v[i - 1];
		struct claim *taker = cl->live ? next_live : next;

		if (taker != NULL)
			hand_over(cl, taker);
		next = cl;
		if (!cl->live)
			continue;
		next_live = cl;
		live_us = cl->held_us;
	}
	for (size_t i = 0; i < n; i++) {
		if (!v[i].live && v[i].held_us >= live_us)
			v[i].to_us = v[i].from_us; /* owns nothing */
		if (v[i].from_us < v[i].sure_us)
			v[i].from_us = v[i].sure_us;
	}
}

/* A pod whose end nobody told us ended when its last address was taken. */
static void
end_pods(struct cluster *c, const struct claim *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct kube_pod *p = &c->pods[v[i].pod];

		if (!v[i].live && p->to_us == TIME_MAX_US)
			p->to_us = p->from_us;
	}
	for (size_t i = 0; i < n; i++) {
		struct kube_pod *p = &c->pods[v[i].pod];

		if (!v[i].live && p->to_us < v[i].to_us)
			p->to_us = v[i].to_us;
	}
}

static size_t
count_pod_ips(const struct cluster *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_pods; i++)
		n += c->pods[i].n_ips + c->pods[i].n_host_ips;
	return n;
}

static void
note_public(struct cluster_index *ix, const struct ip_addr *ip)
{
	if (!ip_is_private(ip))
		ix->has_public_pods[ip_is_v4(ip)] = true;
}

static size_t
collect_claims(const struct cluster *c, struct claim *v)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		for (size_t k = 0; !p->host_network && k < p->n_ips; k++)
			if (!ip_is_none(&p->ips[k]))
				v[n++] = (struct claim){ .ip = p->ips[k],
					.from_us = p->from_us,
					.to_us = p->to_us,
					.held_us = p->held_us > p->from_us
					    ? p->held_us
					    : p->from_us,
					.sure_us = p->from_us,
					.pod = (uint32_t)i,
					.live = index_is_live(p),
					.is_vague = p->is_vague };
	}
	return n;
}

static uint32_t
find_slot(const struct cluster_index *ix, const struct ip_addr *ip)
{
	uint32_t at = (uint32_t)hash_words(0, ip->b, sizeof(ip->b)) & ix->mask;

	while (
	    !ip_is_none(&ix->slots[at].ip) && !ip_equal(&ix->slots[at].ip, ip))
		at = (at + 1) & ix->mask;
	return at;
}

const struct address_slot *
index_find_address(const struct cluster_index *ix, const struct ip_addr *ip)
{
	const struct address_slot *s = &ix->slots[find_slot(ix, ip)];

	return ip_is_none(&s->ip) ? NULL : s;
}

static struct address_slot *
add_slot(struct cluster_index *ix, const struct ip_addr *ip)
{
	struct address_slot *s = &ix->slots[find_slot(ix, ip)];

	if (ip_is_none(&s->ip)) {
		s->ip = *ip;
		s->live = s->node = FLOW_NONE;
	}
	return s;
}

/* Returns how many spans there are. */
static size_t
add_spans(struct cluster_index *ix, struct claim *v, size_t n)
{
	uint32_t at = 0;

	for (size_t i = 0, end; i < n; i = end) {
		struct address_slot *s = add_slot(ix, &v[i].ip);

		for (end = i; end < n && ip_equal(&v[end].ip, &v[i].ip);)
			end++;
		resolve_claims(&v[i], end - i);
		s->first = at;
		for (size_t k = i; k < end; k++)
			if (v[k].live)
				s->live = v[k].pod;
		for (size_t k = i; k < end; k++)
			if (v[k].from_us < v[k].to_us)
				ix->spans[at++] =
				    (struct address_span){ v[k].from_us,
					    v[k].to_us, v[k].pod };
		s->n = at - s->first;
	}
	return at;
}

static int
compare_times(const void *va, const void *vb)
{
	const int64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* When an address changes hands, or a pod on its node's address comes or goes,
 * or a Service does. */
static void
note_changes(struct cluster *c, size_t n_spans)
{
	struct cluster_index *ix = c->index;
	size_t n = 0, kept = 0;
	int64_t *v = ix->changes;

	for (size_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].host_network) {
			v[n++] = c->pods[i].from_us;
			v[n++] = c->pods[i].to_us;
		}
	for (size_t i = 0; i < c->n_services; i++) {
		v[n++] = c->services[i].from_us;
		v[n++] = c->services[i].to_us;
	}
	for (size_t i = 0; i < n_spans; i++) {
		v[n++] = ix->spans[i].from_us;
		v[n++] = ix->spans[i].to_us;
	}
	qsort(v, n, sizeof(*v), compare_times);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	ix->n_changes = kept;
}

static void
set_node(
    struct cluster_index *ix, const struct ip_addr *ip, uint32_t node, bool own)
{
	struct address_slot *s;

	if (ip_is_none(ip))
		return;
	s = add_slot(ix, ip);
	if (s->node == FLOW_NONE)
		s->node = node;
	s->own_node_addr = s->own_node_addr || own;
}

/* Nodes on which something runs. */
static bool *
find_running(struct cluster *c)
{
	bool *runs = arena_calloc(&c->arena, c->n_nodes, sizeof(*runs));

	for (size_t i = 0; runs != NULL && i < c->n_pods; i++)
		if (c->pods[i].node != FLOW_NONE && index_is_live(&c->pods[i]))
			runs[c->pods[i].node] = true;
	return runs;
}

/* Those of the nodes of which runs is as wanted. */
static void
add_node_addresses(struct cluster *c, const bool *runs, bool wanted)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		for (size_t k = 0; runs[i] == wanted && k < c->nodes[i].n_addrs;
		     k++)
			set_node(
			    c->index, &c->nodes[i].addrs[k], (uint32_t)i, true);
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (p->node == FLOW_NONE || runs[p->node] != wanted)
			continue;
		for (size_t k = 0; k < p->n_host_ips; k++)
			set_node(c->index, &p->host_ips[k], p->node, true);
	}
}

static void
add_gateways(struct cluster *c, const bool *runs, bool wanted)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct kube_node *n = &c->nodes[i];

		for (size_t k = 0; runs[i] == wanted && k < n->n_pod_cidrs;
		     k++) {
			struct ip_addr a = n->pod_cidrs[k].addr;

			if (n->pod_cidrs[k].bits >= 127)
				continue;
			set_node(c->index, &a, (uint32_t)i, false);
			a.b[15] |= 1;
			set_node(c->index, &a, (uint32_t)i, false);
		}
	}
}

/* Own addresses first: they outrank another node's gateway. And first those of
 * nodes on which something runs: addresses and ranges of a node that is gone go
 * to the next one, and its pods tell of them for a while. */
static bool
add_nodes(struct cluster *c)
{
	const bool *runs = find_running(c);

	if (runs == NULL)
		return false;
	add_node_addresses(c, runs, true);
	add_node_addresses(c, runs, false);
	add_gateways(c, runs, true);
	add_gateways(c, runs, false);
	return true;
}

static void
link_service(struct cluster_index *ix, const struct ip_addr *ip, size_t i)
{
	struct address_slot *s;

	if (ip_is_none(ip))
		return;
	s = add_slot(ix, ip);
	ix->links[ix->n_links++] =
	    (struct service_link){ (uint32_t)i, s->services };
	s->services = ix->n_links;
}

static size_t
count_service_ips(const struct cluster *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++)
		n += c->services[i].n_cluster_ips + c->services[i].n_lb_ips;
	return n;
}

static bool
add_services(struct cluster *c)
{
	struct cluster_index *ix = c->index;

	ix->links =
	    arena_calloc(&c->arena, count_service_ips(c), sizeof(*ix->links));
	for (size_t i = 0; ix->links != NULL && i < c->n_services; i++) {
		const struct kube_service *s = &c->services[i];

		for (size_t k = 0; k < s->n_cluster_ips; k++)
			link_service(ix, &s->cluster_ips[k], i);
		for (size_t k = 0; k < s->n_lb_ips; k++)
			link_service(ix, &s->lb_ips[k], i);
	}
	return ix->links != NULL;
}

static int
compare_ranges(const void *va, const void *vb)
{
	const struct address_range *a = va, *b = vb;
	int d = ip_compare(&a->lo, &b->lo);

	return d != 0 ? d : ip_compare(&a->hi, &b->hi);
}

static int
compare_ips(const void *va, const void *vb)
{
	return ip_compare(va, vb);
}

static struct address_range
range_of(const struct ip_prefix *p)
{
	struct address_range r = { p->addr, p->addr };

	for (unsigned bit = p->bits; bit < 128; bit++)
		r.hi.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return r;
}

static enum rf_status
build_pod_ranges(struct cluster *c, struct rf_error *err)
{
	struct cluster_index *ix = c->index;
	struct address_range *v;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < c->n_nodes; i++)
		n += c->nodes[i].n_pod_cidrs;
	v = arena_calloc(&c->arena, n, sizeof(*v));
	if (v == NULL)
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	n = 0;
	for (size_t i = 0; i < c->n_nodes; i++)
		for (size_t k = 0; k < c->nodes[i].n_pod_cidrs; k++)
			v[n++] = range_of(&c->nodes[i].pod_cidrs[k]);
	qsort(v, n, sizeof(*v), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || ip_compare(&v[kept - 1].hi, &v[i].lo) < 0)
			v[kept++] = v[i];
		else if (ip_compare(&v[kept - 1].hi, &v[i].hi) < 0)
			v[kept - 1].hi = v[i].hi;
	}
	ix->pod_ranges = v;
	ix->n_pod_ranges = kept;
	return RF_OK;
}

/* The networks of pods that are in no range which a node tells. */
static enum rf_status
build_pod_nets(struct cluster *c, struct rf_error *err)
{
	struct cluster_index *ix = c->index;
	size_t n = 0, kept = 0;
	struct ip_addr *v;

	v = arena_calloc(&c->arena, count_pod_ips(c), sizeof(*v));
	if (v == NULL)
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	for (size_t i = 0; i < c->n_pods; i++)
		for (size_t k = 0; k < c->pods[i].n_ips; k++) {
			const struct ip_addr *ip = &c->pods[i].ips[k];

			if (!c->pods[i].host_network && !ip_is_none(ip) &&
			    !index_in_pod_ranges(ix, ip))
				v[n++] = index_net_of(ip);
		}
	qsort(v, n, sizeof(*v), compare_ips);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !ip_equal(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	ix->pod_nets = v;
	ix->n_pod_nets = kept;
	return RF_OK;
}

static uint8_t
common_bits(const struct ip_addr *a, const struct ip_addr *b, uint8_t max)
{
	unsigned n = 0;

	while (n < max && ((a->b[n / 8] ^ b->b[n / 8]) & (0x80 >> n % 8)) == 0)
		n++;
	return (uint8_t)n;
}

/* The smallest prefix around all cluster IPs of one family. */
static void
build_service_range(struct cluster *c, bool v4)
{
	struct cluster_index *ix = c->index;
	const struct ip_addr *first = NULL;
	uint8_t bits = 128;

	for (size_t i = 0; i < c->n_services; i++)
		for (size_t k = 0; k < c->services[i].n_cluster_ips; k++) {
			const struct ip_addr *a =
			    &c->services[i].cluster_ips[k];

			if (ip_is_v4(a) != v4 || ip_is_none(a))
				continue;
			if (first == NULL)
				first = a;
			bits = common_bits(first, a, bits);
		}
	if (first != NULL && bits < 128 &&
	    bits >= (v4 ? SERVICE_BITS_MIN_V4 : SERVICE_BITS_MIN_V6))
		ix->service_ranges[ix->n_service_ranges++] =
		    ip_prefix_of(first, bits);
}

static size_t
count_addresses(const struct cluster *c)
{
	size_t n = count_pod_ips(c);

	for (size_t i = 0; i < c->n_nodes; i++)
		n += c->nodes[i].n_addrs + 2 * c->nodes[i].n_pod_cidrs;
	return n + count_service_ips(c);
}

enum rf_status
index_addresses(struct cluster *c, struct rf_error *err)
{
	struct cluster_index *ix = c->index;
	uint32_t cap = index_capacity(count_addresses(c));
	size_t n_ips = count_pod_ips(c), n_spans;
	struct claim *claims = calloc(n_ips + 1, sizeof(*claims));

	ix->slots = arena_calloc(&c->arena, cap, sizeof(*ix->slots));
	ix->spans = arena_calloc(&c->arena, n_ips, sizeof(*ix->spans));
	ix->changes = arena_calloc(&c->arena,
	    2 * (n_ips + c->n_pods + c->n_services), sizeof(*ix->changes));
	if (claims == NULL || ix->slots == NULL || ix->spans == NULL ||
	    ix->changes == NULL) {
		free(claims);
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	}
	ix->mask = cap - 1;
	n_ips = collect_claims(c, claims);
	for (size_t i = 0; i < n_ips; i++)
		note_public(ix, &claims[i].ip);
	qsort(claims, n_ips, sizeof(*claims), compare_claims);
	n_spans = add_spans(ix, claims, n_ips);
	end_pods(c, claims, n_ips);
	note_changes(c, n_spans);
	free(claims);
	if (!add_nodes(c) || !add_services(c))
		return rf_fail(err, RF_NOMEM, "cluster: out of memory");
	build_service_range(c, true);
	build_service_range(c, false);
	if (build_pod_ranges(c, err) != RF_OK)
		return RF_NOMEM;
	return build_pod_nets(c, err);
}

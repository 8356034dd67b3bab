/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes as peers. hostNetwork pods and the host itself are matched by no
 * selector, so their addresses are written out; a rule that would break when
 * a client comes in through another node lists all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

static unsigned
direct_kind(const struct ip_addr *ip)
{
	unsigned kind = ip_is_private(ip) ? NODE_PRIVATE : NODE_PUBLIC;

	return ip_is_v4(ip) ? kind : kind << NODE_V6_SHIFT;
}

static bool
in_pod_range(const struct run *r, const struct ip_addr *ip)
{
	for (size_t i = 0; i < r->pod_ranges.n; i++)
		if (ip_prefix_contains(&r->pod_ranges.v[i], ip))
			return true;
	return false;
}

static void
put(struct run *r, uint32_t node, const struct ip_addr *ip, unsigned kind)
{
	struct ip_prefix host = ip_prefix_host(ip);

	if (addr_list_touches(&r->pod_ips, &host))
		return; /* that CNI gives these addresses to pods */
	r->node_ips[r->n_node_ips++] =
	    (struct node_addr){ .ip = *ip, .node = node, .kind = kind };
}

static void
put_gateways(struct run *r, uint32_t node, const struct ip_prefix *cidr)
{
	unsigned shift = ip_prefix_is_v4(cidr) ? 0 : NODE_V6_SHIFT;
	struct ip_addr ip = cidr->addr;

	if (cidr->bits >= 127)
		return;
	put(r, node, &ip, (unsigned)NODE_GATEWAY0 << shift);
	ip.b[15] |= 1;
	put(r, node, &ip, (unsigned)NODE_GATEWAY1 << shift);
}

/* By address; the smaller kind of an address that has two comes first. */
static int
compare_node_addrs(const void *x, const void *y)
{
	const struct node_addr *a = x, *b = y;
	int d = ip_compare(&a->ip, &b->ip);

	return d != 0 ? d : (a->kind > b->kind) - (a->kind < b->kind);
}

/* Which nodes the API server listens on. */
static void
mark_api_nodes(struct run *r)
{
	for (size_t i = 0; i < r->n_node_ips; i++)
		if (plan_is_api_address(r, &r->node_ips[i].ip))
			r->is_api_node[r->node_ips[i].node] = true;
}

enum rf_status
node_collect(struct run *r)
{
	const struct cluster *c = r->c;
	size_t n = 0, k = 0;

	r->is_api_node =
	    arena_calloc(r->arena, c->n_nodes, sizeof(*r->is_api_node));

	for (size_t i = 0; i < c->n_nodes; i++)
		n += c->nodes[i].n_addrs + 2 * c->nodes[i].n_pod_cidrs;
	r->node_ips = arena_calloc(r->arena, n, sizeof(*r->node_ips));
	if (r->node_ips == NULL || r->is_api_node == NULL)
		return run_nomem(r);
	for (uint32_t i = 0; i < c->n_nodes; i++) {
		const struct kube_node *node = &c->nodes[i];

		for (size_t j = 0; j < node->n_pod_cidrs; j++)
			put_gateways(r, i, &node->pod_cidrs[j]);
		for (size_t j = 0; j < node->n_addrs; j++) {
			unsigned kind = direct_kind(&node->addrs[j]);

			if (in_pod_range(r, &node->addrs[j]))
				kind = ip_is_v4(&node->addrs[j])
				    ? NODE_TUNNEL
				    : NODE_TUNNEL << NODE_V6_SHIFT;
			put(r, i, &node->addrs[j], kind);
		}
	}
	qsort(r->node_ips, r->n_node_ips, sizeof(*r->node_ips),
	    compare_node_addrs);
	for (size_t i = 0; i < r->n_node_ips; i++)
		if (k == 0 ||
		    !ip_equal(&r->node_ips[k - 1].ip, &r->node_ips[i].ip))
			r->node_ips[k++] = r->node_ips[i];
	r->n_node_ips = k;
	mark_api_nodes(r);
	return RF_OK;
}

unsigned
node_kind_of(const struct run *r, const struct ip_addr *ip)
{
	size_t lo = 0, hi = r->n_node_ips;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&r->node_ips[mid].ip, ip) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < r->n_node_ips && ip_equal(&r->node_ips[lo].ip, ip))
		return r->node_ips[lo].kind;
	return direct_kind(ip);
}

/* proto.peer.kinds may say more than that it is a node. */
static enum rf_status
add_block(struct run *r, struct need proto, const struct ip_prefix *block)
{
	proto.peer = (struct peer){ .type = PEER_BLOCK,
		.kinds = BLOCK_NODE | (proto.peer.kinds & BLOCK_API_SERVER),
		.block = *block };
	return needs_add(r, proto);
}

/* One block around many nodes, where it admits nothing else that we know. */
static bool
cover_is_safe(const struct run *r, const struct ip_prefix *p)
{
	return !address_holds_pods(r, p) && p->bits > 96 + 8 &&
	    !addr_list_touches(&r->other_ips, p);
}

/* The block lets in more than the n nodes that it is there for. */
static enum rf_status
remark_cover(struct run *r, const struct need *proto,
    const struct ip_prefix *cover, size_t n)
{
	const struct raw raw = { .group = proto->group,
		.direction = proto->direction,
		.protocol = proto->protocol,
		.port = proto->port };
	char text[IP_PREFIX_STRLEN];

	return note_remark(r, &raw, "node-block",
	    run_printf(r,
		"%zu node addresses are one block, %s, which holds %lu "
		"addresses",
		n, ip_prefix_format(cover, text), 1ul << (128 - cover->bits)));
}

/* v holds n > 0 addresses of one family. */
static enum rf_status
add_many(struct run *r, struct need proto, const struct ip_addr *v, size_t n)
{
	struct ip_prefix first = ip_prefix_host(&v[0]);
	struct ip_prefix last = ip_prefix_host(&v[n - 1]);
	struct ip_prefix cover = prefix_around(&first, &last);
	enum rf_status st;

	if (n > r->max_external && ip_is_v4(&v[0]) &&
	    cover_is_safe(r, &cover)) {
		st = add_block(r, proto, &cover);
		return st != RF_OK ? st : remark_cover(r, &proto, &cover, n);
	}
	for (size_t i = 0; i < n; i++) {
		struct ip_prefix host = ip_prefix_host(&v[i]);

		if ((st = add_block(r, proto, &host)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Is this one of the addresses that node_add_all is to list? */
static bool
is_wanted(const struct run *r, const struct node_addr *a,
    const struct need *proto, unsigned kinds, bool v4)
{
	if ((proto->peer.kinds & BLOCK_API_SERVER) != 0 &&
	    !r->is_api_node[a->node])
		return false;
	return (a->kind & kinds) != 0 && ip_is_v4(&a->ip) == v4;
}

enum rf_status
node_add_all(struct run *r, struct need proto, unsigned kinds)
{
	struct ip_addr *v = arena_calloc(r->arena, r->n_node_ips, sizeof(*v));
	enum rf_status st = RF_OK;

	if (v == NULL)
		return run_nomem(r);
	proto.floor = true;
	for (unsigned v4 = 0; v4 < 2 && st == RF_OK; v4++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n_node_ips; i++)
			if (is_wanted(
				r, &r->node_ips[i], &proto, kinds, v4 == 1))
				v[n++] = r->node_ips[i].ip;
		if (n > 0)
			st = add_many(r, proto, v, n);
	}
	return st;
}

/* Through which kinds of addresses clients may come in. What was seen only on
 * a pod's own node says nothing of the others, so then all are allowed. */
static unsigned
entry_kinds(const struct run *r, const struct raw *raws, size_t n)
{
	unsigned far = 0, near = 0, gateways = NODE_GATEWAY0 | NODE_GATEWAY1;

	for (size_t i = 0; i < n; i++) {
		unsigned kind = node_kind_of(r, &raws[i].ip);

		if (raws[i].own_node)
			near |= kind;
		else
			far |= kind;
	}
	if (far != 0)
		return far;
	if ((near & 0xff) != 0)
		near |= NODE_PRIVATE;
	if ((near & gateways) != 0)
		near |= gateways;
	if (near >> NODE_V6_SHIFT != 0)
		near |= NODE_PRIVATE << NODE_V6_SHIFT;
	if ((near & gateways << NODE_V6_SHIFT) != 0)
		near |= gateways << NODE_V6_SHIFT;
	return near;
}

/* Was more than one node reached? */
static bool
spans_nodes(const struct raw *raws, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (raws[i].node != raws[0].node)
			return true;
	return false;
}

static bool
all_own_node(const struct raw *raws, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!raws[i].own_node)
			return false;
	return true;
}

/* Did all of these clients run where the API server does, as webhooks'
 * do? */
static bool
all_api_nodes(const struct run *r, const struct raw *raws, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (raws[i].direction != POLICY_INGRESS ||
		    raws[i].node == FLOW_NONE || !r->is_api_node[raws[i].node])
			return false;
	return true;
}

/* Do clients from outside come in by these kinds of addresses, too? Their
 * raws are next to these. */
static bool
entry_covers(
    const struct run *r, const struct raw *raws, size_t n, unsigned kinds)
{
	const struct raw *end = r->raws + r->n_raws, *next = raws + n;
	size_t m = 0;

	while (next + m < end && next[m].group == raws->group &&
	    next[m].direction == raws->direction &&
	    next[m].protocol == raws->protocol && next[m].port == raws->port &&
	    next[m].kind == RAW_ENTRY)
		m++;
	return m > 0 && (kinds & ~entry_kinds(r, next, m)) == 0;
}

static enum rf_status
remark_nodes(struct run *r, const struct raw *raws, bool api, bool all)
{
	bool in = raws->direction == POLICY_INGRESS;

	if (raws->kind == RAW_ENTRY)
		return note_remark(r, raws, "all-nodes",
		    "clients come in through nodes, so every node's address is "
		    "allowed beside the clients'; a new node must be added");
	if (api)
		return note_remark(r, raws, "api-server-nodes",
		    "a node of the API server calls it, as for a webhook, so "
		    "every such node is allowed; a new one must be added");
	if (all)
		return note_remark(r, raws, "all-nodes",
		    in ? "several nodes call it, so every node's address is "
			 "allowed; a new node must be added"
		       : "several nodes were reached, so every node's address "
			 "is allowed; a new node must be added");
	return note_remark(r, raws, "node-address",
	    "only the node addresses that were seen are allowed; another node "
	    "must be added");
}

enum rf_status
node_needs(struct run *r, const struct raw *raws, size_t n)
{
	struct need proto = { .group = raws->group,
		.direction = raws->direction,
		.protocol = raws->protocol,
		.port = raws->port };
	bool entry = raws->kind == RAW_ENTRY;
	bool api = !entry && all_api_nodes(r, raws, n);
	bool all = entry || api || spans_nodes(raws, n);
	unsigned kinds = 0;
	enum rf_status st;

	if (!entry && all_own_node(raws, n))
		return RF_OK;
	if (entry && r->options->public_open)
		return external_anyone(r, raws);
	proto.peer.kinds = api ? BLOCK_API_SERVER : 0;
	for (size_t i = 0; i < n; i++)
		kinds |= node_kind_of(r, &raws[i].ip);
	if (entry)
		kinds = entry_kinds(r, raws, n);
	if (all && (st = node_add_all(r, proto, kinds)) != RF_OK)
		return st;
	for (size_t i = 0; i < n; i++) {
		struct ip_prefix host = ip_prefix_host(&raws[i].ip);

		if (raws[i].own_node)
			continue; /* always allowed (SEMANTICS 50) */
		if ((st = add_block(r, proto, &host)) != RF_OK)
			return st;
	}
	if (!entry && entry_covers(r, raws, n, kinds))
		return RF_OK;
	return remark_nodes(r, raws, api, all);
}

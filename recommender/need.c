/* SPDX-License-Identifier: Apache-2.0 */
/* From flows that give rules to what each group needs: peers by their labels
 * at once, addresses gathered first and then completed or merged. */
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "kube/address.h"
#include "recommender/internal.h"

enum rf_status
needs_add(struct run *r, struct need need)
{
	void *v = r->needs;

	if (!grow(&v, r->n_needs, &r->cap_needs, sizeof(need)))
		return run_nomem(r);
	r->needs = v;
	r->needs[r->n_needs++] = need;
	return RF_OK;
}

static enum rf_status
raws_add(struct run *r, struct raw raw)
{
	void *v = r->raws;

	if (!grow(&v, r->n_raws, &r->cap_raws, sizeof(raw)))
		return run_nomem(r);
	r->raws = v;
	r->raws[r->n_raws++] = raw;
	return RF_OK;
}

static struct need
need_of(const struct flow *f, uint32_t group, enum policy_direction dir,
    uint16_t port)
{
	return (struct need){ .group = group,
		.direction = (uint8_t)dir,
		.protocol = f->protocol,
		.port = port };
}

static struct raw
raw_of(const struct flow *f, uint32_t group, enum policy_direction dir,
    const struct endpoint *e)
{
	return (struct raw){ .group = group,
		.direction = (uint8_t)dir,
		.protocol = f->protocol,
		.port = f->port,
		.kind = e->type == ENDPOINT_EXTERNAL ? RAW_EXTERNAL : RAW_NODE,
		.via_service = f->service != FLOW_NONE,
		.ip = e->ip,
		.node = e->type == ENDPOINT_NODE ? e->node : FLOW_NONE };
}

static enum rf_status
add_block(struct run *r, struct need need, enum block_kind kind,
    const struct ip_addr *ip)
{
	need.peer = (struct peer){ .type = PEER_BLOCK,
		.kinds = (uint16_t)kind,
		.block = ip_prefix_host(ip) };
	return needs_add(r, need);
}

/* The same, for an address that stands in for the one that was seen. */
static enum rf_status
add_other_block(struct run *r, struct need need, enum block_kind kind,
    const struct ip_addr *ip)
{
	need.floor = true;
	return add_block(r, need, kind, ip);
}

/* Every address behind default/kubernetes; port 0: as each listens. */
static enum rf_status
add_api_backends(struct run *r, struct need need)
{
	size_t n;
	const struct kube_backend *b =
	    address_backends(r->c, r->api_service, &n);
	uint16_t port = need.port;
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		need.port = port == 0 ? b[i].port : port;
		if (b[i].ready && b[i].protocol == FLOW_TCP &&
		    (st = add_other_block(
			 r, need, BLOCK_API_SERVER, &b[i].ip)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Those that may have been reached, where only the Service's side was seen. */
static enum rf_status
add_api_targets(struct run *r, const struct flow *f, uint32_t group)
{
	struct target_walk w = plan_targets(r, f);
	enum rf_status st = RF_OK;
	struct target t;

	while (st == RF_OK && plan_next_target(&w, &t))
		st = add_block(r, need_of(f, group, POLICY_EGRESS, t.port),
		    BLOCK_API_SERVER, &t.ip);
	return st;
}

/* All of them, and the one that was reached. */
static enum rf_status
add_api_server(struct run *r, const struct flow *f, uint32_t group)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	enum rf_status st;

	st = add_api_backends(r, need_of(f, group, POLICY_EGRESS, 0));
	if (st != RF_OK)
		return st;
	if ((st = cni_add_service(r, f, group, NULL)) != RF_OK)
		return st;
	if (plan_is_open(f, dst))
		return add_api_targets(r, f, group);
	if (ip_is_none(&dst->ip))
		return RF_OK;
	return add_block(r, need_of(f, group, POLICY_EGRESS, f->port),
	    BLOCK_API_SERVER, &dst->ip);
}

static enum rf_status
add_target(
    struct run *r, const struct flow *f, uint32_t group, const struct target *t)
{
	struct need need = need_of(f, group, POLICY_EGRESS, t->port);
	enum rf_status st;

	if (t->group == FLOW_NONE)
		return add_block(r, need, BLOCK_NODE, &t->ip);
	need.peer = (struct peer){ .type = PEER_GROUP, .group = t->group };
	st = cni_add_service(r, f, group, &need.peer);
	return st != RF_OK ? st : needs_add(r, need);
}

static enum rf_status
add_egress(struct run *r, const struct flow *f, uint32_t group)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	struct need need = need_of(f, group, POLICY_EGRESS, f->port);
	enum rf_status st;

	if (plan_is_api_server(r, f))
		return add_api_server(r, f, group);
	if (plan_group(r, dst) != FLOW_NONE) {
		need.peer = (struct peer){ .type = PEER_GROUP,
			.group = plan_group(r, dst) };
		if ((st = cni_add_service(r, f, group, &need.peer)) != RF_OK)
			return st;
		return needs_add(r, need);
	}
	if (dns_is_node_local(r, &dst->ip))
		return add_block(r, need, BLOCK_DNS, &dst->ip);
	if (ip_is_link_local(&dst->ip) || dst->type == ENDPOINT_WORKLOAD)
		return add_block(r, need,
		    plan_is_metadata(&dst->ip) ? BLOCK_METADATA
					       : BLOCK_LINK_LOCAL,
		    &dst->ip);
	if ((st = cni_add_service(r, f, group, NULL)) != RF_OK)
		return st;
	return raws_add(r, raw_of(f, group, POLICY_EGRESS, dst));
}

/* One address by which policies may see the client: from. */
static enum rf_status
add_ingress_from(struct run *r, const struct flow *f, uint32_t group,
    uint16_t port, const struct endpoint *from)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	struct need need = need_of(f, group, POLICY_INGRESS, port);
	struct raw raw = raw_of(f, group, POLICY_INGRESS, from);
	enum rf_status st;

	if (plan_group(r, from) != FLOW_NONE) {
		need.peer = (struct peer){ .type = PEER_GROUP,
			.group = plan_group(r, from) };
		return needs_add(r, need);
	}
	if (ip_is_link_local(&from->ip))
		return add_block(r, need, BLOCK_LINK_LOCAL, &from->ip);
	if (from->type == ENDPOINT_EXTERNAL &&
	    plan_is_api_address(r, &from->ip)) {
		st = add_api_backends(r, need);
		return st != RF_OK
		    ? st
		    : add_block(r, need, BLOCK_API_SERVER, &from->ip);
	}
	raw.port = port;
	if (raw.kind == RAW_NODE) {
		if (r->fs->endpoints[f->src].type != ENDPOINT_NODE)
			raw.kind = RAW_ENTRY;
		raw.own_node = plan_is_own_node(r, dst, from);
	}
	return raws_add(r, raw);
}

static enum rf_status
add_ingress(struct run *r, const struct flow *f, uint32_t group, uint16_t port)
{
	return add_ingress_from(
	    r, f, group, port, &r->fs->endpoints[f->seen_src]);
}

static enum rf_status
add_client(struct run *r, const struct flow *f, uint32_t group, uint16_t port)
{
	return add_ingress_from(r, f, group, port, &r->fs->endpoints[f->src]);
}

/* A Service as a whole: every backend, on both sides. */
static enum rf_status
add_open(struct run *r, const struct flow *f, unsigned want)
{
	uint32_t g = plan_group(r, &r->fs->endpoints[f->src]);
	struct target_walk w = plan_targets(r, f);
	struct target t;
	enum rf_status st;

	while (plan_next_target(&w, &t)) {
		if ((want & WANT_EGRESS) != 0 &&
		    (st = add_target(r, f, g, &t)) != RF_OK)
			return st;
		if ((want & WANT_INGRESS) == 0 ||
		    !plan_group_in_scope(r, t.group))
			continue;
		st = add_ingress(r, f, t.group, t.port);
		if (st == RF_OK && plan_sees_client(r, f))
			st = add_client(r, f, t.group, t.port);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

/* What stays on the pod's own node needs no rule, but tells that such a port
 * is reached on this node too. */
static enum rf_status
add_own_node(struct run *r, const struct flow *f, uint32_t group)
{
	struct raw raw =
	    raw_of(f, group, POLICY_EGRESS, &r->fs->endpoints[f->dst]);

	raw.own_node = true;
	return raws_add(r, raw);
}

static enum rf_status
add_flow(struct run *r, const struct flow *f)
{
	const struct endpoint *src = &r->fs->endpoints[f->src];
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	struct plan plan = plan_flow(r, f);
	uint32_t to = plan_group(r, dst);
	enum rf_status st;
	bool client;

	if (plan.want == 0 && plan.reason != NULL &&
	    strcmp(plan.reason, "own-node") == 0 && dst->type == ENDPOINT_NODE)
		return add_own_node(r, f, plan_group(r, src));
	if (plan_is_open(f, dst) && !plan_is_api_server(r, f))
		return plan.want == 0 ? RF_OK : add_open(r, f, plan.want);
	client = (plan.want & WANT_INGRESS) != 0 && plan_sees_client(r, f) &&
	    !existing_allows_client(r, f);
	plan.want &= ~existing_allows(r, f, plan.want);
	if ((plan.want & WANT_EGRESS) != 0 &&
	    (st = add_egress(r, f, plan_group(r, src))) != RF_OK)
		return st;
	if ((plan.want & WANT_INGRESS) != 0 &&
	    (st = add_ingress(r, f, to, f->port)) != RF_OK)
		return st;
	return client ? add_client(r, f, to, f->port) : RF_OK;
}

static int
compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* By what makes a bucket; the address comes after it. */
static int
compare_bucket(const struct raw *a, const struct raw *b)
{
	int d;

	if ((d = compare_u32(a->group, b->group)) != 0 ||
	    (d = compare_u32(a->direction, b->direction)) != 0 ||
	    (d = compare_u32(a->protocol, b->protocol)) != 0 ||
	    (d = compare_u32(a->port, b->port)) != 0)
		return d;
	return compare_u32(a->kind, b->kind);
}

static int
compare_raws(const void *x, const void *y)
{
	const struct raw *a = x, *b = y;
	int d;

	if ((d = compare_bucket(a, b)) != 0 ||
	    (d = ip_compare(&a->ip, &b->ip)) != 0)
		return d;
	return compare_u32(a->node, b->node);
}

/* Sorted; each address of a bucket once, with what any of them knew. */
static void
raws_unique(struct run *r)
{
	size_t k = 0;

	qsort(r->raws, r->n_raws, sizeof(*r->raws), compare_raws);
	for (size_t i = 0; i < r->n_raws; i++) {
		struct raw *last = k == 0 ? NULL : &r->raws[k - 1];

		if (last == NULL || compare_bucket(last, &r->raws[i]) != 0 ||
		    !ip_equal(&last->ip, &r->raws[i].ip)) {
			r->raws[k++] = r->raws[i];
			continue;
		}
		last->via_service |= r->raws[i].via_service;
		last->own_node &= r->raws[i].own_node;
	}
	r->n_raws = k;
}

enum rf_status
plan_needs(struct run *r)
{
	enum rf_status st;

	for (size_t i = 0; i < r->n_edges; i++)
		for (size_t j = 0; j < r->edges[i].n_flows; j++)
			if ((st = add_flow(r, r->edges[i].flows[j])) != RF_OK)
				return st;
	if (r->n_raws > 0)
		raws_unique(r);
	for (size_t i = 0, j; i < r->n_raws; i = j) {
		for (j = i; j < r->n_raws &&
		     compare_bucket(&r->raws[i], &r->raws[j]) == 0;
		     j++)
			;
		st = r->raws[i].kind == RAW_EXTERNAL
		    ? external_needs(r, &r->raws[i], j - i)
		    : node_needs(r, &r->raws[i], j - i);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/check.h"

#include <stdlib.h>

#include "kube/address.h"

bool
check_pod_lives(const struct kube_pod *p)
{
	return !p->deleted && p->phase != POD_SUCCEEDED &&
	    p->phase != POD_FAILED;
}

struct check_end
check_end_of_ip(const struct cluster *c, const struct ip_addr *ip)
{
	struct address_owner o = address_owner_now(c, ip);
	struct check_end e = { .end = { FLOW_NONE, *ip }, .index = FLOW_NONE };

	switch (o.kind) {
	case ADDRESS_EXTERNAL:
		e.kind = CHECK_OUTSIDE;
		break;
	case ADDRESS_POD:
		/* Deleted, at a time that nobody told us. */
		if (!check_pod_lives(&c->pods[o.pod])) {
			e.kind = CHECK_RANGE;
			break;
		}
		e.kind = CHECK_POD;
		e.index = e.end.pod = o.pod;
		break;
	case ADDRESS_NODE:
		e.kind = CHECK_NODE;
		e.index = o.node;
		break;
	case ADDRESS_SERVICE:
		e.kind = CHECK_SERVICE;
		e.index = o.service;
		break;
	case ADDRESS_POD_RANGE:
	case ADDRESS_SERVICE_RANGE:
		e.kind = CHECK_RANGE;
		break;
	}
	return e;
}

struct check_end
check_end_of_pod(
    const struct cluster *c, uint32_t pod, const struct ip_addr *ip)
{
	const struct kube_pod *p = &c->pods[pod];
	struct check_end e = { .end = { FLOW_NONE, *ip }, .index = pod };

	if (!check_pod_lives(p)) {
		e.kind = CHECK_GONE_POD;
		return e;
	}
	e.kind = p->host_network ? CHECK_HOST_POD : CHECK_POD;
	e.end.pod = pod;
	return e;
}

void
check_connect(struct check_group *g, const struct cluster *c, uint8_t protocol)
{
	const struct ip_addr ip = g->dst.end.ip;
	uint16_t port = g->dst.port;

	if (g->src.kind == CHECK_POD && g->dst.end.pod == FLOW_NONE &&
	    ip_is_loopback(&ip)) {
		g->dst = check_end_of_pod(c, g->src.index, &ip);
		g->dst.port = port;
	}
	g->query = (struct evaluator_query){ .src = g->src.end,
		.dst = g->dst.end,
		.seen_src = g->src.end,
		.port = port,
		.protocol = protocol };
}

static bool
same_side(const struct evaluator_side *a, const struct evaluator_side *b)
{
	return a->verdict == b->verdict && a->flags == b->flags &&
	    a->policy == b->policy && a->rule == b->rule;
}

/* Connections of which one explanation serves for all. */
static bool
same_group(const struct check_group *g, const struct check_group *other)
{
	return g->dst.port == other->dst.port &&
	    g->src.kind == other->src.kind && g->dst.kind == other->dst.kind &&
	    same_side(&g->answer.egress, &other->answer.egress) &&
	    same_side(&g->answer.ingress, &other->answer.ingress);
}

static int
compare_groups(const void *va, const void *vb)
{
	const struct check_group *a = va, *b = vb;

	if (a->answer.allowed != b->answer.allowed)
		return a->answer.allowed ? 1 : -1;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	if (a->query.src.pod != b->query.src.pod)
		return a->query.src.pod < b->query.src.pod ? -1 : 1;
	return (a->query.dst.pod > b->query.dst.pod) -
	    (a->query.dst.pod < b->query.dst.pod);
}

/* The groups while they gather. */
struct gathering {
	struct check_group *v;
	size_t n, cap;
	struct arena *arena;
};

static bool
gather(struct gathering *g, const struct check_group *one)
{
	void *grown = g->v;

	for (size_t i = 0; i < g->n; i++)
		if (same_group(&g->v[i], one)) {
			g->v[i].n++;
			return true;
		}
	if (!arena_grow(g->arena, &grown, g->n, &g->cap, sizeof(*g->v)))
		return false;
	g->v = grown;
	g->v[g->n++] = *one;
	return true;
}

static bool
any_common_family(const struct check_ask *a)
{
	for (size_t i = 0; i < a->n_src; i++)
		for (size_t k = 0; k < a->n_dst; k++)
			if (ip_is_v4(&a->src[i].end.ip) ==
			    ip_is_v4(&a->dst[k].end.ip))
				return true;
	return false;
}

enum rf_status
check_run(struct check_result *out, const struct check_scene *scene,
    const struct check_ask *ask, struct arena *arena, struct rf_error *err)
{
	struct gathering g = { .arena = arena };

	*out =
	    (struct check_result){ .mixed_families = !any_common_family(ask) };
	for (size_t i = 0; i < ask->n_src * ask->n_dst; i++) {
		struct check_group one = { .src = ask->src[i / ask->n_dst],
			.dst = ask->dst[i % ask->n_dst],
			.n = 1 };

		if (!out->mixed_families &&
		    ip_is_v4(&one.src.end.ip) != ip_is_v4(&one.dst.end.ip))
			continue;
		check_connect(&one, scene->cluster, ask->protocol);
		evaluator_ask(scene->evaluator, &one.query, &one.answer);
		if (!gather(&g, &one))
			return rf_fail(err, RF_NOMEM, "check: out of memory");
		out->n++;
		out->n_denied += !one.answer.allowed;
	}
	if (g.n > 0)
		qsort(g.v, g.n, sizeof(*g.v), compare_groups);
	out->groups = g.v;
	out->n_groups = g.n;
	return RF_OK;
}

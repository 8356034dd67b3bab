/* SPDX-License-Identifier: Apache-2.0 */
/* Which workloads may newly, or no longer, reach which. */
#include <stdlib.h>
#include <string.h>

#include "report/check.h"
#include "report/diff.h"

#define FACES_MAX 4 /* pods asked of one workload, each with other labels */

struct port {
	uint16_t port;
	uint8_t protocol;
};

/* A workload as pairs see it. */
struct face {
	uint32_t pods[FACES_MAX];
	size_t n_pods;
	struct port *ports;
	size_t n_ports, cap_ports;
};

struct pairing {
	const struct cluster *c;
	const struct evaluator *a, *b;
	struct arena *arena;
	struct face *faces;  /* by workload */
	bool *is_touched[2]; /* by direction, then workload: some policy that
			      * isolates it there is not in both sets */
	struct diff_pair *v;
	size_t cap;
	struct diff_pairs *out;
	struct ip_addr outside[2]; /* of IPv6 and IPv4 */
	bool failed;
};

static void
add_port(struct pairing *p, struct face *f, uint16_t port, uint8_t protocol)
{
	void *v = f->ports;

	for (size_t i = 0; i < f->n_ports; i++)
		if (f->ports[i].port == port &&
		    f->ports[i].protocol == protocol)
			return;
	if (!arena_grow(
		p->arena, &v, f->n_ports, &f->cap_ports, sizeof(*f->ports))) {
		p->failed = true;
		return;
	}
	f->ports = v;
	f->ports[f->n_ports++] = (struct port){ port, protocol };
}

static void
add_pod(struct pairing *p, struct face *f, uint32_t i)
{
	const struct kube_pod *pod = &p->c->pods[i];

	for (size_t k = 0; k < pod->n_ports; k++)
		if (!pod->ports[k].init || pod->ports[k].sidecar)
			add_port(
			    p, f, pod->ports[k].port, pod->ports[k].protocol);
	for (size_t k = 0; k < f->n_pods; k++)
		if (label_set_equal(
			&p->c->pods[f->pods[k]].labels, &pod->labels))
			return;
	if (f->n_pods < FACES_MAX)
		f->pods[f->n_pods++] = i;
}

static bool
is_asked(const struct kube_pod *p)
{
	return check_pod_lives(p) && !p->host_network && p->n_ips > 0;
}

static void
make_faces(struct pairing *p)
{
	for (uint32_t i = 0; i < p->c->n_pods; i++)
		if (is_asked(&p->c->pods[i]))
			add_pod(p, &p->faces[p->c->pods[i].workload], i);
	for (size_t i = 0; i < p->c->n_backends; i++) {
		const struct kube_backend *b = &p->c->backends[i];

		if (b->pod != FLOW_NONE && is_asked(&p->c->pods[b->pod]))
			add_port(p, &p->faces[p->c->pods[b->pod].workload],
			    b->port, b->protocol);
	}
}

/* Who asks for an address: the pod from its own of the same family, or an
 * address outside. false: it has none of that family. */
static bool
source_of(const struct pairing *p, uint32_t pod, const struct ip_addr *to,
    struct evaluator_end *out)
{
	bool is_v4 = ip_is_v4(to);
	const struct kube_pod *src;

	*out = (struct evaluator_end){ FLOW_NONE, p->outside[is_v4] };
	if (pod == FLOW_NONE)
		return true;
	src = &p->c->pods[pod];
	for (size_t i = 0; i < src->n_ips; i++)
		if (ip_is_v4(&src->ips[i]) == is_v4) {
			*out = (struct evaluator_end){ pod, src->ips[i] };
			return true;
		}
	return false;
}

/* In each family that both have. */
static void
ask(struct pairing *p, struct diff_pair *pair, uint32_t src, uint32_t dst,
    bool *changed)
{
	const struct kube_pod *to = &p->c->pods[dst];

	for (size_t i = 0; i < to->n_ips; i++) {
		struct evaluator_query q = { .port = pair->port,
			.protocol = pair->protocol,
			.dst = { dst, to->ips[i] } };
		struct evaluator_answer a, b;

		if (!source_of(p, src, &to->ips[i], &q.src))
			continue;
		q.seen_src = q.src;
		evaluator_ask(p->a, &q, &a);
		evaluator_ask(p->b, &q, &b);
		p->out->n_asked++;
		/* Denied once is worse than allowed once. */
		if (a.allowed == b.allowed || (*changed && b.allowed))
			continue;
		*changed = true;
		pair->now_allowed = b.allowed;
	}
}

static void
keep(struct pairing *p, const struct diff_pair *pair)
{
	void *v = p->v;

	p->out->n_allowed += pair->now_allowed;
	p->out->n_denied += !pair->now_allowed;
	if (p->out->n == DIFF_PAIRS_MAX)
		return;
	if (!arena_grow(p->arena, &v, p->out->n, &p->cap, sizeof(*pair))) {
		p->failed = true;
		return;
	}
	p->v = v;
	p->v[p->out->n++] = *pair;
}

static void
ask_pair(struct pairing *p, uint32_t src, uint32_t dst)
{
	const struct face *to = &p->faces[dst];
	const struct face *from = src == FLOW_NONE ? NULL : &p->faces[src];
	size_t n_src = from == NULL ? 1 : from->n_pods;

	for (size_t i = 0; i < to->n_ports; i++) {
		struct diff_pair pair = { .src = src,
			.dst = dst,
			.port = to->ports[i].port,
			.protocol = to->ports[i].protocol };
		bool changed = false;

		for (size_t k = 0; k < n_src * to->n_pods; k++)
			ask(p, &pair,
			    from == NULL ? FLOW_NONE : from->pods[k % n_src],
			    to->pods[k / n_src], &changed);
		if (changed)
			keep(p, &pair);
	}
}

/* Workloads are in the order of names in a cluster. */
static int
compare_pairs(const void *va, const void *vb)
{
	const struct diff_pair *a = va, *b = vb;

	if (a->now_allowed != b->now_allowed)
		return a->now_allowed ? 1 : -1;
	if ((a->src == FLOW_NONE) != (b->src == FLOW_NONE))
		return a->src == FLOW_NONE ? -1 : 1;
	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->dst != b->dst)
		return a->dst < b->dst ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->protocol > b->protocol) - (a->protocol < b->protocol);
}

/* Mark the workloads that policies of one set isolate which differ. */
static void
touch(struct pairing *p, const struct evaluator *e, const bool *differs)
{
	const struct cluster *c = p->c;

	for (uint32_t i = 0; i < c->n_pods; i++)
		for (int d = 0; d < 2; d++) {
			size_t n;
			const uint32_t *v = evaluator_isolating(
			    e, i, (enum policy_direction)d, &n);

			for (size_t k = 0; k < n; k++)
				if (differs[v[k]])
					p->is_touched[d][c->pods[i].workload] =
					    true;
		}
}

/* What both sets say of a workload cannot differ elsewhere. */
static bool
find_touched(struct pairing *p, const struct diff *d)
{
	bool *differs[2]; /* by set, then policy */
	const struct diff_side *sides[2] = { &d->a, &d->b };

	for (int i = 0; i < 2; i++) {
		differs[i] = arena_calloc(
		    p->arena, sides[i]->set->n_policies + 1, sizeof(bool));
		p->is_touched[i] =
		    arena_calloc(p->arena, p->c->n_workloads + 1, sizeof(bool));
		if (differs[i] == NULL || p->is_touched[i] == NULL)
			return false;
	}
	for (size_t i = 0; i < d->n_policies; i++) {
		const struct diff_policy *v = &d->policies[i];

		if (v->kind == DIFF_RENAMED)
			continue;
		if (v->a != NULL)
			differs[0][v->a - d->a.set->policies] = true;
		if (v->b != NULL)
			differs[1][v->b - d->b.set->policies] = true;
	}
	touch(p, p->a, differs[0]);
	touch(p, p->b, differs[1]);
	return true;
}

static bool
may_change(const struct pairing *p, uint32_t src, uint32_t dst)
{
	return p->is_touched[POLICY_INGRESS][dst] ||
	    (src != FLOW_NONE && p->is_touched[POLICY_EGRESS][src]);
}

static void
ask_all(struct pairing *p)
{
	uint32_t n = (uint32_t)p->c->n_workloads;

	make_faces(p);
	for (uint32_t dst = 0; dst < n && !p->failed; dst++) {
		if (p->faces[dst].n_pods == 0)
			continue;
		if (may_change(p, FLOW_NONE, dst))
			ask_pair(p, FLOW_NONE, dst);
		for (uint32_t src = 0; src < n; src++)
			if (p->faces[src].n_pods > 0 && may_change(p, src, dst))
				ask_pair(p, src, dst);
	}
	if (p->out->n > 0)
		qsort(p->v, p->out->n, sizeof(*p->v), compare_pairs);
	p->out->v = p->v;
}

enum rf_status
diff_find_pairs(struct diff_pairs *out, const struct diff *d,
    const struct cluster *c, struct arena *arena, struct rf_error *err)
{
	struct evaluator *a = NULL, *b = NULL;
	struct pairing p = { .c = c, .arena = arena, .out = out };
	enum rf_status st;

	*out = (struct diff_pairs){ 0 };
	p.faces = arena_calloc(arena, c->n_workloads + 1, sizeof(*p.faces));
	if (p.faces == NULL || !ip_parse(&p.outside[0], DIFF_OUTSIDE_V6) ||
	    !ip_parse(&p.outside[1], DIFF_OUTSIDE))
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	st = evaluator_new(&a, d->a.set, c, err);
	if (st == RF_OK)
		st = evaluator_new(&b, d->b.set, c, err);
	if (st == RF_OK) {
		p.a = a;
		p.b = b;
		if (find_touched(&p, d))
			ask_all(&p);
		else
			p.failed = true;
	}
	evaluator_free(a);
	evaluator_free(b);
	if (st == RF_OK && p.failed)
		st = rf_fail(err, RF_NOMEM, "diff: out of memory");
	return st;
}

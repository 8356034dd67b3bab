/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof: every flow is put to the evaluator, against the whole set and
 * against every prefix of the rollout order.
 *
 * A side of a pod depends only on the policies that isolate that pod. The
 * first of them in rollout order is its workload's own; if that one allows
 * the flow by itself, so does every prefix, as policies only add up.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/evaluator.h"
#include "recommender/internal.h"

struct proving {
	struct run *r;
	struct evaluator *e;
	size_t offset; /* in the set: where ours begin */
	struct recommend_proof *proof;
	const struct edge *edge; /* that is being proved */
	const struct flow *flow;
	const struct recommend_evidence *took; /* what flow was noted at */
};

/* The pod to ask for: the flow's own, or, where that one is gone or not
 * known, one that carries the labels of its workload today. */
static uint32_t
pod_to_ask(const struct run *r, uint32_t group, uint32_t pod)
{
	const struct group *g;
	const struct label_set *l;

	if (group == FLOW_NONE)
		return FLOW_NONE;
	g = &r->groups[group];
	if (pod == FLOW_NONE)
		return g->pod;
	l = &r->c->pods[pod].labels;
	return selector_matches(&g->subject, l) && selector_matches(&g->peer, l)
	    ? pod
	    : g->pod;
}

static struct evaluator_end
end_of(const struct run *r, const struct endpoint *e)
{
	struct evaluator_end end = { .ip = e->ip,
		.pod = pod_to_ask(r, plan_group(r, e), e->pod) };

	if (end.pod != FLOW_NONE && ip_is_none(&end.ip) &&
	    r->c->pods[end.pod].n_ips > 0)
		end.ip = r->c->pods[end.pod].ips[0];
	return end;
}

struct evaluator_query
proof_query(const struct run *r, const struct flow *f)
{
	return (struct evaluator_query){
		.src = end_of(r, &r->fs->endpoints[f->src]),
		.dst = end_of(r, &r->fs->endpoints[f->dst]),
		.seen_src = end_of(r, &r->fs->endpoints[f->seen_src]),
		.port = f->port,
		.protocol = f->protocol,
	};
}

static enum rf_status
side_fails(struct proving *p, const struct edge *e, enum policy_direction d,
    const char *what)
{
	const char *name = note_edge(p->r, e);

	return rf_fail(p->r->err, RF_CORRUPT,
	    "proof: the %s side of %s would be dropped %s",
	    policy_direction_name(d), name == NULL ? "an edge" : name, what);
}

/* Note that the rule is what lets this flow pass. */
static void
take_evidence(
    struct proving *p, struct recommend_evidence *v, enum policy_direction d)
{
	const struct flow *f = p->flow;

	if (d == POLICY_INGRESS && p->took == v)
		return; /* of both addresses that its client has */
	if (d == POLICY_INGRESS)
		p->took = v;
	if (v->connections == 0 || f->first_us < v->first_us)
		v->first_us = f->first_us;
	if (v->connections == 0 || f->last_us > v->last_us)
		v->last_us = f->last_us;
	if (v->last_edge != p->edge)
		v->n_edges++;
	v->last_edge = p->edge;
	if (v->example == NULL ||
	    p->edge->connections > v->example->connections)
		v->example = p->edge;
	v->connections += f->connections;
	service_note(p->r, v, f, d);
}

/* Does a policy that was there before allow it, as existing_allows says? */
static bool
is_kept(const struct proving *p, const struct evaluator_side *side)
{
	return side->verdict == EVAL_ALLOW && side->flags == 0 &&
	    side->policy < p->offset;
}

/* One side of one flow: allowed by all, and by the workload's own policy. */
static enum rf_status
prove_side(struct proving *p, const struct edge *e,
    const struct evaluator_query *q, const struct evaluator_answer *a,
    enum policy_direction d)
{
	uint32_t pod = d == POLICY_EGRESS ? q->src.pod : q->dst.pod;
	const struct evaluator_side *side =
	    d == POLICY_EGRESS ? &a->egress : &a->ingress;
	const struct policy *own;
	struct recommend_evidence *v;
	const uint32_t *iso;
	size_t n, k = 0, hits = 0, hit = 0;

	if (pod == FLOW_NONE)
		return RF_OK; /* no pod of it is known: nothing to ask */
	if (side->verdict == EVAL_DENY)
		return side_fails(p, e, d, "by the set");
	iso = evaluator_isolating(p->e, pod, d, &n);
	while (k < n && iso[k] < p->offset)
		k++;
	if (k == n || is_kept(p, side))
		return RF_OK;
	own = &p->r->policies[iso[k] - p->offset];
	v = p->r->evidence[iso[k] - p->offset][d];
	if (side->policy == iso[k] && side->rule < own->n_rules[d]) {
		take_evidence(p, &v[side->rule], d);
		if (v[side->rule].is_needed)
			return RF_OK;
	}
	for (uint32_t i = 0; i < own->n_rules[d]; i++)
		if (evaluator_rule_allows(p->e, iso[k], d, i, q)) {
			hits++;
			hit = i;
		}
	if (hits == 1)
		v[hit].is_needed = true;
	if (hits == 0 && (side->flags & (EVAL_SELF | EVAL_NODE_LOCAL)) == 0)
		return side_fails(p, e, d, "during the rollout");
	return RF_OK;
}

static enum rf_status
prove_query(struct proving *p, const struct edge *e, unsigned want,
    const struct evaluator_query *q)
{
	struct evaluator_query before = *q;
	struct evaluator_answer a;
	enum rf_status st;

	p->took = NULL;
	evaluator_ask(p->e, q, &a);
	if ((want & WANT_EGRESS) != 0 &&
	    (st = prove_side(p, e, q, &a, POLICY_EGRESS)) != RF_OK)
		return st;
	if ((want & WANT_INGRESS) == 0)
		return RF_OK;
	st = prove_side(p, e, q, &a, POLICY_INGRESS);
	if (st != RF_OK || !plan_sees_client(p->r, p->flow))
		return st;
	before.seen_src = q->src;
	evaluator_ask(p->e, &before, &a);
	return prove_side(p, e, &before, &a, POLICY_INGRESS);
}

/* Every backend of a Service as a whole. */
static enum rf_status
prove_open(struct proving *p, const struct edge *e, const struct flow *f,
    struct plan plan, struct evaluator_query q)
{
	struct run *r = p->r;
	struct target_walk w = plan_targets(r, f);
	enum rf_status st = RF_OK;
	struct target t;

	while (st == RF_OK && plan_next_target(&w, &t)) {
		unsigned want = plan.want;

		if (!plan_group_in_scope(r, t.group))
			want &= ~(unsigned)WANT_INGRESS;
		q.dst = (struct evaluator_end){ .ip = t.ip,
			.pod = pod_to_ask(r, t.group, t.pod) };
		q.port = t.port;
		st = prove_query(p, e, want, &q);
	}
	return st;
}

static enum rf_status
prove_flow(struct proving *p, const struct edge *e, const struct flow *f,
    struct plan plan)
{
	struct run *r = p->r;
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	struct evaluator_query q = proof_query(r, f);

	if (plan_is_open(f, dst))
		return prove_open(p, e, f, plan, q);
	return prove_query(p, e, plan.want, &q);
}

/* All flows of an edge; it counts as what most concerns a reviewer. */
static enum rf_status
prove_edge(struct proving *p, const struct edge *e)
{
	bool decision = false, wanted = false;
	enum rf_status st;

	for (size_t i = 0; i < e->n_flows; i++) {
		struct plan plan = plan_flow(p->r, e->flows[i]);

		decision |= plan.decision;
		if (plan.want == 0)
			continue;
		wanted = true;
		p->edge = e;
		p->flow = e->flows[i];
		st = prove_flow(p, e, e->flows[i], plan);
		if (st != RF_OK)
			return st;
	}
	p->proof->edges_observed++;
	if (decision)
		p->proof->edges_decisions++;
	else if (wanted)
		p->proof->edges_allowed++;
	else
		p->proof->edges_excluded++;
	return RF_OK;
}

/* What was found of one rule, to words and counts. */
static enum rf_status
finish_rule(struct proving *p, const struct policy *policy,
    struct policy_rule *rule, struct recommend_evidence *v)
{
	if (v->example != NULL &&
	    (v->example_text = note_edge(p->r, v->example)) == NULL)
		return run_nomem(p->r);
	p->proof->rules += !v->is_floor;
	p->proof->rules_needed += !v->is_floor && v->is_needed;
	return services_comment(p->r, policy->namespace, rule, v);
}

static enum rf_status
finish_rules(struct proving *p)
{
	struct run *r = p->r;
	enum rf_status st;

	for (size_t i = 0; i < r->n_policies; i++)
		for (int d = 0; d < 2; d++)
			for (size_t k = 0; k < r->policies[i].n_rules[d]; k++) {
				st = finish_rule(p, &r->policies[i],
				    &r->rules[i][d][k], &r->evidence[i][d][k]);
				if (st != RF_OK)
					return st;
			}
	return RF_OK;
}

enum rf_status
proof_run(struct run *r, struct recommend_proof *proof)
{
	struct policy_set set = { r->policies, r->n_policies };
	struct proving p = { .r = r, .proof = proof };
	enum rf_status st;

	*proof = (struct recommend_proof){ 0 };
	if (r->kept_evaluator != NULL) {
		p.offset = r->kept.n_policies;
		if ((st = existing_unite(r, &set)) != RF_OK)
			return st;
	}
	if ((st = evaluator_new(&p.e, &set, r->c, r->err)) != RF_OK)
		return st;
	for (size_t i = 0; i < r->n_edges && st == RF_OK; i++)
		st = prove_edge(&p, &r->edges[i]);
	if (st == RF_OK)
		st = finish_rules(&p);
	if (st == RF_OK)
		st = beyond_find(r, p.e, &set, proof);
	proof->rollout_steps = r->n_policies;
	evaluator_free(p.e);
	return st;
}

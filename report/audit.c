/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit.h"

#include <string.h>

#include "kube/address.h"

/* What was found on one side of the edge at hand, over its flows. */
struct side_marks {
	enum evaluator_verdict verdict;
	unsigned flags;
	bool *isolating, *allowing; /* by policy */
	bool *rules;                /* by rule_base + rule */
	const char *nearest_miss;
};

struct auditor {
	const struct evaluator *evaluator;
	const struct policy_set *set;
	const struct cluster *c;
	const struct flow_set *flows;
	struct arena *arena;
	struct side_marks marks[2];
	size_t *rule_base[2]; /* by policy, and one more: the total */
	bool failed;          /* out of memory */
};

/* One flow, or one of the pods that may have answered it. */
struct judgement {
	enum audit_verdict verdict;
	enum audit_reason reason;
};

const char *
audit_verdict_name(enum audit_verdict v)
{
	static const char *const names[] = {
		[AUDIT_WOULD_DROP] = "would-drop",
		[AUDIT_UNKNOWN] = "unknown",
		[AUDIT_ALLOWED] = "allowed",
		[AUDIT_NOT_ENFORCEABLE] = "not-enforceable",
	};

	return names[v];
}

const char *
audit_reason_name(enum audit_reason r)
{
	static const char *const names[] = {
		[AUDIT_CLEAR] = NULL,
		[AUDIT_UNKNOWN_ADDRESS] = "unknown-address",
		[AUDIT_NO_BACKEND] = "no-backend",
		[AUDIT_HAIRPIN] = "hairpin",
		[AUDIT_GUESSED] = "guessed-direction",
	};

	return names[r];
}

/* How bad a side's verdict is: what an edge shows is the worst. */
static int
badness(enum evaluator_verdict v)
{
	switch (v) {
	case EVAL_DENY:
		return 3;
	case EVAL_ALLOW:
		return 2;
	case EVAL_NOT_ISOLATED:
		return 1;
	case EVAL_NOT_SUBJECT:
		break;
	}
	return 0;
}

static const struct evaluator_end *
subject_of(const struct evaluator_query *q, enum policy_direction d)
{
	return d == POLICY_INGRESS ? &q->dst : &q->src;
}

/* Note which policies and rules made this side what it is; does any rule
 * allow? */
static bool
mark_rules(
    struct auditor *a, const struct evaluator_query *q, enum policy_direction d)
{
	struct side_marks *m = &a->marks[d];
	const uint32_t *policies;
	bool any = false;
	size_t n;

	policies =
	    evaluator_isolating(a->evaluator, subject_of(q, d)->pod, d, &n);
	for (size_t i = 0; i < n; i++) {
		uint32_t p = policies[i];
		size_t n_rules = a->set->policies[p].n_rules[d];

		for (uint32_t r = 0; r < n_rules; r++) {
			if (!evaluator_rule_allows(a->evaluator, p, d, r, q))
				continue;
			m->allowing[p] = true;
			m->rules[a->rule_base[d][p] + r] = true;
			any = true;
		}
	}
	return any;
}

static void
mark_denied(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, bool is_hairpin)
{
	struct side_marks *m = &a->marks[d];
	struct evaluator_miss miss;
	const uint32_t *policies;
	size_t n;

	policies =
	    evaluator_isolating(a->evaluator, subject_of(q, d)->pod, d, &n);
	for (size_t i = 0; i < n; i++)
		m->isolating[policies[i]] = true;
	if (m->nearest_miss != NULL)
		return;
	if (is_hairpin) { /* which the evaluator does not deny */
		m->nearest_miss = "no rule lets the pod reach itself";
		return;
	}
	evaluator_nearest_miss(a->evaluator, q, d, &miss);
	m->nearest_miss = arena_strdup(a->arena, miss.text);
	if (m->nearest_miss == NULL)
		a->failed = true;
}

/*
 * Add one side of one answer. A hairpin is what the evaluator lets pass as
 * "itself": only rules count then. Returns the side's own verdict.
 */
static enum evaluator_verdict
mark_side(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, const struct evaluator_side *side, bool is_hairpin)
{
	struct side_marks *m = &a->marks[d];
	enum evaluator_verdict v = side->verdict;
	unsigned flags = side->flags;

	if (v == EVAL_ALLOW) {
		bool any = mark_rules(a, q, d);

		if (is_hairpin && (flags & EVAL_SELF) != 0) {
			v = any ? EVAL_ALLOW : EVAL_DENY;
			flags &= ~(unsigned)EVAL_SELF;
		}
	}
	if (v == EVAL_DENY)
		mark_denied(a, q, d, side->verdict != EVAL_DENY);
	m->flags |= flags;
	if (badness(v) > badness(m->verdict))
		m->verdict = v;
	return v;
}

static struct evaluator_end
end_of(const struct endpoint *e)
{
	return (struct evaluator_end){
		.pod = e->type == ENDPOINT_WORKLOAD ? e->pod : FLOW_NONE,
		.ip = e->ip,
	};
}

static struct judgement
judge_query(
    struct auditor *a, const struct flow *f, const struct evaluator_query *q)
{
	bool is_hairpin = q->src.pod != FLOW_NONE && q->src.pod == q->dst.pod &&
	    (f->service != FLOW_NONE || f->seen_src != f->src);
	bool is_unknown =
	    a->flows->endpoints[f->src].type == ENDPOINT_UNKNOWN ||
	    a->flows->endpoints[f->dst].type == ENDPOINT_UNKNOWN;
	struct evaluator_answer answer;
	enum evaluator_verdict out, in;

	evaluator_ask(a->evaluator, q, &answer);
	out = mark_side(a, q, POLICY_EGRESS, &answer.egress, is_hairpin);
	in = mark_side(a, q, POLICY_INGRESS, &answer.ingress, is_hairpin);
	if (is_unknown)
		return (
		    struct judgement){ AUDIT_UNKNOWN, AUDIT_UNKNOWN_ADDRESS };
	if (out == EVAL_NOT_SUBJECT && in == EVAL_NOT_SUBJECT)
		return (struct judgement){ AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };
	if (out != EVAL_DENY && in != EVAL_DENY)
		return (struct judgement){ AUDIT_ALLOWED, AUDIT_CLEAR };
	if (is_hairpin)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_HAIRPIN };
	if (f->certainty == CERTAINTY_GUESSED)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_GUESSED };
	return (struct judgement){ AUDIT_WOULD_DROP, AUDIT_CLEAR };
}

static void
worsen(struct judgement *worst, struct judgement j)
{
	if (j.verdict < worst->verdict)
		*worst = j;
}

/* Which backend answered is not known: each that is ready may have. */
static size_t
judge_backends(struct auditor *a, const struct flow *f,
    struct evaluator_query *q, struct judgement *worst)
{
	const struct kube_backend *b;
	size_t n, asked = 0;

	if (f->service >= a->c->n_services)
		return 0;
	b = address_backends(a->c, f->service, &n);
	for (size_t i = 0; i < n; i++) {
		if (!b[i].ready || b[i].port != f->port ||
		    b[i].protocol != f->protocol)
			continue;
		q->dst = (struct evaluator_end){ b[i].pod, b[i].ip };
		worsen(worst, judge_query(a, f, q));
		asked++;
	}
	return asked;
}

/* Without backends: each pod of the workload that is still there. */
static size_t
judge_workload(struct auditor *a, const struct flow *f,
    struct evaluator_query *q, struct judgement *worst)
{
	uint32_t workload = a->flows->endpoints[f->dst].workload;
	size_t asked = 0;

	for (size_t i = 0; i < a->c->n_pods; i++) {
		const struct kube_pod *p = &a->c->pods[i];

		if (p->workload != workload || p->deleted || p->n_ips == 0 ||
		    p->phase == POD_SUCCEEDED || p->phase == POD_FAILED)
			continue;
		q->dst = (struct evaluator_end){ (uint32_t)i, p->ips[0] };
		worsen(worst, judge_query(a, f, q));
		asked++;
	}
	return asked;
}

static struct judgement
judge_flow(struct auditor *a, const struct flow *f)
{
	const struct endpoint *dst = &a->flows->endpoints[f->dst];
	struct evaluator_query q = {
		.src = end_of(&a->flows->endpoints[f->src]),
		.dst = end_of(dst),
		.seen_src = end_of(&a->flows->endpoints[f->seen_src]),
		.port = f->port,
		.protocol = f->protocol,
	};
	struct judgement worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };

	if (dst->type != ENDPOINT_WORKLOAD || dst->pod != FLOW_NONE)
		return judge_query(a, f, &q);
	if (judge_backends(a, f, &q, &worst) > 0 ||
	    judge_workload(a, f, &q, &worst) > 0)
		return worst;
	return (struct judgement){ AUDIT_UNKNOWN, AUDIT_NO_BACKEND };
}

/* The indices whose mark is set. */
static uint32_t *
collect(struct auditor *a, const bool *marked, size_t *n)
{
	uint32_t *v;

	*n = 0;
	for (size_t i = 0; i < a->set->n_policies; i++)
		*n += marked[i];
	v = arena_calloc(a->arena, *n + 1, sizeof(*v));
	if (v == NULL) {
		a->failed = true;
		*n = 0;
		return NULL;
	}
	for (uint32_t i = 0, k = 0; i < a->set->n_policies; i++)
		if (marked[i])
			v[k++] = i;
	return v;
}

static void
collect_rules(
    struct auditor *a, enum policy_direction d, struct audit_side *out)
{
	const size_t *base = a->rule_base[d];
	const bool *marked = a->marks[d].rules;
	struct audit_rule *v;
	size_t n = 0;

	for (size_t i = 0; i < base[a->set->n_policies]; i++)
		n += marked[i];
	v = arena_calloc(a->arena, n + 1, sizeof(*v));
	if (v == NULL) {
		a->failed = true;
		return;
	}
	out->rules = v;
	for (uint32_t p = 0; p < a->set->n_policies; p++)
		for (size_t i = base[p]; i < base[p + 1]; i++)
			if (marked[i])
				v[out->n_rules++] = (struct audit_rule){ p,
					(uint32_t)(i - base[p]) };
}

/* Turn the marks of a side into the edge's, and wipe them. */
static void
finish_side(struct auditor *a, enum policy_direction d, struct audit_side *out)
{
	struct side_marks *m = &a->marks[d];
	size_t n = a->set->n_policies;

	*out = (struct audit_side){
		.verdict = m->verdict, .flags = m->flags, .nearest_miss = ""
	};
	if (m->verdict == EVAL_DENY) {
		out->policies = collect(a, m->isolating, &out->n_policies);
		if (m->nearest_miss != NULL)
			out->nearest_miss = m->nearest_miss;
	} else if (m->verdict == EVAL_ALLOW) {
		out->policies = collect(a, m->allowing, &out->n_policies);
		collect_rules(a, d, out);
	}
	memset(m->isolating, 0, n * sizeof(*m->isolating));
	memset(m->allowing, 0, n * sizeof(*m->allowing));
	memset(m->rules, 0, a->rule_base[d][n] * sizeof(*m->rules));
	m->verdict = EVAL_NOT_SUBJECT;
	m->flags = 0;
	m->nearest_miss = NULL;
}

static void
judge_edge(struct auditor *a, const struct view_edge *v, struct audit_edge *out)
{
	const struct edge *e = v->edge;
	struct judgement worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };

	*out = (struct audit_edge){ .view = v,
		.pairs = e->n_flows,
		.is_traffic = outcome_is_traffic(e->outcome) };
	for (size_t i = 0; i < e->n_flows; i++) {
		struct judgement j = judge_flow(a, e->flows[i]);

		worsen(&worst, j);
		out->pairs_unknown += j.verdict == AUDIT_UNKNOWN;
		if (j.verdict != AUDIT_WOULD_DROP)
			continue;
		out->pairs_dropped++;
		out->connections_dropped += e->flows[i]->connections;
	}
	out->verdict = worst.verdict;
	out->reason = worst.reason;
	finish_side(a, POLICY_INGRESS, &out->sides[POLICY_INGRESS]);
	finish_side(a, POLICY_EGRESS, &out->sides[POLICY_EGRESS]);
}

static bool
auditor_init(struct auditor *a, enum policy_direction d)
{
	size_t n = a->set->n_policies, total = 0;
	struct side_marks *m = &a->marks[d];
	size_t *base = arena_calloc(a->arena, n + 1, sizeof(*base));

	if (base == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		base[i] = total;
		total += a->set->policies[i].n_rules[d];
	}
	base[n] = total;
	a->rule_base[d] = base;
	*m = (struct side_marks){ .verdict = EVAL_NOT_SUBJECT };
	m->isolating = arena_calloc(a->arena, n + 1, sizeof(bool));
	m->allowing = arena_calloc(a->arena, n + 1, sizeof(bool));
	m->rules = arena_calloc(a->arena, total + 1, sizeof(bool));
	return m->isolating != NULL && m->allowing != NULL && m->rules != NULL;
}

static enum rf_status
judge_all(struct auditor *a, const struct view *v, struct audit *out,
    struct rf_error *err)
{
	struct audit_edge *edges =
	    arena_calloc(a->arena, v->n_edges + 1, sizeof(*edges));

	if (edges == NULL || !auditor_init(a, POLICY_INGRESS) ||
	    !auditor_init(a, POLICY_EGRESS))
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	for (size_t i = 0; i < v->n_edges; i++) {
		judge_edge(a, &v->edges[i], &edges[i]);
		if (!edges[i].is_traffic) {
			out->n_not_traffic++;
			continue;
		}
		out->counts[edges[i].verdict]++;
		out->connections_dropped += edges[i].connections_dropped;
	}
	if (a->failed)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	out->edges = edges;
	out->n_edges = v->n_edges;
	return RF_OK;
}

enum rf_status
audit_run(struct audit *out, const struct view *v, const struct cluster *c,
    const struct policy_set *set, struct arena *arena, struct rf_error *err)
{
	struct auditor a = {
		.set = set, .c = c, .flows = v->flows, .arena = arena
	};
	struct evaluator *evaluator;
	enum rf_status st;

	*out = (struct audit){ .set = set, .flows = v->flows };
	st = evaluator_new(&evaluator, set, c, err);
	if (st != RF_OK)
		return st;
	a.evaluator = evaluator;
	st = judge_all(&a, v, out, err);
	evaluator_free(evaluator);
	return st;
}

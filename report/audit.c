/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit.h"

#include <stdlib.h>
#include <string.h>

#include "kube/address.h"

/* Numbers that were met, each once; clearing costs no more than adding. */
struct mark_list {
	bool *is_marked; /* by number */
	uint32_t *v;
	size_t n;
};

/* What was found on one side of the edge at hand, over its flows. */
struct side_marks {
	enum evaluator_verdict verdict;
	unsigned flags;
	struct mark_list isolating, allowing; /* policies */
	struct mark_list rules;               /* by usage_index */
	const char *nearest_miss;
};

struct auditor {
	const struct evaluator *evaluator;
	const struct policy_set *set;
	const struct cluster *c;
	const struct flow_set *flows;
	struct arena *arena;
	struct side_marks marks[2];
	struct usage_index index;
	bool *used; /* by index: allows a flow of an edge that is traffic */
	/* Pods by workload: those of w stand from pods[pod_start[w]] to before
	 * pods[pod_start[w + 1]]. */
	uint32_t *pod_start, *pods;
	bool failed; /* out of memory */
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

static bool
mark_list_init(struct mark_list *m, size_t n, struct arena *arena)
{
	m->is_marked = arena_calloc(arena, n + 1, sizeof(*m->is_marked));
	m->v = arena_calloc(arena, n + 1, sizeof(*m->v));
	m->n = 0;
	return m->is_marked != NULL && m->v != NULL;
}

static void
mark_list_add(struct mark_list *m, size_t i)
{
	if (m->is_marked[i])
		return;
	m->is_marked[i] = true;
	m->v[m->n++] = (uint32_t)i;
}

static void
mark_list_clear(struct mark_list *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->is_marked[m->v[i]] = false;
	m->n = 0;
}

static int
compare_u32(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
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
			mark_list_add(&m->allowing, p);
			mark_list_add(&m->rules, a->index.base[d][p] + r);
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
		mark_list_add(&m->isolating, policies[i]);
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

	for (size_t i = a->pod_start[workload]; i < a->pod_start[workload + 1];
	     i++) {
		const struct kube_pod *p = &a->c->pods[a->pods[i]];

		if (p->deleted || p->n_ips == 0 || p->phase == POD_SUCCEEDED ||
		    p->phase == POD_FAILED)
			continue;
		q->dst = (struct evaluator_end){ a->pods[i], p->ips[0] };
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

/* A sorted copy of what was marked. */
static uint32_t *
collect(struct auditor *a, const struct mark_list *m, size_t *n)
{
	uint32_t *v = arena_calloc(a->arena, m->n + 1, sizeof(*v));

	*n = 0;
	if (v == NULL) {
		a->failed = true;
		return NULL;
	}
	*n = m->n;
	if (*n > 0)
		memcpy(v, m->v, *n * sizeof(*v));
	qsort(v, *n, sizeof(*v), compare_u32);
	return v;
}

static void
collect_rules(
    struct auditor *a, const struct mark_list *m, struct audit_side *out)
{
	struct audit_rule *v = arena_calloc(a->arena, m->n + 1, sizeof(*v));
	size_t n;
	const uint32_t *numbers = collect(a, m, &n);

	if (v == NULL || numbers == NULL) {
		a->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct usage_rule *r = &a->index.rules[numbers[i]];

		v[i] = (struct audit_rule){ r->policy, r->rule };
	}
	out->rules = v;
	out->n_rules = n;
}

/* Turn the marks of a side into the edge's, and wipe them. */
static void
finish_side(struct auditor *a, enum policy_direction d, bool is_traffic,
    struct audit_side *out)
{
	struct side_marks *m = &a->marks[d];

	*out = (struct audit_side){
		.verdict = m->verdict, .flags = m->flags, .nearest_miss = ""
	};
	if (m->verdict == EVAL_DENY) {
		out->policies = collect(a, &m->isolating, &out->n_policies);
		if (m->nearest_miss != NULL)
			out->nearest_miss = m->nearest_miss;
	} else if (m->verdict == EVAL_ALLOW) {
		out->policies = collect(a, &m->allowing, &out->n_policies);
		collect_rules(a, &m->rules, out);
	}
	for (size_t i = 0; is_traffic && i < m->rules.n; i++)
		a->used[m->rules.v[i]] = true;
	mark_list_clear(&m->isolating);
	mark_list_clear(&m->allowing);
	mark_list_clear(&m->rules);
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
	for (int d = 0; d < 2; d++)
		finish_side(a, (enum policy_direction)d, out->is_traffic,
		    &out->sides[d]);
}

static bool
group_pods(struct auditor *a)
{
	const struct cluster *c = a->c;
	uint32_t *start =
	    arena_calloc(a->arena, c->n_workloads + 2, sizeof(*start));
	uint32_t *pods = arena_calloc(a->arena, c->n_pods + 1, sizeof(*pods));

	if (start == NULL || pods == NULL)
		return false;
	/* Counted one place further on, a start moves up to its own end as
	 * its pods are put. */
	for (size_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].workload < c->n_workloads)
			start[c->pods[i].workload + 2]++;
	for (size_t w = 2; w <= c->n_workloads; w++)
		start[w] += start[w - 1];
	for (uint32_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].workload < c->n_workloads)
			pods[start[c->pods[i].workload + 1]++] = i;
	a->pod_start = start;
	a->pods = pods;
	return true;
}

static bool
auditor_init(struct auditor *a)
{
	size_t n = a->set->n_policies;

	for (int d = 0; d < 2; d++) {
		struct side_marks *m = &a->marks[d];

		*m = (struct side_marks){ .verdict = EVAL_NOT_SUBJECT };
		if (!mark_list_init(&m->isolating, n, a->arena) ||
		    !mark_list_init(&m->allowing, n, a->arena) ||
		    !mark_list_init(&m->rules, a->index.n_rules, a->arena))
			return false;
	}
	a->used =
	    arena_calloc(a->arena, a->index.n_rules + 1, sizeof(*a->used));
	return a->used != NULL && group_pods(a);
}

static void
count_up(struct audit *a)
{
	a->n_not_traffic = 0;
	a->connections_dropped = 0;
	memset(a->counts, 0, sizeof(a->counts));
	for (size_t i = 0; i < a->n_edges; i++) {
		const struct audit_edge *e = &a->edges[i];

		if (!e->is_traffic) {
			a->n_not_traffic++;
			continue;
		}
		a->counts[e->verdict]++;
		a->connections_dropped += e->connections_dropped;
	}
}

static enum rf_status
judge_all(struct auditor *a, const struct view *v, struct audit *out,
    struct rf_error *err)
{
	struct audit_edge *edges =
	    arena_calloc(a->arena, v->n_edges + 1, sizeof(*edges));
	enum rf_status st;

	st = usage_index_make(&a->index, a->set, a->arena, err);
	if (st != RF_OK)
		return st;
	if (edges == NULL || !auditor_init(a))
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	for (size_t i = 0; i < v->n_edges; i++)
		judge_edge(a, &v->edges[i], &edges[i]);
	if (a->failed)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	out->edges = edges;
	out->n_edges = v->n_edges;
	count_up(out);
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

	*out = (struct audit){ .set = set, .flows = v->flows, .cluster = c };
	st = evaluator_new(&evaluator, set, c, err);
	if (st != RF_OK)
		return st;
	a.evaluator = evaluator;
	st = judge_all(&a, v, out, err);
	if (st == RF_OK)
		st = usage_make(&out->usage,
		    &(struct usage_input){
			set, c, evaluator, v->flows, &a.index, a.used },
		    arena, err);
	evaluator_free(evaluator);
	return st;
}

enum rf_status
audit_narrow(struct audit *a, const struct view_filter *f, struct arena *arena,
    struct rf_error *err)
{
	struct audit_edge *kept =
	    arena_calloc(arena, a->n_edges + 1, sizeof(*kept));
	size_t n = 0;

	if (kept == NULL)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	for (size_t i = 0; i < a->n_edges; i++)
		if (view_filter_passes(f, a->edges[i].view))
			kept[n++] = a->edges[i];
	a->edges = kept;
	a->n_edges = n;
	count_up(a);
	return RF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit.h"

#include <stdlib.h>
#include <string.h>

#include "report/audit_block.h"
#include "report/audit_internal.h"

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
		[AUDIT_REWRITTEN] = "rewritten-source",
		[AUDIT_GUESSED] = "guessed-direction",
	};

	return names[r];
}

static int
compare_u32(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* Sort what was marked; do the numbers follow each other without a gap? */
static bool
sort_marks(struct mark_list *m)
{
	if (m->n > 1)
		qsort(m->v, m->n, sizeof(*m->v), compare_u32);
	return m->n == 0 || m->v[m->n - 1] - m->v[0] == m->n - 1;
}

/* What side says of policies that stand in v, ascending. is_run: without a
 * gap. */
static void
put_policies(struct auditor *a, const uint32_t *v, size_t n, bool is_run,
    struct audit_side *out)
{
	uint32_t *copy;

	if (is_run) {
		out->policies = &a->every_policy[n == 0 ? 0 : v[0]];
		out->n_policies = n;
		return;
	}
	copy = arena_calloc(a->arena, n, sizeof(*copy));
	if (copy == NULL) {
		a->failed = true;
		return;
	}
	memcpy(copy, v, n * sizeof(*copy));
	out->policies = copy;
	out->n_policies = n;
}

/* The same of rules, by their numbers. */
static void
put_rules(struct auditor *a, const uint32_t *v, size_t n, bool is_run,
    struct audit_side *out)
{
	struct audit_rule *copy;

	if (is_run) {
		out->rules = &a->every_rule[n == 0 ? 0 : v[0]];
		out->n_rules = n;
		return;
	}
	copy = arena_calloc(a->arena, n, sizeof(*copy));
	if (copy == NULL) {
		a->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = a->every_rule[v[i]];
	out->rules = copy;
	out->n_rules = n;
}

/* Turn the marks of a side into the edge's, and wipe them. */
static void
finish_side(struct auditor *a, enum policy_direction d, bool is_traffic,
    struct audit_side *out)
{
	struct side_marks *m = &a->marks[d];
	struct mark_list *policies =
	    m->verdict == EVAL_DENY ? &m->isolating : &m->allowing;

	*out = (struct audit_side){
		.verdict = m->verdict, .flags = m->flags, .nearest_miss = ""
	};
	if (m->verdict == EVAL_DENY || m->verdict == EVAL_ALLOW) {
		bool is_run = sort_marks(policies);

		put_policies(a, policies->v, policies->n, is_run, out);
	}
	if (m->verdict == EVAL_DENY && m->nearest_miss != NULL)
		out->nearest_miss = m->nearest_miss;
	if (m->verdict == EVAL_ALLOW) {
		bool is_run = sort_marks(&m->rules);

		put_rules(a, m->rules.v, m->rules.n, is_run, out);
	}
	for (size_t i = 0; is_traffic && i < m->rules.n; i++)
		a->used[m->rules.v[i]] = true;
	side_marks_clear(m);
}

static void
finish_sides(struct auditor *a, bool is_traffic, struct audit_side sides[2])
{
	for (int d = 0; d < 2; d++)
		finish_side(a, (enum policy_direction)d, is_traffic, &sides[d]);
}

/* Of n flows of the block those that are hairpins, or that are none. */
static void
judge_flows(struct audit_block *b, const struct block_flow *first, size_t n,
    bool hairpins, struct judgement *worst, struct audit_edge *out)
{
	for (const struct block_flow *f = first; f < first + n; f++) {
		struct judgement j;

		if (f->is_hairpin != hairpins)
			continue;
		j = audit_block_judge(b, f);
		judgement_worsen(worst, j);
		out->pairs_unknown += j.verdict == AUDIT_UNKNOWN;
		if (j.verdict != AUDIT_WOULD_DROP)
			continue;
		out->pairs_dropped++;
		out->connections_dropped += f->flow->connections;
	}
}

/* The same of a whole edge, whose flows are in the block from first on; NULL:
 * they are too many, and pass through it piece by piece. */
static void
judge_half(struct audit_block *b, const struct block_flow *first, bool hairpins,
    struct judgement *worst, struct audit_edge *out)
{
	size_t at = 0;

	if (first != NULL) {
		judge_flows(b, first, out->pairs, hairpins, worst, out);
		return;
	}
	while (at < out->pairs && !b->a->failed) {
		audit_block_clear(b);
		at = audit_block_add_some(b, out->view->edge, at, hairpins);
		if (!b->a->failed && audit_block_ask(b))
			judge_flows(
			    b, b->flows, b->n_flows, hairpins, worst, out);
		else
			b->a->failed = true;
	}
}

/* Hairpins, of which nothing firm is said, do not tell why others of the same
 * edge would be dropped. */
static void
judge_edge(struct audit_block *b, const struct block_flow *first,
    struct audit_edge *out)
{
	struct judgement worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };
	struct auditor *a = b->a;
	struct audit_side rest[2];
	bool is_firm;

	judge_half(b, first, false, &worst, out);
	is_firm = worst.verdict == AUDIT_WOULD_DROP;
	if (is_firm)
		finish_sides(a, out->is_traffic, out->sides);
	judge_half(b, first, true, &worst, out);
	finish_sides(a, out->is_traffic, is_firm ? rest : out->sides);
	out->verdict = worst.verdict;
	out->reason = worst.reason;
}

/* Can what a side was answered be told as it is, without marks? */
static bool
is_plain(const struct side_answer *s)
{
	return s->n_hits <= 1 &&
	    (s->verdict != EVAL_DENY || s->nearest_miss != NULL);
}

static void
put_plain(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, const struct side_answer *s,
    struct audit_edge *out)
{
	struct audit_side *side = &out->sides[d];

	*side = (struct audit_side){
		.verdict = s->verdict, .flags = s->flags, .nearest_miss = ""
	};
	if (s->verdict == EVAL_DENY) {
		size_t n;
		const uint32_t *v = evaluator_isolating(a->evaluator,
		    d == POLICY_INGRESS ? q->dst.pod : q->src.pod, d, &n);

		put_policies(a, v, n, v[n - 1] - v[0] == n - 1, side);
		side->nearest_miss = s->nearest_miss;
	} else if (s->verdict == EVAL_ALLOW) {
		const struct rule_hit none = { 0, 0 };
		const struct rule_hit *hit = s->n_hits > 0 ? s->hits : &none;

		put_policies(a, &hit->policy, s->n_hits, true, side);
		put_rules(a, &hit->number, s->n_hits, true, side);
		if (out->is_traffic && s->n_hits > 0)
			a->used[hit->number] = true;
	}
}

/* An edge of one flow of one question with nothing to add up, as most are.
 * false: it is none. */
static bool
judge_plain(
    struct audit_block *b, const struct block_flow *f, struct audit_edge *out)
{
	const struct evaluator_query *q = &b->questions[f->first].q;
	struct side_answer sides[2];
	struct judgement j;

	if (out->pairs != 1 || f->n != 1 || is_hairpin(&f->about, q))
		return false;
	for (int d = 0; d < 2; d++)
		audit_block_answer(
		    b, f->first, (enum policy_direction)d, &sides[d]);
	if (!is_plain(&sides[0]) || !is_plain(&sides[1]) ||
	    auditor_may_hide(&f->about, &sides[POLICY_INGRESS]))
		return false;
	for (int d = 0; d < 2; d++)
		put_plain(b->a, q, (enum policy_direction)d, &sides[d], out);
	j = judgement_of(&f->about, false, sides[POLICY_EGRESS].verdict,
	    sides[POLICY_INGRESS].verdict);
	out->verdict = j.verdict;
	out->reason = j.reason;
	out->pairs_unknown = j.verdict == AUDIT_UNKNOWN;
	if (j.verdict == AUDIT_WOULD_DROP) {
		out->pairs_dropped = 1;
		out->connections_dropped = f->flow->connections;
	}
	return true;
}

/* Judge as many edges as make a block; returns how many. */
static size_t
judge_block(struct audit_block *b, const struct view_edge *v, size_t n,
    struct audit_edge *out)
{
	const struct block_flow *f;
	size_t i, k;

	audit_block_clear(b);
	for (i = 0; i < n && !b->a->failed; i++) {
		const struct edge *e = v[i].edge;

		out[i] = (struct audit_edge){ .view = &v[i],
			.pairs = e->n_flows,
			.is_traffic = outcome_is_traffic(e->outcome) };
		if (!audit_block_add(b, e))
			break;
	}
	if (i == 0) {
		judge_edge(b, NULL, &out[0]);
		return 1;
	}
	if (b->a->failed || !audit_block_ask(b)) {
		b->a->failed = true;
		return n;
	}
	f = b->flows;
	for (k = 0; k < i; f += out[k++].pairs)
		if (!judge_plain(b, f, &out[k]))
			judge_edge(b, f, &out[k]);
	return i;
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

static bool
list_everything(struct auditor *a)
{
	size_t n = a->set->n_policies;
	uint32_t *policies = arena_calloc(a->arena, n + 1, sizeof(*policies));
	struct audit_rule *rules =
	    arena_calloc(a->arena, a->index.n_rules + 1, sizeof(*rules));

	if (policies == NULL || rules == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		policies[i] = i;
	for (size_t i = 0; i < a->index.n_rules; i++)
		rules[i] = (struct audit_rule){ a->index.rules[i].policy,
			a->index.rules[i].rule };
	a->every_policy = policies;
	a->every_rule = rules;
	return true;
}

static void
judge_edges(struct auditor *a, const struct view *v, struct audit_edge *out)
{
	struct audit_block block;
	size_t at = 0;

	a->failed |= !audit_block_init(&block, a);
	while (at < v->n_edges && !a->failed)
		at += judge_block(
		    &block, &v->edges[at], v->n_edges - at, &out[at]);
	audit_block_release(&block);
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
	if (edges == NULL || !auditor_init(a) || !list_everything(a))
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	judge_edges(a, v, edges);
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
	struct auditor a = { .set = set,
		.c = c,
		.endpoints = v->flows->endpoints,
		.arena = arena };
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

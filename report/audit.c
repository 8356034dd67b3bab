/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit.h"

#include <stdlib.h>
#include <string.h>

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

/* The policies that were marked, ascending. */
static const uint32_t *
collect(struct auditor *a, struct mark_list *m, size_t *n)
{
	uint32_t *v;

	*n = m->n;
	if (sort_marks(m))
		return m->n == 0 ? a->every_policy : &a->every_policy[m->v[0]];
	v = arena_calloc(a->arena, m->n, sizeof(*v));
	if (v == NULL) {
		a->failed = true;
		*n = 0;
		return NULL;
	}
	memcpy(v, m->v, m->n * sizeof(*v));
	return v;
}

static void
collect_rules(struct auditor *a, struct mark_list *m, struct audit_side *out)
{
	struct audit_rule *v;

	if (sort_marks(m)) {
		out->rules =
		    m->n == 0 ? a->every_rule : &a->every_rule[m->v[0]];
		out->n_rules = m->n;
		return;
	}
	v = arena_calloc(a->arena, m->n, sizeof(*v));
	if (v == NULL) {
		a->failed = true;
		return;
	}
	for (size_t i = 0; i < m->n; i++)
		v[i] = a->every_rule[m->v[i]];
	out->rules = v;
	out->n_rules = m->n;
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
	side_marks_clear(m);
}

static void
finish_sides(struct auditor *a, bool is_traffic, struct audit_side sides[2])
{
	for (int d = 0; d < 2; d++)
		finish_side(a, (enum policy_direction)d, is_traffic, &sides[d]);
}

/* The flows of an edge that are hairpins, or that are none. */
static void
judge_flows(struct auditor *a, const struct edge *e, bool hairpins,
    struct judgement *worst, struct audit_edge *out)
{
	for (size_t i = 0; i < e->n_flows; i++) {
		struct judgement j;

		if (auditor_is_hairpin(a, e->flows[i]) != hairpins)
			continue;
		j = auditor_judge(a, e->flows[i]);
		judgement_worsen(worst, j);
		out->pairs_unknown += j.verdict == AUDIT_UNKNOWN;
		if (j.verdict != AUDIT_WOULD_DROP)
			continue;
		out->pairs_dropped++;
		out->connections_dropped += e->flows[i]->connections;
	}
}

/* Hairpins, of which nothing firm is said, do not tell why others of the same
 * edge would be dropped. */
static void
judge_edge(struct auditor *a, const struct view_edge *v, struct audit_edge *out)
{
	struct judgement worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };
	const struct edge *e = v->edge;
	struct audit_side rest[2];
	bool is_firm;

	*out = (struct audit_edge){ .view = v,
		.pairs = e->n_flows,
		.is_traffic = outcome_is_traffic(e->outcome) };
	judge_flows(a, e, false, &worst, out);
	is_firm = worst.verdict == AUDIT_WOULD_DROP;
	if (is_firm)
		finish_sides(a, out->is_traffic, out->sides);
	judge_flows(a, e, true, &worst, out);
	finish_sides(a, out->is_traffic, is_firm ? rest : out->sides);
	out->verdict = worst.verdict;
	out->reason = worst.reason;
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

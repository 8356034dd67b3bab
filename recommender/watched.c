/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When captures ran, and where: were the nodes on which a workload's pods ran
 * captured while they ran there?
 *
 * A capture that names no node of the cluster may be of any one. Of those it
 * is only known how many ran at a time, and nothing is said that would be
 * wrong, whichever they are.
 */
#include <stdlib.h>

#include "recommender/internal.h"

#define HOUR_US    ((int64_t)3600 * 1000000)
#define WEEK_HOURS RECOMMEND_WEEK_HOURS
#define SEEN_MIN   0.9 /* of the time of its pods */
#define NAMED_MAX  5   /* nodes in one sentence */

/* A node was captured from then to then. */
struct stretch {
	uint32_t node;
	int64_t from_us, to_us;
};

/* Pods of a group ran on a node. */
struct stay {
	uint32_t group, node;
};

struct watching {
	struct run *r;
	struct stretch *named;     /* by node and time, disjoint */
	size_t *first;             /* by node: of its stretches; one more */
	int64_t *from_us, *to_us;  /* of captures that name no node, sorted */
	size_t n_named, n_unnamed; /* of each */
	struct stay *stays;
	size_t n_stays;
};

static int
compare_times(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static int
compare_stretches(const void *x, const void *y)
{
	const struct stretch *a = x, *b = y;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return compare_times(&a->from_us, &b->from_us);
}

static int
compare_stays(const void *x, const void *y)
{
	const struct stay *a = x, *b = y;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

/* Sort stretches and unite those of one node that meet. */
static size_t
unite(struct stretch *v, size_t n)
{
	size_t k = 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), compare_stretches);
	for (size_t i = 0; i < n; i++) {
		struct stretch *last = k == 0 ? NULL : &v[k - 1];

		if (last == NULL || last->node != v[i].node ||
		    last->to_us < v[i].from_us)
			v[k++] = v[i];
		else if (last->to_us < v[i].to_us)
			last->to_us = v[i].to_us;
	}
	return k;
}

/* Mark the hours of the week that [from, to] touches. The epoch began on a
 * Thursday; which day counts as the first does not matter. */
static void
mark_hours(bool *hours, int64_t from, int64_t to)
{
	int64_t first = from / HOUR_US, last = to / HOUR_US;

	if (from < 0 || to < from)
		return;
	for (int64_t h = first; h <= last && h - first < WEEK_HOURS; h++)
		hours[h % WEEK_HOURS] = true;
}

/* For how long any capture ran: the union of their times. */
static enum rf_status
measure_span(struct run *r)
{
	const struct flow_set *fs = r->fs;
	struct stretch *v = arena_calloc(r->arena, fs->n_coverage, sizeof(*v));
	struct recommend_span *s = &r->span;
	bool hours[WEEK_HOURS] = { false };
	size_t n = 0;

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < fs->n_coverage; i++) {
		const struct coverage *c = &fs->coverage[i];

		if (coverage_has_time(c)) {
			v[n++] = (struct stretch){ 0, c->from_us, c->to_us };
			mark_hours(hours, c->from_us, c->to_us);
		}
		s->packets += c->packets;
		s->dropped += c->dropped;
		s->unowned += c->unowned;
	}
	n = unite(v, n);
	for (size_t i = 0; i < n; i++)
		if (v[i].to_us > v[i].from_us)
			s->watched_us += v[i].to_us - v[i].from_us;
	if (n > 0) {
		s->from_us = v[0].from_us;
		s->to_us = v[n - 1].to_us;
	}
	for (size_t i = 0; i < r->n_edges; i++)
		s->connections += r->edges[i].connections;
	for (size_t i = 0; i < WEEK_HOURS; i++)
		s->hours_of_week += hours[i];
	return RF_OK;
}

/* How many captures that name no node ran at one time, at most. */
static size_t
most_at_once(const struct watching *w)
{
	size_t most = w->n_unnamed > 0, over = 0;

	for (size_t i = 0; i < w->n_unnamed; i++) {
		while (over <= i && w->to_us[over] <= w->from_us[i])
			over++;
		if (i + 1 - over > most)
			most = i + 1 - over;
	}
	return most;
}

static enum rf_status
sort_captures(struct watching *w)
{
	struct run *r = w->r;
	size_t n = r->fs->n_coverage, n_nodes = r->c->n_nodes;

	w->named = arena_calloc(r->arena, n, sizeof(*w->named));
	w->from_us = arena_calloc(r->arena, n, sizeof(*w->from_us));
	w->to_us = arena_calloc(r->arena, n, sizeof(*w->to_us));
	w->first = arena_calloc(r->arena, n_nodes + 1, sizeof(*w->first));
	if (w->named == NULL || w->from_us == NULL || w->to_us == NULL ||
	    w->first == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++) {
		const struct coverage *c = &r->fs->coverage[i];
		uint32_t node = cluster_find_node(r->c, c->node);

		if (!coverage_has_time(c))
			continue;
		if (node != FLOW_NONE) {
			w->named[w->n_named++] =
			    (struct stretch){ node, c->from_us, c->to_us };
			continue;
		}
		w->from_us[w->n_unnamed] = c->from_us;
		w->to_us[w->n_unnamed++] = c->to_us;
	}
	if (w->n_unnamed > 0) {
		qsort(w->from_us, w->n_unnamed, sizeof(int64_t), compare_times);
		qsort(w->to_us, w->n_unnamed, sizeof(int64_t), compare_times);
	}
	r->captures_unnamed = most_at_once(w);
	w->n_named = unite(w->named, w->n_named);
	for (size_t i = 0, node = 0; node <= n_nodes; node++) {
		while (i < w->n_named && w->named[i].node < node)
			i++;
		w->first[node] = i;
	}
	return RF_OK;
}

static bool
is_captured(const struct watching *w, uint32_t node)
{
	return w->first[node] < w->first[node + 1];
}

/* Add the time of one pod, and where it was. */
static void
add_pod(struct watching *w, const struct kube_pod *p, uint32_t group)
{
	struct run *r = w->r;
	struct watch *watch = &r->watches[group];
	int64_t from = p->from_us, to = p->to_us;

	if (from < r->span.from_us)
		from = r->span.from_us;
	if (to > r->span.to_us)
		to = r->span.to_us;
	if (from > to)
		return;
	watch->lived_us += to - from;
	for (size_t i = w->first[p->node]; i < w->first[p->node + 1]; i++) {
		int64_t a = w->named[i].from_us, b = w->named[i].to_us;

		if (a < from)
			a = from;
		if (b > to)
			b = to;
		if (b > a)
			watch->seen_us += b - a;
	}
	w->stays[w->n_stays++] = (struct stay){ group, p->node };
}

/* Count each node of a group once. */
static void
count_nodes(struct watching *w)
{
	struct run *r = w->r;

	if (w->n_stays > 0)
		qsort(w->stays, w->n_stays, sizeof(*w->stays), compare_stays);
	for (size_t i = 0; i < w->n_stays; i++) {
		const struct stay *s = &w->stays[i];
		struct watch *watch = &r->watches[s->group];

		if (i > 0 && compare_stays(&w->stays[i - 1], s) == 0)
			continue;
		watch->n_nodes++;
		r->ran_on[s->node] = true;
		if (is_captured(w, s->node))
			continue;
		r->not_captured[s->node] = true;
		if (watch->n_missing++ == 0)
			watch->missing = s->node;
	}
}

enum rf_status
watched_measure(struct run *r)
{
	struct watching w = { .r = r };
	const struct cluster *c = r->c;
	enum rf_status st;

	r->watches = arena_calloc(r->arena, r->n_groups, sizeof(*r->watches));
	r->ran_on = arena_calloc(r->arena, c->n_nodes, sizeof(*r->ran_on));
	r->not_captured =
	    arena_calloc(r->arena, c->n_nodes, sizeof(*r->not_captured));
	if (r->watches == NULL || r->ran_on == NULL || r->not_captured == NULL)
		return run_nomem(r);
	if ((st = measure_span(r)) != RF_OK ||
	    (st = sort_captures(&w)) != RF_OK)
		return st;
	if (r->span.from_us == 0 && r->span.to_us == 0) /* none */
		return RF_OK;
	w.stays = calloc(c->n_pods + 1, sizeof(*w.stays));
	if (w.stays == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];
		uint32_t group = r->group_of[p->workload];

		if (p->node != FLOW_NONE && !p->host_network &&
		    plan_group_in_scope(r, group))
			add_pod(&w, p, group);
	}
	count_nodes(&w);
	free(w.stays);
	return RF_OK;
}

/* Names of nodes, "a, b and 3 more"; NULL: out of memory. */
static const char *
names_of(struct run *r, const bool *nodes, size_t n)
{
	const char *text = "";
	size_t k = 0;

	for (size_t i = 0; i < r->c->n_nodes && text != NULL; i++)
		if (nodes[i] && k++ < NAMED_MAX)
			text = run_printf(r, "%s%s%s", text, k == 1 ? "" : ", ",
			    r->c->nodes[i].name);
	if (text != NULL && n > NAMED_MAX)
		text = run_printf(r, "%s and %zu more", text, n - NAMED_MAX);
	return text;
}

enum rf_status
watched_note(struct run *r)
{
	struct recommend_note note = { .kind = NOTE_REMARK,
		.reason = "not-captured" };
	size_t n = 0, n_missing = 0;
	const char *names;

	for (size_t i = 0; i < r->c->n_nodes; i++) {
		n += r->ran_on[i];
		n_missing += r->not_captured[i];
	}
	if (n_missing <= r->captures_unnamed)
		return RF_OK;
	if (r->captures_unnamed > 0)
		return note_add(r, note,
		    "pods of these namespaces ran on %zu nodes; if each "
		    "capture is of one, at most %zu %s captured at a time: "
		    "what a pod on another did with pods there, or with the "
		    "world, is missing (collect --node tells, with the "
		    "node's name in the cluster)",
		    n, n - n_missing + r->captures_unnamed,
		    n - n_missing + r->captures_unnamed == 1 ? "was" : "were");
	if ((names = names_of(r, r->not_captured, n_missing)) == NULL)
		return run_nomem(r);
	return note_add(r, note,
	    "%zu of the %zu node%s on which pods of these namespaces ran %s "
	    "not captured (%s): what a pod there did with pods there, or with "
	    "the world, is missing",
	    n_missing, n, n == 1 ? "" : "s", n_missing == 1 ? "was" : "were",
	    names);
}

enum rf_status
watched_reason(struct run *r, uint32_t group, const char **out)
{
	const struct watch *w = &r->watches[group];
	size_t unnamed = r->captures_unnamed;

	*out = NULL;
	if (w->n_missing > unnamed && unnamed > 0)
		*out = run_printf(r,
		    "its pods ran on %zu nodes, and if each capture is of "
		    "one, at most %zu %s captured at a time",
		    w->n_nodes, w->n_nodes - w->n_missing + unnamed,
		    w->n_nodes - w->n_missing + unnamed == 1 ? "was" : "were");
	else if (w->n_missing == 1 && unnamed == 0)
		*out = run_printf(r,
		    "node %s, on which pods of it ran, was not captured",
		    r->c->nodes[w->missing].name);
	else if (w->n_missing > 0 && unnamed == 0)
		*out = run_printf(r,
		    "of the %zu nodes on which pods of it ran %zu were not "
		    "captured",
		    w->n_nodes, w->n_missing);
	else if (unnamed == 0 &&
	    (double)w->seen_us < SEEN_MIN * (double)w->lived_us)
		*out = run_printf(r,
		    "its pods' nodes were captured for %.0f %% of the time "
		    "that they ran there",
		    100.0 * (double)w->seen_us / (double)w->lived_us);
	else
		return RF_OK;
	return *out == NULL ? run_nomem(r) : RF_OK;
}

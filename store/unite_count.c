/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting a connection once that several nodes saw.
 *
 * What they all see of it is the source as the destination sees it, the
 * destination, and its port: that makes a group. Each node sees all of a
 * group's connections or none, apart from losses and from when it watched;
 * so of two nodes' counts the larger one is right, and what one of them knows
 * better (the client before its address was rewritten, the Service that was
 * dialled, how it went) is kept.
 *
 * Of some rows it is not known how the destination sees the source: what a
 * node's pods opened may have arrived under the node's own address. So what is
 * left of the one is set off against the other.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "store/unite.h"

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_group(const struct flow *a, const struct flow *b)
{
	int c;

	if ((c = compare_u64(a->seen_src, b->seen_src)) != 0 ||
	    (c = compare_u64(a->dst, b->dst)) != 0 ||
	    (c = compare_u64(a->protocol, b->protocol)) != 0)
		return c;
	return compare_u64(a->port, b->port);
}

static int
compare_row(const void *x, const void *y)
{
	const struct unite_row *a = x, *b = y;
	const struct flow *f = &a->f, *g = &b->f;
	int c;

	if ((c = compare_group(f, g)) != 0 ||
	    (c = compare_u64(a->viewpoint, b->viewpoint)) != 0 ||
	    (c = compare_u64(f->src, g->src)) != 0 ||
	    (c = compare_u64(f->service, g->service)) != 0 ||
	    (c = compare_u64(f->service_port, g->service_port)) != 0 ||
	    (c = compare_u64(f->outcome, g->outcome)) != 0)
		return c;
	return compare_u64(f->certainty, g->certainty);
}

/* How much an outcome says: who saw an answer knows more than who did not. */
static int
rank(const struct flow *f)
{
	static const int by_outcome[OUTCOME_COUNT] = {
		[OUTCOME_ESTABLISHED] = 0,
		[OUTCOME_REFUSED] = 1,
		[OUTCOME_ONEWAY] = 2,
		[OUTCOME_MIDSTREAM] = 3,
		[OUTCOME_DROPPED] = 4,
		[OUTCOME_UNANSWERED] = 5,
	};

	return by_outcome[f->outcome] * CERTAINTY_COUNT + f->certainty;
}

static bool
is_alike(const struct flow *a, const struct flow *b)
{
	return a->outcome == b->outcome && a->certainty == b->certainty;
}

/* How much more than addresses a row knows. */
static int
richness(const struct flow *f)
{
	return (f->service != FLOW_NONE) + 2 * (f->src != f->seen_src);
}

/* n connections less, and their share of packets and bytes. */
static void
reduce(struct unite_row *r, uint64_t n)
{
	double rest = 1 - (double)n / (double)r->f.connections;

	r->f.packets = (uint64_t)((double)r->f.packets * rest + 0.5);
	r->f.bytes = (uint64_t)((double)r->f.bytes * rest + 0.5);
	r->f.connections -= n;
}

/* whole: both rows are of the same connections and of no others; then they are
 * as early and as late as either. */
static void
widen(struct flow *to, const struct flow *f, bool whole)
{
	to->sides |= f->sides;
	if (!whole)
		return;
	to->first_us = f->first_us < to->first_us ? f->first_us : to->first_us;
	to->last_us = f->last_us > to->last_us ? f->last_us : to->last_us;
}

/* What one node knew of the client and of what it dialled. */
static void
learn(struct flow *to, const struct flow *from)
{
	if (richness(from) <= richness(to))
		return;
	to->src = from->src;
	to->service = from->service;
	to->service_port = from->service_port;
}

/*
 * Two rows of different nodes: the connections that are in both stay in one
 * of them, the one whose outcome says more; alike, the one that is kept.
 */
static void
meet(struct unite_row *kept, struct unite_row *r)
{
	uint64_t n = kept->open < r->open ? kept->open : r->open;

	bool whole =
	    r->met == 0 && n == r->f.connections && n == kept->f.connections;

	if (n == 0)
		return;
	kept->open -= n;
	r->open -= n;
	if (rank(&r->f) < rank(&kept->f)) {
		widen(&r->f, &kept->f, whole);
		if (n == r->f.connections)
			learn(&r->f, &kept->f);
		r->met += n;
		reduce(kept, n);
		return;
	}
	widen(&kept->f, &r->f, whole);
	if (n == kept->f.connections)
		learn(&kept->f, &r->f);
	kept->met += n;
	reduce(r, n);
}

/* More of connections that were counted in an earlier window. */
static void
meet_continued(struct unite_row *kept, size_t n_kept, struct unite_row *r)
{
	for (size_t i = 0; i < n_kept; i++) {
		if (!is_alike(&kept[i].f, &r->f))
			continue;
		widen(&kept[i].f, &r->f, true);
		r->f.packets = 0;
		return;
	}
}

/* Rows of a viewpoint against those that are kept of others. */
static void
meet_all(struct unite_row *kept, size_t n_kept, struct unite_row *v, size_t n)
{
	for (size_t i = 0; i < n_kept; i++)
		kept[i].open = kept[i].f.connections;
	for (size_t k = 0; k < n; k++) {
		v[k].open = v[k].f.connections;
		if (v[k].open == 0)
			meet_continued(kept, n_kept, &v[k]);
	}
	for (int alike = 1; alike >= 0; alike--)
		for (size_t k = 0; k < n; k++)
			for (size_t i = 0; v[k].open > 0 && i < n_kept; i++)
				if (is_alike(&kept[i].f, &v[k].f) == alike)
					meet(&kept[i], &v[k]);
}

/* Where a viewpoint's rows end, and how much they know: the source's own node
 * knows best what was dialled. */
static size_t
segment(const struct unite_row *v, size_t n, uint64_t *worth)
{
	size_t i = 0;

	*worth = 0;
	for (; i < n && v[i].viewpoint == v[0].viewpoint; i++)
		*worth += (uint64_t)(richness(&v[i].f) + 4 * v[i].is_src_side) *
		    v[i].f.connections;
	return i;
}

/* Bring the rows of [at, at + len) to the front. */
static void
to_front(struct unite_row *v, size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct unite_row row = v[at + i];

		for (size_t k = at + i; k > i; k--)
			v[k] = v[k - 1];
		v[i] = row;
	}
}

static void
count_group(struct unite_row *v, size_t n)
{
	size_t best_at = 0, best_len, at, len;
	uint64_t best, worth;

	best_len = segment(v, n, &best);
	if (best_len == n)
		return; /* one node alone saw it */
	for (at = best_len; at < n; at += len) {
		len = segment(v + at, n - at, &worth);
		if (worth <= best)
			continue;
		best = worth;
		best_at = at;
		best_len = len;
	}
	to_front(v, best_at, best_len);
	for (at = best_len; at < n; at += len) {
		len = segment(v + at, n - at, &worth);
		meet_all(v, at, v + at, len);
	}
}

/* Rows without what was reduced to nothing. */
static size_t
compact(struct unite_row *rows, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].f.connections > 0 || rows[i].f.packets > 0)
			rows[left++] = rows[i];
	return left;
}

static int
compare_hidden_group(const struct unite_row *a, const struct unite_row *b)
{
	int c;

	if ((c = compare_u64(a->hide_node, b->hide_node)) != 0 ||
	    (c = compare_u64(a->f.dst, b->f.dst)) != 0 ||
	    (c = compare_u64(a->f.protocol, b->f.protocol)) != 0)
		return c;
	return compare_u64(a->f.port, b->f.port);
}

static int
compare_hidden(const void *x, const void *y)
{
	const struct unite_row *a = x, *b = y;
	int c;

	if ((c = compare_hidden_group(a, b)) != 0 ||
	    (c = compare_u64(b->may_hide, a->may_hide)) != 0 ||
	    (c = compare_u64(b->is_src_node, a->is_src_node)) != 0)
		return c;
	return compare_row(x, y);
}

/* What may be hidden behind a node, and a row of that node, which another
 * viewpoint saw. */
static void
meet_hidden(struct unite_row *pod, struct unite_row *node)
{
	uint64_t n = pod->open < node->open ? pod->open : node->open;

	if (n == 0 || pod->viewpoint == node->viewpoint)
		return;
	pod->open -= n;
	node->open -= n;
	if (n == pod->f.connections && rank(&node->f) < rank(&pod->f)) {
		pod->f.outcome = node->f.outcome;
		pod->f.certainty = node->f.certainty;
	}
	widen(&pod->f, &node->f, false);
	reduce(node, n);
}

/* What may hide is in front, then come the nodes' rows. What other viewpoints
 * saw as it is has met. */
static void
count_hidden(struct unite_row *v, size_t n)
{
	size_t pods = 0, nodes = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t all = v[i].f.connections;

		v[i].open = all > v[i].met ? all - v[i].met : 0;
		pods += v[i].may_hide;
		nodes += v[i].is_src_node;
	}
	for (int alike = 1; alike >= 0; alike--)
		for (size_t k = pods; k < pods + nodes; k++)
			for (size_t i = 0; i < pods; i++)
				if (is_alike(&v[i].f, &v[k].f) == alike)
					meet_hidden(&v[i], &v[k]);
}

size_t
unite_count(struct unite_row *rows, size_t n)
{
	size_t end;

	qsort(rows, n, sizeof(*rows), compare_row);
	for (size_t at = 0; at < n; at = end) {
		for (end = at + 1;
		     end < n && compare_group(&rows[at].f, &rows[end].f) == 0;
		     end++)
			;
		count_group(rows + at, end - at);
	}
	n = compact(rows, n);
	qsort(rows, n, sizeof(*rows), compare_hidden);
	for (size_t at = 0; at < n; at = end) {
		for (end = at + 1; end < n &&
		     compare_hidden_group(&rows[at], &rows[end]) == 0;
		     end++)
			;
		if (rows[at].hide_node != FLOW_NONE)
			count_hidden(rows + at, end - at);
	}
	return compact(rows, n);
}

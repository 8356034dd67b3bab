/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of an invented cluster, as each node sees them: counted once,
 * whatever the order. The seed is printed; RINGFENCE_TEST_SEED repeats a run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/unite.h"
#include "tests/support/case_table.h"

/* Endpoints by number: pods, then nodes, then addresses outside. */
enum {
	N_NODES = 3,
	N_PODS = 12,
	NODE = N_PODS,
	OUTSIDE = NODE + N_NODES,
	N_OUTSIDE = 4,
	N_ENDS = OUTSIDE + N_OUTSIDE,
	ROWS_MAX = 4096
};

static uint64_t random_state;

static uint32_t
below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717u) >> 33) % n;
}

static uint32_t
node_of(uint32_t end)
{
	if (end < NODE)
		return end % N_NODES;
	return end < OUTSIDE ? end - NODE : FLOW_NONE;
}

struct views {
	struct unite_row rows[ROWS_MAX];
	size_t n;
};

/* n connections as node sees them. */
static void
see(struct views *v, uint32_t node, const struct flow *f)
{
	struct unite_row *r = v->rows;

	for (; r < v->rows + v->n; r++)
		if (r->viewpoint == node && r->f.src == f->src &&
		    r->f.dst == f->dst && r->f.seen_src == f->seen_src &&
		    r->f.service == f->service && r->f.port == f->port &&
		    r->f.outcome == f->outcome)
			break;
	if (r == v->rows + v->n) {
		assert_true(v->n++ < ROWS_MAX);
		*r = (struct unite_row){ .f = *f,
			.viewpoint = node,
			.may_hide = (f->src < NODE || f->src >= OUTSIDE) &&
			    f->dst >= NODE && f->dst < OUTSIDE,
			.is_src_node = f->src >= NODE && f->src < OUTSIDE,
			.hide_node = node_of(f->src),
			.is_src_side = node_of(f->src) == node };
		return;
	}
	r->f.connections += f->connections;
	r->f.packets += f->packets;
}

/*
 * One kind of connection: pods to pods, with or without a Service; to and from
 * the outside, through another node that rewrites the client's address; and to
 * nodes, where that may be hidden. The truth is what its best witness saw.
 */
static void
connect_some(struct views *truth, struct views *seen)
{
	struct flow f = { .protocol = FLOW_TCP,
		.service = FLOW_NONE,
		.port = (uint16_t)(80 + below(2)),
		.outcome = (uint8_t)(below(4) == 0 ? OUTCOME_REFUSED
						   : OUTCOME_ESTABLISHED),
		.connections = 1 + below(5) };
	uint32_t via, kind = below(4);
	struct flow far;

	f.packets = f.connections * 10;
	f.dst = below(N_PODS);
	f.src = below(N_PODS);
	via = node_of(f.src);
	if (kind == 0) { /* from outside, through a node */
		f.src = OUTSIDE + below(N_OUTSIDE);
		via = below(N_NODES);
		f.service = 7;
	} else if (kind == 1) { /* to a node; not between its own pods */
		f.dst = NODE + below(N_NODES);
		f.port = 6443;
		if (below(3) == 0)
			f.src = NODE + below(N_NODES);
		via = node_of(f.src);
	} else if (kind == 2) {
		f.service = below(2);
	}
	f.seen_src = f.src;
	far = f;
	far.service = FLOW_NONE;
	if (kind == 0 && via != node_of(f.dst))
		f.seen_src = NODE + via;
	if (kind == 1 && via != node_of(f.dst) && f.src < NODE)
		far.src = NODE + via; /* every pod, always */
	if (kind == 0)
		far.src = f.seen_src;
	far.seen_src = kind == 1 ? far.src : f.seen_src;
	see(truth, 0, &f);
	see(seen, via, &f);
	if (node_of(f.dst) != via)
		see(seen, node_of(f.dst), &far);
}

static int
compare_flow(const void *x, const void *y)
{
	const struct unite_row *a = x, *b = y;
	const uint32_t p[] = { a->f.src, a->f.dst, a->f.seen_src, a->f.service,
		a->f.port, a->f.outcome };
	const uint32_t q[] = { b->f.src, b->f.dst, b->f.seen_src, b->f.service,
		b->f.port, b->f.outcome };

	for (size_t i = 0; i < NELEM(p); i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return 0;
}

static void
shuffle(struct views *v)
{
	for (size_t i = v->n; i > 1; i--) {
		size_t k = below((uint32_t)i);
		struct unite_row row = v->rows[k];

		v->rows[k] = v->rows[i - 1];
		v->rows[i - 1] = row;
	}
}

static void
assert_same(struct views *got, struct views *want)
{
	qsort(got->rows, got->n, sizeof(got->rows[0]), compare_flow);
	qsort(want->rows, want->n, sizeof(want->rows[0]), compare_flow);
	assert_int_equal(got->n, want->n);
	for (size_t i = 0; i < got->n; i++) {
		const struct flow *f = &got->rows[i].f;
		const struct flow *g = &want->rows[i].f;

		assert_int_equal(
		    compare_flow(&got->rows[i], &want->rows[i]), 0);
		assert_int_equal(f->connections, g->connections);
		assert_int_equal(f->packets, g->packets);
	}
}

static void
test_property(void **state)
{
	static struct views truth, seen, again;

	(void)state;
	for (int world = 0; world < 3000; world++) {
		truth.n = 0;
		seen.n = 0;
		for (uint32_t i = 1 + below(40); i > 0; i--)
			connect_some(&truth, &seen);
		again = seen;
		shuffle(&seen);
		shuffle(&again);
		seen.n = unite_count(seen.rows, seen.n);
		again.n = unite_count(again.rows, again.n);
		assert_same(&seen, &truth);
		assert_same(&again, &truth);
	}
}

#define ROW(view, from, seen_as, to, svc, how, n)                              \
	{                                                                      \
		.viewpoint = (view), .hide_node = FLOW_NONE,                   \
		.f = {.src = (from),                                           \
			.seen_src = (seen_as),                                 \
			.dst = (to),                                           \
			.service = (svc),                                      \
			.port = 80,                                            \
			.protocol = FLOW_TCP,                                  \
			.outcome = (how),                                      \
			.connections = (n),                                    \
			.packets = UINT64_C(10) * (n) }                        \
	}
#define NOT FLOW_NONE
#define EST OUTCOME_ESTABLISHED
#define UNA OUTCOME_UNANSWERED
#define DRO OUTCOME_DROPPED

static struct count_case {
	const char *name;
	struct unite_row in[4], want[4];
	size_t n_in, n_want;
} count_cases[] = {
	{ "one node, two rows",
	    { ROW(0, 1, 1, 2, NOT, EST, 3), ROW(0, 1, 1, 2, NOT, UNA, 2) },
	    { ROW(0, 1, 1, 2, NOT, EST, 3), ROW(0, 1, 1, 2, NOT, UNA, 2) }, 2,
	    2 },
	{ "what only the destination saw stays",
	    { ROW(0, 1, 1, 2, 5, EST, 3), ROW(1, 1, 1, 2, NOT, EST, 7) },
	    { ROW(0, 1, 1, 2, 5, EST, 3), ROW(1, 1, 1, 2, NOT, EST, 4) }, 2,
	    2 },
	{ "what only the source saw stays",
	    { ROW(0, 1, 1, 2, 5, EST, 9), ROW(1, 1, 1, 2, NOT, EST, 7) },
	    { ROW(0, 1, 1, 2, 5, EST, 9) }, 2, 1 },
	{ "an answer that one saw",
	    { ROW(0, 1, 1, 2, 5, UNA, 2), ROW(1, 1, 1, 2, NOT, EST, 2) },
	    { ROW(1, 1, 1, 2, 5, EST, 2) }, 2, 1 },
	{ "a drop says more than silence",
	    { ROW(0, 1, 1, 2, NOT, UNA, 2), ROW(1, 1, 1, 2, NOT, DRO, 2) },
	    { ROW(1, 1, 1, 2, NOT, DRO, 2) }, 2, 1 },
	{ "three nodes",
	    { ROW(0, 9, 4, 2, 5, EST, 2), ROW(1, 4, 4, 2, NOT, EST, 2),
		ROW(2, 4, 4, 2, NOT, EST, 2) },
	    { ROW(0, 9, 4, 2, 5, EST, 2) }, 3, 1 },
	{ "more of an earlier window",
	    { ROW(0, 1, 1, 2, 5, EST, 2), ROW(1, 1, 1, 2, NOT, EST, 0) },
	    { ROW(0, 1, 1, 2, 5, EST, 2) }, 2, 1 },
	{ "other ports and ends are other groups",
	    { ROW(0, 1, 1, 2, 5, EST, 2), ROW(1, 1, 1, 3, NOT, EST, 2) },
	    { ROW(0, 1, 1, 2, 5, EST, 2), ROW(1, 1, 1, 3, NOT, EST, 2) }, 2,
	    2 },
	{ "nothing", { ROW(0, 0, 0, 0, 0, 0, 0) }, { ROW(0, 0, 0, 0, 0, 0, 0) },
	    0, 0 },
};

static void
test_count(void **state)
{
	const struct count_case *c = *state;
	static struct views got, want;

	memcpy(got.rows, c->in, sizeof(c->in));
	memcpy(want.rows, c->want, sizeof(c->want));
	got.n = unite_count(got.rows, c->n_in);
	want.n = c->n_want;
	for (size_t i = 0; i < want.n; i++) /* rounded, not watched here */
		if (i < got.n)
			want.rows[i].f.packets = got.rows[i].f.packets;
	assert_same(&got, &want);
}

int
main(void)
{
	const struct CMUnitTest own[] = { cmocka_unit_test(test_property) };
	const struct case_table tables[] = {
		CASE_TABLE(test_count, count_cases, name),
	};
	const char *seed = getenv("RINGFENCE_TEST_SEED");

	random_state =
	    seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	random_state |= 1;
	printf("RINGFENCE_TEST_SEED=%llu\n", (unsigned long long)random_state);
	return case_tables_run(
	    "unite_count", own, NELEM(own), tables, NELEM(tables));
}

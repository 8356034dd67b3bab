/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals equal the sum of their windows, whatever happened: flows that come
 * in order, late and long, are put twice or rolled back, expire by the row.
 * The other side of each comparison is a list of rows, added up here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/total.h"
#include "tests/store/cluster_fixture.h"

#define HOUR  ((int64_t)3600 * 1000000)
#define ENDS  3
#define PORTS 2
#define KEYS  ((size_t)ENDS * ENDS * PORTS * 2) /* and two outcomes */
#define ROWS  4096
#define STEPS 120

static const struct endpoint ends[ENDS] = {
#define EXTERNAL(last)                                                         \
	{                                                                      \
		.type = ENDPOINT_EXTERNAL, .ip = IP4(198, 51, 100, last),      \
		.workload = FLOW_NONE, .pod = FLOW_NONE, .node = FLOW_NONE     \
	}
	EXTERNAL(0), EXTERNAL(1), EXTERNAL(2)
};

/* What the database has to know: rows as they were put, windows apart. */
struct model {
	struct flow rows[ROWS];
	size_t n;
	int64_t now_us;
	uint64_t seed;
};

static uint32_t
draw(struct model *m, uint32_t n)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (uint32_t)((m->seed >> 11) % n);
}

static size_t
key_of(const struct flow *f)
{
	return ((f->src * ENDS + f->dst) * PORTS + f->port) * 2 +
	    (f->outcome != OUTCOME_ESTABLISHED);
}

/* Mostly of this hour, some of hours before; few begin early or last long. */
static struct flow
random_flow(struct model *m)
{
	int64_t window = m->now_us / HOUR * HOUR;
	struct flow f = { .src = draw(m, ENDS),
		.dst = draw(m, ENDS),
		.service = FLOW_NONE,
		.port = (uint16_t)draw(m, PORTS),
		.protocol = FLOW_TCP,
		.outcome = draw(m, 2) ? OUTCOME_ESTABLISHED : OUTCOME_REFUSED,
		.sides = (uint8_t)draw(m, 4),
		.connections = draw(m, 5),
		.packets = draw(m, 50),
		.bytes = draw(m, 5000) };

	f.seen_src = f.src;
	if (draw(m, 4) == 0)
		window -= draw(m, 6) * HOUR;
	f.window_us = window;
	f.first_us = window + draw(m, 3600) * INT64_C(1000000);
	if (draw(m, 20) == 0)
		f.first_us -= draw(m, 3) * HOUR;
	f.last_us = f.first_us + draw(m, 600);
	if (draw(m, 5) == 0)
		f.last_us += draw(m, 9) * HOUR;
	return f;
}

static void
add_up(struct flow *sum, const struct flow *f)
{
	if (sum->protocol == 0) {
		*sum = *f;
		return;
	}
	sum->sides |= f->sides;
	sum->connections += f->connections;
	sum->packets += f->packets;
	sum->bytes += f->bytes;
	sum->first_us =
	    f->first_us < sum->first_us ? f->first_us : sum->first_us;
	sum->last_us = f->last_us > sum->last_us ? f->last_us : sum->last_us;
}

/* As the table does: equal windows and keys are one row. */
static void
remember(struct model *m, const struct flow *f)
{
	struct flow *row = m->rows;

	while (row < m->rows + m->n &&
	    (row->window_us != f->window_us || key_of(row) != key_of(f)))
		row++;
	if (row == m->rows + m->n) {
		assert_true(m->n < ROWS);
		m->n++;
		*row = *f;
		return;
	}
	add_up(row, f);
}

/* Every key's sum as the model has it; last_us is included. */
static void
sum_rows(const struct model *m, int64_t since_us, int64_t last_us,
    struct flow sums[KEYS])
{
	memset(sums, 0, KEYS * sizeof(*sums));
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].last_us >= since_us &&
		    m->rows[i].first_us <= last_us)
			add_up(&sums[key_of(&m->rows[i])], &m->rows[i]);
}

static void
read_flows(
    struct store *s, int64_t since_us, int64_t until_us, struct flow sums[KEYS])
{
	const struct store_filter filter = { .since_us = since_us,
		.until_us = until_us };
	struct cluster *c = NULL;
	struct flow_set set;
	struct arena arena;

	memset(sums, 0, KEYS * sizeof(*sums));
	arena_init(&arena, 0);
	assert_int_equal(store_get_cluster(s, &c, NULL), RF_OK);
	assert_int_equal(
	    store_get_flows(s, c, &filter, &arena, &set, NULL), RF_OK);
	for (size_t i = 0; i < set.n_flows; i++) {
		struct flow f = set.flows[i];

		f.src = set.endpoints[f.src].ip.b[15];
		f.dst = set.endpoints[f.dst].ip.b[15];
		f.seen_src = set.endpoints[f.seen_src].ip.b[15];
		assert_int_equal(sums[key_of(&f)].protocol, 0);
		sums[key_of(&f)] = f;
	}
	arena_release(&arena);
	cluster_free(c);
}

static void
assert_same(const struct flow have[KEYS], const struct flow want[KEYS])
{
	for (size_t i = 0; i < KEYS; i++) {
		assert_int_equal(have[i].protocol, want[i].protocol);
		assert_int_equal(have[i].sides, want[i].sides);
		assert_int_equal(have[i].connections, want[i].connections);
		assert_int_equal(have[i].packets, want[i].packets);
		assert_int_equal(have[i].bytes, want[i].bytes);
		assert_int_equal(have[i].first_us, want[i].first_us);
		assert_int_equal(have[i].last_us, want[i].last_us);
	}
}

static void
compare(struct store *s, struct model *m)
{
	int64_t since = m->now_us - draw(m, 40) * HOUR / 3;
	int64_t until = since + (1 + draw(m, 20)) * HOUR / 3;
	struct flow have[KEYS], want[KEYS];

	read_flows(s, 0, 0, have);
	sum_rows(m, INT64_MIN, INT64_MAX, want);
	assert_same(have, want);
	read_flows(s, since, until, have);
	sum_rows(m, since, until - 1, want);
	assert_same(have, want);
}

static void
put(struct store *s, struct model *m, const struct cluster *none)
{
	struct flow flows[40];
	bool undo = draw(m, 8) == 0;
	size_t n = draw(m, 40);

	for (size_t i = 0; i < n; i++)
		flows[i] = random_flow(m);
	assert_int_equal(store_begin(s, NULL), RF_OK);
	assert_int_equal(store_put_cluster(s, none, NULL), RF_OK);
	assert_int_equal(store_put_flows(s, ends, ENDS, flows, n, NULL), RF_OK);
	if (undo) {
		store_rollback(s);
		return;
	}
	assert_int_equal(store_commit(s, NULL), RF_OK);
	for (size_t i = 0; i < n; i++)
		remember(m, &flows[i]);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->window_us != y->window_us)
		return x->window_us < y->window_us ? -1 : 1;
	return 0;
}

/* The oldest windows; how far one call comes within one is its own affair. */
static void
expire(struct store *s, struct model *m)
{
	int64_t before_us =
	    m->now_us - (int64_t)(draw(m, 8) == 0 ? 0 : 5 + draw(m, 8)) * HOUR;
	size_t max = 1 + draw(m, 30), gone = 0;
	bool more = true;

	while (more) {
		assert_int_equal(
		    store_expire(s, before_us, max, &more, NULL), RF_OK);
		/* what is left has to be consistent at every step */
		if (more) {
			struct flow have[KEYS], want[KEYS];

			read_flows(s, 0, 0, have);
			read_flows(s, INT64_MIN, INT64_MAX, want);
			assert_same(have, want);
		}
	}
	qsort(m->rows, m->n, sizeof(m->rows[0]), compare_rows);
	while (gone < m->n && m->rows[gone].window_us < before_us)
		gone++;
	m->n -= gone;
	memmove(m->rows, m->rows + gone, m->n * sizeof(m->rows[0]));
}

/* Flows of a day that has not come yet, by a clock that is wrong; then it is
 * put right: the totals reach to now and no further. */
static void
go_back(struct store *s, struct model *m, const struct cluster *none)
{
	struct store_state state;
	int64_t now_us = m->now_us;

	m->now_us += 30 * HOUR;
	put(s, m, none);
	m->now_us = now_us;
	assert_int_equal(store_rewind(s, now_us, NULL), RF_OK);
	assert_int_equal(state_get(s, &state, NULL), RF_OK);
	assert_true(state.rolled_us <= now_us);
}

static void
live(struct model *m, struct cluster *none)
{
	struct store *s;

	assert_int_equal(store_open(&s, ":memory:", STORE_WRITE, NULL), RF_OK);
	for (int i = 0; i < STEPS; i++) {
		m->now_us += draw(m, 90) * INT64_C(60000000);
		s->roll_max = draw(m, 4); /* what waits, waits long */
		if (draw(m, 6) == 0)
			expire(s, m);
		else if (draw(m, 8) == 0)
			go_back(s, m, none);
		else
			put(s, m, none);
		compare(s, m);
	}
	store_close(s);
}

static void
test_totals(void **state)
{
	static struct model m;
	struct cluster *none = cluster_new();

	(void)state;
	assert_non_null(none);
	assert_int_equal(cluster_finish(none, NULL), RF_OK);
	for (uint64_t seed = 1; seed <= 8; seed++) {
		m = (struct model){ .now_us = 500000 * HOUR,
			.seed = seed * UINT64_C(88172645463325252) };
		live(&m, none);
	}
	cluster_free(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_totals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

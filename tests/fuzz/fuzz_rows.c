/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rows: any bytes as the rows that a live collector leaves to the next
 * one. What is taken of them is written again the same, goes through a flow
 * table with packets, and is told once at most.
 *
 * An input is rows, each a kind, a length and so many bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/flow_saved.h"
#include "collector/waiting_row.h"
#include "core/flow.h"

#define LEGS   64
#define NOW_US ((int64_t)1773129600 * 1000000)
#define POINTS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct table {
	struct flow_table *ft;
	uint64_t restored, told, packets;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_time(int64_t us)
{
	return us >= 0 && us <= INT64_MAX / 4;
}

static void
read_waiting(const uint8_t *row, size_t size)
{
	struct waiting_group g = { .c = { .first_us = NOW_US },
		.since_us = NOW_US },
			     again = g;
	struct certain_owners owners = { 0 }, same = { 0 };
	uint8_t copy[WAITING_ROW_MAX], once_more[WAITING_ROW_MAX];

	if (!waiting_row_read(row, size, &g, &owners))
		return;
	must(is_time(g.c.last_us) && is_time(g.latest_us));
	must(g.c.n_legs >= 1 && g.c.n_legs <= CONNECTION_LEGS_MAX);
	must(flow_protocol_name(g.c.protocol) != NULL);
	size = waiting_row_write(&g, &owners, copy);
	must(waiting_row_read(copy, size, &again, &same));
	must(waiting_row_write(&again, &same, once_more) == size);
	must(memcmp(copy, once_more, size) == 0);
}

static void
on_connections(void *arg, const struct connection *v, size_t n)
{
	struct table *t = arg;

	for (size_t i = 0; i < n; i++) {
		must(v[i].n_legs >= 1 && v[i].n_legs <= CONNECTION_LEGS_MAX);
		must(v[i].last_us >= v[i].first_us);
		must(v[i].packets < UINT64_MAX / 2);
		t->told += v[i].counted;
	}
}

static void
table_init(struct table *t)
{
	struct flow_table_config config = {
		.legs_max = LEGS,
		.seed = 1,
		.sink = on_connections,
		.sink_arg = t,
	};

	*t = (struct table){ 0 };
	must(flow_table_new(&t->ft, &config, NULL) == RF_OK);
}

/* Every other one that was told may go on. */
static bool
goes_on(void *arg, const struct connection *c)
{
	(void)arg;
	return c->legs[0].client.port % 2 == 0;
}

static void
restore(struct table *t, int64_t number, const uint8_t *row, size_t size)
{
	const struct flow_restore r = { .now_us = NOW_US,
		.saved_us = NOW_US - 5000000,
		.booted_us = NOW_US - 1000000000,
		.points = POINTS,
		.goes_on = goes_on };
	const struct flow_saved s = {
		.row = number, .content = row, .size = size
	};
	struct connection c;

	if (flow_table_restore(t->ft, &r, &s, &c) != FLOW_RESTORED)
		return;
	must(c.n_legs >= 1 && c.n_legs <= CONNECTION_LEGS_MAX);
	t->restored += c.counted;
}

/* Into the next table, as the next process would. */
static bool
put_row(void *arg, const struct flow_saved *s)
{
	must(s->size <= FLOW_SAVED_MAX && s->row > 0);
	restore(arg, s->row, s->content, s->size);
	return true;
}

static void
forget_row(void *arg, int64_t row)
{
	(void)arg;
	must(row > 0);
}

/* Each row in memory of its own size, so that one byte too many is seen. */
static void
take_rows(struct table *t, const uint8_t *data, size_t size)
{
	for (int64_t row = 1; size >= 3; row++) {
		size_t n = data[1] | (size_t)data[2] << 8;
		uint8_t *copy;

		n = n < size - 3 ? n : size - 3;
		copy = malloc(n + (n == 0));
		must(copy != NULL);
		memcpy(copy, data + 3, n);
		if (data[0] % 2 == 0)
			read_waiting(copy, n);
		else
			restore(t, row, copy, n);
		free(copy);
		data += 3 + n;
		size -= 3 + n;
	}
}

/* An answer to whatever the rows have open, by the seeds' addresses. */
static void
answer(struct table *t)
{
	struct packet p = { .protocol = FLOW_TCP,
		.sport = 80,
		.dport = 40000,
		.tcp_flags = TCP_SYN | TCP_ACK,
		.ts_us = NOW_US + 1000 };
	bool first;

	must(ip_parse(&p.src, "10.42.2.9") && ip_parse(&p.dst, "10.42.1.6"));
	flow_table_add(t->ft, &p, 1, &first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table first, next;
	struct flow_save save = { .next_row = 1000000,
		.lasting = 1,
		.points = POINTS,
		.put = put_row,
		.forget = forget_row,
		.arg = &next };

	table_init(&first);
	table_init(&next);
	take_rows(&first, data, size);
	answer(&first);
	flow_table_tick(first.ft, NOW_US + 40000000);
	flow_table_flush(first.ft);
	flow_table_save(first.ft, &save);
	flow_table_finish(first.ft);
	flow_table_finish(next.ft);
	must(flow_table_legs(first.ft) == 0 && flow_table_legs(next.ft) == 0);
	must(first.told <= first.restored + 1);
	must(next.told <= next.restored);
	flow_table_free(first.ft);
	flow_table_free(next.ft);
	return 0;
}

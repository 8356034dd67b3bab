/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow table has open, as bytes and back: all of it, and of what is
 * damaged nothing that a table could not have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/flow_saved.h"
#include "core/flow.h"

#define START    ((int64_t)1700000000000000)
#define SECOND   ((int64_t)1000000)
#define ROWS_MAX 16

struct row {
	int64_t id;
	uint64_t counted;
	uint8_t content[FLOW_SAVED_MAX];
	size_t size;
};

struct table {
	struct flow_table *ft;
	struct row rows[ROWS_MAX];
	size_t n, n_forgotten;
	uint64_t told, told_saved;
	bool is_full;
};

static void
sink(void *arg, const struct connection *v, size_t n)
{
	struct table *t = arg;

	for (size_t i = 0; i < n; i++) {
		t->told += v[i].counted;
		t->told_saved += v[i].saved != 0;
	}
}

static bool
put(void *arg, const struct flow_saved *s)
{
	struct table *t = arg;
	struct row *r = &t->rows[t->n];

	if (t->is_full)
		return false;
	assert_true(t->n < ROWS_MAX && s->size <= sizeof(r->content));
	t->n++;
	r->id = s->row;
	r->counted = s->c->counted;
	r->size = s->size;
	memcpy(r->content, s->content, s->size);
	return true;
}

static void
forget(void *arg, int64_t row)
{
	struct table *t = arg;

	(void)row;
	t->n_forgotten++;
}

static void
table_open(struct table *t)
{
	const struct flow_table_config config = {
		.legs_max = 64, .seed = 42, .sink = sink, .sink_arg = t
	};

	memset(t, 0, sizeof(*t));
	assert_int_equal(flow_table_new(&t->ft, &config, NULL), RF_OK);
}

static void
table_close(struct table *t)
{
	flow_table_finish(t->ft);
	flow_table_free(t->ft);
}

static void
clear(struct table *t)
{
	t->n = t->n_forgotten = 0;
}

/* Rows that differ from those before, behind those in t->rows. */
static void
save(struct table *t, int64_t *next_row)
{
	struct flow_save s = { .next_row = *next_row,
		.lasting = 2,
		.points = 5,
		.put = put,
		.forget = forget,
		.arg = t };

	flow_table_save(t->ft, &s);
	*next_row = s.next_row;
}

static void
packet(struct table *t, int ms, const char *src, uint16_t sport,
    const char *dst, uint16_t dport, uint8_t flags)
{
	struct packet p = {
		.ts_us = START + (int64_t)ms * 1000,
		.sport = sport,
		.dport = dport,
		.protocol = flags != 0 ? FLOW_TCP : FLOW_UDP,
		.tcp_flags = flags,
		.type = PACKET_OUTGOING,
		.ifindex = 3,
		.ip_bytes = 60,
		.seq = 7,
		.payload_bytes = flags & TCP_SYN ? 0 : 20,
		.payload_sum = (uint16_t)(sport + dport),
	};

	assert_true(ip_parse(&p.src, src) && ip_parse(&p.dst, dst));
	flow_table_add(t->ft, &p, 1, NULL);
}

static void
until(struct table *t, int ms)
{
	flow_table_tick(t->ft, START + (int64_t)ms * 1000 + SECOND / 2);
	flow_table_flush(t->ft);
}

/* A SYN that is seen before and after translation, one of another family, a
 * datagram, and a connection that is told. */
static void
speak(struct table *t)
{
	packet(t, 0, "10.0.0.1", 4000, "10.96.0.1", 80, TCP_SYN);
	packet(t, 1, "10.0.0.1", 4000, "10.0.0.2", 8080, TCP_SYN);
	packet(t, 2, "fd00::9", 4001, "fd00::1", 81, TCP_SYN);
	packet(t, 3, "10.0.0.3", 4002, "10.0.0.2", 82, 0);
	packet(t, 4, "10.0.0.4", 4003, "10.0.0.2", 83, TCP_SYN);
	packet(t, 5, "10.0.0.2", 83, "10.0.0.4", 4003, TCP_SYN | TCP_ACK);
}

static bool
yes(void *arg, const struct connection *c)
{
	(void)arg;
	(void)c;
	return true;
}

static enum flow_restored
restore(struct table *t, const struct row *row)
{
	const struct flow_restore r = { .now_us = START + 9 * SECOND,
		.saved_us = START + 8 * SECOND,
		.points = 5,
		.goes_on = yes };
	struct connection c;

	return flow_table_restore(t->ft, &r,
	    &(struct flow_saved){
		.row = row->id, .content = row->content, .size = row->size },
	    &c);
}

/* Rows come once; told ones when they lasted; what is full is asked again. */
static void
test_rows(void **state)
{
	int64_t next = 1;
	struct table t;

	(void)state;
	table_open(&t);
	speak(&t);
	until(&t, 500);
	clear(&t);
	save(&t, &next);
	assert_int_equal(t.n, 0); /* all are young */
	until(&t, 3000);
	t.is_full = true;
	clear(&t);
	save(&t, &next);
	assert_int_equal(t.n, 0);
	t.is_full = false;
	clear(&t);
	save(&t, &next);
	assert_int_equal(t.n, 4);
	assert_int_equal(next, 5);
	assert_int_equal(t.rows[0].counted + t.rows[1].counted +
		t.rows[2].counted + t.rows[3].counted,
	    3);
	clear(&t);
	save(&t, &next);
	assert_int_equal(t.n + t.n_forgotten, 0);
	/* More of one; the end of another, and of the one that was told. */
	packet(&t, 3100, "fd00::9", 4001, "fd00::1", 81, TCP_SYN);
	packet(&t, 3200, "10.96.0.1", 80, "10.0.0.1", 4000, TCP_RST | TCP_ACK);
	packet(&t, 3300, "10.0.0.4", 4003, "10.0.0.2", 83, TCP_RST);
	until(&t, 5000);
	clear(&t);
	save(&t, &next);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.told_saved, 1);
	assert_int_equal(t.n_forgotten, 1);
	assert_int_equal(next, 5);
	table_close(&t);
	assert_int_equal(t.told, 4);
}

/* What is put back is saved as the same bytes. */
static void
test_back(void **state)
{
	int64_t next = 1;
	struct table t, again;

	(void)state;
	table_open(&t);
	speak(&t);
	until(&t, 3000);
	save(&t, &next);
	save(&t, &next);
	until(&t, 5000);
	table_open(&again);
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(restore(&again, &t.rows[i]), FLOW_RESTORED);
	until(&again, 9000);
	next = 100;
	save(&again, &next);
	assert_int_equal(again.n, 0); /* its rows say all of it */
	flow_table_redate(again.ft, 0);
	save(&again, &next);
	assert_int_equal(next, 100);
	assert_int_equal(again.n, t.n);
	for (size_t i = 0; i < t.n; i++) {
		assert_int_equal(again.rows[i].id, t.rows[i].id);
		if (t.rows[i].counted == 0)
			continue; /* of another time, as it was just told */
		assert_int_equal(again.rows[i].size, t.rows[i].size);
		assert_memory_equal(
		    again.rows[i].content, t.rows[i].content, t.rows[i].size);
	}
	/* Each of them is there already. */
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(
		    restore(&again, &t.rows[i]), FLOW_RESTORED_BAD);
	table_close(&again);
	table_close(&t);
}

/* Of a size that it cannot have, or with any bit changed: refused, or one that
 * can be; never read behind its end. */
static void
test_damaged(void **state)
{
	int64_t next = 1;
	struct table t, again;

	(void)state;
	table_open(&t);
	speak(&t);
	until(&t, 3000);
	save(&t, &next);
	save(&t, &next);
	for (size_t i = 0; i < t.n; i++) {
		struct row *row = &t.rows[i];
		size_t size = row->size;

		for (row->size = 0; row->size < size; row->size++) {
			table_open(&again);
			assert_int_equal(
			    restore(&again, row), FLOW_RESTORED_BAD);
			table_close(&again);
		}
		for (size_t bit = 0; bit < size * 8; bit++) {
			row->content[bit / 8] ^= (uint8_t)(1 << bit % 8);
			table_open(&again);
			(void)restore(&again, row);
			until(&again, 9000);
			packet(&again, 9600, "10.0.0.1", 4000, "10.0.0.2", 8080,
			    TCP_ACK);
			until(&again, 20000);
			save(&again, &next);
			table_close(&again);
			row->content[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	table_close(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("flow_saved", tests, NULL, NULL);
}

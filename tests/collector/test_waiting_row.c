/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, as bytes and back: all of it, and nothing of what is damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/waiting_row.h"
#include "core/flow.h"

static uint64_t
any(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return *random >> 20;
}

static void
invent(struct waiting_group *g, struct certain_owners *owners, uint64_t seed)
{
	static const uint8_t protocols[] = { FLOW_TCP, FLOW_UDP, FLOW_SCTP };
	struct connection *c = &g->c;
	uint64_t r = seed;

	memset(g, 0, sizeof(*g));
	memset(owners, 0, sizeof(*owners));
	c->protocol = protocols[any(&r) % 3];
	c->opening = any(&r) % 2;
	c->n_legs = (uint8_t)(1 + any(&r) % CONNECTION_LEGS_MAX);
	c->accepted = any(&r) % 2;
	c->both_ways = any(&r) % 2;
	c->any_reply = any(&r) % 2;
	c->any_data = any(&r) % 2;
	c->refused = any(&r) % 2;
	c->types_known = any(&r) % 2;
	c->entered = any(&r) % 2;
	c->left = any(&r) % 2;
	c->known = any(&r) % 2;
	c->delivery = (uint8_t)(any(&r) % 3);
	c->packets = any(&r);
	c->bytes = any(&r);
	c->last_us = (int64_t)any(&r);
	g->latest_us = (int64_t)any(&r);
	for (size_t i = 0; i < c->n_legs; i++) {
		struct connection_leg *l = &c->legs[i];

		for (size_t k = 0; k < 16; k++) {
			l->client.ip.b[k] = (uint8_t)any(&r);
			l->server.ip.b[k] = (uint8_t)any(&r);
		}
		l->client.port = (uint16_t)any(&r);
		l->server.port = (uint16_t)any(&r);
		l->first_us = (int64_t)any(&r);
		l->last_out_if = (uint32_t)any(&r);
		l->last_out_point = (uint8_t)any(&r);
		owners->of[i][0] = any(&r) * any(&r);
		owners->of[i][1] = any(&r) * any(&r);
	}
}

static void
test_back(void **state)
{
	uint8_t row[WAITING_ROW_MAX], again[WAITING_ROW_MAX];
	struct certain_owners owners, have;
	struct waiting_group g;

	(void)state;
	for (uint64_t seed = 1; seed < 500; seed++) {
		struct waiting_group back = { 0 };
		size_t n;

		invent(&g, &owners, seed);
		memset(&have, 0, sizeof(have));
		n = waiting_row_write(&g, &owners, row);
		assert_true(waiting_row_read(row, n, &back, &have));
		assert_memory_equal(&back, &g, sizeof(g));
		assert_memory_equal(&have, &owners, sizeof(owners));
		assert_int_equal(waiting_row_write(&back, &have, again), n);
		assert_memory_equal(again, row, n);
	}
}

/* Shorter, longer, or with any byte changed: refused, or something else that
 * can be; never read beyond (each copy ends where it ends). */
static void
test_damaged(void **state)
{
	uint8_t row[WAITING_ROW_MAX + 1] = { 0 };
	struct certain_owners owners;
	struct waiting_group g;
	size_t n;

	(void)state;
	invent(&g, &owners, 7);
	n = waiting_row_write(&g, &owners, row);
	for (size_t size = 0; size <= n + 1; size++) {
		uint8_t *copy = malloc(size + 1);

		assert_non_null(copy);
		memcpy(copy, row, size);
		assert_int_equal(
		    waiting_row_read(copy, size, &g, &owners), size == n);
		free(copy);
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			row[i] ^= (uint8_t)(1 << bit);
			if (waiting_row_read(row, n, &g, &owners)) {
				assert_in_range(
				    g.c.n_legs, 1, CONNECTION_LEGS_MAX);
				assert_non_null(
				    flow_protocol_name(g.c.protocol));
			}
			row[i] ^= (uint8_t)(1 << bit);
		}
}

/* Where each time of a row stands, and those of the database beside it. */
static void
set_time(struct waiting_group *g, unsigned which, int64_t us)
{
	int64_t *const at[] = { &g->c.last_us, &g->latest_us, &g->since_us,
		&g->c.first_us };

	if (which < 4)
		*at[which] = us;
	else
		g->c.legs[which - 4].first_us = us;
}

/* Times that no clock shows, with which differences would overflow. */
static void
test_times(void **state)
{
	static const int64_t wrong[] = { INT64_MIN, INT64_MIN + 1, -1,
		INT64_MAX / 2, INT64_MAX - 1, INT64_MAX };
	const struct certain_owners owners = { 0 };
	uint8_t row[WAITING_ROW_MAX];

	(void)state;
	for (unsigned which = 0; which < 6; which++)
		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			struct waiting_group g = { .c = { .protocol = FLOW_TCP,
						       .n_legs = 2 } };
			struct certain_owners have;
			size_t n;

			set_time(&g, which, wrong[i]);
			n = waiting_row_write(&g, &owners, row);
			assert_false(waiting_row_read(row, n, &g, &have));
			set_time(&g, which, 0);
			n = waiting_row_write(&g, &owners, row);
			assert_true(waiting_row_read(row, n, &g, &have));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("waiting_row", tests, NULL, NULL);
}

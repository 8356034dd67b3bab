/* SPDX-License-Identifier: Apache-2.0 */
/* While nobody tells who has which address: what waits, what is known all the
 * same, and what counts as unknown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/collector/daemon_world.h"

#define NODE_IP "192.168.0.1"
#define PRIVATE "10.9.8.7"

/* The endpoints of flows to that port, as "client>server" by type and pod. */
static void
ends_of(struct world *w, uint16_t port, char *out, size_t size)
{
	struct stored s;

	*out = '\0';
	stored_open(&s, w->db);
	for (size_t i = 0; i < s.flows.n_flows; i++) {
		const struct flow *f = &s.flows.flows[i];
		const struct endpoint *e[] = { &s.flows.endpoints[f->src],
			&s.flows.endpoints[f->dst] };
		size_t n = strlen(out);

		for (size_t k = 0; f->port == port && k < 2; k++) {
			(void)snprintf(out + n, size - n, "%s%s",
			    k == 1          ? ">"
				: *out != 0 ? " "
					    : "",
			    e[k]->type == ENDPOINT_WORKLOAD
				? s.c->pods[e[k]->pod].name
				: endpoint_type_name(e[k]->type));
			n = strlen(out);
		}
	}
	stored_close(&s);
}

static void
assert_ends(struct world *w, uint16_t port, const char *want)
{
	char ends[256];

	ends_of(w, port, ends, sizeof(ends));
	assert_string_equal(ends, want);
}

/* Two minutes without a word, then all is as it was: nothing is lost. */
static void
test_short(void **state)
{
	struct daemon_stats stats;
	struct world w;

	(void)state;
	open_watched(&w);
	w.is_up = false;
	pass(&w, 5 * SECOND, SECOND / 10);
	exchange(&w, CLIENT, SERVER, 80);
	pass(&w, 2 * MINUTE, SECOND / 2);
	assert_ends(&w, 80, "");
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.waiting, 1);
	w.is_up = true;
	pass(&w, 10 * SECOND, SECOND / 10);
	assert_ends(&w, 80, "web>db");
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.unowned, 0);
	world_finish(&w);
	world_close(&w);
}

/* Too long: pods are nobody's then, nor is what pods might have; but we know
 * who we are, and the world outside. */
static void
test_long(void **state)
{
	struct daemon_stats stats;
	struct world w;

	(void)state;
	open_watched(&w);
	exchange(&w, CLIENT, SERVER, 79);
	pass(&w, 10 * SECOND, SECOND / 10);
	w.is_up = false;
	pass(&w, 5 * SECOND, SECOND / 10);
	exchange(&w, CLIENT, SERVER, 80);
	exchange(&w, NODE_IP, SERVER, 81);
	exchange(&w, CLIENT, STRANGER, 82);
	exchange(&w, PRIVATE, NODE_IP, 83);
	exchange(&w, STRANGER, NODE_IP, 84);
	pass(&w, 5 * MINUTE - 5 * SECOND, SECOND / 2);
	assert_ends(&w, 80, "");
	pass(&w, 30 * SECOND, SECOND / 2);
	assert_ends(&w, 79, "web>db");
	assert_ends(&w, 80, "unknown>unknown");
	assert_ends(&w, 81, "node>unknown");
	assert_ends(&w, 82, "unknown>external");
	assert_ends(&w, 83, "unknown>node");
	assert_ends(&w, 84, "external>node");
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.unowned, 4);
	assert_int_equal(stats.unresolved, 4);
	assert_int_equal(stats.waiting, 0);
	pass(&w, 10 * SECOND, SECOND / 2);
	assert_int_equal(look(&w).unowned, 4);
	/* What is alike and comes later is somebody's again. */
	w.is_up = true;
	pass(&w, 10 * SECOND, SECOND / 10);
	exchange(&w, CLIENT, SERVER, 85);
	pass(&w, 15 * SECOND, SECOND / 10);
	assert_ends(&w, 85, "web>db");
	world_finish(&w);
	assert_int_equal(look(&w).unowned, 4);
	world_close(&w);
}

/* It ends before anybody is back. */
static void
test_end(void **state)
{
	struct totals t;
	struct world w;

	(void)state;
	open_watched(&w);
	exchange(&w, CLIENT, SERVER, 79);
	w.known_us = w.now_us - 2 * SECOND; /* a watch is late, not away */
	world_finish(&w);
	assert_ends(&w, 79, "web>db");
	world_start(&w);
	w.is_up = false;
	exchange(&w, CLIENT, SERVER, 80);
	pass(&w, 10 * SECOND, SECOND / 10);
	world_finish(&w);
	assert_ends(&w, 80, "unknown>unknown");
	t = look(&w);
	assert_int_equal(t.unowned, 1);
	world_close(&w);
}

/* A pod that ended at START + 65 s, and its address's next one, from START +
 * 70 s on. */
#define ENDED                                                                  \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"      \
	"\"old\",\"namespace\":\"shop\",\"uid\":\"old\"},\"spec\":{"           \
	"\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Succeeded\",\"podIP\":"  \
	"\"" SERVER "\",\"containerStatuses\":[{\"state\":{\"terminated\":{"   \
	"\"startedAt\":\"2025-12-31T00:00:00Z\",\"finishedAt\":"               \
	"\"2026-01-01T00:01:05Z\"}}}]}}\n"
#define BEGUN                                                                  \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"      \
	"\"new\",\"namespace\":\"shop\",\"uid\":\"new\"},\"spec\":{"           \
	"\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Running\",\"podIP\":"    \
	"\"" SERVER "\",\"containerStatuses\":[{\"state\":{\"running\":{"      \
	"\"startedAt\":\"2026-01-01T00:01:10Z\"}}}]}}\n"

/* n connections, no two of them alike, from the one port on; 2 ms each. */
static void
refuse(struct world *w, uint16_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(first + i);

		segment(w, CLIENT, 40001, SERVER, port, SYN);
		segment(w, SERVER, port, CLIENT, 40001, RST | ACK);
	}
}

static void
wait_until(struct world *w, int64_t us)
{
	pass(w, us - w->now_us, SECOND / 10);
}

/* An address changes hands while nobody tells; the queue has room or not. */
static void
change(struct world *w, bool is_crowded)
{
	open_watched(w);
	cluster_free(w->clusters[0]);
	w->clusters[0] = read_cluster(NODE POD("web", CLIENT, "") ENDED BEGUN);
	w->is_up = false;
	if (is_crowded)
		refuse(w, 1000, 9000);
	wait_until(w, START + 50 * SECOND);
	exchange(w, CLIENT, SERVER, 80);
	exchange(w, CLIENT, SERVER, 81);
	wait_until(w, START + 60 * SECOND);
	exchange(w, CLIENT, SERVER, 81);
	exchange(w, CLIENT, SERVER, 82);
	wait_until(w, START + 75 * SECOND);
	exchange(w, CLIENT, SERVER, 82);
	wait_until(w, START + 95 * SECOND);
	exchange(w, CLIENT, SERVER, 83);
	w->newest = 0;
	w->is_up = true;
	pass(w, 20 * SECOND, SECOND / 10);
	assert_ends(w, 80, "web>old");
	assert_ends(w, 81, "web>old");
	assert_ends(w, 83, "web>new");
}

/* Before, it is the one's, after, the other's. */
static void
test_changed(void **state)
{
	struct world w;

	(void)state;
	change(&w, false);
	assert_ends(&w, 82, "web>new web>old");
	world_finish(&w);
	assert_int_equal(look(&w).unowned, 0);
	world_close(&w);
}

/* Those that wait as one are nobody's if they can no longer be told apart. */
static void
test_changed_crowded(void **state)
{
	struct world w;

	(void)state;
	change(&w, true);
	assert_ends(&w, 82, "unknown>unknown");
	world_finish(&w);
	assert_int_equal(look(&w).unowned, 2);
	world_close(&w);
}

/* Many that are alike wait as few; many that are not go, the oldest first. */
static void
test_room(void **state)
{
	struct daemon_stats stats;
	struct totals t;
	struct world w;

	(void)state;
	open_watched(&w);
	w.is_up = false;
	for (unsigned i = 0; i < 240; i++) {
		for (unsigned k = 0; k < 200; k++) {
			handshake(&w, (uint16_t)(10000 + i * 200 + k));
			hang_up(&w, (uint16_t)(10000 + i * 200 + k));
		}
		pass(&w, SECOND / 5, SECOND / 10);
	}
	pass(&w, 30 * SECOND, SECOND / 2);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.waiting, 48000);
	assert_int_equal(stats.unowned, 0);
	w.is_up = true;
	pass(&w, 10 * SECOND, SECOND / 10);
	assert_ends(&w, 80, "web>db");
	t = look(&w);
	assert_int_equal(t.connections, 48000);
	assert_int_equal(t.packets, 4 * 48000);
	w.is_up = false;
	pass(&w, 10 * SECOND, SECOND / 10);
	refuse(&w, 1000, 20000);
	pass(&w, 30 * SECOND, SECOND / 2);
	daemon_stats(w.d, &stats);
	assert_in_range(stats.waiting, 14000, 16384);
	assert_int_equal(stats.waiting + stats.unowned, 20000);
	w.is_up = true;
	pass(&w, 10 * SECOND, SECOND / 2);
	assert_ends(&w, 1000, "unknown>unknown");
	assert_ends(&w, 20999, "web>db");
	world_finish(&w);
	t = look(&w);
	assert_int_equal(t.connections, 48000 + 20000);
	assert_int_equal(t.unowned, t.unknown);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_changed_crowded),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("gap", tests, NULL, NULL);
}

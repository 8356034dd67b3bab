/* SPDX-License-Identifier: Apache-2.0 */
/* A collector that ends while connections are open, by a kill or in order, and
 * the next one: compared with one that ran all the time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/log.h"
#include "tests/collector/daemon_world.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define YOUNG_US (SECOND * 8 / 5) /* told by the flush after that */
#define LASTS_US (120 * SECOND)
#define KEYS     16
#define UDP_PORT 8125
#define DNS_PORT 53

/* The server listens for UDP, too. */
#define DB(name)                                                               \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"      \
	"\"" name "\",\"namespace\":\"shop\",\"uid\":\"" name                  \
	"\",\"labels\":{\"app\":\"" name "\"}},\"spec\":{\"nodeName\":\"n1\"," \
	"\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":80},"   \
	"{\"containerPort\":8125,\"protocol\":\"UDP\"}]}]},\"status\":{"       \
	"\"phase\":\"Running\",\"podIP\":\"" SERVER "\",\"startTime\":"        \
	"\"2025-12-31T00:00:00Z\"}}\n"

/* A packet of the client's, or of the server's. */
struct event {
	int64_t ms;
	uint16_t client, server; /* ports */
	bool answers;
	uint8_t flags; /* of TCP; 0: UDP */
};

/* One that is served, so that the interfaces are known; then what has its
 * answer late, or never. */
static const struct event story[] = {
	{ 1000, 40000, 80, false, SYN },
	{ 1001, 40000, 80, true, SYNACK },
	{ 1002, 40000, 80, false, FIN | ACK },
	{ 1003, 40000, 80, true, FIN | ACK },
	{ 11000, 40001, 81, false, SYN }, /* never */
	{ 11000, 40002, 82, false, SYN }, /* asked again and again */
	{ 11000, 40003, UDP_PORT, false, 0 },
	{ 11500, 40004, 9999, false, 0 },
	{ 12000, 40002, 82, false, SYN },
	{ 14000, 40002, 82, false, SYN },
	{ 18000, 40002, 82, false, SYN },
	{ 19000, 40004, 9999, true, 0 }, /* after seven seconds */
	{ 26000, 40002, 82, false, SYN },
	{ 26100, 40002, 82, true, SYNACK },
	{ 26200, 40002, 82, false, FIN | ACK },
	{ 26300, 40002, 82, true, FIN | ACK },
	{ 31000, 40005, DNS_PORT, false, 0 },
	{ 36000, 40005, DNS_PORT, false, 0 }, /* never */
	{ 41000, 40006, 83, false, DATA },    /* half of it is seen */
	{ 41001, 40006, 83, true, ACK },
	{ 41500, 40007, 84, false, SYN },
	{ 48000, 40007, 84, true, RST | ACK },
	{ 51000, 40008, UDP_PORT, false, 0 },
	{ 53000, 40008, UDP_PORT, false, 0 },
};

static uint32_t beginning; /* what numbers of sequences are counted from */

static void
one_frame(struct world *w, const struct event *e, bool leaves)
{
	/* DNS: a question, number 7 */
	static const uint8_t question[12] = { 0, 7, 1, 0, 0, 1 };
	const struct frame_segment s = { .flags = e->flags,
		.seq = beginning + (e->flags & SYN ? 1000u : 1001u) +
		    (e->answers ? e->server : e->client),
		.ack = e->flags & ACK
		    ? beginning + 1001u + (e->answers ? e->client : e->server)
		    : 0 };
	uint16_t from = e->answers ? e->server : e->client;
	uint16_t to = e->answers ? e->client : e->server;
	struct frame f;

	if (e->flags != 0) {
		frame_init(&f, "hello", e->flags == DATA ? 5 : 0);
		frame_tcp(&f, from, to, &s);
	} else {
		frame_init(&f, question, sizeof(question));
		frame_udp(&f, from, to);
	}
	frame_ip(
	    &f, e->answers ? SERVER : CLIENT, e->answers ? CLIENT : SERVER);
	frame_sll2(&f, leaves ? 4 : 0, e->answers != leaves ? 4 : 3);
	deliver(w, &f);
}

/* It comes in where the one is, and leaves where the other is. */
static void
happen(struct world *w, const struct event *e)
{
	one_frame(w, e, false);
	one_frame(w, e, true);
}

static void
open_world(struct world *w)
{
	log_set_sink(world_quiet, NULL);
	world_open(w);
	cluster_free(w->clusters[1]);
	w->clusters[1] = read_cluster(NODE POD("web", CLIENT, "") DB("db"));
	world_start(w);
}

static void
kill_it(struct world *w)
{
	daemon_free(w->d);
	w->d = NULL;
}

static void
start_at(struct world *w, int64_t now_us)
{
	w->now_us = now_us;
	w->config.start_us = now_us;
	world_start(w);
}

/* Up to then, with what happens until then. */
static void
live_until(struct world *w, int64_t until_us)
{
	size_t i = 0;

	while (i < NELEM(story) && START + story[i].ms * 1000 <= w->now_us)
		i++;
	while (w->now_us < until_us) {
		w->now_us += SECOND / 10;
		daemon_clock(w->d, w->now_us, w->now_us);
		for (; i < NELEM(story) &&
		     START + story[i].ms * 1000 <= w->now_us;
		     i++)
			happen(w, &story[i]);
		daemon_step(w->d, w->now_us, w->now_us);
	}
}

/* What is stored of each port and outcome. */
struct row {
	uint16_t port;
	uint8_t outcome;
	uint64_t connections, packets;
};

static size_t
rows_of(struct world *w, struct row v[static KEYS], uint64_t *connections)
{
	struct stored s;
	size_t n = 0;

	*connections = 0;
	stored_open(&s, w->db);
	for (size_t i = 0; i < s.flows.n_flows; i++) {
		const struct flow *f = &s.flows.flows[i];

		assert_true(n < KEYS);
		v[n++] = (struct row){ f->port, f->outcome, f->connections,
			f->packets };
		*connections += f->connections;
		assert_int_equal(
		    s.flows.endpoints[f->dst].type, ENDPOINT_WORKLOAD);
	}
	assert_int_equal(s.flows.open, 0);
	stored_close(&s);
	return n;
}

/* How many packets came so late that a kill then may lose them. */
static unsigned
at_stake(int64_t kill_us)
{
	int64_t flush_us = kill_us - (kill_us - START) % (5 * SECOND);
	unsigned n = 0;

	for (size_t i = 0; i < NELEM(story); i++) {
		int64_t at_us = START + story[i].ms * 1000;

		n += at_us > flush_us - YOUNG_US && at_us <= kill_us;
	}
	return n;
}

/* What the story comes to: nine connections. */
static const struct row want[] = {
	{ DNS_PORT, OUTCOME_UNANSWERED, 1, 2 },
	{ 80, OUTCOME_ESTABLISHED, 1, 4 },
	{ 81, OUTCOME_UNANSWERED, 1, 1 },
	{ 82, OUTCOME_ESTABLISHED, 1, 8 },
	{ 83, OUTCOME_MIDSTREAM, 1, 2 },
	{ 84, OUTCOME_REFUSED, 1, 2 },
	{ UDP_PORT, OUTCOME_ONEWAY, 2, 3 },
	{ 9999, OUTCOME_ESTABLISHED, 1, 2 },
};

#define ALL 9

static void
assert_same(struct world *w)
{
	struct row have[KEYS];
	uint64_t all;

	assert_int_equal(rows_of(w, have, &all), NELEM(want));
	for (size_t i = 0; i < NELEM(want); i++) {
		assert_int_equal(have[i].port, want[i].port);
		assert_int_equal(have[i].outcome, want[i].outcome);
		assert_int_equal(have[i].connections, want[i].connections);
		assert_int_equal(have[i].packets, want[i].packets);
	}
}

/* Nobody interrupts it. */
static void
test_story(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	live_until(&w, START + LASTS_US);
	world_finish(&w);
	assert_same(&w);
	world_close(&w);
}

/* A kill at any moment: what came before the last flush is as if there had
 * been none; of the rest, at most each packet is lost. */
static void
test_any_moment(void **state)
{
	struct row have[KEYS];
	unsigned n_exact = 0, n_other = 0;
	uint64_t some;

	(void)state;
	for (int64_t ms = 2100; ms < 65000; ms += 2300) {
		int64_t kill_us = START + ms * 1000;
		unsigned stake = at_stake(kill_us);
		struct world w;

		open_world(&w);
		live_until(&w, kill_us);
		kill_it(&w);
		start_at(&w, w.now_us);
		live_until(&w, START + LASTS_US);
		world_finish(&w);
		if (stake == 0) {
			assert_same(&w);
			n_exact++;
		} else {
			(void)rows_of(&w, have, &some);
			assert_in_range(some, ALL - stake, ALL);
			n_other++;
		}
		world_close(&w);
	}
	assert_true(n_exact > 8 && n_other > 8);
}

/* Killed at each flush that has nothing at stake, in one run. */
static void
test_every_flush(void **state)
{
	unsigned n_kills = 0;
	struct world w;

	(void)state;
	open_world(&w);
	for (int64_t s = 5; s < 120; s += 5) {
		live_until(&w, START + s * SECOND);
		if (at_stake(w.now_us) > 0)
			continue;
		n_kills++;
		kill_it(&w);
		start_at(&w, w.now_us);
	}
	world_finish(&w);
	assert_same(&w);
	assert_true(n_kills > 15);
	world_close(&w);
}

/* What the database says that is open, told or not. */
static size_t
open_rows(struct world *w, uint64_t *untold)
{
	const struct store_waiting *v = NULL;
	struct arena arena;
	struct rf_error err;
	size_t n = 0;

	arena_init(&arena, 0);
	assert_int_equal(store_get_open(w->store, &arena, &v, &n, &err), RF_OK);
	*untold = 0;
	for (size_t i = 0; i < n; i++)
		*untold += v[i].connections;
	arena_release(&arena);
	return n;
}

/* Each is in one place, whenever one looks. */
static void
test_one_place(void **state)
{
	uint64_t untold;
	struct world w;

	(void)state;
	open_world(&w);
	for (int64_t ms = 0; ms < 110000; ms += 5000) {
		struct stored s;
		uint64_t told = 0, began = 0;

		live_until(&w, START + ms * 1000);
		(void)open_rows(&w, &untold);
		stored_open(&s, w.db);
		for (size_t i = 0; i < s.flows.n_flows; i++)
			told += s.flows.flows[i].connections;
		assert_int_equal(s.flows.open, untold);
		stored_close(&s);
		for (size_t i = 0; i < NELEM(story); i++)
			began += story[i].ms * 1000 <= ms * 1000 - YOUNG_US &&
			    (i == 0 || story[i].client != 40000) &&
			    (story[i].client != 40002 || i == 5) &&
			    !story[i].answers && story[i].ms != 36000 &&
			    story[i].ms != 53000;
		assert_int_equal(told + untold, began);
	}
	assert_int_equal(untold, 0);
	world_finish(&w);
	assert_int_equal(open_rows(&w, &untold), 1); /* of which half is seen */
	assert_int_equal(untold, 0);
	world_close(&w);
}

/* One that stays open over an end after so long, of that kind. */
struct staying {
	int64_t open_us, away_us;
	bool is_killed, is_udp, is_syn, is_booted;
	const char *after; /* the cluster of the next one; NULL: the same */
	uint64_t connections;
	const char *what;
};

#define OTHER NODE POD("web", CLIENT, "") DB("other")

static struct staying stays[] = {
	{ 10 * SECOND, SECOND, false, false, false, false, NULL, 1,
	    "in order" },
	{ SECOND, SECOND, false, false, false, false, NULL, 1, "young" },
	{ 90 * SECOND, SECOND, true, false, false, false, NULL, 1,
	    "killed late" },
	{ 10 * SECOND, SECOND, true, false, false, false, NULL, 2,
	    "killed early" },
	{ 50 * MINUTE, SECOND, true, false, false, false, NULL, 1,
	    "silent for most of an hour" },
	{ 90 * MINUTE, SECOND, true, false, false, false, NULL, 2,
	    "silent for more than an hour" },
	{ 90 * SECOND, 4 * MINUTE, false, false, false, false, NULL, 1,
	    "four minutes" },
	{ 90 * SECOND, 6 * MINUTE, false, false, false, false, NULL, 2,
	    "six minutes" },
	{ 90 * SECOND, SECOND, false, false, true, false, NULL, 2, "a SYN" },
	{ 90 * SECOND, SECOND, false, false, false, true, NULL, 2, "booted" },
	{ 90 * SECOND, SECOND, false, false, false, false, OTHER, 2,
	    "another pod" },
	{ 90 * SECOND, SECOND, true, false, false, false, OTHER, 2,
	    "killed, another pod" },
	{ 10 * SECOND, SECOND, false, true, false, false, NULL, 1, "UDP" },
	{ 10 * SECOND, 40 * SECOND, false, true, false, false, NULL, 2,
	    "UDP, silent" },
	{ 90 * SECOND, SECOND, true, true, false, false, NULL, 1,
	    "UDP, killed" },
};

static void
speak(struct world *w, const struct staying *s, int64_t us)
{
	const struct event both[] = {
		{ 0, 41000, 80, false, s->is_udp ? 0 : DATA },
		{ 0, 41000, 80, true, s->is_udp ? 0 : DATA },
	};

	for (int64_t t = 0; t < us; t += 20 * SECOND) {
		/* A census of TCP; a stream of UDP. */
		if (us < 30 * MINUTE || t < 60 * SECOND) {
			happen(w, &both[0]);
			happen(w, &both[1]);
		}
		pass(w, us - t < 20 * SECOND ? us - t : 20 * SECOND,
		    us > 30 * MINUTE ? SECOND : SECOND / 10);
	}
}

static void
test_staying(void **state)
{
	const struct staying *s = *state;
	const struct event first[] = { { 0, 41000, 80, false, SYN },
		{ 0, 41000, 80, true, SYNACK } };
	struct world w;

	open_world(&w);
	if (!s->is_udp) {
		happen(&w, &first[0]);
		happen(&w, &first[1]);
	}
	speak(&w, s, s->open_us);
	if (s->is_killed)
		kill_it(&w);
	else
		world_finish(&w);
	if (s->after != NULL) {
		cluster_free(w.clusters[0]);
		w.clusters[0] = read_cluster(s->after);
		w.newest = 0;
	}
	if (s->is_booted)
		w.config.booted_us = w.now_us + SECOND / 2;
	start_at(&w, w.now_us + s->away_us);
	if (s->is_syn) { /* another beginning */
		beginning = 5000;
		happen(&w, &first[0]);
		happen(&w, &first[1]);
	}
	speak(&w, s, 25 * SECOND);
	beginning = 0;
	world_finish(&w);
	if (look(&w).connections != s->connections)
		fail_msg("%s: %llu connections", s->what,
		    (unsigned long long)look(&w).connections);
	world_close(&w);
}

/* It is told as what it is when its time is over, while nobody was there. */
static void
test_over(void **state)
{
	struct row have[KEYS] = { 0 };
	uint64_t all, untold;
	struct world w;

	(void)state;
	open_world(&w);
	live_until(&w, START + 15 * SECOND);
	kill_it(&w);
	assert_int_equal(open_rows(&w, &untold), 4);
	start_at(&w, START + 1000 * SECOND);
	live_until(&w, START + 1010 * SECOND);
	assert_int_equal(open_rows(&w, &untold), 0);
	assert_int_equal(rows_of(&w, have, &all), 5);
	assert_int_equal(all, 5);
	assert_int_equal(have[1].port, 81);
	assert_int_equal(have[1].outcome, OUTCOME_UNANSWERED);
	assert_int_equal(have[2].outcome, OUTCOME_UNANSWERED);
	assert_int_equal(have[3].port, UDP_PORT);
	assert_int_equal(have[3].outcome, OUTCOME_ONEWAY);
	world_finish(&w);
	world_close(&w);
}

/* Whose the address was, and is not any more, is not known. */
static void
test_owners(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	live_until(&w, START + 15 * SECOND);
	kill_it(&w);
	cluster_free(w.clusters[0]);
	w.clusters[0] = read_cluster(OTHER);
	w.newest = 0;
	start_at(&w, w.now_us + SECOND);
	world_finish(&w);
	assert_int_equal(look(&w).connections, 5);
	assert_int_equal(look(&w).unknown, 4);
	world_close(&w);
}

/* Rows that cannot be of us are lost, once, and nothing else is. */
static void
test_damaged(void **state)
{
	static const uint8_t junk[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 6, 200 };
	const struct store_waiting rows[] = {
		{ .id = 50, .connections = 7, .content = junk, .size = 0 },
		{ .id = 60,
		    .connections = 8,
		    .content = junk,
		    .size = sizeof(junk) },
	};
	struct daemon_stats stats;
	struct rf_error err;
	struct world w;
	uint64_t untold;

	(void)state;
	open_world(&w);
	live_until(&w, START + 15 * SECOND);
	kill_it(&w);
	assert_int_equal(store_put_open(w.store,
			     &(struct store_rows){ .v = rows, .n = 2 }, &err),
	    RF_OK);
	start_at(&w, w.now_us);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.lost_connections, 15);
	assert_int_equal(open_rows(&w, &untold), 4);
	world_finish(&w);
	assert_int_equal(look(&w).connections, 5);
	world_close(&w);
}

/* Bytes that no attempt has, and the last number of all: the rest is stored. */
static void
test_hostile(void **state)
{
	const struct store_waiting *v;
	struct store_waiting rows[2];
	struct daemon_stats stats;
	uint8_t content[1024];
	struct arena arena;
	struct world w;
	size_t n;

	(void)state;
	open_world(&w);
	live_until(&w, START + 15 * SECOND);
	kill_it(&w);
	arena_init(&arena, 0);
	assert_int_equal(store_get_open(w.store, &arena, &v, &n, NULL), RF_OK);
	assert_true(n == 4 && v[0].size <= sizeof(content));
	memcpy(rows, v, sizeof(rows));
	rows[0].content = memcpy(content, v[0].content, v[0].size);
	content[2 + 16 + 55] = 0x80;
	rows[1].id = INT64_MAX - 1;
	assert_int_equal(
	    store_put_open(
		w.store, &(struct store_rows){ rows, 2, &v[1].id, 1 }, NULL),
	    RF_OK);
	arena_release(&arena);
	start_at(&w, w.now_us);
	happen(&w, &(struct event){ 0, 45000, 85, false, SYN });
	pass(&w, 100 * SECOND, SECOND);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.lost_connections, 2);
	assert_int_equal(stats.flush_failures, 0);
	world_finish(&w);
	assert_int_equal(look(&w).connections, 4);
	world_close(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_any_moment),
		cmocka_unit_test(test_every_flush),
		cmocka_unit_test(test_one_place),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hostile),
	};
	struct CMUnitTest staying[NELEM(stays)];
	int rc = cmocka_run_group_tests_name("restart", tests, NULL, NULL);

	for (size_t i = 0; i < NELEM(stays); i++)
		staying[i] = (struct CMUnitTest){ stays[i].what, test_staying,
			NULL, NULL, &stays[i] };
	return cmocka_run_group_tests_name("staying", staying, NULL, NULL) + rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datagram that nobody answers, and a collector that is killed: whether it
 * was delivered is told by what was known of its last interface, of which the
 * next collector has learnt nothing yet.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/passage.h"
#include "core/log.h"
#include "tests/collector/daemon_world.h"

#define NEIGHBOUR "10.244.0.7"
#define UDP_PORT  8125

/* The server listens for UDP, too. */
#define DB                                                                     \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"      \
	"\"db\",\"namespace\":\"shop\",\"uid\":\"db\"},\"spec\":{"             \
	"\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\",\"ports\":[{"     \
	"\"containerPort\":80},{\"containerPort\":8125,\"protocol\":\"UDP\"}"  \
	"]}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"" SERVER           \
	"\",\"startTime\":\"2025-12-31T00:00:00Z\"}}\n"

/* It came in from the client on the third interface and left on the fourth, or
 * the other way. flags 0: UDP. */
static void
cross(struct world *w, const char *server, bool answers, uint8_t flags)
{
	const struct frame_segment s = { .flags = flags,
		.seq = answers ? 5000 : 1000,
		.ack = answers ? 1001 : 5001 };
	uint16_t port = flags != 0 ? 80 : UDP_PORT;

	for (unsigned leaves = 0; leaves < 2; leaves++) {
		struct capture_frame cf = { .ts_us = w->now_us };
		struct frame f;

		frame_init(&f, "metric", flags != 0 ? 0 : 6);
		if (flags != 0)
			frame_tcp(&f, answers ? port : 40000,
			    answers ? 40000 : port, &s);
		else
			frame_udp(&f, 41000, port);
		frame_ip(
		    &f, answers ? server : CLIENT, answers ? CLIENT : server);
		frame_sll2(&f, leaves ? 4 : 0, answers != leaves ? 4 : 3);
		cf.data = frame_bytes(&f);
		cf.captured = cf.wire_len = (uint32_t)frame_len(&f);
		daemon_frame(w->d, 0, DECODE_LINK_SLL2, &cf);
	}
	w->now_us += 1000;
}

static void
serve(struct world *w, const char *server)
{
	cross(w, server, false, SYN);
	cross(w, server, true, SYNACK);
	cross(w, server, false, FIN | ACK);
	cross(w, server, true, FIN | ACK);
}

static void
start_at(struct world *w, int64_t now_us)
{
	w->now_us = now_us;
	w->config.start_us = now_us;
	world_start(w);
}

static void
open_both(struct world *w)
{
	log_set_sink(world_quiet, NULL);
	open_watched(w);
	daemon_free(w->d);
	cluster_free(w->clusters[0]);
	w->clusters[0] = read_cluster(
	    NODE POD("web", CLIENT, "") DB POD("near", NEIGHBOUR, ""));
	w->newest = 0;
	start_at(w, w->now_us + SECOND);
}

/* The outcome of the one flow of UDP. */
static unsigned
udp_outcome(struct world *w)
{
	unsigned outcome = OUTCOME_COUNT;
	struct stored s;

	stored_open(&s, w->db);
	for (size_t i = 0; i < s.flows.n_flows; i++) {
		if (s.flows.flows[i].protocol != FLOW_UDP)
			continue;
		assert_int_equal(outcome, OUTCOME_COUNT);
		assert_int_equal(s.flows.flows[i].connections, 1);
		outcome = s.flows.flows[i].outcome;
	}
	stored_close(&s);
	return outcome;
}

/* is_shared: the interface leads to two pods. is_open: killed while it is open,
 * and else while it waits for the API server. */
static void
ask(bool is_shared, bool is_open, enum flow_outcome want)
{
	struct daemon_stats stats;
	struct world w;

	open_both(&w);
	serve(&w, SERVER);
	if (is_shared)
		serve(&w, NEIGHBOUR);
	pass(&w, 20 * SECOND, SECOND / 10);
	w.is_up = is_open;
	pass(&w, 5 * SECOND, SECOND / 10);
	cross(&w, SERVER, false, 0);
	pass(&w, (is_open ? 8 : 100) * SECOND, SECOND / 10);
	daemon_stats(w.d, &stats);
	assert_int_equal(stats.waiting, is_open ? 0 : 1);
	daemon_free(w.d); /* nothing more is stored: as after SIGKILL */
	w.is_up = true;
	start_at(&w, w.now_us + SECOND);
	pass(&w, 2 * MINUTE, SECOND / 10);
	world_finish(&w);
	assert_int_equal(udp_outcome(&w), want);
	world_close(&w);
}

static void
test_alone(void **state)
{
	(void)state;
	ask(false, true, OUTCOME_ONEWAY);
	ask(false, false, OUTCOME_ONEWAY);
}

static void
test_shared(void **state)
{
	(void)state;
	ask(true, true, OUTCOME_UNANSWERED);
	ask(true, false, OUTCOME_UNANSWERED);
}

/* Weeks of pods that come and go, on interfaces of which no number comes
 * again, do not fill it; and what leads to several never leads to one. */
static void
test_many_interfaces(void **state)
{
	const struct endpoint server = {
		.type = ENDPOINT_WORKLOAD, .pod = FLOW_NONE, .node = 3
	};
	struct connection c = { .n_legs = 1, .types_known = true };
	struct connection_leg *l = &c.legs[0];
	struct passage *p = passage_new();

	(void)state;
	assert_non_null(p);
	for (uint32_t i = 1; i <= 20000; i++) {
		l->last_out_if = i % 16 == 0 ? 7 : i + 100;
		l->server.ip.b[14] = (uint8_t)(i >> 8);
		l->server.ip.b[15] = (uint8_t)i;
		passage_learn(p, l, NULL, &server);
		assert_int_equal(passage_delivered(p, &c, l, NULL, &server),
		    l->last_out_if != 7 || i == 16);
	}
	passage_free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_many_interfaces),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}

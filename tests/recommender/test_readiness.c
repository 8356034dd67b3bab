/* SPDX-License-Identifier: Apache-2.0 */
/* When a workload is ready, and which words say why it is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

#define HOUR_US  ((int64_t)3600 * 1000000)
#define DAY_US   (24 * HOUR_US)
#define START_US (20000 * DAY_US)

/* What is changed from the good case; zero: nothing. */
struct case_of {
	const char *name;
	const char *reason; /* a part of one of web's; NULL: web is ready */
	int64_t watched_us; /* at once from the start */
	int64_t gap_us;     /* days of so many hours watched each */
	int64_t first_us;   /* of the edge, after the start */
	uint64_t connections, once, dropped;
	uint64_t guessed, unknown; /* connections beside */
	const char *node;          /* of the captures; NULL: web's own, n1 */
	const char *node_2;        /* of every other one */
	bool spread;               /* web has a pod on n2, too */
	bool is_empty;             /* the last one: without a packet */
};

/* clang-format off */
static struct case_of cases[] = {
	{ .name = "a week, many connections: ready" },
	{ .name = "ten minutes", .watched_us = HOUR_US / 6,
	  .reason = "watched for 10 minutes, a week is wanted" },
	{ .name = "one hour of the week", .watched_us = HOUR_US / 6,
	  .reason = "1 of the week's 168 hours was watched" },
	{ .name = "one day", .watched_us = DAY_US,
	  .reason = "watched for 24 hours, a week is wanted" },
	{ .name = "only by day", .gap_us = 12 * HOUR_US,
	  .reason = "of the week's 168 hours were watched" },
	{ .name = "capture loss", .dropped = 2000,
	  .reason = "0.2 % of the packets were lost in capture" },
	{ .name = "little loss", .dropped = 500 },
	{ .name = "few connections", .connections = 29,
	  .reason = "only 29 connections" },
	{ .name = "a new edge at the end", .first_us = 8 * DAY_US - HOUR_US,
	  .reason = "a new edge came up 60 minutes before the end" },
	{ .name = "an edge seen once in 500", .connections = 499, .once = 1,
	  .reason = "estimated chance of 0.2 %" },
	{ .name = "an edge seen once in 2000", .connections = 1999,
	  .once = 1 },
	{ .name = "guessed directions", .guessed = 200,
	  .reason = "of its connections is guessed" },
	{ .name = "unknown ends", .unknown = 200,
	  .reason = "have an end that is not known" },
	{ .name = "hardly any unknown ends", .unknown = 5 },
	{ .name = "its node not captured", .node = "n2",
	  .reason = "node n1, on which pods of it ran, was not captured" },
	{ .name = "a node not captured", .spread = true,
	  .reason = "node n2, on which pods of it ran, was not captured" },
	{ .name = "none of its nodes captured", .spread = true, .node = "cp",
	  .reason = "of the 2 nodes on which pods of it ran 2 were not" },
	{ .name = "its node captured every other day", .node_2 = "n2",
	  .reason = "captured for 50 % of the time" },
	{ .name = "both nodes captured", .spread = true, .node_2 = "n2",
	  .reason = "captured for 50 % of the time" },
	{ .name = "a capture of an unnamed node", .node = "" },
	{ .name = "a capture of a node that is not known", .node = "laptop" },
	{ .name = "one capture at a time of unnamed nodes", .node = "",
	  .spread = true,
	  .reason = "ran on 2 nodes, and if each capture is of one, at most "
		    "1 was captured at a time" },
	{ .name = "named by day, unnamed by night", .node_2 = "" },
	{ .name = "a file without a packet", .is_empty = true },
	{ .name = "a file without a packet is of no hour",
	  .watched_us = HOUR_US / 6, .is_empty = true,
	  .reason = "1 of the week's 168 hours was watched" },
};
/* clang-format on */

static struct flow *
add_flow(struct world *w, uint32_t src, uint32_t dst, uint16_t port,
    uint64_t connections)
{
	struct flow *f = world_flow(w, src, dst, FLOW_TCP, port);

	f->connections = connections;
	f->first_us = START_US;
	f->last_us = START_US + DAY_US;
	return f;
}

static size_t
make_coverage(const struct case_of *c, struct coverage v[8])
{
	int64_t each = c->gap_us == 0 ? DAY_US : c->gap_us;
	size_t n = c->watched_us == 0 ? 8 : 1;

	memset(v, 0, 8 * sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		v[i].node = c->node == NULL ? "n1" : c->node;
		if (c->node_2 != NULL && i % 2 == 1)
			v[i].node = c->node_2;
		v[i].source = "file";
		v[i].from_us = START_US + (int64_t)i * DAY_US;
		v[i].to_us =
		    v[i].from_us + (c->watched_us == 0 ? each : c->watched_us);
		v[i].packets = 1000000 / n;
	}
	v[0].dropped = c->dropped;
	if (c->gap_us != 0) /* a week's time in all, but half of its hours */
		v[n - 1].to_us = v[n - 1].from_us + c->gap_us;
	if (c->is_empty && n == 1)
		v[n++] = v[0];
	if (c->is_empty) {
		v[n - 1].from_us = v[n - 1].to_us = 0;
		v[n - 1].packets = 0;
	}
	return n;
}

static void
make_flows(struct world *w, const struct case_of *c)
{
	struct world_base b = world_base(w);
	uint32_t web, db;
	struct flow *f;

	(void)world_node(w, "cp", "192.168.0.3", NULL);
	if (c->spread)
		(void)world_pod(w, w->c->pods[b.web].workload, "web-2",
		    "app=web", "10.0.2.11", b.n2);
	world_finish(w);
	web = world_at_pod(w, b.web);
	db = world_at_pod(w, b.db);
	f = add_flow(
	    w, web, db, 5432, c->connections == 0 ? 1000 : c->connections);
	if (c->first_us != 0)
		f->first_us = START_US + c->first_us;
	if (c->once != 0)
		(void)add_flow(w, web, db, 5433, c->once);
	if (c->guessed != 0)
		add_flow(w, web, db, 5434, c->guessed)->certainty =
		    CERTAINTY_GUESSED;
	if (c->unknown != 0)
		(void)add_flow(w, web,
		    world_at(w, ENDPOINT_UNKNOWN, "10.0.9.9"), 80, c->unknown);
}

static const struct recommend_readiness *
find(const struct recommendation *r, const char *title)
{
	for (size_t i = 0; i < r->n_workloads; i++)
		if (strcmp(r->workloads[i].namespace, "shop") == 0 &&
		    strcmp(r->workloads[i].title, title) == 0)
			return &r->workloads[i].readiness;
	fail_msg("no workload %s", title);
	return NULL;
}

static void
test_case(void **state)
{
	const struct case_of *c = *state;
	struct recommend_options options = { 0 };
	const struct recommend_readiness *web;
	struct coverage coverage[8];
	struct recommendation out;
	struct flow_set fs;
	struct arena arena;
	struct rf_error err;
	struct world w;
	bool found = false;

	arena_init(&arena, 0);
	world_init(&w);
	make_flows(&w, c);
	fs = world_flows(&w);
	fs.coverage = coverage;
	fs.n_coverage = make_coverage(c, coverage);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	web = find(&out, "Deployment web");
	for (size_t i = 0; i < web->n_reasons; i++)
		found |= c->reason != NULL &&
		    strstr(web->reasons[i], c->reason) != NULL;
	if (c->reason != NULL && !found)
		fail_msg("not '%s' but '%s'", c->reason,
		    web->n_reasons == 0 ? "" : web->reasons[0]);
	if (c->reason == NULL && web->n_reasons > 0)
		fail_msg("'%s'", web->reasons[0]);
	assert_int_equal(web->is_ready, c->reason == NULL);
	world_release(&w);
	arena_release(&arena);
}

/* The text of the remark on that namespace, NULL: on all; or NULL. */
static const char *
remark(const struct recommendation *r, const char *reason, const char *ns)
{
	for (size_t i = 0; i < r->n_notes; i++) {
		const struct recommend_note *n = &r->notes[i];

		if (strcmp(n->reason, reason) == 0 &&
		    (ns == NULL ||
			(n->namespace != NULL &&
			    strcmp(n->namespace, ns) == 0)))
			return n->text;
	}
	return NULL;
}

/* A workload of which nothing was seen is never ready, and told. */
static void
test_never_seen(void **state)
{
	struct case_of good = { 0 };
	struct recommend_options options = { 0 };
	const struct recommend_readiness *job;
	struct coverage coverage[8];
	struct recommendation out;
	struct flow_set fs;
	struct arena arena;
	struct rf_error err;
	struct world w;

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	(void)world_workload(
	    &w, "shop", "CronJob", "report", NULL, "app=report");
	make_flows(&w, &good);
	fs = world_flows(&w);
	fs.coverage = coverage;
	fs.n_coverage = make_coverage(&good, coverage);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	job = find(&out, "CronJob report");
	assert_false(job->is_ready);
	assert_string_equal(job->reasons[0],
	    "no connection of this CronJob was seen; it has no pods");
	assert_string_equal(remark(&out, "quiet", "shop"),
	    "no traffic was seen of CronJob report in shop: its policy denies "
	    "everything but DNS");
	world_release(&w);
	arena_release(&arena);
}

/* What the captures lack is told of all, too. */
static void
check_told(const struct case_of *c, const char *want)
{
	struct recommend_options options = { 0 };
	struct coverage coverage[8];
	struct recommendation out;
	struct flow_set fs;
	struct arena arena;
	struct rf_error err;
	const char *text;
	struct world w;

	arena_init(&arena, 0);
	world_init(&w);
	make_flows(&w, c);
	fs = world_flows(&w);
	fs.coverage = coverage;
	fs.n_coverage = make_coverage(c, coverage);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	text = remark(&out, "not-captured", NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, want));
	world_release(&w);
	arena_release(&arena);
}

static void
test_told(void **state)
{
	(void)state;
	check_told(&(struct case_of){ .node = "n2" },
	    "1 of the 2 nodes on which pods of these namespaces ran was not "
	    "captured (n1): ");
	/* Captures that name what is no node may have been meant to. */
	check_told(&(struct case_of){ .node = "laptop", .spread = true },
	    "(collect --node tells, with the node's name in the cluster)");
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_never_seen),
		cmocka_unit_test(test_told),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_case, cases, name),
	};

	return case_tables_run(
	    "readiness", own, NELEM(own), tables, NELEM(tables));
}

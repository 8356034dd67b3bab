/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_world: a database in memory in which every table has rows, what damage
 * may have made of it, and all that is read of it. Aborts where what was read
 * is nothing that could have been written. Inline, for not all that link
 * tests/support know SQLite.
 */
#ifndef TESTS_SUPPORT_STORE_WORLD_H
#define TESTS_SUPPORT_STORE_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "store/internal.h"
#include "tests/support/cluster_check.h"
#include "tests/support/world.h"

#define STORE_WORLD_US ((int64_t)1773129600 * 1000000) /* its flows began */

static inline void
store_world_must(bool holds)
{
	if (!holds)
		abort();
}

static inline void
store_world_objects(struct world *w)
{
	uint32_t node, web, service;

	world_init(w);
	node = world_node(w, "node-1", "192.168.0.1", "10.42.1.0/24");
	web = world_app(w, "shop", "web", "10.42.1.9", node);
	(void)world_app(w, "shop", "client", "10.42.1.6", node);
	service = world_service(w, "shop", "web", "10.43.0.10", "app=web");
	world_service_port(w, service, "http", FLOW_TCP, 80, 8080);
	world_backend(w, service, "10.42.1.9", 8080, web);
	world_finish(w);
	w->c->has_policies = true;
}

/* Between pods by a Service, from outside, to a node and to nobody known; in
 * three windows, of which the last is not in the totals. */
static inline void
store_world_flows(struct world *w)
{
	uint32_t web = world_at_pod(w, 0), client = world_at_pod(w, 1);
	uint32_t node = world_at_node(w, 0, "192.168.0.1");
	uint32_t out = world_at(w, ENDPOINT_EXTERNAL, "203.0.113.9");
	uint32_t unknown = world_at(w, ENDPOINT_UNKNOWN, "10.42.1.77");
	const uint32_t ends[][2] = { { client, web }, { out, web },
		{ web, node }, { client, unknown } };

	for (size_t i = 0; i < 12; i++) {
		struct flow *f = world_flow(
		    w, ends[i % 4][0], ends[i % 4][1], FLOW_TCP, 8080);

		f->window_us = STORE_WORLD_US + (int64_t)(i / 4) * 3600000000;
		f->first_us = f->window_us + 5;
		f->last_us = f->window_us + 9;
		if (i % 4 == 3) /* told late, so no later window ends later */
			f->last_us = STORE_WORLD_US + 10800000000;
		if (i % 4 == 0) {
			f->service = 0;
			f->service_port = 80;
		}
	}
	world_name(w, "203.0.113.9", "api.example.com");
}

static inline void
store_world_notes(struct store *s)
{
	static const char content[] = "\1\6 nobody can read this";
	const struct store_waiting row = { 3, 2, STORE_WORLD_US,
		STORE_WORLD_US + 9, content, sizeof(content) };
	const struct store_rows rows = { .v = &row, .n = 1 };
	const struct coverage cov = { .node = "node-1",
		.source = "eth0",
		.from_us = STORE_WORLD_US,
		.to_us = STORE_WORLD_US + 7200000000,
		.packets = 100,
		.known_us = STORE_WORLD_US };

	store_world_must(store_put_coverage(s, &cov, NULL) == RF_OK);
	store_world_must(store_put_waiting(s, &rows, NULL) == RF_OK);
	store_world_must(store_put_open(s, &rows, NULL) == RF_OK);
	store_world_must(store_put_source(s, 7, 100, "a.pcap", STORE_WORLD_US,
			     NULL) == RF_OK);
	store_world_must(store_put_written(s, STORE_WORLD_US, NULL) == RF_OK);
}

/* Twice, so that windows are done. */
static inline enum rf_status
store_world_put(struct store *s, const struct world *w)
{
	enum rf_status st = store_put_cluster(s, w->c, NULL);

	for (size_t i = 0; st == RF_OK && i < w->n_flows; i += 4)
		st = store_put_flows(
		    s, w->endpoints, w->n_endpoints, w->flows + i, 4, NULL);
	return st;
}

static inline struct store *
store_world_new(struct world *w)
{
	static const struct kube_policy_text policy = { "shop", "p", "{}" };
	struct store *s = NULL;

	store_world_objects(w);
	store_world_flows(w);
	w->c->policies = arena_alloc(&w->c->arena, sizeof(policy));
	store_world_must(w->c->policies != NULL);
	memcpy(w->c->policies, &policy, sizeof(policy));
	w->c->n_policies = 1;
	store_world_must(
	    store_open(&s, ":memory:", STORE_WRITE, NULL) == RF_OK);
	store_world_must(store_world_put(s, w) == RF_OK);
	store_world_must(
	    store_put_names(s, w->names, w->n_names, NULL) == RF_OK);
	store_world_notes(s);
	return s;
}

static inline void
store_world_check_flow(
    const struct cluster *c, const struct flow_set *fs, const struct flow *f)
{
	store_world_must(f->src < fs->n_endpoints);
	store_world_must(f->dst < fs->n_endpoints);
	store_world_must(f->seen_src < fs->n_endpoints);
	store_world_must(f->service == FLOW_NONE || f->service < c->n_services);
	store_world_must(flow_protocol_name(f->protocol) != NULL);
	store_world_must(flow_outcome_name(f->outcome) != NULL);
	store_world_must(flow_certainty_name(f->certainty) != NULL);
	store_world_must((f->sides & ~(SIDE_SRC | SIDE_DST)) == 0);
}

static inline void
store_world_check_end(const struct cluster *c, const struct endpoint *e)
{
	store_world_must(endpoint_type_name(e->type) != NULL);
	store_world_must(e->pod == FLOW_NONE || e->pod < c->n_pods);
	store_world_must(e->node == FLOW_NONE || e->node < c->n_nodes);
	store_world_must(e->workload < c->n_workloads ||
	    (e->workload == FLOW_NONE && e->type != ENDPOINT_WORKLOAD));
}

static inline void
store_world_check_coverage(const struct coverage *cov)
{
	store_world_must(cov->packets <= INT64_MAX);
	store_world_must(cov->dropped <= INT64_MAX);
	store_world_must(cov->unowned <= INT64_MAX);
}

static inline enum rf_status
store_world_read_flows(struct store *s, const struct cluster *c,
    const struct store_filter *filter, struct rf_error *err)
{
	struct flow_set fs;
	struct arena arena;
	enum rf_status st;

	arena_init(&arena, 0);
	st = store_get_flows(s, c, filter, &arena, &fs, err);
	for (size_t i = 0; i < fs.n_flows; i++)
		store_world_check_flow(c, &fs, &fs.flows[i]);
	for (size_t i = 0; i < fs.n_endpoints; i++)
		store_world_check_end(c, &fs.endpoints[i]);
	for (size_t i = 0; i < fs.n_coverage; i++)
		store_world_check_coverage(&fs.coverage[i]);
	arena_release(&arena);
	return st;
}

static inline enum rf_status
store_world_read_rows(struct store *s, struct rf_error *err)
{
	const struct store_waiting *v;
	struct arena arena;
	enum rf_status st;
	size_t n;

	arena_init(&arena, 0);
	st = store_get_waiting(s, &arena, &v, &n, err);
	if (st == RF_OK)
		st = store_get_open(s, &arena, &v, &n, err);
	arena_release(&arena);
	return st;
}

/* All that is there to be read. */
static inline enum rf_status
store_world_read(struct store *s, struct rf_error *err)
{
	static const char *const shop[] = { "shop" };
	static const int64_t window_us = STORE_WORLD_US + 3600000000;
	static const struct store_filter of_shop = { .namespaces = shop,
		.n_namespaces = 1,
		.since_us = STORE_WORLD_US + 6 };
	static const struct store_filter of_window = { .window_us = &window_us,
		.no_notes = true };
	struct cluster *c = NULL;
	enum rf_status st = store_get_cluster(s, &c, err);

	if (st == RF_OK) {
		cluster_check(c);
		st = store_world_read_flows(s, c, NULL, err);
	}
	/* As flows -n --since and merge do. */
	if (st == RF_OK)
		st = store_world_read_flows(s, c, &of_shop, err);
	if (st == RF_OK)
		st = store_world_read_flows(s, c, &of_window, err);
	cluster_free(c);
	return st != RF_OK ? st : store_world_read_rows(s, err);
}

/* What forbids values is off, as where a disk damages them. */
static inline void
store_world_spoil(struct store *s)
{
	store_world_must(db_exec(s->db, "PRAGMA ignore_check_constraints=ON",
			     NULL) == RF_OK);
	store_world_must(
	    db_exec(s->db, "PRAGMA foreign_keys=OFF", NULL) == RF_OK);
}

#endif

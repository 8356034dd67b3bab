/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_database: a database as weeks of collecting leave it.
 *
 * usage: gen_database DB FLOWS WINDOWS WORKLOADS [POLICIES]
 * The flows of a world of bench/world, each in each of WINDOWS hourly
 * windows, written window by window through the store. POLICIES is a file
 * for one policy a workload, which allow but one peer in twenty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/world/world.h"
#include "policy/write.h"
#include "store/store.h"

#define HOUR        INT64_C(3600000000)
#define FIRST       (INT64_C(490000) * HOUR) /* in November 2025 */
#define MISS_ONE_IN 20

static enum rf_status
put_window(struct world *w, struct store *s, size_t i, struct rf_error *err)
{
	int64_t start = FIRST + (int64_t)i * HOUR;
	enum rf_status st;

	for (size_t k = 0; k < w->n_flows; k++) {
		struct flow *f = &w->flows[k];

		f->window_us = start;
		f->first_us = start + world_below(w, 1800) * INT64_C(1000000);
		f->last_us =
		    f->first_us + world_below(w, 1800) * INT64_C(1000000);
		f->connections = 1 + world_below(w, 100);
		f->packets = f->connections * 10;
		f->bytes = f->connections * 4000;
		f->sides = SIDE_SRC | SIDE_DST;
	}
	if ((st = store_begin(s, err)) != RF_OK)
		return st;
	st = store_put_cluster(s, w->c, err);
	if (st == RF_OK)
		st = store_put_flows(
		    s, w->endpoints, w->n_endpoints, w->flows, w->n_flows, err);
	if (st == RF_OK)
		st = store_commit(s, err);
	if (st != RF_OK)
		store_rollback(s);
	return st;
}

static enum rf_status
put_coverage(struct store *s, size_t n_windows, struct rf_error *err)
{
	struct coverage cov = { .node = "node0",
		.source = "any",
		.from_us = FIRST,
		.to_us = FIRST + (int64_t)n_windows * HOUR,
		.packets = 1000000 };

	return store_put_coverage(s, &cov, err);
}

static enum rf_status
write_policies(struct world *w, const char *path, struct rf_error *err)
{
	struct policy_set set =
	    world_policies(w, w->c->n_workloads, MISS_ONE_IN);
	enum rf_status st = RF_OK;
	struct strbuf text;
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return rf_fail(err, RF_IO, "%s: cannot be opened", path);
	strbuf_init(&text, (size_t)1 << 32);
	for (size_t i = 0; st == RF_OK && i < set.n_policies; i++)
		st = policy_write(&text, &set.policies[i], err);
	if (st == RF_OK &&
	    fwrite(strbuf_str(&text), 1, text.len, f) != text.len)
		st = rf_fail(err, RF_IO, "%s: cannot be written", path);
	if (fclose(f) != 0 && st == RF_OK)
		st = rf_fail(err, RF_IO, "%s: cannot be written", path);
	strbuf_release(&text);
	return st;
}

static enum rf_status
generate(struct world *w, const char *path, size_t n_windows,
    const char *policies, struct rf_error *err)
{
	struct store *s = NULL;
	enum rf_status st = RF_OK;

	if (policies != NULL)
		st = write_policies(w, policies, err);
	if (st == RF_OK)
		st = store_open(&s, path, STORE_WRITE, err);
	for (size_t i = 0; st == RF_OK && i < n_windows; i++)
		st = put_window(w, s, i, err);
	if (st == RF_OK)
		st = put_coverage(s, n_windows, err);
	store_close(s);
	return st;
}

int
main(int argc, char **argv)
{
	struct rf_error err = { 0 };
	enum rf_status st;
	struct world w;

	if (argc < 5 || argc > 6 || access(argv[1], F_OK) == 0 ||
	    !world_make(
		&w, strtoul(argv[4], NULL, 10), strtoul(argv[2], NULL, 10))) {
		fputs("usage: gen_database NEW-DB FLOWS WINDOWS WORKLOADS "
		      "[POLICIES]\n",
		    stderr);
		return 2;
	}
	st = generate(&w, argv[1], strtoul(argv[3], NULL, 10),
	    argc > 5 ? argv[5] : NULL, &err);
	if (st != RF_OK)
		fprintf(stderr, "gen_database: %s\n", err.msg);
	world_free(&w);
	return st == RF_OK ? 0 : 3;
}

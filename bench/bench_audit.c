/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_audit: how long it takes to judge every edge against every policy.
 *
 * usage: bench_audit [POLICIES EDGES [WORKLOADS]]
 * On a world of bench/world: policies allow what was seen, but for one peer
 * in twenty, so that a tenth of the edges is denied and wants its nearest
 * miss. Without sizes it shows the curve. Compiling is part of the time;
 * adding flows up to edges is timed apart. No I/O.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/world/world.h"
#include "report/audit.h"

#define MISS_ONE_IN 20

/* Edges are judged against the first n policies of the set. */
static enum rf_status
judge(const struct world *w, const struct flow_set *fs,
    const struct policy_set *set, struct rf_error *err)
{
	double start = world_cpu(), rolled, end;
	enum rf_status st;
	struct edge_set edges;
	struct arena arena;
	struct audit a;
	struct view v;

	arena_init(&arena, 0);
	st = edge_roll_up(&edges, fs, &arena, err);
	if (st == RF_OK)
		st = view_make(&v, &edges, fs, w->c, &arena, err);
	rolled = world_cpu();
	if (st == RF_OK)
		st = audit_run(&a, &v, w->c, set, &arena, err);
	end = world_cpu();
	if (st == RF_OK)
		printf("%8zu %8zu %9zu %8.2f %8.3f %9.2f %7ld\n",
		    set->n_policies, a.n_edges, a.counts[AUDIT_WOULD_DROP],
		    rolled - start, end - rolled,
		    (end - rolled) * 1e6 /
			(double)(set->n_policies + a.n_edges),
		    world_peak());
	arena_release(&arena);
	return st;
}

static enum rf_status
run(struct world *w, size_t n_policies, size_t n_edges, struct rf_error *err)
{
	struct policy_set set = world_policies(w, n_policies, MISS_ONE_IN);
	struct flow_set fs = { .flows = w->flows,
		.n_flows = n_edges,
		.endpoints = w->endpoints,
		.n_endpoints = w->n_endpoints };

	return judge(w, &fs, &set, err);
}

static int
one(size_t n_policies, size_t n_edges, size_t n_workloads)
{
	struct rf_error err = { 0 };
	enum rf_status st;
	struct world w;

	if (n_policies > n_workloads || !world_make(&w, n_workloads, n_edges)) {
		fputs("usage: bench_audit [POLICIES EDGES [WORKLOADS]], "
		      "a policy for each workload at most\n",
		    stderr);
		return 2;
	}
	st = run(&w, n_policies, n_edges, &err);
	if (st != RF_OK)
		fprintf(stderr, "bench_audit: %s\n", err.msg);
	world_free(&w);
	return st == RF_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static const size_t policies[] = { 100, 1000, 10000 };
	static const size_t edges[] = { 10000, 100000, 1000000 };
	int rc = 0;

	if (argc == 2 || argc > 4)
		return one(1, 0, 1);
	puts(
	    "policies    edges    denied  add up s  audit s us/(p+e) peak MiB");
	if (argc > 2)
		return one(strtoul(argv[1], NULL, 10),
		    strtoul(argv[2], NULL, 10),
		    argc > 3 ? strtoul(argv[3], NULL, 10) : 10000);
	for (size_t e = 0; e < 3; e++)
		for (size_t p = 0; p < 3 && rc == 0; p++)
			rc = one(policies[p], edges[e], 10000);
	return rc;
}

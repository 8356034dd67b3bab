/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_recommend: how long a recommendation takes, proof included.
 *
 * usage: bench_recommend [EDGES [WORKLOADS]]
 * On a world of bench/world. No I/O; peak memory of the whole process is
 * printed beside the time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/world/world.h"
#include "recommender/recommend.h"

static int
run(const struct world *w)
{
	const struct recommend_options options = { .max_external = 16 };
	struct flow_set fs = { .flows = w->flows,
		.n_flows = w->n_flows,
		.endpoints = w->endpoints,
		.n_endpoints = w->n_endpoints };
	struct recommendation r;
	struct arena arena;
	struct rf_error err;
	double start = world_cpu();
	int rc = 1;

	arena_init(&arena, 0);
	if (recommend(&r, w->c, &fs, &options, &arena, &err) != RF_OK) {
		fprintf(stderr, "bench_recommend: %s\n", err.msg);
		goto out;
	}
	printf("%zu edges, %zu workloads: %.2f s, %ld MB, %zu rules, "
	       "%zu pairs beyond\n",
	    r.edges.n_edges, w->c->n_workloads, world_cpu() - start,
	    world_peak(), r.proof.rules, r.proof.n_beyond);
	rc = 0;
out:
	arena_release(&arena);
	return rc;
}

int
main(int argc, char **argv)
{
	size_t n_edges = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	size_t n_workloads = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
	struct world w;
	int rc;

	if (!world_make(&w, n_workloads, n_edges)) {
		fputs("usage: bench_recommend [EDGES [WORKLOADS]]\n", stderr);
		return 2;
	}
	rc = run(&w);
	world_free(&w);
	return rc;
}

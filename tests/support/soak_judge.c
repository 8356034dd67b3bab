/* SPDX-License-Identifier: Apache-2.0 */
/* What the database says, beside what was done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/soak_internal.h"

static int
compare(const void *va, const void *vb)
{
	const struct soak_truth *a = va, *b = vb;

	if (a->window_us != b->window_us)
		return a->window_us < b->window_us ? -1 : 1;
	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	return (a->dst > b->dst) - (a->dst < b->dst);
}

/* The number of a workload, or of the world outside; UINT_MAX: unknown. */
static unsigned
number_of(const struct soak_world *w, const struct cluster *c,
    const struct endpoint *e)
{
	const char *name;

	if (e->type == ENDPOINT_EXTERNAL)
		return w->config.workloads;
	if (e->type != ENDPOINT_WORKLOAD)
		return UINT32_MAX;
	name = c->workloads[e->workload].name;
	soak_require(*name == 'w', "a workload that was never there");
	return (unsigned)strtoul(name + 1, NULL, 10);
}

struct reader {
	const struct soak_world *w;
	struct store *store;
	struct cluster *c;
	struct soak_truth *found;
	size_t n, max;
};

/* The connections of one window, or of all in one sum, once each. */
static uint64_t
read_window(
    struct reader *r, const int64_t *window_us, struct soak_verdict *out)
{
	const struct store_filter one = { .window_us = window_us,
		.no_notes = true };
	uint64_t n = 0;
	struct flow_set set;
	struct rf_error err;
	struct arena arena;

	arena_init(&arena, 0);
	soak_require(
	    store_get_flows(r->store, r->c, &one, &arena, &set, &err) == RF_OK,
	    "read flows");
	for (size_t i = 0; i < set.n_flows; i++) {
		const struct flow *f = &set.flows[i];
		unsigned src = number_of(r->w, r->c, &set.endpoints[f->src]);
		unsigned dst = number_of(r->w, r->c, &set.endpoints[f->dst]);
		bool is_known = src != UINT32_MAX && dst != UINT32_MAX;

		n += f->connections;
		if (window_us == NULL)
			continue;
		out->unknown += is_known ? 0 : f->connections;
		for (uint64_t k = 0; is_known && k < f->connections; k++) {
			soak_require(r->n < r->max, "far too many connections");
			r->found[r->n++] =
			    (struct soak_truth){ *window_us, src, dst };
		}
	}
	arena_release(&arena);
	return n;
}

/* All windows that ever were; what is in none of them is found in the sum. */
static void
read_all(struct reader *r, struct soak_verdict *out)
{
	const struct soak_world *w = r->w;
	uint64_t n = 0, in_window;

	r->max = w->n_truth * 2 + 1;
	r->found = calloc(r->max, sizeof(*r->found));
	soak_require(r->found != NULL, "memory");
	for (size_t i = 0; i < w->n_truth; i++) {
		const int64_t *at_us = &w->truth[i].window_us;

		if (i > 0 && *at_us == w->truth[i - 1].window_us)
			continue;
		in_window = read_window(r, at_us, out);
		n += in_window;
		if (in_window > 0 && *at_us < out->oldest_us)
			out->oldest_us = *at_us;
	}
	out->sum_differs = read_window(r, NULL, out) != n;
	out->found = r->n;
	qsort(r->found, r->n, sizeof(*r->found), compare);
}

/* What was found and never was. */
static void
compare_all(const struct reader *r, struct soak_verdict *out)
{
	const struct soak_world *w = r->w;
	size_t at = 0, i = 0;

	while (at < w->n_truth && w->truth[at].window_us < out->oldest_us)
		at++;
	out->expected = w->n_truth - at;
	while (i < r->n) {
		int c =
		    at < w->n_truth ? compare(&r->found[i], &w->truth[at]) : -1;

		out->differ += c < 0;
		i += c <= 0;
		at += c >= 0;
	}
}

static void
read_coverage(struct reader *r, struct soak_verdict *out)
{
	const int64_t none_us = 0;
	const struct store_filter notes = { .window_us = &none_us };
	struct flow_set set;
	struct rf_error err;
	struct arena arena;

	arena_init(&arena, 0);
	soak_require(store_get_flows(
			 r->store, r->c, &notes, &arena, &set, &err) == RF_OK,
	    "read coverage");
	for (size_t i = 0; i < set.n_coverage; i++)
		out->covered_us +=
		    set.coverage[i].to_us - set.coverage[i].from_us;
	arena_release(&arena);
}

void
soak_judge(struct soak_world *w, struct soak_verdict *out)
{
	struct reader r = { .w = w };
	struct daemon_stats stats;
	struct rf_error err;

	daemon_stats(w->d, &stats);
	*out = (struct soak_verdict){ .made = w->n_truth,
		.told = stats.connections,
		.oldest_us = INT64_MAX,
		.now_us = w->true_us + w->off_us,
		.lived_us = w->true_us - SOAK_START };
	qsort(w->truth, w->n_truth, sizeof(*w->truth), compare);
	soak_require(store_open(&r.store, w->path, STORE_READ, &err) == RF_OK &&
		store_get_cluster(r.store, &r.c, &err) == RF_OK,
	    "read the database");
	read_all(&r, out);
	compare_all(&r, out);
	read_coverage(&r, out);
	free(r.found);
	cluster_free(r.c);
	store_close(r.store);
}

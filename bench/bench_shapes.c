/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_shapes: clusters that are not spread evenly, each at a size, twice and
 * four times that, so that what grows faster than its input shows.
 *
 * usage: bench_shapes [SHAPE]
 * Times are CPU seconds of a recommendation, of auditing the same flows against
 * it, and of recommending anew with it as existing policies. For blocks and
 * values the policies are made here and only audited. No I/O.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/world/world.h"
#include "recommender/recommend.h"
#include "report/audit.h"

#define SOME_PODS 200 /* workloads of a shape that is not about workloads */

struct shape {
	const char *name, *what;
	size_t size; /* the least of three */
	enum rf_status (*run)(size_t n, struct rf_error *err);
};

static struct flow_set
flows_of(const struct world *w)
{
	return (struct flow_set){ .flows = w->flows,
		.n_flows = w->n_flows,
		.endpoints = w->endpoints,
		.n_endpoints = w->n_endpoints };
}

static enum rf_status
audit(const struct world *w, const struct policy_set *set, size_t *dropped,
    struct rf_error *err)
{
	struct flow_set fs = flows_of(w);
	struct edge_set edges;
	struct arena arena;
	enum rf_status st;
	struct audit a;
	struct view v;

	arena_init(&arena, 0);
	st = edge_roll_up(&edges, &fs, &arena, err);
	if (st == RF_OK)
		st = view_make(&v, &edges, &fs, w->c, &arena, err);
	if (st == RF_OK)
		st = audit_run(&a, &v, w->c, set, &arena, err);
	if (st == RF_OK)
		*dropped = a.counts[AUDIT_WOULD_DROP];
	arena_release(&arena);
	return st;
}

/* Recommend, audit that, and recommend with it as what exists. */
static enum rf_status
all_of(const struct world *w, struct rf_error *err)
{
	struct recommend_options options = { .max_external = 16 };
	struct flow_set fs = flows_of(w);
	struct recommendation r, again;
	double t[4] = { world_cpu() };
	struct arena arena;
	enum rf_status st;
	size_t dropped = 0;

	arena_init(&arena, 0);
	st = recommend(&r, w->c, &fs, &options, &arena, err);
	t[1] = world_cpu();
	if (st == RF_OK)
		st = audit(w, &r.set, &dropped, err);
	t[2] = world_cpu();
	options.existing = &r.set;
	options.incremental = true;
	if (st == RF_OK)
		st = recommend(&again, w->c, &fs, &options, &arena, err);
	t[3] = world_cpu();
	if (st == RF_OK)
		printf("%9zu %8.2f %8.2f %8.2f %7ld\n", w->n_flows, t[1] - t[0],
		    t[2] - t[1], t[3] - t[2], world_peak());
	arena_release(&arena);
	return st;
}

static struct world
make(size_t n_workloads, size_t n_flows)
{
	struct world w;

	if (!world_make(&w, n_workloads, n_flows)) {
		fputs("bench_shapes: a world that cannot be\n", stderr);
		exit(1);
	}
	return w;
}

static void
set_flow(struct world *w, size_t i, uint32_t src, uint32_t dst, uint16_t port)
{
	w->flows[i].src = w->flows[i].seen_src = src;
	w->flows[i].dst = dst;
	w->flows[i].port = port;
}

/* One workload that n others call. */
static enum rf_status
run_star(size_t n, struct rf_error *err)
{
	struct world w = make(n + 1, n);
	enum rf_status st;

	for (uint32_t i = 0; i < n; i++)
		set_flow(&w, i, (i + 1) * WORLD_PODS, 0, 80);
	st = all_of(&w, err);
	world_free(&w);
	return st;
}

/* n workloads of one namespace, of which each calls each. */
static enum rf_status
run_mesh(size_t n, struct rf_error *err)
{
	struct world w = make(n, n * n);
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		w.c->workloads[i].namespace = w.c->namespaces[1].name;
		for (size_t k = 0; k < WORLD_PODS; k++) {
			struct kube_pod *p = &w.c->pods[i * WORLD_PODS + k];

			p->namespace = w.c->namespaces[1].name;
			p->ns = 1;
		}
	}
	for (size_t i = 0; i < n * n; i++)
		set_flow(&w, i, (uint32_t)(i / n * WORLD_PODS),
		    (uint32_t)(i % n * WORLD_PODS), 80);
	st = all_of(&w, err);
	world_free(&w);
	return st;
}

/* One workload that calls n addresses outside, no two of them near. */
static enum rf_status
run_outside(size_t n, struct rf_error *err)
{
	struct world w = make(SOME_PODS, n);
	struct endpoint *v = world_get(&w, w.n_endpoints + n, sizeof(*v));
	enum rf_status st;

	memcpy(v, w.endpoints, w.n_endpoints * sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		uint32_t x = (uint32_t)i * 2654435761u;
		uint8_t ip[] = { (uint8_t)(20 + (x >> 24) % 60),
			(uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x };

		v[w.n_endpoints + i] = (struct endpoint){
			.type = ENDPOINT_EXTERNAL,
			.ip = ip_from_v4(ip),
			.workload = FLOW_NONE,
			.pod = FLOW_NONE,
			.node = FLOW_NONE,
		};
		set_flow(&w, i, 0, (uint32_t)(w.n_endpoints + i), 443);
	}
	w.endpoints = v;
	w.n_endpoints += n;
	st = all_of(&w, err);
	world_free(&w);
	return st;
}

/* A policy in n1 with one rule of these peers. */
static struct policy_set
one_policy(struct world *w, const struct policy_peer *peers, size_t n)
{
	struct policy *p = world_get(w, 1, sizeof(*p));
	struct policy_rule *rule = world_get(w, 1, sizeof(*rule));

	*rule = (struct policy_rule){ .peers = peers, .n_peers = n };
	*p = (struct policy){ .namespace = w->c->namespaces[1].name,
		.name = "p",
		.types = { true },
		.rules = { rule },
		.n_rules = { 1 } };
	return (struct policy_set){ p, 1 };
}

static enum rf_status
audit_one(struct world *w, const struct policy_peer *peers, size_t n,
    struct rf_error *err)
{
	struct policy_set set = one_policy(w, peers, n);
	double start = world_cpu();
	size_t dropped;
	enum rf_status st;

	for (size_t i = 0; i < w->n_flows; i++) /* all to pods of n1 */
		w->flows[i].dst = 1 * WORLD_PODS;
	st = audit(w, &set, &dropped, err);
	if (st == RF_OK)
		printf("%9zu %8s %8.2f %8s %7ld  %zu denied\n", w->n_flows, "",
		    world_cpu() - start, "", world_peak(), dropped);
	return st;
}

/* n flows, and as many blocks, each with an exception. */
static enum rf_status
run_blocks(size_t n, struct rf_error *err)
{
	struct world w = make(SOME_PODS, n);
	struct policy_peer *peers = world_get(&w, n, sizeof(*peers));
	struct policy_ip_block *v = world_get(&w, n, sizeof(*v));
	struct ip_prefix *except = world_get(&w, n, sizeof(*except));
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		uint8_t b[] = { (uint8_t)(10 + (i >> 16)), (uint8_t)(i >> 8),
			(uint8_t)i, 0 };
		struct ip_addr ip = ip_from_v4(b);

		except[i] = ip_prefix_of(&ip, 96 + 30);
		v[i] = (struct policy_ip_block){ ip_prefix_of(&ip, 96 + 24),
			&except[i], 1 };
		peers[i].ip_block = &v[i];
	}
	st = audit_one(&w, peers, n, err);
	world_free(&w);
	return st;
}

/* n flows, and a selector that wants one of n values. */
static enum rf_status
run_values(size_t n, struct rf_error *err)
{
	struct world w = make(n, n);
	const char **values = world_get(&w, n, sizeof(*values));
	struct selector_requirement in = { .key = "app",
		.op = SELECTOR_IN,
		.values = values,
		.n_values = n / 2 };
	struct label_selector pods = { .match_expressions = &in,
		.n_match_expressions = 1 };
	struct label_selector all = { 0 };
	struct policy_peer peer = { .pod_selector = &pods,
		.namespace_selector = &all };
	enum rf_status st;

	for (size_t i = 0; i < n; i++)
		values[i] = w.c->workloads[i].labels.v[0].value;
	if (!selector_sort_values(&in, &w.c->arena))
		return rf_fail(err, RF_NOMEM, "values: out of memory");
	st = audit_one(&w, &peer, 1, err);
	world_free(&w);
	return st;
}

static const struct shape shapes[] = {
	{ "star", "one workload with so many peers", 12500, run_star },
	{ "mesh", "each of a namespace calls each", 250, run_mesh },
	{ "outside", "one workload, so many addresses", 10000, run_outside },
	{ "blocks", "one rule of so many blocks", 10000, run_blocks },
	{ "values", "one selector of half as many values", 1000, run_values },
};

int
main(int argc, char **argv)
{
	struct rf_error err = { 0 };
	int rc = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];

		if (argc > 1 && strcmp(argv[1], s->name) != 0)
			continue;
		printf("%s: %s\n     size    flows recomm s  audit s existing"
		       " peak MiB\n",
		    s->name, s->what);
		for (size_t n = s->size; n <= 4 * s->size; n *= 2) {
			printf("%9zu ", n);
			(void)fflush(stdout);
			if (s->run(n, &err) == RF_OK)
				continue;
			fprintf(stderr, "bench_shapes: %s\n", err.msg);
			rc = 1;
		}
	}
	return rc;
}

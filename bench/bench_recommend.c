/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_recommend: how long a recommendation takes, proof included.
 *
 * usage: bench_recommend [EDGES [WORKLOADS]]
 * Workloads of two pods each in 50 namespaces, DNS, random edges between
 * them on one of five ports of the destination, one in twenty from outside.
 * No I/O; peak memory of the whole process is printed beside the times.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "recommender/recommend.h"

#define N_NS      50
#define N_NODES   20
#define N_OUTSIDE 500
#define PODS      2 /* of each workload */

struct bench {
	struct cluster *c;
	struct endpoint *endpoints;
	struct flow *flows;
	uint64_t seed;
};

static const uint16_t ports[] = { 80, 443, 5432, 8080, 9090 };

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t
below(struct bench *b, size_t n)
{
	b->seed ^= b->seed >> 12;
	b->seed ^= b->seed << 25;
	b->seed ^= b->seed >> 27;
	return (uint32_t)(((b->seed * 2685821657736338717u) >> 33) % n);
}

static void *
get(struct bench *b, size_t n, size_t size)
{
	void *p = arena_calloc(&b->c->arena, n, size);

	if (p == NULL) {
		fputs("bench_recommend: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static const char *
name(struct bench *b, const char *stem, size_t i)
{
	char *s = get(b, 1, 24);

	(void)snprintf(s, 24, "%s%zu", stem, i);
	return s;
}

static struct label_set
label(struct bench *b, const char *key, const char *value)
{
	struct label *v = get(b, 1, sizeof(*v));

	*v = (struct label){ key, value };
	return (struct label_set){ v, 1 };
}

static void
make_places(struct bench *b)
{
	struct cluster *c = b->c;

	c->namespaces = get(b, N_NS, sizeof(*c->namespaces));
	c->n_namespaces = N_NS;
	for (size_t i = 0; i < N_NS; i++) {
		const char *ns = i == 0 ? "kube-system" : name(b, "n", i);

		c->namespaces[i].name = ns;
		c->namespaces[i].labels =
		    label(b, "kubernetes.io/metadata.name", ns);
	}
	c->nodes = get(b, N_NODES, sizeof(*c->nodes));
	c->n_nodes = N_NODES;
	for (uint8_t i = 0; i < N_NODES; i++) {
		struct ip_addr *ip = get(b, 1, sizeof(*ip));

		*ip = ip_from_v4((const uint8_t[]){ 192, 168, 0, i });
		c->nodes[i] = (struct kube_node){
			.name = name(b, "node", i),
			.provider = "",
			.addrs = ip,
			.n_addrs = 1,
		};
	}
}

static void
make_pod(struct bench *b, uint32_t i, uint32_t w)
{
	struct kube_workload *wl = &b->c->workloads[w];
	struct ip_addr *ip = get(b, 1, sizeof(*ip));

	*ip = ip_from_v4((const uint8_t[]){
	    10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i });
	wl->n_pods++;
	b->c->pods[i] = (struct kube_pod){ .namespace = wl->namespace,
		.name = name(b, "p", i),
		.uid = "",
		.ns = w % N_NS,
		.workload = w,
		.node = i % N_NODES,
		.labels = wl->labels,
		.phase = POD_RUNNING,
		.ips = ip,
		.n_ips = 1,
		.from_us = INT64_MIN,
		.to_us = INT64_MAX };
	b->endpoints[i] = (struct endpoint){ .type = ENDPOINT_WORKLOAD,
		.ip = *ip,
		.workload = w,
		.pod = i,
		.node = i % N_NODES };
}

static void
make_workloads(struct bench *b, size_t n)
{
	struct cluster *c = b->c;

	c->workloads = get(b, n, sizeof(*c->workloads));
	c->n_workloads = n;
	c->pods = get(b, n * PODS, sizeof(*c->pods));
	c->n_pods = n * PODS;
	for (uint32_t i = 0; i < n; i++) {
		const char *s = name(b, "app", i);

		c->workloads[i] = (struct kube_workload){ .kind = "Deployment",
			.namespace = c->namespaces[i % N_NS].name,
			.name = s,
			.api_version = "apps/v1",
			.has_object = true,
			.has_selector = true,
			.selector.match_labels = label(b, "app", s),
			.labels = label(b, "app", s),
			.replicas = PODS };
		for (uint32_t k = 0; k < PODS; k++)
			make_pod(b, i * PODS + k, i);
	}
	for (uint32_t i = 0; i < N_OUTSIDE; i++)
		b->endpoints[n * PODS + i] =
		    (struct endpoint){ .type = ENDPOINT_EXTERNAL,
			    .ip = ip_from_v4((const uint8_t[]){
				203, (uint8_t)(i >> 8), (uint8_t)i, 7 }),
			    .workload = FLOW_NONE,
			    .pod = FLOW_NONE,
			    .node = FLOW_NONE };
}

static void
make_flows(struct bench *b, size_t n)
{
	size_t n_pods = b->c->n_pods;

	for (size_t i = 0; i < n; i++) {
		uint32_t src = below(b, n_pods), dst = below(b, n_pods);

		if (below(b, 20) == 0)
			src = (uint32_t)n_pods + below(b, N_OUTSIDE);
		b->flows[i] = (struct flow){ .src = src,
			.dst = dst,
			.seen_src = src,
			.service = FLOW_NONE,
			.port = ports[below(b, 5)],
			.protocol = FLOW_TCP,
			.connections = 1 + below(b, 100),
			.first_us = (int64_t)i,
			.last_us = (int64_t)i + 1000000 };
	}
}

static int
run(struct bench *b, size_t n_edges, size_t n_workloads)
{
	const struct recommend_options options = { .max_external = 16 };
	struct flow_set fs = { .flows = b->flows,
		.n_flows = n_edges,
		.endpoints = b->endpoints,
		.n_endpoints = n_workloads * PODS + N_OUTSIDE };
	struct recommendation r;
	struct rusage usage;
	struct arena arena;
	struct rf_error err;
	double start = now();
	int rc = 1;

	arena_init(&arena, 0);
	if (recommend(&r, b->c, &fs, &options, &arena, &err) != RF_OK) {
		fprintf(stderr, "bench_recommend: %s\n", err.msg);
		goto out;
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("%zu edges, %zu workloads: %.2f s, %ld MB, %zu rules, "
	       "%zu pairs beyond\n",
	    r.edges.n_edges, n_workloads, now() - start, usage.ru_maxrss / 1024,
	    r.proof.rules, r.proof.n_beyond);
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
	struct bench b = { .seed = 88172645463325252u };
	int rc = 1;

	if (n_edges == 0 || n_workloads == 0 || n_workloads > 1000000 ||
	    (b.c = cluster_new()) == NULL)
		return 2;
	b.endpoints =
	    get(&b, n_workloads * PODS + N_OUTSIDE, sizeof(*b.endpoints));
	b.flows = get(&b, n_edges, sizeof(*b.flows));
	make_places(&b);
	make_workloads(&b, n_workloads);
	make_flows(&b, n_edges);
	if (cluster_finish(b.c, NULL) == RF_OK)
		rc = run(&b, n_edges, n_workloads);
	cluster_free(b.c);
	return rc;
}

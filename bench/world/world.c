/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define N_NS    50
#define N_NODES 20

static const uint16_t ports[WORLD_PORTS] = { 80, 443, 5432, 8080, 9090 };

uint32_t
world_below(struct world *world, size_t n)
{
	world->seed ^= world->seed >> 12;
	world->seed ^= world->seed << 25;
	world->seed ^= world->seed >> 27;
	return (uint32_t)(((world->seed * 2685821657736338717u) >> 33) % n);
}

void *
world_get(struct world *world, size_t n, size_t size)
{
	void *p = arena_calloc(&world->c->arena, n, size);

	if (p == NULL) {
		fputs("bench: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static const char *
name(struct world *world, const char *stem, size_t i)
{
	char *s = world_get(world, 1, 24);

	(void)snprintf(s, 24, "%s%zu", stem, i);
	return s;
}

static struct label_set
label(struct world *world, const char *key, const char *value)
{
	struct label *v = world_get(world, 1, sizeof(*v));

	*v = (struct label){ key, value };
	return (struct label_set){ v, 1 };
}

static void
make_places(struct world *world)
{
	struct cluster *c = world->c;

	c->namespaces = world_get(world, N_NS, sizeof(*c->namespaces));
	c->n_namespaces = N_NS;
	for (size_t i = 0; i < N_NS; i++) {
		const char *ns = i == 0 ? "kube-system" : name(world, "n", i);

		c->namespaces[i].name = ns;
		c->namespaces[i].labels =
		    label(world, "kubernetes.io/metadata.name", ns);
	}
	c->nodes = world_get(world, N_NODES, sizeof(*c->nodes));
	c->n_nodes = N_NODES;
	for (uint8_t i = 0; i < N_NODES; i++) {
		struct ip_addr *ip = world_get(world, 1, sizeof(*ip));

		*ip = ip_from_v4((const uint8_t[]){ 192, 168, 0, i });
		c->nodes[i] = (struct kube_node){
			.name = name(world, "node", i),
			.provider = "",
			.addrs = ip,
			.n_addrs = 1,
		};
	}
}

static void
make_pod(struct world *world, uint32_t i, uint32_t w)
{
	struct kube_workload *wl = &world->c->workloads[w];
	struct ip_addr *ip = world_get(world, 1, sizeof(*ip));

	*ip = ip_from_v4((const uint8_t[]){
	    10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i });
	wl->n_pods++;
	world->c->pods[i] = (struct kube_pod){ .namespace = wl->namespace,
		.name = name(world, "p", i),
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
	world->endpoints[i] = (struct endpoint){ .type = ENDPOINT_WORKLOAD,
		.ip = *ip,
		.workload = w,
		.pod = i,
		.node = i % N_NODES };
}

static void
make_workloads(struct world *world, size_t n)
{
	struct cluster *c = world->c;

	c->workloads = world_get(world, n, sizeof(*c->workloads));
	c->n_workloads = n;
	c->pods = world_get(world, n * WORLD_PODS, sizeof(*c->pods));
	c->n_pods = n * WORLD_PODS;
	for (uint32_t i = 0; i < n; i++) {
		const char *s = name(world, "app", i);

		c->workloads[i] = (struct kube_workload){ .kind = "Deployment",
			.namespace = c->namespaces[i % N_NS].name,
			.name = s,
			.api_version = "apps/v1",
			.has_object = true,
			.has_selector = true,
			.selector.match_labels = label(world, "app", s),
			.labels = label(world, "app", s),
			.replicas = WORLD_PODS };
		for (uint32_t k = 0; k < WORLD_PODS; k++)
			make_pod(world, i * WORLD_PODS + k, i);
	}
	for (uint32_t i = 0; i < WORLD_OUTSIDE; i++)
		world->endpoints[n * WORLD_PODS + i] =
		    (struct endpoint){ .type = ENDPOINT_EXTERNAL,
			    .ip = ip_from_v4((const uint8_t[]){
				203, (uint8_t)(i >> 8), (uint8_t)i, 7 }),
			    .workload = FLOW_NONE,
			    .pod = FLOW_NONE,
			    .node = FLOW_NONE };
}

/* As the store hands them out: in the order of the key. */
static int
compare_flows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->src != y->src)
		return x->src < y->src ? -1 : 1;
	return (x->dst > y->dst) - (x->dst < y->dst);
}

static void
make_flows(struct world *world, size_t n)
{
	size_t n_pods = world->c->n_pods;

	for (size_t i = 0; i < n; i++) {
		uint32_t src = world_below(world, n_pods),
			 dst = world_below(world, n_pods);

		if (world_below(world, 20) == 0)
			src = (uint32_t)n_pods +
			    world_below(world, WORLD_OUTSIDE);
		world->flows[i] = (struct flow){ .src = src,
			.dst = dst,
			.seen_src = src,
			.service = FLOW_NONE,
			.port = ports[world_below(world, WORLD_PORTS)],
			.protocol = FLOW_TCP,
			.connections = 1 + world_below(world, 100),
			.first_us = (int64_t)i,
			.last_us = (int64_t)i + 1000000 };
	}
	qsort(world->flows, n, sizeof(*world->flows), compare_flows);
}

bool
world_make(struct world *world, size_t n_workloads, size_t n_flows)
{
	*world = (struct world){ .seed = 88172645463325252u };
	if (n_flows == 0 || n_workloads == 0 || n_workloads > WORLD_WORKLOADS ||
	    (world->c = cluster_new()) == NULL)
		return false;
	world->n_endpoints = n_workloads * WORLD_PODS + WORLD_OUTSIDE;
	world->endpoints =
	    world_get(world, world->n_endpoints, sizeof(*world->endpoints));
	world->n_flows = n_flows;
	world->flows = world_get(world, n_flows, sizeof(*world->flows));
	make_places(world);
	make_workloads(world, n_workloads);
	make_flows(world, n_flows);
	return cluster_finish(world->c, NULL) == RF_OK;
}

void
world_free(struct world *world)
{
	cluster_free(world->c);
	*world = (struct world){ 0 };
}

double
world_cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

long
world_peak(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

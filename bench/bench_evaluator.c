/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_evaluator: how many questions a second one core answers.
 *
 * usage: bench_evaluator [POLICIES [PODS [PROBES]]]
 * Random pods and policies of a realistic make in 50 namespaces: apps with
 * tiers, rules with selectors, blocks, ranges and names; about half of all
 * pods isolated each way. Compiling is timed apart. No I/O.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/evaluator.h"

#define N_NS   50
#define N_APPS 20 /* in each namespace */

struct bench {
	struct cluster *c;
	struct policy_set set;
	char (*names)[16]; /* of namespaces, and of apps */
	uint64_t seed;
};

static const char *const tiers[] = { "web", "api", "db", "queue" };
static const uint16_t ports[] = { 53, 80, 443, 5432, 8080, 9090 };

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t
below(struct bench *b, uint32_t n)
{
	b->seed ^= b->seed >> 12;
	b->seed ^= b->seed << 25;
	b->seed ^= b->seed >> 27;
	return (uint32_t)((b->seed * 2685821657736338717u) >> 33) % n;
}

static void *
get(struct bench *b, size_t n, size_t size)
{
	void *p = arena_calloc(&b->c->arena, n, size);

	if (p == NULL) {
		fputs("bench_evaluator: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static struct ip_addr
pod_ip(uint32_t i)
{
	uint8_t v4[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
		(uint8_t)i };

	return ip_from_v4(v4);
}

static struct label_set
labels(struct bench *b, uint32_t app, uint32_t tier)
{
	struct label *v = get(b, 2, sizeof(*v));

	v[0] = (struct label){ "app", b->names[app] };
	v[1] = (struct label){ "tier", tiers[tier] };
	return (struct label_set){ v, 2 };
}

static void
make_namespaces(struct bench *b)
{
	struct cluster *c = b->c;

	b->names = get(b, N_NS, sizeof(*b->names));
	c->namespaces = get(b, N_NS, sizeof(*c->namespaces));
	c->n_namespaces = N_NS;
	for (uint32_t i = 0; i < N_NS; i++) {
		struct label *v = get(b, 1, sizeof(*v));

		(void)snprintf(b->names[i], sizeof(b->names[i]), "n%02u", i);
		v->key = "kubernetes.io/metadata.name";
		v->value = b->names[i];
		c->namespaces[i].name = b->names[i];
		c->namespaces[i].labels = (struct label_set){ v, 1 };
	}
}

static void
make_pods(struct bench *b, size_t n)
{
	struct cluster *c = b->c;

	c->workloads = get(b, 1, sizeof(*c->workloads));
	c->n_workloads = 1;
	c->workloads[0] = (struct kube_workload){ .kind = "Deployment",
		.namespace = "n00",
		.name = "w",
		.api_version = "" };
	c->pods = get(b, n, sizeof(*c->pods));
	c->n_pods = n;
	for (uint32_t i = 0; i < n; i++) {
		struct kube_pod *p = &c->pods[i];
		struct ip_addr *ip = get(b, 1, sizeof(*ip));
		struct kube_port *port = get(b, 1, sizeof(*port));
		char *name = get(b, 1, 16);

		(void)snprintf(name, 16, "p%u", i);
		*ip = pod_ip(i);
		*port = (struct kube_port){ .name = "http",
			.port = ports[below(b, 6)],
			.protocol = FLOW_TCP };
		p->ns = below(b, N_NS);
		p->namespace = b->names[p->ns];
		p->name = name;
		p->uid = "";
		p->node = FLOW_NONE;
		p->labels = labels(b, below(b, N_APPS), below(b, 4));
		p->phase = POD_RUNNING;
		p->ips = ip;
		p->n_ips = 1;
		p->ports = port;
		p->n_ports = 1;
		p->from_us = INT64_MIN;
		p->to_us = INT64_MAX;
	}
}

static const struct label_selector *
selector(struct bench *b)
{
	struct label_selector *s = get(b, 1, sizeof(*s));

	s->match_labels = labels(b, below(b, N_APPS), below(b, 4));
	s->match_labels.n = 1 + below(b, 2);
	if (below(b, 4) == 0) /* by tier alone */
		s->match_labels =
		    (struct label_set){ s->match_labels.v + 1, 1 };
	return s;
}

static void
make_peer(struct bench *b, struct policy_peer *out)
{
	struct policy_ip_block *block;
	struct label_selector *ns;
	uint32_t kind = below(b, 10);

	if (kind < 2) {
		struct ip_addr any = pod_ip(below(b, 1 << 14));

		block = get(b, 1, sizeof(*block));
		block->cidr = ip_prefix_of(&any, (uint8_t)(112 + below(b, 17)));
		out->ip_block = block;
		return;
	}
	out->pod_selector = selector(b);
	if (kind < 6)
		return;
	ns = get(b, 1, sizeof(*ns));
	ns->match_labels = b->c->namespaces[below(b, N_NS)].labels;
	out->namespace_selector = ns;
}

static void
make_rule(struct bench *b, struct policy_rule *r)
{
	struct policy_peer *peers;
	struct policy_port *port;

	r->n_peers = 1 + below(b, 4);
	peers = get(b, r->n_peers, sizeof(*peers));
	for (size_t i = 0; i < r->n_peers; i++)
		make_peer(b, &peers[i]);
	r->peers = peers;
	r->n_ports = 1 + below(b, 3);
	port = get(b, r->n_ports, sizeof(*port));
	r->ports = port;
	for (size_t i = 0; i < r->n_ports; i++) {
		port[i] = (struct policy_port){ .protocol = FLOW_TCP,
			.has_port = true,
			.port = ports[below(b, 6)] };
		if (below(b, 8) == 0)
			port[i].name = "http";
		else if (below(b, 8) == 0)
			port[i].end_port = (uint16_t)(port[i].port + 100);
	}
}

static void
make_policies(struct bench *b, size_t n)
{
	struct policy *v = get(b, n, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		v[i].namespace = b->names[below(b, N_NS)];
		v[i].name = "p";
		v[i].pod_selector = *selector(b);
		if (below(b, 20) == 0) /* the floor of a namespace */
			v[i].pod_selector = (struct label_selector){ 0 };
		for (unsigned d = 0; d < 2; d++) {
			struct policy_rule *rules;

			v[i].types[d] = true;
			v[i].n_rules[d] = below(b, 5);
			rules = get(b, v[i].n_rules[d] + 1, sizeof(*rules));
			for (size_t k = 0; k < v[i].n_rules[d]; k++)
				make_rule(b, &rules[k]);
			v[i].rules[d] = rules;
		}
	}
	b->set = (struct policy_set){ v, n };
}

/* Questions are made outside of the clock, over and over the same ones. */
#define N_QUERIES 65536

static void
make_queries(struct bench *b, struct evaluator_query *q)
{
	for (size_t i = 0; i < N_QUERIES; i++) {
		uint32_t src = below(b, (uint32_t)b->c->n_pods);
		uint32_t dst = below(b, (uint32_t)b->c->n_pods);

		q[i].src = (struct evaluator_end){ src, pod_ip(src) };
		q[i].dst = (struct evaluator_end){ dst, pod_ip(dst) };
		if (below(b, 10) == 0) { /* from outside */
			q[i].src.pod = FLOW_NONE;
			q[i].src.ip = pod_ip(below(b, 1 << 24));
		}
		q[i].seen_src = q[i].src;
		q[i].port = ports[below(b, 6)];
		q[i].protocol = FLOW_TCP;
	}
}

static int
measure(struct bench *b, size_t n_probes)
{
	struct evaluator_query *q = get(b, N_QUERIES, sizeof(*q));
	struct evaluator_answer answer;
	struct evaluator *e;
	struct rf_error err;
	size_t allowed = 0, isolated = 0;
	double from = now(), took;

	if (evaluator_new(&e, &b->set, b->c, &err) != RF_OK) {
		fprintf(stderr, "bench_evaluator: %s\n", err.msg);
		return 1;
	}
	printf("compile  %zu policies, %zu pods: %.1f ms\n", b->set.n_policies,
	    b->c->n_pods, (now() - from) * 1e3);
	make_queries(b, q);
	from = now();
	for (size_t i = 0; i < n_probes; i++) {
		evaluator_ask(e, &q[i % N_QUERIES], &answer);
		allowed += answer.allowed;
		isolated += answer.ingress.verdict != EVAL_NOT_ISOLATED;
	}
	took = now() - from;
	printf("ask      %zu probes: %.2f M/s on one core; %.0f %% allowed, "
	       "%.0f %% isolated for ingress\n",
	    n_probes, (double)n_probes / took / 1e6,
	    (double)allowed * 100 / (double)n_probes,
	    (double)isolated * 100 / (double)n_probes);
	evaluator_free(e);
	return 0;
}

int
main(int argc, char **argv)
{
	struct bench b = { .seed = 88172645463325252u };
	struct rf_error err;
	size_t n[3] = { 1000, 5000, 10000000 };
	int rc;

	for (int i = 1; i < argc && i <= 3; i++) {
		n[i - 1] = strtoul(argv[i], NULL, 10);
		if (n[i - 1] == 0) {
			fputs("usage: bench_evaluator [POLICIES [PODS "
			      "[PROBES]]]\n",
			    stderr);
			return 2;
		}
	}
	b.c = cluster_new();
	if (b.c == NULL)
		return 1;
	make_namespaces(&b);
	make_pods(&b, n[1]);
	make_policies(&b, n[0]);
	if (cluster_finish(b.c, &err) != RF_OK) {
		fprintf(stderr, "bench_evaluator: %s\n", err.msg);
		return 1;
	}
	rc = measure(&b, n[2]);
	cluster_free(b.c);
	return rc;
}

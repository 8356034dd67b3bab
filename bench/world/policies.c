/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "bench/world/world.h"

/* One side of a flow, as a rule sees it. */
struct need {
	uint32_t subject; /* workload */
	uint8_t direction;
	uint16_t port;
	uint32_t peer; /* workload, or that many and the index outside */
};

struct builder {
	struct world *world;
	struct need *needs;
	size_t n, at;
	struct label_selector *pods, *namespaces; /* by workload */
};

static uint32_t
place_of(const struct world *world, uint32_t endpoint)
{
	uint32_t n_pods = (uint32_t)world->c->n_pods;

	return endpoint < n_pods
	    ? world->endpoints[endpoint].workload
	    : (uint32_t)world->c->n_workloads + endpoint - n_pods;
}

static int
compare_needs(const void *a, const void *b)
{
	const struct need *x = a, *y = b;
	const uint32_t p[] = { x->subject, x->direction, x->port, x->peer };
	const uint32_t q[] = { y->subject, y->direction, y->port, y->peer };

	for (int i = 0; i < 4; i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return 0;
}

/* Distinct needs in order, each missing with the chance that was asked for. */
static void
collect_needs(struct builder *b, size_t n_subjects, size_t miss_one_in)
{
	struct world *world = b->world;
	size_t n = 0;

	b->needs = world_get(world, 2 * world->n_flows + 1, sizeof(*b->needs));
	for (size_t i = 0; i < world->n_flows; i++) {
		const struct flow *f = &world->flows[i];
		uint32_t src = place_of(world, f->src);
		uint32_t dst = place_of(world, f->dst);

		if (dst < n_subjects)
			b->needs[n++] =
			    (struct need){ dst, POLICY_INGRESS, f->port, src };
		if (src < n_subjects && src < world->c->n_workloads)
			b->needs[n++] =
			    (struct need){ src, POLICY_EGRESS, f->port, dst };
	}
	qsort(b->needs, n, sizeof(*b->needs), compare_needs);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && compare_needs(&b->needs[i], &b->needs[i - 1]) == 0)
			continue;
		if (miss_one_in > 0 && world_below(world, miss_one_in) == 0)
			continue;
		b->needs[b->n++] = b->needs[i];
	}
}

static void
make_selectors(struct builder *b)
{
	struct cluster *c = b->world->c;

	b->pods = world_get(b->world, c->n_workloads, sizeof(*b->pods));
	b->namespaces =
	    world_get(b->world, c->n_workloads, sizeof(*b->namespaces));
	for (size_t i = 0; i < c->n_workloads; i++) {
		b->pods[i].match_labels = c->workloads[i].labels;
		b->namespaces[i].match_labels =
		    c->namespaces[cluster_find_namespace(
				      c, c->workloads[i].namespace)]
			.labels;
	}
}

static struct policy_peer
make_peer(struct builder *b, uint32_t place)
{
	struct world *world = b->world;
	size_t n = world->c->n_workloads;
	struct policy_ip_block *block;

	if (place < n)
		return (struct policy_peer){ .pod_selector = &b->pods[place],
			.namespace_selector = &b->namespaces[place] };
	block = world_get(world, 1, sizeof(*block));
	block->cidr =
	    ip_prefix_host(&world->endpoints[world->c->n_pods + place - n].ip);
	return (struct policy_peer){ .ip_block = block };
}

/* The needs from b->at on that are of one rule. */
static struct policy_rule
make_rule(struct builder *b)
{
	const struct need *first = &b->needs[b->at];
	struct policy_port *port = world_get(b->world, 1, sizeof(*port));
	struct policy_peer *peers;
	size_t n = 0;

	while (b->at + n < b->n && first[n].subject == first->subject &&
	    first[n].direction == first->direction &&
	    first[n].port == first->port)
		n++;
	peers = world_get(b->world, n, sizeof(*peers));
	for (size_t i = 0; i < n; i++)
		peers[i] = make_peer(b, first[i].peer);
	b->at += n;
	*port = (struct policy_port){
		.protocol = FLOW_TCP, .has_port = true, .port = first->port
	};
	return (struct policy_rule){
		.peers = peers, .n_peers = n, .ports = port, .n_ports = 1
	};
}

static void
make_policy(struct builder *b, uint32_t w, struct policy *out)
{
	const struct kube_workload *wl = &b->world->c->workloads[w];

	*out = (struct policy){ .namespace = wl->namespace,
		.name = wl->name,
		.pod_selector = b->pods[w],
		.types = { true, true } };
	for (int d = 0; d < 2; d++) {
		struct policy_rule *rules =
		    world_get(b->world, WORLD_PORTS, sizeof(*rules));

		while (b->at < b->n && b->needs[b->at].subject == w &&
		    b->needs[b->at].direction == d)
			rules[out->n_rules[d]++] = make_rule(b);
		out->rules[d] = rules;
	}
}

struct policy_set
world_policies(struct world *world, size_t n, size_t miss_one_in)
{
	struct builder b = { .world = world };
	struct policy *v = world_get(world, n, sizeof(*v));

	make_selectors(&b);
	collect_needs(&b, n, miss_one_in);
	for (uint32_t i = 0; i < n; i++)
		make_policy(&b, i, &v[i]);
	return (struct policy_set){ v, n };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "core/bring.h"
#include "core/hash.h"

#define KEY_BYTES offsetof(struct flow, connections)

_Static_assert(sizeof(struct endpoint) == 32, "hashed as whole words");
_Static_assert(KEY_BYTES == 32, "hashed as whole words");

/* Open addressing over an array: index + 1, 0 empty. */
struct index {
	uint32_t *slots;
	uint32_t mask;
};

struct aggregate {
	uint64_t seed;
	uint32_t max;
	struct endpoint *endpoints;
	uint32_t n_endpoints;
	struct index by_endpoint;
	struct flow *flows;
	uint32_t n_flows;
	struct index by_flow;
};

static bool
index_init(struct index *x, uint32_t max)
{
	x->slots = calloc((size_t)max * 2, sizeof(*x->slots));
	x->mask = max * 2 - 1;
	return x->slots != NULL;
}

struct aggregate *
aggregate_new(uint32_t max, uint64_t seed)
{
	struct aggregate *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->seed = seed;
	a->max = max;
	a->endpoints = malloc((size_t)max * sizeof(*a->endpoints));
	a->flows = malloc((size_t)max * sizeof(*a->flows));
	if (!index_init(&a->by_endpoint, max) ||
	    !index_init(&a->by_flow, max) || a->endpoints == NULL ||
	    a->flows == NULL) {
		aggregate_free(a);
		return NULL;
	}
	return a;
}

void
aggregate_free(struct aggregate *a)
{
	if (a == NULL)
		return;
	free(a->endpoints);
	free(a->flows);
	free(a->by_endpoint.slots);
	free(a->by_flow.slots);
	free(a);
}

bool
aggregate_has_room(const struct aggregate *a, uint32_t n)
{
	return a->n_flows + n <= a->max && a->n_endpoints + 3 * n <= a->max;
}

/* The index of an equal endpoint, added if need be. */
static uint32_t
put_endpoint(struct aggregate *a, const struct endpoint *e)
{
	struct index *x = &a->by_endpoint;
	uint32_t i = (uint32_t)hash_words(a->seed, e, sizeof(*e)) & x->mask;

	for (; x->slots[i] != 0; i = (i + 1) & x->mask)
		if (memcmp(&a->endpoints[x->slots[i] - 1], e, sizeof(*e)) == 0)
			return x->slots[i] - 1;
	a->endpoints[a->n_endpoints] = *e;
	x->slots[i] = ++a->n_endpoints;
	return a->n_endpoints - 1;
}

static void
flow_sum(struct flow *to, const struct flow *f)
{
	to->sides |= f->sides;
	to->connections += f->connections;
	to->packets += f->packets;
	to->bytes += f->bytes;
	if (f->first_us < to->first_us)
		to->first_us = f->first_us;
	if (f->last_us > to->last_us)
		to->last_us = f->last_us;
}

static bool
same_key(const struct flow *a, const struct flow *b)
{
	return a->window_us == b->window_us && a->src == b->src &&
	    a->dst == b->dst && a->seen_src == b->seen_src &&
	    a->service == b->service && a->service_port == b->service_port &&
	    a->port == b->port && a->protocol == b->protocol &&
	    a->outcome == b->outcome && a->certainty == b->certainty;
}

static uint32_t
put_flow(struct aggregate *a, const struct flow *f)
{
	struct index *x = &a->by_flow;
	struct flow key = *f;
	uint32_t i;

	key.sides = 0;
	i = (uint32_t)hash_words(a->seed, &key, KEY_BYTES) & x->mask;
	for (; x->slots[i] != 0; i = (i + 1) & x->mask)
		if (same_key(&a->flows[x->slots[i] - 1], f)) {
			flow_sum(&a->flows[x->slots[i] - 1], f);
			return x->slots[i] - 1;
		}
	a->flows[a->n_flows] = *f;
	x->slots[i] = ++a->n_flows;
	return a->n_flows - 1;
}

uint32_t
aggregate_add(struct aggregate *a, const struct aggregate_item *item)
{
	struct flow f = item->flow;

	f.src = put_endpoint(a, &item->src);
	f.dst = put_endpoint(a, &item->dst);
	f.seen_src = put_endpoint(a, &item->seen_src);
	return put_flow(a, &f);
}

void
aggregate_prefetch(const struct aggregate *a, uint32_t flow)
{
	if (flow != FLOW_NONE)
		bring_line(&a->flows[flow].connections);
}

void
aggregate_more(struct aggregate *a, uint32_t flow, const struct connection *c)
{
	struct flow *to = &a->flows[flow];

	to->connections += c->counted;
	to->packets += c->packets;
	to->bytes += c->bytes;
	if (c->first_us < to->first_us)
		to->first_us = c->first_us;
	if (c->last_us > to->last_us)
		to->last_us = c->last_us;
}

const struct endpoint *
aggregate_endpoints(const struct aggregate *a, size_t *n)
{
	*n = a->n_endpoints;
	return a->endpoints;
}

struct flow *
aggregate_flows(struct aggregate *a, size_t *n)
{
	*n = a->n_flows;
	return a->flows;
}

void
aggregate_clear(struct aggregate *a)
{
	memset(a->by_endpoint.slots, 0,
	    ((size_t)a->by_endpoint.mask + 1) * sizeof(uint32_t));
	memset(a->by_flow.slots, 0,
	    ((size_t)a->by_flow.mask + 1) * sizeof(uint32_t));
	a->n_endpoints = 0;
	a->n_flows = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define KEY_BYTES offsetof(struct flow, connections)

_Static_assert(sizeof(struct endpoint) == 32, "hashed as whole words");
_Static_assert(KEY_BYTES == 32, "hashed as whole words");

#define WAITING_MAX 16

/* Open addressing over an array: index + 1, 0 empty. */
struct index {
	uint32_t *slots;
	uint32_t mask;
};

/* An item on its way, with the hashes of what it leads to. */
struct waiting {
	struct aggregate_item item;
	uint32_t hash[3]; /* of src, dst, seen_src */
	uint32_t flow_hash;
};

struct aggregate {
	struct waiting waiting[WAITING_MAX];
	uint32_t n_waiting;
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
aggregate_has_room(const struct aggregate *a)
{
	uint32_t n = a->n_waiting + 1;

	return a->n_flows + n < a->max && a->n_endpoints + 3 * n < a->max;
}

/* The index of an equal endpoint, added if need be. */
static uint32_t
put_endpoint(struct aggregate *a, const struct endpoint *e, uint32_t hash)
{
	struct index *x = &a->by_endpoint;
	uint32_t i = hash & x->mask;

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

static void
put_flow(struct aggregate *a, const struct flow *f, uint32_t hash)
{
	struct index *x = &a->by_flow;
	uint32_t i = hash & x->mask;

	for (; x->slots[i] != 0; i = (i + 1) & x->mask)
		if (same_key(&a->flows[x->slots[i] - 1], f)) {
			flow_sum(&a->flows[x->slots[i] - 1], f);
			return;
		}
	a->flows[a->n_flows] = *f;
	x->slots[i] = ++a->n_flows;
}

static void
bring_slot(const struct index *x, uint32_t hash)
{
	__builtin_prefetch(&x->slots[hash & x->mask]);
}

static void
bring_endpoint(const struct aggregate *a, uint32_t hash)
{
	uint32_t at = a->by_endpoint.slots[hash & a->by_endpoint.mask];

	if (at != 0)
		__builtin_prefetch(&a->endpoints[at - 1]);
}

static void
bring_flow(const struct aggregate *a, uint32_t hash)
{
	uint32_t at = a->by_flow.slots[hash & a->by_flow.mask];

	if (at == 0)
		return;
	__builtin_prefetch(&a->flows[at - 1]);
	__builtin_prefetch(&a->flows[at - 1].last_us);
}

/* Turn the endpoints into indices; with them the flow's key is whole. */
static void
key_of(struct aggregate *a, struct waiting *w)
{
	struct flow key;

	w->item.flow.src = put_endpoint(a, &w->item.src, w->hash[0]);
	w->item.flow.dst = put_endpoint(a, &w->item.dst, w->hash[1]);
	w->item.flow.seen_src = put_endpoint(a, &w->item.seen_src, w->hash[2]);
	key = w->item.flow;
	key.sides = 0;
	w->flow_hash = (uint32_t)hash_words(a->seed, &key, KEY_BYTES);
	bring_slot(&a->by_flow, w->flow_hash);
}

/* Take all that waits, one step for each before the next step. */
static void
settle(struct aggregate *a)
{
	struct waiting *w = a->waiting, *end = w + a->n_waiting;

	for (w = a->waiting; w < end; w++)
		for (int i = 0; i < 3; i++)
			bring_endpoint(a, w->hash[i]);
	for (w = a->waiting; w < end; w++)
		key_of(a, w);
	for (w = a->waiting; w < end; w++)
		bring_flow(a, w->flow_hash);
	for (w = a->waiting; w < end; w++)
		put_flow(a, &w->item.flow, w->flow_hash);
	a->n_waiting = 0;
}

void
aggregate_add(struct aggregate *a, const struct aggregate_item *item)
{
	const struct endpoint *e[3] = { &item->src, &item->dst,
		&item->seen_src };
	struct waiting *w = &a->waiting[a->n_waiting++];

	w->item = *item;
	for (int i = 0; i < 3; i++) {
		w->hash[i] = (uint32_t)hash_words(a->seed, e[i], sizeof(*e[i]));
		bring_slot(&a->by_endpoint, w->hash[i]);
	}
	if (a->n_waiting == WAITING_MAX)
		settle(a);
}

const struct endpoint *
aggregate_endpoints(struct aggregate *a, size_t *n)
{
	settle(a);
	*n = a->n_endpoints;
	return a->endpoints;
}

struct flow *
aggregate_flows(struct aggregate *a, size_t *n)
{
	settle(a);
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
	a->n_waiting = 0;
	a->n_endpoints = 0;
	a->n_flows = 0;
}

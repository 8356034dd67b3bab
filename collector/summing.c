/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/summing.h"

#include <string.h>

/* Where only what was learnt until then tells direction, it is asked later. */
static inline bool
has_direction(const struct connection *c)
{
	return c->opening == OPENING_HANDSHAKE;
}

void
summing_bring(const struct summing *s, const struct aggregate *a,
    const struct connection *v, size_t n, struct shortcut_ask *asks)
{
	for (size_t i = 0; i < n; i++)
		if (has_direction(&v[i]))
			shortcut_ask(
			    s->shortcut, &v[i], CERTAINTY_HANDSHAKE, &asks[i]);
		else
			asks[i].c = NULL;
	for (size_t i = 0; i < n; i++)
		aggregate_prefetch(a, shortcut_guess(s->shortcut, &asks[i]));
}

/* Of a connection as it is: one part of a flow. Needs room. */
static void
add_first(const struct summing *s, struct aggregate *a,
    const struct connection *c, enum flow_certainty certainty,
    const struct shortcut_ask *ask, bool *unresolved)
{
	struct aggregate_item item;

	resolver_resolve_directed(s->resolver, c, certainty, &item);
	*unresolved = item.src.type == ENDPOINT_UNKNOWN ||
	    item.dst.type == ENDPOINT_UNKNOWN;
	shortcut_learn(s->shortcut, ask, aggregate_add(a, &item), *unresolved);
}

/* The parts of a connection that is no one's shortcut: each may be. */
static void
add_parts(const struct summing *s, struct aggregate *a,
    const struct connection parts[2], enum flow_certainty certainty,
    struct summed *did)
{
	did->unresolved = false;
	for (int i = 0; i < 2; i++) {
		struct shortcut_ask ask;
		bool unresolved;
		uint32_t flow;

		shortcut_ask(s->shortcut, &parts[i], certainty, &ask);
		flow = shortcut_find(s->shortcut, &ask, &unresolved);
		if (flow == FLOW_NONE)
			add_first(
			    s, a, &parts[i], certainty, &ask, &unresolved);
		else
			aggregate_more(a, flow, &parts[i]);
		did->unresolved |= unresolved;
	}
}

bool
summing_add(const struct summing *s, struct aggregate *a,
    const struct connection *c, struct shortcut_ask *ask, struct summed *did)
{
	enum flow_certainty certainty = CERTAINTY_HANDSHAKE;
	struct connection directed, parts[2];
	struct shortcut_ask own;
	uint32_t flow;

	if (!has_direction(c)) {
		memcpy(&directed, c, connection_bytes(c));
		certainty = resolver_direct(s->resolver, &directed);
		c = &directed;
		ask = NULL;
	}
	if (ask == NULL) {
		ask = &own;
		shortcut_ask(s->shortcut, c, certainty, ask);
	}
	did->guessed = certainty == CERTAINTY_GUESSED;
	flow = shortcut_find(s->shortcut, ask, &did->unresolved);
	if (flow != FLOW_NONE) {
		aggregate_more(a, flow, c);
		return true;
	}
	if (!aggregate_has_room(a, 2))
		return false;
	if (resolver_split(s->resolver, c, parts))
		add_parts(s, a, parts, certainty, did);
	else
		add_first(s, a, c, certainty, ask, &did->unresolved);
	return true;
}

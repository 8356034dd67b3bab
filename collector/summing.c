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

static bool
add_first(const struct summing *s, struct aggregate *a,
    const struct connection *c, enum flow_certainty certainty,
    const struct shortcut_ask *ask, bool *unresolved)
{
	struct aggregate_item item;

	if (!aggregate_has_room(a))
		return false;
	resolver_resolve_directed(s->resolver, c, certainty, &item);
	*unresolved = item.src.type == ENDPOINT_UNKNOWN ||
	    item.dst.type == ENDPOINT_UNKNOWN;
	shortcut_learn(s->shortcut, ask, aggregate_add(a, &item), *unresolved);
	return true;
}

bool
summing_add(const struct summing *s, struct aggregate *a,
    const struct connection *c, struct shortcut_ask *ask, struct summed *did)
{
	enum flow_certainty certainty = CERTAINTY_HANDSHAKE;
	struct connection directed;
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
	if (flow == FLOW_NONE)
		return add_first(s, a, c, certainty, ask, &did->unresolved);
	aggregate_more(a, flow, c);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shortcut.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alike.h"
#include "collector/alloc_large.h"
#include "core/bring.h"
#include "core/hash.h"
#include "kube/address.h"

#define WAYS    2 /* places for one hash; what was learnt last is first */
#define ENTRIES ((uint32_t)1 << 15)

/* Further legs lie apart, as most captures have none. */
struct more_legs {
	struct shortcut_leg v[ALIKE_LEGS_MAX - 1];
};

_Static_assert(sizeof(struct shortcut_leg) == 40, "hashed as whole words");
_Static_assert(sizeof(struct shortcut_key) == 56, "hashed as whole words");

struct entry {
	alignas(64) struct shortcut_key key;
	uint32_t flow;
	uint32_t era : 31; /* of another one it is empty */
	uint32_t unresolved : 1;
};

_Static_assert(sizeof(struct entry) == 64, "one cache line");

struct shortcut {
	const struct cluster *c;
	const struct names *names;
	int64_t width_us;
	uint64_t seed, names_state;
	struct entry *entries;
	struct more_legs *more; /* of the entry with the same index */
	uint32_t era;
	/* where the last connection lay in time */
	int64_t from_us, to_us;
	uint32_t window, span;
};

struct shortcut *
shortcut_new(const struct cluster *c, const struct names *names,
    int64_t window_us, uint64_t seed)
{
	struct shortcut *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->entries = alloc_large(ENTRIES * sizeof(struct entry));
	s->more = calloc(ENTRIES, sizeof(struct more_legs));
	if (s->entries == NULL || s->more == NULL) {
		shortcut_free(s);
		return NULL;
	}
	s->names = names;
	s->width_us = window_us;
	s->seed = seed;
	shortcut_forget(s, c);
	return s;
}

void
shortcut_free(struct shortcut *s)
{
	if (s == NULL)
		return;
	free_large(s->entries, ENTRIES * sizeof(struct entry));
	free(s->more);
	free(s);
}

void
shortcut_forget(struct shortcut *s, const struct cluster *c)
{
	s->c = c;
	s->from_us = s->to_us = 0;
	s->era = (s->era + 1) & INT32_MAX;
	if (s->era != 0)
		return;
	memset(s->entries, 0, ENTRIES * sizeof(struct entry));
	s->era = 1;
}

/* Have the span and the window around that time. */
static void
find_time(struct shortcut *s, int64_t at_us)
{
	int64_t rest, start_us;

	if (at_us >= s->from_us && at_us < s->to_us)
		return;
	rest = at_us % s->width_us;
	start_us = at_us - (rest < 0 ? rest + s->width_us : rest);
	s->window = (uint32_t)(start_us / s->width_us);
	s->span = address_span_at(s->c, at_us, &s->from_us, &s->to_us);
	if (s->from_us < start_us)
		s->from_us = start_us;
	if (s->to_us > start_us + s->width_us)
		s->to_us = start_us + s->width_us;
}

/* Does what becomes of it hang on nothing but its key? */
static bool
is_askable(const struct connection *c)
{
	return c->n_legs <= ALIKE_LEGS_MAX && !c->known &&
	    (c->protocol != FLOW_UDP || c->both_ways || c->refused ||
		(!c->types_known && c->delivery == DELIVERY_UNTOLD));
}

static struct shortcut_leg
leg_of(const struct connection_leg *l)
{
	return (struct shortcut_leg){ .client = l->client.ip,
		.server = l->server.ip,
		.way = (uint64_t)l->last_out_if << 32 |
		    (uint32_t)l->server.port << 8 | l->last_out_point };
}

static uint64_t
what_of(const struct connection *c, enum flow_certainty certainty)
{
	return (uint64_t)alike_facts(c) << 32 | (uint32_t)c->opening << 24 |
	    (uint32_t)certainty << 16 | c->n_legs;
}

static unsigned
legs_of(const struct shortcut_key *key)
{
	return key->what & 0xff;
}

static uint64_t
hash_of(const struct shortcut *s, const struct shortcut_key *key,
    const struct connection *c)
{
	uint64_t hash = hash_words(s->seed, key, sizeof(*key));

	for (unsigned i = 1; i < c->n_legs; i++) {
		struct shortcut_leg l = leg_of(&c->legs[i]);

		hash = hash_words(hash ^ s->seed, &l, sizeof(l));
	}
	return hash;
}

void
shortcut_ask(struct shortcut *s, const struct connection *c,
    enum flow_certainty certainty, struct shortcut_ask *ask)
{
	ask->c = is_askable(c) ? c : NULL;
	if (ask->c == NULL)
		return;
	find_time(s, c->first_us);
	ask->certainty = certainty;
	ask->era = s->era;
	ask->key = (struct shortcut_key){
		.time = (uint64_t)s->window << 32 | s->span,
		.what = what_of(c, certainty),
		.leg = leg_of(&c->legs[0]),
	};
	ask->place =
	    (uint32_t)hash_of(s, &ask->key, c) & (ENTRIES - 1) & ~(WAYS - 1u);
	for (unsigned i = 0; i < WAYS; i++)
		bring_line(&s->entries[ask->place + i]);
}

/* As words: a call to memcmp(3) costs more. */
static inline bool
same_key(const struct shortcut_key *a, const struct shortcut_key *b)
{
	uint64_t x[7], y[7], differ = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (int i = 0; i < 7; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

/* Is that entry of the connection that is asked for? */
static inline bool
is_it(const struct shortcut *s, uint32_t at, const struct shortcut_ask *ask)
{
	const struct entry *e = &s->entries[at];

	if (e->era != s->era || !same_key(&e->key, &ask->key))
		return false;
	for (unsigned i = 1; i < ask->c->n_legs; i++) {
		struct shortcut_leg l = leg_of(&ask->c->legs[i]);

		if (memcmp(&s->more[at].v[i - 1], &l, sizeof(l)) != 0)
			return false;
	}
	return true;
}

static inline uint32_t
entry_of(const struct shortcut *s, const struct shortcut_ask *ask)
{
	for (uint32_t at = ask->place; at < ask->place + WAYS; at++)
		if (is_it(s, at, ask))
			return at;
	return ENTRIES;
}

uint32_t
shortcut_guess(const struct shortcut *s, const struct shortcut_ask *ask)
{
	uint32_t at = ask->c != NULL ? entry_of(s, ask) : ENTRIES;

	return at != ENTRIES ? s->entries[at].flow : FLOW_NONE;
}

/* What was learnt may hold no more. */
static void
keep_up(struct shortcut *s, struct shortcut_ask *ask)
{
	uint64_t state = names_headless_state(s->names);

	if (state != s->names_state)
		shortcut_forget(s, s->c);
	s->names_state = state;
	if (ask->era != s->era) /* spans may be others by now */
		shortcut_ask(s, ask->c, ask->certainty, ask);
}

uint32_t
shortcut_find(struct shortcut *s, struct shortcut_ask *ask, bool *unresolved)
{
	uint32_t at;

	if (ask->c != NULL)
		keep_up(s, ask);
	if (ask->c == NULL)
		return FLOW_NONE;
	at = entry_of(s, ask);
	if (at == ENTRIES)
		return FLOW_NONE;
	*unresolved = s->entries[at].unresolved;
	return s->entries[at].flow;
}

void
shortcut_learn(struct shortcut *s, const struct shortcut_ask *ask,
    uint32_t flow, bool unresolved)
{
	uint32_t at = ask->place;

	if (ask->c == NULL || ask->era != s->era)
		return;
	for (uint32_t i = at + WAYS - 1; i > at; i--) {
		s->entries[i] = s->entries[i - 1];
		if (legs_of(&s->entries[i].key) > 1)
			s->more[i] = s->more[i - 1];
	}
	s->entries[at] = (struct entry){ .key = ask->key,
		.flow = flow,
		.era = s->era & INT32_MAX,
		.unresolved = unresolved };
	for (unsigned i = 1; i < ask->c->n_legs; i++)
		s->more[at].v[i - 1] = leg_of(&ask->c->legs[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shortcut.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alike.h"
#include "collector/alloc_large.h"
#include "core/hash.h"
#include "kube/address.h"

#define ENTRIES ((uint32_t)1 << 15)

/* What matters of one leg. */
struct leg_key {
	struct ip_addr client, server;
	uint32_t last_out_if;
	uint16_t port; /* the server's */
	uint8_t last_out_point;
	uint8_t zero;
};

/* What matters of a connection with one leg. */
struct key {
	uint32_t window; /* number of its window */
	uint32_t span;   /* in which no address changes hands */
	uint16_t facts;  /* bits: protocol and what was seen of it */
	uint8_t n_legs;
	uint8_t zero[5];
	struct leg_key leg;
};

/* Further legs lie apart, as most captures have none. */
struct more_key {
	struct leg_key legs[ALIKE_LEGS_MAX - 1];
};

_Static_assert(sizeof(struct leg_key) == 40, "hashed as whole words");
_Static_assert(sizeof(struct key) == 56, "hashed as whole words");

struct entry {
	alignas(64) struct key key;
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
	struct more_key *more; /* of the entry with the same index */
	uint32_t era;
	/* where the last connection lay in time */
	int64_t from_us, to_us;
	uint32_t window, span;
	/* the last connection that was asked for, and its place */
	uint32_t place; /* NOWHERE: not one to be known */
	struct key key;
	struct more_key more_key;
};

#define NOWHERE UINT32_MAX

struct shortcut *
shortcut_new(const struct cluster *c, const struct names *names,
    int64_t window_us, uint64_t seed)
{
	struct shortcut *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->entries = alloc_large(ENTRIES * sizeof(struct entry));
	s->more = calloc(ENTRIES, sizeof(struct more_key));
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
	s->place = NOWHERE;
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
	int64_t rest = at_us % s->width_us, start_us;

	if (at_us >= s->from_us && at_us < s->to_us)
		return;
	start_us = at_us - (rest < 0 ? rest + s->width_us : rest);
	s->window = (uint32_t)(start_us / s->width_us);
	s->span = address_span_at(s->c, at_us, &s->from_us, &s->to_us);
	if (s->from_us < start_us)
		s->from_us = start_us;
	if (s->to_us > start_us + s->width_us)
		s->to_us = start_us + s->width_us;
}

static void
leg_key_of(struct leg_key *k, const struct connection_leg *l)
{
	*k = (struct leg_key){ .client = l->client.ip,
		.server = l->server.ip,
		.last_out_if = l->last_out_if,
		.port = l->server.port,
		.last_out_point = l->last_out_point };
}

/* Returns the hash of the key. */
static uint64_t
make_key(struct shortcut *s, const struct connection *c)
{
	struct key *k = &s->key;
	uint64_t hash;

	find_time(s, c->first_us);
	k->window = s->window;
	k->span = s->span;
	k->facts = alike_facts(c);
	k->n_legs = c->n_legs;
	leg_key_of(&k->leg, &c->legs[0]);
	hash = hash_words(s->seed, k, sizeof(*k));
	for (unsigned i = 1; i < c->n_legs; i++) {
		leg_key_of(&s->more_key.legs[i - 1], &c->legs[i]);
		hash = hash_words(hash ^ s->seed, &s->more_key.legs[i - 1],
		    sizeof(struct leg_key));
	}
	return hash;
}

/* Is that entry of the connection that is asked for? */
static bool
is_it(const struct shortcut *s, const struct entry *e)
{
	size_t more = (s->key.n_legs - 1u) * sizeof(struct leg_key);

	return e->era == s->era &&
	    memcmp(&e->key, &s->key, sizeof(s->key)) == 0 &&
	    (more == 0 ||
		memcmp(&s->more[e - s->entries], &s->more_key, more) == 0);
}

uint32_t
shortcut_find(struct shortcut *s, const struct connection *c, bool *unresolved)
{
	uint64_t state = names_headless_state(s->names);
	const struct entry *e;

	if (state != s->names_state)
		shortcut_forget(s, s->c);
	s->names_state = state;
	s->place = NOWHERE;
	if (!alike_is_plain(c))
		return FLOW_NONE;
	s->place = (uint32_t)make_key(s, c) & (ENTRIES - 1);
	e = &s->entries[s->place];
	if (!is_it(s, e))
		return FLOW_NONE;
	*unresolved = e->unresolved;
	return e->flow;
}

void
shortcut_learn(struct shortcut *s, uint32_t flow, bool unresolved)
{
	struct entry *e;

	if (s->place == NOWHERE)
		return;
	e = &s->entries[s->place];
	e->key = s->key;
	e->flow = flow;
	e->era = s->era & INT32_MAX;
	e->unresolved = unresolved;
	if (s->key.n_legs > 1)
		s->more[s->place] = s->more_key;
}

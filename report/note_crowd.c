/* SPDX-License-Identifier: Apache-2.0 */
#include "report/note_crowd.h"

#include <stdlib.h>
#include <string.h>

#include "core/edge.h"
#include "core/hash.h"

struct note_crowd_slot {
	uint64_t key; /* 0: free */
	size_t n, shown;
};

bool
note_is_routine(const struct recommend_note *note)
{
	return note->kind == NOTE_EXCLUDED &&
	    (strcmp(note->reason, "own-node") == 0 ||
		strcmp(note->reason, "self") == 0);
}

/* The crowd of a note, or 0: it stands for itself. */
static uint64_t
key_of(const struct recommend_note *note)
{
	const struct endpoint *ends[2];
	uint64_t key = hash_string(1, note->reason);

	if (note->kind != NOTE_EXCLUDED || note->edge == NULL)
		return 0;
	ends[0] = note->edge->src;
	ends[1] = note->edge->dst;
	for (size_t i = 0; i < 2; i++) {
		uint32_t end[2] = { ends[i]->type, FLOW_NONE };

		if (ends[i]->type == ENDPOINT_WORKLOAD)
			end[1] = ends[i]->workload;
		key = hash_bytes(key, end, sizeof(end));
	}
	return key == 0 ? 1 : key;
}

static struct note_crowd_slot *
slot_of(const struct note_crowd *c, uint64_t key)
{
	size_t at = key & (c->n_slots - 1);

	while (c->slots[at].key != 0 && c->slots[at].key != key)
		at = (at + 1) & (c->n_slots - 1);
	return &c->slots[at];
}

/* Twice as wide, when it is half full. false: out of memory. */
static bool
widen(struct note_crowd *c)
{
	struct note_crowd wide = { .n_slots = c->n_slots * 2 };

	wide.slots = calloc(wide.n_slots, sizeof(*wide.slots));
	if (wide.slots == NULL)
		return false;
	for (size_t i = 0; i < c->n_slots; i++)
		if (c->slots[i].key != 0)
			*slot_of(&wide, c->slots[i].key) = c->slots[i];
	free(c->slots);
	*c = wide;
	return true;
}

enum rf_status
note_crowd_init(
    struct note_crowd *c, const struct recommendation *r, struct rf_error *err)
{
	size_t n = 0;

	*c = (struct note_crowd){ .n_slots = 64 };
	c->slots = calloc(c->n_slots, sizeof(*c->slots));
	if (c->slots == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n_notes; i++) {
		uint64_t key = key_of(&r->notes[i]);
		struct note_crowd_slot *s;

		if (key == 0)
			continue;
		if (n * 2 >= c->n_slots && !widen(c))
			return rf_fail(err, RF_NOMEM, "out of memory");
		s = slot_of(c, key);
		n += s->key == 0;
		s->key = key;
		s->n++;
	}
	return RF_OK;
}

void
note_crowd_release(struct note_crowd *c)
{
	free(c->slots);
	*c = (struct note_crowd){ 0 };
}

bool
note_crowd_shows(
    struct note_crowd *c, const struct recommend_note *note, size_t *more)
{
	uint64_t key = key_of(note);
	struct note_crowd_slot *s;

	*more = 0;
	if (key == 0)
		return true;
	s = slot_of(c, key);
	if (s->shown == NOTE_CROWD_SHOWN)
		return false;
	if (++s->shown == NOTE_CROWD_SHOWN)
		*more = s->n - NOTE_CROWD_SHOWN;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/put_out.h"

#include <stdalign.h>
#include <stdlib.h>

#include "collector/alloc_large.h"
#include "core/flow.h"

#define BUCKETS ((uint32_t)1 << 15)
#define WAYS    16 /* two lines; the newest comes first */

#define USED     1u
#define FIRST_LO 2u
#define CHECK    0xfcu
#define WHEN     8 /* above these: when, in steps of 16 s, modulo */

#define STEP_MS   16384u /* flow_live.c moves the clock by 256 of them */
#define UDP_STEPS 2

struct entry {
	uint32_t mark;  /* of the key … */
	uint16_t state; /* … as are the bits of CHECK; 0: empty */
	uint16_t pairs;
};

struct bucket {
	alignas(64) struct entry v[WAYS];
};

struct put_out {
	uint64_t seed;
	uint64_t forgotten;
	uint32_t n;
	struct bucket *buckets;
};

struct put_out *
put_out_new(uint64_t seed)
{
	struct put_out *po = calloc(1, sizeof(*po));

	if (po == NULL)
		return NULL;
	po->seed = seed ^ 0x2545f4914f6cdd1du; /* not that of leg_hash */
	po->buckets = alloc_large(BUCKETS * sizeof(struct bucket));
	if (po->buckets == NULL) {
		free(po);
		return NULL;
	}
	return po;
}

void
put_out_free(struct put_out *po)
{
	if (po == NULL)
		return;
	free_large(po->buckets, BUCKETS * sizeof(struct bucket));
	free(po);
}

static struct entry
entry_of(const struct put_out *po, const struct leg_key *key)
{
	uint64_t h = hash_words(po->seed, key, sizeof(*key));

	return (struct entry){ .mark = (uint32_t)h,
		.state = (uint16_t)((h >> 32 & CHECK) | USED) };
}

static bool
is_it(const struct entry *e, const struct entry *wanted)
{
	return e->mark == wanted->mark &&
	    (e->state & (CHECK | USED)) == wanted->state;
}

void
put_out_remember(struct put_out *po, const struct leg_key *key, uint32_t hash,
    uint32_t flags, uint32_t now_ms)
{
	struct entry *b = po->buckets[hash % BUCKETS].v;
	struct entry e = entry_of(po, key);
	int at = 0;

	while (at < WAYS - 1 && b[at].state != 0 && !is_it(&b[at], &e))
		at++;
	if (b[at].state == 0)
		po->n++;
	else if (!is_it(&b[at], &e))
		po->forgotten++;
	for (; at > 0; at--)
		b[at] = b[at - 1];
	if (flags & LEG_FIRST_LO)
		e.state |= FIRST_LO;
	e.state |= (uint16_t)(now_ms / STEP_MS << WHEN);
	e.pairs = (uint16_t)(flags & LEG_PAIRS);
	b[0] = e;
}

bool
put_out_recall(struct put_out *po, const struct leg_key *key, uint32_t hash,
    uint32_t now_ms, uint32_t *flags)
{
	struct entry *b = po->buckets[hash % BUCKETS].v;
	struct entry e;
	uint8_t steps;

	if (po->n == 0)
		return false;
	e = entry_of(po, key);
	for (int i = 0; i < WAYS; i++)
		if (is_it(&b[i], &e)) {
			*flags = b[i].pairs |
			    (b[i].state & FIRST_LO ? LEG_FIRST_LO : 0);
			steps =
			    (uint8_t)(now_ms / STEP_MS - (b[i].state >> WHEN));
			b[i].state = 0;
			po->n--;
			return key->protocol != FLOW_UDP || steps <= UDP_STEPS;
		}
	return false;
}

uint64_t
put_out_forgotten(const struct put_out *po)
{
	return po->forgotten;
}

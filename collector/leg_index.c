/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/leg_index.h"

#include <stddef.h>
#include <string.h>

#include "collector/alloc_large.h"

#define LEGS_A_BUCKET 8 /* when there are as many as there may be */
#define BUCKETS_FIRST ((uint32_t)1024)

_Static_assert(sizeof(struct leg_bucket) == 64, "one line");
_Static_assert(
    offsetof(struct leg_bucket, leg) == 16, "tags are read as 16 bytes");

static size_t
bytes_of(uint32_t buckets)
{
	return (size_t)buckets * sizeof(struct leg_bucket);
}

bool
leg_index_init(struct leg_index *x, uint32_t legs_max)
{
	x->n_max = legs_max / LEGS_A_BUCKET;
	x->mask = (x->n_max < BUCKETS_FIRST ? x->n_max : BUCKETS_FIRST) - 1;
	x->buckets = alloc_large(bytes_of(x->n_max));
	return x->buckets != NULL;
}

void
leg_index_release(struct leg_index *x)
{
	free_large(x->buckets, bytes_of(x->n_max));
	x->buckets = NULL;
}

void
leg_index_clear(struct leg_index *x)
{
	memset(x->buckets, 0, bytes_of(x->mask + 1));
}

void
leg_index_grow(struct leg_index *x)
{
	leg_index_clear(x);
	x->mask = x->mask * 2 + 1;
}

void
leg_index_put(struct leg_index *x, uint32_t hash, uint32_t leg)
{
	uint32_t i = hash & x->mask;
	struct leg_bucket *b = &x->buckets[i];
	unsigned empty, at;

	while ((empty = leg_bucket_with(b, 0)) == 0) {
		b->spilled++;
		i = (i + 1) & x->mask;
		b = &x->buckets[i];
	}
	at = (unsigned)__builtin_ctz(empty);
	b->tag[at] = leg_index_tag(hash);
	b->leg[at] = leg;
}

/* Take it out of this bucket, if it is there. */
static bool
remove_from(struct leg_bucket *b, uint8_t tag, uint32_t leg)
{
	for (unsigned has = leg_bucket_with(b, tag); has != 0; has &= has - 1) {
		unsigned at = (unsigned)__builtin_ctz(has);

		if (b->leg[at] == leg) {
			b->tag[at] = 0;
			return true;
		}
	}
	return false;
}

void
leg_index_remove(struct leg_index *x, uint32_t hash, uint32_t leg)
{
	uint8_t tag = leg_index_tag(hash);
	uint32_t i = hash & x->mask;

	while (!remove_from(&x->buckets[i], tag, leg)) {
		x->buckets[i].spilled--;
		i = (i + 1) & x->mask;
	}
}

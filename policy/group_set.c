/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of groups: a list where they are few and far between, else bits. Making
 * one costs what it holds, so that many small ones cost no more than they say.
 */
#include <string.h>

#include "policy/compiled.h"

#define SORTED_BY_HAND 32

bool
group_scratch_init(
    struct group_scratch *s, struct arena *arena, uint32_t n_groups)
{
	s->bits =
	    arena_calloc(arena, (size_t)n_groups / 64 + 1, sizeof(*s->bits));
	s->groups = arena_calloc(arena, n_groups, sizeof(*s->groups));
	s->n = 0;
	return s->bits != NULL && s->groups != NULL;
}

void
group_scratch_add(struct group_scratch *s, uint32_t group)
{
	uint64_t *word = &s->bits[group / 64], bit = (uint64_t)1 << group % 64;

	if ((*word & bit) != 0)
		return;
	*word |= bit;
	s->groups[s->n++] = group;
}

void
group_scratch_move(struct group_scratch *from, struct group_scratch *to)
{
	for (uint32_t i = 0; i < from->n; i++) {
		group_scratch_add(to, from->groups[i]);
		from->bits[from->groups[i] / 64] = 0;
	}
	from->n = 0;
}

static void
sort_few(uint32_t *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t x = v[i], k = i;

		for (; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

/* Read the words in their order rather than sort. */
static void
list_bits(
    const struct group_scratch *s, uint32_t first, uint32_t end, uint32_t *out)
{
	for (uint32_t i = first; i < end; i++)
		for (uint64_t w = s->bits[i]; w != 0; w &= w - 1)
			*out++ = i * 64 + (uint32_t)__builtin_ctzll(w);
}

static bool
take_list(struct group_scratch *s, struct arena *arena, uint32_t first,
    uint32_t end, struct group_set *out)
{
	uint32_t *list = arena_alloc(arena, s->n * sizeof(*list));

	if (list == NULL)
		return false;
	if (s->n <= SORTED_BY_HAND) {
		memcpy(list, s->groups, s->n * sizeof(*list));
		sort_few(list, s->n);
	} else {
		list_bits(s, first, end, list);
	}
	*out = (struct group_set){
		.in.list = list, .first = FLOW_NONE, .n = s->n
	};
	return true;
}

static bool
take_words(struct group_scratch *s, struct arena *arena, uint32_t first,
    uint32_t end, struct group_set *out)
{
	size_t bytes = (size_t)(end - first) * sizeof(uint64_t);
	uint64_t *words = arena_alloc(arena, bytes);

	if (words == NULL)
		return false;
	memcpy(words, s->bits + first, bytes);
	*out = (struct group_set){
		.in.words = words, .first = first, .n = end - first
	};
	return true;
}

bool
group_scratch_take(
    struct group_scratch *s, struct arena *arena, struct group_set *out)
{
	uint32_t first = UINT32_MAX, end = 0;
	bool is_small, ok;

	*out = (struct group_set){ 0 };
	if (s->n == 0)
		return true;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t word = s->groups[i] / 64;

		first = word < first ? word : first;
		end = word >= end ? word + 1 : end;
	}
	is_small = s->n / 2 < end - first;
	ok = is_small ? take_list(s, arena, first, end, out)
		      : take_words(s, arena, first, end, out);
	for (uint32_t i = 0; i < s->n; i++)
		s->bits[s->groups[i] / 64] = 0;
	s->n = 0;
	return ok;
}

void
group_set_each(const struct group_set *s,
    void (*each)(void *ctx, uint32_t group), void *ctx)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->first == FLOW_NONE) {
			each(ctx, s->in.list[i]);
			continue;
		}
		for (uint64_t w = s->in.words[i]; w != 0; w &= w - 1)
			each(ctx,
			    (s->first + i) * 64 + (uint32_t)__builtin_ctzll(w));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector_pool: each selector of labels alone once, however often the texts
 * of a set of policies write it.
 *
 * Private to policy/. Thousands of policies name the same few hundred peers:
 * whoever compiles them looks a selector up by its address and need not read
 * it again.
 */
#ifndef POLICY_SELECTOR_POOL_H
#define POLICY_SELECTOR_POOL_H

#include <stdint.h>

#include "kube/labels.h"

struct selector_pool {
	const struct label_selector **slots;
	size_t n, n_slots; /* a power of two, or 0 */
	uint64_t seed;     /* selectors are strangers' words */
};

/* All zero is an empty pool, but for the seed. The selectors are not its. */
void selector_pool_release(struct selector_pool *p);

/* The selector that says the same, else a copy of s in arena, which shares its
 * labels. Those with expressions are always copied. NULL: out of memory. */
const struct label_selector *selector_pool_keep(struct selector_pool *p,
    struct arena *arena, const struct label_selector *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: one keyed multiply-fold for the tables that packets fill.
 *
 * Keys come from strangers, so a table takes its seed as a parameter
 * (getrandom(2) at start, fixed in tests). Not cryptographic: tables that
 * use it bound their probe lengths.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 u128;
	u128 m = (u128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t
hash_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* n must be a multiple of 8: fixed-size keys without padding bytes. The seed is
 * in both factors: a word that makes one of them zero cannot be chosen. */
static inline uint64_t
hash_words(uint64_t seed, const void *key, size_t n)
{
	const uint8_t *p = key;
	const uint64_t secret = seed ^ 0xa0761d6478bd642fu;
	uint64_t h = seed ^ 0x9e3779b97f4a7c15u;

	for (; n >= 16; n -= 16, p += 16)
		h = hash_mix(hash_word(p) ^ secret, hash_word(p + 8) ^ h);
	if (n >= 8)
		h = hash_mix(hash_word(p) ^ ~secret, h);
	return hash_mix(h ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u);
}

/* Any number of bytes; for strings and other cold keys. */
uint64_t hash_bytes(uint64_t seed, const void *key, size_t n);
uint64_t hash_string(uint64_t seed, const char *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/hash.h"

uint64_t
hash_bytes(uint64_t seed, const void *key, size_t n)
{
	const uint8_t *p = key;
	uint64_t h = seed ^ (uint64_t)n * 0x9e3779b97f4a7c15u;
	uint8_t tail[8] = { 0 };

	for (; n >= 8; n -= 8, p += 8)
		h = hash_mix(hash_word(p) ^ seed ^ 0xa0761d6478bd642fu, h);
	memcpy(tail, p, n);
	h = hash_mix(hash_word(tail) ^ seed ^ 0xe7037ed1a0b428dbu, h);
	return hash_mix(h ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u);
}

uint64_t
hash_string(uint64_t seed, const char *s)
{
	return hash_bytes(seed, s, strlen(s));
}

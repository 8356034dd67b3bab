/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose: one of two words without a branch, for conditions that are as often
 * true as not.
 */
#ifndef CORE_CHOOSE_H
#define CORE_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t
choose_64(bool first, uint64_t a, uint64_t b)
{
	return b ^ ((a ^ b) & -(uint64_t)first);
}

static inline uint32_t
choose_32(bool first, uint32_t a, uint32_t b)
{
	return b ^ ((a ^ b) & -(uint32_t)first);
}

#endif

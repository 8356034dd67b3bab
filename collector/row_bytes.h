/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_bytes: numbers as bytes of a row in the database, in network order. They
 * are read again by core/cursor.h.
 */
#ifndef COLLECTOR_ROW_BYTES_H
#define COLLECTOR_ROW_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/cursor.h"

/* There is always room: who writes knows the most that it can be. */
struct row_writer {
	uint8_t *p, *end;
};

static inline void
row_put_bytes(struct row_writer *w, const void *v, size_t n)
{
	assert(n <= (size_t)(w->end - w->p));
	memcpy(w->p, v, n);
	w->p += n;
}

/* The n low bytes. */
static inline void
row_put(struct row_writer *w, uint64_t v, unsigned n)
{
	assert(n <= (size_t)(w->end - w->p));
	while (n-- > 0)
		*w->p++ = (uint8_t)(v >> 8 * n);
}

static inline uint64_t
row_u64(struct cursor *c)
{
	uint64_t high = cursor_u32(c);

	return high << 32 | cursor_u32(c);
}

static inline int64_t
row_time(struct cursor *c)
{
	return (int64_t)row_u64(c);
}

/* Is it a time that a clock can show? Then the difference of two, and what the
 * clock is set by, do not overflow. */
static inline bool
row_is_time(int64_t us)
{
	return us >= 0 && us <= INT64_MAX / 4;
}

#endif

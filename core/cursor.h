/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cursor: reads foreign bytes in network order without ever leaving them.
 *
 * A read past the end yields zero and sets the sticky short flag: read ten
 * fields, check once.
 */
#ifndef CORE_CURSOR_H
#define CORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *p, *end;
	bool is_short; /* something was read that is not there */
};

static inline struct cursor
cursor_init(const uint8_t *p, size_t n)
{
	return (struct cursor){ .p = p, .end = p + n };
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL (and short) when fewer are left. */
static inline const uint8_t *
cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (n > cursor_left(c)) {
		c->p = c->end;
		c->is_short = true;
		return NULL;
	}
	c->p += n;
	return p;
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p == NULL ? 0 : p[0];
}

static inline uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return (uint16_t)(p == NULL ? 0 : p[0] << 8 | p[1]);
}

static inline uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

#endif

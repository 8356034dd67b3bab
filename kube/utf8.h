/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: characters of a JSON text, one at a time.
 */
#ifndef KUBE_UTF8_H
#define KUBE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Write the character c, in at most four bytes; where it ends. */
static inline char *
utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* How many bytes the character at p, beyond ASCII, has; 0: it is none. */
static inline size_t
utf8_bytes(const char *p, const char *end)
{
	const unsigned char *b = (const unsigned char *)p;
	size_t n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;

	if (b[0] < 0xc2 || b[0] > 0xf4 || (size_t)(end - p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
	    (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0; /* in too many bytes, a surrogate, or too large */
	return n;
}

#endif

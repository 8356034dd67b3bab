/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/savefile.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)512 * 1024)
#define RECORD_BYTES 16

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO  0xa1b23c4du

static uint32_t
get32(const uint8_t *p, bool swapped)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return swapped ? __builtin_bswap32(v) : v;
}

static uint16_t
get16(const uint8_t *p, bool swapped)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return swapped ? __builtin_bswap16(v) : v;
}

static bool
is_magic(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO;
}

bool
savefile_knows(const uint8_t header[static SAVEFILE_HEADER_BYTES])
{
	bool swapped = !is_magic(get32(header, false));

	return is_magic(get32(header, swapped)) &&
	    get16(header + 4, swapped) == 2 && get16(header + 6, swapped) == 4;
}

bool
savefile_init(struct savefile *s, FILE *file,
    const uint8_t header[static SAVEFILE_HEADER_BYTES])
{
	bool swapped = !is_magic(get32(header, false));

	*s = (struct savefile){
		.file = file,
		.buffer = malloc(BUFFER_BYTES),
		.offset = SAVEFILE_HEADER_BYTES,
		.swapped = swapped,
		.nanoseconds = get32(header, swapped) == MAGIC_NANO,
		.snaplen = get32(header + 16, swapped),
		/* the upper bits tell of frame check sequences */
		.link = (int)(get32(header + 20, swapped) & 0xffff),
	};
	return s->buffer != NULL;
}

void
savefile_release(struct savefile *s)
{
	free(s->buffer);
	s->buffer = NULL;
}

/* Have n bytes at s->at, if the file has them. */
static enum savefile_result
want(struct savefile *s, size_t n)
{
	if (s->end - s->at >= n)
		return SAVEFILE_RECORD;
	memmove(s->buffer, s->buffer + s->at, s->end - s->at);
	s->end -= s->at;
	s->at = 0;
	while (s->end < n) {
		size_t got = fread(
		    s->buffer + s->end, 1, BUFFER_BYTES - s->end, s->file);

		s->end += got;
		if (got != 0)
			continue;
		if (ferror(s->file) != 0)
			return SAVEFILE_ERROR;
		return s->end == 0 ? SAVEFILE_END : SAVEFILE_CUT;
	}
	return SAVEFILE_RECORD;
}

enum savefile_result
savefile_next(struct savefile *s, struct savefile_record *record)
{
	enum savefile_result result = want(s, RECORD_BYTES);
	const uint8_t *h = s->buffer + s->at;
	uint32_t fraction;

	if (result != SAVEFILE_RECORD)
		return result;
	record->captured = get32(h + 8, s->swapped);
	record->wire_len = get32(h + 12, s->swapped);
	if (record->captured > SAVEFILE_RECORD_MAX)
		return SAVEFILE_CORRUPT;
	result = want(s, RECORD_BYTES + record->captured);
	if (result != SAVEFILE_RECORD)
		return result;
	h = s->buffer + s->at;
	fraction = get32(h + 4, s->swapped);
	if (s->nanoseconds)
		fraction /= 1000;
	record->ts_us = (int64_t)get32(h, s->swapped) * 1000000 + fraction;
	record->data = h + RECORD_BYTES;
	s->at += RECORD_BYTES + record->captured;
	s->offset += RECORD_BYTES + record->captured;
	return SAVEFILE_RECORD;
}

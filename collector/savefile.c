/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/savefile.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Read at once: it stays in the core's own cache until it is looked at. Less
 * than a record of what was read before is in front of it. */
#define READ_BYTES   ((size_t)128 * 1024)
#define BUFFER_BYTES (SAVEFILE_RECORD_BYTES + SAVEFILE_RECORD_MAX + READ_BYTES)

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
savefile_init(struct savefile *s, int fd,
    const uint8_t header[static SAVEFILE_HEADER_BYTES])
{
	bool swapped = !is_magic(get32(header, false));

	*s = (struct savefile){
		.fd = fd,
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

/* Read on behind s->end: how much it was, 0 at the end, -1. */
static ssize_t
read_more(const struct savefile *s)
{
	ssize_t got;

	do
		got = read(s->fd, s->buffer + s->end, READ_BYTES);
	while (got < 0 && errno == EINTR);
	return got;
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
		ssize_t got = read_more(s);

		if (got < 0)
			return SAVEFILE_ERROR;
		if (got == 0)
			return s->end == 0 ? SAVEFILE_END : SAVEFILE_CUT;
		s->end += (size_t)got;
	}
	return SAVEFILE_RECORD;
}

enum savefile_result
savefile_fill(struct savefile *s)
{
	enum savefile_result result = want(s, SAVEFILE_RECORD_BYTES);
	uint32_t captured;

	if (result != SAVEFILE_RECORD)
		return result;
	captured = savefile_header(s).word[2];
	if (captured > SAVEFILE_RECORD_MAX)
		return SAVEFILE_CORRUPT;
	return want(s, SAVEFILE_RECORD_BYTES + captured);
}

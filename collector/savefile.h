/* SPDX-License-Identifier: Apache-2.0 */
/*
 * savefile: the records of a classic pcap file, read in large pieces.
 *
 * libpcap reads each record with two small reads and costs four times what
 * the bytes themselves cost; a capture of ten million packets is the daily
 * work of collect, so its most usual format has a reader of its own
 * (bench/README.md has the measurement). Only version 2.4 in its four magics;
 * everything else stays with libpcap.
 *
 * What it gives is what libpcap gives (test_savefile.c compares), but that
 * libpcap drops what a record has beyond the file's snaplen, and takes seconds
 * after 2038 for ones before 1970.
 */
#ifndef COLLECTOR_SAVEFILE_H
#define COLLECTOR_SAVEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SAVEFILE_HEADER_BYTES 24
#define SAVEFILE_RECORD_BYTES 16 /* in front of a record's data */
#define SAVEFILE_RECORD_MAX   ((uint32_t)256 * 1024)

struct savefile {
	int fd; /* borrowed; only savefile reads from it */
	uint8_t *buffer;
	size_t at, end;  /* of what is in the buffer and not taken yet */
	uint64_t offset; /* of at, in the file */
	bool swapped, nanoseconds;
	uint32_t snaplen;
	int link;
};

enum savefile_result {
	SAVEFILE_RECORD,
	SAVEFILE_END,
	SAVEFILE_CUT,     /* the file ends inside of a record */
	SAVEFILE_CORRUPT, /* a record of impossible length */
	SAVEFILE_ERROR    /* reading failed, errno says how */
};

struct savefile_record {
	int64_t ts_us;
	const uint8_t *data; /* borrowed until the next call */
	uint32_t captured, wire_len;
};

/* Does this file header announce a format that savefile reads? */
bool savefile_knows(const uint8_t header[static SAVEFILE_HEADER_BYTES]);

/* Begin behind the header, which was read. false: out of memory. */
bool savefile_init(struct savefile *s, int fd,
    const uint8_t header[static SAVEFILE_HEADER_BYTES]);
void savefile_release(struct savefile *s);

/* Microseconds of a record. A fraction of a second or more is no time: then
 * the second alone is known. */
static inline uint32_t
savefile_fraction(uint32_t fraction, bool nanoseconds)
{
	if (nanoseconds)
		fraction /= 1000;
	return fraction < 1000000 ? fraction : 0;
}

/* The part of savefile_next that most records have no need of: have a whole
 * record at s->at, if the file has one. */
enum savefile_result savefile_fill(struct savefile *s);

/* A record's header: seconds, their fraction, bytes captured, bytes there. */
struct savefile_header {
	uint32_t word[SAVEFILE_RECORD_BYTES / 4];
};

static inline struct savefile_header
savefile_header(const struct savefile *s)
{
	struct savefile_header h;

	memcpy(&h, s->buffer + s->at, sizeof(h));
	for (size_t i = 0; s->swapped && i < SAVEFILE_RECORD_BYTES / 4; i++)
		h.word[i] = __builtin_bswap32(h.word[i]);
	return h;
}

/* Is a whole record, of possible length, at s->at? */
static inline bool
savefile_is_ready(const struct savefile *s)
{
	size_t have = s->end - s->at;
	uint32_t captured;

	if (have < SAVEFILE_RECORD_BYTES)
		return false;
	captured = savefile_header(s).word[2];
	return captured <= SAVEFILE_RECORD_MAX &&
	    captured <= have - SAVEFILE_RECORD_BYTES;
}

static inline enum savefile_result
savefile_next(struct savefile *s, struct savefile_record *record)
{
	struct savefile_header h;
	size_t step;

	if (!savefile_is_ready(s)) {
		enum savefile_result result = savefile_fill(s);

		if (result != SAVEFILE_RECORD)
			return result;
	}
	h = savefile_header(s);
	record->ts_us = (int64_t)h.word[0] * 1000000 +
	    savefile_fraction(h.word[1], s->nanoseconds);
	record->captured = h.word[2];
	record->wire_len = h.word[3];
	record->data = s->buffer + s->at + SAVEFILE_RECORD_BYTES;
	step = SAVEFILE_RECORD_BYTES + (size_t)record->captured;
	s->at += step;
	s->offset += step;
	return SAVEFILE_RECORD;
}

#endif

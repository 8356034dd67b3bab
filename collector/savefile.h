/* SPDX-License-Identifier: Apache-2.0 */
/*
 * savefile: the records of a classic pcap file, read in large pieces.
 *
 * libpcap reads each record with two small reads and costs four times what
 * the bytes themselves cost; a capture of ten million packets is the daily
 * work of collect, so its most usual format has a reader of its own
 * (bench/README.md has the measurement). Only version 2.4 in its four magics;
 * everything else stays with libpcap.
 */
#ifndef COLLECTOR_SAVEFILE_H
#define COLLECTOR_SAVEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SAVEFILE_HEADER_BYTES 24
#define SAVEFILE_RECORD_MAX   ((uint32_t)256 * 1024)

struct savefile {
	FILE *file; /* borrowed; only savefile reads from it */
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
	SAVEFILE_ERROR    /* the stream failed, errno says how */
};

struct savefile_record {
	int64_t ts_us;
	const uint8_t *data; /* borrowed until the next call */
	uint32_t captured, wire_len;
};

/* Does this file header announce a format that savefile reads? */
bool savefile_knows(const uint8_t header[static SAVEFILE_HEADER_BYTES]);

/* Begin behind the header. false: out of memory. */
bool savefile_init(struct savefile *s, FILE *file,
    const uint8_t header[static SAVEFILE_HEADER_BYTES]);
void savefile_release(struct savefile *s);

enum savefile_result savefile_next(
    struct savefile *s, struct savefile_record *record);

#endif

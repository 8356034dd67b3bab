/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake: frames in, batches of packets to the flow table out.
 *
 * What file and live collecting have in common: decode, count what could not
 * be used, and keep DNS messages until their batch is taken. One thread.
 */
#ifndef COLLECTOR_INTAKE_H
#define COLLECTOR_INTAKE_H

#include "collector/aggregate.h"
#include "collector/capture.h"
#include "collector/flow_table.h"
#include "collector/names.h"
#include "collector/resolve.h"

#define INTAKE_DNS_BYTES 512 /* kept of a DNS message, a multiple of 16 */

/* An answer of a DNS server, kept until its packet has been taken. */
struct intake_answer {
	uint64_t mark; /* names_mark(); 0: nothing is kept of it */
	uint32_t at;   /* in intake.dns */
	uint16_t n;    /* bytes kept */
	uint16_t packet;
};

struct intake {
	struct flow_sighting sightings[FLOW_TABLE_BATCH];
	struct flow_table *ft; /* borrowed, as is names */
	struct names *names;
	struct intake *next; /* flushed after this one, or not known: NULL */
	uint32_t n_batch, n_answers;
	uint32_t n_dns; /* bytes in use below, one message behind the other */
	struct intake_answer answers[FLOW_TABLE_BATCH];
	uint8_t dns[FLOW_TABLE_BATCH * INTAKE_DNS_BYTES];
};

/* Where frames are captured: see struct packet. */
struct intake_at {
	uint8_t point, place;
};

/*
 * Decode one frame of link type link into the batch, and count it in cov.
 * true: the batch is full and must be flushed.
 */
bool intake_decode(struct intake *in, const struct capture_frame *f, int link,
    struct intake_at at, struct coverage *cov);

/* The same, with a full batch going to the flow table at once. */
void intake_frame(struct intake *in, const struct capture_frame *f, int link,
    struct intake_at at, struct coverage *cov);

/* Hand over what waits for its batch to be full. */
void intake_flush(struct intake *in);

/* Forget it: the batch is empty again. */
void intake_clear(struct intake *in);

#endif

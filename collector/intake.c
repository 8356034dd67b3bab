/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/intake.h"

#include <string.h>

#include "collector/decode.h"
#include "collector/dns.h"
#include "core/bring.h"

#define AHEAD 6 /* packets */

void
intake_clear(struct intake *in)
{
	in->next = NULL;
	in->n_batch = in->n_answers = 0;
	in->n_dns = 0;
}

void
intake_flush(struct intake *in)
{
	bool first_copy[FLOW_TABLE_BATCH];

	if (in->next != NULL)
		flow_table_expect(
		    in->ft, in->next->sightings, in->next->n_batch);
	flow_table_take(in->ft, in->sightings, in->n_batch, first_copy);
	for (size_t i = 0; i < in->n_answers; i++) {
		const struct intake_answer *a = &in->answers[i];
		const struct flow_sighting *s = &in->sightings[a->packet];

		if (!first_copy[a->packet])
			continue;
		if (a->mark == 0)
			names_count(in->names);
		else
			names_read(in->names, leg_ends(&s->key, s->from_lo).dst,
			    in->dns + a->at, a->n, a->mark, s->ts_us);
	}
	intake_clear(in);
}

/* Of at least a header. Most messages are of a few dozen bytes, for which
 * memcpy(3), inlined or not, is slow to begin. */
static inline void
copy_message(uint8_t *to, const uint8_t *from, size_t n)
{
	size_t i;

	for (i = 0; i + 16 < n; i += 16)
		memcpy(to + i, from + i, 16);
	if (n - i > 8)
		memcpy(to + i, from + i, 8);
	memcpy(to + n - 8, from + n - 8, 8);
}

/* The frame's bytes are gone after the next one is read: of payloads only what
 * DNS servers answer is of use later, so that is kept until the batch is done;
 * where there is nothing to learn from it, only that there was one. */
static void
keep_answer(struct intake *in, const struct packet *p)
{
	struct intake_answer *a = &in->answers[in->n_answers];
	uint32_t n = p->payload_captured;

	if (p->payload == NULL || p->protocol != FLOW_UDP ||
	    !dns_is_port(p->sport) || dns_is_query(p->payload, n))
		return;
	if (n > INTAKE_DNS_BYTES)
		n = INTAKE_DNS_BYTES;
	a->mark = names_mark(in->names, p->payload, n);
	if (a->mark == 0)
		n = 0;
	else
		copy_message(in->dns + in->n_dns, p->payload, n);
	a->at = in->n_dns;
	a->n = (uint16_t)n;
	a->packet = (uint16_t)in->n_batch;
	in->n_dns += (n + 15) & ~15u;
	in->n_answers++;
}

static void
count_result(struct coverage *cov, enum decode_result result)
{
	switch (result) {
	case DECODE_OK:
		break;
	case DECODE_TRUNCATED:
		cov->truncated++;
		break;
	case DECODE_MALFORMED:
		cov->malformed++;
		break;
	case DECODE_UNSUPPORTED:
		cov->unsupported++;
		break;
	case DECODE_NON_IP:
		cov->non_ip++;
		break;
	case DECODE_ICMP:
		cov->icmp++;
		break;
	case DECODE_IGNORED:
		cov->ignored++;
		break;
	}
}

/* What the packets behind this one will be written to was read by another core,
 * and comes from there while this one is decoded. */
static inline void
bring_ahead(struct intake *in)
{
	size_t i = in->n_batch + AHEAD;

	if (i < FLOW_TABLE_BATCH) {
		bring_line_to_write(&in->sightings[i]);
		bring_line_to_write(&in->sightings[i].seq);
	}
}

bool
intake_decode(struct intake *in, const struct capture_frame *f, int link,
    struct intake_at at, struct coverage *cov)
{
	enum decode_result result;
	struct packet p;

	bring_ahead(in);
	if (cov->packets++ == 0 || f->ts_us < cov->from_us)
		cov->from_us = f->ts_us;
	if (f->ts_us > cov->to_us)
		cov->to_us = f->ts_us;
	result = decode(&p, link, f->data, f->captured, f->wire_len);
	if (result != DECODE_OK) {
		count_result(cov, result);
		return false;
	}
	cov->fragments += p.fragment;
	p.ts_us = f->ts_us;
	p.point = at.point;
	p.place = at.place;
	flow_table_sight(in->ft, &p, &in->sightings[in->n_batch]);
	keep_answer(in, &p);
	return ++in->n_batch == FLOW_TABLE_BATCH;
}

void
intake_frame(struct intake *in, const struct capture_frame *f, int link,
    struct intake_at at, struct coverage *cov)
{
	if (intake_decode(in, f, link, at, cov))
		intake_flush(in);
}

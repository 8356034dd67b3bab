/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/intake.h"

#include <string.h>

#include "collector/decode.h"

void
intake_flush(struct intake *in)
{
	bool first_copy[FLOW_TABLE_BATCH];

	flow_table_take(in->ft, in->sightings, in->n_batch, first_copy);
	for (size_t i = 0; i < in->n_batch; i++) {
		const struct packet *p = &in->batch[i];

		if (first_copy[i] && p->payload != NULL &&
		    (p->sport == 53 || p->sport == 5353))
			names_read(in->names, &p->dst, p->payload,
			    p->payload_captured, p->ts_us);
	}
	in->n_batch = 0;
}

/* The frame's bytes are gone after the next one is read: of payloads only DNS
 * messages are of use, so those are kept until the batch is done. */
static void
keep_payload(struct intake *in, struct packet *p)
{
	uint32_t n = p->payload_captured;

	if (p->payload == NULL || p->protocol != FLOW_UDP ||
	    (p->sport != 53 && p->dport != 53 && p->sport != 5353 &&
		p->dport != 5353)) {
		p->payload = NULL;
		p->payload_captured = 0;
		return;
	}
	if (n > INTAKE_DNS_BYTES)
		n = INTAKE_DNS_BYTES;
	memcpy(in->dns[in->n_batch], p->payload, n);
	p->payload = in->dns[in->n_batch];
	p->payload_captured = n;
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

bool
intake_decode(struct intake *in, const struct capture_frame *f, int link,
    uint8_t point, struct coverage *cov)
{
	struct packet *p = &in->batch[in->n_batch];
	enum decode_result result;

	if (cov->packets++ == 0 || f->ts_us < cov->from_us)
		cov->from_us = f->ts_us;
	if (f->ts_us > cov->to_us)
		cov->to_us = f->ts_us;
	result = decode(p, link, f->data, f->captured, f->wire_len);
	if (result != DECODE_OK) {
		count_result(cov, result);
		return false;
	}
	cov->fragments += p->fragment;
	p->ts_us = f->ts_us;
	p->point = point;
	keep_payload(in, p);
	flow_table_sight(in->ft, p, &in->sightings[in->n_batch]);
	return ++in->n_batch == FLOW_TABLE_BATCH;
}

void
intake_frame(struct intake *in, const struct capture_frame *f, int link,
    uint8_t point, struct coverage *cov)
{
	if (intake_decode(in, f, link, point, cov))
		intake_flush(in);
}

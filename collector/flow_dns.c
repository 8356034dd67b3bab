/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which questions of a DNS exchange over UDP still wait for their answer, by
 * their ids (RFC 1035 section 4.1.1). A client asks for both families from one
 * socket, so two are kept. When none waits, the exchange is over and its ports
 * may come round within seconds; while one does, a resolver may ask again.
 *
 * One socket may have its two questions seconds apart, the second under the
 * first's id, or have an answer repeated: of exchanges that are over the ids
 * are kept for as long as one that waits, so that those are not told twice.
 */
#include <string.h>

#include "collector/decode_internal.h"
#include "collector/dns.h"
#include "collector/flow_internal.h"

#define ASKED   ((uint32_t)1 << 16) /* beside the id in question[] */
#define WAITING ((uint32_t)1 << 17)
#define MIX     UINT64_C(0x9e3779b97f4a7c15)

static void
ask(struct leg *leg, uint32_t id)
{
	uint32_t q = id | ASKED | WAITING;

	for (int i = 0; i < 2; i++)
		if ((leg->question[i] | WAITING) == q) {
			leg->question[i] = q;
			return;
		}
	leg->question[1] = leg->question[0];
	leg->question[0] = q;
}

static void
answer(struct leg *leg, uint32_t id)
{
	for (int i = 0; i < 2; i++)
		if (leg->question[i] == (id | ASKED | WAITING))
			leg->question[i] &= ~WAITING;
}

static bool
has_id(const struct packet *p)
{
	return p->payload_captured >= DNS_HEADER_BYTES;
}

void
flow_dns_note(struct leg *leg, const struct packet *p, bool from_lo)
{
	bool is_answer;

	if (!has_id(p))
		return;
	is_answer = (p->payload[2] & 0x80) != 0;
	leg->flags |= LEG_CLIENT << (is_answer ? !from_lo : from_lo);
	if (is_answer)
		answer(leg, load_be16(p->payload));
	else
		ask(leg, load_be16(p->payload));
}

bool
flow_dns_had(const struct leg *leg, const struct packet *p)
{
	uint32_t q;

	if (!has_id(p))
		return false;
	q = load_be16(p->payload) | ASKED;
	return (leg->question[0] & ~WAITING) == q ||
	    (leg->question[1] & ~WAITING) == q;
}

/* What a question is remembered by: place and check, from different bits. */
static uint32_t
hash_of(const struct flow_table *ft, uint32_t ports, uint32_t id, size_t *at)
{
	uint64_t q = (uint64_t)ports << 16 | (id & 0xffff);
	uint64_t h = hash_mix(q ^ ft->config.seed, MIX);

	*at = (h >> 32) % (FLOW_ASKED / FLOW_ASKED_WAYS) * FLOW_ASKED_WAYS;
	return (uint32_t)h | 1; /* 0 is nothing */
}

void
flow_dns_remember(struct flow_table *ft, const struct leg *leg)
{
	for (int i = 0; i < 2; i++) {
		struct flow_asked *b;
		uint32_t hash;
		size_t at;

		if (!(leg->question[i] & ASKED))
			continue;
		hash = hash_of(ft, leg->hash, leg->question[i], &at);
		b = &ft->asked[at];
		for (int k = FLOW_ASKED_WAYS - 1; k > 0; k--)
			b[k] = b[k - 1];
		b[0] = (struct flow_asked){ hash, leg->last_ms };
	}
}

static inline void
bring_bucket(const struct flow_table *ft, size_t at)
{
	bring_line(&ft->asked[at]);
	bring_line(&ft->asked[at + FLOW_ASKED_WAYS / 2]);
}

void
flow_dns_bring(
    const struct flow_table *ft, uint32_t ports, const struct packet *p)
{
	size_t at;

	if (!has_id(p))
		return;
	(void)hash_of(ft, ports, load_be16(p->payload), &at);
	bring_bucket(ft, at);
}

void
flow_dns_bring_end(const struct flow_table *ft, const struct leg *leg)
{
	size_t at;

	for (int i = 0; i < 2; i++)
		if (leg->question[i] & ASKED) {
			(void)hash_of(ft, leg->hash, leg->question[i], &at);
			bring_bucket(ft, at);
		}
}

bool
flow_dns_is_more(
    const struct flow_table *ft, uint32_t ports, const struct packet *p)
{
	const struct flow_asked *b;
	uint32_t hash;
	size_t at;

	if (!has_id(p))
		return false;
	hash = hash_of(ft, ports, load_be16(p->payload), &at);
	b = &ft->asked[at];
	for (int i = 0; i < FLOW_ASKED_WAYS; i++)
		if (b[i].hash == hash &&
		    ft->now_ms - b[i].ms <= FLOW_TABLE_DNS_MS)
			return true;
	return false;
}

bool
flow_dns_is_over(const struct leg *leg)
{
	return (leg->flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA) &&
	    (leg->question[0] & (ASKED | WAITING)) == ASKED &&
	    (leg->question[1] & WAITING) == 0;
}

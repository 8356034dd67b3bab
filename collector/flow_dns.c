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
#include "collector/flow_internal.h"
#include "core/choose.h"

#define ASKED   ((uint32_t)1 << 16) /* beside the id in question[] */
#define WAITING ((uint32_t)1 << 17)
#define STEP_MS 16

_Static_assert(sizeof(struct flow_asked_bucket) == 64, "one line");

/*
 * A question waits from now on, an answer ends its wait. Every other message is
 * the one and every other the other, in an order that no processor foresees, so
 * all cases are worked out at once and none takes a branch.
 */
static inline void
note_question(struct leg *leg, uint32_t id, bool asks)
{
	uint32_t q = id | ASKED | WAITING, a = leg->question[0],
		 b = leg->question[1];
	uint32_t now = q - WAITING * !asks;
	bool is_a = (a | WAITING) == q, is_b = (b | WAITING) == q;
	bool is_new = asks & !is_a & !is_b;

	leg->question[0] = choose_32(is_new | is_a, now, a);
	leg->question[1] = choose_32(is_new, a, choose_32(is_b, now, b));
}

void
flow_dns_note(struct leg *leg, const struct flow_sighting *s)
{
	bool asks = s->dns == SIGHTING_QUESTION;

	if (s->dns == SIGHTING_NO_DNS)
		return;
	/* An answer may be one that nobody asked for. */
	leg->flags |= (asks ? LEG_CLIENT : 0) << s->from_lo;
	leg->asker = s->dns_asker;
	note_question(leg, s->dns_id, asks);
}

bool
flow_dns_had(const struct leg *leg, const struct flow_sighting *s)
{
	uint32_t q = s->dns_id | ASKED;

	return s->dns != SIGHTING_NO_DNS &&
	    ((leg->question[0] & ~WAITING) == q ||
		(leg->question[1] & ~WAITING) == q);
}

/* Of who asks; never 0. */
static uint16_t
mark_of(uint32_t asker)
{
	return (uint16_t)(asker * 0x9e3779b1u >> 16 | 1);
}

static uint16_t
steps_of(uint32_t ms)
{
	return (uint16_t)(ms / STEP_MS);
}

/* How old its oldest is, as of now; where one is free, older than all, and the
 * more of them are. */
static uint32_t
age_of(const struct flow_asked_bucket *b, uint16_t now)
{
	uint32_t i = b->oldest;

	if (b->asker[i] == 0)
		return UINT16_MAX + FLOW_ASKED_WAYS - i;
	return (uint16_t)(now - b->when[i]);
}

/* Another leg of an exchange that is there: true. */
static bool
renew(struct flow_asked_bucket *b, uint16_t asker, const uint32_t q[static 2],
    uint16_t when)
{
	for (unsigned i = 0; i < FLOW_ASKED_WAYS; i++)
		if (b->asker[i] == asker && b->id[i][0] == (uint16_t)q[0]) {
			b->when[i] = when;
			if (q[1] & ASKED)
				b->id[i][1] = (uint16_t)q[1];
			return true;
		}
	return false;
}

void
flow_dns_remember(struct flow_table *ft, const struct leg *leg)
{
	const uint32_t *q = leg->question;
	struct flow_asked_bucket *b = flow_dns_bucket(ft, leg->asker, false);
	struct flow_asked_bucket *c = flow_dns_bucket(ft, leg->asker, true);
	uint16_t now = steps_of(ft->now_ms), when = steps_of(leg->last_ms);
	uint16_t mark = mark_of(leg->asker);
	uint32_t i;

	if (!(q[0] & ASKED) || renew(b, mark, q, when) ||
	    renew(c, mark, q, when))
		return;
	if (age_of(c, now) > age_of(b, now))
		b = c;
	i = b->oldest;
	b->asker[i] = mark;
	b->when[i] = when;
	b->id[i][0] = (uint16_t)q[0];
	b->id[i][1] = (uint16_t)q[q[1] & ASKED ? 1 : 0];
	b->oldest = (i + 1) % FLOW_ASKED_WAYS;
}

static bool
bucket_has(const struct flow_asked_bucket *b, uint16_t asker, uint16_t id,
    uint16_t now)
{
	unsigned found = 0;

	/* all at once, as it is rare */
	for (unsigned i = 0; i < FLOW_ASKED_WAYS + 1; i++)
		found |= b->asker[i] == asker;
	if (!found)
		return false;
	for (unsigned i = 0; i < FLOW_ASKED_WAYS; i++)
		if (b->asker[i] == asker &&
		    (b->id[i][0] == id || b->id[i][1] == id) &&
		    (uint16_t)(now - b->when[i]) <= FLOW_TABLE_DNS_MS / STEP_MS)
			return true;
	return false;
}

bool
flow_dns_is_more(const struct flow_table *ft, const struct flow_sighting *s)
{
	uint16_t mark = mark_of(s->dns_asker), now = steps_of(ft->now_ms);
	const struct flow_asked_bucket *b, *c;

	if (s->dns == SIGHTING_NO_DNS)
		return false;
	b = flow_dns_bucket(ft, s->dns_asker, false);
	c = flow_dns_bucket(ft, s->dns_asker, true);
	return bucket_has(b, mark, s->dns_id, now) ||
	    bucket_has(c, mark, s->dns_id, now);
}

bool
flow_dns_is_over(const struct leg *leg)
{
	return (leg->flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA) &&
	    (leg->question[0] & (ASKED | WAITING)) == ASKED &&
	    (leg->question[1] & WAITING) == 0;
}

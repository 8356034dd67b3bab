/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which questions of a DNS exchange over UDP still wait for their answer, by
 * their ids (RFC 1035 section 4.1.1). A client asks for both families from one
 * socket, so two are kept. When none waits, the exchange is over and its ports
 * may come round within seconds; while one does, a resolver may ask again.
 */
#include "collector/decode_internal.h"
#include "collector/flow_internal.h"

#define HEADER_BYTES 12
#define ASKED        ((uint32_t)1 << 16) /* beside the id in question[] */
#define WAITING      ((uint32_t)1 << 17)

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

void
flow_dns_note(struct leg *leg, const struct packet *p, bool from_lo)
{
	bool is_answer;

	if (p->payload_captured < HEADER_BYTES)
		return;
	is_answer = (p->payload[2] & 0x80) != 0;
	leg->flags |= LEG_CLIENT << (is_answer ? !from_lo : from_lo);
	if (is_answer)
		answer(leg, load_be16(p->payload));
	else
		ask(leg, load_be16(p->payload));
}

bool
flow_dns_is_over(const struct leg *leg)
{
	return (leg->flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA) &&
	    (leg->question[0] & (ASKED | WAITING)) == ASKED &&
	    (leg->question[1] & WAITING) == 0;
}

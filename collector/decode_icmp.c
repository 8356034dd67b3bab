/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP and ICMPv6: which of them refuse a packet, and which packet.
 *
 * Only "destination unreachable" refuses. Time exceeded, parameter problems,
 * redirects and a path MTU say that a packet was lost on its way, not that
 * nobody may have it.
 */
#include "collector/decode_internal.h"

enum {
	ICMP_BYTES = 8,
	ICMP_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4, /* a code of ICMP_UNREACHABLE */
	ICMPV6_UNREACHABLE = 1,
	QUOTED_BYTES = 8,      /* RFC 792: at least so much is quoted */
	SCTP_INIT_QUOTED = 20, /* up to an INIT's own tag */
	SCTP_INIT_CHUNK = 1
};

static bool
is_refusal(const uint8_t *b, uint8_t protocol)
{
	if (protocol == IP_PROTOCOL_ICMPV6)
		return b[0] == ICMPV6_UNREACHABLE;
	return b[0] == ICMP_UNREACHABLE && b[1] != ICMP_FRAGMENTATION_NEEDED;
}

enum decode_result
decode_icmp(struct packet *p, struct layer l, uint8_t protocol)
{
	struct layer quoted;
	enum decode_result r;
	uint32_t ip_bytes = p->ip_bytes;

	if (l.captured < 2)
		return layer_short(l, 2);
	if (!is_refusal(l.p, protocol))
		return DECODE_ICMP;
	if (l.captured < ICMP_BYTES)
		return layer_short(l, ICMP_BYTES);
	p->icmp_error = true;
	quoted = layer_after(l, ICMP_BYTES);
	quoted.partial = true;
	r = protocol == IP_PROTOCOL_ICMPV6 ? decode_ipv6(p, quoted)
					   : decode_ipv4(p, quoted);
	p->ip_bytes = ip_bytes;
	return r;
}

enum decode_result
decode_quoted(struct packet *p, struct layer l)
{
	const uint8_t *b = l.p;

	if (p->protocol != FLOW_TCP && p->protocol != FLOW_UDP &&
	    p->protocol != FLOW_SCTP)
		return DECODE_ICMP;
	if (decode_is_ignored(p))
		return DECODE_IGNORED;
	if (l.captured < QUOTED_BYTES)
		return layer_short(l, QUOTED_BYTES);
	p->sport = load_be16(b);
	p->dport = load_be16(b + 2);
	if (p->protocol == FLOW_UDP)
		/* of an overlay it was the outer packet, which is no flow */
		return decode_is_overlay_port(p->dport) ? DECODE_ICMP
							: DECODE_OK;
	p->seq = load_be32(b + 4);
	if (p->protocol == FLOW_SCTP && l.captured >= SCTP_INIT_QUOTED &&
	    b[12] == SCTP_INIT_CHUNK)
		p->seq = load_be32(b + 16);
	return DECODE_OK;
}

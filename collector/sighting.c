/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sighting.h"

#include <stddef.h>

#include "collector/decode_internal.h"
#include "collector/dns.h"
#include "core/flow.h"

_Static_assert(sizeof(struct flow_sighting) == 128, "two lines of the cache");
_Static_assert(
    offsetof(struct flow_sighting, seq) == 64, "the first one is full");

static uint32_t
tap_of(const struct packet *p)
{
	return p->ifindex << 11 | (uint32_t)p->place << 5 |
	    (uint32_t)p->type << 2 | (uint32_t)p->tunneled << 1 | 1;
}

static uint32_t
tcp_bits(const struct packet *p)
{
	uint32_t bits = p->payload_bytes != 0 ? LEG_DATA : 0;

	if ((p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0)
		return bits;
	if (p->tcp_flags & TCP_SYN)
		bits |= p->tcp_flags & TCP_ACK ? LEG_SYNACK : LEG_SYN;
	if (p->tcp_flags & TCP_FIN)
		bits |= LEG_FIN;
	if (p->tcp_flags & TCP_RST)
		bits |= LEG_RST;
	return bits;
}

static uint32_t
sctp_bits(const struct packet *p)
{
	uint32_t bits = 0;

	if (p->tcp_flags & SCTP_INIT)
		bits |= LEG_SYN;
	if (p->tcp_flags & SCTP_INIT_ACK)
		bits |= LEG_SYNACK;
	if (p->tcp_flags & SCTP_ABORT)
		bits |= LEG_RST;
	if (p->tcp_flags & SCTP_SHUTDOWN)
		bits |= LEG_FIN;
	if (p->tcp_flags & SCTP_DATA)
		bits |= LEG_DATA;
	return bits;
}

/* Anybody's packet may be answered by a reset, which says nothing of who sends
 * it but that. */
static uint32_t
bits_of(const struct packet *p)
{
	uint32_t bits;

	if (p->protocol == FLOW_UDP)
		return LEG_SEEN | LEG_DATA;
	bits = p->protocol == FLOW_TCP ? tcp_bits(p) : sctp_bits(p);
	return bits & LEG_RST ? LEG_RST : LEG_SEEN | bits;
}

static uint32_t
hash_socket(const struct ip_addr *ip, uint16_t port, uint64_t seed)
{
	uint64_t h = hash_mix(hash_word(ip->b) ^ seed,
	    hash_word(ip->b + 8) ^ 0xe7037ed1a0b428dbu);

	return (uint32_t)hash_mix(h ^ port, seed ^ 0x8ebc6af09c88c6e3u);
}

/* What of a datagram says which one it is, and of a DNS message which exchange
 * it is of. */
static inline void
read_payload(struct flow_sighting *s, const struct packet *p, uint64_t seed)
{
	s->dns = SIGHTING_NO_DNS;
	s->mark.head = 0;
	if (p->protocol != FLOW_UDP || p->payload_captured < 2)
		return;
	s->mark.head = load_be16(p->payload);
	if (p->payload_captured < DNS_HEADER_BYTES ||
	    !(dns_is_port(p->sport) || dns_is_port(p->dport)) ||
	    !dns_is_message(p->payload))
		return;
	if (p->payload[2] & 0x80) {
		s->dns = SIGHTING_ANSWER;
		s->dns_asker = hash_socket(&p->dst, p->dport, seed);
	} else {
		s->dns = SIGHTING_QUESTION;
		s->dns_asker = hash_socket(&p->src, p->sport, seed);
	}
	s->dns_id = s->mark.head;
}

void
sighting_of(struct flow_sighting *s, const struct packet *p, uint64_t seed)
{
	s->from_lo = leg_key_of(&s->key, p);
	s->hash = leg_hash(&s->key, seed);
	s->ts_us = p->ts_us;
	s->tap = tap_of(p);
	s->ip_bytes = p->ip_bytes;
	s->bits = (uint16_t)bits_of(p);
	s->fragment = p->fragment;
	s->more_fragments = p->more_fragments;
	s->icmp_error = p->icmp_error;
	s->seq = p->seq;
	s->ack = p->ack;
	s->tsval = p->tsval;
	s->payload_bytes = p->payload_bytes;
	s->ip_id = p->ip_id;
	s->ifindex = p->ifindex;
	s->payload_sum = p->payload_sum;
	s->tcp_flags = p->tcp_flags;
	s->type = p->type;
	s->point = p->point;
	s->marked = false;
	read_payload(s, p, seed);
}

void
sighting_set_ports(
    struct flow_sighting *s, uint16_t sport, uint16_t dport, uint64_t seed)
{
	struct leg_ends ends = leg_ends(&s->key, s->from_lo);
	const struct packet p = { .src = *ends.src,
		.dst = *ends.dst,
		.sport = sport,
		.dport = dport,
		.protocol = s->key.protocol };

	s->from_lo = leg_key_of(&s->key, &p);
	s->hash = leg_hash(&s->key, seed);
	s->bits &= LEG_SEEN | LEG_DATA;
	s->tcp_flags = 0;
}

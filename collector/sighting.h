/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sighting: a packet on its way into the flow table, and what follows from it
 * alone.
 *
 * Decoding and the flow table have a thread each, and to bring a line of the
 * cache from one core to the other takes as long as decoding a packet. So a
 * sighting has all that the table wants of a packet, and of most packets that
 * is in its first line; a line that the other thread does not read stays where
 * it was written. Private to the flow table and those who fill it.
 */
#ifndef COLLECTOR_SIGHTING_H
#define COLLECTOR_SIGHTING_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/leg.h"
#include "collector/packet.h"

/* What a packet is known again by, within a bucket of marks. */
struct leg_join_tag {
	/* Of the hash, or of UDP: of that of the payload; its first bytes, 0:
	 * not known; and of the hashes of both ends. */
	uint16_t tag, head;
	uint8_t end[2];
	uint16_t ip_id; /* or what remains of one that is longer */
};

/* What a DNS message over UDP is. */
enum sighting_dns { SIGHTING_NO_DNS, SIGHTING_QUESTION, SIGHTING_ANSWER };

/* Fields that are not explained here are those of struct packet. */
struct flow_sighting {
	/* For every packet. */
	alignas(64) struct leg_key key;
	int64_t ts_us;
	uint32_t hash; /* of the key */
	uint32_t tap;  /* where it was made: interface, direction, overlay and
			* place; never 0 */
	uint32_t ip_bytes;
	uint16_t bits; /* LEG_SEEN to LEG_RST, of the higher end's direction */
	uint8_t dns;   /* enum sighting_dns */
	bool from_lo : 1; /* the packet's source is the key's lower end */
	bool fragment : 1, more_fragments : 1, icmp_error : 1;
	bool marked : 1; /* bucket and mark are worked out, not only its head */
	/* For openings, endings and joins. */
	uint32_t seq, ack, tsval, payload_bytes, ip_id, ifindex;
	uint32_t dns_asker; /* hash of who asks in this message */
	uint32_t bucket;    /* of marks (collector/leg_join.h) */
	uint16_t payload_sum;
	uint16_t dns_id;
	uint8_t tcp_flags, type, point;
	struct leg_join_tag mark;
};

/* Of a packet; seed is that of the legs. */
void sighting_of(
    struct flow_sighting *s, const struct packet *p, uint64_t seed);

/* A later fragment has the ports of its datagram's first one. */
void sighting_set_ports(
    struct flow_sighting *s, uint16_t sport, uint16_t dport, uint64_t seed);

#endif

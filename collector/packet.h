/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: what decode makes of one frame, and what the flow table takes.
 *
 * Of an overlay packet (VXLAN, Geneve, IPIP, 6in4, GRE; one level) it is the
 * inner one that is described, with tunneled set. Non-first fragments carry
 * no ports. Of an ICMP error, the addresses, ports, ip_id and seq are those of
 * the packet that it complains about, with icmp_error set; the rest is zero but
 * for ip_bytes, the length of the ICMP packet itself.
 */
#ifndef COLLECTOR_PACKET_H
#define COLLECTOR_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ip.h"

/* How the capturing host saw it: sll_pkttype of LINUX_SLL and LINUX_SLL2.
 * Other link types do not say. */
enum packet_type {
	PACKET_HOST = 0,
	PACKET_BROADCAST = 1,
	PACKET_MULTICAST = 2,
	PACKET_OTHERHOST = 3,
	PACKET_OUTGOING = 4,
	PACKET_TYPE_UNKNOWN = 7
};

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16
};

/* SCTP chunks that matter, as bits, in packet.tcp_flags. */
enum sctp_flag {
	SCTP_INIT = 1,
	SCTP_INIT_ACK = 2,
	SCTP_ABORT = 4,
	SCTP_SHUTDOWN = 8,
	SCTP_DATA = 16,
	SCTP_OTHER = 32
};

struct packet {
	int64_t ts_us;
	uint16_t sport, dport; /* 0 for a non-first fragment */
	uint8_t protocol;      /* FLOW_TCP, FLOW_UDP or FLOW_SCTP */
	uint8_t tcp_flags;     /* enum tcp_flag or enum sctp_flag bits */
	uint8_t type;          /* enum packet_type */
	uint8_t point;         /* capture point: index of file or handle */
	uint8_t place;         /* the same of those that follow one another,
				* with no packet in two of them */
	uint32_t ifindex;      /* 0 when the link type does not say */
	bool tunneled;
	bool fragment;       /* not the first one: no ports */
	bool more_fragments; /* the first of several */
	bool icmp_error;
	uint32_t ip_bytes;      /* from the IP header on, on the wire */
	uint32_t ip_id;         /* IPv4 id, or IPv6 fragment id, or 0 */
	uint32_t seq, ack;      /* TCP; SCTP: seq is the initiate tag (INIT and
				 * INIT ACK) or the verification tag */
	uint32_t tsval;         /* TCP timestamp option, or 0 */
	uint16_t window;        /* TCP */
	uint16_t payload_sum;   /* UDP: ones' complement sum of the payload,
				 * never 0; of all of it, also when the
				 * snaplen or fragmentation cut it (then from
				 * the UDP checksum); 0 unknown */
	uint32_t payload_bytes; /* TCP and UDP, on the wire; of a fragmented
				 * UDP datagram its first fragment has all of
				 * the length, as in the UDP header */
	uint32_t payload_captured;
	const uint8_t *payload; /* captured part, or NULL; borrowed from the
				 * frame */
	struct ip_addr src, dst;
};

#endif

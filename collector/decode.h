/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: one frame of foreign bytes to one struct packet.
 *
 * Pure and total: any bytes give one of the results below, never a read
 * outside the frame. Ethernet, 802.1Q and 802.1ad tags, LINUX_SLL,
 * LINUX_SLL2, RAW, NULL/LOOP; IPv4; IPv6 with hop-by-hop, routing, fragment,
 * destination options, authentication, mobility and shim6 headers; TCP, UDP,
 * SCTP, ICMP and ICMPv6 errors; VXLAN (4789, 8472), Geneve (6081), IPIP,
 * 6in4, 4in6 and GRE (also with a key) one level deep.
 */
#ifndef COLLECTOR_DECODE_H
#define COLLECTOR_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/packet.h"

enum decode_result {
	DECODE_OK,
	DECODE_TRUNCATED,   /* the snaplen cut off what we need */
	DECODE_MALFORMED,   /* lengths or fields that contradict */
	DECODE_UNSUPPORTED, /* an ethertype, version or protocol not ours, or
			     * an overlay inside an overlay */
	DECODE_NON_IP,      /* ARP, LLDP, spanning tree, … */
	DECODE_ICMP,        /* ICMP that is no error */
	DECODE_IGNORED      /* loopback, multicast, broadcast, unspecified */
};
#define DECODE_RESULT_COUNT 7

/* Link types as libpcap's DLT_ values; decode.c must not need pcap.h. */
enum decode_link {
	DECODE_LINK_NULL = 0,
	DECODE_LINK_EN10MB = 1,
	DECODE_LINK_RAW = 12,
	DECODE_LINK_RAW_OPENBSD = 14,
	DECODE_LINK_LINKTYPE_RAW = 101,
	DECODE_LINK_LOOP = 108,
	DECODE_LINK_SLL = 113,
	DECODE_LINK_IPV4 = 228,
	DECODE_LINK_IPV6 = 229,
	DECODE_LINK_SLL2 = 276
};

/* Can frames of this link type be decoded? */
bool decode_link_supported(int link);

/*
 * Decode captured bytes of a frame that was wire_len long. On DECODE_OK every
 * field of *p but ts_us and point is set; otherwise *p is undefined.
 */
enum decode_result decode(struct packet *p, int link, const uint8_t *frame,
    size_t captured, size_t wire_len);

#endif

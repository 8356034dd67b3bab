/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_internal: what the files of the decoder share, one per kind of
 * header. Nobody else includes it.
 *
 * Each decoder takes the bytes from its own header on as a struct layer,
 * writes what it learns to *p and hands the rest to the next one.
 */
#ifndef COLLECTOR_DECODE_INTERNAL_H
#define COLLECTOR_DECODE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/decode.h"
#include "core/flow.h"

/*
 * The rest of a frame. captured <= wire. It goes by value, in two registers:
 * each decoder would write it for the next one otherwise.
 */
struct layer {
	const uint8_t *p;
	uint32_t captured;    /* bytes that may be read at p */
	uint32_t wire : 31;   /* bytes that were there, or a header claims */
	uint32_t partial : 1; /* headers may claim more than this frame holds:
			       * the rest is in later fragments, or was not
			       * quoted */
};

#define LAYER_MAX 0x7fffffffu

enum ip_protocol {
	IP_PROTOCOL_HOP_BY_HOP = 0,
	IP_PROTOCOL_ICMP = 1,
	IP_PROTOCOL_IPIP = 4,
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_UDP = 17,
	IP_PROTOCOL_IPV6 = 41,
	IP_PROTOCOL_ROUTING = 43,
	IP_PROTOCOL_FRAGMENT = 44,
	IP_PROTOCOL_GRE = 47,
	IP_PROTOCOL_AH = 51,
	IP_PROTOCOL_ICMPV6 = 58,
	IP_PROTOCOL_NONE = 59,
	IP_PROTOCOL_DESTINATION = 60,
	IP_PROTOCOL_SCTP = 132,
	IP_PROTOCOL_MOBILITY = 135,
	IP_PROTOCOL_SHIM6 = 140
};

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_BRIDGED = 0x6558, /* an Ethernet frame in GRE or Geneve */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100
};

static inline uint16_t
load_be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t
load_be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

/* Why need bytes cannot be read: the snaplen, or they never were there. */
static inline enum decode_result
layer_short(struct layer l, size_t need)
{
	return l.wire < need ? DECODE_MALFORMED : DECODE_TRUNCATED;
}

static inline struct layer
layer_of(const uint8_t *p, size_t captured, size_t wire, bool partial)
{
	return (struct layer){ .p = p,
		.captured = (uint32_t)captured,
		.wire = (uint32_t)wire & LAYER_MAX,
		.partial = partial };
}

/* What follows the first n bytes of l, n <= l.captured. */
static inline struct layer
layer_after(struct layer l, size_t n)
{
	return layer_of(l.p + n, l.captured - n, l.wire - n, l.partial);
}

/* decode.c */
enum decode_result decode_ethernet(struct packet *p, struct layer l);
enum decode_result decode_ethertype(
    struct packet *p, struct layer l, uint16_t type);

/* decode_ip.c */
enum decode_result decode_ipv4(struct packet *p, struct layer l);
enum decode_result decode_ipv6(struct packet *p, struct layer l);
/* By the version in the first four bits. */
enum decode_result decode_raw_ip(struct packet *p, struct layer l);
/* Loopback, multicast, broadcast, unspecified: nothing a policy is about. */
bool decode_is_ignored(const struct packet *p);

/* decode_transport.c */
enum decode_result decode_tcp(struct packet *p, struct layer l);
enum decode_result decode_udp(struct packet *p, struct layer l);
enum decode_result decode_sctp(struct packet *p, struct layer l);

/* decode_overlay.c */
bool decode_is_overlay_port(uint16_t port);
/*
 * The payload of a UDP packet to an overlay's port. false: it does not parse
 * as that overlay, hence is an ordinary packet; else *result is set.
 */
bool decode_udp_overlay(struct packet *p, struct layer l, uint16_t port,
    enum decode_result *result);
enum decode_result decode_gre(struct packet *p, struct layer l);
/* What is inside of an overlay, of that ethertype (also ETHERTYPE_BRIDGED). */
enum decode_result decode_inner(
    struct packet *p, struct layer l, uint16_t type);

/* decode_icmp.c */
enum decode_result decode_icmp(
    struct packet *p, struct layer l, uint8_t protocol);
/* The transport header that an ICMP error quotes. */
enum decode_result decode_quoted(struct packet *p, struct layer l);

#endif

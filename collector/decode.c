/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link layer: from a frame to its IP header. Everything above is in
 * decode_ip.c, decode_transport.c, decode_overlay.c and decode_icmp.c.
 */
#include "collector/decode.h"

#include "collector/decode_internal.h"

enum {
	ETHERNET_BYTES = 14,
	SLL_BYTES = 16,
	SLL2_BYTES = 20,
	NULL_BYTES = 4,
	VLAN_TAGS_MAX = 4
};

bool
decode_link_supported(int link)
{
	switch (link) {
	case DECODE_LINK_NULL:
	case DECODE_LINK_EN10MB:
	case DECODE_LINK_RAW:
	case DECODE_LINK_RAW_OPENBSD:
	case DECODE_LINK_LINKTYPE_RAW:
	case DECODE_LINK_LOOP:
	case DECODE_LINK_SLL:
	case DECODE_LINK_IPV4:
	case DECODE_LINK_IPV6:
	case DECODE_LINK_SLL2:
		return true;
	default:
		return false;
	}
}

/*
 * What is not IP: protocols of the link itself are DECODE_NON_IP; one that
 * may carry IP where we cannot follow (MPLS, PPPoE, MACsec) or that we do not
 * know is DECODE_UNSUPPORTED.
 */
static enum decode_result
without_ip(uint16_t type)
{
	if (type < 0x0600) /* an 802.3 length: LLC, spanning tree */
		return DECODE_NON_IP;
	switch (type) {
	case 0x0806: /* ARP */
	case 0x8035: /* RARP */
	case 0x809b: /* AppleTalk */
	case 0x8137: /* IPX */
	case 0x8809: /* LACP */
	case 0x8863: /* PPPoE discovery */
	case 0x888e: /* EAPOL */
	case 0x88cc: /* LLDP */
	case 0x88f7: /* PTP */
	case 0x8902: /* CFM */
	case 0x8906: /* FCoE */
	case 0x8914: /* FCoE initialisation */
	case 0x9000: /* loopback test */
		return DECODE_NON_IP;
	default:
		return DECODE_UNSUPPORTED;
	}
}

/* Step over the VLAN tags, type being that of the first. */
static enum decode_result
decode_vlan(struct packet *p, struct layer l, uint16_t type)
{
	struct layer inner = l;

	for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
		if (inner.captured < 4)
			return layer_short(inner, 4);
		type = load_be16(inner.p + 2);
		inner = layer_after(inner, 4);
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ &&
		    type != ETHERTYPE_QINQ_OLD)
			return decode_ethertype(p, inner, type);
	}
	return DECODE_UNSUPPORTED;
}

enum decode_result
decode_ethertype(struct packet *p, struct layer l, uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
		return decode_ipv4(p, l);
	case ETHERTYPE_IPV6:
		return decode_ipv6(p, l);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
		return decode_vlan(p, l, type);
	default:
		return without_ip(type);
	}
}

enum decode_result
decode_ethernet(struct packet *p, struct layer l)
{
	struct layer inner;
	uint16_t type;

	if (l.captured < ETHERNET_BYTES)
		return layer_short(l, ETHERNET_BYTES);
	inner = layer_after(l, ETHERNET_BYTES);
	type = load_be16(l.p + 12);
	if (type == ETHERTYPE_IPV4) /* most are */
		return decode_ipv4(p, inner);
	return decode_ethertype(p, inner, type);
}

/* The kernel has a few more types than enum packet_type; none matters. */
static uint8_t
packet_type(unsigned type)
{
	return (uint8_t)(type <= PACKET_OUTGOING ? type : PACKET_TYPE_UNKNOWN);
}

static enum decode_result
decode_sll(struct packet *p, struct layer l)
{
	struct layer inner;

	if (l.captured < SLL_BYTES)
		return layer_short(l, SLL_BYTES);
	p->type = packet_type(load_be16(l.p));
	inner = layer_after(l, SLL_BYTES);
	return decode_ethertype(p, inner, load_be16(l.p + 14));
}

static enum decode_result
decode_sll2(struct packet *p, struct layer l)
{
	struct layer inner;

	if (l.captured < SLL2_BYTES)
		return layer_short(l, SLL2_BYTES);
	p->ifindex = load_be32(l.p + 4);
	p->type = packet_type(l.p[10]);
	inner = layer_after(l, SLL2_BYTES);
	return decode_ethertype(p, inner, load_be16(l.p));
}

/*
 * BSD loopback: the address family in the byte order of the host that wrote
 * the file. AF_INET is 2 everywhere, AF_INET6 differs by system.
 */
static enum decode_result
decode_null(struct packet *p, struct layer l)
{
	struct layer inner;
	uint32_t family;

	if (l.captured < NULL_BYTES)
		return layer_short(l, NULL_BYTES);
	inner = layer_after(l, NULL_BYTES);
	family = load_be32(l.p);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return decode_ipv4(p, inner);
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return decode_ipv6(p, inner);
	default:
		return DECODE_UNSUPPORTED;
	}
}

enum decode_result
decode(struct packet *p, int link, const uint8_t *frame, size_t captured,
    size_t wire_len)
{
	struct layer l;

	if (captured > LAYER_MAX)
		captured = LAYER_MAX;
	if (wire_len > LAYER_MAX)
		wire_len = LAYER_MAX;
	l = layer_of(
	    frame, captured, wire_len < captured ? captured : wire_len, false);
	p->type = PACKET_TYPE_UNKNOWN;
	p->ifindex = 0;
	p->tunneled = false;
	p->icmp_error = false;
	switch (link) {
	case DECODE_LINK_SLL2:
		return decode_sll2(p, l);
	case DECODE_LINK_EN10MB:
		return decode_ethernet(p, l);
	case DECODE_LINK_SLL:
		return decode_sll(p, l);
	case DECODE_LINK_RAW:
	case DECODE_LINK_RAW_OPENBSD:
	case DECODE_LINK_LINKTYPE_RAW:
		return decode_raw_ip(p, l);
	case DECODE_LINK_IPV4:
		return decode_ipv4(p, l);
	case DECODE_LINK_IPV6:
		return decode_ipv6(p, l);
	case DECODE_LINK_NULL:
	case DECODE_LINK_LOOP:
		return decode_null(p, l);
	default:
		return DECODE_UNSUPPORTED;
	}
}

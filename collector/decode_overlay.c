/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlays: VXLAN and Geneve over UDP, GRE, IP in IP. One level deep: what
 * is inside of an overlay must be a plain packet.
 */
#include "collector/decode_internal.h"

enum {
	VXLAN_PORT = 4789,
	VXLAN_PORT_LINUX = 8472, /* before IANA's: flannel, Cilium, Canal */
	GENEVE_PORT = 6081,
	VXLAN_BYTES = 8,
	GENEVE_BYTES = 8,
	GRE_BYTES = 4,
	INNER_MIN = 14 /* an Ethernet header; an IP header is longer */
};

enum vxlan_flag { VXLAN_VNI = 0x08, VXLAN_GROUP_POLICY = 0x80 };

enum gre_flag {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_UNKNOWN = 0x0fff /* strict route, recursion, version */
};

bool
decode_is_overlay_port(uint16_t port)
{
	return port == VXLAN_PORT || port == VXLAN_PORT_LINUX ||
	    port == GENEVE_PORT;
}

enum decode_result
decode_inner(struct packet *p, struct layer l, uint16_t type)
{
	if (p->tunneled)
		return DECODE_UNSUPPORTED;
	p->tunneled = true;
	if (type == ETHERTYPE_BRIDGED)
		return decode_ethernet(p, l);
	return decode_ethertype(p, l, type);
}

/*
 * RFC 7348: flags, then a network id between reserved bytes; Linux drops what
 * has others set. The group policy extension uses the first three reserved.
 */
static bool
is_vxlan(const uint8_t *b)
{
	if (b[7] != 0 || !(b[0] & VXLAN_VNI) ||
	    (b[0] & ~(VXLAN_VNI | VXLAN_GROUP_POLICY)) != 0)
		return false;
	return (b[0] & VXLAN_GROUP_POLICY) != 0 ||
	    (b[1] == 0 && b[2] == 0 && b[3] == 0);
}

/* RFC 8926: version 0, reserved bits zero, an inner protocol that we know. */
static bool
is_geneve(const uint8_t *b)
{
	uint16_t type = load_be16(b + 2);

	return b[0] >> 6 == 0 && (b[1] & 0x3f) == 0 && b[7] == 0 &&
	    (type == ETHERTYPE_BRIDGED || type == ETHERTYPE_IPV4 ||
		type == ETHERTYPE_IPV6);
}

bool
decode_udp_overlay(
    struct packet *p, struct layer l, uint16_t port, enum decode_result *result)
{
	struct layer inner;
	size_t header = VXLAN_BYTES;
	uint16_t type = ETHERTYPE_BRIDGED;

	if (l.wire < header + INNER_MIN)
		return false;
	if (l.captured < header) {
		*result = DECODE_TRUNCATED;
		return true;
	}
	if (port == GENEVE_PORT) {
		if (!is_geneve(l.p))
			return false;
		header = GENEVE_BYTES + (size_t)(l.p[0] & 0x3f) * 4;
		type = load_be16(l.p + 2);
	} else if (!is_vxlan(l.p)) {
		return false;
	}
	if (l.wire < header + INNER_MIN)
		return false;
	if (l.captured < header) {
		*result = DECODE_TRUNCATED;
		return true;
	}
	inner = layer_after(l, header);
	*result = decode_inner(p, inner, type);
	return true;
}

enum decode_result
decode_gre(struct packet *p, struct layer l)
{
	struct layer inner;
	size_t header = GRE_BYTES;
	uint16_t flags, type;

	if (l.captured < GRE_BYTES)
		return layer_short(l, GRE_BYTES);
	flags = load_be16(l.p);
	type = load_be16(l.p + 2);
	if ((flags & (GRE_ROUTING | GRE_UNKNOWN)) != 0)
		return DECODE_UNSUPPORTED;
	header += (flags & GRE_CHECKSUM) != 0 ? 4 : 0;
	header += (flags & GRE_KEY) != 0 ? 4 : 0;
	header += (flags & GRE_SEQUENCE) != 0 ? 4 : 0;
	if (l.captured < header)
		return layer_short(l, header);
	if (type != ETHERTYPE_BRIDGED && type != ETHERTYPE_IPV4 &&
	    type != ETHERTYPE_IPV6)
		return DECODE_UNSUPPORTED;
	inner = layer_after(l, header);
	return decode_inner(p, inner, type);
}

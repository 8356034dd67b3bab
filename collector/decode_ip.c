/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4, and IPv6 with its extension headers: addresses, lengths, fragments,
 * and which decoder goes on.
 */
#include "collector/decode_internal.h"

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	EXTENSION_BYTES = 8, /* the least of any extension header */
	EXTENSIONS_MAX = 16
};

static const struct ip_addr ipv6_loopback = { .b = { [15] = 1 } };

static bool
is_ignored_ipv4(const uint8_t *src, const uint8_t *dst)
{
	uint32_t s = load_be32(src), d = load_be32(dst);

	return s == 0 || d == 0 || s >> 24 == 127 || d >> 24 == 127 ||
	    s >> 28 == 14 || d >> 28 == 14 || d == UINT32_MAX;
}

static bool
is_ignored_ipv6(const struct ip_addr *src, const struct ip_addr *dst)
{
	return src->b[0] == 0xff || dst->b[0] == 0xff || ip_is_none(src) ||
	    ip_is_none(dst) || ip_equal(src, &ipv6_loopback) ||
	    ip_equal(dst, &ipv6_loopback) ||
	    (ip_is_link_local(src) && ip_is_link_local(dst));
}

/* A subnet's own broadcast address is known by the frame's type; an overlay
 * may well flood a packet that is for one pod. */
static bool
is_broadcast(const struct packet *p)
{
	return p->type == PACKET_BROADCAST && !p->tunneled;
}

bool
decode_is_ignored(const struct packet *p)
{
	if (is_broadcast(p))
		return true;
	if (ip_is_v4(&p->src))
		return is_ignored_ipv4(p->src.b + 12, p->dst.b + 12);
	return is_ignored_ipv6(&p->src, &p->dst);
}

/* No ports, no flags: all that a later fragment or an ICMP error has. */
static void
clear_transport(struct packet *p)
{
	p->sport = 0;
	p->dport = 0;
	p->tcp_flags = 0;
	p->seq = 0;
	p->ack = 0;
	p->tsval = 0;
	p->window = 0;
	p->payload_sum = 0;
	p->payload_bytes = 0;
	p->payload = NULL;
	p->payload_captured = 0;
}

/* A fragment that is not the first: its transport header is elsewhere. */
static enum decode_result
decode_later_fragment(struct packet *p, struct layer l, uint8_t protocol)
{
	if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMPV6)
		return DECODE_ICMP;
	if (decode_is_ignored(p))
		return DECODE_IGNORED;
	if (protocol != FLOW_TCP && protocol != FLOW_UDP &&
	    protocol != FLOW_SCTP)
		return DECODE_UNSUPPORTED;
	if (p->icmp_error)
		return DECODE_ICMP; /* no ports: nobody's error */
	p->payload_bytes = (uint32_t)l.wire;
	return DECODE_OK;
}

static enum decode_result
decode_ip_payload(struct packet *p, struct layer l, uint8_t protocol)
{
	clear_transport(p);
	p->protocol = protocol;
	if (p->fragment)
		return decode_later_fragment(p, l, protocol);
	if (p->icmp_error)
		return decode_quoted(p, l);
	switch (protocol) {
	case IP_PROTOCOL_TCP:
		return decode_is_ignored(p) ? DECODE_IGNORED : decode_tcp(p, l);
	case IP_PROTOCOL_UDP:
		return decode_udp(p, l);
	case IP_PROTOCOL_SCTP:
		return decode_is_ignored(p) ? DECODE_IGNORED
					    : decode_sctp(p, l);
	case IP_PROTOCOL_ICMP:
	case IP_PROTOCOL_ICMPV6:
		return decode_icmp(p, l, protocol);
	case IP_PROTOCOL_IPIP:
		return decode_inner(p, l, ETHERTYPE_IPV4);
	case IP_PROTOCOL_IPV6:
		return decode_inner(p, l, ETHERTYPE_IPV6);
	case IP_PROTOCOL_GRE:
		return decode_gre(p, l);
	default:
		return decode_is_ignored(p) ? DECODE_IGNORED
					    : DECODE_UNSUPPORTED;
	}
}

/*
 * Cut l to the packet's own total length, so that the link's padding is out
 * of sight. false: the packet claims more than the frame held.
 */
static bool
cut_to_length(struct layer *l, size_t total)
{
	if (total > l->wire && !l->partial)
		return false;
	*l = layer_of(
	    l->p, l->captured < total ? l->captured : total, total, l->partial);
	return true;
}

/*
 * An authentication header, the only extension of IPv4, has its length in
 * words less two. *l moves behind it.
 */
static enum decode_result
skip_authentication(struct layer *l, uint8_t *protocol)
{
	size_t len;

	if (l->captured < EXTENSION_BYTES)
		return layer_short(*l, EXTENSION_BYTES);
	len = ((size_t)l->p[1] + 2) * 4;
	if (l->captured < len)
		return layer_short(*l, len);
	*protocol = l->p[0];
	*l = layer_after(*l, len);
	return DECODE_OK;
}

static inline uint32_t
load_u32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

/* As the two words that it is read as: smaller parts would have to be on their
 * way to memory before they can be read as one. */
static inline void
set_ipv4_address(struct ip_addr *to, const uint8_t *b)
{
	const uint64_t words[2] = { 0,
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		    ? (uint64_t)load_u32(b) << 32 | 0xffff0000u
		    : (uint64_t)0xffff << 32 | load_u32(b) };

	memcpy(to->b, words, sizeof(words));
}

static void
set_ipv4_addresses(struct packet *p, const uint8_t *b)
{
	set_ipv4_address(&p->src, b + 12);
	set_ipv4_address(&p->dst, b + 16);
}

/*
 * Most packets of most captures: TCP or UDP behind 20 bytes of IPv4, whole,
 * none of their headers cut. Nothing here that decode_ipv4 would not do, only
 * without asking twice.
 */
static inline bool
is_plain_ipv4(const struct packet *p, struct layer l)
{
	const uint8_t *b = l.p;
	size_t total;

	if (l.captured < IPV4_BYTES || b[0] != 0x45 ||
	    (b[9] != IP_PROTOCOL_TCP && b[9] != IP_PROTOCOL_UDP) ||
	    (load_be16(b + 6) & 0x3fff) != 0 || p->icmp_error)
		return false;
	total = load_be16(b + 2);
	return total >= IPV4_BYTES && total <= l.wire;
}

static enum decode_result
decode_plain_ipv4(struct packet *p, struct layer l)
{
	const uint8_t *b = l.p;
	size_t total = load_be16(b + 2);
	size_t have = l.captured < total ? l.captured : total;
	struct layer inner = layer_of(
	    b + IPV4_BYTES, have - IPV4_BYTES, total - IPV4_BYTES, l.partial);

	clear_transport(p);
	set_ipv4_addresses(p, b);
	p->ip_bytes = (uint32_t)total;
	p->ip_id = load_be16(b + 4);
	p->fragment = false;
	p->more_fragments = false;
	p->protocol = b[9];
	if (b[9] == IP_PROTOCOL_UDP)
		return decode_udp(p, inner);
	if (is_broadcast(p) || is_ignored_ipv4(b + 12, b + 16))
		return DECODE_IGNORED;
	return decode_tcp(p, inner);
}

enum decode_result
decode_ipv4(struct packet *p, struct layer l)
{
	struct layer packet = l, inner;
	const uint8_t *b = l.p;
	size_t header, total;
	unsigned fragment;
	uint8_t protocol;

	if (is_plain_ipv4(p, l))
		return decode_plain_ipv4(p, l);
	if (l.captured < IPV4_BYTES)
		return layer_short(l, IPV4_BYTES);
	header = (size_t)(b[0] & 15) * 4;
	total = load_be16(b + 2);
	if (total == 0) /* segmentation offload: longer than the field holds */
		total = l.wire;
	if (b[0] >> 4 != 4 || header < IPV4_BYTES || total < header ||
	    !cut_to_length(&packet, total))
		return DECODE_MALFORMED;
	if (packet.captured < header)
		return DECODE_TRUNCATED;
	set_ipv4_addresses(p, b);
	p->ip_bytes = (uint32_t)total;
	p->ip_id = load_be16(b + 4);
	fragment = load_be16(b + 6);
	p->fragment = (fragment & 0x1fff) != 0;
	p->more_fragments = !p->fragment && (fragment & 0x2000) != 0;
	inner = layer_after(packet, header);
	inner.partial = l.partial || p->more_fragments;
	protocol = b[9];
	if (protocol == IP_PROTOCOL_AH && !p->fragment) {
		enum decode_result r = skip_authentication(&inner, &protocol);

		if (r != DECODE_OK)
			return r;
	}
	return decode_ip_payload(p, inner, protocol);
}

/* The chain of extension headers, as far as it was walked. */
struct chain {
	struct layer rest; /* from the next header on */
	uint8_t next;      /* what that header is */
	bool fragmented;   /* a fragment header was among them */
};

static enum decode_result
read_fragment_header(struct packet *p, struct chain *c)
{
	const uint8_t *b = c->rest.p;
	unsigned offset = load_be16(b + 2);

	if (c->fragmented)
		return DECODE_MALFORMED;
	c->fragmented = true;
	p->fragment = (offset & 0xfff8) != 0;
	p->more_fragments = !p->fragment && (offset & 1) != 0;
	p->ip_id = load_be32(b + 4);
	c->rest.partial = c->rest.partial || p->more_fragments;
	return DECODE_OK;
}

/* Step over one extension header; *done when the next is none. */
static enum decode_result
walk_extension(struct packet *p, struct chain *c, bool first, bool *done)
{
	size_t len = EXTENSION_BYTES;

	switch (c->next) {
	case IP_PROTOCOL_HOP_BY_HOP:
		if (!first)
			return DECODE_MALFORMED;
		break;
	case IP_PROTOCOL_ROUTING:
	case IP_PROTOCOL_FRAGMENT:
	case IP_PROTOCOL_DESTINATION:
	case IP_PROTOCOL_MOBILITY:
	case IP_PROTOCOL_SHIM6:
		break;
	case IP_PROTOCOL_AH:
		return skip_authentication(&c->rest, &c->next);
	default:
		*done = true;
		return DECODE_OK;
	}
	if (c->rest.captured < EXTENSION_BYTES)
		return layer_short(c->rest, EXTENSION_BYTES);
	if (c->next == IP_PROTOCOL_FRAGMENT) {
		enum decode_result r = read_fragment_header(p, c);

		if (r != DECODE_OK)
			return r;
		*done = p->fragment; /* what follows is the datagram's middle */
	} else {
		len = ((size_t)c->rest.p[1] + 1) * 8;
	}
	if (c->rest.captured < len)
		return layer_short(c->rest, len);
	c->next = c->rest.p[0];
	c->rest = layer_after(c->rest, len);
	return DECODE_OK;
}

static enum decode_result
decode_extensions(struct packet *p, struct chain *c)
{
	bool done = false;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		enum decode_result r = walk_extension(p, c, i == 0, &done);

		if (r != DECODE_OK)
			return r;
		if (done)
			return decode_ip_payload(p, c->rest, c->next);
	}
	return DECODE_MALFORMED;
}

enum decode_result
decode_ipv6(struct packet *p, struct layer l)
{
	struct layer packet = l;
	struct chain c;
	const uint8_t *b = l.p;
	size_t total;

	if (l.captured < IPV6_BYTES)
		return layer_short(l, IPV6_BYTES);
	total = IPV6_BYTES + (size_t)load_be16(b + 4);
	if (total == IPV6_BYTES && b[6] != IP_PROTOCOL_NONE)
		total = l.wire; /* a jumbogram, or segmentation offload */
	if (b[0] >> 4 != 6 || total < IPV6_BYTES ||
	    !cut_to_length(&packet, total))
		return DECODE_MALFORMED;
	memcpy(p->src.b, b + 8, 16);
	memcpy(p->dst.b, b + 24, 16);
	/* On the wire an IPv4-mapped address is nobody's, and here it would
	 * pass for the IPv4 address. */
	if (ip_is_v4(&p->src) || ip_is_v4(&p->dst))
		return DECODE_MALFORMED;
	p->ip_bytes = (uint32_t)total;
	p->ip_id = 0;
	p->fragment = false;
	p->more_fragments = false;
	c.rest = layer_after(packet, IPV6_BYTES);
	c.next = b[6];
	c.fragmented = false;
	if (c.next == IP_PROTOCOL_TCP || c.next == IP_PROTOCOL_UDP)
		return decode_ip_payload(p, c.rest, c.next);
	return decode_extensions(p, &c);
}

enum decode_result
decode_raw_ip(struct packet *p, struct layer l)
{
	if (l.captured == 0)
		return layer_short(l, 1);
	switch (l.p[0] >> 4) {
	case 4:
		return decode_ipv4(p, l);
	case 6:
		return decode_ipv6(p, l);
	default:
		return DECODE_UNSUPPORTED;
	}
}

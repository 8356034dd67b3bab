/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/frame_builder.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_IPIP = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
	PROTOCOL_EXPERIMENT = 253
};

/* The two addresses of an IP header in network order. */
struct path {
	bool v6;
	uint8_t src[16], dst[16];
};

static void
put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void
put32(uint8_t *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b + 2, v);
}

static uint32_t
get16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t
sum16(const uint8_t *b, size_t n, uint32_t sum)
{
	for (; n > 1; n -= 2, b += 2)
		sum += get16(b);
	return n == 0 ? sum : sum + ((uint32_t)b[0] << 8);
}

static uint32_t
checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void
die(const char *what, const char *value)
{
	(void)fprintf(stderr, "frame_builder: %s: %s\n", what, value);
	abort();
}

uint8_t *
frame_push(struct frame *f, size_t n)
{
	if (n > f->start)
		die("no room", "frame is longer than FRAME_MAX");
	f->start -= n;
	memset(frame_bytes(f), 0, n);
	return frame_bytes(f);
}

void
frame_init(struct frame *f, const void *payload, size_t n)
{
	uint8_t *b;

	f->start = FRAME_MAX;
	f->type = 0;
	f->protocol = PROTOCOL_EXPERIMENT;
	b = frame_push(f, n);
	if (payload != NULL)
		memcpy(b, payload, n);
	else
		for (size_t i = 0; i < n; i++)
			b[i] = (uint8_t)i;
}

void
frame_tcp(struct frame *f, uint16_t sport, uint16_t dport,
    const struct frame_segment *segment)
{
	size_t header = segment->tsval == 0 ? 20 : 32;
	uint8_t *b = frame_push(f, header);

	put16(b, sport);
	put16(b + 2, dport);
	put32(b + 4, segment->seq);
	put32(b + 8, segment->ack);
	b[12] = (uint8_t)(header / 4 << 4);
	b[13] = segment->flags;
	put16(b + 14, segment->window);
	if (segment->tsval != 0) {
		put32(b + 20, 0x0101080a);
		put32(b + 24, segment->tsval);
	}
	f->protocol = PROTOCOL_TCP;
}

void
frame_udp(struct frame *f, uint16_t sport, uint16_t dport)
{
	uint8_t *b = frame_push(f, 8);

	put16(b, sport);
	put16(b + 2, dport);
	put16(b + 4, (uint32_t)frame_len(f));
	f->protocol = PROTOCOL_UDP;
}

void
frame_sctp_chunk(struct frame *f, uint8_t type, uint8_t flags)
{
	uint8_t *b = frame_push(f, 4);

	b[0] = type;
	b[1] = flags;
	put16(b + 2, (uint32_t)frame_len(f));
}

void
frame_sctp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t tag)
{
	uint8_t *b = frame_push(f, 12);

	put16(b, sport);
	put16(b + 2, dport);
	put32(b + 4, tag);
	f->protocol = PROTOCOL_SCTP;
}

void
frame_icmp(struct frame *f, uint8_t type, uint8_t code)
{
	uint8_t *b = frame_push(f, 8);

	b[0] = type;
	b[1] = code;
	f->protocol = PROTOCOL_ICMP;
}

void
frame_icmpv6(struct frame *f, uint8_t type, uint8_t code)
{
	frame_icmp(f, type, code);
	f->protocol = PROTOCOL_ICMPV6;
}

static struct path
parse_path(const char *src, const char *dst)
{
	struct path path = { .v6 = strchr(src, ':') != NULL };
	int family = path.v6 ? AF_INET6 : AF_INET;

	if (inet_pton(family, src, path.src) != 1)
		die("no address", src);
	if (inet_pton(family, dst, path.dst) != 1)
		die("no address of the same family", dst);
	return path;
}

/* Only a whole datagram's transport header stands at the frame's start. */
static void
fill_checksum(struct frame *f, const struct path *path)
{
	uint8_t *b = frame_bytes(f);
	size_t alen = path->v6 ? 16 : 4, at, n = frame_len(f);
	uint32_t sum = 0;

	switch (f->protocol) {
	case PROTOCOL_TCP:
		at = 16;
		break;
	case PROTOCOL_UDP:
		at = 6;
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		at = 2;
		break;
	default:
		return;
	}
	if (f->protocol != PROTOCOL_ICMP)
		sum = sum16(path->dst, alen,
		    sum16(path->src, alen, f->protocol + (uint32_t)n));
	put16(b + at, 0);
	sum = checksum(sum16(b, n, sum));
	put16(b + at, sum == 0 && f->protocol == PROTOCOL_UDP ? 0xffff : sum);
}

static void
push_ipv4(struct frame *f, const struct path *path,
    const struct frame_fragment *fragment)
{
	uint8_t *b = frame_push(f, 20);

	b[0] = 0x45;
	put16(b + 2, (uint32_t)frame_len(f));
	put16(b + 4, fragment->id);
	put16(b + 6, fragment->offset / 8u | (fragment->more ? 0x2000u : 0));
	b[8] = 63;
	b[9] = f->protocol;
	memcpy(b + 12, path->src, 4);
	memcpy(b + 16, path->dst, 4);
	put16(b + 10, checksum(sum16(b, 20, 0)));
	f->protocol = PROTOCOL_IPIP;
	f->type = 0x0800;
}

static void
push_ipv6(struct frame *f, const struct path *path)
{
	size_t n = frame_len(f);
	uint8_t *b = frame_push(f, 40);

	b[0] = 0x60;
	put16(b + 4, (uint32_t)n);
	b[6] = f->protocol;
	b[7] = 63;
	memcpy(b + 8, path->src, 16);
	memcpy(b + 24, path->dst, 16);
	f->protocol = PROTOCOL_IPV6;
	f->type = 0x86dd;
}

void
frame_ip(struct frame *f, const char *src, const char *dst)
{
	static const struct frame_fragment whole;
	struct path path = parse_path(src, dst);

	fill_checksum(f, &path);
	if (path.v6)
		push_ipv6(f, &path);
	else
		push_ipv4(f, &path, &whole);
}

void
frame_ip_fragment(struct frame *f, const char *src, const char *dst,
    const struct frame_fragment *fragment)
{
	struct path path = parse_path(src, dst);

	if (!path.v6) {
		push_ipv4(f, &path, fragment);
		return;
	}
	frame_extension(f, PROTOCOL_FRAGMENT, 8);
	put16(frame_bytes(f) + 2, fragment->offset | fragment->more);
	put32(frame_bytes(f) + 4, fragment->id);
	push_ipv6(f, &path);
}

void
frame_extension(struct frame *f, uint8_t type, size_t len)
{
	uint8_t *b = frame_push(f, len);

	b[0] = f->protocol;
	if (type == PROTOCOL_AH)
		b[1] = (uint8_t)(len / 4 - 2);
	else
		b[1] = (uint8_t)(len / 8 - 1);
	f->protocol = type;
}

void
frame_vxlan(struct frame *f, uint32_t vni)
{
	uint8_t *b = frame_push(f, 8);

	b[0] = 8;
	put32(b + 4, vni << 8);
}

void
frame_geneve(struct frame *f, uint32_t vni, size_t options)
{
	uint16_t type = f->type;
	uint8_t *b = frame_push(f, 8 + options);

	b[0] = (uint8_t)(options / 4);
	put16(b + 2, type);
	put32(b + 4, vni << 8);
}

void
frame_gre(struct frame *f, uint16_t flags)
{
	size_t header = 4;
	uint8_t *b;

	for (uint16_t bit = 0x1000; bit != 0; bit = (uint16_t)(bit << 1))
		if ((flags & bit) != 0 && bit != 0x4000)
			header += 4;
	b = frame_push(f, header);
	put16(b, flags);
	put16(b + 2, f->type);
	f->protocol = PROTOCOL_GRE;
}

void
frame_vlan(struct frame *f, uint16_t tag_type, uint16_t id)
{
	uint8_t *b = frame_push(f, 4);

	put16(b, id);
	put16(b + 2, f->type);
	f->type = tag_type;
}

void
frame_ethernet(struct frame *f)
{
	static const uint8_t macs[12] = { 2, 0x42, 10, 0, 0, 2, 2, 0x42, 10, 0,
		0, 1 };
	uint8_t *b = frame_push(f, 14);

	memcpy(b, macs, sizeof(macs));
	put16(b + 12, f->type);
	f->type = 0x6558;
}

void
frame_sll(struct frame *f, uint16_t packet_type)
{
	uint8_t *b = frame_push(f, 16);

	put16(b, packet_type);
	put16(b + 2, 1);
	put16(b + 4, 6);
	put16(b + 14, f->type);
}

void
frame_sll2(struct frame *f, uint8_t packet_type, uint32_t ifindex)
{
	uint8_t *b = frame_push(f, 20);

	put16(b, f->type);
	put32(b + 4, ifindex);
	put16(b + 8, 1);
	b[10] = packet_type;
	b[11] = 6;
}

void
frame_null(struct frame *f, uint32_t family, bool swapped)
{
	uint8_t *b = frame_push(f, 4);

	put32(b, swapped ? __builtin_bswap32(family) : family);
}

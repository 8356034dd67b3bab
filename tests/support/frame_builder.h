/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_builder: frames for tests, built from the inside out.
 *
 * Start with the payload and put one header after the other before it; each
 * knows what it stands before, so lengths, protocol numbers and checksums are
 * right by themselves:
 *
 *	frame_init(&f, "GET /", 5);
 *	frame_tcp(&f, 40000, 80, &(struct frame_segment){ .flags = TCP_ACK });
 *	frame_ip(&f, "10.244.1.2", "10.244.2.3");
 *	frame_ethernet(&f);
 *
 * A test that wants a header to lie changes frame_bytes() afterwards. A frame
 * that outgrows FRAME_MAX, or an address that is none, aborts the test.
 */
#ifndef TESTS_SUPPORT_FRAME_BUILDER_H
#define TESTS_SUPPORT_FRAME_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 4096

struct frame {
	uint8_t buf[FRAME_MAX];
	size_t start;     /* the frame is buf from here to its end */
	uint16_t type;    /* ethertype of what the frame begins with */
	uint8_t protocol; /* IP protocol of what the frame begins with */
};

/* What a TCP header has beside its ports. */
struct frame_segment {
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window;
	uint32_t tsval; /* a timestamp option, unless 0 */
};

/* An IPv4 or IPv6 fragment. */
struct frame_fragment {
	uint32_t id;
	uint16_t offset; /* in bytes, a multiple of 8 */
	bool more;
};

static inline uint8_t *
frame_bytes(struct frame *f)
{
	return f->buf + f->start;
}

static inline size_t
frame_len(const struct frame *f)
{
	return FRAME_MAX - f->start;
}

/* A frame that holds n bytes of payload, of IP protocol 0xfd (experiments).
 * payload may be NULL: then the bytes are 0, 1, 2, … */
void frame_init(struct frame *f, const void *payload, size_t n);

/* n bytes before the rest; returned for the caller to fill. */
uint8_t *frame_push(struct frame *f, size_t n);

/* Transport. The checksum is filled in by the IP header that follows. */
void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport,
    const struct frame_segment *segment);
void frame_udp(struct frame *f, uint16_t sport, uint16_t dport);
/* One chunk of that type around what the frame holds. */
void frame_sctp_chunk(struct frame *f, uint8_t type, uint8_t flags);
void frame_sctp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t tag);
void frame_icmp(struct frame *f, uint8_t type, uint8_t code);
void frame_icmpv6(struct frame *f, uint8_t type, uint8_t code);

/* IP of the addresses' family. */
void frame_ip(struct frame *f, const char *src, const char *dst);
void frame_ip_fragment(struct frame *f, const char *src, const char *dst,
    const struct frame_fragment *fragment);

/* An IPv6 extension header of len bytes (a multiple of 8; an authentication
 * header too), before the IPv6 header is put on. */
void frame_extension(struct frame *f, uint8_t type, size_t len);

/* Overlays. */
void frame_vxlan(struct frame *f, uint32_t vni);
/* options: bytes, a multiple of 4 */
void frame_geneve(struct frame *f, uint32_t vni, size_t options);
/* flags: the 16 bits before the protocol type; room is made for its fields */
void frame_gre(struct frame *f, uint16_t flags);

/* Links. */
void frame_vlan(struct frame *f, uint16_t tag_type, uint16_t id);
void frame_ethernet(struct frame *f);
void frame_sll(struct frame *f, uint16_t packet_type);
void frame_sll2(struct frame *f, uint8_t packet_type, uint32_t ifindex);
void frame_null(struct frame *f, uint32_t family, bool swapped);

#endif

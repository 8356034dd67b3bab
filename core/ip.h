/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip: addresses and prefixes of both families as plain values.
 *
 * An IPv4 address is held in its IPv4-mapped form (::ffff:a.b.c.d, RFC 4291
 * section 2.5.5.2), so that one comparison serves both families. Families
 * never mix in a prefix match (SEMANTICS 37): ::/0 holds no IPv4 address.
 */
#ifndef CORE_IP_H
#define CORE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/error.h"

struct ip_addr {
	uint8_t b[16];
};

/* bits counts from the start of the mapped form: IPv4 /n is 96 + n. */
struct ip_prefix {
	struct ip_addr addr; /* host bits are zero */
	uint8_t bits;        /* 0 to 128 */
};

#define IP_STRLEN        46 /* longest address as text, with its NUL */
#define IP_PREFIX_STRLEN 50 /* longest prefix as text, with its NUL */

static const uint8_t ip_v4_head[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static inline bool
ip_is_v4(const struct ip_addr *a)
{
	return memcmp(a->b, ip_v4_head, sizeof(ip_v4_head)) == 0;
}

static inline bool
ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline int
ip_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

/* The address from 4 or 16 bytes in network order. */
struct ip_addr ip_from_v4(const uint8_t b[4]);
struct ip_addr ip_from_v6(const uint8_t b[16]);

/* All zero bytes: no address at all (also the IPv6 unspecified address). */
static inline bool
ip_is_none(const struct ip_addr *a)
{
	uint64_t half[2];

	memcpy(half, a->b, sizeof(half));
	return (half[0] | half[1]) == 0;
}

/* 0.0.0.0 or ::, 127/8 or ::1, 169.254/16 or fe80::/10, multicast or the
 * IPv4 limited broadcast address; RFC 1918, RFC 6598 or fc00::/7. */
bool ip_is_unspecified(const struct ip_addr *a);
bool ip_is_loopback(const struct ip_addr *a);
bool ip_is_link_local(const struct ip_addr *a);
bool ip_is_multicast(const struct ip_addr *a);
bool ip_is_private(const struct ip_addr *a);

/*
 * Parse text as inet_pton(3) does: no port, no zone, no leading zeros in
 * dotted quads. false leaves *out untouched.
 */
bool ip_parse(struct ip_addr *out, const char *text);

/* Write the canonical text (RFC 5952); buf is returned. */
const char *ip_format(const struct ip_addr *a, char buf[static IP_STRLEN]);

/* What ip_prefix_parse noticed beside the value (SEMANTICS 63). */
enum ip_prefix_note {
	IP_PREFIX_CLEAN = 0,
	IP_PREFIX_HOST_BITS = 1,     /* bits set below the prefix length */
	IP_PREFIX_LEADING_ZEROS = 2, /* 010.0.0.0/8 or /08 */
	IP_PREFIX_V4_MAPPED = 4      /* ::ffff:10.0.0.0/104 */
};

/*
 * Parse "address/length". Host bits are masked away. *notes, unless NULL,
 * receives enum ip_prefix_note bits. false: not a CIDR (bare address, dotted
 * mask, zone, length out of range); *out is untouched.
 */
bool ip_prefix_parse(struct ip_prefix *out, const char *text, unsigned *notes);

const char *ip_prefix_format(
    const struct ip_prefix *p, char buf[static IP_PREFIX_STRLEN]);

/* The prefix of one address: /32 or /128. */
struct ip_prefix ip_prefix_host(const struct ip_addr *a);

/* The prefix of that many bits (of the mapped form) around an address. */
struct ip_prefix ip_prefix_of(const struct ip_addr *a, uint8_t bits);

bool ip_prefix_is_v4(const struct ip_prefix *p);

/* Is a inside p? Families never mix. */
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);

/* Is inner inside outer, or the same? */
bool ip_prefix_covers(
    const struct ip_prefix *outer, const struct ip_prefix *inner);

/* Order by address, then by length: shorter first. For qsort wrappers. */
int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b);

#endif

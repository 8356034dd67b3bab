/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct ip_addr
ip_from_v4(const uint8_t b[4])
{
	struct ip_addr a;

	memcpy(a.b, ip_v4_head, sizeof(ip_v4_head));
	memcpy(a.b + 12, b, 4);
	return a;
}

struct ip_addr
ip_from_v6(const uint8_t b[16])
{
	struct ip_addr a;

	memcpy(a.b, b, 16);
	return a;
}

bool
ip_is_unspecified(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return a->b[12] == 0 && a->b[13] == 0 && a->b[14] == 0 &&
		    a->b[15] == 0;
	return ip_is_none(a);
}

bool
ip_is_loopback(const struct ip_addr *a)
{
	static const struct ip_addr one = { .b = { [15] = 1 } };

	return ip_is_v4(a) ? a->b[12] == 127 : ip_equal(a, &one);
}

bool
ip_is_link_local(const struct ip_addr *a)
{
	if (ip_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool
ip_is_multicast(const struct ip_addr *a)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (ip_is_v4(a))
		return (a->b[12] & 0xf0) == 224 ||
		    memcmp(a->b + 12, all, 4) == 0;
	return a->b[0] == 0xff;
}

bool
ip_is_private(const struct ip_addr *a)
{
	const uint8_t *q = a->b + 12;

	if (!ip_is_v4(a))
		return (a->b[0] & 0xfe) == 0xfc;
	return q[0] == 10 || (q[0] == 172 && (q[1] & 0xf0) == 16) ||
	    (q[0] == 192 && q[1] == 168) || (q[0] == 100 && q[1] >> 6 == 1);
}

bool
ip_parse(struct ip_addr *out, const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1) {
		*out = ip_from_v4(b);
		return true;
	}
	if (inet_pton(AF_INET6, text, b) == 1) {
		*out = ip_from_v6(b);
		return true;
	}
	return false;
}

const char *
ip_format(const struct ip_addr *a, char buf[static IP_STRLEN])
{
	if (ip_is_v4(a))
		return inet_ntop(AF_INET, a->b + 12, buf, IP_STRLEN);
	return inet_ntop(AF_INET6, a->b, buf, IP_STRLEN);
}

/* Copy a dotted quad without the leading zeros that older servers accept. */
static bool
strip_zeros(char *dst, size_t size, const char *src, unsigned *notes)
{
	size_t n = 0;
	bool start = true;

	for (; *src != '\0'; src++) {
		if (start && *src == '0' && src[1] >= '0' && src[1] <= '9') {
			*notes |= IP_PREFIX_LEADING_ZEROS;
			continue;
		}
		if (n + 1 >= size)
			return false;
		dst[n++] = *src;
		start = *src == '.';
	}
	dst[n] = '\0';
	return true;
}

/* Parse the address half of a CIDR; *v6 says which family the text is of. */
static bool
parse_base(struct ip_addr *out, const char *text, bool *v6, unsigned *notes)
{
	char quad[IP_STRLEN];

	*v6 = strchr(text, ':') != NULL;
	if (*v6) {
		if (!ip_parse(out, text))
			return false;
		if (ip_is_v4(out))
			*notes |= IP_PREFIX_V4_MAPPED;
		return true;
	}
	return strip_zeros(quad, sizeof(quad), text, notes) &&
	    ip_parse(out, quad);
}

/* Parse a prefix length of at most max; false when it is no such number. */
static bool
parse_length(unsigned *out, const char *text, unsigned max, unsigned *notes)
{
	unsigned n = 0;

	if (*text == '\0' || strlen(text) > 9)
		return false;
	if (text[0] == '0' && text[1] != '\0')
		*notes |= IP_PREFIX_LEADING_ZEROS;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	*out = n;
	return n <= max;
}

bool
ip_prefix_parse(struct ip_prefix *out, const char *text, unsigned *notes)
{
	char base[IP_STRLEN];
	const char *slash = strchr(text, '/');
	struct ip_addr a;
	unsigned found = 0, n;
	bool v6;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(base))
		return false;
	memcpy(base, text, (size_t)(slash - text));
	base[slash - text] = '\0';
	if (!parse_base(&a, base, &v6, &found) ||
	    !parse_length(&n, slash + 1, v6 ? 128 : 32, &found))
		return false;
	if (!v6)
		n += 96;
	*out = ip_prefix_of(&a, (uint8_t)n);
	if (!ip_equal(&out->addr, &a))
		found |= IP_PREFIX_HOST_BITS;
	if (notes != NULL)
		*notes = found;
	return true;
}

const char *
ip_prefix_format(const struct ip_prefix *p, char buf[static IP_PREFIX_STRLEN])
{
	char addr[IP_STRLEN];
	unsigned bits = p->bits;

	if (ip_prefix_is_v4(p))
		bits -= 96;
	(void)snprintf(
	    buf, IP_PREFIX_STRLEN, "%s/%u", ip_format(&p->addr, addr), bits);
	return buf;
}

struct ip_prefix
ip_prefix_host(const struct ip_addr *a)
{
	return ip_prefix_of(a, 128);
}

struct ip_prefix
ip_prefix_of(const struct ip_addr *a, uint8_t bits)
{
	struct ip_prefix p = { .addr = *a, .bits = bits };

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			p.addr.b[i] &= (uint8_t)(0xff00u >> keep);
	}
	return p;
}

bool
ip_prefix_is_v4(const struct ip_prefix *p)
{
	return p->bits >= 96 && ip_is_v4(&p->addr);
}

bool
ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	struct ip_prefix q;

	if (ip_prefix_is_v4(p) != ip_is_v4(a))
		return false;
	q = ip_prefix_of(a, p->bits);
	return ip_equal(&q.addr, &p->addr);
}

bool
ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->bits <= inner->bits &&
	    ip_prefix_is_v4(outer) == ip_prefix_is_v4(inner) &&
	    ip_prefix_contains(outer, &inner->addr);
}

int
ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
	int c = ip_compare(&a->addr, &b->addr);

	return c != 0 ? c : (a->bits > b->bits) - (a->bits < b->bits);
}

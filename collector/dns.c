/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes over the answer section: the first checks every record and
 * remembers where addresses and aliases lie, the second follows the aliases
 * from the name that was asked for. Names stay in the message: one is known
 * by the offset of its first label, and two are compared label by label.
 */
#include "collector/dns.h"

#include <string.h>

enum {
	QUESTION_BYTES = 4, /* type and class, behind the name */
	RECORD_BYTES = 10,  /* type, class, TTL and length, behind the name */
	NAME_BYTES_MAX = 255,
	JUMPS_MAX = 32,
	RECORDS_MAX = 64, /* addresses and aliases of one answer */
	POINTER = 0xc0
};

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };
#define DNS_IN 1

struct message {
	const uint8_t *b;
	size_t len;
};

/* An address or an alias out of the answer section. */
struct record {
	uint16_t owner; /* offset of its name */
	uint16_t data;  /* offset of the address, or of the alias' target */
	uint16_t type;
	bool used;
	uint32_t ttl_s;
};

struct answers {
	struct record record[RECORDS_MAX];
	unsigned n;
};

static unsigned
get16(const struct message *m, size_t at)
{
	return (unsigned)m->b[at] << 8 | m->b[at + 1];
}

static uint32_t
get32(const struct message *m, size_t at)
{
	return (uint32_t)get16(m, at) << 16 | get16(m, at + 2);
}

/*
 * Check the name at *at and move *at behind it. A pointer leads strictly
 * backwards, before the labels that it continues, so every chain ends.
 */
static enum dns_result
skip_name(const struct message *m, size_t *at)
{
	size_t i = *at, start = *at, end = 0, bytes = 1;
	unsigned jumps = 0;

	for (;;) {
		unsigned n, target;

		if (i >= m->len)
			return DNS_TRUNCATED;
		n = m->b[i];
		if (n == 0)
			break;
		if (n < 64) {
			i += n + 1;
			bytes += n + 1;
			if (bytes > NAME_BYTES_MAX)
				return DNS_MALFORMED;
			continue;
		}
		if (n < POINTER)
			return DNS_MALFORMED;
		if (i + 2 > m->len)
			return DNS_TRUNCATED;
		target = get16(m, i) & 0x3fff;
		if (target < DNS_HEADER_BYTES || target >= start ||
		    ++jumps > JUMPS_MAX)
			return DNS_MALFORMED;
		if (end == 0)
			end = i + 2;
		i = start = target;
	}
	*at = end != 0 ? end : i + 1;
	return DNS_OK;
}

/* The offset of the label that a checked name has at this offset. */
static size_t
find_label(const struct message *m, size_t at)
{
	while (m->b[at] >= POINTER)
		at = get16(m, at) & 0x3fff;
	return at;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool
same_label(const uint8_t *a, const uint8_t *b)
{
	if (a[0] != b[0])
		return false;
	for (unsigned i = 1; i <= a[0]; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* Both names were checked. */
static bool
same_name(const struct message *m, size_t a, size_t b)
{
	for (;;) {
		a = find_label(m, a);
		b = find_label(m, b);
		if (a == b)
			return true;
		if (!same_label(m->b + a, m->b + b))
			return false;
		if (m->b[a] == 0)
			return true;
		a += m->b[a] + 1u;
		b += m->b[b] + 1u;
	}
}

static void
format_name(const struct message *m, size_t at, char name[DNS_NAME_MAX])
{
	size_t len = 0;

	for (at = find_label(m, at); m->b[at] != 0;
	     at = find_label(m, at + m->b[at] + 1u)) {
		if (len != 0)
			name[len++] = '.';
		for (unsigned i = 1; i <= m->b[at]; i++) {
			uint8_t c = lower(m->b[at + i]);

			/* a dot inside of a label would pass for two labels */
			if (c <= ' ' || c > '~' || c == '.')
				c = '?';
			name[len++] = (char)c;
		}
	}
	name[len] = '\0';
}

/* Does a record of this type hold together? Offsets are within m. */
static enum dns_result
check_data(const struct message *m, unsigned type, size_t data, size_t length)
{
	size_t end = data;

	switch (type) {
	case DNS_A:
		return length == 4 ? DNS_OK : DNS_MALFORMED;
	case DNS_AAAA:
		return length == 16 ? DNS_OK : DNS_MALFORMED;
	default:
		return skip_name(m, &end) == DNS_OK && end == data + length
		    ? DNS_OK
		    : DNS_MALFORMED;
	}
}

/* Read the record at *at and move *at behind it. */
static enum dns_result
read_record(const struct message *m, struct answers *found, size_t *at)
{
	size_t owner = *at, data, length;
	enum dns_result r = skip_name(m, at);
	unsigned type;
	uint32_t ttl_s;

	if (r != DNS_OK)
		return r;
	if (m->len - *at < RECORD_BYTES)
		return DNS_TRUNCATED;
	type = get16(m, *at);
	ttl_s = get32(m, *at + 4);
	length = get16(m, *at + 8);
	data = *at + RECORD_BYTES;
	if (m->len - data < length)
		return DNS_TRUNCATED;
	*at = data + length;
	if ((type != DNS_A && type != DNS_AAAA && type != DNS_CNAME) ||
	    get16(m, data - 8) != DNS_IN)
		return DNS_OK;
	r = check_data(m, type, data, length);
	if (r != DNS_OK || found->n == RECORDS_MAX)
		return r;
	found->record[found->n++] = (struct record){ .owner = (uint16_t)owner,
		.data = (uint16_t)data,
		.type = (uint16_t)type,
		/* RFC 2181 section 8: a TTL with its first bit set is zero */
		.ttl_s = ttl_s > INT32_MAX ? 0 : ttl_s };
	return DNS_OK;
}

/* What the second pass carries along. */
struct chase {
	const struct message *m;
	struct answers *found;
	dns_answer *answer;
	void *arg;
	char name[DNS_NAME_MAX];
};

/* Report the addresses of the name at that offset; its alias, or NULL. */
static struct record *
report_name(struct chase *c, size_t at, uint32_t ttl_s)
{
	struct record *alias = NULL;

	for (unsigned i = 0; i < c->found->n; i++) {
		struct record *r = &c->found->record[i];
		uint32_t least = r->ttl_s < ttl_s ? r->ttl_s : ttl_s;
		struct ip_addr ip;

		if (r->used || !same_name(c->m, r->owner, at))
			continue;
		if (r->type == DNS_CNAME) {
			if (alias == NULL)
				alias = r;
			continue;
		}
		r->used = true;
		ip = r->type == DNS_A ? ip_from_v4(c->m->b + r->data)
				      : ip_from_v6(c->m->b + r->data);
		c->answer(c->arg, c->name, &ip, least);
	}
	return alias;
}

/* Each alias is followed once, hence a loop of aliases ends. */
static void
report_answers(struct chase *c)
{
	size_t at = DNS_HEADER_BYTES;
	uint32_t ttl_s = UINT32_MAX;
	struct record *alias;

	format_name(c->m, at, c->name);
	if (c->name[0] == '\0')
		return;
	while ((alias = report_name(c, at, ttl_s)) != NULL) {
		alias->used = true;
		at = alias->data;
		if (alias->ttl_s < ttl_s)
			ttl_s = alias->ttl_s;
	}
}

/* From the question on; so many records are in the answer section. */
static enum dns_result
parse_answers(
    const struct message *m, unsigned answers, dns_answer *answer, void *arg)
{
	struct answers found;
	struct chase chase;
	size_t at = DNS_HEADER_BYTES;
	enum dns_result r = skip_name(m, &at);

	if (r != DNS_OK)
		return r;
	if (m->len - at < QUESTION_BYTES)
		return DNS_TRUNCATED;
	at += QUESTION_BYTES;
	found.n = 0;
	while (r == DNS_OK && answers-- > 0)
		r = read_record(m, &found, &at);
	if (r == DNS_MALFORMED || found.n == 0)
		return r;
	chase.m = m;
	chase.found = &found;
	chase.answer = answer;
	chase.arg = arg;
	report_answers(&chase);
	return r;
}

/* Only a standard query that succeeded gives addresses to a name. */
bool
dns_has_addresses(const uint8_t *msg, size_t len)
{
	return len >= DNS_HEADER_BYTES && (msg[2] & 0xf8) == 0x80 &&
	    (msg[3] & 0x0f) == 0 && (msg[6] | msg[7]) != 0 &&
	    (msg[4] | msg[5]) != 0;
}

enum dns_result
dns_parse(const uint8_t *msg, size_t len, dns_answer *answer, void *arg)
{
	/* no offset of a pointer, and no message over UDP, is beyond 65535 */
	struct message m = { .b = msg,
		.len = len < UINT16_MAX ? len : UINT16_MAX };

	if (dns_is_query(msg, m.len))
		return DNS_QUERY;
	if (m.len < DNS_HEADER_BYTES)
		return DNS_TRUNCATED;
	if (!dns_has_addresses(msg, m.len))
		return DNS_OK;
	if (get16(&m, 4) != 1)
		return DNS_MALFORMED;
	return parse_answers(&m, get16(&m, 6), answer, arg);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/dns.h"

#define RESPONSE 0x8180 /* to a recursive query, no error */
#define QUESTION 12     /* offset of the question's name */

enum { A = 1, NS = 2, CNAME = 5, TXT = 16, AAAA = 28 };

/* A message under construction. */
struct message {
	uint8_t b[8192];
	size_t len;
};

static void
put16(struct message *m, unsigned v)
{
	m->b[m->len++] = (uint8_t)(v >> 8);
	m->b[m->len++] = (uint8_t)v;
}

static void
put32(struct message *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

/* "www.example.com" in full, or "www@12": labels, then a pointer to 12. */
static void
put_name(struct message *m, const char *name)
{
	while (*name != '\0' && *name != '@') {
		size_t n = strcspn(name, ".@");

		m->b[m->len++] = (uint8_t)n;
		memcpy(m->b + m->len, name, n);
		m->len += n;
		name += n + (name[n] == '.');
	}
	if (*name == '@')
		put16(m, 0xc000u | (unsigned)strtoul(name + 1, NULL, 10));
	else
		m->b[m->len++] = 0;
}

static void
put_header(struct message *m, unsigned flags, unsigned qd, unsigned an)
{
	m->len = 0;
	put16(m, 0x1234);
	put16(m, flags);
	put16(m, qd);
	put16(m, an);
	put32(m, 0);
}

static void
put_question(struct message *m, const char *name, unsigned an)
{
	put_header(m, RESPONSE, 1, an);
	put_name(m, name);
	put16(m, A);
	put16(m, 1);
}

/* The record's head; its length is filled in by end_record. */
static size_t
begin_record(struct message *m, const char *owner, unsigned type, uint32_t ttl)
{
	put_name(m, owner);
	put16(m, type);
	put16(m, 1);
	put32(m, ttl);
	put16(m, 0);
	return m->len;
}

static void
end_record(struct message *m, size_t data)
{
	m->b[data - 2] = (uint8_t)((m->len - data) >> 8);
	m->b[data - 1] = (uint8_t)(m->len - data);
}

static void
put_a(struct message *m, const char *owner, uint32_t ttl, uint32_t ip)
{
	size_t data = begin_record(m, owner, A, ttl);

	put32(m, ip);
	end_record(m, data);
}

static void
put_aaaa(struct message *m, const char *owner, uint32_t ttl, uint32_t low)
{
	size_t data = begin_record(m, owner, AAAA, ttl);

	put32(m, 0x20010db8);
	put32(m, 0);
	put32(m, 0);
	put32(m, low);
	end_record(m, data);
}

static void
put_cname(struct message *m, const char *owner, uint32_t ttl, const char *to)
{
	size_t data = begin_record(m, owner, CNAME, ttl);

	put_name(m, to);
	end_record(m, data);
}

/* What was reported: "name ip ttl;" for each call. */
struct heard {
	char text[8192];
	unsigned n;
};

static void
hear(void *arg, const char *name, const struct ip_addr *ip, uint32_t ttl_s)
{
	struct heard *h = arg;
	char text[IP_STRLEN];
	size_t used = strlen(h->text);

	h->n++;
	(void)snprintf(h->text + used, sizeof(h->text) - used, "%s %s %u;",
	    name, ip_format(ip, text), ttl_s);
}

/* Parse len bytes in memory of exactly that size. */
static enum dns_result
parse(struct heard *h, const uint8_t *b, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	enum dns_result r;

	assert_non_null(copy);
	memcpy(copy, b, len);
	memset(h, 0, sizeof(*h));
	r = dns_parse(copy, len, hear, h);
	free(copy);
	return r;
}

static void
check(const struct message *m, enum dns_result want, const char *heard)
{
	struct heard h;
	enum dns_result r = parse(&h, m->b, m->len);

	assert_int_equal(r, want);
	assert_string_equal(h.text, heard);
}

static void
test_addresses(void **state)
{
	struct message m;

	(void)state;
	put_question(&m, "API.Example.com", 3);
	put_a(&m, "@12", 300, 0xc0000201);
	put_a(&m, "api.EXAMPLE.com", 60, 0xc0000202);
	put_aaaa(&m, "@12", 30, 0x10);
	check(&m, DNS_OK,
	    "api.example.com 192.0.2.1 300;api.example.com 192.0.2.2 60;"
	    "api.example.com 2001:db8::10 30;");
}

static void
test_what_answers_nothing(void **state)
{
	/* clang-format off */
	static const struct {
		unsigned flags, qd, an;
		enum dns_result want;
	} cases[] = {
		{ 0x0100, 1, 0, DNS_QUERY }, { 0x0100, 1, 1, DNS_QUERY },
		{ 0x8180, 1, 0, DNS_OK }, { 0x8183, 1, 0, DNS_OK },
		{ 0x8183, 1, 1, DNS_OK }, { 0x8182, 1, 1, DNS_OK },
		{ 0xa800, 1, 1, DNS_OK }, { 0x8180, 0, 1, DNS_OK },
		{ 0x8180, 2, 1, DNS_MALFORMED },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message m, head;

		put_question(&m, "a.example", 1);
		put_a(&m, "@12", 300, 0xc0000201);
		put_header(&head, cases[i].flags, cases[i].qd, cases[i].an);
		memcpy(m.b, head.b, head.len);
		check(&m, cases[i].want, "");
	}
}

static void
test_other_records(void **state)
{
	struct message m;
	size_t data;

	(void)state;
	put_question(&m, "a.example", 5);
	data = begin_record(&m, "@12", TXT, 1);
	put_name(&m, "text");
	end_record(&m, data);
	data = begin_record(&m, "@12", A, 1); /* class CHAOS */
	m.b[data - 7] = 3;
	put32(&m, 0x01020304);
	end_record(&m, data);
	put_a(&m, "b.example", 1, 0x05060708); /* of another name */
	put_a(&m, "example", 1, 0x05060708);
	put_a(&m, "@12", 2, 0xc0000201);
	check(&m, DNS_OK, "a.example 192.0.2.1 2;");
}

/* The chain a → b → c in every order of its four records. */
static void
test_alias_chain_in_any_order(void **state)
{
	static const char want[] = "a.example 192.0.2.1 20;";

	(void)state;
	for (unsigned order = 0; order < 64; order++) {
		unsigned at[3] = { order & 3, order >> 2 & 3, order >> 4 };
		struct message m;

		if (at[0] == at[1] || at[0] == at[2] || at[1] == at[2])
			continue;
		put_question(&m, "a.example", 4);
		for (unsigned i = 0; i < 4; i++) {
			if (i == at[0])
				put_cname(&m, "@12", 50, "b.cdn.example");
			else if (i == at[1])
				put_cname(&m, "B.cdn.example", 20, "c.example");
			else if (i == at[2])
				put_a(&m, "c.example", 30, 0xc0000201);
			else
				put_a(&m, "d.example", 30, 0xc0000202);
		}
		check(&m, DNS_OK, want);
	}
}

/* Real servers point into the data of the record before. */
static void
test_alias_compressed(void **state)
{
	struct message m;
	size_t target;
	char owner[16];

	(void)state;
	put_question(&m, "www.example.com", 2);
	target = begin_record(&m, "@12", CNAME, 100);
	put_name(&m, "edge@16"); /* edge.example.com */
	end_record(&m, target);
	(void)snprintf(owner, sizeof(owner), "@%zu", target);
	put_a(&m, owner, 200, 0xc0000201);
	check(&m, DNS_OK, "www.example.com 192.0.2.1 100;");
}

static void
test_alias_loops(void **state)
{
	struct message m;

	(void)state;
	put_question(&m, "a.example", 3);
	put_cname(&m, "@12", 1, "b.example");
	put_cname(&m, "b.example", 1, "a.example");
	put_a(&m, "b.example", 9, 0xc0000201);
	check(&m, DNS_OK, "a.example 192.0.2.1 1;");
	put_question(&m, "a.example", 2);
	put_cname(&m, "@12", 1, "a.example");
	put_a(&m, "@12", 9, 0xc0000201);
	check(&m, DNS_OK, "a.example 192.0.2.1 9;");
}

static void
test_ttl(void **state)
{
	struct message m;

	(void)state;
	put_question(&m, "a.example", 2);
	put_a(&m, "@12", 0x7fffffff, 0xc0000201);
	put_a(&m, "@12", 0x80000000, 0xc0000202);
	check(&m, DNS_OK,
	    "a.example 192.0.2.1 2147483647;a.example 192.0.2.2 0;");
}

/* Bytes that a terminal or a report must not see. */
static void
test_strange_names(void **state)
{
	static const struct {
		const char *label, *want;
	} cases[] = {
		{ "a b", "a?b.example 192.0.2.1 1;" },
		{ "\x1b[31m", "?[31m.example 192.0.2.1 1;" },
		{ "caf\xc3\xa9", "caf??.example 192.0.2.1 1;" },
		{ "\x7f_-", "?_-.example 192.0.2.1 1;" },
		{ "a\nb", "a?b.example 192.0.2.1 1;" },
		{ "XN--CAF-DMA", "xn--caf-dma.example 192.0.2.1 1;" },
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[64];

		(void)snprintf(
		    name, sizeof(name), "%s.example", cases[i].label);
		put_question(&m, name, 1);
		put_a(&m, "@12", 1, 0xc0000201);
		check(&m, DNS_OK, cases[i].want);
	}
	put_question(&m, "axb.example", 1);
	m.b[QUESTION + 2] = '.';
	put_a(&m, "@12", 1, 0xc0000201);
	check(&m, DNS_OK, "a?b.example 192.0.2.1 1;");
	put_question(&m, "", 1);
	put_a(&m, "@12", 1, 0xc0000201);
	check(&m, DNS_OK, "");
}

/* 255 bytes are a name, 256 are none. */
static void
test_longest_name(void **state)
{
	char name[300], want[400];
	struct message m;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	put_question(&m, name, 1);
	put_a(&m, "@12", 1, 0xc0000201);
	(void)snprintf(want, sizeof(want), "%s 192.0.2.1 1;", name);
	assert_int_equal(strlen(name), DNS_NAME_MAX - 1);
	check(&m, DNS_OK, want);
	name[253] = 'x';
	name[254] = '\0';
	put_question(&m, name, 1);
	put_a(&m, "@12", 1, 0xc0000201);
	check(&m, DNS_MALFORMED, "");
}

static void
test_compression_nonsense(void **state)
{
	/* The answer begins at byte 27. */
	static const char *const owners[] = { "@27", "@28", "@100", "@0", "@11",
		"x@27", "@16383" };
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		put_question(&m, "a.example", 1);
		assert_int_equal(m.len, 27);
		put_a(&m, owners[i], 1, 0xc0000201);
		check(&m, DNS_MALFORMED, "");
	}
	put_question(&m, "@12", 1);
	put_a(&m, "@12", 1, 0xc0000201);
	check(&m, DNS_MALFORMED, "");
	put_question(&m, "a.example", 1);
	put_a(&m, "b", 1, 0xc0000201);
	m.b[27] = 0x41; /* an extended label */
	check(&m, DNS_MALFORMED, "");
	m.b[27] = 0x80;
	check(&m, DNS_MALFORMED, "");
}

/* A pointer to a pointer to a pointer …: some are fine, many are an attack. */
static void
test_pointer_chains(void **state)
{
	(void)state;
	for (unsigned hops = 1; hops < 60; hops++) {
		char owner[16] = "@12";
		struct heard h;
		struct message m;
		enum dns_result r;

		put_question(&m, "a.example", hops);
		for (unsigned i = 0; i < hops; i++) {
			size_t at = m.len;

			put_a(&m, owner, 1, i);
			(void)snprintf(owner, sizeof(owner), "@%zu", at);
		}
		r = parse(&h, m.b, m.len);
		assert_int_equal(r, hops <= 32 ? DNS_OK : DNS_MALFORMED);
		assert_int_equal(h.n, hops <= 32 ? hops : 0);
	}
}

static void
test_wrong_lengths(void **state)
{
	/* clang-format off */
	static const struct {
		unsigned type, length;
	} cases[] = {
		{ A, 0 }, { A, 3 }, { A, 5 }, { A, 16 }, { AAAA, 4 },
		{ AAAA, 15 }, { AAAA, 17 }, { CNAME, 0 }, { CNAME, 30 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message m;
		size_t data;

		put_question(&m, "a.example", 2);
		put_a(&m, "@12", 1, 0xc0000201);
		data = begin_record(&m, "@12", cases[i].type, 1);
		for (unsigned k = 0; k < cases[i].length; k++)
			m.b[m.len++] = k % 2 == 0 ? 1 : 'x';
		end_record(&m, data);
		check(&m, DNS_MALFORMED, "");
	}
}

/* More answers than are kept: no more is said of the rest. */
static void
test_many_answers(void **state)
{
	struct message m;
	struct heard h;

	(void)state;
	put_question(&m, "a.example", 100);
	for (uint32_t i = 0; i < 100; i++)
		put_a(&m, "@12", 1, 0x0a000000 + i);
	assert_int_equal(parse(&h, m.b, m.len), DNS_OK);
	assert_int_equal(h.n, 64);
}

static void
test_truncation_at_every_length(void **state)
{
	struct message m;
	size_t ends[2];

	(void)state;
	put_question(&m, "a.example", 3);
	put_a(&m, "@12", 1, 0xc0000201);
	ends[0] = m.len;
	put_cname(&m, "@12", 1, "long.name.example");
	put_aaaa(&m, "long.name.example", 1, 2);
	ends[1] = m.len;
	for (size_t len = 0; len <= m.len; len++) {
		unsigned want = len >= ends[1] ? 2 : len >= ends[0];
		struct heard h;
		enum dns_result r = parse(&h, m.b, len);

		assert_int_equal(r, len == m.len ? DNS_OK : DNS_TRUNCATED);
		assert_int_equal(h.n, want);
	}
	/* a query's first bytes tell that it is one */
	m.b[2] = 1;
	for (size_t len = 3; len <= m.len; len++) {
		struct heard h;

		assert_int_equal(parse(&h, m.b, len), DNS_QUERY);
	}
}

/* Every byte set to every value: no crash, no endless loop, sane names. */
static void
test_mutations(void **state)
{
	struct message m;
	unsigned seen[4] = { 0 };

	(void)state;
	put_question(&m, "a.example", 3);
	put_cname(&m, "@12", 1, "b@14");
	put_a(&m, "@39", 1, 0xc0000201);
	put_aaaa(&m, "b.example", 1, 2);
	for (size_t at = 0; at < m.len; at++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t was = m.b[at];
			struct heard h;

			m.b[at] = (uint8_t)v;
			seen[parse(&h, m.b, m.len)]++;
			assert_true(h.n <= 3);
			for (const char *c = h.text; *c != '\0'; c++)
				assert_true(*c >= ' ' && *c <= '~');
			m.b[at] = was;
		}
	}
	for (int r = 0; r < 4; r++)
		assert_true(seen[r] > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_answers_nothing),
		cmocka_unit_test(test_other_records),
		cmocka_unit_test(test_alias_chain_in_any_order),
		cmocka_unit_test(test_alias_compressed),
		cmocka_unit_test(test_alias_loops),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_strange_names),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_compression_nonsense),
		cmocka_unit_test(test_pointer_chains),
		cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_many_answers),
		cmocka_unit_test(test_truncation_at_every_length),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/ip.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
static const struct prefix_case {
	const char *text;
	const char *want; /* NULL: refused */
	unsigned notes;
} prefix_cases[] = {
	{ "10.0.0.0/8",          "10.0.0.0/8",     0 },
	{ "10.1.2.3/8",          "10.0.0.0/8",     IP_PREFIX_HOST_BITS },
	{ "0.0.0.0/0",           "0.0.0.0/0",      0 },
	{ "255.255.255.255/32",  "255.255.255.255/32", 0 },
	{ "010.0.0.0/8",         "10.0.0.0/8",     IP_PREFIX_LEADING_ZEROS },
	{ "10.0.0.0/08",         "10.0.0.0/8",     IP_PREFIX_LEADING_ZEROS },
	{ "2001:db8::1/64",      "2001:db8::/64",  IP_PREFIX_HOST_BITS },
	{ "::/0",                "::/0",           0 },
	{ "::ffff:10.0.0.0/104", "10.0.0.0/8",     IP_PREFIX_V4_MAPPED },
	{ "10.0.0.0",            NULL, 0 },
	{ "10.0.0.0/33",         NULL, 0 },
	{ "10.0.0.0/-1",         NULL, 0 },
	{ "10.0.0.0/",           NULL, 0 },
	{ "10.0.0.0/255.0.0.0",  NULL, 0 },
	{ "10.0.0/8",            NULL, 0 },
	{ "fe80::1%eth0/64",     NULL, 0 },
	{ "::/129",              NULL, 0 },
	{ "/8",                  NULL, 0 },
	{ "",                    NULL, 0 },
	{ " 10.0.0.0/8",         NULL, 0 },
	{ "10.0.0.0/8 ",         NULL, 0 },
	{ "10.0.0.0/99999999999999999999", NULL, 0 },
};

static const struct contains_case {
	const char *prefix, *ip;
	bool want;
} contains_cases[] = {
	{ "10.0.0.0/8",    "10.255.0.1",   true },
	{ "10.0.0.0/8",    "11.0.0.1",     false },
	{ "10.0.0.0/31",   "10.0.0.1",     true },
	{ "10.0.0.0/31",   "10.0.0.2",     false },
	{ "10.0.0.7/32",   "10.0.0.7",     true },
	{ "0.0.0.0/0",     "203.0.113.9",  true },
	{ "0.0.0.0/0",     "2001:db8::1",  false }, /* SEMANTICS 37 */
	{ "::/0",          "203.0.113.9",  false }, /* SEMANTICS 37 */
	{ "::/0",          "2001:db8::1",  true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
};

static const struct kind_case {
	const char *ip;
	bool (*is)(const struct ip_addr *a);
	bool want;
} kind_cases[] = {
	{ "127.1.2.3",       ip_is_loopback,    true },
	{ "::1",             ip_is_loopback,    true },
	{ "128.0.0.1",       ip_is_loopback,    false },
	{ "169.254.169.254", ip_is_link_local,  true },
	{ "fe80::1",         ip_is_link_local,  true },
	{ "fec0::1",         ip_is_link_local,  false },
	{ "224.0.0.251",     ip_is_multicast,   true },
	{ "255.255.255.255", ip_is_multicast,   true },
	{ "ff02::1",         ip_is_multicast,   true },
	{ "223.255.255.255", ip_is_multicast,   false },
	{ "10.1.1.1",        ip_is_private,     true },
	{ "172.31.0.1",      ip_is_private,     true },
	{ "172.32.0.1",      ip_is_private,     false },
	{ "192.168.0.1",     ip_is_private,     true },
	{ "100.64.0.1",      ip_is_private,     true },
	{ "100.128.0.1",     ip_is_private,     false },
	{ "fd00::1",         ip_is_private,     true },
	{ "8.8.8.8",         ip_is_private,     false },
	{ "0.0.0.0",         ip_is_unspecified, true },
	{ "::",              ip_is_unspecified, true },
};
/* clang-format on */

static void
test_prefix_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(prefix_cases); i++) {
		const struct prefix_case *c = &prefix_cases[i];
		char buf[IP_PREFIX_STRLEN];
		struct ip_prefix p;
		unsigned notes = 99;

		if (!ip_prefix_parse(&p, c->text, &notes)) {
			if (c->want != NULL)
				fail_msg("%s is refused", c->text);
			continue;
		}
		if (c->want == NULL)
			fail_msg("%s is accepted", c->text);
		assert_string_equal(ip_prefix_format(&p, buf), c->want);
		assert_int_equal(notes, c->notes);
	}
}

static void
test_prefix_contains(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(contains_cases); i++) {
		const struct contains_case *c = &contains_cases[i];
		struct ip_prefix p;
		struct ip_addr a;

		assert_true(ip_prefix_parse(&p, c->prefix, NULL));
		assert_true(ip_parse(&a, c->ip));
		if (ip_prefix_contains(&p, &a) != c->want)
			fail_msg("%s in %s", c->ip, c->prefix);
	}
}

static void
test_prefix_covers(void **state)
{
	struct ip_prefix eight, sixteen, six;

	(void)state;
	assert_true(ip_prefix_parse(&eight, "10.0.0.0/8", NULL));
	assert_true(ip_prefix_parse(&sixteen, "10.5.0.0/16", NULL));
	assert_true(ip_prefix_parse(&six, "::/0", NULL));
	assert_true(ip_prefix_covers(&eight, &sixteen));
	assert_true(ip_prefix_covers(&eight, &eight));
	assert_false(ip_prefix_covers(&sixteen, &eight));
	assert_false(ip_prefix_covers(&six, &eight));
}

static void
test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(kind_cases); i++) {
		struct ip_addr a;

		assert_true(ip_parse(&a, kind_cases[i].ip));
		if (kind_cases[i].is(&a) != kind_cases[i].want)
			fail_msg("%s", kind_cases[i].ip);
	}
}

static void
test_parse(void **state)
{
	static const char *const bad[] = { "", "10.0.0", "10.0.0.256",
		"010.0.0.1", "10.0.0.1:80", "fe80::1%eth0", "x", "1::2::3" };
	struct ip_addr a, b;
	char buf[IP_STRLEN];

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++)
		if (ip_parse(&a, bad[i]))
			fail_msg("%s is accepted", bad[i]);
	assert_true(ip_parse(&a, "2001:DB8:0:0::1"));
	assert_string_equal(ip_format(&a, buf), "2001:db8::1");
	assert_true(ip_parse(&a, "::ffff:10.1.2.3"));
	assert_true(ip_parse(&b, "10.1.2.3"));
	assert_true(ip_equal(&a, &b));
	assert_string_equal(ip_format(&a, buf), "10.1.2.3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_parse),
		cmocka_unit_test(test_prefix_contains),
		cmocka_unit_test(test_prefix_covers),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}

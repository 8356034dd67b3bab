/* SPDX-License-Identifier: Apache-2.0 */
/* A real kernel's answer, and answers made by hand that no kernel gives. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/conntrack.h"
#include "core/flow.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND   ((int64_t)1000000)
#define NOW      (1767225600 * SECOND)
#define DAY_S    86400

enum { BE_LIBERAL = 0x08, UNACKNOWLEDGED = 0x10 };

struct seen {
	struct conntrack_entry v[64];
	size_t n;
};

static void
on_entry(void *arg, const struct conntrack_entry *e)
{
	struct seen *s = arg;

	assert_true(s->n < NELEM(s->v));
	s->v[s->n++] = *e;
}

/* "ip:port", the last colon counting. */
static struct socket_addr
addr(const char *text)
{
	struct socket_addr a;
	char ip[64];
	const char *colon = strrchr(text, ':');

	assert_non_null(colon);
	(void)snprintf(ip, sizeof(ip), "%.*s", (int)(colon - text), text);
	assert_true(ip_parse(&a.ip, ip));
	a.port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return a;
}

static void
assert_addr(const struct socket_addr *a, const char *text)
{
	char buf[64], ip[IP_STRLEN];

	(void)snprintf(
	    buf, sizeof(buf), "%s:%u", ip_format(&a->ip, ip), a->port);
	assert_string_equal(buf, text);
}

static size_t
read_real(uint8_t *buf, size_t room)
{
	FILE *f = fopen("fixtures/conntrack/real.bin", "rb");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, room, f);
	(void)fclose(f);
	assert_true(n > 4 && n < room);
	return n;
}

/* Parse all recorded datagrams. */
static void
parse_real(struct conntrack_parsed *p, struct seen *s)
{
	static uint8_t buf[65536];
	size_t n = read_real(buf, sizeof(buf)), at = 0;

	memset(p, 0, sizeof(*p));
	s->n = 0;
	while (at + 4 <= n) {
		size_t size = buf[at] | (size_t)buf[at + 1] << 8 |
		    (size_t)buf[at + 2] << 16;

		assert_true(at + 4 + size <= n);
		conntrack_parse(p, buf + at + 4, size, on_entry, s);
		at += 4 + size;
	}
}

static const struct conntrack_entry *
find(const struct seen *s, const char *dst)
{
	struct socket_addr a = addr(dst);

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].dst.port == a.port &&
		    ip_equal(&s->v[i].dst.ip, &a.ip))
			return &s->v[i];
	fail_msg("no entry for %s", dst);
	return NULL;
}

/* As fixtures/conntrack/real.txt says it. */
static void
test_real(void **state)
{
	static struct seen s;
	struct conntrack_parsed p;
	const struct conntrack_entry *e;

	(void)state;
	parse_real(&p, &s);
	assert_true(p.done);
	assert_int_equal(p.error, 0);
	assert_int_equal(p.malformed, 0);
	assert_int_equal(s.n, 7);
	e = find(&s, "10.96.0.50:80");
	assert_addr(&e->src, "10.244.0.5:36154");
	assert_addr(&e->reply_src, "172.18.0.1:8080");
	assert_addr(&e->reply_dst, "172.18.0.2:36629");
	assert_int_equal(e->protocol, FLOW_TCP);
	assert_int_equal(e->state, CONNTRACK_TCP_ESTABLISHED);
	assert_true(e->replied && e->assured && e->has_timeout);
	assert_int_equal(e->timeout_s, 431996);
	assert_int_equal(e->tcp_flags & (BE_LIBERAL | UNACKNOWLEDGED), 0);
	e = find(&s, "172.18.0.1:8080");
	assert_int_equal(e->state, CONNTRACK_TCP_CLOSE_WAIT);
	e = find(&s, "fd00:10:244::1:9090");
	assert_addr(&e->src, "fd00:10:244::5:48814");
	/* The server spoke first when the table had forgotten it. */
	e = find(&s, "10.244.0.5:39338");
	assert_int_equal(e->tcp_flags & BE_LIBERAL, BE_LIBERAL);
	e = find(&s, "10.244.0.1:5000");
	assert_int_equal(e->protocol, FLOW_UDP);
	assert_true(e->assured);
	e = find(&s, "10.244.0.1:53");
	assert_true(!e->replied && !e->assured);
}

/* Every cut of it, and every byte of it wrong: nothing is read beyond, and
 * what comes out is whole. The heap shows ASan each end. */
static void
test_damaged(void **state)
{
	static struct seen s;
	static uint8_t buf[65536];
	size_t n = read_real(buf, sizeof(buf)) - 4;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		struct conntrack_parsed p = { 0 };
		uint8_t *copy = malloc(cut != 0 ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, buf + 4, cut);
		s.n = 0;
		conntrack_parse(&p, copy, cut, on_entry, &s);
		assert_true(s.n < 8 && p.entries == s.n);
		free(copy);
	}
	for (size_t at = 0; at < n; at++) {
		struct conntrack_parsed p = { 0 };

		buf[4 + at] ^= 0xff;
		s.n = 0;
		conntrack_parse(&p, buf + 4, n, on_entry, &s);
		buf[4 + at] ^= 0xff;
		assert_true(s.n <= 7);
	}
}

/* One netlink message under construction. */
struct message {
	uint8_t b[512];
	size_t n;
};

static void
put(struct message *m, const void *data, size_t n)
{
	assert_true(m->n + n + 4 <= sizeof(m->b));
	memcpy(m->b + m->n, data, n);
	m->n += n;
	while (m->n % 4 != 0)
		m->b[m->n++] = 0;
}

static void
put_attribute(struct message *m, uint16_t type, const void *data, size_t n)
{
	const uint16_t head[2] = { (uint16_t)(n + 4), type };

	put(m, head, sizeof(head));
	put(m, data, n);
}

static struct message
message(uint16_t type)
{
	const struct nlmsghdr h = { .nlmsg_type = type };
	struct message m = { .n = 0 };

	put(&m, &h, sizeof(h));
	return m;
}

static void
finish(struct message *m)
{
	uint32_t n = (uint32_t)m->n;

	memcpy(m->b, &n, sizeof(n));
}

static void
put_tuple(struct message *m, uint16_t type, uint8_t protocol, bool ports)
{
	struct message ip = { .n = 0 }, proto = { .n = 0 }, tuple = { .n = 0 };

	put_attribute(&ip, CTA_IP_V4_SRC, "\x0a\xf4\0\x05", 4);
	put_attribute(&ip, CTA_IP_V4_DST, "\x0a\xf4\0\x06", 4);
	put_attribute(&proto, CTA_PROTO_NUM, &protocol, 1);
	if (ports) {
		put_attribute(&proto, CTA_PROTO_SRC_PORT, "\x9c\x40", 2);
		put_attribute(&proto, CTA_PROTO_DST_PORT, "\0\x50", 2);
	}
	put_attribute(&tuple, CTA_TUPLE_IP | NLA_F_NESTED, ip.b, ip.n);
	put_attribute(&tuple, CTA_TUPLE_PROTO | NLA_F_NESTED, proto.b, proto.n);
	put_attribute(m, type | NLA_F_NESTED, tuple.b, tuple.n);
}

/* clang-format off */
static const struct made_case {
	const char *name;
	uint8_t there, back; /* protocols; 0: no such tuple */
	bool ports;
	uint64_t entries, others, malformed;
} made_cases[] = {
	{ "whole",            FLOW_TCP, FLOW_TCP, true,  1, 0, 0 },
	{ "no reply's tuple", FLOW_TCP, 0,        true,  0, 0, 1 },
	{ "no tuple at all",  0,        0,        true,  0, 0, 1 },
	{ "ICMP",             1,        1,        false, 0, 1, 0 },
	{ "GRE",              47,       47,       false, 0, 1, 0 },
	{ "TCP, no ports",    FLOW_TCP, FLOW_TCP, false, 0, 0, 1 },
	{ "it changes kind",  FLOW_TCP, FLOW_UDP, true,  0, 0, 1 },
};
/* clang-format on */

static void
test_made(void **state)
{
	static const struct nfgenmsg g = { .nfgen_family = 2 };

	(void)state;
	for (size_t i = 0; i < NELEM(made_cases); i++) {
		const struct made_case *c = &made_cases[i];
		struct message m =
		    message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW);
		struct conntrack_parsed p = { 0 };
		struct seen s = { .n = 0 };

		put(&m, &g, sizeof(g));
		if (c->there != 0)
			put_tuple(&m, CTA_TUPLE_ORIG, c->there, c->ports);
		if (c->back != 0)
			put_tuple(&m, CTA_TUPLE_REPLY, c->back, c->ports);
		finish(&m);
		conntrack_parse(&p, m.b, m.n, on_entry, &s);
		if (p.entries != c->entries || p.others != c->others ||
		    p.malformed != c->malformed || s.n != c->entries)
			fail_msg("%s: %d entries, %d others, %d malformed",
			    c->name, (int)p.entries, (int)p.others,
			    (int)p.malformed);
		assert_false(p.done);
	}
}

static struct conntrack_parsed
parse_end(uint16_t type, int32_t code)
{
	struct message m = message(type);
	struct conntrack_parsed p = { 0 };

	put(&m, &code, sizeof(code));
	finish(&m);
	conntrack_parse(&p, m.b, m.n, on_entry, NULL);
	return p;
}

static void
test_ends(void **state)
{
	struct conntrack_parsed p;

	(void)state;
	p = parse_end(NLMSG_DONE, 0);
	assert_true(p.done && p.error == 0);
	p = parse_end(NLMSG_DONE, -5);
	assert_true(p.done && p.error == 5);
	p = parse_end(NLMSG_ERROR, -1);
	assert_true(p.done && p.error == 1);
	p = parse_end(NLMSG_ERROR, 0); /* an acknowledgement */
	assert_true(!p.done && p.error == 0);
	p = parse_end(NLMSG_NOOP, 0);
	assert_true(!p.done && p.malformed == 0);
}

static const struct conntrack_timeouts timeouts = {
	.tcp_established = 5 * DAY_S,
	.tcp_unacknowledged = 300,
	.tcp_max_retrans = 300,
	.tcp_fin_wait = 120,
	.tcp_close_wait = 60,
	.udp = 30,
	.udp_stream = 120,
	.sctp_established = 210,
};

enum { T = FLOW_TCP, U = FLOW_UDP, C = FLOW_SCTP };
enum { TAKE = CONNTRACK_TAKE, OVER = CONNTRACK_OVER };
enum { IGNORED = CONNTRACK_IGNORED, UNDATED = CONNTRACK_UNDATED };

/* clang-format off */
static const struct judge_case {
	const char *name, *src, *dst;
	uint8_t protocol, state, flags;
	bool replied, assured, has_timeout;
	uint32_t timeout_s;
	int want;
	uint32_t idle_s;
	bool opened, silent;
} judge_cases[] = {
	{ "TCP",             "10.0.0.5:40000", "10.0.0.6:80", T, 3, 0, 1, 1, 1, 431990, TAKE, 10, 1, 0 },
	{ "half closed",     "10.0.0.5:40000", "10.0.0.6:80", T, 4, 0, 1, 1, 1, 100, TAKE, 20, 1, 0 },
	{ "closing",         "10.0.0.5:40000", "10.0.0.6:80", T, 5, 0, 1, 1, 1, 55, TAKE, 5, 1, 0 },
	{ "closed",          "10.0.0.5:40000", "10.0.0.6:80", T, 7, 0, 1, 1, 1, 55, OVER, 0, 0, 0 },
	{ "SYN only",        "10.0.0.5:40000", "10.0.0.6:80", T, 1, 0, 0, 0, 1, 55, OVER, 0, 0, 0 },
	{ "never answered",  "10.0.0.5:40000", "10.0.0.6:80", T, 3, 0, 0, 0, 1, 431990, OVER, 0, 0, 0 },
	{ "picked up",       "10.0.0.6:80", "10.0.0.5:40000", T, 3, BE_LIBERAL, 1, 1, 1, 431990, TAKE, 10, 0, 0 },
	{ "data on its way", "10.0.0.5:40000", "10.0.0.6:80", T, 3, UNACKNOWLEDGED, 1, 1, 1, 299, TAKE, 1, 1, 0 },
	{ "which timer ran?", "10.0.0.5:40000", "10.0.0.6:80", T, 3, 0, 1, 1, 1, 300, UNDATED, 0, 0, 0 },
	{ "fast path",       "10.0.0.5:40000", "10.0.0.6:80", T, 3, 0, 1, 1, 0, 0, TAKE, 0, 1, 0 },
	{ "more than a life", "10.0.0.5:40000", "10.0.0.6:80", T, 3, 0, 1, 1, 1, 999999, TAKE, 0, 1, 0 },
	{ "UDP both ways",   "10.0.0.5:40000", "10.0.0.6:99", U, 0, 0, 1, 1, 1, 110, TAKE, 10, 0, 0 },
	{ "one exchange",    "10.0.0.5:40000", "10.0.0.6:99", U, 0, 0, 1, 0, 1, 29, TAKE, 1, 0, 1 },
	{ "UDP, silent",     "10.0.0.5:40000", "10.0.0.6:99", U, 0, 0, 1, 1, 1, 90, OVER, 0, 0, 0 },
	{ "UDP, no answer",  "10.0.0.5:40000", "10.0.0.6:99", U, 0, 0, 0, 0, 1, 29, OVER, 0, 0, 0 },
	{ "DNS",             "10.0.0.5:40000", "10.0.0.6:53", U, 0, 0, 1, 1, 1, 119, OVER, 0, 0, 0 },
	{ "DNS over TCP",    "10.0.0.5:40000", "10.0.0.6:53", T, 3, 0, 1, 1, 1, 431999, TAKE, 1, 1, 0 },
	{ "SCTP",            "10.0.0.5:40000", "10.0.0.6:99", C, 4, 0, 1, 1, 1, 200, TAKE, 10, 1, 0 },
	{ "SCTP, ending",    "10.0.0.5:40000", "10.0.0.6:99", C, 5, 0, 1, 1, 1, 200, OVER, 0, 0, 0 },
	{ "loopback",        "127.0.0.1:4000", "127.0.0.1:80", T, 3, 0, 1, 1, 1, 431990, IGNORED, 0, 0, 0 },
	{ "loopback, IPv6",  "::1:4000",       "::1:80",       T, 3, 0, 1, 1, 1, 431990, IGNORED, 0, 0, 0 },
	{ "multicast",       "10.0.0.5:4000", "224.0.0.9:99", U, 0, 0, 1, 1, 1, 110, IGNORED, 0, 0, 0 },
};
/* clang-format on */

static void
test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(judge_cases); i++) {
		const struct judge_case *c = &judge_cases[i];
		struct conntrack_entry e = {
			.src = addr(c->src),
			.dst = addr(c->dst),
			.reply_src = addr(c->dst),
			.reply_dst = addr(c->src),
			.protocol = c->protocol,
			.state = c->state,
			.tcp_flags = c->flags,
			.replied = c->replied,
			.assured = c->assured,
			.has_timeout = c->has_timeout,
			.timeout_s = c->timeout_s,
		};
		struct flow_known k;
		int got = (int)conntrack_judge(&k, &e, &timeouts, NOW);

		if (got != c->want)
			fail_msg("%s: %d instead of %d", c->name, got, c->want);
		if (got != TAKE)
			continue;
		if (k.opened != c->opened || k.silent != c->silent ||
		    k.last_us != NOW - c->idle_s * SECOND)
			fail_msg("%s: opened %d, silent %d, %d s ago", c->name,
			    k.opened, k.silent,
			    (int)((NOW - k.last_us) / SECOND));
	}
}

/* Without the kernel's timeouts no entry can be dated. */
static void
test_no_timeouts(void **state)
{
	const struct conntrack_timeouts none = { 0 };
	struct conntrack_entry e = {
		.src = addr("10.0.0.5:40000"),
		.dst = addr("10.0.0.6:80"),
		.reply_src = addr("10.0.0.6:80"),
		.reply_dst = addr("10.0.0.5:40000"),
		.protocol = FLOW_TCP,
		.state = CONNTRACK_TCP_ESTABLISHED,
		.replied = true,
		.has_timeout = true,
		.timeout_s = 1000,
	};
	struct flow_known k;

	(void)state;
	assert_int_equal(conntrack_judge(&k, &e, &none, NOW), UNDATED);
	e.has_timeout = false;
	assert_int_equal(conntrack_judge(&k, &e, &none, NOW), TAKE);
}

/* Whatever this kernel has: words, and nothing half read. */
static void
test_read(void **state)
{
	struct conntrack_table t;
	struct rf_error err = { .msg = "" };
	enum rf_status st = conntrack_read(&t, NOW, &err);

	(void)state;
	assert_true(st == RF_OK || st == RF_IO || st == RF_VERSION);
	if (st != RF_OK) {
		assert_true(err.msg[0] != '\0');
		assert_null(t.v);
	}
	assert_true(t.n <= CONNTRACK_KNOWN_MAX);
	conntrack_release(&t);
	assert_null(t.v);
}

/* One dump of an entry and an end, either of which may be interrupted. */
static void
send_dump(int fd, uint16_t entry_flags, uint16_t end_flags)
{
	static const struct nfgenmsg g = { .nfgen_family = 2 };
	const uint32_t status = htonl(IPS_SEEN_REPLY | IPS_ASSURED);
	const uint32_t timeout = htonl(119);
	const size_t at = offsetof(struct nlmsghdr, nlmsg_flags);
	struct message m =
	    message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW);
	struct message end = message(NLMSG_DONE);

	put(&m, &g, sizeof(g));
	put_tuple(&m, CTA_TUPLE_ORIG, FLOW_UDP, true);
	put_tuple(&m, CTA_TUPLE_REPLY, FLOW_UDP, true);
	put_attribute(&m, CTA_STATUS, &status, sizeof(status));
	put_attribute(&m, CTA_TIMEOUT, &timeout, sizeof(timeout));
	finish(&m);
	memcpy(m.b + at, &entry_flags, sizeof(entry_flags));
	put(&end, "\0\0\0", 4);
	finish(&end);
	memcpy(end.b + at, &end_flags, sizeof(end_flags));
	assert_int_equal(send(fd, m.b, m.n, 0), m.n);
	assert_int_equal(send(fd, end.b, end.n, 0), end.n);
}

/* A table that changed while it was read is read again, but not for ever; what
 * was read before does not count. */
static void
test_interrupted(void **state)
{
	enum { INTR = NLM_F_MULTI | NLM_F_DUMP_INTR, READINGS = 4 };
	static const struct {
		uint16_t flags[READINGS][2];
		uint64_t interrupted, asked;
		bool in_the_end;
	} cases[] = {
		{ { { NLM_F_MULTI, NLM_F_MULTI } }, 0, 1, false },
		{ { { INTR, 0 }, { 0, 0 } }, 1, 2, false },
		{ { { 0, INTR }, { INTR, 0 }, { 0, 0 } }, 2, 3, false },
		{ { { 0, INTR }, { 0, INTR }, { 0, INTR }, { 0, 0 } }, 3, 3,
		    true },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct conntrack_table t;
		struct rf_error err;
		uint64_t asked = 0;
		char buf[256];
		int fds[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		for (size_t k = 0; k < READINGS; k++)
			send_dump(
			    fds[1], cases[i].flags[k][0], cases[i].flags[k][1]);
		assert_int_equal(
		    conntrack_read_from(fds[0], &t, &timeouts, NOW, &err),
		    RF_OK);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.parsed.entries, 1);
		assert_int_equal(t.interrupted, cases[i].interrupted);
		assert_int_equal(t.parsed.interrupted, cases[i].in_the_end);
		while (recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			asked++;
		assert_int_equal(asked, cases[i].asked);
		conntrack_release(&t);
		assert_int_equal(close(fds[0]) + close(fds[1]), 0);
	}
}

/* A reading that takes its time: entries are dated by when it began, and
 * connections were there when it was done. */
static void
test_slow(void **state)
{
	const int64_t pause_us = SECOND / 5;
	struct conntrack_table t;
	struct rf_error err;
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)usleep((useconds_t)pause_us);
		send_dump(fds[1], NLM_F_DUMP_INTR, 0);
		send_dump(fds[1], 0, 0);
		_exit(0);
	}
	assert_int_equal(
	    conntrack_read_from(fds[0], &t, &timeouts, NOW, &err), RF_OK);
	assert_int_equal(t.n, 1);
	assert_true(t.read_us >= NOW + pause_us); /* the second one */
	assert_true(t.done_us >= t.read_us);
	assert_int_equal(t.v[0].last_us, t.read_us - SECOND);
	conntrack_release(&t);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(close(fds[0]) + close(fds[1]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_no_timeouts),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests_name("conntrack", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's filter, run by libpcap's interpreter, against decode. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "collector/decode.h"
#include "collector/filter.h"
#include "core/flow.h"
#include "tests/support/case_table.h"
#include "tests/support/frame_builder.h"

#define RANDOM_FRAMES 200000
#define SNAPLEN       512

static const int links[] = { DECODE_LINK_EN10MB, DECODE_LINK_SLL,
	DECODE_LINK_SLL2, DECODE_LINK_RAW };
static const uint8_t ip_at[] = { 14, 16, 20, 0 };

struct program {
	struct bpf_insn insns[FILTER_INSNS_MAX];
	size_t n;
};

static struct program
program_of(int link, enum filter_mode mode)
{
	struct filter_insn insns[FILTER_INSNS_MAX];
	struct program p = { .n = filter_build(insns, link, mode, SNAPLEN) };

	for (size_t i = 0; i < p.n; i++)
		p.insns[i] = (struct bpf_insn){ insns[i].code, insns[i].jt,
			insns[i].jf, insns[i].k };
	return p;
}

static bool
passes(const struct program *p, struct frame *f)
{
	u_int n = (u_int)frame_len(f);
	u_int kept = bpf_filter(p->insns, frame_bytes(f), n, n);

	assert_true(kept == 0 || kept == SNAPLEN);
	return kept != 0;
}

static void
put_link(struct frame *f, size_t link)
{
	switch (links[link]) {
	case DECODE_LINK_EN10MB:
		frame_ethernet(f);
		break;
	case DECODE_LINK_SLL:
		frame_sll(f, 0);
		break;
	case DECODE_LINK_SLL2:
		frame_sll2(f, 3, 7);
		break;
	default:
		break;
	}
}

static void
test_programs(void **state)
{
	(void)state;
	for (size_t l = 0; l < NELEM(links); l++)
		for (unsigned mode = 0; mode <= FILTER_ALL; mode++) {
			struct program p = program_of(links[l], mode);

			assert_true(p.n > 0);
			assert_true(bpf_validate(p.insns, (int)p.n));
		}
	assert_int_equal(program_of(DECODE_LINK_NULL, FILTER_CONNECTIONS).n, 0);
	assert_int_equal(program_of(DECODE_LINK_NULL, FILTER_ALL).n, 1);
}

/* What stands in a frame, from the inside out. */
struct layers {
	enum { T_TCP, T_UDP, T_SCTP, T_ERROR, T_ECHO, T_ERROR6, T_TOO_BIG } t;
	uint8_t flags; /* TCP flags, or SCTP chunk */
	uint16_t port;
	bool v6;
	enum { O_NONE, O_VXLAN, O_GENEVE, O_GRE, O_IPIP } overlay;
	uint8_t options; /* Geneve: words */
	bool outer_v6, extension, vlan;
	enum { F_WHOLE, F_FIRST, F_LATER } fragment;
	const char *dst;
	uint16_t payload;
};

static void
put_transport(struct frame *f, const struct layers *s)
{
	struct frame_segment segment = { .flags = s->flags, .seq = 77 };
	static const uint8_t quoted[28] = { 0x45, 0, 0, 60, 1, 1, 0, 0, 64, 6,
		0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x99, 0x99, 0, 80, 0, 0, 0, 1 };

	frame_init(f, NULL, s->payload);
	switch (s->t) {
	case T_TCP:
		frame_tcp(f, 40000, s->port, &segment);
		break;
	case T_UDP:
		frame_udp(f, 40000, s->port);
		break;
	case T_SCTP:
		frame_sctp_chunk(f, s->flags, 0);
		frame_sctp(f, 40000, s->port, 5);
		break;
	case T_ERROR:
	case T_TOO_BIG:
		frame_init(f, quoted, sizeof(quoted));
		frame_icmp(f, 3, s->t == T_TOO_BIG ? 4 : 3);
		break;
	case T_ERROR6:
		frame_init(f, NULL, 48);
		frame_icmpv6(f, 1, 4);
		break;
	case T_ECHO:
		frame_icmp(f, 8, 0);
		break;
	}
}

static void
put_ip(struct frame *f, const struct layers *s, bool v6, const char *dst)
{
	struct frame_fragment fragment = { .id = 9,
		.offset = s->fragment == F_LATER ? 64 : 0,
		.more = s->fragment == F_FIRST };
	const char *src = v6 ? "fd00::5" : "10.244.0.5";

	if (dst == NULL)
		dst = v6 ? "fd00::6" : "10.244.0.6";
	if (s->fragment != F_WHOLE)
		frame_ip_fragment(f, src, dst, &fragment);
	else
		frame_ip(f, src, dst);
}

static void
put_overlay(struct frame *f, const struct layers *s)
{
	static const struct layers plain = { .t = T_TCP };

	if (s->overlay == O_VXLAN || s->overlay == O_GENEVE)
		frame_ethernet(f);
	if (s->overlay == O_VXLAN) {
		frame_vxlan(f, 42);
		frame_udp(f, 55555, 4789);
	} else if (s->overlay == O_GENEVE) {
		frame_geneve(f, 42, (size_t)s->options * 4);
		frame_udp(f, 55555, 6081);
	} else if (s->overlay == O_GRE) {
		frame_gre(f, 0x2000);
	}
	if (s->overlay != O_NONE)
		put_ip(f, &plain, s->outer_v6, NULL);
}

static void
build(struct frame *f, const struct layers *s, size_t link)
{
	put_transport(f, s);
	if (s->extension && s->v6 && s->overlay == O_NONE)
		frame_extension(f, 60, 16);
	put_ip(f, s, s->v6, s->dst);
	put_overlay(f, s);
	if (s->vlan && links[link] != DECODE_LINK_RAW)
		frame_vlan(f, 0x8100, 12);
	put_link(f, link);
}

#define ACK 0x10
#define PSH 0x18
/* clang-format off */
static const struct filter_case {
	const char *name;
	struct layers s;
	bool connections, census;
} cases[] = {
	{ "SYN",              { .t = T_TCP, .flags = 2 },                 1, 1 },
	{ "SYN-ACK",          { .t = T_TCP, .flags = 0x12 },              1, 1 },
	{ "FIN-ACK",          { .t = T_TCP, .flags = 0x11 },              1, 1 },
	{ "RST",              { .t = T_TCP, .flags = 4 },                 1, 1 },
	{ "ACK",              { .t = T_TCP, .flags = ACK },               0, 1 },
	{ "data",             { .t = T_TCP, .flags = PSH, .payload = 900 }, 0, 1 },
	{ "data, v6",         { .t = T_TCP, .flags = PSH, .v6 = true },   0, 1 },
	{ "SYN, v6",          { .t = T_TCP, .flags = 2, .v6 = true },     1, 1 },
	{ "data, v6 option",  { .t = T_TCP, .flags = PSH, .v6 = true, .extension = true }, 1, 1 },
	{ "data, VLAN",       { .t = T_TCP, .flags = PSH, .vlan = true }, 1, 1 },
	{ "UDP",              { .t = T_UDP, .port = 9000 },               1, 1 },
	{ "UDP, v6",          { .t = T_UDP, .port = 53, .v6 = true },     1, 1 },
	{ "UDP to 4789",      { .t = T_UDP, .port = 4789, .payload = 90 }, 1, 1 },
	{ "first fragment",   { .t = T_TCP, .flags = PSH, .payload = 64, .fragment = F_FIRST }, 1, 1 },
	{ "later fragment",   { .t = T_UDP, .payload = 64, .fragment = F_LATER }, 0, 0 },
	{ "INIT",             { .t = T_SCTP, .flags = 1, .payload = 20 }, 1, 1 },
	{ "INIT-ACK",         { .t = T_SCTP, .flags = 2, .payload = 20 }, 1, 1 },
	{ "ABORT",            { .t = T_SCTP, .flags = 6 },                1, 1 },
	{ "SHUTDOWN",         { .t = T_SCTP, .flags = 7 },                1, 1 },
	{ "SCTP DATA",        { .t = T_SCTP, .flags = 0, .payload = 20 }, 0, 1 },
	{ "SACK",             { .t = T_SCTP, .flags = 3, .payload = 12 }, 0, 1 },
	{ "unreachable",      { .t = T_ERROR },                           1, 1 },
	{ "unreachable, v6",  { .t = T_ERROR6, .v6 = true },              1, 1 },
	{ "too big",          { .t = T_TOO_BIG },                         0, 0 },
	{ "echo",             { .t = T_ECHO },                            0, 0 },
	{ "loopback",         { .t = T_TCP, .flags = 2, .dst = "127.0.0.1" }, 0, 0 },
	{ "SYN in VXLAN",     { .t = T_TCP, .flags = 2, .overlay = O_VXLAN }, 1, 1 },
	{ "data in VXLAN",    { .t = T_TCP, .flags = PSH, .overlay = O_VXLAN }, 0, 1 },
	{ "data, VXLAN v6",   { .t = T_TCP, .flags = PSH, .overlay = O_VXLAN, .outer_v6 = true }, 0, 1 },
	{ "v6 data in VXLAN", { .t = T_TCP, .flags = PSH, .overlay = O_VXLAN, .v6 = true }, 1, 1 },
	{ "UDP in VXLAN",     { .t = T_UDP, .overlay = O_VXLAN, .payload = 60 }, 1, 1 },
	{ "SYN in Geneve",    { .t = T_TCP, .flags = 2, .overlay = O_GENEVE, .options = 2 }, 1, 1 },
	{ "ACK in Geneve",    { .t = T_TCP, .flags = ACK, .overlay = O_GENEVE }, 0, 1 },
	{ "ACK, Geneve opts", { .t = T_TCP, .flags = ACK, .overlay = O_GENEVE, .options = 63 }, 0, 1 },
	{ "SYN in IPIP",      { .t = T_TCP, .flags = 2, .overlay = O_IPIP }, 1, 1 },
	{ "ACK in IPIP",      { .t = T_TCP, .flags = ACK, .overlay = O_IPIP }, 0, 1 },
	{ "ACK in GRE",       { .t = T_TCP, .flags = ACK, .overlay = O_GRE }, 1, 1 },
	{ "ACK in 6in4",      { .t = T_TCP, .flags = ACK, .v6 = true, .overlay = O_IPIP }, 1, 1 },
};
/* clang-format on */

static void
test_case(void **state)
{
	const struct filter_case *c = *state;

	for (size_t l = 0; l < NELEM(links); l++) {
		struct program con = program_of(links[l], FILTER_CONNECTIONS);
		struct program census = program_of(links[l], FILTER_CENSUS);
		struct program all = program_of(links[l], FILTER_ALL);
		bool tagged = c->s.vlan && links[l] != DECODE_LINK_RAW;
		struct frame f;

		build(&f, &c->s, l);
		if (c->s.vlan && !tagged)
			continue;
		assert_int_equal(passes(&con, &f), c->connections);
		assert_int_equal(passes(&census, &f), c->census);
		assert_true(passes(&all, &f));
	}
}

static void
test_other_protocols(void **state)
{
	struct program p = program_of(DECODE_LINK_EN10MB, FILTER_CENSUS);
	struct frame f;

	(void)state;
	frame_init(&f, NULL, 46);
	f.type = 0x0806;
	frame_ethernet(&f);
	assert_false(passes(&p, &f));
	frame_init(&f, NULL, 46);
	frame_ip(&f, "10.0.0.1", "10.0.0.2");
	frame_ethernet(&f);
	assert_false(passes(&p, &f));
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x >> 11;
}

static void
random_layers(struct layers *s, uint64_t *x)
{
	static const uint16_t ports[] = { 80, 53, 4789, 8472, 6081, 9000 };
	static const uint8_t flags[] = { 2, 0x12, 0x10, 0x18, 0x11, 4, 0, 3 };

	*s = (struct layers){ .t = next_random(x) % 7,
		.flags = flags[next_random(x) % NELEM(flags)],
		.port = ports[next_random(x) % NELEM(ports)],
		.v6 = next_random(x) & 1,
		.overlay = next_random(x) % 5,
		.options = (uint8_t)(next_random(x) % 64),
		.outer_v6 = next_random(x) & 1,
		.extension = next_random(x) % 4 == 0,
		.vlan = next_random(x) % 8 == 0,
		.fragment = next_random(x) % 8 == 0 ? next_random(x) % 3 : 0,
		.payload = (uint16_t)(next_random(x) % 40 * 8 + 24) };
	if (s->t == T_ERROR || s->t == T_TOO_BIG || s->t == T_ECHO)
		s->v6 = false;
	if (s->t == T_ERROR6)
		s->v6 = true;
}

/* Lie about a few bytes of the headers, or cut the frame off. */
static void
spoil(struct frame *f, uint64_t *x, size_t from)
{
	size_t n = frame_len(f) - from;

	for (uint64_t i = next_random(x) % 4; i > 0 && n > 0; i--) {
		size_t at = next_random(x) % (n < 100 ? n : 100);

		frame_bytes(f)[from + at] ^=
		    (uint8_t)(1u << next_random(x) % 8);
	}
}

/* Does a collector of connections need what decode made of this frame? */
static bool
is_wanted(const struct packet *p, enum filter_mode mode)
{
	if (p->icmp_error || p->more_fragments)
		return true;
	if (p->fragment)
		return false;
	if (p->protocol == FLOW_UDP || mode == FILTER_CENSUS)
		return true;
	if (p->protocol == FLOW_TCP)
		return (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0;
	return (p->tcp_flags & (SCTP_INIT | SCTP_INIT_ACK)) != 0 &&
	    (p->tcp_flags & SCTP_DATA) == 0;
}

static bool
is_loopback(struct frame *f, size_t at)
{
	const uint8_t *b = frame_bytes(f) + at;

	return frame_len(f) >= at + 20 && b[16] == 127;
}

/* Whatever decode has a use for must pass, of whatever bytes. */
/* As the kernel runs it, on a packet without the header that libpcap makes:
 * the ethertype is told by the socket, here by a constant. */
static bool
passes_socket(size_t link, enum filter_mode mode, struct frame *f)
{
	struct filter_insn insns[FILTER_INSNS_MAX];
	size_t n = filter_build(insns, links[link], mode, SNAPLEN);
	size_t type_at = links[link] == DECODE_LINK_SLL ? 14 : 0;
	const uint8_t *b = frame_bytes(f);
	u_int rest = (u_int)(frame_len(f) - ip_at[link]);
	struct program p = { .n = n };

	filter_for_socket(insns, n, links[link]);
	for (size_t i = 0; i < n; i++) {
		bool type = insns[i].code == (BPF_LD | BPF_H | BPF_ABS) &&
		    insns[i].k == 0xfffff000u;

		p.insns[i] = (struct bpf_insn){ insns[i].code, insns[i].jt,
			insns[i].jf, insns[i].k };
		if (type)
			p.insns[i] = (struct bpf_insn)BPF_STMT(BPF_LD | BPF_IMM,
			    (u_int)(b[type_at] << 8 | b[type_at + 1]));
	}
	return bpf_filter(p.insns, b + ip_at[link], rest, rest) != 0;
}

static void
test_random(void **state)
{
	uint64_t x = 88172645463325252u, wanted = 0, kept_out = 0;
	struct program programs[NELEM(links)][2];

	(void)state;
	for (size_t l = 0; l < NELEM(links); l++)
		for (unsigned m = 0; m < 2; m++)
			programs[l][m] = program_of(links[l], m);
	for (int i = 0; i < RANDOM_FRAMES; i++) {
		size_t l = next_random(&x) % NELEM(links);
		enum filter_mode mode = next_random(&x) & 1;
		struct layers s;
		struct packet p;
		struct frame f;
		bool pass;

		random_layers(&s, &x);
		build(&f, &s, l);
		if (next_random(&x) & 1)
			spoil(&f, &x, ip_at[l]);
		pass = passes(&programs[l][mode], &f);
		kept_out += !pass;
		if (links[l] == DECODE_LINK_SLL || links[l] == DECODE_LINK_SLL2)
			assert_int_equal(passes_socket(l, mode, &f), pass);
		if (decode(&p, links[l], frame_bytes(&f), frame_len(&f),
			frame_len(&f)) != DECODE_OK ||
		    !is_wanted(&p, mode) || is_loopback(&f, ip_at[l]))
			continue;
		wanted++;
		if (!pass)
			fail_msg("frame %d, link %d, mode %d: t %d overlay %d "
				 "v6 %d/%d fragment %d is kept out",
			    i, links[l], mode, s.t, s.overlay, s.v6, s.outer_v6,
			    s.fragment);
	}
	assert_true(wanted > RANDOM_FRAMES / 4);
	assert_true(kept_out > RANDOM_FRAMES / 20);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_random),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_case, cases, name),
	};

	return case_tables_run(
	    "filter", own, NELEM(own), tables, NELEM(tables));
}

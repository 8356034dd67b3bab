/* SPDX-License-Identifier: Apache-2.0 */
/* Links, IP, fragments, extension headers and transports. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/flow.h"
#include "tests/collector/decode_check.h"
#include "tests/support/frame_builder.h"

#define V4_SRC "10.244.1.2"
#define V4_DST "10.96.0.10"
#define V6_SRC "fd00:10:244::2"
#define V6_DST "fd00:10:96::a"

static const struct frame_segment syn = { .flags = TCP_SYN,
	.seq = 0x01020304,
	.window = 64240,
	.tsval = 0xcafe0001 };

static enum decode_result
decode_frame(struct packet *p, int link, struct frame *f)
{
	return decode_exact(
	    p, link, frame_bytes(f), frame_len(f), frame_len(f));
}

static void
build_syn(struct frame *f, bool v6)
{
	frame_init(f, NULL, 0);
	frame_tcp(f, 40000, 8080, &syn);
	if (v6)
		frame_ip(f, V6_SRC, V6_DST);
	else
		frame_ip(f, V4_SRC, V4_DST);
}

static void
check_syn(const struct packet *p, bool v6)
{
	check_addresses(p, v6 ? V6_SRC : V4_SRC, v6 ? V6_DST : V4_DST);
	assert_int_equal(p->protocol, FLOW_TCP);
	assert_int_equal(p->sport, 40000);
	assert_int_equal(p->dport, 8080);
	assert_int_equal(p->tcp_flags, TCP_SYN);
	assert_int_equal(p->seq, 0x01020304);
	assert_int_equal(p->ack, 0);
	assert_int_equal(p->window, 64240);
	assert_int_equal(p->tsval, 0xcafe0001);
	assert_int_equal(p->payload_bytes, 0);
	assert_null(p->payload);
	assert_false(p->fragment);
	assert_false(p->more_fragments);
	assert_false(p->icmp_error);
}

enum link_build {
	ETHERNET,
	VLAN,
	QINQ,
	QINQ_OLD,
	VLAN_4,
	SLL,
	SLL2,
	SLL2_VLAN,
	NULL_HOST,
	NULL_SWAPPED,
	BARE
};

static void
push_tags(struct frame *f, enum link_build build)
{
	if (build == VLAN_4) {
		frame_vlan(f, 0x8100, 4);
		frame_vlan(f, 0x8100, 3);
	}
	if (build != VLAN && build != SLL2_VLAN)
		frame_vlan(f, 0x8100, 2);
	frame_vlan(f,
	    build == QINQ           ? 0x88a8
		: build == QINQ_OLD ? 0x9100
				    : 0x8100,
	    1);
}

static void
push_link(struct frame *f, enum link_build build, bool v6)
{
	switch (build) {
	case VLAN:
	case QINQ:
	case QINQ_OLD:
	case VLAN_4:
		push_tags(f, build);
		frame_ethernet(f);
		break;
	case ETHERNET:
		frame_ethernet(f);
		break;
	case SLL:
		frame_sll(f, PACKET_OUTGOING);
		break;
	case SLL2_VLAN:
		push_tags(f, build);
		frame_sll2(f, PACKET_OTHERHOST, 70000);
		break;
	case SLL2:
		frame_sll2(f, PACKET_OTHERHOST, 70000);
		break;
	case NULL_HOST:
	case NULL_SWAPPED:
		frame_null(f, v6 ? 10 : 2, build == NULL_SWAPPED);
		break;
	case BARE:
		break;
	}
}

/* Each link, with what it says of the interface and the direction. */
static void
test_links(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int link;
		enum link_build build;
		uint8_t type;
		uint32_t ifindex;
	} cases[] = {
		{ "ethernet", DECODE_LINK_EN10MB, ETHERNET, 7, 0 },
		{ "802.1Q", DECODE_LINK_EN10MB, VLAN, 7, 0 },
		{ "802.1ad", DECODE_LINK_EN10MB, QINQ, 7, 0 },
		{ "QinQ 9100", DECODE_LINK_EN10MB, QINQ_OLD, 7, 0 },
		{ "four tags", DECODE_LINK_EN10MB, VLAN_4, 7, 0 },
		{ "sll", DECODE_LINK_SLL, SLL, PACKET_OUTGOING, 0 },
		{ "sll2", DECODE_LINK_SLL2, SLL2, PACKET_OTHERHOST, 70000 },
		{ "sll2 vlan", DECODE_LINK_SLL2, SLL2_VLAN,
		    PACKET_OTHERHOST, 70000 },
		{ "null", DECODE_LINK_NULL, NULL_HOST, 7, 0 },
		{ "null swapped", DECODE_LINK_NULL, NULL_SWAPPED, 7, 0 },
		{ "loop", DECODE_LINK_LOOP, NULL_HOST, 7, 0 },
		{ "raw", DECODE_LINK_RAW, BARE, 7, 0 },
		{ "raw 14", DECODE_LINK_RAW_OPENBSD, BARE, 7, 0 },
		{ "raw 101", DECODE_LINK_LINKTYPE_RAW, BARE, 7, 0 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t k = i / 2;
		bool v6 = i % 2 != 0;
		struct packet p;
		struct frame f;

		build_syn(&f, v6);
		push_link(&f, cases[k].build, v6);
		check_result(cases[k].name, decode_frame(&p, cases[k].link, &f),
		    DECODE_OK);
		check_syn(&p, v6);
		assert_int_equal(p.type, cases[k].type);
		assert_int_equal(p.ifindex, cases[k].ifindex);
		assert_int_equal(p.ip_bytes, v6 ? 72 : 52);
		assert_false(p.tunneled);
		assert_true(decode_link_supported(cases[k].link));
	}
	assert_false(decode_link_supported(239)); /* NFLOG */
}

static void
test_single_family_links(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		int mine = v6 ? DECODE_LINK_IPV6 : DECODE_LINK_IPV4;
		int other = v6 ? DECODE_LINK_IPV4 : DECODE_LINK_IPV6;

		build_syn(&f, v6 != 0);
		check_result(
		    "own family", decode_frame(&p, mine, &f), DECODE_OK);
		check_syn(&p, v6 != 0);
		check_result("other family", decode_frame(&p, other, &f),
		    DECODE_MALFORMED);
	}
	check_result(
	    "unknown link", decode_frame(&p, 239, &f), DECODE_UNSUPPORTED);
}

static void
test_ethertypes(void **state)
{
	/* clang-format off */
	static const struct {
		uint16_t type;
		enum decode_result want;
	} cases[] = {
		{ 0x0806, DECODE_NON_IP }, { 0x88cc, DECODE_NON_IP },
		{ 0x0026, DECODE_NON_IP }, { 0x0004, DECODE_NON_IP },
		{ 0x888e, DECODE_NON_IP }, { 0x8847, DECODE_UNSUPPORTED },
		{ 0x8864, DECODE_UNSUPPORTED }, { 0x88e5, DECODE_UNSUPPORTED },
		{ 0x86dd, DECODE_MALFORMED }, { 0x8100, DECODE_NON_IP },
	};
	/* clang-format on */
	struct packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f;

		build_syn(&f, false);
		f.type = cases[i].type;
		frame_ethernet(&f);
		/* 0x8100: the IPv4 header's total length as an ethertype */
		check_result("ethertype",
		    decode_frame(&p, DECODE_LINK_EN10MB, &f), cases[i].want);
	}
}

static void
test_extension_headers(void **state)
{
	static const uint8_t types[] = { 0, 43, 60, 51, 135, 140 };

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		for (size_t len = 8; len <= 64; len += 8) {
			struct packet p;
			struct frame f;

			frame_init(&f, NULL, 0);
			frame_tcp(&f, 40000, 8080, &syn);
			frame_extension(&f, 60, 8);
			frame_extension(&f, types[i], len);
			frame_ip(&f, V6_SRC, V6_DST);
			check_result("extension",
			    decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
			check_syn(&p, true);
			assert_int_equal(p.ip_bytes, frame_len(&f));
		}
	}
}

/* Chains that no host sends. */
static void
test_extension_nonsense(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	frame_init(&f, NULL, 0);
	frame_tcp(&f, 1, 2, &syn);
	frame_extension(&f, 0, 8);
	frame_extension(&f, 60, 8);
	frame_ip(&f, V6_SRC, V6_DST);
	check_result("hop-by-hop is second",
	    decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_MALFORMED);
	frame_init(&f, NULL, 0);
	frame_tcp(&f, 1, 2, &syn);
	for (int i = 0; i < 40; i++)
		frame_extension(&f, 60, 8);
	frame_ip(&f, V6_SRC, V6_DST);
	check_result("40 headers", decode_frame(&p, DECODE_LINK_RAW, &f),
	    DECODE_MALFORMED);
	frame_init(&f, NULL, 0);
	frame_tcp(&f, 1, 2, &syn);
	frame_extension(&f, 44, 8);
	frame_extension(&f, 44, 8);
	frame_ip(&f, V6_SRC, V6_DST);
	check_result("two fragment headers",
	    decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_MALFORMED);
	frame_init(&f, NULL, 0);
	frame_extension(&f, 60, 8);
	frame_bytes(&f)[1] = 9;
	frame_ip(&f, V6_SRC, V6_DST);
	check_result("longer than the packet",
	    decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_MALFORMED);
	frame_init(&f, NULL, 0);
	f.protocol = 59;
	frame_ip(&f, V6_SRC, V6_DST);
	check_result("no next header", decode_frame(&p, DECODE_LINK_RAW, &f),
	    DECODE_UNSUPPORTED);
}

/* A UDP datagram of 1400 bytes in two fragments, of both families. */
static void
test_fragments(void **state)
{
	static const char *const src[] = { V4_SRC, V6_SRC };
	static const char *const dst[] = { V4_DST, V6_DST };
	struct frame whole, f;
	struct packet p, q;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t id = v6 ? 0xdeadbeef : 0xbeef;
		uint16_t sum;

		frame_init(&whole, NULL, 1392);
		frame_udp(&whole, 5000, 6000);
		frame_ip(&whole, src[v6], dst[v6]);
		check_result("whole", decode_frame(&q, DECODE_LINK_RAW, &whole),
		    DECODE_OK);
		whole.start += v6 ? 40 : 20;

		frame_init(&f, frame_bytes(&whole), 800);
		f.protocol = FLOW_UDP;
		frame_ip_fragment(&f, src[v6], dst[v6],
		    &(struct frame_fragment){ .id = id, .more = true });
		check_result(
		    "first", decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
		assert_true(p.more_fragments);
		assert_false(p.fragment);
		assert_int_equal(p.sport, 5000);
		assert_int_equal(p.dport, 6000);
		assert_int_equal(p.ip_id, id);
		assert_int_equal(p.ip_bytes, v6 ? 848 : 820);
		assert_int_equal(p.payload_bytes, 1392);
		assert_int_equal(p.payload_captured, 792);
		sum = p.payload_sum;
		assert_int_equal(sum, q.payload_sum);

		frame_init(&f, frame_bytes(&whole) + 800, 600);
		f.protocol = FLOW_UDP;
		frame_ip_fragment(&f, src[v6], dst[v6],
		    &(struct frame_fragment){ .id = id, .offset = 800 });
		check_result(
		    "second", decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
		assert_true(p.fragment);
		assert_false(p.more_fragments);
		assert_int_equal(p.protocol, FLOW_UDP);
		assert_int_equal(p.sport, 0);
		assert_int_equal(p.dport, 0);
		assert_int_equal(p.ip_id, id);
		assert_int_equal(p.ip_bytes, v6 ? 648 : 620);
		assert_int_equal(p.payload_sum, 0);
	}
}

/* An IPv6 fragment header without fragments (RFC 6946). */
static void
test_atomic_fragment(void **state)
{
	static const struct frame_fragment atomic = { .id = 77 };
	struct packet p;
	struct frame f;

	(void)state;
	frame_init(&f, NULL, 0);
	frame_tcp(&f, 40000, 8080, &syn);
	frame_ip_fragment(&f, V6_SRC, V6_DST, &atomic);
	check_result(
	    "atomic", decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
	check_syn(&p, true);
	assert_int_equal(p.ip_id, 77);
}

static void
test_fragments_of_others(void **state)
{
	/* clang-format off */
	static const struct {
		uint8_t protocol;
		enum decode_result want;
	} cases[] = {
		{ 1, DECODE_ICMP }, { 6, DECODE_OK }, { 132, DECODE_OK },
		{ 4, DECODE_UNSUPPORTED }, { 47, DECODE_UNSUPPORTED },
	};
	/* clang-format on */
	static const struct frame_fragment later = { .id = 1, .offset = 8 };
	struct packet p;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame_init(&f, NULL, 100);
		f.protocol = cases[i].protocol;
		frame_ip_fragment(&f, V4_SRC, V4_DST, &later);
		check_result("later fragment",
		    decode_frame(&p, DECODE_LINK_RAW, &f), cases[i].want);
	}
}

static void
test_tcp_options(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		uint8_t options[40];
		uint8_t n;
		uint32_t tsval;
	} cases[] = {
		{ "none", { 0 }, 0, 0 },
		{ "linux syn", { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0,
		    0, 0, 1, 3, 3, 7 }, 20, 0x01020304 },
		{ "aligned", { 1, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 1 }, 12,
		    0x09080706 },
		{ "windows order", { 2, 4, 5, 0xb4, 1, 3, 3, 8, 4, 2, 8, 10, 9,
		    9, 9, 9, 0, 0, 0, 0 }, 20, 0x09090909 },
		{ "end before it", { 0, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 1 }, 12,
		    0 },
		{ "length 0", { 2, 0, 8, 10, 9, 8, 7, 6, 0, 0, 0, 1 }, 12, 0 },
		{ "length 1", { 2, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 1 }, 12, 0 },
		{ "beyond", { 2, 40, 8, 10, 9, 8, 7, 6, 0, 0, 0, 1 }, 12, 0 },
		{ "wrong length", { 8, 8, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0 }, 12,
		    0 },
		{ "cut", { 1, 1, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6 }, 12, 0 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p;
		struct frame f;

		frame_init(&f, "abc", 3);
		memcpy(
		    frame_push(&f, cases[i].n), cases[i].options, cases[i].n);
		frame_tcp(&f, 1, 2,
		    &(struct frame_segment){ .flags = 0xff, .ack = 9 });
		frame_bytes(&f)[12] = (uint8_t)((20 + cases[i].n) / 4 << 4);
		frame_ip(&f, V4_SRC, V4_DST);
		check_result(cases[i].name,
		    decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
		assert_int_equal(p.tsval, cases[i].tsval);
		assert_int_equal(p.tcp_flags, 0x1f);
		assert_int_equal(p.ack, 9);
		assert_int_equal(p.payload_bytes, 3);
		assert_memory_equal(p.payload, "abc", 3);
	}
}

static void
test_sctp(void **state)
{
	/* clang-format off */
	static const struct {
		uint8_t first, second;
		uint8_t flags;
		uint32_t seq;
	} cases[] = {
		{ 1, 255, SCTP_INIT, 0x00010203 },
		{ 2, 255, SCTP_INIT_ACK, 0x00010203 },
		{ 6, 255, SCTP_ABORT, 0x11223344 },
		{ 7, 255, SCTP_SHUTDOWN, 0x11223344 },
		{ 8, 255, SCTP_SHUTDOWN, 0x11223344 },
		{ 14, 255, SCTP_SHUTDOWN, 0x11223344 },
		{ 0, 255, SCTP_DATA, 0x11223344 },
		{ 64, 255, SCTP_DATA, 0x11223344 },
		{ 4, 255, SCTP_OTHER, 0x11223344 },
		{ 10, 0, SCTP_OTHER | SCTP_DATA, 0x11223344 },
		{ 3, 7, SCTP_OTHER | SCTP_SHUTDOWN, 0x11223344 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f, first;
		struct packet p;

		frame_init(&first, NULL, 13); /* unlike its length, padded */
		frame_sctp_chunk(&first, cases[i].first, 0);
		frame_init(&f, NULL, cases[i].second == 255 ? 0 : 16);
		if (cases[i].second != 255) {
			frame_sctp_chunk(&f, cases[i].second, 3);
			(void)frame_push(&f, 3);
		}
		memcpy(frame_push(&f, frame_len(&first)), frame_bytes(&first),
		    frame_len(&first));
		frame_sctp(&f, 40000, 3868, 0x11223344);
		frame_ip(&f, V4_SRC, V4_DST);
		check_result(
		    "sctp", decode_frame(&p, DECODE_LINK_RAW, &f), DECODE_OK);
		assert_int_equal(p.protocol, FLOW_SCTP);
		assert_int_equal(p.sport, 40000);
		assert_int_equal(p.dport, 3868);
		assert_int_equal(p.tcp_flags, cases[i].flags);
		assert_int_equal(p.seq, cases[i].seq);
	}
}

/* What is nobody's flow, whatever it carries. */
static void
test_ignored(void **state)
{
	/* clang-format off */
	static const struct {
		const char *src, *dst;
		enum decode_result want;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", DECODE_IGNORED },
		{ "10.0.0.1", "127.5.0.1", DECODE_IGNORED },
		{ "10.0.0.1", "224.0.0.251", DECODE_IGNORED },
		{ "10.0.0.1", "239.255.255.250", DECODE_IGNORED },
		{ "10.0.0.1", "255.255.255.255", DECODE_IGNORED },
		{ "0.0.0.0", "255.255.255.255", DECODE_IGNORED },
		{ "0.0.0.0", "10.0.0.1", DECODE_IGNORED },
		{ "10.0.0.1", "0.0.0.0", DECODE_IGNORED },
		{ "10.0.0.1", "169.254.20.10", DECODE_OK },
		{ "10.0.0.1", "169.254.169.254", DECODE_OK },
		{ "10.0.0.1", "240.0.0.1", DECODE_OK },
		{ "::1", "::1", DECODE_IGNORED },
		{ "fd00::1", "ff02::fb", DECODE_IGNORED },
		{ "::", "fd00::1", DECODE_IGNORED },
		{ "fe80::1", "fe80::2", DECODE_IGNORED },
		{ "fe80::1", "fd00::2", DECODE_OK },
		{ "fd00::1", "2001:db8::1", DECODE_OK },
		{ "::ffff:10.0.0.1", "fd00::1", DECODE_MALFORMED },
		{ "fd00::1", "::ffff:10.0.0.1", DECODE_MALFORMED },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int udp = 0; udp < 2; udp++) {
			struct packet p;
			struct frame f;

			frame_init(&f, "x", 1);
			if (udp)
				frame_udp(&f, 5353, 5353);
			else
				frame_tcp(&f, 1, 2, &syn);
			frame_ip(&f, cases[i].src, cases[i].dst);
			check_result(cases[i].dst,
			    decode_frame(&p, DECODE_LINK_RAW, &f),
			    cases[i].want);
			frame_ethernet(&f);
			check_result(cases[i].dst,
			    decode_frame(&p, DECODE_LINK_EN10MB, &f),
			    cases[i].want);
		}
	}
}

/* 10.244.1.255 is a broadcast only because the kernel says so. */
static void
test_subnet_broadcast(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	frame_init(&f, "x", 1);
	frame_udp(&f, 138, 138);
	frame_ip(&f, V4_SRC, "10.244.1.255");
	frame_sll2(&f, PACKET_BROADCAST, 3);
	check_result("broadcast", decode_frame(&p, DECODE_LINK_SLL2, &f),
	    DECODE_IGNORED);
	frame_bytes(&f)[10] = PACKET_HOST;
	check_result("host", decode_frame(&p, DECODE_LINK_SLL2, &f), DECODE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_single_family_links),
		cmocka_unit_test(test_ethertypes),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_extension_nonsense),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_atomic_fragment),
		cmocka_unit_test(test_fragments_of_others),
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_subnet_broadcast),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}

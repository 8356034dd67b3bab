/* SPDX-License-Identifier: Apache-2.0 */
/* Overlays, and ICMP errors with the packet that they quote. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/flow.h"
#include "tests/collector/decode_check.h"
#include "tests/support/frame_builder.h"

#define POD_A  "10.244.1.2"
#define POD_B  "10.244.2.3"
#define POD6_A "fd00:10:244:1::2"
#define POD6_B "fd00:10:244:2::3"
#define NODE_A "172.18.0.2"
#define NODE_B "172.18.0.3"
#define NODE6A "fc00:f853:ccd::2"
#define NODE6B "fc00:f853:ccd::3"

static enum decode_result
decode_ethernet_frame(struct packet *p, struct frame *f)
{
	return decode_exact(
	    p, DECODE_LINK_EN10MB, frame_bytes(f), frame_len(f), frame_len(f));
}

/* A pod's packet, up to its IP header. */
static void
build_inner(struct frame *f, bool v6)
{
	frame_init(f, "hello", 5);
	frame_tcp(f, 40000, 8080,
	    &(struct frame_segment){ .flags = TCP_SYN, .seq = 7 });
	if (v6)
		frame_ip(f, POD6_A, POD6_B);
	else
		frame_ip(f, POD_A, POD_B);
}

enum overlay {
	VXLAN,
	VXLAN_8472,
	VXLAN_VLAN,
	GENEVE,
	GENEVE_OPTIONS,
	GENEVE_IP,
	IPIP,
	GRE,
	GRE_KEY,
	GRE_ALL,
	GRE_BRIDGED,
	OVERLAYS
};

static void
push_overlay(struct frame *f, enum overlay overlay)
{
	switch (overlay) {
	case VXLAN_VLAN:
		frame_vlan(f, 0x8100, 5);
		/* fall through */
	case VXLAN:
	case VXLAN_8472:
		frame_ethernet(f);
		frame_vxlan(f, 0x123456);
		frame_udp(f, 50000, overlay == VXLAN_8472 ? 8472 : 4789);
		break;
	case GENEVE:
	case GENEVE_OPTIONS:
		frame_ethernet(f);
		/* fall through */
	case GENEVE_IP:
		frame_geneve(f, 7, overlay == GENEVE_OPTIONS ? 252 : 0);
		frame_udp(f, 50000, 6081);
		break;
	case GRE_BRIDGED:
		frame_ethernet(f);
		/* fall through */
	case GRE:
		frame_gre(f, 0);
		break;
	case GRE_KEY:
		frame_gre(f, 0x2000);
		break;
	case GRE_ALL:
		frame_gre(f, 0xb000);
		break;
	case IPIP:
	case OVERLAYS:
		break;
	}
}

/* Each overlay, each family inside, each family outside. */
static void
test_overlays(void **state)
{
	(void)state;
	for (int overlay = 0; overlay < OVERLAYS; overlay++) {
		for (int families = 0; families < 4; families++) {
			bool inner6 = families % 2 != 0;
			bool outer6 = families / 2 != 0;
			struct packet p;
			struct frame f;

			build_inner(&f, inner6);
			push_overlay(&f, (enum overlay)overlay);
			if (outer6)
				frame_ip(&f, NODE6A, NODE6B);
			else
				frame_ip(&f, NODE_A, NODE_B);
			frame_sll2(&f, PACKET_OUTGOING, 9);
			check_result("overlay",
			    decode_exact(&p, DECODE_LINK_SLL2, frame_bytes(&f),
				frame_len(&f), frame_len(&f)),
			    DECODE_OK);
			check_addresses(&p, inner6 ? POD6_A : POD_A,
			    inner6 ? POD6_B : POD_B);
			assert_true(p.tunneled);
			assert_int_equal(p.type, PACKET_OUTGOING);
			assert_int_equal(p.ifindex, 9);
			assert_int_equal(p.protocol, FLOW_TCP);
			assert_int_equal(p.dport, 8080);
			assert_int_equal(p.seq, 7);
			assert_int_equal(p.ip_bytes, inner6 ? 65 : 45);
			assert_int_equal(p.payload_bytes, 5);
			assert_memory_equal(p.payload, "hello", 5);
		}
	}
}

static void
test_overlay_in_overlay(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	for (int outer = 0; outer < OVERLAYS; outer++) {
		build_inner(&f, false);
		push_overlay(&f, VXLAN);
		frame_ip(&f, POD_A, POD_B);
		push_overlay(&f, (enum overlay)outer);
		frame_ip(&f, NODE_A, NODE_B);
		frame_ethernet(&f);
		check_result("two overlays", decode_ethernet_frame(&p, &f),
		    DECODE_UNSUPPORTED);
	}
}

/* What is at an overlay's port without being one is an ordinary packet. */
static void
test_no_overlay(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		uint16_t port;
		uint8_t at, value;
	} cases[] = {
		{ "vxlan without a network", 4789, 0, 0 },
		{ "vxlan unknown flag", 4789, 0, 0x0c },
		{ "vxlan reserved", 8472, 2, 1 },
		{ "vxlan last reserved", 8472, 7, 1 },
		{ "geneve version", 6081, 0, 0x40 },
		{ "geneve reserved", 6081, 1, 1 },
		{ "geneve unknown protocol", 6081, 2, 0x12 },
		{ "geneve options too long", 6081, 0, 0x3f },
		{ "another port", 4790, 0, 8 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p;
		struct frame f;

		build_inner(&f, false);
		frame_ethernet(&f);
		if (cases[i].port == 6081)
			frame_geneve(&f, 7, 0);
		else
			frame_vxlan(&f, 7);
		frame_bytes(&f)[cases[i].at] = cases[i].value;
		frame_udp(&f, 50000, cases[i].port);
		frame_ip(&f, NODE_A, NODE_B);
		frame_ethernet(&f);
		check_result(
		    cases[i].name, decode_ethernet_frame(&p, &f), DECODE_OK);
		check_addresses(&p, NODE_A, NODE_B);
		assert_false(p.tunneled);
		assert_int_equal(p.protocol, FLOW_UDP);
		assert_int_equal(p.dport, cases[i].port);
	}
}

/* The answer of a server that happens to be at such a port. */
static void
test_source_port_is_no_overlay(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	build_inner(&f, false);
	frame_ethernet(&f);
	frame_vxlan(&f, 7);
	frame_udp(&f, 4789, 50000);
	frame_ip(&f, NODE_A, NODE_B);
	frame_ethernet(&f);
	check_result("from 4789", decode_ethernet_frame(&p, &f), DECODE_OK);
	assert_false(p.tunneled);
	assert_int_equal(p.sport, 4789);
}

static void
test_vxlan_group_policy(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	build_inner(&f, false);
	frame_ethernet(&f);
	frame_vxlan(&f, 7);
	frame_bytes(&f)[0] = 0x88;
	frame_bytes(&f)[3] = 0x42;
	frame_udp(&f, 50000, 4789);
	frame_ip(&f, NODE_A, "239.1.1.1"); /* flooded: the inner counts */
	frame_ethernet(&f);
	check_result("group", decode_ethernet_frame(&p, &f), DECODE_OK);
	check_addresses(&p, POD_A, POD_B);
}

static void
test_inner_non_ip(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	frame_init(&f, NULL, 28);
	f.type = 0x0806;
	frame_ethernet(&f);
	frame_vxlan(&f, 7);
	frame_udp(&f, 50000, 8472);
	frame_ip(&f, NODE_A, NODE_B);
	frame_ethernet(&f);
	check_result(
	    "ARP inside", decode_ethernet_frame(&p, &f), DECODE_NON_IP);
}

/* The first fragment of an overlay packet has most of the inner one. */
static void
test_fragmented_overlay(void **state)
{
	static const struct frame_fragment head = { .id = 5, .more = true };
	struct frame inner, f;
	struct packet p;

	(void)state;
	frame_init(&inner, NULL, 1400);
	frame_tcp(&inner, 40000, 8080, &(struct frame_segment){ .seq = 1 });
	frame_ip(&inner, POD_A, POD_B);
	frame_ethernet(&inner);
	frame_vxlan(&inner, 7);
	frame_udp(&inner, 50000, 4789);
	frame_init(&f, frame_bytes(&inner), 1000);
	f.protocol = FLOW_UDP;
	frame_ip_fragment(&f, NODE_A, NODE_B, &head);
	frame_ethernet(&f);
	check_result("head", decode_ethernet_frame(&p, &f), DECODE_OK);
	check_addresses(&p, POD_A, POD_B);
	assert_false(p.more_fragments);
	assert_int_equal(p.payload_bytes, 1400);
	assert_int_equal(p.payload_captured, 1000 - 8 - 8 - 14 - 20 - 20);
	assert_int_equal(p.ip_bytes, 1440);
}

static void
test_gre_refused(void **state)
{
	static const uint16_t flags[] = { 0x4000, 0x0001, 0x0800, 0x2001 };
	struct packet p;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		build_inner(&f, false);
		frame_gre(&f, flags[i]);
		frame_ip(&f, NODE_A, NODE_B);
		frame_ethernet(&f);
		check_result(
		    "gre", decode_ethernet_frame(&p, &f), DECODE_UNSUPPORTED);
	}
	build_inner(&f, false);
	f.type = 0x88be; /* ERSPAN: a mirror's copy */
	frame_gre(&f, 0x1000);
	frame_ip(&f, NODE_A, NODE_B);
	frame_ethernet(&f);
	check_result(
	    "erspan", decode_ethernet_frame(&p, &f), DECODE_UNSUPPORTED);
}

/* quoted: bytes of the packet that is complained about; 0 is all of it. */
static void
build_error(struct frame *f, bool v6, uint8_t protocol, size_t quoted)
{
	struct frame bad;

	frame_init(&bad, NULL, 32);
	if (protocol == FLOW_TCP)
		frame_tcp(&bad, 40000, 80,
		    &(struct frame_segment){ .flags = TCP_SYN, .seq = 0x99 });
	else if (protocol == FLOW_UDP)
		frame_udp(&bad, 40000, 80);
	else if (protocol == FLOW_SCTP) {
		frame_sctp_chunk(&bad, 1, 0);
		frame_sctp(&bad, 40000, 80, 0);
	} else if (v6)
		frame_icmpv6(&bad, 128, 0);
	else
		frame_icmp(&bad, 8, 0);
	frame_ip(&bad, v6 ? POD6_A : POD_A, v6 ? POD6_B : POD_B);
	frame_init(f, frame_bytes(&bad),
	    quoted == 0 ? frame_len(&bad) : (v6 ? 40 : 20) + quoted);
}

static void
finish_error(struct frame *f, bool v6, uint8_t type, uint8_t code)
{
	if (v6) {
		frame_icmpv6(f, type, code);
		frame_ip(f, NODE6A, POD6_A);
	} else {
		frame_icmp(f, type, code);
		frame_ip(f, NODE_A, POD_A);
	}
	frame_ethernet(f);
}

static void
test_icmp_errors(void **state)
{
	/* clang-format off */
	static const struct {
		bool v6;
		uint8_t type, code;
		enum decode_result want;
	} cases[] = {
		{ false, 3, 0, DECODE_OK }, { false, 3, 1, DECODE_OK },
		{ false, 3, 2, DECODE_OK }, { false, 3, 3, DECODE_OK },
		{ false, 3, 4, DECODE_ICMP }, { false, 3, 9, DECODE_OK },
		{ false, 3, 10, DECODE_OK }, { false, 3, 13, DECODE_OK },
		{ false, 0, 0, DECODE_ICMP }, { false, 8, 0, DECODE_ICMP },
		{ false, 5, 1, DECODE_ICMP }, { false, 11, 0, DECODE_ICMP },
		{ false, 12, 0, DECODE_ICMP },
		{ true, 1, 0, DECODE_OK }, { true, 1, 1, DECODE_OK },
		{ true, 1, 3, DECODE_OK }, { true, 1, 4, DECODE_OK },
		{ true, 1, 5, DECODE_OK }, { true, 1, 6, DECODE_OK },
		{ true, 2, 0, DECODE_ICMP }, { true, 3, 0, DECODE_ICMP },
		{ true, 4, 1, DECODE_ICMP }, { true, 128, 0, DECODE_ICMP },
		{ true, 135, 0, DECODE_ICMP }, { true, 137, 0, DECODE_ICMP },
	};
	/* clang-format on */
	static const uint8_t protocols[] = { FLOW_TCP, FLOW_UDP, FLOW_SCTP };

	(void)state;
	for (size_t i = 0; i < 6 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool v6 = cases[i / 6].v6;
		uint8_t protocol = protocols[i % 3];
		struct packet p;
		struct frame f;

		/* all of it, and the 8 bytes of RFC 792 */
		build_error(&f, v6, protocol, i % 6 < 3 ? 0 : 8);
		finish_error(&f, v6, cases[i / 6].type, cases[i / 6].code);
		check_result(
		    "icmp", decode_ethernet_frame(&p, &f), cases[i / 6].want);
		if (cases[i / 6].want != DECODE_OK)
			continue;
		assert_true(p.icmp_error);
		check_addresses(&p, v6 ? POD6_A : POD_A, v6 ? POD6_B : POD_B);
		assert_int_equal(p.protocol, protocol);
		assert_int_equal(p.sport, 40000);
		assert_int_equal(p.dport, 80);
		assert_int_equal(p.ip_bytes, frame_len(&f) - 14);
		assert_int_equal(p.tcp_flags, 0);
		assert_null(p.payload);
		if (protocol == FLOW_TCP)
			assert_int_equal(p.seq, 0x99);
		if (protocol == FLOW_SCTP)
			assert_int_equal(p.seq, i % 6 < 3 ? 0x00010203 : 0);
	}
}

static void
test_icmp_errors_about_others(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t type = v6 ? 1 : 3;

		build_error(&f, v6 != 0, 1, 0);
		finish_error(&f, v6 != 0, type, 0);
		check_result("about an echo", decode_ethernet_frame(&p, &f),
		    DECODE_ICMP);
		build_error(&f, v6 != 0, FLOW_TCP, 7);
		finish_error(&f, v6 != 0, type, 0);
		check_result("quotes 7 bytes", decode_ethernet_frame(&p, &f),
		    DECODE_TRUNCATED);
		frame_init(&f, NULL, 0);
		finish_error(&f, v6 != 0, type, 0);
		check_result("quotes nothing", decode_ethernet_frame(&p, &f),
		    DECODE_MALFORMED);
	}
	frame_init(&f, NULL, 64);
	frame_udp(&f, 50000, 8472);
	frame_ip(&f, NODE_A, NODE_B);
	finish_error(&f, false, 3, 3);
	check_result("about an overlay's packet", decode_ethernet_frame(&p, &f),
	    DECODE_ICMP);
	frame_init(&f, NULL, 64);
	f.protocol = FLOW_UDP;
	frame_ip_fragment(
	    &f, POD_A, POD_B, &(struct frame_fragment){ .offset = 8 });
	finish_error(&f, false, 3, 3);
	check_result("about a later fragment", decode_ethernet_frame(&p, &f),
	    DECODE_ICMP);
}

static void
test_icmp_error_in_overlay(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	build_error(&f, false, FLOW_TCP, 0);
	finish_error(&f, false, 3, 3);
	frame_vxlan(&f, 1);
	frame_udp(&f, 50000, 8472);
	frame_ip(&f, NODE_A, NODE_B);
	frame_ethernet(&f);
	check_result("in vxlan", decode_ethernet_frame(&p, &f), DECODE_OK);
	assert_true(p.icmp_error);
	assert_true(p.tunneled);
	check_addresses(&p, POD_A, POD_B);
	assert_int_equal(p.dport, 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlays),
		cmocka_unit_test(test_overlay_in_overlay),
		cmocka_unit_test(test_no_overlay),
		cmocka_unit_test(test_source_port_is_no_overlay),
		cmocka_unit_test(test_vxlan_group_policy),
		cmocka_unit_test(test_inner_non_ip),
		cmocka_unit_test(test_fragmented_overlay),
		cmocka_unit_test(test_gre_refused),
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_icmp_errors_about_others),
		cmocka_unit_test(test_icmp_error_in_overlay),
	};

	return cmocka_run_group_tests_name("decode_overlay", tests, NULL, NULL);
}

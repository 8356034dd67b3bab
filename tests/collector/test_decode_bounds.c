/* SPDX-License-Identifier: Apache-2.0 */
/* Truncation at every length, headers that lie, and the payload's sum. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/flow.h"
#include "tests/support/decode_exact.h"
#include "tests/support/frame_builder.h"

#define A  "10.244.1.2"
#define B  "10.244.2.3"
#define A6 "fd00:10:244:1::2"
#define B6 "fd00:10:244:2::3"

enum sample {
	TCP4,
	TCP6,
	UDP4,
	UDP6,
	SCTP4,
	SCTP6,
	HEAD4,
	HEAD6,
	LATER4,
	EXTENDED,
	VXLAN,
	GENEVE,
	GRE,
	IPIP,
	SIX_IN_FOUR,
	ERROR4,
	ERROR6,
	TAGGED,
	SAMPLES
};

static void
build_transport(struct frame *f, enum sample sample)
{
	frame_init(f, NULL, 33);
	switch (sample) {
	case UDP4:
	case UDP6:
	case HEAD4:
	case HEAD6:
	case LATER4:
		frame_udp(f, 5000, 53);
		break;
	case SCTP4:
	case SCTP6:
		frame_sctp_chunk(f, 1, 0);
		frame_sctp(f, 40000, 3868, 0);
		break;
	default:
		frame_tcp(f, 40000, 8080,
		    &(struct frame_segment){ .flags = TCP_SYN,
			.seq = 0x11223344,
			.ack = 0x55667788,
			.window = 1000,
			.tsval = 0x99aabbcc });
	}
}

static void
build_sample(struct frame *f, enum sample sample)
{
	bool v6 = sample == TCP6 || sample == UDP6 || sample == SCTP6 ||
	    sample == HEAD6 || sample == EXTENDED || sample == ERROR6 ||
	    sample == SIX_IN_FOUR;

	build_transport(f, sample);
	if (sample == EXTENDED) {
		frame_extension(f, 60, 16);
		frame_extension(f, 51, 24);
		frame_extension(f, 0, 8);
	}
	if (sample == HEAD4 || sample == HEAD6)
		frame_ip_fragment(f, v6 ? A6 : A, v6 ? B6 : B,
		    &(struct frame_fragment){ .id = 9, .more = true });
	else if (sample == LATER4)
		frame_ip_fragment(
		    f, A, B, &(struct frame_fragment){ .offset = 64 });
	else
		frame_ip(f, v6 ? A6 : A, v6 ? B6 : B);
	switch (sample) {
	case VXLAN:
		frame_ethernet(f);
		frame_vxlan(f, 1);
		frame_udp(f, 50000, 8472);
		break;
	case GENEVE:
		frame_ethernet(f);
		frame_geneve(f, 1, 12);
		frame_udp(f, 50000, 6081);
		break;
	case GRE:
		frame_gre(f, 0x2000);
		break;
	case ERROR4:
		frame_icmp(f, 3, 3);
		break;
	case ERROR6:
		frame_icmpv6(f, 1, 4);
		break;
	case IPIP:
	case SIX_IN_FOUR:
		break;
	default:
		frame_ethernet(f);
		return;
	}
	if (sample == ERROR6)
		frame_ip(f, "fd00::1", A6);
	else
		frame_ip(f, "172.18.0.2", "172.18.0.3");
	frame_ethernet(f);
}

/* What truncation may take away without making the packet useless. */
static void
check_same_packet(const struct packet *cut, const struct packet *whole)
{
	assert_true(ip_equal(&cut->src, &whole->src));
	assert_true(ip_equal(&cut->dst, &whole->dst));
	assert_int_equal(cut->sport, whole->sport);
	assert_int_equal(cut->dport, whole->dport);
	assert_int_equal(cut->protocol, whole->protocol);
	assert_int_equal(cut->tcp_flags, whole->tcp_flags);
	assert_int_equal(cut->type, whole->type);
	assert_int_equal(cut->ifindex, whole->ifindex);
	assert_int_equal(cut->tunneled, whole->tunneled);
	assert_int_equal(cut->fragment, whole->fragment);
	assert_int_equal(cut->more_fragments, whole->more_fragments);
	assert_int_equal(cut->icmp_error, whole->icmp_error);
	assert_int_equal(cut->ip_bytes, whole->ip_bytes);
	assert_int_equal(cut->ip_id, whole->ip_id);
	assert_int_equal(cut->seq, whole->seq);
	assert_int_equal(cut->ack, whole->ack);
	assert_int_equal(cut->window, whole->window);
	assert_int_equal(cut->payload_bytes, whole->payload_bytes);
	if (cut->tsval != 0)
		assert_int_equal(cut->tsval, whole->tsval);
	if (cut->payload_sum != 0)
		assert_int_equal(cut->payload_sum, whole->payload_sum);
}

/*
 * Bytes behind the captured ones are turned over: a decoder that looks at
 * them gives another answer, also without a sanitizer.
 */
static void
test_truncation(void **state)
{
	(void)state;
	for (int sample = 0; sample < SAMPLES; sample++) {
		struct packet whole, p;
		struct frame f;
		size_t n, ok = 0;

		build_sample(&f, (enum sample)sample);
		n = frame_len(&f);
		assert_int_equal(decode_exact(&whole, DECODE_LINK_EN10MB,
				     frame_bytes(&f), n, n),
		    DECODE_OK);
		for (size_t cut = 0; cut < n; cut++) {
			uint8_t other[FRAME_MAX];
			struct packet q = { 0 };
			enum decode_result r = decode_exact(
			    &p, DECODE_LINK_EN10MB, frame_bytes(&f), cut, n);

			memcpy(other, frame_bytes(&f), n);
			for (size_t i = cut; i < n; i++)
				other[i] ^= 0xff;
			assert_int_equal(
			    decode(&q, DECODE_LINK_EN10MB, other, cut, n), r);
			if (r != DECODE_OK) {
				/* more bytes never make it worse */
				assert_int_equal(ok, 0);
				/* of an SCTP quote also the tag is wanted */
				assert_int_equal(r, DECODE_TRUNCATED);
				continue;
			}
			ok++;
			check_same_packet(&p, &whole);
			check_same_packet(&q, &whole);
		}
		assert_true(ok > 0);
	}
}

/* What is enough, and one byte less. */
static void
test_least(void **state)
{
	/* clang-format off */
	static const struct {
		enum sample sample;
		size_t least; /* captured bytes */
	} cases[] = {
		{ TCP4, 14 + 20 + 20 }, { TCP6, 14 + 40 + 20 },
		{ UDP4, 14 + 20 + 8 }, { UDP6, 14 + 40 + 8 },
		{ SCTP4, 14 + 20 + 12 + 8 }, { LATER4, 14 + 20 },
		{ HEAD6, 14 + 40 + 8 + 8 }, { ERROR4, 14 + 20 + 8 + 20 + 8 },
		{ ERROR6, 14 + 40 + 8 + 40 + 8 },
		{ VXLAN, 14 + 20 + 8 + 8 + 14 + 20 + 20 },
		{ GRE, 14 + 20 + 8 + 20 + 20 },
		{ EXTENDED, 14 + 40 + 8 + 24 + 16 + 20 },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t least = cases[i].least;
		struct packet p;
		struct frame f;

		build_sample(&f, cases[i].sample);
		assert_int_equal(decode_exact(&p, DECODE_LINK_EN10MB,
				     frame_bytes(&f), least, frame_len(&f)),
		    DECODE_OK);
		assert_int_equal(decode_exact(&p, DECODE_LINK_EN10MB,
				     frame_bytes(&f), least - 1, frame_len(&f)),
		    DECODE_TRUNCATED);
	}
}

/* One byte (or the one behind it too) of a good frame is changed. */
static void
test_lies(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum sample sample;
		size_t at; /* behind the Ethernet header */
		uint16_t value; /* two bytes */
		enum decode_result want;
	} cases[] = {
		{ "IHL 4", TCP4, 0, 0x4400, DECODE_MALFORMED },
		{ "IHL 15", UDP4, 0, 0x4f00, DECODE_MALFORMED },
		{ "version 6", TCP4, 0, 0x6500, DECODE_MALFORMED },
		{ "total 19", TCP4, 2, 19, DECODE_MALFORMED },
		{ "total 39", TCP4, 2, 39, DECODE_MALFORMED },
		{ "total beyond", TCP4, 2, 2000, DECODE_MALFORMED },
		{ "total 0: offload", TCP4, 2, 0, DECODE_OK },
		{ "v6 beyond", TCP6, 4, 2000, DECODE_MALFORMED },
		{ "v6 length 19", TCP6, 4, 19, DECODE_MALFORMED },
		{ "v6 length 0: offload", TCP6, 4, 0, DECODE_OK },
		{ "v6 version 4", TCP6, 0, 0x4000, DECODE_MALFORMED },
		{ "data offset 4", TCP4, 32, 0x4002, DECODE_MALFORMED },
		{ "data offset 5", TCP4, 32, 0x5002, DECODE_OK },
		{ "UDP length 7", UDP4, 24, 7, DECODE_MALFORMED },
		{ "UDP length 0", UDP4, 24, 0, DECODE_MALFORMED },
		{ "UDP length 8", UDP4, 24, 8, DECODE_OK },
		{ "UDP beyond", UDP4, 24, 100, DECODE_MALFORMED },
		{ "UDP head", HEAD4, 24, 100, DECODE_OK },
		{ "v6 UDP length 0", UDP6, 44, 0, DECODE_MALFORMED },
		{ "chunk length 3", SCTP4, 34, 3, DECODE_MALFORMED },
		{ "chunk beyond", SCTP4, 34, 500, DECODE_MALFORMED },
		{ "INIT of 4 bytes", SCTP4, 34, 4, DECODE_MALFORMED },
		{ "protocol ESP", TCP4, 8, 50, DECODE_UNSUPPORTED },
		{ "protocol OSPF", TCP4, 8, 89, DECODE_UNSUPPORTED },
		{ "v6 protocol ESP", TCP6, 6, 50 << 8, DECODE_UNSUPPORTED },
		{ "quoted IHL 4", ERROR4, 28, 0x4400, DECODE_MALFORMED },
		{ "quoted version", ERROR6, 48, 0x4000, DECODE_MALFORMED },
		{ "extension beyond", EXTENDED, 40, 51 << 8 | 99,
		    DECODE_MALFORMED },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum decode_result r;
		struct packet p;
		struct frame f;
		uint8_t *b;

		build_sample(&f, cases[i].sample);
		b = frame_bytes(&f) + 14 + cases[i].at;
		b[0] = (uint8_t)(cases[i].value >> 8);
		b[1] = (uint8_t)cases[i].value;
		r = decode_exact(&p, DECODE_LINK_EN10MB, frame_bytes(&f),
		    frame_len(&f), frame_len(&f));
		if (r != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].name,
			    decode_result_name(r),
			    decode_result_name(cases[i].want));
	}
}

/* Frames that end early on the wire are malformed, not cut by a snaplen. */
static void
test_short_on_the_wire(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	build_sample(&f, TCP4);
	for (size_t n = 0; n < frame_len(&f); n++)
		assert_int_equal(
		    decode_exact(&p, DECODE_LINK_EN10MB, frame_bytes(&f), n, n),
		    DECODE_MALFORMED);
}

/* Ethernet pads to 60 bytes; the padding is no payload. */
static void
test_padding(void **state)
{
	uint8_t frame[60] = { 0 };
	struct packet p;
	struct frame f;

	(void)state;
	frame_init(&f, NULL, 0);
	frame_tcp(&f, 1, 2, &(struct frame_segment){ .flags = TCP_ACK });
	frame_ip(&f, A, B);
	frame_ethernet(&f);
	memcpy(frame, frame_bytes(&f), frame_len(&f));
	assert_int_equal(
	    decode_exact(&p, DECODE_LINK_EN10MB, frame, 60, 60), DECODE_OK);
	assert_int_equal(p.ip_bytes, 40);
	assert_int_equal(p.payload_bytes, 0);
	assert_null(p.payload);
}

/* Segmentation offload: more on the wire than a length field can say. */
static void
test_offload_length(void **state)
{
	struct packet p;
	struct frame f;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t ip = v6 ? 40 : 20;

		build_sample(&f, v6 ? TCP6 : TCP4);
		memset(frame_bytes(&f) + 14 + (v6 ? 4 : 2), 0, 2);
		assert_int_equal(decode_exact(&p, DECODE_LINK_EN10MB,
				     frame_bytes(&f), frame_len(&f), 150000),
		    DECODE_OK);
		assert_int_equal(p.ip_bytes, 150000 - 14);
		assert_int_equal(p.payload_bytes, 150000 - 14 - ip - 32);
	}
}

static uint16_t
sum_of(struct frame *f, size_t captured)
{
	struct packet p;

	if (captured > frame_len(f))
		captured = frame_len(f);
	assert_int_equal(decode_exact(&p, DECODE_LINK_RAW, frame_bytes(f),
			     captured, frame_len(f)),
	    DECODE_OK);
	return p.payload_sum;
}

static void
build_datagram(struct frame *f, size_t n, const char *const path[2])
{
	frame_init(f, NULL, n);
	if (n > 2)
		frame_bytes(f)[2] = (uint8_t)(n * 37);
	/* NAT changes ports too */
	frame_udp(f, (uint16_t)(40000 + path[1][0]), 53);
	frame_ip(f, path[0], path[1]);
}

/* One payload has one sum: whole or cut, before NAT and behind it. */
static void
test_payload_sum(void **state)
{
	static const char *const paths[][2] = { { A, B }, { B, "8.8.8.8" },
		{ A6, B6 }, { "2001:db8::1", A6 } };

	(void)state;
	for (size_t n = 0; n < 300; n++) {
		uint16_t want = 0;

		for (size_t i = 0; i < 4; i++) {
			size_t header = (i < 2 ? 20 : 40) + 8;
			struct frame f;

			build_datagram(&f, n, paths[i]);
			if (i == 0)
				want = sum_of(&f, SIZE_MAX);
			assert_int_not_equal(want, 0);
			assert_int_equal(sum_of(&f, SIZE_MAX), want);
			assert_int_equal(sum_of(&f, header), want);
			if (n > 1)
				assert_int_equal(
				    sum_of(&f, header + n - 1), want);
		}
	}
}

static uint32_t
add16(const uint8_t *b, size_t n)
{
	uint32_t sum = 0;

	for (; n > 0; n -= 2, b += 2)
		sum += (uint32_t)b[0] << 8 | b[1];
	return sum;
}

/* A sending host shows the pseudo-header's sum, or no checksum at all. */
static void
test_payload_sum_without_checksum(void **state)
{
	static const char *const path[2] = { A, B };
	struct frame f;
	uint16_t want;
	uint32_t sum;
	uint8_t *b;

	(void)state;
	build_datagram(&f, 100, path);
	want = sum_of(&f, SIZE_MAX);
	b = frame_bytes(&f);
	sum = add16(b + 12, 8) + FLOW_UDP + 108;
	sum = (sum & 0xffff) + (sum >> 16);
	b[26] = (uint8_t)(sum >> 8);
	b[27] = (uint8_t)sum;
	assert_int_equal(sum_of(&f, SIZE_MAX), want);
	assert_int_equal(sum_of(&f, 60), 0);
	b[26] = b[27] = 0;
	assert_int_equal(sum_of(&f, SIZE_MAX), want);
	assert_int_equal(sum_of(&f, 60), 0);
}

static void
test_payload_sum_tells_payloads_apart(void **state)
{
	static const char *const path[2] = { A, B };
	struct frame f;
	uint16_t before;

	(void)state;
	build_datagram(&f, 100, path);
	before = sum_of(&f, SIZE_MAX);
	frame_bytes(&f)[90] ^= 0x10;
	assert_int_not_equal(sum_of(&f, SIZE_MAX), before);
}

/* xorshift: the same mutations on every run */
static uint32_t
next_random(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* decode_exact checks what must hold; a sanitizer sees the rest. */
static void
test_mutations(void **state)
{
	static const int links[] = { DECODE_LINK_EN10MB, DECODE_LINK_SLL,
		DECODE_LINK_SLL2, DECODE_LINK_RAW, DECODE_LINK_NULL };
	uint32_t seed = 2463534242u;
	size_t results[DECODE_RESULT_COUNT] = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct packet p;
		struct frame f;
		size_t n;

		build_sample(&f, (enum sample)(i % SAMPLES));
		n = frame_len(&f);
		for (unsigned k = next_random(&seed) % 6; k > 0; k--)
			frame_bytes(&f)[next_random(&seed) % n] =
			    (uint8_t)next_random(&seed);
		results[decode_exact(&p,
		    links[i % 7 == 0 ? next_random(&seed) % 5 : 0],
		    frame_bytes(&f), next_random(&seed) % (n + 1),
		    n + next_random(&seed) % 3)]++;
	}
	for (int r = 0; r < DECODE_RESULT_COUNT; r++)
		assert_true(results[r] > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_short_on_the_wire),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_offload_length),
		cmocka_unit_test(test_payload_sum),
		cmocka_unit_test(test_payload_sum_without_checksum),
		cmocka_unit_test(test_payload_sum_tells_payloads_apart),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("decode_bounds", tests, NULL, NULL);
}

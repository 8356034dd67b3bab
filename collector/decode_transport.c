/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP, UDP and SCTP.
 */
#include "collector/decode_internal.h"

enum {
	TCP_BYTES = 20,
	UDP_BYTES = 8,
	SCTP_BYTES = 12,
	SCTP_CHUNK_BYTES = 4,
	SCTP_INITIATE_TAG_BYTES = 8, /* of an INIT chunk, up to its tag */
	SCTP_CHUNKS_MAX = 32
};

/* How Linux begins its options: a timestamp behind two no-operations, or in a
 * SYN behind the segment size and "selective acknowledgements permitted". */
#define TCP_TIMESTAMP_ALIGNED 0x0101080au
#define TCP_SACK_TIMESTAMP    0x0402080au

static uint32_t
find_timestamp(const uint8_t *b, const uint8_t *end)
{
	while (end - b >= 2 && b[0] != 0) {
		if (b[0] == 1) {
			b++;
			continue;
		}
		if (b[1] < 2)
			return 0;
		if (b[0] == 8)
			return b[1] == 10 && end - b >= 10 ? load_be32(b + 2)
							   : 0;
		if (b[1] > end - b)
			return 0;
		b += b[1];
	}
	return 0;
}

/* have: bytes of the header that were captured */
static inline uint32_t
read_timestamp(const uint8_t *b, size_t have)
{
	if (have >= 32 && load_be32(b + 20) == TCP_TIMESTAMP_ALIGNED)
		return load_be32(b + 24);
	if (have >= 36 && b[20] == 2 && b[21] == 4 &&
	    load_be32(b + 24) == TCP_SACK_TIMESTAMP)
		return load_be32(b + 28);
	if (have > TCP_BYTES)
		return find_timestamp(b + TCP_BYTES, b + have);
	return 0;
}

static void
set_payload(struct packet *p, struct layer l, size_t header)
{
	p->payload_bytes = (uint32_t)(l.wire - header);
	if (l.captured > header) {
		p->payload = l.p + header;
		p->payload_captured = (uint32_t)(l.captured - header);
	}
}

enum decode_result
decode_tcp(struct packet *p, struct layer l)
{
	const uint8_t *b = l.p;
	size_t header, have;

	if (l.captured < TCP_BYTES)
		return layer_short(l, TCP_BYTES);
	header = (size_t)(b[12] >> 4) * 4;
	if (header < TCP_BYTES || header > l.wire)
		return DECODE_MALFORMED;
	p->sport = load_be16(b);
	p->dport = load_be16(b + 2);
	p->seq = load_be32(b + 4);
	p->ack = load_be32(b + 8);
	p->tcp_flags = b[13] & 0x1f;
	p->window = load_be16(b + 14);
	have = header < l.captured ? header : l.captured;
	p->tsval = read_timestamp(b, have);
	set_payload(p, l, header);
	return DECODE_OK;
}

/* Fold to 16 bits; the two zeros of ones' complement become 0xffff. */
static uint16_t
fold_sum(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum == 0 ? 0xffff : sum);
}

/* Ones' complement addition: what overflows comes in again below. */
static inline uint64_t
add_around(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

static inline uint64_t
load_word(const uint8_t *b)
{
	uint64_t word;

	memcpy(&word, b, sizeof(word));
	return word;
}

/* The last bytes, fewer than eight, as they lie. */
static inline uint64_t
add_tail(uint64_t sum, const uint8_t *b, size_t n)
{
	uint8_t last[2] = { 0, 0 };
	uint32_t word;
	uint16_t half;

	if (n & 4) {
		memcpy(&word, b, sizeof(word));
		sum = add_around(sum, word);
		b += 4;
	}
	if (n & 2) {
		memcpy(&half, b, sizeof(half));
		sum = add_around(sum, half);
		b += 2;
	}
	if (n & 1) {
		last[0] = *b;
		memcpy(&half, last, sizeof(half));
		sum = add_around(sum, half);
	}
	return sum;
}

/*
 * The ones' complement sum of n bytes as 16-bit words in network order. The
 * sum's bytes swap with those of its words (RFC 1071), so larger words are
 * added as they lie.
 */
static uint16_t
sum_bytes(const uint8_t *b, size_t n)
{
	uint64_t even = 0, odd = 0;
	uint8_t order[2];
	uint16_t folded;

	for (; n >= 16; n -= 16, b += 16) {
		even = add_around(even, load_word(b));
		odd = add_around(odd, load_word(b + 8));
	}
	if (n >= 8) {
		even = add_around(even, load_word(b));
		n -= 8;
		b += 8;
	}
	folded = fold_sum(add_tail(add_around(even, odd), b, n));
	memcpy(order, &folded, sizeof(folded));
	return load_be16(order);
}

/* What the pseudo-header adds to a checksum (RFC 768, RFC 8200 8.1). */
static uint64_t
sum_pseudo_header(const struct packet *p, uint32_t length)
{
	bool v4 = ip_is_v4(&p->src);
	uint64_t sum = FLOW_UDP + (uint64_t)length;

	for (unsigned i = v4 ? 12 : 0; i < 16; i += 4)
		sum +=
		    (uint64_t)load_be32(p->src.b + i) + load_be32(p->dst.b + i);
	return sum;
}

/*
 * The payload's sum out of the checksum: all words together give 0xffff, so
 * the payload is the complement of the others. A sender that leaves the
 * checksum to its card shows the bare pseudo-header's sum: that says nothing.
 */
static uint16_t
derive_payload_sum(const struct packet *p, uint16_t length, uint16_t checksum)
{
	uint64_t pseudo = sum_pseudo_header(p, length);

	if (checksum == 0 || fold_sum(pseudo) == checksum)
		return 0;
	return fold_sum(0xffffu -
	    fold_sum(pseudo + p->sport + p->dport + length + checksum));
}

enum decode_result
decode_udp(struct packet *p, struct layer l)
{
	const uint8_t *b = l.p;
	enum decode_result result;
	struct layer inner;
	uint16_t length;

	if (l.captured < UDP_BYTES)
		return decode_is_ignored(p) ? DECODE_IGNORED
					    : layer_short(l, UDP_BYTES);
	p->sport = load_be16(b);
	p->dport = load_be16(b + 2);
	length = load_be16(b + 4);
	if (length < UDP_BYTES || (length > l.wire && !l.partial))
		return DECODE_MALFORMED;
	inner = layer_of(
	    b, l.captured < length ? l.captured : length, length, l.partial);
	if (decode_is_overlay_port(p->dport)) {
		struct layer payload = layer_after(inner, UDP_BYTES);

		if (decode_udp_overlay(p, payload, p->dport, &result))
			return result;
	}
	if (decode_is_ignored(p))
		return DECODE_IGNORED;
	set_payload(p, inner, UDP_BYTES);
	if (p->payload_captured == p->payload_bytes)
		p->payload_sum = sum_bytes(b + UDP_BYTES, p->payload_bytes);
	else
		p->payload_sum =
		    derive_payload_sum(p, length, load_be16(b + 6));
	return DECODE_OK;
}

static uint8_t
chunk_flag(uint8_t type)
{
	switch (type) {
	case 0:  /* DATA */
	case 64: /* I-DATA */
		return SCTP_DATA;
	case 1:
		return SCTP_INIT;
	case 2:
		return SCTP_INIT_ACK;
	case 6:
		return SCTP_ABORT;
	case 7:  /* SHUTDOWN */
	case 8:  /* SHUTDOWN ACK */
	case 14: /* SHUTDOWN COMPLETE */
		return SCTP_SHUTDOWN;
	default:
		return SCTP_OTHER;
	}
}

/*
 * One chunk: its flag, and the tag of one that opens an association. *l
 * moves to the next; what the snaplen cut off behind the first is not missed.
 */
static enum decode_result
decode_chunk(struct packet *p, struct layer *l)
{
	size_t length, step;
	uint8_t flag;

	if (l->captured < SCTP_CHUNK_BYTES)
		return layer_short(*l, SCTP_CHUNK_BYTES);
	flag = chunk_flag(l->p[0]);
	length = load_be16(l->p + 2);
	if (length < SCTP_CHUNK_BYTES || (length > l->wire && !l->partial))
		return DECODE_MALFORMED;
	if (flag == SCTP_INIT || flag == SCTP_INIT_ACK) {
		if (length < SCTP_INITIATE_TAG_BYTES)
			return DECODE_MALFORMED;
		if (l->captured < SCTP_INITIATE_TAG_BYTES)
			return layer_short(*l, SCTP_INITIATE_TAG_BYTES);
		p->seq = load_be32(l->p + SCTP_CHUNK_BYTES);
	}
	p->tcp_flags |= flag;
	step = (length + 3) & ~(size_t)3;
	*l = layer_after(*l, step < l->captured ? step : l->captured);
	return DECODE_OK;
}

enum decode_result
decode_sctp(struct packet *p, struct layer l)
{
	struct layer chunks;
	enum decode_result r;

	if (l.captured < SCTP_BYTES)
		return layer_short(l, SCTP_BYTES);
	p->sport = load_be16(l.p);
	p->dport = load_be16(l.p + 2);
	p->seq = load_be32(l.p + 4);
	chunks = layer_after(l, SCTP_BYTES);
	r = decode_chunk(p, &chunks);
	for (int i = 1; r == DECODE_OK && i < SCTP_CHUNKS_MAX; i++) {
		if (chunks.captured < SCTP_CHUNK_BYTES)
			break;
		r = decode_chunk(p, &chunks);
	}
	return r;
}

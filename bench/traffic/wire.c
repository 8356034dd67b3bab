/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/traffic/wire.h"

#include <stdlib.h>
#include <string.h>

#include "core/flow.h"

#define TCP_SYN        2u
#define FILE_BUF_BYTES (1u << 20)

static uint8_t *
put8(uint8_t *p, uint32_t v)
{
	*p = (uint8_t)v;
	return p + 1;
}

static uint8_t *
put16(uint8_t *p, uint32_t v)
{
	return put8(put8(p, v >> 8), v);
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v);
}

static uint8_t *
put_bytes(uint8_t *p, const void *data, size_t n)
{
	memcpy(p, data, n);
	return p + n;
}

static uint32_t
sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (; n > 1; n -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	return n == 0 ? s : s + ((uint32_t)p[0] << 8);
}

static uint16_t
fold(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

bool
wire_open(struct wire *w, const char *path, bool sll2)
{
	/* clang-format off */
	const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0,
		WIRE_SNAPLEN, sll2 ? 276 : 1 };
	/* clang-format on */

	*w = (struct wire){ .f = fopen(path, "wb"), .sll2 = sll2 };
	if (w->f == NULL)
		return false;
	(void)setvbuf(w->f, NULL, _IOFBF, FILE_BUF_BYTES);
	return fwrite(head, sizeof(head), 1, w->f) == 1;
}

bool
wire_close(struct wire *w)
{
	bool ok = ferror(w->f) == 0;

	return fclose(w->f) == 0 && ok;
}

static uint8_t *
put_link(uint8_t *p, const struct wire *w, const struct wire_flow *flow,
    uint32_t ifindex, enum wire_kind kind)
{
	uint32_t ethertype = ip_is_v4(&flow->src) ? 0x0800 : 0x86dd;

	if (w->sll2) {
		p = put32(put16(put16(p, ethertype), 0), ifindex);
		p = put8(put8(put16(p, 1), kind), 6);
		p = put_bytes(put16(p, 0x0242), flow->src.b + 12, 4);
		return put16(p, 0);
	}
	p = put_bytes(put16(p, 0x0242), flow->dst.b + 12, 4);
	p = put_bytes(put16(p, 0x0242), flow->src.b + 12, 4);
	return put16(p, ethertype);
}

static uint8_t *
put_ip(uint8_t *p, const struct wire_flow *flow, const struct wire_packet *pk,
    uint32_t length)
{
	uint8_t *start = p;

	if (!ip_is_v4(&flow->src)) {
		p = put8(put16(put32(p, 0x60000000), length), pk->protocol);
		p = put_bytes(put8(p, 63), flow->src.b, 16);
		return put_bytes(p, flow->dst.b, 16);
	}
	p = put16(put16(put16(p, 0x4500), 20 + length), pk->ip_id);
	p = put8(put8(put16(p, 0x4000), 63), pk->protocol);
	p = put_bytes(put16(p, 0), flow->src.b + 12, 4);
	p = put_bytes(p, flow->dst.b + 12, 4);
	(void)put16(start + 10, fold(sum(start, 20, 0)));
	return p;
}

/* TCP or UDP header with its checksum; data is already known. */
static uint8_t *
put_transport(uint8_t *p, const struct wire_flow *flow,
    const struct wire_packet *pk, uint32_t length)
{
	uint8_t *start = p, *seal;
	uint32_t s = sum(flow->src.b + 12, 4, pk->protocol + length);

	s = sum(flow->dst.b + 12, 4, s);
	if (!ip_is_v4(&flow->src))
		s = sum(flow->src.b, 12, sum(flow->dst.b, 12, s));
	p = put16(put16(p, flow->sport), flow->dport);
	if (pk->protocol == FLOW_UDP) {
		p = put16(p, length);
		seal = p;
		p = put16(p, 0);
	} else {
		p = put32(put32(p, pk->seq), pk->ack);
		p = put8(put8(p, (pk->flags & TCP_SYN) != 0 ? 0xa0 : 0x80),
		    pk->flags);
		p = put16(p, 64240);
		seal = p;
		p = put32(p, 0);
		if ((pk->flags & TCP_SYN) != 0)
			p = put32(put32(p, 0x020405b4), 0x01030307);
		p = put32(put32(p, 0x0101080a), pk->tsval);
		p = put32(p, 0);
	}
	if (pk->data != NULL)
		s = sum(pk->data, pk->bytes, s);
	(void)put16(seal, fold(sum(start, (size_t)(p - start), s)));
	return p;
}

static uint32_t
header_bytes(const struct wire_packet *p)
{
	if (p->protocol == FLOW_UDP)
		return 8;
	return (p->flags & TCP_SYN) != 0 ? 40 : 32;
}

void
wire_put(struct wire *w, const struct wire_flow *flow,
    const struct wire_packet *pk, uint32_t ifindex, enum wire_kind kind)
{
	uint8_t frame[2 * WIRE_SNAPLEN] = { 0 }, *p = frame;
	uint32_t length = header_bytes(pk) + pk->bytes, have, on_wire;

	p = put_link(p, w, flow, ifindex, kind);
	p = put_ip(p, flow, pk, length);
	p = put_transport(p, flow, pk, length);
	on_wire = (uint32_t)(p - frame) + pk->bytes;
	if (pk->data != NULL)
		(void)put_bytes(p, pk->data, pk->bytes);
	have = on_wire < WIRE_SNAPLEN ? on_wire : WIRE_SNAPLEN;
	const uint32_t head[4] = { (uint32_t)(w->now_us / 1000000),
		(uint32_t)(w->now_us % 1000000), have, on_wire };

	(void)fwrite(head, sizeof(head), 1, w->f);
	(void)fwrite(frame, have, 1, w->f);
	w->packets++;
	w->now_us++;
}

static uint8_t *
put_name(uint8_t *p, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		p = put_bytes(put8(p, (uint32_t)n), name, n);
		name += n + (name[n] == '.');
	}
	return put8(p, 0);
}

uint32_t
wire_dns(uint8_t buf[static WIRE_SNAPLEN], uint16_t id, const char *name,
    bool aaaa, bool answer, const struct ip_addr *address)
{
	uint32_t type = aaaa ? 28 : 1, size = aaaa ? 16 : 4;
	bool found = answer && address != NULL;
	uint8_t *p = put16(buf, id);

	p = put16(p, !answer ? 0x0100 : found ? 0x8180 : 0x8183);
	p = put16(put16(put32(p, 1u << 16 | found), 0), 0);
	p = put16(put16(put_name(p, name), type), 1);
	if (found) {
		p = put16(put16(put16(p, 0xc00c), type), 1);
		p = put16(put32(p, 60), size);
		p = put_bytes(p, address->b + 16 - size, size);
	}
	return (uint32_t)(p - buf);
}

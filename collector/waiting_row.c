/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/waiting_row.h"

#include <assert.h>
#include <string.h>

#include "core/cursor.h"
#include "core/flow.h"

#define VERSION 1

struct writer {
	uint8_t *p, *end;
};

static void
put_bytes(struct writer *w, const void *v, size_t n)
{
	assert(n <= (size_t)(w->end - w->p));
	memcpy(w->p, v, n);
	w->p += n;
}

/* The n low bytes, in network order. */
static void
put_number(struct writer *w, uint64_t v, unsigned n)
{
	assert(n <= (size_t)(w->end - w->p));
	while (n-- > 0)
		*w->p++ = (uint8_t)(v >> 8 * n);
}

static uint64_t
get_u64(struct cursor *c)
{
	uint64_t high = cursor_u32(c);

	return high << 32 | cursor_u32(c);
}

static int64_t
get_time(struct cursor *c)
{
	return (int64_t)get_u64(c);
}

static uint16_t
facts_of(const struct connection *c)
{
	unsigned bits = c->accepted | (unsigned)c->both_ways << 1 |
	    (unsigned)c->any_reply << 2 | (unsigned)c->any_data << 3 |
	    (unsigned)c->refused << 4 | (unsigned)c->types_known << 5 |
	    (unsigned)c->entered << 6 | (unsigned)c->left << 7 |
	    (unsigned)c->known << 8;

	return (uint16_t)bits;
}

static void
set_facts(struct connection *c, uint16_t bits)
{
	c->accepted = bits & 1;
	c->both_ways = bits >> 1 & 1;
	c->any_reply = bits >> 2 & 1;
	c->any_data = bits >> 3 & 1;
	c->refused = bits >> 4 & 1;
	c->types_known = bits >> 5 & 1;
	c->entered = bits >> 6 & 1;
	c->left = bits >> 7 & 1;
	c->known = bits >> 8 & 1;
}

static void
put_socket(struct writer *w, const struct socket_addr *a)
{
	put_bytes(w, a->ip.b, sizeof(a->ip.b));
	put_number(w, a->port, 2);
}

static struct socket_addr
get_socket(struct cursor *c)
{
	struct socket_addr a = { .port = 0 };
	const uint8_t *p = cursor_take(c, sizeof(a.ip.b));

	if (p != NULL)
		memcpy(a.ip.b, p, sizeof(a.ip.b));
	a.port = cursor_u16(c);
	return a;
}

size_t
waiting_row_write(const struct waiting_group *g,
    const struct certain_owners *owners, uint8_t out[static WAITING_ROW_MAX])
{
	struct writer w = { out, out + WAITING_ROW_MAX };
	const struct connection *c = &g->c;

	put_number(&w, VERSION, 1);
	put_number(&w, c->protocol, 1);
	put_number(&w, c->opening, 1);
	put_number(&w, c->n_legs, 1);
	put_number(&w, facts_of(c), 2);
	put_number(&w, c->packets, 8);
	put_number(&w, c->bytes, 8);
	put_number(&w, (uint64_t)c->last_us, 8);
	put_number(&w, (uint64_t)g->latest_us, 8);
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct connection_leg *l = &c->legs[i];

		put_socket(&w, &l->client);
		put_socket(&w, &l->server);
		put_number(&w, (uint64_t)l->first_us, 8);
		put_number(&w, l->last_out_if, 4);
		put_number(&w, l->last_out_point, 1);
		put_number(&w, owners->of[i][0], 8);
		put_number(&w, owners->of[i][1], 8);
	}
	return (size_t)(w.p - out);
}

static void
get_leg(struct cursor *c, struct connection_leg *l, uint64_t owners[2])
{
	l->client = get_socket(c);
	l->server = get_socket(c);
	l->first_us = get_time(c);
	l->last_out_if = cursor_u32(c);
	l->last_out_point = cursor_u8(c);
	owners[0] = get_u64(c);
	owners[1] = get_u64(c);
}

/* Could a flow table have told of it? */
static bool
is_sane(const struct waiting_group *g)
{
	const struct connection *c = &g->c;

	return flow_protocol_name(c->protocol) != NULL &&
	    (c->opening == OPENING_HANDSHAKE || c->opening == OPENING_FIRST) &&
	    c->packets <= INT64_MAX && c->bytes <= INT64_MAX &&
	    c->first_us <= c->last_us && c->first_us <= g->latest_us;
}

bool
waiting_row_read(const uint8_t *row, size_t size, struct waiting_group *g,
    struct certain_owners *owners)
{
	struct cursor in = cursor_init(row, size);
	struct connection *c = &g->c;
	bool is_known = cursor_u8(&in) == VERSION;

	c->protocol = cursor_u8(&in);
	c->opening = cursor_u8(&in);
	c->n_legs = cursor_u8(&in);
	if (!is_known || c->n_legs == 0 || c->n_legs > CONNECTION_LEGS_MAX)
		return false;
	set_facts(c, cursor_u16(&in));
	c->packets = get_u64(&in);
	c->bytes = get_u64(&in);
	c->last_us = get_time(&in);
	g->latest_us = get_time(&in);
	for (size_t i = 0; i < c->n_legs; i++)
		get_leg(&in, &c->legs[i], owners->of[i]);
	return !in.is_short && cursor_left(&in) == 0 && is_sane(g);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/waiting_row.h"

#include <string.h>

#include "collector/row_bytes.h"
#include "core/flow.h"

#define VERSION 1

static uint16_t
facts_of(const struct connection *c)
{
	unsigned bits = c->accepted | (unsigned)c->both_ways << 1 |
	    (unsigned)c->any_reply << 2 | (unsigned)c->any_data << 3 |
	    (unsigned)c->refused << 4 | (unsigned)c->types_known << 5 |
	    (unsigned)c->entered << 6 | (unsigned)c->left << 7 |
	    (unsigned)c->known << 8 | (unsigned)c->delivery << 9;

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
	c->delivery = bits >> 9 & 3;
}

static void
put_socket(struct row_writer *w, const struct socket_addr *a)
{
	row_put_bytes(w, a->ip.b, sizeof(a->ip.b));
	row_put(w, a->port, 2);
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
	struct row_writer w = { out, out + WAITING_ROW_MAX };
	const struct connection *c = &g->c;

	row_put(&w, VERSION, 1);
	row_put(&w, c->protocol, 1);
	row_put(&w, c->opening, 1);
	row_put(&w, c->n_legs, 1);
	row_put(&w, facts_of(c), 2);
	row_put(&w, c->packets, 8);
	row_put(&w, c->bytes, 8);
	row_put(&w, (uint64_t)c->last_us, 8);
	row_put(&w, (uint64_t)g->latest_us, 8);
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct connection_leg *l = &c->legs[i];

		put_socket(&w, &l->client);
		put_socket(&w, &l->server);
		row_put(&w, (uint64_t)l->first_us, 8);
		row_put(&w, l->last_out_if, 4);
		row_put(&w, l->last_out_point, 1);
		row_put(&w, owners->of[i][0], 8);
		row_put(&w, owners->of[i][1], 8);
	}
	return (size_t)(w.p - out);
}

static void
get_leg(struct cursor *c, struct connection_leg *l, uint64_t owners[2])
{
	l->client = get_socket(c);
	l->server = get_socket(c);
	l->first_us = row_time(c);
	l->last_out_if = cursor_u32(c);
	l->last_out_point = cursor_u8(c);
	owners[0] = row_u64(c);
	owners[1] = row_u64(c);
}

/* Of one group: the sum of all that may wait can be stored. */
#define COUNT_MAX (UINT64_C(1) << 48)

static bool
is_dated(const struct waiting_group *g)
{
	const struct connection *c = &g->c;

	for (size_t i = 0; i < c->n_legs; i++)
		if (!row_is_time(c->legs[i].first_us))
			return false;
	return row_is_time(c->first_us) && row_is_time(c->last_us) &&
	    row_is_time(g->latest_us) && row_is_time(g->since_us);
}

/* Could a flow table have told of it? */
static bool
is_sane(const struct waiting_group *g)
{
	const struct connection *c = &g->c;

	return flow_protocol_name(c->protocol) != NULL &&
	    (c->opening == OPENING_HANDSHAKE || c->opening == OPENING_FIRST) &&
	    c->delivery <= DELIVERY_UNSURE && c->packets <= COUNT_MAX &&
	    c->bytes <= COUNT_MAX && is_dated(g) && c->first_us <= c->last_us &&
	    c->first_us <= g->latest_us;
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
	c->packets = row_u64(&in);
	c->bytes = row_u64(&in);
	c->last_us = row_time(&in);
	g->latest_us = row_time(&in);
	for (size_t i = 0; i < c->n_legs; i++)
		get_leg(&in, &c->legs[i], owners->of[i]);
	return !in.is_short && cursor_left(&in) == 0 && is_sane(g);
}

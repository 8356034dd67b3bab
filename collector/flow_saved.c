/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/flow_saved.h"

#include <string.h>

#include "collector/flow_internal.h"
#include "collector/row_bytes.h"

#define VERSION 1

/* Of a leg's flags, what another process goes on with. */
#define KEPT                                                                   \
	(LEG_PAIRS | LEG_FLIP | LEG_FIRST_LO | LEG_CONTINUED | LEG_TYPES |     \
	    LEG_KNOWN | LEG_SILENT)

static int64_t
us_of(const struct flow_table *ft, uint32_t ms)
{
	return ft->epoch_us + ((int64_t)ms - LEG_JOIN_WINDOW_MS - 1) * 1000;
}

static uint32_t
ms_of(const struct flow_table *ft, int64_t us)
{
	int64_t ms = (us - ft->epoch_us) / 1000 + LEG_JOIN_WINDOW_MS + 1;

	if (ms < 0)
		return 0;
	return ms < (int64_t)ft->now_ms ? (uint32_t)ms : ft->now_ms;
}

static void
put_leg(struct row_writer *w, const struct flow_table *ft,
    const struct leg *leg, bool is_told)
{
	const struct leg_key *k = &leg->key;

	row_put_bytes(w, k->lo.b, sizeof(k->lo.b));
	row_put_bytes(w, k->hi.b, sizeof(k->hi.b));
	row_put(w, k->lo_port, 2);
	row_put(w, k->hi_port, 2);
	row_put(w, leg->flags & KEPT, 4);
	row_put(w, is_told ? 0 : leg->packets, 4);
	row_put(w, is_told ? 0 : leg->bytes, 4);
	row_put(w, is_told ? 0 : leg->bytes_high, 4);
	row_put(w, (uint64_t)leg->first_us, 8);
	row_put(w, (uint64_t)us_of(ft, leg->last_ms), 8);
	row_put(w, leg->isn, 4);
	row_put(w, leg->close_seq[0], 4);
	row_put(w, leg->close_seq[1], 4);
	row_put(w, leg->last_out_if, 4);
	row_put(w, leg->in_points, 2);
	row_put(w, leg->out_points, 2);
	row_put(w, leg->last_out_point, 1);
}

/* All of it but times, which change with the rest; never 0. */
static uint32_t
mark_of(const struct flow_table *ft, uint32_t root, bool is_told)
{
	const struct leg *legs = ft->pool.legs;
	uint64_t h = is_told ? 1 : legs[root].packets;

	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		h = hash_mix(h ^ (legs[i].flags & KEPT),
		    UINT64_C(0x9e3779b97f4a7c15) + i);
	return (uint32_t)h | 1;
}

static bool
put_row(struct flow_table *ft, uint32_t root, bool is_told, struct flow_save *s)
{
	struct leg *legs = ft->pool.legs, *r = &legs[root];
	uint32_t mark = mark_of(ft, root, is_told);
	uint8_t content[FLOW_SAVED_MAX];
	struct row_writer w = { content, content + sizeof(content) };
	struct connection c;

	if (r->save != 0 && r->save_mark == mark)
		return true;
	(void)flow_describe(ft, root, &c);
	row_put(&w, VERSION, 1);
	row_put(&w, s->points, 4);
	row_put(&w, r->key.protocol, 1);
	row_put(&w, r->n_legs, 1);
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		put_leg(&w, ft, &legs[i], is_told);
	if (!s->put(s->arg,
		&(struct flow_saved){ r->save != 0 ? r->save : s->next_row, &c,
		    content, (size_t)(w.p - content) }))
		return false;
	if (r->save == 0)
		r->save = s->next_row++;
	r->save_mark = mark;
	r->flags = is_told ? r->flags | LEG_SAVED : r->flags & ~LEG_SAVED;
	return true;
}

/* Is there something that the flush would have told, were it settled? */
static bool
is_untold(const struct leg *root, int64_t now_us)
{
	return (root->packets != 0 || leg_is_news(root)) &&
	    now_us - root->first_us > (int64_t)LEG_JOIN_WINDOW_MS * 1000;
}

/* Was it told, and does it go on? DNS is over soon. */
static bool
goes_on(const struct leg *root)
{
	return (root->flags & LEG_CONTINUED) != 0 && !leg_is_closed(root) &&
	    !(root->key.protocol == FLOW_UDP && leg_is_dns(root));
}

static void
forget(struct leg *root, struct flow_save *s)
{
	if (root->save == 0)
		return;
	s->forget(s->arg, root->save);
	root->save = 0;
}

static void
save(struct flow_table *ft, uint32_t root, bool is_last, struct flow_save *s)
{
	struct leg *r = &ft->pool.legs[root];
	bool is_told;

	if (!is_last && is_untold(r, us_of(ft, ft->now_ms))) {
		(void)put_row(ft, root, false, s);
		return;
	}
	is_told = goes_on(r);
	if (is_told && r->saves < s->lasting)
		r->saves++;
	if (is_told && (is_last || r->saves >= s->lasting))
		(void)put_row(ft, root, true, s);
	else
		forget(r, s);
}

static void
save_all(struct flow_table *ft, bool is_last, struct flow_save *s)
{
	for (size_t i = 0; i < ft->n_left; i++)
		s->forget(s->arg, ft->left[i]);
	ft->n_left = 0;
	for (uint32_t i = 0; i < ft->pool.used; i++)
		if ((ft->pool.legs[i].flags & (LEG_LIVE | LEG_MEMBER)) ==
		    LEG_LIVE)
			save(ft, i, is_last, s);
}

void
flow_table_save(struct flow_table *ft, struct flow_save *s)
{
	save_all(ft, false, s);
}

void
flow_table_save_last(struct flow_table *ft, struct flow_save *s)
{
	save_all(ft, true, s);
}

void
flow_leave_row(struct flow_table *ft, uint32_t root)
{
	struct leg *r = &ft->pool.legs[root];

	if (r->save == 0)
		return;
	ft->left[ft->n_left++] = r->save;
	r->save = 0;
}

/* A leg as its row has it. */
struct saved_leg {
	struct leg_key key;
	struct leg leg; /* what of it is not its place */
	int64_t last_us;
};

static void
get_ip(struct cursor *in, struct ip_addr *ip)
{
	const uint8_t *p = cursor_take(in, sizeof(ip->b));

	if (p != NULL)
		memcpy(ip->b, p, sizeof(ip->b));
}

static void
get_leg(struct cursor *in, uint8_t protocol, struct saved_leg *out)
{
	struct leg *l = &out->leg;

	memset(out, 0, sizeof(*out));
	get_ip(in, &out->key.lo);
	get_ip(in, &out->key.hi);
	out->key.lo_port = cursor_u16(in);
	out->key.hi_port = cursor_u16(in);
	out->key.protocol = protocol;
	l->flags = cursor_u32(in) & KEPT;
	l->packets = cursor_u32(in);
	l->bytes = cursor_u32(in);
	l->bytes_high = cursor_u32(in);
	l->first_us = row_time(in);
	out->last_us = row_time(in);
	l->isn = cursor_u32(in);
	l->close_seq[0] = cursor_u32(in);
	l->close_seq[1] = cursor_u32(in);
	l->last_out_if = cursor_u32(in);
	l->in_points = cursor_u16(in);
	l->out_points = cursor_u16(in);
	l->last_out_point = cursor_u8(in);
}

/* Is the key one that a packet can have? */
static bool
is_in_order(const struct leg_key *k)
{
	const struct packet p = { .src = k->lo,
		.dst = k->hi,
		.sport = k->lo_port,
		.dport = k->hi_port,
		.protocol = k->protocol };
	struct leg_key ordered;

	return leg_key_of(&ordered, &p) && leg_key_equal(&ordered, k);
}

/* Bytes of an attempt, so few that the sum of a full table can be stored. */
static bool
is_counted(const struct saved_leg *l)
{
	return l->leg.bytes_high < (uint32_t)1 << 12;
}

static bool
is_dated(const struct saved_leg *l)
{
	return row_is_time(l->leg.first_us) && row_is_time(l->last_us);
}

/* The legs of a row; 0: it is none that we wrote. */
static size_t
read_row(struct saved_leg v[static CONNECTION_LEGS_MAX],
    const struct flow_restore *r, const struct flow_saved *s)
{
	struct cursor in = cursor_init(s->content, s->size);
	bool is_known = cursor_u8(&in) == VERSION;
	bool same_points = cursor_u32(&in) == r->points;
	uint8_t protocol = cursor_u8(&in);
	size_t n = cursor_u8(&in);

	if (!is_known || flow_protocol_name(protocol) == NULL || n == 0 ||
	    n > CONNECTION_LEGS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct leg *l = &v[i].leg;

		get_leg(&in, protocol, &v[i]);
		if (in.is_short || !is_in_order(&v[i].key) ||
		    !is_dated(&v[i]) || !is_counted(&v[i]))
			return 0;
		if (same_points && v[i].last_us >= r->booted_us)
			continue;
		l->last_out_if = l->last_out_point = 0;
		l->in_points = l->out_points = 0;
	}
	return cursor_left(&in) == 0 && !(v[0].leg.flags & LEG_FLIP) ? n : 0;
}

/* LEG_NONE: there is no room, or there is one. */
static uint32_t
add_leg(struct flow_table *ft, const struct saved_leg *s)
{
	uint32_t hash = leg_hash(&s->key, ft->pool.seed), index;
	struct leg *l;

	if (leg_find(&ft->pool, &s->key, hash) != LEG_NONE ||
	    (index = leg_add(&ft->pool, &s->key, hash)) == LEG_NONE)
		return LEG_NONE;
	l = &ft->pool.legs[index];
	l->flags |= s->leg.flags;
	l->packets = s->leg.packets;
	l->bytes = s->leg.bytes;
	l->bytes_high = s->leg.bytes_high;
	l->first_us = s->leg.first_us;
	l->last_ms = ms_of(ft, s->last_us);
	l->isn = s->leg.isn;
	l->close_seq[0] = s->leg.close_seq[0];
	l->close_seq[1] = s->leg.close_seq[1];
	l->last_out_if = s->leg.last_out_if;
	l->in_points = s->leg.in_points;
	l->out_points = s->leg.out_points;
	l->last_out_point = s->leg.last_out_point;
	l->root = index;
	l->n_legs = 1;
	ft->stats.legs++;
	return index;
}

static void
drop(struct flow_table *ft, uint32_t root)
{
	for (uint32_t i = root, next; i != LEG_NONE; i = next) {
		next = ft->pool.legs[i].next;
		leg_remove(&ft->pool, i);
	}
}

/* All of its legs, as one; LEG_NONE: none of them is there. */
static uint32_t
add_legs(struct flow_table *ft, const struct saved_leg *v, size_t n)
{
	uint32_t root = add_leg(ft, &v[0]), last = root;
	struct leg *legs = ft->pool.legs;

	for (size_t i = 1; i < n && root != LEG_NONE; i++) {
		uint32_t leg = add_leg(ft, &v[i]);

		if (leg == LEG_NONE) {
			drop(ft, root);
			return LEG_NONE;
		}
		legs[leg].root = root;
		legs[leg].flags |= LEG_MEMBER;
		legs[last].next = leg;
		last = leg;
	}
	if (root != LEG_NONE)
		legs[root].n_legs = (uint8_t)n;
	return root;
}

/* As a leg that was told alive just now. */
static void
redate(struct leg *legs, uint32_t root, int64_t now_us)
{
	int64_t first_us = legs[root].first_us;

	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		if (legs[i].first_us < first_us)
			first_us = legs[i].first_us;
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		legs[i].first_us += now_us - first_us;
}

/* Was it out of sight for so short a time that it can be no other one? */
static bool
is_same(const struct leg *root, const struct flow_restore *r,
    const struct connection *c)
{
	int64_t most_us = root->key.protocol == FLOW_UDP
	    ? (int64_t)FLOW_TABLE_UDP_MS * 1000
	    : FLOW_SAVED_GAP_US;
	struct connection now;

	if (r->saved_us < r->booted_us || r->saved_us > r->now_us ||
	    r->now_us - r->saved_us > most_us)
		return false;
	memcpy(&now, c, connection_bytes(c));
	now.first_us = r->now_us;
	return r->goes_on(r->arg, &now);
}

/* One that was told, and of which there may be more to tell. false: it may be
 * another one, and nothing is to be told of it. */
static bool
put_back_told(struct flow_table *ft, uint32_t root,
    const struct flow_restore *r, const struct connection *c)
{
	struct leg *legs = ft->pool.legs;

	if (!is_same(&legs[root], r, c)) {
		legs[root].flags &= ~LEG_CONTINUED;
		return legs[root].packets != 0;
	}
	if (legs[root].packets != 0)
		return true;
	redate(legs, root, r->now_us);
	/* The row may be old: it was not silent for long when all were saved
	 * for the last time. */
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		legs[i].last_ms = ms_of(ft, r->saved_us);
	legs[root].flags |= LEG_SAVED;
	legs[root].saves = UINT8_MAX;
	return true;
}

/* Times before the first packet are to be told apart, too. */
static void
begin(struct flow_table *ft, int64_t now_us)
{
	if (!ft->has_epoch)
		flow_clock(
		    ft, now_us - (int64_t)FLOW_TABLE_ESTABLISHED_MS * 2000);
	flow_clock(ft, now_us);
}

enum flow_restored
flow_table_restore(struct flow_table *ft, const struct flow_restore *r,
    const struct flow_saved *s, struct connection *c)
{
	struct saved_leg v[CONNECTION_LEGS_MAX];
	size_t n = read_row(v, r, s);
	uint32_t root, mark;
	struct leg *l;

	begin(ft, r->now_us);
	if (n == 0 || (root = add_legs(ft, v, n)) == LEG_NONE)
		return FLOW_RESTORED_BAD;
	l = &ft->pool.legs[root];
	mark = mark_of(
	    ft, root, (l->flags & LEG_CONTINUED) != 0 && l->packets == 0);
	(void)flow_describe(ft, root, c);
	if (l->flags & LEG_CONTINUED && !put_back_told(ft, root, r, c)) {
		drop(ft, root);
		return FLOW_RESTORED_NOT;
	}
	c->counted = (l->flags & LEG_CONTINUED) == 0;
	l->save = s->row;
	l->save_mark = mark;
	flow_hurry(ft, root);
	ft->pool.watch[root] =
	    leg_watch(l->last_ms, ft->pool.watch[root] % LEG_WATCH_STEP);
	return FLOW_RESTORED;
}

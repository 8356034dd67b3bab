/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a connection: by idleness, by a full table, by the capture's. */
#include <string.h>

#include "collector/flow_internal.h"

#define ROOM_LOOK 64 /* legs compared before one has to go */
#define ROOM_RUN  8  /* of them that lie side by side */
/* Legs fetched before they are looked at. */
#define DUE_MAX         CONNECTION_BATCH
#define EXPIRE_ROUND_MS 4000
#define EXPIRE_LOOK_MAX 4096 /* bounds the pause after one batch */

void
flow_set_clock(struct flow_table *ft, int64_t ts_us)
{
	int64_t ms;

	if (!ft->has_epoch) {
		ft->has_epoch = true;
		ft->epoch_us = ts_us;
		ft->now_ms = LEG_JOIN_WINDOW_MS + 1; /* 0 is an empty mark */
	}
	ms = (ts_us - ft->epoch_us) / 1000 + LEG_JOIN_WINDOW_MS + 1;
	if (ms > FLOW_REBASE_AT_MS) {
		flow_rebase(ft, ms);
	} else if (ms > (int64_t)ft->now_ms) {
		ft->now_ms = (uint32_t)ms;
		ft->n_behind = 0;
	} else if ((int64_t)ft->now_ms - ms > FLOW_BEHIND_MS) {
		flow_behind(ft, ts_us);
	}
}

/*
 * Who answers an opening that was not seen may do so unasked: nobody opened
 * anything unless the other end goes on with it. Resets are all that one says
 * who did not ask.
 */
static uint32_t
believed(uint32_t pairs)
{
	for (unsigned s = 0; s < 2; s++)
		if (!(pairs & (LEG_SYN | LEG_SEEN) << !s))
			pairs &= ~(LEG_SYNACK << s);
	return pairs;
}

/* Is the client the root's lower end? *sure: the opening says so. */
static bool
client_is_lo(const struct leg *root, uint32_t pairs, bool *sure)
{
	bool first_lo = (root->flags & LEG_FIRST_LO) != 0;
	bool lo, hi;

	*sure = true;
	lo = pairs & (LEG_SYN | LEG_CLIENT) << 1 || pairs & LEG_SYNACK;
	hi = pairs & (LEG_SYN | LEG_CLIENT) || pairs & LEG_SYNACK << 1;
	if (lo != hi)
		return lo;
	if (!lo)
		*sure = false;
	return first_lo;
}

static void
tell_leg(struct connection_leg *out, const struct leg *leg, bool client_lo)
{
	struct leg_ends ends =
	    leg_ends(&leg->key, client_lo != ((leg->flags & LEG_FLIP) != 0));

	out->client.ip = *ends.src;
	out->client.port = ends.sport;
	out->server.ip = *ends.dst;
	out->server.port = ends.dport;
	out->first_us = leg->first_us;
	out->last_out_if = leg->last_out_if;
	out->last_out_point = leg->last_out_point;
	out->other_out_if = leg_is_dns(leg) ? 0 : leg->other_out_if;
	out->other_out_point = leg->other_out_point;
}

/* Order the legs by the time they were first seen; there are few. */
static void
sort_legs(struct connection *c)
{
	for (size_t i = 1; i < c->n_legs; i++)
		for (size_t j = i;
		     j > 0 && c->legs[j].first_us < c->legs[j - 1].first_us;
		     j--) {
			struct connection_leg t = c->legs[j];

			c->legs[j] = c->legs[j - 1];
			c->legs[j - 1] = t;
		}
}

bool
flow_describe(const struct flow_table *ft, uint32_t root, struct connection *c)
{
	const struct leg *legs = ft->pool.legs, *r = &legs[root];
	uint32_t pairs = 0, in = 0, out = 0, s;
	bool client_lo, sure, types = false;

	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next) {
		pairs |= leg_root_pairs(&legs[i]);
		in |= legs[i].in_points;
		out |= legs[i].out_points;
		types = types || (legs[i].flags & LEG_TYPES) != 0;
	}
	pairs = believed(pairs);
	client_lo = client_is_lo(r, pairs, &sure);
	memset(c, 0, offsetof(struct connection, legs));
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		tell_leg(&c->legs[c->n_legs++], &legs[i], client_lo);
	sort_legs(c);
	s = !client_lo; /* the server's direction, as shift */
	c->protocol = r->key.protocol;
	c->opening = sure ? OPENING_HANDSHAKE : OPENING_FIRST;
	c->counted = !(r->flags & LEG_CONTINUED);
	c->accepted = (pairs & LEG_BOTH(LEG_SYNACK)) != 0;
	c->any_data = (pairs & LEG_BOTH(LEG_DATA)) != 0;
	c->both_ways = (pairs & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA);
	c->any_reply = (pairs & LEG_BOTH(LEG_SEEN)) == LEG_BOTH(LEG_SEEN);
	c->refused =
	    (pairs & LEG_RST << s) != 0 || (pairs & LEG_REFUSED << !s) != 0;
	c->types_known = types;
	c->entered = in != 0;
	c->left = out != 0 && (in & ~out) == 0;
	c->known = (r->flags & LEG_KNOWN) != 0;
	c->packets = r->packets;
	c->bytes = (uint64_t)r->bytes_high << 32 | r->bytes;
	c->first_us = c->legs[0].first_us;
	c->last_us = ft->epoch_us +
	    ((int64_t)r->last_ms - LEG_JOIN_WINDOW_MS - 1) * 1000;
	if (c->last_us < c->first_us || (c->known && c->packets == 0))
		c->last_us = c->first_us;
	return c->protocol == FLOW_UDP || c->any_data || c->any_reply ||
	    (pairs & LEG_BOTH(LEG_SYN | LEG_SYNACK)) != 0 ||
	    (pairs & LEG_SEEN << s && pairs & LEG_RST << !s) ||
	    (pairs & LEG_SEEN << !s && pairs & LEG_RST << s);
}

/* What there is to tell of a connection that ends; false: nothing. */
static bool
describe_end(struct flow_table *ft, uint32_t root, struct connection *c)
{
	const struct leg *r = &ft->pool.legs[root];

	if (r->flags & LEG_SILENT && r->packets == 0)
		return false; /* the kernel knew of it; nothing came of it */
	if (!flow_describe(ft, root, c)) {
		ft->stats.strays++;
		return false;
	}
	ft->stats.connections += c->counted;
	c->saved = r->save;
	return c->counted || c->packets != 0;
}

/* Tell of up to CONNECTION_BATCH connections, at once. */
static void
tell_ends(struct flow_table *ft, const uint32_t *roots, size_t n)
{
	struct connection v[CONNECTION_BATCH];
	size_t told = 0;

	for (size_t i = 0; i < n; i++)
		if (describe_end(ft, roots[i], &v[told]))
			told++;
		else
			flow_leave_row(ft, roots[i]);
	if (told != 0)
		ft->config.sink(ft->config.sink_arg, v, told);
}

static inline bool
is_over_dns(const struct leg *root)
{
	return root->key.protocol == FLOW_UDP && leg_is_dns(root) &&
	    flow_dns_is_over(root);
}

/* Bring in what forgetting it will touch. */
static inline void
bring_end(const struct flow_table *ft, uint32_t root)
{
	const struct leg *leg = &ft->pool.legs[root];

	leg_prefetch_remove(&ft->pool, root);
	if (is_over_dns(leg))
		flow_dns_bring(ft, leg->asker);
}

static void
forget(struct flow_table *ft, uint32_t root)
{
	struct leg *legs = ft->pool.legs;
	bool over = is_over_dns(&legs[root]);
	uint32_t next;

	for (uint32_t i = root; i != LEG_NONE; i = next) {
		next = legs[i].next;
		if (over)
			flow_dns_remember(ft, &legs[i]);
		leg_remove(&ft->pool, i);
	}
}

void
flow_end(struct flow_table *ft, uint32_t leg)
{
	uint32_t root = leg_root(&ft->pool.legs[leg], leg);

	tell_ends(ft, &root, 1);
	forget(ft, root);
}

/* Is this leg one that stands for a connection? */
static bool
is_root(const struct leg *leg)
{
	return (leg->flags & (LEG_LIVE | LEG_MEMBER)) == LEG_LIVE;
}

/* How long what is over may stay in a table that fills; and how much later it
 * is looked at, so that most are looked at once, and those that end while there
 * is room are told when more is known of their pods. */
struct crowding {
	uint32_t closed_ms, answered_ms, dns_over_ms, slack_ms;
};

static const struct crowding *
crowding(const struct flow_table *ft)
{
	static const struct crowding none = { FLOW_TABLE_CLOSED_MS,
		FLOW_TABLE_UDP_MS, FLOW_TABLE_DNS_OVER_MS, 2000 };
	static const struct crowding some = { 2000, 5000, 1000, 64 };
	static const struct crowding much = { 1000, 2000, 1000, 64 };
	uint32_t eighths = ft->pool.live / (ft->pool.max / 8);

	if (eighths < 2)
		return &none;
	return eighths < 6 ? &some : &much;
}

static bool
is_answered_udp(const struct leg *root)
{
	return root->key.protocol == FLOW_UDP &&
	    (root->flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA);
}

/* How long the root may be silent. In a crowded table what has had its answer
 * or its end makes place soon. */
static uint32_t
idle_ms(const struct crowding *c, const struct leg *root)
{
	uint32_t idle = flow_idle_ms(root);

	if (leg_is_closed(root) && idle > c->closed_ms)
		return c->closed_ms;
	if (is_answered_udp(root) && idle > c->answered_ms)
		idle = c->answered_ms;
	if (is_answered_udp(root) && idle > c->dns_over_ms &&
	    leg_is_dns(root) && flow_dns_is_over(root))
		return c->dns_over_ms;
	return idle;
}

/* What kind of silence ends this root. */
static enum leg_watch
watch_kind(const struct leg *root)
{
	if (root->key.protocol == FLOW_UDP)
		return leg_is_dns(root) ? LEG_WATCH_DNS : LEG_WATCH_UDP;
	if (leg_is_closed(root))
		return LEG_WATCH_CLOSED;
	if (leg_is_tail(root))
		return LEG_WATCH_CLOSED;
	return flow_idle_ms(root) == FLOW_TABLE_HALF_OPEN_MS
	    ? LEG_WATCH_HALF_OPEN
	    : LEG_WATCH_ESTABLISHED;
}

/*
 * How long a leg of each kind is silent when it is looked at: for the least
 * that ends one of its kind. What turns out to be none of those, as a question
 * without an answer, is looked at again after as long.
 */
static void
watch_limits(const struct crowding *c, uint32_t limits[static LEG_WATCH_STEP])
{
	for (unsigned i = 0; i < LEG_WATCH_STEP; i++)
		limits[i] = UINT32_MAX;
	limits[LEG_WATCH_CLOSED] = c->closed_ms + c->slack_ms;
	limits[LEG_WATCH_DNS] = c->dns_over_ms + c->slack_ms;
	limits[LEG_WATCH_UDP] = c->answered_ms + c->slack_ms;
	limits[LEG_WATCH_HALF_OPEN] = FLOW_TABLE_HALF_OPEN_MS + c->slack_ms;
	limits[LEG_WATCH_ESTABLISHED] = FLOW_TABLE_ESTABLISHED_MS + c->slack_ms;
}

void
flow_watch(struct flow_table *ft, uint32_t leg)
{
	const struct leg *l = &ft->pool.legs[leg];

	ft->pool.watch[leg] = leg_watch(ft->now_ms,
	    l->key.protocol == FLOW_UDP ? watch_kind(l) : LEG_WATCH_HALF_OPEN);
}

void
flow_hurry(struct flow_table *ft, uint32_t root)
{
	ft->pool.watch[root] =
	    leg_watch(ft->now_ms, watch_kind(&ft->pool.legs[root]));
}

/* Has this root been silent for too long? If not, watch on: from its last
 * packet, or from now where it may be silent for longer than others. */
static bool
is_over(struct flow_table *ft, const struct crowding *c,
    const uint32_t limits[static LEG_WATCH_STEP], uint32_t root)
{
	const struct leg *leg = &ft->pool.legs[root];
	enum leg_watch kind = watch_kind(leg);
	uint32_t idle = idle_ms(c, leg), since = leg->last_ms;

	if (ft->now_ms - since > idle)
		return true;
	if (idle > limits[kind])
		since = ft->now_ms;
	ft->pool.watch[root] = leg_watch(since, kind);
	return false;
}

/*
 * How many legs to look at after n packets: twice as many, but at a low
 * rate enough to be round once in EXPIRE_ROUND_MS.
 */
static size_t
quota(struct flow_table *ft, size_t n)
{
	uint64_t elapsed = ft->now_ms - ft->expired_ms;
	uint64_t due = elapsed * ft->pool.used / EXPIRE_ROUND_MS;
	size_t q = n * 2;

	if (due > 0)
		ft->expired_ms = ft->now_ms;
	if (due > q)
		q = due < EXPIRE_LOOK_MAX ? (size_t)due : EXPIRE_LOOK_MAX;
	return q < ft->pool.used ? q : ft->pool.used;
}

/* Remember legs that are put out while they live. */
static void
remember_all(struct flow_table *ft, uint32_t root)
{
	const struct leg *legs = ft->pool.legs;
	uint32_t all = legs[root].flags & LEG_FIRST_LO;

	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		all |= leg_root_pairs(&legs[i]);
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next) {
		uint32_t flags = all;

		if (legs[i].flags & LEG_FLIP)
			flags = leg_flip_pairs(all & LEG_PAIRS) |
			    (~all & LEG_FIRST_LO);
		put_out_remember(
		    ft->put_out, &legs[i].key, legs[i].hash, flags, ft->now_ms);
	}
}

/* Told while it lived, silent since; or over before its time, to make place: if
 * it speaks again, that is more of it. So it is of TCP that nobody closed: most
 * systems ask only every two hours whether the other end is still there. */
static bool
may_go_on(const struct flow_table *ft, const struct leg *root)
{
	uint32_t both = LEG_BOTH(LEG_SEEN);

	if (root->key.protocol == FLOW_UDP)
		return !flow_dns_is_over(root) &&
		    ft->now_ms - root->last_ms <= flow_idle_ms(root);
	if (leg_is_closed(root))
		return false;
	return (root->flags & LEG_CONTINUED) != 0 ||
	    (root->key.protocol == FLOW_TCP && (root->flags & both) == both);
}

/*
 * Look at roots whose time may have come. All of them were asked for before the
 * first is looked at, and so is what the end of some will touch.
 */
static void
look_at(struct flow_table *ft, const struct crowding *c,
    const uint32_t limits[static LEG_WATCH_STEP], uint32_t *due, size_t n)
{
	size_t n_over = 0;

	for (size_t i = 0; i < n; i++)
		if (is_over(ft, c, limits, due[i])) {
			bring_end(ft, due[i]);
			due[n_over++] = due[i];
		}
	tell_ends(ft, due, n_over);
	for (size_t i = 0; i < n_over; i++) {
		if (may_go_on(ft, &ft->pool.legs[due[i]]))
			remember_all(ft, due[i]);
		forget(ft, due[i]);
	}
}

/* The first leg from there on that may have been silent for too long, or end.
 */
static inline uint32_t
next_due(const struct flow_table *ft,
    const uint32_t limits[static LEG_WATCH_STEP], uint32_t leg, uint32_t end)
{
	const uint32_t *watch = ft->pool.watch;

	while (leg < end &&
	    ft->now_ms - watch[leg] / LEG_WATCH_STEP * LEG_WATCH_STEP <
		limits[watch[leg] % LEG_WATCH_STEP])
		leg++;
	return leg;
}

static void
look_between(struct flow_table *ft, const struct crowding *c,
    const uint32_t limits[static LEG_WATCH_STEP], uint32_t leg, uint32_t end)
{
	uint32_t due[DUE_MAX];
	size_t n = 0;

	while ((leg = next_due(ft, limits, leg, end)) < end) {
		bring_line(&ft->pool.legs[leg]);
		bring_line(&ft->pool.legs[leg].first_us);
		due[n++] = leg++;
		if (n == DUE_MAX) {
			look_at(ft, c, limits, due, n);
			n = 0;
		}
	}
	if (n != 0)
		look_at(ft, c, limits, due, n);
}

void
flow_expire(struct flow_table *ft, size_t n)
{
	const struct crowding *c = crowding(ft);
	uint32_t limits[LEG_WATCH_STEP];

	watch_limits(c, limits);
	n = quota(ft, n);
	while (n > 0) {
		uint32_t from = ft->hand < ft->pool.used ? ft->hand : 0;
		uint32_t run = ft->pool.used - from;

		if (run > n)
			run = (uint32_t)n;
		ft->hand = from + run;
		n -= run;
		look_between(ft, c, limits, from, from + run);
	}
}

void
flow_expire_all(struct flow_table *ft)
{
	const struct crowding *c = crowding(ft);
	uint32_t limits[LEG_WATCH_STEP];

	watch_limits(c, limits);
	look_between(ft, c, limits, 0, ft->pool.used);
}

/* How dear a connection is: what is over goes first, then the half-open. */
static uint64_t
worth(const struct leg *leg)
{
	uint64_t rank = 3;

	if (leg_is_closed(leg) || is_answered_udp(leg) || leg_is_tail(leg))
		rank = 0;
	else if (leg->key.protocol == FLOW_UDP)
		rank = 1;
	else if (flow_idle_ms(leg) == FLOW_TABLE_HALF_OPEN_MS)
		rank = 2;
	return rank << 32 | leg->last_ms;
}

/* What is still to be seen of a connection that has to go is more of it, be it
 * the answer to its end. A DNS exchange is remembered by its questions. */
static void
note_put_out(struct flow_table *ft, uint32_t root)
{
	const struct leg *leg = &ft->pool.legs[root];

	if (is_over_dns(leg) || leg_is_tail(leg) ||
	    ft->now_ms - leg->last_ms > flow_idle_ms(leg))
		return;
	ft->stats.forced_out += !leg_is_closed(leg);
	remember_all(ft, root);
	ft->stats.forgotten = put_out_forgotten(ft->put_out);
}

/*
 * Of legs from all over the table, as those that lie side by side are of one
 * age; the table is full, so there is a root among them or soon behind.
 */
void
flow_make_room(struct flow_table *ft)
{
	struct leg_pool *pool = &ft->pool;
	uint32_t best = LEG_NONE, at = 0;

	for (uint32_t seen = 0; seen < pool->max + ROOM_LOOK; seen++) {
		const struct leg *leg;

		if (seen >= ROOM_LOOK && best != LEG_NONE)
			break;
		if (seen < ROOM_LOOK && seen % ROOM_RUN == 0)
			at = (uint32_t)hash_mix(
			    ft->stats.legs * 64 + seen, pool->seed | 1);
		leg = &pool->legs[at++ & (pool->max - 1)];
		if (is_root(leg) &&
		    (best == LEG_NONE || worth(leg) < worth(&pool->legs[best])))
			best = (uint32_t)(leg - pool->legs);
	}
	note_put_out(ft, best);
	flow_end(ft, best);
}

/* What was told for good; it may go on all the same. */
static void
note_told(struct flow_table *ft, const uint32_t *roots, size_t n)
{
	struct connection c;

	for (size_t i = 0; i < n; i++) {
		struct leg *root = &ft->pool.legs[roots[i]];

		(void)flow_describe(ft, roots[i], &c);
		if (c.accepted || c.both_ways)
			root->flags |= LEG_CONTINUED;
		root->packets = root->bytes = root->bytes_high = 0;
		root->flags &= ~LEG_SAVED;
		root->save = 0;
	}
}

static void
tell_some(
    struct flow_table *ft, const uint32_t *roots, size_t n, bool may_go_on)
{
	if (n == 0)
		return;
	tell_ends(ft, roots, n);
	if (may_go_on)
		note_told(ft, roots, n);
}

/* They are not forgotten. */
static void
tell_all(struct flow_table *ft, bool may_go_on)
{
	uint32_t roots[CONNECTION_BATCH];
	size_t n = 0;

	for (uint32_t i = 0; i < ft->pool.used; i++) {
		if (!is_root(&ft->pool.legs[i]))
			continue;
		roots[n++] = i;
		if (n < CONNECTION_BATCH)
			continue;
		tell_some(ft, roots, n, may_go_on);
		n = 0;
	}
	tell_some(ft, roots, n, may_go_on);
}

void
flow_table_tell_all(struct flow_table *ft)
{
	tell_all(ft, true);
}

void
flow_table_finish(struct flow_table *ft)
{
	tell_all(ft, false);
	leg_pool_clear(&ft->pool);
	ft->n_left = 0;
}

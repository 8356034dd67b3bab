/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a flow table needs that runs for weeks: time that passes without
 * packets, and an account of connections that do not end.
 */
#include "collector/flow_internal.h"

#define TICK_LAG_US    ((int64_t)500000) /* packets on their way to us */
#define REBASE_STEP_MS ((uint32_t)1 << 22)
#define REBASE_KEEP_MS ((int64_t)2 * FLOW_TABLE_ESTABLISHED_MS)
#define BEHIND_MAX     64 /* packets in a row that no disorder explains */

/* Bring now_ms and all that is measured by it back, by a multiple of what is
 * kept modulo (flow_dns.c, put_out.c, watch). The marks for joining are a
 * second's worth, and go. now_ms may be years ahead, as where captures of long
 * ago come first, or a host's clock was wrong until it was set: what is over by
 * then goes by the times that it had. */
void
flow_rebase(struct flow_table *ft, int64_t now_ms)
{
	struct leg_pool *pool = &ft->pool;
	int64_t shift =
	    (now_ms - REBASE_KEEP_MS) / REBASE_STEP_MS * REBASE_STEP_MS;

	/* Before the limit of what is not watched, and no leg (flow_end.c). */
	ft->now_ms = now_ms < UINT32_MAX ? (uint32_t)now_ms : UINT32_MAX - 1;
	flow_expire_all(ft);
	for (uint32_t i = 0; i < pool->used; i++) {
		uint32_t *last_ms = &pool->legs[i].last_ms;
		uint32_t kind = pool->watch[i] % LEG_WATCH_STEP;
		uint32_t since = pool->watch[i] - kind;

		*last_ms = *last_ms < shift ? 0 : *last_ms - (uint32_t)shift;
		pool->watch[i] =
		    (since < shift ? 0 : since - (uint32_t)shift) | kind;
	}
	if (pool->live == 0)
		leg_pool_clear(pool);
	leg_join_forget(ft->join);
	ft->epoch_us += shift * 1000;
	ft->now_ms = (uint32_t)(now_ms - shift);
	ft->expired_ms = ft->now_ms;
}

/* What was told of it was all until then, and it goes on as from ts_us. */
static void
go_on_from(struct flow_table *ft, uint32_t root, int64_t ts_us)
{
	struct leg *legs = ft->pool.legs;
	struct connection c;

	if (flow_describe(ft, root, &c))
		legs[root].flags |= LEG_CONTINUED;
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		legs[i].first_us += ts_us - c.first_us;
}

/*
 * Nothing would ever be idle until time has come back to where it was. If that
 * is no stray packet's, all is told by the times that it had, and goes on by
 * the new ones. A table that is told the time has no need of it.
 */
void
flow_behind(struct flow_table *ft, int64_t ts_us)
{
	if (ft->config.is_ticked || ++ft->n_behind < BEHIND_MAX)
		return;
	flow_table_tell_all(ft);
	for (uint32_t i = 0; i < ft->pool.used; i++)
		if ((ft->pool.legs[i].flags & (LEG_LIVE | LEG_MEMBER)) ==
		    LEG_LIVE)
			go_on_from(ft, i, ts_us);
	ft->epoch_us =
	    ts_us - ((int64_t)ft->now_ms - LEG_JOIN_WINDOW_MS - 1) * 1000;
	ft->n_behind = 0;
}

void
flow_table_tick(struct flow_table *ft, int64_t now_us)
{
	if (!ft->has_epoch)
		return;
	flow_clock(ft, now_us - TICK_LAG_US);
	flow_expire(ft, 0);
}

void
flow_table_redate(struct flow_table *ft, int64_t by_us)
{
	if (!ft->has_epoch)
		return;
	ft->epoch_us += by_us;
	ft->known_us += by_us;
	for (uint32_t i = 0; i < ft->pool.used; i++) {
		ft->pool.legs[i].first_us += by_us;
		ft->pool.legs[i].save_mark = 0; /* none, so it is written */
	}
}

uint32_t
flow_table_legs(const struct flow_table *ft)
{
	return ft->pool.live;
}

/* Is what is known of it what will be known of it? A SYN may still be answered,
 * and so may, for a while, what has no answer otherwise. */
static bool
is_settled(const struct connection *c, bool is_over, int64_t age_us)
{
	if (c->accepted || c->both_ways || is_over)
		return true;
	return age_us >= (int64_t)FLOW_TABLE_SETTLE_MS * 1000 &&
	    (c->protocol == FLOW_UDP || c->opening == OPENING_FIRST ||
		c->known);
}

/* Tell what is new of a connection that may go on from now_us. */
static void
tell_alive(struct flow_table *ft, uint32_t root, int64_t now_us)
{
	struct leg *legs = ft->pool.legs, *r = &legs[root];
	struct connection c;

	if (!flow_describe(ft, root, &c) ||
	    !is_settled(&c, leg_is_closed(r), now_us - c.first_us))
		return;
	ft->stats.connections += c.counted;
	c.saved = r->flags & LEG_SAVED ? 0 : r->save;
	ft->config.sink(ft->config.sink_arg, &c, 1);
	if (c.saved != 0)
		r->save = 0;
	/* All by the same: which leg was the first stays known. */
	for (uint32_t i = root; i != LEG_NONE; i = legs[i].next)
		legs[i].first_us += now_us - c.first_us;
	r->flags |= LEG_CONTINUED;
	r->packets = 0;
	r->bytes = 0;
	r->bytes_high = 0;
}

void
flow_table_flush(struct flow_table *ft)
{
	int64_t now_us = ft->epoch_us +
	    ((int64_t)ft->now_ms - LEG_JOIN_WINDOW_MS - 1) * 1000;
	const int64_t joined_us = (int64_t)LEG_JOIN_WINDOW_MS * 1000;

	for (uint32_t i = 0; i < ft->pool.used; i++) {
		const struct leg *leg = &ft->pool.legs[i];

		if ((leg->flags & (LEG_LIVE | LEG_MEMBER)) == LEG_LIVE &&
		    (leg->packets != 0 || leg_is_news(leg)) &&
		    now_us - leg->first_us > joined_us)
			tell_alive(ft, i, now_us);
	}
}

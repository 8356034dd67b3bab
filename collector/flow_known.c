/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's connection table knew before there were packets. */
#include "collector/flow_internal.h"

/* A leg for these two ends, and whether the client is its lower end. */
struct known_leg {
	uint32_t index;
	bool client_lo;
};

static uint32_t
make_leg(struct flow_table *ft, const struct leg_key *key, uint32_t hash,
    const struct flow_known *k, bool client_lo, bool served)
{
	uint32_t index = leg_add(&ft->pool, key, hash);
	struct leg *leg;

	if (index == LEG_NONE)
		return LEG_NONE;
	leg = &ft->pool.legs[index];
	leg->flags = LEG_LIVE | LEG_KNOWN | LEG_BOTH(LEG_SEEN);
	if (k->silent)
		leg->flags |= LEG_SILENT;
	if (client_lo)
		leg->flags |= LEG_FIRST_LO;
	if (k->opened)
		leg->flags |= LEG_CLIENT << client_lo;
	if (k->protocol == FLOW_UDP)
		leg->flags |= LEG_BOTH(LEG_DATA);
	leg->first_us = k->last_us + served; /* the dialled one stays first */
	leg->last_ms = ft->now_ms;
	leg->root = index;
	leg->n_legs = 1;
	flow_watch(ft, index);
	ft->stats.legs++;
	return index;
}

/* An attempt of which a process before this one saw no answer: there was one,
 * or the kernel would not tell of it. */
static void
note_accepted(struct leg *leg, const struct flow_known *k, bool client_lo)
{
	if (k->protocol != FLOW_UDP && leg->flags & LEG_SYN << client_lo &&
	    k->last_us >= leg->first_us)
		leg->flags |= LEG_SYNACK << !client_lo;
}

static struct known_leg
find_leg(struct flow_table *ft, const struct flow_known *k,
    const struct socket_addr *client, const struct socket_addr *server,
    bool served)
{
	const struct packet p = {
		.src = client->ip,
		.dst = server->ip,
		.sport = client->port,
		.dport = server->port,
		.protocol = k->protocol,
	};
	struct known_leg l;
	struct leg_key key;
	uint32_t hash;

	l.client_lo = leg_key_of(&key, &p);
	hash = leg_hash(&key, ft->pool.seed);
	l.index = leg_find(&ft->pool, &key, hash);
	if (l.index == LEG_NONE)
		l.index = make_leg(ft, &key, hash, k, l.client_lo, served);
	else
		note_accepted(&ft->pool.legs[l.index], k, l.client_lo);
	return l;
}

/* Is the client the lower end of the root, to which this leg belongs? */
static bool
root_client_lo(const struct flow_table *ft, const struct known_leg *l)
{
	return l->client_lo !=
	    ((ft->pool.legs[l->index].flags & LEG_FLIP) != 0);
}

/* Has nobody but the kernel's table told of it, as of a root in stats.known? */
static bool
is_only_known(const struct leg *root)
{
	return (root->flags & LEG_KNOWN) != 0 && root->save == 0;
}

/* The side that was dialled stands for both. */
static void
unite(struct flow_table *ft, const struct known_leg *dialled,
    const struct known_leg *served)
{
	struct leg *legs = ft->pool.legs;
	uint32_t ra = leg_root(&legs[dialled->index], dialled->index);
	uint32_t rb = leg_root(&legs[served->index], served->index);

	if (ra == rb || legs[ra].n_legs + legs[rb].n_legs > CONNECTION_LEGS_MAX)
		return;
	if (is_only_known(&legs[ra]) || is_only_known(&legs[rb]))
		ft->stats.known--; /* two legs, as of two zones, are one */
	if (legs[rb].flags & LEG_CONTINUED) { /* by who was before us */
		legs[ra].flags |= LEG_CONTINUED;
		legs[ra].saves = legs[rb].saves;
	}
	flow_attach(ft, ra, rb,
	    root_client_lo(ft, dialled) != root_client_lo(ft, served));
}

bool
flow_table_know(
    struct flow_table *ft, const struct flow_known *k, int64_t now_us)
{
	struct known_leg dialled, served;
	uint32_t live = ft->pool.live;

	flow_clock(ft, now_us);
	ft->known_us = now_us;
	if (live + 2 > ft->pool.max / 2)
		return false;
	dialled = find_leg(ft, k, &k->client, &k->dialled, false);
	served = find_leg(ft, k, &k->seen, &k->server, true);
	if (dialled.index == LEG_NONE || served.index == LEG_NONE)
		return false;
	ft->stats.known += ft->pool.live - live;
	unite(ft, &dialled, &served);
	return true;
}

/* Make leg the root of its connection. */
static void
make_root(struct flow_table *ft, uint32_t leg, uint32_t old)
{
	struct leg *legs = ft->pool.legs;
	bool flip = (legs[leg].flags & LEG_FLIP) != 0;
	uint32_t before = old;

	while (legs[before].next != leg)
		before = legs[before].next;
	legs[before].next = legs[leg].next;
	legs[leg].next = old;
	legs[leg].n_legs = legs[old].n_legs;
	legs[leg].flags |= legs[old].flags &
	    (LEG_SILENT | LEG_CONTINUED | LEG_KNOWN | LEG_SAVED);
	legs[leg].save = legs[old].save;
	legs[leg].save_mark = legs[old].save_mark;
	legs[leg].saves = legs[old].saves;
	legs[old].save = 0;
	ft->pool.watch[leg] = ft->pool.watch[old];
	ft->pool.watch[old] = LEG_WATCH_NONE;
	for (uint32_t i = leg; i != LEG_NONE; i = legs[i].next) {
		legs[i].root = leg;
		legs[i].flags |= LEG_MEMBER;
		if (flip)
			legs[i].flags ^= LEG_FLIP;
	}
	legs[leg].flags &= ~LEG_MEMBER;
}

void
flow_known_speaks(struct flow_table *ft, uint32_t leg)
{
	struct leg *legs = ft->pool.legs;
	uint32_t root = leg_root(&legs[leg], leg);

	if (root != leg && legs[root].tap[0] == 0 && legs[root].tap[1] == 0)
		make_root(ft, leg, root);
}

void
flow_known_opens(struct flow_table *ft, uint32_t leg, int64_t ts_us)
{
	struct leg *legs = ft->pool.legs;
	uint32_t root = leg_root(&legs[leg], leg);

	if (leg_is_news(&legs[root]) && legs[root].packets == 0 &&
	    ts_us <= ft->known_us)
		legs[root].flags |= LEG_SILENT;
}

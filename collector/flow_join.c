/* SPDX-License-Identifier: Apache-2.0 */
/* Joining the legs of one connection. */
#include "collector/flow_internal.h"

/*
 * Do its numbers tell this packet from all others? Of datagrams others often
 * have the same bytes; and what looks for ports sends one initial sequence
 * number to all of them, without a time, and gets resets that are as alike.
 */
static bool
is_unique(const struct flow_sighting *s)
{
	return s->key.protocol != FLOW_UDP &&
	    (s->key.protocol != FLOW_TCP || s->tsval != 0 ||
		s->payload_bytes != 0 || (s->bits & LEG_SYNACK) != 0);
}

/*
 * One side of a connection is one pod at most, whatever rewrote it. Without
 * this, two clients that a node masquerades and that send the same bytes would
 * become one. Where the packet is not unique, one of two must be an address
 * that something rewrites to, as between two sightings.
 */
static bool
sides_agree(struct flow_table *ft, const struct leg *a, const struct leg *b,
    bool flip, const struct flow_sighting *s)
{
	const struct address_view *v = &ft->config.view;
	bool unique = is_unique(s);
	enum address_class c;

	if (v->classify == NULL)
		return true;
	for (int side = 0; side < 2; side++) {
		struct leg_ends x = leg_ends(&a->key, side == 0);
		struct leg_ends y = leg_ends(&b->key, (side == 0) != flip);

		if (ip_equal(x.src, y.src) && (unique || x.sport == y.sport))
			continue;
		c = v->classify(v->arg, x.src, s->ts_us);
		if (unique ? c != ADDRESS_CLASS_POD
			   : address_class_is_rewritten(c))
			continue;
		c = v->classify(v->arg, y.src, s->ts_us);
		if (unique ? c == ADDRESS_CLASS_POD
			   : !address_class_is_rewritten(c))
			return false;
	}
	return true;
}

/*
 * Is all that differs the port of one end? Of what is not unique that is taken
 * for two exchanges of one client: nothing but a port that was taken
 * (is_port_moved) makes it of one, which is much rarer.
 */
static bool
differ_in_port(const struct leg *a, const struct leg *b, bool flip)
{
	struct leg_ends x = leg_ends(&a->key, true),
			y = leg_ends(&b->key, !flip);

	return ip_equal(x.src, y.src) && ip_equal(x.dst, y.dst) &&
	    (x.sport == y.sport) != (x.dport == y.dport);
}

static bool
is_flipped(const struct leg *leg)
{
	return (leg->flags & LEG_FLIP) != 0;
}

/* Would every leg of the one connection go with every leg of the other? */
static bool
all_agree(struct flow_table *ft, uint32_t ra, uint32_t rb, bool flip,
    const struct flow_sighting *s)
{
	const struct leg *legs = ft->pool.legs;

	if (legs[ra].n_legs + legs[rb].n_legs > CONNECTION_LEGS_MAX)
		return false;
	for (uint32_t i = ra; i != LEG_NONE; i = legs[i].next)
		for (uint32_t j = rb; j != LEG_NONE; j = legs[j].next) {
			bool turned =
			    flip ^ is_flipped(&legs[i]) ^ is_flipped(&legs[j]);

			if (!sides_agree(ft, &legs[i], &legs[j], turned, s) ||
			    (!is_unique(s) &&
				differ_in_port(&legs[i], &legs[j], turned)))
				return false;
		}
	return true;
}

void
flow_attach(struct flow_table *ft, uint32_t ra, uint32_t rb, bool flip)
{
	struct leg *legs = ft->pool.legs;
	uint32_t last = ra;

	flow_leave_row(ft, rb);
	while (legs[last].next != LEG_NONE)
		last = legs[last].next;
	legs[last].next = rb;
	for (uint32_t i = rb; i != LEG_NONE; i = legs[i].next) {
		legs[i].root = ra;
		ft->pool.watch[i] = LEG_WATCH_NONE;
		legs[i].flags |= LEG_MEMBER;
		if (flip)
			legs[i].flags ^= LEG_FLIP;
	}
	legs[ra].n_legs = (uint8_t)(legs[ra].n_legs + legs[rb].n_legs);
	ft->stats.joined++;
}

/*
 * A capture that a program made may give each sighting an id of its own. Where
 * TCP's numbers or a client's port tell a packet without it, that shows: also
 * of one leg, between two interfaces.
 */
static void
note_id(struct flow_table *ft, enum leg_join_id id)
{
	ft->ids_kept += id == LEG_JOIN_ID_SAME;
	ft->ids_changed += id == LEG_JOIN_ID_OTHER;
}

/*
 * The ids of two sightings, none where they tell nothing. As long as nothing
 * shows which they are, they do not part those of which both ends differ: there
 * a Service must lead from the one to the other as well.
 */
static enum leg_join_id
id_of(const struct flow_table *ft, const struct leg_sighting *s,
    const struct leg_ends *mine, const struct leg_ends *theirs)
{
	bool both_differ =
	    mine->dport != theirs->dport || !ip_equal(mine->dst, theirs->dst);

	if (s->id == LEG_JOIN_ID_OTHER &&
	    ft->ids_changed + both_differ > ft->ids_kept)
		return LEG_JOIN_ID_NONE;
	return s->id;
}

/*
 * Is it the same but for the client's port? The kernel gives it another one
 * where its own is that of a connection by a Service to the same pod. Numbers
 * and the time of the sender tell that it is one packet; numbers alone do not,
 * of what looks for ports with the same ones, nor do those of a reset.
 */
static bool
is_port_moved(const struct flow_sighting *s, const struct leg_ends *mine,
    const struct leg_ends *theirs)
{
	bool data = s->payload_bytes != 0;

	if (s->tsval == 0 || !ip_equal(mine->src, theirs->src) ||
	    !ip_equal(mine->dst, theirs->dst))
		return false;
	if (mine->dport == theirs->dport)
		return data || (s->bits & LEG_SYN) != 0;
	return mine->sport == theirs->sport &&
	    (data || (s->bits & LEG_SYNACK) != 0);
}

/* Join leg to the connection of an earlier sighting, if that can be. */
static bool
join_to(struct flow_table *ft, uint32_t leg, const struct flow_sighting *s,
    const struct leg_sighting *seen)
{
	struct leg *legs = ft->pool.legs;
	struct leg_ends mine = leg_ends(&legs[leg].key, s->from_lo);
	struct leg_ends theirs = leg_ends(&legs[seen->leg].key, seen->from_lo);
	uint32_t ra = leg_root(&legs[seen->leg], seen->leg);
	uint32_t rb = leg_root(&legs[leg], leg);
	uint8_t protocol = s->key.protocol;
	bool flip;

	if (!(legs[seen->leg].flags & LEG_LIVE) || ra == rb ||
	    legs[seen->leg].key.protocol != protocol)
		return false;
	if (!is_port_moved(s, &mine, &theirs) &&
	    !leg_join_plausible(&mine, &theirs, protocol,
		id_of(ft, seen, &mine, &theirs), &ft->config.view, s->ts_us))
		return false;
	flip = (s->from_lo != seen->from_lo) ^ is_flipped(&legs[seen->leg]) ^
	    is_flipped(&legs[leg]);
	if (legs[ra].first_us > legs[rb].first_us) {
		uint32_t swap = ra;

		ra = rb;
		rb = swap;
	}
	if (!all_agree(ft, ra, rb, flip, s))
		return false;
	/* Told already, as where one of two captures is behind; of UDP it may
	 * be what had its ports before (put_out.h). */
	if (protocol == FLOW_TCP)
		legs[ra].flags |= legs[rb].flags & LEG_CONTINUED;
	flow_attach(ft, ra, rb, flip);
	if (protocol == FLOW_TCP || seen->id == LEG_JOIN_ID_SAME ||
	    (mine.sport == theirs.sport && ip_equal(mine.src, theirs.src)))
		note_id(ft, seen->id);
	return true;
}

bool
flow_let_go(struct flow_table *ft, uint32_t index, bool from_lo)
{
	struct leg *legs = ft->pool.legs, *leg = &legs[index];
	uint32_t root = leg_root(leg, index), before = root;
	struct leg_ends mine = leg_ends(&leg->key, from_lo), theirs;

	if (!(leg->flags & LEG_MEMBER) || leg_is_closed(&legs[root]))
		return false;
	theirs = leg_ends(&legs[root].key, from_lo != is_flipped(leg));
	if (!ip_equal(mine.dst, theirs.dst) || mine.dport != theirs.dport)
		return false; /* the server's side of it: not known elsewhere */
	while (legs[before].next != index)
		before = legs[before].next;
	legs[before].next = leg->next;
	legs[root].n_legs--;
	legs[root].flags |= leg_root_pairs(leg);
	legs[root].in_points |= leg->in_points;
	legs[root].out_points |= leg->out_points;
	flow_hurry(ft, root);
	leg_remove(&ft->pool, index);
	return true;
}

void
flow_join(struct flow_table *ft, uint32_t leg, struct flow_sighting *s)
{
	struct leg_join_found found;

	leg_join_find(ft->join, s, leg, ft->now_ms, &found);
	if (found.known) {
		if (s->key.protocol == FLOW_TCP)
			note_id(ft, found.known_id);
		return;
	}
	if (LEG_TRIES(ft->pool.legs[leg].flags) < FLOW_JOIN_TRIES_MAX)
		ft->pool.legs[leg].flags += LEG_TRY;
	/* Of the same id first: later there may be no place for them. */
	for (int same = 1; same >= 0; same--)
		for (size_t i = 0; i < found.n; i++)
			if ((found.v[i].id == LEG_JOIN_ID_SAME) == same)
				(void)join_to(ft, leg, s, &found.v[i]);
}

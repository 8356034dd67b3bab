/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a connection: it is resolved with what is known by now, or
 * waits until more is. What must be taken although the cluster was not watched
 * at its time is stored with unknown ends: an owner that may have changed is
 * no owner.
 */
#include <string.h>
#include <unistd.h>

#include "collector/address_view.h"
#include "collector/certain.h"
#include "collector/daemon_internal.h"

#define SECOND_US ((int64_t)1000000)
/* What happens to a pod is known so much later, if nothing is wrong. */
#define WATCH_LAG_US (3 * SECOND_US)
/* A watch with which nothing is wrong is behind by less. */
#define BEHIND_MAX_US (30 * SECOND_US)
/* Of so long a time is one group of those that wait: while there is room for
 * many, and while there is not. */
#define SPAN_US      SECOND_US
#define SPAN_FULL_US (30 * SECOND_US)
#define WAIT_US      10000 /* for the writer, at the end */

/* If there is a newer cluster, resolve with that one from now on. The buffer
 * is empty, so no index of the older is in it. */
static void
renew_cluster(struct daemon *d)
{
	const struct daemon_cluster_source *source = &d->config.source;
	/* Before the cluster, which may be replaced in between. */
	int64_t known_us = source->known_us != NULL
	    ? source->known_us(source->arg)
	    : d->now_us;
	struct cluster_use *u = cluster_use_new(source);

	if (u == NULL)
		return;
	d->known_us = known_us;
	if (u->generation == d->cluster->generation) {
		cluster_use_drop(u);
		return;
	}
	names_set_cluster(d->names, u->c);
	resolver_set_cluster(d->summing.resolver, u->c);
	d->view = address_view_of(u->c);
	cluster_use_drop(d->cluster);
	d->cluster = u;
}

bool
daemon_rotate(struct daemon *d, bool is_flushed)
{
	if (!writer_is_ready(d->writer))
		return false;
	if (is_flushed)
		daemon_save_open(d, false);
	daemon_complete_buffer(d);
	d->buffer = writer_give(d->writer, d->buffer);
	renew_cluster(d);
	shortcut_forget(d->summing.shortcut, d->cluster->c);
	return true;
}

/* Nothing more will come that a writer's pause could cost. */
static bool
rotate_at_last(struct daemon *d)
{
	while (!daemon_rotate(d, false)) {
		if (d->waits == 0)
			return false;
		d->waits--;
		(void)usleep(WAIT_US);
	}
	return true;
}

/* The index of the node that we run on, or FLOW_NONE. */
static uint32_t
own_node(const struct daemon *d)
{
	return d->config.node == NULL
	    ? FLOW_NONE
	    : cluster_find_node(d->cluster->c, d->config.node);
}

/*
 * Of a connection that only the kernel's table told of: on which side of it
 * this node is, if that can be told.
 */
static uint8_t
known_sides(const struct daemon *d, const struct aggregate_item *r)
{
	uint32_t node = own_node(d);
	uint8_t sides = 0;

	if (node != FLOW_NONE)
		sides = (r->src.node == node ? SIDE_SRC : 0) |
		    (r->dst.node == node ? SIDE_DST : 0);
	return sides != 0 ? sides : r->flow.sides;
}

static bool
is_unresolved(const struct aggregate_item *r)
{
	return r->src.type == ENDPOINT_UNKNOWN ||
	    r->dst.type == ENDPOINT_UNKNOWN;
}

/* Sum one that only the kernel's table told of; false: there is no room. */
static bool
sum_known(struct daemon *d, const struct connection *c, struct summed *did)
{
	struct aggregate_item r;

	if (!aggregate_has_room(d->buffer->sums, 1) && !rotate_at_last(d))
		return false;
	resolver_resolve(d->summing.resolver, c, &r);
	r.flow.sides = known_sides(d, &r);
	(void)aggregate_add(d->buffer->sums, &r);
	did->unresolved = is_unresolved(&r);
	did->guessed = r.flow.certainty == CERTAINTY_GUESSED;
	return true;
}

/* Sum one with what is known by now of its ends; false: there is no room. */
static bool
sum(struct daemon *d, const struct connection *c, struct summed *did)
{
	if (c->known && !c->types_known)
		return sum_known(d, c, did);
	while (!summing_add(&d->summing, d->buffer->sums, c, NULL, did))
		if (!rotate_at_last(d))
			return false;
	return true;
}

/* The same where nobody knows who had which address then. Such a one is not
 * what others that are alike are. */
static bool
sum_unowned(struct daemon *d, const struct connection *c, struct summed *did)
{
	struct aggregate_item r;

	if (!aggregate_has_room(d->buffer->sums, 1) && !rotate_at_last(d))
		return false;
	resolver_resolve_unowned(d->summing.resolver, c, own_node(d), &r);
	(void)aggregate_add(d->buffer->sums, &r);
	did->unresolved = is_unresolved(&r);
	did->guessed = r.flow.certainty == CERTAINTY_GUESSED;
	if (did->unresolved)
		d->unowned += c->counted;
	return true;
}

/* Resolve it with what is known by now, for good. */
static void
take(struct daemon *d, const struct connection *c, bool is_unowned)
{
	struct summed did;

	if (!(is_unowned ? sum_unowned(d, c, &did) : sum(d, c, &did))) {
		d->lost += c->counted;
		d->lost_packets += c->packets;
		return;
	}
	d->buffer->connections += c->counted;
	d->buffer->packets += c->packets;
	d->connections += c->counted;
	if (did.unresolved)
		d->unresolved += c->counted;
	if (did.guessed)
		d->guessed += c->counted;
}

/* Is the cluster in use not known to be right as of that time? */
static bool
is_behind(const struct daemon *d, int64_t at_us)
{
	return d->known_us < at_us + WATCH_LAG_US;
}

/* Is there a watch, which is only as late as they are? */
static bool
is_watched(const struct daemon *d)
{
	const struct daemon_cluster_source *source = &d->config.source;

	return source->known_us == NULL ||
	    (d->now_us - d->known_us <= BEHIND_MAX_US &&
		(source->is_up == NULL || source->is_up(source->arg)));
}

/* May the cluster that comes next know better who its ends were? */
static bool
is_early(const struct daemon *d, const struct connection *c)
{
	return is_behind(d, c->first_us) || certain_is_early(d->cluster->c, c);
}

/* Has that group waited for as long as it may, or as it needs to? */
static bool
is_due(const struct daemon *d, const struct waiting_group *g)
{
	int64_t waited_us = d->now_us - g->since_us;

	if (waited_us < 0) /* not for ever, if the clock was put back */
		return true;
	if (is_behind(d, g->latest_us))
		return waited_us >= d->config.gap_us;
	return waited_us >= d->config.grace_us ||
	    !certain_is_early(d->cluster->c, &g->c);
}

/* Nobody tells of its time, and not just by being late. */
static bool
is_unheard(const struct daemon *d, const struct waiting_group *g)
{
	return is_behind(d, g->latest_us) &&
	    (!is_watched(d) || d->now_us - g->since_us >= d->config.gap_us);
}

static void
take_group(struct daemon *d, const struct waiting_group *g)
{
	const struct cluster *c = d->cluster->c;

	take(d, &g->c,
	    is_unheard(d, g) || !certain_is_steady(c, &g->c, g->latest_us) ||
		(g->before != NULL && !certain_is_same(c, &g->c, g->before)));
}

/* Take all that are due, and the first n in any case. */
static void
take_groups(struct daemon *d, uint32_t n)
{
	uint32_t all = waiting_count(d->waiting), kept = 0;

	for (uint32_t i = 0; i < all; i++) {
		const struct waiting_group *g = waiting_at(d->waiting, i);

		if (i < n || is_due(d, g)) {
			take_group(d, g);
			waiting_take(d->waiting, i);
		} else {
			waiting_move(d->waiting, kept++, i);
		}
	}
	waiting_cut(d->waiting, kept);
}

void
daemon_take_waiting(struct daemon *d, bool is_end)
{
	take_groups(d, is_end ? waiting_count(d->waiting) : 0);
}

/* The queue is full: with what is known at this moment, some may leave it.
 * Otherwise those that came first do, an eighth at once, for each look at all
 * of them takes time. */
static void
make_room(struct daemon *d)
{
	uint32_t n = waiting_count(d->waiting);

	(void)daemon_rotate(d, false);
	take_groups(d, 0);
	if (waiting_count(d->waiting) > n - n / 8)
		take_groups(d, n / 8);
}

static void
take_or_wait(struct daemon *d, const struct connection *c)
{
	int64_t span_us;

	if (d->config.grace_us == 0 || !is_early(d, c)) {
		take(d, c, false);
		return;
	}
	span_us = waiting_is_filling(d->waiting) ? SPAN_FULL_US : SPAN_US;
	if (waiting_put(d->waiting, c, d->now_us, span_us))
		return;
	make_room(d);
	(void)waiting_put(d->waiting, c, d->now_us, span_us);
}

/* Put it in, apart from others, as what was open before us. */
static bool
wait_apart(
    struct daemon *d, const struct connection *c, const struct open_before *o)
{
	struct waiting_group g = { .latest_us = c->first_us,
		.since_us = d->now_us,
		.before = &o->owners };

	memcpy(&g.c, c, connection_bytes(c));
	return waiting_put_back(d->waiting, &g);
}

/* One that a process before this one saw first: it must be between those who
 * had its addresses by what that one knew. */
static void
take_restored(struct daemon *d, const struct connection *told,
    const struct open_before *o)
{
	struct connection c;

	memcpy(&c, told, connection_bytes(told));
	c.delivery = o->delivery;
	if (d->config.grace_us == 0 || !is_early(d, &c)) {
		take(d, &c, !certain_is_same(d->cluster->c, &c, &o->owners));
		daemon_done_with_opened(d);
		return;
	}
	if (wait_apart(d, &c, o))
		return;
	make_room(d);
	(void)wait_apart(d, &c, o);
}

void
daemon_take_connections(void *arg, const struct connection *v, size_t n)
{
	struct daemon *d = arg;

	for (size_t i = 0; i < n; i++) {
		const struct open_before *o = daemon_open_before(d, &v[i]);

		if (o != NULL)
			take_restored(d, &v[i], o);
		else
			take_or_wait(d, &v[i]);
		if (v[i].saved != 0)
			daemon_forget_open(d, v[i].saved);
	}
}

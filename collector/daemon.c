/* SPDX-License-Identifier: Apache-2.0 */
/* The side that takes frames; the other is daemon_writer.c. */
#include "collector/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/daemon_writer.h"
#include "collector/intake.h"
#include "collector/shortcut.h"
#include "collector/waiting.h"
#include "collector/wall_clock.h"
#include "core/log.h"

#define LEGS_MAX    ((uint32_t)1 << 17)
#define WAITING_MAX ((uint32_t)1 << 12)
/* What happens to a pod is known so much later, if nothing is wrong. */
#define WATCH_LAG_US ((int64_t)3000000)

/* At the end the writer is waited for, so often and so long each time. */
#define WAITS   500
#define WAIT_US 10000

struct daemon {
	struct daemon_config config;
	struct writer *writer;
	struct buffer *buffer; /* the one that is being filled */
	struct cluster_use *cluster;
	struct address_view view; /* of the cluster in use */
	struct names *names;
	struct resolver *resolver;
	struct shortcut *shortcut;
	struct flow_table *ft;
	struct intake intake;
	struct waiting *waiting; /* NULL: none waits */
	int64_t known_us;        /* as of when the cluster in use is right */
	struct wall_clock clock;
	bool was_set; /* the clock, since the last buffer */
	/* Counts since the start, as they were at the last buffer, and as they
	 * were when the clock was last set: there coverage begins anew. */
	struct coverage coverage[DAEMON_POINTS_MAX];
	struct coverage given[DAEMON_POINTS_MAX];
	struct coverage before[DAEMON_POINTS_MAX];
	int64_t covered_us; /* from then on */
	uint64_t lost_packets, misdated, clock_sets;
	uint64_t connections, unresolved, guessed, lost, n_names, known_lost;
	int64_t now_us, flush_us;
	unsigned waits; /* that are left */
};

/* The flow table's view of addresses outlives the cluster that it is of. */
static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	const struct daemon *d = arg;

	return d->view.classify(d->view.arg, ip, at_us);
}

static bool
leads_to(void *arg, const struct ip_addr *vip, uint16_t vport,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol)
{
	const struct daemon *d = arg;

	return d->view.leads_to(d->view.arg, vip, vport, ip, port, protocol);
}

/* Put the names that were learnt into the buffer. What finds no memory there
 * is learnt again with the next answer. */
static void
move_names(struct daemon *d)
{
	struct buffer *b = d->buffer;
	const struct dns_name *v;
	size_t n;

	v = names_all(d->names, &n);
	b->names = arena_calloc(&b->text, n != 0 ? n : 1, sizeof(*b->names));
	b->n_names = 0;
	for (size_t i = 0; b->names != NULL && i < n; i++) {
		struct dns_name copy = v[i];

		copy.name = arena_strdup(&b->text, v[i].name);
		if (copy.name != NULL)
			b->names[b->n_names++] = copy;
	}
	d->n_names += b->n_names;
	names_forget(d->names);
}

static void
subtract_counts(struct coverage *c, const struct coverage *before)
{
	c->packets -= before->packets;
	c->dropped -= before->dropped;
	c->truncated -= before->truncated;
	c->malformed -= before->malformed;
	c->unsupported -= before->unsupported;
	c->non_ip -= before->non_ip;
	c->icmp -= before->icmp;
	c->ignored -= before->ignored;
	c->fragments -= before->fragments;
	c->table_full -= before->table_full;
}

static void
copy_coverage(struct daemon *d)
{
	for (size_t i = 0; i < d->config.n_points; i++) {
		struct coverage *c = &d->buffer->coverage[i];

		*c = d->coverage[i];
		if (i == 0) {
			c->table_full = flow_table_stats(d->ft)->forced_out;
			c->dropped += d->lost_packets;
		}
		d->given[i] = *c;
		subtract_counts(c, &d->before[i]);
		c->from_us = d->covered_us;
		c->to_us = d->now_us > c->from_us ? d->now_us : c->from_us;
	}
}

/* Name what can only be named late, and note what goes with the flows. */
static void
complete_buffer(struct daemon *d)
{
	const struct endpoint *endpoints;
	size_t n_endpoints, n_flows;
	struct flow *flows;

	endpoints = aggregate_endpoints(d->buffer->sums, &n_endpoints);
	flows = aggregate_flows(d->buffer->sums, &n_flows);
	for (size_t i = 0; i < n_flows; i++)
		resolver_name_service(d->resolver, &flows[i],
		    &endpoints[flows[i].src], &endpoints[flows[i].dst]);
	d->buffer->cluster = cluster_use_share(d->cluster);
	d->buffer->now_us = d->now_us;
	d->buffer->may_expire = !wall_clock_is_doubtful(&d->clock);
	d->buffer->was_set = d->was_set;
	d->was_set = false;
	copy_coverage(d);
	move_names(d);
}

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
	resolver_set_cluster(d->resolver, u->c);
	d->view = resolver_view(u->c);
	cluster_use_drop(d->cluster);
	d->cluster = u;
}

/* Exchange the buffers, if the writer is done with the other one. */
static bool
rotate(struct daemon *d)
{
	if (!writer_is_ready(d->writer))
		return false;
	complete_buffer(d);
	d->buffer = writer_give(d->writer, d->buffer);
	renew_cluster(d);
	shortcut_forget(d->shortcut, d->cluster->c);
	return true;
}

/* Nothing more will come that a writer's pause could cost. */
static bool
rotate_at_last(struct daemon *d)
{
	while (!rotate(d)) {
		if (d->waits == 0)
			return false;
		d->waits--;
		(void)usleep(WAIT_US);
	}
	return true;
}

/*
 * Of a connection that only the kernel's table told of: on which side of it
 * this node is, if that can be told.
 */
static uint8_t
known_sides(const struct daemon *d, const struct aggregate_item *r)
{
	const struct cluster *c = d->cluster->c;
	uint8_t sides = 0;

	for (uint32_t i = 0; d->config.node != NULL && i < c->n_nodes; i++)
		if (strcmp(c->nodes[i].name, d->config.node) == 0)
			sides |= (r->src.node == i ? SIDE_SRC : 0) |
			    (r->dst.node == i ? SIDE_DST : 0);
	return sides != 0 ? sides : r->flow.sides;
}

/* Resolve a connection of which there was none alike, and sum it; false: there
 * is no room. */
static bool
sum_first(struct daemon *d, const struct connection *c, bool *unresolved)
{
	struct aggregate_item r;

	if (!aggregate_has_room(d->buffer->sums) && !rotate_at_last(d))
		return false;
	resolver_resolve(d->resolver, c, &r);
	if (c->known && !c->types_known)
		r.flow.sides = known_sides(d, &r);
	*unresolved =
	    r.src.type == ENDPOINT_UNKNOWN || r.dst.type == ENDPOINT_UNKNOWN;
	shortcut_learn(
	    d->shortcut, aggregate_add(d->buffer->sums, &r), *unresolved);
	if (r.flow.certainty == CERTAINTY_GUESSED)
		d->guessed += c->counted;
	return true;
}

/* Resolve it with what is known by now, for good. */
static void
take(struct daemon *d, const struct connection *c)
{
	bool unresolved;
	uint32_t flow = shortcut_find(d->shortcut, c, &unresolved);

	if (flow != FLOW_NONE) {
		aggregate_more(d->buffer->sums, flow, c);
	} else if (!sum_first(d, c, &unresolved)) {
		d->lost += c->counted;
		d->lost_packets += c->packets;
		return;
	}
	d->buffer->connections += c->counted;
	d->buffer->packets += c->packets;
	d->connections += c->counted;
	if (unresolved)
		d->unresolved += c->counted;
}

/* May the cluster that comes next know better who its ends were? */
static bool
is_early(const struct daemon *d, const struct connection *c)
{
	return d->known_us < c->first_us + WATCH_LAG_US ||
	    resolver_is_early(d->resolver, c);
}

/* The flow table's sink. */
static void
on_connection(void *arg, const struct connection *c)
{
	struct daemon *d = arg;
	int64_t until_us;

	if (d->waiting == NULL || !is_early(d, c)) {
		take(d, c);
		return;
	}
	if (waiting_is_full(d->waiting)) {
		take(d, waiting_at(d->waiting, 0, &until_us));
		waiting_shift(d->waiting);
	}
	waiting_put(d->waiting, c, d->now_us + d->config.grace_us);
}

/* Take those that waited for long enough, or of whom more is known now; all
 * of them if it is the end. */
static void
take_waiting(struct daemon *d, bool is_end)
{
	uint32_t n = waiting_count(d->waiting), kept = 0;
	int64_t until_us;

	for (uint32_t i = 0; i < n; i++) {
		const struct connection *c =
		    waiting_at(d->waiting, i, &until_us);

		/* Not for ever, if the clock was put back. */
		if (is_end || d->now_us >= until_us ||
		    until_us - d->now_us > d->config.grace_us ||
		    !is_early(d, c))
			take(d, c);
		else
			waiting_move(d->waiting, kept++, i);
	}
	waiting_cut(d->waiting, kept);
}

static enum rf_status
daemon_init(struct daemon *d, struct rf_error *err)
{
	const struct daemon_config *config = &d->config;
	struct flow_table_config table = {
		.legs_max = config->legs_max != 0 ? config->legs_max : LEGS_MAX,
		.seed = config->seed,
		.view = { classify, leads_to, d },
		.sink = on_connection,
		.sink_arg = d,
	};
	enum rf_status st;

	d->cluster = cluster_use_new(&config->source);
	if (d->cluster == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	d->view = resolver_view(d->cluster->c);
	d->names = names_new(d->cluster->c, config->seed);
	if (d->names != NULL) {
		d->resolver = resolver_new(
		    d->cluster->c, d->names, config->window_us, config->seed);
		d->shortcut = shortcut_new(
		    d->cluster->c, d->names, config->window_us, config->seed);
	}
	if (d->resolver == NULL || d->shortcut == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if (config->grace_us > 0 &&
	    (d->waiting = waiting_new(WAITING_MAX)) == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if ((st = flow_table_new(&d->ft, &table, err)) != RF_OK)
		return st;
	d->intake.ft = d->ft;
	d->intake.names = d->names;
	st = writer_new(&d->writer, config, err);
	if (st == RF_OK)
		d->buffer = writer_first(d->writer);
	return st;
}

enum rf_status
daemon_new(struct daemon **out, const struct daemon_config *config,
    struct rf_error *err)
{
	struct daemon *d = calloc(1, sizeof(*d));
	enum rf_status st;

	*out = NULL;
	if (d == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	d->config = *config;
	d->now_us = config->start_us;
	d->flush_us = config->start_us;
	d->covered_us = config->start_us;
	for (size_t i = 0; i < config->n_points; i++)
		d->coverage[i] = (struct coverage){
			.node = config->node != NULL ? config->node : "",
			.source = config->points[i],
		};
	st = daemon_init(d, err);
	if (st == RF_OK)
		*out = d;
	else
		daemon_free(d);
	return st;
}

void
daemon_free(struct daemon *d)
{
	if (d == NULL)
		return;
	writer_free(d->writer);
	flow_table_free(d->ft);
	resolver_free(d->resolver);
	shortcut_free(d->shortcut);
	names_free(d->names);
	waiting_free(d->waiting);
	cluster_use_drop(d->cluster);
	free(d);
}

void
daemon_know(struct daemon *d, const struct conntrack_table *t)
{
	d->known_lost = t->too_many + t->undated + t->parsed.malformed;
	for (size_t i = 0; i < t->n; i++)
		d->known_lost += !flow_table_know(d->ft, &t->v[i], t->read_us);
}

void
daemon_clock(struct daemon *d, int64_t now_us, int64_t boot_us)
{
	int64_t by_us = wall_clock_look(&d->clock, now_us, boot_us);

	if (by_us == 0)
		return;
	log_warn("collect",
	    "the clock was set %s by %lld s; what is in memory is dated by it",
	    by_us > 0 ? "forward" : "back",
	    (long long)(by_us > 0 ? by_us : -by_us) / 1000000);
	intake_flush(&d->intake);
	flow_table_redate(d->ft, by_us);
	if (d->waiting != NULL)
		waiting_redate(d->waiting, by_us);
	d->now_us = d->covered_us = now_us;
	memcpy(d->before, d->given, sizeof(d->before));
	d->was_set = true;
	d->clock_sets++;
}

void
daemon_frame(
    struct daemon *d, size_t point, int link, const struct capture_frame *f)
{
	struct capture_frame dated = *f;

	dated.ts_us = wall_clock_credible(&d->clock, f->ts_us);
	d->misdated += dated.ts_us != f->ts_us;
	intake_frame(
	    &d->intake, &dated, link, (uint8_t)point, &d->coverage[point]);
}

void
daemon_dropped(struct daemon *d, size_t point, uint64_t dropped)
{
	d->coverage[point].dropped = dropped;
}

void
daemon_step(struct daemon *d, int64_t now_us, int64_t boot_us)
{
	daemon_clock(d, now_us, boot_us);
	intake_flush(&d->intake);
	flow_table_tick(d->ft, now_us);
	d->now_us = now_us;
	/* A clock that was put back must not stop the writing. */
	if (now_us >= d->flush_us &&
	    now_us - d->flush_us < d->config.interval_us)
		return;
	d->flush_us = now_us;
	flow_table_flush(d->ft);
	(void)rotate(d);
	if (d->waiting != NULL)
		take_waiting(d, false);
}

enum rf_status
daemon_finish(struct daemon *d, int64_t now_us, struct rf_error *err)
{
	enum rf_status st;

	intake_flush(&d->intake);
	d->now_us = now_us;
	d->waits = d->config.synchronous ? 0 : WAITS;
	flow_table_finish(d->ft);
	if (d->waiting != NULL && waiting_count(d->waiting) > 0) {
		(void)rotate(d); /* for the newest cluster there is */
		take_waiting(d, true);
	}
	complete_buffer(d);
	st = writer_finish(d->writer, d->buffer, err);
	if (st != RF_OK)
		st = rf_wrap(err, st,
		    "the last %llu connections could not be stored",
		    (unsigned long long)d->buffer->connections);
	return st;
}

void
daemon_stats(struct daemon *d, struct daemon_stats *out)
{
	const struct flow_table_stats *ft = flow_table_stats(d->ft);
	struct writer_stats w;

	writer_stats(d->writer, &w);
	*out = (struct daemon_stats){
		.connections = d->connections,
		.joined = ft->joined,
		.forced_out = ft->forced_out,
		.strays = ft->strays,
		.unresolved = d->unresolved,
		.guessed = d->guessed,
		.lost_connections = d->lost,
		.legs = flow_table_legs(d->ft),
		.legs_max =
		    d->config.legs_max != 0 ? d->config.legs_max : LEGS_MAX,
		.interval_us = d->config.interval_us,
		.waiting = d->waiting != NULL ? waiting_count(d->waiting) : 0,
		.pods = d->cluster->c->n_pods,
		.generation = d->cluster->generation,
		.flushes = w.flushes,
		.flush_failures = w.failures,
		.flush_rows = w.rows,
		.flush_us = w.flush_us,
		.flushed_us = w.flushed_us,
		.names = d->n_names,
		.misdated = d->misdated,
		.clock_sets = d->clock_sets,
		.known = ft->known,
		.known_lost = d->known_lost,
	};
	for (size_t i = 0; i < d->config.n_points; i++) {
		const struct coverage *c = &d->coverage[i];

		out->packets += c->packets;
		out->dropped += c->dropped;
		out->truncated += c->truncated;
		out->malformed += c->malformed;
		out->unsupported += c->unsupported;
		out->non_ip += c->non_ip;
		out->icmp += c->icmp;
		out->ignored += c->ignored;
		out->fragments += c->fragments;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The side that takes frames and time; see daemon_take.c, daemon_writer.c. */
#include "collector/daemon_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/address_view.h"
#include "core/log.h"

#define LEGS_MAX    ((uint32_t)1 << 17)
#define WAITING_MAX ((uint32_t)1 << 14) /* groups: seven megabytes */
/* At the end the writer is waited for, so often. */
#define WAITS 500

/* The flow table's view of addresses outlives the cluster that it is of. */
static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	const struct daemon *d = arg;

	return d->view.classify(d->view.arg, ip, at_us);
}

static bool
leads_to(void *arg, const struct ip_addr *vip, uint16_t vport,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol, int64_t at_us)
{
	const struct daemon *d = arg;

	return d->view.leads_to(
	    d->view.arg, vip, vport, ip, port, protocol, at_us);
}

/* Put the names that were learnt into the buffer. What finds no memory there
 * is learnt again with the next answer, if one comes. */
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
	d->names_lost += n - b->n_names;
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
	c->unowned -= before->unowned;
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
			c->unowned = d->unowned;
		}
		d->given[i] = *c;
		subtract_counts(c, &d->before[i]);
		if (d->config.source.known_us != NULL)
			c->known_us = d->known_us > 0 ? d->known_us : 1;
		c->from_us = d->covered_us;
		c->to_us = d->now_us > c->from_us ? d->now_us : c->from_us;
	}
}

/* Also names what can only be named late. */
void
daemon_complete_buffer(struct daemon *d)
{
	const struct endpoint *endpoints;
	size_t n_endpoints, n_flows;
	struct flow *flows;

	endpoints = aggregate_endpoints(d->buffer->sums, &n_endpoints);
	flows = aggregate_flows(d->buffer->sums, &n_flows);
	for (size_t i = 0; i < n_flows; i++)
		resolver_name_service(d->summing.resolver, &flows[i],
		    &endpoints[flows[i].src], &endpoints[flows[i].dst]);
	d->buffer->cluster = cluster_use_share(d->cluster);
	d->buffer->now_us = d->now_us;
	d->buffer->may_expire = !wall_clock_is_doubtful(&d->clock);
	d->buffer->was_set = d->was_set;
	d->was_set = false;
	copy_coverage(d);
	move_names(d);
	daemon_save_waiting(d);
	daemon_move_open_left(d);
}

/* What tells who the ends of a connection were. false: out of memory. */
static bool
init_resolving(struct daemon *d)
{
	const struct daemon_config *config = &d->config;

	d->cluster = cluster_use_new(&config->source);
	if (d->cluster == NULL)
		return false;
	d->view = address_view_of(d->cluster->c);
	d->names = names_new(d->cluster->c, config->seed);
	if (d->names == NULL)
		return false;
	d->summing.resolver = resolver_new(
	    d->cluster->c, d->names, config->window_us, config->seed);
	d->summing.shortcut = shortcut_new(
	    d->cluster->c, d->names, config->window_us, config->seed);
	d->waiting = waiting_new(WAITING_MAX, config->window_us, config->seed);
	return d->summing.resolver != NULL && d->summing.shortcut != NULL &&
	    d->waiting != NULL;
}

static enum rf_status
daemon_init(struct daemon *d, struct rf_error *err)
{
	const struct daemon_config *config = &d->config;
	struct flow_table_config table = {
		.legs_max = config->legs_max != 0 ? config->legs_max : LEGS_MAX,
		.seed = config->seed,
		.view = { classify, leads_to, d },
		.is_ticked = true,
		.sink = daemon_take_connections,
		.sink_arg = d,
	};
	enum rf_status st;

	if (!init_resolving(d))
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if ((st = flow_table_new(&d->ft, &table, err)) != RF_OK)
		return st;
	d->open_left_max = (size_t)table.legs_max * 2;
	d->open_left = malloc(d->open_left_max * sizeof(*d->open_left));
	if (d->open_left == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	d->intake.ft = d->ft;
	d->intake.names = d->names;
	/* Before the database is the writer's alone. */
	if ((st = daemon_restore_waiting(d, err)) != RF_OK ||
	    (st = daemon_restore_open(d, err)) != RF_OK)
		return st;
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
	resolver_free(d->summing.resolver);
	shortcut_free(d->summing.shortcut);
	names_free(d->names);
	waiting_free(d->waiting);
	free(d->left_by);
	free(d->open_left);
	free(d->opened);
	cluster_use_drop(d->cluster);
	free(d);
}

void
daemon_know(struct daemon *d, const struct conntrack_table *t)
{
	d->known_lost = t->too_many + t->undated + t->parsed.malformed;
	d->known_interrupted = t->interrupted;
	for (size_t i = 0; i < t->n; i++)
		d->known_lost += !flow_table_know(d->ft, &t->v[i], t->done_us);
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
	struct intake_at at = { (uint8_t)point, (uint8_t)point };

	dated.ts_us = wall_clock_credible(&d->clock, f->ts_us);
	d->misdated += dated.ts_us != f->ts_us;
	intake_frame(&d->intake, &dated, link, at, &d->coverage[point]);
}

void
daemon_dropped(struct daemon *d, size_t point, uint64_t dropped)
{
	d->coverage[point].dropped = dropped;
}

/* A clock that was put back must not stop the writing. Names have little room:
 * theirs is made as soon as somebody can write. */
static bool
is_flush_due(struct daemon *d, int64_t now_us)
{
	if (now_us < d->flush_us ||
	    now_us - d->flush_us >= d->config.interval_us)
		return true;
	return names_is_filling(d->names) && writer_is_ready(d->writer);
}

void
daemon_step(struct daemon *d, int64_t now_us, int64_t boot_us)
{
	daemon_clock(d, now_us, boot_us);
	intake_flush(&d->intake);
	flow_table_tick(d->ft, now_us);
	d->now_us = now_us;
	if (!is_flush_due(d, now_us))
		return;
	d->flush_us = now_us;
	flow_table_flush(d->ft);
	(void)daemon_rotate(d, true);
	daemon_take_waiting(d, false);
}

enum rf_status
daemon_finish(struct daemon *d, int64_t now_us, struct rf_error *err)
{
	enum rf_status st;
	uint64_t lost;

	intake_flush(&d->intake);
	d->now_us = now_us;
	d->waits = d->config.synchronous ? 0 : WAITS;
	flow_table_tell_all(d->ft);
	if (waiting_count(d->waiting) > 0) {
		/* For the newest cluster there is. */
		(void)daemon_rotate(d, false);
		daemon_take_waiting(d, true);
	}
	daemon_save_open(d, true);
	daemon_complete_buffer(d);
	st = writer_finish(d->writer, d->buffer, &lost, err);
	if (st != RF_OK)
		st = rf_wrap(err, st,
		    "the last %" PRIu64 " connections could not be stored",
		    lost + d->lost);
	return st;
}

static void
add_table_stats(const struct daemon *d, struct daemon_stats *out)
{
	const struct flow_table_stats *ft = flow_table_stats(d->ft);

	out->joined = ft->joined;
	out->forced_out = ft->forced_out;
	out->forgotten = ft->forgotten;
	out->strays = ft->strays;
	out->known = ft->known;
	out->legs = flow_table_legs(d->ft);
	out->legs_max = d->config.legs_max != 0 ? d->config.legs_max : LEGS_MAX;
}

static void
add_coverage(const struct coverage *c, struct daemon_stats *out)
{
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

void
daemon_stats(struct daemon *d, struct daemon_stats *out)
{
	struct writer_stats w;

	writer_stats(d->writer, &w);
	*out = (struct daemon_stats){
		.connections = d->connections,
		.unresolved = d->unresolved,
		.guessed = d->guessed,
		.lost_connections = d->lost,
		.unowned = d->unowned,
		.interval_us = d->config.interval_us,
		.waiting = waiting_connections(d->waiting),
		.pods = d->cluster->c->n_pods,
		.generation = d->cluster->generation,
		.flushes = w.flushes,
		.flush_failures = w.failures,
		.flush_rows = w.rows,
		.flush_us = w.flush_us,
		.flushed_us = w.flushed_us,
		.names = d->n_names,
		.names_lost = d->names_lost + names_stats(d->names)->overflow,
		.misdated = d->misdated,
		.clock_sets = d->clock_sets,
		.known_lost = d->known_lost,
		.known_interrupted = d->known_interrupted,
	};
	add_table_stats(d, out);
	for (size_t i = 0; i < d->config.n_points; i++)
		add_coverage(&d->coverage[i], out);
}

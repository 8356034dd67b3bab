/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collect.h"

#include <stdlib.h>

#include "collector/aggregate.h"
#include "collector/capture.h"
#include "collector/flow_table.h"
#include "collector/intake.h"
#include "collector/names.h"
#include "collector/resolve.h"
#include "core/hash.h"

#define FLOWS_MAX      ((uint32_t)1 << 16) /* in memory between flushes */
#define PROGRESS_EVERY ((uint64_t)1 << 20)

/* One capture, and the frame that it has ready. */
struct source {
	struct capture *capture;
	const struct capture_frame *frame; /* NULL: there is no more */
	uint64_t digest;
	struct coverage *cov;
};

struct run {
	const struct collect_config *config;
	struct store *store;
	struct collect_report *report;
	struct flow_table *ft;
	struct names *names;
	struct resolver *resolver;
	struct aggregate *aggregate;
	struct source sources[COLLECT_FILES_MAX];
	struct intake intake;
	enum rf_status status; /* of what the sink had to do */
	struct rf_error error;
};

/* Write out what was summed, and begin anew. */
static enum rf_status
flush(struct run *run, struct rf_error *err)
{
	size_t n_endpoints, n_flows;
	const struct endpoint *endpoints;
	struct flow *flows;
	enum rf_status st;

	endpoints = aggregate_endpoints(run->aggregate, &n_endpoints);
	flows = aggregate_flows(run->aggregate, &n_flows);
	for (size_t i = 0; i < n_flows; i++)
		resolver_name_service(run->resolver, &flows[i],
		    &endpoints[flows[i].src], &endpoints[flows[i].dst]);
	st = store_put_flows(
	    run->store, endpoints, n_endpoints, flows, n_flows, err);
	run->report->flows += n_flows;
	aggregate_clear(run->aggregate);
	return st;
}

/* The flow table's sink: one connection becomes part of a flow. */
static void
on_connection(void *arg, const struct connection *c)
{
	struct run *run = arg;
	struct aggregate_item r;

	if (run->status != RF_OK)
		return;
	if (!aggregate_has_room(run->aggregate)) {
		run->status = flush(run, &run->error);
		if (run->status != RF_OK)
			return;
	}
	resolver_resolve(run->resolver, c, &r);
	aggregate_add(run->aggregate, &r);
	run->report->connections += c->counted;
	if (r.src.type == ENDPOINT_UNKNOWN || r.dst.type == ENDPOINT_UNKNOWN)
		run->report->unresolved += c->counted;
	if (r.flow.certainty == CERTAINTY_GUESSED)
		run->report->guessed += c->counted;
}

static enum rf_status
run_init(struct run *run, const struct cluster *c, struct rf_error *err)
{
	const struct collect_config *config = run->config;
	struct flow_table_config table = {
		.legs_max = config->legs_max != 0 ? config->legs_max
						  : FLOW_TABLE_LEGS_DEFAULT,
		.seed = config->seed,
		.view = resolver_view(c),
		.sink = on_connection,
		.sink_arg = run,
	};
	enum rf_status st;

	run->names = names_new(c, config->seed);
	run->aggregate = aggregate_new(FLOWS_MAX, config->seed);
	if (run->names != NULL)
		run->resolver = resolver_new(
		    c, run->names, config->window_us, config->seed);
	if (run->names == NULL || run->aggregate == NULL ||
	    run->resolver == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if ((st = flow_table_new(&run->ft, &table, err)) != RF_OK)
		return st;
	run->intake.ft = run->ft;
	run->intake.names = run->names;
	return RF_OK;
}

static void
run_release(struct run *run)
{
	for (size_t i = 0; i < run->config->n_files; i++)
		capture_close(run->sources[i].capture);
	flow_table_free(run->ft);
	resolver_free(run->resolver);
	aggregate_free(run->aggregate);
	names_free(run->names);
}

/* Fetch the next frame of a source and take it into the digest. */
static enum rf_status
advance(const struct run *run, struct source *s, struct rf_error *err)
{
	const struct capture_frame *f = NULL;
	enum capture_result result = capture_next(s->capture, &f, err);
	uint64_t some = 0;

	s->frame = result == CAPTURE_FRAME ? f : NULL;
	if (result == CAPTURE_FAILED && !run->config->accept_cut)
		return rf_wrap(err, RF_CORRUPT,
		    "nothing was stored (--accept-cut takes what is whole)");
	if (result != CAPTURE_FRAME)
		return RF_OK;
	/* the addresses' place: it is read anyway, a frame's end is not */
	if (f->captured >= 40)
		some = hash_word(f->data + 32);
	s->digest = hash_mix(
	    s->digest ^ (uint64_t)f->ts_us, 0x9e3779b97f4a7c15u ^ some);
	s->digest =
	    hash_mix(s->digest ^ ((uint64_t)f->captured << 32 | f->wire_len),
		0xa0761d6478bd642fu);
	return RF_OK;
}

static enum rf_status
open_sources(struct run *run, struct rf_error *err)
{
	const struct collect_config *config = run->config;
	enum rf_status st;

	for (size_t i = 0; i < config->n_files; i++) {
		struct source *s = &run->sources[i];

		s->cov = &run->report->coverage[i];
		*s->cov = (struct coverage){
			.node = config->node != NULL ? config->node : "",
			.source = config->files[i],
		};
		st = capture_open_file(&s->capture, config->files[i], err);
		if (st != RF_OK)
			return st;
		if ((st = advance(run, s, err)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* The source whose next frame is the earliest, or NULL at the end of all. */
static struct source *
earliest(struct run *run)
{
	struct source *best = NULL;

	for (size_t i = 0; i < run->config->n_files; i++) {
		struct source *s = &run->sources[i];

		if (s->frame != NULL &&
		    (best == NULL || s->frame->ts_us < best->frame->ts_us))
			best = s;
	}
	return best;
}

static enum rf_status
read_all(struct run *run, struct rf_error *err)
{
	const struct collect_config *config = run->config;
	struct source *s;
	enum rf_status st;
	uint64_t n = 0;

	while ((s = earliest(run)) != NULL) {
		intake_frame(&run->intake, s->frame, capture_link(s->capture),
		    (uint8_t)(s - run->sources), s->cov);
		if ((st = advance(run, s, err)) != RF_OK)
			return st;
		if (run->status != RF_OK)
			break;
		if (++n % PROGRESS_EVERY == 0 && config->progress != NULL)
			config->progress(config->progress_arg, n);
	}
	intake_flush(&run->intake);
	flow_table_finish(run->ft);
	run->report->packets = n;
	if (run->status != RF_OK && err != NULL)
		*err = run->error;
	return run->status;
}

/* Everything that is not flows. */
static enum rf_status
put_rest(struct run *run, struct rf_error *err)
{
	const struct collect_config *config = run->config;
	const struct flow_table_stats *stats = flow_table_stats(run->ft);
	const struct dns_name *names;
	enum rf_status st;
	size_t n;

	names = names_all(run->names, &n);
	run->report->names = n;
	run->report->joined = stats->joined;
	if ((st = store_put_names(run->store, names, n, err)) != RF_OK)
		return st;
	run->sources[0].cov->table_full = stats->forced_out;
	for (size_t i = 0; i < config->n_files; i++) {
		const struct source *s = &run->sources[i];

		st = store_put_source(run->store, s->digest, s->cov->packets,
		    config->files[i], config->now_us, err);
		if (st == RF_OK)
			st = store_put_coverage(run->store, s->cov, err);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
collect_in_transaction(
    struct run *run, const struct cluster *c, struct rf_error *err)
{
	enum rf_status st;

	if ((st = store_put_cluster(run->store, c, err)) != RF_OK ||
	    (st = read_all(run, err)) != RF_OK ||
	    (st = flush(run, err)) != RF_OK)
		return st;
	return put_rest(run, err);
}

enum rf_status
collect_files(struct store *store, const struct cluster *c,
    const struct collect_config *config, struct collect_report *report,
    struct rf_error *err)
{
	struct run *run = calloc(1, sizeof(*run));
	enum rf_status st;

	memset(report, 0, sizeof(*report));
	if (run == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if (config->n_files == 0 || config->n_files > COLLECT_FILES_MAX) {
		free(run);
		return rf_fail(err, RF_INVAL,
		    "collect: %zu captures; 1 to %d can be read at once",
		    config->n_files, COLLECT_FILES_MAX);
	}
	run->config = config;
	run->store = store;
	run->report = report;
	if ((st = run_init(run, c, err)) != RF_OK ||
	    (st = open_sources(run, err)) != RF_OK ||
	    (st = store_begin(store, err)) != RF_OK)
		goto out;
	st = collect_in_transaction(run, c, err);
	if (st == RF_OK)
		st = store_commit(store, err);
	if (st != RF_OK)
		store_rollback(store);
out:
	run_release(run);
	free(run);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collect.h"

#include <stdlib.h>

#include "collector/address_view.h"
#include "collector/aggregate.h"
#include "collector/flow_table.h"
#include "collector/intake.h"
#include "collector/names.h"
#include "collector/reader.h"
#include "collector/summing.h"

#define FLOWS_MAX ((uint32_t)1 << 16) /* in memory between flushes */

struct run {
	const struct collect_config *config;
	const struct cluster *cluster;
	struct store *store;
	struct collect_report *report;
	struct flow_table *ft;
	struct names *names;
	struct summing summing;
	struct aggregate *aggregate;
	struct reader *reader;
	struct reader_config reading;
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
		resolver_name_service(run->summing.resolver, &flows[i],
		    &endpoints[flows[i].src], &endpoints[flows[i].dst]);
	for (size_t i = 0; i < n_endpoints; i++)
		run->report->saw_pods |= endpoints[i].type == ENDPOINT_WORKLOAD;
	st = store_put_flows(
	    run->store, endpoints, n_endpoints, flows, n_flows, err);
	run->report->flows += n_flows;
	aggregate_clear(run->aggregate);
	shortcut_forget(run->summing.shortcut, run->cluster);
	return st;
}

/* One connection becomes part of a flow. */
static void
sum(struct run *run, const struct connection *c, struct shortcut_ask *ask)
{
	struct summed did;

	while (!summing_add(&run->summing, run->aggregate, c, ask, &did)) {
		run->status = flush(run, &run->error);
		if (run->status != RF_OK)
			return;
	}
	run->report->connections += c->counted;
	if (did.unresolved)
		run->report->unresolved += c->counted;
	if (did.guessed)
		run->report->guessed += c->counted;
}

/* The flow table's sink. */
static void
on_connections(void *arg, const struct connection *v, size_t n)
{
	struct shortcut_ask asks[CONNECTION_BATCH];
	struct run *run = arg;

	summing_bring(&run->summing, run->aggregate, v, n, asks);
	for (size_t i = 0; i < n && run->status == RF_OK; i++)
		sum(run, &v[i], &asks[i]);
}

static enum rf_status
run_init(struct run *run, const struct cluster *c, struct rf_error *err)
{
	const struct collect_config *config = run->config;
	struct flow_table_config table = {
		.legs_max = config->legs_max != 0 ? config->legs_max
						  : FLOW_TABLE_LEGS_DEFAULT,
		.seed = config->seed,
		.view = address_view_of(c),
		.sink = on_connections,
		.sink_arg = run,
	};
	enum rf_status st;

	run->cluster = c;
	run->names = names_new(c, config->seed);
	run->aggregate = aggregate_new(FLOWS_MAX, config->seed);
	if (run->names != NULL) {
		run->summing.resolver = resolver_new(
		    c, run->names, config->window_us, config->seed);
		run->summing.shortcut = shortcut_new(
		    c, run->names, config->window_us, config->seed);
	}
	if (run->aggregate == NULL || run->summing.resolver == NULL ||
	    run->summing.shortcut == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	if ((st = flow_table_new(&run->ft, &table, err)) != RF_OK)
		return st;
	run->reading = (struct reader_config){
		.files = config->files,
		.n_files = config->n_files,
		.node = config->node,
		.accept_cut = config->accept_cut,
		.ft = run->ft,
		.names = run->names,
	};
	return reader_start(&run->reader, &run->reading, err);
}

static void
run_release(struct run *run)
{
	reader_stop(run->reader);
	flow_table_free(run->ft);
	resolver_free(run->summing.resolver);
	shortcut_free(run->summing.shortcut);
	aggregate_free(run->aggregate);
	names_free(run->names);
}

/* Say how far it is, about once per million packets. */
static void
show_progress(const struct run *run, uint64_t before, uint64_t now)
{
	const struct collect_config *config = run->config;

	if (config->progress != NULL && before >> 20 != now >> 20)
		config->progress(config->progress_arg, now);
}

static enum rf_status
put_names(struct run *run, struct rf_error *err)
{
	const struct dns_name *names;
	enum rf_status st;
	size_t n;

	names = names_all(run->names, &n);
	st = store_put_names(run->store, names, n, err);
	names_forget(run->names);
	return st;
}

/* Between two batches. */
static void
go_on(struct run *run)
{
	const struct collect_config *config = run->config;

	if (run->status == RF_OK && config->is_interrupted != NULL &&
	    config->is_interrupted())
		run->status = rf_fail(&run->error, RF_IO,
		    "interrupted; of these captures nothing is stored");
	if (run->status == RF_OK && names_is_filling(run->names))
		run->status = put_names(run, &run->error);
}

static enum rf_status
read_all(struct run *run, struct rf_error *err)
{
	struct intake *batch;
	enum rf_status st;
	uint64_t n = 0;

	while (run->status == RF_OK &&
	    (batch = reader_next(run->reader)) != NULL) {
		show_progress(run, n, n + batch->n_batch);
		n += batch->n_batch;
		intake_flush(batch);
		go_on(run);
	}
	if (run->status != RF_OK) {
		if (err != NULL)
			*err = run->error;
		return run->status;
	}
	if ((st = reader_status(run->reader, err)) != RF_OK)
		return st;
	flow_table_finish(run->ft);
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
	enum rf_status st;

	run->report->joined = stats->joined;
	run->report->forgotten = stats->forgotten;
	if ((st = put_names(run, err)) != RF_OK)
		return st;
	for (size_t i = 0; i < config->n_files; i++) {
		struct coverage *cov = &run->report->coverage[i];

		*cov = *reader_coverage(run->reader, i);
		if (i == 0)
			cov->table_full = stats->forced_out;
		run->report->packets += cov->packets;
		/* Without a packet all are alike, and none is a copy. */
		if (cov->packets > 0)
			st = store_put_source(run->store,
			    reader_digest(run->reader, i), cov->packets,
			    config->files[i], config->now_us, err);
		if (st == RF_OK)
			st = store_put_coverage(run->store, cov, err);
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

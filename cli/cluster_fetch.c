/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli/output_file.h"
#include "kube/snapshot.h"

/* Somebody waits at a terminal. */
#define SILENCE_MAX_US (INT64_C(30) * 1000000)

static int64_t
clock_us(void *arg)
{
	struct timespec t;

	(void)arg;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "ringfence: warning: %s\n", text);
}

enum rf_status
cluster_fetch_list(const struct cluster_options *o, const char *only, FILE *out,
    struct client_save_report *report, struct rf_error *err)
{
	struct client_save_config config = { .now_us = clock_us,
		.warn = warn,
		.only = only,
		.silence_max_us = SILENCE_MAX_US };
	struct cluster_connection cc;
	enum rf_status st;

	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = (uint64_t)getpid();
	if ((st = cluster_connect(&cc, o, err)) != RF_OK)
		return st;
	st = client_save(cc.client, out, &config, report, err);
	cluster_disconnect(&cc);
	return st;
}

/* Into a file without a name, from its beginning. */
static enum rf_status
fetch(FILE **out, const struct cluster_options *o, const char *only,
    struct rf_error *err)
{
	struct client_save_report report;
	FILE *f = output_scratch();
	enum rf_status st;

	*out = NULL;
	if (f == NULL)
		return rf_fail(
		    err, RF_IO, "temporary file: %s", strerror(errno));
	st = cluster_fetch_list(o, only, f, &report, err);
	if (st != RF_OK) {
		(void)fclose(f);
		return st;
	}
	rewind(f);
	*out = f;
	return RF_OK;
}

/* As a cluster, of one resource or all. */
static enum rf_status
fetch_cluster(
    struct cluster **out, const struct cluster_options *o, const char *only)
{
	struct snapshot_builder *sb = NULL;
	struct snapshot_stats stats;
	struct rf_error err;
	enum rf_status st;
	FILE *f;

	*out = NULL;
	if ((st = fetch(&f, o, only, &err)) == RF_OK)
		st = snapshot_builder_new(&sb, &err);
	if (st == RF_OK)
		st = snapshot_read(sb, f, "the cluster", &err);
	if (st == RF_OK)
		st = snapshot_finish(sb, out, &stats, &err);
	snapshot_builder_free(sb);
	if (f != NULL)
		(void)fclose(f);
	if (st != RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	return st;
}

enum rf_status
cluster_policies_read(struct policy_input *out, const struct cluster *c,
    const char *origin, struct arena *arena)
{
	struct rf_error err;
	enum rf_status st;

	*out = (struct policy_input){ 0 };
	st = policy_reader_new(&out->reader, arena, "default", &err);
	for (size_t i = 0; st == RF_OK && i < c->n_policies; i++)
		st = policy_reader_text(out->reader, origin,
		    c->policies[i].json, strlen(c->policies[i].json), &err);
	return policy_input_finish(out, st, &err);
}

enum rf_status
cluster_fetch_policies(struct policy_input *out,
    const struct cluster_options *o, struct arena *arena)
{
	struct cluster *c;
	enum rf_status st;

	*out = (struct policy_input){ 0 };
	st = fetch_cluster(&c, o, "networkpolicies");
	if (st == RF_OK)
		st = cluster_policies_read(out, c, "the cluster", arena);
	cluster_free(c);
	return st;
}

enum rf_status
cluster_or_files(struct policy_input *out, const struct policy_source *source,
    struct arena *arena)
{
	if (source->choice->chosen)
		return cluster_fetch_policies(
		    out, &source->choice->connection, arena);
	return policy_input_read(out, source->files, source->recurse,
	    source->default_namespace, arena);
}

enum rf_status
cluster_fetch_input(struct cluster **out, struct policy_input *in,
    const struct policy_source *source, struct arena *arena)
{
	enum rf_status st = RF_OK;

	*out = NULL;
	*in = (struct policy_input){ 0 };
	if (source->choice->chosen)
		st = fetch_cluster(out, &source->choice->connection, NULL);
	if (st != RF_OK)
		return st;
	if (*out == NULL || source->files->n > 0)
		return policy_input_read(in, source->files, source->recurse,
		    source->default_namespace, arena);
	if (!(*out)->has_policies) {
		fputs("ringfence: the cluster's NetworkPolicies could not be "
		      "read; name policies with -f\n",
		    stderr);
		return RF_IO;
	}
	return cluster_policies_read(in, *out, "the cluster", arena);
}

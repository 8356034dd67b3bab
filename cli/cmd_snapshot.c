/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: save the cluster's objects as one List. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cluster_fetch.h"
#include "cli/commands.h"
#include "cli/output_file.h"

struct snapshot_options {
	struct cluster_options cluster;
	const char *output;
	bool quiet;
};

static const struct option_spec table[] = {
	CLUSTER_OPTION_ROWS(offsetof(struct snapshot_options, cluster)),
	{ .name = "output",
	    .letter = 'o',
	    .kind = OPTION_TEXT,
	    .arg = "FILE|-",
	    .offset = offsetof(struct snapshot_options, output),
	    .help = "File to write, replaced when all is well; - (default) is "
		    "standard output." },
	{ .name = "quiet",
	    .letter = 'q',
	    .kind = OPTION_FLAG,
	    .offset = offsetof(struct snapshot_options, quiet),
	    .help = "No summary." },
};

const struct command_spec snapshot_spec = {
	.name = "snapshot",
	.summary = "save the cluster's objects as one List",
	.synopsis = "[--kubeconfig FILE] [--context NAME] [-o FILE|-] [-q]",
	.about =
	    "Saves pods, services, namespaces, nodes, endpointslices, "
	    "workloads and\nnetworkpolicies of all namespaces in the format "
	    "of kubectl get -o json, for\ncollect --snapshot. Only reads. "
	    "What it may not read is left out, with the RBAC\nrule that is "
	    "missing on standard error. Pods may hold secrets in their\n"
	    "environment: treat the file as you treat the cluster.",
	.examples =
	    "  ringfence snapshot -o objects.json\n"
	    "  ringfence snapshot --context prod | gzip >objects.json.gz\n"
	    "  ringfence collect -r node-1.pcap --snapshot objects.json "
	    "--db flows.db\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static void
print_summary(const struct client_save_report *r)
{
	const char *before = "";

	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		if (r->missing[i])
			continue;
		fprintf(stderr, "%s%" PRIu64 " %s", before, r->objects[i],
		    client_resources[i].name);
		before = ", ";
	}
	fputc('\n', stderr);
}

static enum rf_status
save(const struct snapshot_options *o, FILE *out, struct rf_error *err)
{
	struct client_save_report report;
	enum rf_status st =
	    cluster_fetch_list(&o->cluster, NULL, out, &report, err);

	if (st == RF_OK && !o->quiet)
		print_summary(&report);
	return st;
}

/* To what cannot be cut short only what is complete: a list may begin anew. */
static enum rf_status
save_by_scratch(const struct snapshot_options *o, struct rf_error *err)
{
	FILE *f = output_scratch();
	struct output out;
	enum rf_status st;

	if (f == NULL)
		return rf_fail(err, RF_IO, "%s", strerror(errno));
	st = save(o, f, err);
	rewind(f);
	if (st == RF_OK &&
	    (st = output_open(&out, o->output, false, err)) == RF_OK)
		st = output_close(&out, output_pour(&out, f, err), err);
	(void)fclose(f);
	return st;
}

static enum rf_status
save_to_file(const struct snapshot_options *o, struct rf_error *err)
{
	struct output out;
	enum rf_status st = output_open(&out, o->output, false, err);

	if (st != RF_OK)
		return st;
	return output_close(&out, save(o, out.f, err), err);
}

static int
run(const struct snapshot_options *o)
{
	struct rf_error err;
	enum rf_status st =
	    output_is_stdout(o->output) || output_is_special(o->output)
	    ? save_by_scratch(o, &err)
	    : save_to_file(o, &err);

	if (st == RF_OK)
		return STATUS_OK;
	fprintf(stderr, "ringfence snapshot: %s\n", err.msg);
	return STATUS_FAILURE;
}

int
cmd_snapshot(int argc, char **argv)
{
	struct snapshot_options o = { 0 };
	struct arena arena;
	int status;

	arena_init(&arena, 0);
	status = options_parse(&snapshot_spec, argc, argv, &o, &arena);
	if (status == OPTIONS_RUN)
		status = run(&o);
	arena_release(&arena);
	return status;
}

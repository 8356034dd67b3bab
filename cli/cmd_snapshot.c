/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: save the cluster's objects as one List. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	    .arg = "FILE",
	    .offset = offsetof(struct snapshot_options, output),
	    .help = "File to write, replaced when all is well; else standard "
		    "output." },
	{ .name = "quiet",
	    .letter = 'q',
	    .kind = OPTION_FLAG,
	    .offset = offsetof(struct snapshot_options, quiet),
	    .help = "No summary." },
};

const struct command_spec snapshot_spec = {
	.name = "snapshot",
	.summary = "save the cluster's objects as one List",
	.synopsis = "[--kubeconfig FILE] [--context NAME] [-o FILE] [-q]",
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

static int
fail(const char *text)
{
	fprintf(stderr, "ringfence snapshot: %s\n", text);
	return STATUS_FAILURE;
}

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

/* To standard output only what is complete: a list may begin anew. */
static int
save_to_output(const struct snapshot_options *o)
{
	FILE *f = output_scratch();
	struct rf_error err;
	char buf[65536];
	size_t n;
	int status = STATUS_OK;

	if (f == NULL)
		return fail(strerror(errno));
	if (save(o, f, &err) != RF_OK) {
		status = fail(err.msg);
	} else {
		rewind(f);
		while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
			(void)fwrite(buf, 1, n, stdout);
		if (ferror(f))
			status = fail(strerror(errno));
	}
	(void)fclose(f);
	return status;
}

/* mkstemp makes files that nobody else may read; ours are as all others. */
static void
set_mode(FILE *f)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	(void)fchmod(fileno(f), 0666 & ~mask);
}

static int
save_beside(const struct snapshot_options *o, char *beside)
{
	int fd = mkstemp(beside);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");
	struct rf_error err;
	enum rf_status st;

	if (f == NULL) {
		fprintf(stderr, "ringfence snapshot: %s: %s\n", beside,
		    strerror(errno));
		if (fd >= 0) {
			(void)close(fd);
			(void)unlink(beside);
		}
		return STATUS_FAILURE;
	}
	set_mode(f);
	st = save(o, f, &err);
	if (st == RF_OK && fsync(fileno(f)) != 0)
		st = rf_fail(&err, RF_IO, "%s: %s", o->output, strerror(errno));
	if (fclose(f) != 0 && st == RF_OK)
		st = rf_fail(&err, RF_IO, "%s: %s", o->output, strerror(errno));
	if (st == RF_OK && rename(beside, o->output) != 0)
		st = rf_fail(&err, RF_IO, "%s: %s", o->output, strerror(errno));
	if (st == RF_OK)
		return STATUS_OK;
	(void)unlink(beside);
	return fail(err.msg);
}

static int
save_to_file(const struct snapshot_options *o)
{
	size_t size = strlen(o->output) + sizeof(".XXXXXX");
	char *beside = malloc(size);
	int status;

	if (beside == NULL)
		return fail("out of memory");
	(void)snprintf(beside, size, "%s.XXXXXX", o->output);
	status = save_beside(o, beside);
	free(beside);
	return status;
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
		status =
		    o.output == NULL ? save_to_output(&o) : save_to_file(&o);
	arena_release(&arena);
	return status;
}

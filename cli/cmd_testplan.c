/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_testplan: a script that checks the recommended policies in a cluster. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/output_file.h"
#include "cli/scope.h"
#include "recommender/recommend.h"
#include "report/testplan.h"

#define SCRIPT_MAX     ((size_t)1 << 30)
#define DENIED_DEFAULT 3

struct testplan_command {
	const char *db;
	struct option_list namespaces;
	bool all_namespaces;
	const char *output;
	struct option_list metadata, link_local;
	uint64_t denied;
};

#define AT(member) .offset = offsetof(struct testplan_command, member)

/* clang-format off */
static const struct option_spec table[] = {
	DATABASE_ROW(offsetof(struct testplan_command, db)),
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Check this namespace. Repeatable." },
	{ .name = "all-namespaces", .letter = 'A', .kind = OPTION_FLAG,
	  AT(all_namespaces), .help = "Check every namespace that is known." },
	{ .name = "output", .letter = 'o', .arg = "FILE|-",
	  .kind = OPTION_TEXT, AT(output),
	  .help = "Write the script there; - (default) is standard output." },
	{ .name = "allow-metadata", .arg = "NS/WORKLOAD,...",
	  .kind = OPTION_LIST, .optional = true, AT(metadata),
	  .help = "As for recommend." },
	{ .name = "allow-link-local", .arg = "IP", .kind = OPTION_LIST,
	  AT(link_local),
	  .help = "As for recommend. Repeatable." },
	{ .name = "denied", .arg = "N", .kind = OPTION_NUMBER,
	  AT(denied), .min = 0, .max = 1000,
	  .help = "How many destinations of a namespace to try from where "
	      "they must not be reached (default 3)." },
};
/* clang-format on */

const struct command_spec testplan_spec = {
	.name = "testplan",
	.summary = "write a script that checks the policies in the cluster",
	.synopsis = "--db PATH -n NS... | -A [-o FILE|-] [--denied N]\n"
		    "      [--allow-metadata[=NS/WORKLOAD,...]]\n"
		    "      [--allow-link-local IP...]",
	.about =
	    "Write a shell script that tries with kubectl, from within the "
	    "pods, what\nrecommend allows, and a little of what it denies. "
	    "Run it before the first policy\nis applied, after each step, and "
	    "at the end. It is not run here: ringfence never\ntouches a "
	    "cluster.",
	.examples =
	    "  # Write it, then try before anything is enforced, and after\n"
	    "  ringfence testplan --db flows.db -n shop -o testplan.sh\n"
	    "  sh testplan.sh before\n"
	    "  sh testplan.sh after\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static enum rf_status
make_script(const struct testplan_command *o, struct dataset *d,
    struct strbuf *text, struct testplan_stats *stats, struct rf_error *err)
{
	struct recommend_options options = {
		.namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.allow_metadata = o->metadata.given && o->metadata.n == 0,
		.metadata_workloads = o->metadata.v,
		.n_metadata_workloads = o->metadata.n,
		.link_local = o->link_local.v,
		.n_link_local = o->link_local.n,
	};
	struct recommendation r;
	enum rf_status st;

	st = recommend(&r, d->cluster, &d->flows, &options, &d->arena, err);
	if (st != RF_OK)
		return st;
	return testplan_write(
	    text, &r, d->cluster, (size_t)o->denied, stats, err);
}

static int
make(const struct testplan_command *o, struct dataset *d)
{
	struct testplan_stats stats;
	struct strbuf text;
	struct rf_error err;
	enum rf_status st;

	strbuf_init(&text, SCRIPT_MAX);
	st = make_script(o, d, &text, &stats, &err);
	if (st == RF_OK)
		st = output_write(o->output, &text, &err);
	strbuf_release(&text);
	if (st != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		return STATUS_FAILURE;
	}
	fprintf(stderr,
	    "%zu allowed connections to check, %zu denied ones; %zu cannot be "
	    "tried, the script says why.\n",
	    stats.allowed, stats.denied, stats.left_out);
	return STATUS_OK;
}

static int
run(const struct testplan_command *o)
{
	static const struct store_filter everything = { 0 };
	struct dataset d;
	int rc;

	if (dataset_open(&d, o->db, &everything) != RF_OK)
		return STATUS_FAILURE;
	rc = scope_check_known(&testplan_spec, &o->namespaces, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = scope_check_metadata(
		    &testplan_spec, &o->metadata, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = make(o, &d);
	dataset_close(&d);
	return rc;
}

int
cmd_testplan(int argc, char **argv)
{
	struct testplan_command o = { .denied = DENIED_DEFAULT };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&testplan_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN)
		rc = dataset_check_given(&testplan_spec, o.db);
	if (rc == OPTIONS_RUN)
		rc = dataset_check_output(&testplan_spec, o.db, o.output);
	if (rc == OPTIONS_RUN)
		rc = scope_check_given(
		    &testplan_spec, &o.namespaces, o.all_namespaces);
	if (rc == OPTIONS_RUN)
		rc = scope_check_link_local(&testplan_spec, &o.link_local);
	if (rc == OPTIONS_RUN)
		rc = run(&o);
	arena_release(&arena);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit: what would these policies have dropped of what was seen? */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cluster_fetch.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/edge_filter.h"
#include "cli/policy_input.h"
#include "cli/scope.h"
#include "report/audit_print.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_SARIF };
enum fail_on { FAIL_ON_WOULD_DROP, FAIL_ON_UNKNOWN, FAIL_ON_NEVER };

struct audit_options {
	const char *db;
	struct option_list files;
	struct cluster_choice cluster;
	bool all_namespaces, recurse;
	struct option_list namespaces;
	struct edge_filter_options filter;
	const char *default_namespace;
	unsigned format, fail_on; /* enum format, enum fail_on */
	int64_t since_us, until_us;
	bool no_headers;
};

static const char *const formats[] = { "table", "json", "markdown", "sarif",
	NULL };
static const char *const fail_words[] = { "would-drop", "unknown", "never",
	NULL };

#define AT(member) .offset = offsetof(struct audit_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	DATABASE_ROW(offsetof(struct audit_options, db)),
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Policies as YAML or JSON: a file, the files of a "
	      "directory, or standard input. Repeatable; all of them apply "
	      "together." },
	CLUSTER_CHOICE_ROWS(offsetof(struct audit_options, cluster),
	    "Instead of -f: the NetworkPolicies that live in the cluster "
	    "now."),
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Only edges with an end in this namespace, and of what is "
	      "unused only what is in it. Repeatable." },
	{ .name = "all-namespaces", .letter = 'A', .kind = OPTION_FLAG,
	  AT(all_namespaces), .help = "Edges of every namespace (default)." },
	{ .name = "workload", .arg = "NS/NAME", .kind = OPTION_LIST,
	  AT(filter.workloads), .help = EDGE_FILTER_WORKLOAD_HELP },
	{ .name = "selector", .letter = 'l', .arg = "SELECTOR",
	  .kind = OPTION_TEXT, AT(filter.selector),
	  .help = EDGE_FILTER_SELECTOR_HELP },
	{ .name = "port", .arg = "N", .kind = OPTION_NUMBER, AT(filter.port),
	  .min = 1, .max = 65535, .help = EDGE_FILTER_PORT_HELP },
	{ .name = "outcome", .arg = "OUTCOME", .kind = OPTION_LIST,
	  AT(filter.outcomes), .help = EDGE_FILTER_OUTCOME_HELP },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace),
	  .help = "The namespace of policies that name none (default: the "
	      "namespace given with -n if it is one, else default)." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default), json, markdown for a comment on a change, "
	      "or sarif for code scanning." },
	{ .name = "fail-on", .arg = "VERDICT", .kind = OPTION_CHOICE,
	  AT(fail_on), .choices = fail_words,
	  .help = "Exit with 1 when traffic would be dropped (would-drop, the "
	      "default), also when of some nothing firm can be said "
	      "(unknown), or never." },
	{ .name = "since", .arg = "TIME", .kind = OPTION_TIME, AT(since_us),
	  .help = "Only what was seen at or after this RFC 3339 time." },
	{ .name = "until", .arg = "TIME", .kind = OPTION_TIME, AT(until_us),
	  .help = "Only what was seen before this time." },
	{ .name = "no-headers", .kind = OPTION_FLAG, AT(no_headers),
	  .help = "Leave out the line of headers (table)." },
};
/* clang-format on */

const struct command_spec audit_spec = {
	.name = "audit",
	.summary = "replay observed edges against policies",
	.synopsis = "--db PATH -f FILE|DIR|-...|--cluster [-R] [-n NS...|-A]\n"
		    "      [--workload NS/NAME]... [-l SELECTOR] [--port N] "
		    "[--outcome OUTCOME]...\n"
		    "      [-o table|json|markdown|sarif] "
		    "[--fail-on would-drop|unknown|never]\n"
		    "      [--default-namespace NS] [--since TIME] "
		    "[--until TIME]\n"
		    "      [--kubeconfig FILE] [--context NAME] [--no-headers]",
	.about = "Ask of every observed edge whether these policies, all "
		 "together, would let it\npass: what the source's egress "
		 "says, what the destination's ingress says, and\nboth. Then "
		 "which policies and rules nothing that was observed used, "
		 "and which\nselect no pod. Exit status 1 when an edge that "
		 "worked would be dropped.",
	.examples = "  # Before applying a folder of policies\n"
		    "  ringfence audit --db flows.db -R -f policies/\n\n"
		    "  # What runs in the cluster now\n"
		    "  ringfence audit --db flows.db --cluster -o json\n\n"
		    "  # As a comment on a change of policies\n"
		    "  ringfence audit --db flows.db -R -f policies/ "
		    "-o markdown --fail-on never\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static enum rf_status
print_sarif(const struct audit *a, struct arena *arena, struct rf_error *err)
{
	char *base = getcwd(NULL, 0);
	size_t left_out = 0;
	enum rf_status st;

	st = audit_print_sarif(stdout, a, base, &left_out, arena, err);
	if (st == RF_OK && left_out > 0)
		fprintf(stderr,
		    "Note: %zu findings left out, on policies that are in no "
		    "file.\n",
		    left_out);
	free(base);
	return st;
}

static enum rf_status
print(const struct audit *a, const struct audit_options *o, struct arena *arena,
    struct rf_error *err)
{
	struct audit_style style = {
		.with_headers = !o->no_headers,
		.with_colour = table_wants_colour(
		    stdout, getenv("NO_COLOR"), getenv("TERM")),
		.columns = table_terminal_columns(stdout),
	};

	switch (o->format) {
	case FORMAT_JSON:
		return audit_print_json(stdout, a, err);
	case FORMAT_MARKDOWN:
		return audit_print_markdown(stdout, a, err);
	case FORMAT_SARIF:
		return print_sarif(a, arena, err);
	default:
		return audit_print_table(stdout, a, &style, err);
	}
}

static int
status_of(const struct audit *a, unsigned fail_on)
{
	size_t n = a->counts[AUDIT_WOULD_DROP];

	if (fail_on == FAIL_ON_NEVER)
		return STATUS_OK;
	if (fail_on == FAIL_ON_UNKNOWN)
		n += a->counts[AUDIT_UNKNOWN];
	return n > 0 ? STATUS_FINDINGS : STATUS_OK;
}

/* Every edge is judged, also those that a filter then hides: they may be what
 * a rule is used for. */
static enum rf_status
judge(struct audit *a, struct dataset *d, const struct audit_options *o,
    const struct policy_set *set, const struct view_filter *filter)
{
	struct rf_error err;
	enum rf_status st;
	struct view v;

	st = view_make(&v, &d->edges, &d->flows, d->cluster, &d->arena, &err);
	if (st == RF_OK)
		st = audit_run(a, &v, d->cluster, set, &d->arena, &err);
	if (st == RF_OK)
		st = audit_narrow(a, filter, &d->arena, &err);
	if (st == RF_OK)
		st = usage_span_make(
		    &a->usage.span, &d->flows, o->since_us, o->until_us, &err);
	if (st == RF_OK && o->namespaces.n > 0)
		usage_keep_namespaces(
		    &a->usage, set, o->namespaces.v, o->namespaces.n);
	if (st == RF_OK)
		st = print(a, o, &d->arena, &err);
	if (st != RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	else if (a->n_edges == 0)
		fputs("Warning: there is no such edge, so nothing was "
		      "audited.\n",
		    stderr);
	return st;
}

static int
audit(const struct audit_options *o, const struct policy_set *set)
{
	struct store_filter store_filter = { .namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.since_us = o->since_us,
		.until_us = o->until_us };
	struct view_filter filter;
	struct dataset d;
	struct audit a;
	int rc;

	if (dataset_open(&d, o->db, &store_filter) != RF_OK)
		return STATUS_FAILURE;
	rc = scope_check_known(&audit_spec, &o->namespaces, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = edge_filter_make(
		    &filter, &audit_spec, &o->filter, &o->namespaces, &d);
	if (rc == OPTIONS_RUN) {
		dataset_warn_policies(&d, set);
		rc = judge(&a, &d, o, set, &filter) == RF_OK
		    ? status_of(&a, o->fail_on)
		    : STATUS_FAILURE;
	}
	dataset_close(&d);
	return rc;
}

/* Read the policies first: they are refused before anything is asked. */
static int
run(const struct audit_options *o, const char *default_namespace,
    struct arena *arena)
{
	const struct policy_source source = { &o->cluster, &o->files,
		o->recurse, default_namespace };
	struct policy_input in;
	int rc = STATUS_FAILURE;

	if (cluster_or_files(&in, &source, arena) != RF_OK)
		goto out;
	if (policy_input_accept(&in, "audited") != RF_OK)
		goto out;
	rc = audit(o, &in.set);
out:
	policy_input_release(&in);
	return rc;
}

static int
check_usage(const struct audit_options *o)
{
	int rc = dataset_check_given(&audit_spec, o->db);

	if (rc == OPTIONS_RUN)
		rc = scope_check_either(
		    &audit_spec, &o->namespaces, o->all_namespaces);
	if (rc != OPTIONS_RUN)
		return rc;
	if (o->files.n == 0 && !o->cluster.chosen)
		return options_usage(&audit_spec,
		    "which policies? Give -f FILE, -f DIR, -f - or --cluster");
	if (o->files.n > 0 && o->cluster.chosen)
		return options_usage(
		    &audit_spec, "either -f or --cluster, not both");
	if (o->until_us != 0 && o->since_us >= o->until_us)
		return options_usage(
		    &audit_spec, "--since is not before --until");
	return cluster_choice_check(&audit_spec, &o->cluster);
}

int
cmd_audit(int argc, char **argv)
{
	struct audit_options o = { 0 };
	const char *ns = "default";
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&audit_spec, argc, argv, &o, &arena);
	if (rc != OPTIONS_RUN)
		goto out;
	if (o.default_namespace != NULL)
		ns = o.default_namespace;
	else if (o.namespaces.n == 1)
		ns = o.namespaces.v[0];
	rc = check_usage(&o);
	if (rc == OPTIONS_RUN)
		rc = edge_filter_check(&audit_spec, &o.filter, &arena);
	if (rc == OPTIONS_RUN)
		rc = run(&o, ns, &arena);
out:
	arena_release(&arena);
	return rc;
}

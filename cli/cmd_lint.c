/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_lint: mistakes that a server accepts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cluster_fetch.h"
#include "cli/cluster_input.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/policy_input.h"
#include "policy/lint.h"
#include "report/lint_print.h"
#include "report/problems.h"
#include "report/table.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_SARIF };

struct lint_options {
	struct option_list files, snapshots;
	struct cluster_choice cluster;
	bool recurse;
	const char *namespace, *default_namespace;
	const char *db;
	const char *explain;
	unsigned format; /* enum format */
	bool strict, no_headers;
};

static const char *const formats[] = { "table", "json", "sarif", NULL };

#define AT(member) .offset = offsetof(struct lint_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Policies as YAML or JSON: a file, the files of a "
	      "directory, or standard input. Repeatable." },
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "snapshot", .letter = 's', .arg = "FILE",
	  .kind = OPTION_LIST, AT(snapshots),
	  .help = "The cluster's objects, as 'kubectl get ... -o json' prints "
	      "them: finds what only the real labels and ports show. "
	      "Repeatable, earlier states first." },
	CLUSTER_CHOICE_ROWS(offsetof(struct lint_options, cluster),
	    "As --snapshot, with the objects that live in the cluster now, "
	    "and without -f its policies."),
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, AT(db),
	  .env = "RINGFENCE_DB",
	  .help = "A database of observed flows: finds scraping, ingress, "
	      "log and webhook traffic that was seen and is denied. Without "
	      "a snapshot its objects count. Else $RINGFENCE_DB." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_TEXT, AT(namespace),
	  .help = "The namespace of policies that name none; they are then "
	      "no finding." },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace), .help = "The same as --namespace." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default), json or sarif." },
	{ .name = "strict", .kind = OPTION_FLAG, AT(strict),
	  .help = "Notes make the exit status 1, too." },
	{ .name = "explain", .arg = "ID|all", .kind = OPTION_TEXT,
	  AT(explain),
	  .help = "Explain a rule with a wrong and a right example, or list "
	      "all of them." },
	{ .name = "no-headers", .kind = OPTION_FLAG, AT(no_headers),
	  .help = "Leave out the line of headers (table)." },
};
/* clang-format on */

const struct command_spec lint_spec = {
	.name = "lint",
	.summary = "mistakes in policies that a server accepts",
	.synopsis = "-f FILE|DIR|-... [-R] [--snapshot FILE...] [--db PATH] "
		    "[-n NS]\n"
		    "      [-o table|json|sarif] [--strict] [--no-headers]\n"
		    "  ringfence lint --cluster [--kubeconfig FILE] "
		    "[--context NAME]\n"
		    "      [-f FILE|DIR|-...] and the rest as above\n"
		    "  ringfence lint --explain ID|all",
	.about = "Look for mistakes that a server accepts and an experienced "
		 "engineer would\nnot: egress without DNS, labels that no pod "
		 "carries, Service ports, AND and OR\nmixed up. The more it "
		 "is given (objects, flows), the more it finds; nothing\nis "
		 "guessed. Exit status 1 when there is an error or a warning.",
	.examples = "  # With the objects of the cluster\n"
		    "  kubectl get ns,no,po,svc,endpointslices,deploy,rs,sts,"
		    "ds,jobs,cronjobs \\\n"
		    "    -A -o json > objects.json\n"
		    "  ringfence lint -R -f policies/ --snapshot "
		    "objects.json\n\n"
		    "  # For code scanning\n"
		    "  ringfence lint -R -f policies/ -o sarif > lint.sarif\n\n"
		    "  # Why is that a mistake?\n"
		    "  ringfence lint --explain RF004\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static int
explain(const struct lint_options *o)
{
	const struct lint_rule *rule;
	struct rf_error err;

	if (strcmp(o->explain, "all") == 0) {
		if (lint_print_rules(stdout, !o->no_headers, &err) == RF_OK)
			return STATUS_OK;
		fprintf(stderr, "ringfence: %s\n", err.msg);
		return STATUS_FAILURE;
	}
	rule = lint_rule_find(o->explain);
	if (rule == NULL)
		return options_usage(&lint_spec,
		    "there is no rule '%s'; --explain all lists them",
		    o->explain);
	lint_print_rule(stdout, rule);
	return STATUS_OK;
}

static enum rf_status
print_sarif(
    const struct lint_result *r, struct arena *arena, struct rf_error *err)
{
	char *base = getcwd(NULL, 0);
	size_t left_out = 0;
	enum rf_status st =
	    lint_print_sarif(stdout, r, base, &left_out, arena, err);

	free(base);
	if (st == RF_OK && left_out > 0)
		fprintf(stderr,
		    "Note: %zu finding%s about live objects left out, for "
		    "SARIF is about files; -o table shows %s.\n",
		    left_out, left_out == 1 ? "" : "s",
		    left_out == 1 ? "it" : "them");
	return st;
}

static enum rf_status
print(const struct lint_options *o, const struct lint_result *r,
    size_t n_policies, struct arena *arena, struct rf_error *err)
{
	bool colour =
	    table_wants_colour(stdout, getenv("NO_COLOR"), getenv("TERM"));

	if (o->format == FORMAT_SARIF)
		return print_sarif(r, arena, err);
	if (o->format == FORMAT_TABLE)
		return lint_print_table(stdout, r, !o->no_headers, colour, err);
	lint_print_json(stdout, r, n_policies);
	return RF_OK;
}

static int
lint(const struct lint_options *o, const struct lint_input *in,
    struct arena *arena)
{
	struct lint_result r;
	struct rf_error err;

	if (lint_run(&r, in, arena, &err) != RF_OK ||
	    print(o, &r, in->set->n_policies, arena, &err) != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		return STATUS_FAILURE;
	}
	if (r.counts[LINT_ERROR] + r.counts[LINT_WARNING] > 0 ||
	    (o->strict && r.n > 0))
		return STATUS_FINDINGS;
	return STATUS_OK;
}

/* The snapshot's or the cluster's objects if there are, else those of the
 * database. */
static int
load_and_lint(const struct lint_options *o, const struct policy_set *set,
    const struct cluster *live, struct arena *arena)
{
	struct lint_input in = { .set = set,
		.cluster = live,
		.namespace_given =
		    o->namespace != NULL || o->default_namespace != NULL };
	struct store_filter filter = { 0 };
	struct cluster *snapshot = NULL;
	struct dataset d = { 0 };
	int rc = STATUS_FAILURE;

	if (o->snapshots.n > 0) {
		if (cluster_input_read(&snapshot, &o->snapshots, NULL) != RF_OK)
			return rc;
		in.cluster = snapshot;
	}
	if (o->db != NULL) {
		if (dataset_open(&d, o->db, &filter) != RF_OK)
			goto out;
		in.flows = &d.flows;
		in.flows_cluster = d.cluster;
		if (in.cluster == NULL)
			in.cluster = d.cluster;
	}
	rc = lint(o, &in, arena);
	if (o->db != NULL)
		dataset_close(&d);
out:
	cluster_free(snapshot);
	return rc;
}

/* Warnings of the server come first; what was skipped is validate's. */
static enum rf_status
print_problems(const struct policy_input *in, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < in->n_problems && st == RF_OK; i++)
		if (in->problems[i].type != PROBLEM_NOTICE)
			st = problems_print_text(
			    stderr, &in->problems[i], 1, err);
	if (in->n_refusals == 0 && in->set.n_policies == 0)
		fputs("Warning: there is no NetworkPolicy in what -f names.\n",
		    stderr);
	return st;
}

static int
run(const struct lint_options *o, struct arena *arena)
{
	const char *ns =
	    o->namespace != NULL ? o->namespace : o->default_namespace;
	const struct policy_source source = { &o->cluster, &o->files,
		o->recurse, ns == NULL ? "default" : ns };
	struct cluster *live;
	struct policy_input in;
	struct rf_error err;
	int rc = STATUS_FAILURE;

	if (cluster_fetch_input(&live, &in, &source, arena) != RF_OK)
		goto out;
	if (print_problems(&in, &err) != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		goto out;
	}
	if (in.n_refusals > 0) {
		fprintf(stderr,
		    "ringfence: a server would refuse these policies "
		    "(%zu mistake%s); nothing was linted\n",
		    in.n_refusals, in.n_refusals == 1 ? "" : "s");
		goto out;
	}
	rc = load_and_lint(o, &in.set, live, arena);
out:
	policy_input_release(&in);
	cluster_free(live);
	return rc;
}

static int
check_usage(const struct lint_options *o)
{
	if (o->files.n == 0 && !o->cluster.chosen)
		return options_usage(&lint_spec,
		    "which policies? Give -f FILE, -f DIR, -f - or --cluster");
	if (o->snapshots.n > 0 && o->cluster.chosen)
		return options_usage(
		    &lint_spec, "either --snapshot or --cluster, not both");
	return cluster_choice_check(&lint_spec, &o->cluster);
}

int
cmd_lint(int argc, char **argv)
{
	struct lint_options o = { 0 };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&lint_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN && o.explain != NULL)
		rc = explain(&o);
	else if (rc == OPTIONS_RUN && (rc = check_usage(&o)) == OPTIONS_RUN)
		rc = run(&o, &arena);
	arena_release(&arena);
	return rc;
}

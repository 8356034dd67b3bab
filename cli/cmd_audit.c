/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit: what would these policies have dropped of what was seen? */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/policy_input.h"
#include "report/audit_print.h"
#include "report/problems.h"
#include "report/table.h"

enum format { FORMAT_TABLE, FORMAT_JSON };

struct audit_options {
	const char *db;
	struct option_list files;
	bool recurse;
	struct option_list namespaces;
	const char *default_namespace;
	unsigned format; /* enum format */
	int64_t since_us, until_us;
	bool no_headers;
};

static const char *const formats[] = { "table", "json", NULL };

#define AT(member) .offset = offsetof(struct audit_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, AT(db),
	  .env = "RINGFENCE_DB",
	  .help = "The database to read; else $RINGFENCE_DB." },
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Policies as YAML or JSON: a file, the files of a "
	      "directory, or standard input. Repeatable; all of them apply "
	      "together." },
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Only edges with an end in this namespace. Repeatable." },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace),
	  .help = "The namespace of policies that name none (default: the "
	      "namespace given with -n if it is one, else default)." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default) or json." },
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
	.synopsis = "--db PATH -f FILE|DIR|-... [-R] [-n NS]... "
		    "[-o table|json]\n"
		    "      [--default-namespace NS] [--since TIME] "
		    "[--until TIME] [--no-headers]",
	.about = "Ask of every observed edge whether these policies, all "
		 "together, would let it\npass: what the source's egress "
		 "says, what the destination's ingress says, and\nboth. Exit "
		 "status 1 when an edge that worked would be dropped.",
	.examples = "  # Before applying a folder of policies\n"
		    "  ringfence audit --db flows.db -R -f policies/\n\n"
		    "  # What runs in the cluster now\n"
		    "  kubectl get networkpolicies -A -o json |\n"
		    "    ringfence audit --db flows.db -f - -o json\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static bool
has_pods(const struct cluster *c, const char *namespace)
{
	uint32_t ns = cluster_find_namespace(c, namespace);

	for (size_t i = 0; ns != FLOW_NONE && i < c->n_pods; i++)
		if (c->pods[i].ns == ns)
			return true;
	return false;
}

/* A policy in a namespace without pods is likely a slip. */
static void
warn_namespaces(const struct policy_set *set, const struct cluster *c)
{
	size_t n = 0, first = 0;

	for (size_t i = 0; i < set->n_policies; i++) {
		if (has_pods(c, set->policies[i].namespace))
			continue;
		if (n++ == 0)
			first = i;
	}
	if (n > 0)
		fprintf(stderr,
		    "Warning: %zu of %zu policies select no pod, for there is "
		    "none in their namespace (the first is %s/%s).\n"
		    "--default-namespace says where policies without a "
		    "namespace belong.\n",
		    n, set->n_policies, set->policies[first].namespace,
		    set->policies[first].name);
}

static enum rf_status
print(
    const struct audit *a, const struct audit_options *o, struct rf_error *err)
{
	bool colour =
	    table_wants_colour(stdout, getenv("NO_COLOR"), getenv("TERM"));

	if (o->format == FORMAT_JSON)
		return audit_print_json(stdout, a, err);
	return audit_print_table(stdout, a, !o->no_headers, colour, err);
}

static int
audit(const struct audit_options *o, const struct policy_set *set)
{
	struct store_filter filter = { .namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.since_us = o->since_us,
		.until_us = o->until_us };
	enum rf_status st;
	struct rf_error err;
	struct dataset d;
	struct audit a;
	struct view v;

	if (dataset_open(&d, o->db, &filter) != RF_OK)
		return STATUS_FAILURE;
	warn_namespaces(set, d.cluster);
	st = view_make(&v, &d.edges, &d.flows, d.cluster, &d.arena, &err);
	if (st == RF_OK)
		st = audit_run(&a, &v, d.cluster, set, &d.arena, &err);
	if (st == RF_OK)
		st = print(&a, o, &err);
	if (st != RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	dataset_close(&d);
	if (st != RF_OK)
		return STATUS_FAILURE;
	return a.counts[AUDIT_WOULD_DROP] > 0 ? STATUS_FINDINGS : STATUS_OK;
}

/* Everything but notices, which would fill the screen where a folder holds
 * all of an application's objects. */
static enum rf_status
print_problems(const struct policy_input *in, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	size_t skipped = 0;

	for (size_t i = 0; i < in->n_problems && st == RF_OK; i++) {
		if (in->problems[i].type == PROBLEM_NOTICE)
			skipped++;
		else
			st = problems_print_text(
			    stderr, &in->problems[i], 1, err);
	}
	if (skipped > 0)
		fprintf(stderr,
		    "Note: %zu remark%s left out; 'ringfence validate' shows "
		    "what was skipped.\n",
		    skipped, skipped == 1 ? "" : "s");
	if (in->n_refusals == 0 && in->set.n_policies == 0)
		fputs("Warning: there is no NetworkPolicy in what -f names, "
		      "so nothing can be dropped.\n",
		    stderr);
	return st;
}

/* Read the policies first: they are refused before anything is asked. */
static int
run(const struct audit_options *o, const char *default_namespace,
    struct arena *arena)
{
	struct policy_input in;
	struct rf_error err;
	int rc = STATUS_FAILURE;

	if (policy_input_read(
		&in, &o->files, o->recurse, default_namespace, arena) != RF_OK)
		goto out;
	if (print_problems(&in, &err) != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		goto out;
	}
	if (in.n_refusals > 0) {
		fprintf(stderr,
		    "ringfence: a server would refuse these policies "
		    "(%zu mistake%s); nothing was audited\n",
		    in.n_refusals, in.n_refusals == 1 ? "" : "s");
		goto out;
	}
	rc = audit(o, &in.set);
out:
	policy_input_release(&in);
	return rc;
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
	if (o.db == NULL)
		rc = options_usage(&audit_spec,
		    "which database? Give --db PATH or set RINGFENCE_DB");
	else if (o.files.n == 0)
		rc = options_usage(&audit_spec,
		    "which policies? Give -f FILE, -f DIR or -f -");
	else if (o.until_us != 0 && o.since_us >= o.until_us)
		rc =
		    options_usage(&audit_spec, "--since is not before --until");
	else
		rc = run(&o, ns, &arena);
out:
	arena_release(&arena);
	return rc;
}

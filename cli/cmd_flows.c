/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_flows: list the edges of a database. */
#include <stdlib.h>

#include "cli/cluster_fetch.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/edge_filter.h"
#include "cli/follow.h"
#include "cli/policy_input.h"
#include "cli/scope.h"
#include "report/coverage.h"
#include "report/edges.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct flows_options {
	const char *db;
	struct option_list namespaces;
	unsigned format; /* enum format */
	int64_t since_us, until_us;
	struct edge_filter_options filter;
	struct option_list files;
	struct cluster_choice cluster;
	bool all_namespaces, recurse;
	const char *default_namespace;
	bool follow;
	bool no_headers;
};

static const char *const formats[] = { "table", "json", "csv", NULL };

#define AT(member) .offset = offsetof(struct flows_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	DATABASE_ROW(offsetof(struct flows_options, db)),
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Only edges with an end in this namespace. Repeatable." },
	{ .name = "all-namespaces", .letter = 'A', .kind = OPTION_FLAG,
	  AT(all_namespaces), .help = "Edges of every namespace (default)." },
	{ .name = "workload", .arg = "NS/NAME", .kind = OPTION_LIST,
	  AT(filter.workloads), .help = EDGE_FILTER_WORKLOAD_HELP },
	{ .name = "selector", .letter = 'l', .arg = "SELECTOR",
	  .kind = OPTION_TEXT, AT(filter.selector),
	  .help = EDGE_FILTER_SELECTOR_HELP },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default), json or csv." },
	{ .name = "since", .arg = "TIME", .kind = OPTION_TIME, AT(since_us),
	  .help = "Only what was seen at or after this RFC 3339 time." },
	{ .name = "until", .arg = "TIME", .kind = OPTION_TIME, AT(until_us),
	  .help = "Only what was seen before this time." },
	{ .name = "outcome", .arg = "OUTCOME", .kind = OPTION_LIST,
	  AT(filter.outcomes), .help = EDGE_FILTER_OUTCOME_HELP },
	{ .name = "port", .arg = "N", .kind = OPTION_NUMBER, AT(filter.port),
	  .min = 1, .max = 65535, .help = EDGE_FILTER_PORT_HELP },
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Add a column with the verdict that these policies, all "
	      "together, give, as audit does. Repeatable." },
	CLUSTER_CHOICE_ROWS(offsetof(struct flows_options, cluster),
	    "As -f, with the NetworkPolicies that live in the cluster now."),
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace),
	  .help = "The namespace of policies that name none (default: the "
	      "namespace given with -n if it is one, else default)." },
	{ .name = "follow", .kind = OPTION_FLAG, AT(follow),
	  .help = "Go on, until interrupted, with edges that are new or count "
	      "more as a collector stores them; json: one object a line." },
	{ .name = "no-headers", .kind = OPTION_FLAG, AT(no_headers),
	  .help = "Leave out the line of headers (table, csv)." },
};
/* clang-format on */

const struct command_spec flows_spec = {
	.name = "flows",
	.summary = "list who talked to whom",
	.synopsis =
	    "--db PATH [-n NS...|-A] [--workload NS/NAME]... [-l SELECTOR]\n"
	    "      [--port N] [--outcome OUTCOME]... "
	    "[--since TIME] [--until TIME]\n"
	    "      [-f FILE|DIR|-]...|--cluster [-R] "
	    "[--default-namespace NS]\n"
	    "      [--kubeconfig FILE] [--context NAME]\n"
	    "      [-o table|json|csv] [--follow] [--no-headers]",
	.about = "List the edges of a database: which workload, node or "
		 "address opened\nconnections to which, on which protocol and "
		 "port, and what became of them.",
	.examples =
	    "  # Everything that touches one namespace\n"
	    "  ringfence flows --db flows.db -n shop\n\n"
	    "  # What the pods of one app do, by their labels\n"
	    "  ringfence flows --db flows.db -n shop -l app=web\n\n"
	    "  # What was refused, for a script\n"
	    "  ringfence flows --db flows.db --outcome refused -o json\n\n"
	    "  # With the verdict of the policies that run now\n"
	    "  ringfence flows --db flows.db --cluster\n\n"
	    "  # What a collector finds from now on\n"
	    "  ringfence flows --db flows.db --follow --since "
	    "2026-03-02T09:00:00Z\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static void
say_none(const struct option_list *namespaces)
{
	if (namespaces->n == 0) {
		fputs("No flows found.\n", stderr);
		return;
	}
	fputs("No flows found in ", stderr);
	for (size_t i = 0; i < namespaces->n; i++)
		fprintf(stderr, "%s%s", i == 0 ? "" : ", ", namespaces->v[i]);
	fprintf(stderr, " namespace%s.\n", namespaces->n == 1 ? "" : "s");
}

static enum rf_status
print(const struct edges *e, const struct flows_options *o, bool is_first,
    struct rf_error *err)
{
	struct audit_style style = {
		.with_headers = !o->no_headers && is_first,
		.with_colour = table_wants_colour(
		    stdout, getenv("NO_COLOR"), getenv("TERM")),
		.columns = table_terminal_columns(stdout),
	};

	switch (o->format) {
	case FORMAT_JSON:
		if (o->follow)
			edges_print_json_lines(stdout, e);
		else
			edges_print_json(stdout, e);
		return RF_OK;
	case FORMAT_CSV:
		return edges_print_csv(stdout, e, style.with_headers, err);
	default:
		return edges_print_table(stdout, e, &style, err);
	}
}

/* What is asked for. */
struct listing {
	const struct flows_options *o;
	const struct policy_set *set; /* NULL: no verdicts */
	struct follow follow;
	bool is_headed; /* the line of headers was printed */
};

static enum rf_status
show(struct listing *l, struct dataset *d, const struct view_filter *filter)
{
	const struct flows_options *o = l->o;
	struct rf_error err;
	enum rf_status st;
	struct audit a;
	struct view v;
	struct edges e = { .view = &v };

	st = view_make(&v, &d->edges, &d->flows, d->cluster, &d->arena, &err);
	if (st == RF_OK)
		st = view_narrow(&v, filter, &d->arena, &err);
	if (st == RF_OK && o->follow)
		st = follow_keep_changed(&l->follow, &v, &d->arena, &err);
	if (st == RF_OK && l->set != NULL) {
		st = audit_run(&a, &v, d->cluster, l->set, &d->arena, &err);
		e.audit = &a;
	}
	if (st == RF_OK)
		st = print(&e, o, !l->is_headed, &err);
	l->is_headed = l->is_headed || v.n_edges > 0;
	if (st != RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	else if (v.n_edges == 0 && !o->follow)
		say_none(&o->namespaces);
	coverage_warn(stderr, &d->flows);
	if (!o->follow)
		coverage_tell_waiting(stderr, &d->flows);
	return st;
}

static int
list_once(struct listing *l)
{
	const struct flows_options *o = l->o;
	struct store_filter store_filter = { .namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.since_us = o->since_us,
		.until_us = o->until_us };
	struct view_filter filter;
	struct dataset d;
	int rc;

	if (dataset_open(&d, o->db, &store_filter) != RF_OK)
		return STATUS_FAILURE;
	rc = scope_check_known(&flows_spec, &o->namespaces, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = edge_filter_make(
		    &filter, &flows_spec, &o->filter, &o->namespaces, &d);
	if (rc == OPTIONS_RUN && l->set != NULL && l->follow.looks == 0)
		dataset_warn_policies(&d, l->set);
	if (rc == OPTIONS_RUN)
		rc = show(l, &d, &filter) == RF_OK ? STATUS_OK : STATUS_FAILURE;
	dataset_close(&d);
	return rc;
}

/* Following ends by a signal, or when nobody reads any more. */
static int
list(const struct flows_options *o, const struct policy_set *set)
{
	struct listing l = { .o = o, .set = set };
	int rc = list_once(&l);

	while (o->follow && rc == STATUS_OK && fflush(stdout) == 0) {
		follow_wait(&l.follow, o->db);
		rc = list_once(&l);
	}
	follow_release(&l.follow);
	return rc;
}

static int
run(const struct flows_options *o, struct arena *arena)
{
	struct policy_source source = { &o->cluster, &o->files, o->recurse,
		o->default_namespace };
	struct policy_input in = { 0 };
	int rc = STATUS_FAILURE;

	if (o->files.n == 0 && !o->cluster.chosen)
		return list(o, NULL);
	if (source.default_namespace == NULL)
		source.default_namespace =
		    o->namespaces.n == 1 ? o->namespaces.v[0] : "default";
	if (cluster_or_files(&in, &source, arena) == RF_OK &&
	    policy_input_accept(&in, "listed") == RF_OK)
		rc = list(o, &in.set);
	policy_input_release(&in);
	return rc;
}

int
cmd_flows(int argc, char **argv)
{
	struct flows_options o = { 0 };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&flows_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN)
		rc = dataset_check_given(&flows_spec, o.db);
	if (rc == OPTIONS_RUN)
		rc = scope_check_either(
		    &flows_spec, &o.namespaces, o.all_namespaces);
	if (rc != OPTIONS_RUN)
		goto out;
	if (o.until_us != 0 && o.since_us >= o.until_us)
		rc =
		    options_usage(&flows_spec, "--since is not before --until");
	else if (o.files.n > 0 && o.cluster.chosen)
		rc = options_usage(
		    &flows_spec, "either -f or --cluster, not both");
	else
		rc = cluster_choice_check(&flows_spec, &o.cluster);
	if (rc == OPTIONS_RUN)
		rc = edge_filter_check(&flows_spec, &o.filter, &arena);
	if (rc == OPTIONS_RUN)
		rc = run(&o, &arena);
out:
	arena_release(&arena);
	return rc;
}

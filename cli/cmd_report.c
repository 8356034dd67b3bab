/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report: what was observed and what policies say of it, as one page. */
#include <stdio.h>

#include "cli/cluster_fetch.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/output_file.h"
#include "cli/policy_input.h"
#include "cli/scope.h"
#include "recommender/recommend.h"
#include "report/page.h"

#define PAGE_MAX ((size_t)1 << 30)

struct report_command {
	const char *db;
	struct option_list namespaces;
	bool all_namespaces;
	struct option_list files;
	struct cluster_choice cluster;
	bool recurse;
	const char *default_namespace;
	struct option_list metadata, link_local;
	const char *output;
};

#define AT(member) .offset = offsetof(struct report_command, member)

/* clang-format off */
static const struct option_spec table[] = {
	DATABASE_ROW(offsetof(struct report_command, db)),
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Report on this namespace. Repeatable." },
	{ .name = "all-namespaces", .letter = 'A', .kind = OPTION_FLAG,
	  AT(all_namespaces),
	  .help = "Report on every namespace that is known (default)." },
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Judge what was seen by these policies, all together, "
	      "instead of those that recommend would write. Repeatable." },
	CLUSTER_CHOICE_ROWS(offsetof(struct report_command, cluster),
	    "Instead of -f: the NetworkPolicies that live in the cluster "
	    "now."),
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace),
	  .help = "The namespace of policies that name none (default: the "
	      "namespace given with -n if it is one, else default)." },
	{ .name = "allow-metadata", .arg = "NS/WORKLOAD,...",
	  .kind = OPTION_LIST, .optional = true, AT(metadata),
	  .help = "As for recommend." },
	{ .name = "allow-link-local", .arg = "IP", .kind = OPTION_LIST,
	  AT(link_local),
	  .help = "As for recommend. Repeatable." },
	{ .name = "output", .letter = 'o', .arg = "FILE|-",
	  .kind = OPTION_TEXT, AT(output),
	  .help = "Write the page there; - (default) is standard output." },
};
/* clang-format on */

const struct command_spec report_spec = {
	.name = "report",
	.summary = "write an HTML page: graph, verdicts, readiness",
	.synopsis = "--db PATH [-n NS... | -A] [-o FILE|-]\n"
		    "      [-f FILE|DIR|-... | --cluster] [-R] "
		    "[--default-namespace NS]\n"
		    "      [--kubeconfig FILE] [--context NAME]\n"
		    "      [--allow-metadata[=NS/WORKLOAD,...]]\n"
		    "      [--allow-link-local IP...]",
	.about = "Write one HTML file for a browser: who talks to whom as a "
		 "graph and as tables,\nwhat policies say of each edge and "
		 "why, how ready each workload is, what to\ndecide, what is "
		 "not known, which policies nothing used. Without -f they "
		 "are\nthose that recommend would write. The page fetches "
		 "nothing and works without\nscripts.",
	.examples = "  # What is there, and what recommended policies mean\n"
		    "  ringfence report --db flows.db -o report.html\n\n"
		    "  # What the policies of a repository would drop\n"
		    "  ringfence report --db flows.db -n shop -R -f policies/ "
		    "-o shop.html\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static bool
has_policies(const struct report_command *o)
{
	return o->files.n > 0 || o->cluster.chosen;
}

/* Every edge is judged, also those that are not shown: they may be what a
 * rule is used for. */
static enum rf_status
make_page(const struct report_command *o, struct dataset *d,
    const struct policy_set *given, struct strbuf *out, struct rf_error *err)
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
	struct audit a;
	struct page_input in = { .recommendation = &r,
		.audit = &a,
		.namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.is_recommended = given == NULL };
	struct view v;
	enum rf_status st;

	st = recommend(&r, d->cluster, &d->flows, &options, &d->arena, err);
	if (st == RF_OK)
		st = view_make(
		    &v, &d->edges, &d->flows, d->cluster, &d->arena, err);
	if (st == RF_OK)
		st = audit_run(&a, &v, d->cluster,
		    given == NULL ? &r.set : given, &d->arena, err);
	if (st != RF_OK)
		return st;
	if (o->namespaces.n > 0)
		usage_keep_namespaces(
		    &a.usage, a.set, o->namespaces.v, o->namespaces.n);
	return page_write(out, &in, &d->arena, err);
}

static int
write_page(const struct report_command *o, struct dataset *d,
    const struct policy_set *given)
{
	struct rf_error err;
	struct strbuf page;
	enum rf_status st;

	if (given != NULL)
		dataset_warn_policies(d, given);
	strbuf_init(&page, PAGE_MAX);
	st = make_page(o, d, given, &page, &err);
	if (st == RF_OK)
		st = output_write(o->output, &page, &err);
	strbuf_release(&page);
	if (st == RF_OK)
		return STATUS_OK;
	fprintf(stderr, "ringfence: %s\n", err.msg);
	return STATUS_FAILURE;
}

/* Policies are refused before anything is asked of them. */
static int
run(const struct report_command *o, const char *default_namespace,
    struct arena *arena)
{
	static const struct store_filter everything = { 0 };
	const struct policy_source source = { &o->cluster, &o->files,
		o->recurse, default_namespace };
	struct policy_input in = { 0 };
	int rc = STATUS_FAILURE;
	struct dataset d;

	if (has_policies(o) &&
	    (cluster_or_files(&in, &source, arena) != RF_OK ||
		policy_input_accept(&in, "reported on") != RF_OK))
		goto out;
	if (dataset_open(&d, o->db, &everything) != RF_OK)
		goto out;
	rc = scope_check_known(&report_spec, &o->namespaces, d.cluster);
	if (rc == OPTIONS_RUN)
		rc =
		    scope_check_metadata(&report_spec, &o->metadata, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = write_page(o, &d, has_policies(o) ? &in.set : NULL);
	dataset_close(&d);
out:
	policy_input_release(&in);
	return rc;
}

static int
check_usage(const struct report_command *o)
{
	int rc = dataset_check_given(&report_spec, o->db);

	if (rc == OPTIONS_RUN)
		rc = dataset_check_output(&report_spec, o->db, o->output);
	if (rc == OPTIONS_RUN)
		rc = scope_check_either(
		    &report_spec, &o->namespaces, o->all_namespaces);
	if (rc != OPTIONS_RUN)
		return rc;
	if (o->files.n > 0 && o->cluster.chosen)
		return options_usage(
		    &report_spec, "either -f or --cluster, not both");
	return cluster_choice_check(&report_spec, &o->cluster);
}

int
cmd_report(int argc, char **argv)
{
	struct report_command o = { 0 };
	const char *ns = "default";
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&report_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN)
		rc = check_usage(&o);
	if (rc == OPTIONS_RUN)
		rc = scope_check_link_local(&report_spec, &o.link_local);
	if (o.default_namespace != NULL)
		ns = o.default_namespace;
	else if (o.namespaces.n == 1)
		ns = o.namespaces.v[0];
	if (rc == OPTIONS_RUN)
		rc = run(&o, ns, &arena);
	arena_release(&arena);
	return rc;
}

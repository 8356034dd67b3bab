/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_recommend: the policies that allow what was observed, and only that. */
#include <stdio.h>
#include <string.h>

#include "cli/cluster_fetch.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/policy_input.h"
#include "cli/scope.h"
#include "cli/terminal.h"
#include "recommender/recommend.h"
#include "report/coverage.h"
#include "report/policy_files.h"
#include "report/policy_stream.h"
#include "report/problems.h"
#include "report/recommendation.h"
#include "report/review.h"

#define REVIEW_MAX ((size_t)1 << 30)

struct recommend_command {
	const char *db;
	struct option_list namespaces;
	bool all_namespaces;
	const char *output; /* a directory; NULL and "-": standard output */
	struct option_list metadata, link_local;
	uint64_t max_external, external_budget;
	unsigned external, public_ingress, cni; /* indices of choices */
	struct option_list existing;
	struct cluster_choice cluster;
	bool incremental;
	bool force;
};

#define AT(member) .offset = offsetof(struct recommend_command, member)

static const char *const externals[] = { "exact", "any", NULL };
static const char *const publics[] = { "seen", "open", NULL };
/* As enum recommend_cni. */
static const char *const plugins[] = { "generic", "aws-vpc", "cilium", "calico",
	"kube-router", NULL };

/* clang-format off */
static const struct option_spec table[] = {
	DATABASE_ROW(offsetof(struct recommend_command, db)),
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Make policies for this namespace. Repeatable." },
	{ .name = "all-namespaces", .letter = 'A', .kind = OPTION_FLAG,
	  AT(all_namespaces),
	  .help = "Make policies for every namespace that is known." },
	{ .name = "output", .letter = 'o', .arg = "DIR|-",
	  .kind = OPTION_TEXT, AT(output),
	  .help = "Write DIR/NAMESPACE/NN-NAME.yaml, numbered in the order "
	      "in which to apply them; - (default) prints one YAML stream." },
	{ .name = "allow-metadata", .arg = "NS/WORKLOAD,...",
	  .kind = OPTION_LIST, .optional = true, AT(metadata),
	  .help = "Allow the cloud metadata address 169.254.169.254 to the "
	      "workloads that were seen to use it, or only to those named. "
	      "It hands out the node's credentials, so it is never allowed "
	      "unasked." },
	{ .name = "allow-link-local", .arg = "IP", .kind = OPTION_LIST,
	  AT(link_local),
	  .help = "Allow this other link-local address, such as "
	      "169.254.170.23, to the workloads that were seen to use it. "
	      "Repeatable." },
	{ .name = "max-external", .arg = "N", .kind = OPTION_NUMBER,
	  AT(max_external), .min = 1, .max = 10000,
	  .help = "How many external addresses a workload's rule names one "
	      "by one before they are merged (default 16)." },
	{ .name = "external-budget", .arg = "N", .kind = OPTION_NUMBER,
	  AT(external_budget), .min = 1, .max = 1000000,
	  .help = "How many addresses merged blocks may hold for each one "
	      "that was seen (default 4)." },
	{ .name = "external", .arg = "exact|any", .kind = OPTION_CHOICE,
	  AT(external), .choices = externals,
	  .help = "Beyond --max-external: merge addresses within the budget "
	      "(default), or allow every public address." },
	{ .name = "public-ingress", .arg = "seen|open",
	  .kind = OPTION_CHOICE, AT(public_ingress), .choices = publics,
	  .help = "For clients from outside: blocks for where they come from "
	      "(default), or a rule without peers, which admits every pod "
	      "too." },
	{ .name = "cni", .arg = "NAME", .kind = OPTION_CHOICE, AT(cni),
	  .choices = plugins,
	  .help = "The network plugin: generic (default), aws-vpc, cilium, "
	      "calico or kube-router. The manual says what differs." },
	{ .name = "existing", .arg = "FILE|DIR", .kind = OPTION_LIST,
	  AT(existing),
	  .help = "Policies that are there already; else those that the "
	      "snapshot held. REVIEW.md says what changes. Those that name "
	      "no namespace are of the one -n. Repeatable." },
	CLUSTER_CHOICE_ROWS(offsetof(struct recommend_command, cluster),
	    "Instead of --existing: the NetworkPolicies that live in the "
	    "cluster now."),
	{ .name = "incremental", .kind = OPTION_FLAG, AT(incremental),
	  .help = "Leave out what the existing policies allow already; they "
	      "are then meant to stay." },
	{ .name = "force", .kind = OPTION_FLAG, AT(force),
	  .help = "Write into folders that hold files of others, too. Those "
	      "stay as they are." },
};
/* clang-format on */

const struct command_spec recommend_spec = {
	.name = "recommend",
	.summary = "write the policies that allow what was observed",
	.synopsis = "--db PATH -n NS... | -A [-o DIR|-]\n"
		    "      [--allow-metadata[=NS/WORKLOAD,...]] "
		    "[--allow-link-local IP...]\n"
		    "      [--cni NAME] [--max-external N] "
		    "[--external-budget N]\n"
		    "      [--external exact|any] "
		    "[--public-ingress seen|open]\n"
		    "      "
		    "[--existing FILE|DIR... | --cluster]\n"
		    "      [--kubeconfig FILE] [--context NAME] "
		    "[--incremental] [--force]",
	.about =
	    "Write NetworkPolicies that allow exactly what was observed: one "
	    "per workload,\nDNS, and default-deny. Every observed edge is "
	    "replayed through them first. What\nwas left out is said with "
	    "its reason; exit status 1 when a person must decide.",
	.examples =
	    "  # One namespace, as files to review and apply in order\n"
	    "  ringfence recommend --db flows.db -n shop -o policies/\n\n"
	    "  # Everything, as one stream\n"
	    "  ringfence recommend --db flows.db -A > policies.yaml\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static bool
to_stdout(const struct recommend_command *o)
{
	return o->output == NULL || strcmp(o->output, "-") == 0;
}

static enum rf_status
write_files(const struct recommend_command *o, const struct recommendation *r,
    const struct flow_set *fs, size_t *removed, struct rf_error *err)
{
	struct strbuf review;
	enum rf_status st;

	strbuf_init(&review, REVIEW_MAX);
	st = review_write(&review, r, fs, err);
	if (st == RF_OK)
		st = policy_files_write(
		    o->output, r, strbuf_str(&review), o->force, removed, err);
	strbuf_release(&review);
	if (st == RF_EXISTS)
		return rf_wrap(err, st,
		    "nothing was written (choose another directory, or use "
		    "--force)");
	return st;
}

static void
say_written(const struct recommend_command *o, const struct recommendation *r,
    size_t removed)
{
	if (removed > 0)
		printf("Removed %zu file%s of an earlier run.\n", removed,
		    removed == 1 ? "" : "s");
	printf("Wrote %zu policies to ", r->n_files);
	terminal_puts(o->output, stdout);
	fputs(", and the evidence to REVIEW.md there. Next:\n"
	      "  ringfence audit --db ",
	    stdout);
	terminal_put_word(o->db, stdout);
	fputs(" -R -f ", stdout);
	terminal_put_word(o->output, stdout);
	putchar('\n');
}

/* The policies to their place, the story beside them. */
static enum rf_status
put(const struct recommend_command *o, const struct recommendation *r,
    const struct flow_set *fs, struct rf_error *err)
{
	FILE *story = to_stdout(o) ? stderr : stdout;
	size_t removed = 0;
	enum rf_status st;

	if (r->n_files == 0) {
		fputs("No policies: the namespaces have neither pods nor "
		      "observed edges.\n",
		    stderr);
		return RF_OK;
	}
	if (to_stdout(o))
		st = policy_stream_print(stdout, r, err);
	else
		st = write_files(o, r, fs, &removed, err);
	if (st == RF_OK)
		st = recommendation_print(story, r, err);
	if (st != RF_OK)
		return st;
	fputc('\n', story);
	coverage_print(story, fs);
	if (!to_stdout(o))
		say_written(o, r, removed);
	return RF_OK;
}

/* The existing policies: those that were named, else those of the cluster or
 * the database. What is wrong was said. */
static enum rf_status
read_existing(const struct recommend_command *o, struct dataset *d,
    struct policy_input *in)
{
	const char *ns = o->namespaces.n == 1 ? o->namespaces.v[0] : "default";
	struct rf_error err;
	enum rf_status st;

	if (o->existing.n > 0)
		st = policy_input_read(in, &o->existing, true, ns, &d->arena);
	else if (o->cluster.chosen)
		st = cluster_fetch_policies(
		    in, &o->cluster.connection, &d->arena);
	else
		st = cluster_policies_read(
		    in, d->cluster, "the database", &d->arena);
	/* What a cluster holds a server has taken; only what somebody wrote
	 * may have mistakes. */
	if (st != RF_OK || in->n_refusals == 0 || o->existing.n == 0)
		return st;
	fputs("ringfence: existing policies that no server would have "
	      "taken:\n",
	    stderr);
	if (problems_print_text(stderr, in->problems, in->n_problems, &err) !=
	    RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	return RF_INVAL;
}

static int
make(const struct recommend_command *o, struct dataset *d,
    const struct policy_set *existing)
{
	struct recommend_options options = {
		.namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.max_external = (unsigned)o->max_external,
		.external_budget = (unsigned)o->external_budget,
		.external_any = o->external == 1,
		.public_open = o->public_ingress == 1,
		.cni = (enum recommend_cni)o->cni,
		.existing = existing->n_policies > 0 ? existing : NULL,
		.incremental = o->incremental,
		.allow_metadata = o->metadata.given && o->metadata.n == 0,
		.metadata_workloads = o->metadata.v,
		.n_metadata_workloads = o->metadata.n,
		.link_local = o->link_local.v,
		.n_link_local = o->link_local.n,
	};
	struct recommendation r;
	struct rf_error err;
	enum rf_status st;

	st = recommend(&r, d->cluster, &d->flows, &options, &d->arena, &err);
	if (st == RF_CORRUPT) {
		fprintf(stderr,
		    "ringfence: nothing was written, for the proof failed: "
		    "%s\nThis is a defect of ringfence; please report it.\n",
		    err.msg);
		return STATUS_FAILURE;
	}
	if (st == RF_OK)
		st = put(o, &r, &d->flows, &err);
	if (st != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		return STATUS_FAILURE;
	}
	return recommendation_count(&r, NOTE_DECISION) > 0 ? STATUS_FINDINGS
							   : STATUS_OK;
}

static int
run(const struct recommend_command *o)
{
	static const struct store_filter everything = { 0 };
	struct policy_input existing = { 0 };
	struct dataset d;
	int rc;

	if (dataset_open(&d, o->db, &everything) != RF_OK)
		return STATUS_FAILURE;
	rc = scope_check_known(&recommend_spec, &o->namespaces, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = scope_check_metadata(
		    &recommend_spec, &o->metadata, d.cluster);
	if (rc == OPTIONS_RUN)
		rc = read_existing(o, &d, &existing) == RF_OK
		    ? make(o, &d, &existing.set)
		    : STATUS_FAILURE;
	policy_input_release(&existing);
	dataset_close(&d);
	return rc;
}

int
cmd_recommend(int argc, char **argv)
{
	struct recommend_command o = { 0 };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&recommend_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN)
		rc = dataset_check_given(&recommend_spec, o.db);
	if (rc != OPTIONS_RUN)
		goto out;
	rc =
	    scope_check_given(&recommend_spec, &o.namespaces, o.all_namespaces);
	if (rc == OPTIONS_RUN && o.existing.n > 0 && o.cluster.chosen)
		rc = options_usage(&recommend_spec,
		    "either --existing or --cluster, not both");
	if (rc == OPTIONS_RUN)
		rc = scope_check_link_local(&recommend_spec, &o.link_local);
	if (rc == OPTIONS_RUN)
		rc = cluster_choice_check(&recommend_spec, &o.cluster);
	if (rc == OPTIONS_RUN)
		rc = run(&o);
out:
	arena_release(&arena);
	return rc;
}

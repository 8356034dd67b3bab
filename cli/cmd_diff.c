/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_diff: what do two sets of policies say differently? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cluster_fetch.h"
#include "cli/cluster_input.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/policy_input.h"
#include "report/diff_print.h"
#include "report/table.h"

enum format { FORMAT_TABLE, FORMAT_JSON };

struct diff_options {
	struct option_list snapshots, operands;
	struct cluster_choice cluster;
	const char *db, *namespace;
	bool recurse;
	unsigned format; /* enum format */
};

static const char *const formats[] = { "table", "json", NULL };

#define AT(member) .offset = offsetof(struct diff_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below A and B." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_TEXT, AT(namespace),
	  .help = "The namespace of policies that name none (default: "
	      "default)." },
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, AT(db),
	  .help = "Also list the observed edges that change verdict." },
	{ .name = "snapshot", .letter = 's', .arg = "FILE",
	  .kind = OPTION_LIST, AT(snapshots),
	  .help = "Also list the pairs of workloads that change verdict, on "
	      "the ports that pods declare; the cluster's objects as "
	      "'kubectl get ... -o json' prints them. Repeatable." },
	CLUSTER_CHOICE_ROWS(offsetof(struct diff_options, cluster),
	    "Instead of A: the NetworkPolicies that live in the cluster "
	    "now."),
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default) or json." },
};
/* clang-format on */

const struct command_spec diff_spec = {
	.name = "diff",
	.summary = "what two sets of policies say differently",
	.synopsis = "A|--cluster B [-R] [-n NS] [--db PATH] "
		    "[--snapshot FILE]...\n"
		    "      [--kubeconfig FILE] [--context NAME] "
		    "[-o table|json]",
	.about =
	    "Compare the meaning of two sets of NetworkPolicies, not their "
	    "text: order,\nrepetition, split rules and the like make no "
	    "difference. A and B are files,\ndirectories or - for standard "
	    "input. Exit status 0 when they mean the same,\n1 when they do "
	    "not.",
	.examples = "  # What would this change do to the traffic that was "
		    "seen?\n"
		    "  ringfence diff -R old/ new/ --db flows.db\n\n"
		    "  # Is the cluster as the repository says?\n"
		    "  ringfence diff --cluster -R policies/\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
	.takes_operands = true,
	.operands = offsetof(struct diff_options, operands),
};

/* Both sets, and what they are compared on. */
struct comparison {
	const struct diff_options *o;
	struct arena arena;
	struct policy_input a, b;
	struct diff diff;
	struct dataset data; /* --db */
	bool has_data;
	struct cluster *cluster; /* --snapshot */
	struct view view;
	struct audit before, after;
	struct diff_pairs pairs;
	struct diff_report report;
};

static enum rf_status
read_side(struct comparison *c, struct policy_input *out, bool is_b)
{
	static const struct cluster_choice none = { .chosen = false };
	const struct diff_options *o = c->o;
	size_t i = is_b ? o->operands.n - 1 : 0;
	struct option_list one = { .v = &o->operands.v[i], .n = 1 };
	const struct policy_source source = { is_b ? &none : &o->cluster, &one,
		o->recurse, o->namespace };
	enum rf_status st = cluster_or_files(out, &source, &c->arena);

	if (st == RF_OK)
		st = policy_input_accept(out, "compared");
	if (st == RF_OK && out->set.n_policies == 0)
		fprintf(stderr, "Warning: there is no NetworkPolicy in %s.\n",
		    !is_b && o->cluster.chosen ? "the cluster" : one.v[0]);
	return st;
}

static enum rf_status
compare_edges(struct comparison *c, struct rf_error *err)
{
	const struct store_filter all = { 0 };
	struct dataset *d = &c->data;
	enum rf_status st = dataset_open(d, c->o->db, &all);

	if (st != RF_OK) {
		err->msg[0] = '\0'; /* said already */
		return st;
	}
	c->has_data = true;
	st = view_make(
	    &c->view, &d->edges, &d->flows, d->cluster, &c->arena, err);
	if (st == RF_OK)
		st = audit_run(&c->before, &c->view, d->cluster, &c->a.set,
		    &c->arena, err);
	if (st == RF_OK)
		st = audit_run(
		    &c->after, &c->view, d->cluster, &c->b.set, &c->arena, err);
	c->report.before = &c->before;
	c->report.after = &c->after;
	return st;
}

static enum rf_status
compare_pairs(struct comparison *c, struct rf_error *err)
{
	enum rf_status st =
	    cluster_input_read(&c->cluster, &c->o->snapshots, NULL);

	if (st != RF_OK) {
		err->msg[0] = '\0';
		return st;
	}
	c->report.cluster = c->cluster;
	c->report.pairs = &c->pairs;
	return diff_find_pairs(&c->pairs, &c->diff, c->cluster, &c->arena, err);
}

static enum rf_status
compare(struct comparison *c, struct rf_error *err)
{
	const struct cluster *known;
	enum rf_status st;

	st = diff_make(&c->diff, &c->a.set, &c->b.set, &c->arena, err);
	if (st == RF_OK && c->o->db != NULL)
		st = compare_edges(c, err);
	if (st == RF_OK && c->o->snapshots.n > 0)
		st = compare_pairs(c, err);
	known = c->cluster != NULL ? c->cluster : c->data.cluster;
	if (st == RF_OK && known != NULL)
		st = diff_find_effects(&c->diff, known, &c->arena, err);
	return st;
}

static enum rf_status
print(const struct comparison *c, struct rf_error *err)
{
	bool colour =
	    table_wants_colour(stdout, getenv("NO_COLOR"), getenv("TERM"));

	if (diff_pairs_left_out(&c->pairs) > 0)
		fprintf(stderr,
		    "ringfence: warning: %zu pairs change verdict; %zu of them "
		    "are kept, the others are in the totals alone\n",
		    c->pairs.n_denied + c->pairs.n_allowed, c->pairs.n);
	if (c->o->format == FORMAT_JSON)
		return diff_print_json(stdout, &c->report, err);
	return diff_print_table(stdout, &c->report, colour, err);
}

static int
run(struct comparison *c)
{
	struct rf_error err = { .msg = "" };
	enum rf_status st;
	int rc = STATUS_FAILURE;

	if (read_side(c, &c->a, false) != RF_OK ||
	    read_side(c, &c->b, true) != RF_OK)
		goto out;
	c->report.diff = &c->diff;
	st = compare(c, &err);
	if (st == RF_OK)
		st = print(c, &err);
	if (st == RF_OK)
		rc = diff_has_changes(&c->diff) ? STATUS_FINDINGS : STATUS_OK;
	else if (err.msg[0] != '\0')
		fprintf(stderr, "ringfence: %s\n", err.msg);
out:
	if (c->has_data)
		dataset_close(&c->data);
	cluster_free(c->cluster);
	policy_input_release(&c->a);
	policy_input_release(&c->b);
	return rc;
}

static int
check_usage(const struct diff_options *o)
{
	size_t inputs = 0;

	for (size_t i = 0; i < o->operands.n; i++)
		inputs += strcmp(o->operands.v[i], "-") == 0;
	for (size_t i = 0; i < o->snapshots.n; i++)
		inputs += strcmp(o->snapshots.v[i], "-") == 0;
	if (o->cluster.chosen && o->operands.n != 1)
		return options_usage(&diff_spec,
		    "--cluster is A, so one set is named, B; %zu given",
		    o->operands.n);
	if (!o->cluster.chosen && o->operands.n != 2)
		return options_usage(&diff_spec,
		    "two sets are compared, A and B; %zu given", o->operands.n);
	if (inputs > 1)
		return options_usage(
		    &diff_spec, "standard input (-) can be read only once");
	return cluster_choice_check(&diff_spec, &o->cluster);
}

int
cmd_diff(int argc, char **argv)
{
	struct diff_options o = { .namespace = "default" };
	struct comparison c = { .o = &o };
	int rc;

	arena_init(&c.arena, 0);
	rc = options_parse(&diff_spec, argc, argv, &o, &c.arena);
	if (rc == OPTIONS_RUN)
		rc = check_usage(&o);
	if (rc == OPTIONS_RUN)
		rc = run(&c);
	arena_release(&c.arena);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check: would these policies let this connection pass, and why? */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cluster_fetch.h"
#include "cli/cluster_input.h"
#include "cli/commands.h"
#include "cli/end_ref.h"
#include "cli/policy_input.h"
#include "cli/probe.h"
#include "report/check_print.h"

enum format { FORMAT_TEXT, FORMAT_JSON };

struct check_options {
	struct option_list snapshots, files, operands;
	struct cluster_choice cluster;
	const char *db, *namespace, *probes;
	bool recurse, see_host_pods;
	uint64_t port;
	unsigned protocol; /* index in protocols */
	unsigned format;   /* enum format */
};

static const char *const formats[] = { "text", "json", NULL };
static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };

#define AT(member) .offset = offsetof(struct check_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "snapshot", .letter = 's', .arg = "FILE",
	  .kind = OPTION_LIST, AT(snapshots),
	  .help = "The cluster's objects, as 'kubectl get ... -o json' prints "
	      "them. Repeatable, earlier states first." },
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, AT(db),
	  .env = "RINGFENCE_DB",
	  .help = "Without a snapshot: the database that knows the objects; "
	      "else $RINGFENCE_DB." },
	CLUSTER_CHOICE_ROWS(offsetof(struct check_options, cluster),
	    "The objects that live in the cluster now, and without -f its "
	    "policies."),
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Policies as YAML or JSON: a file, the files of a "
	      "directory, or standard input. Repeatable; all of them apply "
	      "together." },
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_TEXT, AT(namespace),
	  .help = "The namespace of policies that name none (default: "
	      "default)." },
	{ .name = "port", .letter = 'p', .arg = "N", .kind = OPTION_NUMBER,
	  AT(port), .min = 1, .max = 65535,
	  .help = "The destination's port: the pod's own, or a Service's "
	      "when DST is one." },
	{ .name = "protocol", .arg = "PROTOCOL", .kind = OPTION_CHOICE,
	  AT(protocol), .choices = protocols,
	  .help = "TCP (default), UDP or SCTP." },
	{ .name = "probes", .arg = "FILE|-", .kind = OPTION_TEXT, AT(probes),
	  .help = "Instead of SRC and DST: many connections, one JSON object "
	      "a line, answered in their order." },
	{ .name = "see-host-network", .kind = OPTION_FLAG, AT(see_host_pods),
	  .help = "Take hostNetwork pods that are named for pods like all "
	      "others, as few network plugins do, and not for their node." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "text (default), or json: one object, or with --probes one "
	      "a line." },
};
/* clang-format on */

const struct command_spec check_spec = {
	.name = "check",
	.summary = "would policies let one connection pass, and why",
	.synopsis = "--snapshot FILE...|--db PATH -f FILE|DIR|-... [-R] "
		    "[-n NS]\n"
		    "      SRC DST --port N [--protocol TCP|UDP|SCTP] "
		    "[-o text|json]\n"
		    "      [--see-host-network]\n"
		    "  ringfence check --snapshot FILE...|--db PATH "
		    "-f FILE|DIR|-... [-R] [-n NS]\n"
		    "      --probes FILE|- [-o text|json]\n"
		    "  ringfence check --cluster [--kubeconfig FILE] "
		    "[--context NAME]\n"
		    "      [-f FILE|DIR|-...] and the rest as above",
	.about =
	    "Say of a connection that need not exist whether these policies, "
	    "all together,\nlet it pass: what isolates each side, the rule "
	    "that allows it, or the one that\ncame nearest and what it "
	    "lacks. SRC and DST are NS/POD, NS/KIND/NAME (all pods\nof a "
	    "workload), svc/NS/NAME (the ready pods behind a Service, at "
	    "their target\nport) or an address. Exit status 1 when it, or "
	    "any of several, is denied.",
	.examples =
	    "  # May web reach the database?\n"
	    "  ringfence check --snapshot objects.json -R -f policies/ \\\n"
	    "    shop/deploy/web shop/sts/db --port 5432\n\n"
	    "  # DNS through its Service\n"
	    "  ringfence check --db flows.db -R -f policies/ \\\n"
	    "    shop/web-6d4cf56db6-7xk2p svc/kube-system/kube-dns "
	    "--port 53 --protocol UDP\n\n"
	    "  # Many at once\n"
	    "  echo '{\"src\":\"10.1.0.4\",\"dst\":\"10.1.0.9\","
	    "\"proto\":\"TCP\",\"port\":80}' |\n"
	    "    ringfence check --db flows.db -R -f policies/ --probes - "
	    "-o json\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
	.takes_operands = true,
	.operands = offsetof(struct check_options, operands),
};

static int
fail(const struct rf_error *err)
{
	fprintf(stderr, "ringfence: %s\n", err->msg);
	return STATUS_FAILURE;
}

static int
check_probes(const struct check_options *o, const struct check_scene *s)
{
	bool is_stdin = strcmp(o->probes, "-") == 0;
	struct probe_files f = { .in = is_stdin ? stdin : fopen(o->probes, "r"),
		.out = stdout,
		.name = is_stdin ? "standard input" : o->probes };
	struct probe_counts counts;
	struct rf_error err;
	enum rf_status st;

	if (f.in == NULL) {
		fprintf(
		    stderr, "ringfence: %s: %s\n", o->probes, strerror(errno));
		return STATUS_FAILURE;
	}
	if (is_stdin && isatty(STDIN_FILENO) == 1)
		fputs("Reading probes from the terminal; end with Ctrl-D.\n",
		    stderr);
	st = probe_answer_all(&counts, &f, s, o->format == FORMAT_JSON, &err);
	if (!is_stdin)
		(void)fclose(f.in);
	if (st != RF_OK)
		return fail(&err);
	if (o->format == FORMAT_TEXT)
		fprintf(stderr, "%" PRIu64 " probe%s, %" PRIu64 " denied.\n",
		    counts.probes, counts.probes == 1 ? "" : "s",
		    counts.denied);
	return counts.denied > 0 ? STATUS_FINDINGS : STATUS_OK;
}

/* Name the end; a text of no known form is a mistake in usage. */
static int
find_end(struct end_ref *out, const char *text, const struct check_scene *s,
    struct end_port port, struct arena *arena)
{
	struct rf_error err;
	enum rf_status st =
	    end_ref_find(out, text, s->cluster, port, arena, &err);

	if (st == RF_INVAL)
		return options_usage(&check_spec, "%s", err.msg);
	return st == RF_OK ? OPTIONS_RUN : fail(&err);
}

static int
check_one(const struct check_options *o, const struct check_scene *s,
    struct arena *arena)
{
	struct end_port to = { (uint16_t)o->port,
		(uint8_t)flow_protocol_parse(protocols[o->protocol]) };
	struct end_port from = { 0, to.protocol };
	struct check_result result;
	struct check_report r = { .scene = s,
		.result = &result,
		.port = to.port,
		.protocol = to.protocol };
	struct end_ref src, dst;
	struct check_ask ask;
	struct rf_error err;
	enum rf_status st;
	int rc;

	rc = find_end(&src, o->operands.v[0], s, from, arena);
	if (rc == OPTIONS_RUN)
		rc = find_end(&dst, o->operands.v[1], s, to, arena);
	if (rc != OPTIONS_RUN)
		return rc;
	ask = (struct check_ask){ src.ends, dst.ends, src.n_ends, dst.n_ends,
		to.protocol };
	st = check_run(&result, s, &ask, arena, &err);
	r.src = src.text;
	r.dst = dst.text;
	r.service = dst.service;
	r.by_selector = dst.by_selector;
	r.by_node = dst.by_node;
	if (st == RF_OK)
		st = o->format == FORMAT_JSON
		    ? check_print_json(stdout, &r, &err)
		    : check_print_text(stdout, &r, &err);
	if (st != RF_OK)
		return fail(&err);
	return result.n_denied > 0 ? STATUS_FINDINGS : STATUS_OK;
}

static int
check(const struct check_options *o, const struct policy_set *set,
    const struct cluster *cluster, struct arena *arena)
{
	struct check_scene s = { .set = set, .cluster = cluster };
	struct evaluator *evaluator;
	struct rf_error err;
	int rc;

	if (evaluator_new(&evaluator, set, cluster, &err) != RF_OK)
		return fail(&err);
	s.evaluator = evaluator;
	rc = o->probes != NULL ? check_probes(o, &s) : check_one(o, &s, arena);
	evaluator_free(evaluator);
	return rc;
}

/* Read the policies first: they are refused before anything is asked. */
static int
run(const struct check_options *o, struct arena *arena)
{
	const struct policy_source source = { &o->cluster, &o->files,
		o->recurse, o->namespace };
	struct cluster *cluster;
	struct policy_input in;
	int rc = STATUS_FAILURE;

	if (cluster_fetch_input(&cluster, &in, &source, arena) != RF_OK)
		goto out;
	if (policy_input_accept(&in, "checked") != RF_OK)
		goto out;
	if (in.set.n_policies == 0)
		fprintf(stderr,
		    "Warning: there is no NetworkPolicy in %s, so everything "
		    "is allowed.\n",
		    o->files.n == 0 ? "the cluster" : "what -f names");
	if (cluster == NULL &&
	    cluster_input_read(&cluster, &o->snapshots, o->db) != RF_OK)
		goto out;
	if (o->see_host_pods)
		cluster_see_host_pods(cluster);
	rc = check(o, &in.set, cluster, arena);
out:
	policy_input_release(&in);
	cluster_free(cluster);
	return rc;
}

static int
check_usage(const struct check_options *o)
{
	const struct option_list *words = &o->operands;
	size_t inputs = o->probes != NULL && strcmp(o->probes, "-") == 0;

	for (size_t i = 0; i < o->snapshots.n; i++)
		inputs += strcmp(o->snapshots.v[i], "-") == 0;
	for (size_t i = 0; i < o->files.n; i++)
		inputs += strcmp(o->files.v[i], "-") == 0;
	if (inputs > 1)
		return options_usage(
		    &check_spec, "standard input (-) can be read only once");
	if (o->cluster.chosen && o->snapshots.n > 0)
		return options_usage(
		    &check_spec, "either --snapshot or --cluster, not both");
	if (o->snapshots.n == 0 && o->db == NULL && !o->cluster.chosen)
		return options_usage(&check_spec,
		    "which cluster? Give --snapshot FILE, --db PATH or "
		    "--cluster");
	if (o->files.n == 0 && !o->cluster.chosen)
		return options_usage(&check_spec,
		    "which policies? Give -f FILE, -f DIR or -f -");
	if (o->probes != NULL)
		return words->n == 0 && o->port == 0
		    ? OPTIONS_RUN
		    : options_usage(&check_spec,
			  "--probes names the connections: no SRC, DST or "
			  "--port beside it");
	if (words->n != 2)
		return options_usage(&check_spec,
		    "a connection has two ends, SRC and DST; %zu given",
		    words->n);
	if (o->port == 0)
		return options_usage(
		    &check_spec, "which --port of %s?", words->v[1]);
	return OPTIONS_RUN;
}

int
cmd_check(int argc, char **argv)
{
	struct check_options o = { .namespace = "default" };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&check_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN)
		rc = check_usage(&o);
	if (rc == OPTIONS_RUN)
		rc = cluster_choice_check(&check_spec, &o.cluster);
	if (rc == OPTIONS_RUN)
		rc = run(&o, &arena);
	arena_release(&arena);
	return rc;
}

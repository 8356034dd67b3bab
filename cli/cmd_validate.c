/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_validate: would an API server accept these policies? */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/policy_input.h"
#include "report/problems.h"

enum format { FORMAT_TEXT, FORMAT_JSON };

struct validate_options {
	struct option_list files;
	bool recurse;
	const char *default_namespace;
	unsigned format; /* enum format */
};

static const char *const formats[] = { "text", "json", NULL };

#define AT(member) .offset = offsetof(struct validate_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "filename", .letter = 'f', .arg = "FILE|DIR|-",
	  .kind = OPTION_LIST, AT(files),
	  .help = "Policies as YAML or JSON: a file, the files of a "
	      "directory, or standard input. Repeatable." },
	{ .name = "recursive", .letter = 'R', .kind = OPTION_FLAG,
	  AT(recurse), .help = "Also read the directories below DIR." },
	{ .name = "default-namespace", .arg = "NS", .kind = OPTION_TEXT,
	  AT(default_namespace),
	  .help = "The namespace of policies that name none (default: "
	      "default)." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "text (default), or json: one object a line." },
};
/* clang-format on */

const struct command_spec validate_spec = {
	.name = "validate",
	.summary = "would an API server accept these policies",
	.synopsis = "-f FILE|DIR|-... [-R] [-o text|json]\n"
		    "      [--default-namespace NS]",
	.about = "Check NetworkPolicies as an API server with strict field "
		 "validation does, and\nreport every mistake with file, line "
		 "and field. No cluster is asked.",
	.examples = "  # Everything below a folder\n"
		    "  ringfence validate -R -f policies/\n\n"
		    "  # What a template made\n"
		    "  helm template . | ringfence validate -f -\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static int
say_result(const struct policy_input *in)
{
	if (in->n_refusals > 0) {
		fprintf(stderr, "%zu mistake%s: a server would refuse this.\n",
		    in->n_refusals, in->n_refusals == 1 ? "" : "s");
		return STATUS_FINDINGS;
	}
	fprintf(stderr, "%zu NetworkPolic%s, no mistakes.\n",
	    in->set.n_policies, in->set.n_policies == 1 ? "y" : "ies");
	return STATUS_OK;
}

static int
validate(const struct validate_options *o, struct arena *arena)
{
	struct policy_input in;
	struct rf_error err;
	int rc = STATUS_FAILURE;

	if (policy_input_read(&in, &o->files, o->recurse, o->default_namespace,
		arena) != RF_OK)
		goto out;
	if (o->format == FORMAT_JSON)
		problems_print_json(stdout, in.problems, in.n_problems);
	else if (problems_print_text(
		     stdout, in.problems, in.n_problems, &err) != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		goto out;
	}
	rc = say_result(&in);
out:
	policy_input_release(&in);
	return rc;
}

int
cmd_validate(int argc, char **argv)
{
	struct validate_options o = { .default_namespace = "default" };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&validate_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN && o.files.n == 0)
		rc = options_usage(&validate_spec,
		    "which policies? Give -f FILE, -f DIR or -f -");
	else if (rc == OPTIONS_RUN)
		rc = validate(&o, &arena);
	arena_release(&arena);
	return rc;
}

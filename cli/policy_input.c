/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/problems.h"

enum rf_status
policy_input_finish(
    struct policy_input *in, enum rf_status st, struct rf_error *err)
{
	if (st == RF_OK)
		st = policy_reader_finish(in->reader, &in->set, err);
	if (st != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err->msg);
		return st;
	}
	in->problems = policy_reader_problems(in->reader, &in->n_problems);
	in->n_refusals = policy_reader_refusals(in->reader);
	return RF_OK;
}

/* Nothing was found, and there are directories in which nobody looked. */
static void
hint_at_recursion(const struct option_list *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		if (policy_path_goes_deeper(paths->v[i])) {
			fprintf(stderr,
			    "Note: no policy in %s; the directories below it "
			    "are read with -R.\n",
			    paths->v[i]);
			return;
		}
}

enum rf_status
policy_input_read(struct policy_input *out, const struct option_list *paths,
    bool recurse, const char *default_namespace, struct arena *arena)
{
	struct rf_error err;
	enum rf_status st;

	*out = (struct policy_input){ 0 };
	st = policy_reader_new(&out->reader, arena, default_namespace, &err);
	for (size_t i = 0; st == RF_OK && i < paths->n; i++) {
		if (strcmp(paths->v[i], "-") == 0 && isatty(STDIN_FILENO) == 1)
			fputs("Reading policies from the terminal; end with "
			      "Ctrl-D.\n",
			    stderr);
		st =
		    policy_reader_path(out->reader, paths->v[i], recurse, &err);
	}
	st = policy_input_finish(out, st, &err);
	if (st == RF_OK && out->set.n_policies == 0 && !recurse)
		hint_at_recursion(paths);
	return st;
}

enum rf_status
policy_input_accept(const struct policy_input *in, const char *done)
{
	struct rf_error err;
	size_t skipped = 0;

	for (size_t i = 0; i < in->n_problems; i++) {
		if (in->problems[i].type == PROBLEM_NOTICE)
			skipped++;
		else if (problems_print_text(
			     stderr, &in->problems[i], 1, &err) != RF_OK) {
			fprintf(stderr, "ringfence: %s\n", err.msg);
			return err.code;
		}
	}
	if (skipped > 0)
		fprintf(stderr,
		    "Note: %zu remark%s left out; 'ringfence validate' shows "
		    "what was skipped.\n",
		    skipped, skipped == 1 ? "" : "s");
	if (in->n_refusals == 0)
		return RF_OK;
	fprintf(stderr,
	    "ringfence: a server would refuse these policies (%zu "
	    "mistake%s); nothing was %s\n",
	    in->n_refusals, in->n_refusals == 1 ? "" : "s", done);
	return RF_INVAL;
}

void
policy_input_release(struct policy_input *in)
{
	policy_reader_free(in->reader);
	*in = (struct policy_input){ 0 };
}

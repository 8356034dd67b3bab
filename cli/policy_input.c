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

static enum rf_status
read_paths(struct policy_input *out, const struct option_list *paths,
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
	return policy_input_finish(out, st, &err);
}

enum rf_status
policy_input_read_any(struct policy_input *out, const struct option_list *paths,
    const char *default_namespace, struct arena *arena)
{
	return read_paths(out, paths, true, default_namespace, arena);
}

enum rf_status
policy_input_read(struct policy_input *out, const struct option_list *paths,
    bool recurse, const char *default_namespace, struct arena *arena)
{
	const char *name = paths->n == 1 ? paths->v[0] : "what was named";
	enum rf_status st =
	    read_paths(out, paths, recurse, default_namespace, arena);

	if (st != RF_OK || out->set.n_policies > 0)
		return st;
	if (!recurse)
		hint_at_recursion(paths);
	if (out->n_refusals > 0 || policy_reader_objects(out->reader) > 0)
		return RF_OK;
	fprintf(stderr,
	    "ringfence: there is no policy, nor any other object, in %s\n",
	    strcmp(name, "-") == 0 ? "standard input" : name);
	return RF_INVAL;
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

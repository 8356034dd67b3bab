/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_input: the policies that -f names, read for a command.
 */
#ifndef CLI_POLICY_INPUT_H
#define CLI_POLICY_INPUT_H

#include "cli/options.h"
#include "core/error.h"
#include "policy/read.h"

struct policy_input {
	struct policy_reader *reader;
	struct policy_set set; /* of no use when there are refusals */
	const struct policy_problem *problems;
	size_t n_problems;
	size_t n_refusals;
};

/*
 * Read every path. Failures to read are said on stderr; problems of the
 * policies are not, they are the caller's. Memory is the arena's; release in
 * any case. RF_INVAL, said too: there is no object in any of them, as in a
 * folder that moved, one whose folders nobody looks into, or the output of a
 * command that failed. An empty List is an object.
 */
RF_MUST_USE enum rf_status policy_input_read(struct policy_input *out,
    const struct option_list *paths, bool recurse,
    const char *default_namespace, struct arena *arena);

/* The same where there may be nothing, with all folders below. */
RF_MUST_USE enum rf_status policy_input_read_any(struct policy_input *out,
    const struct option_list *paths, const char *default_namespace,
    struct arena *arena);

/*
 * The end of reading into in->reader, of which st is the outcome so far and err
 * the reason: the set and its problems, or a failure, which is said on stderr.
 */
RF_MUST_USE enum rf_status policy_input_finish(
    struct policy_input *in, enum rf_status st, struct rf_error *err);

/*
 * Say on stderr what a user must know of what was read: warnings, mistakes,
 * and how many notices there were. RF_INVAL: a server would refuse it, so
 * that nothing was done ("checked", "compared").
 */
RF_MUST_USE enum rf_status policy_input_accept(
    const struct policy_input *in, const char *done);

void policy_input_release(struct policy_input *in);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_fetch: what a command asks the API server for, once.
 */
#ifndef CLI_CLUSTER_FETCH_H
#define CLI_CLUSTER_FETCH_H

#include <stdio.h>

#include "cli/cluster_options.h"
#include "cli/policy_input.h"
#include "kube/client_save.h"
#include "kube/cluster.h"

/*
 * Write the objects as one List to out, which must allow seeking; only one
 * resource of them, or with NULL all. What a person should know meanwhile is
 * said on stderr.
 */
RF_MUST_USE enum rf_status cluster_fetch_list(const struct cluster_options *o,
    const char *only, FILE *out, struct client_save_report *report,
    struct rf_error *err);

/* The NetworkPolicies that live in the cluster now; as policy_input_read. */
RF_MUST_USE enum rf_status cluster_fetch_policies(struct policy_input *out,
    const struct cluster_options *o, struct arena *arena);

/* Where a command takes its policies from. */
struct policy_source {
	const struct cluster_choice *choice;
	const struct option_list *files;
	bool recurse;
	const char *default_namespace; /* of policies in files */
};

/* Those of the cluster, if it is chosen, else those of the files. */
RF_MUST_USE enum rf_status cluster_or_files(struct policy_input *out,
    const struct policy_source *source, struct arena *arena);

/* The NetworkPolicies that c holds, whose texts come from what origin names. */
RF_MUST_USE enum rf_status cluster_policies_read(struct policy_input *out,
    const struct cluster *c, const char *origin, struct arena *arena);

/*
 * For a command that asks about objects: with a cluster chosen *out is what
 * lives there, and so are the policies of in unless files name them; else *out
 * is NULL and the files are read. Release both in any case.
 */
RF_MUST_USE enum rf_status cluster_fetch_input(struct cluster **out,
    struct policy_input *in, const struct policy_source *source,
    struct arena *arena);

#endif

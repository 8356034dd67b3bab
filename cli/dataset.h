/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset: what a database holds, loaded for a command that only reads.
 */
#ifndef CLI_DATASET_H
#define CLI_DATASET_H

#include "cli/options.h"
#include "core/arena.h"
#include "core/edge.h"
#include "core/flow.h"
#include "kube/cluster.h"
#include "policy/policy.h"
#include "store/store.h"

struct dataset {
	struct store *store;
	struct cluster *cluster;
	struct arena arena; /* of flows and edges; the command may use it */
	struct flow_set flows;
	struct edge_set edges;
};

/* The row of --db in an option table; at is the offset of its text. */
/* clang-format off */
#define DATABASE_ROW(at) \
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, .offset = (at), \
	  .env = "RINGFENCE_DB", \
	  .help = "The database to read; else $RINGFENCE_DB." }
/* clang-format on */

/* Is a database named? OPTIONS_RUN, or the exit status after it was said that
 * none is. */
int dataset_check_given(const struct command_spec *spec, const char *db);

/* The same for a file to write, NULL for none: is it not that database? */
int dataset_check_output(
    const struct command_spec *spec, const char *db, const char *output);

/*
 * Open the database at path and load cluster, flows and edges. On failure
 * nothing is left to close, and the reason, with what to do about it, was
 * written to stderr.
 */
RF_MUST_USE enum rf_status dataset_open(
    struct dataset *out, const char *path, const struct store_filter *filter);

void dataset_close(struct dataset *d);

/* Say where it is, and the command that shows it. */
void dataset_say_stored(const char *path);

/* Say on stderr when there are no policies, or some in namespaces without
 * pods: likely a slip that would let an audit look well. */
void dataset_warn_policies(
    const struct dataset *d, const struct policy_set *set);

#endif

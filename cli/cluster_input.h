/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_input: the cluster that --snapshot or --db names, for a command
 * that asks about objects and not about flows.
 */
#ifndef CLI_CLUSTER_INPUT_H
#define CLI_CLUSTER_INPUT_H

#include "cli/options.h"
#include "core/error.h"
#include "kube/cluster.h"

/*
 * Read the snapshots, earlier states first, or without any the database at
 * db. *out is the caller's, for cluster_free; NULL on failure, which was said
 * on stderr.
 */
RF_MUST_USE enum rf_status cluster_input_read(
    struct cluster **out, const struct option_list *snapshots, const char *db);

#endif

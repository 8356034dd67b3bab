/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_live: `collect -i`, the node daemon: what the command line says,
 * what has to be opened before privileges go, and how it ends.
 */
#ifndef CLI_COLLECT_LIVE_H
#define CLI_COLLECT_LIVE_H

#include "cli/collect_cluster.h"
#include "cli/options.h"
#include "cli/would_drop.h"
#include "core/error.h"
#include "kube/cluster.h"
#include "store/store.h"

enum collect_depth { DEPTH_CONNECTIONS, DEPTH_FULL };

/* Options of live collecting, as the command's table fills them in. */
struct collect_live_options {
	struct option_list interfaces;
	unsigned depth; /* enum collect_depth */
	uint64_t ring_mib, snaplen;
	const char *census, *interval, *retain; /* durations */
	const char *listen, *user;
	bool no_seccomp;
	struct collect_cluster_options cluster;
	struct would_drop_options would_drop;
};

/* What they are when nothing is said. */
extern const struct collect_live_options collect_live_defaults;

/* The rest of what collect knows. */
struct collect_live_target {
	const char *db, *node;
	const struct option_list *snapshots;
	bool quiet;
	bool existed; /* the database was there */
};

/* Run until a signal; returns the exit status. */
int collect_live(const struct collect_live_options *o,
    const struct collect_live_target *target);

/* A database that merge made is made anew by the next merge: what is collected
 * into it would be lost. */
RF_MUST_USE enum rf_status collect_check_store(
    struct store *store, const char *path, struct rf_error *err);

/* Read all snapshots, or the cluster that the database knows already
 * (store may be NULL if there are snapshots). */
RF_MUST_USE enum rf_status collect_read_cluster(struct cluster **out,
    const struct option_list *snapshots, struct store *store,
    struct rf_error *err);

#endif

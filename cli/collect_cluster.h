/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_cluster: the objects of `collect -i --cluster`, which come from the
 * API server and follow it on a thread of their own.
 *
 * What is not whole is never shown: until pods and all that may be read were
 * listed, the objects are those that the database knows, and if it knows no
 * pods either, there is nothing to resolve with, and starting fails.
 */
#ifndef CLI_COLLECT_CLUSTER_H
#define CLI_COLLECT_CLUSTER_H

#include "cli/cluster_options.h"
#include "collector/daemon.h"
#include "core/strbuf.h"
#include "store/store.h"

enum collect_watch { WATCH_CLUSTER, WATCH_NODE };

struct collect_cluster_options {
	bool enabled; /* --cluster */
	struct cluster_options connection;
	unsigned watch; /* enum collect_watch */
};

struct collect_cluster;

/*
 * Read the kubeconfig, with all privileges. node: for WATCH_NODE. RF_INVAL: it
 * names a program for credentials, and is_confined says that none can run.
 */
RF_MUST_USE enum rf_status collect_cluster_open(struct collect_cluster **out,
    const struct collect_cluster_options *o, const char *node, bool is_confined,
    struct rf_error *err);

/*
 * Begin to follow the server, when privileges are gone but system calls are
 * not confined yet, and wait for it: half a minute, or until a signal waits
 * for us. store gives the objects if the server does not.
 */
RF_MUST_USE enum rf_status collect_cluster_start(
    struct collect_cluster *cc, struct store *store, struct rf_error *err);

/* For struct daemon_config, once started. */
/* Was all that may be read listed, and is it in use? On any thread. */
bool collect_cluster_is_complete(const struct collect_cluster *cc);

struct daemon_cluster_source collect_cluster_source(struct collect_cluster *cc);

/* How the watches are, for Prometheus. Safe on any thread. */
void collect_cluster_metrics(struct collect_cluster *cc, struct strbuf *out);

/* NULL is allowed. All clusters must have been given back. */
void collect_cluster_close(struct collect_cluster *cc);

#endif

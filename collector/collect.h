/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect: captures in, a database of flows out.
 *
 * Packets of all captures are taken in time order, each capture being a point
 * of its own at which a packet can be seen; a connection seen at two of them
 * counts once. Everything lands in one transaction: on any failure the
 * database is as it was before.
 */
#ifndef COLLECTOR_COLLECT_H
#define COLLECTOR_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/flow.h"
#include "kube/cluster.h"
#include "store/store.h"

#define COLLECT_FILES_MAX 64

struct collect_config {
	const char *const *files; /* "-" is standard input */
	size_t n_files;           /* 1 to COLLECT_FILES_MAX */
	const char *node;  /* name of the node, for all files; NULL: unknown */
	int64_t window_us; /* width of a flow's window */
	int64_t now_us;    /* when this is, for the record of sources */
	uint64_t seed;     /* of the hash tables */
	uint32_t legs_max; /* 0: default */
	bool accept_cut;   /* take what is whole of a file that is cut off */
	/* Called about once per million packets, with how many there were;
	 * NULL: never. */
	void (*progress)(void *arg, uint64_t packets);
	void *progress_arg;
	/* Asked often: is it to stop, and to leave nothing behind? NULL: no. */
	bool (*is_interrupted)(void);
};

/* What was done, summed over all captures. */
struct collect_report {
	uint64_t packets, connections, flows;
	uint64_t joined;     /* sightings under other addresses that were
			      * recognised as the same connection */
	uint64_t unresolved; /* connections with an end of unknown owner */
	uint64_t guessed;    /* connections of guessed direction */
	uint64_t forgotten;  /* address pairs put out of a full table and
			      * forgotten: more of them was counted again */
	bool saw_pods;       /* an end of some connection is a pod's */
	struct coverage coverage[COLLECT_FILES_MAX]; /* one per file */
};

/*
 * Collect the files into store (opened for writing, no transaction open). c is
 * what addresses are resolved with; it is written to the store too.
 *
 * RF_EXISTS: one of the captures was collected into this database before.
 * RF_CORRUPT: a file ends in the middle of a packet, or is no capture.
 * RF_IO, too, when it was interrupted. Then, as ever, nothing is stored.
 */
RF_MUST_USE enum rf_status collect_files(struct store *store,
    const struct cluster *c, const struct collect_config *config,
    struct collect_report *report, struct rf_error *err);

#endif

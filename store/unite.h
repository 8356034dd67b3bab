/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unite: the databases of several nodes as one.
 *
 * What comes out depends on the inputs alone, not on their order: objects are
 * united from the oldest input to the newest, flows window by window. An
 * address that one node did not know is resolved with what all know together,
 * at the time of the flow. A connection that two nodes saw counts once.
 */
#ifndef STORE_UNITE_H
#define STORE_UNITE_H

#include "store/store.h"

struct unite_input {
	struct store *s;  /* open for reading */
	const char *name; /* for messages, and to break ties */
};

struct unite_stats {
	uint64_t connections_in; /* over all inputs */
	uint64_t connections;    /* each once */
	uint64_t resolved;       /* connections with an end that became known */
	uint64_t waiting;        /* in none: their ends are not known yet */
	uint64_t open;           /* in none: they have no answer yet */
};

/*
 * Fill out, which is empty and open for writing, in one transaction, and write
 * its journal back: close it then, its file is complete. v is put
 * into order. RF_INVAL: an input is united itself, or two of them hold what
 * one capture point saw.
 */
RF_MUST_USE enum rf_status store_unite(struct store *out,
    const struct unite_input *v, size_t n, struct unite_stats *stats,
    struct rf_error *err);

/* Was it written by store_unite? */
RF_MUST_USE enum rf_status store_is_united(
    struct store *s, bool *out, struct rf_error *err);

/* One flow as one viewpoint (a node) saw it; for unite_count. */
struct unite_row {
	struct flow f;
	uint32_t viewpoint;
	/* How the destination sees the source was not told, as of what goes to
	 * nodes or to ends not known there: it may be as this node. */
	bool may_hide;
	bool is_src_node;   /* the source is a node */
	uint32_t hide_node; /* FLOW_NONE: not known */
	bool is_src_side;   /* the viewpoint is the source's own node */
	/* Used while counting; 0 to begin with. */
	uint64_t open, met;
};

/*
 * Rows of one window: reduce the connections of those that other viewpoints
 * saw as well, so that each counts once; returns how many rows are left, in
 * front. Pure.
 */
size_t unite_count(struct unite_row *rows, size_t n);

#endif

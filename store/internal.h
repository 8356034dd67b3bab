/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of store/ share: the handle, how a call becomes
 * one transaction, and how ids of rows and indices of a cluster map.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sys/stat.h>

#include "store/db.h"
#include "store/id_map.h"
#include "store/store.h"

/* Row ids of the objects of the cluster that was put last, by index. */
struct store_ids {
	int64_t *nodes, *workloads, *pods, *services;
	size_t n_nodes, n_workloads, n_pods, n_services;
	bool in_tx; /* put since store_begin: gone when that is rolled back */
};

/* Where the rows stand in the cluster that was got last. */
struct store_indices {
	const struct cluster *cluster; /* compared, never followed */
	struct id_map nodes, workloads, pods, services;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_QUERY_COUNT];
	enum store_mode mode;
	bool in_tx;       /* between store_begin and its end */
	bool spoiled;     /* what was to be taken back could not be */
	bool snapshot;    /* READ: a get holds the state that it saw */
	bool is_behind;   /* windows wait to be added to the totals */
	size_t roll_max;  /* so many rows of them at a time */
	bool caught_up;   /* store_expire looked for windows that wait */
	struct stat file; /* as it was opened; no link: it is in memory */
	struct store_ids put;
	struct store_indices got;
};

/* The query, ready to be bound. */
static inline struct db_stmt
store_stmt(struct store *s, enum sql_query q)
{
	return db_stmt(s->stmt[q]);
}

/*
 * Around every call that writes: a transaction of its own, or a savepoint
 * within the caller's, so that it lands whole or not at all. store_leave
 * returns st, or why the commit failed.
 */
RF_MUST_USE enum rf_status store_enter(struct store *s, struct rf_error *err);
RF_MUST_USE enum rf_status store_leave(
    struct store *s, enum rf_status st, struct rf_error *err);

void store_ids_release(struct store_ids *ids);
void store_indices_release(struct store_indices *got);

/* a - b and a + b for b >= 0, held at the ends of int64_t. */
static inline int64_t
time_before(int64_t a, int64_t b)
{
	return a < INT64_MIN + b ? INT64_MIN : a - b;
}

static inline int64_t
time_after(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/*
 * The key of a flow as four words that compare like the primary key of the
 * table: window, then the columns in the order of sql/migration.
 */
#define FLOW_KEY_WORDS 4

struct flow_key {
	uint64_t w[FLOW_KEY_WORDS];
};

static inline struct flow_key
flow_key(const struct flow *f, uint32_t src, uint32_t dst, uint32_t seen_src,
    uint32_t service)
{
	return (struct flow_key){ {
	    (uint64_t)f->window_us ^ (uint64_t)1 << 63,
	    (uint64_t)src << 32 | dst,
	    (uint64_t)seen_src << 32 | service,
	    (uint64_t)f->service_port << 40 | (uint64_t)f->port << 24 |
		(uint64_t)f->protocol << 16 | (uint64_t)f->outcome << 8 |
		f->certainty,
	} };
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the durable home of flows and of the cluster that they speak of; one
 * SQLite file.
 *
 * A handle belongs to one thread. One WRITE handle at a time; readers open
 * their own READ handles, and WAL lets both proceed. READ never creates,
 * migrates or changes a file, and refuses every put with RF_INVAL; an older
 * schema is read as it is, more slowly where it lacks what is quick.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/flow.h"
#include "kube/cluster.h"

struct store;

enum store_mode { STORE_READ, STORE_WRITE };

/*
 * WRITE creates the file where it does not exist and migrates an older
 * schema. On failure *out is NULL: RF_IO (cannot open, locked, not a
 * database), RF_VERSION (newer than we speak; untouched), RF_CORRUPT (a
 * database that is not ringfence's, by application_id).
 */
RF_MUST_USE enum rf_status store_open(struct store **out, const char *path,
    enum store_mode mode, struct rf_error *err);
void store_close(struct store *s);

/*
 * Does its path still lead to the file that was opened? SQLite goes on writing
 * to one that was removed or renamed, and nobody would find what it wrote.
 */
RF_MUST_USE enum rf_status store_in_place(
    struct store *s, struct rf_error *err);

/*
 * Close a WRITE handle that failed before it put anything, and remove the
 * file, unless it holds something after all or another handle is open.
 */
void store_discard(struct store *s);

/*
 * One transaction around what follows: all of it lands, or nothing does. Each
 * put is whole by itself too: one that fails within a transaction undoes what
 * it did, and the caller may go on. After a failed commit, roll back.
 */
RF_MUST_USE enum rf_status store_begin(struct store *s, struct rf_error *err);
RF_MUST_USE enum rf_status store_commit(struct store *s, struct rf_error *err);
void store_rollback(struct store *s);

/*
 * Write or update every object of the cluster: by namespace, name and uid.
 * What the database knows and c does not, stays. Intervals of one pod
 * widen; a pod that ended keeps its end. Indices of c are what
 * store_put_flows then understands, until the next call. c is borrowed for
 * the handle's life or until then.
 */
RF_MUST_USE enum rf_status store_put_cluster(
    struct store *s, const struct cluster *c, struct rf_error *err);

/*
 * Add flows: equal keys add their counters up, first_us and last_us widen,
 * sides unite. flows name endpoints by index into endpoints (and those name
 * the objects of the cluster that was put last); sorted here by primary key
 * before they are written. Counters beyond INT64_MAX are RF_INVAL.
 */
RF_MUST_USE enum rf_status store_put_flows(struct store *s,
    const struct endpoint *endpoints, size_t n_endpoints,
    const struct flow *flows, size_t n_flows, struct rf_error *err);

RF_MUST_USE enum rf_status store_put_names(struct store *s,
    const struct dns_name *names, size_t n, struct rf_error *err);

RF_MUST_USE enum rf_status store_put_coverage(
    struct store *s, const struct coverage *cov, struct rf_error *err);

/*
 * Connections whose ends are not known yet, as who collects them can read them
 * again: they are no flows, and so in no sum.
 */
struct store_waiting {
	int64_t id; /* above 0; the same one again replaces it */
	uint64_t connections;
	int64_t first_us; /* the first of them began */
	int64_t since_us; /* it waits since then */
	const void *content;
	size_t size;
};

/* Those of n_ended ids to forget, then n to put. */
struct store_rows {
	const struct store_waiting *v;
	size_t n;
	const int64_t *ended;
	size_t n_ended;
};

RF_MUST_USE enum rf_status store_put_waiting(
    struct store *s, const struct store_rows *rows, struct rf_error *err);

/* All that wait, by id, in the arena. */
RF_MUST_USE enum rf_status store_get_waiting(struct store *s,
    struct arena *arena, const struct store_waiting **out, size_t *n,
    struct rf_error *err);

/* The same of those that are open: connections 0, it is in the flows and goes
 * on; else it is in none of them yet. since_us: a packet was last seen. */
RF_MUST_USE enum rf_status store_put_open(
    struct store *s, const struct store_rows *rows, struct rf_error *err);
RF_MUST_USE enum rf_status store_get_open(struct store *s, struct arena *arena,
    const struct store_waiting **out, size_t *n, struct rf_error *err);

/* A live collector writes, at now_us by its clock; and when one last did:
 * INT64_MIN, if none ever. */
RF_MUST_USE enum rf_status store_put_written(
    struct store *s, int64_t now_us, struct rf_error *err);
RF_MUST_USE enum rf_status store_get_written(
    struct store *s, int64_t *out, struct rf_error *err);

/*
 * It is now_us: windows that begin later, whose flows came by a wrong clock,
 * are not done. To be called once at the start, and when the clock was put
 * back; without it all that follows is stored all the same, but dearly.
 */
RF_MUST_USE enum rf_status store_rewind(
    struct store *s, int64_t now_us, struct rf_error *err);

/* Steps that SQLite's virtual machine took since this was last called: what
 * the work costs, by a measure that no other load changes. */
uint64_t store_work(struct store *s);

/*
 * Forget the flows of windows that began before before_us, the oldest max of
 * them: where there were as many, *more says to call again. When none is left
 * names and coverage go that ended before it, and pods that ended before it
 * and that nothing else speaks of, once a day of before_us, whoever does it.
 * So do Services, workloads and nodes of which nothing speaks any more and that
 * were in no cluster that was put since before then. store_put_cluster has
 * then to be called before flows are put again.
 */
RF_MUST_USE enum rf_status store_expire(struct store *s, int64_t before_us,
    size_t max, bool *more, struct rf_error *err);

/*
 * Note that a capture with this digest was collected. RF_EXISTS: it was
 * before, as err says with name and time of then; nothing is changed.
 */
RF_MUST_USE enum rf_status store_put_source(struct store *s, uint64_t digest,
    uint64_t packets, const char *name, int64_t now_us, struct rf_error *err);

/*
 * The cluster that the database knows; the caller frees it. Policies too. The
 * arrays are sorted by name, whatever the order of writing was. A READ handle
 * then keeps seeing this state, also in store_get_flows, until the next
 * store_get_cluster or store_begin, although a collector goes on writing.
 */
RF_MUST_USE enum rf_status store_get_cluster(
    struct store *s, struct cluster **out, struct rf_error *err);

/* Which flows to load; zero fields select everything. */
struct store_filter {
	const char *const *namespaces; /* either end in one of them */
	size_t n_namespaces;
	int64_t since_us, until_us; /* overlap with [since, until); 0: open */
	const int64_t *window_us;   /* this window alone; NULL: all */
	bool no_notes;              /* leave out names and coverage */
};

/*
 * Load flows summed over windows (window_us is 0), their endpoints, names
 * and coverage into arena. Indices refer to c, which must come from
 * store_get_cluster of the same handle with nothing written in between.
 */
RF_MUST_USE enum rf_status store_get_flows(struct store *s,
    const struct cluster *c, const struct store_filter *filter,
    struct arena *arena, struct flow_set *out, struct rf_error *err);

#endif

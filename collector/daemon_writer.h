/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon_writer: the thread that owns the database, and the buffers that go to
 * and fro. Private to the daemon.
 *
 * There are two buffers: one that the daemon fills, one that the writer has.
 * writer_give() exchanges them.
 */
#ifndef COLLECTOR_DAEMON_WRITER_H
#define COLLECTOR_DAEMON_WRITER_H

#include <stdatomic.h>

#include "collector/aggregate.h"
#include "collector/daemon.h"

/* A cluster in use by the daemon, the writer and their buffers. */
struct cluster_use {
	const struct cluster *c;
	uint64_t generation;
	atomic_uint users;
	struct daemon_cluster_source source;
};

/* Takes over one release(); NULL: out of memory. */
struct cluster_use *cluster_use_new(const struct daemon_cluster_source *source);
struct cluster_use *cluster_use_share(struct cluster_use *u);
void cluster_use_drop(struct cluster_use *u); /* NULL is allowed */

struct buffer {
	struct cluster_use *cluster; /* whose indices the flows have */
	struct aggregate *sums;
	struct arena text;
	struct dns_name *names;
	size_t n_names;
	struct coverage coverage[DAEMON_POINTS_MAX];
	struct store_waiting *waiting; /* rows to write … */
	size_t n_waiting;
	int64_t *left; /* … and those to forget: it is in the sums */
	size_t n_left;
	struct store_rows open; /* the same of what is open */
	struct store_waiting *open_rows;
	size_t open_cap;
	int64_t now_us;
	bool may_expire;               /* what is old by now_us is so indeed */
	bool was_set;                  /* the clock, since the buffer before */
	uint64_t connections, packets; /* that it holds */
};

struct writer;

struct writer_stats {
	uint64_t flushes, failures, rows, flush_us;
	int64_t flushed_us;
};

RF_MUST_USE enum rf_status writer_new(struct writer **out,
    const struct daemon_config *config, struct rf_error *err);

/* The buffer to begin with. */
struct buffer *writer_first(struct writer *w);

/* Is the writer done with its buffer? */
bool writer_is_ready(struct writer *w);

/* Give b to be stored, to a writer that is ready, for the other, empty one. */
struct buffer *writer_give(struct writer *w, struct buffer *b);

void writer_stats(struct writer *w, struct writer_stats *out);

/*
 * Store what the writer still has, and then b, trying each once; stop the
 * thread. The first failure is returned, and nothing is tried after it; *lost
 * connections are in what was not stored.
 */
RF_MUST_USE enum rf_status writer_finish(
    struct writer *w, struct buffer *b, uint64_t *lost, struct rf_error *err);

void writer_free(struct writer *w); /* NULL is allowed */

#endif

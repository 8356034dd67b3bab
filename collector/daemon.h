/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: frames and time in, a database that follows out, for weeks.
 *
 * What a caller's thread takes in is summed in one buffer of fixed size while
 * a writer's thread stores the other: SQLite is never waited for. A database
 * that cannot be written (full, locked, read-only) is tried again; until then
 * sums go on in the one buffer, and what no longer fits is counted. What waits
 * for its ends to be known, or for an answer, is stored as such, so that a
 * process that is killed loses what came since the last interval, and nothing
 * else. Time is a
 * parameter, so that a test can let months pass: the system's clock, which may
 * be set, as now_us, and beside it boot_us, which no setting moves.
 */
#ifndef COLLECTOR_DAEMON_H
#define COLLECTOR_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/capture.h"
#include "collector/conntrack.h"
#include "core/error.h"
#include "core/flow.h"
#include "kube/cluster.h"
#include "store/store.h"

#define DAEMON_POINTS_MAX 16

/*
 * Where the cluster's objects come from. current() gives the newest finished
 * cluster and its generation, which differs from that of any other; it stays
 * as it is until release() was called once for it. Both are called by the
 * thread that calls the daemon, but release() also by the writer's.
 */
struct daemon_cluster_source {
	const struct cluster *(*current)(void *arg, uint64_t *generation);
	void (*release)(void *arg, const struct cluster *c);
	/* Until when the newest one is all there was to know; it may stand
	 * still, when nothing can be heard. NULL: until now. */
	int64_t (*known_us)(void *arg);
	/* Is it being heard of, so that known_us is late at most? NULL: yes.*/
	bool (*is_up)(void *arg);
	void *arg;
};

/*
 * Is shown each flow once it is stored, on the writer's thread, and should be
 * quick. The flows' ends are indices into endpoints, theirs into c, and c and
 * its generation come from the source; all is borrowed for the call.
 */
struct daemon_batch {
	const struct cluster *c;
	uint64_t generation;
	const struct endpoint *endpoints;
	const struct flow *flows;
	size_t n_flows;
};

struct daemon_judge {
	void (*judge)(void *arg, const struct daemon_batch *b);
	void *arg;
};

struct daemon_config {
	struct store
	    *store; /* for writing; the daemon's alone while it lives */
	struct daemon_cluster_source source;
	struct daemon_judge judge; /* judge NULL: none */
	const char *node;          /* NULL: unknown */
	const char *const *points; /* names of the capture points */
	size_t n_points;           /* 1 to DAEMON_POINTS_MAX */
	int64_t start_us;
	int64_t booted_us;   /* the system was started; 0: not known */
	int64_t interval_us; /* between flushes */
	int64_t window_us;   /* width of a flow's window */
	int64_t retain_us;   /* 0: for ever */
	/* So long at most a connection waits for an end that nobody had, and
	 * for the source to know a little more than the time of it, as far as
	 * memory of a fixed size allows; then its ends are unknown. grace 0:
	 * none waits. */
	int64_t grace_us, gap_us;
	uint64_t seed;
	uint32_t legs_max, flows_max; /* powers of two; 0: default */
	bool synchronous;             /* write on the caller's thread (tests) */
};

/* Counts since the start; those of capture points summed up. */
struct daemon_stats {
	uint64_t packets, dropped, truncated, malformed, unsupported;
	uint64_t non_ip, icmp, ignored, fragments;
	uint64_t connections, joined, forced_out, forgotten, strays;
	uint64_t unresolved, guessed;
	uint64_t lost_connections; /* no room while the database failed */
	uint64_t unowned; /* of the unresolved: the source knew too little of
			   * their time */
	uint64_t legs, legs_max;   /* in the table now, and at most */
	int64_t interval_us;       /* between flushes, as configured */
	uint64_t waiting;          /* connections, for their ends to be known */
	uint64_t pods, generation; /* of the cluster in use */
	uint64_t flushes, flush_failures, flush_rows;
	uint64_t flush_us;   /* the last one took */
	int64_t flushed_us;  /* when the last one succeeded; 0: never */
	uint64_t names;      /* handed to the writer */
	uint64_t names_lost; /* found no room before that */
	uint64_t misdated;   /* packets whose time could not be */
	uint64_t clock_sets; /* times that the clock was set */
	uint64_t known;      /* taken over from the kernel's table */
	uint64_t known_lost; /* of it: found no room, or could not be read */
	uint64_t known_interrupted; /* readings of it: see conntrack.h */
};

struct daemon;

/* Make one, with its writer's thread. RF_NOMEM, or RF_IO without a thread. */
RF_MUST_USE enum rf_status daemon_new(struct daemon **out,
    const struct daemon_config *config, struct rf_error *err);

/*
 * Take over what the kernel's connection table had at the start, before any
 * frame is given. A table that could not be read is empty.
 */
void daemon_know(struct daemon *d, const struct conntrack_table *t);

/*
 * Look at the clock, right before frames are given: none of them is later. If
 * it was set, all that is still in memory is dated by the new one, coverage
 * begins anew, and for a day nothing is taken for too old to be kept.
 */
void daemon_clock(struct daemon *d, int64_t now_us, int64_t boot_us);

/* One frame, of link type link, seen at point. */
void daemon_frame(
    struct daemon *d, size_t point, int link, const struct capture_frame *f);

/* What the kernel has dropped at point since the start. */
void daemon_dropped(struct daemon *d, size_t point, uint64_t dropped);

/* Do what is due. Call several times a second. */
void daemon_step(struct daemon *d, int64_t now_us, int64_t boot_us);

/* Until when the counts hold: the last daemon_step. */
void daemon_stats(struct daemon *d, struct daemon_stats *out);

/*
 * End: tell everything, store it, stop the writer. RF_OK, or why the last of
 * it could not be stored (it is lost then, and err says how much).
 */
RF_MUST_USE enum rf_status daemon_finish(
    struct daemon *d, int64_t now_us, struct rf_error *err);

/* NULL is allowed. Without daemon_finish, what was not stored is lost. */
void daemon_free(struct daemon *d);

#endif

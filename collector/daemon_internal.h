/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon_internal: what daemon.c (frames, time and the account of them),
 * daemon_take.c (what becomes of a connection), daemon_saved.c (what waits
 * outlives us), daemon_open.c (so does what is open) and daemon_restore.c (both
 * are taken up again) share.
 */
#ifndef COLLECTOR_DAEMON_INTERNAL_H
#define COLLECTOR_DAEMON_INTERNAL_H

#include "collector/daemon.h"
#include "collector/certain.h"
#include "collector/daemon_writer.h"
#include "collector/flow_saved.h"
#include "collector/intake.h"
#include "collector/summing.h"
#include "collector/waiting.h"
#include "collector/wall_clock.h"

/* No row that we wrote has a higher number: there is always a next one. */
#define ROW_ID_MAX (INT64_MAX / 2)

/* What the process before this one knew of a connection of its own. */
struct open_before {
	int64_t row;
	uint8_t delivery; /* enum connection_delivery */
	struct certain_owners owners;
};

struct daemon {
	struct daemon_config config;
	struct writer *writer;
	struct buffer *buffer; /* the one that is being filled */
	struct cluster_use *cluster;
	struct address_view view; /* of the cluster in use */
	struct names *names;
	struct summing summing;
	struct flow_table *ft;
	struct intake intake;
	struct waiting *waiting;
	int64_t next_row;               /* of what waits, in the database */
	struct certain_owners *left_by; /* of the groups put back */
	int64_t next_open;              /* row of what is open */
	int64_t *open_left;             /* rows that are over */
	size_t n_open_left, open_left_max;
	struct open_before *opened; /* before us, and not told; by row */
	size_t n_opened, opened_left;
	bool is_last;     /* nothing is saved after it */
	int64_t known_us; /* as of when the cluster in use is right */
	struct wall_clock clock;
	bool was_set; /* the clock, since the last buffer */
	/* Counts since the start, as they were at the last buffer, and as they
	 * were when the clock was last set: there coverage begins anew. */
	struct coverage coverage[DAEMON_POINTS_MAX];
	struct coverage given[DAEMON_POINTS_MAX];
	struct coverage before[DAEMON_POINTS_MAX];
	int64_t covered_us; /* from then on */
	uint64_t lost_packets, misdated, clock_sets;
	uint64_t connections, unresolved, guessed, lost, n_names, names_lost;
	uint64_t known_lost, known_interrupted;
	uint64_t unowned;
	int64_t now_us, flush_us;
	unsigned waits; /* that are left */
};

/* The flow table's sink. */
void daemon_take_connections(void *arg, const struct connection *v, size_t n);

/* Take those that waited for long enough, or of whom all is known now; all of
 * them if it is the end. */
void daemon_take_waiting(struct daemon *d, bool is_end);

/* Put what waits, and is not stored as it is, into the buffer. */
void daemon_save_waiting(struct daemon *d);

/* A table of rows that the process before this one left. */
struct daemon_rows {
	enum rf_status (*get)(struct store *s, struct arena *arena,
	    const struct store_waiting **out, size_t *n, struct rf_error *err);
	enum rf_status (*put)(struct store *s, const struct store_rows *rows,
	    struct rf_error *err);
	/* There are n of them, by id. Not called if there is none. */
	enum rf_status (*begin)(void *arg, size_t n, struct rf_error *err);
	enum flow_restored (*take)(void *arg, const struct store_waiting *row);
	void *arg;
	int64_t *next; /* set to the number that the next row gets */
	const char *what_is_lost;
};

/* Take up each row; forget those that were not, and say what is lost by it. */
RF_MUST_USE enum rf_status daemon_restore_rows(
    struct daemon *d, const struct daemon_rows *t, struct rf_error *err);

/* Take up what waited when the process before this one ended. */
RF_MUST_USE enum rf_status daemon_restore_waiting(
    struct daemon *d, struct rf_error *err);

/* Put what the flow table has open, and is not stored as it is, into the
 * buffer: when all that was told is summed, or waits. */
void daemon_save_open(struct daemon *d, bool is_last);

/* A row of what was open is over. */
void daemon_forget_open(void *arg, int64_t row);

/* Put the rows that are over into the buffer. */
void daemon_move_open_left(struct daemon *d);

/* Take up what was open; and what the process before this one knew of a
 * connection that is told now, or NULL. */
RF_MUST_USE enum rf_status daemon_restore_open(
    struct daemon *d, struct rf_error *err);
/* Would it be traffic to allow, if it stayed without an answer? That hangs on
 * what we learnt of interfaces, which ends with us (enum
 * connection_delivery). */
uint8_t daemon_delivery(const struct daemon *d, const struct connection *c);
const struct open_before *daemon_open_before(
    const struct daemon *d, const struct connection *c);

/* One of those was told, and is not asked for again. */
void daemon_done_with_opened(struct daemon *d);

/* Exchange the buffers, if the writer is done with the other one; then resolve
 * with the newest cluster. is_flushed: the flow table just was, and what is
 * open goes along. */
bool daemon_rotate(struct daemon *d, bool is_flushed);

/* Note what goes with the flows of a buffer that is to be stored. */
void daemon_complete_buffer(struct daemon *d);

#endif

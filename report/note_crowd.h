/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note_crowd: of the edges that were left out, what is worth a line each.
 *
 * A scan is a million edges that differ in an address or a port. Of those with
 * one reason between the same two workloads, or between a workload and
 * whoever is none, the first few are shown and the others are a number. What
 * must be decided is always shown.
 */
#ifndef REPORT_NOTE_CROWD_H
#define REPORT_NOTE_CROWD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "recommender/recommend.h"

#define NOTE_CROWD_SHOWN ((size_t)20)

struct note_crowd_slot;

struct note_crowd {
	struct note_crowd_slot *slots;
	size_t n_slots;
};

/* Count; to be released in any case. */
RF_MUST_USE enum rf_status note_crowd_init(
    struct note_crowd *c, const struct recommendation *r, struct rf_error *err);
void note_crowd_release(struct note_crowd *c);

/*
 * Is the note to be shown? Each is asked for once, in their order. *more, when
 * not 0: behind this one, so many like it are not.
 */
bool note_crowd_shows(
    struct note_crowd *c, const struct recommend_note *note, size_t *more);

/*
 * Allowed whatever policies say, on most edges of a node: a number is enough
 * where a line for each would bury what a reader must know.
 */
bool note_is_routine(const struct recommend_note *note);

#endif

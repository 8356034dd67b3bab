/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes: what goes with flows when they are read: names, coverage, what is no
 * flow yet, and how far a collector came.
 * Private to store/.
 */
#ifndef STORE_NOTES_H
#define STORE_NOTES_H

#include "store/store.h"

/* All names, by address and name. */
RF_MUST_USE enum rf_status notes_get_names(struct store *s, struct arena *arena,
    struct flow_set *out, struct rf_error *err);

/* Coverage that overlaps [since_us, last_us]. */
RF_MUST_USE enum rf_status notes_get_coverage(struct store *s, int64_t since_us,
    int64_t last_us, struct arena *arena, struct flow_set *out,
    struct rf_error *err);

/* How many connections wait for their ends to be known, and how many have no
 * answer yet, into out->waiting and out->open. */
RF_MUST_USE enum rf_status notes_get_waiting(
    struct store *s, struct flow_set *out, struct rf_error *err);

/* When a live collector last wrote, and before when store_expire looked for
 * what is named no more, in its run or an earlier one; INT64_MIN: never. */
RF_MUST_USE enum rf_status notes_get_progress(struct store *s,
    int64_t *written_us, int64_t *swept_us, struct rf_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes: what goes with flows when they are read: names, coverage, and what is
 * no flow yet.
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

#endif

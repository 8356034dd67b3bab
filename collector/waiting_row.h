/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting_row: what waits, as bytes that a database keeps until it is known,
 * and from there again. Pure.
 *
 * Beside what was seen goes who had each address when it was written. Whoever
 * reads it knows the cluster as it is by then only, and would take an address
 * that changed hands meanwhile for its next owner's.
 */
#ifndef COLLECTOR_WAITING_ROW_H
#define COLLECTOR_WAITING_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/waiting.h"

#define WAITING_ROW_MAX 512

/* Write the group; owners says who has its addresses. Returns the size. */
size_t waiting_row_write(const struct waiting_group *g,
    const struct certain_owners *owners, uint8_t out[static WAITING_ROW_MAX]);

/*
 * Read what was written; the rest of *g is as before, and its two times are
 * judged, too. false: it is not of that form, or what it says cannot be.
 */
bool waiting_row_read(const uint8_t *row, size_t size, struct waiting_group *g,
    struct certain_owners *owners);

#endif

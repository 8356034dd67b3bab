/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting: connections of which an end is not known yet, in the order in which
 * they came.
 *
 * A watch is a little late: a pod's address is published after its first
 * container has begun to speak. So they wait for whoever it may be. Memory is
 * fixed at birth; the caller makes room when there is none.
 */
#ifndef COLLECTOR_WAITING_H
#define COLLECTOR_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"

struct waiting;

/* max: a power of two. NULL: out of memory. */
struct waiting *waiting_new(uint32_t max);
void waiting_free(struct waiting *w);

uint32_t waiting_count(const struct waiting *w);
bool waiting_is_full(const struct waiting *w);

/* Into a queue that is not full, until until_us at the latest. */
void waiting_put(
    struct waiting *w, const struct connection *c, int64_t until_us);

/* The i-th, and until when. Borrowed until the next put or keep. */
const struct connection *waiting_at(
    const struct waiting *w, uint32_t i, int64_t *until_us);

/* The clock was set by by_us: all of it was that much later. */
void waiting_redate(struct waiting *w, int64_t by_us);

/* Keep the i-th as the k-th, which is not behind it. */
void waiting_move(struct waiting *w, uint32_t k, uint32_t i);
/* Forget all behind the first n. */
void waiting_cut(struct waiting *w, uint32_t n);
/* Forget the first. */
void waiting_shift(struct waiting *w);

#endif

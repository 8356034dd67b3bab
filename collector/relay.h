/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: a bounded ring of slots between one giving and one taking thread.
 *
 * Slots are only numbers; what lies in them is the owner's. Neither thread
 * takes a lock as long as it need not wait. One that has to is woken when three
 * quarters of the ring are its own: two threads at unlike speeds that wake each
 * other for every few slots spend more on that than on what is in them.
 */
#ifndef COLLECTOR_RELAY_H
#define COLLECTOR_RELAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A line of the cache for each of the two: to fetch one that the other core has
 * written takes as long as decoding some packets. So the other's count is read
 * only when what was seen of it last does not suffice.
 */
struct relay {
	/* For waiting alone; rarely written. */
	uint32_t n_slots; /* a power of two, at least 4 */
	atomic_bool giver_waits, taker_waits;
	atomic_bool closed;  /* nothing more will be given */
	atomic_bool aborted; /* nothing more will be taken */
	pthread_mutex_t lock;
	pthread_cond_t given, taken;
	/* The giver's. */
	_Alignas(64) atomic_uint head; /* slots given so far */
	uint32_t tail_seen;
	/* The taker's. */
	_Alignas(64) atomic_uint tail; /* slots taken and released so far */
	uint32_t head_seen;
};

void relay_init(struct relay *r, uint32_t n_slots);
void relay_release(struct relay *r);

/* Giver: a free slot to fill, waiting for one; false: the taker is gone. */
bool relay_reserve(struct relay *r, uint32_t *slot);
/* Giver: the reserved slot is filled. */
void relay_give(struct relay *r);
/* Giver: that was all. */
void relay_close(struct relay *r);

/* Taker: the oldest filled slot, waiting for one; false: that was all. */
bool relay_take(struct relay *r, uint32_t *slot);
/* Taker: the slot behind the one taken last; false: it is not filled yet. */
bool relay_peek(struct relay *r, uint32_t *slot);
/* Taker: the slot taken last is free again. */
void relay_free(struct relay *r);
/* Taker: it will take nothing more; the giver is told at its next slot. */
void relay_abort(struct relay *r);

#endif

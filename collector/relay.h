/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: a bounded ring of slots between one giving and one taking thread.
 *
 * Slots are only numbers; what lies in them is the owner's. A thread that has
 * to wait is woken when half of the ring is its own, so that two threads at
 * unlike speeds do not wake each other for every slot.
 */
#ifndef COLLECTOR_RELAY_H
#define COLLECTOR_RELAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct relay {
	pthread_mutex_t lock;
	pthread_cond_t given, taken;
	uint32_t n_slots;
	uint32_t head; /* slots given so far */
	uint32_t tail; /* slots taken and released so far */
	bool closed;   /* nothing more will be given */
	bool aborted;  /* nothing more will be taken */
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
/* Taker: the slot taken last is free again. */
void relay_free(struct relay *r);
/* Taker: it will take nothing more; the giver is told at its next slot. */
void relay_abort(struct relay *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/relay.h"

void
relay_init(struct relay *r, uint32_t n_slots)
{
	r->n_slots = n_slots;
	r->tail_seen = r->head_seen = 0;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->closed, false);
	atomic_init(&r->aborted, false);
	atomic_init(&r->giver_waits, false);
	atomic_init(&r->taker_waits, false);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->given, NULL);
	(void)pthread_cond_init(&r->taken, NULL);
}

void
relay_release(struct relay *r)
{
	(void)pthread_cond_destroy(&r->taken);
	(void)pthread_cond_destroy(&r->given);
	(void)pthread_mutex_destroy(&r->lock);
}

static uint32_t
own(atomic_uint *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* Giver: free slots. */
static uint32_t
room(struct relay *r)
{
	if (own(&r->head) - r->tail_seen == r->n_slots)
		r->tail_seen =
		    atomic_load_explicit(&r->tail, memory_order_acquire);
	return r->n_slots - (own(&r->head) - r->tail_seen);
}

/* Taker: are there so many filled ones? */
static bool
has_filled(struct relay *r, uint32_t n)
{
	if (r->head_seen - own(&r->tail) < n)
		r->head_seen =
		    atomic_load_explicit(&r->head, memory_order_acquire);
	return r->head_seen - own(&r->tail) >= n;
}

/* What the other thread waits for has come. It says that it waits before it
 * looks for the last time, and here the order is the other way round (all of it
 * sequentially consistent), so one of the two sees what the other did. */
static void
wake(struct relay *r, atomic_bool *waits, pthread_cond_t *cond)
{
	if (!atomic_load(waits))
		return;
	(void)pthread_mutex_lock(&r->lock);
	(void)pthread_cond_signal(cond);
	(void)pthread_mutex_unlock(&r->lock);
}

static bool
giver_may_go(struct relay *r, uint32_t most)
{
	return atomic_load(&r->aborted) ||
	    atomic_load(&r->head) - atomic_load(&r->tail) <= most;
}

bool
relay_reserve(struct relay *r, uint32_t *slot)
{
	*slot = own(&r->head) & (r->n_slots - 1);
	if (room(r) == 0) {
		(void)pthread_mutex_lock(&r->lock);
		atomic_store(&r->giver_waits, true);
		while (!giver_may_go(r, r->n_slots / 4))
			(void)pthread_cond_wait(&r->taken, &r->lock);
		atomic_store(&r->giver_waits, false);
		r->tail_seen = atomic_load(&r->tail);
		(void)pthread_mutex_unlock(&r->lock);
	}
	return !atomic_load(&r->aborted);
}

void
relay_give(struct relay *r)
{
	uint32_t head = own(&r->head) + 1;

	atomic_store(&r->head, head);
	if (atomic_load(&r->taker_waits) &&
	    head - atomic_load(&r->tail) == r->n_slots / 4 * 3)
		wake(r, &r->taker_waits, &r->given);
}

void
relay_close(struct relay *r)
{
	atomic_store(&r->closed, true);
	wake(r, &r->taker_waits, &r->given);
}

static bool
taker_may_go(struct relay *r, uint32_t least)
{
	return atomic_load(&r->closed) ||
	    atomic_load(&r->head) - atomic_load(&r->tail) >= least;
}

bool
relay_take(struct relay *r, uint32_t *slot)
{
	*slot = own(&r->tail) & (r->n_slots - 1);
	if (has_filled(r, 1))
		return true;
	(void)pthread_mutex_lock(&r->lock);
	atomic_store(&r->taker_waits, true);
	while (!taker_may_go(r, r->n_slots / 4 * 3))
		(void)pthread_cond_wait(&r->given, &r->lock);
	atomic_store(&r->taker_waits, false);
	(void)pthread_mutex_unlock(&r->lock);
	return has_filled(r, 1);
}

bool
relay_peek(struct relay *r, uint32_t *slot)
{
	*slot = (own(&r->tail) + 1) & (r->n_slots - 1);
	return has_filled(r, 2);
}

void
relay_free(struct relay *r)
{
	uint32_t tail = own(&r->tail) + 1;

	atomic_store(&r->tail, tail);
	if (atomic_load(&r->giver_waits) &&
	    atomic_load(&r->head) - tail == r->n_slots / 4)
		wake(r, &r->giver_waits, &r->taken);
}

void
relay_abort(struct relay *r)
{
	atomic_store(&r->aborted, true);
	wake(r, &r->giver_waits, &r->taken);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/relay.h"

void
relay_init(struct relay *r, uint32_t n_slots)
{
	*r = (struct relay){ .n_slots = n_slots };
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

bool
relay_reserve(struct relay *r, uint32_t *slot)
{
	bool more;

	(void)pthread_mutex_lock(&r->lock);
	if (r->head - r->tail == r->n_slots)
		while (!r->aborted && r->head - r->tail > r->n_slots / 2)
			(void)pthread_cond_wait(&r->taken, &r->lock);
	more = !r->aborted;
	*slot = r->head % r->n_slots;
	(void)pthread_mutex_unlock(&r->lock);
	return more;
}

void
relay_give(struct relay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	if (++r->head - r->tail == r->n_slots / 2)
		(void)pthread_cond_signal(&r->given);
	(void)pthread_mutex_unlock(&r->lock);
}

void
relay_close(struct relay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->closed = true;
	(void)pthread_cond_signal(&r->given);
	(void)pthread_mutex_unlock(&r->lock);
}

bool
relay_take(struct relay *r, uint32_t *slot)
{
	bool more;

	(void)pthread_mutex_lock(&r->lock);
	if (r->head == r->tail)
		while (!r->closed && r->head - r->tail < r->n_slots / 2)
			(void)pthread_cond_wait(&r->given, &r->lock);
	more = r->head != r->tail;
	*slot = r->tail % r->n_slots;
	(void)pthread_mutex_unlock(&r->lock);
	return more;
}

void
relay_free(struct relay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->tail++;
	if (r->head - r->tail == r->n_slots / 2)
		(void)pthread_cond_signal(&r->taken);
	(void)pthread_mutex_unlock(&r->lock);
}

void
relay_abort(struct relay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->aborted = true;
	(void)pthread_cond_signal(&r->taken);
	(void)pthread_mutex_unlock(&r->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/daemon_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/log.h"

#define FLOWS_MAX    ((uint32_t)1 << 15)
#define RETRY_S      1
#define EXPIRE_EVERY ((int64_t)3600 * 1000000)
#define EXPIRE_ROWS  20000 /* with one flush, so that it stays short */

struct writer {
	const struct daemon_config *config;
	struct buffer buffers[2];
	struct cluster_use *put; /* what store_put_cluster was called with */
	int64_t expired_us;      /* INT64_MIN: not yet */
	int64_t written_us; /* by the collector before this one, or INT64_MIN */
	bool is_current;    /* the store knows which windows are done */
	bool expiring; /* more is to expire than went with the last flush */
	bool failing;  /* said so already */

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	struct buffer *full; /* the writer's, to be stored */
	bool stop;
	bool running;
	pthread_t thread;
	struct writer_stats stats;
};

struct cluster_use *
cluster_use_new(const struct daemon_cluster_source *source)
{
	struct cluster_use *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->source = *source;
	u->c = source->current(source->arg, &u->generation);
	atomic_init(&u->users, 1);
	return u;
}

struct cluster_use *
cluster_use_share(struct cluster_use *u)
{
	(void)atomic_fetch_add(&u->users, 1);
	return u;
}

void
cluster_use_drop(struct cluster_use *u)
{
	if (u == NULL || atomic_fetch_sub(&u->users, 1) != 1)
		return;
	u->source.release(u->source.arg, u->c);
	free(u);
}

static int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Make the database know the cluster that the buffer's flows refer to. */
static enum rf_status
put_cluster(struct writer *w, struct cluster_use *u, struct rf_error *err)
{
	enum rf_status st;

	if (w->put == u)
		return RF_OK;
	st = store_put_cluster(w->config->store, u->c, err);
	if (st == RF_OK) {
		cluster_use_drop(w->put);
		w->put = cluster_use_share(u);
	}
	return st;
}

/*
 * What began before then goes. For an hour the clock is not trusted further
 * than that of the collector before this one: if it is wrong, as after a boot,
 * everything is old, and in an hour it will have been set.
 */
static int64_t
expire_before(const struct writer *w, const struct buffer *b)
{
	int64_t age_us = b->now_us - w->config->start_us, now_us = b->now_us;

	if (w->written_us != INT64_MIN && w->written_us < now_us &&
	    age_us >= 0 && age_us < EXPIRE_EVERY &&
	    w->written_us + age_us < now_us)
		now_us = w->written_us + age_us;
	return now_us - w->config->retain_us;
}

/* What is damaged must not keep the rest from being stored: it is tried again
 * in an hour. */
static enum rf_status
forget(struct writer *w, const struct buffer *b, struct rf_error *err)
{
	enum rf_status st = store_expire(w->config->store, expire_before(w, b),
	    EXPIRE_ROWS, &w->expiring, err);

	if (st != RF_CORRUPT && st != RF_INVAL)
		return st;
	log_error("store", "what is older than --retain stays: %s", err->msg);
	return RF_OK;
}

static enum rf_status
put_rest(
    struct writer *w, const struct buffer *b, bool expire, struct rf_error *err)
{
	const struct daemon_config *config = w->config;
	enum rf_status st;

	st = store_put_names(config->store, b->names, b->n_names, err);
	if (st == RF_OK)
		st = store_put_waiting(config->store,
		    &(struct store_rows){
			b->waiting, b->n_waiting, b->left, b->n_left },
		    err);
	if (st == RF_OK)
		st = store_put_open(config->store, &b->open, err);
	if (st == RF_OK)
		st = store_put_written(config->store, b->now_us, err);
	for (size_t i = 0; st == RF_OK && i < config->n_points; i++)
		st = store_put_coverage(config->store, &b->coverage[i], err);
	if (st == RF_OK && expire)
		st = forget(w, b, err);
	return st;
}

static enum rf_status
store_buffer(
    struct writer *w, const struct buffer *b, bool expire, struct rf_error *err)
{
	struct store *s = w->config->store;
	const struct endpoint *endpoints;
	size_t n_endpoints, n_flows;
	const struct flow *flows;
	enum rf_status st;

	if ((st = store_in_place(s, err)) != RF_OK ||
	    (st = store_begin(s, err)) != RF_OK)
		return st;
	endpoints = aggregate_endpoints(b->sums, &n_endpoints);
	flows = aggregate_flows(b->sums, &n_flows);
	st = put_cluster(w, b->cluster, err);
	if (st == RF_OK)
		st = store_put_flows(
		    s, endpoints, n_endpoints, flows, n_flows, err);
	/* Behind the flows, of which some may be of the clock as it was. */
	if (st == RF_OK && (!w->is_current || b->was_set))
		st = store_rewind(s, b->now_us, err);
	if (st == RF_OK)
		st = put_rest(w, b, expire, err);
	if (st == RF_OK)
		st = store_commit(s, err);
	if (st != RF_OK)
		store_rollback(s);
	w->is_current = st == RF_OK;
	if (st != RF_OK ||
	    (expire && !w->expiring)) { /* the database's ids are not sure */
		cluster_use_drop(w->put);
		w->put = NULL;
	}
	return st;
}

/* What was stored is shown to the judge. */
static void
show(const struct writer *w, const struct buffer *b)
{
	const struct daemon_judge *judge = &w->config->judge;
	struct daemon_batch batch;
	size_t n_endpoints;

	if (judge->judge == NULL)
		return;
	batch.c = b->cluster->c;
	batch.generation = b->cluster->generation;
	batch.endpoints = aggregate_endpoints(b->sums, &n_endpoints);
	batch.flows = aggregate_flows(b->sums, &batch.n_flows);
	judge->judge(judge->arg, &batch);
}

static void
buffer_clear(struct buffer *b)
{
	aggregate_clear(b->sums);
	arena_release(&b->text);
	arena_init(&b->text, 0);
	cluster_use_drop(b->cluster);
	b->cluster = NULL;
	b->names = NULL;
	b->n_names = 0;
	b->waiting = NULL;
	b->n_waiting = 0;
	b->left = NULL;
	b->n_left = 0;
	b->open = (struct store_rows){ 0 };
	b->open_rows = NULL;
	b->open_cap = 0;
	b->connections = 0;
	b->packets = 0;
}

/* Say once that it fails, and once that it goes on. */
static void
say(struct writer *w, enum rf_status st, const struct rf_error *err)
{
	if (st != RF_OK && !w->failing)
		log_error("store",
		    "%s; trying again, flows are kept in memory until then",
		    err->msg);
	else if (st == RF_OK && w->failing)
		log_warn("store", "the database can be written again");
	w->failing = st != RF_OK;
}

/* At once, where it is known how far the collector before this one came: it may
 * be that none lives for an hour. A clock that was put back must not stop it.
 */
static bool
is_expiry_due(const struct writer *w, const struct buffer *b)
{
	return w->config->retain_us > 0 && b->may_expire &&
	    (w->expiring || w->expired_us == INT64_MIN ||
		b->now_us < w->expired_us ||
		b->now_us - w->expired_us >= EXPIRE_EVERY);
}

static enum rf_status
try_store(struct writer *w, struct buffer *b, struct rf_error *err)
{
	int64_t began = monotonic_us();
	bool expire = is_expiry_due(w, b);
	enum rf_status st = store_buffer(w, b, expire, err);
	size_t rows;

	(void)aggregate_flows(b->sums, &rows);
	say(w, st, err);
	(void)pthread_mutex_lock(&w->lock);
	w->stats.flush_us = (uint64_t)(monotonic_us() - began);
	if (st == RF_OK) {
		w->stats.flushes++;
		w->stats.rows += rows;
		w->stats.flushed_us = b->now_us;
	} else {
		w->stats.failures++;
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (st != RF_OK)
		return st;
	if (expire)
		w->expired_us = b->now_us;
	show(w, b);
	buffer_clear(b);
	return RF_OK;
}

/* Wait a moment before the next try, unless it is time to stop. */
static void
wait_to_retry(struct writer *w)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RETRY_S;
	while (!w->stop &&
	    pthread_cond_timedwait(&w->changed, &w->lock, &until) != ETIMEDOUT)
		;
}

static void *
write_all(void *arg)
{
	struct writer *w = arg;
	struct rf_error err;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		struct buffer *b = w->full;
		enum rf_status st;

		if (b == NULL) {
			(void)pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&w->lock);
		st = try_store(w, b, &err);
		(void)pthread_mutex_lock(&w->lock);
		if (st == RF_OK)
			w->full = NULL;
		else
			wait_to_retry(w);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static enum rf_status
start_thread(struct writer *w, struct rf_error *err)
{
	int rc = pthread_create(&w->thread, NULL, write_all, w);

	if (rc != 0)
		return rf_fail(
		    err, RF_IO, "start the writer: %s", strerror(rc));
	w->running = true;
	return RF_OK;
}

enum rf_status
writer_new(struct writer **out, const struct daemon_config *config,
    struct rf_error *err)
{
	uint32_t max = config->flows_max != 0 ? config->flows_max : FLOWS_MAX;
	struct writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	enum rf_status st = RF_OK;

	*out = NULL;
	if (w == NULL)
		return rf_fail(err, RF_NOMEM, "writer: out of memory");
	w->config = config;
	st = store_get_written(config->store, &w->written_us, err);
	if (w->written_us < 0 && w->written_us != INT64_MIN)
		w->written_us = 0; /* no clock says so */
	w->expired_us =
	    w->written_us != INT64_MIN ? INT64_MIN : config->start_us;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	for (int i = 0; i < 2; i++) {
		arena_init(&w->buffers[i].text, 0);
		w->buffers[i].sums = aggregate_new(max, config->seed);
		if (w->buffers[i].sums == NULL)
			st = rf_fail(err, RF_NOMEM, "writer: out of memory");
	}
	if (st == RF_OK && !config->synchronous)
		st = start_thread(w, err);
	if (st == RF_OK)
		*out = w;
	else
		writer_free(w);
	return st;
}

struct buffer *
writer_first(struct writer *w)
{
	return &w->buffers[0];
}

bool
writer_is_ready(struct writer *w)
{
	struct rf_error err;
	bool ready;

	if (w->config->synchronous && w->full != NULL &&
	    try_store(w, w->full, &err) == RF_OK)
		w->full = NULL;
	(void)pthread_mutex_lock(&w->lock);
	ready = w->full == NULL;
	(void)pthread_mutex_unlock(&w->lock);
	return ready;
}

struct buffer *
writer_give(struct writer *w, struct buffer *b)
{
	struct rf_error err;

	(void)pthread_mutex_lock(&w->lock);
	w->full = b;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	if (w->config->synchronous && try_store(w, b, &err) == RF_OK)
		w->full = NULL;
	return &w->buffers[b == &w->buffers[0]];
}

void
writer_stats(struct writer *w, struct writer_stats *out)
{
	(void)pthread_mutex_lock(&w->lock);
	*out = w->stats;
	(void)pthread_mutex_unlock(&w->lock);
}

static void
join_thread(struct writer *w)
{
	if (!w->running)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	w->running = false;
}

enum rf_status
writer_finish(
    struct writer *w, struct buffer *b, uint64_t *lost, struct rf_error *err)
{
	struct buffer *left[2] = { NULL, b };
	enum rf_status st = RF_OK;

	join_thread(w);
	if (w->full != b)
		left[0] = w->full;
	w->full = NULL;
	*lost = 0;
	for (int i = 0; i < 2; i++) {
		if (left[i] != NULL && st == RF_OK)
			st = try_store(w, left[i], err);
		if (left[i] != NULL && st != RF_OK)
			*lost += left[i]->connections;
	}
	return st;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	join_thread(w);
	for (int i = 0; i < 2; i++) {
		cluster_use_drop(w->buffers[i].cluster);
		arena_release(&w->buffers[i].text);
		aggregate_free(w->buffers[i].sums);
	}
	cluster_use_drop(w->put);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/live_view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/json_text.h"
#include "kube/live_prune.h"
#include "kube/live_table.h"
#include "kube/reflector.h"
#include "kube/snapshot_internal.h"

#define KEEP_US       (INT64_C(900) * 1000000)
#define KEEP_MAX      20000
#define PUBLISHED_MAX 16

/* One resource of the view: what its reflector calls back with. */
struct feed {
	struct live_view *view;
	size_t resource;
	struct reflector *reflector;
	char selector[300]; /* of fields; "" is none */
	uint64_t mark;      /* of the list in progress, or of the last */
	int64_t known_us;   /* before it */
};

struct published {
	struct cluster *cluster;
	unsigned users; /* the view is one while it is the current */
};

struct live_view {
	struct client *client;
	struct live_view_config config;
	struct feed feeds[CLIENT_RESOURCE_COUNT];
	struct live_pruner pruner;
	struct live_table table;
	bool published_policies; /* the current one knows them */
	pthread_mutex_t lock;    /* of all below */
	struct published published[PUBLISHED_MAX];
	struct published *current; /* NULL: none yet */
	struct live_view_watch watches[CLIENT_RESOURCE_COUNT];
	struct live_view_stats stats;
	int64_t known_us;
};

/* What was dialled, or spoke, may be told of later; and owners are asked for
 * their owners. */
static bool
stays_when_gone(size_t resource)
{
	const char *kind = client_resources[resource].kind;

	return strcmp(kind, "Pod") == 0 || strcmp(kind, "ReplicaSet") == 0 ||
	    strcmp(kind, "Job") == 0 || strcmp(kind, "Deployment") == 0 ||
	    strcmp(kind, "CronJob") == 0 || strcmp(kind, "Service") == 0;
}

/* Can the reader of snapshots take it? What it refuses must not stand in the
 * way of all the rest: RF_OK, and *refused. */
static enum rf_status
try_reading(struct live_view *v, const struct client_resource *r,
    const json_t *object, bool *refused, struct rf_error *err)
{
	const struct snapshot_item item = { .file = r->name, .line = 1 };
	char *text = json_text_write(object, JSON_COMPACT);
	struct snapshot_builder *sb = NULL;
	enum rf_status st;

	*refused = false;
	if (text == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	st = snapshot_builder_new(&sb, err);
	if (st == RF_OK)
		st = snapshot_take_text(sb, item, text, strlen(text), err);
	snapshot_builder_free(sb);
	free(text);
	*refused = st != RF_OK && st != RF_NOMEM;
	if (!*refused)
		return st;
	(void)pthread_mutex_lock(&v->lock);
	v->stats.refused++;
	(void)snprintf(
	    v->stats.refusal, sizeof(v->stats.refusal), "%s", err->msg);
	(void)pthread_mutex_unlock(&v->lock);
	return RF_OK;
}

static void
on_list_begin(void *arg, int64_t known_us)
{
	struct feed *f = arg;

	f->mark++;
	f->known_us = known_us;
}

static enum rf_status
on_object(void *arg, enum reflector_event event, json_t *object, int64_t now_us,
    struct rf_error *err)
{
	struct feed *f = arg;
	struct live_view *v = f->view;
	struct live_time when = live_time_of(
	    object, event == REFLECTOR_LISTED ? f->known_us : now_us, now_us);
	json_t *pruned = live_prune(&v->pruner, f->resource, object);
	bool refused, stays = stays_when_gone(f->resource);
	struct rf_error why;
	enum rf_status st;

	if (pruned == NULL)
		return rf_fail(err, RF_NOMEM, "live cluster: out of memory");
	st = try_reading(
	    v, &client_resources[f->resource], pruned, &refused, &why);
	if (st != RF_OK)
		st = rf_fail(err, st, "%s", why.msg);
	if (st == RF_OK && refused && event != REFLECTOR_LISTED)
		/* What it was it is no more. A list will say so itself. */
		live_table_drop(&v->table, f->resource, pruned, now_us, stays);
	else if (st == RF_OK && !refused && event == REFLECTOR_DELETED)
		st = live_table_remove(
		    &v->table, f->resource, pruned, now_us, stays, err);
	else if (st == RF_OK && !refused)
		st = live_table_put(
		    &v->table, f->resource, pruned, f->mark, when, err);
	json_decref(pruned);
	return st;
}

static void
on_list_end(void *arg, int64_t known_us)
{
	struct feed *f = arg;
	struct live_view *v = f->view;

	(void)live_table_sweep(&v->table, f->resource, f->mark, known_us,
	    stays_when_gone(f->resource));
}

static enum rf_status
feed_init(struct live_view *v, size_t i, struct rf_error *err)
{
	const struct live_view_config *c = &v->config;
	struct feed *f = &v->feeds[i];
	const struct reflector_sink sink = { f, on_list_begin, on_object,
		on_list_end };
	struct reflector_config rc = { .resource = &client_resources[i],
		.seed = c->seed + i,
		.page_size = c->page_size,
		.watch_s = c->watch_s,
		.silence_max_us = c->silence_max_us,
		.backoff_min_us = c->backoff_min_us,
		.backoff_max_us = c->backoff_max_us,
		.denied_us = c->denied_us };

	f->view = v;
	f->resource = i;
	if (c->node != NULL && strcmp(client_resources[i].kind, "Pod") == 0) {
		(void)snprintf(f->selector, sizeof(f->selector),
		    "spec.nodeName=%s", c->node);
		rc.field_selector = f->selector;
	}
	v->watches[i].resource = client_resources[i].name;
	v->watches[i].state = reflector_state_name(REFLECTOR_WAITING);
	return reflector_new(&f->reflector, v->client, &rc, &sink, err);
}

enum rf_status
live_view_new(struct live_view **out, struct client *client,
    const struct live_view_config *config, struct rf_error *err)
{
	struct live_view *v = calloc(1, sizeof(*v));
	enum rf_status st;

	*out = NULL;
	if (v == NULL)
		return rf_fail(err, RF_NOMEM, "live cluster: out of memory");
	(void)pthread_mutex_init(&v->lock, NULL);
	v->client = client;
	v->config = *config;
	if (v->config.keep_us == 0)
		v->config.keep_us = KEEP_US;
	if (v->config.keep_max == 0)
		v->config.keep_max = KEEP_MAX;
	st = live_table_init(&v->table, config->seed, err);
	if (st == RF_OK && !live_pruner_init(&v->pruner))
		st = rf_fail(err, RF_NOMEM, "live cluster: out of memory");
	for (size_t i = 0; st == RF_OK && i < CLIENT_RESOURCE_COUNT; i++)
		st = feed_init(v, i, err);
	if (st != RF_OK) {
		live_view_free(v);
		return st;
	}
	*out = v;
	return RF_OK;
}

void
live_view_free(struct live_view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		reflector_free(v->feeds[i].reflector);
	for (size_t i = 0; i < PUBLISHED_MAX; i++)
		cluster_free(v->published[i].cluster);
	live_pruner_release(&v->pruner);
	live_table_release(&v->table);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}

/* For other threads, which must not look at what is being changed. */
static void
copy_watch(const struct feed *f, struct live_view_watch *w)
{
	const struct reflector_stats *s = reflector_stats(f->reflector);

	w->state = reflector_state_name(s->state);
	w->is_synced = s->lists > 0;
	w->is_up = w->is_synced && (s->is_following || s->failures_row == 0);
	w->is_excluded =
	    s->state == REFLECTOR_FORBIDDEN || s->state == REFLECTOR_ABSENT;
	w->lists = s->lists;
	w->relists = s->relists;
	w->events = s->events;
	w->bookmarks = s->bookmarks;
	w->failures = s->failures;
	w->silent = s->silent;
	w->heard_us = s->heard_us;
	w->event_us = s->event_us;
	(void)snprintf(w->problem, sizeof(w->problem), "%s", s->problem);
}

void
live_view_step(struct live_view *v, int64_t now_us, int wait_ms)
{
	size_t dropped;

	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		reflector_step(v->feeds[i].reflector, now_us);
	client_work(v->client, now_us, wait_ms);
	dropped = live_table_forget(
	    &v->table, now_us, v->config.keep_us, v->config.keep_max);
	(void)pthread_mutex_lock(&v->lock);
	v->stats.dropped += dropped;
	v->stats.objects = v->table.n;
	v->stats.gone = v->table.n_gone;
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		copy_watch(&v->feeds[i], &v->watches[i]);
	(void)pthread_mutex_unlock(&v->lock);
}

/* Were policies listed? That there are none is then known, too. */
static bool
has_policies(const struct live_view *v)
{
	return v->watches[client_resource_find("networkpolicies")].is_synced;
}

/* Nobody's cluster any more. */
static void
drop(struct published *p)
{
	if (--p->users > 0)
		return;
	cluster_free(p->cluster);
	p->cluster = NULL;
}

/* false: all places are taken by clusters that nobody gave back. */
static bool
replace(struct live_view *v, struct cluster *c, uint64_t bytes)
{
	struct published *p = v->published;

	while (p < v->published + PUBLISHED_MAX && p->cluster != NULL)
		p++;
	if (p == v->published + PUBLISHED_MAX)
		return false;
	*p = (struct published){ c, 1 };
	if (v->current != NULL)
		drop(v->current);
	v->current = p;
	v->stats.generation++;
	v->stats.bytes = bytes;
	return true;
}

/* The current cluster holds all that was told. */
static void
note_known(struct live_view *v)
{
	size_t pods = client_resource_find("pods");
	int64_t us = reflector_stats(v->feeds[pods].reflector)->known_us;

	(void)pthread_mutex_lock(&v->lock);
	v->known_us = us;
	(void)pthread_mutex_unlock(&v->lock);
}

int64_t
live_view_known_us(struct live_view *v)
{
	int64_t us;

	(void)pthread_mutex_lock(&v->lock);
	us = v->known_us;
	(void)pthread_mutex_unlock(&v->lock);
	return us;
}

enum rf_status
live_view_publish(struct live_view *v, struct rf_error *err)
{
	struct cluster *c = NULL;
	enum rf_status st;
	uint64_t bytes;
	bool placed;

	if (!v->table.is_changed && v->current != NULL &&
	    v->published_policies == has_policies(v)) {
		note_known(v);
		return RF_OK;
	}
	if ((st = live_table_build(&v->table, &c, &bytes, err)) != RF_OK)
		return st;
	if (has_policies(v))
		c->has_policies = true;
	(void)pthread_mutex_lock(&v->lock);
	placed = replace(v, c, bytes);
	(void)pthread_mutex_unlock(&v->lock);
	if (!placed) {
		cluster_free(c);
		return rf_fail(err, RF_LIMIT,
		    "live cluster: %d clusters are still in use",
		    PUBLISHED_MAX);
	}
	v->table.is_changed = false;
	v->published_policies = has_policies(v);
	note_known(v);
	return RF_OK;
}

bool
live_view_is_synced(struct live_view *v)
{
	bool all = true;

	(void)pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		all = all &&
		    (v->watches[i].is_synced || v->watches[i].is_excluded);
	(void)pthread_mutex_unlock(&v->lock);
	return all;
}

const struct cluster *
live_view_current(struct live_view *v, uint64_t *generation)
{
	const struct cluster *c = NULL;

	(void)pthread_mutex_lock(&v->lock);
	*generation = v->stats.generation;
	if (v->current != NULL) {
		v->current->users++;
		c = v->current->cluster;
	}
	(void)pthread_mutex_unlock(&v->lock);
	return c;
}

void
live_view_release(struct live_view *v, const struct cluster *c)
{
	(void)pthread_mutex_lock(&v->lock);
	for (size_t i = 0; c != NULL && i < PUBLISHED_MAX; i++)
		if (v->published[i].cluster == c) {
			drop(&v->published[i]);
			break;
		}
	(void)pthread_mutex_unlock(&v->lock);
}

void
live_view_watch(struct live_view *v, size_t i, struct live_view_watch *out)
{
	(void)pthread_mutex_lock(&v->lock);
	*out = v->watches[i];
	(void)pthread_mutex_unlock(&v->lock);
}

void
live_view_stats(struct live_view *v, struct live_view_stats *out)
{
	(void)pthread_mutex_lock(&v->lock);
	*out = v->stats;
	(void)pthread_mutex_unlock(&v->lock);
}

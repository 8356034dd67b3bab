/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher: a reflector of a replay server, with a clock that the test turns
 * and a log of what it was told. To be included behind cmocka.h.
 */
#ifndef TESTS_KUBE_WATCHER_H
#define TESTS_KUBE_WATCHER_H

#include "core/strbuf.h"
#include "kube/reflector.h"
#include "tests/kube/client_world.h"

#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))
#define TURN_US   INT64_C(100000)
#define TURNS_MAX 40000
#define SECOND_US INT64_C(1000000)

#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" name "\"}}"
#define LIST(version, items)                                                   \
	"{\"kind\":\"NamespaceList\",\"metadata\":{\"resourceVersion\":"       \
	"\"" version "\"},\"items\":[" items "]}"
#define EVENT(type, name, version)                                             \
	"{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name    \
	"\",\"resourceVersion\":\"" version "\"}}}\n"
#define FIRST(items)                                                           \
	{                                                                      \
		.when = { "?limit=" }, .times = 1, .text = LIST("10", items)   \
	}
#define WATCH(version) "&resourceVersion=" version "&"
/* From here on nothing comes. */
#define SILENT(version)                                                        \
	{                                                                      \
		.when = { WATCH(version) }, .is_open = true,                   \
		.end = REPLAY_STALL                                            \
	}

struct watcher {
	struct client_world world;
	struct reflector *reflector;
	struct strbuf log;
	int64_t now_us, known_us;
};

static inline void
on_begin(void *arg, int64_t known_us)
{
	struct watcher *w = arg;

	assert_true(known_us <= w->now_us);
	strbuf_putc(&w->log, '(');
}

static inline enum rf_status
on_object(void *arg, enum reflector_event event, json_t *object, int64_t now_us,
    struct rf_error *err)
{
	static const char signs[] = { [REFLECTOR_ADDED] = '+',
		[REFLECTOR_MODIFIED] = '~',
		[REFLECTOR_DELETED] = '-' };
	struct watcher *w = arg;

	(void)err;
	assert_int_equal(now_us, w->now_us);
	if (event != REFLECTOR_LISTED)
		strbuf_putc(&w->log, signs[event]);
	strbuf_puts(&w->log,
	    json_string_value(
		json_object_get(json_object_get(object, "metadata"), "name")));
	return RF_OK;
}

static inline void
on_end(void *arg, int64_t known_us)
{
	struct watcher *w = arg;

	w->known_us = known_us;
	strbuf_putc(&w->log, ')');
}

/* as: what is not as by default. */
static inline void
watcher_init_as(struct watcher *w, const struct replay_answer *answers,
    size_t n, const char *resource, const struct reflector_config *as)
{
	const struct reflector_sink sink = { w, on_begin, on_object, on_end };
	struct reflector_config config = *as;

	config.resource = &client_resources[client_resource_find(resource)];
	config.seed = 7;
	*w = (struct watcher){ .now_us = SECOND_US };
	strbuf_init(&w->log, 65536);
	client_world_init(&w->world, answers, n, "token: t");
	assert_int_equal(
	    reflector_new(&w->reflector, w->world.client, &config, &sink, NULL),
	    RF_OK);
}

/* watch_s: how long watches last at least. */
static inline void
watcher_init_lasting(struct watcher *w, const struct replay_answer *answers,
    size_t n, const char *resource, unsigned watch_s)
{
	const struct reflector_config as = { .watch_s = watch_s };

	watcher_init_as(w, answers, n, resource, &as);
}

static inline void
watcher_init(struct watcher *w, const struct replay_answer *answers, size_t n,
    const char *resource)
{
	watcher_init_lasting(w, answers, n, resource, 0);
}

static inline void
watcher_release(struct watcher *w)
{
	reflector_free(w->reflector);
	client_world_release(&w->world);
	strbuf_release(&w->log);
}

/* Time goes by only while nothing happens: the server is a real one, and
 * nobody knows how long it takes to answer. */
static inline void
turn(struct watcher *w, int64_t us)
{
	const struct reflector_stats *s = reflector_stats(w->reflector);
	size_t told = w->log.len;
	struct reflector_stats before;

	reflector_step(w->reflector, w->now_us);
	before = *s;
	client_work(w->world.client, w->now_us, 3);
	if (w->log.len == told && s->failures == before.failures &&
	    s->bookmarks == before.bookmarks && s->state == before.state)
		w->now_us += us;
}

#endif

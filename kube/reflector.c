/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/reflector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "kube/client_stream.h"
#include "kube/json_text.h"

#define SECOND_US   INT64_C(1000000)
#define VERSION_MAX 64
/* More of one kind than this in a row, and the version is not trusted. */
#define EXPIRED_MAX 3
#define REFUSED_MAX 2
#define QUIET_MAX   2
#define GRACE_S     30 /* for a server to end a watch as it was asked to */
/* A watch that is answered first tells what it had missed. */
#define SETTLE_US SECOND_US

struct reflector {
	struct client *client;
	struct reflector_config config;
	struct reflector_sink sink;
	struct reflector_stats stats;
	struct client_request *request;
	struct client_stream stream;
	struct strbuf continues; /* token of the next page; empty: the first */
	char version[VERSION_MAX];
	char problem[RF_ERROR_MAX];
	int64_t now_us, due_us;
	uint64_t body_bytes; /* of all of that */
	int64_t started_us;  /* the watch, or the list's first page */
	int64_t settled_us;  /* the watch tells what is new from then on */
	int64_t known_us;    /* listing: until when what we knew was true */
	uint64_t random;
	/* Watches that ended so, since one went well. A list that succeeds in
	 * between does not make a watch that never does any better. */
	unsigned expired_row, refused_row, quiet_row, failed_row;
	bool must_list;   /* there is no version to watch from */
	bool is_listing;  /* the sink was told of a list that has not ended */
	bool has_outer;   /* the page has come to its end */
	bool has_retried; /* with new credentials */
	bool has_spoken;  /* something came in this watch */
	int error_code;   /* of an ERROR event; 0: none */
};

static uint64_t
next_random(struct reflector *r)
{
	r->random += UINT64_C(0x9e3779b97f4a7c15);
	return hash_mix(r->random, UINT64_C(0xa0761d6478bd642f));
}

static void
set_defaults(struct reflector_config *c)
{
	if (c->page_size == 0)
		c->page_size = 500;
	if (c->body_max == 0)
		c->body_max = UINT64_C(4) << 30;
	if (c->watch_s == 0)
		c->watch_s = 300;
	if (c->silence_max_us == 0)
		c->silence_max_us = 150 * SECOND_US;
	if (c->backoff_min_us == 0)
		c->backoff_min_us = SECOND_US;
	if (c->backoff_max_us == 0)
		c->backoff_max_us = 30 * SECOND_US;
	if (c->denied_us == 0)
		c->denied_us = 300 * SECOND_US;
}

enum rf_status
reflector_new(struct reflector **out, struct client *client,
    const struct reflector_config *config, const struct reflector_sink *sink,
    struct rf_error *err)
{
	struct reflector *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL)
		return rf_fail(err, RF_NOMEM, "API client: out of memory");
	r->client = client;
	r->config = *config;
	set_defaults(&r->config);
	r->sink = *sink;
	r->random = config->seed;
	r->must_list = true;
	r->due_us = INT64_MIN;
	r->stats.problem = r->problem;
	strbuf_init(&r->continues, 65536);
	client_stream_init(&r->stream, false, NULL, NULL);
	return RF_OK;
}

void
reflector_free(struct reflector *r)
{
	if (r == NULL)
		return;
	client_cancel(r->request);
	client_stream_release(&r->stream);
	strbuf_release(&r->continues);
	free(r);
}

int64_t
reflector_due_us(const struct reflector *r)
{
	return r->request != NULL ? INT64_MAX : r->due_us;
}

const struct reflector_stats *
reflector_stats(const struct reflector *r)
{
	return &r->stats;
}

/* Something went well: what comes next is not made to wait. */
static void
note_success(struct reflector *r)
{
	r->stats.failures_row = 0;
	r->stats.status = 0;
	r->has_retried = false;
	r->problem[0] = '\0';
	r->due_us = r->now_us;
}

static void
note_watch_success(struct reflector *r)
{
	note_success(r);
	r->expired_row = r->refused_row = r->failed_row = 0;
}

/* Wait longer each time, and never all at the same moment. */
static void
back_off(struct reflector *r, int64_t at_least_us)
{
	int64_t max = r->config.backoff_max_us;
	int64_t delay = r->config.backoff_min_us;
	unsigned row = r->stats.failures_row;

	if (row < r->failed_row)
		row = r->failed_row;
	for (unsigned i = 1; i < row && delay < max; i++)
		delay *= 2;
	if (delay > max)
		delay = max;
	delay = delay / 2 + (int64_t)(next_random(r) % (uint64_t)(delay + 1));
	r->due_us = r->now_us + (at_least_us > delay ? at_least_us : delay);
	r->stats.state = REFLECTOR_WAITING;
}

/* Without memory, too. */
static void
say(struct reflector *r, const char *verb, const char *text)
{
	(void)snprintf(r->problem, sizeof(r->problem), "%s %s: %.320s", verb,
	    r->config.resource->name, text);
}

static void
deny(struct reflector *r, enum reflector_state state)
{
	r->stats.state = state;
	r->must_list = true;
	r->due_us = r->now_us + r->config.denied_us;
}

/* Is it the request that the server refuses, and not the moment? */
static bool
is_refusal(int status)
{
	return status >= 400 && status != 429 && status < 502;
}

static void
fail_request(struct reflector *r, const char *verb, int status,
    int64_t retry_after_us, const char *message)
{
	r->stats.failures++;
	r->stats.failures_row++;
	r->stats.status = status;
	if (status == 403) {
		client_resource_forbidden(r->config.resource, message,
		    r->problem, sizeof(r->problem));
		deny(r, REFLECTOR_FORBIDDEN);
		return;
	}
	say(r, verb, message);
	if (status == 404) {
		deny(r, REFLECTOR_ABSENT);
		return;
	}
	if (status == 401)
		client_forget_credentials(r->client);
	if (status == 401 && !r->has_retried) {
		r->has_retried = true;
		r->due_us = r->now_us;
		return;
	}
	if (is_refusal(status) && ++r->refused_row >= REFUSED_MAX)
		r->must_list = true;
	r->failed_row += *verb == 'w';
	back_off(r, retry_after_us);
}

static void
set_version(struct reflector *r, const json_t *metadata)
{
	const char *v =
	    json_string_value(json_object_get(metadata, "resourceVersion"));

	if (v != NULL && *v != '\0' && strlen(v) < VERSION_MAX)
		(void)memcpy(r->version, v, strlen(v) + 1);
}

static enum rf_status
parse(json_t **out, const char *text, size_t len, struct rf_error *err)
{
	json_error_t je;

	*out = NULL;
	if (memchr(text, '\0', len) != NULL)
		return rf_fail(
		    err, RF_CORRUPT, "the answer is no JSON: a NUL character");
	*out = json_text_read(text, len, 0, &je);
	if (*out == NULL)
		return rf_fail(err, json_text_status(&je),
		    "the answer is no JSON: %s", je.text);
	return RF_OK;
}

static enum rf_status
take_outer(struct reflector *r, const json_t *outer, struct rf_error *err)
{
	const json_t *metadata = json_object_get(outer, "metadata");
	const json_t *token = json_object_get(metadata, "continue");
	const char *more = json_string_value(token);
	const char *kind = json_string_value(json_object_get(outer, "kind"));

	if (kind == NULL || strlen(kind) < 4 ||
	    strcmp(kind + strlen(kind) - 4, "List") != 0)
		return rf_fail(err, RF_CORRUPT,
		    "the answer is no list but %.60s",
		    kind == NULL ? "without kind" : kind);
	if (token != NULL && more == NULL && !json_is_null(token))
		return rf_fail(
		    err, RF_CORRUPT, "the token of the next page is no text");
	if (more != NULL && *more != '\0' &&
	    strcmp(more, strbuf_str(&r->continues)) == 0)
		return rf_fail(
		    err, RF_CORRUPT, "the same page comes again and again");
	set_version(r, metadata);
	strbuf_release(&r->continues); /* and any failure with it */
	if (more != NULL)
		strbuf_puts(&r->continues, more);
	/* A list that lacks pages would say that all on them is gone. */
	if (strbuf_failed(&r->continues) && !r->continues.is_full)
		return rf_fail(err, RF_NOMEM, "out of memory");
	if (strbuf_failed(&r->continues))
		return rf_fail(
		    err, RF_LIMIT, "the token of the next page is too long");
	r->has_outer = true;
	return RF_OK;
}

static enum rf_status
take_list_part(void *arg, enum stream_part part, const char *text, size_t len,
    struct rf_error *err)
{
	struct reflector *r = arg;
	json_t *j;
	enum rf_status st = parse(&j, text, len, err);

	if (st == RF_OK && part == STREAM_ITEM)
		st = r->sink.object(
		    r->sink.arg, REFLECTOR_LISTED, j, r->now_us, err);
	else if (st == RF_OK)
		st = take_outer(r, j, err);
	json_decref(j);
	return st;
}

/* An ERROR event stands for the status that came too late for a header. */
static enum rf_status
take_error(struct reflector *r, const json_t *status, struct rf_error *err)
{
	const char *text =
	    json_string_value(json_object_get(status, "message"));

	r->error_code =
	    (int)json_integer_value(json_object_get(status, "code"));
	if (r->error_code == 0)
		r->error_code = 500;
	return rf_fail(err, RF_IO, "the watch ended: %.300s",
	    text == NULL ? "without a word" : text);
}

static enum rf_status
take_change(
    struct reflector *r, const char *type, json_t *object, struct rf_error *err)
{
	enum reflector_event event;
	enum rf_status st;

	if (strcmp(type, "ADDED") == 0)
		event = REFLECTOR_ADDED;
	else if (strcmp(type, "MODIFIED") == 0)
		event = REFLECTOR_MODIFIED;
	else if (strcmp(type, "DELETED") == 0)
		event = REFLECTOR_DELETED;
	else
		return rf_fail(
		    err, RF_CORRUPT, "unknown event \"%.40s\"", type);
	/* Before the sink, which may change the object. */
	set_version(r, json_object_get(object, "metadata"));
	st = r->sink.object(r->sink.arg, event, object, r->now_us, err);
	if (st != RF_OK)
		return st;
	r->stats.events++;
	r->stats.event_us = r->now_us;
	return RF_OK;
}

static enum rf_status
take_event(void *arg, enum stream_part part, const char *text, size_t len,
    struct rf_error *err)
{
	struct reflector *r = arg;
	const char *type;
	json_t *j, *object;
	enum rf_status st = parse(&j, text, len, err);

	(void)part;
	if (st != RF_OK) {
		r->must_list = true;
		return st;
	}
	type = json_string_value(json_object_get(j, "type"));
	object = json_object_get(j, "object");
	if (type == NULL || !json_is_object(object))
		st = rf_fail(
		    err, RF_CORRUPT, "a watch event without type or object");
	else if (strcmp(type, "ERROR") == 0)
		st = take_error(r, object, err);
	else if (strcmp(type, "BOOKMARK") == 0) {
		set_version(r, json_object_get(object, "metadata"));
		r->stats.bookmarks++;
		client_limit_silence(r->request, r->config.silence_max_us);
	} else
		st = take_change(r, type, object, err);
	json_decref(j);
	if (st == RF_OK) {
		r->has_spoken = true;
		r->quiet_row = 0;
		note_watch_success(r);
	} else if (r->error_code == 0)
		r->must_list = true; /* what we missed, only a list can tell */
	return st;
}

static enum rf_status
on_body(void *arg, const char *data, size_t n, struct rf_error *err)
{
	struct reflector *r = arg;

	if (!r->is_listing) /* half a list is no news */
		r->stats.heard_us = r->now_us;
	r->body_bytes += n;
	if (r->body_bytes > r->config.body_max)
		return rf_fail(err, RF_LIMIT, "more than %" PRIu64 " MiB",
		    r->config.body_max >> 20);
	return client_stream_add(&r->stream, data, n, err);
}

static void
finish_list(struct reflector *r)
{
	r->is_listing = false;
	r->must_list = false;
	r->quiet_row = 0;
	r->stats.heard_us = r->now_us;
	r->stats.relists += r->stats.lists > 0;
	r->stats.lists++;
	r->stats.event_us = r->now_us;
	r->stats.known_us = r->started_us;
	r->stats.state =
	    r->config.list_only ? REFLECTOR_DONE : REFLECTOR_WAITING;
	note_success(r);
	r->sink.list_end(r->sink.arg, r->known_us);
}

static void
on_list_done(void *arg, const struct client_answer *a)
{
	struct reflector *r = arg;

	r->request = NULL;
	if (a->status == 200 && a->is_complete && r->has_outer) {
		if (r->continues.len > 0)
			r->due_us = r->now_us; /* the next page */
		else
			finish_list(r);
		return;
	}
	r->is_listing = false;
	strbuf_release(&r->continues);
	r->stats.silent += a->was_silent;
	if (a->status == 410 && ++r->expired_row < EXPIRED_MAX) {
		r->stats.failures++;
		say(r, "list", a->message);
		r->due_us = r->now_us;
		return;
	}
	fail_request(r, "list", a->status == 200 ? 0 : a->status,
	    a->retry_after_us,
	    a->is_complete && a->status == 200 ? "the answer is cut off"
					       : a->message);
}

/* A watch that ends as it should goes on at once, unless it says nothing. */
static void
go_on(struct reflector *r)
{
	r->stats.heard_us = r->now_us;
	if (r->has_spoken) {
		r->due_us = r->now_us;
		return;
	}
	if (r->now_us - r->started_us < SECOND_US) {
		r->failed_row++;
		back_off(r, 0);
		return;
	}
	note_watch_success(r);
	/* Also what a version from the future looks like. */
	if (++r->quiet_row >= QUIET_MAX)
		r->must_list = true;
	r->due_us = r->now_us;
}

static void
on_watch_done(void *arg, const struct client_answer *a)
{
	struct reflector *r = arg;
	int status = a->status == 200 ? r->error_code : a->status;

	r->request = NULL;
	r->stats.state = REFLECTOR_WAITING;
	r->stats.silent += a->was_silent;
	if (a->was_silent && !r->has_spoken && ++r->quiet_row >= QUIET_MAX)
		r->must_list = true;
	if (status == 410) {
		r->stats.failures++;
		say(r, "watch", a->message);
		r->must_list = true;
		r->due_us = r->now_us;
		if (++r->expired_row >= EXPIRED_MAX) {
			r->failed_row++;
			back_off(r, 0);
		}
		return;
	}
	if (a->status == 200 && a->is_complete &&
	    client_stream_is_whole(&r->stream)) {
		go_on(r);
		return;
	}
	fail_request(r, "watch", status, a->retry_after_us,
	    *a->message != '\0' ? a->message : "the answer is cut off");
}

static void
put_list_query(struct reflector *r, struct strbuf *path)
{
	client_resource_path(r->config.resource, path);
	strbuf_printf(path, "?limit=%u", r->config.page_size);
	if (r->continues.len > 0) {
		strbuf_puts(path, "&continue=");
		client_escape(path, strbuf_str(&r->continues));
	}
}

static void
put_watch_query(struct reflector *r, struct strbuf *path, unsigned *lasts_s)
{
	*lasts_s = r->config.watch_s +
	    (unsigned)(next_random(r) % (r->config.watch_s + 1));
	client_resource_path(r->config.resource, path);
	strbuf_puts(path, "?watch=1&allowWatchBookmarks=true&resourceVersion=");
	client_escape(path, r->version);
	strbuf_printf(path, "&timeoutSeconds=%u", *lasts_s);
}

/* What the last answer left behind is gone; the next one starts clean. */
static void
reset(struct reflector *r, bool is_watch)
{
	client_stream_release(&r->stream);
	client_stream_init(
	    &r->stream, is_watch, is_watch ? take_event : take_list_part, r);
	r->has_outer = r->has_spoken = false;
	r->error_code = 0;
}

static void
begin_list(struct reflector *r)
{
	if (r->is_listing)
		return;
	/* The server's last word. */
	r->known_us = r->stats.lists > 0 ? r->stats.heard_us : r->now_us;
	r->started_us = r->now_us;
	r->body_bytes = 0;
	r->is_listing = true;
	r->sink.list_begin(r->sink.arg, r->known_us);
}

static void
start(struct reflector *r, bool is_watch)
{
	const struct client_handler h = { on_body,
		is_watch ? on_watch_done : on_list_done, r };
	struct client_query q = { .gzip = !is_watch,
		.accept = client_resource_accept(
		    r->config.resource, r->config.list_only, is_watch),
		.silence_max_us = r->config.silence_max_us };
	struct rf_error err = { .msg = "out of memory" };
	struct strbuf path;
	unsigned lasts_s = 0;
	enum rf_status st = RF_NOMEM;

	reset(r, is_watch);
	strbuf_init(&path, 131072);
	if (is_watch) {
		r->started_us = r->now_us;
		r->body_bytes = 0;
		r->settled_us = INT64_MIN;
		put_watch_query(r, &path, &lasts_s);
		q.silence_max_us = (lasts_s + GRACE_S) * SECOND_US;
	} else {
		begin_list(r);
		put_list_query(r, &path);
	}
	if (r->config.field_selector != NULL) {
		strbuf_puts(&path, "&fieldSelector=");
		client_escape(&path, r->config.field_selector);
	}
	q.path = strbuf_str(&path);
	if (!strbuf_failed(&path))
		st =
		    client_get(r->client, &q, &h, r->now_us, &r->request, &err);
	strbuf_release(&path);
	r->stats.state = is_watch ? REFLECTOR_WATCHING : REFLECTOR_LISTING;
	if (st != RF_OK)
		fail_request(r, is_watch ? "watch" : "list", 0, 0, err.msg);
}

/* While a watch is open, what it does not tell did not happen. */
static void
note_known(struct reflector *r)
{
	r->stats.is_following = false;
	if (r->stats.known_us > r->now_us) /* the clock was set back */
		r->stats.known_us = r->now_us;
	if (r->request == NULL || r->stats.state != REFLECTOR_WATCHING ||
	    !client_is_answered(r->request))
		return;
	if (r->settled_us == INT64_MIN)
		r->settled_us = r->now_us + SETTLE_US;
	if (r->now_us < r->settled_us)
		return;
	r->stats.is_following = true;
	r->stats.known_us = r->now_us;
}

void
reflector_step(struct reflector *r, int64_t now_us)
{
	if (now_us < r->now_us) { /* set back: do not wait for it */
		r->due_us = now_us;
		r->settled_us = now_us + SETTLE_US;
		if (r->stats.heard_us > now_us)
			r->stats.heard_us = now_us;
	}
	r->now_us = now_us;
	note_known(r);
	if (r->request != NULL || now_us < r->due_us ||
	    r->stats.state == REFLECTOR_DONE)
		return;
	start(r, !r->must_list);
}

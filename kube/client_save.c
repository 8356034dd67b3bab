/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_save.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/reflector.h"

#define WAIT_MS      200
#define ATTEMPTS_MAX 5
#define PAUSE_MAX_S  120 /* that a server may ask for */

struct saver {
	FILE *out;
	const struct client_resource *resource;
	const struct client_save_config *config;
	uint64_t n, n_before; /* objects of this resource, of earlier ones */
	long start;           /* where this resource begins */
	int error;            /* errno of going back to there; 0: none */
};

static enum rf_status
cannot_write(struct rf_error *err)
{
	return rf_fail(err, RF_IO, "write: %s", strerror(errno));
}

/* What was written of this resource did not happen. Where that cannot be, what
 * comes next would stand before the rest of it. */
static void
begin(void *arg, int64_t known_us)
{
	struct saver *s = arg;

	(void)known_us;
	s->n = 0;
	if (fflush(s->out) != 0 || fseek(s->out, s->start, SEEK_SET) != 0 ||
	    ftruncate(fileno(s->out), s->start) != 0)
		s->error = errno;
}

/* kind and apiVersion, which items of typed lists lack, come first. Each is
 * set here: json_object_update_missing() passes over what it has no memory
 * for. */
static json_t *
with_kind(const struct client_resource *r, json_t *object)
{
	char api[128];
	const char *key;
	json_t *value;
	json_t *named = json_pack("{s:s, s:s}", "apiVersion",
	    client_resource_api(r, api, sizeof(api)), "kind", r->kind);

	if (named == NULL)
		return NULL;
	json_object_foreach(object, key, value)
	{
		if (json_object_get(named, key) == NULL &&
		    json_object_set(named, key, value) != 0) {
			json_decref(named);
			return NULL;
		}
	}
	return named;
}

static enum rf_status
put(void *arg, enum reflector_event event, json_t *object, int64_t now_us,
    struct rf_error *err)
{
	struct saver *s = arg;
	json_t *named = with_kind(s->resource, object);
	enum rf_status st = RF_OK;

	(void)event;
	(void)now_us;
	if (named == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	/* As in kubectl: who set which field is of no use to anybody. */
	(void)json_object_del(
	    json_object_get(named, "metadata"), "managedFields");
	if (fputs(s->n + s->n_before > 0 ? ",\n" : "\n", s->out) == EOF ||
	    json_dumpf(named, s->out, JSON_COMPACT) != 0)
		st = cannot_write(err);
	s->n++;
	json_decref(named);
	return st;
}

static void
end(void *arg, int64_t known_us)
{
	(void)arg;
	(void)known_us;
}

static void
warn(const struct client_save_config *config, const char *text)
{
	if (config->warn != NULL)
		config->warn(config->arg, text);
}

/* What a server refuses twice it refuses for good, and who is not there now
 * may not be there at all: a person waits for us. */
static unsigned
attempts(const struct client_save_config *config, int status)
{
	unsigned max =
	    config->attempts_max > 0 ? config->attempts_max : ATTEMPTS_MAX;

	if (status == 0)
		return (max + 1) / 2;
	return status >= 400 && status < 500 && status != 429 ? 2 : max;
}

/* Until it is tried again; 0: it is asked now. */
static int64_t
due_s(const struct reflector *r, int64_t now_us)
{
	int64_t due_us = reflector_due_us(r);

	return due_us == INT64_MAX || due_us <= now_us
	    ? 0
	    : (due_us - now_us + 500000) / 1000000;
}

/* Step it until it is over; each failure is told once. */
static enum rf_status
run(struct client *c, struct reflector *r, struct saver *s,
    struct rf_error *err)
{
	const struct reflector_stats *stats = reflector_stats(r);
	const struct client_save_config *config = s->config;
	int wait_ms = config->wait_ms > 0 ? config->wait_ms : WAIT_MS;
	uint64_t failures = 0;
	int64_t pause_s;

	for (;;) {
		int64_t now_us = config->now_us(config->arg);

		reflector_step(r, now_us);
		if (reflector_due_us(r) == INT64_MAX)
			client_work(c, now_us, wait_ms);
		else if (reflector_due_us(r) > now_us)
			(void)usleep((useconds_t)wait_ms * 1000);
		if (s->error != 0)
			errno = s->error;
		if (s->error != 0 || ferror(s->out))
			return cannot_write(err);
		if (stats->state == REFLECTOR_DONE)
			return RF_OK;
		if (stats->state == REFLECTOR_FORBIDDEN ||
		    stats->state == REFLECTOR_ABSENT ||
		    stats->failures_row >= attempts(config, stats->status))
			return rf_fail(err, RF_IO, "%s", stats->problem);
		if (stats->failures > failures &&
		    (pause_s = due_s(r, now_us)) > PAUSE_MAX_S)
			return rf_fail(err, RF_IO,
			    "%s (it asks to wait for %" PRId64 " s)",
			    stats->problem, pause_s);
		if (stats->failures > failures)
			warn(config, stats->problem);
		failures = stats->failures;
	}
}

static enum rf_status
save_resource(
    struct client *c, struct saver *s, bool *is_missing, struct rf_error *err)
{
	const struct reflector_sink sink = { s, begin, put, end };
	const struct reflector_config rc = { .resource = s->resource,
		.list_only = true,
		.silence_max_us = s->config->silence_max_us,
		.seed = s->config->seed };
	enum reflector_state state;
	struct reflector *r;
	enum rf_status st;

	s->n_before += s->n;
	s->n = 0;
	if ((s->start = ftell(s->out)) < 0)
		return cannot_write(err);
	if ((st = reflector_new(&r, c, &rc, &sink, err)) != RF_OK)
		return st;
	st = run(c, r, s, err);
	state = reflector_stats(r)->state;
	*is_missing = state == REFLECTOR_FORBIDDEN || state == REFLECTOR_ABSENT;
	reflector_free(r);
	return st;
}

/* Is it to be saved, and of no use to go on without it? */
static bool
is_wanted(const struct client_save_config *config, const char *name)
{
	return config->only == NULL || strcmp(config->only, name) == 0;
}

static bool
is_needed(const struct client_save_config *config, const char *name)
{
	return strcmp(config->only != NULL ? config->only : "pods", name) == 0;
}

enum rf_status
client_save(struct client *c, FILE *out,
    const struct client_save_config *config, struct client_save_report *report,
    struct rf_error *err)
{
	struct saver s = { .out = out, .config = config };

	*report = (struct client_save_report){ 0 };
	if (fputs("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":"
		  "{\"resourceVersion\":\"\"},\"items\":[",
		out) == EOF)
		return cannot_write(err);
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		struct rf_error why;
		enum rf_status st;

		s.resource = &client_resources[i];
		if (!is_wanted(config, s.resource->name)) {
			report->missing[i] = true;
			continue;
		}
		st = save_resource(c, &s, &report->missing[i], &why);
		report->objects[i] = s.n;
		if (st == RF_OK)
			continue;
		if (!report->missing[i] || is_needed(config, s.resource->name))
			return rf_fail(err, st, "%s", why.msg);
		warn(config, why.msg);
	}
	if (fputs("\n]}\n", out) == EOF || fflush(out) != 0)
		return cannot_write(err);
	return RF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_watch: any bytes as an answer of the API server, cut into values at
 * once and byte by byte: both must find the same. The objects of events go
 * through pruning into a table, and out of it comes a cluster.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client_internal.h"
#include "kube/client_stream.h"
#include "kube/json_text.h"
#include "kube/live_prune.h"
#include "kube/live_table.h"
#include "kube/snapshot_internal.h"
#include "tests/support/cluster_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static enum rf_status
note(void *arg, enum stream_part part, const char *text, size_t len,
    struct rf_error *err)
{
	struct strbuf *log = arg;

	(void)err;
	strbuf_printf(log, "%d:%zu:", (int)part, len);
	strbuf_add(log, text, len);
	return RF_OK;
}

static enum rf_status
cut(const uint8_t *data, size_t size, size_t step, bool is_watch,
    struct strbuf *log)
{
	struct client_stream s;
	struct rf_error err = { 0 };
	enum rf_status st = RF_OK;

	client_stream_init(&s, is_watch, note, log);
	for (size_t i = 0; st == RF_OK && i < size; i += step)
		st = client_stream_add(&s, (const char *)data + i,
		    size - i < step ? size - i : step, &err);
	strbuf_printf(log, "whole=%d", client_stream_is_whole(&s));
	client_stream_release(&s);
	return st;
}

static void
compare(const uint8_t *data, size_t size, bool is_watch)
{
	struct strbuf at_once, by_byte;
	enum rf_status a, b;

	strbuf_init(&at_once, 1u << 26);
	strbuf_init(&by_byte, 1u << 26);
	a = cut(data, size, size, is_watch, &at_once);
	b = cut(data, size, 1, is_watch, &by_byte);
	require(a == b);
	require(at_once.len == by_byte.len &&
	    memcmp(strbuf_str(&at_once), strbuf_str(&by_byte), at_once.len) ==
		0);
	strbuf_release(&at_once);
	strbuf_release(&by_byte);
}

struct feed {
	struct live_table table;
	struct live_pruner pruner;
	int64_t now_us;
};

/* By the object's own kind; those without one take turns. */
static size_t
resource_of(const json_t *object, int64_t turn)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));

	for (size_t i = 0; kind != NULL && i < CLIENT_RESOURCE_COUNT; i++)
		if (strcmp(kind, client_resources[i].kind) == 0)
			return i;
	return (size_t)turn % CLIENT_RESOURCE_COUNT;
}

/* As live_view asks, before an object comes into its table. */
static bool
is_readable(const json_t *object)
{
	const struct snapshot_item item = { .file = "fuzz", .line = 1 };
	char *text = json_text_write(object, JSON_COMPACT);
	struct snapshot_builder *sb = NULL;
	struct rf_error err = { 0 };
	enum rf_status st;

	require(text != NULL);
	require(snapshot_builder_new(&sb, &err) == RF_OK);
	st = snapshot_take_text(sb, item, text, strlen(text), &err);
	require(st == RF_OK || strchr(err.msg, '\n') == NULL);
	snapshot_builder_free(sb);
	free(text);
	return st == RF_OK;
}

/* One event, or an object by itself. Now and then what was there is gone. */
static enum rf_status
apply(void *arg, enum stream_part part, const char *text, size_t len,
    struct rf_error *err)
{
	struct feed *f = arg;
	json_t *j = json_loadb(text, len, 0, NULL);
	json_t *object = json_object_get(j, "object");
	const char *type = json_string_value(json_object_get(j, "type"));
	bool is_gone =
	    type == NULL ? f->now_us % 7 == 0 : strcmp(type, "DELETED") == 0;
	enum rf_status st = RF_OK;
	struct live_time when;
	size_t resource;
	json_t *pruned;

	(void)part;
	f->now_us += INT64_C(1000000);
	if (object == NULL)
		object = j;
	if (!json_is_object(object))
		goto out;
	resource = resource_of(object, f->now_us);
	when = live_time_of(object, f->now_us - (is_gone ? 0 : 1), f->now_us);
	pruned = live_prune(&f->pruner, resource, object);
	require(pruned != NULL);
	if (is_readable(pruned))
		st = is_gone
		    ? live_table_remove(
			  &f->table, resource, pruned, f->now_us, true, err)
		    : live_table_put(&f->table, resource, pruned, 1, when, err);
	json_decref(pruned);
out:
	json_decref(j);
	return st;
}

/* What is readable by itself is readable with all the others. */
static void
build(const struct live_table *t)
{
	struct rf_error err = { 0 };
	struct cluster *c = NULL;
	uint64_t bytes;

	require(live_table_build(t, &c, &bytes, &err) == RF_OK);
	cluster_check(c);
	cluster_free(c);
}

static void
feed_all(const uint8_t *data, size_t size)
{
	struct client_stream s;
	struct rf_error err = { 0 };
	struct live_object **v;
	struct feed f = { .now_us = INT64_C(1773129600000000) };

	require(live_table_init(&f.table, 1, &err) == RF_OK);
	require(live_pruner_init(&f.pruner));
	client_stream_init(&s, true, apply, &f);
	(void)!client_stream_add(&s, (const char *)data, size, &err);
	v = live_table_sorted(&f.table);
	require(v != NULL);
	for (size_t i = 0; i < f.table.n; i++) {
		json_t *j = json_loadb(v[i]->text, v[i]->len, 0, NULL);

		require(json_is_object(j));
		json_decref(j);
	}
	free(v);
	build(&f.table);
	(void)live_table_sweep(&f.table, 0, 2, f.now_us, true);
	build(&f.table);
	(void)live_table_forget(&f.table, f.now_us + 5, INT64_C(2000000), 4);
	build(&f.table);
	client_stream_release(&s);
	live_pruner_release(&f.pruner);
	live_table_release(&f.table);
}

/* The same bytes as the body of a refusal. */
static void
explain(const char *text, int status)
{
	struct strbuf message;
	int64_t retry_us = -1;

	strbuf_init(&message, 65536);
	client_explain(&message, &retry_us, status, text, strlen(text));
	require(strchr(strbuf_str(&message), '\n') == NULL);
	strbuf_release(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 500, 404, 410, 414, 431 };
	char *text;

	if (size == 0)
		return 0;
	compare(data, size, false);
	compare(data, size, true);
	feed_all(data, size);
	text = strndup((const char *)data, size);
	require(text != NULL);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		explain(text, statuses[i]);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_watch: any bytes as an answer of the API server, cut into values at
 * once and byte by byte: both must find the same. The objects of events go
 * through pruning into a table and back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client_internal.h"
#include "kube/client_stream.h"
#include "kube/live_prune.h"
#include "kube/live_table.h"

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

/* The n-th event of the input: of one resource or the other, and now and
 * then its object is gone. */
static enum rf_status
apply(void *arg, enum stream_part part, const char *text, size_t len,
    struct rf_error *err)
{
	struct feed *f = arg;
	size_t resource = (size_t)f->now_us % CLIENT_RESOURCE_COUNT;
	json_t *j = json_loadb(text, len, 0, NULL);
	json_t *object = json_object_get(j, "object");
	enum rf_status st = RF_OK;
	struct live_time when;
	json_t *pruned;

	(void)part;
	f->now_us++;
	when = (struct live_time){ f->now_us - 1, f->now_us };
	if (json_is_object(object)) {
		pruned = live_prune(&f->pruner, resource, object);
		require(pruned != NULL);
		st = f->now_us % 7 == 0
		    ? live_table_remove(
			  &f->table, resource, pruned, f->now_us, true, err)
		    : live_table_put(&f->table, resource, pruned, 1, when, err);
		json_decref(pruned);
	}
	json_decref(j);
	return st;
}

static void
feed_all(const uint8_t *data, size_t size)
{
	struct client_stream s;
	struct rf_error err = { 0 };
	struct live_object **v;
	struct feed f = { .now_us = 1 };

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
	(void)live_table_sweep(&f.table, 0, 2, f.now_us, true);
	client_stream_release(&s);
	live_pruner_release(&f.pruner);
	live_table_release(&f.table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf message;
	int64_t retry_us = -1;
	char *text;

	if (size == 0)
		return 0;
	compare(data, size, false);
	compare(data, size, true);
	feed_all(data, size);
	text = strndup((const char *)data, size);
	require(text != NULL);
	strbuf_init(&message, 65536);
	client_explain(&message, &retry_us, 500, text, strlen(text));
	require(strchr(strbuf_str(&message), '\n') == NULL);
	strbuf_release(&message);
	free(text);
	return 0;
}

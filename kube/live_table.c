/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/live_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/strbuf.h"
#include "kube/json_text.h"

#define SLOTS_MIN    256
#define NAME_MAX_LEN 600 /* namespace 63, name 253, and then some */

static enum rf_status
no_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "live cluster: out of memory");
}

enum rf_status
live_table_init(struct live_table *t, uint64_t seed, struct rf_error *err)
{
	*t = (struct live_table){ .seed = seed, .n_slots = SLOTS_MIN };
	t->gone_end = &t->gone;
	t->slots = calloc(t->n_slots, sizeof(struct live_object *));
	return t->slots == NULL ? no_memory(err) : RF_OK;
}

void
live_table_release(struct live_table *t)
{
	struct live_object *next;

	for (size_t i = 0; t->slots != NULL && i < t->n_slots; i++)
		for (struct live_object *o = t->slots[i]; o != NULL; o = next) {
			next = o->next;
			free(o);
		}
	(void)live_table_forget(t, INT64_MAX, 0, 0);
	free(t->slots);
	t->slots = NULL;
	t->n = 0;
}

static struct live_object **
slot_of(const struct live_table *t, size_t resource, const char *key)
{
	uint64_t h = hash_string(t->seed + resource, key);

	return &t->slots[h & (t->n_slots - 1)];
}

/* Where the pointer to the object of that key is, or would be. */
static struct live_object **
find(const struct live_table *t, size_t resource, const char *key)
{
	struct live_object **at = slot_of(t, resource, key);

	while (*at != NULL &&
	    ((*at)->resource != resource || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

/* Without room for more, chains just get longer. */
static void
grow(struct live_table *t)
{
	struct live_table wide = *t;
	struct live_object *next;

	wide.n_slots *= 2;
	wide.slots = calloc(wide.n_slots, sizeof(struct live_object *));
	if (wide.slots == NULL)
		return;
	for (size_t i = 0; i < t->n_slots; i++)
		for (struct live_object *o = t->slots[i]; o != NULL; o = next) {
			struct live_object **at =
			    slot_of(&wide, o->resource, o->key);

			next = o->next;
			o->next = *at;
			*at = o;
		}
	free(t->slots);
	t->slots = wide.slots;
	t->n_slots = wide.n_slots;
}

static const char *
metadata_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(
	    json_object_get(json_object_get(object, "metadata"), key));

	return s == NULL ? "" : s;
}

/* What tells an object from all others of its resource, over time. */
static void
name_object(const json_t *object, char key[static NAME_MAX_LEN],
    char name[static NAME_MAX_LEN])
{
	const char *uid = metadata_text(object, "uid");

	(void)snprintf(name, NAME_MAX_LEN, "%s/%s",
	    metadata_text(object, "namespace"), metadata_text(object, "name"));
	(void)snprintf(key, NAME_MAX_LEN, "%s", *uid == '\0' ? name : uid);
}

static struct live_object *
object_new(
    size_t resource, const json_t *object, const char *key, const char *name)
{
	char *text = json_text_write(object, JSON_COMPACT);
	size_t len = text == NULL ? 0 : strlen(text), key_len = strlen(key);
	struct live_object *o = text == NULL
	    ? NULL
	    : malloc(sizeof(*o) + len + key_len + strlen(name) + 3);

	if (o != NULL) {
		*o = (struct live_object){ .resource = resource, .len = len };
		memcpy(o->text, text, len + 1);
		o->key = memcpy(o->text + len + 1, key, key_len + 1);
		o->name =
		    memcpy(o->text + len + key_len + 2, name, strlen(name) + 1);
	}
	free(text);
	return o;
}

static void
bury(struct live_table *t, struct live_object *o, int64_t gone_us)
{
	o->gone_us = gone_us;
	o->next = NULL;
	*t->gone_end = o;
	t->gone_end = &o->next;
	t->n_gone++;
}

static bool
has_addresses(const json_t *object)
{
	const json_t *status = json_object_get(object, "status");

	return json_array_size(json_object_get(status, "podIPs")) > 0 ||
	    json_string_value(json_object_get(status, "podIP")) != NULL;
}

/* A kubelet that restarts may forget a finished pod's addresses. */
static bool
keep_addresses(json_t *object, const json_t *before)
{
	static const char *const keys[] = { "podIP", "podIPs", "hostIP",
		"hostIPs" };
	const json_t *old = json_object_get(before, "status");
	json_t *status = json_object_get(object, "status");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *v = json_object_get(old, keys[i]);

		if (json_is_object(status) && v != NULL &&
		    json_object_get(status, keys[i]) == NULL &&
		    json_object_set(status, keys[i], v) != 0)
			return false;
	}
	return true;
}

/* Was its sandbox ready? The one condition that pruning leaves says so. */
static bool
was_ready(const json_t *object)
{
	const json_t *list =
	    json_object_get(json_object_get(object, "status"), "conditions");
	const char *is = json_string_value(
	    json_object_get(json_array_get(list, 0), "status"));

	return is != NULL && strcmp(is, "True") == 0;
}

/* A sandbox that is gone no longer tells since when it was there. */
static bool
keep_ready(json_t *object, const json_t *before)
{
	json_t *status = json_object_get(object, "status");

	return !was_ready(before) || was_ready(object) ||
	    json_object_set(status, "conditions",
		json_object_get(
		    json_object_get(before, "status"), "conditions")) == 0;
}

static bool
is_equal(const json_t *a, const json_t *b, const char *part, const char *key)
{
	const json_t *va = json_object_get(json_object_get(a, part), key);
	const json_t *vb = json_object_get(json_object_get(b, part), key);

	return va == vb || json_equal(va, vb); /* which says no to two NULLs */
}

static bool
has_moved(const json_t *object, const json_t *before)
{
	return !is_equal(object, before, "status", "podIPs") ||
	    !is_equal(object, before, "status", "podIP");
}

/* Are its flows another's from now on? Its addresses, its labels or whose it
 * is may have changed. */
static bool
is_other(const json_t *object, const json_t *before)
{
	return has_addresses(object) && has_addresses(before) &&
	    (has_moved(object, before) ||
		!is_equal(object, before, "metadata", "labels") ||
		!is_equal(object, before, "metadata", "ownerReferences"));
}

/*
 * The same pod has become another: what it was, it was until at.known_us.
 * Readers know pods by their uid, so the former self gets one of its own.
 */
static enum rf_status
leave_former(struct live_table *t, const struct live_object *o, json_t *before,
    struct live_time at, struct rf_error *err)
{
	json_t *metadata = json_object_get(before, "metadata");
	struct live_object *former;
	char uid[NAME_MAX_LEN + 32];

	(void)snprintf(uid, sizeof(uid), "%s~%" PRId64, o->key, at.now_us);
	if (json_object_set_new(metadata, "uid", json_string(uid)) != 0)
		return no_memory(err);
	former = object_new(o->resource, before, uid, o->name);
	if (former == NULL)
		return no_memory(err);
	former->since_us = o->since_us;
	bury(t, former, at.known_us);
	return RF_OK;
}

/* Compare with what was there, which may have to live on in part. */
static enum rf_status
succeed(struct live_table *t, const struct live_object *o, json_t *object,
    struct live_time at, int64_t *since_us, struct rf_error *err)
{
	json_error_t why;
	json_t *before = json_text_read(o->text, o->len, 0, &why);
	enum rf_status st = RF_OK;

	*since_us = o->since_us;
	if (before == NULL)
		return no_memory(err);
	if (!has_addresses(object) && !keep_addresses(object, before))
		st = no_memory(err);
	if (has_addresses(object) && !has_moved(object, before) &&
	    !keep_ready(object, before))
		st = no_memory(err);
	if (st == RF_OK && is_other(object, before)) {
		st = leave_former(t, o, before, at, err);
		*since_us = at.now_us;
	}
	json_decref(before);
	return st;
}

enum rf_status
live_table_put(struct live_table *t, size_t resource, json_t *object,
    uint64_t mark, struct live_time when, struct rf_error *err)
{
	char key[NAME_MAX_LEN], name[NAME_MAX_LEN];
	struct live_object **at, *o, *old;
	int64_t since_us = 0;
	enum rf_status st;

	name_object(object, key, name);
	at = find(t, resource, key);
	old = *at;
	if (old != NULL &&
	    (st = succeed(t, old, object, when, &since_us, err)) != RF_OK)
		return st;
	if ((o = object_new(resource, object, key, name)) == NULL)
		return no_memory(err);
	o->mark = mark;
	o->since_us = since_us;
	if (old != NULL && old->len == o->len &&
	    memcmp(old->text, o->text, o->len) == 0) {
		old->mark = mark;
		free(o);
		return RF_OK;
	}
	t->is_changed = true;
	o->next = old == NULL ? NULL : old->next;
	*at = o;
	free(old);
	t->n += old == NULL;
	if (t->n > t->n_slots)
		grow(t);
	return RF_OK;
}

void
live_table_drop(struct live_table *t, size_t resource, const json_t *object,
    int64_t gone_us, bool keep)
{
	char key[NAME_MAX_LEN], name[NAME_MAX_LEN];
	struct live_object **at, *old;

	name_object(object, key, name);
	at = find(t, resource, key);
	if ((old = *at) == NULL)
		return;
	*at = old->next;
	t->n--;
	t->is_changed = true;
	if (keep)
		bury(t, old, gone_us);
	else
		free(old);
}

enum rf_status
live_table_remove(struct live_table *t, size_t resource, json_t *object,
    int64_t gone_us, bool keep, struct rf_error *err)
{
	/* Its last state may tell more than the one before. */
	enum rf_status st = live_table_put(t, resource, object, 0,
	    (struct live_time){ gone_us, gone_us }, err);

	if (st == RF_OK)
		live_table_drop(t, resource, object, gone_us, keep);
	return st;
}

size_t
live_table_sweep(struct live_table *t, size_t resource, uint64_t mark,
    int64_t gone_us, bool keep)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_slots; i++)
		for (struct live_object **at = &t->slots[i]; *at != NULL;) {
			struct live_object *o = *at;

			if (o->resource != resource || o->mark == mark) {
				at = &o->next;
				continue;
			}
			*at = o->next;
			if (keep)
				bury(t, o, gone_us);
			else
				free(o);
			n++;
		}
	t->n -= n;
	t->is_changed = t->is_changed || n > 0;
	return n;
}

static bool
is_past(const struct live_object *o, int64_t now_us, int64_t keep_us)
{
	return o->gone_us < now_us - keep_us || o->gone_us - now_us > keep_us;
}

size_t
live_table_forget(
    struct live_table *t, int64_t now_us, int64_t keep_us, size_t max)
{
	size_t n = 0;

	while (t->gone != NULL &&
	    (t->n_gone > max || is_past(t->gone, now_us, keep_us))) {
		struct live_object *o = t->gone;

		n += !is_past(o, now_us, keep_us);
		t->gone = o->next;
		t->n_gone--;
		free(o);
	}
	if (t->gone == NULL)
		t->gone_end = &t->gone;
	return n;
}

static int
compare(const void *va, const void *vb)
{
	const struct live_object *const *a = va, *const *b = vb;
	int d;

	if ((*a)->resource != (*b)->resource)
		return (*a)->resource < (*b)->resource ? -1 : 1;
	d = strcmp((*a)->name, (*b)->name);
	return d != 0 ? d : strcmp((*a)->key, (*b)->key);
}

struct live_object **
live_table_sorted(const struct live_table *t)
{
	struct live_object **v = calloc(t->n + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < t->n_slots; i++)
		for (struct live_object *o = t->slots[i]; o != NULL;
		     o = o->next)
			v[n++] = o;
	qsort(v, n, sizeof(*v), compare);
	return v;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod was before it changed. Streams of events carry no times, but
 * pods tell many: the latest so far is how late it is at least, and the next
 * later one how late it is at most.
 */
#include <string.h>

#include "core/rfc3339.h"
#include "core/strbuf.h"
#include "kube/snapshot_internal.h"

#define SECOND_US INT64_C(1000000)
#define DEPTH_MAX 8

static bool
is_time(const char *key)
{
	static const char *const keys[] = { "creationTimestamp", "startTime",
		"startedAt", "finishedAt", "lastTransitionTime", "time" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* The latest of its times that cannot be in the future. */
static int64_t
latest(const struct json_node *j, const char *key, unsigned depth)
{
	int64_t found = TIME_NONE, us;

	if (json_node_is(j, JSON_NODE_TEXT) && is_time(key) &&
	    rfc3339_parse(&us, json_node_text(j)))
		return us;
	if (depth == DEPTH_MAX)
		return TIME_NONE;
	for (size_t i = 0; i < json_node_size(j); i++)
		if ((us = latest(json_node_at(j, i), "", depth + 1)) > found)
			found = us;
	for (size_t i = 0; i < json_node_members(j); i++) {
		const struct json_node *inner = &j->items[i];

		if (strcmp(inner->key, "annotations") == 0 ||
		    strcmp(inner->key, "labels") == 0 ||
		    strcmp(inner->key, "fieldsV1") == 0)
			continue;
		if ((us = latest(inner, inner->key, depth + 1)) > found)
			found = us;
	}
	return found;
}

int64_t
history_clock(struct object *o)
{
	struct snapshot_builder *sb = o->sb;
	int64_t us = latest(o->json, "", 0);
	struct raw_pod *next;

	if (us <= sb->clock_us)
		return sb->clock_us;
	sb->clock_us = us;
	for (struct raw_pod *p = sb->changed; p != NULL; p = next) {
		next = p->next_changed;
		p->is_changed = false;
		p->since_us = us + SECOND_US;
	}
	sb->changed = NULL;
	return us;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
has_moved(const struct raw_pod *a, const struct raw_pod *b)
{
	if (a->pod.n_ips != b->pod.n_ips)
		return true;
	for (size_t i = 0; i < a->pod.n_ips; i++)
		if (!ip_equal(&a->pod.ips[i], &b->pod.ips[i]))
			return true;
	return false;
}

static bool
is_other(const struct raw_pod *a, const struct raw_pod *b)
{
	if (a->pod.n_ips == 0 || b->pod.n_ips == 0 || a->pod.host_network)
		return false;
	return !label_set_equal(&a->pod.labels, &b->pod.labels) ||
	    !same_text(a->owner.kind, b->owner.kind) ||
	    !same_text(a->owner.name, b->owner.name) || has_moved(a, b);
}

/* When an object was last written, in whole seconds, as managedFields tell, or
 * TIME_NONE. */
static int64_t
written_us(const struct json_node *object)
{
	return latest(
	    json_node_get(json_node_get(object, "metadata"), "managedFields"),
	    "", 0);
}

/* When did it change? Then it was written; else it was before the next time
 * that a pod tells. */
static void
note_change(struct object *o, struct raw_pod *p)
{
	int64_t us = o->in_list ? TIME_NONE : written_us(o->json);

	if (us != TIME_NONE) {
		p->since_us = us + SECOND_US;
	} else if (!p->is_changed) {
		p->is_changed = true;
		p->next_changed = o->sb->changed;
		o->sb->changed = p;
	}
}

bool
history_leave(struct object *o, const struct raw_pod *before, struct raw_pod *p,
    int64_t at_us)
{
	struct snapshot_builder *sb = o->sb;
	struct raw_pod *former;
	struct strbuf key;

	if (!is_other(before, p))
		return false;
	strbuf_init(&key, 1024);
	strbuf_printf(&key, "%s~%zu",
	    *p->pod.uid != '\0' ? p->pod.uid : p->pod.name, sb->raw[RAW_POD].n);
	former =
	    object_copy(o, RAW_POD, before, strbuf_str(&key), sizeof(*former));
	if (former != NULL && *p->pod.uid != '\0')
		former->pod.uid = snapshot_intern(sb, strbuf_str(&key));
	if (former == NULL || strbuf_failed(&key) || former->pod.uid == NULL) {
		strbuf_release(&key);
		object_no_memory(o);
		return false;
	}
	strbuf_release(&key);
	former->head.deleted = true;
	former->is_changed = false;
	former->gone_us = at_us != TIME_NONE ? at_us : 0;
	p->since_us = former->gone_us;
	note_change(o, p);
	return has_moved(before, p);
}

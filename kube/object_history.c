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
#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))

struct key {
	const char *text;
	size_t len;
};
#define KEY(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct key times[] = { KEY("creationTimestamp"), KEY("startTime"),
	KEY("startedAt"), KEY("finishedAt"), KEY("lastTransitionTime"),
	KEY("time") };

/* What a user wrote there may look like anything. */
static const struct key passed_over[] = { KEY("annotations"), KEY("labels"),
	KEY("fieldsV1") };

/* A comparison of lengths is all that most keys are asked. */
static inline bool
is_one_of(const struct json_node *member, const struct key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (member->key_len == keys[i].len &&
		    memcmp(member->key, keys[i].text, keys[i].len) == 0)
			return true;
	return false;
}

static int64_t latest(const struct json_node *j, unsigned depth);

static int64_t
latest_of_member(const struct json_node *member, unsigned depth)
{
	int64_t us;

	if (json_node_is(member, JSON_NODE_TEXT))
		return is_one_of(member, times, NELEM(times)) &&
			rfc3339_parse(&us, member->text)
		    ? us
		    : TIME_NONE;
	return is_one_of(member, passed_over, NELEM(passed_over))
	    ? TIME_NONE
	    : latest(member, depth);
}

/* The latest of the times in a list or map that cannot be in the future. */
static int64_t
latest(const struct json_node *j, unsigned depth)
{
	int64_t found = TIME_NONE, us;

	if (depth == DEPTH_MAX)
		return TIME_NONE;
	for (size_t i = 0; i < json_node_size(j); i++)
		if ((us = latest(json_node_at(j, i), depth + 1)) > found)
			found = us;
	for (size_t i = 0; i < json_node_members(j); i++)
		if ((us = latest_of_member(&j->items[i], depth + 1)) > found)
			found = us;
	return found;
}

int64_t
history_clock(struct object *o)
{
	struct snapshot_builder *sb = o->sb;
	int64_t us = latest(o->json, 0);
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
	    0);
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

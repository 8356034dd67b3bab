/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "kube/snapshot_internal.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static const struct reader {
	const char *kind;
	const char *groups[3]; /* "" is the core group */
	enum raw_type type;
	void (*read)(struct object *o);
	bool has_namespace;
} readers[] = {
	/* clang-format off */
	{ "Namespace", { "" }, RAW_NAMESPACE, object_read_namespace, false },
	{ "Node", { "" }, RAW_NODE, object_read_node, false },
	{ "Pod", { "" }, RAW_POD, object_read_pod, true },
	{ "Service", { "" }, RAW_SERVICE, object_read_service, true },
	{ "EndpointSlice", { "discovery.k8s.io" }, RAW_SLICE,
	    object_read_slice, true },
	{ "Endpoints", { "" }, RAW_SLICE, object_read_endpoints, true },
	{ "Deployment", { "apps", "extensions" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "ReplicaSet", { "apps", "extensions" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "StatefulSet", { "apps" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "DaemonSet", { "apps", "extensions" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "ReplicationController", { "" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "DeploymentConfig", { "apps.openshift.io" }, RAW_CONTROLLER,
	    object_read_controller, true },
	{ "Job", { "batch" }, RAW_CONTROLLER, object_read_controller, true },
	{ "CronJob", { "batch" }, RAW_CONTROLLER, object_read_controller,
	    true },
	{ "NetworkPolicy", { "networking.k8s.io", "extensions" }, RAW_POLICY,
	    object_read_policy, true },
	/* clang-format on */
};

enum rf_status
snapshot_builder_new(struct snapshot_builder **out, struct rf_error *err)
{
	struct snapshot_builder *sb = calloc(1, sizeof(*sb));

	*out = NULL;
	if (sb == NULL || (sb->cluster = cluster_new()) == NULL) {
		free(sb);
		return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
	}
	arena_init(&sb->scratch, 0);
	sb->clock_us = sb->list_clock_us = TIME_NONE;
	*out = sb;
	return RF_OK;
}

void
snapshot_builder_free(struct snapshot_builder *sb)
{
	if (sb == NULL)
		return;
	cluster_free(sb->cluster);
	arena_release(&sb->scratch);
	json_tree_release(&sb->tree);
	free(sb);
}

/* Is api_version ("group/version" or "v1") of that group? Unknown: yes. */
static bool
is_of_group(const char *api_version, const char *group)
{
	size_t len = strlen(group);

	if (*api_version == '\0')
		return true;
	if (len == 0)
		return strchr(api_version, '/') == NULL;
	return strncmp(api_version, group, len) == 0 && api_version[len] == '/';
}

static const struct reader *
find_reader(const char *kind, const char *api_version)
{
	for (size_t i = 0; i < NELEM(readers); i++) {
		const struct reader *r = &readers[i];

		if (strcmp(kind, r->kind) != 0)
			continue;
		for (size_t g = 0; g < NELEM(r->groups); g++)
			if (r->groups[g] != NULL &&
			    is_of_group(api_version, r->groups[g]))
				return r;
		return NULL;
	}
	return NULL;
}

#define KIND_SIZE 128

/* "PodList" is a list of "Pod"; "List" says nothing. */
static const char *
kind_of_list(const char *list_kind, char kind[KIND_SIZE])
{
	size_t len = list_kind == NULL ? 0 : strlen(list_kind);

	if (len <= 4 || len - 4 >= KIND_SIZE ||
	    strcmp(list_kind + len - 4, "List") != 0)
		return NULL;
	memcpy(kind, list_kind, len - 4);
	kind[len - 4] = '\0';
	return kind;
}

static const char *
intern_or(struct snapshot_builder *sb, const char *s, const char *otherwise)
{
	return s == NULL ? otherwise : snapshot_intern(sb, s);
}

/* What an object is called by. */
struct title {
	const char *kind, *version, *namespace,
	    *name; /* NULL: it is not told */
};

/* A string, or it is not there; else the object is wrong. */
static bool
take_word(struct object *o, const struct json_node *parent, const char *path,
    const char *key, const char **out)
{
	const struct json_node *j = json_node_get(parent, key);

	*out = json_node_text(j);
	if (j == NULL || *out != NULL || json_node_is(j, JSON_NODE_NULL))
		return true;
	(void)rf_fail(o->err, RF_CORRUPT, "%s:%u: object's %s%s wants a string",
	    o->file, (unsigned)o->line, path, key);
	return false;
}

static bool
read_title(struct object *o, struct title *t)
{
	const struct json_node *m = json_node_get(o->json, "metadata");

	return take_word(o, o->json, "", "kind", &t->kind) &&
	    take_word(o, o->json, "", "apiVersion", &t->version) &&
	    take_word(o, m, "metadata.", "namespace", &t->namespace) &&
	    take_word(o, m, "metadata.", "name", &t->name);
}

/* Kind, namespace and name, which every object has. */
static enum rf_status
name_object(struct object *o, const struct snapshot_item *item)
{
	const char *kind, *version;
	char buf[KIND_SIZE];
	struct title t;

	if (!read_title(o, &t))
		return RF_CORRUPT;
	kind = t.kind;
	version = t.version;
	if (version == NULL && (kind == NULL || item->api_version != NULL))
		version = item->api_version;
	if (kind == NULL)
		kind = kind_of_list(item->kind, buf);
	if (kind == NULL)
		return rf_fail(o->err, RF_CORRUPT, "%s:%u: object has no kind",
		    o->file, (unsigned)o->line);
	o->kind = snapshot_intern(o->sb, kind);
	o->api_version = intern_or(o->sb, version, "");
	o->namespace = intern_or(o->sb, t.namespace, "");
	o->name = intern_or(o->sb, t.name, "");
	if (o->kind == NULL || o->api_version == NULL || o->namespace == NULL ||
	    o->name == NULL)
		return rf_fail(o->err, RF_NOMEM, "out of memory");
	return RF_OK;
}

static enum rf_status
read_named(struct object *o, const struct reader *r)
{
	if (*o->name == '\0')
		return rf_fail(o->err, RF_CORRUPT,
		    "%s:%u: %s has no metadata.name", o->file,
		    (unsigned)o->line, o->kind);
	if (r == NULL) {
		if (!object_read_custom(o))
			o->sb->stats.skipped++;
		return o->status;
	}
	if (!r->has_namespace)
		o->namespace = "";
	else if (*o->namespace == '\0')
		o->namespace = snapshot_intern(o->sb, "default");
	if (o->namespace == NULL)
		return rf_fail(o->err, RF_NOMEM, "out of memory");
	r->read(o);
	return o->status;
}

enum rf_status
snapshot_take_item(struct snapshot_builder *sb,
    const struct snapshot_item *item, struct rf_error *err)
{
	struct object o = { .sb = sb,
		.json = item->json,
		.file = item->file,
		.line = item->line,
		.in_list = item->in_list,
		.is_deleted_event = item->is_deleted_event,
		.since_us = item->since_us,
		.gone_us = item->gone_us,
		.err = err };
	const struct reader *r;
	enum rf_status st = name_object(&o, item);

	if (st != RF_OK || o.kind == NULL) /* one goes with the other */
		return st;
	sb->stats.objects++;
	if (strcmp(o.kind, "Table") == 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s:%u: a Table, which holds no objects: ask for -o json",
		    o.file, (unsigned)o.line);
	r = find_reader(o.kind, o.api_version);
	if (r == NULL && *o.name == '\0') { /* a Status, a review */
		sb->stats.skipped++;
		return RF_OK;
	}
	return read_named(&o, r);
}

enum rf_status
snapshot_take_text(struct snapshot_builder *sb, struct snapshot_item item,
    const char *text, size_t len, struct rf_error *err)
{
	size_t used;
	enum rf_status st =
	    json_tree_read(&sb->tree, text, len, &item.json, &used);

	if (st == RF_NOMEM)
		st = rf_fail(err, st, "out of memory");
	else if (st != RF_OK)
		st = rf_fail(err, st, "%s: not JSON", item.file);
	else
		st = snapshot_take_item(sb, &item, err);
	json_tree_clear(&sb->tree);
	return st;
}

void
snapshot_list_begin(struct snapshot_builder *sb)
{
	sb->stats.lists++;
	if (sb->list_continues)
		return;
	sb->list++;
	sb->n_scopes = 0;
	sb->list_clock_us = sb->clock_us;
}

/*
 * What the List lacks is gone, but only where the List has looked: in the
 * one namespace that it shows, or everywhere if it shows several. A List
 * does not say what it was asked for.
 */
static void
mark_gone(struct snapshot_builder *sb, struct raw_head *h)
{
	if (h->list_seen == sb->list)
		return;
	for (size_t i = 0; i < sb->n_scopes; i++) {
		const struct list_scope *s = &sb->scopes[i];

		if (s->kind == h->kind &&
		    (s->is_wide || s->namespace == h->namespace))
			h->deleted = true;
	}
}

void
snapshot_list_end(struct snapshot_builder *sb, const char *kind, bool is_page)
{
	char buf[KIND_SIZE];
	const char *item_kind = kind_of_list(kind, buf);

	if (item_kind != NULL && strcmp(item_kind, "NetworkPolicy") == 0)
		sb->cluster->has_policies = true;
	sb->list_continues = is_page;
	for (unsigned t = 0; !is_page && t < RAW_TYPE_COUNT; t++)
		for (size_t i = 0; i < sb->raw[t].n; i++)
			mark_gone(sb, sb->raw[t].v[i]);
}

enum rf_status
snapshot_finish(struct snapshot_builder *sb, struct cluster **out,
    struct snapshot_stats *stats, struct rf_error *err)
{
	static enum rf_status (*const steps[])(
	    struct snapshot_builder *, struct rf_error *) = {
		assemble_namespaces,
		assemble_nodes,
		assemble_policies,
		assemble_pods,
		assemble_workloads,
		assemble_services,
	};
	enum rf_status st = RF_OK;

	*out = NULL;
	for (size_t i = 0; st == RF_OK && i < NELEM(steps); i++)
		st = steps[i](sb, err);
	if (st == RF_OK)
		st = cluster_finish(sb->cluster, err);
	if (st != RF_OK)
		return st;
	assemble_backend_pods(sb->cluster);
	if (stats != NULL)
		*stats = sb->stats;
	*out = sb->cluster;
	sb->cluster = NULL;
	return RF_OK;
}

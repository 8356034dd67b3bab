/* SPDX-License-Identifier: Apache-2.0 */
/* What runs pods, as raw records: built-in controllers and custom ones. */
#include <string.h>

#include "kube/snapshot_internal.h"

static bool
is_kind(const struct object *o, const char *kind)
{
	return strcmp(o->kind, kind) == 0;
}

static struct raw_controller *
new_controller(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	struct raw_owner owner = object_owner(o, metadata);
	const char *key = assemble_key(o->sb, o->kind, o->namespace, o->name);
	struct raw_controller *c;

	if (key == NULL) {
		object_no_memory(o);
		return NULL;
	}
	c = object_record(o, RAW_CONTROLLER, key, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->api_version = o->api_version;
	c->owner = owner;
	return c;
}

static bool
names_volatile(const struct label_selector *s)
{
	for (size_t i = 0; i < s->match_labels.n; i++)
		if (label_is_volatile(s->match_labels.v[i].key))
			return true;
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (label_is_volatile(s->match_expressions[i].key))
			return true;
	return false;
}

/* One that selects everything or a single rollout identifies nobody. */
static void
read_selector(
    struct object *o, const struct json_node *spec, struct raw_controller *c)
{
	c->selector = (struct label_selector){ 0 };
	if (is_kind(o, "Job") || is_kind(o, "CronJob"))
		return;
	if (is_kind(o, "ReplicationController") ||
	    is_kind(o, "DeploymentConfig"))
		c->selector.match_labels =
		    object_labels(o, spec, "spec", "selector");
	else
		(void)object_selector(
		    o, spec, "spec", "selector", &c->selector);
	c->has_selector =
	    !selector_is_empty(&c->selector) && !names_volatile(&c->selector);
}

static void
read_template(
    struct object *o, const struct json_node *spec, struct raw_controller *c)
{
	const struct json_node *metadata;

	if (is_kind(o, "CronJob"))
		spec = object_map(o, object_map(o, spec, "spec", "jobTemplate"),
		    "spec.jobTemplate", "spec");
	metadata = object_map(o, object_map(o, spec, "spec", "template"),
	    "spec.template", "metadata");
	c->template_labels =
	    object_labels(o, metadata, "spec.template.metadata", "labels");
}

void
object_read_controller(struct object *o)
{
	const struct json_node *spec = object_map(o, o->json, "", "spec");
	const struct json_node *status = object_map(o, o->json, "", "status");
	struct raw_controller *c = new_controller(o);

	if (c == NULL)
		return;
	c->is_builtin = true;
	read_selector(o, spec, c);
	read_template(o, spec, c);
	c->suspended = object_bool(o, spec, "spec", "suspend", false);
	if (is_kind(o, "DaemonSet"))
		c->replicas = object_int(
		    o, status, "status", "desiredNumberScheduled", -1);
	else if (is_kind(o, "CronJob"))
		c->replicas = -1;
	else if (is_kind(o, "Job"))
		c->replicas = object_int(o, spec, "spec", "parallelism", 1);
	else
		c->replicas = object_int(o, spec, "spec", "replicas", 1);
}

/* Fields of custom resources may have any type: look, do not insist. */
bool
object_read_custom(struct object *o)
{
	const struct json_node *spec = json_node_get(o->json, "spec");
	const struct json_node *selector = json_node_get(spec, "selector");
	bool runs_pods =
	    (json_node_is(json_node_get(spec, "template"), JSON_NODE_MAP) ||
		json_node_is(json_node_get(spec, "pods"), JSON_NODE_LIST)) &&
	    (json_node_is(
		 json_node_get(selector, "matchLabels"), JSON_NODE_MAP) ||
		json_node_is(json_node_get(selector, "matchExpressions"),
		    JSON_NODE_LIST));
	const struct json_node *replicas = json_node_get(spec, "replicas");
	struct raw_controller *c;

	if (!runs_pods &&
	    json_node_size(json_node_get(
		json_node_get(o->json, "metadata"), "ownerReferences")) == 0)
		return false;
	c = new_controller(o);
	if (c == NULL)
		return true;
	c->replicas =
	    json_node_is(replicas, JSON_NODE_INTEGER) ? replicas->integer : -1;
	if (runs_pods)
		read_selector(o, spec, c);
	return true;
}

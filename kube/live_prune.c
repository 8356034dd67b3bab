/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/live_prune.h"

#include <string.h>

#include "kube/json_text.h"

#define DEPTH_MAX 12
/* true: all of it. A map: these members. [x]: x of every element. */
#define META                                                                   \
	"'metadata':{'name':true,'namespace':true,'uid':true,'labels':true,"   \
	"'creationTimestamp':true,'deletionTimestamp':true,"                   \
	"'ownerReferences':[{'apiVersion':true,'kind':true,'name':true,"       \
	"'controller':true}]}"
#define CONTAINERS "[{'ports':true,'restartPolicy':true}]"
#define STATUSES                                                               \
	"[{'restartCount':true,'state':{'running':{'startedAt':true},"         \
	"'terminated':{'startedAt':true,'finishedAt':true}}}]"
#define CONDITIONS "[{'type':true,'status':true,'lastTransitionTime':true}]"
#define TEMPLATE   "'template':{'metadata':{'labels':true}}"
#define WORKLOAD                                                               \
	"{" META ",'spec':{'selector':true,'replicas':true,'suspend':true,"    \
	"'parallelism':true," TEMPLATE "},'status':{"                          \
	"'desiredNumberScheduled':true}}"

static const struct template
{
	const char *resource, *keep;
}
templates[] = {
	{ "pods",
	    "{" META ",'spec':{'nodeName':true,'hostNetwork':true,"
	    "'containers':" CONTAINERS ",'initContainers':" CONTAINERS "},"
	    "'status':{'phase':true,'podIP':true,'podIPs':true,"
	    "'hostIP':true,'hostIPs':true,'startTime':true,"
	    "'conditions':" CONDITIONS ","
	    "'containerStatuses':" STATUSES ",'initContainerStatuses':" STATUSES
	    "}}" },
	{ "services",
	    "{" META ",'spec':{'ports':true,'clusterIP':true,"
	    "'clusterIPs':true,'type':true,'externalTrafficPolicy':true,"
	    "'selector':true,'externalIPs':true,'loadBalancerIP':true},"
	    "'status':{'loadBalancer':{'ingress':[{'ip':true}]}}}" },
	{ "namespaces", "{" META "}" },
	{ "nodes",
	    "{'metadata':{'name':true,'uid':true,'labels':true,"
	    "'annotations':true},'spec':{'providerID':true,'podCIDR':true,"
	    "'podCIDRs':true},'status':{'addresses':true}}" },
	{ "endpointslices",
	    "{" META ",'addressType':true,'ports':true,'endpoints':[{"
	    "'addresses':true,'conditions':{'ready':true},'targetRef':{"
	    "'kind':true,'name':true,'namespace':true}}]}" },
	{ "deployments", WORKLOAD },
	{ "replicasets", WORKLOAD },
	{ "statefulsets", WORKLOAD },
	{ "daemonsets", WORKLOAD },
	{ "jobs", WORKLOAD },
	{ "cronjobs",
	    "{" META ",'spec':{'suspend':true,'jobTemplate':{'spec':{" TEMPLATE
	    "}}}}" },
	{ "networkpolicies", "{" META ",'spec':true}" },
};

static json_t *
parse_template(const char *text)
{
	json_error_t why;
	char buf[1024];
	size_t len = strlen(text);

	if (len >= sizeof(buf))
		return NULL;
	for (size_t i = 0; i <= len; i++)
		buf[i] = (char)(text[i] == '\'' ? '"' : text[i]);
	return json_text_read(buf, len, 0, &why);
}

bool
live_pruner_init(struct live_pruner *p)
{
	*p = (struct live_pruner){ 0 };
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		size_t r = client_resource_find(templates[i].resource);

		p->keep[r] = parse_template(templates[i].keep);
		if (p->keep[r] == NULL) {
			live_pruner_release(p);
			return false;
		}
	}
	return true;
}

void
live_pruner_release(struct live_pruner *p)
{
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		json_decref(p->keep[i]);
		p->keep[i] = NULL;
	}
}

static json_t *prune(json_t *keep, json_t *value, unsigned depth);

static json_t *
prune_list(json_t *keep, const json_t *list, unsigned depth)
{
	json_t *out = json_array();

	for (size_t i = 0; out != NULL && i < json_array_size(list); i++)
		if (json_array_append_new(out,
			prune(keep, json_array_get(list, i), depth)) != 0) {
			json_decref(out);
			return NULL;
		}
	return out;
}

/* In the template's order, so that equal objects have equal texts. */
static json_t *
prune_map(json_t *keep, const json_t *map, unsigned depth)
{
	json_t *out = json_object(), *inner;
	const char *key;

	json_object_foreach(keep, key, inner)
	{
		json_t *v = json_object_get(map, key);

		if (out == NULL || v == NULL || json_is_null(v))
			continue;
		if (json_object_set_new(out, key, prune(inner, v, depth)) !=
		    0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *
prune(json_t *keep, json_t *value, unsigned depth)
{
	if (depth == DEPTH_MAX)
		return json_incref(value);
	if (json_is_object(keep) && json_is_object(value))
		return prune_map(keep, value, depth + 1);
	if (json_is_array(keep) && json_is_array(value))
		return prune_list(json_array_get(keep, 0), value, depth + 1);
	return json_incref(value);
}

/* Of a pod's conditions, only the one that readers look at: the others change
 * with each failed probe. */
static bool
prune_conditions(json_t *pod)
{
	json_t *status = json_object_get(pod, "status"), *kept;
	const json_t *list = json_object_get(status, "conditions");

	if (!json_is_array(list))
		return true;
	if ((kept = json_array()) == NULL)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *c = json_array_get(list, i);
		const char *type =
		    json_string_value(json_object_get(c, "type"));

		if ((type == NULL ||
			strcmp(type, "PodReadyToStartContainers") == 0) &&
		    json_array_append(kept, c) != 0) {
			json_decref(kept);
			return false;
		}
	}
	if (json_array_size(kept) > 0)
		return json_object_set_new(status, "conditions", kept) == 0;
	json_decref(kept);
	return json_object_del(status, "conditions") == 0;
}

json_t *
live_prune(const struct live_pruner *p, size_t resource, const json_t *object)
{
	const struct client_resource *r = &client_resources[resource];
	json_t *out = prune_map(p->keep[resource], object, 0);
	char api[128];

	if (out == NULL)
		return NULL;
	if (json_object_set_new(out, "kind", json_string(r->kind)) == 0 &&
	    json_object_set_new(out, "apiVersion",
		json_string(client_resource_api(r, api, sizeof(api)))) == 0 &&
	    prune_conditions(out))
		return out;
	json_decref(out);
	return NULL;
}

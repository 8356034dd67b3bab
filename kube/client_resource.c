/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client_resource.h"

#include <stdio.h>
#include <string.h>

/* In the order in which kubectl is told to get them. */
const struct client_resource client_resources[CLIENT_RESOURCE_COUNT] = {
	/* clang-format off */
	{ "pods", "", "v1", "Pod", false, NULL },
	{ "services", "", "v1", "Service", false,
	    "which addresses are a Service's is unknown" },
	{ "namespaces", "", "v1", "Namespace", true,
	    "the labels of namespaces are unknown" },
	{ "nodes", "", "v1", "Node", false,
	    "nodes are known by their pods alone" },
	{ "endpointslices", "discovery.k8s.io", "v1", "EndpointSlice", false,
	    "pods behind a Service are known by its selector alone" },
	{ "deployments", "apps", "v1", "Deployment", false,
	    "selectors, and those without pods, are unknown" },
	{ "replicasets", "apps", "v1", "ReplicaSet", false,
	    "a pod's Deployment is known by its pod-template-hash alone" },
	{ "statefulsets", "apps", "v1", "StatefulSet", false,
	    "selectors, and those without pods, are unknown" },
	{ "daemonsets", "apps", "v1", "DaemonSet", false,
	    "selectors, and those without pods, are unknown" },
	{ "jobs", "batch", "v1", "Job", false,
	    "a pod's CronJob is known by its Job's name alone" },
	{ "cronjobs", "batch", "v1", "CronJob", false,
	    "those without pods are unknown" },
	{ "networkpolicies", "networking.k8s.io", "v1", "NetworkPolicy",
	    false,
	    "the policies that are there are unknown" },
	/* clang-format on */
};

size_t
client_resource_find(const char *name)
{
	size_t i = 0;

	while (i < CLIENT_RESOURCE_COUNT &&
	    strcmp(client_resources[i].name, name) != 0)
		i++;
	return i;
}

const char *
client_resource_api(const struct client_resource *r, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s%s", r->group,
	    *r->group == '\0' ? "" : "/", r->version);
	return buf;
}

void
client_resource_path(const struct client_resource *r, struct strbuf *out)
{
	strbuf_puts(out, *r->group == '\0' ? "/api/" : "/apis/");
	if (*r->group != '\0')
		strbuf_printf(out, "%s/", r->group);
	strbuf_printf(out, "%s/%s", r->version, r->name);
}

void
client_escape(struct strbuf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			strbuf_putc(out, *text);
		else
			strbuf_printf(out, "%%%02X", (unsigned char)*text);
}

/* The rule that is missing, as it would stand in a ClusterRole. */
static void
put_rule(const struct client_resource *r, struct strbuf *out)
{
	strbuf_printf(out,
	    "apiGroups: [\"%s\"], resources: [\"%s\"], verbs: ["
	    "\"list\", \"watch\"]",
	    r->group, r->name);
}

void
client_resource_forbidden(const struct client_resource *r, const char *message,
    char *out, size_t size)
{
	struct strbuf s;

	strbuf_init(&s, size - 1);
	strbuf_printf(&s, "%s: forbidden; ", r->name);
	if (strstr(message, "\"system:anonymous\"") != NULL)
		strbuf_puts(
		    &s, "the server was shown no credentials that it knows");
	else {
		strbuf_puts(&s, "the ClusterRole lacks the rule {");
		put_rule(r, &s);
		strbuf_puts(&s, "}");
	}
	strbuf_printf(&s, " (%.*s)", 280, message);
	if (r->loss != NULL && s.len + 2 + strlen(r->loss) < size)
		strbuf_printf(&s, "; %s", r->loss);
	if (strbuf_failed(&s))
		(void)snprintf(
		    out, size, "%s: forbidden (%.280s)", r->name, message);
	else
		(void)memcpy(out, strbuf_str(&s), s.len + 1);
	strbuf_release(&s);
}

const char *
client_resource_accept(
    const struct client_resource *r, bool is_whole, bool is_watch)
{
	if (!r->needs_metadata_only || is_whole)
		return "application/json";
	return is_watch ? "application/json;as=PartialObjectMetadata;"
			  "g=meta.k8s.io;v=v1,application/json"
			: "application/json;as=PartialObjectMetadataList;"
			  "g=meta.k8s.io;v=v1,application/json";
}

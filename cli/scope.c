/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scope.h"

#include <string.h>

#include "cli/nearest.h"

int
scope_check_either(const struct command_spec *spec,
    const struct option_list *namespaces, bool all)
{
	if (namespaces->n > 0 && all)
		return options_usage(spec, "give either -n or -A, not both");
	return OPTIONS_RUN;
}

int
scope_check_given(const struct command_spec *spec,
    const struct option_list *namespaces, bool all)
{
	if (namespaces->n == 0 && !all)
		return options_usage(
		    spec, "which namespaces? Give -n NS, or -A for all");
	return scope_check_either(spec, namespaces, all);
}

int
scope_check_known(const struct command_spec *spec,
    const struct option_list *namespaces, const struct cluster *c)
{
	for (size_t i = 0; i < namespaces->n; i++) {
		const char *name = namespaces->v[i];
		struct nearest near;

		if (cluster_find_namespace(c, name) != FLOW_NONE)
			continue;
		nearest_init(&near, name);
		for (size_t k = 0; k < c->n_namespaces; k++)
			nearest_offer(&near, c->namespaces[k].name);
		if (near.best != NULL)
			return options_usage(spec,
			    "namespace '%s' is not in the database; did you "
			    "mean '%s'?",
			    name, near.best);
		return options_usage(
		    spec, "namespace '%s' is not in the database", name);
	}
	return OPTIONS_RUN;
}

/* Is "ns/name" a workload? Its kind is not asked for. */
static bool
is_workload(const struct cluster *c, const char *path)
{
	size_t len = strcspn(path, "/");

	for (size_t i = 0; path[len] == '/' && i < c->n_workloads; i++) {
		const struct kube_workload *w = &c->workloads[i];

		if (strlen(w->namespace) == len &&
		    strncmp(w->namespace, path, len) == 0 &&
		    strcmp(w->name, path + len + 1) == 0)
			return true;
	}
	return false;
}

int
scope_check_metadata(const struct command_spec *spec,
    const struct option_list *workloads, const struct cluster *c)
{
	for (size_t i = 0; i < workloads->n; i++)
		if (!is_workload(c, workloads->v[i]))
			return options_usage(spec,
			    "--allow-metadata: '%s' is no NAMESPACE/WORKLOAD "
			    "of the database",
			    workloads->v[i]);
	return OPTIONS_RUN;
}

int
scope_check_link_local(
    const struct command_spec *spec, const struct option_list *addresses)
{
	for (size_t i = 0; i < addresses->n; i++) {
		const char *text = addresses->v[i];
		struct ip_addr ip;

		if (!ip_parse(&ip, text) || !ip_is_link_local(&ip))
			return options_usage(spec,
			    "--allow-link-local: '%s' is no link-local address",
			    text);
		if (strcmp(text, "169.254.169.254") == 0)
			return options_usage(spec,
			    "--allow-link-local: %s is the metadata address: "
			    "--allow-metadata",
			    text);
	}
	return OPTIONS_RUN;
}

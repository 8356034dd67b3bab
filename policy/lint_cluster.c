/* SPDX-License-Identifier: Apache-2.0 */
/* What the cluster itself lets policies come to nothing by: RF030, RF031. */
#include <string.h>

#include "policy/lint_internal.h"

static bool
starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/*
 * Agents that enforce NetworkPolicy, or may, depending on settings that no
 * object of a snapshot shows. Where one of them runs nothing is said.
 */
static bool
may_enforce(const char *name)
{
	static const char *const names[] = { "calico", "canal", "cilium",
		"anetd", "antrea", "kube-router", "weave", "romana", "ovn",
		"ovs", "kube-ovn", "sdn", "azure-npm", "azure-cns", "nsx",
		"aws-node", "terway", "kindnet", "kube-network-policies",
		"network-policy", "netpol", "kilo", "galaxy", "tungsten",
		"contrail", "multus", "netd", "spiderpool", "k3s", "rke2" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (starts_with(name, names[i]))
			return true;
	return strstr(name, "netpol") != NULL ||
	    strstr(name, "network-policy") != NULL;
}

/* Distributions that enforce inside their own processes. */
static bool
has_built_in_enforcer(const struct cluster *c)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct label_set *labels = &c->nodes[i].labels;
		const char *type =
		    label_get(labels, "node.kubernetes.io/instance-type");

		if (starts_with(c->nodes[i].provider, "k3s") ||
		    starts_with(c->nodes[i].provider, "rke2") ||
		    (type != NULL &&
			(strcmp(type, "k3s") == 0 ||
			    strcmp(type, "rke2") == 0)))
			return true;
	}
	return false;
}

/* RF030: plain flannel is the one common agent that enforces nothing. */
void
lint_check_cni(struct lint *l)
{
	const struct kube_workload *flannel = NULL;
	struct lint_at at = { .field = "" };

	for (size_t i = 0; i < l->c->n_workloads; i++) {
		const struct kube_workload *w = &l->c->workloads[i];

		if (may_enforce(w->name))
			return;
		if (strcmp(w->kind, "DaemonSet") == 0 &&
		    (strcmp(w->name, "kube-flannel-ds") == 0 ||
			strcmp(w->name, "kube-flannel") == 0))
			flannel = w;
	}
	if (flannel == NULL || has_built_in_enforcer(l->c) ||
	    l->set->n_policies == 0)
		return;
	at.object =
	    lint_text(l, "DaemonSet %s/%s", flannel->namespace, flannel->name);
	lint_add(l, 0, LINT_WARNING, &at,
	    "the cluster's network is flannel and nothing that enforces "
	    "policies runs, so every policy is accepted and none has an "
	    "effect",
	    "Run an enforcer beside it (Calico as \"Canal\", "
	    "kube-network-policies, or flannel's own netpol option).");
}

static bool
has_policy(const struct lint *l, const char *namespace)
{
	for (size_t i = 0; i < l->set->n_policies; i++)
		if (strcmp(l->set->policies[i].namespace, namespace) == 0)
			return true;
	return false;
}

static bool
has_backends(const struct cluster *c, uint32_t service)
{
	for (size_t i = 0; i < c->n_backends; i++)
		if (c->backends[i].service == service)
			return true;
	return false;
}

/* RF031, in namespaces that the policies are about. */
void
lint_check_services(struct lint *l)
{
	for (uint32_t i = 0; i < l->c->n_services; i++) {
		const struct kube_service *s = &l->c->services[i];
		uint32_t ns = cluster_find_namespace(l->c, s->namespace);
		struct lint_at at = { .field = "spec.selector" };
		const char *near, *text;

		if (ns == FLOW_NONE || s->gone || !s->has_selector ||
		    selector_is_empty(&s->selector) || !lint_has_faces(l, ns) ||
		    !has_policy(l, s->namespace) ||
		    lint_count(l, ns, &s->selector) > 0 ||
		    has_backends(l->c, i))
			continue;
		near = lint_near(l, ns, &s->selector);
		text = lint_selector_text(l, &s->selector);
		at.object =
		    lint_text(l, "Service %s/%s", s->namespace, s->name);
		lint_add(l, 0, near == NULL ? LINT_NOTE : LINT_WARNING, &at,
		    lint_text(l,
			"no pod of namespace %s has %s, so whoever dials this "
			"Service reaches nobody, whatever policies allow%s%s",
			s->namespace, text,
			near == NULL ? "" : "; there are pods with ",
			near == NULL ? "" : near),
		    near == NULL
			? "Correct the selector, or remove the Service."
			: lint_text(l, "If they are meant, write %s.", near));
	}
}

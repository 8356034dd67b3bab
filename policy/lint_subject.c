/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a policy isolates, and where it belongs: RF009 to RF012. */
#include <string.h>

#include "policy/lint_internal.h"

struct subjects {
	size_t pods;      /* faces that the policy's selector matches */
	size_t host_pods; /* of them, on the node's own network */
};

static struct subjects
subjects_of(const struct lint *l, const struct policy *p, uint32_t ns)
{
	struct subjects n = { 0 };

	for (size_t i = l->ns_start[ns]; i < l->ns_start[ns + 1]; i++) {
		if (!selector_matches(&p->pod_selector, l->faces[i].labels))
			continue;
		n.pods++;
		n.host_pods += l->faces[i].host_network;
	}
	return n;
}

/* Another namespace that has such pods, or NULL. */
static const char *
elsewhere(const struct lint *l, const struct policy *p, uint32_t ns)
{
	for (uint32_t i = 0; i < l->c->n_namespaces; i++)
		if (i != ns && lint_count(l, i, &p->pod_selector) > 0)
			return l->c->namespaces[i].name;
	return NULL;
}

/* RF009 */
static void
report_nothing(struct lint *l, const struct policy *p, uint32_t ns)
{
	struct lint_at at =
	    lint_at_policy(p, p->selector_line, "spec.podSelector");
	const char *text = lint_selector_text(l, &p->pod_selector);
	const char *near = lint_near(l, ns, &p->pod_selector);
	const char *other = elsewhere(l, p, ns);

	if (!lint_has_faces(l, ns))
		lint_add(l, 0, LINT_WARNING, &at,
		    lint_text(l,
			"namespace %s has no pod, so the policy protects "
			"nothing",
			p->namespace),
		    "Check the namespace, or apply the policy together with "
		    "its pods.");
	else if (near != NULL &&
	    (other == NULL || (p->blank & BLANK_NAMESPACE) == 0))
		lint_add(l, 0, LINT_ERROR, &at,
		    lint_text(l,
			"no pod of namespace %s has %s, so the policy "
			"protects nothing; there are pods with %s",
			p->namespace, text, near),
		    lint_text(l, "If they are meant, write %s.", near));
	else if (other != NULL)
		lint_add(l, 0, LINT_WARNING, &at,
		    lint_text(l,
			"no pod of namespace %s has %s, so the policy "
			"protects nothing; namespace %s has such pods",
			p->namespace, text, other),
		    lint_text(l,
			"Put the policy into namespace %s: a policy selects "
			"pods of its own namespace only.",
			other));
	else
		lint_add(l, 0, LINT_WARNING, &at,
		    lint_text(l,
			"no pod of namespace %s has %s, so the policy "
			"protects nothing",
			p->namespace, text),
		    "Correct the selector, or remove the policy if its pods "
		    "are gone.");
}

/* RF010. default-deny and its like may well select them, too. */
static void
report_host_pods(
    struct lint *l, const struct policy *p, const struct subjects *n)
{
	struct lint_at at =
	    lint_at_policy(p, p->selector_line, "spec.podSelector");

	if (n->host_pods == n->pods && selector_is_empty(&p->pod_selector))
		lint_add(l, 1, LINT_NOTE, &at,
		    "every pod of the namespace uses the network of its node "
		    "(hostNetwork), where most network plugins enforce no "
		    "policy: this one holds for others that come",
		    "Protect those that are there on the node itself.");
	else if (n->host_pods == n->pods)
		lint_add(l, 1, LINT_WARNING, &at,
		    "every pod that the policy selects uses the network of "
		    "its node (hostNetwork), where most network plugins "
		    "enforce no policy",
		    "Protect them on the node itself, or run them without "
		    "hostNetwork.");
	else if (!selector_is_empty(&p->pod_selector))
		lint_add(l, 1, LINT_NOTE, &at,
		    "some of the pods that the policy selects use the network "
		    "of their node (hostNetwork), where most network plugins "
		    "enforce no policy",
		    "Do not count on it for those pods.");
}

/* RF011: is it likely that the namespace was forgotten? */
static enum lint_severity
doubt(const struct lint *l, const struct policy *p)
{
	uint32_t ns = lint_ns(l, p);

	for (size_t i = 0; i < l->set->n_policies; i++)
		if ((l->set->policies[i].blank & BLANK_NAMESPACE) == 0)
			return LINT_WARNING;
	if (ns != FLOW_NONE && subjects_of(l, p, ns).pods == 0 &&
	    elsewhere(l, p, ns) != NULL)
		return LINT_WARNING;
	return LINT_NOTE;
}

static void
check_home(struct lint *l, const struct policy *p)
{
	struct lint_at at = lint_at_policy(p, 0, "metadata.namespace");

	if ((p->blank & BLANK_NAMESPACE) == 0 || l->in->namespace_given)
		return;
	lint_add(l, 2, doubt(l, p), &at,
	    lint_text(l,
		"no namespace is written, so the policy lands wherever "
		"whoever applies it happens to be (taken as %s here)",
		p->namespace),
	    "Write metadata.namespace, or say -n NS when that is decided "
	    "elsewhere.");
}

/* RF012 */
static void
report_unknown_home(struct lint *l, const struct policy *p)
{
	struct lint_near_name near = { .wanted = p->namespace };
	struct lint_at at = lint_at_policy(p, 0, "metadata.namespace");

	for (size_t i = 0; i < l->c->n_namespaces; i++)
		lint_near_offer(&near, l->c->namespaces[i].name);
	lint_add(l, 3, LINT_WARNING, &at,
	    lint_text(l, "the cluster has no namespace %s%s%s", p->namespace,
		near.best == NULL ? "" : "; there is ",
		near.best == NULL ? "" : near.best),
	    near.best == NULL
		? "Correct the namespace, or create it first."
		: lint_text(l, "If it is meant, write %s.", near.best));
}

void
lint_check_subjects(struct lint *l)
{
	for (size_t i = 0; i < l->set->n_policies; i++) {
		const struct policy *p = &l->set->policies[i];
		uint32_t ns = lint_ns(l, p);
		struct subjects n;

		check_home(l, p);
		if (l->c == NULL)
			continue;
		if (ns == FLOW_NONE) {
			report_unknown_home(l, p);
			continue;
		}
		n = subjects_of(l, p, ns);
		/* {} in an empty namespace is a floor laid in time. */
		if (n.pods == 0 && !selector_is_empty(&p->pod_selector))
			report_nothing(l, p, ns);
		else if (n.host_pods > 0)
			report_host_pods(l, p, &n);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do not mean whom their author meant: RF004 to RF008. */
#include <string.h>

#include "policy/lint_internal.h"

/* Whom one peer matches, as far as the cluster shows. */
struct peer_hits {
	size_t namespaces; /* that it may look into */
	size_t filled;     /* of them, with any pod or template */
	size_t pods;       /* faces */
	size_t host_pods;  /* of them, on the node's own network */
	uint32_t ns;       /* one of the namespaces that are filled */
};

static bool
looks_into(const struct lint *l, const struct policy_peer *p,
    uint32_t policy_ns, uint32_t ns)
{
	return p->namespace_selector == NULL
	    ? ns == policy_ns
	    : selector_matches(
		  p->namespace_selector, &l->c->namespaces[ns].labels);
}

static struct peer_hits
hits_of(const struct lint *l, const struct policy_peer *p, uint32_t policy_ns)
{
	struct peer_hits h = { .ns = FLOW_NONE };

	for (uint32_t ns = 0; ns < l->c->n_namespaces; ns++) {
		if (!looks_into(l, p, policy_ns, ns))
			continue;
		h.namespaces++;
		if (!lint_has_faces(l, ns))
			continue;
		h.filled++;
		if (h.ns == FLOW_NONE)
			h.ns = ns;
		for (size_t i = l->ns_start[ns]; i < l->ns_start[ns + 1]; i++) {
			if (p->pod_selector != NULL &&
			    !selector_matches(
				p->pod_selector, l->faces[i].labels))
				continue;
			h.pods++;
			h.host_pods += l->faces[i].host_network;
		}
	}
	return h;
}

/* A label that only the cluster's DNS carries. */
static bool
is_dns_selector(const struct label_selector *s)
{
	const char *app = label_get(&s->match_labels, "k8s-app");

	return app != NULL &&
	    (strcmp(app, "kube-dns") == 0 ||
		strcmp(app, "node-local-dns") == 0);
}

static bool
is_dns_namespace(const char *name)
{
	return strcmp(name, "kube-system") == 0 ||
	    strcmp(name, "openshift-dns") == 0;
}

/* How sure is it that two neighbours of one list should be one entry? */
enum mixed { MIXED_NO, MIXED_MAYBE, MIXED_USELESS, MIXED_SURE };

static enum mixed
mixed_in_cluster(const struct lint *l, const struct policy_peer *spaces,
    const struct policy_peer *pods, uint32_t policy_ns)
{
	struct policy_peer both = { .pod_selector = pods->pod_selector,
		.namespace_selector = spaces->namespace_selector };

	if (policy_ns == FLOW_NONE || !lint_has_faces(l, policy_ns))
		return MIXED_MAYBE;
	if (lint_count(l, policy_ns, pods->pod_selector) > 0)
		return MIXED_NO;
	return hits_of(l, &both, policy_ns).pods > 0 ? MIXED_SURE : MIXED_NO;
}

/* Are peers i and i + 1 a namespaceSelector and a podSelector, each alone? */
static enum mixed
mixed_at(const struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *a = &s->rule->peers[i], *b = a + 1;
	const struct policy_peer *spaces = a, *pods = b;

	if (i + 1 >= s->rule->n_peers)
		return MIXED_NO;
	if (lint_peer_is_pods(a) && lint_peer_is_namespaces(b)) {
		spaces = b;
		pods = a;
	}
	if (!lint_peer_is_namespaces(spaces) || !lint_peer_is_pods(pods) ||
	    selector_is_empty(pods->pod_selector))
		return MIXED_NO;
	if (selector_is_empty(spaces->namespace_selector))
		return MIXED_USELESS;
	if (l->c != NULL)
		return mixed_in_cluster(l, spaces, pods, lint_ns(l, s->policy));
	if (is_dns_selector(pods->pod_selector) &&
	    !is_dns_namespace(s->policy->namespace))
		return MIXED_SURE;
	/* The other order is not how this slip looks. */
	return spaces == a ? MIXED_MAYBE : MIXED_NO;
}

static bool
is_mixed(const struct lint *l, const struct lint_spot *s, size_t peer)
{
	return mixed_at(l, s, peer) == MIXED_SURE ||
	    (peer > 0 && mixed_at(l, s, peer - 1) == MIXED_SURE);
}

/* RF004, where a namespaceSelector {} makes the other selector useless. */
static void
report_useless(
    struct lint *l, const struct lint_spot *s, size_t i, const char *pods)
{
	struct lint_at at = lint_at_peer(l, s, i + 1, "");

	lint_add(l, 0, LINT_WARNING, &at,
	    lint_text(l,
		"two list entries are an OR: namespaceSelector {} alone "
		"already matches every pod of every namespace, so podSelector "
		"{%s} narrows nothing",
		pods),
	    "Make them one entry (remove the second \"-\") to mean such pods "
	    "of every namespace, or remove the namespaceSelector to mean "
	    "those of the policy's own.");
}

/* RF004 */
static void
report_mixed(
    struct lint *l, const struct lint_spot *s, size_t i, enum mixed mixed)
{
	bool swapped = lint_peer_is_pods(&s->rule->peers[i]);
	struct lint_at at = lint_at_peer(l, s, i + 1, "");
	const char *spaces = lint_selector_text(
	    l, s->rule->peers[swapped ? i + 1 : i].namespace_selector);
	const char *pods = lint_selector_text(
	    l, s->rule->peers[swapped ? i : i + 1].pod_selector);
	bool sure = mixed == MIXED_SURE;

	if (mixed == MIXED_USELESS) {
		report_useless(l, s, i, pods);
		return;
	}
	lint_add(l, 0, sure ? LINT_ERROR : LINT_NOTE, &at,
	    lint_text(l,
		"two list entries are an OR: every pod of namespaces {%s}, or "
		"pods {%s} of namespace %s%s",
		spaces, pods, s->policy->namespace,
		sure ? ", where there is none" : " itself"),
	    lint_text(l,
		"Make them one entry (remove the second \"-\") to mean pods "
		"{%s} in namespaces {%s}%s.",
		pods, spaces, sure ? "" : "; leave it if OR is meant"));
}

void
lint_check_mixed_peers(struct lint *l)
{
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s))
		for (size_t i = 0; i + 1 < s.rule->n_peers; i++) {
			enum mixed mixed = mixed_at(l, &s, i);

			if (mixed != MIXED_NO)
				report_mixed(l, &s, i, mixed);
		}
}

/* RF005: the pods are there, but in other namespaces. */
static bool
check_elsewhere(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *p = &s->rule->peers[i];
	struct lint_at at = lint_at_peer(l, s, i, ".podSelector");
	const char *ns = NULL, *text;
	size_t n = 0;

	for (uint32_t k = 0; k < l->c->n_namespaces; k++)
		if (lint_count(l, k, p->pod_selector) > 0) {
			n++;
			ns = ns == NULL ? l->c->namespaces[k].name : ns;
		}
	if (n == 0)
		return false;
	text = lint_selector_text(l, p->pod_selector);
	lint_add(l, 0, LINT_ERROR, &at,
	    lint_text(l,
		"a podSelector alone means pods of the policy's own "
		"namespace %s, which has none with %s; namespace %s%s has",
		s->policy->namespace, text, ns, n > 1 ? " (among others)" : ""),
	    lint_text(l,
		"Add namespaceSelector {matchLabels: "
		"{kubernetes.io/metadata.name: %s}} to the same entry.",
		ns));
	return true;
}

/* RF006. where: in the words of the sentence. */
static void
report_nobody(struct lint *l, const struct lint_spot *s, size_t i, uint32_t ns,
    const char *where)
{
	const struct label_selector *want = s->rule->peers[i].pod_selector;
	struct lint_at at = lint_at_peer(l, s, i, ".podSelector");
	const char *near = lint_near(l, ns, want);
	const char *text = lint_selector_text(l, want);

	if (near != NULL)
		lint_add(l, 1, LINT_ERROR, &at,
		    lint_text(l,
			"no pod of %s has %s, so this entry allows nobody; "
			"there are pods with %s",
			where, text, near),
		    lint_text(l, "If they are meant, write %s.", near));
	else
		lint_add(l, 1, LINT_NOTE, &at,
		    lint_text(l,
			"no pod of %s has %s, nor any label like it, so this "
			"entry allows nobody now",
			where, text),
		    "Remove the entry, or keep it if such pods are yet to "
		    "come.");
}

/* RF007: no namespace at all. Labels of namespaces that no object was seen
 * for are not known. */
static void
report_no_namespace(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct label_selector *want =
	    s->rule->peers[i].namespace_selector;
	struct lint_at at = lint_at_peer(l, s, i, ".namespaceSelector");
	const char *near = lint_near(l, FLOW_NONE, want);
	const char *text = lint_selector_text(l, want);
	size_t assumed = 0;

	for (size_t k = 0; k < l->c->n_namespaces; k++)
		assumed += l->c->namespaces[k].assumed;
	if (assumed == l->c->n_namespaces)
		return;
	if (near != NULL)
		lint_add(l, 2, assumed > 0 ? LINT_NOTE : LINT_ERROR, &at,
		    lint_text(l,
			"no namespace carries %s, so this entry allows "
			"nobody; there is one with %s",
			text, near),
		    lint_text(l, "If it is meant, write %s.", near));
	else
		lint_add(l, 2, assumed > 0 ? LINT_NOTE : LINT_WARNING, &at,
		    lint_text(l,
			"no namespace carries %s, so this entry allows nobody",
			text),
		    "Label the namespace that is meant, or select it by "
		    "kubernetes.io/metadata.name, which every namespace has.");
}

static void
report_host_peers(struct lint *l, const struct lint_spot *s, size_t i)
{
	struct lint_at at = lint_at_peer(l, s, i, "");

	lint_add(l, 3, LINT_WARNING, &at,
	    "all pods that this entry selects use the network of their node "
	    "(hostNetwork), so most network plugins see the node's address "
	    "and never match them",
	    "Name the nodes' addresses by ipBlock; a pod's own node is always "
	    "allowed.");
}

static void
check_peer(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *p = &s->rule->peers[i];
	uint32_t ns = lint_ns(l, s->policy);
	struct peer_hits h;

	if (p->ip_block != NULL || is_mixed(l, s, i))
		return;
	h = hits_of(l, p, ns);
	if (h.pods > 0) {
		if (h.pods == h.host_pods)
			report_host_peers(l, s, i);
		return;
	}
	if (p->namespace_selector != NULL && h.namespaces == 0) {
		report_no_namespace(l, s, i);
		return;
	}
	/* {} may come before its pods, and of nothing nothing is known. */
	if (p->pod_selector == NULL || selector_is_empty(p->pod_selector) ||
	    h.filled == 0)
		return;
	if (lint_peer_is_pods(p) && check_elsewhere(l, s, i))
		return;
	report_nobody(l, s, i, h.filled == 1 ? h.ns : LINT_ANYWHERE,
	    h.filled == 1
		? lint_text(l, "namespace %s", l->c->namespaces[h.ns].name)
		: "the namespaces it selects");
}

/* Without a cluster only the labels of its DNS are known to everybody. */
static void
check_known(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *p = &s->rule->peers[i];
	struct lint_at at = lint_at_peer(l, s, i, ".podSelector");

	if (!lint_peer_is_pods(p) || !is_dns_selector(p->pod_selector) ||
	    is_dns_namespace(s->policy->namespace) || is_mixed(l, s, i))
		return;
	lint_add(l, 0, LINT_ERROR, &at,
	    lint_text(l,
		"a podSelector alone means pods of the policy's own namespace "
		"%s, but the cluster's DNS runs in kube-system",
		s->policy->namespace),
	    "Add namespaceSelector {matchLabels: "
	    "{kubernetes.io/metadata.name: kube-system}} to the same entry.");
}

void
lint_check_peers(struct lint *l)
{
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s))
		for (size_t i = 0; i < s.rule->n_peers; i++) {
			if (l->c == NULL)
				check_known(l, &s, i);
			else if (lint_ns(l, s.policy) != FLOW_NONE)
				check_peer(l, &s, i);
		}
}

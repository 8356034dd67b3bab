/* SPDX-License-Identifier: Apache-2.0 */
/* What defaulting makes of a policy, against what it looks like: RF013 to
 * RF018. */
#include "policy/lint_internal.h"

/* RF013, RF015: without policyTypes. */
static void
check_missing_types(struct lint *l, const struct policy *p)
{
	struct lint_at at =
	    lint_at_policy(p, p->types_line, "spec.policyTypes");

	if ((p->blank & BLANK_EGRESS) != 0)
		lint_add(l, 0, LINT_ERROR, &at,
		    "an empty egress without policyTypes isolates nothing: "
		    "all egress stays open, and only ingress is restricted",
		    "Write policyTypes: [Egress], or [Ingress, Egress] if "
		    "ingress is meant too.");
	else if (p->n_rules[POLICY_EGRESS] > 0 &&
	    p->n_rules[POLICY_INGRESS] == 0 && (p->blank & BLANK_INGRESS) == 0)
		lint_add(l, 2, LINT_WARNING, &at,
		    "without policyTypes a policy always isolates ingress, "
		    "so these egress rules also deny all ingress to the pods",
		    "Write policyTypes: [Egress], or [Ingress, Egress] if "
		    "that is meant.");
}

/* RF014: rules of a direction that policyTypes leaves out. */
static void
check_ignored_rules(struct lint *l, const struct policy *p)
{
	for (unsigned d = 0; d < 2; d++) {
		const char *name = policy_direction_name(d);
		const char *word = d == POLICY_INGRESS ? "Ingress" : "Egress";
		struct lint_at at =
		    lint_at_policy(p, p->types_line, "spec.policyTypes");

		if (p->types[d])
			continue;
		if (p->n_rules[d] > 0)
			lint_add(l, 1, LINT_ERROR, &at,
			    lint_text(l,
				"policyTypes leaves out %s, so the %s rules "
				"are ignored and all %s stays open",
				word, name, name),
			    lint_text(l,
				"Add %s to policyTypes, or remove the rules.",
				word));
		else if ((p->blank &
			     (d == POLICY_INGRESS ? BLANK_INGRESS
						  : BLANK_EGRESS)) != 0 &&
		    (p->blank & BLANK_TYPES) == 0)
			lint_add(l, 0, LINT_WARNING, &at,
			    lint_text(l,
				"policyTypes leaves out %s, so the empty %s "
				"denies nothing and all %s stays open",
				word, name, name),
			    lint_text(l,
				"Add %s to policyTypes, or remove the empty "
				"%s.",
				word, name));
	}
}

void
lint_check_types(struct lint *l)
{
	for (size_t i = 0; i < l->set->n_policies; i++) {
		const struct policy *p = &l->set->policies[i];

		if ((p->blank & BLANK_TYPES) != 0)
			check_missing_types(l, p);
		check_ignored_rules(l, p);
	}
}

/* RF016: null selectors of the policy itself. Without any rule it reads as a
 * floor for the namespace, which it then is. */
static void
check_blank_subject(struct lint *l, const struct policy *p)
{
	struct lint_at at =
	    lint_at_policy(p, p->selector_line, "spec.podSelector");
	bool is_floor = p->n_rules[0] + p->n_rules[1] == 0;

	if ((p->blank & BLANK_POD_SELECTOR) == 0)
		return;
	lint_add(l, 0, is_floor ? LINT_WARNING : LINT_ERROR, &at,
	    lint_text(l,
		"podSelector holds only a null (a field with nothing behind "
		"it), which selects every pod of namespace %s: all of them "
		"are isolated and get %s",
		p->namespace,
		is_floor ? "nothing" : "only what this policy allows"),
	    "Write the labels that are meant, or {} to say that every pod "
	    "is.");
}

static void
check_blank_peer(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *p = &s->rule->peers[i];
	struct lint_at pods = lint_at_peer(l, s, i, ".podSelector");
	struct lint_at spaces = lint_at_peer(l, s, i, ".namespaceSelector");
	const char *mend =
	    "Write the labels that are meant, or {} to say that all are.";

	if ((p->blank & BLANK_POD_SELECTOR) != 0)
		lint_add(l, 0, LINT_ERROR, &pods,
		    "podSelector holds only a null (a field with nothing "
		    "behind it), which lets every pod of the namespace in "
		    "question match",
		    mend);
	if ((p->blank & BLANK_NS_SELECTOR) == 0)
		return;
	if (p->namespace_selector != NULL)
		lint_add(l, 0, LINT_ERROR, &spaces,
		    "namespaceSelector holds only a null (a field with "
		    "nothing behind it), which lets every namespace match",
		    mend);
	else
		lint_add(l, 0, LINT_ERROR, &spaces,
		    lint_text(l,
			"a null namespaceSelector is as good as none, so the "
			"podSelector means the policy's own namespace %s",
			s->policy->namespace),
		    "Write the namespace's labels, {} for every namespace, "
		    "or remove the field.");
}

/* RF017 */
static void
check_blank_lists(struct lint *l, const struct lint_spot *s)
{
	const char *peers = s->direction == POLICY_INGRESS ? "from" : "to";
	struct lint_at at;

	if ((s->rule->blank & BLANK_PEERS) != 0) {
		at = lint_at_rule(l, s, lint_text(l, ".%s", peers));
		lint_add(l, 1, LINT_ERROR, &at,
		    lint_text(l,
			"an empty %s is the same as none: the rule allows "
			"every address in and out of the cluster, not nobody",
			peers),
		    lint_text(l,
			"Name the peers, or remove the whole rule to allow "
			"nobody; leave %s out if everybody is meant.",
			peers));
	}
	if ((s->rule->blank & BLANK_PORTS) != 0) {
		at = lint_at_rule(l, s, ".ports");
		lint_add(l, 1, LINT_ERROR, &at,
		    "an empty ports is the same as none: the rule allows "
		    "every port and protocol, not none",
		    "Name the ports, or leave the field out if every port is "
		    "meant.");
	}
}

void
lint_check_blanks(struct lint *l)
{
	struct lint_spot s = { 0 };

	for (size_t i = 0; i < l->set->n_policies; i++)
		check_blank_subject(l, &l->set->policies[i]);
	while (lint_next_rule(l, &s)) {
		check_blank_lists(l, &s);
		for (size_t i = 0; i < s.rule->n_peers; i++)
			check_blank_peer(l, &s, i);
	}
}

/* Are all its ports those of DNS? Such a rule often has no peers. */
static bool
is_dns_only(const struct policy_rule *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct policy_port *p = &r->ports[i];

		if (!p->has_port || p->name != NULL || p->end_port != 0 ||
		    (p->port != 53 && p->port != 5353))
			return false;
	}
	return r->n_ports > 0;
}

/* RF018: wider than it looks, though it may be meant. */
static void
check_no_peers(struct lint *l, const struct lint_spot *s)
{
	struct lint_at at = lint_at_rule(l, s, "");

	if (s->direction != POLICY_EGRESS || s->rule->n_peers > 0 ||
	    s->rule->n_ports == 0 || is_dns_only(s->rule) ||
	    s->rule->blank != 0)
		return;
	lint_add(l, 0, LINT_NOTE, &at,
	    "a rule with ports and without \"to\" allows them to every "
	    "address, in the cluster and on the Internet",
	    "Name who is meant under \"to\", unless it is everybody.");
}

static void
check_every_pod(struct lint *l, const struct lint_spot *s, size_t i)
{
	const struct policy_peer *p = &s->rule->peers[i];
	struct lint_at at = lint_at_peer(l, s, i, ".namespaceSelector");

	if (!lint_peer_is_namespaces(p) || s->rule->n_ports > 0 ||
	    !selector_is_empty(p->namespace_selector) || p->blank != 0)
		return;
	lint_add(l, 0, LINT_NOTE, &at,
	    "namespaceSelector {} without ports allows every pod of every "
	    "namespace on every port",
	    "Name the namespaces or the ports that are meant, unless it is "
	    "all of them.");
}

void
lint_check_wide(struct lint *l)
{
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s)) {
		check_no_peers(l, &s);
		for (size_t i = 0; i < s.rule->n_peers; i++)
			check_every_pod(l, &s, i);
	}
}

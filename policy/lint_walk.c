/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the rules of a set, and simple questions about them. */
#include "policy/lint_internal.h"

/* The policy, direction and index behind s, whether there is a rule or not. */
static void
step(const struct policy *p, struct lint_spot *s)
{
	if (s->index + 1 < p->n_rules[s->direction]) {
		s->index++;
		return;
	}
	s->index = 0;
	if (s->direction == POLICY_INGRESS) {
		s->direction = POLICY_EGRESS;
		return;
	}
	s->direction = POLICY_INGRESS;
	s->policy++;
}

bool
lint_next_rule(const struct lint *l, struct lint_spot *s)
{
	const struct policy *end;

	if (l->set->n_policies == 0)
		return false;
	end = l->set->policies + l->set->n_policies;
	if (s->policy == NULL)
		*s = (struct lint_spot){ .policy = l->set->policies };
	else
		step(s->policy, s);
	while (s->policy < end) {
		if (s->index < s->policy->n_rules[s->direction]) {
			s->rule = &s->policy->rules[s->direction][s->index];
			return true;
		}
		step(s->policy, s);
	}
	return false;
}

bool
lint_peer_is_pods(const struct policy_peer *p)
{
	return p->ip_block == NULL && p->pod_selector != NULL &&
	    p->namespace_selector == NULL;
}

bool
lint_peer_is_namespaces(const struct policy_peer *p)
{
	return p->ip_block == NULL && p->pod_selector == NULL &&
	    p->namespace_selector != NULL;
}

bool
lint_rule_is_open(const struct policy_rule *r)
{
	return r->n_peers == 0 && r->n_ports == 0;
}

/* Does the port entry hold this number; true without a port. A name: false. */
static bool
port_has(const struct policy_port *p, uint8_t protocol, unsigned port)
{
	if (p->protocol != protocol || p->name != NULL)
		return false;
	if (!p->has_port)
		return true;
	if (p->end_port != 0)
		return port >= p->port && port <= p->end_port;
	return port == p->port;
}

bool
lint_ports_have(const struct policy_rule *r, uint8_t protocol, unsigned port)
{
	for (size_t i = 0; i < r->n_ports; i++)
		if (port_has(&r->ports[i], protocol, port))
			return true;
	return r->n_ports == 0;
}

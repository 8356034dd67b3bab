/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <string.h>

#include "policy/write.h"

const char *
policy_direction_name(enum policy_direction d)
{
	return d == POLICY_INGRESS ? "ingress" : "egress";
}

static bool
requirement_equal(
    const struct selector_requirement *a, const struct selector_requirement *b)
{
	if (a->op != b->op || a->n_values != b->n_values ||
	    strcmp(a->key, b->key) != 0)
		return false;
	for (size_t i = 0; i < a->n_values; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

/* NULL (absent) equals only NULL: for peers it is not the empty one (34). */
static bool
selector_equal(const struct label_selector *a, const struct label_selector *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (!label_set_equal(&a->match_labels, &b->match_labels) ||
	    a->n_match_expressions != b->n_match_expressions)
		return false;
	for (size_t i = 0; i < a->n_match_expressions; i++)
		if (!requirement_equal(
			&a->match_expressions[i], &b->match_expressions[i]))
			return false;
	return true;
}

static bool
ip_block_equal(const struct policy_ip_block *a, const struct policy_ip_block *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (ip_prefix_compare(&a->cidr, &b->cidr) != 0 ||
	    a->n_except != b->n_except)
		return false;
	for (size_t i = 0; i < a->n_except; i++)
		if (ip_prefix_compare(&a->except[i], &b->except[i]) != 0)
			return false;
	return true;
}

static bool
port_equal(const struct policy_port *a, const struct policy_port *b)
{
	if (a->protocol != b->protocol || a->has_port != b->has_port)
		return false;
	if (!a->has_port)
		return true;
	if (a->name != NULL || b->name != NULL)
		return a->name != NULL && b->name != NULL &&
		    strcmp(a->name, b->name) == 0;
	return a->port == b->port && a->end_port == b->end_port;
}

static bool
rule_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->n_peers != b->n_peers || a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!selector_equal(
			a->peers[i].pod_selector, b->peers[i].pod_selector) ||
		    !selector_equal(a->peers[i].namespace_selector,
			b->peers[i].namespace_selector) ||
		    !ip_block_equal(a->peers[i].ip_block, b->peers[i].ip_block))
			return false;
	for (size_t i = 0; i < a->n_ports; i++)
		if (!port_equal(&a->ports[i], &b->ports[i]))
			return false;
	return true;
}

bool
policy_equal(const struct policy *a, const struct policy *b)
{
	if (strcmp(a->namespace, b->namespace) != 0 ||
	    strcmp(a->name, b->name) != 0 ||
	    !label_set_equal(&a->labels, &b->labels) ||
	    !label_set_equal(&a->annotations, &b->annotations) ||
	    !selector_equal(&a->pod_selector, &b->pod_selector))
		return false;
	for (unsigned d = 0; d < 2; d++) {
		if (a->types[d] != b->types[d] ||
		    a->n_rules[d] != b->n_rules[d])
			return false;
		for (size_t i = 0; i < a->n_rules[d]; i++)
			if (!rule_equal(&a->rules[d][i], &b->rules[d][i]))
				return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/stranger.h"

/* Are all of these addresses left out of the block? */
static bool
is_excepted(const struct policy_ip_block *b, const struct ip_prefix *p)
{
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_covers(&b->except[i], p))
			return true;
	return false;
}

static bool
block_touches(const struct policy_ip_block *b, const struct ip_prefix *p)
{
	if (ip_prefix_covers(&b->cidr, p))
		return !is_excepted(b, p);
	return ip_prefix_covers(p, &b->cidr) && !is_excepted(b, &b->cidr);
}

/* Does the block hold addresses that pods have, or may get? */
static bool
block_touches_pods(const struct policy_ip_block *b, const struct cluster *c)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		for (size_t k = 0; k < c->nodes[i].n_pod_cidrs; k++)
			if (block_touches(b, &c->nodes[i].pod_cidrs[k]))
				return true;
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		for (size_t k = 0; k < p->n_ips && !p->host_network; k++) {
			struct ip_prefix one = ip_prefix_host(&p->ips[k]);

			if (block_touches(b, &one))
				return true;
		}
	}
	return false;
}

/* A selector that names no label may match a pod that has none of them. */
static bool
peer_admits(const struct policy_peer *p, const struct cluster *c)
{
	if (p->ip_block != NULL)
		return block_touches_pods(p->ip_block, c);
	return p->pod_selector == NULL || p->pod_selector->match_labels.n == 0;
}

bool
stranger_is_admitted(const struct policy *p, const struct cluster *c)
{
	for (size_t i = 0; i < p->n_rules[POLICY_INGRESS]; i++) {
		const struct policy_rule *rule = &p->rules[POLICY_INGRESS][i];

		if (rule->n_peers == 0)
			return true;
		for (size_t k = 0; k < rule->n_peers; k++)
			if (peer_admits(&rule->peers[k], c))
				return true;
	}
	return false;
}

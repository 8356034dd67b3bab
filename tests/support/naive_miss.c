/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/naive_miss.h"

#include <string.h>

struct asked {
	const struct policy_set *set;
	const struct cluster *c;
	const struct evaluator_query *q;
	enum policy_direction d;
	const struct evaluator_end *other;
};

/* What is farthest counts most: conditions, then their kinds, then labels. */
static unsigned
weigh(unsigned lacks, unsigned failures)
{
	unsigned conditions = 0;

	for (unsigned bit = 1; bit <= EVAL_LACKS_POD; bit *= 2)
		conditions += (lacks & bit) != 0;
	return conditions * 1000000 + lacks * 1000 + failures;
}

static unsigned
failures_of(const struct label_selector *s, const struct label_set *labels)
{
	unsigned n = 0;

	for (size_t i = 0; s != NULL && i < s->match_labels.n; i++) {
		const struct label_selector one = {
			.match_labels = { &s->match_labels.v[i], 1 }
		};

		n += !naive_selects(&one, labels);
	}
	for (size_t i = 0; s != NULL && i < s->n_match_expressions; i++) {
		const struct label_selector one = {
			.match_expressions = &s->match_expressions[i],
			.n_match_expressions = 1
		};

		n += !naive_selects(&one, labels);
	}
	return n;
}

static unsigned
peer_lacks(const struct asked *a, const struct policy *policy,
    const struct policy_peer *peer, unsigned *failures)
{
	const struct kube_pod *pod = naive_visible_pod(a->c, a->other);
	const struct kube_namespace *ns;
	unsigned in_namespace, in_labels;

	*failures = 0;
	if (peer->ip_block != NULL)
		return naive_block_has(peer->ip_block, &a->other->ip)
		    ? 0
		    : EVAL_LACKS_CIDR;
	if (pod == NULL)
		return EVAL_LACKS_POD;
	ns = &a->c->namespaces[pod->ns];
	in_namespace = failures_of(peer->namespace_selector, &ns->labels);
	in_labels = failures_of(peer->pod_selector, &pod->labels);
	*failures = in_namespace + in_labels;
	if (peer->namespace_selector == NULL &&
	    strcmp(pod->namespace, policy->namespace) != 0)
		in_namespace = 1;
	return (in_namespace > 0 ? EVAL_LACKS_NAMESPACE : 0u) |
	    (in_labels > 0 ? EVAL_LACKS_LABEL : 0u);
}

static unsigned
port_lacks(const struct asked *a, const struct policy_port *p)
{
	unsigned flags;

	if (naive_port_matches(a->c, p, a->q, &flags))
		return 0;
	return p->protocol != a->q->protocol ? EVAL_LACKS_PROTOCOL
					     : EVAL_LACKS_PORT;
}

/* Each peer with each port; one that is not there lacks nothing. */
static unsigned
rule_lacks(const struct asked *a, const struct policy *policy,
    const struct policy_rule *r, unsigned *best)
{
	unsigned lacks = 0;

	*best = UINT32_MAX;
	for (size_t i = 0; i == 0 || i < r->n_peers; i++)
		for (size_t k = 0; k == 0 || k < r->n_ports; k++) {
			unsigned failures = 0, l = 0;

			if (r->n_peers > 0)
				l = peer_lacks(
				    a, policy, &r->peers[i], &failures);
			if (r->n_ports > 0)
				l |= port_lacks(a, &r->ports[k]);
			if (weigh(l, failures) >= *best)
				continue;
			*best = weigh(l, failures);
			lacks = l;
		}
	return lacks;
}

void
naive_nearest_miss(const struct policy_set *set, const struct cluster *c,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_miss *out)
{
	const struct asked a = { set, c, q, d,
		d == POLICY_INGRESS ? &q->seen_src : &q->dst };
	const struct kube_pod *subject =
	    naive_visible_pod(c, d == POLICY_INGRESS ? &q->dst : &q->src);
	unsigned nearest = UINT32_MAX, weight;

	*out =
	    (struct evaluator_miss){ .policy = FLOW_NONE, .rule = FLOW_NONE };
	for (uint32_t p = 0; p < set->n_policies; p++) {
		const struct policy *policy = &set->policies[p];

		if (!naive_applies(policy, d, subject))
			continue;
		for (uint32_t i = 0; i < policy->n_rules[d]; i++) {
			unsigned lacks = rule_lacks(
			    &a, policy, &policy->rules[d][i], &weight);

			if (weight >= nearest)
				continue;
			nearest = weight;
			out->policy = p;
			out->rule = i;
			out->lacks = lacks;
		}
	}
}

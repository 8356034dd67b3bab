/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/naive_evaluator.h"

#include <string.h>

/* 17 to 21, one requirement at a time; NULL: the key is absent. */
static const char *
value_of(const struct label_set *labels, const char *key)
{
	for (size_t i = 0; i < labels->n; i++)
		if (strcmp(labels->v[i].key, key) == 0)
			return labels->v[i].value;
	return NULL;
}

static bool
in_values(const struct selector_requirement *r, const char *value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(value, r->values[i]) == 0)
			return true;
	return false;
}

bool
naive_selects(const struct label_selector *s, const struct label_set *labels)
{
	for (size_t i = 0; i < s->match_labels.n; i++) {
		const char *v = value_of(labels, s->match_labels.v[i].key);

		if (v == NULL)
			return false;
		if (strcmp(v, s->match_labels.v[i].value) != 0)
			return false;
	}
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];
		const char *v = value_of(labels, r->key);

		if (r->op == SELECTOR_IN && (v == NULL || !in_values(r, v)))
			return false;
		if (r->op == SELECTOR_NOT_IN && v != NULL && in_values(r, v))
			return false;
		if (r->op == SELECTOR_EXISTS && v == NULL)
			return false;
		if (r->op == SELECTOR_DOES_NOT_EXIST && v != NULL)
			return false;
	}
	return true;
}

/* 36, 37: bit by bit; an IPv4 prefix is one of at least 96 bits whose first
 * 96 are those of ::ffff:0:0. */
static bool
is_v4(const uint8_t b[16])
{
	for (unsigned i = 0; i < 10; i++)
		if (b[i] != 0)
			return false;
	return b[10] == 0xff && b[11] == 0xff;
}

static bool
inside(const struct ip_prefix *p, const struct ip_addr *a)
{
	if ((p->bits >= 96 && is_v4(p->addr.b)) != is_v4(a->b))
		return false;
	for (unsigned i = 0; i < p->bits; i++) {
		unsigned mask = 0x80u >> i % 8;

		if ((p->addr.b[i / 8] & mask) != (a->b[i / 8] & mask))
			return false;
	}
	return true;
}

static bool
is_zero(const struct ip_addr *a)
{
	for (unsigned i = 0; i < 16; i++)
		if (a->b[i] != 0)
			return false;
	return true;
}

/* The pod that policies see behind an end (5, 6b), or NULL. */
const struct kube_pod *
naive_visible_pod(const struct cluster *c, const struct evaluator_end *end)
{
	if (end->pod == FLOW_NONE || c->pods[end->pod].host_network)
		return NULL;
	return &c->pods[end->pod];
}

bool
naive_block_has(const struct policy_ip_block *b, const struct ip_addr *ip)
{
	if (is_zero(ip) || !inside(&b->cidr, ip))
		return false;
	for (size_t i = 0; i < b->n_except; i++)
		if (inside(&b->except[i], ip))
			return false;
	return true;
}

/* 31 to 35 and 38. *on_pod: by an ipBlock over a pod's address. */
static bool
peer_matches(const struct cluster *c, const struct policy *policy,
    const struct policy_peer *peer, const struct evaluator_end *other,
    bool *on_pod)
{
	const struct kube_pod *pod = naive_visible_pod(c, other);

	*on_pod = false;
	if (peer->ip_block != NULL) {
		*on_pod = pod != NULL;
		return naive_block_has(peer->ip_block, &other->ip);
	}
	if (pod == NULL)
		return false;
	if (peer->namespace_selector != NULL) {
		if (!naive_selects(peer->namespace_selector,
			&c->namespaces[pod->ns].labels))
			return false;
	} else if (strcmp(pod->namespace, policy->namespace) != 0) {
		return false;
	}
	return peer->pod_selector == NULL ||
	    naive_selects(peer->pod_selector, &pod->labels);
}

/* 43 to 46. */
static bool
name_matches(const struct policy_port *p, const struct kube_pod *dst,
    uint16_t port, unsigned *flags)
{
	unsigned regular = 0, sidecar = 0, others = 0;

	for (size_t i = 0; i < dst->n_ports; i++) {
		const struct kube_port *k = &dst->ports[i];

		if (strcmp(k->name, p->name) != 0)
			continue;
		if (k->protocol != p->protocol || k->init)
			continue;
		if (k->port != port)
			others++;
		else if (k->sidecar)
			sidecar++;
		else
			regular++;
	}
	if (regular + sidecar == 0)
		return false;
	if (others > 0)
		*flags |= EVAL_NAME_AMBIGUOUS;
	if (regular == 0)
		*flags |= EVAL_NAME_SIDECAR;
	return true;
}

/* 40 to 47. */
bool
naive_port_matches(const struct cluster *c, const struct policy_port *p,
    const struct evaluator_query *q, unsigned *flags)
{
	const struct kube_pod *dst = naive_visible_pod(c, &q->dst);

	*flags = 0;
	if (p->protocol != q->protocol)
		return false;
	if (!p->has_port)
		return true;
	if (p->name != NULL)
		return dst != NULL && name_matches(p, dst, q->port, flags);
	if (p->end_port != 0)
		return q->port >= p->port && q->port <= p->end_port;
	return q->port == p->port;
}

/* 30. *flags: what the match hangs on; an unflagged way is preferred. */
static bool
rule_matches(const struct cluster *c, const struct policy *policy,
    const struct policy_rule *r, const struct evaluator_end *other,
    const struct evaluator_query *q, unsigned *flags)
{
	bool peer = r->n_peers == 0, port = r->n_ports == 0;
	bool plain_peer = peer, plain_port = port;
	unsigned port_flags = 0, f;

	for (size_t i = 0; i < r->n_peers; i++) {
		bool on_pod;

		if (!peer_matches(c, policy, &r->peers[i], other, &on_pod))
			continue;
		peer = true;
		plain_peer |= !on_pod;
	}
	for (size_t i = 0; i < r->n_ports; i++) {
		if (!naive_port_matches(c, &r->ports[i], q, &f))
			continue;
		if (!port)
			port_flags = f;
		port = true;
		plain_port |= f == 0;
	}
	*flags = (plain_peer ? 0 : EVAL_BLOCK_ON_POD) |
	    (plain_port ? 0 : port_flags);
	return peer && port;
}

/* 25. */
bool
naive_applies(
    const struct policy *p, enum policy_direction d, const struct kube_pod *pod)
{
	return p->types[d] && strcmp(p->namespace, pod->namespace) == 0 &&
	    naive_selects(&p->pod_selector, &pod->labels);
}

/* 50, 51. */
static bool
own_node(const struct cluster *c, const struct kube_pod *pod,
    const struct evaluator_end *other)
{
	const struct kube_node *n;

	if (naive_visible_pod(c, other) != NULL)
		return false;
	if (is_zero(&other->ip))
		return other->pod != FLOW_NONE && pod->node != FLOW_NONE &&
		    c->pods[other->pod].node == pod->node;
	for (size_t i = 0; i < pod->n_host_ips; i++)
		if (memcmp(pod->host_ips[i].b, other->ip.b, 16) == 0)
			return true;
	if (pod->node == FLOW_NONE)
		return false;
	n = &c->nodes[pod->node];
	for (size_t i = 0; i < n->n_addrs; i++)
		if (memcmp(n->addrs[i].b, other->ip.b, 16) == 0)
			return true;
	for (size_t i = 0; i < n->n_pod_cidrs; i++) {
		struct ip_addr gateway = n->pod_cidrs[i].addr;

		if (memcmp(gateway.b, other->ip.b, 16) == 0)
			return true;
		gateway.b[15] |= 1;
		if (memcmp(gateway.b, other->ip.b, 16) == 0)
			return true;
	}
	return false;
}

/* 69. */
static void
ask_side(const struct policy_set *set, const struct cluster *c,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_side *out)
{
	const struct evaluator_end *self, *other;
	const struct kube_pod *pod;
	bool isolated = false, allowed = false, plain = false;
	unsigned flags;

	self = d == POLICY_INGRESS ? &q->dst : &q->src;
	other = d == POLICY_INGRESS ? &q->seen_src : &q->dst;
	pod = naive_visible_pod(c, self);
	*out =
	    (struct evaluator_side){ .policy = FLOW_NONE, .rule = FLOW_NONE };
	if (pod == NULL) {
		out->verdict = EVAL_NOT_SUBJECT;
		return;
	}
	for (uint32_t i = 0; i < set->n_policies; i++) {
		const struct policy *p = &set->policies[i];

		if (!naive_applies(p, d, pod))
			continue;
		isolated = true;
		for (uint32_t j = 0; j < p->n_rules[d]; j++) {
			if (!rule_matches(
				c, p, &p->rules[d][j], other, q, &flags))
				continue;
			if (!allowed) {
				out->policy = i;
				out->rule = j;
				out->flags = flags;
			}
			allowed = true;
			plain |= flags == 0;
		}
	}
	if (plain)
		out->flags = 0;
	out->verdict = !isolated ? EVAL_NOT_ISOLATED
	    : allowed            ? EVAL_ALLOW
				 : EVAL_DENY;
	if (isolated && (q->src.pod == q->dst.pod || own_node(c, pod, other)))
		*out = (struct evaluator_side){ .verdict = EVAL_ALLOW,
			.policy = FLOW_NONE,
			.rule = FLOW_NONE,
			.flags = q->src.pod == q->dst.pod ? EVAL_SELF
							  : EVAL_NODE_LOCAL };
}

/* 68. */
void
naive_evaluator_ask(const struct policy_set *set, const struct cluster *c,
    const struct evaluator_query *q, struct evaluator_answer *answer)
{
	ask_side(set, c, q, POLICY_EGRESS, &answer->egress);
	ask_side(set, c, q, POLICY_INGRESS, &answer->ingress);
	answer->allowed = answer->egress.verdict != EVAL_DENY &&
	    answer->ingress.verdict != EVAL_DENY;
}

bool
naive_evaluator_rule_allows(const struct policy_set *set,
    const struct cluster *c, uint32_t policy, enum policy_direction d,
    uint32_t rule, const struct evaluator_query *q)
{
	const struct policy *p = &set->policies[policy];
	const struct kube_pod *pod =
	    naive_visible_pod(c, d == POLICY_INGRESS ? &q->dst : &q->src);
	unsigned flags;

	return pod != NULL && naive_applies(p, d, pod) &&
	    rule_matches(c, p, &p->rules[d][rule],
		d == POLICY_INGRESS ? &q->seen_src : &q->dst, q, &flags);
}

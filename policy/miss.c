/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest miss: of all rules that could have allowed a denied side, the
 * one of which the fewest conditions failed, and what failed. Nothing is
 * allocated; what comes from objects is made printable.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/compiled.h"

/* What one peer or port lacks to match. Higher costs are farther away. */
enum lack {
	LACK_NOTHING = 0,
	LACK_PORT = EVAL_LACKS_PORT,
	LACK_LABEL = EVAL_LACKS_LABEL,
	LACK_PROTOCOL = EVAL_LACKS_PROTOCOL,
	LACK_NAMESPACE = EVAL_LACKS_NAMESPACE,
	LACK_CIDR = EVAL_LACKS_CIDR,
	LACK_POD = EVAL_LACKS_POD
};

struct miss {
	uint32_t policy, rule;
	const struct policy_peer *peer; /* NULL: the rule has none */
	unsigned peer_lacks;            /* enum lack bits */
	const struct policy_port *port; /* NULL: the rule has none */
	unsigned port_lacks;
	unsigned cost;
};

/* The text of a struct evaluator_miss, as it grows. */
struct line {
	char *s;
	size_t n, size;
};

static bool
is_full(const struct line *l)
{
	return l->n + 1 >= l->size;
}

static void put(struct line *l, const char *fmt, ...) RF_PRINTF(2, 3);

static void
put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->s + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	for (char *c = l->s + l->n; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	if (n > 0)
		l->n +=
		    (size_t)n < l->size - l->n ? (size_t)n : l->size - l->n - 1;
}

/* Does one requirement of the selector fail? They are numbered: labels
 * first, then expressions. */
static bool
requirement_fails(
    const struct label_selector *s, size_t i, const struct label_set *labels)
{
	struct label_selector one = { 0 };

	if (i < s->match_labels.n) {
		one.match_labels.v = &s->match_labels.v[i];
		one.match_labels.n = 1;
	} else {
		one.match_expressions =
		    &s->match_expressions[i - s->match_labels.n];
		one.n_match_expressions = 1;
	}
	return !selector_matches(&one, labels);
}

static size_t
count_failures(const struct label_selector *s, const struct label_set *labels)
{
	size_t n = 0;

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < s->match_labels.n; i++) {
		const struct label *want = &s->match_labels.v[i];
		const char *has = label_get(labels, want->key);

		n += has == NULL || strcmp(has, want->value) != 0;
	}
	for (size_t i = 0; i < s->n_match_expressions; i++)
		n += requirement_fails(s, s->match_labels.n + i, labels);
	return n;
}

static const struct kube_pod *
other_pod(const struct evaluator *e, const struct compiled_side *side)
{
	return side->other.group == FLOW_NONE
	    ? NULL
	    : &e->cluster->pods[side->other.end->pod];
}

static bool
block_matches(const struct policy_ip_block *b, const struct compiled_side *side)
{
	const struct ip_addr *ip = &side->other.end->ip;

	if (side->other.ip.is_none || !ip_prefix_contains(&b->cidr, ip))
		return false;
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_contains(&b->except[i], ip))
			return false;
	return true;
}

/* The lacks of one peer; *failures counts label requirements that fail. */
static unsigned
peer_lacks(const struct evaluator *e, const struct policy *policy,
    const struct policy_peer *peer, const struct compiled_side *side,
    size_t *failures)
{
	const struct kube_pod *pod = other_pod(e, side);
	unsigned lacks = LACK_NOTHING;
	size_t in_namespace, in_labels;

	*failures = 0;
	if (peer->ip_block != NULL)
		return block_matches(peer->ip_block, side) ? LACK_NOTHING
							   : LACK_CIDR;
	if (pod == NULL)
		return LACK_POD;
	in_labels = count_failures(peer->pod_selector, &pod->labels);
	in_namespace = count_failures(
	    peer->namespace_selector, &e->cluster->namespaces[pod->ns].labels);
	*failures = in_labels + in_namespace;
	if (in_labels > 0)
		lacks |= LACK_LABEL;
	if (in_namespace > 0 ||
	    (peer->namespace_selector == NULL &&
		strcmp(policy->namespace, pod->namespace) != 0))
		lacks |= LACK_NAMESPACE;
	return lacks;
}

static unsigned
port_lacks(const struct policy_port *port, const struct compiled_side *side)
{
	unsigned flags;

	if (compiled_port_matches(port, side, &flags))
		return LACK_NOTHING;
	if (port->protocol != side->protocol)
		return LACK_PROTOCOL;
	return LACK_PORT;
}

/* Fewer failed conditions first, then the cheaper kinds, then the fewer
 * failed label requirements. */
static unsigned
cost_of(unsigned peer, unsigned port, size_t failures)
{
	unsigned lacks = peer | port;
	unsigned n = (unsigned)__builtin_popcount(lacks);

	return n << 16 | lacks << 8 |
	    (failures < 255 ? (unsigned)failures : 255);
}

/* No peer of the rule matches, so a label is the least that one lacks. */
#define LEAST_COST (1u << 16 | LACK_LABEL << 8 | 1)

/*
 * Can peer i of a rule none of whose peers matches cost less than best? group
 * is the other end's. Of blocks, and where it is no pod, one peer is as far as
 * the next; of a pod of another namespace its labels tell.
 */
static bool
may_be_nearer(const struct evaluator *e, const struct compiled_rule *rule,
    size_t i, uint32_t group, unsigned best)
{
	const struct compiled_peer *p = &rule->peers[i];

	if (group == FLOW_NONE || p->ns == PEER_IS_BLOCK)
		return cost_of(LACK_CIDR, 0, 0) < best;
	if (p->ns == FLOW_NONE || p->ns == e->group_ns[group])
		return true;
	if (cost_of(LACK_NAMESPACE, 0, p->selects_ns) >= best)
		return false;
	if (cost_of(LACK_NAMESPACE | LACK_LABEL, 0, p->selects_ns + 1u) < best)
		return true;
	if (p->label != FLOW_NONE)
		return group_has_label(e, group, p->label);
	return count_failures(rule->source->peers[i].pod_selector,
		   &e->group_labels[group]) == 0;
}

/* Of a rule none of whose peers matches. */
static void
pick_peer(const struct evaluator *e, const struct policy *policy,
    const struct compiled_rule *compiled, const struct compiled_side *side,
    struct miss *m)
{
	const struct policy_rule *rule = compiled->source;
	uint32_t group = side->other.group;
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < rule->n_peers && best > LEAST_COST; i++) {
		size_t failures;
		unsigned lacks, cost;

		if (!may_be_nearer(e, compiled, i, group, best))
			continue;
		lacks = peer_lacks(e, policy, &rule->peers[i], side, &failures);
		cost = cost_of(lacks, 0, failures);
		if (cost >= best)
			continue;
		best = cost;
		m->peer = &rule->peers[i];
		m->peer_lacks = lacks;
		m->cost = cost & 0xff;
	}
}

static void
pick_port(const struct policy_rule *rule, const struct compiled_side *side,
    struct miss *m)
{
	unsigned best = UINT32_MAX;

	for (size_t i = 0; i < rule->n_ports; i++) {
		unsigned lacks = port_lacks(&rule->ports[i], side);

		if (lacks >= best)
			continue;
		best = lacks;
		m->port = &rule->ports[i];
		m->port_lacks = lacks;
	}
}

static void
put_label(struct line *l, const char *key, const struct label_set *labels)
{
	const char *has = label_get(labels, key);

	if (has == NULL)
		put(l, "label %s is absent", key);
	else
		put(l, "label %s is \"%s\"", key, has);
}

static void
put_requirement(struct line *l, const struct label_selector *s, size_t i,
    const struct label_set *labels)
{
	const struct selector_requirement *r;

	if (i < s->match_labels.n) {
		put_label(l, s->match_labels.v[i].key, labels);
		put(l, ", rule wants \"%s\"", s->match_labels.v[i].value);
		return;
	}
	r = &s->match_expressions[i - s->match_labels.n];
	put_label(l, r->key, labels);
	if (r->op == SELECTOR_EXISTS || r->op == SELECTOR_DOES_NOT_EXIST) {
		put(l, ", rule wants it %s",
		    r->op == SELECTOR_EXISTS ? "present" : "absent");
		return;
	}
	put(l, ", rule wants it %sin (", r->op == SELECTOR_IN ? "" : "not ");
	for (size_t k = 0; k < r->n_values && !is_full(l); k++)
		put(l, "%s%s", k == 0 ? "" : ", ", r->values[k]);
	put(l, ")");
}

/* The first requirement that fails. */
static void
put_selector_miss(struct line *l, const struct label_selector *s,
    const struct label_set *labels)
{
	for (size_t i = 0; i < s->match_labels.n + s->n_match_expressions; i++)
		if (requirement_fails(s, i, labels)) {
			put_requirement(l, s, i, labels);
			return;
		}
}

static void
put_block_miss(struct line *l, const struct policy_ip_block *b,
    const struct compiled_side *side)
{
	char addr[IP_STRLEN], cidr[IP_PREFIX_STRLEN];
	const struct ip_addr *ip = &side->other.end->ip;

	if (side->other.ip.is_none) {
		put(l, "the address is not known, rule wants %s",
		    ip_prefix_format(&b->cidr, cidr));
		return;
	}
	put(l, "address %s is ", ip_format(ip, addr));
	if (!ip_prefix_contains(&b->cidr, ip)) {
		put(l, "not in %s", ip_prefix_format(&b->cidr, cidr));
		return;
	}
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_contains(&b->except[i], ip)) {
			put(l, "in %s, which ",
			    ip_prefix_format(&b->except[i], cidr));
			put(l, "%s excepts", ip_prefix_format(&b->cidr, cidr));
			return;
		}
}

static void
put_namespace_miss(struct line *l, const struct evaluator *e,
    const struct policy *policy, const struct policy_peer *peer,
    const struct kube_pod *pod)
{
	if (peer->namespace_selector == NULL)
		put(l, "namespace %s is not %s, the policy's own",
		    pod->namespace, policy->namespace);
	else {
		put(l, "namespace %s: ", pod->namespace);
		put_selector_miss(l, peer->namespace_selector,
		    &e->cluster->namespaces[pod->ns].labels);
	}
}

static void
put_peer_miss(struct line *l, const struct evaluator *e,
    const struct compiled_side *side, const struct miss *m)
{
	const struct policy *policy = &e->set->policies[m->policy];
	const struct kube_pod *pod = other_pod(e, side);
	char addr[IP_STRLEN];

	if (m->peer_lacks & LACK_CIDR) {
		put_block_miss(l, m->peer->ip_block, side);
		return;
	}
	if (pod == NULL) {
		if (side->other.ip.is_none)
			put(l,
			    "the other end is no pod, which no selector "
			    "matches");
		else
			put(l, "%s is no pod, only an ipBlock matches it",
			    ip_format(&side->other.end->ip, addr));
		return;
	}
	if (m->peer_lacks & LACK_NAMESPACE)
		put_namespace_miss(l, e, policy, m->peer, pod);
	else
		put(l, "namespace matches");
	if (m->peer_lacks & LACK_LABEL) {
		put(l, m->peer_lacks & LACK_NAMESPACE ? "; " : ", ");
		put_selector_miss(l, m->peer->pod_selector, &pod->labels);
	}
}

static void
put_wanted_name(struct line *l, const struct compiled_side *side,
    const struct policy_port *port)
{
	if (side->dst == NULL) {
		put(l,
		    "rule wants the port named %s and the destination is "
		    "no pod",
		    port->name);
		return;
	}
	for (size_t i = 0; i < side->dst->n_ports; i++) {
		const struct kube_port *k = &side->dst->ports[i];

		if ((k->init && !k->sidecar) || k->protocol != port->protocol ||
		    strcmp(k->name, port->name) != 0)
			continue;
		put(l, "port %u is not %u (%s)", side->port, k->port,
		    port->name);
		return;
	}
	put(l, "port %u: %s has no %s port named %s", side->port,
	    side->dst->name, flow_protocol_name(port->protocol), port->name);
}

static void
put_port_miss(
    struct line *l, const struct compiled_side *side, const struct miss *m)
{
	const struct policy_port *port = m->port;
	const char *asked = flow_protocol_name(side->protocol);

	if (m->port_lacks & LACK_PROTOCOL)
		put(l, "protocol %s is not %s", asked == NULL ? "?" : asked,
		    flow_protocol_name(port->protocol));
	else if (port->name != NULL)
		put_wanted_name(l, side, port);
	else if (port->end_port != 0)
		put(l, "port %u is not in %u-%u", side->port, port->port,
		    port->end_port);
	else
		put(l, "port %u is not %u", side->port, port->port);
}

static void
put_miss(struct line *l, const struct evaluator *e,
    const struct compiled_side *side, const struct miss *m)
{
	put(l, "%s, %s rule %u: ", e->set->policies[m->policy].name,
	    policy_direction_name(side->direction), m->rule + 1);
	if (m->peer_lacks != LACK_NOTHING)
		put_peer_miss(l, e, side, m);
	if (m->peer_lacks != LACK_NOTHING && m->port_lacks != LACK_NOTHING)
		put(l, "; ");
	if (m->peer_lacks == LACK_NOTHING && m->port_lacks != LACK_NOTHING)
		put(l, m->peer == NULL ? "any peer, " : "peer matches, ");
	if (m->port_lacks != LACK_NOTHING)
		put_port_miss(l, side, m);
	else if (m->port != NULL)
		put(l, ", port matches");
}

/* What one rule lacks; a cost of UINT32_MAX stands for best or more. */
static void
miss_rule(const struct evaluator *e, const struct policy *p,
    const struct compiled_rule *rule, const struct compiled_side *side,
    unsigned best, struct miss *m)
{
	unsigned flags;
	bool peers = compiled_peers_match(rule, &side->other, &flags);

	pick_port(rule->source, side, m);
	m->cost = UINT32_MAX;
	if (cost_of(peers ? 0 : LACK_LABEL, m->port_lacks, !peers) >= best)
		return;
	m->cost = 0;
	if (!peers)
		pick_peer(e, p, rule, side, m);
	else if (rule->source->n_peers > 0) /* any of those that match */
		m->peer = rule->source->peers;
	m->cost = cost_of(m->peer_lacks, m->port_lacks, m->cost);
}

/* Of the rules of all applying policies. false: there is no rule. */
static bool
find_miss(const struct evaluator *e, const struct compiled_side *side,
    const uint32_t *policies, size_t n, struct miss *best)
{
	enum policy_direction d = side->direction;

	*best = (struct miss){ .cost = UINT32_MAX };
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = &e->set->policies[policies[i]];
		const struct compiled_policy *compiled =
		    &e->policies[policies[i]];

		for (uint32_t j = 0; j < compiled->n_rules[d]; j++) {
			struct miss m = { .policy = policies[i], .rule = j };

			miss_rule(
			    e, p, &compiled->rules[d][j], side, best->cost, &m);
			if (m.cost < best->cost)
				*best = m;
		}
	}
	return best->cost != UINT32_MAX;
}

void
evaluator_nearest_miss(const struct evaluator *e,
    const struct evaluator_query *q, enum policy_direction d,
    struct evaluator_miss *miss)
{
	struct line l = { .s = miss->text, .size = sizeof(miss->text) };
	struct compiled_side side;
	const uint32_t *policies;
	struct miss best;
	size_t n;

	miss->policy = FLOW_NONE;
	miss->rule = FLOW_NONE;
	miss->lacks = 0;
	miss->text[0] = '\0';
	if (!compiled_denies(e, q, d)) {
		put(&l, "%s is not denied", policy_direction_name(d));
		return;
	}
	compiled_side_of(e, q, d, &side);
	policies = evaluator_isolating(e, side.subject, d, &n);
	if (!find_miss(e, &side, policies, n, &best)) {
		put(&l,
		    "%s isolates the pod and no policy has an %s rule for it",
		    e->set->policies[policies[0]].name,
		    policy_direction_name(d));
		return;
	}
	miss->policy = best.policy;
	miss->rule = best.rule;
	miss->lacks = best.peer_lacks | best.port_lacks;
	put_miss(&l, e, &side, &best);
}

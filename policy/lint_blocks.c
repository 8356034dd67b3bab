/* SPDX-License-Identifier: Apache-2.0 */
/* Address blocks that mean something else than it seems: RF026 to RF029. */
#include <string.h>

#include "kube/address.h"
#include "policy/lint_internal.h"

/* RF026. What holds nodes as well, or is a whole private network, holds pods
 * only among others. */
static void
report_pods(struct lint *l, const struct lint_at *at,
    const struct lint_holding *h, const struct ip_prefix *block)
{
	bool wide =
	    h->nodes || block->bits <= (ip_prefix_is_v4(block) ? 108 : 7);
	char cidr[IP_PREFIX_STRLEN];

	(void)ip_prefix_format(block, cidr);
	lint_add(l, 0, wide ? LINT_NOTE : LINT_WARNING, at,
	    wide ? lint_text(l,
		       "%s holds addresses of pods besides others; some "
		       "network plugins never match pods by address",
		       cidr)
		 : lint_text(l,
		       "%s holds addresses of pods, which change whenever a "
		       "pod does, and some network plugins never match pods "
		       "by address",
		       cidr),
	    "Select pods by namespaceSelector and podSelector.");
}

/* RF027 */
static void
report_service(struct lint *l, const struct lint_at *at,
    const struct kube_service *s, const char *cidr)
{
	lint_add(l, 1, LINT_WARNING, at,
	    lint_text(l,
		"%s holds the address of Service %s/%s, which is replaced by "
		"that of a pod or node before policies look",
		cidr, s->namespace, s->name),
	    s->has_selector
		? "Select the pods behind the Service, with their own port."
		: "Name the addresses behind the Service (its "
		  "EndpointSlices), with their own port.");
}

/* NodeLocal DNSCache answers on the DNS Service's own address. */
static bool
is_node_local_dns(const struct lint *l, const struct kube_service *s)
{
	if (!lint_is_dns_service(s))
		return false;
	for (size_t i = 0; i < l->n_faces; i++) {
		const char *app = label_get(l->faces[i].labels, "k8s-app");

		if (app != NULL && strcmp(app, "node-local-dns") == 0)
			return true;
	}
	return false;
}

/* Does the peer mean one of the pods or addresses behind the Service? */
static bool
is_behind(const struct lint *l, const struct policy_peer *p, uint32_t ns,
    const struct kube_service *s)
{
	size_t n;
	const struct kube_backend *v =
	    address_backends(l->c, (uint32_t)(s - l->c->services), &n);
	uint32_t at = cluster_find_namespace(l->c, s->namespace);

	for (size_t i = 0; p->ip_block != NULL && i < n; i++)
		if (lint_block_has(p->ip_block, &v[i].ip))
			return true;
	if (p->ip_block != NULL || at == FLOW_NONE || !s->has_selector)
		return false;
	for (size_t k = l->ns_start[at]; k < l->ns_start[at + 1]; k++)
		if (selector_matches(&s->selector, l->faces[k].labels) &&
		    lint_peer_has(l, p, ns, &l->faces[k]))
			return true;
	return false;
}

/* Does the policy name who is behind the Service, too, on whichever port? Then
 * its address is there for plugins that look before it is replaced. */
static bool
names_behind(const struct lint *l, const struct lint_spot *s,
    const struct kube_service *service)
{
	const struct policy_rule *r = s->policy->rules[s->direction];
	uint32_t ns = lint_ns(l, s->policy);

	for (size_t k = 0;
	     ns != FLOW_NONE && k < s->policy->n_rules[s->direction]; k++)
		for (size_t i = 0; i < r[k].n_peers; i++)
			if (is_behind(l, &r[k].peers[i], ns, service))
				return true;
	return false;
}

/* What was last found of a policy's direction and a Service: blocks over one
 * may be many. */
struct told {
	const struct policy *policy;
	enum policy_direction direction;
	const struct kube_service *service;
	bool names;
};

static bool
names_behind_told(const struct lint *l, const struct lint_spot *s,
    const struct kube_service *service, struct told *t)
{
	if (t->service != service || t->policy != s->policy ||
	    t->direction != s->direction)
		*t = (struct told){ s->policy, s->direction, service,
			names_behind(l, s, service) };
	return t->names;
}

static void
check_block(
    struct lint *l, const struct lint_spot *s, size_t i, struct told *told)
{
	const struct policy_ip_block *b = s->rule->peers[i].ip_block;
	struct lint_at at = lint_at_peer(l, s, i, ".ipBlock.cidr");
	char cidr[IP_PREFIX_STRLEN];
	struct lint_holding h = lint_holding_of(l, b);

	(void)ip_prefix_format(&b->cidr, cidr);
	if (h.gateways)
		return;
	if (h.pods || h.pod_ranges)
		report_pods(l, &at, &h, &b->cidr);
	else if (h.service != NULL && !h.nodes &&
	    !is_node_local_dns(l, h.service) &&
	    !names_behind_told(l, s, h.service, told))
		report_service(l, &at, h.service, cidr);
}

/* Is the whole range left out of the block? */
static bool
leaves_out(const struct policy_ip_block *b, const char *range)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(&p, range, NULL))
		return true;
	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_covers(&b->except[i], &p))
			return true;
	return false;
}

/* The ranges of the list that the block should leave out and does not, as
 * text; NULL: it leaves out all of them. */
static const char *
missing(
    struct lint *l, const struct policy_ip_block *b, const char *const *ranges)
{
	const char *text = NULL;

	for (; *ranges != NULL; ranges++)
		if (!leaves_out(b, *ranges))
			text = lint_text(l, "%s%s%s", text == NULL ? "" : text,
			    text == NULL ? "" : ", ", *ranges);
	return text;
}

static bool
leaves_out_any(const struct policy_ip_block *b, const char *const *ranges)
{
	for (; *ranges != NULL; ranges++)
		if (leaves_out(b, *ranges))
			return true;
	return false;
}

/* RF028: the whole of one family, for egress. */
static void
check_world(struct lint *l, const struct lint_spot *s, size_t i)
{
	static const char *const private_v4[] = { "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", NULL };
	static const char *const private_v6[] = { "fc00::/7", NULL };
	static const char *const meta_v4[] = { "169.254.169.254/32", NULL };
	static const char *const meta_v6[] = { "fd00:ec2::254/128", NULL };
	const struct policy_ip_block *b = s->rule->peers[i].ip_block;
	bool v4 = ip_prefix_is_v4(&b->cidr);
	struct lint_at at = lint_at_peer(l, s, i, ".ipBlock");
	const char *const *private = v4 ? private_v4 : private_v6;
	const char *inside = missing(l, b, private);
	const char *meta = missing(l, b, v4 ? meta_v4 : meta_v6);

	/* The metadata service speaks HTTP on port 80 only. */
	if (!lint_ports_have(s->rule, FLOW_TCP, 80))
		meta = NULL;
	if (inside == NULL && meta == NULL)
		return;
	lint_add(l, 2, LINT_WARNING, &at,
	    lint_text(l, "%s is meant for the Internet, but holds %s%s%s too",
		v4 ? "0.0.0.0/0" : "::/0",
		meta == NULL ? ""
			     : "the cloud's metadata address, which "
			       "hands out credentials",
		meta == NULL || inside == NULL ? "" : ", and ",
		inside == NULL ? ""
		    : leaves_out_any(b, private)
		    ? lint_text(l, "private addresses (%s)", inside)
		    : "every private address, those of pods, nodes and the "
		      "office among them"),
	    lint_text(l, "Add except: [%s%s%s].", inside == NULL ? "" : inside,
		meta == NULL || inside == NULL ? "" : ", ",
		meta == NULL ? "" : meta));
}

static bool
is_world(const struct ip_prefix *p)
{
	return p->bits == (ip_prefix_is_v4(p) ? 96 : 0);
}

void
lint_check_blocks(struct lint *l)
{
	struct lint_spot s = { 0 };
	struct told told = { .policy = NULL };

	while (lint_next_rule(l, &s))
		for (size_t i = 0; i < s.rule->n_peers; i++) {
			const struct policy_ip_block *b =
			    s.rule->peers[i].ip_block;

			if (b == NULL)
				continue;
			if (is_world(&b->cidr)) {
				if (s.direction == POLICY_EGRESS)
					check_world(l, &s, i);
			} else if (l->c != NULL)
				check_block(l, &s, i, &told);
		}
}

/* A Service through which the world reaches the policy's pods, with their
 * clients' addresses replaced on the way. */
static const struct kube_service *
masked_service(const struct lint *l, const struct policy *p, uint32_t ns)
{
	for (size_t i = 0; i < l->c->n_services; i++) {
		const struct kube_service *s = &l->c->services[i];

		if (s->gone || !kube_service_masks_clients(s) ||
		    strcmp(s->namespace, p->namespace) != 0 ||
		    !s->has_selector || selector_is_empty(&s->selector))
			continue;
		for (size_t k = l->ns_start[ns]; k < l->ns_start[ns + 1]; k++)
			if (lint_subject(p, ns, &l->faces[k]) &&
			    selector_matches(&s->selector, l->faces[k].labels))
				return s;
	}
	return NULL;
}

/* Is it a block of addresses outside, which clients may have lost? */
static bool
is_outside(const struct lint *l, const struct policy_ip_block *b)
{
	struct lint_holding h;

	if (b == NULL || is_world(&b->cidr))
		return false;
	h = lint_holding_of(l, b);
	return !h.nodes && !h.gateways && !h.pods && !h.pod_ranges;
}

/* Does the rule name nodes, too, as whom such clients arrive? On an overlay
 * that is the node's own address in its pod range. */
static bool
names_nodes(const struct lint *l, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;
		struct lint_holding h = { 0 };

		if (b != NULL)
			h = lint_holding_of(l, b);
		if (h.nodes || h.gateways)
			return true;
	}
	return false;
}

static void
report_masked(struct lint *l, const struct lint_spot *s, size_t i,
    const struct kube_service *by)
{
	struct lint_at at = lint_at_peer(l, s, i, ".ipBlock");

	lint_add(l, 0, LINT_NOTE, &at,
	    lint_text(l,
		"clients that come through Service %s/%s may arrive with a "
		"node's address, for it is of type %s without "
		"externalTrafficPolicy Local",
		by->namespace, by->name, by->type),
	    "Set externalTrafficPolicy: Local, or allow what the pods really "
	    "see as source.");
}

/* RF029, once for each policy: what is said is about the Service. */
void
lint_check_snat(struct lint *l)
{
	const struct policy *said = NULL;
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s)) {
		uint32_t ns = lint_ns(l, s.policy);

		if (s.direction != POLICY_INGRESS || ns == FLOW_NONE ||
		    names_nodes(l, s.rule))
			continue;
		for (size_t i = 0; i < s.rule->n_peers; i++) {
			const struct kube_service *by;

			if (s.policy == said ||
			    !is_outside(l, s.rule->peers[i].ip_block))
				continue;
			by = masked_service(l, s.policy, ns);
			said = s.policy;
			if (by != NULL)
				report_masked(l, &s, i, by);
		}
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the set allows beyond what was seen: for every two workloads, one of
 * them in scope, and every port that the destination declares, was reached
 * on or is named for, and one more, the evaluator says whether they may
 * connect. Only those that some rule's selectors match can, so only they are
 * asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/evaluator.h"
#include "recommender/internal.h"

#define SOME_PORT 61999 /* where nobody listens; else the next one below */

/* Two groups and a port. */
struct link {
	uint32_t src, dst;
	uint8_t protocol;
	uint16_t port, end_port;
};

struct link_list {
	struct link *v;
	size_t n, cap;
};

struct searching {
	struct run *r;
	const struct evaluator *e;
	const struct policy_set *set;
	struct link_list seen, beyond;
	struct link_list ports; /* of one destination; ends are not used */
	uint32_t *stamp;        /* by group: the question it was found for */
	uint32_t question;
	uint32_t *found; /* groups that some rule of the question matches */
	size_t n_found;
	/* By class of pods that no selector tells apart: the groups that are
	 * asked for by such a pod, from class_groups[class_start[c]] on. */
	uint32_t *class_start, *class_groups;
	struct recommend_proof *proof;
};

static int
compare_links(const void *x, const void *y)
{
	const struct link *a = x, *b = y;

	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	if (a->dst != b->dst)
		return a->dst < b->dst ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->end_port > b->end_port) - (a->end_port < b->end_port);
}

static enum rf_status
link_add(struct run *r, struct link_list *l, struct link link)
{
	void *v = l->v;

	if (!arena_grow(r->arena, &v, l->n, &l->cap, sizeof(link)))
		return run_nomem(r);
	l->v = v;
	l->v[l->n++] = link;
	return RF_OK;
}

static void
links_sort(struct link_list *l)
{
	size_t n = 0;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), compare_links);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || compare_links(&l->v[n - 1], &l->v[i]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

static bool
was_seen(const struct searching *s, const struct link *l)
{
	return s->seen.n > 0 &&
	    bsearch(l, s->seen.v, s->seen.n, sizeof(*l), compare_links) != NULL;
}

static enum rf_status
see_targets(struct searching *s, const struct flow *f, uint32_t src)
{
	struct run *r = s->r;
	struct target_walk w = plan_targets(r, f);
	enum rf_status st = RF_OK;
	struct target t;

	while (st == RF_OK && plan_next_target(&w, &t))
		if (t.group != FLOW_NONE)
			st = link_add(r, &s->seen,
			    (struct link){
				src, t.group, f->protocol, t.port, 0 });
	return st;
}

static enum rf_status
see_flow(struct searching *s, const struct flow *f)
{
	struct run *r = s->r;
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	uint32_t from = plan_group(r, &r->fs->endpoints[f->src]);
	uint32_t to = plan_group(r, dst);

	if (from == FLOW_NONE || plan_flow(r, f).want == 0)
		return RF_OK;
	if (to != FLOW_NONE)
		return link_add(r, &s->seen,
		    (struct link){ from, to, f->protocol, f->port, 0 });
	return plan_is_open(f, dst) ? see_targets(s, f, from) : RF_OK;
}

static void
find_group(struct searching *s, uint32_t group)
{
	if (group == FLOW_NONE || s->stamp[group] == s->question)
		return;
	s->stamp[group] = s->question;
	s->found[s->n_found++] = group;
}

/* Sort the groups by the class of the pod that is asked for. */
static enum rf_status
classify(struct searching *s)
{
	struct run *r = s->r;
	size_t n = evaluator_classes(s->e);
	uint32_t *start = arena_calloc(r->arena, n + 2, sizeof(*start));
	uint32_t *groups = arena_calloc(r->arena, r->n_groups, sizeof(*groups));

	if (start == NULL || groups == NULL)
		return run_nomem(r);
	/* Counted two places further on, a start moves up to the next one as
	 * its groups are put. */
	for (size_t g = 0; g < r->n_groups; g++) {
		uint32_t pod = r->groups[g].pod;

		if (pod != FLOW_NONE && !r->c->pods[pod].host_network)
			start[evaluator_class(s->e, pod) + 2]++;
	}
	for (size_t i = 2; i < n + 2; i++)
		start[i] += start[i - 1];
	for (uint32_t g = 0; g < r->n_groups; g++) {
		uint32_t pod = r->groups[g].pod;

		if (pod != FLOW_NONE && !r->c->pods[pod].host_network)
			groups[start[evaluator_class(s->e, pod) + 1]++] = g;
	}
	s->class_start = start;
	s->class_groups = groups;
	return RF_OK;
}

static void
find_class(void *ctx, uint32_t number)
{
	struct searching *s = ctx;

	for (uint32_t i = s->class_start[number];
	     i < s->class_start[number + 1]; i++)
		find_group(s, s->class_groups[i]);
}

static void
find_everyone(struct searching *s)
{
	for (uint32_t i = 0; i < s->r->n_groups; i++)
		find_group(s, i);
}

/* Whom that rule may let in or out. */
static void
find_by_rule(struct searching *s, uint32_t policy, enum policy_direction d,
    uint32_t number)
{
	const struct policy_rule *rule =
	    &s->set->policies[policy].rules[d][number];
	bool everyone = rule->n_peers == 0;

	evaluator_rule_classes(s->e, policy, d, number, find_class, s);
	for (size_t i = 0; i < rule->n_peers && !everyone; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;

		everyone =
		    b != NULL && addr_list_touches(&s->r->pod_ips, &b->cidr);
	}
	if (everyone)
		find_everyone(s);
}

/* Named ports are among those that the destination declares. */
static enum rf_status
add_rule_ports(struct searching *s, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct policy_port *p = &rule->ports[i];
		struct link l = { .protocol = p->protocol,
			.port = p->port,
			.end_port = p->end_port };
		enum rf_status st;

		if (p->has_port && p->name == NULL &&
		    (st = link_add(s->r, &s->ports, l)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Whom the rules for this pod may let in or out, and on which ports. */
static enum rf_status
find_peers(struct searching *s, uint32_t pod, enum policy_direction d)
{
	size_t n;
	const uint32_t *iso = evaluator_isolating(s->e, pod, d, &n);
	enum rf_status st;

	s->question++;
	s->n_found = 0;
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = &s->set->policies[iso[i]];

		for (uint32_t k = 0; k < p->n_rules[d]; k++) {
			find_by_rule(s, iso[i], d, k);
			st = add_rule_ports(s, &p->rules[d][k]);
			if (st != RF_OK)
				return st;
		}
	}
	return RF_OK;
}

static bool
has_port(const struct link_list *l, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].port == port ||
		    (l->v[i].port < port && port <= l->v[i].end_port))
			return true;
	return false;
}

/* The destination's own ports, and one that is none of them. */
static enum rf_status
add_ports(struct searching *s, uint32_t pod)
{
	const struct kube_pod *p = &s->r->c->pods[pod];
	uint16_t other = SOME_PORT;
	enum rf_status st;

	for (size_t i = 0; i < p->n_ports; i++) {
		struct link l = { .protocol = p->ports[i].protocol,
			.port = p->ports[i].port };

		if ((st = link_add(s->r, &s->ports, l)) != RF_OK)
			return st;
	}
	while (has_port(&s->ports, other))
		other--;
	st = link_add(s->r, &s->ports,
	    (struct link){ .protocol = FLOW_TCP, .end_port = other });
	if (st == RF_OK)
		links_sort(&s->ports);
	return st;
}

static bool
is_dns(const struct run *r, const struct link *l)
{
	for (size_t i = 0; i < r->dns.n; i++)
		if (r->dns.v[i].port == l->port &&
		    ((r->dns.v[i].peer.type == PEER_GROUP &&
			 r->dns.v[i].peer.group == l->dst) ||
			r->dns.v[i].peer.type == PEER_KUBE_DNS))
			return true;
	return false;
}

/* By either family that both have an address of: an ipBlock means one. */
static bool
may_connect(const struct searching *s, const struct link *l, uint16_t port)
{
	const struct run *r = s->r;
	uint32_t src = r->groups[l->src].pod;
	uint32_t dst =
	    l->src == l->dst ? r->groups[l->dst].pod2 : r->groups[l->dst].pod;
	struct evaluator_query q = { .port = port, .protocol = l->protocol };
	bool asked = false;

	if (src == FLOW_NONE || dst == FLOW_NONE)
		return false;
	q.src.pod = src;
	q.dst.pod = dst;
	for (unsigned is_v4 = 0; is_v4 < 2; is_v4++) {
		const struct ip_addr *a, *b;

		a = kube_pod_address(&r->c->pods[src], is_v4 != 0);
		b = kube_pod_address(&r->c->pods[dst], is_v4 != 0);
		if (a == NULL || b == NULL)
			continue;
		q.src.ip = *a;
		q.dst.ip = *b;
		q.seen_src = q.src;
		asked = true;
		if (evaluator_allows(s->e, &q))
			return true;
	}
	/* Of one that has no address yet, selectors alone can tell. */
	q.src.ip = q.dst.ip = (struct ip_addr){ 0 };
	q.seen_src = q.src;
	return !asked && evaluator_allows(s->e, &q);
}

/* Of a range, a port that was not seen; 0: all of them were. */
static uint16_t
unseen_of_range(const struct searching *s, const struct link *l)
{
	struct link one = *l;

	one.end_port = 0;
	for (uint32_t p = l->port; p <= l->end_port; p++) {
		one.port = (uint16_t)p;
		if (!was_seen(s, &one))
			return one.port;
	}
	return 0;
}

static enum rf_status
ask_pair(struct searching *s, uint32_t src, uint32_t dst)
{
	for (size_t i = 0; i < s->ports.n; i++) {
		struct link l = s->ports.v[i];
		uint16_t port = l.port;
		enum rf_status st;

		l.src = src;
		l.dst = dst;
		if (l.port == 0) {
			port = l.end_port;
			l.end_port = 0;
		} else if (l.end_port != 0) {
			port = unseen_of_range(s, &l);
		}
		if (port == 0 || !may_connect(s, &l, port))
			continue;
		if (l.end_port == 0 && was_seen(s, &l))
			s->proof->pairs_observed++;
		else if (is_dns(s->r, &l))
			s->proof->pairs_dns++;
		else if ((st = link_add(s->r, &s->beyond, l)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Who may reach this group. */
static enum rf_status
ask_ingress(struct searching *s, uint32_t g)
{
	uint32_t pod = s->r->groups[g].pod;
	enum rf_status st;

	s->ports.n = 0;
	if ((st = find_peers(s, pod, POLICY_INGRESS)) != RF_OK ||
	    (st = add_ports(s, pod)) != RF_OK)
		return st;
	for (size_t i = 0; i < s->n_found; i++)
		if ((st = ask_pair(s, s->found[i], g)) != RF_OK)
			return st;
	return RF_OK;
}

/* Whom it may reach of those that are not in scope, so that nothing but its
 * own policy is asked. */
static enum rf_status
ask_egress(struct searching *s, uint32_t g)
{
	struct run *r = s->r;
	struct link_list named;
	enum rf_status st;

	s->ports.n = 0;
	if ((st = find_peers(s, r->groups[g].pod, POLICY_EGRESS)) != RF_OK)
		return st;
	links_sort(&s->ports);
	named = s->ports;
	s->ports = (struct link_list){ 0 };
	for (size_t i = 0; i < s->n_found; i++) {
		uint32_t to = s->found[i];

		if (plan_group_in_scope(r, to) ||
		    r->groups[to].pod == FLOW_NONE)
			continue;
		s->ports.n = 0;
		for (size_t k = 0; k < named.n; k++)
			if ((st = link_add(r, &s->ports, named.v[k])) != RF_OK)
				return st;
		if ((st = add_ports(s, r->groups[to].pod)) != RF_OK ||
		    (st = ask_pair(s, g, to)) != RF_OK)
			return st;
	}
	return RF_OK;
}

static const char *
full_title(struct run *r, uint32_t group)
{
	const struct group *g = &r->groups[group];
	const struct kube_workload *w = &r->c->workloads[g->members[0]];

	return run_printf(r, "%s %s/%s%s", w->kind, w->namespace, w->name,
	    g->n_members > 1 ? " and others" : "");
}

static enum rf_status
publish(struct searching *s)
{
	struct run *r = s->r;
	struct recommend_pair *v;

	links_sort(&s->beyond);
	v = arena_calloc(r->arena, s->beyond.n, sizeof(*v));
	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < s->beyond.n; i++) {
		const struct link *l = &s->beyond.v[i];

		v[i] = (struct recommend_pair){ .src = full_title(r, l->src),
			.dst = full_title(r, l->dst),
			.protocol = l->protocol,
			.port = l->port,
			.end_port = l->end_port };
		if (v[i].src == NULL || v[i].dst == NULL)
			return run_nomem(r);
	}
	s->proof->beyond = v;
	s->proof->n_beyond = s->beyond.n;
	return RF_OK;
}

enum rf_status
beyond_find(struct run *r, const struct evaluator *e,
    const struct policy_set *set, struct recommend_proof *proof)
{
	struct searching s = { .r = r, .e = e, .set = set, .proof = proof };
	enum rf_status st;

	s.stamp = arena_calloc(r->arena, r->n_groups, sizeof(*s.stamp));
	s.found = arena_calloc(r->arena, r->n_groups, sizeof(*s.found));
	if (s.stamp == NULL || s.found == NULL)
		return run_nomem(r);
	if ((st = classify(&s)) != RF_OK)
		return st;
	for (size_t i = 0; i < r->n_edges; i++)
		for (size_t j = 0; j < r->edges[i].n_flows; j++)
			if ((st = see_flow(&s, r->edges[i].flows[j])) != RF_OK)
				return st;
	links_sort(&s.seen);
	for (uint32_t g = 0; g < r->n_groups; g++) {
		if (r->groups[g].pod == FLOW_NONE || !plan_group_in_scope(r, g))
			continue;
		if ((st = ask_ingress(&s, g)) != RF_OK ||
		    (st = ask_egress(&s, g)) != RF_OK)
			return st;
	}
	return publish(&s);
}

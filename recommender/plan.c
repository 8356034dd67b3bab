/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each flow: which sides need a rule, or why none. The same
 * answer serves the rules, the notes and the proof.
 */
#include <string.h>

#include "kube/address.h"
#include "recommender/internal.h"

uint32_t
plan_group(const struct run *r, const struct endpoint *e)
{
	if (e->type != ENDPOINT_WORKLOAD || e->workload == FLOW_NONE)
		return FLOW_NONE;
	return r->group_of[e->workload];
}

bool
plan_group_in_scope(const struct run *r, uint32_t group)
{
	return group != FLOW_NONE && r->in_scope[r->groups[group].ns];
}

bool
plan_is_open(const struct flow *f, const struct endpoint *dst)
{
	if (f->service == FLOW_NONE)
		return false;
	return dst->type == ENDPOINT_UNKNOWN ||
	    (dst->type != ENDPOINT_WORKLOAD && ip_is_none(&dst->ip));
}

/* The name of the Service's port that was dialled; NULL: there is none. */
static const char *
dialled_port_name(const struct run *r, const struct flow *f)
{
	const struct kube_service *s = &r->c->services[f->service];

	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == f->service_port &&
		    s->ports[i].protocol == f->protocol)
			return s->ports[i].name;
	return NULL;
}

struct target_walk
plan_targets(const struct run *r, const struct flow *f)
{
	struct target_walk w = {
		.r = r, .f = f, .port_name = dialled_port_name(r, f)
	};

	w.next = address_backends(r->c, f->service, &w.left);
	return w;
}

static bool
is_target(const struct target_walk *w, const struct kube_backend *b)
{
	if (b->protocol != w->f->protocol)
		return false;
	return w->port_name != NULL ? strcmp(w->port_name, b->port_name) == 0
				    : b->port == w->f->port;
}

bool
plan_next_target(struct target_walk *w, struct target *t)
{
	const struct cluster *c = w->r->c;

	while (w->left > 0) {
		const struct kube_backend *b = w->next++;

		w->left--;
		if (!is_target(w, b))
			continue;
		*t = (struct target){ FLOW_NONE, b->pod, b->ip, b->port };
		if (t->pod != FLOW_NONE)
			t->group = w->r->group_of[c->pods[t->pod].workload];
		return true;
	}
	return false;
}

bool
plan_any_target_in_scope(const struct run *r, const struct flow *f)
{
	struct target_walk w = plan_targets(r, f);
	struct target t;

	while (plan_next_target(&w, &t))
		if (plan_group_in_scope(r, t.group))
			return true;
	return false;
}

/* Is any backend known that it may have reached? */
static bool
has_target(const struct run *r, const struct flow *f)
{
	struct target_walk w = plan_targets(r, f);
	struct target t;

	return plan_next_target(&w, &t);
}

bool
plan_is_api_server(const struct run *r, const struct flow *f)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	const struct kube_backend *b;
	size_t n;

	if (r->api_service == FLOW_NONE || f->protocol != FLOW_TCP ||
	    dst->type == ENDPOINT_WORKLOAD)
		return false;
	if (f->service == r->api_service)
		return true;
	b = address_backends(r->c, r->api_service, &n);
	for (size_t i = 0; i < n; i++)
		if (b[i].port == f->port && ip_equal(&b[i].ip, &dst->ip))
			return true;
	return false;
}

bool
plan_is_api_address(const struct run *r, const struct ip_addr *ip)
{
	size_t n = 0;
	const struct kube_backend *b = r->api_service == FLOW_NONE
	    ? NULL
	    : address_backends(r->c, r->api_service, &n);

	for (size_t i = 0; i < n; i++)
		if (ip_equal(&b[i].ip, ip))
			return true;
	return false;
}

bool
plan_is_metadata(const struct ip_addr *ip)
{
	struct ip_addr m;

	return (ip_parse(&m, "169.254.169.254") && ip_equal(&m, ip)) ||
	    (ip_parse(&m, "fd00:ec2::254") && ip_equal(&m, ip));
}

/* Has somebody decided that this address may be reached? */
static bool
link_local_allowed(const struct run *r, const struct ip_addr *ip)
{
	const struct recommend_options *o = r->options;
	struct ip_addr allowed;

	for (size_t i = 0; i < o->n_link_local; i++)
		if (ip_parse(&allowed, o->link_local[i]) &&
		    ip_equal(&allowed, ip))
			return true;
	return false;
}

/* Has somebody decided that this group may reach the metadata service? */
static bool
metadata_allowed(const struct run *r, uint32_t group)
{
	const struct recommend_options *o = r->options;
	const struct group *g = &r->groups[group];

	if (o->allow_metadata)
		return true;
	for (size_t i = 0; i < g->n_members; i++) {
		const struct kube_workload *w = &r->c->workloads[g->members[i]];
		size_t len = strlen(w->namespace);

		for (size_t k = 0; k < o->n_metadata_workloads; k++) {
			const char *m = o->metadata_workloads[k];

			if (strncmp(m, w->namespace, len) == 0 &&
			    m[len] == '/' && strcmp(m + len + 1, w->name) == 0)
				return true;
		}
	}
	return false;
}

bool
plan_is_own_node(const struct run *r, const struct endpoint *pod,
    const struct endpoint *other)
{
	if (pod->pod == FLOW_NONE || other->type == ENDPOINT_WORKLOAD ||
	    ip_is_none(&other->ip))
		return false;
	return cluster_is_own_node(r->c, &r->c->pods[pod->pod], &other->ip);
}

bool
plan_sees_client(const struct run *r, const struct flow *f)
{
	const struct endpoint *src = &r->fs->endpoints[f->src];

	return f->seen_src != f->src && src->type != ENDPOINT_UNKNOWN &&
	    (src->type == ENDPOINT_WORKLOAD ||
		(!ip_is_none(&src->ip) && !ip_is_link_local(&src->ip)));
}

static struct plan
refuse(const char *reason)
{
	return (struct plan){ .reason = reason };
}

static struct plan
decide(const char *reason)
{
	return (struct plan){ .reason = reason, .decision = true };
}

/* The source's side: may it go there? */
static struct plan
plan_egress(const struct run *r, const struct flow *f, uint32_t group)
{
	const struct endpoint *src = &r->fs->endpoints[f->src];
	const struct endpoint *dst = &r->fs->endpoints[f->dst];

	if (plan_is_api_server(r, f) && !plan_is_open(f, dst))
		return (struct plan){ .want = WANT_EGRESS };
	if (plan_is_open(f, dst)) {
		if (has_target(r, f))
			return (struct plan){ .want = WANT_EGRESS };
		return refuse("unknown-address");
	}
	if (dst->type == ENDPOINT_UNKNOWN ||
	    (dst->type != ENDPOINT_WORKLOAD && ip_is_none(&dst->ip)))
		return refuse("unknown-address");
	if (plan_is_metadata(&dst->ip) && dst->type != ENDPOINT_WORKLOAD)
		return metadata_allowed(r, group)
		    ? (struct plan){ .want = WANT_EGRESS }
		    : decide("metadata");
	if (dns_is_node_local(r, &dst->ip) && f->port == DNS_PORT)
		return (struct plan){ .want = WANT_EGRESS };
	if (plan_is_own_node(r, src, dst))
		return refuse("own-node");
	if (ip_is_link_local(&dst->ip) && !link_local_allowed(r, &dst->ip))
		return decide("link-local");
	if (dst->type == ENDPOINT_WORKLOAD && plan_group(r, dst) == FLOW_NONE &&
	    ip_is_none(&dst->ip))
		return refuse("unknown-address");
	return (struct plan){ .want = WANT_EGRESS };
}

/* The destination's side: may they come in? */
static struct plan
plan_ingress(const struct run *r, const struct flow *f)
{
	const struct endpoint *src = &r->fs->endpoints[f->src];
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	const struct endpoint *seen = &r->fs->endpoints[f->seen_src];

	if (seen->type == ENDPOINT_UNKNOWN ||
	    (plan_group(r, seen) == FLOW_NONE && ip_is_none(&seen->ip)))
		return refuse("unknown-address");
	if (src->type == ENDPOINT_NODE && plan_is_own_node(r, dst, seen) &&
	    plan_is_own_node(r, dst, src))
		return refuse("own-node");
	if (seen->type != ENDPOINT_WORKLOAD && ip_is_link_local(&seen->ip) &&
	    !link_local_allowed(r, &seen->ip))
		return decide("link-local");
	return (struct plan){ .want = WANT_INGRESS };
}

static struct plan
plan_sides(const struct run *r, const struct flow *f)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	uint32_t g = plan_group(r, &r->fs->endpoints[f->src]);
	struct plan e = { 0 }, i = { 0 };

	if (plan_group_in_scope(r, g))
		e = plan_egress(r, f, g);
	if (plan_group_in_scope(r, plan_group(r, dst)) ||
	    (plan_is_open(f, dst) && plan_any_target_in_scope(r, f)))
		i = plan_ingress(r, f);
	e.want |= i.want;
	if (e.reason == NULL || i.decision) {
		e.reason = i.reason;
		e.decision = i.decision;
	}
	return e;
}

struct plan
plan_flow(const struct run *r, const struct flow *f)
{
	const struct endpoint *src = &r->fs->endpoints[f->src];
	const struct endpoint *dst = &r->fs->endpoints[f->dst];

	if (!outcome_is_traffic(f->outcome)) {
		const char *name = flow_outcome_name(f->outcome);

		return refuse(name == NULL ? "unanswered" : name);
	}
	if (f->certainty == CERTAINTY_GUESSED)
		return refuse("guessed");
	if (flow_protocol_name(f->protocol) == NULL || f->port == 0)
		return refuse("not-expressible");
	if (src->type == ENDPOINT_WORKLOAD && dst->type == ENDPOINT_WORKLOAD &&
	    src->pod == dst->pod && src->pod != FLOW_NONE)
		return refuse(f->service != FLOW_NONE || f->seen_src != f->src
			? "hairpin"
			: "self");
	if (src->type == ENDPOINT_UNKNOWN)
		return refuse("unknown-address");
	return plan_sides(r, f);
}

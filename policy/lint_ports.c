/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that no destination has: RF024, RF025. */
#include <string.h>

#include "policy/lint_internal.h"

/* Whom the rule's ports are looked up on: the policy's pods for ingress, the
 * peers' for egress (41). */
struct destinations {
	const struct lint *l;
	const struct lint_spot *s;
	uint32_t ns; /* of the policy */
};

static bool
is_destination(const struct destinations *d, const struct lint_face *f)
{
	const struct policy_rule *r = d->s->rule;

	if (f->host_network)
		return false;
	if (d->s->direction == POLICY_INGRESS)
		return lint_subject(d->s->policy, d->ns, f);
	for (size_t i = 0; i < r->n_peers; i++)
		if (lint_peer_has(d->l, &r->peers[i], d->ns, f))
			return true;
	return false;
}

/* The next destination after *i, which counts on; NULL at the end. */
static const struct lint_face *
next_destination(const struct destinations *d, size_t *i)
{
	while (*i < d->l->n_faces) {
		const struct lint_face *f = &d->l->faces[(*i)++];

		if (is_destination(d, f))
			return f;
	}
	return NULL;
}

static const struct kube_pod *
pod_of(const struct lint *l, const struct lint_face *f)
{
	return f->pod == FLOW_NONE ? NULL : &l->c->pods[f->pod];
}

static bool
selects(const struct kube_service *s, const struct lint_face *f)
{
	return s->has_selector && !selector_is_empty(&s->selector) &&
	    selector_matches(&s->selector, f->labels);
}

/* Service i of the face's namespace, or NULL behind the last. */
static const struct kube_service *
service_near(const struct lint *l, const struct lint_face *f, size_t i)
{
	size_t at = l->service_start[f->ns] + i;

	return at < l->service_start[f->ns + 1]
	    ? &l->c->services[l->services[at]]
	    : NULL;
}

/* Is the pod known to listen on it: by its own word or a Service's? */
static bool
listens(const struct lint *l, const struct lint_face *f, uint8_t protocol,
    uint16_t port)
{
	const struct kube_pod *pod = pod_of(l, f);
	const struct kube_service *s;

	for (size_t i = 0; i < pod->n_ports; i++)
		if (!pod->ports[i].init && pod->ports[i].port == port &&
		    pod->ports[i].protocol == protocol)
			return true;
	for (size_t i = 0; (s = service_near(l, f, i)) != NULL; i++)
		for (size_t k = 0; k < s->n_ports; k++)
			if (s->ports[k].protocol == protocol &&
			    kube_service_target(&s->ports[k], pod) == port &&
			    selects(s, f))
				return true;
	return false;
}

/* Does the pod give the port that name? It may give it to several. */
static bool
gives(const struct kube_pod *pod, const struct policy_port *p, uint16_t port)
{
	for (size_t i = 0; i < pod->n_ports; i++)
		if (!pod->ports[i].init && pod->ports[i].port == port &&
		    pod->ports[i].protocol == p->protocol &&
		    strcmp(pod->ports[i].name, p->name) == 0)
			return true;
	return false;
}

/* Does the rule allow that port by number, or by a name the pod gives it? */
static bool
allows(const struct policy_rule *r, const struct kube_pod *pod,
    uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < r->n_ports; i++)
		if (r->ports[i].name != NULL &&
		    r->ports[i].protocol == protocol &&
		    gives(pod, &r->ports[i], port))
			return true;
	return lint_ports_have(r, protocol, port);
}

/* A Service that has the port, and another one on the pod behind it. */
struct misled {
	const struct kube_service *service;
	uint16_t target;
};

static bool
misleads(const struct destinations *d, const struct policy_port *p,
    const struct lint_face *f, struct misled *out)
{
	const struct kube_pod *pod = pod_of(d->l, f);
	const struct kube_service *s;

	for (size_t i = 0; (s = service_near(d->l, f, i)) != NULL; i++) {
		for (size_t k = 0; k < s->n_ports; k++) {
			const struct kube_service_port *sp = &s->ports[k];
			uint16_t target;

			if (sp->port != p->port || sp->protocol != p->protocol)
				continue;
			target = kube_service_target(sp, pod);
			if (target == 0 || target == p->port || !selects(s, f))
				continue;
			*out = (struct misled){ s, target };
			return !allows(d->s->rule, pod, p->protocol, target);
		}
	}
	return false;
}

/* Has any Service that port? Few have, which spares the rest. */
static bool
is_service_port(const struct lint *l, const struct policy_port *p)
{
	for (size_t i = 0; i < l->c->n_services; i++)
		for (size_t k = 0; k < l->c->services[i].n_ports; k++)
			if (l->c->services[i].ports[k].port == p->port &&
			    l->c->services[i].ports[k].protocol == p->protocol)
				return true;
	return false;
}

/* RF024 */
static void
check_number(struct lint *l, const struct destinations *d, size_t port)
{
	const struct policy_port *p = &d->s->rule->ports[port];
	struct lint_at at = lint_at_port(l, d->s, port);
	struct misled m = { 0 }, first = { 0 };
	const struct lint_face *f;
	size_t i = 0;

	if (!is_service_port(l, p))
		return;
	while ((f = next_destination(d, &i)) != NULL) {
		/* The ports of a template are not known. */
		if (f->pod == FLOW_NONE || listens(l, f, p->protocol, p->port))
			return;
		if (first.service == NULL && misleads(d, p, f, &m))
			first = m;
	}
	if (first.service == NULL)
		return;
	lint_add(l, 0, LINT_ERROR, &at,
	    lint_text(l,
		"%u is the port of Service %s/%s; its pods listen on %u, and "
		"policies see the pod's port",
		p->port, first.service->namespace, first.service->name,
		first.target),
	    lint_text(l, "Write port: %u.", first.target));
}

/* What the pods declare instead of the name that is asked for. */
struct other_names {
	const char *protocol; /* of the name itself; NULL: nobody has it */
	bool beside;          /* another name that the rule lists */
	struct lint_near_name near;
};

static bool
lists_name(const struct policy_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_ports; i++)
		if (rule->ports[i].name != NULL &&
		    strcmp(rule->ports[i].name, name) == 0)
			return true;
	return false;
}

static void
note_names(struct other_names *o, const struct policy_rule *rule,
    const struct kube_pod *pod)
{
	for (size_t k = 0; k < pod->n_ports; k++) {
		const struct kube_port *port = &pod->ports[k];

		if (port->init)
			continue;
		if (strcmp(port->name, o->near.wanted) == 0)
			o->protocol = flow_protocol_name(port->protocol);
		else if (lists_name(rule, port->name))
			o->beside = true;
		else if (port->name[0] != '\0')
			lint_near_offer(&o->near, port->name);
	}
}

static void
report_no_name(struct lint *l, const struct lint_at *at,
    const struct policy_port *p, const char *best)
{
	lint_add(l, 1, LINT_ERROR, at,
	    lint_text(l,
		"no pod that the rule is about declares a port named %s, so "
		"this entry matches nothing%s%s",
		p->name, best == NULL ? "" : "; there is ",
		best == NULL ? "" : best),
	    best == NULL ? "Name the port in the pods' containers, or write "
			   "its number."
			 : lint_text(l, "If it is meant, write %s.", best));
}

static void
report_name(struct lint *l, const struct lint_at *at,
    const struct policy_port *p, const struct other_names *o)
{
	const char *best = o->near.best;

	if (o->protocol != NULL)
		lint_add(l, 1, LINT_ERROR, at,
		    lint_text(l,
			"the pods declare port %s for %s, not for %s, so this "
			"entry matches nothing",
			p->name, o->protocol, flow_protocol_name(p->protocol)),
		    lint_text(l, "Write protocol: %s.", o->protocol));
	else if (best == NULL && o->beside)
		lint_add(l, 1, LINT_NOTE, at,
		    lint_text(l,
			"no pod that the rule is about declares a port named "
			"%s, so this entry matches nothing now",
			p->name),
		    "Remove the entry, or keep it if such a port is yet to "
		    "come.");
	else
		report_no_name(l, at, p, best);
}

/* RF025 */
static void
check_name(struct lint *l, const struct destinations *d, size_t port)
{
	const struct policy_port *p = &d->s->rule->ports[port];
	struct other_names other = { .near = { .wanted = p->name } };
	struct lint_at at = lint_at_port(l, d->s, port);
	const struct lint_face *f;
	size_t i = 0, n = 0;

	while ((f = next_destination(d, &i)) != NULL) {
		const struct kube_pod *pod = pod_of(l, f);

		if (pod == NULL ||
		    kube_pod_named_port(pod, p->protocol, p->name) != 0)
			return;
		note_names(&other, d->s->rule, pod);
		n++;
	}
	if (n > 0)
		report_name(l, &at, p, &other);
}

void
lint_check_ports(struct lint *l)
{
	struct lint_spot s = { 0 };

	while (lint_next_rule(l, &s)) {
		struct destinations d = { l, &s, lint_ns(l, s.policy) };

		if (d.ns == FLOW_NONE)
			continue;
		for (size_t i = 0; i < s.rule->n_ports; i++) {
			const struct policy_port *p = &s.rule->ports[i];

			if (p->name != NULL)
				check_name(l, &d, i);
			else if (p->has_port && p->end_port == 0)
				check_number(l, &d, i);
		}
	}
}

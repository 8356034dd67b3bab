/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress that forgets or misses DNS: RF001 to RF003.
 *
 * With a cluster whose DNS is known the evaluator is asked, for the pods that
 * a policy selects and all policies of the set together. Without, a rule that
 * might be meant for DNS is enough to stay silent.
 */
#include <string.h>

#include "kube/address.h"
#include "policy/lint_internal.h"

#define DNS_PORT        53
#define MULTICAST_DNS   5353 /* pods of OpenShift's DNS listen there */
#define NODE_LOCAL_DNS  "169.254.20.10"
#define DNS_TARGETS_MAX 8

/* One place where the cluster's DNS answers. */
struct target {
	struct evaluator_end end;
	uint16_t port;
};

struct dns_places {
	struct target v[DNS_TARGETS_MAX];
	size_t n;
	bool node_local; /* NodeLocal DNSCache runs */
	struct target local;
};

bool
lint_is_dns_service(const struct kube_service *s)
{
	const char *app = label_get(&s->labels, "k8s-app");

	if (strcmp(s->namespace, "openshift-dns") == 0)
		return strcmp(s->name, "dns-default") == 0;
	return strcmp(s->namespace, "kube-system") == 0 &&
	    (strcmp(s->name, "kube-dns") == 0 ||
		strcmp(s->name, "coredns") == 0 ||
		(app != NULL && strcmp(app, "kube-dns") == 0));
}

static void
add_target(struct dns_places *d, uint32_t pod, struct ip_addr ip, uint16_t port)
{
	if (d->n < DNS_TARGETS_MAX)
		d->v[d->n++] = (struct target){ { pod, ip }, port };
}

static void
add_backends(struct dns_places *d, const struct cluster *c, uint32_t service)
{
	size_t n;
	const struct kube_backend *b = address_backends(c, service, &n);
	const struct kube_service *s = &c->services[service];

	for (size_t k = 0; k < s->n_ports; k++)
		for (size_t i = 0; s->ports[k].port == DNS_PORT &&
		     s->ports[k].protocol == FLOW_UDP && i < n;
		     i++)
			if (b[i].protocol == FLOW_UDP &&
			    strcmp(b[i].port_name, s->ports[k].name) == 0)
				add_target(d, b[i].pod, b[i].ip, b[i].port);
}

static bool
is_node_local(const struct lint_face *f)
{
	const char *app = label_get(f->labels, "k8s-app");

	return app != NULL && strcmp(app, "node-local-dns") == 0;
}

static void
find_places(const struct lint *l, struct dns_places *d)
{
	*d = (struct dns_places){ 0 };
	if (l->c == NULL)
		return;
	for (uint32_t i = 0; i < l->c->n_services; i++)
		if (lint_is_dns_service(&l->c->services[i]))
			add_backends(d, l->c, i);
	for (size_t i = 0; i < l->n_faces; i++)
		d->node_local |= is_node_local(&l->faces[i]);
	d->local = (struct target){ .end.pod = FLOW_NONE, .port = DNS_PORT };
	if (!ip_parse(&d->local.end.ip, NODE_LOCAL_DNS))
		d->node_local = false;
}

/* Is this port entry there for DNS? */
static bool
is_dns_port(const struct policy_port *p)
{
	if (p->protocol == FLOW_SCTP || !p->has_port)
		return false;
	if (p->name != NULL)
		return strncmp(p->name, "dns", 3) == 0;
	return p->end_port == 0 &&
	    (p->port == DNS_PORT || p->port == MULTICAST_DNS);
}

/* The protocols, as bits 1 (UDP) and 2 (TCP), that the rule has for DNS. */
static unsigned
dns_protocols(const struct policy_rule *r)
{
	unsigned bits = 0;

	for (size_t i = 0; i < r->n_ports; i++)
		if (is_dns_port(&r->ports[i]))
			bits |= r->ports[i].protocol == FLOW_UDP ? 1u : 2u;
	return bits;
}

/* The protocols that the rule allows on port 53, meant or not. */
static unsigned
open_protocols(const struct policy_rule *r)
{
	return dns_protocols(r) |
	    (lint_ports_have(r, FLOW_UDP, DNS_PORT) ? 1u : 0) |
	    (lint_ports_have(r, FLOW_TCP, DNS_PORT) ? 2u : 0);
}

/* Could DNS be among the rule's peers, as far as its text goes? */
static bool
may_hold_dns(const struct policy *p, const struct policy_rule *r)
{
	for (size_t i = 0; i < r->n_peers; i++)
		if (r->peers[i].ip_block != NULL ||
		    r->peers[i].namespace_selector != NULL ||
		    strcmp(p->namespace, "kube-system") == 0)
			return true;
	return r->n_peers == 0;
}

/* Does b certainly isolate the egress of all that a selects? */
static bool
applies_too(const struct policy *b, const struct policy *a)
{
	return b->types[POLICY_EGRESS] &&
	    strcmp(a->namespace, b->namespace) == 0 &&
	    lint_selector_covers(&b->pod_selector, &a->pod_selector);
}

/* What the policies that certainly apply where p does have for DNS. */
static void
gather(const struct lint *l, const struct policy *p, unsigned *meant,
    unsigned *possible)
{
	*meant = *possible = 0;
	for (size_t i = 0; i < l->set->n_policies; i++) {
		const struct policy *b = &l->set->policies[i];

		if (!applies_too(b, p))
			continue;
		for (size_t k = 0; k < b->n_rules[POLICY_EGRESS]; k++) {
			const struct policy_rule *r =
			    &b->rules[POLICY_EGRESS][k];

			*meant |= dns_protocols(r);
			if (may_hold_dns(b, r))
				*possible |= open_protocols(r);
		}
	}
}

/* RF001. A policy that denies all egress may well be meant so. */
static void
report_forgotten(struct lint *l, const struct policy *p)
{
	struct lint_at at = lint_at_policy(p,
	    p->n_rules[POLICY_EGRESS] == 0 ? 0
					   : p->rules[POLICY_EGRESS][0].line,
	    "spec.egress");
	const char *mend =
	    "Allow UDP and TCP port 53 to the cluster's DNS (in kube-system, "
	    "k8s-app: kube-dns), here or in a policy for the namespace.";

	if (p->n_rules[POLICY_EGRESS] > 0) {
		lint_add(l, 0, LINT_WARNING, &at,
		    "egress is restricted and no rule allows DNS, so the pods "
		    "can resolve no name, not even of what they may reach",
		    mend);
		return;
	}
	for (size_t i = 0; i < l->set->n_policies; i++)
		if (l->set->policies[i].n_rules[POLICY_EGRESS] > 0 &&
		    strcmp(l->set->policies[i].namespace, p->namespace) == 0)
			return; /* a floor: others say what is allowed */
	lint_add(l, 0, LINT_NOTE, &at,
	    "all egress is denied and nothing else allows DNS, so the pods "
	    "can resolve no name",
	    mend);
}

static bool
reaches(const struct lint *l, uint32_t pod, const struct target *t,
    uint8_t protocol)
{
	const struct kube_pod *p = &l->c->pods[pod];
	struct evaluator_query q = {
		.dst = t->end, .port = t->port, .protocol = protocol
	};
	struct evaluator_answer a;

	q.src.pod = pod;
	if (p->n_ips > 0)
		q.src.ip = p->ips[0];
	q.seen_src = q.src;
	evaluator_ask(l->evaluator, &q, &a);
	return a.egress.verdict != EVAL_DENY;
}

static bool
reaches_any(const struct lint *l, uint32_t pod, const struct dns_places *d,
    uint8_t protocol)
{
	for (size_t i = 0; i < d->n; i++)
		if (reaches(l, pod, &d->v[i], protocol))
			return true;
	return d->n == 0;
}

static bool
is_server(const struct dns_places *d, const struct lint *l, uint32_t pod)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].end.pod != FLOW_NONE &&
		    l->c->pods[d->v[i].end.pod].workload ==
			l->c->pods[pod].workload)
			return true;
	return false;
}

/* RF002: the rule is for DNS, and the DNS that runs is out of its reach. */
static void
report_missed(struct lint *l, const struct lint_spot *s, uint32_t pod,
    const struct target *t, bool is_local)
{
	struct lint_at at = lint_at_rule(l, s, "");
	const struct kube_pod *server =
	    t->end.pod == FLOW_NONE ? NULL : &l->c->pods[t->end.pod];
	char ip[IP_STRLEN];

	(void)ip_format(&t->end.ip, ip);
	if (is_local)
		lint_add(l, 1, LINT_WARNING, &at,
		    "NodeLocal DNSCache runs, so pods ask " NODE_LOCAL_DNS
		    ", which no pod selector matches and no rule allows",
		    "Add to the same \"to\": ipBlock: {cidr: " NODE_LOCAL_DNS
		    "/32}.");
	else
		lint_add(l, 1, LINT_ERROR, &at,
		    lint_text(l,
			"this DNS rule misses the cluster's DNS: pod %s/%s "
			"may not reach %s%s%s (%s) on UDP port %u",
			l->c->pods[pod].namespace, l->c->pods[pod].name,
			server == NULL ? "the server" : server->namespace,
			server == NULL ? "" : "/",
			server == NULL ? "" : server->name, ip, t->port),
		    lint_text(l,
			"Allow UDP and TCP port %u to the pods behind the DNS "
			"Service%s.",
			t->port,
			t->port == DNS_PORT ? ""
					    : " (the pods' port, not the "
					      "Service's 53)"));
}

/* The first egress rule of p that is meant for UDP DNS. */
static bool
find_dns_rule(const struct policy *p, struct lint_spot *s)
{
	*s = (struct lint_spot){ .policy = p, .direction = POLICY_EGRESS };
	for (; s->index < p->n_rules[POLICY_EGRESS]; s->index++) {
		s->rule = &p->rules[POLICY_EGRESS][s->index];
		if ((dns_protocols(s->rule) & 1) != 0)
			return true;
	}
	return false;
}

/* Has any policy that isolates the pod a rule for DNS? */
static bool
has_dns_rule(const struct lint *l, uint32_t pod)
{
	struct lint_spot s;
	size_t n;
	const uint32_t *v =
	    evaluator_isolating(l->evaluator, pod, POLICY_EGRESS, &n);

	for (size_t i = 0; i < n; i++)
		if (find_dns_rule(&l->set->policies[v[i]], &s))
			return true;
	return false;
}

/* One pod that the policy selects; true when there is no more to say. */
static bool
check_pod(struct lint *l, const struct policy *p, uint32_t pod,
    const struct dns_places *d)
{
	struct lint_spot s;
	bool meant = find_dns_rule(p, &s);

	if (is_server(d, l, pod))
		return false;
	if (!reaches_any(l, pod, d, FLOW_UDP)) {
		/* TCP alone is RF003's. */
		if (meant)
			report_missed(l, &s, pod, &d->v[0], false);
		else if (!has_dns_rule(l, pod) &&
		    !reaches_any(l, pod, d, FLOW_TCP))
			report_forgotten(l, p);
		return true;
	}
	if (d->node_local && meant && !reaches(l, pod, &d->local, FLOW_UDP)) {
		report_missed(l, &s, pod, &d->local, true);
		return true;
	}
	return false;
}

/* Ask the evaluator; false: the policy selects no pod that is known. */
static bool
check_in_cluster(
    struct lint *l, const struct policy *p, const struct dns_places *d)
{
	uint32_t ns = lint_ns(l, p);
	bool any = false;

	if (ns == FLOW_NONE || d->n == 0)
		return false;
	for (size_t i = l->ns_start[ns]; i < l->ns_start[ns + 1]; i++) {
		const struct lint_face *f = &l->faces[i];

		if (f->pod == FLOW_NONE || !lint_subject(p, ns, f))
			continue;
		any = true;
		if (check_pod(l, p, f->pod, d))
			break;
	}
	return any;
}

/* RF003: DNS over one of its two protocols. */
static void
check_protocols(
    struct lint *l, const struct policy *p, unsigned meant, unsigned possible)
{
	struct lint_spot s = { .policy = p, .direction = POLICY_EGRESS };
	struct lint_at at;

	for (; s.index < p->n_rules[POLICY_EGRESS]; s.index++) {
		s.rule = &p->rules[POLICY_EGRESS][s.index];
		if (dns_protocols(s.rule) == 0)
			continue;
		at = lint_at_rule(l, &s, ".ports");
		if (((meant | possible) & 1) == 0)
			lint_add(l, 2, LINT_ERROR, &at,
			    "DNS is allowed over TCP only (the default of a "
			    "port without protocol), but is asked over UDP",
			    "Add the same port with protocol: UDP.");
		else if (((meant | possible) & 2) == 0)
			lint_add(l, 2, LINT_WARNING, &at,
			    "DNS is allowed over UDP only; answers that do not "
			    "fit are asked again over TCP, and fail",
			    "Add the same port with protocol: TCP.");
		else
			continue;
		return;
	}
}

void
lint_check_dns(struct lint *l)
{
	struct dns_places d;

	find_places(l, &d);
	for (size_t i = 0; i < l->set->n_policies; i++) {
		const struct policy *p = &l->set->policies[i];
		unsigned meant, possible;

		if (!p->types[POLICY_EGRESS])
			continue;
		gather(l, p, &meant, &possible);
		if (!check_in_cluster(l, p, &d) && (meant | possible) == 0)
			report_forgotten(l, p);
		check_protocols(l, p, meant, possible);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to write into a policy so that a denied side passes: the smallest
 * piece of YAML, in flow style, and where it goes.
 */
#include <inttypes.h>
#include <string.h>

#include "kube/address.h"
#include "policy/write.h"
#include "report/check_words.h"

static void
put_labels(struct strbuf *out, const struct label_set *labels)
{
	if (labels->n == 0) {
		strbuf_puts(out, "podSelector: {}");
		return;
	}
	strbuf_puts(out, "podSelector: {matchLabels: {");
	for (size_t i = 0; i < labels->n; i++) {
		strbuf_puts(out, i == 0 ? "" : ", ");
		policy_write_text(out, labels->v[i].key);
		strbuf_puts(out, ": ");
		policy_write_text(out, labels->v[i].value);
	}
	strbuf_puts(out, "}}");
}

/* The labels that its workload selects it by, else those that stay. */
static void
put_pod_selector(
    struct strbuf *out, const struct cluster *c, const struct kube_pod *pod)
{
	const struct kube_workload *w = &c->workloads[pod->workload];

	if (w->has_selector && w->selector.n_match_expressions == 0 &&
	    w->selector.match_labels.n > 0)
		put_labels(out, &w->selector.match_labels);
	else
		put_labels(out, w->labels.n > 0 ? &w->labels : &pod->labels);
}

static void
put_peer(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_end *other, const struct policy *policy)
{
	const struct cluster *c = s->cluster;
	const struct kube_pod *pod =
	    other->pod == FLOW_NONE ? NULL : &c->pods[other->pod];
	char cidr[IP_PREFIX_STRLEN];

	strbuf_putc(out, '{');
	if (pod == NULL || pod->host_network) {
		struct ip_prefix host = ip_prefix_host(&other->ip);

		strbuf_printf(out, "ipBlock: {cidr: \"%s\"}",
		    ip_prefix_format(&host, cidr));
	} else {
		if (strcmp(pod->namespace, policy->namespace) != 0) {
			strbuf_puts(out,
			    "namespaceSelector: {matchLabels: "
			    "{kubernetes.io/metadata.name: ");
			policy_write_text(out, pod->namespace);
			strbuf_puts(out, "}}, ");
		}
		put_pod_selector(out, c, pod);
	}
	strbuf_putc(out, '}');
}

/* Of a pod that nothing but {} selects a peer means more than it. */
static void
put_wider(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_end *other)
{
	const struct kube_pod *pod =
	    other->pod == FLOW_NONE ? NULL : &s->cluster->pods[other->pod];

	if (pod != NULL && !pod->host_network && pod->labels.n == 0)
		strbuf_printf(out,
		    "; %s/%s has no label, so this allows every pod of its "
		    "namespace",
		    pod->namespace, pod->name);
}

static void
put_port(struct strbuf *out, const struct evaluator_query *q)
{
	strbuf_printf(out, "{protocol: %s, port: %u}",
	    flow_protocol_name(q->protocol), (unsigned)q->port);
}

static void
put_rule_place(struct strbuf *out, const struct policy *p,
    enum policy_direction d, const struct evaluator_miss *miss)
{
	strbuf_printf(out, "%s rule %" PRIu32 " of %s/%s",
	    policy_direction_name(d), miss->rule + 1, p->namespace, p->name);
	check_place_text(out, p->file, p->rules[d][miss->rule].line);
}

static bool
rule_has_port(const struct policy_rule *r, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < r->n_ports; i++)
		if (r->ports[i].has_port && r->ports[i].name == NULL &&
		    r->ports[i].protocol == protocol &&
		    r->ports[i].port == port)
			return true;
	return false;
}

/* The commonest slip: the rule has the port of a Service before the pod. */
static void
put_service_port(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_query *q, const struct policy_rule *r)
{
	uint32_t services[8];
	uint16_t ports[8];
	struct address_target to = { &q->dst.ip, q->port, q->protocol,
		ADDRESS_NOW };
	size_t n = address_services_of(s->cluster, &to, services, ports, 8);

	for (size_t i = 0; i < n && i < 8; i++) {
		const struct kube_service *sv =
		    &s->cluster->services[services[i]];

		if (ports[i] == q->port ||
		    !rule_has_port(r, q->protocol, ports[i]))
			continue;
		strbuf_printf(out,
		    "; %u is the port of Service %s/%s, and rules see the "
		    "pod's",
		    (unsigned)ports[i], sv->namespace, sv->name);
		return;
	}
}

/* The rules of the nearest policy are no help: a new one. */
static void
put_new_rule(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_query *q, enum policy_direction d,
    const struct policy *p)
{
	bool in = d == POLICY_INGRESS;

	strbuf_printf(out, "add to the %s rules of %s/%s",
	    policy_direction_name(d), p->namespace, p->name);
	check_place_text(out, p->file, p->line);
	strbuf_printf(out, ": {%s: [", in ? "from" : "to");
	put_peer(out, s, in ? &q->seen_src : &q->dst, p);
	strbuf_puts(out, "], ports: [");
	put_port(out, q);
	strbuf_puts(out, "]}");
	put_wider(out, s, in ? &q->seen_src : &q->dst);
}

void
check_mend_text(struct strbuf *out, const struct check_scene *s,
    const struct evaluator_query *q, enum policy_direction d,
    const struct evaluator_miss *miss)
{
	const unsigned by_port = EVAL_LACKS_PORT | EVAL_LACKS_PROTOCOL;
	bool in = d == POLICY_INGRESS;
	bool port = (miss->lacks & by_port) != 0;
	bool peer = (miss->lacks & ~by_port) != 0;
	uint32_t index = miss->policy;
	const struct policy *p;

	if (index == FLOW_NONE) {
		size_t n;
		const uint32_t *v = evaluator_isolating(
		    s->evaluator, in ? q->dst.pod : q->src.pod, d, &n);

		if (n == 0)
			return;
		index = v[0];
	}
	p = &s->set->policies[index];
	if (miss->policy == FLOW_NONE || port == peer) {
		put_new_rule(out, s, q, d, p);
		return;
	}
	strbuf_puts(out, "add ");
	if (port)
		put_port(out, q);
	else
		put_peer(out, s, in ? &q->seen_src : &q->dst, p);
	strbuf_printf(
	    out, " to the %s of ", port ? "ports" : (in ? "from" : "to"));
	put_rule_place(out, p, d, miss);
	if (port)
		put_service_port(out, s, q, &p->rules[d][miss->rule]);
	else
		put_wider(out, s, in ? &q->seen_src : &q->dst);
}

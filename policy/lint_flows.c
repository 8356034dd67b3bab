/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic that policies of one application forget because others send it, and
 * that was seen: RF032 to RF035.
 */
#include <string.h>

#include "core/edge.h"
#include "kube/address.h"
#include "policy/lint_internal.h"

enum sender { SENDER_METRICS, SENDER_INGRESS, SENDER_LOGS, SENDER_API };
#define SENDER_NONE 4

/* What was reported already, or an edge that is about to be. */
struct seen {
	unsigned sender;
	enum policy_direction direction;
	uint32_t policy; /* that isolates */
	uint32_t src;    /* a workload; FLOW_NONE: the API server */
	uint32_t dst;    /* likewise; FLOW_NONE: a node or an address outside */
	bool to_node;
	uint16_t port;
	uint8_t protocol;
};

struct watch {
	struct lint *l;
	const struct cluster *c;
	const struct flow_set *fs;
	struct evaluator *evaluator;
	struct seen *seen;
	size_t n_seen, cap_seen;
};

static bool
has_word(const struct kube_workload *w, const char *word)
{
	static const char *const keys[] = { "app.kubernetes.io/name", "app",
		"k8s-app", "app.kubernetes.io/component" };

	if (strstr(w->name, word) != NULL)
		return true;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *v = label_get(&w->labels, keys[i]);

		if (v != NULL && strstr(v, word) != NULL)
			return true;
	}
	return false;
}

static bool
has_any_word(const struct kube_workload *w, const char *const *words)
{
	for (; *words != NULL; words++)
		if (has_word(w, *words))
			return true;
	return false;
}

static bool
is_metrics(const struct kube_workload *w)
{
	static const char *const words[] = { "prometheus", "vmagent",
		"victoria-metrics", "grafana-agent", "grafana-alloy",
		"opentelemetry-collector", "otel-collector", "metrics-server",
		NULL };
	static const char *const others[] = { "exporter", "alertmanager",
		"adapter", "operator", "pushgateway", NULL };

	return has_any_word(w, words) && !has_any_word(w, others);
}

static bool
is_ingress(const struct kube_workload *w)
{
	static const char *const words[] = { "ingress", "traefik", "contour",
		"haproxy-ingress", "envoy-gateway", NULL };

	return has_any_word(w, words) || strcmp(w->namespace, "traefik") == 0 ||
	    strcmp(w->namespace, "ingress-nginx") == 0;
}

static bool
is_logs(const struct kube_workload *w)
{
	static const char *const words[] = { "fluent-bit", "fluentbit",
		"fluentd", "promtail", "filebeat", "logstash", "loki", "vector",
		"syslog", NULL };

	return has_any_word(w, words);
}

/* Is the address one that the API server answers on? Its own calls (to
 * webhooks, to aggregated APIs) come from there. */
static bool
is_api_server(const struct cluster *c, const struct ip_addr *ip)
{
	uint32_t service = cluster_find_service(c, "default", "kubernetes");
	const struct kube_backend *b;
	size_t n;

	if (service == FLOW_NONE)
		return false;
	b = address_backends(c, service, &n);
	for (size_t i = 0; i < n; i++)
		if (ip_equal(&b[i].ip, ip))
			return true;
	return false;
}

static unsigned
sender_of(const struct watch *w, const struct endpoint *src,
    const struct endpoint *dst)
{
	const struct kube_workload *from = NULL, *to = NULL;

	if (src->type == ENDPOINT_WORKLOAD)
		from = &w->c->workloads[src->workload];
	if (dst->type == ENDPOINT_WORKLOAD)
		to = &w->c->workloads[dst->workload];
	if (src->type == ENDPOINT_NODE && to != NULL &&
	    is_api_server(w->c, &src->ip))
		return SENDER_API;
	if (from == NULL)
		return SENDER_NONE;
	if (is_metrics(from))
		return SENDER_METRICS;
	if (is_ingress(from))
		return SENDER_INGRESS;
	if (is_logs(from) || (to != NULL && is_logs(to)))
		return SENDER_LOGS;
	return SENDER_NONE;
}

static bool
is_known(const struct watch *w, const struct seen *s)
{
	for (size_t i = 0; i < w->n_seen; i++) {
		const struct seen *k = &w->seen[i];

		if (k->sender == s->sender && k->direction == s->direction &&
		    k->policy == s->policy && k->src == s->src &&
		    k->dst == s->dst && k->to_node == s->to_node &&
		    k->port == s->port && k->protocol == s->protocol)
			return true;
	}
	return false;
}

static bool
remember(struct watch *w, const struct seen *s)
{
	void *v = w->seen;

	if (!arena_grow(
		w->l->arena, &v, w->n_seen, &w->cap_seen, sizeof(*w->seen))) {
		w->l->failed = true;
		return false;
	}
	w->seen = v;
	w->seen[w->n_seen++] = *s;
	return true;
}

static const char *
workload_text(const struct watch *w, uint32_t workload)
{
	const struct kube_workload *k = &w->c->workloads[workload];

	return lint_text(w->l, "%s/%s", k->namespace, k->name);
}

static const char *
src_text(const struct watch *w, const struct seen *s)
{
	return s->src == FLOW_NONE ? "the API server"
				   : workload_text(w, s->src);
}

static const char *
dst_text(const struct watch *w, const struct seen *s)
{
	if (s->dst != FLOW_NONE)
		return workload_text(w, s->dst);
	return s->to_node ? "a node" : "an address outside";
}

/* What selectors cannot mean is named by its address. */
static const char *
mend_text(const struct watch *w, const struct seen *s)
{
	bool in = s->direction == POLICY_INGRESS;
	bool by_block = (in ? s->src : s->dst) == FLOW_NONE;

	if (in && s->sender == SENDER_API)
		return "Allow that port from the control plane's addresses by "
		       "ipBlock.";
	return lint_text(w->l, "Allow %s port %u %s %s by %s.",
	    flow_protocol_name(s->protocol), s->port, in ? "from" : "to",
	    in ? src_text(w, s) : dst_text(w, s),
	    by_block ? "ipBlock"
		     : "namespaceSelector and podSelector in one entry");
}

static void
report(struct watch *w, const struct seen *s)
{
	static const char *const what[] = {
		[SENDER_METRICS] = "metrics are scraped",
		[SENDER_INGRESS] = "requests come in through the ingress "
				   "controller",
		[SENDER_LOGS] = "logs are shipped",
		[SENDER_API] = "the API server calls (a webhook or an "
			       "aggregated API)",
	};
	bool in = s->direction == POLICY_INGRESS;
	const struct policy *p = &w->l->set->policies[s->policy];
	struct lint_at at =
	    lint_at_policy(p, 0, in ? "spec.ingress" : "spec.egress");

	lint_add(w->l, s->sender, LINT_WARNING, &at,
	    lint_text(w->l,
		"%s: %s to %s on %s port %u was seen, and these policies deny "
		"its %s",
		what[s->sender], src_text(w, s), dst_text(w, s),
		flow_protocol_name(s->protocol), s->port,
		policy_direction_name(s->direction)),
	    mend_text(w, s));
}

static void
check_side(struct watch *w, const struct flow *f,
    const struct evaluator_query *q, enum policy_direction d, unsigned sender)
{
	const struct endpoint *src = &w->fs->endpoints[f->src];
	const struct endpoint *dst = &w->fs->endpoints[f->dst];
	const struct evaluator_end *self =
	    d == POLICY_INGRESS ? &q->dst : &q->src;
	struct seen s = { .sender = sender,
		.direction = d,
		.src =
		    src->type == ENDPOINT_WORKLOAD ? src->workload : FLOW_NONE,
		.dst =
		    dst->type == ENDPOINT_WORKLOAD ? dst->workload : FLOW_NONE,
		.to_node = dst->type == ENDPOINT_NODE,
		.port = f->port,
		.protocol = f->protocol };
	size_t n;
	const uint32_t *v = evaluator_isolating(w->evaluator, self->pod, d, &n);

	if (n == 0)
		return;
	s.policy = v[0];
	/* The one with rules is where the missing rule belongs. */
	for (size_t i = n; i-- > 0;)
		if (w->l->set->policies[v[i]].n_rules[d] > 0)
			s.policy = v[i];
	if (!is_known(w, &s) && remember(w, &s))
		report(w, &s);
}

static struct evaluator_end
end_of(const struct endpoint *e)
{
	return (struct evaluator_end){
		.pod = e->type == ENDPOINT_WORKLOAD ? e->pod : FLOW_NONE,
		.ip = e->ip,
	};
}

/* Who an end was must be known, and which side opened the connection. */
static bool
is_firm(const struct endpoint *e)
{
	return e->type != ENDPOINT_UNKNOWN &&
	    (e->type != ENDPOINT_WORKLOAD || e->pod != FLOW_NONE);
}

static void
check_flow(struct watch *w, const struct flow *f)
{
	const struct endpoint *src = &w->fs->endpoints[f->src];
	const struct endpoint *dst = &w->fs->endpoints[f->dst];
	struct evaluator_query q = { .src = end_of(src),
		.dst = end_of(dst),
		.seen_src = end_of(&w->fs->endpoints[f->seen_src]),
		.port = f->port,
		.protocol = f->protocol };
	struct evaluator_answer a;
	unsigned sender;

	if (!outcome_is_traffic(f->outcome) ||
	    f->certainty == CERTAINTY_GUESSED || !is_firm(src) ||
	    !is_firm(dst) || (sender = sender_of(w, src, dst)) == SENDER_NONE)
		return;
	evaluator_ask(w->evaluator, &q, &a);
	if (a.egress.verdict == EVAL_DENY)
		check_side(w, f, &q, POLICY_EGRESS, sender);
	if (a.ingress.verdict == EVAL_DENY)
		check_side(w, f, &q, POLICY_INGRESS, sender);
}

void
lint_check_flows(struct lint *l)
{
	struct watch w = {
		.l = l, .c = l->in->flows_cluster, .fs = l->in->flows
	};

	if (evaluator_new(&w.evaluator, l->set, w.c, NULL) != RF_OK) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < w.fs->n_flows; i++)
		check_flow(&w, &w.fs->flows[i]);
	evaluator_free(w.evaluator);
}

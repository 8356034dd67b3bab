/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_say: what a cluster says of each object, as text, so that two can be
 * compared and the first difference be read. Inline, so that a test may use
 * part of it.
 */
#ifndef TESTS_SUPPORT_CLUSTER_SAY_H
#define TESTS_SUPPORT_CLUSTER_SAY_H

#include "core/strbuf.h"
#include "kube/cluster.h"

static inline void
say_labels(struct strbuf *sb, const char *what, const struct label_set *l)
{
	strbuf_printf(sb, " %s={", what);
	for (size_t i = 0; i < l->n; i++)
		strbuf_printf(sb, "%s=%s;", l->v[i].key, l->v[i].value);
	strbuf_puts(sb, "}");
}

static inline void
say_selector(struct strbuf *sb, const struct label_selector *s)
{
	say_labels(sb, "matchLabels", &s->match_labels);
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r;

		r = &s->match_expressions[i];
		strbuf_printf(sb, " (%s %d", r->key, (int)r->op);
		for (size_t k = 0; k < r->n_values; k++)
			strbuf_printf(sb, " '%s'", r->values[k]);
		strbuf_puts(sb, ")");
	}
}

static inline void
say_ips(struct strbuf *sb, const char *what, const struct ip_addr *v, size_t n)
{
	char buf[IP_STRLEN];

	strbuf_printf(sb, " %s=[", what);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(sb, "%s,", ip_format(&v[i], buf));
	strbuf_puts(sb, "]");
}

static inline void
say_namespace(struct strbuf *sb, const struct kube_namespace *ns)
{
	strbuf_printf(sb, "Namespace %s assumed=%d", ns->name, ns->assumed);
	say_labels(sb, "labels", &ns->labels);
}

static inline void
say_node(struct strbuf *sb, const struct kube_node *n)
{
	char buf[IP_PREFIX_STRLEN];

	strbuf_printf(sb, "Node %s provider=%s", n->name, n->provider);
	say_labels(sb, "labels", &n->labels);
	say_ips(sb, "addrs", n->addrs, n->n_addrs);
	for (size_t i = 0; i < n->n_pod_cidrs; i++)
		strbuf_printf(
		    sb, " %s", ip_prefix_format(&n->pod_cidrs[i], buf));
}

static inline void
say_workload(struct strbuf *sb, const struct kube_workload *w)
{
	strbuf_printf(sb,
	    "%s %s/%s %s object=%d selector=%d replicas=%lld "
	    "suspended=%d pods=%u",
	    w->kind, w->namespace, w->name, w->api_version, w->has_object,
	    w->has_selector, (long long)w->replicas, w->suspended, w->n_pods);
	say_selector(sb, &w->selector);
	say_labels(sb, "labels", &w->labels);
}

static inline void
say_pod(struct strbuf *sb, const struct kube_pod *p)
{
	strbuf_printf(sb,
	    "Pod %s/%s uid=%s ns=%u workload=%u node=%u "
	    "phase=%d host=%d deleted=%d [%lld, %lld)",
	    p->namespace, p->name, p->uid, p->ns, p->workload, p->node,
	    (int)p->phase, p->host_network, p->deleted, (long long)p->from_us,
	    (long long)p->to_us);
	say_labels(sb, "labels", &p->labels);
	say_ips(sb, "ips", p->ips, p->n_ips);
	say_ips(sb, "hostIPs", p->host_ips, p->n_host_ips);
	for (size_t i = 0; i < p->n_ports; i++)
		strbuf_printf(sb, " port=%s/%u/%u/%d/%d", p->ports[i].name,
		    p->ports[i].port, p->ports[i].protocol, p->ports[i].init,
		    p->ports[i].sidecar);
}

static inline void
say_service(struct strbuf *sb, const struct kube_service *s)
{
	strbuf_printf(sb,
	    "Service %s/%s %s %s headless=%d selector=%d [%lld, %lld) gone=%d",
	    s->namespace, s->name, s->type, s->external_traffic_policy,
	    s->headless, s->has_selector, (long long)s->from_us,
	    (long long)s->to_us, s->gone);
	say_selector(sb, &s->selector);
	say_labels(sb, "labels", &s->labels);
	say_ips(sb, "clusterIPs", s->cluster_ips, s->n_cluster_ips);
	say_ips(sb, "lbIPs", s->lb_ips, s->n_lb_ips);
	for (size_t i = 0; i < s->n_ports; i++)
		strbuf_printf(sb, " port=%s/%u/%u/%u/%s/%u", s->ports[i].name,
		    s->ports[i].port, s->ports[i].node_port,
		    s->ports[i].target_port, s->ports[i].target_name,
		    s->ports[i].protocol);
}

static inline void
say_backend(struct strbuf *sb, const struct kube_backend *b)
{
	strbuf_printf(sb, "backend of %u pod=%u %s/%u/%u ready=%d", b->service,
	    b->pod, b->port_name, b->port, b->protocol, b->ready);
	say_ips(sb, "ip", &b->ip, 1);
}

static inline void
say_policy(struct strbuf *sb, const struct kube_policy_text *t)
{
	strbuf_printf(sb, "policy %s/%s %s", t->namespace, t->name, t->json);
}

/* All of it, a line an object. */
static inline void
say_cluster(struct strbuf *sb, const struct cluster *c)
{
#define EACH(field, say)                                                       \
	for (size_t i = 0; i < c->n_##field; i++) {                            \
		say(sb, &c->field[i]);                                         \
		strbuf_putc(sb, '\n');                                         \
	}
	EACH(namespaces, say_namespace)
	EACH(nodes, say_node)
	EACH(workloads, say_workload)
	EACH(pods, say_pod)
	EACH(services, say_service)
	EACH(backends, say_backend)
	EACH(policies, say_policy)
#undef EACH
	strbuf_printf(sb, "policies were read: %d\n", c->has_policies);
}

#endif

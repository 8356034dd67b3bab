/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "world: %s\n", what);
	abort();
}

/* Room for one more in an array of the cluster's arena. */
static void *
grow(struct world *w, void *v, size_t n, size_t *cap, size_t size)
{
	must(arena_grow(&w->c->arena, &v, n, cap, size), "out of memory");
	return v;
}

static const char *
text(struct world *w, const char *s)
{
	const char *copy = arena_strdup(&w->c->arena, s);

	must(copy != NULL, "out of memory");
	return copy;
}

static const struct ip_addr *
address(struct world *w, const char *s)
{
	struct ip_addr *ip = arena_alloc(&w->c->arena, sizeof(*ip));

	must(ip != NULL && ip_parse(ip, s), s);
	return ip;
}

static struct label_set
labels_of(struct world *w, const char *s)
{
	char *copy = arena_strdup(&w->c->arena, s), *save = NULL;
	struct label *v = NULL;
	size_t n = 0, cap = 0;

	must(copy != NULL, "out of memory");
	for (char *p = strtok_r(copy, ",", &save); p != NULL;
	     p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');

		must(eq != NULL, s);
		*eq = '\0';
		v = grow(w, v, n, &cap, sizeof(*v));
		v[n++] = (struct label){ p, eq + 1 };
	}
	return (struct label_set){ v, label_sort(v, n) };
}

void
world_init(struct world *w)
{
	*w = (struct world){ .c = cluster_new() };
	must(w->c != NULL, "out of memory");
}

void
world_release(struct world *w)
{
	cluster_free(w->c);
	*w = (struct world){ 0 };
}

uint32_t
world_namespace(struct world *w, const char *name)
{
	struct cluster *c = w->c;
	struct label *l;

	for (uint32_t i = 0; i < c->n_namespaces; i++)
		if (strcmp(c->namespaces[i].name, name) == 0)
			return i;
	c->namespaces = grow(w, c->namespaces, c->n_namespaces,
	    &w->cap_namespaces, sizeof(*c->namespaces));
	l = arena_alloc(&c->arena, sizeof(*l));
	must(l != NULL, "out of memory");
	*l = (struct label){ "kubernetes.io/metadata.name", text(w, name) };
	c->namespaces[c->n_namespaces] =
	    (struct kube_namespace){ .name = l->value, .labels = { l, 1 } };
	return (uint32_t)c->n_namespaces++;
}

uint32_t
world_node(struct world *w, const char *name, const char *ip, const char *cidr)
{
	struct cluster *c = w->c;
	struct ip_prefix *p = arena_alloc(&c->arena, sizeof(*p));

	must(p != NULL, "out of memory");
	must(cidr == NULL || ip_prefix_parse(p, cidr, NULL), cidr);
	c->nodes =
	    grow(w, c->nodes, c->n_nodes, &w->cap_nodes, sizeof(*c->nodes));
	c->nodes[c->n_nodes] = (struct kube_node){ .name = text(w, name),
		.provider = "",
		.addrs = address(w, ip),
		.n_addrs = 1,
		.pod_cidrs = p,
		.n_pod_cidrs = cidr != NULL };
	return (uint32_t)c->n_nodes++;
}

uint32_t
world_workload(struct world *w, const char *ns, const char *kind,
    const char *name, const char *selector, const char *template)
{
	struct cluster *c = w->c;
	struct kube_workload *x;

	(void)world_namespace(w, ns);
	c->workloads = grow(w, c->workloads, c->n_workloads, &w->cap_workloads,
	    sizeof(*c->workloads));
	x = &c->workloads[c->n_workloads];
	*x = (struct kube_workload){ .kind = text(w, kind),
		.namespace = text(w, ns),
		.name = text(w, name),
		.api_version = "",
		.has_object = true,
		.has_selector = selector != NULL,
		.replicas = -1 };
	if (selector != NULL)
		x->selector.match_labels = labels_of(w, selector);
	x->labels = labels_of(w, template);
	return (uint32_t)c->n_workloads++;
}

uint32_t
world_pod(struct world *w, uint32_t workload, const char *name,
    const char *labels, const char *ip, uint32_t node)
{
	struct cluster *c = w->c;
	struct kube_workload *x = &c->workloads[workload];
	struct kube_pod *p;

	c->pods = grow(w, c->pods, c->n_pods, &w->cap_pods, sizeof(*c->pods));
	p = &c->pods[c->n_pods];
	*p = (struct kube_pod){ .namespace = x->namespace,
		.name = text(w, name),
		.uid = text(w, name),
		.ns = world_namespace(w, x->namespace),
		.workload = workload,
		.node = node,
		.labels = labels_of(w, labels),
		.phase = POD_RUNNING,
		.host_network = ip == NULL,
		.to_us = INT64_MAX };
	if (ip != NULL) {
		p->ips = address(w, ip);
		p->n_ips = 1;
	}
	if (node != FLOW_NONE) {
		p->host_ips = c->nodes[node].addrs;
		p->n_host_ips = 1;
	}
	x->n_pods++;
	return (uint32_t)c->n_pods++;
}

uint32_t
world_app(struct world *w, const char *ns, const char *name, const char *ip,
    uint32_t node)
{
	char label[128], pod[128];
	uint32_t x;

	(void)snprintf(label, sizeof(label), "app=%s", name);
	(void)snprintf(pod, sizeof(pod), "%s-%s", name, ip);
	x = world_workload(w, ns, "Deployment", name, label, label);
	return world_pod(w, x, pod, label, ip, node);
}

uint32_t
world_service(struct world *w, const char *ns, const char *name, const char *ip,
    const char *selector)
{
	struct cluster *c = w->c;

	(void)world_namespace(w, ns);
	c->services = grow(w, c->services, c->n_services, &w->cap_services,
	    sizeof(*c->services));
	c->services[c->n_services] =
	    (struct kube_service){ .namespace = text(w, ns),
		    .name = text(w, name),
		    .type = "ClusterIP",
		    .external_traffic_policy = "",
		    .has_selector = selector != NULL,
		    .cluster_ips = address(w, ip),
		    .n_cluster_ips = 1,
		    .from_us = INT64_MIN,
		    .to_us = INT64_MAX };
	if (selector != NULL)
		c->services[c->n_services].selector.match_labels =
		    labels_of(w, selector);
	return (uint32_t)c->n_services++;
}

void
world_service_port(struct world *w, uint32_t service, const char *name,
    uint8_t protocol, uint16_t port, uint16_t target)
{
	struct kube_service *s = &w->c->services[service];
	struct kube_service_port *v =
	    arena_calloc(&w->c->arena, s->n_ports + 1, sizeof(*v));

	must(v != NULL, "out of memory");
	for (size_t i = 0; i < s->n_ports; i++)
		v[i] = s->ports[i];
	v[s->n_ports++] = (struct kube_service_port){ .name = text(w, name),
		.port = port,
		.target_port = target,
		.target_name = "",
		.protocol = protocol };
	s->ports = v;
}

void
world_backend(struct world *w, uint32_t service, const char *ip, uint16_t port,
    uint32_t pod)
{
	struct cluster *c = w->c;
	const struct kube_service *s = &c->services[service];
	const struct kube_service_port *last = &s->ports[s->n_ports - 1];

	must(s->n_ports > 0, "backend of a Service without ports");
	c->backends = grow(w, c->backends, c->n_backends, &w->cap_backends,
	    sizeof(*c->backends));
	c->backends[c->n_backends++] =
	    (struct kube_backend){ .service = service,
		    .ip = *address(w, ip),
		    .port = port,
		    .protocol = last->protocol,
		    .port_name = last->name,
		    .pod = pod,
		    .ready = true };
}

uint32_t
world_dns(struct world *w, const char *pod_ip, uint32_t node)
{
	uint32_t x = world_workload(w, "kube-system", "Deployment", "coredns",
	    "k8s-app=kube-dns", "k8s-app=kube-dns");
	uint32_t pod =
	    world_pod(w, x, "coredns-1", "k8s-app=kube-dns", pod_ip, node);
	uint32_t s = world_service(
	    w, "kube-system", "kube-dns", "10.96.0.10", "k8s-app=kube-dns");

	world_service_port(w, s, "dns", FLOW_UDP, 53, 53);
	world_backend(w, s, pod_ip, 53, pod);
	world_service_port(w, s, "dns-tcp", FLOW_TCP, 53, 53);
	world_backend(w, s, pod_ip, 53, pod);
	return pod;
}

void
world_api_server(struct world *w, const char *ip, uint16_t port)
{
	uint32_t s =
	    world_service(w, "default", "kubernetes", "10.96.0.1", NULL);

	world_service_port(w, s, "https", FLOW_TCP, 443, port);
	world_backend(w, s, ip, port, FLOW_NONE);
}

void
world_finish(struct world *w)
{
	struct rf_error err;

	must(cluster_finish(w->c, &err) == RF_OK, "cluster_finish");
}

static uint32_t
add_endpoint(struct world *w, struct endpoint e)
{
	w->endpoints = grow(w, w->endpoints, w->n_endpoints, &w->cap_endpoints,
	    sizeof(*w->endpoints));
	w->endpoints[w->n_endpoints] = e;
	return (uint32_t)w->n_endpoints++;
}

uint32_t
world_at_pod(struct world *w, uint32_t pod)
{
	const struct kube_pod *p = &w->c->pods[pod];

	return add_endpoint(w,
	    (struct endpoint){ .type = ENDPOINT_WORKLOAD,
		.ip = p->ips[0],
		.workload = p->workload,
		.pod = pod,
		.node = p->node });
}

uint32_t
world_at_node(struct world *w, uint32_t node, const char *ip)
{
	const struct ip_addr *a =
	    ip == NULL ? w->c->nodes[node].addrs : address(w, ip);

	return add_endpoint(w,
	    (struct endpoint){ .type = ENDPOINT_NODE,
		.ip = *a,
		.workload = FLOW_NONE,
		.pod = FLOW_NONE,
		.node = node });
}

uint32_t
world_at(struct world *w, enum endpoint_type type, const char *ip)
{
	struct endpoint e = { .type = type,
		.workload = FLOW_NONE,
		.pod = FLOW_NONE,
		.node = FLOW_NONE };

	if (ip != NULL)
		e.ip = *address(w, ip);
	return add_endpoint(w, e);
}

struct flow *
world_flow(struct world *w, uint32_t src, uint32_t dst, uint8_t protocol,
    uint16_t port)
{
	struct flow *f;

	w->flows =
	    grow(w, w->flows, w->n_flows, &w->cap_flows, sizeof(*w->flows));
	f = &w->flows[w->n_flows++];
	*f = (struct flow){ .src = src,
		.dst = dst,
		.seen_src = src,
		.service = FLOW_NONE,
		.port = port,
		.protocol = protocol,
		.sides = SIDE_SRC,
		.connections = 1,
		.packets = 4,
		.bytes = 400,
		.first_us = 1,
		.last_us = 2 };
	return f;
}

void
world_name(struct world *w, const char *ip, const char *name)
{
	w->names =
	    grow(w, w->names, w->n_names, &w->cap_names, sizeof(*w->names));
	w->names[w->n_names++] =
	    (struct dns_name){ .ip = *address(w, ip), .name = text(w, name) };
}

struct flow_set
world_flows(const struct world *w)
{
	return (struct flow_set){ .endpoints = w->endpoints,
		.n_endpoints = w->n_endpoints,
		.flows = w->flows,
		.n_flows = w->n_flows,
		.names = w->names,
		.n_names = w->n_names };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Services, EndpointSlices and Endpoints as raw records. */
#include <string.h>

#include "core/rfc3339.h"
#include "kube/snapshot_internal.h"

static void *
named_record(
    struct object *o, enum raw_type type, const char *kind, size_t size)
{
	const char *key = assemble_key(o->sb, kind, o->namespace, o->name);

	if (key == NULL) {
		object_no_memory(o);
		return NULL;
	}
	return object_record(o, type, key, size);
}

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static void
read_target(
    struct object *o, const struct json_node *j, struct kube_service_port *p)
{
	const struct json_node *target = json_node_get(j, "targetPort");

	p->target_name = "";
	if (json_node_is(target, JSON_NODE_TEXT) &&
	    *json_node_text(target) != '\0')
		p->target_name =
		    or_empty(object_text(o, j, "spec.ports[]", "targetPort"));
	else if (!json_node_is(target, JSON_NODE_TEXT))
		p->target_port =
		    object_port(o, j, "spec.ports[]", "targetPort");
	if (p->target_port == 0 && *p->target_name == '\0')
		p->target_port = p->port;
}

static void
read_ports(
    struct object *o, const struct json_node *spec, struct kube_service *s)
{
	static const char path[] = "spec.ports[]";
	const struct json_node *list = object_maps(o, spec, "spec", "ports");
	size_t n = json_node_size(list);
	struct kube_service_port *v = object_alloc(o, n, sizeof(*v));

	if (v == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct json_node *j = json_node_at(list, i);

		o->index[0] = (unsigned)i;
		v[i].name = or_empty(object_text(o, j, path, "name"));
		v[i].port = object_port(o, j, path, "port");
		v[i].node_port = object_port(o, j, path, "nodePort");
		v[i].protocol = object_protocol(o, j, path);
		read_target(o, j, &v[i]);
	}
	s->ports = v;
	s->n_ports = n;
}

/* A text of a list of addresses; "None" is headless. */
static size_t
add_text_ip(
    struct object *o, const char *text, const char *key, struct ip_addr *ip)
{
	if (text == NULL || *text == '\0' || strcmp(text, "None") == 0)
		return 0;
	if (ip_parse(ip, text))
		return 1;
	object_fail(o, "spec", key, "\"%.60s\" is no IP address", text);
	return 0;
}

static void
read_cluster_ips(
    struct object *o, const struct json_node *spec, struct kube_service *s)
{
	const struct json_node *list =
	    object_texts(o, spec, "spec", "clusterIPs");
	const char *single = object_text(o, spec, "spec", "clusterIP");
	size_t size = json_node_size(list), n = 0;
	struct ip_addr *v = object_alloc(o, size + 1, sizeof(*v));

	if (v == NULL)
		return;
	for (size_t i = 0; i < size; i++)
		n += add_text_ip(o, json_node_text(json_node_at(list, i)),
		    "clusterIPs", &v[n]);
	if (n == 0)
		n = add_text_ip(o, single, "clusterIP", &v[0]);
	s->headless = single != NULL && strcmp(single, "None") == 0;
	s->cluster_ips = v;
	s->n_cluster_ips = n;
}

static void
read_balancer_ips(
    struct object *o, const struct json_node *spec, struct kube_service *s)
{
	static const char path[] = "status.loadBalancer.ingress[]";
	const struct json_node *status = object_map(o, o->json, "", "status");
	const struct json_node *lb =
	    object_map(o, status, "status", "loadBalancer");
	const struct json_node *ingress =
	    object_maps(o, lb, "status.loadBalancer", "ingress");
	const struct json_node *external =
	    object_texts(o, spec, "spec", "externalIPs");
	size_t n_in = json_node_size(ingress), n = 0;
	size_t n_ext = json_node_size(external);
	struct ip_addr *v = object_alloc(o, n_in + n_ext + 1, sizeof(*v));

	if (v == NULL)
		return;
	for (size_t i = 0; i < n_in; i++) {
		o->index[0] = (unsigned)i;
		n += object_ip(o, json_node_at(ingress, i), path, "ip", &v[n]);
	}
	for (size_t i = 0; i < n_ext; i++)
		n += add_text_ip(o, json_node_text(json_node_at(external, i)),
		    "externalIPs", &v[n]);
	if (n == 0) /* asked for, and not granted or not told */
		n = object_ip(o, spec, "spec", "loadBalancerIP", &v[0]);
	s->lb_ips = v;
	s->n_lb_ips = n;
}

void
object_read_service(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	const struct json_node *spec = object_map(o, o->json, "", "spec");
	struct raw_service *r = named_record(o, RAW_SERVICE, NULL, sizeof(*r));
	struct kube_service *s;
	const char *type;

	if (r == NULL)
		return;
	s = &r->service;
	s->namespace = o->namespace;
	s->name = o->name;
	type = object_text(o, spec, "spec", "type");
	s->type = type == NULL ? "ClusterIP" : type;
	s->external_traffic_policy =
	    or_empty(object_text(o, spec, "spec", "externalTrafficPolicy"));
	s->labels = object_labels(o, metadata, "metadata", "labels");
	s->selector.match_labels = object_labels(o, spec, "spec", "selector");
	s->has_selector = s->selector.match_labels.n > 0;
	s->from_us = object_time(o, metadata, "metadata", "creationTimestamp");
	s->to_us = o->gone_us != 0 ? o->gone_us : TIME_MAX_US;
	read_ports(o, spec, s);
	read_cluster_ips(o, spec, s);
	read_balancer_ips(o, spec, s);
}

static void
read_target_ref(struct object *o, const struct json_node *j, const char *path,
    struct raw_endpoint *e)
{
	const struct json_node *ref = object_map(o, j, path, "targetRef");
	const char *kind = object_text(o, ref, path, "kind");

	if (kind == NULL || strcmp(kind, "Pod") != 0)
		return;
	e->pod_name = object_text(o, ref, path, "name");
	e->pod_namespace = object_text(o, ref, path, "namespace");
	if (e->pod_namespace == NULL)
		e->pod_namespace = o->namespace;
}

/* Ports without a number mean any port, which no Service has. */
static void
read_slice_ports(struct object *o, const struct json_node *list,
    const char *path, struct raw_slice *s)
{
	size_t n = json_node_size(list);
	struct raw_slice_port *v = object_alloc(o, n, sizeof(*v));

	s->n_ports = 0;
	for (size_t i = 0; v != NULL && i < n; i++) {
		const struct json_node *j = json_node_at(list, i);
		struct raw_slice_port p;

		o->index[0] = (unsigned)i;
		p.name = or_empty(object_text(o, j, path, "name"));
		p.port = object_port(o, j, path, "port");
		p.protocol = object_protocol(o, j, path);
		if (p.port != 0)
			v[s->n_ports++] = p;
	}
	s->ports = v;
}

static size_t
count_addresses(const struct json_node *endpoints)
{
	size_t n = 0;

	for (size_t i = 0; i < json_node_size(endpoints); i++)
		n += json_node_size(
		    json_node_get(json_node_at(endpoints, i), "addresses"));
	return n;
}

static void
read_endpoint(struct object *o, const struct json_node *j,
    struct raw_endpoint *v, size_t *n)
{
	static const char path[] = "endpoints[]";
	const struct json_node *conditions =
	    object_map(o, j, path, "conditions");
	const struct json_node *list = object_texts(o, j, path, "addresses");
	struct raw_endpoint e = {
		.ready = object_bool(
		    o, conditions, "endpoints[].conditions", "ready", true),
	};

	read_target_ref(o, j, path, &e);
	for (size_t i = 0; i < json_node_size(list); i++) {
		const char *text = json_node_text(json_node_at(list, i));

		if (text == NULL || !ip_parse(&e.ip, text)) {
			object_fail(o, path, "addresses",
			    "\"%.60s\" is no IP address", or_empty(text));
			return;
		}
		v[(*n)++] = e;
	}
}

void
object_read_slice(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	struct label_set labels =
	    object_labels(o, metadata, "metadata", "labels");
	const char *type = object_text(o, o->json, "", "addressType");
	const struct json_node *list = object_maps(o, o->json, "", "endpoints");
	struct raw_slice *s = named_record(o, RAW_SLICE, NULL, sizeof(*s));
	struct raw_endpoint *v;

	if (s == NULL)
		return;
	s->service = label_get(&labels, "kubernetes.io/service-name");
	s->n_endpoints = 0;
	if (type != NULL && strcmp(type, "FQDN") == 0)
		return;
	v = object_alloc(o, count_addresses(list), sizeof(*v));
	s->endpoints = v;
	for (size_t i = 0; v != NULL && i < json_node_size(list); i++) {
		o->index[0] = (unsigned)i;
		read_endpoint(o, json_node_at(list, i), v, &s->n_endpoints);
	}
	read_slice_ports(o, object_maps(o, o->json, "", "ports"), "ports[]", s);
}

static size_t
read_legacy_addresses(struct object *o, const struct json_node *subset,
    const char *key, struct raw_endpoint *v)
{
	const struct json_node *list = object_maps(o, subset, "subsets[]", key);
	size_t n = 0;

	for (size_t i = 0; i < json_node_size(list); i++) {
		const struct json_node *j = json_node_at(list, i);
		struct raw_endpoint e = { .ready = *key == 'a' };

		o->index[1] = (unsigned)i;
		read_target_ref(o, j, "subsets[].addresses[]", &e);
		if (object_ip(o, j, "subsets[].addresses[]", "ip", &e.ip))
			v[n++] = e;
	}
	return n;
}

static void
read_subset(struct object *o, const struct json_node *j, struct raw_slice *s)
{
	size_t n = json_node_size(json_node_get(j, "addresses")) +
	    json_node_size(json_node_get(j, "notReadyAddresses"));
	struct raw_endpoint *v = object_alloc(o, n, sizeof(*v));

	if (v == NULL)
		return;
	s->n_endpoints = read_legacy_addresses(o, j, "addresses", v);
	s->n_endpoints += read_legacy_addresses(
	    o, j, "notReadyAddresses", v + s->n_endpoints);
	s->endpoints = v;
	read_slice_ports(
	    o, object_maps(o, j, "subsets[]", "ports"), "subsets[].ports[]", s);
}

void
object_read_endpoints(struct object *o)
{
	const struct json_node *list = object_maps(o, o->json, "", "subsets");
	struct raw_slice *s =
	    named_record(o, RAW_SLICE, "Endpoints", sizeof(*s));

	if (s == NULL)
		return;
	s->service = o->name;
	s->is_legacy = true;
	s->n_endpoints = 0;
	s->next = NULL;
	for (size_t i = 0; i < json_node_size(list); i++) {
		struct raw_slice *sub = s;

		o->index[0] = (unsigned)i;
		if (i > 0) {
			sub = arena_alloc(&o->sb->scratch, sizeof(*sub));
			if (sub == NULL) {
				object_no_memory(o);
				return;
			}
			sub->next = s->next;
			s->next = sub;
		}
		read_subset(o, json_node_at(list, i), sub);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, Nodes and NetworkPolicies as raw records. */
#include <stdlib.h>
#include <string.h>

#include "kube/json_text.h"
#include "kube/snapshot_internal.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

/* Where CNIs and distributions announce node addresses of their own. */
static const char *const address_annotations[] = {
	"projectcalico.org/IPv4Address",
	"projectcalico.org/IPv6Address",
	"projectcalico.org/IPv4IPIPTunnelAddr",
	"projectcalico.org/IPv4VXLANTunnelAddr",
	"projectcalico.org/IPv6VXLANTunnelAddr",
	"projectcalico.org/IPv4WireguardInterfaceAddr",
	"projectcalico.org/IPv6WireguardInterfaceAddr",
	"k3s.io/internal-ip",
	"k3s.io/external-ip",
	"flannel.alpha.coreos.com/public-ip",
	"flannel.alpha.coreos.com/public-ipv6",
	"io.cilium.network.ipv4-cilium-host",
	"io.cilium.network.ipv6-cilium-host",
	"network.cilium.io/ipv4-cilium-host",
	"network.cilium.io/ipv6-cilium-host",
	"alpha.kubernetes.io/provided-node-ip",
	"k8s.ovn.org/node-gateway-router-lrp-ifaddr", /* {"ipv4": …} */
	"k8s.ovn.org/node-gateway-router-lrp-ifaddrs",
};

/* OVN-Kubernetes tells a node's pod ranges here: {"default": "…"} or a list.
 * The second address of each is the node's own, from which its hostNetwork
 * pods and the kubelet reach pods. */
#define OVN_SUBNETS "k8s.ovn.org/node-subnets"

void
object_read_namespace(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	struct raw_namespace *ns =
	    object_record(o, RAW_NAMESPACE, o->name, sizeof(*ns));

	if (ns == NULL)
		return;
	ns->labels = object_labels(o, metadata, "metadata", "labels");
}

struct address_list {
	struct ip_addr *v;
	size_t n, cap;
};

static void
add_address(struct object *o, struct address_list *l, const struct ip_addr *ip)
{
	void *v = l->v;

	for (size_t i = 0; i < l->n; i++)
		if (ip_equal(&l->v[i], ip))
			return;
	if (ip_is_none(ip))
		return;
	if (!arena_grow(
		&o->sb->cluster->arena, &v, l->n, &l->cap, sizeof(*l->v))) {
		object_no_memory(o);
		return;
	}
	l->v = v;
	l->v[l->n++] = *ip;
}

/* What stands between the words of an annotation, which may be JSON. */
#define BETWEEN ", {}[]\""

/* Some list several, with commas; some with a prefix length behind. */
static void
add_announced(struct object *o, struct address_list *l, const char *text)
{
	char *copy = strdup(text), *save = NULL;

	if (copy == NULL) {
		object_no_memory(o);
		return;
	}
	for (char *s = strtok_r(copy, BETWEEN, &save); s != NULL;
	     s = strtok_r(NULL, BETWEEN, &save)) {
		struct ip_addr ip;

		s[strcspn(s, "/")] = '\0';
		if (ip_parse(&ip, s))
			add_address(o, l, &ip);
	}
	free(copy);
}

static const struct json_node *
annotations_of(struct object *o)
{
	return object_map(o, object_map(o, o->json, "", "metadata"), "metadata",
	    "annotations");
}

/* The pod ranges that OVN-Kubernetes announces; *n of them. */
static struct ip_prefix *
ovn_subnets(struct object *o, size_t *n)
{
	const char *text = object_text(
	    o, annotations_of(o), "metadata.annotations", OVN_SUBNETS);
	char *copy = text == NULL ? NULL : strdup(text), *save = NULL;
	struct ip_prefix *v = NULL;

	*n = 0;
	if (copy == NULL) {
		if (text != NULL)
			object_no_memory(o);
		return NULL;
	}
	v = object_alloc(o, strlen(copy) / 2 + 1, sizeof(*v));
	for (char *s = strtok_r(copy, BETWEEN, &save); v != NULL && s != NULL;
	     s = strtok_r(NULL, BETWEEN, &save))
		*n += ip_prefix_parse(&v[*n], s, NULL);
	free(copy);
	return v;
}

static void
add_ovn_ports(struct object *o, struct address_list *l)
{
	size_t n;
	const struct ip_prefix *v = ovn_subnets(o, &n);

	for (size_t i = 0; i < n; i++) {
		struct ip_addr ip = v[i].addr;

		ip.b[15] |= 2;
		if (v[i].bits <= 126)
			add_address(o, l, &ip);
	}
}

static void
read_addresses(struct object *o, struct kube_node *n)
{
	const struct json_node *status = object_map(o, o->json, "", "status");
	const struct json_node *list =
	    object_maps(o, status, "status", "addresses");
	const struct json_node *notes = annotations_of(o);
	struct address_list l = { 0 };

	for (size_t i = 0; i < json_node_size(list); i++) {
		const char *text;
		struct ip_addr ip;

		o->index[0] = (unsigned)i;
		text = object_text(
		    o, json_node_at(list, i), "status.addresses[]", "address");
		if (text != NULL && ip_parse(&ip, text)) /* or a name */
			add_address(o, &l, &ip);
	}
	for (size_t i = 0; i < NELEM(address_annotations); i++) {
		const char *text = object_text(
		    o, notes, "metadata.annotations", address_annotations[i]);

		if (text != NULL)
			add_announced(o, &l, text);
	}
	add_ovn_ports(o, &l);
	n->addrs = l.v;
	n->n_addrs = l.n;
}

static void
read_pod_cidrs(
    struct object *o, const struct json_node *spec, struct kube_node *n)
{
	const struct json_node *list =
	    object_texts(o, spec, "spec", "podCIDRs");
	const char *single = object_text(o, spec, "spec", "podCIDR");
	size_t size = json_node_size(list);
	struct ip_prefix *v = object_alloc(o, size + 1, sizeof(*v));

	if (v == NULL)
		return;
	n->n_pod_cidrs = 0;
	for (size_t i = 0; i < size || (size == 0 && i == 0); i++) {
		const char *text =
		    size == 0 ? single : json_node_text(json_node_at(list, i));

		if (text == NULL)
			continue;
		if (!ip_prefix_parse(&v[n->n_pod_cidrs++], text, NULL))
			object_fail(o, "spec",
			    size == 0 ? "podCIDR" : "podCIDRs",
			    "\"%.60s\" is no CIDR", text);
	}
	n->pod_cidrs = v;
	if (n->n_pod_cidrs == 0)
		n->pod_cidrs = ovn_subnets(o, &n->n_pod_cidrs);
}

static const char *
provider_of(struct object *o, const char *id)
{
	const char *end = id == NULL ? NULL : strstr(id, "://");
	char *name;

	if (end == NULL)
		return "";
	name = arena_strndup(&o->sb->cluster->arena, id, (size_t)(end - id));
	if (name == NULL)
		object_no_memory(o);
	return name;
}

void
object_read_node(struct object *o)
{
	const struct json_node *metadata =
	    object_map(o, o->json, "", "metadata");
	const struct json_node *spec = object_map(o, o->json, "", "spec");
	struct raw_node *n = object_record(o, RAW_NODE, o->name, sizeof(*n));

	if (n == NULL)
		return;
	n->node.name = o->name;
	n->node.labels = object_labels(o, metadata, "metadata", "labels");
	n->node.provider =
	    provider_of(o, object_text(o, spec, "spec", "providerID"));
	read_addresses(o, &n->node);
	read_pod_cidrs(o, spec, &n->node);
}

/* As text, the caller's; NULL: out of memory. Items of typed lists have neither
 * kind nor apiVersion; managedFields tell nothing. */
static char *
write_policy(const struct object *o)
{
	json_t *j = json_node_copy(o->json);
	char *text = NULL;

	(void)json_object_del(json_object_get(j, "metadata"), "managedFields");
	if (json_object_set_new(j, "kind", json_string(o->kind)) == 0 &&
	    json_object_set_new(
		j, "apiVersion", json_string("networking.k8s.io/v1")) == 0)
		text = json_text_write(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

void
object_read_policy(struct object *o)
{
	const char *key = assemble_key(o->sb, NULL, o->namespace, o->name);
	struct raw_policy *p;
	char *text;

	if (key == NULL) {
		object_no_memory(o);
		return;
	}
	p = object_record(o, RAW_POLICY, key, sizeof(*p));
	if (p == NULL)
		return;
	text = write_policy(o);
	p->json =
	    text == NULL ? NULL : arena_strdup(&o->sb->cluster->arena, text);
	if (p->json == NULL)
		object_no_memory(o);
	free(text);
	o->sb->cluster->has_policies = true;
}

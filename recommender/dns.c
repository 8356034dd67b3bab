/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the cluster's DNS is: from its Service, that Service's backends and
 * their target ports, and NodeLocal DNSCache; the customary labels only where
 * no object says more.
 */
#include <stdlib.h>
#include <string.h>

#include "kube/address.h"
#include "recommender/internal.h"

/* 169.254.20.10. */
static const struct ip_addr node_local = {
	.b = { [10] = 0xff, [11] = 0xff, 169, 254, 20, 10 }
};

/* Each flow's destination is asked. */
bool
dns_is_node_local(const struct run *r, const struct ip_addr *ip)
{
	if (!ip_is_link_local(ip))
		return false;
	for (size_t i = 0; i < r->dns.n_local; i++)
		if (ip_equal(ip, &r->dns.local[i]))
			return true;
	return false;
}

static enum rf_status
entry_add(struct run *r, struct peer peer, uint16_t port)
{
	void *v = r->dns.v;

	if (!arena_grow(r->arena, &v, r->dns.n, &r->dns.cap, sizeof(*r->dns.v)))
		return run_nomem(r);
	r->dns.v = v;
	r->dns.v[r->dns.n++] = (struct dns_entry){ peer, port };
	return RF_OK;
}

static struct peer
block_peer(const struct ip_addr *ip)
{
	return (struct peer){ .type = PEER_BLOCK,
		.kinds = BLOCK_DNS,
		.block = ip_prefix_host(ip) };
}

bool
dns_is_service(const struct kube_service *s)
{
	const char *app = label_get(&s->labels, "k8s-app");

	if (strcmp(s->namespace, "openshift-dns") == 0)
		return strcmp(s->name, "dns-default") == 0;
	if (strcmp(s->namespace, "kube-system") != 0)
		return false;
	return strcmp(s->name, "kube-dns") == 0 ||
	    strcmp(s->name, "coredns") == 0 ||
	    (app != NULL && strcmp(app, "kube-dns") == 0);
}

/* The backends' pods by their workload's labels, others by address. */
static enum rf_status
add_backends(
    struct run *r, uint32_t service, const struct kube_service_port *sp)
{
	size_t n;
	const struct kube_backend *b = address_backends(r->c, service, &n);
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		struct peer peer = block_peer(&b[i].ip);
		uint32_t g = FLOW_NONE;

		if (b[i].protocol != sp->protocol ||
		    strcmp(b[i].port_name, sp->name) != 0)
			continue;
		if (b[i].pod != FLOW_NONE)
			g = r->group_of[r->c->pods[b[i].pod].workload];
		if (g != FLOW_NONE)
			peer = (struct peer){ .type = PEER_GROUP, .group = g };
		if ((st = entry_add(r, peer, b[i].port)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* The number that a target port has on the workload's pods. */
static uint16_t
target_port(
    const struct run *r, uint32_t workload, const struct kube_service_port *sp)
{
	for (size_t i = 0; i < r->c->n_pods; i++) {
		const struct kube_pod *p = &r->c->pods[i];
		uint16_t port =
		    p->workload == workload ? kube_service_target(sp, p) : 0;

		if (port != 0)
			return port;
	}
	return sp->target_port != 0 ? sp->target_port : DNS_PORT;
}

/* Without EndpointSlices: whom the Service's selector means. */
static enum rf_status
add_selected(struct run *r, const struct kube_service *s,
    const struct kube_service_port *sp)
{
	uint32_t ns = cluster_find_namespace(r->c, s->namespace);
	enum rf_status st;

	if (ns == FLOW_NONE || !s->has_selector)
		return RF_OK;
	for (size_t i = 0; i < r->spaces[ns].n_variants; i++) {
		const struct variant *v = &r->spaces[ns].variants[i];
		struct peer peer = { .type = PEER_GROUP,
			.group = r->group_of[v->workload] };

		if (!selector_matches(&s->selector, &v->all))
			continue;
		if ((st = entry_add(
			 r, peer, target_port(r, v->workload, sp))) != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
add_service(struct run *r, uint32_t service)
{
	const struct kube_service *s = &r->c->services[service];
	size_t before = r->dns.n;
	enum rf_status st;

	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == DNS_PORT &&
		    (st = add_backends(r, service, &s->ports[i])) != RF_OK)
			return st;
	if (r->dns.n > before)
		return RF_OK;
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == DNS_PORT &&
		    (st = add_selected(r, s, &s->ports[i])) != RF_OK)
			return st;
	return RF_OK;
}

/* Are pods of NodeLocal DNSCache there? */
static bool
has_node_local_pods(const struct run *r)
{
	for (size_t i = 0; i < r->c->n_pods; i++) {
		const struct kube_pod *p = &r->c->pods[i];
		const char *app = label_get(&p->labels, "k8s-app");

		if (!p->deleted && app != NULL &&
		    strcmp(app, "node-local-dns") == 0)
			return true;
	}
	return cluster_find_workload(r->c, "kube-system", "DaemonSet",
		   "node-local-dns") != FLOW_NONE;
}

/*
 * Was DNS seen to be answered from there? The address of a cache is up to who
 * set it up (kubespray takes 169.254.25.10); the metadata service answers DNS
 * on some clouds, and stays a decision.
 */
static bool
serves_dns(const struct run *r, const struct flow *f)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];

	if (f->port != DNS_PORT || !outcome_is_traffic(f->outcome) ||
	    dst->type == ENDPOINT_WORKLOAD || !ip_is_link_local(&dst->ip))
		return false;
	return ip_equal(&dst->ip, &node_local) ||
	    (f->outcome == OUTCOME_ESTABLISHED &&
		f->certainty == CERTAINTY_HANDSHAKE &&
		!plan_is_metadata(&dst->ip));
}

/* For a comment; NULL: it is none. */
const char *
dns_local_name(const struct run *r, const struct ip_addr *ip)
{
	if (!dns_is_node_local(r, ip))
		return NULL;
	return ip_equal(ip, &node_local) ? "NodeLocal DNSCache"
					 : "DNS cache on the node";
}

static enum rf_status
add_local(struct run *r, const struct ip_addr *ip)
{
	struct dns *d = &r->dns;
	void *v = d->local;

	if (dns_is_node_local(r, ip))
		return RF_OK;
	if (!arena_grow(r->arena, &v, d->n_local, &d->cap_local, sizeof(*ip)))
		return run_nomem(r);
	d->local = v;
	d->local[d->n_local++] = *ip;
	return entry_add(r, block_peer(ip), DNS_PORT);
}

enum rf_status
dns_note_local(struct run *r)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < r->dns.n_local && st == RF_OK; i++) {
		char ip[IP_STRLEN];

		if (ip_equal(&r->dns.local[i], &node_local))
			continue;
		st = note_add(r,
		    (struct recommend_note){
			.kind = NOTE_REMARK, .reason = "dns-link-local" },
		    "%s was seen to answer DNS: taken for a cache on each "
		    "node, which every pod may ask",
		    ip_format(&r->dns.local[i], ip));
	}
	return st;
}

/* The DNS Service's own addresses. */
static enum rf_status
add_service_ips(struct run *r)
{
	enum rf_status st;

	for (size_t i = 0; i < r->c->n_services; i++) {
		const struct kube_service *s = &r->c->services[i];

		for (size_t j = 0; dns_is_service(s) && j < s->n_cluster_ips;
		     j++)
			if ((st = entry_add(r, block_peer(&s->cluster_ips[j]),
				 DNS_PORT)) != RF_OK)
				return st;
	}
	return RF_OK;
}

/* NodeLocal answers on its own address and on the DNS Service's. */
static enum rf_status
add_node_local(struct run *r)
{
	bool pods = has_node_local_pods(r);
	enum rf_status st = pods ? add_local(r, &node_local) : RF_OK;

	for (size_t i = 0; i < r->fs->n_flows && st == RF_OK; i++) {
		const struct flow *f = &r->fs->flows[i];

		if (serves_dns(r, f))
			st = add_local(r, &r->fs->endpoints[f->dst].ip);
	}
	return pods && st == RF_OK ? add_service_ips(r) : st;
}

/* No Service is known: pods with the customary label, or just the label. */
static enum rf_status
add_customary(struct run *r)
{
	uint32_t ns = cluster_find_namespace(r->c, "kube-system");
	struct peer peer = { .type = PEER_KUBE_DNS };

	for (size_t i = 0; ns != FLOW_NONE && i < r->spaces[ns].n_variants;
	     i++) {
		const struct variant *v = &r->spaces[ns].variants[i];
		const char *app = label_get(&v->labels, "k8s-app");

		if (app == NULL || strcmp(app, "kube-dns") != 0)
			continue;
		peer.type = PEER_GROUP;
		peer.group = r->group_of[v->workload];
		r->dns.known = true;
		break;
	}
	return entry_add(r, peer, DNS_PORT);
}

static int
compare_entries(const void *x, const void *y)
{
	const struct dns_entry *a = x, *b = y;
	int d = peer_compare(&a->peer, &b->peer);

	return d != 0 ? d : (a->port > b->port) - (a->port < b->port);
}

enum rf_status
dns_find(struct run *r)
{
	struct dns *d = &r->dns;
	enum rf_status st;
	size_t n = 0;

	for (uint32_t i = 0; i < r->c->n_services; i++)
		if (dns_is_service(&r->c->services[i]) &&
		    (st = add_service(r, i)) != RF_OK)
			return st;
	d->known = d->n > 0;
	if (!d->known && (st = add_customary(r)) != RF_OK)
		return st;
	if ((st = add_node_local(r)) != RF_OK ||
	    (cni_before_dnat(r) && (st = add_service_ips(r)) != RF_OK))
		return st;
	qsort(d->v, d->n, sizeof(*d->v), compare_entries);
	for (size_t i = 0; i < d->n; i++)
		if (i == 0 || compare_entries(&d->v[n - 1], &d->v[i]) != 0)
			d->v[n++] = d->v[i];
	d->n = n;
	return RF_OK;
}

static struct need
floor_need(uint32_t group, enum policy_direction dir, struct dns_entry e,
    uint8_t protocol)
{
	return (struct need){ .group = group,
		.direction = (uint8_t)dir,
		.protocol = protocol,
		.port = e.port,
		.floor = true,
		.peer = e.peer };
}

/* Does this group serve the cluster's DNS? */
static bool
is_server(const struct run *r, uint32_t group)
{
	for (size_t i = 0; i < r->dns.n; i++)
		if (r->dns.v[i].peer.type == PEER_GROUP &&
		    r->dns.v[i].peer.group == group)
			return true;
	return false;
}

static enum rf_status
add_client(struct run *r, uint32_t group)
{
	enum rf_status st;

	for (size_t i = 0; i < r->dns.n; i++)
		if ((st = needs_add(r,
			 floor_need(group, POLICY_EGRESS, r->dns.v[i],
			     FLOW_UDP))) != RF_OK ||
		    (st = needs_add(r,
			 floor_need(group, POLICY_EGRESS, r->dns.v[i],
			     FLOW_TCP))) != RF_OK)
			return st;
	return RF_OK;
}

/* Whom the server itself asks it asks over UDP and TCP, as answers need. */
static enum rf_status
add_upstream(struct run *r, uint32_t group)
{
	size_t n = r->n_needs;
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		struct need need = r->needs[i];

		if (need.group != group || need.direction != POLICY_EGRESS ||
		    need.port != DNS_PORT || need.peer.type != PEER_BLOCK)
			continue;
		need.protocol = need.protocol == FLOW_UDP ? FLOW_TCP : FLOW_UDP;
		need.floor = true;
		if ((st = needs_add(r, need)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* With which kinds of addresses nodes come to pods on others: those of their
 * own and of tunnels, and, as an overlay may have it, what was seen anywhere.
 */
static unsigned
arriving_kinds(const struct run *r)
{
	unsigned kinds = NODE_PRIVATE | NODE_TUNNEL;

	kinds |= kinds << NODE_V6_SHIFT;
	for (size_t i = 0; i < r->fs->n_flows; i++) {
		const struct flow *f = &r->fs->flows[i];
		const struct endpoint *src = &r->fs->endpoints[f->seen_src];
		const struct endpoint *dst = &r->fs->endpoints[f->dst];

		if (src->type == ENDPOINT_NODE &&
		    dst->type == ENDPOINT_WORKLOAD &&
		    !plan_is_own_node(r, dst, src))
			kinds |= node_kind_of(r, &src->ip);
	}
	return kinds;
}

/* A DNS server that is put under policy must still answer every pod and
 * every node (their hostNetwork pods, NodeLocal DNSCache). */
static enum rf_status
add_server(struct run *r, uint32_t group)
{
	static const uint8_t protocols[] = { FLOW_UDP, FLOW_TCP };
	unsigned kinds = arriving_kinds(r);
	enum rf_status st;

	for (size_t i = 0; i < 2 * r->dns.n; i++) {
		struct need need = floor_need(
		    group, POLICY_INGRESS, r->dns.v[i / 2], protocols[i % 2]);

		if (need.peer.type != PEER_GROUP || need.peer.group != group)
			continue;
		need.peer = (struct peer){ .type = PEER_EVERY_POD };
		if ((st = needs_add(r, need)) != RF_OK ||
		    (st = node_add_all(r, need, kinds)) != RF_OK)
			return st;
	}
	return note_add(r,
	    (struct recommend_note){ .kind = NOTE_REMARK,
		.reason = "dns-server",
		.namespace = r->c->namespaces[r->groups[group].ns].name,
		.policy = r->groups[group].policy_name },
	    "serves the cluster's DNS: every pod and node may ask it, seen or "
	    "not");
}

enum rf_status
dns_add_floor(struct run *r)
{
	bool *has = arena_calloc(r->arena, r->n_groups, sizeof(*has));
	enum rf_status st = RF_OK;

	if (has == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->n_needs; i++)
		if (r->needs[i].direction == POLICY_EGRESS)
			has[r->needs[i].group] = true;
	for (uint32_t i = 0; i < r->n_groups && st == RF_OK; i++) {
		if (!plan_group_in_scope(r, i))
			continue;
		if (is_server(r, i)) {
			if ((st = add_server(r, i)) == RF_OK)
				st = add_upstream(r, i);
		} else if (has[i]) {
			st = add_client(r, i);
		}
	}
	return st;
}

enum rf_status
dns_needs(struct run *r, struct need **needs, size_t *n)
{
	*n = 0;
	*needs = arena_calloc(r->arena, 2 * r->dns.n, sizeof(**needs));
	if (*needs == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->dns.n; i++) {
		(*needs)[(*n)++] =
		    floor_need(FLOW_NONE, POLICY_EGRESS, r->dns.v[i], FLOW_UDP);
		(*needs)[(*n)++] =
		    floor_need(FLOW_NONE, POLICY_EGRESS, r->dns.v[i], FLOW_TCP);
	}
	return RF_OK;
}

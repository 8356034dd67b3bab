/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/resolve.h"

#include <assert.h>
#include <stdlib.h>

#include "collector/address_view.h"
#include "collector/certain.h"
#include "collector/detour.h"
#include "collector/direction.h"
#include "collector/passage.h"
#include "core/hash.h"
#include "kube/address.h"

#define LISTENERS_MAX ((uint32_t)1 << 15)

struct resolver {
	const struct cluster *c;
	const struct names *names;
	int64_t window_us;
	struct listeners *listeners;
	struct passage *passage;
	uint32_t api_service; /* default/kubernetes, or FLOW_NONE */
};

/* The legs of a connection by what they are for, and who held the addresses
 * of each of them at the time. */
struct roles {
	struct address_owner clients[CONNECTION_LEGS_MAX];
	struct address_owner servers[CONNECTION_LEGS_MAX];
	const struct connection_leg *client;  /* its client is the client */
	const struct connection_leg *dialled; /* its server was dialled */
	const struct connection_leg *real;    /* its server was reached */
	const struct connection_leg *seen;    /* its client is who real saw */
	uint32_t service;                     /* of dialled, or FLOW_NONE */
	uint16_t service_port;
};

struct resolver *
resolver_new(const struct cluster *c, const struct names *names,
    int64_t window_us, uint64_t seed)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->c = c;
	r->api_service = cluster_find_service(c, "default", "kubernetes");
	r->names = names;
	r->window_us = window_us;
	r->listeners = listeners_new(LISTENERS_MAX, seed);
	r->passage = passage_new();
	if (r->listeners == NULL || r->passage == NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	listeners_free(r->listeners);
	passage_free(r->passage);
	free(r);
}

static bool
same_nodes(const struct cluster *a, const struct cluster *b)
{
	if (a->n_nodes != b->n_nodes)
		return false;
	for (size_t i = 0; i < a->n_nodes; i++)
		if (strcmp(a->nodes[i].name, b->nodes[i].name) != 0)
			return false;
	return true;
}

void
resolver_set_cluster(struct resolver *r, const struct cluster *c)
{
	if (!same_nodes(r->c, c)) /* interfaces are known with a node */
		passage_forget(r->passage);
	r->c = c;
	r->api_service = cluster_find_service(c, "default", "kubernetes");
}

/* How much an address looks like the client itself, not its translation. */
static int
client_rank(const struct address_owner *o)
{
	static const int rank[] = {
		[ADDRESS_CLASS_POD] = 3,
		[ADDRESS_CLASS_OTHER] = 2,
		[ADDRESS_CLASS_NODE] = 1,
		[ADDRESS_CLASS_SERVICE] = 0,
	};

	return rank[address_class_of(o)];
}

/* The same for the server: behind every DNAT. */
static int
server_rank(const struct address_owner *o)
{
	static const int rank[] = {
		[ADDRESS_CLASS_POD] = 3,
		[ADDRESS_CLASS_NODE] = 2,
		[ADDRESS_CLASS_OTHER] = 1,
		[ADDRESS_CLASS_SERVICE] = 0,
	};

	return rank[address_class_of(o)];
}

static bool
same_socket(const struct socket_addr *a, const struct socket_addr *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* The leg that dialled a Service, if one did. */
static void
find_dialled(
    const struct resolver *r, const struct connection *c, struct roles *roles)
{
	roles->service = FLOW_NONE;
	roles->service_port = 0;
	roles->dialled = NULL;
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct socket_addr *to = &c->legs[i].server;
		struct address_target target = { &to->ip, to->port, c->protocol,
			c->first_us };

		if (address_service(
			r->c, &target, &roles->service, &roles->service_port)) {
			roles->dialled = &c->legs[i];
			return;
		}
	}
	roles->service = FLOW_NONE;
	roles->service_port = 0;
}

/* The leg whose server was really reached: the best rank, the last seen; the
 * dialled one only when there is no other. */
static const struct connection_leg *
find_real(const struct connection *c, const struct roles *roles)
{
	const struct connection_leg *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < c->n_legs; i++) {
		const struct connection_leg *l = &c->legs[i];
		int rank = server_rank(&roles->servers[i]) * 2;

		if (roles->dialled == NULL ||
		    !same_socket(&l->server, &roles->dialled->server))
			rank++;
		if (rank >= best_rank) {
			best = l;
			best_rank = rank;
		}
	}
	return best;
}

static void
find_roles(
    const struct resolver *r, const struct connection *c, struct roles *roles)
{
	int best = -1, least = 4;

	for (size_t i = 0; i < c->n_legs; i++) {
		roles->clients[i] =
		    address_owner_at(r->c, &c->legs[i].client.ip, c->first_us);
		roles->servers[i] =
		    address_owner_at(r->c, &c->legs[i].server.ip, c->first_us);
	}
	find_dialled(r, c, roles);
	roles->real = find_real(c, roles);
	roles->client = &c->legs[0];
	roles->seen = roles->real;
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct connection_leg *l = &c->legs[i];
		int rank = client_rank(&roles->clients[i]);

		if (rank > best) {
			best = rank;
			roles->client = l;
		}
		if (same_socket(&l->server, &roles->real->server) &&
		    rank < least) {
			least = rank;
			roles->seen = l;
		}
	}
}

static struct endpoint
unknown_end(const struct ip_addr *ip)
{
	return (struct endpoint){ .type = ENDPOINT_UNKNOWN,
		.ip = *ip,
		.workload = FLOW_NONE,
		.pod = FLOW_NONE,
		.node = FLOW_NONE };
}

static struct endpoint
endpoint_of(const struct cluster *c, const struct ip_addr *ip,
    const struct address_owner *o)
{
	struct endpoint e = unknown_end(ip);

	if (o->kind == ADDRESS_POD) {
		e.type = ENDPOINT_WORKLOAD;
		e.pod = o->pod;
		e.workload = c->pods[o->pod].workload;
		e.node = c->pods[o->pod].node;
	} else if (o->kind == ADDRESS_NODE) {
		e.type = ENDPOINT_NODE;
		e.node = o->node;
	} else if (o->kind == ADDRESS_EXTERNAL) {
		e.type = ENDPOINT_EXTERNAL;
	}
	return e;
}

/*
 * Is the client a pod of which nobody told? From outside nobody dials a cluster
 * IP but through a node, whose address the server then sees; and addresses as
 * near to pods' as this one is are given to pods. Where nodes tell ranges these
 * have said so already.
 */
static bool
is_hidden_pod(const struct resolver *r, const struct roles *roles,
    const struct aggregate_item *out)
{
	return out->src.type == ENDPOINT_EXTERNAL && roles->dialled != NULL &&
	    ip_equal(&out->src.ip, &out->seen_src.ip) &&
	    address_is_cluster_ip(
		r->c, roles->service, &roles->dialled->server.ip) &&
	    address_is_near_pods(r->c, &out->src.ip);
}

/* Does the Service port that was dialled lead to that backend of it? */
static bool
leads_to(const struct kube_service *s, uint16_t service_port, uint8_t protocol,
    const struct kube_backend *b)
{
	for (size_t i = 0; i < s->n_ports && b->protocol == protocol; i++)
		if (s->ports[i].port == service_port &&
		    s->ports[i].protocol == protocol &&
		    strcmp(s->ports[i].name, b->port_name) == 0)
			return true;
	return false;
}

/*
 * Only the Service's own address was visible: who is behind it, if that is one
 * workload, or one address of somebody at that time, or the client's own node
 * (an API server on the pod's node is visible only before DNAT).
 */
static void
behind_service(const struct resolver *r, const struct connection *c,
    const struct roles *roles, const struct endpoint *src,
    struct aggregate_item *out)
{
	const struct kube_service *s = &r->c->services[roles->service];
	struct endpoint first = { .type = ENDPOINT_UNKNOWN };
	const struct kube_backend *v;
	size_t n, found = 0;
	uint16_t port = 0;
	bool one = true;

	v = address_backends(r->c, roles->service, &n);
	for (size_t i = 0; i < n; i++) {
		struct address_owner o;
		struct endpoint e;

		if (!leads_to(s, roles->service_port, c->protocol, &v[i]))
			continue;
		o = address_owner_at(r->c, &v[i].ip, c->first_us);
		e = endpoint_of(r->c, &v[i].ip, &o);
		if (e.type == ENDPOINT_NODE && e.node == src->node) {
			out->dst = e;
			out->flow.port = v[i].port;
			return;
		}
		if (found++ == 0) {
			first = e;
			port = v[i].port;
		}
		one = one && e.type == ENDPOINT_WORKLOAD && v[i].port == port &&
		    e.workload == first.workload;
	}
	out->dst = unknown_end(&roles->real->server.ip);
	if (found == 0 || (found > 1 && !one) || first.type == ENDPOINT_UNKNOWN)
		return;
	out->flow.port = port;
	if (found == 1) {
		out->dst = first;
		return;
	}
	out->dst.type = ENDPOINT_WORKLOAD;
	out->dst.ip = (struct ip_addr){ 0 };
	out->dst.workload = first.workload;
}

/* The headless Service that the pod looked up. It asks over the address of one
 * family, and may then connect from that of the other. */
static uint32_t
headless_of(const struct resolver *r, const struct endpoint *src,
    const struct ip_addr *ip, const struct ip_addr *dst)
{
	uint32_t service = names_headless(r->names, ip, dst);
	const struct kube_pod *pod;

	if (service != FLOW_NONE || src->pod >= r->c->n_pods)
		return service;
	pod = &r->c->pods[src->pod];
	for (size_t i = 0; i < pod->n_ips && service == FLOW_NONE; i++)
		service = names_headless(r->names, &pod->ips[i], dst);
	return service;
}

void
resolver_name_service(const struct resolver *r, struct flow *f,
    const struct endpoint *src, const struct endpoint *dst)
{
	uint32_t service;
	uint16_t port;

	if (f->service != FLOW_NONE || src->type != ENDPOINT_WORKLOAD ||
	    dst->type != ENDPOINT_WORKLOAD)
		return;
	service = headless_of(r, src, &src->ip, &dst->ip);
	if (service == FLOW_NONE)
		return;
	port = address_leading_port(
	    r->c, service, dst->pod, &dst->ip, f->port, f->protocol);
	if (port == 0)
		return;
	f->service = service;
	f->service_port = port;
}

/*
 * No Service address was on the wire. A host-network client's is rewritten
 * before any interface: it is the one Service that leads there, unless the
 * client is the pod's own node, whose kubelet probes pods directly. The API
 * server's own address stands for its Service, from whose endpoints it was
 * learnt.
 */
static void
service_without_address(const struct resolver *r, const struct connection *c,
    const struct roles *roles, struct aggregate_item *out)
{
	const struct socket_addr *to = &roles->real->server;
	struct address_target target = { &to->ip, to->port, c->protocol,
		c->first_us };
	uint32_t service, pod = out->dst.pod;
	uint16_t port;

	if (out->dst.type != ENDPOINT_WORKLOAD) {
		service = r->api_service;
		if (service == FLOW_NONE)
			return;
		pod = FLOW_NONE;
	} else if (out->src.type == ENDPOINT_WORKLOAD) {
		service = headless_of(
		    r, &out->src, &roles->client->client.ip, &to->ip);
		if (service == FLOW_NONE)
			return;
	} else if (out->src.type != ENDPOINT_NODE ||
	    out->src.node == out->dst.node ||
	    address_services_of(r->c, &target, &service, &port, 1) != 1) {
		return;
	}
	port = address_leading_port(
	    r->c, service, pod, &to->ip, to->port, c->protocol);
	if (port == 0)
		return;
	out->flow.service = service;
	out->flow.service_port = port;
}

/* Did the client's packets come in from a pod and leave nowhere? */
static bool
is_dropped(const struct connection *c, const struct aggregate_item *out)
{
	return c->types_known && c->entered && !c->left &&
	    out->src.type == ENDPOINT_WORKLOAD &&
	    out->dst.type != ENDPOINT_NODE;
}

static enum flow_outcome
outcome_udp(const struct resolver *r, const struct connection *c,
    const struct roles *roles, const struct aggregate_item *out)
{
	const struct connection_leg *real = roles->real;

	if (c->both_ways)
		return OUTCOME_ESTABLISHED;
	if (c->refused)
		return OUTCOME_REFUSED;
	if (is_dropped(c, out))
		return OUTCOME_DROPPED;
	if (out->dst.type == ENDPOINT_WORKLOAD && out->dst.pod != FLOW_NONE &&
	    address_listens(r->c, &real->server.ip, real->server.port,
		c->protocol, c->first_us) &&
	    passage_delivered(r->passage, c, real, r->c, &out->dst))
		return OUTCOME_ONEWAY;
	return OUTCOME_UNANSWERED;
}

static enum flow_outcome
outcome_of(const struct resolver *r, const struct connection *c,
    const struct roles *roles, const struct aggregate_item *out)
{
	if (c->protocol == FLOW_UDP)
		return outcome_udp(r, c, roles, out);
	if (c->accepted)
		return OUTCOME_ESTABLISHED;
	if (c->known || (c->opening != OPENING_HANDSHAKE && c->any_reply))
		return OUTCOME_MIDSTREAM;
	if (c->both_ways)
		return OUTCOME_ESTABLISHED;
	if (c->refused)
		return OUTCOME_REFUSED;
	if (c->any_reply)
		return OUTCOME_ESTABLISHED;
	return is_dropped(c, out) ? OUTCOME_DROPPED : OUTCOME_UNANSWERED;
}

/* From which side of the network it was observed. */
static uint8_t
sides_of(const struct connection *c)
{
	uint8_t sides = c->entered ? SIDE_SRC : 0;

	for (size_t i = 0; i < c->n_legs; i++)
		if (c->legs[i].last_out_if != 0)
			sides |= SIDE_DST;
	return sides != 0 ? sides : SIDE_SRC | SIDE_DST;
}

static int64_t
window_of(int64_t t, int64_t width)
{
	int64_t rest = t % width;

	return t - (rest < 0 ? rest + width : rest);
}

static void
resolve_ends(struct resolver *r, const struct connection *c,
    const struct roles *roles, struct aggregate_item *out)
{
	const struct socket_addr *to = &roles->real->server;
	const struct address_owner *owner =
	    &roles->servers[roles->real - c->legs];

	out->src = endpoint_of(r->c, &roles->client->client.ip,
	    &roles->clients[roles->client - c->legs]);
	out->dst = endpoint_of(r->c, &to->ip, owner);
	out->flow.port = to->port;
	out->flow.service = roles->service;
	out->flow.service_port = roles->service_port;
	if (owner->kind == ADDRESS_SERVICE && roles->service != FLOW_NONE)
		behind_service(r, c, roles, &out->src, out);
	else if (roles->service == FLOW_NONE)
		service_without_address(r, c, roles, out);
	out->seen_src = out->src;
	if (out->dst.type == ENDPOINT_WORKLOAD && roles->seen != roles->client)
		out->seen_src = endpoint_of(r->c, &roles->seen->client.ip,
		    &roles->clients[roles->seen - c->legs]);
	if (is_hidden_pod(r, roles, out))
		out->src.type = out->seen_src.type = ENDPOINT_UNKNOWN;
}

static void
forget_end(const struct resolver *r, uint32_t own_node, struct endpoint *e)
{
	struct ip_addr ip = e->ip;

	if (!certain_is_lasting(r->c, e, own_node))
		*e = unknown_end(&ip);
}

/* Keep of the ends what does not go by objects that may have changed since;
 * and of the Service that one was dialled. */
static void
forget_ends(const struct resolver *r, const struct connection *c,
    const struct roles *roles, uint32_t own_node, struct aggregate_item *out)
{
	const struct socket_addr *to = &roles->real->server;

	out->flow.port = to->port;
	out->flow.service = roles->service;
	out->flow.service_port = roles->service_port;
	if (roles->servers[roles->real - c->legs].kind == ADDRESS_SERVICE)
		out->dst = unknown_end(&to->ip);
	forget_end(r, own_node, &out->src);
	forget_end(r, own_node, &out->dst);
	forget_end(r, own_node, &out->seen_src);
}

/* A handshake was accepted: there is somebody who listens. */
static void
learn_listeners(
    struct resolver *r, const struct connection *c, const struct roles *roles)
{
	if (!c->accepted || c->opening != OPENING_HANDSHAKE)
		return;
	listeners_learn(r->listeners, &roles->real->server.ip,
	    roles->real->server.port, c->protocol);
	if (roles->dialled != NULL)
		listeners_learn(r->listeners, &roles->dialled->server.ip,
		    roles->dialled->server.port, c->protocol);
}

/* own_node: NULL where the owners are known. */
static void
resolve(struct resolver *r, const struct connection *c,
    enum flow_certainty certainty, const uint32_t *own_node,
    struct aggregate_item *out)
{
	struct roles roles;

	assert(c->n_legs >= 1 && c->n_legs <= CONNECTION_LEGS_MAX);
	memset(out, 0, sizeof(*out));
	out->flow.certainty = (uint8_t)certainty;
	find_roles(r, c, &roles);
	learn_listeners(r, c, &roles);
	resolve_ends(r, c, &roles, out);
	if (own_node != NULL)
		forget_ends(r, c, &roles, *own_node, out);
	if (out->dst.type == ENDPOINT_WORKLOAD)
		passage_learn(r->passage, roles.real, r->c, &out->dst);
	out->flow.window_us = window_of(c->first_us, r->window_us);
	out->flow.protocol = c->protocol;
	out->flow.outcome = (uint8_t)outcome_of(r, c, &roles, out);
	out->flow.sides = sides_of(c);
	out->flow.connections = c->counted;
	out->flow.packets = c->packets;
	out->flow.bytes = c->bytes;
	out->flow.first_us = c->first_us;
	out->flow.last_us = c->last_us;
}

bool
resolver_split(const struct resolver *r, const struct connection *c,
    struct connection parts[2])
{
	return c->n_legs > 1 && detour_split(r->c, c, parts);
}

enum flow_certainty
resolver_direct(const struct resolver *r, struct connection *c)
{
	return direction_decide(c, r->c, r->listeners);
}

void
resolver_resolve_directed(struct resolver *r, const struct connection *c,
    enum flow_certainty certainty, struct aggregate_item *out)
{
	resolve(r, c, certainty, NULL, out);
}

static void
direct_and_resolve(struct resolver *r, const struct connection *seen,
    const uint32_t *own_node, struct aggregate_item *out)
{
	struct connection c;
	enum flow_certainty certainty;

	memcpy(&c, seen, connection_bytes(seen));
	certainty = resolver_direct(r, &c);
	resolve(r, &c, certainty, own_node, out);
}

void
resolver_resolve(
    struct resolver *r, const struct connection *c, struct aggregate_item *out)
{
	direct_and_resolve(r, c, NULL, out);
}

void
resolver_resolve_unowned(struct resolver *r, const struct connection *c,
    uint32_t own_node, struct aggregate_item *out)
{
	direct_and_resolve(r, c, &own_node, out);
}

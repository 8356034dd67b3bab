/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/address.h"

#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "kube/internal.h"

static uint32_t
holder_at(
    const struct cluster_index *ix, const struct address_slot *s, int64_t at_us)
{
	size_t lo = s->first, hi = s->first + s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct address_span *sp = &ix->spans[mid];

		if (at_us < sp->from_us)
			hi = mid;
		else if (at_us >= sp->to_us)
			lo = mid + 1;
		else
			return sp->pod;
	}
	return FLOW_NONE;
}

/* So near are addresses that one network plugin gave out on a node. */
#define NEAR_BITS_V4 (96 + 24)
#define NEAR_BITS_V6 64

struct ip_addr
index_net_of(const struct ip_addr *ip)
{
	return ip_prefix_of(ip, ip_is_v4(ip) ? NEAR_BITS_V4 : NEAR_BITS_V6)
	    .addr;
}

static int
find_range(const void *ip, const void *range)
{
	const struct address_range *r = range;

	if (ip_compare(ip, &r->lo) < 0)
		return -1;
	return ip_compare(ip, &r->hi) > 0;
}

bool
index_in_pod_ranges(const struct cluster_index *ix, const struct ip_addr *ip)
{
	return ix->n_pod_ranges > 0 &&
	    bsearch(ip, ix->pod_ranges, ix->n_pod_ranges,
		sizeof(*ix->pod_ranges), find_range) != NULL;
}

/* Of two Services that share an address: the one that was there, of two that
 * were the one that came last, which has it from then on. */
static bool
is_likelier(const struct kube_service *s, const struct kube_service *than,
    int64_t at_us)
{
	int64_t away = kube_service_away_us(s, at_us);
	int64_t away_than = kube_service_away_us(than, at_us);

	if (away != away_than)
		return away < away_than;
	if (s->from_us != than->from_us)
		return s->from_us > than->from_us;
	return than->gone && !s->gone; /* whose end is not told */
}

/* The Service that had the address; FLOW_NONE: none has, ever. */
static uint32_t
service_at(const struct cluster *c, const struct address_slot *s, int64_t at_us)
{
	const struct service_link *links = c->index->links;
	uint32_t best = FLOW_NONE;

	/* Links lead from the last Service by name to the first. */
	for (uint32_t i = s->services; i != 0; i = links[i - 1].next) {
		uint32_t next = links[i - 1].service;

		if (best == FLOW_NONE ||
		    !is_likelier(&c->services[best], &c->services[next], at_us))
			best = next;
	}
	return best;
}

static enum address_kind
range_kind(const struct cluster_index *ix, const struct ip_addr *ip)
{
	if (index_in_pod_ranges(ix, ip))
		return ADDRESS_POD_RANGE;
	for (size_t i = 0; i < ix->n_service_ranges; i++)
		if (ip_prefix_contains(&ix->service_ranges[i], ip))
			return ADDRESS_SERVICE_RANGE;
	return ADDRESS_EXTERNAL;
}

struct address_owner
address_owner_at(
    const struct cluster *c, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = { ADDRESS_EXTERNAL, FLOW_NONE, FLOW_NONE,
		FLOW_NONE };
	const struct address_slot *s = index_find_address(c->index, ip);

	if (s == NULL) {
		o.kind = range_kind(c->index, ip);
		return o;
	}
	o.pod = holder_at(c->index, s, at_us);
	if (o.pod != FLOW_NONE) {
		o.kind = ADDRESS_POD;
	} else if (s->node != FLOW_NONE) {
		o.kind = ADDRESS_NODE;
		o.node = s->node;
	} else if (s->services != 0) {
		o.kind = ADDRESS_SERVICE;
		o.service = service_at(c, s, at_us);
	} else {
		o.kind = ADDRESS_POD_RANGE; /* some pod had it once */
	}
	return o;
}

struct address_owner
address_owner_now(const struct cluster *c, const struct ip_addr *ip)
{
	const struct address_slot *s = index_find_address(c->index, ip);
	struct address_owner o = address_owner_at(c, ip, ADDRESS_NOW);

	if (s == NULL || s->live == FLOW_NONE ||
	    (o.kind == ADDRESS_POD && index_is_live(&c->pods[o.pod])))
		return o;
	return (
	    struct address_owner){ ADDRESS_POD, s->live, FLOW_NONE, FLOW_NONE };
}

uint32_t
address_span_at(
    const struct cluster *c, int64_t at_us, int64_t *from_us, int64_t *to_us)
{
	const struct cluster_index *ix = c->index;
	size_t lo = 0, hi = ix->n_changes; /* the first change after at_us */

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->changes[mid] <= at_us)
			lo = mid + 1;
		else
			hi = mid;
	}
	*from_us = lo > 0 ? ix->changes[lo - 1] : INT64_MIN;
	*to_us = lo < ix->n_changes ? ix->changes[lo] : INT64_MAX;
	return (uint32_t)lo;
}

bool
address_is_steady(const struct cluster *c, const struct ip_addr *ip,
    int64_t from_us, int64_t to_us)
{
	const struct cluster_index *ix = c->index;
	const struct address_slot *s = index_find_address(ix, ip);

	for (size_t i = 0; s != NULL && i < s->n; i++) {
		const struct address_span *sp = &ix->spans[s->first + i];

		if ((from_us < sp->from_us && sp->from_us <= to_us) ||
		    (from_us < sp->to_us && sp->to_us <= to_us))
			return false;
	}
	return true;
}

static int
find_ip(const void *a, const void *b)
{
	return ip_compare(a, b);
}

bool
address_is_near_pods(const struct cluster *c, const struct ip_addr *ip)
{
	const struct cluster_index *ix = c->index;
	struct ip_addr net = index_net_of(ip);

	return ix->n_pod_nets > 0 &&
	    bsearch(&net, ix->pod_nets, ix->n_pod_nets, sizeof(net), find_ip) !=
	    NULL;
}

bool
address_is_cluster_ip(
    const struct cluster *c, uint32_t service, const struct ip_addr *ip)
{
	const struct kube_service *s = &c->services[service];

	for (size_t i = 0; i < s->n_cluster_ips; i++)
		if (ip_equal(&s->cluster_ips[i], ip))
			return true;
	return false;
}

bool
address_may_be_pods(const struct cluster *c, const struct ip_addr *ip)
{
	return ip_is_private(ip) || c->index->has_public_pods[ip_is_v4(ip)];
}

/* The entries of ip:port, or of the nodePort if ip is a node's own. */
static const struct port_entry *
find_services(const struct cluster *c, const struct ip_addr *ip, uint16_t port,
    uint8_t protocol, size_t *n)
{
	static const struct ip_addr any_node;
	const struct cluster_index *ix = c->index;
	const struct address_slot *s;
	const struct port_entry *e;

	*n = 0;
	if (ip_is_none(ip))
		return NULL;
	e = index_find_port(&ix->services, ip, port, protocol, n);
	if (e != NULL)
		return e;
	s = index_find_address(ix, ip);
	if (s == NULL || !s->own_node_addr)
		return NULL;
	return index_find_port(&ix->services, &any_node, port, protocol, n);
}

bool
address_service(const struct cluster *c, const struct address_target *to,
    uint32_t *service, uint16_t *service_port)
{
	size_t n, best = 0;
	const struct port_entry *e =
	    find_services(c, to->ip, to->port, to->protocol, &n);

	if (e == NULL)
		return false;
	for (size_t i = 1; i < n; i++)
		if (is_likelier(&c->services[e[i].object],
			&c->services[e[best].object], to->at_us))
			best = i;
	*service = e[best].object;
	*service_port = c->services[e[best].object].ports[e[best].detail].port;
	return true;
}

/* The port of service that a backend belongs to, or NULL. */
static const struct kube_service_port *
port_of_backend(const struct kube_service *s, const struct kube_backend *b)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].protocol == b->protocol &&
		    strcmp(s->ports[i].name, b->port_name) == 0)
			return &s->ports[i];
	return NULL;
}

bool
address_is_backend(const struct cluster *c, uint32_t service,
    uint16_t service_port, uint8_t protocol, const struct ip_addr *ip,
    uint16_t port)
{
	size_t n;
	const struct port_entry *e =
	    index_find_port(&c->index->backends, ip, port, protocol, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kube_backend *b = &c->backends[e[i].object];
		const struct kube_service_port *sp;

		if (b->service != service)
			continue;
		sp = port_of_backend(&c->services[service], b);
		if (sp != NULL && sp->port == service_port)
			return true;
	}
	return false;
}

static bool
selects(const struct cluster *c, const struct kube_service *s,
    const struct kube_pod *p)
{
	return strcmp(c->namespaces[p->ns].name, s->namespace) == 0 &&
	    selector_matches(&s->selector, &p->labels);
}

uint16_t
address_leading_port(const struct cluster *c, uint32_t service, uint32_t pod,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol)
{
	const struct kube_service *s = &c->services[service];
	const struct kube_pod *p =
	    s->has_selector && pod < c->n_pods ? &c->pods[pod] : NULL;

	if (p != NULL && !selects(c, s, p))
		return 0;
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct kube_service_port *sp = &s->ports[i];

		if (sp->protocol != protocol)
			continue;
		if ((p != NULL && kube_service_target(sp, p) == port) ||
		    address_is_backend(
			c, service, sp->port, protocol, ip, port))
			return sp->port;
	}
	return 0;
}

/* Backends are grouped by ascending service: the first one not below. */
static size_t
first_backend(const struct cluster *c, uint32_t service)
{
	size_t lo = 0, hi = c->n_backends;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->backends[mid].service < service)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct kube_backend *
address_backends(const struct cluster *c, uint32_t service, size_t *n)
{
	size_t first = first_backend(c, service);

	*n = first_backend(c, service + 1) - first;
	return *n == 0 ? NULL : &c->backends[first];
}

/* Slices may name a backend twice while endpoints move between them. */
static bool
is_repeated(const uint32_t *services, const uint16_t *ports, size_t n,
    uint32_t service, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (services[i] == service && ports[i] == port)
			return true;
	return false;
}

/* One that is gone since nobody knows when may have been there before. */
static bool
was_there(const struct kube_service *s, int64_t at_us)
{
	return kube_service_away_us(s, at_us) == 0 &&
	    !(s->gone && at_us == ADDRESS_NOW);
}

size_t
address_services_of(const struct cluster *c, const struct address_target *to,
    uint32_t *services, uint16_t *service_ports, size_t max)
{
	size_t n, found = 0;
	const struct port_entry *e = index_find_port(
	    &c->index->backends, to->ip, to->port, to->protocol, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kube_backend *b = &c->backends[e[i].object];
		const struct kube_service *s = &c->services[b->service];
		const struct kube_service_port *sp = port_of_backend(s, b);

		if (s->headless || sp == NULL || !was_there(s, to->at_us) ||
		    is_repeated(services, service_ports,
			found < max ? found : max, b->service, sp->port))
			continue;
		if (found < max) {
			services[found] = b->service;
			service_ports[found] = sp->port;
		}
		found++;
	}
	return found;
}

static bool
pod_declares(const struct kube_pod *p, uint16_t port, uint8_t protocol)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].port == port &&
		    p->ports[i].protocol == protocol && !p->ports[i].init)
			return true;
	return false;
}

static bool
host_pod_listens(const struct cluster *c, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol, int64_t at_us)
{
	size_t n;
	const struct port_entry *e =
	    index_find_port(&c->index->host_ports, ip, port, protocol, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kube_pod *p = &c->pods[e[i].object];

		if (p->from_us <= at_us && at_us < p->to_us)
			return true;
	}
	return false;
}

/* Is one of them an endpoint of the owner's workload, or of no pod? Endpoints
 * are those of now, when the address may be another's. */
static bool
is_endpoint_of(const struct cluster *c, const struct address_owner *o,
    const struct port_entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t pod = c->backends[e[i].object].pod;

		if (o->kind != ADDRESS_POD || pod == FLOW_NONE ||
		    c->pods[pod].workload == c->pods[o->pod].workload)
			return true;
	}
	return false;
}

bool
address_listens(const struct cluster *c, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol, int64_t at_us)
{
	const struct port_entry *e;
	struct address_owner o;
	size_t n;

	if (find_services(c, ip, port, protocol, &n) != NULL)
		return true;
	o = address_owner_at(c, ip, at_us);
	e = index_find_port(&c->index->backends, ip, port, protocol, &n);
	if (is_endpoint_of(c, &o, e, n))
		return true;
	if (o.kind == ADDRESS_POD)
		return pod_declares(&c->pods[o.pod], port, protocol);
	return host_pod_listens(c, ip, port, protocol, at_us);
}

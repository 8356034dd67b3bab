/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/certain.h"

#include "core/hash.h"
#include "kube/address.h"

static bool
is_early(const struct cluster *c, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = address_owner_at(c, ip, at_us);

	/* Gone, and another one may have its address by then. */
	if (o.kind == ADDRESS_SERVICE)
		return c->services[o.service].gone &&
		    kube_service_away_us(&c->services[o.service], at_us) != 0;
	return o.kind == ADDRESS_POD_RANGE || o.kind == ADDRESS_SERVICE_RANGE ||
	    (o.kind == ADDRESS_EXTERNAL && ip_is_private(ip));
}

bool
certain_is_early(const struct cluster *c, const struct connection *conn)
{
	for (size_t i = 0; i < conn->n_legs; i++)
		if (is_early(c, &conn->legs[i].client.ip, conn->first_us) ||
		    is_early(c, &conn->legs[i].server.ip, conn->first_us))
			return true;
	return false;
}

/* A Service's backends stand for it where they were not seen, so none of them
 * may change hands. */
static bool
is_steady(const struct cluster *c, const struct ip_addr *ip, int64_t from_us,
    int64_t to_us)
{
	struct address_owner o = address_owner_at(c, ip, from_us);
	const struct kube_backend *v;
	size_t n = 0;

	if (o.kind == ADDRESS_SERVICE) {
		if (address_owner_at(c, ip, to_us).service != o.service)
			return false;
		v = address_backends(c, o.service, &n);
		for (size_t i = 0; i < n; i++)
			if (!address_is_steady(c, &v[i].ip, from_us, to_us))
				return false;
	}
	return address_is_steady(c, ip, from_us, to_us);
}

bool
certain_is_steady(
    const struct cluster *c, const struct connection *conn, int64_t latest_us)
{
	if (latest_us == conn->first_us)
		return true;
	for (size_t i = 0; i < conn->n_legs; i++) {
		const struct connection_leg *l = &conn->legs[i];

		if (!is_steady(c, &l->client.ip, conn->first_us, latest_us) ||
		    !is_steady(c, &l->server.ip, conn->first_us, latest_us))
			return false;
	}
	return true;
}

/* Never 0. The seed is a constant: another process asks for the same. */
static uint64_t
number_of(enum address_kind kind, const char *namespace, const char *name)
{
	return hash_string(hash_string(kind, namespace), name) | 1;
}

static uint64_t
owner(const struct cluster *c, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = address_owner_at(c, ip, at_us);
	const struct kube_pod *p;

	switch (o.kind) {
	case ADDRESS_POD:
		p = &c->pods[o.pod];
		return *p->uid != '\0'
		    ? number_of(o.kind, "", p->uid)
		    : number_of(o.kind, p->namespace, p->name);
	case ADDRESS_NODE:
		return number_of(o.kind, "", c->nodes[o.node].name);
	case ADDRESS_SERVICE:
		return number_of(o.kind, c->services[o.service].namespace,
		    c->services[o.service].name);
	case ADDRESS_EXTERNAL:
	case ADDRESS_POD_RANGE:
	case ADDRESS_SERVICE_RANGE:
		break;
	}
	return 0;
}

void
certain_owners(const struct cluster *c, const struct connection *conn,
    struct certain_owners *out)
{
	for (size_t i = 0; i < conn->n_legs; i++) {
		const struct connection_leg *l = &conn->legs[i];

		out->of[i][0] = owner(c, &l->client.ip, conn->first_us);
		out->of[i][1] = owner(c, &l->server.ip, conn->first_us);
	}
}

bool
certain_is_same(const struct cluster *c, const struct connection *conn,
    const struct certain_owners *before)
{
	struct certain_owners now;

	certain_owners(c, conn, &now);
	for (size_t i = 0; i < conn->n_legs; i++)
		for (int k = 0; k < 2; k++)
			if (before->of[i][k] != 0 &&
			    before->of[i][k] != now.of[i][k])
				return false;
	return true;
}

bool
certain_is_lasting(
    const struct cluster *c, const struct endpoint *e, uint32_t own_node)
{
	switch (e->type) {
	case ENDPOINT_NODE:
		return e->node == own_node && own_node != FLOW_NONE;
	case ENDPOINT_EXTERNAL:
		return !address_may_be_pods(c, &e->ip);
	case ENDPOINT_WORKLOAD:
	case ENDPOINT_UNKNOWN:
		break;
	}
	return false;
}

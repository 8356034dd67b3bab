/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/certain.h"

#include "kube/address.h"

static bool
is_early(const struct cluster *c, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = address_owner_at(c, ip, at_us);

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

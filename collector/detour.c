/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/detour.h"

#include <stddef.h>
#include <string.h>

#include "kube/address.h"

static bool
same_server(const struct connection_leg *a, const struct connection_leg *b)
{
	return a->server.port == b->server.port &&
	    ip_equal(&a->server.ip, &b->server.ip);
}

/* The client's own leg among those to the server that dialled went to: a
 * pod's, of another node. */
static bool
has_far_client(const struct cluster *c, const struct connection *conn,
    const struct connection_leg *dialled, uint32_t node)
{
	for (size_t i = 0; i < conn->n_legs; i++) {
		const struct connection_leg *l = &conn->legs[i];
		struct address_owner o;

		if (!same_server(l, dialled))
			continue;
		o = address_owner_at(c, &l->client.ip, conn->first_us);
		if (o.kind == ADDRESS_POD)
			return c->pods[o.pod].node != FLOW_NONE &&
			    c->pods[o.pod].node != node;
	}
	return false;
}

static bool
is_detour(const struct cluster *c, const struct connection *conn,
    const struct connection_leg *dialled, const struct connection_leg *passed)
{
	struct address_owner to;

	if (same_server(dialled, passed))
		return false;
	to = address_owner_at(c, &dialled->server.ip, conn->first_us);
	if (to.kind != ADDRESS_NODE)
		return false;
	return has_far_client(c, conn, dialled, to.node) &&
	    address_owner_at(c, &passed->server.ip, conn->first_us).kind ==
	    ADDRESS_POD;
}

/* Who the node saw: what the client's own node made of its address, if it
 * did. */
static bool
is_seen_by_node(const struct cluster *c, const struct connection *conn,
    const struct connection_leg *l)
{
	return address_owner_at(c, &l->client.ip, conn->first_us).kind ==
	    ADDRESS_NODE;
}

static void
put_parts(const struct cluster *c, const struct connection *conn,
    const struct connection_leg *dialled, struct connection out[2])
{
	const struct connection_leg *entry = dialled;

	for (int i = 0; i < 2; i++) {
		memcpy(&out[i], conn, offsetof(struct connection, legs));
		out[i].n_legs = 0;
	}
	for (size_t i = 0; i < conn->n_legs; i++) {
		const struct connection_leg *l = &conn->legs[i];

		if (!same_server(l, dialled))
			continue;
		out[0].legs[out[0].n_legs++] = *l;
		if (is_seen_by_node(c, conn, l))
			entry = l;
	}
	out[1].legs[out[1].n_legs++] = *entry;
	for (size_t i = 0; i < conn->n_legs; i++)
		if (!same_server(&conn->legs[i], dialled))
			out[1].legs[out[1].n_legs++] = conn->legs[i];
}

bool
detour_split(const struct cluster *c, const struct connection *conn,
    struct connection out[2])
{
	for (size_t i = 0; i < conn->n_legs; i++)
		for (size_t k = 0; k < conn->n_legs; k++)
			if (is_detour(
				c, conn, &conn->legs[i], &conn->legs[k])) {
				put_parts(c, conn, &conn->legs[i], out);
				return true;
			}
	return false;
}

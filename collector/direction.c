/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/direction.h"

#include "kube/address.h"

#define EPHEMERAL_PORT_MIN 32768 /* Linux, ip_local_port_range */

static bool
listens(const struct socket_addr *a, const struct connection *c,
    const struct cluster *cluster, const struct listeners *learnt)
{
	return listeners_has(learnt, &a->ip, a->port, c->protocol) ||
	    address_listens(cluster, &a->ip, a->port, c->protocol, c->first_us);
}

/* Exchange client and server in every leg and in what was seen of them: where
 * packets came in and left was told of the other's. */
static void
turn_round(struct connection *c)
{
	for (size_t i = 0; i < c->n_legs; i++) {
		struct socket_addr t = c->legs[i].client;

		c->legs[i].client = c->legs[i].server;
		c->legs[i].server = t;
		c->legs[i].last_out_if = c->legs[i].other_out_if = 0;
	}
	c->entered = c->left = false;
	if (c->any_reply)
		c->refused = false;
	else
		c->delivery = DELIVERY_UNSURE; /* nothing was sent */
}

/* -1: the client's port looks like a server's; 1: as it should be; 0: no. */
static int
port_order(const struct connection *c)
{
	bool client = c->legs[0].client.port >= EPHEMERAL_PORT_MIN;
	bool server = c->legs[0].server.port >= EPHEMERAL_PORT_MIN;

	return (int)client - (int)server;
}

/* No end is known to listen, or both are. */
static enum flow_certainty
by_ports(struct connection *c, bool both_listen)
{
	int order = port_order(c);

	if (order < 0)
		turn_round(c);
	if (both_listen && order != 0)
		return CERTAINTY_LISTENER;
	/* A UDP exchange whose request and answer were seen in that order. */
	if (c->protocol == FLOW_UDP && order > 0 && c->both_ways)
		return CERTAINTY_HANDSHAKE;
	return CERTAINTY_GUESSED;
}

/*
 * Both ends speak from the port that they listen on, or would (gossip, SIP,
 * IKE, NTP): who listens says nothing then, who sent first does.
 */
static bool
is_between_peers(const struct connection *c)
{
	return c->protocol == FLOW_UDP && c->opening == OPENING_FIRST &&
	    c->legs[0].client.port == c->legs[0].server.port;
}

static enum flow_certainty
between_peers(const struct connection *c, bool server_listens)
{
	if (server_listens)
		return CERTAINTY_LISTENER;
	return c->both_ways ? CERTAINTY_HANDSHAKE : CERTAINTY_GUESSED;
}

enum flow_certainty
direction_decide(struct connection *c, const struct cluster *cluster,
    const struct listeners *learnt)
{
	bool server = false, client = false;

	if (c->opening == OPENING_HANDSHAKE)
		return CERTAINTY_HANDSHAKE;
	for (size_t i = 0; i < c->n_legs; i++) {
		server =
		    server || listens(&c->legs[i].server, c, cluster, learnt);
		client =
		    client || listens(&c->legs[i].client, c, cluster, learnt);
	}
	if (is_between_peers(c))
		return between_peers(c, server);
	if (server == client)
		return by_ports(c, server);
	if (client)
		turn_round(c);
	return CERTAINTY_LISTENER;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/passage.h"

#include <stdlib.h>
#include <string.h>

#define PASSAGE_MAX 4096 /* interfaces of a node and then some */

struct interface {
	uint32_t ifindex; /* 0: empty */
	uint32_t node;    /* of the pods that packets left for */
	uint8_t point;
	bool shared; /* packets left on it for more than one pod */
	struct ip_addr to;
};

struct passage {
	struct interface v[PASSAGE_MAX];
};

struct passage *
passage_new(void)
{
	return calloc(1, sizeof(struct passage));
}

void
passage_free(struct passage *p)
{
	free(p);
}

void
passage_forget(struct passage *p)
{
	memset(p, 0, sizeof(*p));
}

/* The slot of an interface, or where it belongs; full: PASSAGE_MAX. */
static uint32_t
slot_of(
    const struct passage *p, const struct connection_leg *leg, uint32_t node)
{
	uint32_t home =
	    (leg->last_out_if * 31 + node) * 2654435761u + leg->last_out_point;

	for (uint32_t n = 0; n < PASSAGE_MAX; n++) {
		uint32_t i = (home + n) % PASSAGE_MAX;

		if (p->v[i].ifindex == 0 ||
		    (p->v[i].ifindex == leg->last_out_if &&
			p->v[i].point == leg->last_out_point &&
			p->v[i].node == node))
			return i;
	}
	return PASSAGE_MAX;
}

/* What tells the server's pod from others. */
static const struct ip_addr *
address_of(const struct connection_leg *leg, const struct cluster *c,
    const struct endpoint *server)
{
	return server->pod == FLOW_NONE ? &leg->server.ip
					: &c->pods[server->pod].ips[0];
}

void
passage_learn(struct passage *p, const struct connection_leg *leg,
    const struct cluster *c, const struct endpoint *server)
{
	const struct ip_addr *to = address_of(leg, c, server);
	struct interface *f;
	uint32_t i;

	if (leg->last_out_if == 0 ||
	    (i = slot_of(p, leg, server->node)) == PASSAGE_MAX)
		return;
	f = &p->v[i];
	if (f->ifindex == 0)
		*f = (struct interface){ .ifindex = leg->last_out_if,
			.node = server->node,
			.point = leg->last_out_point,
			.to = *to };
	else if (!ip_equal(&f->to, to))
		f->shared = true;
}

static bool
tells_interfaces(const struct connection *of)
{
	for (size_t i = 0; i < of->n_legs; i++)
		if (of->legs[i].last_out_if != 0)
			return true;
	return false;
}

bool
passage_delivered(const struct passage *p, const struct connection *of,
    const struct connection_leg *leg, const struct cluster *c,
    const struct endpoint *server)
{
	uint32_t i;

	if (!of->types_known || of->delivery == DELIVERY_SURE)
		return true;
	if (of->delivery == DELIVERY_UNSURE)
		return false;
	if (!tells_interfaces(of))
		return of->left;
	if (leg->last_out_if == 0 ||
	    (i = slot_of(p, leg, server->node)) == PASSAGE_MAX)
		return false;
	return p->v[i].ifindex != 0 && !p->v[i].shared &&
	    ip_equal(&p->v[i].to, address_of(leg, c, server));
}

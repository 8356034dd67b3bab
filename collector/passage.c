/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/passage.h"

#include <stdlib.h>
#include <string.h>

#define PASSAGE_MAX  4096 /* interfaces of a node and then some */
#define PASSAGE_ROOM (PASSAGE_MAX / 4 * 3)

struct interface {
	uint32_t ifindex; /* 0: empty */
	uint32_t node;    /* of the pods that packets left for */
	uint8_t point;
	bool shared; /* packets left on it for more than one pod */
	struct ip_addr to;
};

struct passage {
	uint32_t n;
	bool is_full; /* of shared ones */
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

/* The slot of an interface, or the empty one where it belongs. */
static uint32_t
slot_of(const struct passage *p, uint32_t ifindex, uint8_t point, uint32_t node)
{
	uint32_t i =
	    ((ifindex * 31 + node) * 2654435761u + point) % PASSAGE_MAX;

	while (p->v[i].ifindex != 0 &&
	    (p->v[i].ifindex != ifindex || p->v[i].point != point ||
		p->v[i].node != node))
		i = (i + 1) % PASSAGE_MAX;
	return i;
}

/*
 * Pods come and go, and their interfaces never come again. What leads to one
 * pod alone is learnt anew with its next packet; what does not is kept, for
 * that takes packets to two.
 */
static void
make_room(struct passage *p)
{
	struct interface *kept = malloc(sizeof(p->v));
	uint32_t n = 0;

	if (kept == NULL)
		return;
	for (uint32_t i = 0; i < PASSAGE_MAX; i++)
		if (p->v[i].ifindex != 0 && p->v[i].shared)
			kept[n++] = p->v[i];
	passage_forget(p);
	for (p->n = 0; p->n < n; p->n++)
		p->v[slot_of(p, kept[p->n].ifindex, kept[p->n].point,
		    kept[p->n].node)] = kept[p->n];
	free(kept);
	p->is_full = n >= PASSAGE_ROOM;
}

/* What tells the server's pod from others. */
static const struct ip_addr *
address_of(const struct connection_leg *leg, const struct cluster *c,
    const struct endpoint *server)
{
	return server->pod == FLOW_NONE ? &leg->server.ip
					: &c->pods[server->pod].ips[0];
}

/* Packets for the server, on that node, left on the interface. */
static void
learn(struct passage *p, uint32_t ifindex, uint8_t point, uint32_t node,
    const struct ip_addr *to)
{
	struct interface *f;

	if (ifindex == 0)
		return;
	f = &p->v[slot_of(p, ifindex, point, node)];
	if (f->ifindex != 0) {
		f->shared = f->shared || !ip_equal(&f->to, to);
		return;
	}
	if (p->n >= PASSAGE_ROOM && !p->is_full)
		make_room(p);
	if (p->n >= PASSAGE_ROOM)
		return;
	f = &p->v[slot_of(p, ifindex, point, node)];
	*f = (struct interface){
		.ifindex = ifindex, .node = node, .point = point, .to = *to
	};
	p->n++;
}

void
passage_learn(struct passage *p, const struct connection_leg *leg,
    const struct cluster *c, const struct endpoint *server)
{
	const struct ip_addr *to = address_of(leg, c, server);

	learn(p, leg->last_out_if, leg->last_out_point, server->node, to);
	learn(p, leg->other_out_if, leg->other_out_point, server->node, to);
}

static bool
leads_to(const struct passage *p, uint32_t ifindex, uint8_t point,
    uint32_t node, const struct ip_addr *to)
{
	const struct interface *f;

	if (ifindex == 0)
		return false;
	f = &p->v[slot_of(p, ifindex, point, node)];
	return f->ifindex != 0 && !f->shared && ip_equal(&f->to, to);
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
	const struct ip_addr *to = address_of(leg, c, server);
	uint32_t node = server->node;

	if (of->delivery == DELIVERY_UNSURE)
		return false;
	if (!of->types_known || of->delivery == DELIVERY_SURE)
		return true;
	if (!tells_interfaces(of))
		return of->left;
	return leads_to(p, leg->last_out_if, leg->last_out_point, node, to) ||
	    leads_to(p, leg->other_out_if, leg->other_out_point, node, to);
}

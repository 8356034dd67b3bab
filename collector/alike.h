/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alike: what of a connection matters to who it was between and what became of
 * it, apart from its time. Pure.
 */
#ifndef COLLECTOR_ALIKE_H
#define COLLECTOR_ALIKE_H

#include "collector/connection.h"
#include "core/flow.h"

#define ALIKE_LEGS_MAX 3 /* bridges show so many */

/* Do its packets alone tell direction and outcome? Otherwise the client's port
 * matters, and what was learnt of listeners and interfaces. */
static inline bool
alike_is_plain(const struct connection *c)
{
	return c->n_legs <= ALIKE_LEGS_MAX && !c->known &&
	    c->opening == OPENING_HANDSHAKE &&
	    (c->protocol != FLOW_UDP || c->both_ways);
}

/* Bits: its protocol and what was seen of it. */
static inline uint16_t
alike_facts(const struct connection *c)
{
	unsigned bits = c->accepted | (unsigned)c->both_ways << 1 |
	    (unsigned)c->any_reply << 2 | (unsigned)c->any_data << 3 |
	    (unsigned)c->refused << 4 | (unsigned)c->types_known << 5 |
	    (unsigned)c->entered << 6 | (unsigned)c->left << 7;

	return (uint16_t)(bits << 8 | c->protocol);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg_join: finds the leg that carried the same packet a moment ago.
 *
 * What no address translation changes marks a packet: for TCP sequence and
 * acknowledgement numbers, flags, payload length and the timestamp option;
 * for SCTP tag and chunks; for UDP length and sum of the payload together with
 * one end's address and port, or, where both ends changed, with the IP id or
 * a Service that is known to lead from the one to the other, unless their IP
 * ids differ. A match must also be one that a translation can have made: one
 * end is the same, or the address classes tell which were rewritten.
 *
 * A fixed table of recent marks, by what is the same in all sightings of a
 * packet: for UDP the payload alone, so that one look finds all. Where many
 * datagrams of one payload fill its bucket, more of them are kept by their ends
 * too. Of others the oldest goes first.
 */
#ifndef COLLECTOR_LEG_JOIN_H
#define COLLECTOR_LEG_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/sighting.h"
#include "core/error.h"

/* What is known of an address, as far as translation is concerned. */
enum address_class {
	ADDRESS_CLASS_OTHER, /* outside of the cluster, or nothing known */
	ADDRESS_CLASS_POD,
	ADDRESS_CLASS_NODE,   /* nodes and gateways: masquerade, nodePort */
	ADDRESS_CLASS_SERVICE /* cluster, external and balancer addresses */
};

/* Addresses that others are translated to, or from. */
static inline bool
address_class_is_rewritten(enum address_class c)
{
	return c == ADDRESS_CLASS_NODE || c == ADDRESS_CLASS_SERVICE;
}

/* What the world knows of addresses; both may be NULL: then nothing. */
struct address_view {
	enum address_class (*classify)(
	    void *arg, const struct ip_addr *ip, int64_t at_us);
	/* Did a Service, dialled on vip and vport, lead to ip and port? */
	bool (*leads_to)(void *arg, const struct ip_addr *vip, uint16_t vport,
	    const struct ip_addr *ip, uint16_t port, uint8_t protocol,
	    int64_t at_us);
	void *arg;
};

#define LEG_JOIN_WINDOW_MS 1000
#define LEG_JOIN_NEAR_MS   10 /* on its way through one node, or two */

struct leg_join;

/* entries_max: a power of two, at least 64. NULL: out of memory. */
struct leg_join *leg_join_new(uint32_t entries_max, uint64_t seed);
void leg_join_free(struct leg_join *lj);

/* Forget every sighting. */
void leg_join_forget(struct leg_join *lj);

/* The IP ids of two sightings: a host gives one to its packet, and no
 * translation takes it away; or it gives none, as always over IPv6, which is
 * 0. */
enum leg_join_id {
	LEG_JOIN_ID_NONE, /* nothing is known by them */
	LEG_JOIN_ID_SAME,
	LEG_JOIN_ID_OTHER
};

/* One earlier sighting under another leg. */
struct leg_sighting {
	uint32_t leg;
	bool from_lo; /* the packet's source was the leg's lower end */
	uint8_t rank; /* how near it is; the nearest come first */
	enum leg_join_id id;
};

#define LEG_JOIN_FOUND_MAX 16

/* Earlier sightings of one packet under other legs. */
struct leg_join_found {
	struct leg_sighting v[LEG_JOIN_FOUND_MAX];
	size_t n;
	bool known; /* the leg itself had this packet already; n is 0 */
	enum leg_join_id known_id; /* by it and that one */
};

/* Work out the mark of a sighting; reads nothing that ever changes. */
void leg_join_mark(const struct leg_join *lj, struct flow_sighting *s);

/* Bring in what leg_join_find will read. */
void leg_join_prefetch(const struct leg_join *lj, struct flow_sighting *s);

/* The same of a sighting that is marked, if wanted, which nobody foresees: it
 * is no branch. */
void leg_join_bring_if(
    const struct leg_join *lj, const struct flow_sighting *s, bool wanted);

/*
 * Find earlier sightings of the packet within the window, under other legs than
 * leg; then remember this one, unless it is known.
 */
void leg_join_find(struct leg_join *lj, struct flow_sighting *s, uint32_t leg,
    uint32_t now_ms, struct leg_join_found *found);

/*
 * Can an address translation have turned the one into the other? Where
 * nothing is known of addresses one end must be the same. Datagrams of other
 * ids are others, but where their source is the same; who knows that a capture
 * has not the ids that hosts gave passes LEG_JOIN_ID_NONE instead.
 */
bool leg_join_plausible(const struct leg_ends *a, const struct leg_ends *b,
    uint8_t protocol, enum leg_join_id id, const struct address_view *view,
    int64_t at_us);

#endif

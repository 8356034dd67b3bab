/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_internal: what the files of the flow table share, and nobody else.
 */
#ifndef COLLECTOR_FLOW_INTERNAL_H
#define COLLECTOR_FLOW_INTERNAL_H

#include <stdalign.h>

#include "collector/dns.h"
#include "collector/flow_table.h"
#include "collector/leg.h"
#include "collector/put_out.h"
#include "core/bring.h"
#include "core/flow.h"

#define FLOW_FRAGMENTS      1024 /* datagrams whose ports are remembered */
#define FLOW_ASKED          8192 /* buckets of exchanges that are over … */
#define FLOW_ASKED_WAYS     7    /* … each of so many */
#define FLOW_JOIN_TRIES     2
#define FLOW_JOIN_TRIES_MAX 4

struct flow_fragment {
	uint64_t hash;
	uint16_t sport, dport;
};

/*
 * DNS exchanges that are over: what their questions are known again by. One
 * line. Who asked says which two buckets an exchange may be in, so that all
 * legs of it are one entry; it is put where the oldest is older.
 */
struct flow_asked_bucket {
	alignas(64) uint16_t asker[FLOW_ASKED_WAYS + 1]; /* a mark; 0: none */
	/* When it was last heard, in steps of 16 ms, modulo. */
	uint16_t when[FLOW_ASKED_WAYS + 1];
	/* Twice the same where there was one question. */
	uint16_t id[FLOW_ASKED_WAYS][2];
	uint32_t oldest; /* to be overwritten */
};

struct flow_table {
	struct leg_pool pool;
	struct leg_join *join;
	int64_t *left; /* rows that are over; at most one a leg */
	size_t n_left;
	struct put_out *put_out;
	struct flow_sighting *next; /* those that are expected, or NULL */
	size_t n_next;
	const struct flow_sighting *brought; /* whose legs are brought in … */
	uint32_t leg[FLOW_TABLE_BATCH];      /* … these, or LEG_NONE */
	struct flow_fragment fragments[FLOW_FRAGMENTS];
	struct flow_asked_bucket *asked; /* FLOW_ASKED of them */
	struct flow_table_config config;
	struct flow_table_stats stats;
	/* Packets seen again whose IP ids were the same, and were not. */
	uint64_t ids_kept, ids_changed;
	int64_t epoch_us; /* time of the first packet */
	int64_t known_us; /* when the kernel's table was read */
	bool has_epoch;
	uint32_t now_ms;     /* of the latest packet, never backwards */
	uint32_t hand;       /* where the look for idle legs goes on */
	uint32_t expired_ms; /* when it last kept up with the time */
	uint32_t n_behind;   /* packets in a row that are far behind now_ms */
};

static inline bool
leg_is_dns(const struct leg *leg)
{
	return dns_is_port(leg->key.lo_port) || dns_is_port(leg->key.hi_port);
}

static inline bool
leg_is_closed(const struct leg *leg)
{
	return (leg->flags & LEG_BOTH(LEG_RST)) != 0 ||
	    (leg->flags & LEG_BOTH(LEG_FIN)) == LEG_BOTH(LEG_FIN);
}

/* Nothing but acknowledgements of one side: of a connection that is over, as a
 * rule; one that goes on shows more of itself. */
static inline bool
leg_is_tail(const struct leg *leg)
{
	return leg->key.protocol == FLOW_TCP &&
	    (leg->flags &
		(LEG_BOTH(LEG_SYN | LEG_SYNACK | LEG_DATA | LEG_FIN) |
		    LEG_CONTINUED | LEG_KNOWN)) == 0 &&
	    (leg->flags & LEG_BOTH(LEG_SEEN)) != LEG_BOTH(LEG_SEEN) &&
	    leg->n_legs == 1; /* last: in the leg's other line */
}

/* Is this root one that the kernel's table told of, and nobody was told? */
static inline bool
leg_is_news(const struct leg *root)
{
	return (root->flags & (LEG_KNOWN | LEG_SILENT | LEG_CONTINUED)) ==
	    LEG_KNOWN;
}

/* Pair flags as a leg has them that sees the ends the other way round. */
static inline uint32_t
leg_flip_pairs(uint32_t pairs)
{
	return (pairs & 0x5555) << 1 | (pairs & 0xaaaa) >> 1;
}

/* The pair flags of a leg as its root would have them. */
static inline uint32_t
leg_root_pairs(const struct leg *leg)
{
	uint32_t pairs = leg->flags & LEG_PAIRS;

	return leg->flags & LEG_FLIP ? leg_flip_pairs(pairs) : pairs;
}

/* The leg that stands for the connection of leg. */
static inline uint32_t
leg_root(const struct leg *leg, uint32_t index)
{
	return leg->flags & LEG_MEMBER ? leg->root : index;
}

/* Is this packet of the leg worth offering for a join? The opening is, however
 * often it is repeated before it comes through, and its answer; or what comes
 * first where there is none. */
static inline bool
leg_wants_join(const struct leg *leg, const struct flow_sighting *s)
{
	uint32_t tries = LEG_TRIES(leg->flags);

	if (tries < FLOW_JOIN_TRIES)
		return !s->fragment;
	if (s->bits & (LEG_SYN | LEG_SYNACK))
		return true;
	return tries < FLOW_JOIN_TRIES_MAX && s->key.protocol == FLOW_TCP &&
	    (leg->flags & LEG_BOTH(LEG_SYN | LEG_SYNACK)) == 0;
}

/* Take the time of a packet. Most are of the same millisecond as the one
 * before. */
void flow_set_clock(struct flow_table *ft, int64_t ts_us);

static inline void
flow_clock(struct flow_table *ft, int64_t ts_us)
{
	int64_t ms = (int64_t)ft->now_ms - LEG_JOIN_WINDOW_MS - 1;
	uint64_t since = (uint64_t)(ts_us - ft->epoch_us) - (uint64_t)ms * 1000;

	if (since >= 1000 || !ft->has_epoch)
		flow_set_clock(ft, ts_us);
}

/* Milliseconds of 49 days fit: from then on they are counted anew. */
#define FLOW_REBASE_AT_MS ((int64_t)1 << 31)
void flow_rebase(struct flow_table *ft, int64_t now_ms);

/* Further behind is no disorder: the clock may have been set back. */
#define FLOW_BEHIND_MS 60000
void flow_behind(struct flow_table *ft, int64_t ts_us);

/* How long this leg may be silent before its connection is over. */
uint32_t flow_idle_ms(const struct leg *leg);

/* Put the legs of rb behind those of ra; flip: rb's lower is ra's higher. */
void flow_attach(struct flow_table *ft, uint32_t ra, uint32_t rb, bool flip);

/*
 * Of a connection that the kernel's table told of: the packet, on leg, is the
 * first that is seen of it, so it is counted here from now on.
 */
void flow_known_speaks(struct flow_table *ft, uint32_t leg);

/* The same, but the packet opens a connection: if that is the one that the
 * table told of, it shall not be told twice. */
void flow_known_opens(struct flow_table *ft, uint32_t leg, int64_t ts_us);

/* Begin to watch a new leg's silence. */
void flow_watch(struct flow_table *ft, uint32_t leg);

/* The connection may be closed: look at its root as soon as that asks for. */
void flow_hurry(struct flow_table *ft, uint32_t root);

/* Offer a packet of the leg for joining it to another leg's connection. */
void flow_join(struct flow_table *ft, uint32_t leg, struct flow_sighting *s);

/* Take a message of a DNS leg: who asks whom, and what waits for an answer. */
void flow_dns_note(struct leg *leg, const struct flow_sighting *s);

/* Has every question of a DNS leg had its answer? */
bool flow_dns_is_over(const struct leg *leg);

/* Is this a message about a question that the DNS leg had before? */
bool flow_dns_had(const struct leg *leg, const struct flow_sighting *s);

/* Of a DNS leg that ends: remember for a while what it was asked. */
void flow_dns_remember(struct flow_table *ft, const struct leg *leg);

/* Is this DNS message more of an exchange that ended a short while ago? */
bool flow_dns_is_more(
    const struct flow_table *ft, const struct flow_sighting *s);

/* Where it may be remembered, the first or the second place. */
static inline struct flow_asked_bucket *
flow_dns_bucket(const struct flow_table *ft, uint32_t asker, bool second)
{
	return &ft->asked[(second ? asker >> 16 : asker) % FLOW_ASKED];
}

/* Bring in what the two before will read and write. */
static inline void
flow_dns_bring(const struct flow_table *ft, uint32_t asker)
{
	bring_line(flow_dns_bucket(ft, asker, false));
	bring_line(flow_dns_bucket(ft, asker, true));
}

/*
 * A SYN on leg opens another connection. If the leg is only what a node's
 * masquerade made of a connection that lives on, take it out of that, and
 * true; else it is over.
 */
bool flow_let_go(struct flow_table *ft, uint32_t leg, bool from_lo);

/* Gather flags and legs; false: a tail, too little to be a connection. */
bool flow_describe(
    const struct flow_table *ft, uint32_t root, struct connection *c);

/* What the root's row says is over, and nothing is told of it. */
void flow_leave_row(struct flow_table *ft, uint32_t root);

/* Tell the connection of that leg to the sink and forget all of its legs. */
void flow_end(struct flow_table *ft, uint32_t leg);

/* End what has been idle for too long, looking at n legs. */
void flow_expire(struct flow_table *ft, size_t n);

/* End all of them that are idle for too long by now. */
void flow_expire_all(struct flow_table *ft);

/* End one connection so that a leg is free. */
void flow_make_room(struct flow_table *ft);

#endif

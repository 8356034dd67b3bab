/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_table: packets in, connections out, each of them once.
 *
 * One connection is seen on several interfaces, before and after address
 * translation. Sightings under one pair of addresses share a leg; legs that
 * carried the very same packet within a short time are joined by what no
 * translation changes (collector/leg_join.h). Packets and bytes are counted at
 * the one place where a connection's first leg was first seen.
 *
 * Pure: time comes with the packets, memory is fixed at birth. A capture may be
 * of years, and its clock may have been set, forward or back. When the table
 * is full, closed connections go first, then the one that was idle longest
 * among those looked at, and stats count it. One table belongs to one thread.
 */
#ifndef COLLECTOR_FLOW_TABLE_H
#define COLLECTOR_FLOW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"
#include "collector/leg_join.h"
#include "collector/packet.h"
#include "collector/sighting.h"
#include "core/error.h"

struct flow_table;

struct flow_table_config {
	uint32_t legs_max;        /* a power of two, at least 64 */
	uint64_t seed;            /* of the hash: random, but fixed in tests */
	struct address_view view; /* zero: nothing is known of addresses */
	bool is_ticked;           /* flow_table_tick() tells the time, too */
	connection_sink *sink;
	void *sink_arg;
};

#define FLOW_TABLE_LEGS_DEFAULT ((uint32_t)1 << 18)

/* How long, in milliseconds of packet time, what is silent is kept. */
#define FLOW_TABLE_CLOSED_MS      5000  /* for late and repeated packets */
#define FLOW_TABLE_HALF_OPEN_MS   75000 /* SYNs repeat after up to 64 s */
#define FLOW_TABLE_UDP_MS         30000
#define FLOW_TABLE_DNS_MS         10000 /* resolvers ask again after 5 s */
#define FLOW_TABLE_DNS_OVER_MS    1000  /* answered: ports come round soon */
#define FLOW_TABLE_ESTABLISHED_MS 3600000

/* How old what flow_table_flush tells without an answer must be. */
#define FLOW_TABLE_SETTLE_MS 10000

/*
 * A connection that the kernel's connection table had before the first packet,
 * with both ends as either side has them: before and after translation.
 */
struct flow_known {
	struct socket_addr client, dialled; /* as the client has them */
	struct socket_addr seen, server;    /* as the server has them */
	uint8_t protocol;                   /* enum flow_protocol */
	bool opened;     /* client is who opened it, not only who spoke first */
	bool silent;     /* tell of it only when there are packets */
	int64_t last_us; /* when the kernel last saw a packet of it */
};

struct flow_table_stats {
	uint64_t packets;     /* sightings taken */
	uint64_t connections; /* told to the sink, counted ones */
	uint64_t legs;        /* made */
	uint64_t joined;      /* legs joined to another */
	uint64_t forced_out;  /* live connections that a full table put out */
	uint64_t forgotten;   /* legs of those: more of them is another one */
	uint64_t known;       /* connections that flow_table_know() took */
	uint64_t strays;      /* tails without payload: no connection */
	uint64_t orphan_fragments; /* fragments whose first was not seen */
};

/* Make a table; RF_NOMEM, or RF_INVAL for a legs_max that is no such size. */
RF_MUST_USE enum rf_status flow_table_new(struct flow_table **out,
    const struct flow_table_config *config, struct rf_error *err);
void flow_table_free(struct flow_table *ft);

#define FLOW_TABLE_BATCH 128

/*
 * Work out the sighting of a packet. That reads only what is fixed at the
 * table's birth, so another thread may do it while the table is at work.
 */
void flow_table_sight(const struct flow_table *ft, const struct packet *p,
    struct flow_sighting *s);

/*
 * These n sightings will be taken next but one: what that will read is brought
 * in while the next ones are taken. They are borrowed until then.
 */
void flow_table_expect(
    struct flow_table *ft, struct flow_sighting *sightings, size_t n);

/*
 * Take n sightings, at most FLOW_TABLE_BATCH, in time order as far as the
 * capture has it. first_copy[i], unless the pointer is NULL, says whether
 * sighting i was the one that counts for its packet: its payload is worth
 * reading once.
 */
void flow_table_take(struct flow_table *ft, struct flow_sighting *sightings,
    size_t n, bool *first_copy);

/* The same for packets. */
void flow_table_add(struct flow_table *ft, const struct packet *packets,
    size_t n, bool *first_copy);

/*
 * Take over a connection that is there at now_us, before any packet is taken:
 * what is seen of it later, also of both sides of its translation, is the same
 * connection. false: half of the table is full of them, so it was not taken.
 */
bool flow_table_know(
    struct flow_table *ft, const struct flow_known *k, int64_t now_us);

/*
 * It is now_us, whether there were packets or not: end what has been silent
 * for too long. Call it several times a second; it also keeps a table that
 * runs for weeks within what its clock can count.
 */
void flow_table_tick(struct flow_table *ft, int64_t now_us);

/*
 * The clock was set by by_us: what is known was that much later than it was
 * said to be, and no time has gone by.
 */
void flow_table_redate(struct flow_table *ft, int64_t by_us);

/*
 * Tell of connections as far as they are known, also of those that go on: each
 * once as counted, and from then on only its further packets and bytes. Those
 * whose copies may still be joined (LEG_JOIN_WINDOW_MS), and those whose
 * opening may still be answered, wait.
 */
void flow_table_flush(struct flow_table *ft);

/*
 * Tell of everything: the capture is over. What flow_table_save_last() gives
 * then goes on without us; nothing else may follow.
 */
void flow_table_tell_all(struct flow_table *ft);

/* The same, and forget all legs. */
void flow_table_finish(struct flow_table *ft);

/* How many legs there are now. */
uint32_t flow_table_legs(const struct flow_table *ft);

const struct flow_table_stats *flow_table_stats(const struct flow_table *ft);

#endif

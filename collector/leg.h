/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leg: one pair of addresses and ports under which packets were seen, and the
 * fixed pool that holds all of them with a hash index over their keys.
 *
 * Private to the flow table. A leg's first cache line is what every packet
 * touches; the second is for openings, endings and joins.
 */
#ifndef COLLECTOR_LEG_H
#define COLLECTOR_LEG_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collector/leg_index.h"
#include "collector/packet.h"
#include "core/bring.h"
#include "core/error.h"
#include "core/hash.h"

#define LEG_NONE UINT32_MAX

/*
 * What leg_pool.watch keeps of a leg, so that silence is found without a look
 * at the leg: since when it may be silent, in steps of 8 ms, and in the lowest
 * bits what kind of leg it is, which says how long it may be.
 */
enum leg_watch {
	LEG_WATCH_CLOSED,
	LEG_WATCH_DNS,
	LEG_WATCH_UDP,
	LEG_WATCH_HALF_OPEN,
	LEG_WATCH_ESTABLISHED,
	LEG_WATCH_NONE = 7 /* no root: never looked at */
};
#define LEG_WATCH_STEP 8

static inline uint32_t
leg_watch(uint32_t since_ms, enum leg_watch kind)
{
	return (since_ms & ~(LEG_WATCH_STEP - 1u)) | kind;
}

/* The ends in address order, so that both directions have one key; five words
 * without a gap. */
struct leg_key {
	union {
		struct {
			struct ip_addr lo, hi;
		};
		struct ip_addr ip[2];
	};
	union {
		struct {
			uint16_t lo_port, hi_port;
		};
		uint16_t port[2];
	};
	uint8_t protocol;
	uint8_t zero[3];
};

/* The ends of a key as a packet has them. */
struct leg_ends {
	const struct ip_addr *src, *dst;
	uint16_t sport, dport;
};

/* By number, as it would be a branch that is as often taken as not. */
static inline struct leg_ends
leg_ends(const struct leg_key *k, bool from_lo)
{
	return (struct leg_ends){ &k->ip[!from_lo], &k->ip[from_lo],
		k->port[!from_lo], k->port[from_lo] };
}

/* Flags in pairs: shifted left by 1 when the packet came from the lower end */
#define LEG_SEEN       ((uint32_t)1 << 0) /* with more than resets */
#define LEG_DATA       ((uint32_t)1 << 2)
#define LEG_SYN        ((uint32_t)1 << 4)
#define LEG_SYNACK     ((uint32_t)1 << 6)
#define LEG_FIN        ((uint32_t)1 << 8)
#define LEG_RST        ((uint32_t)1 << 10)
#define LEG_REFUSED    ((uint32_t)1 << 12) /* ICMP complained of its packet */
#define LEG_CLIENT     ((uint32_t)1 << 14) /* a DNS message says: the client */
#define LEG_BOTH(flag) ((flag) | (flag) << 1)
#define LEG_PAIRS      0xffffu
/* Single flags */
#define LEG_LIVE      ((uint32_t)1 << 16)
#define LEG_MEMBER    ((uint32_t)1 << 17) /* another leg is its root */
#define LEG_FLIP      ((uint32_t)1 << 18) /* its lower end: root's higher */
#define LEG_FIRST_LO  ((uint32_t)1 << 19) /* the first packet's sender */
#define LEG_CONTINUED ((uint32_t)1 << 20) /* was told before */
#define LEG_TYPES     ((uint32_t)1 << 21) /* packet types are known */
#define LEG_SETTLED   ((uint32_t)1 << 22) /* packets only count now */
#define LEG_KNOWN     ((uint32_t)1 << 23) /* by flow_table_know() */
#define LEG_SILENT    ((uint32_t)1 << 24) /* root: told if it has packets */
#define LEG_SAVED     ((uint32_t)1 << 25) /* root: its row says: all was told */
/* The topmost bits count the packets that were offered for joining. */
#define LEG_TRY          ((uint32_t)1 << 28)
#define LEG_TRIES(flags) ((flags) >> 28)

struct leg {
	alignas(64) struct leg_key key;
	uint32_t flags;
	uint32_t last_ms; /* since the table's first packet */
	uint32_t tap[2];  /* by direction: where packets are counted */
	uint32_t packets;
	uint32_t bytes; /* the lower half */

	alignas(64) int64_t first_us;
	uint32_t hash;
	uint32_t root; /* LEG_MEMBER: the leg that stands for all */
	uint32_t next; /* next leg of the connection, or of the free list */
	uint32_t isn;  /* of who sent SYN or INIT */
	union {
		uint32_t close_seq[2]; /* behind the FIN or RST, by direction */
		uint32_t question[2];  /* DNS over UDP: flow_dns.c */
	};
	uint32_t bytes_high;
	uint32_t last_out_if;
	uint16_t in_points, out_points; /* bit per capture point, modulo 16 */
	uint8_t last_out_point, other_out_point;
	uint8_t n_legs; /* of the whole connection, in its root … */
	uint8_t saves;  /* … for how many it goes on since it was told … */
	uint32_t save_mark; /* … of what its row says … */
	union {
		uint32_t asker;        /* DNS over UDP: flow_dns.c */
		uint32_t other_out_if; /* others: as last_out_if, at the
					* capture point before that one */
	};
	int64_t save; /* … and the row, or 0 (flow_saved.c) */
};

struct leg_pool {
	struct leg *legs;
	uint32_t *watch; /* by leg; dense, so that reading all is cheap */
	uint32_t max;    /* a power of two */
	uint32_t used;   /* legs ever handed out: beyond is untouched memory */
	uint32_t free;   /* head of the free list, or LEG_NONE */
	uint32_t live;
	struct leg_index index;
	uint64_t seed;
};

RF_MUST_USE enum rf_status leg_pool_init(
    struct leg_pool *pool, uint32_t max, uint64_t seed, struct rf_error *err);
void leg_pool_release(struct leg_pool *pool);

/* Take out every leg. */
void leg_pool_clear(struct leg_pool *pool);

/* The key of a sighting; true when its source is the lower end. */
bool leg_key_of(struct leg_key *key, const struct packet *p);

/* As five words at once: a call to memcmp(3) costs more than this. */
static inline bool
leg_key_equal(const struct leg_key *a, const struct leg_key *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) |
		   (x[4] ^ y[4])) == 0;
}

static inline uint32_t
leg_hash(const struct leg_key *key, uint64_t seed)
{
	return (uint32_t)hash_words(seed, key, sizeof(*key));
}

/*
 * Bring in the leg that the hash most likely stands for: its first line, and
 * all of it where an opening or an ending is at hand. Its index, or LEG_NONE
 * where no leg does.
 */
static inline uint32_t
leg_prefetch(const struct leg_pool *pool, uint32_t hash, bool all)
{
	const struct leg_index *x = &pool->index;
	uint8_t tag = leg_index_tag(hash);
	uint32_t i = hash, leg;
	unsigned has;

	while ((has = leg_bucket_with(&x->buckets[i & x->mask], tag)) == 0) {
		if (x->buckets[i & x->mask].spilled == 0 || i - hash == x->mask)
			return LEG_NONE;
		i++;
	}
	leg = x->buckets[i & x->mask].leg[__builtin_ctz(has)];
	bring_line(&pool->legs[leg]);
	if (all)
		bring_line(&pool->legs[leg].first_us);
	return leg;
}

/* Index of the leg with that key, or LEG_NONE. */
uint32_t leg_find(
    const struct leg_pool *pool, const struct leg_key *key, uint32_t hash);

/* A leg under that key, zero but for LEG_LIVE; LEG_NONE: the pool is full. */
uint32_t leg_add(
    struct leg_pool *pool, const struct leg_key *key, uint32_t hash);

/* Bring in what leg_remove will touch of the index. */
static inline void
leg_prefetch_remove(const struct leg_pool *pool, uint32_t leg)
{
	leg_index_bring(&pool->index, pool->legs[leg].hash);
}

/* Take a leg out of index and pool. */
void leg_remove(struct leg_pool *pool, uint32_t leg);

#endif

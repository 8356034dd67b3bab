/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/leg_join.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alloc_large.h"
#include "core/bring.h"
#include "core/choose.h"
#include "core/flow.h"
#include "core/hash.h"

#define WAYS     4 /* one bucket is one cache line; the newest comes first */
#define ALL_WAYS 0xfu

struct mark {
	uint32_t leg_dir; /* leg * 2 + from_lo */
	uint32_t ms;      /* 0: empty */
	struct leg_join_tag of;
};

struct bucket {
	alignas(64) struct mark v[WAYS];
};

struct leg_join {
	uint64_t seed;
	uint32_t bucket_mask;
	struct bucket *buckets;
};

struct leg_join *
leg_join_new(uint32_t entries_max, uint64_t seed)
{
	struct leg_join *lj = calloc(1, sizeof(*lj));
	uint32_t n = entries_max / WAYS;

	if (lj == NULL)
		return NULL;
	lj->seed = seed;
	lj->bucket_mask = n - 1;
	lj->buckets = alloc_large(n * sizeof(struct bucket));
	if (lj->buckets == NULL) {
		free(lj);
		return NULL;
	}
	return lj;
}

void
leg_join_free(struct leg_join *lj)
{
	if (lj == NULL)
		return;
	free_large(
	    lj->buckets, ((size_t)lj->bucket_mask + 1) * sizeof(struct bucket));
	free(lj);
}

void
leg_join_forget(struct leg_join *lj)
{
	memset(lj->buckets, 0,
	    ((size_t)lj->bucket_mask + 1) * sizeof(struct bucket));
}

static struct bucket *
bucket_of(const struct leg_join *lj, uint64_t hash)
{
	return &lj->buckets[hash & lj->bucket_mask];
}

static enum leg_join_id
compare_ids(uint16_t a, uint16_t b)
{
	if (a == 0 || b == 0)
		return LEG_JOIN_ID_NONE;
	return a == b ? LEG_JOIN_ID_SAME : LEG_JOIN_ID_OTHER;
}

/* An id of IPv6 has 32 bits; 0 is none. */
static uint16_t
short_id(uint32_t id)
{
	uint16_t folded = (uint16_t)(id ^ id >> 16);

	return folded != 0 || id == 0 ? folded : 1;
}

/* Which marks have the tag, a bit for each: all are compared, as one has it as
 * often as none. */
static inline unsigned
with_tag(const struct bucket *b, uint16_t tag)
{
	unsigned has = 0;

	for (unsigned i = 0; i < WAYS; i++)
		has |= (unsigned)(b->v[i].of.tag == tag) << i;
	return has;
}

/* Which of those with the tag of mine are of a packet like that of mine, and
 * not older. */
static inline unsigned
alike(
    const struct bucket *b, const struct mark *mine, unsigned has, uint32_t ms)
{
	unsigned like = 0;

	for (; has != 0; has &= has - 1) {
		const struct mark *m = &b->v[__builtin_ctz(has)];

		if (mine->ms - m->ms <= ms &&
		    (m->of.head == mine->of.head || m->of.head == 0 ||
			mine->of.head == 0))
			like |= has & -has;
	}
	return like;
}

/* Add m, which is like mine: those of just now come first, and of them those
 * whose source is the same, then those whose destination is. */
static inline void
add_found(
    struct leg_join_found *found, const struct mark *m, const struct mark *mine)
{
	size_t at = found->n;
	uint8_t rank = 2;

	if (at == LEG_JOIN_FOUND_MAX)
		return;
	if (m->of.end[0] == mine->of.end[0])
		rank = 0;
	else if (m->of.end[1] == mine->of.end[1])
		rank = 1;
	if (mine->ms - m->ms > LEG_JOIN_NEAR_MS)
		rank += 3;
	for (; at > 0 && found->v[at - 1].rank > rank; at--)
		found->v[at] = found->v[at - 1];
	found->v[at] = (struct leg_sighting){
		.leg = m->leg_dir >> 1,
		.from_lo = m->leg_dir & 1,
		.rank = rank,
		.id = compare_ids(m->of.ip_id, mine->of.ip_id),
	};
	found->n++;
}

/* Add the marks of like to found; false: mine itself is there. */
static inline bool
look(const struct bucket *b, const struct mark *mine, unsigned like,
    struct leg_join_found *found)
{
	for (; like != 0; like &= like - 1) {
		const struct mark *m = &b->v[__builtin_ctz(like)];

		if (m->leg_dir == mine->leg_dir) {
			found->known_id =
			    compare_ids(m->of.ip_id, mine->of.ip_id);
			return false;
		}
		if (m->leg_dir >> 1 != mine->leg_dir >> 1)
			add_found(found, m, mine);
	}
	return true;
}

/* In the place of the oldest that is not of like, or of the oldest. */
static inline void
put(struct bucket *b, const struct mark *mine, unsigned like)
{
	unsigned at = WAYS - 1;

	if (like >> at & 1 && like != ALL_WAYS) {
		while (like >> at & 1)
			at--;
		for (; at > 0; at--)
			b->v[at] = b->v[at - 1];
	} else {
		for (unsigned i = WAYS - 1; i > 0; i--)
			b->v[i] = b->v[i - 1];
	}
	/* not as a whole: its parts were written a moment ago */
	b->v[0].leg_dir = mine->leg_dir;
	b->v[0].ms = mine->ms;
	b->v[0].of = mine->of;
}

static uint64_t
hash_numbers(const struct leg_join *lj, const struct flow_sighting *s)
{
	uint64_t v[3];

	v[0] = (uint64_t)s->seq << 32 | s->ack;
	v[1] = (uint64_t)s->tsval << 32 | s->payload_bytes;
	v[2] = (uint64_t)s->tcp_flags << 8 | s->key.protocol;
	if (s->key.protocol == FLOW_SCTP)
		v[1] = s->ip_bytes;
	return hash_words(lj->seed, v, sizeof(v));
}

static uint64_t
hash_payload(const struct leg_join *lj, const struct flow_sighting *s)
{
	return hash_mix(((uint64_t)s->payload_sum << 32 | s->payload_bytes) ^
		lj->seed ^ 0xa0761d6478bd642fu,
	    lj->seed ^ 0x9e3779b97f4a7c15u);
}

static uint64_t
hash_end(const struct leg_join *lj, const struct ip_addr *ip, uint64_t port)
{
	uint64_t h = hash_word(ip->b) ^ port * 0xd6e8feb86659fd93u;

	return hash_mix(h ^ lj->seed ^ 0x9e3779b97f4a7c15u,
	    hash_word(ip->b + 8) ^ lj->seed ^ 0xe7037ed1a0b428dbu);
}

void
leg_join_mark(const struct leg_join *lj, struct flow_sighting *s)
{
	struct leg_join_tag *mark = &s->mark;
	struct leg_ends ends;
	uint64_t hash;

	s->marked = true;
	mark->ip_id = short_id(s->ip_id);
	if (s->key.protocol != FLOW_UDP) {
		hash = hash_numbers(lj, s);
		s->bucket = (uint32_t)hash;
		mark->tag = (uint16_t)(hash >> 32);
		mark->head = (uint16_t)(hash >> 48);
		mark->end[0] = mark->end[1] = 0;
		return;
	}
	ends = leg_ends(&s->key, s->from_lo);
	hash = hash_payload(lj, s);
	s->bucket = (uint32_t)hash;
	mark->tag = (uint16_t)(hash >> 32);
	mark->end[0] = (uint8_t)hash_end(lj, ends.src, ends.sport);
	mark->end[1] = (uint8_t)hash_end(lj, ends.dst, ends.dport);
}

void
leg_join_prefetch(const struct leg_join *lj, struct flow_sighting *s)
{
	if (!s->marked)
		leg_join_mark(lj, s);
	bring_line(bucket_of(lj, s->bucket));
}

void
leg_join_bring_if(
    const struct leg_join *lj, const struct flow_sighting *s, bool wanted)
{
	bring_line(bucket_of(lj, choose_32(wanted, s->bucket, 0)));
}

/*
 * Datagrams of one payload fill its bucket, as heartbeats do: further ones are
 * kept by the payload and their source, by it and their destination, and by it
 * alone, in buckets of their own.
 */
static bool
find_spilled(struct leg_join *lj, const struct flow_sighting *s,
    const struct mark *mine, bool keep, struct leg_join_found *found)
{
	struct leg_ends ends = leg_ends(&s->key, s->from_lo);
	const uint64_t more[3] = { hash_end(lj, ends.src, ends.sport),
		hash_end(lj, ends.dst, 0x10000u | ends.dport),
		0x8ebc6af09c88c6e3u };

	for (int i = 0; i < 3; i++) {
		struct bucket *b = bucket_of(lj,
		    hash_mix(
			more[i] ^ s->bucket, lj->seed ^ 0xa0761d6478bd642fu));
		unsigned has = with_tag(b, mine->of.tag);
		unsigned like = alike(b, mine, has, LEG_JOIN_WINDOW_MS);

		if (!look(b, mine, like, found))
			return false;
		if (keep)
			put(b, mine, like);
	}
	return true;
}

static inline bool
are_three(unsigned bits)
{
	bits &= bits - 1;
	return (bits & (bits - 1)) != 0;
}

/*
 * Was the bucket of that payload full of it? For as long as one of its marks
 * holds more went elsewhere, and that holds as long again. Three are enough:
 * another packet may have taken one's place.
 */
static inline bool
may_have_spilled(const struct bucket *b, const struct mark *mine, unsigned has)
{
	return are_three(has) &&
	    are_three(alike(b, mine, has, 2 * LEG_JOIN_WINDOW_MS));
}

static bool
find_or_keep(struct leg_join *lj, const struct flow_sighting *s,
    const struct mark *mine, struct leg_join_found *found)
{
	struct bucket *b = bucket_of(lj, s->bucket);
	unsigned has = with_tag(b, mine->of.tag), like;
	bool full;

	if (has == 0) {
		put(b, mine, 0);
		return true;
	}
	like = alike(b, mine, has, LEG_JOIN_WINDOW_MS);
	full = like == ALL_WAYS && s->key.protocol == FLOW_UDP;
	if (!look(b, mine, like, found))
		return false;
	if (s->key.protocol == FLOW_UDP && may_have_spilled(b, mine, has) &&
	    !find_spilled(lj, s, mine, full, found))
		return false;
	if (!full)
		put(b, mine, like);
	return true;
}

void
leg_join_find(struct leg_join *lj, struct flow_sighting *s, uint32_t leg,
    uint32_t now_ms, struct leg_join_found *found)
{
	struct mark mine = { .leg_dir = leg << 1 | s->from_lo, .ms = now_ms };

	if (!s->marked)
		leg_join_mark(lj, s);
	mine.of = s->mark;
	found->n = 0;
	found->known = !find_or_keep(lj, s, &mine, found);
	if (found->known)
		found->n = 0;
}

static bool
one_is_rewritten(const struct address_view *view, const struct ip_addr *x,
    const struct ip_addr *y, int64_t at_us)
{
	return address_class_is_rewritten(
		   view->classify(view->arg, x, at_us)) ||
	    address_class_is_rewritten(view->classify(view->arg, y, at_us));
}

/* Is a Service known to lead from an end of the one to that of the other? */
static bool
is_led(const struct leg_ends *a, const struct leg_ends *b, uint8_t protocol,
    const struct address_view *view, int64_t at_us)
{
	return view->leads_to != NULL &&
	    (view->leads_to(view->arg, a->dst, a->dport, b->dst, b->dport,
		 protocol, at_us) ||
		view->leads_to(view->arg, b->dst, b->dport, a->dst, a->dport,
		    protocol, at_us) ||
		view->leads_to(view->arg, a->src, a->sport, b->src, b->sport,
		    protocol, at_us) ||
		view->leads_to(view->arg, b->src, b->sport, a->src, a->sport,
		    protocol, at_us));
}

/*
 * One end was rewritten from x to y (or back); the other stayed. Numbers of 64
 * bits leave no room for chance then. A repeated payload does: a node's address
 * is not rewritten to that of another but by a nodePort, nor a Service's to
 * that of another, and two nodes may well get one answer to what they asked.
 */
static bool
one_end_is_plausible(const struct leg_ends *a, const struct leg_ends *b,
    bool is_src, uint8_t protocol, const struct address_view *view,
    int64_t at_us)
{
	enum address_class x, y;

	x = view->classify(view->arg, is_src ? a->src : a->dst, at_us);
	y = view->classify(view->arg, is_src ? b->src : b->dst, at_us);
	if (protocol == FLOW_UDP && x == y)
		return address_class_is_rewritten(x) &&
		    is_led(a, b, protocol, view, at_us);
	if (address_class_is_rewritten(x) || address_class_is_rewritten(y))
		return true;
	return protocol != FLOW_UDP &&
	    !(x == ADDRESS_CLASS_POD && y == ADDRESS_CLASS_POD);
}

bool
leg_join_plausible(const struct leg_ends *a, const struct leg_ends *b,
    uint8_t protocol, enum leg_join_id id, const struct address_view *view,
    int64_t at_us)
{
	bool same_src = a->sport == b->sport && ip_equal(a->src, b->src);
	bool same_dst = a->dport == b->dport && ip_equal(a->dst, b->dst);
	bool src_rewritten;

	if (same_src && same_dst)
		return false;
	if (view->classify == NULL)
		return same_src || same_dst;
	if (same_src)
		return one_end_is_plausible(a, b, false, protocol, view, at_us);
	if (protocol == FLOW_UDP && id == LEG_JOIN_ID_OTHER)
		return false;
	if (same_dst)
		return one_end_is_plausible(a, b, true, protocol, view, at_us);
	src_rewritten = one_is_rewritten(view, a->src, b->src, at_us);
	if (protocol != FLOW_UDP)
		return src_rewritten ||
		    one_is_rewritten(view, a->dst, b->dst, at_us);
	/* the usual chance hit: another short message of the same sum */
	return src_rewritten &&
	    (id == LEG_JOIN_ID_SAME || is_led(a, b, protocol, view, at_us)) &&
	    one_is_rewritten(view, a->dst, b->dst, at_us);
}

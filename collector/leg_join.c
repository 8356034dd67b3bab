/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/leg_join.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alloc_large.h"
#include "core/bring.h"
#include "core/flow.h"
#include "core/hash.h"

#define WAYS 4 /* one bucket is one cache line; the newest comes first */

struct mark {
	uint32_t tag;     /* of the hash; 0 empty */
	uint32_t leg_dir; /* leg * 2 + from_lo */
	uint32_t ms;
	uint32_t ip_id;
};

struct bucket {
	alignas(64) struct mark marks[WAYS];
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
compare_ids(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		return a == b ? LEG_JOIN_ID_SAME : LEG_JOIN_ID_NONE;
	return a == b ? LEG_JOIN_ID_SAME : LEG_JOIN_ID_OTHER;
}

/* Look the hash up in its bucket, add what is new to found, remember it. */
static void
bucket_visit(struct leg_join *lj, uint64_t hash, const struct mark *mine,
    struct leg_join_found *found)
{
	struct mark *b = bucket_of(lj, hash)->marks;
	uint32_t tag = (uint32_t)(hash >> 32) | 1;

	for (struct mark *m = b; m < b + WAYS; m++) {
		if (m->tag != tag || mine->ms - m->ms > LEG_JOIN_WINDOW_MS)
			continue;
		if (m->leg_dir >> 1 == mine->leg_dir >> 1) {
			found->known = true;
			return;
		}
		if (found->n < LEG_JOIN_FOUND_MAX)
			found->v[found->n++] = (struct leg_sighting){
				.leg = m->leg_dir >> 1,
				.from_lo = m->leg_dir & 1,
				.id = compare_ids(m->ip_id, mine->ip_id),
			};
	}
	for (unsigned i = WAYS - 1; i > 0; i--)
		b[i] = b[i - 1];
	b[0] = *mine;
	b[0].tag = tag;
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

/* UDP: the payload's mark alone … */
static uint64_t
hash_payload(const struct leg_join *lj, const struct flow_sighting *s)
{
	return hash_mix(((uint64_t)s->payload_sum << 32 | s->payload_bytes) ^
		lj->seed ^ 0xa0761d6478bd642fu,
	    lj->seed ^ 0x9e3779b97f4a7c15u);
}

/* … and with one end. */
static uint64_t
hash_end(const struct leg_join *lj, uint64_t payload, const struct ip_addr *ip,
    uint32_t port)
{
	uint64_t h = hash_mix(hash_word(ip->b) ^ payload,
	    hash_word(ip->b + 8) ^ lj->seed ^ 0xe7037ed1a0b428dbu);

	return hash_mix(h ^ port, lj->seed ^ 0x8ebc6af09c88c6e3u);
}

void
leg_join_mark(const struct leg_join *lj, struct flow_sighting *s)
{
	struct leg_join_marks *marks = &s->marks;
	struct leg_ends ends;
	uint64_t payload;

	if (s->key.protocol != FLOW_UDP) {
		marks->n = 1;
		marks->hash[0] = hash_numbers(lj, s);
		return;
	}
	ends = leg_ends(&s->key, s->from_lo);
	payload = hash_payload(lj, s);
	marks->n = 3;
	marks->hash[0] = hash_end(lj, payload, ends.src, ends.sport);
	marks->hash[1] = hash_end(lj, payload, ends.dst, 0x10000u | ends.dport);
	marks->hash[2] = payload;
}

void
leg_join_prefetch(const struct leg_join *lj, struct flow_sighting *s)
{
	if (s->marks.n == 0)
		leg_join_mark(lj, s);
	for (unsigned i = 0; i < s->marks.n; i++)
		bring_line(bucket_of(lj, s->marks.hash[i]));
}

/* The first mark alone says whether this leg had the packet: with the others
 * it may be another packet of the same bytes. */
void
leg_join_find(struct leg_join *lj, struct flow_sighting *s, uint32_t leg,
    uint32_t now_ms, struct leg_join_found *found)
{
	const struct leg_join_marks *marks = &s->marks;
	struct mark mine = { .leg_dir = leg << 1 | s->from_lo,
		.ms = now_ms,
		.ip_id = s->ip_id };

	if (marks->n == 0)
		leg_join_mark(lj, s);
	found->n = 0;
	found->known = false;
	bucket_visit(lj, marks->hash[0], &mine, found);
	if (found->known) {
		found->n = 0;
		return;
	}
	for (unsigned i = 1; i < marks->n; i++)
		bucket_visit(lj, marks->hash[i], &mine, found);
	found->known = false;
}

static bool
is_rewritten(enum address_class c)
{
	return c == ADDRESS_CLASS_NODE || c == ADDRESS_CLASS_SERVICE;
}

static bool
one_is_rewritten(const struct address_view *view, const struct ip_addr *x,
    const struct ip_addr *y, int64_t at_us)
{
	return is_rewritten(view->classify(view->arg, x, at_us)) ||
	    is_rewritten(view->classify(view->arg, y, at_us));
}

/* One end was rewritten from x to y (or back); the other stayed. */
static bool
plausible_one_end(enum address_class x, enum address_class y, uint8_t protocol)
{
	if (is_rewritten(x) || is_rewritten(y))
		return true;
	/* Numbers of 64 bits and one equal end leave no room for chance; a
	 * repeated UDP payload to a second server does. */
	return protocol != FLOW_UDP &&
	    !(x == ADDRESS_CLASS_POD && y == ADDRESS_CLASS_POD);
}

/* Both ends changed: is a Service known to lead from the one to the other? */
static bool
is_led(const struct leg_ends *a, const struct leg_ends *b, uint8_t protocol,
    const struct address_view *view)
{
	return view->leads_to != NULL &&
	    (view->leads_to(
		 view->arg, a->dst, a->dport, b->dst, b->dport, protocol) ||
		view->leads_to(
		    view->arg, b->dst, b->dport, a->dst, a->dport, protocol) ||
		view->leads_to(
		    view->arg, a->src, a->sport, b->src, b->sport, protocol) ||
		view->leads_to(
		    view->arg, b->src, b->sport, a->src, a->sport, protocol));
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
		return plausible_one_end(
		    view->classify(view->arg, a->dst, at_us),
		    view->classify(view->arg, b->dst, at_us), protocol);
	if (protocol == FLOW_UDP && id == LEG_JOIN_ID_OTHER)
		return false;
	if (same_dst)
		return plausible_one_end(
		    view->classify(view->arg, a->src, at_us),
		    view->classify(view->arg, b->src, at_us), protocol);
	src_rewritten = one_is_rewritten(view, a->src, b->src, at_us);
	if (protocol != FLOW_UDP)
		return src_rewritten ||
		    one_is_rewritten(view, a->dst, b->dst, at_us);
	/* the usual chance hit: another short message of the same sum */
	return src_rewritten &&
	    (id == LEG_JOIN_ID_SAME || is_led(a, b, protocol, view)) &&
	    one_is_rewritten(view, a->dst, b->dst, at_us);
}

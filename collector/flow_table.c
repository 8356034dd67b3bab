/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a packet: which leg it belongs to, and what it says of it.
 * What becomes of a connection is in flow_end.c, joining in flow_join.c.
 */
#include "collector/flow_table.h"

#include <stdlib.h>
#include <string.h>

#include "collector/alloc_large.h"
#include "collector/flow_internal.h"
#include "core/choose.h"
#include "core/hash.h"

/* Far behind what a closed connection last sent: another one. */
#define CLOSE_SEQ_SLACK ((uint32_t)1 << 20)
/* So far ahead of its SYN is what was captured before it. */
#define DISORDER_SEQ_MAX ((uint32_t)1 << 16)

enum rf_status
flow_table_new(struct flow_table **out, const struct flow_table_config *config,
    struct rf_error *err)
{
	struct flow_table *ft = calloc(1, sizeof(*ft));
	enum rf_status st;

	*out = NULL;
	if (ft == NULL)
		return rf_fail(err, RF_NOMEM, "flow table: out of memory");
	ft->config = *config;
	st = leg_pool_init(&ft->pool, config->legs_max, config->seed, err);
	if (st != RF_OK)
		goto out;
	ft->join =
	    leg_join_new(config->legs_max / 2 < 64 ? 64 : config->legs_max / 2,
		config->seed);
	ft->left = malloc(config->legs_max * sizeof(*ft->left));
	ft->put_out = put_out_new(config->seed);
	ft->asked = alloc_large(FLOW_ASKED * sizeof(*ft->asked));
	if (ft->join == NULL || ft->left == NULL || ft->put_out == NULL ||
	    ft->asked == NULL) {
		st = rf_fail(err, RF_NOMEM, "flow table: out of memory");
		goto out;
	}
	*out = ft;
	ft = NULL;
out:
	flow_table_free(ft);
	return st;
}

void
flow_table_free(struct flow_table *ft)
{
	if (ft == NULL)
		return;
	leg_pool_release(&ft->pool);
	leg_join_free(ft->join);
	free(ft->left);
	put_out_free(ft->put_out);
	free_large(ft->asked, FLOW_ASKED * sizeof(*ft->asked));
	free(ft);
}

const struct flow_table_stats *
flow_table_stats(const struct flow_table *ft)
{
	return &ft->stats;
}

uint32_t
flow_idle_ms(const struct leg *leg)
{
	uint32_t f = leg->flags;

	if (leg->key.protocol == FLOW_UDP && !leg_is_dns(leg))
		return FLOW_TABLE_UDP_MS;
	if (leg->key.protocol == FLOW_UDP)
		return flow_dns_is_over(leg) ? FLOW_TABLE_DNS_OVER_MS
					     : FLOW_TABLE_DNS_MS;
	if (leg_is_closed(leg) || leg_is_tail(leg))
		return FLOW_TABLE_CLOSED_MS;
	if (f & LEG_BOTH(LEG_SYN) && !(f & LEG_BOTH(LEG_SYNACK)) &&
	    (f & LEG_BOTH(LEG_DATA)) == 0)
		return FLOW_TABLE_HALF_OPEN_MS;
	return FLOW_TABLE_ESTABLISHED_MS;
}

/* Does what the leg began with come just behind that SYN? */
static bool
is_just_before(const struct leg *leg, const struct flow_sighting *s)
{
	uint32_t next = leg->close_seq[s->from_lo];

	return s->key.protocol == FLOW_TCP && next != 0 &&
	    next - s->seq < DISORDER_SEQ_MAX && !leg_is_closed(leg);
}

/* A SYN or INIT on a leg that is there: repeated, or another connection? */
static bool
syn_starts_anew(const struct leg *leg, const struct flow_sighting *s)
{
	uint32_t f = leg->flags;

	if (f & LEG_SYN << !s->from_lo) /* simultaneous open, ports swapped */
		return leg_is_closed(leg) && s->seq != leg->isn;
	if (f & LEG_SYN << s->from_lo)
		return s->seq != leg->isn;
	/* captured out of order */
	if (f & LEG_SYNACK << !s->from_lo &&
	    (s->key.protocol != FLOW_TCP || s->seq == leg->isn))
		return false;
	return !is_just_before(leg, s);
}

static bool
udp_starts_anew(const struct flow_table *ft, const struct leg *leg,
    const struct flow_sighting *s)
{
	uint32_t silent = ft->now_ms - leg->last_ms;

	if (silent <= FLOW_TABLE_DNS_OVER_MS || /* the least */
	    silent <= flow_idle_ms(leg))
		return false;
	return !leg_is_dns(leg) || silent > FLOW_TABLE_DNS_MS ||
	    !flow_dns_had(leg, s);
}

/* Does this packet begin another connection on the leg's ports? */
static bool
starts_anew(
    const struct flow_table *ft, uint32_t index, const struct flow_sighting *s)
{
	const struct leg *leg = &ft->pool.legs[index];

	if (s->key.protocol == FLOW_UDP) /* it has no end: silence is one */
		return udp_starts_anew(ft, leg, s);
	if (s->bits & LEG_SYN)
		return syn_starts_anew(leg, s);
	if (!leg_is_closed(leg) || s->payload_bytes == 0 ||
	    s->key.protocol != FLOW_TCP ||
	    !leg_is_closed(&ft->pool.legs[leg_root(leg, index)]))
		return false;
	return leg->close_seq[s->from_lo] != 0 &&
	    s->seq - leg->close_seq[s->from_lo] + CLOSE_SEQ_SLACK >
	    2 * CLOSE_SEQ_SLACK;
}

/* Remember numbers that later tell a repetition from something new. */
static void
note_numbers(struct leg *leg, const struct flow_sighting *s)
{
	bool from_lo = s->from_lo;
	uint32_t ended = LEG_BOTH(LEG_FIN | LEG_RST);

	if (s->bits & LEG_SYN && !(leg->flags & LEG_BOTH(LEG_SYN)))
		leg->isn = s->seq;
	else if (s->bits & LEG_SYNACK && !(leg->flags & LEG_BOTH(LEG_SYN)) &&
	    s->key.protocol == FLOW_TCP)
		leg->isn = s->ack - 1;
	if (s->bits & (LEG_FIN | LEG_RST)) {
		if (!(leg->flags & ended))
			leg->close_seq[!from_lo] = 0;
		leg->close_seq[from_lo] = s->seq + s->payload_bytes;
		if (s->tcp_flags & TCP_ACK && leg->close_seq[!from_lo] == 0)
			leg->close_seq[!from_lo] = s->ack;
	} else if (!(leg->flags & LEG_BOTH(LEG_SEEN | LEG_RST))) {
		leg->close_seq[from_lo] = s->seq;
		leg->close_seq[!from_lo] = s->ack;
	}
}

/* Came in, or went out: proof of delivery for what stays unanswered. */
static void
note_passage(struct leg *leg, const struct flow_sighting *s)
{
	uint16_t point = (uint16_t)(1u << (s->point & 15));

	leg->flags |= LEG_TYPES;
	if (s->from_lo != ((leg->flags & LEG_FIRST_LO) != 0))
		return;
	if (s->type == PACKET_OUTGOING) {
		leg->out_points |= point;
		if (s->point != leg->last_out_point && !leg_is_dns(leg)) {
			leg->other_out_if = leg->last_out_if;
			leg->other_out_point = leg->last_out_point;
		}
		leg->last_out_if = s->ifindex;
		leg->last_out_point = s->point;
	} else if (s->type == PACKET_HOST || s->type == PACKET_OTHERHOST) {
		leg->in_points |= point;
	}
}

static inline bool
is_answered(uint32_t flags)
{
	return ((flags & LEG_BOTH(LEG_SYNACK)) != 0) |
	    ((flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA));
}

/* The parts of a packet's work that most packets have no need of. */
static void
leg_notice(struct flow_table *ft, uint32_t index, struct flow_sighting *s)
{
	struct leg *leg = &ft->pool.legs[index];
	bool was_closed = leg_is_closed(leg), settled;

	if (leg->flags & LEG_KNOWN)
		flow_known_speaks(ft, index);
	if (s->key.protocol != FLOW_UDP)
		note_numbers(leg, s);
	if (s->type != PACKET_TYPE_UNKNOWN && !is_answered(leg->flags))
		note_passage(leg, s);
	leg->flags |= (uint32_t)s->bits << s->from_lo;
	if ((!was_closed && leg_is_closed(leg)) || leg_is_tail(leg))
		flow_hurry(ft, leg_root(leg, index));
	if (leg_wants_join(leg, s))
		flow_join(ft, index, s);
	settled = is_answered(leg->flags) && !leg_is_closed(leg) &&
	    !leg_wants_join(leg, s);
	leg->flags = (leg->flags & ~LEG_SETTLED) | LEG_SETTLED * settled;
}

/* A SYN begins another connection, an INIT may be one repeated. */
static inline bool
is_syn(const struct flow_sighting *s)
{
	return s->key.protocol == FLOW_TCP && s->bits & LEG_SYN;
}

/* A new leg may be one that was put out. */
static void
take_up(struct flow_table *ft, struct leg *leg, const struct flow_sighting *s)
{
	uint32_t flags;

	if (!put_out_recall(
		ft->put_out, &leg->key, leg->hash, ft->now_ms, &flags) ||
	    is_syn(s))
		return;
	leg->flags = (leg->flags & ~LEG_FIRST_LO) | flags | LEG_CONTINUED;
}

/* A leg for the packet's key; there is always one after making room. */
static uint32_t
leg_start(struct flow_table *ft, const struct flow_sighting *s)
{
	uint32_t index = leg_add(&ft->pool, &s->key, s->hash);
	struct leg *leg;

	if (index == LEG_NONE) {
		flow_make_room(ft);
		index = leg_add(&ft->pool, &s->key, s->hash);
	}
	leg = &ft->pool.legs[index];
	if (s->from_lo)
		leg->flags |= LEG_FIRST_LO;
	leg->first_us = s->ts_us;
	leg->root = index;
	leg->n_legs = 1;
	flow_watch(ft, index);
	take_up(ft, leg, s);
	if (s->key.protocol == FLOW_UDP && leg_is_dns(leg) &&
	    flow_dns_is_more(ft, s))
		leg->flags |= LEG_CONTINUED;
	ft->stats.legs++;
	return index;
}

/* Count the packet where its direction is counted; true if it was counted. */
static inline bool
leg_count(struct leg *leg, const struct flow_sighting *s)
{
	uint32_t *tap = &leg->tap[s->from_lo], old = leg->bytes;

	if (*tap != s->tap) {
		if (*tap != 0)
			return false;
		*tap = s->tap;
	}
	leg->packets++;
	leg->bytes += s->ip_bytes;
	if (leg->bytes < old)
		leg->bytes_high++;
	return true;
}

/* An ICMP error speaks of a packet that the leg's sender had sent. */
static void
leg_refuse(struct flow_table *ft, const struct flow_sighting *s)
{
	uint32_t index = leg_find(&ft->pool, &s->key, s->hash);

	if (index != LEG_NONE)
		ft->pool.legs[index].flags |= LEG_REFUSED << s->from_lo;
}

/* Most likely the leg that was brought in; it may be gone by now, or another's,
 * and one that was not there may be. */
static inline uint32_t
find_leg(const struct flow_table *ft, const struct flow_sighting *s,
    uint32_t brought)
{
	const struct leg *legs = ft->pool.legs;

	if (brought != LEG_NONE && legs[brought].flags & LEG_LIVE &&
	    leg_key_equal(&legs[brought].key, &s->key))
		return brought;
	return leg_find(&ft->pool, &s->key, s->hash);
}

static bool
take(struct flow_table *ft, struct flow_sighting *s, uint32_t brought)
{
	bool is_udp = s->key.protocol == FLOW_UDP, first;
	struct leg *leg;
	uint32_t index;

	flow_clock(ft, s->ts_us); /* which may end the leg */
	index = find_leg(ft, s, brought);
	if (index != LEG_NONE &&
	    (!(ft->pool.legs[index].flags & LEG_SETTLED) ||
		s->bits > (LEG_SEEN | LEG_DATA) || is_udp) &&
	    starts_anew(ft, index, s)) {
		if (ft->pool.legs[index].flags & LEG_KNOWN)
			flow_known_opens(ft, index, s->ts_us);
		if (!flow_let_go(ft, index, s->from_lo))
			flow_end(ft, index);
		index = LEG_NONE;
	}
	if (index == LEG_NONE)
		index = leg_start(ft, s);
	leg = &ft->pool.legs[index];
	leg->last_ms = ft->now_ms;
	first = leg_count(leg, s);
	if (is_udp && leg_is_dns(leg))
		flow_dns_note(leg, s);
	if (!(leg->flags & LEG_SETTLED) ||
	    (uint32_t)s->bits << s->from_lo & ~leg->flags)
		leg_notice(ft, index, s);
	return first && !(leg->flags & LEG_MEMBER);
}

/* Give a later fragment the ports of its datagram's first one. */
static bool
fragment_ports(struct flow_table *ft, struct flow_sighting *s)
{
	struct leg_ends ends = leg_ends(&s->key, s->from_lo);
	uint64_t k[5] = { 0 };
	uint64_t hash;
	struct flow_fragment *f;

	memcpy(k, ends.src->b, 16);
	memcpy(k + 2, ends.dst->b, 16);
	k[4] = (uint64_t)s->ip_id << 8 | s->key.protocol;
	hash = hash_words(ft->config.seed, k, sizeof(k)) | 1;
	f = &ft->fragments[hash % FLOW_FRAGMENTS];
	if (!s->fragment) {
		*f = (struct flow_fragment){ hash, ends.sport, ends.dport };
		return true;
	}
	if (f->hash != hash) {
		ft->stats.orphan_fragments++;
		return false;
	}
	sighting_set_ports(s, f->sport, f->dport, ft->pool.seed);
	return true;
}

/* Will more be asked of its leg than to be counted? */
static inline bool
is_edgy(const struct flow_sighting *s)
{
	return s->key.protocol != FLOW_TCP || s->bits > (LEG_SEEN | LEG_DATA);
}

void
flow_table_sight(const struct flow_table *ft, const struct packet *p,
    struct flow_sighting *s)
{
	sighting_of(s, p, ft->pool.seed);
	if (p->protocol == FLOW_UDP || p->tcp_flags & TCP_SYN)
		leg_join_mark(ft->join, s);
}

/*
 * What taking the packet will read of its leg, and of the marks if it will be
 * offered for joining, is asked for before any packet of the batch is taken:
 * while the batch before it is, if that is known by then.
 */
static uint32_t
bring_leg(struct flow_table *ft, struct flow_sighting *s)
{
	uint32_t leg = leg_prefetch(&ft->pool, s->hash, is_edgy(s));

	if (leg != LEG_NONE) {
		if (is_edgy(s))
			bring_line(&ft->pool.watch[leg]);
		return leg;
	}
	leg_join_prefetch(ft->join, s);
	if (s->dns != SIGHTING_NO_DNS)
		flow_dns_bring(ft, s->dns_asker);
	return LEG_NONE;
}

/* Of a leg that is there the first packets are offered, and no later ones. */
static inline void
bring_marks_of_leg(
    const struct flow_table *ft, const struct flow_sighting *s, uint32_t leg)
{
	uint32_t at = choose_32(leg != LEG_NONE, leg, 0);
	unsigned tries = LEG_TRIES(ft->pool.legs[at].flags);

	if (s->marked)
		leg_join_bring_if(
		    ft->join, s, (leg != LEG_NONE) & (tries < FLOW_JOIN_TRIES));
}

/* Fragments go by the ports of their datagram's first one. */
static bool
take_fragment(struct flow_table *ft, const struct flow_sighting *s)
{
	struct flow_sighting copy = *s;

	return fragment_ports(ft, &copy) && take(ft, &copy, LEG_NONE) &&
	    !s->fragment;
}

static void
bring_buckets(struct flow_table *ft, const struct flow_sighting *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		leg_index_bring(&ft->pool.index, v[i].hash);
		if (is_edgy(&v[i]))
			bring_line(&v[i].seq);
	}
}

static void
bring_legs(struct flow_table *ft, struct flow_sighting *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ft->leg[i] = bring_leg(ft, &v[i]);
}

static bool
take_any(struct flow_table *ft, struct flow_sighting *s, uint32_t brought)
{
	ft->stats.packets++;
	if (s->icmp_error) {
		leg_refuse(ft, s);
		return false;
	}
	return s->fragment || s->more_fragments ? take_fragment(ft, s)
						: take(ft, s, brought);
}

void
flow_table_expect(
    struct flow_table *ft, struct flow_sighting *sightings, size_t n)
{
	ft->next = sightings;
	ft->n_next = n;
}

void
flow_table_take(
    struct flow_table *ft, struct flow_sighting *v, size_t n, bool *first_copy)
{
	struct flow_sighting *next = ft->next;
	size_t n_next = ft->n_next;

	if (ft->brought != v) {
		bring_buckets(ft, v, n);
		bring_legs(ft, v, n);
	}
	bring_buckets(ft, next, n_next);
	for (size_t i = 0; i < n; i++)
		bring_marks_of_leg(ft, &v[i], ft->leg[i]);
	for (size_t i = 0; i < n; i++) {
		bool first = take_any(ft, &v[i], ft->leg[i]);

		if (first_copy != NULL)
			first_copy[i] = first;
	}
	bring_legs(ft, next, n_next);
	flow_expire(ft, n);
	ft->brought = next;
	flow_table_expect(ft, NULL, 0);
}

void
flow_table_add(struct flow_table *ft, const struct packet *packets, size_t n,
    bool *first_copy)
{
	struct flow_sighting v[FLOW_TABLE_BATCH];

	for (size_t i = 0; i < n; i++)
		sighting_of(&v[i], &packets[i], ft->pool.seed);
	flow_table_take(ft, v, n, first_copy);
}

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
#include "core/hash.h"

/* Far behind what a closed connection last sent: another one. */
#define CLOSE_SEQ_SLACK ((uint32_t)1 << 20)

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

/* Where a sighting was made: interface, direction, overlay, capture point. */
static uint32_t
tap_of(const struct packet *p)
{
	return (p->ifindex << 9 ^ (uint32_t)p->point << 5) |
	    (uint32_t)p->type << 2 | (uint32_t)p->tunneled << 1 | 1;
}

/* What the packet says in pair flags, for the higher end's direction. */
static uint32_t
bits_of(const struct packet *p)
{
	uint32_t bits = LEG_SEEN;

	if (p->protocol == FLOW_TCP) {
		if (p->payload_bytes != 0)
			bits |= LEG_DATA;
		if ((p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0)
			return bits;
		if (p->tcp_flags & TCP_SYN)
			bits |= p->tcp_flags & TCP_ACK ? LEG_SYNACK : LEG_SYN;
		if (p->tcp_flags & TCP_FIN)
			bits |= LEG_FIN;
		if (p->tcp_flags & TCP_RST)
			bits |= LEG_RST;
		return bits;
	}
	if (p->protocol == FLOW_UDP)
		return bits | LEG_DATA;
	if (p->tcp_flags & SCTP_INIT)
		bits |= LEG_SYN;
	if (p->tcp_flags & SCTP_INIT_ACK)
		bits |= LEG_SYNACK;
	if (p->tcp_flags & SCTP_ABORT)
		bits |= LEG_RST;
	if (p->tcp_flags & SCTP_SHUTDOWN)
		bits |= LEG_FIN;
	if (p->tcp_flags & SCTP_DATA)
		bits |= LEG_DATA;
	return bits;
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

/* A SYN or INIT on a leg that is there: repeated, or another connection? */
static bool
syn_starts_anew(const struct leg *leg, const struct packet *p, bool from_lo)
{
	uint32_t f = leg->flags;

	if (f & LEG_SYN << from_lo)
		return p->seq != leg->isn;
	if (f & LEG_SYNACK << !from_lo) /* captured out of order */
		return p->protocol == FLOW_TCP && p->seq != leg->isn;
	if (f & LEG_SYN << !from_lo) /* simultaneous open, or ports swapped */
		return leg_is_closed(leg);
	return true;
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
	const struct packet *p = s->p;
	bool from_lo = s->from_lo;

	if (p->protocol == FLOW_UDP) /* it has no end: silence is one */
		return udp_starts_anew(ft, leg, s);
	if (p->protocol == FLOW_TCP
		? (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
		: (p->tcp_flags & SCTP_INIT) != 0)
		return syn_starts_anew(leg, p, from_lo);
	if (!leg_is_closed(leg) || p->payload_bytes == 0 ||
	    p->protocol != FLOW_TCP ||
	    !leg_is_closed(&ft->pool.legs[leg_root(leg, index)]))
		return false;
	return leg->close_seq[from_lo] != 0 &&
	    p->seq - leg->close_seq[from_lo] + CLOSE_SEQ_SLACK >
	    2 * CLOSE_SEQ_SLACK;
}

/* Remember numbers that later tell a repetition from something new. */
static void
note_numbers(
    struct leg *leg, const struct packet *p, uint32_t bits, bool from_lo)
{
	if (bits & LEG_SYN && !(leg->flags & LEG_BOTH(LEG_SYN)))
		leg->isn = p->seq;
	else if (bits & LEG_SYNACK && !(leg->flags & LEG_BOTH(LEG_SYN)) &&
	    p->protocol == FLOW_TCP)
		leg->isn = p->ack - 1;
	if (bits & (LEG_FIN | LEG_RST)) {
		leg->close_seq[from_lo] = p->seq + p->payload_bytes;
		if (p->tcp_flags & TCP_ACK && leg->close_seq[!from_lo] == 0)
			leg->close_seq[!from_lo] = p->ack;
	}
}

/* Came in, or went out: proof of delivery for what stays unanswered. */
static void
note_passage(struct leg *leg, const struct packet *p, bool from_lo)
{
	uint16_t point = (uint16_t)(1u << (p->point & 15));

	if (p->type == PACKET_TYPE_UNKNOWN)
		return;
	leg->flags |= LEG_TYPES;
	if (from_lo != ((leg->flags & LEG_FIRST_LO) != 0))
		return;
	if (p->type == PACKET_OUTGOING) {
		leg->out_points |= point;
		leg->last_out_if = p->ifindex;
		leg->last_out_point = p->point;
	} else if (p->type == PACKET_HOST || p->type == PACKET_OTHERHOST) {
		leg->in_points |= point;
	}
}

static bool
is_answered(uint32_t flags)
{
	return (flags & LEG_BOTH(LEG_SYNACK)) != 0 ||
	    (flags & LEG_BOTH(LEG_DATA)) == LEG_BOTH(LEG_DATA);
}

/* The parts of a packet's work that most packets have no need of. */
static void
leg_notice(struct flow_table *ft, uint32_t index, struct flow_sighting *s,
    uint32_t bits)
{
	const struct packet *p = s->p;
	bool from_lo = s->from_lo;
	struct leg *leg = &ft->pool.legs[index];
	bool was_closed = leg_is_closed(leg);

	if (leg->flags & LEG_KNOWN)
		flow_known_speaks(ft, index);
	if (p->protocol != FLOW_UDP)
		note_numbers(leg, p, bits, from_lo);
	if (!is_answered(leg->flags))
		note_passage(leg, p, from_lo);
	leg->flags |= bits << from_lo;
	if ((!was_closed && leg_is_closed(leg)) || leg_is_tail(leg))
		flow_hurry(ft, leg_root(leg, index));
	if (leg_wants_join(leg, p))
		flow_join(ft, index, p, &s->marks, from_lo);
	if (is_answered(leg->flags) && !leg_is_closed(leg) &&
	    !leg_wants_join(leg, p))
		leg->flags |= LEG_SETTLED;
	else
		leg->flags &= ~LEG_SETTLED;
}

/* A new leg may be one that was put out. A SYN begins another connection. */
static void
take_up(struct flow_table *ft, struct leg *leg, const struct packet *p)
{
	uint32_t flags;

	if (!put_out_recall(
		ft->put_out, &leg->key, leg->hash, ft->now_ms, &flags) ||
	    (p->protocol == FLOW_TCP &&
		(p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN))
		return;
	leg->flags = (leg->flags & ~LEG_FIRST_LO) | flags | LEG_CONTINUED;
}

/* A leg for the packet's key; there is always one after making room. */
static uint32_t
leg_start(struct flow_table *ft, const struct flow_sighting *s)
{
	const struct packet *p = s->p;
	uint32_t index = leg_add(&ft->pool, &s->key, s->hash);
	struct leg *leg;

	if (index == LEG_NONE) {
		flow_make_room(ft);
		index = leg_add(&ft->pool, &s->key, s->hash);
	}
	leg = &ft->pool.legs[index];
	if (s->from_lo)
		leg->flags |= LEG_FIRST_LO;
	leg->first_us = p->ts_us;
	leg->root = index;
	leg->n_legs = 1;
	flow_watch(ft, index);
	take_up(ft, leg, p);
	if (p->protocol == FLOW_UDP && leg_is_dns(leg) &&
	    flow_dns_is_more(ft, s))
		leg->flags |= LEG_CONTINUED;
	ft->stats.legs++;
	return index;
}

/* Count the packet where its direction is counted; true if it was counted. */
static inline bool
leg_count(struct leg *leg, const struct packet *p, bool from_lo)
{
	uint32_t tap = tap_of(p), old = leg->bytes;

	if (leg->tap[from_lo] != tap) {
		if (leg->tap[from_lo] != 0)
			return false;
		leg->tap[from_lo] = tap;
	}
	leg->packets++;
	leg->bytes += p->ip_bytes;
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
find_leg(const struct flow_table *ft, const struct flow_sighting *s)
{
	const struct leg *legs = ft->pool.legs;

	if (s->leg != LEG_NONE && legs[s->leg].flags & LEG_LIVE &&
	    leg_key_equal(&legs[s->leg].key, &s->key))
		return s->leg;
	return leg_find(&ft->pool, &s->key, s->hash);
}

static bool
take(struct flow_table *ft, struct flow_sighting *s)
{
	const struct packet *p = s->p;
	uint32_t index = find_leg(ft, s);
	uint32_t bits = bits_of(p);
	struct leg *leg;
	bool first;

	flow_clock(ft, p->ts_us);
	if (index != LEG_NONE &&
	    (!(ft->pool.legs[index].flags & LEG_SETTLED) ||
		bits > (LEG_SEEN | LEG_DATA) || p->protocol == FLOW_UDP) &&
	    starts_anew(ft, index, s)) {
		if (ft->pool.legs[index].flags & LEG_KNOWN)
			flow_known_opens(ft, index, p);
		if (!flow_let_go(ft, index, s->from_lo))
			flow_end(ft, index);
		index = LEG_NONE;
	}
	if (index == LEG_NONE)
		index = leg_start(ft, s);
	leg = &ft->pool.legs[index];
	leg->last_ms = ft->now_ms;
	first = leg_count(leg, p, s->from_lo);
	if (p->protocol == FLOW_UDP && leg_is_dns(leg))
		flow_dns_note(leg, s);
	if (!(leg->flags & LEG_SETTLED) || bits << s->from_lo & ~leg->flags)
		leg_notice(ft, index, s, bits);
	return first && !(leg->flags & LEG_MEMBER);
}

/* Whose packet it is. */
static void
sighting_of(const struct flow_table *ft, const struct packet *p,
    struct flow_sighting *s)
{
	s->p = p;
	s->from_lo = leg_key_of(&s->key, p);
	s->hash = leg_hash(&ft->pool, &s->key);
	s->leg = LEG_NONE;
	s->marks.n = 0;
	flow_dns_read(p, s);
}

/* Give a later fragment the ports of its datagram's first one. */
static bool
fragment_ports(struct flow_table *ft, struct packet *p)
{
	uint64_t k[5] = { 0 };
	uint64_t hash;
	struct flow_fragment *f;

	memcpy(k, p->src.b, 16);
	memcpy(k + 2, p->dst.b, 16);
	k[4] = (uint64_t)p->ip_id << 8 | p->protocol;
	hash = hash_words(ft->config.seed, k, sizeof(k)) | 1;
	f = &ft->fragments[hash % FLOW_FRAGMENTS];
	if (!p->fragment) {
		*f = (struct flow_fragment){ hash, p->sport, p->dport };
		return true;
	}
	if (f->hash != hash) {
		ft->stats.orphan_fragments++;
		return false;
	}
	p->sport = f->sport;
	p->dport = f->dport;
	p->tcp_flags = 0;
	return true;
}

/* Will more be asked of its leg than to be counted? */
static inline bool
is_edgy(const struct packet *p)
{
	return p->protocol != FLOW_TCP ||
	    p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST);
}

void
flow_table_sight(const struct flow_table *ft, const struct packet *p,
    struct flow_sighting *s)
{
	sighting_of(ft, p, s);
	if (p->protocol == FLOW_UDP || p->tcp_flags & TCP_SYN)
		leg_join_mark(ft->join, p, &s->marks);
}

static void
bring_marks(struct flow_table *ft, struct flow_sighting *s)
{
	if (s->marks.n == 0)
		leg_join_mark(ft->join, s->p, &s->marks);
	leg_join_prefetch(ft->join, &s->marks);
}

/*
 * What taking the packet will read of its leg, and of the marks if it will be
 * offered for joining, is asked for before any packet of the batch is taken:
 * while the batch before it is, if that is known by then.
 */
static void
bring_leg(struct flow_table *ft, struct flow_sighting *s)
{
	uint32_t leg = leg_prefetch(&ft->pool, s->hash, is_edgy(s->p));

	s->leg = leg;
	if (leg != LEG_NONE) {
		if (is_edgy(s->p))
			bring_line(&ft->pool.watch[leg]);
		return;
	}
	bring_marks(ft, s);
	if (s->dns != 0)
		flow_dns_bring(ft, s->hash);
}

static void
bring_marks_of_leg(struct flow_table *ft, struct flow_sighting *s)
{
	if (s->leg != LEG_NONE && is_edgy(s->p) &&
	    leg_wants_join(&ft->pool.legs[s->leg], s->p))
		bring_marks(ft, s);
}

/* Fragments go by the ports of their datagram's first one. */
static bool
take_fragment(struct flow_table *ft, const struct packet *p)
{
	struct packet copy = *p;
	struct flow_sighting s;

	if (!fragment_ports(ft, &copy))
		return false;
	sighting_of(ft, &copy, &s);
	return take(ft, &s) && !p->fragment;
}

static void
bring_slots(struct flow_table *ft, const struct flow_sighting *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		leg_prefetch_slot(&ft->pool, v[i].hash);
}

static void
bring_legs(struct flow_table *ft, struct flow_sighting *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bring_leg(ft, &v[i]);
}

static bool
take_any(struct flow_table *ft, struct flow_sighting *s)
{
	const struct packet *p = s->p;

	ft->stats.packets++;
	if (p->icmp_error) {
		leg_refuse(ft, s);
		return false;
	}
	return p->fragment || p->more_fragments ? take_fragment(ft, p)
						: take(ft, s);
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
		bring_slots(ft, v, n);
		bring_legs(ft, v, n);
	}
	bring_slots(ft, next, n_next);
	for (size_t i = 0; i < n; i++)
		bring_marks_of_leg(ft, &v[i]);
	for (size_t i = 0; i < n; i++) {
		bool first = take_any(ft, &v[i]);

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
		sighting_of(ft, &packets[i], &v[i]);
	flow_table_take(ft, v, n, first_copy);
}

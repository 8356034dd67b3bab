/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/names.h"

#include <stdlib.h>
#include <string.h>

#include "collector/dns.h"
#include "core/hash.h"
#include "kube/address.h"

#define NAMES_MAX    ((uint32_t)1 << 15)
#define HEADLESS_MAX ((uint32_t)1 << 14)
#define HEADLESS_WAY 16 /* slots in which a pair may stand */
#define TEXT_MAX     ((size_t)4 * 1024 * 1024)
#define ANSWERS      ((uint32_t)1 << 12)
#define ANSWER_NAMES 4
#define TTL_MAX_S    ((uint32_t)7 * 24 * 3600) /* resolvers keep none longer */

struct headless {
	struct ip_addr client, ip; /* no client: never used */
	uint32_t service;          /* FLOW_NONE: it is gone */
};

/*
 * What reading an answer did, as long as that only hangs on its bytes: the
 * same bytes again need no reading. They are known by a keyed hash of 64 bits.
 */
struct answer {
	uint64_t mark;
	uint32_t era; /* of another one it is empty */
	uint32_t n;
	uint32_t names[ANSWER_NAMES]; /* indices of those that were seen */
	uint32_t ttl_s[ANSWER_NAMES]; /* and how long each holds */
};

struct names {
	const struct cluster *c;
	uint64_t seed;
	struct arena text;
	struct dns_name *v; /* NAMES_MAX / 2 of them at most */
	uint32_t n;
	uint32_t *slots; /* NAMES_MAX: index + 1 into v */
	struct headless *headless;
	uint64_t headless_state;
	struct answer *answers;
	uint32_t era;
	int64_t from_us, to_us; /* no address changes hands in between */
	struct names_stats stats;
};

struct names *
names_new(const struct cluster *c, uint64_t seed)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->c = c;
	n->seed = seed;
	n->era = 1;
	arena_init(&n->text, TEXT_MAX);
	n->v = calloc(NAMES_MAX / 2, sizeof(*n->v));
	n->slots = calloc(NAMES_MAX, sizeof(*n->slots));
	n->headless = calloc(HEADLESS_MAX, sizeof(*n->headless));
	n->answers = calloc(ANSWERS, sizeof(*n->answers));
	if (n->v == NULL || n->slots == NULL || n->headless == NULL ||
	    n->answers == NULL) {
		names_free(n);
		return NULL;
	}
	for (uint32_t i = 0; i < HEADLESS_MAX; i++)
		n->headless[i].service = FLOW_NONE;
	return n;
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	arena_release(&n->text);
	free(n->v);
	free(n->slots);
	free(n->headless);
	free(n->answers);
	free(n);
}

/* Whatever was remembered of answers no longer holds. */
static void
forget_answers(struct names *n)
{
	n->from_us = n->to_us = 0;
	if (++n->era != 0)
		return;
	memset(n->answers, 0, ANSWERS * sizeof(*n->answers));
	n->era = 1;
}

/* Until when an answer holds. */
static int64_t
end_of(int64_t at_us, uint32_t ttl_s)
{
	if (ttl_s > TTL_MAX_S)
		ttl_s = TTL_MAX_S;
	return at_us > INT64_MAX - (int64_t)ttl_s * 1000000
	    ? INT64_MAX
	    : at_us + (int64_t)ttl_s * 1000000;
}

static void
see_again(struct dns_name *d, int64_t until_us)
{
	if (until_us > d->last_us)
		d->last_us = until_us;
}

/* Its index, or FLOW_NONE: there is no room. */
static uint32_t
learn_name(struct names *n, const char *name, const struct ip_addr *ip,
    int64_t at_us, uint32_t ttl_s)
{
	uint64_t h = hash_bytes(hash_string(n->seed, name), ip, sizeof(*ip));
	uint32_t i = (uint32_t)h & (NAMES_MAX - 1);
	struct dns_name *d;

	for (; n->slots[i] != 0; i = (i + 1) & (NAMES_MAX - 1)) {
		d = &n->v[n->slots[i] - 1];
		if (ip_equal(&d->ip, ip) && strcmp(d->name, name) == 0) {
			see_again(d, end_of(at_us, ttl_s));
			return n->slots[i] - 1;
		}
	}
	if (n->n >= NAMES_MAX / 2) {
		n->stats.overflow++;
		return FLOW_NONE;
	}
	d = &n->v[n->n];
	d->name = arena_strdup(&n->text, name);
	if (d->name == NULL) {
		n->stats.overflow++;
		return FLOW_NONE;
	}
	d->ip = *ip;
	d->first_us = at_us;
	d->last_us = end_of(at_us, ttl_s);
	n->slots[i] = ++n->n;
	n->stats.learnt++;
	return n->n - 1;
}

/* The slot of a pair, or the one that it may take: a free one, else that of
 * another pair, a different one each time. */
static uint32_t
headless_slot(const struct names *n, const struct ip_addr *client,
    const struct ip_addr *ip)
{
	struct ip_addr pair[2] = { *client, *ip };
	uint32_t home = (uint32_t)hash_words(n->seed, pair, sizeof(pair));

	for (uint32_t k = 0; k < HEADLESS_WAY; k++) {
		uint32_t i = (home + k) & (HEADLESS_MAX - 1);
		const struct headless *h = &n->headless[i];

		if (ip_is_none(&h->client) ||
		    (ip_equal(&h->client, client) && ip_equal(&h->ip, ip)))
			return i;
	}
	home += (uint32_t)n->headless_state % HEADLESS_WAY;
	return home & (HEADLESS_MAX - 1);
}

/*
 * "service.namespace.svc.zone" or "pod.service.namespace.svc.zone": the
 * Service's index, or FLOW_NONE.
 */
static uint32_t
service_of_name(const struct cluster *c, const char *name)
{
	char copy[DNS_NAME_MAX], *label[4], *p = copy, *save;
	size_t n = 0;

	if (strlen(name) >= sizeof(copy))
		return FLOW_NONE;
	memcpy(copy, name, strlen(name) + 1);
	while (n < 4 && (label[n] = strtok_r(p, ".", &save)) != NULL) {
		p = NULL;
		n++;
	}
	if (n >= 3 && strcmp(label[2], "svc") == 0)
		return cluster_find_service(c, label[1], label[0]);
	if (n >= 4 && strcmp(label[3], "svc") == 0)
		return cluster_find_service(c, label[2], label[1]);
	return FLOW_NONE;
}

/* One answered address; a later answer to the same client replaces. */
static void
learn_headless(struct names *n, const char *name, const struct ip_addr *client,
    const struct ip_addr *ip)
{
	uint32_t service = service_of_name(n->c, name);
	struct headless *h;

	if (service == FLOW_NONE || !n->c->services[service].headless)
		return;
	h = &n->headless[headless_slot(n, client, ip)];
	if (h->service == service && ip_equal(&h->client, client) &&
	    ip_equal(&h->ip, ip))
		return;
	*h = (struct headless){ *client, *ip, service };
	n->headless_state++;
}

uint64_t
names_headless_state(const struct names *n)
{
	return n->headless_state;
}

uint32_t
names_headless(const struct names *n, const struct ip_addr *client,
    const struct ip_addr *ip)
{
	const struct headless *h = &n->headless[headless_slot(n, client, ip)];

	if (h->service == FLOW_NONE || !ip_equal(&h->client, client) ||
	    !ip_equal(&h->ip, ip))
		return FLOW_NONE;
	return h->service;
}

void
names_set_cluster(struct names *n, const struct cluster *c)
{
	for (uint32_t i = 0; i < HEADLESS_MAX; i++) {
		struct headless *h = &n->headless[i];
		const struct kube_service *s;

		if (h->service == FLOW_NONE)
			continue;
		s = &n->c->services[h->service];
		h->service = cluster_find_service(c, s->namespace, s->name);
	}
	n->headless_state++;
	n->c = c;
	forget_answers(n);
}

/* A batch has 128 messages, and of one 64 answers are read (dns.c). */
bool
names_is_filling(const struct names *n)
{
	return n->n >= NAMES_MAX / 4;
}

void
names_forget(struct names *n)
{
	arena_release(&n->text);
	arena_init(&n->text, TEXT_MAX);
	memset(n->slots, 0, NAMES_MAX * sizeof(*n->slots));
	n->n = 0;
	forget_answers(n);
}

struct answer_context {
	struct names *names;
	const struct ip_addr *client;
	int64_t at_us;
	struct answer did;
	bool repeatable; /* did is all that it did */
};

/* A Service's own address did nothing, a name was seen. */
static void
note_name(struct answer_context *ctx, uint32_t name, uint32_t ttl_s)
{
	struct answer *did = &ctx->did;

	if (name == FLOW_NONE || did->n == ANSWER_NAMES) {
		ctx->repeatable = false;
		return;
	}
	did->names[did->n] = name;
	did->ttl_s[did->n++] = ttl_s;
}

static void
on_answer(void *arg, const char *name, const struct ip_addr *ip, uint32_t ttl_s)
{
	struct answer_context *ctx = arg;
	struct address_owner o;

	o = address_owner_at(ctx->names->c, ip, ctx->at_us);
	if (o.kind == ADDRESS_SERVICE || o.kind == ADDRESS_SERVICE_RANGE)
		return;
	if (o.kind == ADDRESS_POD) { /* hangs on the client too */
		learn_headless(ctx->names, name, ctx->client, ip);
		ctx->repeatable = false;
		return;
	}
	note_name(
	    ctx, learn_name(ctx->names, name, ip, ctx->at_us, ttl_s), ttl_s);
}

/* Of its bytes but for the id (RFC 1035 section 4.1.1). */
uint64_t
names_mark(const struct names *n, const uint8_t *msg, size_t len)
{
	size_t words;
	uint64_t rest;

	if (!dns_has_addresses(msg, len)) /* or it is shorter than a header */
		return 0;
	words = (len - 2) / 8 * 8;
	rest = hash_word(msg + len - 8) ^ (uint64_t)len << 48;
	return hash_mix(hash_words(n->seed, msg + 2, words) ^ rest,
		   n->seed ^ 0xe7037ed1a0b428dbu) |
	    1;
}

/* Where that answer is remembered, or would be. */
static struct answer *
find_answer(struct names *n, uint64_t mark, int64_t at_us)
{
	if (at_us < n->from_us || at_us >= n->to_us) {
		forget_answers(n);
		(void)address_span_at(n->c, at_us, &n->from_us, &n->to_us);
	}
	return &n->answers[mark / 2 & (ANSWERS - 1)];
}

static void
repeat(struct names *n, const struct answer *a, int64_t at_us)
{
	for (uint32_t i = 0; i < a->n; i++)
		see_again(&n->v[a->names[i]], end_of(at_us, a->ttl_s[i]));
	n->stats.answers++;
}

/* a: where to remember what it did, or NULL. */
static void
read_message(struct names *n, const struct ip_addr *client, const uint8_t *msg,
    size_t len, int64_t at_us, struct answer *a, uint64_t mark)
{
	struct answer_context ctx = { .names = n,
		.client = client,
		.at_us = at_us,
		.did = { .mark = mark, .era = n->era },
		.repeatable = a != NULL };

	switch (dns_parse(msg, len, on_answer, &ctx)) {
	case DNS_OK:
	case DNS_TRUNCATED:
		n->stats.answers++;
		break;
	case DNS_MALFORMED:
		n->stats.malformed++;
		return;
	case DNS_QUERY:
		return;
	}
	if (a != NULL && ctx.repeatable)
		*a = ctx.did;
}

void
names_count(struct names *n)
{
	n->stats.answers++;
}

void
names_read(struct names *n, const struct ip_addr *client, const uint8_t *msg,
    size_t len, uint64_t mark, int64_t at_us)
{
	struct answer *a = mark != 0 ? find_answer(n, mark, at_us) : NULL;

	if (a != NULL && a->era == n->era && a->mark == mark)
		repeat(n, a, at_us);
	else
		read_message(n, client, msg, len, at_us, a, mark);
}

const struct dns_name *
names_all(const struct names *n, size_t *count)
{
	*count = n->n;
	return n->v;
}

const struct names_stats *
names_stats(const struct names *n)
{
	return &n->stats;
}

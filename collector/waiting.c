/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/alike.h"
#include "core/hash.h"

struct waiting {
	uint32_t mask, n;
	int64_t window_us;
	uint64_t seed, connections;
	int64_t *left; /* rows of what was taken: as many as groups at most,
			* for none gets one before these are forgotten */
	uint32_t n_left;
	uint32_t *slots; /* open addressing: index + 1 of the newest group of
			  * its kind, 0 empty; twice as many as groups */
	struct waiting_group v[];
};

struct waiting *
waiting_new(uint32_t max, int64_t window_us, uint64_t seed)
{
	struct waiting *w = malloc(sizeof(*w) + max * sizeof(w->v[0]));

	assert(max != 0 && (max & (max - 1)) == 0);
	if (w == NULL)
		return NULL;
	w->slots = calloc((size_t)max * 2, sizeof(*w->slots));
	w->left = calloc(max, sizeof(*w->left));
	if (w->slots == NULL || w->left == NULL) {
		waiting_free(w);
		return NULL;
	}
	w->mask = max - 1;
	w->window_us = window_us;
	w->seed = seed;
	w->n = 0;
	w->n_left = 0;
	w->connections = 0;
	return w;
}

void
waiting_free(struct waiting *w)
{
	if (w == NULL)
		return;
	free(w->slots);
	free(w->left);
	free(w);
}

uint32_t
waiting_count(const struct waiting *w)
{
	return w->n;
}

uint64_t
waiting_connections(const struct waiting *w)
{
	return w->connections;
}

bool
waiting_is_filling(const struct waiting *w)
{
	return w->n > w->mask / 2;
}

static bool
same_leg(const struct connection_leg *a, const struct connection_leg *b)
{
	return a->server.port == b->server.port &&
	    a->last_out_if == b->last_out_if &&
	    a->last_out_point == b->last_out_point &&
	    ip_equal(&a->client.ip, &b->client.ip) &&
	    ip_equal(&a->server.ip, &b->server.ip);
}

static bool
is_alike(const struct connection *a, const struct connection *b)
{
	if (a->n_legs != b->n_legs || alike_facts(a) != alike_facts(b))
		return false;
	for (size_t i = 0; i < a->n_legs; i++)
		if (!same_leg(&a->legs[i], &b->legs[i]))
			return false;
	return true;
}

/* Where the newest group of c's kind is noted, or would be. */
static uint32_t *
find(const struct waiting *w, const struct connection *c)
{
	const struct connection_leg *l = &c->legs[0];
	const struct {
		uint64_t facts;
		struct ip_addr client, server;
	} key = { (uint64_t)alike_facts(c) << 16 | l->server.port, l->client.ip,
		l->server.ip };
	uint32_t mask = w->mask * 2 + 1;
	uint32_t at = (uint32_t)hash_words(w->seed, &key, sizeof(key)) & mask;

	for (; w->slots[at] != 0; at = (at + 1) & mask)
		if (is_alike(&w->v[w->slots[at] - 1].c, c))
			break;
	return &w->slots[at];
}

static int64_t
window_of(const struct waiting *w, int64_t us)
{
	return us / w->window_us - (us % w->window_us < 0);
}

/* Add it to the group, if that then begins within span_us. */
static bool
join(const struct waiting *w, struct waiting_group *g,
    const struct connection *c, int64_t span_us)
{
	int64_t first_us =
	    c->first_us < g->c.first_us ? c->first_us : g->c.first_us;
	int64_t latest_us =
	    c->first_us > g->latest_us ? c->first_us : g->latest_us;

	if (latest_us - first_us > span_us ||
	    window_of(w, first_us) != window_of(w, latest_us) ||
	    g->c.counted > UINT32_MAX - c->counted)
		return false;
	g->c.first_us = first_us;
	g->latest_us = latest_us;
	g->c.counted += c->counted;
	g->c.packets += c->packets;
	g->c.bytes += c->bytes;
	if (c->last_us > g->c.last_us)
		g->c.last_us = c->last_us;
	g->is_stored = false;
	return true;
}

bool
waiting_put(struct waiting *w, const struct connection *c, int64_t now_us,
    int64_t span_us)
{
	uint32_t *slot = alike_is_plain(c) ? find(w, c) : NULL;
	struct waiting_group *g = &w->v[w->n];

	if (slot != NULL && *slot != 0 &&
	    join(w, &w->v[*slot - 1], c, span_us)) {
		w->connections += c->counted;
		return true;
	}
	if (w->n > w->mask)
		return false;
	w->connections += c->counted;
	memcpy(&g->c, c, connection_bytes(c));
	g->latest_us = c->first_us;
	g->since_us = now_us;
	g->row = 0;
	g->is_stored = g->is_gone = false;
	g->before = NULL;
	w->n++;
	if (slot != NULL)
		*slot = w->n;
	return true;
}

bool
waiting_put_back(struct waiting *w, const struct waiting_group *g)
{
	if (w->n > w->mask)
		return false;
	w->v[w->n++] = *g;
	w->connections += g->c.counted;
	return true;
}

const struct waiting_group *
waiting_at(const struct waiting *w, uint32_t i)
{
	assert(i < w->n);
	return &w->v[i];
}

void
waiting_redate(struct waiting *w, int64_t by_us)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct waiting_group *g = &w->v[i];

		g->since_us += by_us;
		g->latest_us += by_us;
		g->c.first_us += by_us;
		g->c.last_us += by_us;
		for (size_t k = 0; k < g->c.n_legs; k++)
			g->c.legs[k].first_us += by_us;
		g->is_stored = false;
	}
}

void
waiting_take(struct waiting *w, uint32_t i)
{
	struct waiting_group *g = &w->v[i];

	assert(i < w->n && !g->is_gone);
	if (g->row != 0)
		w->left[w->n_left++] = g->row;
	g->is_gone = true;
}

void
waiting_set_row(struct waiting *w, uint32_t i, int64_t row)
{
	assert(i < w->n && !w->v[i].is_gone);
	w->v[i].row = row;
	w->v[i].is_stored = true;
}

const int64_t *
waiting_rows_left(const struct waiting *w, size_t *n)
{
	*n = w->n_left;
	return w->left;
}

void
waiting_forget_rows(struct waiting *w)
{
	w->n_left = 0;
}

void
waiting_move(struct waiting *w, uint32_t k, uint32_t i)
{
	struct waiting_group *from = &w->v[i], *to = &w->v[k];
	const size_t rest = offsetof(struct waiting_group, latest_us);

	assert(k <= i && i < w->n && !from->is_gone);
	if (k == i)
		return;
	memcpy(&to->c, &from->c, connection_bytes(&from->c));
	memcpy((char *)to + rest, (char *)from + rest, sizeof(*to) - rest);
	from->is_gone = true;
}

void
waiting_cut(struct waiting *w, uint32_t n)
{
	assert(n <= w->n);
	if (n == w->n)
		return;
	w->n = n;
	w->connections = 0;
	memset(w->slots, 0, ((size_t)w->mask + 1) * 2 * sizeof(*w->slots));
	for (uint32_t i = 0; i < n; i++) {
		w->connections += w->v[i].c.counted;
		if (w->v[i].before == NULL && alike_is_plain(&w->v[i].c))
			*find(w, &w->v[i].c) = i + 1;
	}
}

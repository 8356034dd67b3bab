/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the flow table has open goes to the database with the buffers that a
 * flush gives away: attempts that nobody answered yet are not lost with us, and
 * what goes on over a restart is not counted again.
 *
 * A row goes in the transaction in which what it stands for comes: into the
 * flows, or to what waits.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/certain.h"
#include "collector/daemon_internal.h"
#include "collector/row_bytes.h"
#include "core/hash.h"
#include "core/log.h"

/* Of one buffer: some megabytes. After the last one there is no other. */
#define ROWS_MAX ((size_t)1 << 15)
/* What was told is counted again after a kill, until it was open for long. */
#define LASTING_US ((int64_t)60 * 1000000)
#define OWNERS_MAX (2 + 2 * 8 * CONNECTION_LEGS_MAX)

static int
compare_row(const void *key, const void *v)
{
	int64_t row = *(const int64_t *)key;
	int64_t other = ((const struct open_before *)v)->row;

	return (row > other) - (row < other);
}

static struct open_before *
find_before(const struct daemon *d, int64_t row)
{
	if (d->n_opened == 0)
		return NULL;
	return bsearch(
	    &row, d->opened, d->n_opened, sizeof(*d->opened), compare_row);
}

uint8_t
daemon_delivery(const struct daemon *d, const struct connection *c)
{
	struct aggregate_item item;

	if (c->protocol != FLOW_UDP || c->both_ways || c->refused)
		return DELIVERY_UNTOLD;
	resolver_resolve(d->summing.resolver, c, &item);
	if (item.flow.outcome == OUTCOME_ONEWAY)
		return DELIVERY_SURE;
	return item.flow.outcome == OUTCOME_UNANSWERED &&
		item.dst.type == ENDPOINT_WORKLOAD
	    ? DELIVERY_UNSURE
	    : DELIVERY_UNTOLD;
}

static void
put_owners(
    const struct daemon *d, const struct flow_saved *s, struct row_writer *w)
{
	const struct open_before *before = find_before(d, s->row);
	struct certain_owners now;
	const struct certain_owners *o = &now;

	if (before != NULL)
		o = &before->owners;
	else
		certain_owners(d->cluster->c, s->c, &now);
	row_put(w, s->c->n_legs, 1);
	row_put(
	    w, before != NULL ? before->delivery : daemon_delivery(d, s->c), 1);
	for (size_t i = 0; i < s->c->n_legs; i++) {
		row_put(w, o->of[i][0], 8);
		row_put(w, o->of[i][1], 8);
	}
}

/* false: what it says is none of ours. */
static bool
get_owners(const struct store_waiting *row, struct open_before *out,
    struct flow_saved *rest)
{
	struct cursor in = cursor_init(row->content, row->size);
	size_t n = cursor_u8(&in);

	*out = (struct open_before){ .row = row->id };
	out->delivery = cursor_u8(&in);
	if (n > CONNECTION_LEGS_MAX || out->delivery > DELIVERY_UNSURE)
		return false;
	for (size_t i = 0; i < n; i++) {
		out->owners.of[i][0] = row_u64(&in);
		out->owners.of[i][1] = row_u64(&in);
	}
	*rest = (struct flow_saved){
		.row = row->id, .content = in.p, .size = cursor_left(&in)
	};
	return !in.is_short && row->id > 0 && row->id <= ROW_ID_MAX;
}

static bool
put_open(void *arg, const struct flow_saved *s)
{
	struct daemon *d = arg;
	struct buffer *b = d->buffer;
	uint8_t owners[OWNERS_MAX], *content;
	struct row_writer w = { owners, owners + sizeof(owners) };
	size_t n;

	if (b->open.n == ROWS_MAX && !d->is_last)
		return false;
	put_owners(d, s, &w);
	n = (size_t)(w.p - owners);
	content = arena_alloc(&b->text, n + s->size);
	if (content == NULL ||
	    !arena_grow(&b->text, (void **)&b->open_rows, b->open.n,
		&b->open_cap, sizeof(*b->open_rows)))
		return false;
	memcpy(content, owners, n);
	memcpy(content + n, s->content, s->size);
	b->open_rows[b->open.n++] = (struct store_waiting){ .id = s->row,
		.connections = s->c->counted,
		.first_us = s->c->first_us,
		.since_us = s->c->last_us,
		.content = content,
		.size = n + s->size };
	b->open.v = b->open_rows;
	return true;
}

void
daemon_forget_open(void *arg, int64_t row)
{
	struct daemon *d = arg;

	if (d->n_open_left < d->open_left_max)
		d->open_left[d->n_open_left++] = row;
}

/* Capture points in another order are others. */
static uint32_t
points_of(const struct daemon *d)
{
	uint64_t h = d->config.n_points;

	for (size_t i = 0; i < d->config.n_points; i++)
		h = hash_string(h, d->config.points[i]);
	return (uint32_t)h;
}

void
daemon_save_open(struct daemon *d, bool is_last)
{
	int64_t interval_us =
	    d->config.interval_us > 0 ? d->config.interval_us : 1;
	int64_t lasting = LASTING_US / interval_us;
	struct flow_save s = {
		.next_row = d->next_open,
		.lasting = lasting > 250 ? 250 : (uint8_t)(lasting + 1),
		.points = points_of(d),
		.put = put_open,
		.forget = daemon_forget_open,
		.arg = d,
	};

	d->is_last = is_last;
	if (is_last)
		flow_table_save_last(d->ft, &s);
	else
		flow_table_save(d->ft, &s);
	d->next_open = s.next_row;
}

void
daemon_move_open_left(struct daemon *d)
{
	struct buffer *b = d->buffer;
	size_t n = d->n_open_left;
	int64_t *v = arena_calloc(&b->text, n != 0 ? n : 1, sizeof(*v));

	if (v == NULL)
		return; /* with the next one */
	memcpy(v, d->open_left, n * sizeof(*v));
	b->open.ended = v;
	b->open.n_ended = n;
	d->n_open_left = 0;
}

const struct open_before *
daemon_open_before(const struct daemon *d, const struct connection *c)
{
	return c->saved == 0 ? NULL : find_before(d, c->saved);
}

void
daemon_done_with_opened(struct daemon *d)
{
	if (--d->opened_left != 0)
		return;
	free(d->opened);
	d->opened = NULL;
	d->n_opened = 0;
}

/* One restart: what was open is asked of the flow table, row by row. */
struct restart {
	struct daemon *d;
	struct flow_restore restore;
	const struct certain_owners *owners; /* of the row at hand */
};

/* Has everybody the addresses that were theirs? */
static bool
goes_on(void *arg, const struct connection *c)
{
	const struct restart *r = arg;
	struct certain_owners now;

	certain_owners(r->d->cluster->c, c, &now);
	for (size_t i = 0; i < c->n_legs; i++)
		if (memcmp(now.of[i], r->owners->of[i], sizeof(now.of[i])) != 0)
			return false;
	return true;
}

static enum rf_status
begin_open(void *arg, size_t n, struct rf_error *err)
{
	struct restart *r = arg;
	struct daemon *d = r->d;

	d->opened = calloc(n, sizeof(*d->opened));
	if (d->opened == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	return store_get_written(d->config.store, &r->restore.saved_us, err);
}

static enum flow_restored
take_open(void *arg, const struct store_waiting *row)
{
	struct restart *r = arg;
	struct daemon *d = r->d;
	struct open_before *before = &d->opened[d->n_opened];
	enum flow_restored did;
	struct flow_saved s;
	struct connection c;

	if (!get_owners(row, before, &s))
		return FLOW_RESTORED_BAD;
	r->owners = &before->owners;
	did = flow_table_restore(d->ft, &r->restore, &s, &c);
	if (did == FLOW_RESTORED && c.counted != 0) {
		d->n_opened++;
		d->opened_left++;
	}
	return did;
}

enum rf_status
daemon_restore_open(struct daemon *d, struct rf_error *err)
{
	struct restart r = {
		.d = d,
		.restore = { .now_us = d->config.start_us,
		    .booted_us = d->config.booted_us,
		    .points = points_of(d),
		    .goes_on = goes_on,
		    .arg = &r },
	};
	const struct daemon_rows rows = {
		.get = store_get_open,
		.put = store_put_open,
		.begin = begin_open,
		.take = take_open,
		.arg = &r,
		.next = &d->next_open,
		.what_is_lost = "without an answer are in the database in a "
				"form that cannot be taken up",
	};
	enum rf_status st = daemon_restore_rows(d, &rows, err);

	if (st == RF_OK && d->opened_left > 0)
		log_warn("collect",
		    "%zu connections had no answer when the collector before "
		    "this one was stopped; they still count",
		    d->opened_left);
	return st;
}

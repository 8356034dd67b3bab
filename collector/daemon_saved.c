/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits goes to the database with every buffer: a collector that is killed
 * loses none of it, and the next one takes it up again.
 *
 * A buffer holds what was taken until it was given away. So the rows of what
 * was taken go in the same transaction in which the flows come: each connection
 * is in one of the two, always.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/certain.h"
#include "collector/daemon_internal.h"
#include "collector/waiting_row.h"
#include "core/log.h"

/* The row of a group, in the buffer's memory. false: there is none left. */
static bool
write_row(const struct daemon *d, const struct waiting_group *g, int64_t row,
    struct store_waiting *out)
{
	uint8_t content[WAITING_ROW_MAX];
	struct waiting_group told = *g;
	struct certain_owners now;
	void *copy;

	if (g->before == NULL) {
		certain_owners(d->cluster->c, &g->c, &now);
		told.c.delivery = daemon_delivery(d, &g->c);
	}
	out->size = waiting_row_write(
	    &told, g->before != NULL ? g->before : &now, content);
	if ((copy = arena_alloc(&d->buffer->text, out->size)) == NULL)
		return false;
	out->content = memcpy(copy, content, out->size);
	out->id = row;
	out->connections = g->c.counted;
	out->first_us = g->c.first_us;
	out->since_us = g->since_us;
	return true;
}

static bool
has_to_be_written(const struct waiting_group *g)
{
	return !g->is_gone && !g->is_stored;
}

static size_t
count_rows(const struct waiting *w)
{
	size_t n = 0;

	for (uint32_t i = 0; i < waiting_count(w); i++)
		n += has_to_be_written(waiting_at(w, i));
	return n;
}

/* What finds no memory is written with the next buffer. */
static void
save_groups(struct daemon *d)
{
	struct buffer *b = d->buffer;
	size_t n = count_rows(d->waiting);

	b->waiting =
	    arena_calloc(&b->text, n != 0 ? n : 1, sizeof(*b->waiting));
	for (uint32_t i = 0; b->waiting != NULL && b->n_waiting < n; i++) {
		const struct waiting_group *g = waiting_at(d->waiting, i);
		int64_t row = g->row != 0 ? g->row : d->next_row;

		if (!has_to_be_written(g))
			continue;
		if (!write_row(d, g, row, &b->waiting[b->n_waiting]))
			return;
		d->next_row += g->row == 0;
		b->n_waiting++;
		waiting_set_row(d->waiting, i, row);
	}
}

void
daemon_save_waiting(struct daemon *d)
{
	struct buffer *b = d->buffer;
	const int64_t *left;
	size_t n;

	left = waiting_rows_left(d->waiting, &n);
	b->left = arena_calloc(&b->text, n != 0 ? n : 1, sizeof(*b->left));
	if (b->left == NULL)
		return;
	memcpy(b->left, left, n * sizeof(*left));
	b->n_left = n;
	waiting_forget_rows(d->waiting);
	save_groups(d);
}

/* An interface has its number until the system starts anew. */
static void
forget_interfaces(struct connection *c)
{
	for (size_t i = 0; i < c->n_legs; i++) {
		c->legs[i].last_out_if = 0;
		c->legs[i].last_out_point = 0;
		c->legs[i].other_out_if = 0;
	}
}

/* Groups put back, and who the ends of each were. */
struct put_back {
	struct daemon *d;
	size_t n;
};

static enum rf_status
begin_waiting(void *arg, size_t n, struct rf_error *err)
{
	struct daemon *d = ((struct put_back *)arg)->d;

	d->left_by = calloc(n, sizeof(*d->left_by));
	if (d->left_by == NULL)
		return rf_fail(err, RF_NOMEM, "collect: out of memory");
	return RF_OK;
}

static enum flow_restored
take_waiting(void *arg, const struct store_waiting *row)
{
	struct put_back *p = arg;
	struct daemon *d = p->d;
	struct certain_owners *before = &d->left_by[p->n];
	struct waiting_group g = { .since_us = row->since_us,
		.row = row->id,
		.is_stored = true,
		.before = before };

	*before = (struct certain_owners){ 0 };
	if (row->connections > UINT32_MAX || row->id <= 0 ||
	    row->id > ROW_ID_MAX)
		return FLOW_RESTORED_BAD;
	g.c.counted = (uint32_t)row->connections;
	g.c.first_us = row->first_us;
	if (!waiting_row_read(row->content, row->size, &g, before))
		return FLOW_RESTORED_BAD;
	if (g.c.first_us < d->config.booted_us)
		forget_interfaces(&g.c);
	if (!waiting_put_back(d->waiting, &g))
		return FLOW_RESTORED_BAD;
	p->n++;
	return FLOW_RESTORED;
}

enum rf_status
daemon_restore_waiting(struct daemon *d, struct rf_error *err)
{
	struct put_back p = { .d = d };
	const struct daemon_rows rows = {
		.get = store_get_waiting,
		.put = store_put_waiting,
		.begin = begin_waiting,
		.take = take_waiting,
		.arg = &p,
		.next = &d->next_row,
		.what_is_lost = "waited in the database in a form that cannot "
				"be read",
	};
	enum rf_status st = daemon_restore_rows(d, &rows, err);

	if (st == RF_OK && waiting_count(d->waiting) > 0)
		log_warn("collect",
		    "%" PRIu64
		    " connections waited for their ends to be known when the "
		    "collector before this one was stopped; they still count",
		    waiting_connections(d->waiting));
	return st;
}

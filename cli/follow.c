/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/hash.h"

#define PATH_MAX_LEN 4096
#define LOOK_NS      500000000L

/* One edge as it was. */
struct follow_mark {
	uint64_t key[2]; /* two hashes of its names: 128 bits do not meet */
	uint64_t connections, packets;
	int64_t last_us;
};

void
follow_release(struct follow *f)
{
	free(f->seen);
	*f = (struct follow){ 0 };
}

static int
compare_mark(const void *a, const void *b)
{
	const struct follow_mark *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

/* Row ids and indices change; names do not. */
static void
make_key(struct follow_mark *m, const struct view_edge *v, struct strbuf *text)
{
	const struct edge *e = v->edge;

	strbuf_clear(text);
	view_end_text(text, v->src);
	strbuf_putc(text, '\n');
	view_end_text(text, v->dst);
	strbuf_putc(text, '\n');
	view_service_text(text, v);
	strbuf_printf(text, "\n%u %u %u %u", e->protocol, e->port, e->outcome,
	    e->certainty);
	for (uint64_t i = 0; i < 2; i++)
		m->key[i] = hash_bytes(i + 1, strbuf_str(text), text->len);
	m->connections = e->connections;
	m->packets = e->packets;
	m->last_us = e->last_us;
}

static bool
has_changed(const struct follow *f, const struct follow_mark *m)
{
	const struct follow_mark *old = f->n_seen == 0
	    ? NULL
	    : bsearch(m, f->seen, f->n_seen, sizeof(*m), compare_mark);

	return old == NULL || old->connections != m->connections ||
	    old->packets != m->packets || old->last_us != m->last_us;
}

enum rf_status
follow_keep_changed(
    struct follow *f, struct view *v, struct arena *arena, struct rf_error *err)
{
	struct follow_mark *marks = calloc(v->n_edges + 1, sizeof(*marks));
	struct view_edge *kept =
	    arena_calloc(arena, v->n_edges + 1, sizeof(*kept));
	struct strbuf text;
	size_t n = 0;

	strbuf_init(&text, 1 << 20);
	for (size_t i = 0; marks != NULL && kept != NULL && i < v->n_edges;
	     i++) {
		make_key(&marks[i], &v->edges[i], &text);
		if (has_changed(f, &marks[i]))
			kept[n++] = v->edges[i];
	}
	if (marks == NULL || kept == NULL || strbuf_failed(&text)) {
		strbuf_release(&text);
		free(marks);
		return rf_fail(err, RF_NOMEM, "follow: out of memory");
	}
	strbuf_release(&text);
	qsort(marks, v->n_edges, sizeof(*marks), compare_mark);
	free(f->seen);
	f->seen = marks;
	f->n_seen = v->n_edges;
	f->looks++;
	v->edges = kept;
	v->n_edges = n;
	return RF_OK;
}

/* SQLite writes to the journal first, and to the database when that is long.
 * Asked before reading, so that nothing is missed in between. */
static bool
note_files(struct follow *f, const char *path)
{
	static const char *const suffixes[] = { "", "-wal" };
	bool is_new = false;

	for (size_t i = 0; i < 2; i++) {
		char name[PATH_MAX_LEN];
		int64_t at_ns = 0, size = -1;
		struct stat st;

		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		if (stat(name, &st) == 0) {
			at_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			    st.st_mtim.tv_nsec;
			size = st.st_size;
		}
		is_new = is_new || f->files[i].at_ns != at_ns ||
		    f->files[i].size != size;
		f->files[i].at_ns = at_ns;
		f->files[i].size = size;
	}
	return is_new;
}

void
follow_wait(struct follow *f, const char *path)
{
	const struct timespec nap = { 0, LOOK_NS };

	do
		(void)nanosleep(&nap, NULL);
	while (!note_files(f, path));
}

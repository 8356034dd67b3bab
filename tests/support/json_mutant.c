/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/json_mutant.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"

#define TEXT_MAX   ((size_t)1 << 20)
#define COMPLAINTS 40 /* shown */

static const struct {
	enum mutant_kind kind;
	const char *text;
} others[] = {
	{ MUTANT_ABSENT, "" },
	{ MUTANT_NULL, "null" },
	{ MUTANT_BOOL, "true" },
	{ MUTANT_BOOL, "false" },
	{ MUTANT_INTEGER, "0" },
	{ MUTANT_INTEGER, "7" },
	{ MUTANT_INTEGER, "-9223372036854775808" },
	{ MUTANT_REAL, "1.5" },
	{ MUTANT_REAL, "1e300" },
	{ MUTANT_REAL, "18446744073709551616" },
	{ MUTANT_TEXT, "\"\"" },
	{ MUTANT_TEXT, "\"7\"" },
	{ MUTANT_TEXT, "\"true\"" },
	{ MUTANT_LIST, "[]" },
	{ MUTANT_LIST, "[null]" },
	{ MUTANT_LIST, "[7]" },
	{ MUTANT_LIST, "[\"x\"]" },
	{ MUTANT_LIST, "[{}]" },
	{ MUTANT_LIST, "[[]]" },
	{ MUTANT_MAP, "{}" },
	{ MUTANT_MAP, "{\"x\":\"y\"}" },
};

#define N_OTHERS (sizeof(others) / sizeof(others[0]))

/* Lists of all kinds where there was a list, and numbers of all sizes where
 * there was one; elsewhere one does for all. */
static bool
is_wanted(enum mutant_kind was, size_t other)
{
	const char *text = others[other].text;

	if (others[other].kind == MUTANT_LIST && was != MUTANT_LIST)
		return strlen(text) == 2;
	if (others[other].kind == MUTANT_REAL && was != MUTANT_INTEGER)
		return strlen(text) == 3;
	return was == MUTANT_INTEGER || strlen(text) < 20;
}

#define DEPTH_MAX 32

/* One walk over the values, which are numbered in the order of the text. */
struct walk {
	struct strbuf out;
	struct {
		const char *key; /* NULL: an item of a list */
		size_t item;
	} way[DEPTH_MAX]; /* where we are */
	size_t depth;
	char hit[512]; /* where the target is */
	size_t at, target;
	const char *with;
	enum mutant_kind was;
};

static enum mutant_kind
kind_of(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return MUTANT_MAP;
	case JSON_ARRAY:
		return MUTANT_LIST;
	case JSON_STRING:
		return MUTANT_TEXT;
	case JSON_INTEGER:
		return MUTANT_INTEGER;
	case JSON_REAL:
		return MUTANT_REAL;
	case JSON_NULL:
		return MUTANT_NULL;
	default:
		return MUTANT_BOOL;
	}
}

/* Is it this one's turn? */
static bool
hits(struct walk *w, json_t *j)
{
	size_t n = 0, size = sizeof(w->hit);

	if (w->at++ != w->target)
		return false;
	for (size_t i = 0; i < w->depth; i++)
		if (w->way[i].key == NULL)
			n += (size_t)snprintf(
			    w->hit + n, size - n, "[%zu]", w->way[i].item);
		else
			n += (size_t)snprintf(w->hit + n, size - n, "%s%s",
			    i == 0 ? "" : ".", w->way[i].key);
	w->was = kind_of(j);
	return true;
}

static void write_value(struct walk *w, json_t *j);

/* A member or an item with what stands in front of it, unless it is the one
 * that is left out. */
static void
write_inner(
    struct walk *w, const char *key, size_t item, json_t *j, bool *is_first)
{
	w->way[w->depth - 1].key = key;
	w->way[w->depth - 1].item = item;
	if (*w->with == '\0' && w->at == w->target) {
		(void)hits(w, j);
		return;
	}
	if (!*is_first)
		strbuf_putc(&w->out, ',');
	*is_first = false;
	if (key != NULL) { /* no key of a test needs an escape */
		strbuf_putc(&w->out, '"');
		strbuf_puts(&w->out, key);
		strbuf_puts(&w->out, "\":");
	}
	write_value(w, j);
}

static void
write_members(struct walk *w, json_t *map)
{
	bool is_first = true;
	const char *key;
	json_t *j;

	json_object_foreach(map, key, j) write_inner(w, key, 0, j, &is_first);
}

static void
write_items(struct walk *w, json_t *list)
{
	bool is_first = true;

	for (size_t i = 0; i < json_array_size(list); i++)
		write_inner(w, NULL, i, json_array_get(list, i), &is_first);
}

/* Most are plain, and jansson takes its time. */
static void
write_scalar(struct walk *w, const json_t *j)
{
	const char *plain = json_string_value(j);
	char *text;

	if (plain != NULL && strpbrk(plain, "\"\\") == NULL) {
		strbuf_putc(&w->out, '"');
		strbuf_puts(&w->out, plain);
		strbuf_putc(&w->out, '"');
		return;
	}
	text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	if (text == NULL)
		abort();
	strbuf_puts(&w->out, text);
	free(text);
}

static void
write_value(struct walk *w, json_t *j)
{
	if (hits(w, j)) {
		strbuf_puts(&w->out, w->with);
		return;
	}
	if (!json_is_object(j) && !json_is_array(j)) {
		write_scalar(w, j);
		return;
	}
	if (w->depth++ == DEPTH_MAX)
		abort();
	strbuf_putc(&w->out, json_is_object(j) ? '{' : '[');
	if (json_is_object(j))
		write_members(w, j);
	else
		write_items(w, j);
	strbuf_putc(&w->out, json_is_object(j) ? '}' : ']');
	w->depth--;
}

/* What came of a text. */
struct reading {
	bool is_taken;
	struct strbuf said;
};

struct judge {
	const struct mutant_reader *reader;
	const char *head;
	struct reading as_is, absent;
	struct mutant_tally tally;
};

static void
reading_init(struct reading *r)
{
	r->is_taken = false;
	strbuf_init(&r->said, TEXT_MAX);
}

static void
read_text(const struct judge *j, const char *text, struct reading *r)
{
	struct strbuf all;

	strbuf_init(&all, TEXT_MAX);
	strbuf_puts(&all, j->head);
	strbuf_puts(&all, text);
	strbuf_clear(&r->said);
	r->is_taken = j->reader->read(strbuf_str(&all), all.len, &r->said);
	if (strbuf_failed(&all) || strbuf_failed(&r->said))
		abort();
	strbuf_release(&all);
}

static bool
same(const struct reading *a, const struct reading *b)
{
	return a->is_taken && b->is_taken &&
	    strcmp(strbuf_str(&a->said), strbuf_str(&b->said)) == 0;
}

/* NULL: nothing is wrong. */
static const char *
find_wrong(
    const struct judge *j, const struct mutant *m, const struct reading *r)
{
	const struct mutant_reader *reader = j->reader;
	bool is_loose = reader->loose != NULL &&
	    strncmp(m->path, reader->loose, strlen(reader->loose)) == 0;

	if (!r->is_taken)
		return strncmp(strbuf_str(&r->said), reader->prefix,
			   strlen(reader->prefix)) == 0
		    ? NULL
		    : strbuf_str(&r->said);
	if (m->is == m->was || (reader->may_be != NULL && reader->may_be(m)))
		return NULL;
	if (same(r, &j->absent) &&
	    (m->is == MUTANT_NULL || same(r, &j->as_is) || is_loose))
		return NULL;
	return same(r, &j->absent) ? "taken as if it were not there"
				   : "taken, and makes a difference";
}

static void
judge(struct judge *j, const struct mutant *m, const char *text)
{
	struct reading r;
	const char *wrong;

	if (m->is == MUTANT_ABSENT) {
		read_text(j, text, &j->absent);
		return;
	}
	reading_init(&r);
	read_text(j, text, &r);
	j->tally.taken += r.is_taken;
	j->tally.refused += !r.is_taken;
	wrong = find_wrong(j, m, &r);
	if (wrong != NULL && j->tally.wrong++ < COMPLAINTS)
		(void)fprintf(stderr, "%s: %s: %s\n", m->path, m->with, wrong);
	strbuf_release(&r.said);
}

static size_t
count(json_t *root)
{
	struct walk w = { .target = SIZE_MAX, .with = "x" };

	strbuf_init(&w.out, TEXT_MAX);
	write_value(&w, root);
	strbuf_release(&w.out);
	return w.at;
}

static void
mutate(struct judge *j, json_t *root, size_t target, size_t other)
{
	struct walk w = { .target = target, .with = others[other].text };
	struct mutant m = { .is = others[other].kind, .with = w.with };

	strbuf_init(&w.out, TEXT_MAX);
	write_value(&w, root);
	if (strbuf_failed(&w.out))
		abort();
	m.path = w.hit;
	m.was = w.was;
	if (is_wanted(m.was, other))
		judge(j, &m, strbuf_str(&w.out));
	strbuf_release(&w.out);
}

struct mutant_tally
json_mutants_judge(
    const struct mutant_reader *r, const char *head, const char *text)
{
	struct judge j = { .reader = r, .head = head };
	json_t *root = json_loads(text, 0, NULL);

	reading_init(&j.as_is);
	reading_init(&j.absent);
	read_text(&j, text, &j.as_is);
	if (root == NULL || !j.as_is.is_taken) {
		(void)fprintf(stderr, "%s\n", strbuf_str(&j.as_is.said));
		abort();
	}
	j.tally.values = count(root);
	for (size_t i = 0; i < j.tally.values; i++)
		for (size_t k = i == 0; k < N_OTHERS; k++)
			mutate(&j, root, i, k);
	json_decref(root);
	strbuf_release(&j.as_is.said);
	strbuf_release(&j.absent.said);
	return j.tally;
}

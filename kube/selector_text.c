/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar is that of apimachinery's labels.Parse: requirements with
 * commas between them, each KEY, !KEY, KEY=V, KEY==V, KEY!=V, KEY in (V, ...)
 * or KEY notin (V, ...). A value may be empty, a key may not; "in" and "notin"
 * are words only where an operator stands.
 */
#include "kube/selector_text.h"

#include <string.h>

#define BLANKS "\t\n\r "
#define MARKS  "=!(),<>"

/* The text, read up to p, and what it has said so far. */
struct reading {
	const char *p;
	struct arena *arena;
	struct selector_requirement *v;
	size_t n, cap;
	struct rf_error *err;
};

struct values {
	const char **v;
	size_t n, cap;
};

static void
skip_blanks(struct reading *r)
{
	r->p += strspn(r->p, BLANKS);
}

static bool
take(struct reading *r, const char *mark)
{
	size_t n = strlen(mark);

	skip_blanks(r);
	if (strncmp(r->p, mark, n) != 0)
		return false;
	r->p += n;
	return true;
}

static enum rf_status
expected(struct reading *r, const char *what)
{
	skip_blanks(r);
	if (*r->p == '\0')
		return rf_fail(
		    r->err, RF_INVAL, "%s is missing at its end", what);
	return rf_fail(r->err, RF_INVAL,
	    "%s must stand where it goes on "
	    "with '%s'",
	    what, r->p);
}

/* The next word, which may be empty, in *out; *n is how long it is. */
static enum rf_status
read_word(struct reading *r, const char **out, size_t *n)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_./";

	skip_blanks(r);
	*n = strcspn(r->p, BLANKS MARKS);
	if (strspn(r->p, fit) < *n)
		return rf_fail(r->err, RF_INVAL,
		    "'%.*s' is no key and no value of a label", (int)*n, r->p);
	*out = arena_strndup(r->arena, r->p, *n);
	if (*out == NULL)
		return rf_fail(r->err, RF_NOMEM, "selector: out of memory");
	r->p += *n;
	return RF_OK;
}

static enum rf_status
read_value(struct reading *r, struct values *values)
{
	void *v = values->v;
	const char *word = "";
	enum rf_status st;
	size_t n;

	if ((st = read_word(r, &word, &n)) != RF_OK)
		return st;
	if (strchr(word, '/') != NULL)
		return rf_fail(
		    r->err, RF_INVAL, "'%s' is no value of a label", word);
	if (!arena_grow(r->arena, &v, values->n, &values->cap, sizeof(word)))
		return rf_fail(r->err, RF_NOMEM, "selector: out of memory");
	values->v = v;
	values->v[values->n++] = word;
	return RF_OK;
}

static enum rf_status
read_list(struct reading *r, struct values *values)
{
	enum rf_status st;

	if (!take(r, "("))
		return expected(r, "'('");
	do {
		st = read_value(r, values);
	} while (st == RF_OK && take(r, ","));
	if (st != RF_OK || take(r, ")"))
		return st;
	return expected(r, "',' or ')'");
}

/* Is the next word this one? Then it is taken. */
static bool
take_word(struct reading *r, const char *word)
{
	size_t n;

	skip_blanks(r);
	n = strcspn(r->p, BLANKS MARKS);
	return n == strlen(word) && take(r, word);
}

/* What stands behind a key. */
static enum rf_status
read_rest(struct reading *r, enum selector_op *op, struct values *values)
{
	skip_blanks(r);
	*op = SELECTOR_EXISTS;
	if (*r->p == '\0' || *r->p == ',')
		return RF_OK;
	if (*r->p == '<' || *r->p == '>')
		return rf_fail(r->err, RF_INVAL,
		    "numbers are not compared here ('%c')", *r->p);
	*op = SELECTOR_NOT_IN;
	if (take(r, "!="))
		return read_value(r, values);
	if (take_word(r, "notin"))
		return read_list(r, values);
	*op = SELECTOR_IN;
	if (take(r, "==") || take(r, "="))
		return read_value(r, values);
	if (take_word(r, "in"))
		return read_list(r, values);
	return expected(r, "one of = != in notin ,");
}

static enum rf_status
read_requirement(struct reading *r)
{
	struct selector_requirement q = { .op = SELECTOR_DOES_NOT_EXIST };
	bool lacks = take(r, "!");
	struct values values = { 0 };
	enum rf_status st;
	void *v = r->v;
	size_t n;

	if ((st = read_word(r, &q.key, &n)) != RF_OK)
		return st;
	if (n == 0)
		return expected(r, "a key");
	if (!lacks && (st = read_rest(r, &q.op, &values)) != RF_OK)
		return st;
	q.values = values.v;
	q.n_values = values.n;
	if (!selector_sort_values(&q, r->arena) ||
	    !arena_grow(r->arena, &v, r->n, &r->cap, sizeof(q)))
		return rf_fail(r->err, RF_NOMEM, "selector: out of memory");
	r->v = v;
	r->v[r->n++] = q;
	return RF_OK;
}

enum rf_status
selector_text_read(struct label_selector *out, const char *text,
    struct arena *arena, struct rf_error *err)
{
	struct reading r = { .p = text, .arena = arena, .err = err };
	enum rf_status st;

	do {
		st = read_requirement(&r);
	} while (st == RF_OK && take(&r, ","));
	skip_blanks(&r);
	if (st == RF_OK && *r.p != '\0')
		st = expected(&r, "','");
	*out = (struct label_selector){ .match_expressions = r.v,
		.n_match_expressions = r.n };
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors as what they say of each key (SEMANTICS 15 to 23). */
#include <stdlib.h>
#include <string.h>

#include "policy/compare_internal.h"

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
has_value(const char *const *v, size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], value) == 0)
			return true;
	return false;
}

/* Keep of k's values those that are, or are not, among v. */
static void
keep_values(struct key_form *k, const char *const *v, size_t n, bool among)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n; i++)
		if (has_value(v, n, k->values[i]) == among)
			k->values[kept++] = k->values[i];
	k->n = kept;
}

static bool
add_values(
    struct key_form *k, const char *const *v, size_t n, struct arena *arena)
{
	const char **all = arena_calloc(arena, k->n + n + 1, sizeof(*all));
	size_t kept = 0;

	if (all == NULL)
		return false;
	for (size_t i = 0; i < k->n; i++)
		all[i] = k->values[i];
	for (size_t i = 0; i < n; i++)
		all[k->n + i] = v[i];
	n += k->n;
	qsort(all, n, sizeof(*all), compare_texts);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(all[kept - 1], all[i]) != 0)
			all[kept++] = all[i];
	k->values = all;
	k->n = kept;
	return true;
}

/* key in (v). */
static bool
and_in(struct key_form *k, const char *const *v, size_t n, bool *never,
    struct arena *arena)
{
	struct key_form before = *k;

	if (k->kind == KEY_ABSENT) {
		*never = true;
		return true;
	}
	if (k->kind == KEY_IN)
		keep_values(k, v, n, true);
	else {
		k->n = 0;
		if (!add_values(k, v, n, arena))
			return false;
		keep_values(k, before.values, before.n, false);
		k->kind = KEY_IN;
	}
	*never |= k->n == 0;
	return true;
}

/* key notin (v). */
static bool
and_not_in(struct key_form *k, const char *const *v, size_t n, bool *never,
    struct arena *arena)
{
	if (k->kind == KEY_ABSENT)
		return true;
	if (k->kind != KEY_IN)
		return add_values(k, v, n, arena);
	keep_values(k, v, n, false);
	*never |= k->n == 0;
	return true;
}

static void
and_present(struct key_form *k, bool *never)
{
	if (k->kind == KEY_OPTIONAL)
		k->kind = KEY_PRESENT;
	else if (k->kind == KEY_ABSENT)
		*never = true;
}

static void
and_absent(struct key_form *k, bool *never)
{
	if (k->kind == KEY_PRESENT || k->kind == KEY_IN)
		*never = true;
	k->kind = KEY_ABSENT;
	k->n = 0;
}

/* The form's entry for the key, made when it is not there. There is room. */
static struct key_form *
key_of(struct selector_form *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].key, key) == 0)
			return &s->v[i];
	s->v[s->n] = (struct key_form){ .key = key, .kind = KEY_OPTIONAL };
	return &s->v[s->n++];
}

static bool
and_requirement(struct selector_form *s, const struct selector_requirement *r,
    struct arena *arena)
{
	struct key_form *k = key_of(s, r->key);

	switch (r->op) {
	case SELECTOR_IN:
		return and_in(k, r->values, r->n_values, &s->never, arena);
	case SELECTOR_NOT_IN:
		return and_not_in(k, r->values, r->n_values, &s->never, arena);
	case SELECTOR_EXISTS:
		and_present(k, &s->never);
		return true;
	case SELECTOR_DOES_NOT_EXIST:
		and_absent(k, &s->never);
		return true;
	}
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct key_form *)a)->key,
	    ((const struct key_form *)b)->key);
}

bool
selector_form_make(struct selector_form *out, const struct label_selector *s,
    struct arena *arena)
{
	size_t n = s->match_labels.n + s->n_match_expressions;

	*out = (struct selector_form){ .v = arena_calloc(
					   arena, n + 1, sizeof(*out->v)) };
	if (out->v == NULL)
		return false;
	for (size_t i = 0; i < s->match_labels.n; i++) {
		const struct label *l = &s->match_labels.v[i];

		if (!and_in(
			key_of(out, l->key), &l->value, 1, &out->never, arena))
			return false;
	}
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (!and_requirement(out, &s->match_expressions[i], arena))
			return false;
	qsort(out->v, out->n, sizeof(*out->v), compare_keys);
	return true;
}

bool
selector_form_is(struct selector_form *out, const char *key, const char *value,
    struct arena *arena)
{
	struct label one = { key, value };
	struct label_selector s = { .match_labels = { &one, 1 } };

	return selector_form_make(out, &s, arena);
}

void
selector_form_know_present(struct selector_form *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		struct key_form *k = &s->v[i];

		if (strcmp(k->key, key) != 0)
			continue;
		and_present(k, &s->never);
		if (k->kind == KEY_PRESENT && k->n == 0) {
			memmove(k, k + 1, (s->n - i - 1) * sizeof(*k));
			s->n--;
		}
		return;
	}
}

/* Are all of a's values among b's; is none? */
static bool
all_among(const struct key_form *a, const struct key_form *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!has_value(b->values, b->n, a->values[i]))
			return false;
	return true;
}

static bool
none_among(const struct key_form *a, const struct key_form *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (has_value(b->values, b->n, a->values[i]))
			return false;
	return true;
}

static bool
key_covers(const struct key_form *wide, const struct key_form *narrow)
{
	switch (wide->kind) {
	case KEY_IN:
		return narrow->kind == KEY_IN && all_among(narrow, wide);
	case KEY_ABSENT:
		return narrow->kind == KEY_ABSENT;
	case KEY_PRESENT:
		if (narrow->kind == KEY_IN)
			return none_among(narrow, wide);
		return narrow->kind == KEY_PRESENT && all_among(wide, narrow);
	case KEY_OPTIONAL:
		break;
	}
	if (narrow->kind == KEY_ABSENT)
		return true;
	return narrow->kind == KEY_IN ? none_among(narrow, wide)
				      : all_among(wide, narrow);
}

bool
selector_form_covers(
    const struct selector_form *wide, const struct selector_form *narrow)
{
	static const struct key_form anything = { .kind = KEY_OPTIONAL };

	if (narrow->never || wide->never)
		return narrow->never;
	for (size_t i = 0; i < wide->n; i++) {
		const struct key_form *k = bsearch(&wide->v[i], narrow->v,
		    narrow->n, sizeof(*narrow->v), compare_keys);

		if (!key_covers(&wide->v[i], k == NULL ? &anything : k))
			return false;
	}
	return true;
}

static void
put_values(struct strbuf *out, const struct key_form *k)
{
	strbuf_puts(out, " (");
	for (size_t i = 0; i < k->n; i++) {
		strbuf_puts(out, i == 0 ? "" : ",");
		strbuf_puts(out, k->values[i]);
	}
	strbuf_putc(out, ')');
}

static void
put_key(struct strbuf *out, const struct key_form *k)
{
	switch (k->kind) {
	case KEY_ABSENT:
		strbuf_printf(out, "!%s", k->key);
		return;
	case KEY_IN:
		strbuf_puts(out, k->key);
		if (k->n == 1) {
			strbuf_printf(out, "=%s", k->values[0]);
			return;
		}
		strbuf_puts(out, " in");
		break;
	case KEY_PRESENT:
		strbuf_puts(out, k->key);
		if (k->n == 0)
			return;
		strbuf_printf(out, ",%s notin", k->key);
		break;
	case KEY_OPTIONAL:
		strbuf_puts(out, k->key);
		if (k->n == 1) {
			strbuf_printf(out, "!=%s", k->values[0]);
			return;
		}
		strbuf_puts(out, " notin");
		break;
	}
	put_values(out, k);
}

void
selector_form_text(struct strbuf *out, const struct selector_form *s)
{
	if (s->n == 0)
		strbuf_putc(out, '*');
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			strbuf_putc(out, ',');
		put_key(out, &s->v[i]);
	}
}

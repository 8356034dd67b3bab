/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who mistyped a label probably meant. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/distance.h"
#include "policy/lint_internal.h"

/* How far apart two texts may be and still be taken for one another. */
static unsigned
tolerance(const char *wanted)
{
	size_t len = strlen(wanted);

	if (len < 3)
		return 0;
	return len < 8 ? 1 : 2;
}

/* "shard-1" and "shard-2" are two things, not one and a slip. */
static bool
differ_in_digits_only(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
		if (*a != *b &&
		    !(isdigit((unsigned char)*a) && isdigit((unsigned char)*b)))
			return false;
	return *a == *b;
}

void
lint_near_offer(struct lint_near_name *n, const char *name)
{
	unsigned d = name_distance(n->wanted, name);

	if (differ_in_digits_only(n->wanted, name))
		return;
	/* Other spellings of the same: "FRONTEND" and "frontend". */
	if (d > tolerance(n->wanted) && strcasecmp(n->wanted, name) != 0)
		return;
	if (n->best == NULL || d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}

static int
compare_labels(const void *x, const void *y)
{
	const struct lint_label *a = x, *b = y;
	int d;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	d = strcmp(a->key, b->key);
	return d != 0 ? d : strcmp(a->value, b->value);
}

static size_t
add_set(struct lint_label *out, uint32_t ns, const struct label_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		out[i] =
		    (struct lint_label){ ns, set->v[i].key, set->v[i].value };
	return set->n;
}

bool
lint_near_make(struct lint *l)
{
	struct lint_label *v;
	size_t n = 0, kept = 0;

	if (l->c == NULL)
		return true;
	for (size_t i = 0; i < l->n_faces; i++)
		n += l->faces[i].labels->n;
	for (size_t i = 0; i < l->c->n_namespaces; i++)
		n += l->c->namespaces[i].labels.n;
	if ((v = arena_calloc(l->arena, n + 1, sizeof(*v))) == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < l->n_faces; i++)
		n += add_set(v + n, l->faces[i].ns, l->faces[i].labels);
	for (size_t i = 0; i < l->c->n_namespaces; i++)
		n += add_set(v + n, FLOW_NONE, &l->c->namespaces[i].labels);
	qsort(v, n, sizeof(*v), compare_labels);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare_labels(&v[kept - 1], &v[i]) != 0)
			v[kept++] = v[i];
	l->labels = v;
	l->n_labels = kept;
	return true;
}

struct near {
	const struct lint_label *best;
	unsigned distance;
};

static void
offer(struct near *n, const struct lint_label *label, unsigned distance)
{
	if (n->best == NULL || distance < n->distance) {
		n->best = label;
		n->distance = distance;
	}
}

/*
 * One label against one that is wanted: the same key with a like value, a
 * like key with the same value, or, further off, the same value under another
 * key ("role: web" for "app: web"), unless the value says little.
 */
static void
weigh(struct near *n, const struct lint_label *have, const char *key,
    const char *value)
{
	unsigned d;

	if (strcmp(have->key, key) == 0) {
		struct lint_near_name v = { .wanted = value };

		lint_near_offer(&v, have->value);
		if (v.best != NULL)
			offer(n, have, v.distance);
		return;
	}
	if (strcmp(have->value, value) != 0)
		return;
	d = name_distance(have->key, key);
	if (d <= tolerance(key))
		offer(n, have, d);
	else if (strlen(value) >= 3 && strcmp(value, "true") != 0 &&
	    strcmp(value, "false") != 0 && !label_is_volatile(have->key))
		offer(n, have, 100);
}

/* Is there a label of exactly that key and value (value NULL: any)? */
static bool
exists(const struct lint *l, uint32_t ns, const char *key, const char *value)
{
	for (size_t i = 0; i < l->n_labels; i++) {
		const struct lint_label *have = &l->labels[i];

		if (ns == LINT_ANYWHERE ? have->ns != FLOW_NONE
					: have->ns == ns)
			if (strcmp(have->key, key) == 0 &&
			    (value == NULL || strcmp(have->value, value) == 0))
				return true;
	}
	return false;
}

static void
search(const struct lint *l, uint32_t ns, struct near *n, const char *key,
    const char *value)
{
	if (exists(l, ns, key, value))
		return;
	for (size_t i = 0; i < l->n_labels; i++)
		if (ns == LINT_ANYWHERE ? l->labels[i].ns != FLOW_NONE
					: l->labels[i].ns == ns)
			weigh(n, &l->labels[i], key, value);
}

const char *
lint_near(struct lint *l, uint32_t ns, const struct label_selector *s)
{
	struct near n = { 0 };

	for (size_t i = 0; i < s->match_labels.n; i++)
		search(l, ns, &n, s->match_labels.v[i].key,
		    s->match_labels.v[i].value);
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];

		for (size_t k = 0; r->op == SELECTOR_IN && k < r->n_values; k++)
			search(l, ns, &n, r->key, r->values[k]);
	}
	if (n.best == NULL)
		return NULL;
	return lint_text(l, "%s: %s", n.best->key, n.best->value);
}

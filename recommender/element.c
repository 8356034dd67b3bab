/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule's workloads as few elements: the label that a whole family of them
 * has for itself, an In list where one key tells them apart, one list of
 * namespaces where the same labels are meant in each. Every step selects
 * exactly the same pods as one element for each workload would.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

struct forming {
	struct run *r;
	struct arena *arena;
	uint32_t ns;
	struct element *v;
	size_t n;
};

static int
compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_text(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

static int
compare_requirements(
    const struct selector_requirement *a, const struct selector_requirement *b)
{
	int d = strcmp(a->key, b->key);

	if (d != 0 || (d = compare_u32(a->op, b->op)) != 0 ||
	    (d = (a->n_values > b->n_values) - (a->n_values < b->n_values)) !=
		0)
		return d;
	for (size_t i = 0; i < a->n_values && d == 0; i++)
		d = strcmp(a->values[i], b->values[i]);
	return d;
}

static int
compare_selectors(
    const struct label_selector *a, const struct label_selector *b)
{
	size_t m = a->n_match_expressions, n = b->n_match_expressions;
	int d = label_set_compare(&a->match_labels, &b->match_labels);

	if (d != 0 || m != n)
		return d != 0 ? d : (m > n) - (m < n);
	for (size_t i = 0; i < n && d == 0; i++)
		d = compare_requirements(
		    &a->match_expressions[i], &b->match_expressions[i]);
	return d;
}

/* By namespace, then family, then place: whole families are neighbours. */
static int
compare_families(const void *x, const void *y)
{
	const struct element *a = x, *b = y;
	int d;

	if ((d = compare_u32(a->ns, b->ns)) != 0 ||
	    (d = compare_u32(a->family, b->family)) != 0)
		return d;
	return compare_u32(a->first, b->first);
}

/* The key of an element that one label selects; NULL: it needs more. */
static const char *
single_key(const struct element *e)
{
	if (e->pods->match_labels.n != 1 || e->pods->n_match_expressions != 0)
		return NULL;
	return e->pods->match_labels.v[0].key;
}

/* By namespace, then the one key, then place. */
static int
compare_keys(const void *x, const void *y)
{
	const struct element *a = x, *b = y;
	const char *k = single_key(a), *l = single_key(b);
	int d = compare_u32(a->ns, b->ns);

	if (d != 0)
		return d;
	if (k == NULL || l == NULL)
		d = (k != NULL) - (l != NULL);
	else
		d = strcmp(k, l);
	return d != 0 ? d : compare_u32(a->first, b->first);
}

/* By labels; this namespace before the others. */
static int
compare_pods(const void *x, const void *y, void *arg)
{
	const struct element *a = x, *b = y;
	uint32_t ns = *(const uint32_t *)arg;
	int d = compare_selectors(a->pods, b->pods);

	if (d != 0 || a->ns == b->ns)
		return d;
	if (a->ns == ns || b->ns == ns)
		return a->ns == ns ? -1 : 1;
	return compare_u32(a->ns, b->ns);
}

static int
compare_places(const void *x, const void *y)
{
	const struct element *a = x, *b = y;

	return compare_u32(a->first, b->first);
}

static struct label_selector *
one_label(struct arena *arena, const struct label *label)
{
	struct label_selector *s = arena_alloc(arena, sizeof(*s));
	struct label *l = arena_alloc(arena, sizeof(*l));

	if (s == NULL || l == NULL)
		return NULL;
	*l = *label;
	s->match_labels = (struct label_set){ l, 1 };
	return s;
}

/* key in (values), which the caller has filled in; they are sorted here. */
static struct label_selector *
in_list(struct arena *arena, const char *key, const char **values, size_t n)
{
	struct label_selector *s = arena_alloc(arena, sizeof(*s));
	struct selector_requirement *req = arena_alloc(arena, sizeof(*req));

	if (s == NULL || req == NULL)
		return NULL;
	qsort(values, n, sizeof(*values), compare_text);
	*req = (struct selector_requirement){ .key = key,
		.op = SELECTOR_IN,
		.values = values,
		.n_values = n,
		.sorted = values };
	s->match_expressions = req;
	s->n_match_expressions = 1;
	return s;
}

/* All of a family are there: its label is enough. */
static enum rf_status
join_families(struct forming *f)
{
	size_t k = 0;

	qsort(f->v, f->n, sizeof(*f->v), compare_families);
	for (size_t i = 0, j; i < f->n; i = j) {
		const struct family *family;

		for (j = i + 1; j < f->n && f->v[i].family != FLOW_NONE &&
		     f->v[j].family == f->v[i].family;
		     j++)
			;
		f->v[k] = f->v[i];
		family = f->v[i].family == FLOW_NONE
		    ? NULL
		    : &f->r->families[f->v[i].family];
		if (family != NULL && j - i == family->n_groups) {
			f->v[k].pods = one_label(f->arena, &family->label);
			if (f->v[k].pods == NULL)
				return run_nomem(f->r);
			k++;
			continue;
		}
		memmove(&f->v[k], &f->v[i], (j - i) * sizeof(*f->v));
		k += j - i;
	}
	f->n = k;
	return RF_OK;
}

/* The one label's values of n elements, as one element. */
static enum rf_status
join_list(
    struct forming *f, struct element *to, const struct element *v, size_t n)
{
	const char **values = arena_calloc(f->arena, n, sizeof(*values));
	const char *key = single_key(v);
	struct element e = *v;

	if (values == NULL)
		return run_nomem(f->r);
	for (size_t i = 0; i < n; i++)
		values[i] = v[i].pods->match_labels.v[0].value;
	e.pods = in_list(f->arena, key, values, n);
	*to = e;
	return e.pods == NULL ? run_nomem(f->r) : RF_OK;
}

/* In lists for those that the same key tells apart, where that is shorter:
 * from three of this namespace on, two of another. */
static enum rf_status
join_lists(struct forming *f)
{
	size_t k = 0;

	qsort(f->v, f->n, sizeof(*f->v), compare_keys);
	for (size_t i = 0, j; i < f->n; i = j) {
		const char *key = single_key(&f->v[i]);
		size_t least = f->v[i].ns == f->ns ? 3 : 2;
		enum rf_status st;

		for (j = i + 1;
		     j < f->n && key != NULL && f->v[j].ns == f->v[i].ns &&
		     strcmp(single_key(&f->v[j]), key) == 0;
		     j++)
			;
		if (j - i >= least) {
			st = join_list(f, &f->v[k++], &f->v[i], j - i);
			if (st != RF_OK)
				return st;
			continue;
		}
		memmove(&f->v[k], &f->v[i], (j - i) * sizeof(*f->v));
		k += j - i;
	}
	f->n = k;
	return RF_OK;
}

static enum rf_status
select_namespaces(
    struct forming *f, struct element *to, const struct element *v, size_t n)
{
	static const char key[] = "kubernetes.io/metadata.name";
	const char **names = arena_calloc(f->arena, n, sizeof(*names));
	struct element e = *v;

	if (names == NULL)
		return run_nomem(f->r);
	for (size_t i = 0; i < n; i++) {
		names[i] = f->r->c->namespaces[v[i].ns].name;
		if (v[i].first < e.first)
			e.first = v[i].first;
	}
	e.namespaces = n == 1
	    ? one_label(f->arena, &(struct label){ key, names[0] })
	    : in_list(f->arena, key, names, n);
	*to = e;
	return e.namespaces == NULL ? run_nomem(f->r) : RF_OK;
}

/* Name the other namespaces, those with the same labels together. */
static enum rf_status
join_namespaces(struct forming *f)
{
	size_t k = 0;

	qsort_r(f->v, f->n, sizeof(*f->v), compare_pods, &f->ns);
	for (size_t i = 0, j; i < f->n; i = j) {
		enum rf_status st;

		if (f->v[i].ns == f->ns) {
			f->v[k++] = f->v[i];
			j = i + 1;
			continue;
		}
		for (j = i + 1; j < f->n &&
		     compare_selectors(f->v[i].pods, f->v[j].pods) == 0;
		     j++)
			;
		st = select_namespaces(f, &f->v[k++], &f->v[i], j - i);
		if (st != RF_OK)
			return st;
	}
	f->n = k;
	qsort(f->v, f->n, sizeof(*f->v), compare_places);
	return RF_OK;
}

enum rf_status
elements_form(struct run *r, struct arena *arena, uint32_t ns,
    const struct peer *peers, size_t n, struct element_list *out)
{
	struct forming f = { .r = r, .arena = arena, .ns = ns };
	enum rf_status st;

	*out = (struct element_list){ 0 };
	f.v = arena_calloc(arena, n, sizeof(*f.v));
	if (f.v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++) {
		const struct group *g;

		if (peers[i].type != PEER_GROUP)
			continue;
		g = &r->groups[peers[i].group];
		f.v[f.n++] = (struct element){ .first = (uint32_t)i,
			.ns = g->ns,
			.family = g->family,
			.pods = &g->peer };
	}
	if (f.n > 0 &&
	    ((st = join_families(&f)) != RF_OK ||
		(st = join_lists(&f)) != RF_OK ||
		(st = join_namespaces(&f)) != RF_OK))
		return st;
	*out = (struct element_list){ f.v, f.n };
	return RF_OK;
}

static size_t
selector_lines(const struct label_selector *s)
{
	size_t n = 1;

	if (s == NULL)
		return 0;
	if (s->match_labels.n > 0)
		n += 1 + s->match_labels.n;
	n += s->n_match_expressions > 0;
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		size_t n_values = s->match_expressions[i].n_values;

		n += 2 + (n_values > 0 ? 1 + n_values : 0);
	}
	return n;
}

size_t
element_lines(const struct element *e)
{
	return selector_lines(e->namespaces) + selector_lines(e->pods);
}

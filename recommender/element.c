/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule's workloads as few elements: the label that a whole family of them
 * has for itself, an In list where one label tells them apart, one list of
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

/* How many labels select the element's pods; 0: it takes more than labels. */
static size_t
plain_labels(const struct element *e)
{
	return e->pods->n_match_expressions != 0 ? 0 : e->pods->match_labels.n;
}

/* By keys, then values, but for the value of label number at. */
static int
compare_but(const struct label_set *a, const struct label_set *b, size_t at)
{
	int d = (a->n > b->n) - (a->n < b->n);

	for (size_t i = 0; i < a->n && d == 0; i++)
		d = strcmp(a->v[i].key, b->v[i].key);
	for (size_t i = 0; i < a->n && d == 0; i++)
		if (i != at)
			d = strcmp(a->v[i].value, b->v[i].value);
	return d;
}

/* By namespace, then labels but for number at, then place. Those without such
 * a label stand alone, at the end. */
static int
compare_lists(const void *x, const void *y, void *arg)
{
	const struct element *a = x, *b = y;
	size_t at = *(const size_t *)arg;
	bool has_a = plain_labels(a) > at, has_b = plain_labels(b) > at;
	int d = compare_u32(a->ns, b->ns);

	if (d != 0)
		return d;
	if (!has_a || !has_b)
		d = has_b - has_a;
	else
		d = compare_but(
		    &a->pods->match_labels, &b->pods->match_labels, at);
	return d != 0 ? d : compare_u32(a->first, b->first);
}

static bool
same_but(const struct element *a, const struct element *b, size_t at)
{
	return a->ns == b->ns && plain_labels(a) > at && plain_labels(b) > at &&
	    compare_but(&a->pods->match_labels, &b->pods->match_labels, at) ==
	    0;
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

/* n elements that differ in the value of label number at, as one. */
static enum rf_status
join_list(struct forming *f, struct element *to, const struct element *v,
    size_t n, size_t at)
{
	const struct label_set *labels = &v->pods->match_labels;
	const char **values = arena_calloc(f->arena, n, sizeof(*values));
	struct label *rest = arena_calloc(f->arena, labels->n, sizeof(*rest));
	struct element e = *v;
	struct label_selector *s;
	size_t k = 0;

	if (values == NULL || rest == NULL)
		return run_nomem(f->r);
	for (size_t i = 0; i < n; i++) {
		values[i] = v[i].pods->match_labels.v[at].value;
		if (v[i].first < e.first)
			e.first = v[i].first;
	}
	for (size_t i = 0; i < labels->n; i++)
		if (i != at)
			rest[k++] = labels->v[i];
	s = in_list(f->arena, labels->v[at].key, values, n);
	if (s == NULL)
		return run_nomem(f->r);
	s->match_labels = (struct label_set){ rest, k };
	e.pods = s;
	*to = e;
	return RF_OK;
}

/* In lists for those whose labels differ in the value of number at alone,
 * where that is shorter: from three of this namespace on, two of another. */
static enum rf_status
join_lists(struct forming *f, size_t at)
{
	size_t k = 0;

	qsort_r(f->v, f->n, sizeof(*f->v), compare_lists, &at);
	for (size_t i = 0, j; i < f->n; i = j) {
		size_t least = f->v[i].ns == f->ns ? 3 : 2;
		enum rf_status st;

		for (j = i + 1; j < f->n && same_but(&f->v[i], &f->v[j], at);
		     j++)
			;
		if (j - i >= least) {
			st = join_list(f, &f->v[k++], &f->v[i], j - i, at);
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
join_all_lists(struct forming *f)
{
	size_t most = 0;
	enum rf_status st;

	for (size_t i = 0; i < f->n; i++)
		if (plain_labels(&f->v[i]) > most)
			most = plain_labels(&f->v[i]);
	for (size_t at = 0; at < most; at++)
		if ((st = join_lists(f, at)) != RF_OK)
			return st;
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
		(st = join_all_lists(&f)) != RF_OK ||
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

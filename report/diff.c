/* SPDX-License-Identifier: Apache-2.0 */
#include "report/diff.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 22)

/* A difference while its lines gather. */
struct writing {
	struct arena *arena;
	struct strbuf text;
	struct diff_line *v;
	size_t n, cap;
	bool failed;
};

/* One set in the order of names. */
struct named {
	const struct policy *policy;
	const struct policy_form *form;
};

const char *
diff_kind_name(enum diff_kind k)
{
	switch (k) {
	case DIFF_CHANGED:
		return "changed";
	case DIFF_ONLY_A:
		return "only-in-a";
	case DIFF_ONLY_B:
		return "only-in-b";
	case DIFF_RENAMED:
		break;
	}
	return "renamed";
}

const char *
diff_effect_name(enum diff_effect e)
{
	if (e == DIFF_EFFECT_UNKNOWN)
		return NULL;
	return e == DIFF_EFFECT_SAME ? "same" : "differs";
}

/* The text so far becomes a line. */
static void
end_line(struct writing *w, char sign)
{
	void *v = w->v;
	const char *text = arena_strdup(w->arena, strbuf_str(&w->text));

	if (text == NULL || strbuf_failed(&w->text) ||
	    !arena_grow(w->arena, &v, w->n, &w->cap, sizeof(*w->v)))
		w->failed = true;
	else {
		w->v = v;
		w->v[w->n++] = (struct diff_line){ sign, text };
	}
	strbuf_clear(&w->text);
}

static void
put_entry(struct writing *w, char sign, enum policy_direction d,
    const struct policy_form_entry *e)
{
	strbuf_printf(&w->text, "%s %s %s: %s", policy_direction_name(d),
	    d == POLICY_INGRESS ? "from" : "to", e->peer, e->ports);
	end_line(w, sign);
}

static void
put_subject(struct writing *w, char sign, const struct policy_form *f)
{
	if (f->subject == NULL)
		strbuf_puts(&w->text, "selects no pod: it contradicts itself");
	else
		strbuf_printf(&w->text, "selects pods %s", f->subject);
	end_line(w, sign);
}

static void
put_type(struct writing *w, char sign, enum policy_direction d,
    const struct policy_form *f)
{
	strbuf_printf(&w->text, "isolates for %s%s", policy_direction_name(d),
	    f->n_entries[d] == 0 ? ", and allows nothing" : "");
	end_line(w, sign);
}

/* Both lists are sorted by peer. */
static void
put_entries(struct writing *w, enum policy_direction d,
    const struct policy_form *a, const struct policy_form *b)
{
	size_t i = 0, k = 0;

	while (i < a->n_entries[d] || k < b->n_entries[d]) {
		const struct policy_form_entry *x = &a->entries[d][i];
		const struct policy_form_entry *y = &b->entries[d][k];
		int order = i == a->n_entries[d] ? 1
		    : k == b->n_entries[d]       ? -1
						 : strcmp(x->peer, y->peer);
		bool same = order == 0 && strcmp(x->ports, y->ports) == 0;

		if (order <= 0 && !same)
			put_entry(w, '-', d, x);
		if (order >= 0 && !same)
			put_entry(w, '+', d, y);
		i += order <= 0;
		k += order >= 0;
	}
}

static void
put_changes(
    struct writing *w, const struct policy_form *a, const struct policy_form *b)
{
	if (a->subject == NULL || b->subject == NULL ||
	    strcmp(a->subject, b->subject) != 0) {
		put_subject(w, '-', a);
		put_subject(w, '+', b);
	}
	for (int d = 1; d >= 0; d--) {
		if (a->types[d] && !b->types[d])
			put_type(w, '-', (enum policy_direction)d, a);
		if (b->types[d] && !a->types[d])
			put_type(w, '+', (enum policy_direction)d, b);
		put_entries(w, (enum policy_direction)d, a, b);
	}
}

/* All of a policy that only one side has. */
static void
put_whole(struct writing *w, char sign, const struct policy_form *f)
{
	put_subject(w, sign, f);
	for (int d = 1; d >= 0; d--) {
		if (f->types[d])
			put_type(w, sign, (enum policy_direction)d, f);
		for (size_t i = 0; i < f->n_entries[d]; i++)
			put_entry(w, sign, (enum policy_direction)d,
			    &f->entries[d][i]);
	}
}

static int
compare_names(const struct policy *a, const struct policy *b)
{
	int d = strcmp(a->namespace, b->namespace);

	return d != 0 ? d : strcmp(a->name, b->name);
}

static int
compare_named(const void *a, const void *b)
{
	return compare_names(((const struct named *)a)->policy,
	    ((const struct named *)b)->policy);
}

static enum rf_status
form_side(struct diff_side *out, struct named **named,
    const struct policy_set *set, struct arena *arena, struct rf_error *err)
{
	size_t n = set->n_policies;
	struct policy_form *forms = arena_calloc(arena, n + 1, sizeof(*forms));
	struct named *v = arena_calloc(arena, n + 1, sizeof(*v));
	enum rf_status st = RF_OK;

	if (forms == NULL || v == NULL)
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	for (size_t i = 0; st == RF_OK && i < n; i++) {
		st = policy_form_make(&forms[i], &set->policies[i], arena, err);
		v[i] = (struct named){ &set->policies[i], &forms[i] };
	}
	if (st != RF_OK)
		return st;
	qsort(v, n, sizeof(*v), compare_named);
	*out = (struct diff_side){ set, forms };
	*named = v;
	return RF_OK;
}

/* Differences while they gather; there is room for both sets. */
struct pairing {
	struct diff *out;
	struct diff_policy *v;
	struct named *a, *b;
	size_t n_a, n_b;
	struct writing w;
};

static void
add(struct pairing *p, enum diff_kind kind, const struct named *a,
    const struct named *b)
{
	struct diff_policy *d = &p->v[p->out->n_policies++];
	struct writing *w = &p->w;

	*d = (struct diff_policy){ .kind = kind,
		.a = a == NULL ? NULL : a->policy,
		.b = b == NULL ? NULL : b->policy };
	p->out->counts[kind]++;
	w->v = NULL;
	w->n = w->cap = 0;
	if (a != NULL && b != NULL && kind == DIFF_CHANGED)
		put_changes(w, a->form, b->form);
	else if (a != NULL && b == NULL)
		put_whole(w, '-', a->form);
	else if (a == NULL && b != NULL)
		put_whole(w, '+', b->form);
	d->lines = w->v;
	d->n_lines = w->n;
}

/* Walk both orders; what is left stays in a and b, compacted. */
static void
pair_by_name(struct pairing *p)
{
	size_t i = 0, k = 0, left_a = 0, left_b = 0;

	while (i < p->n_a || k < p->n_b) {
		int order = i == p->n_a ? 1
		    : k == p->n_b
		    ? -1
		    : compare_names(p->a[i].policy, p->b[k].policy);

		if (order < 0)
			p->a[left_a++] = p->a[i++];
		else if (order > 0)
			p->b[left_b++] = p->b[k++];
		else {
			if (policy_form_equal(p->a[i].form, p->b[k].form))
				p->out->n_same++;
			else
				add(p, DIFF_CHANGED, &p->a[i], &p->b[k]);
			i++;
			k++;
		}
	}
	p->n_a = left_a;
	p->n_b = left_b;
}

static bool
is_renamed(const struct named *a, const struct named *b)
{
	return b->policy != NULL &&
	    strcmp(a->policy->namespace, b->policy->namespace) == 0 &&
	    policy_form_equal(a->form, b->form);
}

static void
pair_by_form(struct pairing *p)
{
	for (size_t i = 0; i < p->n_a; i++) {
		size_t k = 0;

		while (k < p->n_b && !is_renamed(&p->a[i], &p->b[k]))
			k++;
		if (k == p->n_b)
			add(p, DIFF_ONLY_A, &p->a[i], NULL);
		else {
			add(p, DIFF_RENAMED, &p->a[i], &p->b[k]);
			p->b[k].policy = NULL;
		}
	}
	for (size_t k = 0; k < p->n_b; k++)
		if (p->b[k].policy != NULL)
			add(p, DIFF_ONLY_B, NULL, &p->b[k]);
}

static int
compare_differences(const void *va, const void *vb)
{
	const struct diff_policy *a = va, *b = vb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return compare_names(
	    a->a != NULL ? a->a : a->b, b->a != NULL ? b->a : b->b);
}

enum rf_status
diff_make(struct diff *out, const struct policy_set *a,
    const struct policy_set *b, struct arena *arena, struct rf_error *err)
{
	struct pairing p = { .out = out,
		.n_a = a->n_policies,
		.n_b = b->n_policies,
		.w = { .arena = arena } };
	enum rf_status st;

	*out = (struct diff){ 0 };
	st = form_side(&out->a, &p.a, a, arena, err);
	if (st == RF_OK)
		st = form_side(&out->b, &p.b, b, arena, err);
	if (st != RF_OK)
		return st;
	p.v = arena_calloc(arena, p.n_a + p.n_b + 1, sizeof(*p.v));
	if (p.v == NULL)
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	strbuf_init(&p.w.text, TEXT_MAX);
	pair_by_name(&p);
	pair_by_form(&p);
	strbuf_release(&p.w.text);
	if (p.w.failed)
		return rf_fail(err, RF_NOMEM, "diff: out of memory");
	qsort(p.v, out->n_policies, sizeof(*p.v), compare_differences);
	out->policies = p.v;
	return RF_OK;
}

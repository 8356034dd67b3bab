/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which labels select these workloads and no others of the namespace.
 *
 * In this order: the workload's own spec.selector; the smallest set of stable
 * labels that all its pods share; such a set together with a key that its pods
 * carry whatever its value, or keys that they never carry and the others do.
 * What names a version is used only as far as spec.selector has it. Neither
 * that nor what many unlike workloads may carry ("tier: backend") is used alone
 * where a label says of what: the next workload that gets it would be meant as
 * well.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define CANDIDATES_MAX 32
#define SUBSET_MAX     3 /* larger subsets are found by leaving out */

/* The question: which workloads, in which namespace. */
struct asked {
	struct run *r;
	const struct space *space;
	const uint32_t *root_of;
	uint32_t root;
};

struct label_pick {
	struct label v[CANDIDATES_MAX];
	size_t n;
};

static bool
is_ours(const struct asked *q, const struct variant *v)
{
	return q->root_of[v->workload] == q->root;
}

static int
compare_preference(const void *x, const void *y)
{
	const struct label *a = x, *b = y;
	unsigned p = label_rank(a), q = label_rank(b);

	if (p != q)
		return p < q ? -1 : 1;
	return strcmp(a->key, b->key);
}

static bool
holds_all(const struct label_set *have, const struct label *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = label_get(have, v[i].key);

		if (value == NULL || strcmp(value, v[i].value) != 0)
			return false;
	}
	return true;
}

/* First posting that is not below the label. */
static size_t
lower_bound(const struct space *s, const struct label *l)
{
	size_t lo = 0, hi = s->n_postings;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct label *m = &s->postings[mid].label;
		int d = strcmp(m->key, l->key);

		if (d == 0)
			d = strcmp(m->value, l->value);
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t
space_holders(const struct space *s, const struct label *l, size_t *first)
{
	size_t i = *first = lower_bound(s, l);

	while (i < s->n_postings &&
	    strcmp(s->postings[i].label.key, l->key) == 0 &&
	    strcmp(s->postings[i].label.value, l->value) == 0)
		i++;
	return i - *first;
}

/* A variant of another workload that has all these labels, or NULL. */
static const struct variant *
find_stranger(const struct asked *q, const struct label *v, size_t n)
{
	const struct space *s = q->space;
	size_t first = 0, len = s->n_variants;

	for (size_t i = 0; i < n; i++) {
		size_t f, k = space_holders(s, &v[i], &f);

		if (i == 0 || k < len) {
			first = f;
			len = k;
		}
	}
	for (size_t i = 0; i < len; i++) {
		const struct variant *x =
		    &s->variants[n == 0 ? i : s->postings[first + i].variant];

		if (!is_ours(q, x) && holds_all(&x->all, v, n))
			return x;
	}
	return NULL;
}

/* Does the selector pick all of ours and nothing else? Of the others only those
 * with its first label can be among what it picks. */
static bool
selects_exactly(const struct asked *q, const struct label_selector *sel)
{
	const struct space *s = q->space;
	size_t first = 0, n = s->n_variants;

	for (size_t i = 0; i < s->n_variants; i++)
		if (is_ours(q, &s->variants[i]) &&
		    !selector_matches(sel, &s->variants[i].all))
			return false;
	if (sel->match_labels.n > 0)
		n = space_holders(s, &sel->match_labels.v[0], &first);
	for (size_t i = first; i < first + n; i++) {
		const struct variant *x = &s->variants[i];

		if (sel->match_labels.n > 0)
			x = &s->variants[s->postings[i].variant];
		if (!is_ours(q, x) && selector_matches(sel, &x->all))
			return false;
	}
	return true;
}

/* Is it an operator's resource that runs several pods as one thing, so that its
 * name lasts? Those of one pod may be runs. */
static bool
is_set(const struct kube_workload *w)
{
	static const char *const kinds[] = { "CronJob", "Job", "Pod" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(w->kind, kinds[i]) == 0)
			return false;
	return !w->has_selector && w->n_pods > 1;
}

/* A label with the name of such a resource goes before all others: they say
 * what kind of thing it is ("app.kubernetes.io/name: kuberay"), and the next
 * one of that kind has them, too. */
static void
prefer_name(const struct asked *q, struct label_pick *pick)
{
	const struct kube_workload *w = &q->r->c->workloads[q->root];
	struct label l;
	size_t i = 0;

	if (!is_set(w))
		return;
	while (i < pick->n &&
	    (strcmp(pick->v[i].value, w->name) != 0 ||
		!label_says_what(&pick->v[i])))
		i++;
	if (i == pick->n)
		return;
	l = pick->v[i];
	memmove(&pick->v[1], &pick->v[0], i * sizeof(l));
	pick->v[0] = l;
}

/* The labels that all our variants share, but for versions; the preferred
 * first. */
static void
common_labels(const struct asked *q, struct label_pick *out)
{
	const struct variant *first = NULL;

	out->n = 0;
	for (size_t i = 0; i < q->space->n_variants && first == NULL; i++)
		if (is_ours(q, &q->space->variants[i]))
			first = &q->space->variants[i];
	if (first == NULL)
		return;
	for (size_t i = 0; i < first->labels.n; i++) {
		const struct label *l = &first->labels.v[i];
		bool shared = out->n < CANDIDATES_MAX &&
		    !label_is_version(l->key) && !label_is_mark(l);

		for (size_t k = 0; k < q->space->n_variants && shared; k++)
			shared = !is_ours(q, &q->space->variants[k]) ||
			    holds_all(&q->space->variants[k].labels, l, 1);
		if (shared)
			out->v[out->n++] = *l;
	}
	qsort(out->v, out->n, sizeof(out->v[0]), compare_preference);
	prefer_name(q, out);
}

/* The next way to choose k of n, in the order of preference. */
static bool
next_choice(size_t *idx, size_t k, size_t n)
{
	for (size_t i = k; i-- > 0;)
		if (idx[i] < n - k + i) {
			idx[i]++;
			for (size_t j = i + 1; j < k; j++)
				idx[j] = idx[j - 1] + 1;
			return true;
		}
	return false;
}

static bool
says_what(const struct label_pick *pick)
{
	for (size_t i = 0; i < pick->n; i++)
		if (label_says_what(&pick->v[i]))
			return true;
	return false;
}

/* Is this choice good enough: no stranger has it, and it says what the pods
 * are, unless none of the labels does? */
static bool
pick_will_do(const struct asked *q, const struct label_pick *from,
    const struct label_pick *pick)
{
	if (!says_what(pick) &&
	    (says_what(from) ||
		(pick->n == 1 && label_is_version(pick->v[0].key))))
		return false;
	return find_stranger(q, pick->v, pick->n) == NULL;
}

static bool
pick_sized(const struct asked *q, const struct label_pick *from, size_t k,
    struct label_pick *out)
{
	size_t idx[SUBSET_MAX] = { 0, 1, 2 };

	do {
		for (size_t i = 0; i < k; i++)
			out->v[i] = from->v[idx[i]];
		out->n = k;
		if (pick_will_do(q, from, out))
			return true;
	} while (next_choice(idx, k, from->n));
	return false;
}

/* Leave out what is not needed, the least preferred first. */
static void
pick_reduced(const struct asked *q, const struct label_pick *from,
    struct label_pick *out)
{
	*out = *from;
	for (size_t i = from->n; i-- > 0;) {
		struct label_pick less = *out;

		less.n--;
		memmove(&less.v[i], &less.v[i + 1],
		    (less.n - i) * sizeof(less.v[0]));
		if (less.n > 0 && pick_will_do(q, from, &less))
			*out = less;
	}
}

/* The smallest choice of these labels that selects no stranger. */
static bool
pick_smallest(const struct asked *q, const struct label_pick *from,
    struct label_pick *out)
{
	if (from->n == 0 || find_stranger(q, from->v, from->n) != NULL)
		return false;
	for (size_t k = 1; k <= SUBSET_MAX && k <= from->n; k++)
		if (pick_sized(q, from, k, out))
			return true;
	pick_reduced(q, from, out);
	return true;
}

static enum rf_status
to_selector(
    struct run *r, const struct label_pick *pick, struct label_selector *out)
{
	struct label *v = arena_calloc(r->arena, pick->n, sizeof(*v));

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < pick->n; i++)
		v[i] = pick->v[i];
	out->match_labels = (struct label_set){ v, label_sort(v, pick->n) };
	return RF_OK;
}

static int
compare_text(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

/* Does any of ours carry the key? */
static bool
we_carry(const struct asked *q, const char *key)
{
	for (size_t i = 0; i < q->space->n_variants; i++)
		if (is_ours(q, &q->space->variants[i]) &&
		    label_get(&q->space->variants[i].all, key) != NULL)
			return true;
	return false;
}

/* The key that most of the strangers carry and none of ours, or NULL; of two
 * the one that tells what runs them, as later ones carry it, too. */
static const char *
best_absent_key(const struct asked *q, const struct variant **strangers,
    size_t n, const char **keys)
{
	const char *best = NULL;
	size_t n_keys = 0, best_len = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < strangers[i]->labels.n; j++)
			keys[n_keys++] = strangers[i]->labels.v[j].key;
	qsort(keys, n_keys, sizeof(*keys), compare_text);
	for (size_t i = 0, j; i < n_keys; i = j) {
		for (j = i; j < n_keys && strcmp(keys[i], keys[j]) == 0; j++)
			;
		if ((j - i > best_len ||
			(j - i == best_len && key_is_mark(keys[i]))) &&
		    !we_carry(q, keys[i])) {
			best = keys[i];
			best_len = j - i;
		}
	}
	return best;
}

/* Strangers that hold the labels. Writes at most all variants. */
static size_t
collect_strangers(const struct asked *q, const struct label_pick *base,
    const struct variant **out)
{
	size_t n = 0;

	for (size_t i = 0; i < q->space->n_variants; i++)
		if (!is_ours(q, &q->space->variants[i]) &&
		    holds_all(&q->space->variants[i].all, base->v, base->n))
			out[n++] = &q->space->variants[i];
	return n;
}

/* Labels of base that the selector does without, least preferred first; but
 * for one, as later pods of others come without the keys, too. */
static enum rf_status
negative_reduce(
    const struct asked *q, struct label_pick *base, struct label_selector *sel)
{
	enum rf_status st;

	for (size_t i = base->n; i-- > 0 && base->n > 1;) {
		struct label_pick less = *base;
		struct label_selector try = *sel;

		less.n--;
		memmove(&less.v[i], &less.v[i + 1],
		    (less.n - i) * sizeof(less.v[0]));
		if (says_what(base) && !says_what(&less))
			continue;
		if ((st = to_selector(q->r, &less, &try)) != RF_OK)
			return st;
		if (!selects_exactly(q, &try))
			continue;
		*base = less;
		*sel = try;
	}
	return RF_OK;
}

/* Does every one of ours carry the mark? */
static bool
all_carry(const struct asked *q, const struct label *mark)
{
	for (size_t i = 0; i < q->space->n_variants; i++)
		if (is_ours(q, &q->space->variants[i]) &&
		    !holds_all(&q->space->variants[i].labels, mark, 1))
			return false;
	return true;
}

/* The first mark that all of ours carry, or NULL. */
static const struct label *
common_mark(const struct asked *q)
{
	const struct variant *first = q->space->variants;

	while (!is_ours(q, first))
		first++;
	for (size_t i = 0; i < first->labels.n; i++)
		if (label_is_mark(&first->labels.v[i]) &&
		    all_carry(q, &first->labels.v[i]))
			return &first->labels.v[i];
	return NULL;
}

/* Of n strangers those that carry the key, too, whatever its value. */
static size_t
keep_carriers(const struct variant **s, size_t n, const char *key)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (label_get(&s[i]->all, key) != NULL)
			s[k++] = s[i];
	return k;
}

/* Keep ours apart by keys that only the strangers carry, besides a mark. */
static enum rf_status
pick_negative(const struct asked *q, struct label_pick *base,
    struct label_selector *out, uint32_t *clash)
{
	struct arena *a = q->r->arena;
	const struct variant **s =
	    arena_calloc(a, q->space->n_variants, sizeof(const void *));
	const char **keys =
	    arena_calloc(a, q->space->n_postings, sizeof(*keys));
	struct selector_requirement *req =
	    arena_calloc(a, q->space->n_variants + 1, sizeof(*req));
	const struct label *mark = common_mark(q);
	enum rf_status st;
	size_t n, n_req = 0;

	if (s == NULL || keys == NULL || req == NULL)
		return run_nomem(q->r);
	n = collect_strangers(q, base, s);
	if (mark != NULL) {
		req[n_req++] = (struct selector_requirement){ .key = mark->key,
			.op = SELECTOR_EXISTS };
		n = keep_carriers(s, n, mark->key);
	}
	while (n > 0) {
		const char *key = best_absent_key(q, s, n, keys);
		size_t left = 0;

		if (key == NULL) {
			*clash = s[0]->workload;
			return RF_OK;
		}
		req[n_req++] = (struct selector_requirement){ .key = key,
			.op = SELECTOR_DOES_NOT_EXIST };
		for (size_t i = 0; i < n; i++)
			if (label_get(&s[i]->labels, key) == NULL)
				s[left++] = s[i];
		n = left;
	}
	out->match_expressions = req;
	out->n_match_expressions = n_req;
	if ((st = to_selector(q->r, base, out)) != RF_OK)
		return st;
	return negative_reduce(q, base, out);
}

/* Tell ours by a key that they carry whatever its value is, as the pods of
 * Jobs do "job-name". found: that is enough. */
static enum rf_status
pick_carried(const struct asked *q, struct label_pick base,
    struct label_selector *out, bool *found)
{
	const struct variant *first = q->space->variants;
	struct selector_requirement *req =
	    arena_calloc(q->r->arena, 1, sizeof(*req));
	struct label_selector try = { 0 };
	enum rf_status st;

	*found = false;
	if (req == NULL)
		return run_nomem(q->r);
	while (!is_ours(q, first))
		first++;
	if ((st = to_selector(q->r, &base, &try)) != RF_OK)
		return st;
	for (size_t i = 0; i < first->labels.n && !*found; i++) {
		const struct label *l = &first->labels.v[i];

		if (!label_is_mark(l) || !all_carry(q, l))
			continue;
		*req = (struct selector_requirement){ .key = l->key,
			.op = SELECTOR_EXISTS };
		try.match_expressions = req;
		try.n_match_expressions = 1;
		*found = selects_exactly(q, &try);
	}
	if (!*found)
		return RF_OK;
	*out = try;
	return negative_reduce(q, &base, out);
}

/* The subject's selector from labels alone; clash says that none exists. */
static enum rf_status
choose_subject(const struct asked *q, struct label_pick *common,
    struct group *g, uint32_t *clash)
{
	struct label_pick pick;
	enum rf_status st;
	bool found;

	if (pick_smallest(q, common, &pick))
		return to_selector(q->r, &pick, &g->subject);
	st = pick_carried(q, *common, &g->subject, &found);
	if (st != RF_OK || found)
		return st;
	return pick_negative(q, common, &g->subject, clash);
}

/* What peers write: the fewest labels, those of spec.selector first. */
static enum rf_status
choose_peer(const struct asked *q, const struct label_pick *common, bool own,
    struct group *g)
{
	struct label_pick from = { .n = 0 }, pick;

	g->peer = g->subject;
	for (size_t i = 0;
	     own && i < g->subject.match_labels.n && from.n < CANDIDATES_MAX;
	     i++)
		from.v[from.n++] = g->subject.match_labels.v[i];
	qsort(from.v, from.n, sizeof(from.v[0]), compare_preference);
	if (!pick_smallest(q, &from, &pick) && !pick_smallest(q, common, &pick))
		return RF_OK;
	g->peer = (struct label_selector){ 0 };
	return to_selector(q->r, &pick, &g->peer);
}

/* spec.selector, if it selects just them; without what names a release, if it
 * does so without. */
static enum rf_status
choose_own(const struct asked *q, struct group *g, bool *own)
{
	const struct kube_workload *w = &q->r->c->workloads[q->root];
	struct label_selector all, less;
	enum rf_status st;

	if ((st = own_selector(q->r, w, &all)) != RF_OK ||
	    (st = own_without_release(q->r, &all, &less)) != RF_OK)
		return st;
	*own = true;
	if (!selector_is_empty(&less) && selects_exactly(q, &less))
		g->subject = less;
	else if (!selector_is_empty(&all) && selects_exactly(q, &all))
		g->subject = all;
	else
		*own = false;
	return RF_OK;
}

enum rf_status
selector_choose(struct run *r, const uint32_t *root_of, uint32_t root,
    struct group *g, uint32_t *clash)
{
	struct asked q = { r, &r->spaces[g->ns], root_of, root };
	struct label_pick common;
	enum rf_status st = RF_OK;
	bool own = false;

	*clash = FLOW_NONE;
	g->subject = (struct label_selector){ 0 };
	if (g->n_members == 1 && r->c->workloads[root].has_selector &&
	    (st = choose_own(&q, g, &own)) != RF_OK)
		return st;
	common_labels(&q, &common);
	if (!own)
		st = choose_subject(&q, &common, g, clash);
	g->is_own = own;
	if (st != RF_OK || *clash != FLOW_NONE)
		return st;
	return choose_peer(&q, &common, own, g);
}

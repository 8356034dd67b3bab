/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workloads to groups: one each, and those together that no label can tell
 * apart. Groups are numbered by namespace, name and kind.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "recommender/internal.h"

/* Leaves room for "10-" and ".yaml" in a file name of 255 bytes. */
#define NAME_MAX_BYTES 200

struct grouping {
	struct run *r;
	uint32_t *order; /* workloads that have variants, by name */
	size_t n;
	uint32_t *root_of;           /* by workload */
	bool *is_shared;             /* by workload: a root of several */
	struct group *group_of_root; /* by workload; used for roots */
};

static int
compare_workloads(const void *x, const void *y, void *arg)
{
	const struct run *r = arg;

	return workload_compare_name(
	    r->c, *(const uint32_t *)x, *(const uint32_t *)y);
}

/* What a workload's pods carry: its variants, which are neighbours. */
struct carried {
	uint32_t workload, ns;
	bool has_selector;
	const struct variant *v;
	size_t n;
};

/* By all that a selector of ours could tell two workloads apart by. What a
 * workload without a spec.selector carries beside lasting labels is in none. */
static int
compare_carried(const void *x, const void *y)
{
	const struct carried *a = x, *b = y;
	int d = 0;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if (a->has_selector != b->has_selector)
		return a->has_selector ? 1 : -1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = 0; i < a->n && d == 0; i++) {
		d = label_set_compare(&a->v[i].labels, &b->v[i].labels);
		if (d == 0 && a->has_selector)
			d = label_set_compare(&a->v[i].all, &b->v[i].all);
	}
	return d;
}

/* The same, and by name: variants of a namespace are in that order. */
static int
compare_named(const void *x, const void *y)
{
	const struct carried *a = x, *b = y;
	int d = compare_carried(x, y);

	return d != 0 ? d : (a->v > b->v) - (a->v < b->v);
}

/* Those that carry the very same are put together at once: of thousands of
 * runs of one thing each would be told from each in vain. */
static enum rf_status
grouping_unite_same(struct grouping *g)
{
	struct run *r = g->r;
	struct carried *v = arena_calloc(r->arena, g->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return run_nomem(r);
	for (uint32_t ns = 0; ns < r->c->n_namespaces; ns++)
		for (size_t i = 0; i < r->spaces[ns].n_variants; i++) {
			const struct variant *x = &r->spaces[ns].variants[i];

			if (i == 0 || x[-1].workload != x->workload)
				v[n++] = (struct carried){ x->workload, ns,
					r->c->workloads[x->workload]
					    .has_selector,
					x, 0 };
			v[n - 1].n++;
		}
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_named);
	for (size_t i = 1; i < n; i++) {
		uint32_t root = g->root_of[v[i - 1].workload];

		if (compare_carried(&v[i - 1], &v[i]) != 0)
			continue;
		g->root_of[v[i].workload] = root;
		g->is_shared[root] = true;
	}
	return RF_OK;
}

/* The workloads that have variants, each its own root. */
static enum rf_status
grouping_start(struct grouping *g)
{
	struct run *r = g->r;
	size_t nw = r->c->n_workloads;

	g->order = arena_calloc(r->arena, nw, sizeof(*g->order));
	g->root_of = arena_calloc(r->arena, nw, sizeof(*g->root_of));
	g->is_shared = arena_calloc(r->arena, nw, sizeof(*g->is_shared));
	g->group_of_root =
	    arena_calloc(r->arena, nw, sizeof(*g->group_of_root));
	if (g->order == NULL || g->root_of == NULL || g->is_shared == NULL ||
	    g->group_of_root == NULL)
		return run_nomem(r);
	memset(g->root_of, 0xff, nw * sizeof(*g->root_of));
	for (size_t i = 0; i < r->c->n_namespaces; i++)
		for (size_t j = 0; j < r->spaces[i].n_variants; j++) {
			uint32_t w = r->spaces[i].variants[j].workload;

			if (g->root_of[w] == FLOW_NONE)
				g->order[g->n++] = w;
			g->root_of[w] = w;
		}
	qsort_r(g->order, g->n, sizeof(*g->order), compare_workloads, r);
	return RF_OK;
}

/* Fill in members and selectors of the group with this root. */
static enum rf_status
group_choose(struct grouping *g, uint32_t root, uint32_t *clash)
{
	struct run *r = g->r;
	struct group *grp = &g->group_of_root[root];
	uint32_t *members;
	size_t n = g->is_shared[root] ? 0 : 1;

	for (size_t i = 0; g->is_shared[root] && i < g->n; i++)
		n += g->root_of[g->order[i]] == root;
	members = arena_calloc(r->arena, n, sizeof(*members));
	*grp = (struct group){ .ns = r->ns_of[root],
		.pod = FLOW_NONE,
		.pod2 = FLOW_NONE,
		.policy = FLOW_NONE,
		.members = members };
	if (members == NULL)
		return run_nomem(r);
	if (!g->is_shared[root])
		members[grp->n_members++] = root;
	for (size_t i = 0; g->is_shared[root] && i < g->n; i++)
		if (g->root_of[g->order[i]] == root)
			members[grp->n_members++] = g->order[i];
	return selector_choose(r, g->root_of, root, grp, clash);
}

/* Put the two together under the root whose name comes first. */
static void
grouping_unite(struct grouping *g, uint32_t a, uint32_t b)
{
	if (workload_compare_name(g->r->c, b, a) < 0) {
		uint32_t t = a;

		a = b;
		b = t;
	}
	g->is_shared[a] = true;
	for (size_t i = 0; i < g->n; i++)
		if (g->root_of[g->order[i]] == b)
			g->root_of[g->order[i]] = a;
}

/* Choose for every root until no two clash. */
static enum rf_status
grouping_settle(struct grouping *g)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < g->n; i++) {
			uint32_t w = g->order[i], clash = FLOW_NONE;
			enum rf_status st;

			if (g->root_of[w] != w)
				continue;
			if ((st = group_choose(g, w, &clash)) != RF_OK)
				return st;
			if (clash == FLOW_NONE)
				continue;
			grouping_unite(g, w, g->root_of[clash]);
			again = true;
		}
	}
	return RF_OK;
}

/* The roots in order become r->groups. */
static enum rf_status
grouping_publish(struct grouping *g)
{
	struct run *r = g->r;
	size_t nw = r->c->n_workloads;

	r->groups = arena_calloc(r->arena, g->n, sizeof(*r->groups));
	r->group_of = arena_calloc(r->arena, nw, sizeof(*r->group_of));
	if (r->groups == NULL || r->group_of == NULL)
		return run_nomem(r);
	memset(r->group_of, 0xff, nw * sizeof(*r->group_of));
	for (size_t i = 0; i < g->n; i++) {
		uint32_t w = g->order[i];

		if (g->root_of[w] != w)
			continue;
		r->group_of[w] = (uint32_t)r->n_groups;
		r->groups[r->n_groups++] = g->group_of_root[w];
	}
	for (size_t i = 0; i < g->n; i++)
		r->group_of[g->order[i]] = r->group_of[g->root_of[g->order[i]]];
	return RF_OK;
}

/* Is pod a to be asked for before pod b: alive, then by name? */
static bool
is_better_pod(const struct cluster *c, uint32_t a, uint32_t b)
{
	if (b == FLOW_NONE || c->pods[a].deleted != c->pods[b].deleted)
		return b == FLOW_NONE || !c->pods[a].deleted;
	return strcmp(c->pods[a].name, c->pods[b].name) < 0;
}

/* A pod that the group's policy selects stands for those it does not know:
 * the first by name of those that live; and another one beside it. */
static void
groups_find_pods(struct run *r)
{
	const struct cluster *c = r->c;

	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];
		struct group *g;

		if (p->host_network || r->group_of[p->workload] == FLOW_NONE)
			continue;
		g = &r->groups[r->group_of[p->workload]];
		if (!selector_matches(&g->subject, &p->labels))
			continue;
		if (is_better_pod(c, i, g->pod)) {
			g->pod2 = g->pod;
			g->pod = i;
		} else if (is_better_pod(c, i, g->pod2)) {
			g->pod2 = i;
		}
	}
}

/* An RFC 1123 label-like name from any text: "My_Job*" to "my-job". */
static const char *
sanitise(struct run *r, const char *text, const char *more)
{
	char buf[NAME_MAX_BYTES + 1];
	size_t n = 0;
	const char *whole = more == NULL || text == NULL
	    ? text
	    : run_printf(r, "%s-%s", text, more);

	if (whole == NULL)
		return NULL;
	for (const char *p = whole; *p != '\0' && n < NAME_MAX_BYTES; p++) {
		unsigned char ch = (unsigned char)*p;
		bool is_dot = ch == '.' && n > 0 && buf[n - 1] != '.' &&
		    buf[n - 1] != '-';

		if (isascii(ch) && isalnum(ch))
			buf[n++] = (char)tolower(ch);
		else if (is_dot)
			buf[n++] = '.';
		else if (n > 0 && buf[n - 1] != '-' && buf[n - 1] != '.')
			buf[n++] = '-';
	}
	while (n > 0 && (buf[n - 1] == '-' || buf[n - 1] == '.'))
		n--;
	if (n == 0)
		return "workload";
	return arena_strndup(r->arena, buf, n);
}

/* How much the two have in common at the front or, backwards, at the end. */
static size_t
common_length(const char *a, const char *b, bool backwards)
{
	size_t m = strlen(a), n = strlen(b), k = 0;

	while (k < m && k < n &&
	    (backwards ? a[m - 1 - k] == b[n - 1 - k] : a[k] == b[k]))
		k++;
	return k;
}

/* What the names of several members of one kind begin with, up to a dash, and
 * end with, from a dash on: the runs of something come and go, and its policy
 * keeps its name. */
static const char *
common_stem(struct run *r, const struct group *g)
{
	const struct kube_workload *w = r->c->workloads;
	const struct kube_workload *first = &w[g->members[0]];
	size_t len = strlen(first->name), head = len, tail = len,
	       shortest = len;

	for (size_t i = 1; i < g->n_members; i++) {
		const struct kube_workload *x = &w[g->members[i]];
		size_t n = strlen(x->name);
		size_t h = common_length(first->name, x->name, false);
		size_t t = common_length(first->name, x->name, true);

		if (strcmp(x->kind, first->kind) != 0)
			return first->name;
		head = h < head ? h : head;
		tail = t < tail ? t : tail;
		shortest = n < shortest ? n : shortest;
	}
	while (head > 0 && first->name[head] != '-')
		head--;
	if (tail > shortest - head)
		tail = shortest - head;
	while (tail > 0 && first->name[len - tail] != '-')
		tail--;
	return head == 0 || g->n_members == 1
	    ? first->name
	    : run_printf(r, "%.*s%s", (int)head, first->name,
		  first->name + len - tail);
}

/* The candidates for a group's policy name, from plain to certain. */
static const char *
name_try(struct run *r, const struct group *g, unsigned level)
{
	const struct kube_workload *w = &r->c->workloads[g->members[0]];
	uint64_t h;

	if (level == 0)
		return sanitise(r, common_stem(r, g), NULL);
	if (level == 1)
		return sanitise(r, w->name, w->kind);
	h = hash_string(hash_string(1, w->kind), w->name);
	return sanitise(r,
	    run_printf(r, "%.150s-%.30s-%08x", w->name, w->kind,
		(unsigned)(h & 0xffffffffu)),
	    NULL);
}

static bool
is_reserved(const char *name)
{
	return strcmp(name, "allow-dns") == 0 ||
	    strcmp(name, "default-deny-all") == 0;
}

/* Group indices in the order of namespace and proposed name. */
static int
compare_names(const void *x, const void *y, void *arg)
{
	const struct run *r = arg;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	const struct group *a = &r->groups[i], *b = &r->groups[j];
	int d;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if ((d = strcmp(a->policy_name, b->policy_name)) != 0)
		return d;
	return (i > j) - (i < j);
}

/* Give those that share a name the next longer one; true: some did. */
static enum rf_status
names_part(struct run *r, uint32_t *order, unsigned level, bool *again)
{
	bool *clash = arena_calloc(r->arena, r->n_groups, sizeof(*clash));

	*again = false;
	if (clash == NULL)
		return run_nomem(r);
	qsort_r(order, r->n_groups, sizeof(*order), compare_names, r);
	for (size_t i = 0; i < r->n_groups; i++) {
		const struct group *g = &r->groups[order[i]], *prev;

		if (is_reserved(g->policy_name))
			clash[order[i]] = true;
		prev = i == 0 ? NULL : &r->groups[order[i - 1]];
		if (prev != NULL && prev->ns == g->ns &&
		    strcmp(prev->policy_name, g->policy_name) == 0)
			clash[order[i]] = clash[order[i - 1]] = true;
	}
	for (size_t i = 0; i < r->n_groups; i++) {
		if (!clash[i])
			continue;
		*again = true;
		r->groups[i].policy_name = name_try(r, &r->groups[i], level);
		if (r->groups[i].policy_name == NULL)
			return run_nomem(r);
	}
	return RF_OK;
}

static enum rf_status
groups_name(struct run *r)
{
	uint32_t *order = arena_calloc(r->arena, r->n_groups, sizeof(*order));
	bool again = true;
	enum rf_status st;

	if (order == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->n_groups; i++) {
		order[i] = (uint32_t)i;
		r->groups[i].policy_name = name_try(r, &r->groups[i], 0);
		if (r->groups[i].policy_name == NULL)
			return run_nomem(r);
	}
	for (unsigned level = 1; level <= 2 && again; level++)
		if ((st = names_part(r, order, level, &again)) != RF_OK)
			return st;
	return RF_OK;
}

enum rf_status
groups_build(struct run *r)
{
	struct grouping g = { .r = r };
	enum rf_status st;

	if ((st = grouping_start(&g)) != RF_OK ||
	    (st = grouping_unite_same(&g)) != RF_OK ||
	    (st = grouping_settle(&g)) != RF_OK ||
	    (st = grouping_publish(&g)) != RF_OK ||
	    (st = families_build(r)) != RF_OK || (st = groups_name(r)) != RF_OK)
		return st;
	groups_find_pods(r);
	return RF_OK;
}

const char *
group_title(struct run *r, const struct group *g, size_t max)
{
	const char *title = "";
	size_t n = g->n_members > max ? max : g->n_members;

	for (size_t i = 0; i < n && title != NULL; i++) {
		const struct kube_workload *w = &r->c->workloads[g->members[i]];

		title = run_printf(
		    r, "%s%s%s %s", title, i > 0 ? ", " : "", w->kind, w->name);
	}
	if (title == NULL || n == g->n_members)
		return title;
	return run_printf(r, "%s and %zu more", title, g->n_members - n);
}

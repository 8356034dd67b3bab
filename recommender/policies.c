/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies and their files, in rollout order: for each namespace the
 * workloads' own, which need no other policy to work, then DNS for every pod,
 * the default deny last.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

struct building {
	struct run *r;
	struct label_set labels;
	size_t *first; /* by group: its needs, from here to the next one's */
};

/* A workload policy to come. */
struct planned {
	const char *file;
	uint32_t group;
};

/* As kubectl takes the files of a folder, so that the proof is of that. */
static int
compare_files(const void *x, const void *y)
{
	const struct planned *a = x, *b = y;

	return strcmp(a->file, b->file);
}

static int
compare_namespaces(const void *x, const void *y, void *arg)
{
	const struct run *r = arg;

	return strcmp(r->c->namespaces[*(const uint32_t *)x].name,
	    r->c->namespaces[*(const uint32_t *)y].name);
}

/* Append p, with its file and what it says of its rules. */
static enum rf_status
append(struct building *b, struct policy p, const char *file,
    const struct rule_list rules[2])
{
	struct run *r = b->r;
	size_t i = r->n_policies;

	if (file == NULL)
		return run_nomem(r);
	p.labels = b->labels;
	for (int d = 0; d < 2; d++) {
		p.rules[d] = rules[d].v;
		p.n_rules[d] = rules[d].n;
		r->evidence[i][d] = rules[d].evidence;
		r->rules[i][d] = rules[d].v;
	}
	r->policies[i] = p;
	r->files[i] = (struct recommend_file){ .namespace = p.namespace,
		.name = file,
		.policy = (uint32_t)i,
		.evidence = { rules[0].evidence, rules[1].evidence } };
	r->n_policies++;
	return RF_OK;
}

static enum rf_status
build_workload(struct building *b, const struct planned *planned)
{
	struct run *r = b->r;
	struct group *g = &r->groups[planned->group];
	const size_t *first = &b->first[planned->group];
	struct need *needs = &r->needs[first[0]];
	size_t n = first[1] - first[0], n_in = 0;
	struct rule_list rules[2];
	struct policy p = { .namespace = r->c->namespaces[g->ns].name,
		.name = g->policy_name,
		.comment = group_title(r, g, TITLE_MAX),
		.pod_selector = g->subject,
		.types = { true, true } };
	enum rf_status st;

	if (p.comment == NULL)
		return run_nomem(r);
	while (n_in < n && needs[n_in].direction == POLICY_INGRESS)
		n_in++;
	if ((st = rules_build(r, g->ns, needs, n_in, &rules[POLICY_INGRESS])) !=
		RF_OK ||
	    (st = rules_build(r, g->ns, needs + n_in, n - n_in,
		 &rules[POLICY_EGRESS])) != RF_OK)
		return st;
	g->policy = (uint32_t)r->n_policies;
	return append(b, p, planned->file, rules);
}

static enum rf_status
build_floor(struct building *b, uint32_t ns)
{
	struct run *r = b->r;
	struct rule_list dns[2] = { { 0 }, { 0 } }, none[2] = { { 0 }, { 0 } };
	struct policy p = { .namespace = r->c->namespaces[ns].name,
		.name = "allow-dns",
		.comment = "every pod may resolve names" };
	struct need *needs;
	enum rf_status st;
	size_t n;

	p.types[POLICY_EGRESS] = true;
	if ((st = dns_needs(r, &needs, &n)) != RF_OK)
		return st;
	n = needs_sort(needs, n);
	if ((st = rules_build(r, ns, needs, n, &dns[POLICY_EGRESS])) != RF_OK ||
	    (st = append(b, p, "80-allow-dns.yaml", dns)) != RF_OK)
		return st;
	p.name = "default-deny-all";
	p.comment = "nothing that no other policy allows";
	p.types[POLICY_INGRESS] = true;
	return append(b, p, "90-default-deny.yaml", none);
}

static enum rf_status
build_namespace(struct building *b, uint32_t ns)
{
	struct run *r = b->r;
	struct planned *v = arena_calloc(r->arena, r->n_groups, sizeof(*v));
	enum rf_status st;
	size_t n = 0;

	if (v == NULL)
		return run_nomem(r);
	for (uint32_t i = 0; i < r->n_groups; i++) {
		if (r->groups[i].ns != ns)
			continue;
		v[n].group = i;
		v[n].file =
		    run_printf(r, "10-%s.yaml", r->groups[i].policy_name);
		if (v[n++].file == NULL)
			return run_nomem(r);
	}
	qsort(v, n, sizeof(*v), compare_files);
	for (size_t i = 0; i < n; i++)
		if ((st = build_workload(b, &v[i])) != RF_OK)
			return st;
	return build_floor(b, ns);
}

/* Sort the needs and find where each group's begin. */
static enum rf_status
building_start(struct building *b)
{
	struct run *r = b->r;
	size_t k = 0, max = r->n_groups + 2 * r->c->n_namespaces;
	struct label *l = arena_alloc(r->arena, sizeof(*l));

	b->first = arena_calloc(r->arena, r->n_groups + 1, sizeof(*b->first));
	r->policies = arena_calloc(r->arena, max, sizeof(*r->policies));
	r->files = arena_calloc(r->arena, max, sizeof(*r->files));
	r->evidence = arena_calloc(r->arena, max, sizeof(*r->evidence));
	r->rules = arena_calloc(r->arena, max, sizeof(*r->rules));
	if (l == NULL || b->first == NULL || r->policies == NULL ||
	    r->files == NULL || r->evidence == NULL || r->rules == NULL)
		return run_nomem(r);
	*l = (struct label){ "app.kubernetes.io/managed-by", "ringfence" };
	b->labels = (struct label_set){ l, 1 };
	r->n_needs = needs_sort(r->needs, r->n_needs);
	for (uint32_t g = 0; g < r->n_groups; g++) {
		while (k < r->n_needs && r->needs[k].group < g)
			k++;
		b->first[g] = k;
	}
	b->first[r->n_groups] = r->n_needs;
	return RF_OK;
}

enum rf_status
policies_build(struct run *r)
{
	struct building b = { .r = r };
	size_t n_ns = r->c->n_namespaces, n = 0;
	uint32_t *order = arena_calloc(r->arena, n_ns, sizeof(*order));
	enum rf_status st;

	if (order == NULL)
		return run_nomem(r);
	for (uint32_t i = 0; i < n_ns; i++)
		if (r->in_scope[i])
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), compare_namespaces, r);
	if ((st = building_start(&b)) != RF_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		if ((st = build_namespace(&b, order[i])) != RF_OK)
			return st;
	return RF_OK;
}

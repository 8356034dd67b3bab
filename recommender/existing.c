/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies that are there already. Policies only add up, so those that stay
 * keep allowing what they allow: with --incremental that is not repeated,
 * without it a reviewer is told what remains open unless they go.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

/* What one of our policies is called. */
struct title {
	uint32_t ns;
	const char *name;
};

struct title_list {
	struct title *v; /* sorted */
	size_t n;
};

static int
compare_titles(const void *x, const void *y)
{
	const struct title *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return strcmp(a->name, b->name);
}

static enum rf_status
list_titles(struct run *r, struct title_list *out)
{
	out->n = r->n_groups;
	out->v = arena_calloc(r->arena, out->n, sizeof(*out->v));
	if (out->v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < out->n; i++)
		out->v[i] =
		    (struct title){ r->groups[i].ns, r->groups[i].policy_name };
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), compare_titles);
	return RF_OK;
}

/* Will ours take its place, bearing the same name? */
static bool
is_replaced(
    const struct run *r, const struct title_list *ours, const struct policy *p)
{
	struct title t = { cluster_find_namespace(r->c, p->namespace),
		p->name };

	if (t.ns == FLOW_NONE || !r->in_scope[t.ns])
		return false;
	if (strcmp(p->name, "allow-dns") == 0 ||
	    strcmp(p->name, "default-deny-all") == 0)
		return true;
	return ours->n > 0 &&
	    bsearch(&t, ours->v, ours->n, sizeof(t), compare_titles) != NULL;
}

enum rf_status
existing_prepare(struct run *r)
{
	const struct policy_set *all = r->options->existing;
	struct title_list ours;
	struct policy *v;
	enum rf_status st;
	size_t n = all == NULL ? 0 : all->n_policies;

	r->kept = (struct policy_set){ 0 };
	if (n == 0)
		return RF_OK;
	v = arena_calloc(r->arena, n, sizeof(*v));
	r->replaced = arena_calloc(r->arena, n, sizeof(*r->replaced));
	if (v == NULL || r->replaced == NULL)
		return run_nomem(r);
	if ((st = list_titles(r, &ours)) != RF_OK)
		return st;
	for (size_t i = 0; i < n; i++) {
		r->replaced[i] = is_replaced(r, &ours, &all->policies[i]);
		if (!r->replaced[i])
			v[r->kept.n_policies++] = all->policies[i];
	}
	r->kept.policies = v;
	if (!r->options->incremental)
		return RF_OK;
	st = evaluator_new(&r->kept_evaluator, &r->kept, r->c, r->err);
	return st;
}

/* Which of the wanted sides do policies that stay allow, by a rule on which
 * no plugin differs? */
unsigned
existing_allows(const struct run *r, const struct flow *f, unsigned want)
{
	struct evaluator_query q;
	struct evaluator_answer a;
	unsigned allowed = 0;

	if (r->kept_evaluator == NULL || want == 0)
		return 0;
	q = proof_query(r, f);
	evaluator_ask(r->kept_evaluator, &q, &a);
	if (a.egress.verdict == EVAL_ALLOW && a.egress.flags == 0)
		allowed |= WANT_EGRESS;
	if (a.ingress.verdict == EVAL_ALLOW && a.ingress.flags == 0)
		allowed |= WANT_INGRESS;
	return allowed & want;
}

bool
existing_allows_client(const struct run *r, const struct flow *f)
{
	struct evaluator_query q;
	struct evaluator_answer a;

	if (r->kept_evaluator == NULL)
		return false;
	q = proof_query(r, f);
	q.seen_src = q.src;
	evaluator_ask(r->kept_evaluator, &q, &a);
	return a.ingress.verdict == EVAL_ALLOW && a.ingress.flags == 0;
}

/* Those in scope, with what becomes of them. */
static enum rf_status
publish(struct run *r, struct recommend_change *change)
{
	const struct policy_set *all = r->options->existing;
	struct recommend_existing *v =
	    arena_calloc(r->arena, all->n_policies, sizeof(*v));

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < all->n_policies; i++) {
		const struct policy *p = &all->policies[i];
		uint32_t ns = cluster_find_namespace(r->c, p->namespace);

		if (ns == FLOW_NONE || !r->in_scope[ns])
			continue;
		v[change->n_policies++] =
		    (struct recommend_existing){ .namespace = p->namespace,
			    .name = p->name,
			    .is_replaced = r->replaced[i] };
	}
	change->policies = v;
	return RF_OK;
}

/* Ask of each observed edge what the existing set says, all of it. */
static enum rf_status
compare_edges(struct run *r, struct recommend_change *change)
{
	struct evaluator *e;
	enum rf_status st;

	st = evaluator_new(&e, r->options->existing, r->c, r->err);
	if (st != RF_OK)
		return st;
	for (size_t i = 0; i < r->n_edges; i++) {
		bool wanted = false, denied = false;

		for (size_t k = 0; k < r->edges[i].n_flows; k++) {
			const struct flow *f = r->edges[i].flows[k];
			struct evaluator_query q;
			struct evaluator_answer a;

			if (plan_flow(r, f).want == 0 ||
			    plan_is_open(f, &r->fs->endpoints[f->dst]))
				continue;
			q = proof_query(r, f);
			evaluator_ask(e, &q, &a);
			wanted = true;
			denied |= !a.allowed;
		}
		change->edges_allowed += wanted && !denied;
		change->edges_denied += wanted && denied;
	}
	evaluator_free(e);
	return RF_OK;
}

/* Pairs that stay open as long as the policies that are left do. */
static enum rf_status
count_kept(struct run *r, struct recommend_change *change)
{
	struct recommend_proof proof = { 0 };
	struct policy_set both;
	struct evaluator *e;
	enum rf_status st;

	if ((st = existing_unite(r, &both)) != RF_OK ||
	    (st = evaluator_new(&e, &both, r->c, r->err)) != RF_OK)
		return st;
	st = beyond_find(r, e, &both, &proof);
	evaluator_free(e);
	change->beyond = proof.beyond;
	change->n_beyond = proof.n_beyond;
	return st;
}

enum rf_status
existing_unite(struct run *r, struct policy_set *out)
{
	size_t n = r->kept.n_policies;
	struct policy *v =
	    arena_calloc(r->arena, n + r->n_policies, sizeof(*v));

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++)
		v[i] = r->kept.policies[i];
	for (size_t i = 0; i < r->n_policies; i++)
		v[n + i] = r->policies[i];
	*out = (struct policy_set){ v, n + r->n_policies };
	return RF_OK;
}

enum rf_status
existing_compare(struct run *r)
{
	enum rf_status st;

	if (r->options->existing == NULL)
		return RF_OK;
	if ((st = publish(r, &r->change)) != RF_OK ||
	    (st = compare_edges(r, &r->change)) != RF_OK)
		return st;
	return count_kept(r, &r->change);
}

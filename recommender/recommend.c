/* SPDX-License-Identifier: Apache-2.0 */
#include "recommender/recommend.h"

#include <stdlib.h>

#include "recommender/internal.h"

enum rf_status
run_nomem(struct run *r)
{
	return rf_fail(r->err, RF_NOMEM, "recommend: out of memory");
}

/* Policies have them as peers and ports by now; there are millions. */
static void
forget_needs(struct run *r)
{
	free(r->needs);
	free(r->raws);
	r->needs = NULL;
	r->raws = NULL;
	r->n_needs = r->cap_needs = r->n_raws = r->cap_raws = 0;
}

static enum rf_status
run_all(struct run *r, struct recommend_proof *proof)
{
	enum rf_status (*const steps[])(struct run *) = {
		variants_build, /* who carries which labels */
		scope_choose,
		groups_build, /* by which labels each is selected */
		address_collect, dns_find, existing_prepare, scope_edges,
		plan_needs, /* what each was seen to need */
		ports_form, /* names and ranges */
		dns_add_floor, cni_remarks, policies_build,
		watched_measure,              /* when, and on which nodes */
		notes_build, readiness_judge, /* how sure one can be of it */
	};
	enum rf_status st;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((st = steps[i](r)) != RF_OK)
			return st;
	forget_needs(r);
	if ((st = proof_run(r, proof)) != RF_OK)
		return st;
	return existing_compare(r);
}

enum rf_status
recommend(struct recommendation *out, const struct cluster *c,
    const struct flow_set *fs, const struct recommend_options *options,
    struct arena *arena, struct rf_error *err)
{
	struct run r = { .c = c,
		.fs = fs,
		.options = options,
		.arena = arena,
		.err = err,
		.max_external = options->max_external };
	struct recommend_proof proof;
	enum rf_status st;

	*out = (struct recommendation){ 0 };
	if (r.max_external == 0)
		r.max_external = MAX_EXTERNAL_DEFAULT;
	r.api_service = cluster_find_service(c, "default", "kubernetes");
	st = run_all(&r, &proof);
	forget_needs(&r);
	evaluator_free(r.kept_evaluator);
	if (st != RF_OK)
		return st;
	*out = (struct recommendation){
		.set = { r.policies, r.n_policies },
		.files = r.files,
		.n_files = r.n_policies,
		.notes = r.notes,
		.n_notes = r.n_notes,
		.edges = { r.edges, r.n_edges },
		.proof = proof,
		.workloads = r.workloads,
		.n_workloads = r.n_workloads,
		.span = r.span,
		.change = r.change,
	};
	out->change.is_incremental = options->incremental;
	return RF_OK;
}

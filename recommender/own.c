/* SPDX-License-Identifier: Apache-2.0 */
/* What of a workload's spec.selector lasts. */
#include <string.h>

#include "recommender/internal.h"

enum rf_status
own_selector(
    struct run *r, const struct kube_workload *w, struct label_selector *out)
{
	const struct label_selector *s = &w->selector;
	struct selector_requirement *req;

	*out = (struct label_selector){ 0 };
	out->match_labels = label_stable(&s->match_labels, r->arena);
	req = arena_calloc(r->arena, s->n_match_expressions, sizeof(*req));
	if (req == NULL ||
	    (out->match_labels.v == NULL && out->match_labels.n != 0))
		return run_nomem(r);
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (!label_is_volatile(s->match_expressions[i].key))
			req[out->n_match_expressions++] =
			    s->match_expressions[i];
	out->match_expressions = req;
	return RF_OK;
}

/* Does the label name the chart, the image or the revision that was rolled out?
 * Not "version", by which people part what runs at the same time. */
static bool
names_release(const struct label *l)
{
	const char *slash = strrchr(l->key, '/');

	return label_is_version(l->key) &&
	    strcmp(slash == NULL ? l->key : slash + 1, "version") != 0;
}

enum rf_status
own_without_release(
    struct run *r, const struct label_selector *own, struct label_selector *out)
{
	struct label *v =
	    arena_calloc(r->arena, own->match_labels.n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < own->match_labels.n; i++)
		if (!names_release(&own->match_labels.v[i]))
			v[n++] = own->match_labels.v[i];
	*out = *own;
	out->match_labels = (struct label_set){ v, n };
	if (n == 0)
		*out = (struct label_selector){ 0 };
	return RF_OK;
}

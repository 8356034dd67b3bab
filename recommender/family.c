/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families: workloads of one namespace that share the label they are called
 * by ("app: reviews" of reviews-v1 and reviews-v2) with nobody else. Where a
 * rule means all of them that label says so.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define N_KEYS 4

static const char *const keys[N_KEYS] = { "app.kubernetes.io/name", "app",
	"k8s-app", "name" };

/* What a group's variants have in common. */
struct kin {
	uint32_t group, ns;
	const char *values[N_KEYS]; /* NULL: not all, or not the same */
	size_t n_variants;
	struct label label; /* the first that is there; key NULL: none */
};

/* By namespace and label, then group. */
static int
compare_kin(const void *x, const void *y)
{
	const struct kin *a = x, *b = y;
	int d;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if (a->label.key == NULL || b->label.key == NULL)
		d = (a->label.key != NULL) - (b->label.key != NULL);
	else if ((d = strcmp(a->label.key, b->label.key)) == 0)
		d = strcmp(a->label.value, b->label.value);
	return d != 0 ? d : (a->group > b->group) - (a->group < b->group);
}

static bool
same_label(const struct kin *a, const struct kin *b)
{
	return a->ns == b->ns && a->label.key != NULL && b->label.key != NULL &&
	    strcmp(a->label.key, b->label.key) == 0 &&
	    strcmp(a->label.value, b->label.value) == 0;
}

static void
kin_add(struct kin *k, const struct label_set *labels)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		const char *value = label_get(labels, keys[i]);

		if (k->n_variants == 0)
			k->values[i] = value;
		else if (value == NULL || k->values[i] == NULL ||
		    strcmp(value, k->values[i]) != 0)
			k->values[i] = NULL;
	}
	k->n_variants++;
}

static void
kin_collect(const struct run *r, struct kin *kin)
{
	for (uint32_t i = 0; i < r->n_groups; i++) {
		kin[i].group = i;
		kin[i].ns = r->groups[i].ns;
	}
	for (size_t i = 0; i < r->c->n_namespaces; i++)
		for (size_t j = 0; j < r->spaces[i].n_variants; j++) {
			const struct variant *v = &r->spaces[i].variants[j];

			kin_add(&kin[r->group_of[v->workload]], &v->labels);
		}
	for (uint32_t i = 0; i < r->n_groups; i++)
		for (size_t j = N_KEYS; j-- > 0;)
			if (kin[i].values[j] != NULL)
				kin[i].label =
				    (struct label){ keys[j], kin[i].values[j] };
}

enum rf_status
families_build(struct run *r)
{
	struct kin *kin = arena_calloc(r->arena, r->n_groups, sizeof(*kin));
	size_t first;

	r->families = arena_calloc(r->arena, r->n_groups, sizeof(*r->families));
	if (kin == NULL || r->families == NULL)
		return run_nomem(r);
	kin_collect(r, kin);
	qsort(kin, r->n_groups, sizeof(*kin), compare_kin);
	for (size_t i = 0, j; i < r->n_groups; i = j) {
		const struct space *s = &r->spaces[kin[i].ns];
		size_t n_variants = kin[i].n_variants;
		uint32_t id = FLOW_NONE;

		for (j = i + 1; j < r->n_groups && same_label(&kin[i], &kin[j]);
		     j++)
			n_variants += kin[j].n_variants;
		if (j - i > 1 &&
		    space_holders(s, &kin[i].label, &first) == n_variants) {
			id = r->n_families++;
			r->families[id] =
			    (struct family){ kin[i].label, j - i };
		}
		for (size_t k = i; k < j; k++)
			r->groups[kin[k].group].family = id;
	}
	return RF_OK;
}

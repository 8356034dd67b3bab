/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that selectors should not name, and selectors that contradict
 * themselves: RF022, RF023. */
#include <string.h>

#include "policy/lint_internal.h"

/* Keys of single replicas are volatile too, but people select by them on
 * purpose: the first pod of a StatefulSet, the pods of a Job. A chart without
 * a number is not of one version. */
static bool
is_of_one_release(const char *key, const char *value)
{
	static const char *const keys[] = { "pod-template-hash",
		"rollouts-pod-template-hash", "controller-revision-hash",
		"pod-template-generation", "controller-uid",
		"batch.kubernetes.io/controller-uid",
		"app.kubernetes.io/version", "helm.sh/chart",
		"pkg.crossplane.io/revision", "serving.knative.dev/revision",
		"serving.knative.dev/revisionUID" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return strcmp(key, "chart") == 0 && strpbrk(value, "0123456789");
}

static bool
any_of_one_release(const struct selector_requirement *r)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (is_of_one_release(r->key, r->values[i]))
			return true;
	return false;
}

static const char *
release_key(const struct label_selector *s)
{
	for (size_t i = 0; i < s->match_labels.n; i++)
		if (is_of_one_release(
			s->match_labels.v[i].key, s->match_labels.v[i].value))
			return s->match_labels.v[i].key;
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (s->match_expressions[i].op == SELECTOR_IN &&
		    any_of_one_release(&s->match_expressions[i]))
			return s->match_expressions[i].key;
	return NULL;
}

static bool
in_values(const struct selector_requirement *r, const char *value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i], value) == 0)
			return true;
	return false;
}

/* Can value (NULL: the key absent) satisfy every demand on the key? */
static bool
satisfies(const struct label_selector *s, const char *key, const char *value)
{
	const char *want = label_get(&s->match_labels, key);

	if (want != NULL && (value == NULL || strcmp(want, value) != 0))
		return false;
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];
		bool ok = true;

		if (strcmp(r->key, key) != 0)
			continue;
		switch (r->op) {
		case SELECTOR_IN:
			ok = value != NULL && in_values(r, value);
			break;
		case SELECTOR_NOT_IN:
			ok = value == NULL || !in_values(r, value);
			break;
		case SELECTOR_EXISTS:
			ok = value != NULL;
			break;
		case SELECTOR_DOES_NOT_EXIST:
			ok = value == NULL;
			break;
		}
		if (!ok)
			return false;
	}
	return true;
}

/* Is any value left for the key? A value that In names, none, or one that
 * nobody names, which stands for all others: a slash cannot be in one. */
static bool
is_possible(const struct label_selector *s, const char *key)
{
	if (satisfies(s, key, NULL) || satisfies(s, key, "/"))
		return true;
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];

		if (r->op != SELECTOR_IN || strcmp(r->key, key) != 0)
			continue;
		for (size_t k = 0; k < r->n_values; k++)
			if (satisfies(s, key, r->values[k]))
				return true;
	}
	return false;
}

/* The key whose demands exclude each other, or NULL. */
static const char *
contradiction(const struct label_selector *s)
{
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		const struct selector_requirement *r = &s->match_expressions[i];
		const char *want = label_get(&s->match_labels, r->key);

		if (want != NULL ? !satisfies(s, r->key, want)
				 : !is_possible(s, r->key))
			return r->key;
	}
	return NULL;
}

static void
check_selector(
    struct lint *l, const struct label_selector *s, const struct lint_at *at)
{
	const char *key;

	if (s == NULL)
		return;
	if ((key = release_key(s)) != NULL)
		lint_add(l, 0, LINT_WARNING, at,
		    lint_text(l,
			"label %s changes with every release, and the "
			"selector will then match nothing",
			key),
		    "Select by labels that stay, such as app or "
		    "app.kubernetes.io/name.");
	if ((key = contradiction(s)) != NULL)
		lint_add(l, 1, LINT_ERROR, at,
		    lint_text(l,
			"what the selector demands of label %s cannot be true "
			"together, so it can match nothing",
			key),
		    "Remove one of the demands; values that are alternatives "
		    "belong into one In.");
}

void
lint_check_labels(struct lint *l)
{
	struct lint_spot s = { 0 };

	for (size_t i = 0; i < l->set->n_policies; i++) {
		const struct policy *p = &l->set->policies[i];
		struct lint_at at =
		    lint_at_policy(p, p->selector_line, "spec.podSelector");

		check_selector(l, &p->pod_selector, &at);
	}
	while (lint_next_rule(l, &s))
		for (size_t i = 0; i < s.rule->n_peers; i++) {
			const struct policy_peer *p = &s.rule->peers[i];
			struct lint_at at =
			    lint_at_peer(l, &s, i, ".podSelector");

			check_selector(l, p->pod_selector, &at);
			at = lint_at_peer(l, &s, i, ".namespaceSelector");
			check_selector(l, p->namespace_selector, &at);
		}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"

#include <stdlib.h>
#include <string.h>

#include "policy/lint_internal.h"

#define TEXT_MAX_BYTES ((size_t)1 << 20)

const char *
lint_severity_name(enum lint_severity s)
{
	static const char *const names[] = {
		[LINT_NOTE] = "note",
		[LINT_WARNING] = "warning",
		[LINT_ERROR] = "error",
	};

	return names[s];
}

const struct lint_rule *
lint_rule_find(const char *id)
{
	size_t n;
	const struct lint_rule *rules = lint_rules(&n);

	for (size_t i = 0; i < n; i++)
		if (strcasecmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

static int
compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == NULL) - (b == NULL);
	return strcmp(a, b);
}

/* Live objects, which have no file, come last. */
static int
compare_findings(const void *x, const void *y)
{
	const struct lint_finding *a = x, *b = y;
	int d;

	if ((d = compare_texts(a->file, b->file)) != 0)
		return d;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if ((d = strcmp(a->rule->id, b->rule->id)) != 0 ||
	    (d = strcmp(a->object, b->object)) != 0 ||
	    (d = strcmp(a->field, b->field)) != 0)
		return d;
	return strcmp(a->reason, b->reason);
}

static bool
can_work(const struct lint *l, const struct lint_rule *rule)
{
	switch (rule->needs) {
	case LINT_NEEDS_POLICIES:
		return true;
	case LINT_NEEDS_CLUSTER:
		return l->c != NULL;
	case LINT_NEEDS_FLOWS:
		return l->in->flows != NULL;
	}
	return false;
}

static void
run_checks(struct lint *l)
{
	size_t n;
	const struct lint_rule *rules = lint_rules(&n);

	for (size_t i = 0, end; i < n; i = end) {
		bool can = can_work(l, &rules[i]);

		for (end = i + 1; end < n && rules[end].check == NULL; end++)
			can |= can_work(l, &rules[end]);
		l->rule = &rules[i];
		if (can)
			rules[i].check(l);
	}
}

enum rf_status
lint_run(struct lint_result *out, const struct lint_input *in,
    struct arena *arena, struct rf_error *err)
{
	struct lint l = {
		.in = in, .set = in->set, .c = in->cluster, .arena = arena
	};
	enum rf_status st = RF_OK;

	*out = (struct lint_result){ 0 };
	strbuf_init(&l.text, TEXT_MAX_BYTES);
	if (!lint_faces_make(&l) || !lint_near_make(&l) ||
	    !lint_holders_make(&l))
		st = rf_fail(err, RF_NOMEM, "lint: out of memory");
	if (st == RF_OK && l.c != NULL)
		st = evaluator_new(&l.evaluator, l.set, l.c, err);
	if (st != RF_OK)
		goto out;
	run_checks(&l);
	if (l.failed) {
		st = rf_fail(err, RF_NOMEM, "lint: out of memory");
		goto out;
	}
	if (l.n_findings > 0)
		qsort(l.findings, l.n_findings, sizeof(*l.findings),
		    compare_findings);
	out->findings = l.findings;
	out->n = l.n_findings;
	for (size_t i = 0; i < out->n; i++)
		out->counts[out->findings[i].severity]++;
out:
	evaluator_free(l.evaluator);
	strbuf_release(&l.text);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_words.h"

#include <inttypes.h>
#include <stdlib.h>

const char *
audit_side_name(enum evaluator_verdict v)
{
	static const char *const names[] = {
		[EVAL_ALLOW] = "allow",
		[EVAL_DENY] = "deny",
		[EVAL_NOT_ISOLATED] = "not-isolated",
		[EVAL_NOT_SUBJECT] = "not-subject",
	};

	return names[v];
}

const char *
audit_reason_text(enum audit_reason r)
{
	switch (r) {
	case AUDIT_CLEAR:
		break;
	case AUDIT_UNKNOWN_ADDRESS:
		return "who held that address is not known";
	case AUDIT_NO_BACKEND:
		return "which pods answered is not known";
	case AUDIT_HAIRPIN:
		return "to itself through its Service: no rule allows it, and "
		       "network plugins differ";
	case AUDIT_REWRITTEN:
		return "no rule allows the client; its address was rewritten "
		       "on the pod's own node, and network plugins differ in "
		       "whether policies see that";
	case AUDIT_GUESSED:
		return "who opened the connection is guessed";
	}
	return "";
}

size_t
audit_counted(const struct audit *a)
{
	size_t n = 0;

	for (size_t i = 0; i < AUDIT_VERDICT_COUNT; i++)
		n += a->counts[i];
	return n;
}

size_t
audit_pairs_meant(const struct audit_edge *e)
{
	return e->verdict == AUDIT_WOULD_DROP ? e->pairs_dropped
					      : e->pairs_unknown;
}

void
audit_policy_text(
    struct strbuf *out, const struct policy_set *set, uint32_t policy)
{
	const struct policy *p = &set->policies[policy];

	strbuf_printf(out, "%s/%s", p->namespace, p->name);
}

void
audit_rule_text(struct strbuf *out, const struct usage_rule *r)
{
	strbuf_printf(out, "%s rule %" PRIu32,
	    policy_direction_name(r->direction), r->rule + 1);
}

void
audit_all_rules_text(struct strbuf *out, const struct policy *p)
{
	size_t n = p->n_rules[POLICY_INGRESS] + p->n_rules[POLICY_EGRESS];

	if (n == 1)
		strbuf_puts(out, "its only rule");
	else
		strbuf_printf(out, "all %zu rules", n);
}

uint32_t
audit_rule_line(const struct policy_set *set, const struct usage_rule *r)
{
	const struct policy *p = &set->policies[r->policy];
	uint32_t line = p->rules[r->direction][r->rule].line;

	return line != 0 ? line : p->line;
}

void
audit_place_text(struct strbuf *out, const struct policy *p, uint32_t line)
{
	if (p->file == NULL)
		return;
	strbuf_puts(out, p->file);
	if (line != 0)
		strbuf_printf(out, ":%" PRIu32, line);
}

uint32_t
audit_selector_line(const struct policy *p)
{
	return p->selector_line != 0 ? p->selector_line : p->line;
}

bool
audit_policy_is_unused(const struct audit *a, uint32_t policy)
{
	const struct usage *u = &a->usage;
	size_t lo = 0, hi = u->n_policies;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->policies[mid] < policy)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->n_policies && u->policies[lo] == policy;
}

bool
audit_policy_is_idle(const struct audit *a, uint32_t policy)
{
	const struct usage *u = &a->usage;
	size_t lo = 0, hi = u->n_idle;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->idle[mid].policy < policy)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->n_idle && u->idle[lo].policy == policy;
}

size_t
audit_count_unused(const struct audit *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->usage.n_rules; i++)
		n += !audit_policy_is_idle(a, a->usage.rules[i].policy);
	return n;
}

static int
compare_shown(const void *x, const void *y)
{
	const struct audit_edge *a = *(const struct audit_edge *const *)x;
	const struct audit_edge *b = *(const struct audit_edge *const *)y;

	if (a->is_traffic != b->is_traffic)
		return a->is_traffic ? -1 : 1;
	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? -1 : 1;
	return (a > b) - (a < b);
}

const struct audit_edge **
audit_order(const struct audit *a)
{
	const struct audit_edge **order =
	    calloc(a->n_edges + 1, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < a->n_edges; i++)
		order[i] = &a->edges[i];
	qsort(order, a->n_edges, sizeof(*order), compare_shown);
	return order;
}

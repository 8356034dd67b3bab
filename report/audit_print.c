/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_words.h"
#include "report/coverage.h"
#include "report/text.h"

#define CELL_MAX ((size_t)1 << 20)

static const struct table_column columns[] = {
	{ .header = "VERDICT" },
	{ .header = "SOURCE" },
	{ .header = "DESTINATION" },
	{ .header = "PORT" },
	{ .header = "SERVICE" },
	{ .header = "OUTCOME" },
	{ .header = "CONNECTIONS", .is_number = true },
	{ .header = "EGRESS" },
	{ .header = "INGRESS" },
	{ .header = "WHY" },
};

static const enum policy_direction path[] = { POLICY_EGRESS, POLICY_INGRESS };

static void
add_side(struct table *t, const struct audit *a, const struct audit_side *s,
    struct strbuf *scratch)
{
	bool is_denied = s->verdict == EVAL_DENY;

	/* What allows is in the JSON; here it would only make lines long. */
	strbuf_clear(scratch);
	strbuf_puts(scratch, audit_side_name(s->verdict));
	for (size_t i = 0; is_denied && i < s->n_policies; i++) {
		strbuf_puts(scratch, i == 0 ? ": " : ", ");
		audit_policy_text(scratch, a->set, s->policies[i]);
	}
	table_add_coloured(
	    t, strbuf_str(scratch), is_denied ? TABLE_RED : TABLE_PLAIN);
}

static void
add_why(struct table *t, const struct audit_edge *e, struct strbuf *scratch)
{
	bool is_firm =
	    e->verdict != AUDIT_WOULD_DROP && e->verdict != AUDIT_UNKNOWN;
	size_t n = 0;

	strbuf_clear(scratch);
	if (!is_firm && audit_pairs_meant(e) < e->pairs)
		strbuf_printf(scratch,
		    "%zu of %zu pod pairs: ", audit_pairs_meant(e), e->pairs);
	strbuf_puts(scratch, audit_reason_text(e->reason));
	for (size_t i = 0; e->verdict == AUDIT_WOULD_DROP && i < 2; i++)
		if (e->sides[path[i]].verdict == EVAL_DENY)
			strbuf_printf(scratch, "%s%s", n++ == 0 ? "" : "; ",
			    e->sides[path[i]].nearest_miss);
	table_add(t, strbuf_str(scratch));
}

enum table_colour
audit_verdict_colour(enum audit_verdict v)
{
	static const enum table_colour colours[] = {
		[AUDIT_WOULD_DROP] = TABLE_RED,
		[AUDIT_UNKNOWN] = TABLE_YELLOW,
		[AUDIT_ALLOWED] = TABLE_GREEN,
		[AUDIT_NOT_ENFORCEABLE] = TABLE_PLAIN,
	};

	return colours[v];
}

static void
add_row(struct table *t, const struct audit *a, const struct audit_edge *e,
    struct strbuf *scratch)
{
	const struct edge *edge = e->view->edge;

	table_add_coloured(t, audit_verdict_name(e->verdict),
	    audit_verdict_colour(e->verdict));
	strbuf_clear(scratch);
	view_end_text(scratch, e->view->src);
	table_add(t, strbuf_str(scratch));
	strbuf_clear(scratch);
	view_end_text(scratch, e->view->dst);
	table_add(t, strbuf_str(scratch));
	table_printf(
	    t, "%s/%u", flow_protocol_name(edge->protocol), edge->port);
	strbuf_clear(scratch);
	view_service_text(scratch, e->view);
	table_add(t, strbuf_str(scratch));
	table_add(t, flow_outcome_name(edge->outcome));
	table_add_unsigned(t, edge->connections);
	add_side(t, a, &e->sides[POLICY_EGRESS], scratch);
	add_side(t, a, &e->sides[POLICY_INGRESS], scratch);
	add_why(t, e, scratch);
}

static void
print_summary(FILE *out, const struct audit *a)
{
	size_t n = audit_counted(a), drop = a->counts[AUDIT_WOULD_DROP];

	fprintf(out,
	    "\n%zu edge%s under %zu polic%s: %zu would be dropped "
	    "(%" PRIu64 " connection%s), %zu allowed, %zu unknown, "
	    "%zu not enforceable.\n",
	    n, n == 1 ? "" : "s", a->set->n_policies,
	    a->set->n_policies == 1 ? "y" : "ies", drop, a->connections_dropped,
	    a->connections_dropped == 1 ? "" : "s", a->counts[AUDIT_ALLOWED],
	    a->counts[AUDIT_UNKNOWN], a->counts[AUDIT_NOT_ENFORCEABLE]);
	if (a->n_not_traffic > 0)
		fprintf(out,
		    "Not counted: %zu edge%s that never worked (refused, "
		    "unanswered or dropped when observed).\n",
		    a->n_not_traffic, a->n_not_traffic == 1 ? "" : "s");
}

struct lines {
	FILE *out;
	struct strbuf text, safe;
	bool failed;
};

/* What is in text, with the place where it stands, escaped. */
static void
print_line(struct lines *l, const struct policy *p, uint32_t line)
{
	if (p->file != NULL) {
		strbuf_puts(&l->text, " (");
		audit_place_text(&l->text, p, line);
		strbuf_putc(&l->text, ')');
	}
	strbuf_clear(&l->safe);
	text_escape(&l->safe, strbuf_str(&l->text));
	fprintf(l->out, "  %s\n", strbuf_str(&l->safe));
	l->failed |= strbuf_failed(&l->text) || strbuf_failed(&l->safe);
	strbuf_clear(&l->text);
}

static void
print_unused(struct lines *l, const struct audit *a)
{
	const struct usage *u = &a->usage;

	if (audit_count_unused(a) == 0)
		return;
	usage_duration(&l->text, u->span.observed_us);
	fprintf(l->out,
	    "\nRules that nothing used in %s of observation (what happens "
	    "rarely may need them):\n",
	    strbuf_str(&l->text));
	strbuf_clear(&l->text);
	for (size_t i = 0; i < u->n_policies; i++) {
		const struct policy *p = &a->set->policies[u->policies[i]];

		if (audit_policy_is_idle(a, u->policies[i]))
			continue;
		audit_policy_text(&l->text, a->set, u->policies[i]);
		strbuf_puts(&l->text, ": ");
		audit_all_rules_text(&l->text, p);
		print_line(l, p, p->line);
	}
	for (size_t i = 0; i < u->n_rules; i++) {
		const struct usage_rule *r = &u->rules[i];

		if (audit_policy_is_unused(a, r->policy))
			continue;
		audit_policy_text(&l->text, a->set, r->policy);
		strbuf_puts(&l->text, ": ");
		audit_rule_text(&l->text, r);
		print_line(l, &a->set->policies[r->policy],
		    audit_rule_line(a->set, r));
	}
}

static void
print_idle(struct lines *l, const struct audit *a)
{
	const struct usage *u = &a->usage;

	if (u->n_idle == 0)
		return;
	fputs("\nPolicies that select no pod:\n", l->out);
	for (size_t i = 0; i < u->n_idle; i++) {
		const struct policy *p = &a->set->policies[u->idle[i].policy];

		audit_policy_text(&l->text, a->set, u->idle[i].policy);
		strbuf_puts(&l->text, ": ");
		usage_idle_text(&l->text, &u->idle[i], a->cluster);
		print_line(l, p, audit_selector_line(p));
	}
}

static enum rf_status
print_rest(FILE *out, const struct audit *a, struct rf_error *err)
{
	struct lines l = { .out = out };

	strbuf_init(&l.text, CELL_MAX);
	strbuf_init(&l.safe, CELL_MAX);
	print_summary(out, a);
	print_unused(&l, a);
	print_idle(&l, a);
	fputc('\n', out);
	coverage_print(out, a->flows);
	strbuf_release(&l.text);
	strbuf_release(&l.safe);
	return l.failed ? rf_fail(err, RF_NOMEM, "audit: out of memory")
			: RF_OK;
}

/* Of SOURCE, DESTINATION, SERVICE, EGRESS and INGRESS. */
#define NAME_COLUMNS (1u << 1 | 1u << 2 | 1u << 4 | 1u << 7 | 1u << 8)

/* OUTCOME, SERVICE, CONNECTIONS, EGRESS, INGRESS. */
static const uint8_t spare[] = { 5, 4, 6, 7, 8 };

enum rf_status
audit_print_table(FILE *out, const struct audit *a,
    const struct audit_style *style, struct rf_error *err)
{
	const struct audit_edge **order = audit_order(a);
	struct strbuf scratch;
	struct table t;
	enum rf_status st = RF_OK;

	if (order == NULL)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	strbuf_init(&scratch, CELL_MAX);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	t.fit = (struct table_fit){ .columns = style->columns,
		.shrinks = NAME_COLUMNS,
		.last_below = true,
		.spare = spare,
		.n_spare = sizeof(spare) };
	for (size_t i = 0; i < a->n_edges; i++)
		add_row(&t, a, order[i], &scratch);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "audit: out of memory");
	else if (a->n_edges > 0)
		st = table_print(
		    &t, out, style->with_headers, style->with_colour, err);
	if (st == RF_OK)
		st = print_rest(out, a, err);
	table_release(&t);
	strbuf_release(&scratch);
	free(order);
	return st;
}

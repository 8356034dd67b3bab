/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/coverage.h"
#include "report/table.h"

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

static const char *const side_names[] = {
	[EVAL_ALLOW] = "allow",
	[EVAL_DENY] = "deny",
	[EVAL_NOT_ISOLATED] = "not-isolated",
	[EVAL_NOT_SUBJECT] = "not-subject",
};

static const struct {
	unsigned bit;
	const char *word;
} flag_names[] = {
	{ EVAL_SELF, "self" },
	{ EVAL_NODE_LOCAL, "node-local" },
	{ EVAL_BLOCK_ON_POD, "ip-block-on-pod" },
	{ EVAL_NAME_AMBIGUOUS, "port-name-ambiguous" },
	{ EVAL_NAME_SIDECAR, "port-name-of-sidecar" },
};

static const char *
reason_text(enum audit_reason r)
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
	case AUDIT_GUESSED:
		return "who opened the connection is guessed";
	}
	return "";
}

/* Traffic before attempts, worst before harmless, then as it was. */
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

static void
add_side(struct table *t, const struct audit *a, const struct audit_side *s,
    struct strbuf *scratch)
{
	bool is_denied = s->verdict == EVAL_DENY;

	/* What allows is in the JSON; here it would only make lines long. */
	strbuf_clear(scratch);
	strbuf_puts(scratch, side_names[s->verdict]);
	for (size_t i = 0; is_denied && i < s->n_policies; i++) {
		const struct policy *p = &a->set->policies[s->policies[i]];

		strbuf_printf(scratch, "%s%s/%s", i == 0 ? ": " : ", ",
		    p->namespace, p->name);
	}
	table_add_coloured(
	    t, strbuf_str(scratch), is_denied ? TABLE_RED : TABLE_PLAIN);
}

/* How many of the edge's pairs of addresses the verdict is about. */
static size_t
pairs_meant(const struct audit_edge *e)
{
	return e->verdict == AUDIT_WOULD_DROP ? e->pairs_dropped
					      : e->pairs_unknown;
}

static void
add_why(struct table *t, const struct audit_edge *e, struct strbuf *scratch)
{
	static const enum policy_direction order[] = { POLICY_EGRESS,
		POLICY_INGRESS };
	bool is_firm =
	    e->verdict != AUDIT_WOULD_DROP && e->verdict != AUDIT_UNKNOWN;

	strbuf_clear(scratch);
	if (!is_firm && pairs_meant(e) < e->pairs)
		strbuf_printf(scratch, "%zu of %zu pod pairs: ", pairs_meant(e),
		    e->pairs);
	strbuf_puts(scratch, reason_text(e->reason));
	for (size_t i = 0; e->verdict == AUDIT_WOULD_DROP && i < 2; i++) {
		const struct audit_side *s = &e->sides[order[i]];

		if (s->verdict == EVAL_DENY)
			strbuf_printf(scratch, "%s%s",
			    i > 0 && e->sides[order[0]].verdict == EVAL_DENY
				? "; "
				: "",
			    s->nearest_miss);
	}
	table_add(t, strbuf_str(scratch));
}

static void
add_row(struct table *t, const struct audit *a, const struct audit_edge *e,
    struct strbuf *scratch)
{
	static const enum table_colour colours[] = {
		[AUDIT_WOULD_DROP] = TABLE_RED,
		[AUDIT_UNKNOWN] = TABLE_YELLOW,
		[AUDIT_ALLOWED] = TABLE_GREEN,
		[AUDIT_NOT_ENFORCEABLE] = TABLE_PLAIN,
	};
	const struct edge *edge = e->view->edge;

	table_add_coloured(
	    t, audit_verdict_name(e->verdict), colours[e->verdict]);
	strbuf_clear(scratch);
	view_end_text(scratch, &e->view->src);
	table_add(t, strbuf_str(scratch));
	strbuf_clear(scratch);
	view_end_text(scratch, &e->view->dst);
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

static size_t
counted(const struct audit *a)
{
	size_t n = 0;

	for (size_t i = 0; i < AUDIT_VERDICT_COUNT; i++)
		n += a->counts[i];
	return n;
}

static void
print_summary(FILE *out, const struct audit *a)
{
	size_t n = counted(a), drop = a->counts[AUDIT_WOULD_DROP];

	fprintf(out,
	    "\n%zu edge%s under %zu polic%s: %zu would be dropped "
	    "(%" PRIu64 " connections), %zu allowed, %zu unknown, "
	    "%zu not enforceable.\n",
	    n, n == 1 ? "" : "s", a->set->n_policies,
	    a->set->n_policies == 1 ? "y" : "ies", drop, a->connections_dropped,
	    a->counts[AUDIT_ALLOWED], a->counts[AUDIT_UNKNOWN],
	    a->counts[AUDIT_NOT_ENFORCEABLE]);
	if (a->n_not_traffic > 0)
		fprintf(out,
		    "Not counted: %zu edge%s that never worked (refused, "
		    "unanswered or dropped when observed).\n",
		    a->n_not_traffic, a->n_not_traffic == 1 ? "" : "s");
	coverage_print(out, a->flows);
}

enum rf_status
audit_print_table(FILE *out, const struct audit *a, bool with_headers,
    bool with_colour, struct rf_error *err)
{
	const struct audit_edge **order =
	    calloc(a->n_edges + 1, sizeof(*order));
	struct strbuf scratch;
	struct table t;
	enum rf_status st = RF_OK;

	if (order == NULL)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	for (size_t i = 0; i < a->n_edges; i++)
		order[i] = &a->edges[i];
	qsort(order, a->n_edges, sizeof(*order), compare_shown);
	strbuf_init(&scratch, CELL_MAX);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < a->n_edges; i++)
		add_row(&t, a, order[i], &scratch);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "audit: out of memory");
	else if (a->n_edges > 0)
		st = table_print(&t, out, with_headers, with_colour, err);
	if (st == RF_OK)
		print_summary(out, a);
	table_release(&t);
	strbuf_release(&scratch);
	free(order);
	return st;
}

static void
put_policy_name(
    struct json_writer *w, const struct policy *p, struct strbuf *scratch)
{
	strbuf_clear(scratch);
	strbuf_printf(scratch, "%s/%s", p->namespace, p->name);
	json_writer_string(w, NULL, strbuf_str(scratch));
}

static void
put_side(struct json_writer *w, const struct audit *a,
    const struct audit_edge *e, enum policy_direction d, struct strbuf *scratch)
{
	const struct audit_side *s = &e->sides[d];

	json_writer_object_begin(w, policy_direction_name(d));
	json_writer_string(w, "verdict", side_names[s->verdict]);
	json_writer_array_begin_inline(w, "policies");
	for (size_t i = 0; i < s->n_policies; i++)
		put_policy_name(w, &a->set->policies[s->policies[i]], scratch);
	json_writer_array_end(w);
	json_writer_array_begin_inline(w, "rules");
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct policy *p = &a->set->policies[s->rules[i].policy];

		strbuf_clear(scratch);
		strbuf_printf(scratch, "%s/%s %s[%" PRIu32 "]", p->namespace,
		    p->name, policy_direction_name(d), s->rules[i].rule);
		json_writer_string(w, NULL, strbuf_str(scratch));
	}
	json_writer_array_end(w);
	json_writer_array_begin_inline(w, "flags");
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if ((s->flags & flag_names[i].bit) != 0)
			json_writer_string(w, NULL, flag_names[i].word);
	json_writer_array_end(w);
	if (s->verdict == EVAL_DENY)
		json_writer_string(w, "nearestMiss", s->nearest_miss);
	json_writer_object_end(w);
}

static void
put_summary(struct json_writer *w, const struct audit *a)
{
	json_writer_object_begin(w, "summary");
	json_writer_unsigned(w, "policies", a->set->n_policies);
	json_writer_unsigned(w, "edges", counted(a));
	json_writer_unsigned(w, "allowed", a->counts[AUDIT_ALLOWED]);
	json_writer_unsigned(w, "wouldDrop", a->counts[AUDIT_WOULD_DROP]);
	json_writer_unsigned(
	    w, "notEnforceable", a->counts[AUDIT_NOT_ENFORCEABLE]);
	json_writer_unsigned(w, "unknown", a->counts[AUDIT_UNKNOWN]);
	json_writer_unsigned(w, "wouldDropConnections", a->connections_dropped);
	json_writer_unsigned(w, "notTraffic", a->n_not_traffic);
	json_writer_object_end(w);
}

enum rf_status
audit_print_json(FILE *out, const struct audit *a, struct rf_error *err)
{
	struct json_writer w;
	struct strbuf scratch;
	enum rf_status st = RF_OK;

	strbuf_init(&scratch, CELL_MAX);
	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_array_begin(&w, "edges");
	for (size_t i = 0; i < a->n_edges; i++) {
		const struct audit_edge *e = &a->edges[i];

		json_writer_object_begin(&w, NULL);
		view_edge_json(&w, e->view);
		json_writer_string(
		    &w, "verdict", audit_verdict_name(e->verdict));
		json_writer_string(&w, "reason", audit_reason_name(e->reason));
		put_side(&w, a, e, POLICY_EGRESS, &scratch);
		put_side(&w, a, e, POLICY_INGRESS, &scratch);
		json_writer_object_begin_inline(&w, "pairs");
		json_writer_unsigned(&w, "total", e->pairs);
		json_writer_unsigned(&w, "wouldDrop", e->pairs_dropped);
		json_writer_unsigned(&w, "unknown", e->pairs_unknown);
		json_writer_object_end(&w);
		json_writer_object_end(&w);
	}
	json_writer_array_end(&w);
	put_summary(&w, a);
	view_coverage_json(&w, a->flows);
	json_writer_object_end(&w);
	json_writer_end(&w);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "audit: out of memory");
	strbuf_release(&scratch);
	return st;
}

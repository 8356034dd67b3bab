/* SPDX-License-Identifier: Apache-2.0 */
#include "report/diff_print.h"

#include <string.h>

#include "report/check_words.h"
#include "report/table.h"
#include "report/text.h"

#define TEXT_MAX  ((size_t)1 << 22)
#define PAIRS_MAX 50 /* shown to people */

/* A line while it is put together. */
struct printer {
	FILE *out;
	struct strbuf text, safe;
};

bool
diff_has_changes(const struct diff *d)
{
	return d->n_policies > d->counts[DIFF_RENAMED];
}

/* Does the edge i change its verdict? */
static bool
edge_changed(const struct diff_report *r, size_t i)
{
	return r->before->edges[i].verdict != r->after->edges[i].verdict;
}

static void
end_line(struct printer *p)
{
	text_print(p->out, &p->text, &p->safe);
}

static void
put_policy(struct strbuf *out, const struct policy *p)
{
	strbuf_printf(out, "%s/%s", p->namespace, p->name);
	check_place_text(out, p->file, p->line);
}

static void
put_heading(struct strbuf *out, const struct diff_policy *d)
{
	switch (d->kind) {
	case DIFF_CHANGED:
		strbuf_puts(out, "changed    ");
		put_policy(out, d->a);
		strbuf_puts(out, " to");
		check_place_text(out, d->b->file, d->b->line);
		break;
	case DIFF_ONLY_A:
		strbuf_puts(out, "only in A  ");
		put_policy(out, d->a);
		break;
	case DIFF_ONLY_B:
		strbuf_puts(out, "only in B  ");
		put_policy(out, d->b);
		break;
	case DIFF_RENAMED:
		strbuf_puts(out, "renamed    ");
		put_policy(out, d->a);
		strbuf_puts(out, " to ");
		put_policy(out, d->b);
		break;
	}
	if (d->effect == DIFF_EFFECT_SAME)
		strbuf_puts(out,
		    ": different text, same effect on the pods of this "
		    "cluster");
}

static void
print_policies(struct printer *p, const struct diff *d)
{
	for (size_t i = 0; i < d->n_policies; i++) {
		const struct diff_policy *v = &d->policies[i];

		put_heading(&p->text, v);
		end_line(p);
		for (size_t k = 0; k < v->n_lines; k++) {
			strbuf_printf(&p->text, "  %c %s", v->lines[k].sign,
			    v->lines[k].text);
			end_line(p);
		}
	}
	fprintf(p->out,
	    "%s%zu changed, %zu only in A, %zu only in B, %zu renamed, %zu the "
	    "same.\n",
	    d->n_policies > 0 ? "\n" : "", d->counts[DIFF_CHANGED],
	    d->counts[DIFF_ONLY_A], d->counts[DIFF_ONLY_B],
	    d->counts[DIFF_RENAMED], d->n_same);
}

static const struct table_column edge_columns[] = {
	{ .header = "IN A" },
	{ .header = "IN B" },
	{ .header = "SOURCE" },
	{ .header = "DESTINATION" },
	{ .header = "PORT" },
	{ .header = "OUTCOME" },
	{ .header = "CONNECTIONS", .is_number = true },
	{ .header = "WHY" },
};

/* What the side that denies lacks. */
static const char *
why_dropped(const struct audit_edge *e)
{
	if (e->verdict != AUDIT_WOULD_DROP)
		return "";
	if (e->sides[POLICY_EGRESS].verdict == EVAL_DENY)
		return e->sides[POLICY_EGRESS].nearest_miss;
	return e->sides[POLICY_INGRESS].nearest_miss;
}

static void
add_verdict(struct table *t, enum audit_verdict v)
{
	table_add_coloured(t, audit_verdict_name(v),
	    v == AUDIT_WOULD_DROP    ? TABLE_RED
		: v == AUDIT_ALLOWED ? TABLE_GREEN
				     : TABLE_PLAIN);
}

static void
add_edge(struct table *t, const struct diff_report *r, size_t i,
    struct strbuf *scratch)
{
	const struct audit_edge *a = &r->before->edges[i];
	const struct audit_edge *b = &r->after->edges[i];
	const struct edge *edge = a->view->edge;

	add_verdict(t, a->verdict);
	add_verdict(t, b->verdict);
	strbuf_clear(scratch);
	view_end_text(scratch, a->view->src);
	table_add(t, strbuf_str(scratch));
	strbuf_clear(scratch);
	view_end_text(scratch, a->view->dst);
	table_add(t, strbuf_str(scratch));
	table_printf(t, "%s/%u", flow_protocol_name(edge->protocol),
	    (unsigned)edge->port);
	table_add(t, flow_outcome_name(edge->outcome));
	table_add_unsigned(t, edge->connections);
	table_add(t,
	    b->verdict == AUDIT_WOULD_DROP ? why_dropped(b) : why_dropped(a));
}

/* Newly dropped traffic first. */
static enum rf_status
print_edges(struct printer *p, const struct diff_report *r, bool colour,
    struct rf_error *err)
{
	size_t n = r->before->n_edges, changed = 0, dropped = 0;
	enum rf_status st = RF_OK;
	struct table t;

	table_init(
	    &t, edge_columns, sizeof(edge_columns) / sizeof(edge_columns[0]));
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			bool drops =
			    r->after->edges[i].verdict == AUDIT_WOULD_DROP;

			if (!edge_changed(r, i) || drops != (pass == 0))
				continue;
			add_edge(&t, r, i, &p->safe);
			changed++;
			dropped += drops;
		}
	fputc('\n', p->out);
	if (changed > 0)
		st = table_print(&t, p->out, true, colour, err);
	fprintf(p->out,
	    "%s%zu of %zu observed edges change verdict; B would drop %zu "
	    "that A lets pass.\n",
	    changed > 0 ? "\n" : "", changed, n, dropped);
	table_release(&t);
	return st;
}

static void
put_end(struct strbuf *out, const struct cluster *c, uint32_t workload)
{
	const struct kube_workload *w;

	if (workload == FLOW_NONE) {
		strbuf_puts(out, "outside");
		return;
	}
	w = &c->workloads[workload];
	strbuf_puts(out, w->namespace);
	strbuf_putc(out, '/');
	for (const char *s = w->kind; *s != '\0'; s++)
		strbuf_putc(
		    out, *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s);
	strbuf_putc(out, '/');
	strbuf_puts(out, w->name);
}

static const struct table_column pair_columns[] = {
	{ .header = "CHANGE" },
	{ .header = "SOURCE" },
	{ .header = "DESTINATION" },
	{ .header = "PORT" },
};

static void
add_pair(struct table *t, const struct diff_pair *v, const struct cluster *c,
    struct strbuf *scratch)
{
	table_add_coloured(t, v->now_allowed ? "newly allowed" : "newly denied",
	    v->now_allowed ? TABLE_YELLOW : TABLE_RED);
	strbuf_clear(scratch);
	put_end(scratch, c, v->src);
	table_add(t, strbuf_str(scratch));
	strbuf_clear(scratch);
	put_end(scratch, c, v->dst);
	table_add(t, strbuf_str(scratch));
	table_printf(
	    t, "%s/%u", flow_protocol_name(v->protocol), (unsigned)v->port);
}

/* Half of the rows for each direction of change, where both need them. */
static enum rf_status
print_pairs(struct printer *p, const struct diff_report *r, bool colour,
    struct rf_error *err)
{
	const struct diff_pairs *v = r->pairs;
	size_t left[2] = { PAIRS_MAX / 2, PAIRS_MAX / 2 }, shown = 0;
	enum rf_status st = RF_OK;
	struct table t;

	if (v->n_denied < left[0])
		left[1] = PAIRS_MAX - v->n_denied;
	else if (v->n_allowed < left[1])
		left[0] = PAIRS_MAX - v->n_allowed;
	table_init(
	    &t, pair_columns, sizeof(pair_columns) / sizeof(pair_columns[0]));
	for (size_t i = 0; i < v->n; i++) {
		if (left[v->v[i].now_allowed] == 0)
			continue;
		left[v->v[i].now_allowed]--;
		add_pair(&t, &v->v[i], r->cluster, &p->safe);
		shown++;
	}
	fputc('\n', p->out);
	if (shown > 0)
		st = table_print(&t, p->out, true, colour, err);
	if (shown < v->n_denied + v->n_allowed)
		fprintf(p->out, "and %zu more (-o json)\n",
		    v->n_denied + v->n_allowed - shown);
	fprintf(p->out,
	    "%sWorkload pairs by declared port: %zu newly denied, %zu newly "
	    "allowed.\n",
	    shown > 0 ? "\n" : "", v->n_denied, v->n_allowed);
	table_release(&t);
	return st;
}

enum rf_status
diff_print_table(FILE *out, const struct diff_report *r, bool with_colour,
    struct rf_error *err)
{
	struct printer p = { .out = out };
	enum rf_status st = RF_OK;

	strbuf_init(&p.text, TEXT_MAX);
	strbuf_init(&p.safe, TEXT_MAX);
	print_policies(&p, r->diff);
	if (r->before != NULL)
		st = print_edges(&p, r, with_colour, err);
	if (st == RF_OK && r->pairs != NULL)
		st = print_pairs(&p, r, with_colour, err);
	if (st == RF_OK && (strbuf_failed(&p.text) || strbuf_failed(&p.safe)))
		st = rf_fail(err, RF_NOMEM, "diff: out of memory");
	strbuf_release(&p.text);
	strbuf_release(&p.safe);
	return st;
}

static void
json_policy(struct json_writer *w, const char *name, const struct policy *p)
{
	if (p == NULL) {
		json_writer_null(w, name);
		return;
	}
	json_writer_object_begin_inline(w, name);
	json_writer_string(w, "namespace", p->namespace);
	json_writer_string(w, "name", p->name);
	json_writer_string(w, "file", p->file);
	if (p->line == 0)
		json_writer_null(w, "line");
	else
		json_writer_unsigned(w, "line", p->line);
	json_writer_object_end(w);
}

static void
json_lines(struct json_writer *w, const char *name, const struct diff_policy *d,
    char sign)
{
	json_writer_array_begin(w, name);
	for (size_t i = 0; i < d->n_lines; i++)
		if (d->lines[i].sign == sign)
			json_writer_string(w, NULL, d->lines[i].text);
	json_writer_array_end(w);
}

static void
json_policies(struct json_writer *w, const struct diff *d)
{
	json_writer_array_begin(w, "policies");
	for (size_t i = 0; i < d->n_policies; i++) {
		const struct diff_policy *v = &d->policies[i];

		json_writer_object_begin(w, NULL);
		json_writer_string(w, "kind", diff_kind_name(v->kind));
		json_policy(w, "a", v->a);
		json_policy(w, "b", v->b);
		json_writer_string(w, "effect", diff_effect_name(v->effect));
		json_lines(w, "removed", v, '-');
		json_lines(w, "added", v, '+');
		json_writer_object_end(w);
	}
	json_writer_array_end(w);
}

static void
json_edges(struct json_writer *w, const struct diff_report *r)
{
	json_writer_array_begin(w, "edges");
	for (size_t i = 0; i < r->before->n_edges; i++) {
		const struct audit_edge *a = &r->before->edges[i];
		const struct audit_edge *b = &r->after->edges[i];
		const char *why =
		    why_dropped(b->verdict == AUDIT_WOULD_DROP ? b : a);

		if (!edge_changed(r, i))
			continue;
		json_writer_object_begin(w, NULL);
		view_edge_json(w, a->view);
		json_writer_string(w, "a", audit_verdict_name(a->verdict));
		json_writer_string(w, "b", audit_verdict_name(b->verdict));
		json_writer_string(w, "nearestMiss", *why == '\0' ? NULL : why);
		json_writer_object_end(w);
	}
	json_writer_array_end(w);
}

static void
json_pairs(
    struct json_writer *w, const struct diff_report *r, struct strbuf *text)
{
	json_writer_array_begin(w, "pairs");
	for (size_t i = 0; i < r->pairs->n; i++) {
		const struct diff_pair *v = &r->pairs->v[i];

		json_writer_object_begin_inline(w, NULL);
		json_writer_string(w, "change",
		    v->now_allowed ? "newly-allowed" : "newly-denied");
		strbuf_clear(text);
		put_end(text, r->cluster, v->src);
		json_writer_string(w, "src",
		    v->src == FLOW_NONE ? "outside" : strbuf_str(text));
		strbuf_clear(text);
		put_end(text, r->cluster, v->dst);
		json_writer_string(w, "dst", strbuf_str(text));
		json_writer_string(
		    w, "protocol", flow_protocol_name(v->protocol));
		json_writer_unsigned(w, "port", v->port);
		json_writer_object_end(w);
	}
	json_writer_array_end(w);
}

static void
json_summary(struct json_writer *w, const struct diff_report *r)
{
	const struct diff *d = r->diff;
	size_t changed = 0, dropped = 0;

	json_writer_object_begin(w, "summary");
	json_writer_unsigned(w, "changed", d->counts[DIFF_CHANGED]);
	json_writer_unsigned(w, "onlyInA", d->counts[DIFF_ONLY_A]);
	json_writer_unsigned(w, "onlyInB", d->counts[DIFF_ONLY_B]);
	json_writer_unsigned(w, "renamed", d->counts[DIFF_RENAMED]);
	json_writer_unsigned(w, "same", d->n_same);
	for (size_t i = 0; r->before != NULL && i < r->before->n_edges; i++) {
		bool is = edge_changed(r, i);

		changed += is;
		dropped += is && r->after->edges[i].verdict == AUDIT_WOULD_DROP;
	}
	if (r->before != NULL) {
		json_writer_unsigned(w, "edges", r->before->n_edges);
		json_writer_unsigned(w, "edgesChanged", changed);
		json_writer_unsigned(w, "edgesNewlyDropped", dropped);
	}
	if (r->pairs != NULL) {
		json_writer_unsigned(w, "pairsNewlyDenied", r->pairs->n_denied);
		json_writer_unsigned(
		    w, "pairsNewlyAllowed", r->pairs->n_allowed);
		json_writer_unsigned(
		    w, "pairsLeftOut", diff_pairs_left_out(r->pairs));
	}
	json_writer_object_end(w);
}

enum rf_status
diff_print_json(FILE *out, const struct diff_report *r, struct rf_error *err)
{
	struct json_writer w;
	struct strbuf text;
	bool failed;

	strbuf_init(&text, TEXT_MAX);
	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_policies(&w, r->diff);
	if (r->before != NULL)
		json_edges(&w, r);
	if (r->pairs != NULL)
		json_pairs(&w, r, &text);
	json_summary(&w, r);
	json_writer_object_end(&w);
	json_writer_end(&w);
	failed = strbuf_failed(&text);
	strbuf_release(&text);
	return failed ? rf_fail(err, RF_NOMEM, "diff: out of memory") : RF_OK;
}

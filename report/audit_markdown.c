/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "report/audit_print.h"
#include "report/audit_words.h"
#include "report/coverage.h"
#include "report/markdown.h"

/* Comments may have 65,536 characters; people read fewer. */
#define ROWS_MAX 100
#define TEXT_MAX ((size_t)1 << 20)

struct page {
	FILE *out;
	const struct audit *a;
	const struct audit_edge **order;
	struct strbuf name, line;
	bool failed;
};

/* Write what was gathered in line. */
static void
flush_line(struct page *p)
{
	fputs(strbuf_str(&p->line), p->out);
	p->failed |= strbuf_failed(&p->line) || strbuf_failed(&p->name);
	strbuf_clear(&p->line);
	strbuf_clear(&p->name);
}

/* The name that was gathered, as code, into the line. */
static void
add_name(struct page *p)
{
	p->failed |= strbuf_failed(&p->name);
	markdown_code(&p->line, strbuf_str(&p->name));
	strbuf_clear(&p->name);
}

static void
add_end(struct page *p, const struct view_end *e)
{
	view_end_text(&p->name, e);
	add_name(p);
	strbuf_puts(&p->line, " | ");
}

static void
add_deniers(struct page *p, const struct audit_edge *e)
{
	static const enum policy_direction path[] = { POLICY_EGRESS,
		POLICY_INGRESS };
	const char *gap = "";

	for (size_t i = 0; i < 2; i++) {
		const struct audit_side *s = &e->sides[path[i]];

		for (size_t k = 0; s->verdict == EVAL_DENY && k < s->n_policies;
		     k++) {
			strbuf_printf(&p->line, "%s%s ", gap,
			    policy_direction_name(path[i]));
			audit_policy_text(&p->name, p->a->set, s->policies[k]);
			add_name(p);
			gap = "<br>";
		}
	}
	strbuf_puts(&p->line, " | ");
	gap = "";
	for (size_t i = 0; i < 2; i++) {
		const struct audit_side *s = &e->sides[path[i]];

		if (s->verdict != EVAL_DENY)
			continue;
		strbuf_puts(&p->line, gap);
		markdown_code(&p->line, s->nearest_miss);
		gap = "<br>";
	}
}

static void
put_edge(struct page *p, const struct audit_edge *e)
{
	const struct edge *edge = e->view->edge;

	strbuf_puts(&p->line, "| ");
	add_end(p, e->view->src);
	add_end(p, e->view->dst);
	strbuf_printf(&p->line, "%s/%u | ", flow_protocol_name(edge->protocol),
	    edge->port);
	view_service_text(&p->name, e->view);
	add_name(p);
	if (e->verdict == AUDIT_WOULD_DROP) {
		strbuf_printf(&p->line, " | %" PRIu64 " of %" PRIu64 " | ",
		    e->connections_dropped, edge->connections);
		add_deniers(p, e);
	} else {
		strbuf_printf(&p->line, " | %" PRIu64 " | %s",
		    edge->connections, audit_reason_text(e->reason));
	}
	strbuf_puts(&p->line, " |\n");
	flush_line(p);
}

static void
put_rest(struct page *p, size_t n)
{
	if (n > ROWS_MAX)
		fprintf(p->out, "\n… and %zu more: `-o json` lists all.\n",
		    n - ROWS_MAX);
}

static void
put_edges(struct page *p, enum audit_verdict v)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->a->n_edges && shown < ROWS_MAX; i++) {
		const struct audit_edge *e = p->order[i];

		if (!e->is_traffic || e->verdict != v)
			continue;
		put_edge(p, e);
		shown++;
	}
	put_rest(p, p->a->counts[v]);
}

static void
put_summary(const struct page *p)
{
	const struct audit *a = p->a;
	size_t n = audit_counted(a), drop = a->counts[AUDIT_WOULD_DROP];

	if (drop > 0)
		fprintf(p->out,
		    "### NetworkPolicy audit: %zu of %zu observed edge%s "
		    "would be dropped\n\n",
		    drop, n, n == 1 ? "" : "s");
	else if (a->counts[AUDIT_UNKNOWN] > 0)
		fprintf(p->out,
		    "### NetworkPolicy audit: no observed edge is sure to be "
		    "dropped, %zu unknown\n\n",
		    a->counts[AUDIT_UNKNOWN]);
	else
		fputs("### NetworkPolicy audit: nothing that was observed "
		      "would be dropped\n\n",
		    p->out);
	fprintf(p->out,
	    "%zu polic%s, %zu edge%s: **%zu would be dropped** "
	    "(%" PRIu64 " connection%s), %zu allowed, %zu unknown, "
	    "%zu not enforceable.",
	    a->set->n_policies, a->set->n_policies == 1 ? "y" : "ies", n,
	    n == 1 ? "" : "s", drop, a->connections_dropped,
	    a->connections_dropped == 1 ? "" : "s", a->counts[AUDIT_ALLOWED],
	    a->counts[AUDIT_UNKNOWN], a->counts[AUDIT_NOT_ENFORCEABLE]);
	if (a->n_not_traffic > 0)
		fprintf(p->out,
		    " Not counted: %zu that never worked (refused, unanswered "
		    "or dropped when observed).",
		    a->n_not_traffic);
	fputs("\n", p->out);
}

static void
put_tables(struct page *p)
{
	const size_t *counts = p->a->counts;

	if (counts[AUDIT_WOULD_DROP] > 0) {
		fputs("\n| Source | Destination | Port | Service | "
		      "Connections dropped | Denied by | Nearest miss |\n"
		      "| --- | --- | --- | --- | ---: | --- | --- |\n",
		    p->out);
		put_edges(p, AUDIT_WOULD_DROP);
	}
	if (counts[AUDIT_UNKNOWN] > 0) {
		fprintf(p->out,
		    "\n<details><summary>Unknown: %zu</summary>\n\n"
		    "| Source | Destination | Port | Service | Connections | "
		    "Why |\n| --- | --- | --- | --- | ---: | --- |\n",
		    counts[AUDIT_UNKNOWN]);
		put_edges(p, AUDIT_UNKNOWN);
		fputs("\n</details>\n", p->out);
	}
}

/* One item of a list: a policy, what of it, and where that stands. */
static void
put_item(struct page *p, uint32_t policy, const char *what, uint32_t line)
{
	strbuf_puts(&p->line, "- ");
	audit_policy_text(&p->name, p->a->set, policy);
	add_name(p);
	strbuf_puts(&p->line, ": ");
	markdown_text(&p->line, what);
	audit_place_text(&p->name, &p->a->set->policies[policy], line);
	if (p->name.len > 0)
		strbuf_puts(&p->line, ", ");
	add_name(p);
	strbuf_puts(&p->line, "\n");
	flush_line(p);
}

/* Returns how many there were, shown or not. */
static size_t
put_unused_policies(struct page *p, struct strbuf *what)
{
	const struct audit *a = p->a;
	size_t n = 0;

	for (size_t i = 0; i < a->usage.n_policies; i++) {
		uint32_t policy = a->usage.policies[i];
		const struct policy *source = &a->set->policies[policy];

		if (audit_policy_is_idle(a, policy) || n++ >= ROWS_MAX)
			continue;
		strbuf_clear(what);
		audit_all_rules_text(what, source);
		put_item(p, policy, strbuf_str(what), source->line);
	}
	return n;
}

/* The same; n came before. */
static size_t
put_unused_rules(struct page *p, struct strbuf *what, size_t n)
{
	const struct audit *a = p->a;

	for (size_t i = 0; i < a->usage.n_rules; i++) {
		const struct usage_rule *r = &a->usage.rules[i];

		if (audit_policy_is_unused(a, r->policy) || n++ >= ROWS_MAX)
			continue;
		strbuf_clear(what);
		audit_rule_text(what, r);
		put_item(
		    p, r->policy, strbuf_str(what), audit_rule_line(a->set, r));
	}
	return n;
}

static void
put_unused(struct page *p, struct strbuf *text)
{
	size_t n = audit_count_unused(p->a);

	if (n == 0)
		return;
	strbuf_clear(text);
	usage_duration(text, p->a->usage.span.observed_us);
	fprintf(p->out,
	    "\n<details><summary>Rules that nothing used in %s of "
	    "observation: %zu</summary>\n\n"
	    "What happens rarely may need them.\n\n",
	    strbuf_str(text), n);
	n = put_unused_policies(p, text);
	put_rest(p, put_unused_rules(p, text, n));
	fputs("\n</details>\n", p->out);
}

static void
put_idle(struct page *p, struct strbuf *text)
{
	const struct usage *u = &p->a->usage;

	if (u->n_idle == 0)
		return;
	fprintf(p->out,
	    "\n<details><summary>Policies that select no pod: "
	    "%zu</summary>\n\n",
	    u->n_idle);
	for (size_t i = 0; i < u->n_idle && i < ROWS_MAX; i++) {
		const struct usage_idle *idle = &u->idle[i];

		strbuf_clear(text);
		usage_idle_text(text, idle, p->a->cluster);
		put_item(p, idle->policy, strbuf_str(text),
		    audit_selector_line(&p->a->set->policies[idle->policy]));
	}
	put_rest(p, u->n_idle);
	fputs("\n</details>\n", p->out);
}

enum rf_status
audit_print_markdown(FILE *out, const struct audit *a, struct rf_error *err)
{
	struct page p = { .out = out, .a = a, .order = audit_order(a) };
	enum rf_status st = RF_OK;
	struct strbuf text;

	if (p.order == NULL)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	strbuf_init(&text, TEXT_MAX);
	strbuf_init(&p.name, TEXT_MAX);
	strbuf_init(&p.line, TEXT_MAX);
	put_summary(&p);
	put_tables(&p);
	put_unused(&p, &text);
	put_idle(&p, &text);
	fputs("\n", out);
	coverage_print(out, a->flows);
	if (p.failed || strbuf_failed(&text))
		st = rf_fail(err, RF_NOMEM, "audit: out of memory");
	strbuf_release(&p.line);
	strbuf_release(&p.name);
	strbuf_release(&text);
	free(p.order);
	return st;
}

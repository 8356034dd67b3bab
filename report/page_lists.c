/* SPDX-License-Identifier: Apache-2.0 */
/* The page's lists: decisions, unknown ends, unused policies, remarks, and
 * what was observed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_words.h"
#include "report/coverage.h"
#include "report/html.h"
#include "report/page_internal.h"

static void
put_note(struct page *p, const struct recommend_note *n)
{
	strbuf_puts(p->out, "<li><b>");
	page_text(p, n->reason);
	strbuf_puts(p->out, "</b> ");
	if (n->kind == NOTE_REMARK && n->policy != NULL) {
		strbuf_printf(&p->cell, "%s/%s: ", n->namespace, n->policy);
		page_cell(p);
	}
	page_text(p, n->text);
	if (n->edge != NULL)
		strbuf_printf(p->out, " (%" PRIu64 " connection%s)",
		    n->edge->connections, n->edge->connections == 1 ? "" : "s");
	strbuf_puts(p->out, "</li>\n");
}

static size_t
put_notes(struct page *p, enum recommend_note_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < p->r->n_notes; i++) {
		if (p->r->notes[i].kind != kind)
			continue;
		if (n++ == 0)
			strbuf_puts(p->out, "<ul>\n");
		put_note(p, &p->r->notes[i]);
	}
	if (n > 0)
		strbuf_puts(p->out, "</ul>\n");
	return n;
}

size_t
page_decision_count(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->r->n_notes; i++)
		n += p->r->notes[i].kind == NOTE_DECISION;
	return n;
}

void
page_decisions(struct page *p)
{
	strbuf_puts(p->out,
	    "<section aria-labelledby=\"decide\">\n"
	    "<h2 id=\"decide\">To decide</h2>\n");
	if (page_decision_count(p) == 0)
		strbuf_puts(p->out, "<p>Nothing waits for a decision.</p>\n");
	else
		strbuf_puts(p->out,
		    "<p>ringfence makes no rule for these by itself; they may "
		    "be needed.</p>\n");
	(void)put_notes(p, NOTE_DECISION);
	strbuf_puts(p->out, "</section>\n");
}

void
page_remarks(struct page *p)
{
	if (!p->in->is_recommended)
		return; /* they are about policies that are not these */
	strbuf_puts(p->out,
	    "<section aria-labelledby=\"remarks\">\n"
	    "<h2 id=\"remarks\">Remarks on the recommended policies</h2>\n");
	if (put_notes(p, NOTE_REMARK) == 0)
		strbuf_puts(p->out, "<p>None.</p>\n");
	strbuf_puts(p->out, "</section>\n");
}

static bool
is_unresolved(const struct audit_edge *e)
{
	return e->view->src->type == ENDPOINT_UNKNOWN ||
	    e->view->dst->type == ENDPOINT_UNKNOWN ||
	    e->reason == AUDIT_NO_BACKEND || e->reason == AUDIT_GUESSED;
}

void
page_unknown(struct page *p)
{
	const struct audit_edge **v =
	    arena_calloc(p->arena, p->n_all + 1, sizeof(*v));
	size_t n = 0;

	if (v == NULL) {
		p->out->failed = true;
		return;
	}
	for (size_t i = 0; i < p->n_all; i++)
		if (is_unresolved(p->all[i]))
			v[n++] = p->all[i];
	strbuf_puts(p->out,
	    "<section aria-labelledby=\"unresolved\">\n"
	    "<h2 id=\"unresolved\">Unresolved ends</h2>\n");
	if (n == 0)
		strbuf_puts(p->out,
		    "<p>Both ends of every edge are known, and who opened "
		    "it.</p>\n");
	else {
		strbuf_puts(p->out,
		    "<p>Of these an end, or who opened the connection, is not "
		    "known, so that nothing firm can be said. No rule is made "
		    "of a guess.</p>\n");
		page_edges(p, v, n, "Edges with an unresolved end", NULL);
	}
	strbuf_puts(p->out, "</section>\n");
}

/* One item: a policy, what of it, and where that stands. */
static void
put_item(struct page *p, uint32_t policy, struct strbuf *what, uint32_t line)
{
	strbuf_puts(p->out, "<li><b>");
	audit_policy_text(&p->cell, p->a->set, policy);
	page_cell(p);
	strbuf_puts(p->out, "</b>: ");
	p->out->failed |= strbuf_failed(what);
	page_text(p, strbuf_str(what));
	strbuf_clear(what);
	audit_place_text(&p->cell, &p->a->set->policies[policy], line);
	if (p->cell.len > 0)
		strbuf_puts(p->out, ", ");
	page_cell(p);
	strbuf_puts(p->out, "</li>\n");
}

static void
put_unused(struct page *p, struct strbuf *what)
{
	const struct usage *u = &p->a->usage;

	for (size_t i = 0; i < u->n_policies; i++) {
		uint32_t policy = u->policies[i];

		if (audit_policy_is_idle(p->a, policy))
			continue;
		audit_all_rules_text(what, &p->a->set->policies[policy]);
		put_item(p, policy, what, p->a->set->policies[policy].line);
	}
	for (size_t i = 0; i < u->n_rules; i++) {
		const struct usage_rule *r = &u->rules[i];

		if (audit_policy_is_unused(p->a, r->policy))
			continue;
		audit_rule_text(what, r);
		put_item(p, r->policy, what, audit_rule_line(p->a->set, r));
	}
}

static void
put_idle(struct page *p, struct strbuf *what)
{
	const struct usage *u = &p->a->usage;

	for (size_t i = 0; i < u->n_idle; i++) {
		uint32_t policy = u->idle[i].policy;

		usage_idle_text(what, &u->idle[i], p->a->cluster);
		put_item(p, policy, what,
		    audit_selector_line(&p->a->set->policies[policy]));
	}
}

void
page_policies(struct page *p)
{
	const struct usage *u = &p->a->usage;
	struct strbuf what;

	strbuf_init(&what, (size_t)1 << 20);
	strbuf_puts(p->out,
	    "<section aria-labelledby=\"unused\">\n"
	    "<h2 id=\"unused\">Policies that nothing used</h2>\n");
	if (u->n_rules == 0)
		strbuf_puts(p->out, "<p>Every rule was used.</p>\n");
	else if (audit_count_unused(p->a) > 0) {
		usage_duration(&what, u->span.observed_us);
		strbuf_printf(p->out,
		    "<p>In %s of observation nothing used these rules. What "
		    "happens rarely may need them.</p>\n<ul>\n",
		    strbuf_str(&what));
		strbuf_clear(&what);
		put_unused(p, &what);
		strbuf_puts(p->out, "</ul>\n");
	}
	if (u->n_idle > 0) {
		strbuf_puts(
		    p->out, "<h3>Policies that select no pod</h3>\n<ul>\n");
		put_idle(p, &what);
		strbuf_puts(p->out, "</ul>\n");
	}
	strbuf_puts(p->out, "</section>\n");
	p->out->failed |= strbuf_failed(&what);
	strbuf_release(&what);
}

/* What people are told on a terminal, too: a line each. */
static void
put_sentences(struct page *p)
{
	char *text = NULL, *line, *rest;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f != NULL)
		coverage_print(f, p->a->flows);
	/* without memory for its last byte fclose() is content all the same */
	if (f == NULL || fclose(f) != 0 || text == NULL) {
		p->out->failed = true;
		free(text);
		return;
	}
	strbuf_puts(p->out, "<ul>\n");
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		strbuf_puts(p->out, "<li>");
		page_text(p, line);
		strbuf_puts(p->out, "</li>\n");
	}
	strbuf_puts(p->out, "</ul>\n");
	free(text);
}

static void
put_number(struct page *p, uint64_t n)
{
	strbuf_printf(p->out, "<td class=\"num\">%" PRIu64 "</td>", n);
}

static void
put_capture(struct page *p, const struct coverage *c)
{
	strbuf_puts(p->out, "<tr><th scope=\"row\">");
	page_text(p, c->node);
	strbuf_puts(p->out, "</th><td>");
	page_text(p, c->source);
	strbuf_puts(p->out, "</td>");
	if (coverage_has_time(c)) {
		page_time(p, c->from_us);
		page_time(p, c->to_us);
	} else {
		strbuf_puts(p->out, "<td></td><td></td>");
	}
	put_number(p, c->packets);
	put_number(p, c->dropped);
	put_number(p, c->table_full);
	put_number(p, c->unowned);
	put_number(p, c->truncated);
	put_number(p, c->malformed);
	put_number(p, c->unsupported);
	strbuf_puts(p->out, "</tr>\n");
}

static void
put_captures(struct page *p)
{
	const struct flow_set *fs = p->a->flows;

	strbuf_puts(p->out,
	    "<div class=\"scroll\"><table>\n<caption>Captures</caption>\n"
	    "<thead><tr><th scope=\"col\">Node</th>"
	    "<th scope=\"col\">Source</th><th scope=\"col\">From</th>"
	    "<th scope=\"col\">To</th>"
	    "<th scope=\"col\" class=\"num\">Packets</th>"
	    "<th scope=\"col\" class=\"num\">Lost</th>"
	    "<th scope=\"col\" class=\"num\">Table full</th>"
	    "<th scope=\"col\" class=\"num\">Not watched</th>"
	    "<th scope=\"col\" class=\"num\">Cut short</th>"
	    "<th scope=\"col\" class=\"num\">Malformed</th>"
	    "<th scope=\"col\" class=\"num\">Not read</th>"
	    "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < fs->n_coverage; i++)
		put_capture(p, &fs->coverage[i]);
	strbuf_puts(p->out, "</tbody>\n</table></div>\n");
}

void
page_coverage(struct page *p)
{
	strbuf_puts(p->out,
	    "<section aria-labelledby=\"observed\">\n"
	    "<h2 id=\"observed\">What was observed</h2>\n");
	put_sentences(p);
	if (p->a->flows->n_coverage > 0)
		put_captures(p);
	strbuf_puts(p->out,
	    "<h3>What NetworkPolicy cannot express</h3>\n<ul>\n"
	    "<li>No policy selects pods on the node's network (hostNetwork); "
	    "as peers they are their node's address.</li>\n"
	    "<li>Where a node or load balancer rewrites a client's address, a "
	    "rule can only name the nodes.</li>\n"
	    "<li>Services outside are allowed by the addresses that were "
	    "seen, for policies know no names.</li>\n"
	    "<li>A pod's own node reaches it whatever policies "
	    "say.</li>\n</ul>\n</section>\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The page's tables of edges and workloads. */
#include <inttypes.h>
#include <string.h>

#include "report/audit_words.h"
#include "report/html.h"
#include "report/page_internal.h"
#include "report/review_text.h"

#define RULES_MAX 3 /* that one cell names */

static const enum policy_direction path[] = { POLICY_EGRESS, POLICY_INGRESS };

void
page_time(struct page *p, int64_t us)
{
	strbuf_puts(p->out, "<td class=\"time\">");
	review_time(p->out, us);
	strbuf_puts(p->out, "</td>");
}

/* A sign and a word, as a cell's content. */
static void
put_verdict(struct page *p, const struct audit_edge *e)
{
	static const char *const words[] = {
		[AUDIT_WOULD_DROP] = "\xc3\x97 would drop",
		[AUDIT_UNKNOWN] = "? unknown",
		[AUDIT_ALLOWED] = "\xe2\x9c\x93 allowed",
		[AUDIT_NOT_ENFORCEABLE] = "\xe2\x80\x93 not enforceable",
	};

	if (e->is_traffic)
		strbuf_printf(p->out, "<span class=\"verdict %s\">%s</span>",
		    audit_verdict_name(e->verdict), words[e->verdict]);
	else
		strbuf_puts(p->out,
		    "<span class=\"verdict failed\">\xc2\xb7 never "
		    "worked</span>");
}

/* The end of an edge in a section on space, which then goes without saying. */
static void
put_end(struct page *p, const struct view_end *e, const char *space)
{
	const char *href;

	strbuf_puts(p->out, "<td class=\"end\">");
	if (e->type != ENDPOINT_WORKLOAD) {
		view_end_text(&p->cell, e);
		page_cell(p);
		strbuf_puts(p->out, "</td>");
		return;
	}
	if (space == NULL || strcmp(space, e->namespace) != 0) {
		page_text(p, e->namespace);
		strbuf_putc(p->out, '/');
	}
	href = page_find_row(p, e);
	if (href != NULL)
		strbuf_printf(p->out, "<a href=\"%s\">", href);
	else
		strbuf_puts(p->out, "<b>");
	page_text(p, e->name);
	strbuf_puts(p->out, href != NULL ? "</a>" : "</b>");
	strbuf_puts(p->out, " <small>");
	page_text(p, e->kind);
	strbuf_puts(p->out, "</small></td>");
}

static void
add_denied(struct page *p, const struct audit_edge *e)
{
	size_t n = 0;

	if (audit_pairs_meant(e) < e->pairs)
		strbuf_printf(&p->cell,
		    "%zu of %zu pod pairs: ", audit_pairs_meant(e), e->pairs);
	for (size_t i = 0; i < 2; i++) {
		const struct audit_side *s = &e->sides[path[i]];

		if (s->verdict != EVAL_DENY)
			continue;
		strbuf_printf(&p->cell, "%s%s denied by ", n++ == 0 ? "" : "; ",
		    policy_direction_name(path[i]));
		for (size_t k = 0; k < s->n_policies && k < RULES_MAX; k++) {
			strbuf_puts(&p->cell, k == 0 ? "" : ", ");
			audit_policy_text(&p->cell, p->a->set, s->policies[k]);
		}
		if (s->n_policies > RULES_MAX)
			strbuf_printf(&p->cell, " and %zu more",
			    s->n_policies - RULES_MAX);
		strbuf_printf(&p->cell, ": %s", s->nearest_miss);
	}
}

/* Why one side lets it pass. */
static void
add_allowed_side(struct page *p, const struct audit_side *s)
{
	if ((s->flags & EVAL_NODE_LOCAL) != 0 && s->n_rules == 0)
		strbuf_puts(&p->cell, "the pod's own node, always allowed");
	else if ((s->flags & EVAL_SELF) != 0 && s->n_rules == 0)
		strbuf_puts(&p->cell, "a pod to itself, always allowed");
	else if (s->verdict == EVAL_NOT_ISOLATED)
		strbuf_puts(&p->cell, "no policy isolates the pod");
	for (size_t i = 0; i < s->n_rules && i < RULES_MAX; i++) {
		const struct audit_rule *r = &s->rules[i];

		strbuf_puts(&p->cell, i == 0 ? "" : ", ");
		audit_policy_text(&p->cell, p->a->set, r->policy);
		strbuf_printf(&p->cell, " rule %" PRIu32, r->rule + 1);
	}
	if (s->n_rules > RULES_MAX)
		strbuf_printf(
		    &p->cell, " and %zu more", s->n_rules - RULES_MAX);
}

static void
add_allowed(struct page *p, const struct audit_edge *e)
{
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		const struct audit_side *s = &e->sides[path[i]];

		if (s->verdict == EVAL_NOT_SUBJECT)
			continue;
		strbuf_printf(&p->cell, "%s%s: ", n++ == 0 ? "" : "; ",
		    policy_direction_name(path[i]));
		add_allowed_side(p, s);
	}
}

static void
put_why(struct page *p, const struct audit_edge *e)
{
	const struct recommend_note *note =
	    p->in->is_recommended ? page_find_note(p, e->view->edge) : NULL;

	if (e->is_traffic && e->verdict == AUDIT_UNKNOWN)
		strbuf_puts(&p->cell, audit_reason_text(e->reason));
	else if (note != NULL)
		strbuf_puts(&p->cell, note->text);
	else if (!e->is_traffic)
		strbuf_puts(&p->cell, "what fails gives no verdict");
	else if (e->verdict == AUDIT_WOULD_DROP)
		add_denied(p, e);
	else if (e->verdict == AUDIT_ALLOWED)
		add_allowed(p, e);
	else
		strbuf_puts(&p->cell, "no end is a pod that policies see");
	page_cell(p);
}

static void
put_seen(struct page *p, const struct edge *e)
{
	strbuf_puts(p->out, "<td class=\"time\">");
	review_time(p->out, e->first_us);
	strbuf_puts(p->out, "<br/>");
	review_time(p->out, e->last_us);
	strbuf_puts(p->out, "</td>");
}

static void
put_edge(struct page *p, const struct audit_edge *e, const char *space)
{
	const struct edge *edge = e->view->edge;
	const char *verdict =
	    e->is_traffic ? audit_verdict_name(e->verdict) : "failed";

	strbuf_printf(p->out, "<tr data-v=\"%s\"><td>", verdict);
	put_verdict(p, e);
	strbuf_puts(p->out, "</td>");
	put_end(p, e->view->src, space);
	put_end(p, e->view->dst, space);
	strbuf_printf(p->out, "<td class=\"port\">%s %u</td><td class=\"end\">",
	    flow_protocol_name(edge->protocol), edge->port);
	view_service_text(&p->cell, e->view);
	page_cell(p);
	strbuf_printf(p->out, "</td><td>%s</td><td class=\"num\">",
	    flow_outcome_name(edge->outcome));
	if (e->is_traffic && e->verdict == AUDIT_WOULD_DROP &&
	    e->connections_dropped != edge->connections)
		strbuf_printf(
		    p->out, "%" PRIu64 " of ", e->connections_dropped);
	strbuf_printf(p->out, "%" PRIu64 "</td>", edge->connections);
	put_seen(p, edge);
	strbuf_puts(p->out, "<td class=\"why\">");
	put_why(p, e);
	strbuf_puts(p->out, "</td></tr>\n");
}

void
page_edges(struct page *p, const struct audit_edge *const *edges, size_t n,
    const char *caption, const char *space)
{
	strbuf_puts(p->out,
	    "<div class=\"scroll\"><table class=\"rows edges\">\n<caption>");
	page_text(p, caption);
	strbuf_puts(p->out,
	    "</caption>\n<thead><tr><th scope=\"col\">Verdict</th>"
	    "<th scope=\"col\">Source</th><th scope=\"col\">Destination</th>"
	    "<th scope=\"col\">Port</th><th scope=\"col\">Service</th>"
	    "<th scope=\"col\">Outcome</th>"
	    "<th scope=\"col\" class=\"num\">Connections</th>"
	    "<th scope=\"col\">First and last seen</th>"
	    "<th scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < n; i++)
		put_edge(p, edges[i], space);
	strbuf_puts(p->out, "</tbody>\n</table></div>\n");
}

static void
put_reasons(
    struct page *p, const struct recommend_readiness *d, size_t n_common)
{
	const char *gap = "";

	for (size_t i = n_common; i < d->n_reasons; i++) {
		strbuf_puts(p->out, gap);
		page_text(p, d->reasons[i]);
		gap = "; ";
	}
}

static void
put_workload(struct page *p, size_t row, size_t n_common)
{
	const struct recommend_workload *w = &p->r->workloads[row];
	const struct recommend_readiness *d = &w->readiness;

	strbuf_printf(
	    p->out, "<tr id=\"w%zu\"><th scope=\"row\" class=\"end\">", row);
	page_text(p, w->title);
	strbuf_printf(p->out,
	    "</th><td><span class=\"state %s\">%s</span></td>"
	    "<td class=\"num\">%" PRIu64 "</td><td class=\"num\">%zu</td>"
	    "<td class=\"num\">%.2f\xc2\xa0%%</td>",
	    d->is_ready ? "ready" : "wait",
	    d->is_ready ? "\xe2\x9c\x93 ready" : "\xe2\x80\xa6 wait",
	    d->connections, d->n_edges, 100.0 * d->chance);
	if (d->n_edges > 0)
		page_time(p, d->newest_us);
	else
		strbuf_puts(p->out, "<td>-</td>");
	strbuf_puts(p->out, "<td class=\"why\">");
	put_reasons(p, d, n_common);
	strbuf_puts(p->out, "</td></tr>\n");
}

void
page_workloads(struct page *p, const char *space)
{
	size_t n_common = review_common_reasons(p->r), n = 0;

	for (size_t i = 0; i < p->r->n_workloads; i++) {
		if (strcmp(p->r->workloads[i].namespace, space) != 0)
			continue;
		if (n++ == 0) {
			strbuf_puts(p->out,
			    "<div class=\"scroll\">"
			    "<table class=\"rows loads\">\n<caption>"
			    "Workloads of ");
			page_text(p, space);
			strbuf_puts(p->out,
			    "</caption>\n<thead><tr>"
			    "<th scope=\"col\">Workload</th>"
			    "<th scope=\"col\">State</th>"
			    "<th scope=\"col\" class=\"num\">Connections</th>"
			    "<th scope=\"col\" class=\"num\">Edges</th>"
			    "<th scope=\"col\" class=\"num\">New</th>"
			    "<th scope=\"col\">Newest edge</th>"
			    "<th scope=\"col\">Wait because</th>"
			    "</tr></thead>\n<tbody>\n");
		}
		put_workload(p, i, n_common);
	}
	strbuf_puts(p->out,
	    n > 0 ? "</tbody>\n</table></div>\n"
		  : "<p>No workload of it can be isolated.</p>\n");
}

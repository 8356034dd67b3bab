/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include <inttypes.h>
#include <string.h>

#include "report/audit_words.h"
#include "report/html.h"
#include "report/page_scope.h"
#include "report/review_text.h"

#define CELL_MAX  ((size_t)1 << 24)
#define BOXES_MAX 250 /* in one graph; beyond them nobody follows a line */
#define LINES_MAX 2000

void
page_text(struct page *p, const char *text)
{
	html_text(p->out, text);
}

void
page_cell(struct page *p)
{
	p->out->failed |= strbuf_failed(&p->cell);
	html_text(p->out, strbuf_str(&p->cell));
	strbuf_clear(&p->cell);
}

static void
put_title(struct page *p)
{
	strbuf_puts(p->out, "ringfence: ");
	if (p->in->n_namespaces == 0)
		strbuf_puts(p->out, "all namespaces");
	for (size_t i = 0; p->in->n_namespaces > 0 && i < p->n_spaces; i++) {
		strbuf_puts(p->out, i > 0 ? ", " : "");
		page_text(p, p->spaces[i]);
	}
}

static void
put_head(struct page *p)
{
	strbuf_puts(p->out,
	    "<!DOCTYPE html>\n"
	    "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
	    "<head>\n<meta charset=\"utf-8\"/>\n");
	strbuf_printf(p->out,
	    "<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src '%s'; script-src '%s'; "
	    "base-uri 'none'; form-action 'none'\"/>\n",
	    page_style_digest, page_script_digest);
	strbuf_puts(p->out,
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\"/>\n"
	    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
	    "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>");
	put_title(p);
	strbuf_printf(
	    p->out, "</title>\n<style>%s</style>\n</head>\n", page_style);
}

/* Would-drops that recommend left to a person, which it does on purpose. */
static size_t
count_left_open(const struct page *p)
{
	size_t n = 0;

	for (size_t i = 0; p->in->is_recommended && i < p->n_all; i++) {
		const struct audit_edge *e = p->all[i];
		const struct recommend_note *note;

		if (!e->is_traffic || e->verdict != AUDIT_WOULD_DROP)
			continue;
		note = page_find_note(p, e->view->edge);
		n += note != NULL && note->kind == NOTE_DECISION;
	}
	return n;
}

/* The one sentence that a hurried reader takes away. */
static void
put_sentence(struct page *p)
{
	size_t n = p->counts[AUDIT_WOULD_DROP], open = count_left_open(p);
	const char *which = p->in->is_recommended
	    ? "the policies that ringfence recommends"
	    : "these policies";

	if (p->n_all == 0) {
		strbuf_puts(
		    p->out, "<p class=\"lead\">No edge was seen.</p>\n");
		return;
	}
	strbuf_printf(p->out, "<p class=\"lead %s\">Under %s ",
	    n == 0 ? "good" : "bad", which);
	if (n == 0)
		strbuf_puts(p->out, "nothing that was seen would be dropped");
	else
		strbuf_printf(p->out, "%zu edge%s that worked would be dropped",
		    n, n == 1 ? "" : "s");
	if (n > 0 && n == open)
		strbuf_puts(p->out,
		    n == 1 ? ", for it waits for a decision"
			   : ", for they wait for a decision");
	else if (p->counts[AUDIT_UNKNOWN] > 0)
		strbuf_printf(p->out, "; of %zu nothing firm can be said",
		    p->counts[AUDIT_UNKNOWN]);
	strbuf_puts(p->out, ".</p>\n");
}

static void
put_figure(struct page *p, const char *class, size_t n, const char *what)
{
	strbuf_printf(p->out,
	    "<div class=\"figure %s\"><dt>%s</dt><dd>%zu</dd></div>\n", class,
	    what, n);
}

static void
put_figures(struct page *p)
{
	size_t ready = 0;

	for (size_t i = 0; i < p->r->n_workloads; i++)
		ready += p->r->workloads[i].readiness.is_ready;
	strbuf_puts(p->out, "<dl class=\"figures\">\n");
	put_figure(p, "would-drop", p->counts[AUDIT_WOULD_DROP],
	    "\xc3\x97 edges would drop");
	put_figure(p, "unknown", p->counts[AUDIT_UNKNOWN], "? edges unknown");
	put_figure(p, "allowed", p->counts[AUDIT_ALLOWED],
	    "\xe2\x9c\x93 edges allowed");
	put_figure(p, "not-enforceable", p->counts[AUDIT_NOT_ENFORCEABLE],
	    "\xe2\x80\x93 edges not enforceable");
	put_figure(p, "failed", p->counts[AUDIT_VERDICT_COUNT],
	    "\xc2\xb7 edges never worked");
	put_figure(p, "decide", page_decision_count(p), "decisions to take");
	strbuf_printf(p->out,
	    "<div class=\"figure\"><dt>workloads ready</dt><dd>%zu "
	    "<small>of %zu</small></dd></div>\n</dl>\n",
	    ready, p->r->n_workloads);
}

static void
put_span(struct page *p)
{
	const struct recommend_span *s = &p->r->span;
	struct strbuf watched;

	if (s->from_us == 0 && s->to_us == 0)
		return;
	strbuf_init(&watched, 64);
	usage_duration(&watched, s->watched_us);
	strbuf_puts(p->out, "<p>Observed from ");
	review_time(p->out, s->from_us);
	strbuf_puts(p->out, " to ");
	review_time(p->out, s->to_us);
	strbuf_printf(p->out,
	    ", of which %s were watched in %zu capture%s: %" PRIu64
	    " packets, %" PRIu64 " lost. What was not observed is not "
	    "covered.</p>\n",
	    strbuf_str(&watched), p->a->flows->n_coverage,
	    p->a->flows->n_coverage == 1 ? "" : "s", s->packets, s->dropped);
	p->out->failed |= strbuf_failed(&watched);
	strbuf_release(&watched);
}

/* What every workload waits for. */
static void
put_common(struct page *p)
{
	size_t n = review_common_reasons(p->r);

	if (n == 0)
		return;
	strbuf_puts(p->out, "<p>No workload is ready: ");
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(p->out, i > 0 ? "; " : "");
		page_text(p, p->r->workloads[0].readiness.reasons[i]);
	}
	strbuf_puts(p->out, ".</p>\n");
}

static void
put_contents(struct page *p)
{
	strbuf_puts(p->out,
	    "<nav aria-label=\"Contents\"><ul>\n"
	    "<li><a href=\"#graph\">Graph</a></li>\n"
	    "<li><a href=\"#decide\">To decide</a></li>\n");
	for (size_t i = 0; i < p->n_spaces; i++) {
		strbuf_printf(p->out, "<li><a href=\"#ns%zu\">", i);
		page_text(p, p->spaces[i]);
		strbuf_puts(p->out, "</a></li>\n");
	}
	strbuf_puts(p->out,
	    "<li><a href=\"#unresolved\">Unresolved</a></li>\n"
	    "<li><a href=\"#unused\">Unused policies</a></li>\n"
	    "<li><a href=\"#observed\">Observed</a></li>\n</ul></nav>\n");
}

/* Only the script can do what it offers, and shows it. */
static void
put_filter(struct page *p)
{
	static const char *const rows[][2] = {
		{ "would-drop", "would drop" },
		{ "unknown", "unknown" },
		{ "allowed", "allowed" },
		{ "not-enforceable", "not enforceable" },
		{ "failed", "never worked" },
	};

	strbuf_puts(p->out,
	    "<form id=\"filter\" hidden=\"hidden\" aria-label=\"Filter the "
	    "tables of edges\">\n<label>Edges with <input type=\"search\" "
	    "placeholder=\"a name, a port, an address\"/></label>\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		strbuf_printf(p->out,
		    "<label><input type=\"checkbox\" value=\"%s\" "
		    "checked=\"checked\"/> %s</label>\n",
		    rows[i][0], rows[i][1]);
	strbuf_puts(
	    p->out, "<output aria-live=\"polite\"></output>\n</form>\n");
}

static void
put_legend(struct page *p)
{
	static const struct {
		const char *class, *sign, *text;
	} rows[] = {
		{ "allowed", "", "allowed" },
		{ "would-drop", "\xc3\x97", "would drop" },
		{ "unknown", "?", "unknown" },
		{ "not-enforceable", "", "not enforceable" },
	};

	strbuf_puts(p->out, "<ul class=\"legend\">\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strbuf_printf(p->out,
		    "<li><svg class=\"graph\" width=\"56\" height=\"16\" "
		    "aria-hidden=\"true\"><g class=\"line %s\">"
		    "<path d=\"M2 8H54\"/>",
		    rows[i].class);
		if (*rows[i].sign != '\0')
			strbuf_printf(p->out,
			    "<circle cx=\"28\" cy=\"8\" r=\"7\"/>"
			    "<text x=\"28\" y=\"12\">%s</text>",
			    rows[i].sign);
		strbuf_printf(p->out, "</g></svg> %s</li>\n", rows[i].text);
	}
	strbuf_puts(p->out, "</ul>\n");
}

/* "Not drawn: 12 look-ups of DNS, 3 …" */
static void
put_left_out(struct page *p, const struct map *m)
{
	const struct {
		size_t n;
		const char *what;
	} rows[] = {
		{ m->n_dns, "of DNS" },
		{ m->n_own_node, "between a pod and its own node" },
		{ m->n_inside, "within a namespace" },
		{ m->n_failed, "that never worked" },
	};
	const char *gap = "Not drawn, but in the tables: ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].n == 0)
			continue;
		strbuf_printf(p->out, "%s%zu edge%s %s", gap, rows[i].n,
		    rows[i].n == 1 ? "" : "s", rows[i].what);
		gap = "; ";
	}
	if (*gap == ';')
		strbuf_puts(p->out, ".");
}

/* A graph with all that belongs to it; title is not escaped. */
static enum rf_status
put_graph(struct page *p, const struct map_input *in, const char *id,
    const char *title, struct rf_error *err)
{
	struct map m;
	enum rf_status st = map_make(&m, in, p->arena, err);

	if (st != RF_OK)
		return st;
	strbuf_puts(p->out, "<figure>\n");
	if (m.graph.n_boxes > BOXES_MAX || m.graph.n_lines > LINES_MAX)
		strbuf_printf(p->out,
		    "<p>%zu boxes and %zu lines are too many to be drawn; the "
		    "tables hold everything.</p>\n",
		    m.graph.n_boxes, m.graph.n_lines);
	else if (m.graph.n_boxes > 0) {
		strbuf_printf(&p->cell,
		    "%zu boxes, %zu lines for %zu edges; clients stand left of "
		    "the servers that they call. The tables below say the "
		    "same.",
		    m.graph.n_boxes, m.graph.n_lines, m.n_edges);
		strbuf_printf(p->out,
		    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		    "aria-labelledby=\"%s-t\">\n",
		    id);
		graph_svg(p->out, &m.graph, id, title, strbuf_str(&p->cell));
		strbuf_puts(p->out, "</div>\n");
		p->out->failed |= strbuf_failed(&p->cell);
		strbuf_clear(&p->cell);
	}
	strbuf_puts(p->out, "<figcaption>");
	put_left_out(p, &m);
	strbuf_puts(p->out, "</figcaption>\n</figure>\n");
	return RF_OK;
}

static enum rf_status
put_first_graph(struct page *p, struct rf_error *err)
{
	const struct map_input in = { .edges = p->all,
		.n_edges = p->n_all,
		.members = p->members,
		.n_members = p->n_members,
		.is_coarse = p->is_coarse,
		.spaces = p->spaces,
		.n_spaces = p->n_spaces };

	strbuf_puts(p->out,
	    "<section aria-labelledby=\"graph\">\n"
	    "<h2 id=\"graph\">Who talks to whom</h2>\n"
	    "<p>A line goes from the client to the port on which it calls. An "
	    "edge is everything between two ends on one port.");
	if (p->is_coarse)
		strbuf_puts(p->out,
		    " There are many workloads, so each namespace is one box "
		    "here; its own section has its own graph.");
	strbuf_puts(p->out, "</p>\n");
	put_legend(p);
	return put_graph(p, &in, "g", "Who talks to whom", err);
}

/* Attempts stand apart: a scan must not bury what works. */
static void
put_edges(struct page *p, size_t s)
{
	const struct audit_edge **v = &p->edges[p->start[s]];
	size_t n = p->start[s + 1] - p->start[s], works = 0;

	while (works < n && v[works]->is_traffic)
		works++;
	if (works > 0)
		page_edges(p, v, works, "Edges, worst first",
		    s < p->n_spaces ? p->spaces[s] : NULL);
	else
		strbuf_puts(p->out, "<p>No edge that works was seen.</p>\n");
	if (works == n)
		return;
	strbuf_printf(p->out,
	    "<details><summary>%zu edge%s that never worked: refused, "
	    "unanswered or dropped when observed</summary>\n",
	    n - works, n - works == 1 ? "" : "s");
	page_edges(p, v + works, n - works, "Edges that never worked",
	    s < p->n_spaces ? p->spaces[s] : NULL);
	strbuf_puts(p->out, "</details>\n");
}

static enum rf_status
put_space(struct page *p, size_t s, struct rf_error *err)
{
	const struct map_input in = { .edges = &p->edges[p->start[s]],
		.n_edges = p->start[s + 1] - p->start[s],
		.members = p->members,
		.n_members = p->n_members,
		.namespace = p->spaces[s],
		.spaces = p->spaces,
		.n_spaces = p->n_spaces };
	enum rf_status st = RF_OK;
	char id[32];

	(void)snprintf(id, sizeof(id), "ns%zu", s);
	strbuf_printf(p->out,
	    "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">Namespace ", id,
	    id);
	page_text(p, p->spaces[s]);
	strbuf_puts(p->out, "</h2>\n");
	if (p->is_coarse) {
		(void)snprintf(id, sizeof(id), "g%zu", s);
		st = put_graph(p, &in, id, p->spaces[s], err);
	}
	page_workloads(p, p->spaces[s]);
	put_edges(p, s);
	strbuf_puts(p->out, "</section>\n");
	return st;
}

static enum rf_status
put_body(struct page *p, struct rf_error *err)
{
	enum rf_status st;

	strbuf_puts(p->out, "<body>\n<header>\n<h1>");
	put_title(p);
	strbuf_puts(p->out, "</h1>\n");
	put_sentence(p);
	put_figures(p);
	put_span(p);
	put_common(p);
	put_contents(p);
	strbuf_puts(p->out, "</header>\n<main>\n");
	if ((st = put_first_graph(p, err)) != RF_OK)
		return st;
	strbuf_puts(p->out, "</section>\n");
	page_decisions(p);
	put_filter(p);
	for (size_t s = 0; s < p->n_spaces && st == RF_OK; s++)
		st = put_space(p, s, err);
	if (p->start[p->n_spaces] < p->start[p->n_spaces + 1]) {
		strbuf_puts(p->out,
		    "<section aria-labelledby=\"others\">\n"
		    "<h2 id=\"others\">In no namespace</h2>\n");
		put_edges(p, p->n_spaces);
		strbuf_puts(p->out, "</section>\n");
	}
	page_unknown(p);
	page_policies(p);
	page_remarks(p);
	page_coverage(p);
	strbuf_printf(p->out,
	    "</main>\n<footer><p>Written by ringfence %s. <em>New</em> is the "
	    "estimated chance that the next connection of a workload is one "
	    "that was never seen (Good-Turing: N1 / N).</p></footer>\n"
	    "<script>%s</script>\n</body>\n</html>\n",
	    RF_VERSION_STRING, page_script);
	return st;
}

enum rf_status
page_write(struct strbuf *out, const struct page_input *in, struct arena *arena,
    struct rf_error *err)
{
	struct page p = { .out = out,
		.in = in,
		.r = in->recommendation,
		.a = in->audit,
		.arena = arena };
	enum rf_status st;

	strbuf_init(&p.cell, CELL_MAX);
	st = page_scope(&p, err);
	if (st == RF_OK) {
		put_head(&p);
		st = put_body(&p, err);
	}
	strbuf_release(&p.cell);
	if (st == RF_OK && strbuf_failed(out))
		return rf_fail(err, RF_NOMEM, "report: out of memory");
	return st;
}

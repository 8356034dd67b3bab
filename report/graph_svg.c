/* SPDX-License-Identifier: Apache-2.0 */
/* A graph that is laid out, as SVG. Colours are the page's: classes only. */
#include "report/audit_words.h"
#include "report/graph.h"
#include "report/html.h"

#define TITLE_CHARS    22
#define SUBTITLE_CHARS 31
#define SLOT_CHARS     28

/* Drawn first is what may be covered. */
static const enum audit_verdict upwards[] = { AUDIT_NOT_ENFORCEABLE,
	AUDIT_ALLOWED, AUDIT_UNKNOWN, AUDIT_WOULD_DROP };

static void
put_arrows(struct strbuf *out, const char *id)
{
	strbuf_puts(out, "<defs>\n");
	for (size_t i = 0; i < AUDIT_VERDICT_COUNT; i++)
		strbuf_printf(out,
		    "<marker id=\"%s-%s\" class=\"%s\" viewBox=\"0 0 8 8\" "
		    "refX=\"7\" refY=\"4\" markerWidth=\"8\" "
		    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" "
		    "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker>\n",
		    id, audit_verdict_name((enum audit_verdict)i),
		    audit_verdict_name((enum audit_verdict)i));
	strbuf_puts(out, "</defs>\n");
}

static void
put_group(struct strbuf *out, const struct graph_group *f)
{
	if (*f->title == '\0')
		return;
	strbuf_printf(out,
	    "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" "
	    "height=\"%d\" rx=\"6\"/>"
	    "<text class=\"frame-title\" x=\"%d\" y=\"%d\">",
	    f->x, f->y, f->width, f->height, f->x + 8, f->y + 15);
	html_short(out, f->title, SUBTITLE_CHARS);
	strbuf_puts(out, "</text>\n");
}

/* A verdict that needs a look bears a sign, for those who see no colour. */
static void
put_sign(struct strbuf *out, enum audit_verdict v, int x, int y)
{
	if (v != AUDIT_WOULD_DROP && v != AUDIT_UNKNOWN)
		return;
	strbuf_printf(out,
	    "<circle cx=\"%d\" cy=\"%d\" r=\"7\"/>"
	    "<text x=\"%d\" y=\"%d\">%s</text>",
	    x, y, x, y + 4, v == AUDIT_UNKNOWN ? "?" : "\xc3\x97");
}

static void
put_line(struct strbuf *out, const struct graph *g, size_t i, const char *id)
{
	const struct graph_line *l = &g->lines[i];
	const char *verdict = audit_verdict_name(l->verdict);
	int x, y;

	strbuf_printf(out,
	    "<g class=\"line %s\" data-s=\"%u\" data-d=\"%u\"><title>", verdict,
	    l->src, g->slots[l->slot].box);
	html_text(out, l->text);
	strbuf_puts(out, "</title><path d=\"");
	graph_route(out, g, i, &x, &y);
	strbuf_printf(out, "\" marker-end=\"url(#%s-%s)\"/>", id, verdict);
	put_sign(out, l->verdict, x, y);
	strbuf_puts(out, "</g>\n");
}

static void
put_slots(struct strbuf *out, const struct graph *g, const struct graph_box *b)
{
	if (b->n_slots > 0)
		strbuf_printf(out, "<path class=\"rule\" d=\"M%d %dh%d\"/>",
		    b->x, b->y + GRAPH_TITLE_HEIGHT - 1, GRAPH_BOX_WIDTH);
	for (uint32_t i = 0; i < b->n_slots; i++) {
		const struct graph_slot *s = &g->slots[b->first_slot + i];

		strbuf_printf(out, "<text class=\"slot\" x=\"%d\" y=\"%d\">",
		    b->x + 9, s->y + 4);
		html_short(out, s->text, SLOT_CHARS);
		strbuf_puts(out, "</text>");
	}
}

static void
put_box(struct strbuf *out, const struct graph *g, size_t i)
{
	static const char *const kinds[] = {
		[GRAPH_OUTSIDE] = "outside",
		[GRAPH_WORKLOAD] = "workload",
		[GRAPH_NAMESPACE] = "namespace",
		[GRAPH_NODES] = "nodes",
		[GRAPH_UNKNOWN] = "unknown-end",
	};
	const struct graph_box *b = &g->boxes[i];

	if (b->href != NULL)
		strbuf_printf(out, "<a href=\"%s\">", b->href);
	strbuf_printf(out, "<g class=\"box %s\" data-b=\"%zu\"><title>",
	    kinds[b->kind], i);
	html_text(out, b->title);
	strbuf_printf(out,
	    "</title><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
	    "rx=\"4\"/><text class=\"name\" x=\"%d\" y=\"%d\">",
	    b->x, b->y, GRAPH_BOX_WIDTH, b->height, b->x + 9, b->y + 16);
	html_short(out, b->title, TITLE_CHARS);
	strbuf_printf(out, "</text><text class=\"kind\" x=\"%d\" y=\"%d\">",
	    b->x + 9, b->y + 30);
	html_short(out, b->subtitle, SUBTITLE_CHARS);
	strbuf_puts(out, "</text>");
	put_slots(out, g, b);
	strbuf_puts(out, b->href != NULL ? "</g></a>\n" : "</g>\n");
}

void
graph_svg(struct strbuf *out, const struct graph *g, const char *id,
    const char *title, const char *description)
{
	strbuf_printf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"graph\" "
	    "role=\"group\" aria-labelledby=\"%s-t %s-d\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\">\n<title id=\"%s-t\">",
	    id, id, g->width, g->height, g->width, g->height, id);
	html_text(out, title);
	strbuf_printf(out, "</title>\n<desc id=\"%s-d\">", id);
	html_text(out, description);
	strbuf_puts(out, "</desc>\n");
	put_arrows(out, id);
	for (size_t i = 0; i < g->n_groups; i++)
		put_group(out, &g->groups[i]);
	for (size_t k = 0; k < AUDIT_VERDICT_COUNT; k++)
		for (size_t i = 0; i < g->n_lines; i++)
			if (g->lines[i].verdict == upwards[k])
				put_line(out, g, i, id);
	for (size_t i = 0; i < g->n_boxes; i++)
		put_box(out, g, i);
	strbuf_puts(out, "</svg>\n");
}

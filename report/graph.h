/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph: boxes and the lines between them, laid out and drawn as SVG.
 *
 * Clients stand left of the servers that they call, in columns; the boxes of
 * a group (a namespace) share a horizontal band and a frame. A box lists the
 * ports on which it is called, and a line ends at its port, so that no line
 * needs a label. Lines pass between boxes, not behind them. All of it is
 * integer arithmetic on the input's order: the same input, the same bytes.
 */
#ifndef REPORT_GRAPH_H
#define REPORT_GRAPH_H

#include "core/arena.h"
#include "core/error.h"
#include "core/strbuf.h"
#include "report/audit.h"

enum graph_kind {
	GRAPH_OUTSIDE, /* in this order from top to bottom */
	GRAPH_WORKLOAD,
	GRAPH_NAMESPACE,
	GRAPH_NODES,
	GRAPH_UNKNOWN
};

/* Texts are not escaped. */
struct graph_box {
	enum graph_kind kind;
	const char *title, *subtitle;
	const char *href; /* "#w3", or NULL: no link */
	uint32_t group;   /* ascending over the boxes */
	/* The rest is laid out. */
	uint32_t layer; /* column */
	int x, y, height;
	uint32_t first_slot, n_slots;
};

/* A port on which a box is called; by box, then as they are to be listed. */
struct graph_slot {
	uint32_t box;
	const char *text; /* "TCP 5432" */
	int y;            /* laid out */
};

struct graph_line {
	uint32_t src;  /* box */
	uint32_t slot; /* of the destination */
	enum audit_verdict verdict;
	const char *text; /* what it is, in words */
};

/* Consecutive boxes. */
struct graph_group {
	const char *title; /* "" : no frame */
	int x, y, width, height;
};

struct graph {
	struct graph_box *boxes;
	size_t n_boxes;
	struct graph_slot *slots;
	size_t n_slots;
	struct graph_line *lines;
	size_t n_lines;
	struct graph_group *groups;
	size_t n_groups;
	int width, height; /* laid out */
	/* By column: its boxes from top to bottom, from column[l] to before
	 * column[l + 1] of order. */
	uint32_t n_layers, *column, *order;
};

#define GRAPH_MARGIN       44
#define GRAPH_BOX_WIDTH    190
#define GRAPH_COLUMN_GAP   100
#define GRAPH_TITLE_HEIGHT 38
#define GRAPH_SLOT_HEIGHT  15

/* The left side of a column's boxes. */
static inline int
graph_column_x(uint32_t layer)
{
	return GRAPH_MARGIN + (int)layer * (GRAPH_BOX_WIDTH + GRAPH_COLUMN_GAP);
}

/* Place everything. Scratch and results live in arena. */
RF_MUST_USE enum rf_status graph_layout(
    struct graph *g, struct arena *arena, struct rf_error *err);

/* The path of a line, as the attribute d wants it; *x, *y: its middle. */
void graph_route(
    struct strbuf *out, const struct graph *g, size_t line, int *x, int *y);

/*
 * The element svg of a graph that is laid out. id, a word, begins the ids in
 * it; title and description say in words what it shows.
 */
void graph_svg(struct strbuf *out, const struct graph *g, const char *id,
    const char *title, const char *description);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How the lines of a graph go. */
#include <stdlib.h>

#include "report/graph.h"

#define CLEAR   4  /* between a line and the box that it passes */
#define BORDER  8  /* between a line and the border of the drawing */
#define TURN    24 /* how far a line swings out where it turns back */
#define LEAVES  18 /* below the top of a box: where lines leave it */
#define STRANDS 4  /* beside each other where they hug a box */

struct pen {
	struct strbuf *out;
	const struct graph *g;
	size_t line;
	int x, y, dx;           /* where it is, and to which side it moves */
	int middle_x, middle_y; /* of its last curve */
};

/* A curve that leaves and arrives level. */
static void
curve_to(struct pen *p, int x, int y, int dx)
{
	int bend = abs(x - p->x) / 2, c1, c2;

	if (dx != p->dx || (x - p->x) * dx < 0)
		bend = TURN + (int)(p->line % 5) * 5;
	c1 = p->x + p->dx * bend;
	c2 = x - dx * bend;
	strbuf_printf(p->out, "C%d %d %d %d %d %d", c1, p->y, c2, y, x, y);
	p->middle_x = (p->x + 3 * c1 + 3 * c2 + x) / 8;
	p->middle_y = (p->y + y) / 2;
	p->x = x;
	p->y = y;
	p->dx = dx;
}

/* Free from low to high: is there a better height than *best, which lies
 * *distance from the wish? */
static void
offer(int low, int high, const struct pen *p, int wish, int *best)
{
	int side = (int)(p->line % STRANDS) * 3;
	int y = wish;

	if (low > high)
		return;
	if (side > high - low)
		side = high - low;
	if (y < low + side)
		y = low + side;
	else if (y > high - side)
		y = high - side;
	if (*best < 0 || abs(y - wish) < abs(*best - wish))
		*best = y;
}

/* The height nearest to wish at which the line can pass a column. */
static int
gap_near(const struct pen *p, uint32_t layer, int wish)
{
	const struct graph *g = p->g;
	int low = BORDER, best = -1;

	for (uint32_t i = g->column[layer]; i < g->column[layer + 1]; i++) {
		const struct graph_box *b = &g->boxes[g->order[i]];

		offer(low, b->y - CLEAR, p, wish, &best);
		low = b->y + b->height + CLEAR;
	}
	offer(low, g->height - BORDER, p, wish, &best);
	return best < 0 ? wish : best;
}

/* Past a column, from one of its sides to the other. */
static void
pass(struct pen *p, uint32_t layer, int wish, int dx)
{
	int left = graph_column_x(layer), right = left + GRAPH_BOX_WIDTH;
	int y = gap_near(p, layer, wish);

	curve_to(p, dx > 0 ? left : right, y, dx);
	p->x = dx > 0 ? right : left;
	strbuf_printf(p->out, "H%d", p->x);
}

void
graph_route(
    struct strbuf *out, const struct graph *g, size_t line, int *x, int *y)
{
	const struct graph_slot *slot = &g->slots[g->lines[line].slot];
	const struct graph_box *src = &g->boxes[g->lines[line].src];
	const struct graph_box *dst = &g->boxes[slot->box];
	struct pen p = { .out = out,
		.g = g,
		.line = line,
		.x = src->x + GRAPH_BOX_WIDTH,
		.y = src->y + LEAVES,
		.dx = 1 };
	int from = (int)src->layer, to = (int)dst->layer;

	strbuf_printf(out, "M%d %d", p.x, p.y);
	for (int l = from + 1; l < to; l++)
		pass(&p, (uint32_t)l, p.y + (slot->y - p.y) / (to - l + 1), 1);
	for (int l = from; l >= to; l--)
		pass(&p, (uint32_t)l, p.y + (slot->y - p.y) / (l - to + 2), -1);
	curve_to(&p, dst->x, slot->y, 1);
	*x = p.middle_x;
	*y = p.middle_y;
}

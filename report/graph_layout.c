/* SPDX-License-Identifier: Apache-2.0 */
/* Where the boxes of a graph stand. */
#include <stdlib.h>
#include <string.h>

#include "report/graph.h"

#define ROW_GAP     18
#define BAND_GAP    22
#define FRAME_PAD   14
#define FRAME_TITLE 22
#define SWEEPS      8
#define LONE_ROW    5 /* columns for boxes that no line touches */

/* One box beside its place among its neighbours, for sorting. */
struct place {
	uint32_t box;
	int64_t wish; /* where its middle would like to be */
};

struct layout {
	struct graph *g;
	/* Lines by source, and by destination: those of box b stand from
	 * start[b] to before start[b + 1]. */
	uint32_t *out_start, *out, *in_start, *in;
	bool *is_back;      /* by line: against the direction, from a cycle */
	uint32_t *finished; /* boxes, last first: a topological order */
	size_t n_finished;
	/* By group and column, the boxes in order. */
	uint32_t *cell_start;
	struct place *cells;
	struct arena *arena;
};

static uint32_t
head_of(const struct graph *g, uint32_t line)
{
	return g->slots[g->lines[line].slot].box;
}

/* Lines by one of their ends. */
static bool
index_lines(
    struct layout *l, bool by_source, uint32_t **start, uint32_t **lines)
{
	const struct graph *g = l->g;
	uint32_t *at, *v;

	at = *start = arena_calloc(l->arena, g->n_boxes + 2, sizeof(*at));
	v = *lines = arena_calloc(l->arena, g->n_lines + 1, sizeof(*v));
	if (at == NULL || v == NULL)
		return false;
	for (uint32_t i = 0; i < g->n_lines; i++)
		at[2 + (by_source ? g->lines[i].src : head_of(g, i))]++;
	for (size_t b = 2; b < g->n_boxes + 2; b++)
		at[b] += at[b - 1];
	for (uint32_t i = 0; i < g->n_lines; i++)
		v[at[1 + (by_source ? g->lines[i].src : head_of(g, i))]++] = i;
	return true;
}

/* Depth first from one box, without recursion. next is by box: the line to
 * follow next; state: 0 new, 1 on the way here, 2 done. */
static void
visit(struct layout *l, uint32_t root, uint32_t *stack, uint32_t *next,
    uint8_t *state)
{
	size_t depth = 0;

	stack[depth++] = root;
	state[root] = 1;
	next[root] = l->out_start[root];
	while (depth > 0) {
		uint32_t b = stack[depth - 1], line, to;

		if (next[b] == l->out_start[b + 1]) {
			state[b] = 2;
			l->finished[l->n_finished++] = b;
			depth--;
			continue;
		}
		line = l->out[next[b]++];
		to = head_of(l->g, line);
		l->is_back[line] = state[to] == 1;
		if (state[to] != 0)
			continue;
		state[to] = 1;
		next[to] = l->out_start[to];
		stack[depth++] = to;
	}
}

/* Those that nobody calls first, so that few lines go backwards. */
static bool
find_cycles(struct layout *l)
{
	size_t n = l->g->n_boxes;
	uint32_t *stack = calloc(n + 1, sizeof(*stack));
	uint32_t *next = calloc(n + 1, sizeof(*next));
	uint8_t *state = calloc(n + 1, 1);
	bool ok = stack != NULL && next != NULL && state != NULL;

	for (int pass = 0; ok && pass < 2; pass++)
		for (uint32_t b = 0; b < n; b++)
			if (state[b] == 0 &&
			    (pass > 0 || l->in_start[b] == l->in_start[b + 1]))
				visit(l, b, stack, next, state);
	free(stack);
	free(next);
	free(state);
	return ok;
}

/* A client that nobody calls stands beside the first that it calls. */
static void
pull_right(struct layout *l, uint32_t b)
{
	const struct graph *g = l->g;
	uint32_t least = UINT32_MAX;

	if (l->in_start[b] != l->in_start[b + 1])
		return;
	for (uint32_t k = l->out_start[b]; k < l->out_start[b + 1]; k++)
		if (g->boxes[head_of(g, l->out[k])].layer < least)
			least = g->boxes[head_of(g, l->out[k])].layer;
	if (least != UINT32_MAX && least > 0)
		l->g->boxes[b].layer = least - 1;
}

/* Boxes without lines fill the columns of their band from the left. */
static void
spread_lone(struct layout *l)
{
	struct graph *g = l->g;
	uint32_t width = g->n_layers, k = 0;

	if (width < LONE_ROW)
		width = LONE_ROW;
	for (uint32_t b = 0; b < g->n_boxes; b++) {
		if (b > 0 && g->boxes[b].group != g->boxes[b - 1].group)
			k = 0;
		if (l->in_start[b] != l->in_start[b + 1] ||
		    l->out_start[b] != l->out_start[b + 1])
			continue;
		g->boxes[b].layer = k++ % width;
		if (g->boxes[b].layer >= g->n_layers)
			g->n_layers = g->boxes[b].layer + 1;
	}
}

/* As many columns before a box as the longest chain of calls that ends there
 * has. */
static void
set_layers(struct layout *l)
{
	struct graph *g = l->g;

	for (size_t i = l->n_finished; i-- > 0;) {
		uint32_t b = l->finished[i];

		for (uint32_t k = l->out_start[b]; k < l->out_start[b + 1];
		     k++) {
			struct graph_box *to = &g->boxes[head_of(g, l->out[k])];

			if (!l->is_back[l->out[k]] &&
			    to->layer <= g->boxes[b].layer)
				to->layer = g->boxes[b].layer + 1;
		}
	}
	for (uint32_t b = 0; b < g->n_boxes; b++)
		pull_right(l, b);
	g->n_layers = 0;
	for (uint32_t b = 0; b < g->n_boxes; b++)
		if (g->boxes[b].layer >= g->n_layers)
			g->n_layers = g->boxes[b].layer + 1;
	spread_lone(l);
}

static size_t
cell_of(const struct graph *g, uint32_t b)
{
	return (size_t)g->boxes[b].group * g->n_layers + g->boxes[b].layer;
}

static bool
make_cells(struct layout *l)
{
	const struct graph *g = l->g;
	size_t n = g->n_groups * g->n_layers;
	uint32_t *at = arena_calloc(l->arena, n + 2, sizeof(*at));

	l->cells = arena_calloc(l->arena, g->n_boxes + 1, sizeof(*l->cells));
	if (at == NULL || l->cells == NULL)
		return false;
	for (uint32_t b = 0; b < g->n_boxes; b++)
		at[2 + cell_of(g, b)]++;
	for (size_t i = 2; i < n + 2; i++)
		at[i] += at[i - 1];
	for (uint32_t b = 0; b < g->n_boxes; b++)
		l->cells[at[1 + cell_of(g, b)]++].box = b;
	l->cell_start = at;
	return true;
}

/* The height of a cell's boxes, one below the other. */
static int
stack_height(const struct layout *l, size_t cell)
{
	int h = 0;

	for (uint32_t i = l->cell_start[cell]; i < l->cell_start[cell + 1]; i++)
		h += l->g->boxes[l->cells[i].box].height +
		    (i > l->cell_start[cell] ? ROW_GAP : 0);
	return h;
}

/* Boxes of a cell downwards, each where it wishes if there is room above it
 * and for those below. */
static void
stack_cell(struct layout *l, size_t cell, int top, int bottom)
{
	int left = stack_height(l, cell), y = top;

	for (uint32_t i = l->cell_start[cell]; i < l->cell_start[cell + 1];
	     i++) {
		struct graph_box *b = &l->g->boxes[l->cells[i].box];
		int64_t wish = l->cells[i].wish - b->height / 2;

		if (wish > bottom - left)
			wish = bottom - left;
		if (y < wish)
			y = (int)wish;
		b->y = y;
		y += b->height + ROW_GAP;
		left -= b->height + ROW_GAP;
	}
}

static void
stack_bands(struct layout *l)
{
	struct graph *g = l->g;
	int y = GRAPH_MARGIN / 2;

	for (size_t k = 0; k < g->n_groups; k++) {
		struct graph_group *band = &g->groups[k];
		int h = 0;

		for (size_t c = k * g->n_layers; c < (k + 1) * g->n_layers; c++)
			if (stack_height(l, c) > h)
				h = stack_height(l, c);
		band->y = y;
		band->height = h + FRAME_TITLE + FRAME_PAD;
		for (size_t c = k * g->n_layers; c < (k + 1) * g->n_layers; c++)
			stack_cell(l, c, y + FRAME_TITLE, y + FRAME_TITLE + h);
		y += band->height + BAND_GAP;
	}
	g->height = y - BAND_GAP + GRAPH_MARGIN / 2;
}

static int
compare_places(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->wish != b->wish)
		return a->wish < b->wish ? -1 : 1;
	return (a->box > b->box) - (a->box < b->box);
}

/* The mean middle of a box's neighbours on one side, or its own without. */
static int64_t
wish_of(const struct layout *l, uint32_t b, bool is_left)
{
	const struct graph *g = l->g;
	const uint32_t *start = is_left ? l->in_start : l->out_start;
	const uint32_t *lines = is_left ? l->in : l->out;
	int64_t sum = 0, n = 0;

	for (uint32_t k = start[b]; k < start[b + 1]; k++) {
		uint32_t other =
		    is_left ? g->lines[lines[k]].src : head_of(g, lines[k]);

		if (other == b)
			continue;
		sum += g->boxes[other].y + g->boxes[other].height / 2;
		n++;
	}
	return n > 0 ? sum / n : g->boxes[b].y + g->boxes[b].height / 2;
}

/* Order every column by where its neighbours stand, to and fro. */
static void
sweep(struct layout *l, bool is_left)
{
	struct graph *g = l->g;
	size_t n = g->n_groups * g->n_layers;

	for (size_t c = 0; c < n; c++) {
		uint32_t first = l->cell_start[c];

		for (uint32_t i = first; i < l->cell_start[c + 1]; i++)
			l->cells[i].wish = wish_of(l, l->cells[i].box, is_left);
		qsort(&l->cells[first], l->cell_start[c + 1] - first,
		    sizeof(*l->cells), compare_places);
	}
	stack_bands(l);
}

static void
frame_groups(struct graph *g)
{
	for (size_t k = 0; k < g->n_groups; k++)
		g->groups[k].x = INT32_MAX;
	for (size_t b = 0; b < g->n_boxes; b++) {
		struct graph_group *f = &g->groups[g->boxes[b].group];
		int right = g->boxes[b].x + GRAPH_BOX_WIDTH + FRAME_PAD;

		if (g->boxes[b].x - FRAME_PAD < f->x)
			f->x = g->boxes[b].x - FRAME_PAD;
		if (right > f->width)
			f->width = right; /* its right side, so far */
	}
	for (size_t k = 0; k < g->n_groups; k++)
		g->groups[k].width -= g->groups[k].x;
}

/* Sizes, which do not depend on places. */
static void
measure(struct graph *g)
{
	for (size_t b = 0; b < g->n_boxes; b++) {
		g->boxes[b].first_slot = g->boxes[b].n_slots = 0;
		g->boxes[b].layer = 0;
		g->boxes[b].height = GRAPH_TITLE_HEIGHT;
	}
	for (size_t i = g->n_slots; i-- > 0;) {
		struct graph_box *b = &g->boxes[g->slots[i].box];

		b->first_slot = (uint32_t)i;
		b->height += GRAPH_SLOT_HEIGHT + (b->n_slots++ == 0 ? 5 : 0);
	}
}

/* Final coordinates, and the columns from top to bottom. */
static bool
finish(struct layout *l)
{
	struct graph *g = l->g;
	size_t n = 0;

	g->column = arena_calloc(l->arena, g->n_layers + 1, sizeof(uint32_t));
	g->order = arena_calloc(l->arena, g->n_boxes + 1, sizeof(uint32_t));
	if (g->column == NULL || g->order == NULL)
		return false;
	for (uint32_t c = 0; c < g->n_layers; c++) {
		g->column[c] = (uint32_t)n;
		for (size_t k = 0; k < g->n_groups; k++) {
			size_t cell = k * g->n_layers + c;

			for (uint32_t i = l->cell_start[cell];
			     i < l->cell_start[cell + 1]; i++)
				g->order[n++] = l->cells[i].box;
		}
	}
	g->column[g->n_layers] = (uint32_t)n;
	for (size_t b = 0; b < g->n_boxes; b++) {
		struct graph_box *box = &g->boxes[b];

		box->x = graph_column_x(box->layer);
		for (uint32_t i = 0; i < box->n_slots; i++)
			g->slots[box->first_slot + i].y = box->y +
			    GRAPH_TITLE_HEIGHT + (int)i * GRAPH_SLOT_HEIGHT +
			    GRAPH_SLOT_HEIGHT / 2;
	}
	frame_groups(g);
	g->width =
	    graph_column_x(g->n_layers) - GRAPH_COLUMN_GAP + GRAPH_MARGIN;
	return true;
}

enum rf_status
graph_layout(struct graph *g, struct arena *arena, struct rf_error *err)
{
	struct layout l = { .g = g, .arena = arena };

	l.is_back = arena_calloc(arena, g->n_lines + 1, sizeof(*l.is_back));
	l.finished = arena_calloc(arena, g->n_boxes + 1, sizeof(*l.finished));
	measure(g);
	if (l.is_back == NULL || l.finished == NULL ||
	    !index_lines(&l, true, &l.out_start, &l.out) ||
	    !index_lines(&l, false, &l.in_start, &l.in) || !find_cycles(&l))
		return rf_fail(err, RF_NOMEM, "graph: out of memory");
	set_layers(&l);
	if (!make_cells(&l))
		return rf_fail(err, RF_NOMEM, "graph: out of memory");
	stack_bands(&l);
	for (int i = 0; i < SWEEPS; i++)
		sweep(&l, i % 2 == 0);
	if (!finish(&l))
		return rf_fail(err, RF_NOMEM, "graph: out of memory");
	return RF_OK;
}

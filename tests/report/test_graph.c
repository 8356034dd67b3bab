/* SPDX-License-Identifier: Apache-2.0 */
/* Where boxes stand and how lines go, whatever calls whatever. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/graph.h"

#define BOXES_MAX 40
#define LINES_MAX 120

/* A graph with one slot for each box that a line ends at. */
struct drawing {
	struct arena arena;
	struct graph g;
	struct graph_box boxes[BOXES_MAX];
	struct graph_slot slots[BOXES_MAX];
	struct graph_line lines[LINES_MAX];
	struct graph_group groups[BOXES_MAX];
};

/* pairs: source and destination of each line; per_group boxes a group. */
static void
draw(struct drawing *d, uint32_t n_boxes, uint32_t per_group,
    const uint32_t (*pairs)[2], size_t n_lines)
{
	memset(d, 0, sizeof(*d));
	arena_init(&d->arena, 0);
	d->g = (struct graph){ .boxes = d->boxes,
		.n_boxes = n_boxes,
		.slots = d->slots,
		.n_slots = n_boxes,
		.lines = d->lines,
		.n_lines = n_lines,
		.groups = d->groups,
		.n_groups = n_boxes / per_group + (n_boxes % per_group > 0) };
	for (uint32_t i = 0; i < n_boxes; i++) {
		d->boxes[i] = (struct graph_box){ .kind = GRAPH_WORKLOAD,
			.title = "a \"box\"",
			.subtitle = "<b>",
			.group = i / per_group };
		d->slots[i] = (struct graph_slot){ .box = i, .text = "TCP 1" };
		d->groups[i].title = "g";
	}
	for (size_t i = 0; i < n_lines; i++)
		d->lines[i] = (struct graph_line){ .src = pairs[i][0],
			.slot = pairs[i][1],
			.verdict = (enum audit_verdict)(i % 4),
			.text = "a & b" };
	assert_int_equal(graph_layout(&d->g, &d->arena, NULL), RF_OK);
}

static bool
overlap(const struct graph_box *a, const struct graph_box *b)
{
	return a->x < b->x + GRAPH_BOX_WIDTH && b->x < a->x + GRAPH_BOX_WIDTH &&
	    a->y < b->y + b->height && b->y < a->y + a->height;
}

static void
check_places(const struct graph *g)
{
	for (size_t i = 0; i < g->n_boxes; i++) {
		const struct graph_box *b = &g->boxes[i];
		const struct graph_group *f = &g->groups[b->group];

		assert_true(b->x > 0 && b->x + GRAPH_BOX_WIDTH < g->width);
		assert_true(b->y > 0 && b->y + b->height < g->height);
		assert_true(f->x < b->x && f->y < b->y);
		assert_true(b->x + GRAPH_BOX_WIDTH < f->x + f->width);
		assert_true(b->y + b->height < f->y + f->height);
		for (size_t k = 0; k < i; k++)
			assert_false(overlap(b, &g->boxes[k]));
	}
	for (size_t i = 1; i < g->n_groups; i++)
		assert_true(g->groups[i].y >
		    g->groups[i - 1].y + g->groups[i - 1].height);
}

/* The n numbers at s, blanks between them. */
static void
read_numbers(const char *s, int *v, size_t n)
{
	char *end;

	for (size_t i = 0; i < n; i++) {
		v[i] = (int)strtol(s, &end, 10);
		assert_ptr_not_equal(s, end);
		s = end;
	}
}

/* Every level piece of a path passes no box. */
static void
check_route(const struct graph *g, size_t line)
{
	const struct graph_slot *slot = &g->slots[g->lines[line].slot];
	struct strbuf path;
	int x, y, at_x = 0, at_y = 0, n[6];

	strbuf_init(&path, 100000);
	graph_route(&path, g, line, &x, &y);
	assert_false(strbuf_failed(&path));
	for (const char *s = strbuf_str(&path); *s != '\0';
	     s += 1 + strcspn(s + 1, "MCH")) {
		if (*s == 'H') {
			int to = (int)strtol(s + 1, NULL, 10);

			for (size_t i = 0; i < g->n_boxes; i++) {
				const struct graph_box *b = &g->boxes[i];

				assert_false(at_y > b->y &&
				    at_y < b->y + b->height &&
				    (at_x < to ? at_x : to) <
					b->x + GRAPH_BOX_WIDTH &&
				    (at_x < to ? to : at_x) > b->x);
			}
			at_x = to;
		} else if (*s == 'M') {
			read_numbers(s + 1, n, 2);
			at_x = n[0];
			at_y = n[1];
		} else {
			read_numbers(s + 1, n, 6);
			at_x = n[4];
			at_y = n[5];
		}
	}
	assert_int_equal(at_x, g->boxes[slot->box].x);
	assert_int_equal(at_y, slot->y);
	strbuf_release(&path);
}

/* Clients left of servers: without a cycle every line goes to the right. */
static void
test_chain(void **state)
{
	static const uint32_t pairs[][2] = { { 2, 1 }, { 1, 0 }, { 2, 0 },
		{ 3, 0 } };
	struct drawing d;

	(void)state;
	draw(&d, 5, 2, pairs, 4);
	check_places(&d.g);
	for (size_t i = 0; i < 4; i++) {
		assert_true(d.boxes[pairs[i][0]].x < d.boxes[pairs[i][1]].x);
		check_route(&d.g, i);
	}
	/* 3 is called by nobody: it stands beside what it calls. */
	assert_int_equal(d.boxes[3].layer + 1, d.boxes[0].layer);
	arena_release(&d.arena);
}

static void
test_cycle_and_self(void **state)
{
	static const uint32_t pairs[][2] = { { 0, 1 }, { 1, 2 }, { 2, 0 },
		{ 1, 1 } };
	struct drawing d;

	(void)state;
	draw(&d, 3, 3, pairs, 4);
	check_places(&d.g);
	for (size_t i = 0; i < 4; i++)
		check_route(&d.g, i);
	assert_int_equal(d.g.n_layers, 3);
	arena_release(&d.arena);
}

/* No line at all: columns are filled instead of one tall one. */
static void
test_lone(void **state)
{
	struct drawing d;

	(void)state;
	draw(&d, 20, 20, NULL, 0);
	check_places(&d.g);
	assert_int_equal(d.g.n_layers, 5);
	arena_release(&d.arena);
}

static void
test_nothing(void **state)
{
	struct drawing d;

	(void)state;
	draw(&d, 0, 1, NULL, 0);
	assert_int_equal(d.g.n_layers, 0);
	arena_release(&d.arena);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Any graph: boxes apart, in their frames, lines past boxes; and the same
 * bytes twice. */
static void
test_random(void **state)
{
	uint32_t seed = 1, pairs[LINES_MAX][2];

	(void)state;
	for (int run = 0; run < 60; run++) {
		uint32_t boxes = 1 + next_random(&seed) % BOXES_MAX;
		size_t lines = next_random(&seed) % LINES_MAX;
		uint32_t group = 1 + next_random(&seed) % 9;
		struct strbuf svg[2];
		struct drawing d;

		for (size_t i = 0; i < lines; i++) {
			pairs[i][0] = next_random(&seed) % boxes;
			pairs[i][1] = next_random(&seed) % boxes;
		}
		for (size_t k = 0; k < 2; k++) {
			draw(&d, boxes, group, (const uint32_t(*)[2])pairs,
			    lines);
			check_places(&d.g);
			for (size_t i = 0; i < lines; i++)
				check_route(&d.g, i);
			strbuf_init(&svg[k], 10000000);
			graph_svg(&svg[k], &d.g, "g", "<t>", "d");
			arena_release(&d.arena);
		}
		assert_string_equal(strbuf_str(&svg[0]), strbuf_str(&svg[1]));
		assert_null(strstr(strbuf_str(&svg[0]), "<t>"));
		assert_null(strstr(strbuf_str(&svg[0]), "<b>"));
		strbuf_release(&svg[0]);
		strbuf_release(&svg[1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_cycle_and_self),
		cmocka_unit_test(test_lone),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * points: which of a scenario's calls shall fail.
 *
 * A scenario makes thousands of allocations by a few hundred paths: what
 * happens when one fails is decided by the calls that led to it. So each path
 * fails once, where it is first taken, and once where it is last.
 */
#ifndef TESTS_FAULT_POINTS_H
#define TESTS_FAULT_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct point {
	uint64_t path, nth; /* from 1 */
};

struct points {
	struct point *at; /* by nth, ascending */
	size_t n;
	size_t n_paths;
};

/* Paths that other scenarios of one command had already; zeroed at first. */
struct points_seen {
	uint64_t *paths;
	size_t n, room;
};

enum points_which {
	POINTS_ENDS,  /* where a path is first taken, and where last */
	POINTS_FIRST, /* only where it is first taken */
	POINTS_EVERY, /* every call, its path seen before or not */
};

/*
 * Of calls calls with these paths, leaving out paths seen before. max: at most
 * so many, 0 for all; a quarter of them the first, a quarter the last, the
 * others in steps between.
 */
void points_choose(struct points *p, const uint64_t *paths, uint64_t calls,
    enum points_which which, size_t max, struct points_seen *seen);
void points_release(struct points *p);
void points_forget(struct points_seen *seen);

#endif

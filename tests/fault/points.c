/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/points.h"

#include <stdlib.h>

static int
by_path(const void *x, const void *y)
{
	const struct point *a = x, *b = y;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return (a->nth > b->nth) - (a->nth < b->nth);
}

static int
by_number(const void *x, const void *y)
{
	const struct point *a = x, *b = y;

	return (a->nth > b->nth) - (a->nth < b->nth);
}

static void *
room(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		abort();
	return p;
}

/* Where it stands in the table, or shall stand. */
static uint64_t *
find(struct points_seen *seen, uint64_t path)
{
	size_t i = path % seen->room;

	while (seen->paths[i] != 0 && seen->paths[i] != path)
		i = (i + 1) % seen->room;
	return &seen->paths[i];
}

/* Is it new? No path is 0, as good as. */
static bool
add(struct points_seen *seen, uint64_t path)
{
	if (seen->n * 2 >= seen->room) {
		struct points_seen old = *seen;

		seen->room = old.room == 0 ? 4096 : old.room * 2;
		seen->paths = room(seen->room, sizeof(*seen->paths));
		for (size_t i = 0; i < old.room; i++)
			if (old.paths[i] != 0)
				*find(seen, old.paths[i]) = old.paths[i];
		free(old.paths);
	}
	if (*find(seen, path) == path)
		return false;
	*find(seen, path) = path;
	seen->n++;
	return true;
}

static void
ends_of_each_path(struct points *p, const uint64_t *paths, uint64_t calls,
    bool with_last, struct points_seen *seen)
{
	bool is_new = false;
	struct point *all = room(calls, sizeof(*all));

	for (uint64_t i = 0; i < calls; i++)
		all[i] = (struct point){ paths[i], i + 1 };
	qsort(all, calls, sizeof(*all), by_path);
	for (uint64_t i = 0; i < calls; i++) {
		bool first = i == 0 || all[i].path != all[i - 1].path;
		bool last = i + 1 == calls || all[i].path != all[i + 1].path;

		if (first)
			is_new = add(seen, all[i].path);
		p->n_paths += first;
		if (is_new && (first || (last && with_last)))
			p->at[p->n++] = all[i];
	}
	free(all);
	qsort(p->at, p->n, sizeof(*p->at), by_number);
}

/* A quarter from where it begins, a quarter from where it ends, the rest in
 * steps between them. */
static void
thin_out(struct points *p, size_t max)
{
	size_t dense = max / 4, n = dense, left = max - 2 * dense;
	size_t end = p->n - dense, step = (end - dense) / left;

	for (size_t i = 0; i < left; i++)
		p->at[n++] = p->at[dense + i * step];
	for (size_t i = 0; i < dense; i++)
		p->at[n++] = p->at[end + i];
	p->n = n;
}

void
points_choose(struct points *p, const uint64_t *paths, uint64_t calls,
    enum points_which which, size_t max, struct points_seen *seen)
{
	*p = (struct points){ .at = room(calls, sizeof(*p->at)) };
	ends_of_each_path(p, paths, calls, which != POINTS_FIRST, seen);
	if (which == POINTS_EVERY)
		for (p->n = 0; p->n < calls; p->n++)
			p->at[p->n] = (struct point){ .nth = p->n + 1 };
	if (max != 0 && p->n > max)
		thin_out(p, max);
}

void
points_release(struct points *p)
{
	free(p->at);
	*p = (struct points){ 0 };
}

void
points_forget(struct points_seen *seen)
{
	free(seen->paths);
	*seen = (struct points_seen){ 0 };
}

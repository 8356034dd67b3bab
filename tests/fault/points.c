/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/points.h"

#include <stdlib.h>

struct call {
	uint64_t path, nth;
};

static int
by_path(const void *x, const void *y)
{
	const struct call *a = x, *b = y;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return (a->nth > b->nth) - (a->nth < b->nth);
}

static int
by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
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
    struct points_seen *seen)
{
	bool is_new = false;
	struct call *all = room(calls, sizeof(*all));

	for (uint64_t i = 0; i < calls; i++)
		all[i] = (struct call){ paths[i], i + 1 };
	qsort(all, calls, sizeof(*all), by_path);
	for (uint64_t i = 0; i < calls; i++) {
		bool first = i == 0 || all[i].path != all[i - 1].path;
		bool last = i + 1 == calls || all[i].path != all[i + 1].path;

		if (first)
			is_new = add(seen, all[i].path);
		p->n_paths += first;
		if (is_new && (first || last))
			p->nth[p->n++] = all[i].nth;
	}
	free(all);
	qsort(p->nth, p->n, sizeof(*p->nth), by_number);
}

/* A quarter from where it begins, a quarter from where it ends, the rest in
 * steps between them. */
static void
thin_out(struct points *p, size_t max)
{
	size_t dense = max / 4, n = dense, left = max - 2 * dense;
	size_t end = p->n - dense, step = (end - dense) / left;

	for (size_t i = 0; i < left; i++)
		p->nth[n++] = p->nth[dense + i * step];
	for (size_t i = 0; i < dense; i++)
		p->nth[n++] = p->nth[end + i];
	p->n = n;
}

void
points_choose(struct points *p, const uint64_t *paths, uint64_t calls,
    bool every, size_t max, struct points_seen *seen)
{
	*p = (struct points){ .nth = room(calls, sizeof(*p->nth)) };
	ends_of_each_path(p, paths, calls, seen);
	if (every)
		for (p->n = 0; p->n < calls; p->n++)
			p->nth[p->n] = p->n + 1;
	if (max != 0 && p->n > max)
		thin_out(p, max);
}

void
points_release(struct points *p)
{
	free(p->nth);
	*p = (struct points){ 0 };
}

void
points_forget(struct points_seen *seen)
{
	free(seen->paths);
	*seen = (struct points_seen){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/tree.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tree *reading; /* nftw(3) hands nothing through */
static size_t folder_len;

uint64_t
tree_mark(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t mark = 14695981039346656037u;
	int c;

	if (f == NULL)
		return 0;
	while ((c = getc_unlocked(f)) != EOF)
		mark = (mark ^ (uint64_t)c) * 1099511628211u;
	(void)fclose(f);
	return mark;
}

/* Of a database only that it is there; of what SQLite keeps beside it, which
 * comes and goes, not even that. */
static bool
is_beside(const char *path)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal" };
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n > strlen(ends[i]) &&
		    strcmp(path + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int
note(const char *path, const struct stat *st, int type, struct FTW *where)
{
	struct tree *t = reading;

	(void)st;
	(void)where;
	if (type != FTW_F || is_beside(path))
		return 0;
	t->files = realloc(t->files, (t->n + 1) * sizeof(*t->files));
	if (t->files == NULL)
		abort();
	t->files[t->n].name = strdup(path + folder_len + 1);
	t->files[t->n++].mark =
	    strstr(path, ".db") != NULL ? 0 : tree_mark(path);
	return 0;
}

static int
by_name(const void *x, const void *y)
{
	const struct tree_file *a = x, *b = y;

	return strcmp(a->name, b->name);
}

void
tree_read(struct tree *t, const char *folder)
{
	*t = (struct tree){ 0 };
	reading = t;
	folder_len = strlen(folder);
	if (access(folder, F_OK) == 0 && nftw(folder, note, 16, FTW_PHYS) != 0)
		abort();
	if (t->n > 0)
		qsort(t->files, t->n, sizeof(*t->files), by_name);
}

void
tree_release(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->files[i].name);
	free(t->files);
	*t = (struct tree){ 0 };
}

static bool
has(const struct tree *t, const struct tree_file *f)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->files[i].mark == f->mark &&
		    strcmp(t->files[i].name, f->name) == 0)
			return true;
	return false;
}

/* Does it list the files of before and after? */
static bool
is_list(const char *name)
{
	static const char list[] = "/.ringfence";
	size_t n = strlen(name), m = strlen(list);

	return n > m && strcmp(name + n - m, list) == 0;
}

const char *
tree_stranger(
    const struct tree *t, const struct tree *before, const struct tree *after)
{
	for (size_t i = 0; i < t->n; i++)
		if (!has(before, &t->files[i]) && !has(after, &t->files[i]) &&
		    !is_list(t->files[i].name))
			return t->files[i].name;
	return NULL;
}

static const struct tree_file *
find(const struct tree *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->files[i].name, name) == 0)
			return &t->files[i];
	return NULL;
}

bool
tree_is_between(
    const struct tree *t, const struct tree *before, const struct tree *after)
{
	for (size_t i = 0; i < before->n; i++) {
		const char *name = before->files[i].name;

		if (find(t, name) == NULL && find(after, name) != NULL)
			return false;
	}
	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->files[i].name;

		if (!is_list(name) && !has(before, &t->files[i]) &&
		    !has(after, &t->files[i]) &&
		    (find(before, name) != NULL || find(after, name) != NULL))
			return false;
	}
	return true;
}

bool
tree_equal(const struct tree *a, const struct tree *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!has(b, &a->files[i]))
			return false;
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void
tree_remove(const char *folder)
{
	if (access(folder, F_OK) == 0)
		(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
tree_copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	char chunk[65536];
	size_t n;

	if (in == NULL || out == NULL)
		abort();
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		if (fwrite(chunk, 1, n, out) != n)
			abort();
	(void)fclose(in);
	if (fclose(out) != 0)
		abort();
}

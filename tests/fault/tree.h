/* SPDX-License-Identifier: Apache-2.0 */
/* tree: what files a folder holds, by name and content. */
#ifndef TESTS_FAULT_TREE_H
#define TESTS_FAULT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *name; /* below the folder */
	uint64_t mark;
};

struct tree {
	struct tree_file *files;
	size_t n;
};

/* Every file below it, but what SQLite keeps beside databases, whose content
 * does not count. */
void tree_read(struct tree *t, const char *folder);
void tree_release(struct tree *t);

bool tree_equal(const struct tree *a, const struct tree *b);

/* Is each file of both in t, each of one in t or not, with the content of one
 * of them? Others, of any name, may be there, too. */
bool tree_is_between(
    const struct tree *t, const struct tree *before, const struct tree *after);

/* The first file of t that neither before nor after has with that content, but
 * for a list of what is in a folder; NULL: none. */
const char *tree_stranger(
    const struct tree *t, const struct tree *before, const struct tree *after);

/* A mark of a file's bytes; 0 when it cannot be read. */
uint64_t tree_mark(const char *path);

/* Remove a folder with all that is in it, if it is there. */
void tree_remove(const char *folder);

void tree_copy_file(const char *from, const char *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* child: a ringfence command in a process of its own, with a fault or not. */
#ifndef TESTS_FAULT_CHILD_H
#define TESTS_FAULT_CHILD_H

#include <stdbool.h>

#include "tests/fault/fault.h"

#define PATH_SIZE 512

/* Where the words of a scenario lie; set once. */
struct child_places {
	const char *fixtures, *base;
	char own[PATH_SIZE]; /* # */
	char out[PATH_SIZE], err[PATH_SIZE];
};

struct child_fault {
	enum fault_kind kind;
	bool forever, trace, paths;
	unsigned long long nth; /* 0: count, do not fail */
	uint64_t path; /* or the first that comes by it, from path_from on */
	uint64_t path_from;
};

#define CHILD_SANITIZER 99 /* what a sanitizer exits with */
#define CHILD_SECONDS   60
#define CHILD_PATHS     (1 << 20)

/*
 * Run the command of the words; its output goes to places->out and ->err.
 * The exit status, or minus the signal that ended it. fault may be NULL.
 */
int child_run(const struct child_places *places, const char *words,
    const struct child_fault *fault);

/* Does SQLite find that database whole? An absent one is. */
bool child_database_is_whole(const char *path);

/* Of the last child_run with a fault. */
unsigned long long child_calls(void);
const uint64_t *child_paths(void); /* the first CHILD_PATHS, if asked for */
bool child_failed_some(void);

/* Of cli/main.c, compiled with another name for main. */
int ringfence_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: make the nth allocation, or the nth call to the file system, of a
 * process fail.
 *
 * The shims take the place of the C library's functions in the whole process,
 * so that those of SQLite, jansson, libyaml and libpcap fail as ours do. Only
 * while armed, and never in the process that runs the scenarios. State is in
 * shared memory: the parent reads what became of its child.
 */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_ALLOC, /* malloc and its like answer NULL */
	FAULT_EIO,   /* open, read, write, sync, rename, ... answer EIO */
	FAULT_FULL,  /* what needs room answers ENOSPC, writing half of it */
	FAULT_KILL,  /* SIGKILL where one of these would be done */
};

struct fault_state {
	atomic_bool armed;
	enum fault_kind kind;
	bool trace;   /* say on stderr where it failed first */
	bool forever; /* all from the nth on, not just that one */
	/* From 1; 0: only count. Or the first that comes by this path. */
	atomic_ullong nth;
	uint64_t path;
	uint64_t path_from; /* which is not looked for in earlier calls */
	void *outer; /* paths end at this return address: who made the child */
	atomic_ullong count; /* calls of this kind while armed */
	atomic_ullong fired;
	uint64_t *paths;    /* by what path each call of this kind came */
	uint64_t paths_max; /* of so many; 0: not asked for */
};

extern struct fault_state *fault_state; /* NULL: never fail */

/* One call of this kind: shall it fail? */
bool fault_hits(enum fault_kind kind);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside: a file that takes another's place when it is whole, and does not
 * stay when it never is.
 *
 * It stands beside the output as OUTPUT.ringfence-XXXXXX, with the -wal and
 * -shm of a database, locked as long as its process lives. A signal that ends
 * the process removes it; what SIGKILL or a crash left behind, by its lock, the
 * next one for the same output. Not so on NFS and SMB, where that lock would
 * shut out SQLite. One at a time in a process.
 */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include <limits.h>

#include "core/error.h"

struct beside {
	char path[PATH_MAX];
	int fd; /* holds the lock; it is for beside_end to close */
};

/* Begin one, empty, that only its owner may read. */
RF_MUST_USE enum rf_status beside_begin(
    struct beside *b, const char *output, struct rf_error *err);

/* Let it take the place of output; beside_end is still to come. */
RF_MUST_USE enum rf_status beside_rename(
    struct beside *b, const char *output, struct rf_error *err);

/* Close and, unless it has its place, remove it. */
void beside_end(struct beside *b);

#endif

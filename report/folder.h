/* SPDX-License-Identifier: Apache-2.0 */
/* folder: a folder to write into, by one at a time. */
#ifndef REPORT_FOLDER_H
#define REPORT_FOLDER_H

#include "core/error.h"

/* Make one, unless it is there. */
RF_MUST_USE enum rf_status folder_make(const char *path, struct rf_error *err);

/* Make it with all above it. */
RF_MUST_USE enum rf_status folder_make_all(
    const char *path, struct rf_error *err);

/*
 * Lock one that is there until the descriptor is closed, or the process ends.
 * Waits some seconds for whoever has it; RF_IO: not long enough, or it cannot
 * be opened. Where the file system has no locks it does without.
 */
RF_MUST_USE enum rf_status folder_lock(
    int *fd, const char *path, struct rf_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: a copy of a database as it is at one moment, while a collector goes
 * on writing to it.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "core/error.h"

/*
 * Copy the database at path into a new file without a name beside it, which
 * is gone when *fd is closed; *fd is the caller's and stands at the
 * beginning. The copy needs no -wal and no -shm beside it. As much room as
 * the database takes must be free there. On failure *fd is -1; the codes are
 * those of store_open, and RF_IO when the copy cannot be written.
 */
RF_MUST_USE enum rf_status store_backup(
    int *fd, const char *path, struct rf_error *err);

#endif

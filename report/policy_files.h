/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_files: recommended policies as YAML, in a directory.
 *
 * DIR/<namespace>/<file>: what stands in a namespace's folder is ours alone.
 * A marker file (".ringfence") lists what was written there, so that the next
 * run can remove what it no longer makes, and so that nobody else's file is
 * ever overwritten, removed or mixed with ours.
 */
#ifndef REPORT_POLICY_FILES_H
#define REPORT_POLICY_FILES_H

#include <stdbool.h>

#include "recommender/recommend.h"

/*
 * Write each file beside its place, sync them, rename all, then remove what an
 * earlier run had written into the same namespaces' folders and this one did
 * not. Each folder gets a kustomization.yaml, and the directory one over all
 * folders that bear our marker, with review as REVIEW.md.
 * RF_EXISTS, unless force: a folder holds a file that we did not write, or
 * the directory one of ours by name; nothing was changed. *removed: how many
 * old files went.
 */
RF_MUST_USE enum rf_status policy_files_write(const char *dir,
    const struct recommendation *r, const char *review, bool force,
    size_t *removed, struct rf_error *err);

#endif

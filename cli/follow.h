/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: what changed in a database between one look and the next, for
 * `flows --follow`.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "report/view.h"

struct follow_mark;

/* Zeroed to begin with. */
struct follow {
	struct follow_mark *seen; /* by key */
	size_t n_seen;
	uint64_t looks;
	struct {
		int64_t at_ns, size;
	} files[2]; /* the database and its journal, when last looked at */
};

void follow_release(struct follow *f);

/* Keep the edges that are new, or count more, since the call before. */
RF_MUST_USE enum rf_status follow_keep_changed(struct follow *f, struct view *v,
    struct arena *arena, struct rf_error *err);

/* Wait until somebody has written to the database. */
void follow_wait(struct follow *f, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * would_drop: the judge of `collect -i`: what would these policies have
 * dropped of what is being stored?
 *
 * Flows are judged on the writer's thread, by what audit asks (report/
 * audit_judge.h), after they were stored. Policies come from files, which are
 * read again when told to, or from the cluster that the flows refer to; they
 * are compiled when they or the cluster have changed and there is something
 * to judge. A set that cannot be read leaves the one before in force.
 */
#ifndef CLI_WOULD_DROP_H
#define CLI_WOULD_DROP_H

#include "cli/options.h"
#include "collector/daemon.h"
#include "core/strbuf.h"

struct would_drop;

struct would_drop_options {
	struct option_list policies; /* files and directories */
	bool from_cluster;
};

/* Reads the files; what is wrong with them is said on stderr, and is in err,
 * too. o is borrowed for life. */
RF_MUST_USE enum rf_status would_drop_new(struct would_drop **out,
    const struct would_drop_options *o, struct rf_error *err);
void would_drop_free(struct would_drop *wd); /* NULL is allowed */

/* Read the files again; logs what came of it. On any one thread. */
void would_drop_reload(struct would_drop *wd);

/* For the daemon. */
struct daemon_judge would_drop_judge(struct would_drop *wd);

/* The metrics, as text; on any thread. */
void would_drop_render(void *wd, struct strbuf *out);

#endif

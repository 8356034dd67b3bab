/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: many connections to ask about, one a line.
 */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stdio.h>

#include "report/check_probe.h"

/* Where lines come from and answers go. */
struct probe_files {
	FILE *in, *out;
	const char *name; /* of in, for messages */
};

struct probe_counts {
	uint64_t probes, denied;
};

/*
 * Answer each line of in on out, in its order; blank lines are skipped. The
 * first line that is wrong ends it: RF_INVAL names file, line and field, and
 * what stands before it has been answered.
 */
RF_MUST_USE enum rf_status probe_answer_all(struct probe_counts *counts,
    const struct probe_files *f, const struct check_scene *s, bool as_json,
    struct rf_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage: one sentence for people on what was observed, and what was lost.
 */
#ifndef REPORT_COVERAGE_H
#define REPORT_COVERAGE_H

#include <stdio.h>

#include "core/flow.h"

/*
 * "Observed from … to … in 3 captures: 4711 packets.", and a line for
 * each way in which packets were not used that a reader must know of. What
 * was not observed is nobody's proof: the last line says so.
 */
void coverage_print(FILE *out, const struct flow_set *fs);

/* Only what was lost, a line each, for standard error; nothing if nothing. */
void coverage_warn(FILE *out, const struct flow_set *fs);

/* How many connections wait for their ends to be known; nothing if none. */
void coverage_tell_waiting(FILE *out, const struct flow_set *fs);

#endif

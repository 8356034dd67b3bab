/* SPDX-License-Identifier: Apache-2.0 */
/* policy_stream: recommended policies as one YAML stream. */
#ifndef REPORT_POLICY_STREAM_H
#define REPORT_POLICY_STREAM_H

#include <stdio.h>

#include "recommender/recommend.h"

/*
 * All of them, in rollout order. Each is checked before it is printed; where
 * one fails, those before it stand: as far as they go, they are as safe to
 * apply as the whole.
 */
RF_MUST_USE enum rf_status policy_stream_print(
    FILE *out, const struct recommendation *r, struct rf_error *err);

#endif

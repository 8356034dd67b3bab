/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recommendation: the story beside recommended policies: what each one does,
 * what was left out and why, what a person must decide, and the proof.
 */
#ifndef REPORT_RECOMMENDATION_H
#define REPORT_RECOMMENDATION_H

#include <stdbool.h>
#include <stdio.h>

#include "recommender/recommend.h"

RF_MUST_USE enum rf_status recommendation_print(
    FILE *out, const struct recommendation *r, struct rf_error *err);

/* How many notes of that kind there are. */
size_t recommendation_count(
    const struct recommendation *r, enum recommend_note_kind kind);

#endif

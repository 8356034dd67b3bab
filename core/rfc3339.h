/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rfc3339: times as Kubernetes writes them, as microseconds since the epoch.
 */
#ifndef CORE_RFC3339_H
#define CORE_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#define RFC3339_STRLEN 28 /* 2026-03-02T09:00:00.000000Z and its NUL */

#define TIME_MIN_US INT64_MIN /* "since ever" in intervals */
#define TIME_MAX_US INT64_MAX /* "still" in intervals */

/* Parse "2026-03-02T09:00:00Z", a fraction and a numeric offset allowed. */
bool rfc3339_parse(int64_t *out_us, const char *text);

/* Whole seconds as "…00Z", else with six digits of fraction. buf returned. */
const char *rfc3339_format(int64_t us, char buf[static RFC3339_STRLEN]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* duration: "5s", "10m", "6h", "30d" as microseconds. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* A whole number and one unit of s, m, h, d; "0" alone too. false: it is no
 * such text, or more than a hundred years. */
bool duration_parse(const char *text, int64_t *us);

#endif

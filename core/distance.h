/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distance: how far apart two names are, for asking what was meant.
 */
#ifndef CORE_DISTANCE_H
#define CORE_DISTANCE_H

/*
 * How many insertions, removals, changes and swaps of neighbours make one of
 * the other (optimal string alignment). Texts of more than 64 bytes are as far
 * apart as can be: UINT_MAX.
 */
unsigned name_distance(const char *a, const char *b);

#endif

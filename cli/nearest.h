/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest: the name that someone who mistyped probably meant.
 */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* Offer names one after the other, then ask for best. */
struct nearest {
	const char *wanted;
	const char *best; /* NULL: nothing comes close */
	unsigned distance;
};

void nearest_init(struct nearest *n, const char *wanted);
void nearest_offer(struct nearest *n, const char *name);

#endif

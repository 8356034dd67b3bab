/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_line: messages quote what was read, and stay one line all the same.
 */
#ifndef KUBE_ERROR_LINE_H
#define KUBE_ERROR_LINE_H

#include "core/error.h"

/* Put "?" for every control character; err may be NULL. */
static inline void
error_keep_one_line(struct rf_error *err)
{
	for (char *c = err == NULL ? NULL : err->msg; c && *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

#endif

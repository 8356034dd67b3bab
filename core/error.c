/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum rf_status
rf_fail(struct rf_error *err, enum rf_status code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

enum rf_status
rf_wrap(struct rf_error *err, enum rf_status code, const char *fmt, ...)
{
	char old[RF_ERROR_MAX];
	va_list ap;
	size_t n;

	if (err == NULL)
		return code;
	memcpy(old, err->msg, sizeof(old));
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", old);
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/duration.h"

#include <ctype.h>
#include <string.h>

#define SECONDS_MAX ((int64_t)36525 * 86400)

bool
duration_parse(const char *text, int64_t *us)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	const char *unit;
	int64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (*text - '0');
		if (n > SECONDS_MAX)
			return false;
	}
	*us = 0;
	if (*text == '\0')
		return n == 0;
	unit = strchr(units, *text);
	if (unit == NULL || text[1] != '\0' ||
	    n > SECONDS_MAX / seconds[unit - units])
		return false;
	*us = n * seconds[unit - units] * 1000000;
	return true;
}

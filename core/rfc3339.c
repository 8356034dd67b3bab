/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rfc3339.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* Exactly n digits; false at anything else. */
static bool
take_digits(const char **p, int n, int *out)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return true;
}

static bool
take_char(const char **p, const char *allowed)
{
	for (; *allowed != '\0'; allowed++)
		if (**p == *allowed) {
			(*p)++;
			return true;
		}
	return false;
}

/* ".123456789": microseconds, finer digits cut off. */
static bool
take_fraction(const char **p, int64_t *us)
{
	int64_t unit = 100000;

	*us = 0;
	if (!take_char(p, "."))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*us += unit * (**p - '0');
	return true;
}

/* "Z" or "+01:30": seconds east of UTC. */
static bool
take_offset(const char **p, int *seconds)
{
	int hour, minute, sign = **p == '-' ? -1 : 1;

	*seconds = 0;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hour) ||
	    !take_char(p, ":") || !take_digits(p, 2, &minute))
		return false;
	*seconds = sign * (hour * 3600 + minute * 60);
	return hour < 24 && minute < 60;
}

static bool
is_day(int year, int month, int day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leaps);
}

bool
rfc3339_parse(int64_t *out_us, const char *text)
{
	struct tm tm = { 0 };
	const char *p = text;
	int64_t us;
	int offset;

	if (!take_digits(&p, 4, &tm.tm_year) || !take_char(&p, "-") ||
	    !take_digits(&p, 2, &tm.tm_mon) || !take_char(&p, "-") ||
	    !take_digits(&p, 2, &tm.tm_mday) || !take_char(&p, "Tt ") ||
	    !take_digits(&p, 2, &tm.tm_hour) || !take_char(&p, ":") ||
	    !take_digits(&p, 2, &tm.tm_min) || !take_char(&p, ":") ||
	    !take_digits(&p, 2, &tm.tm_sec) || !take_fraction(&p, &us) ||
	    !take_offset(&p, &offset) || *p != '\0')
		return false;
	if (!is_day(tm.tm_year, tm.tm_mon, tm.tm_mday) || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*out_us = ((int64_t)timegm(&tm) - offset) * 1000000 + us;
	return true;
}

const char *
rfc3339_format(int64_t us, char buf[static RFC3339_STRLEN])
{
	time_t s = (time_t)(us / 1000000);
	int64_t fraction = us % 1000000;
	struct tm tm;
	size_t n;

	if (fraction < 0) {
		fraction += 1000000;
		s--;
	}
	if (gmtime_r(&s, &tm) == NULL || tm.tm_year > 8099 ||
	    tm.tm_year < -1900) {
		(void)snprintf(buf, RFC3339_STRLEN, "0000-00-00T00:00:00Z");
		return buf;
	}
	n = strftime(buf, RFC3339_STRLEN, "%Y-%m-%dT%H:%M:%S", &tm);
	if (fraction == 0)
		(void)snprintf(buf + n, RFC3339_STRLEN - n, "Z");
	else
		(void)snprintf(
		    buf + n, RFC3339_STRLEN - n, ".%06dZ", (int)fraction);
	return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/wall_clock.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)

#define SET_US      (5 * SECOND)  /* less does no harm */
#define READING_US  (10 * SECOND) /* from a look until all is read */
#define OLDEST_US   HOUR          /* in a ring of a process that was stopped */
#define DOUBTFUL_US HOUR
#define DOUBT_US    (24 * HOUR)

int64_t
wall_clock_look(struct wall_clock *c, int64_t now_us, int64_t boot_us)
{
	int64_t by_us = (now_us - c->now_us) - (boot_us - c->boot_us);

	if (!c->has_looked) {
		c->has_looked = true;
		c->doubt_us = boot_us;
		by_us = 0;
	}
	c->now_us = now_us;
	c->boot_us = boot_us;
	if (by_us >= DOUBTFUL_US)
		c->doubt_us = boot_us + DOUBT_US;
	return by_us > -SET_US && by_us < SET_US ? 0 : by_us;
}

int64_t
wall_clock_credible(const struct wall_clock *c, int64_t ts_us)
{
	if (!c->has_looked ||
	    (ts_us <= c->now_us + READING_US && ts_us >= c->now_us - OLDEST_US))
		return ts_us;
	return c->now_us;
}

bool
wall_clock_is_doubtful(const struct wall_clock *c)
{
	return c->boot_us < c->doubt_us;
}

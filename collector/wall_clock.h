/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wall_clock: the system's clock as one that is set now and then, beside one
 * that is not, and what may be believed of times by it. Pure.
 */
#ifndef COLLECTOR_WALL_CLOCK_H
#define COLLECTOR_WALL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Zero before the first look. */
struct wall_clock {
	int64_t now_us, boot_us; /* at the last look */
	int64_t doubt_us;        /* in doubt until boot_us is that far */
	bool has_looked;
};

/*
 * It shows now_us, and boot_us have gone by since some moment, whatever it
 * showed. Returns by how much it was set since the last look; 0: it was not,
 * or by less than five seconds.
 */
int64_t wall_clock_look(struct wall_clock *c, int64_t now_us, int64_t boot_us);

/*
 * The time of a packet that was just read: its own, unless that is one that it
 * cannot have, behind the last look or long before it. Then the last look.
 */
int64_t wall_clock_credible(const struct wall_clock *c, int64_t ts_us);

/* Was it put forward by an hour or more within the last day? By a clock that
 * is wrong everything is old. */
bool wall_clock_is_doubtful(const struct wall_clock *c);

#endif

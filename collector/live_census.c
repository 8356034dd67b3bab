/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/live.h"

#define SECOND       ((int64_t)1000000)
#define FIRST_US     (15 * SECOND)
#define PHASE_US     (5 * SECOND)
#define FIRST_BUDGET 200000 /* packets: about 0.2 s of a core */
#define PHASE_BUDGET 50000

void
live_census_init(struct live_census *c, int64_t period_us, int64_t now_us)
{
	*c = (struct live_census){
		.period_us = period_us, .due_us = now_us, .first = true
	};
}

bool
live_census_step(struct live_census *c, int64_t now_us, uint64_t packets)
{
	if (c->period_us == 0)
		return false;
	if (c->running && (now_us >= c->due_us || packets >= c->budget)) {
		c->running = false;
		c->first = false;
		c->due_us = now_us + c->period_us;
	} else if (!c->running &&
	    (now_us >= c->due_us || c->due_us - now_us > c->period_us)) {
		/* … or the clock was put back */
		c->running = true;
		c->due_us = now_us + (c->first ? FIRST_US : PHASE_US);
		c->budget = packets + (c->first ? FIRST_BUDGET : PHASE_BUDGET);
	}
	return c->running;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_time: a pause takes no time, the clocks go on as if it had.
 *
 * A command that tries again what failed would wait for seconds before; run
 * some thousand times, for hours.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/fault.h"

static atomic_llong skipped_us;

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t us = atomic_load(&skipped_us);
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc != 0 || us == 0 ||
	    (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC))
		return rc;
	t->tv_sec += us / 1000000;
	t->tv_nsec += us % 1000000 * 1000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
	return 0;
}

int
usleep(useconds_t us)
{
	(void)atomic_fetch_add(&skipped_us, us);
	return 0;
}

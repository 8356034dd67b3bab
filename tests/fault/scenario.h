/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario: one command line that is run again and again while something
 * fails.
 *
 * Words of it that begin with @ are paths in fixtures/, with % in a folder
 * that scenario_base and the API server made once and nobody changes, with #
 * in a folder of its own that is new for each try. FROM of copy is in %, or
 * begins with @. "live" is no command of ringfence's but tests/fault/live.c.
 */
#ifndef TESTS_FAULT_SCENARIO_H
#define TESTS_FAULT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

struct scenario {
	const char *name;
	const char *args;
	const char *copy;     /* "FROM TO": a file that # begins with */
	const char *before;   /* a command to run first, without faults */
	const char *database; /* the one in # that it writes, or NULL */
	bool adds;            /* twice is more than once */
	bool has_server;      /* whose pace is another each time */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* Commands that make what stands in %, in this order; NULL ends them. */
extern const char *const scenario_base[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: the loop around live captures: reads them into a daemon, switches
 * their filters for the census, comes back to interfaces that went, and ends
 * on SIGTERM or SIGINT.
 *
 * A census is a short phase in which all of TCP passes the filter, so that
 * connections that were there before are found; it ends early when it has
 * cost enough packets.
 */
#ifndef COLLECTOR_LIVE_H
#define COLLECTOR_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/daemon.h"
#include "core/error.h"

struct live_config {
	const char *const *devices; /* "any", or names of interfaces */
	size_t n_devices;           /* 1 to DAEMON_POINTS_MAX */
	uint32_t snaplen;
	uint32_t ring_bytes; /* of each capture */
	bool full;           /* every packet, not only openings and ends */
	int64_t census_us;   /* from one census to the next; 0: none */
	void (*reload)(void *arg); /* on SIGHUP */
	/* About once a second. idle: one of devices that nothing can come
	 * from now, for it is gone or down; NULL: none is. */
	void (*publish)(
	    void *arg, const struct daemon_stats *stats, const char *idle);
	void *arg;
};

struct live;

/*
 * Open the captures. SIGTERM, SIGINT and SIGHUP are blocked from here on, so
 * that threads which are made later inherit that.
 */
RF_MUST_USE enum rf_status live_open(
    struct live **out, const struct live_config *config, struct rf_error *err);

/* NULL is allowed. */
void live_close(struct live *l);

/* Run until a signal says to end, which is put in *sig. RF_IO: the only
 * capture failed for good. */
RF_MUST_USE enum rf_status live_run(
    struct live *l, struct daemon *d, int *sig, struct rf_error *err);

/* Now, as the timestamps of captures have it. */
int64_t live_now_us(void);

/* Since the system was started, suspended or not; nobody sets it. */
int64_t live_boot_us(void);

/*
 * Until when all that came has been read, by both clocks: pure, for the loop
 * and tests. looked: what they showed right before it was read; it was asked
 * at asked_boot_us what there is to read. Of rings that held more than was read
 * the earliest latest frame is left_us (INT64_MAX: of none). last_boot_us is
 * what was returned before: time never goes back.
 */
struct live_moment {
	int64_t now_us, boot_us;
};
struct live_moment live_read_until(const struct live_moment *looked,
    int64_t asked_boot_us, int64_t left_us, int64_t last_boot_us);

/* When a census is due, and when it is over: pure, for the loop and tests. */
struct live_census {
	int64_t period_us; /* 0: never */
	int64_t due_us;    /* the next one; once begun, its end */
	bool running;
	bool first;      /* the one at the start takes longer */
	uint64_t budget; /* packets until which it runs */
};

void live_census_init(struct live_census *c, int64_t period_us, int64_t now_us);

/* Given the time and the packets taken so far: does it run now? */
bool live_census_step(struct live_census *c, int64_t now_us, uint64_t packets);

#endif

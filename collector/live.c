/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "collector/capture_live.h"
#include "core/log.h"

#define POLL_MS  100
#define READ_MAX 8192 /* frames of one capture before it is another's turn */
#define SECOND   ((int64_t)1000000)
#define RETRY_US SECOND

/* For what the rings hold at the end. */
#define DRAIN_US (5 * SECOND)
/* For so long at most a block of a ring is held. */
#define BLOCK_US ((int64_t)2 * POLL_MS * 1000)

/* One capture point. */
struct point {
	struct capture_live *capture; /* NULL: not open now */
	bool is_down;                 /* open, and its interface is down */
	int64_t retry_us;             /* of live_boot_us() */
	uint64_t dropped_before;      /* by captures that are closed */
	uint64_t dropped;             /* by this one */
	int64_t frame_us;             /* time of the latest frame */
	bool has_spoken;              /* in the last read */
	bool has_more;                /* than that read took */
	struct live *live;
};

struct live {
	struct live_config config;
	struct point points[DAEMON_POINTS_MAX];
	int signals;
	struct live_census census;
	enum filter_mode mode;
	struct daemon *daemon; /* while it runs */
	uint64_t packets;
	/* By live_boot_us(): when the work of every second was last done, and
	 * until when the daemon was told that all was read. */
	int64_t second_us, until_us;
};

static int64_t
clock_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t
live_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t
live_boot_us(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

static enum rf_status
open_point(struct live *l, size_t i, struct rf_error *err)
{
	const struct capture_live_config config = {
		.device = l->config.devices[i],
		.snaplen = l->config.snaplen,
		.ring_bytes = l->config.ring_bytes,
		.timeout_ms = POLL_MS,
		.mode = l->mode,
	};

	return capture_live_open(&l->points[i].capture, &config, err);
}

static enum rf_status
open_signals(struct live *l, struct rf_error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return rf_fail(err, RF_IO, "signals: %s", strerror(errno));
	return RF_OK;
}

enum rf_status
live_open(
    struct live **out, const struct live_config *config, struct rf_error *err)
{
	struct live *l = calloc(1, sizeof(*l));
	enum rf_status st;

	*out = NULL;
	if (l == NULL)
		return rf_fail(err, RF_NOMEM, "capture: out of memory");
	l->config = *config;
	l->signals = -1;
	l->mode = config->full ? FILTER_ALL : FILTER_CONNECTIONS;
	st = open_signals(l, err);
	for (size_t i = 0; st == RF_OK && i < config->n_devices; i++) {
		l->points[i].live = l;
		st = open_point(l, i, err);
	}
	if (st == RF_OK)
		*out = l;
	else
		live_close(l);
	return st;
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->config.n_devices; i++)
		capture_live_close(l->points[i].capture);
	if (l->signals >= 0)
		(void)close(l->signals);
	free(l);
}

static void
on_frame(void *arg, const struct capture_frame *f)
{
	struct point *p = arg;
	struct live *l = p->live;

	l->packets++;
	p->has_spoken = true;
	if (f->ts_us > p->frame_us)
		p->frame_us = f->ts_us;
	daemon_frame(l->daemon, (size_t)(p - l->points),
	    capture_live_link(p->capture), f);
}

/* What the kernel dropped, of every capture that this point has had. */
static void
count_drops(struct live *l, size_t i)
{
	struct point *p = &l->points[i];
	struct rf_error err;
	uint64_t dropped;

	if (p->capture != NULL &&
	    capture_live_dropped(p->capture, &dropped, &err) == RF_OK)
		p->dropped = dropped;
	daemon_dropped(l->daemon, i, p->dropped_before + p->dropped);
}

/* The interface is gone, or down: it may come again. */
static void
close_point(struct live *l, size_t i, const struct rf_error *why)
{
	struct point *p = &l->points[i];

	log_warn("capture", "%s; waiting for it to come back", why->msg);
	count_drops(l, i);
	p->dropped_before += p->dropped;
	p->dropped = 0;
	capture_live_close(p->capture);
	p->capture = NULL;
	p->is_down = false;
	p->retry_us = live_boot_us() + RETRY_US;
}

static void
reopen_points(struct live *l, int64_t boot_us)
{
	struct rf_error err;

	for (size_t i = 0; i < l->config.n_devices; i++) {
		struct point *p = &l->points[i];

		if (p->capture != NULL || boot_us < p->retry_us)
			continue;
		if (open_point(l, i, &err) == RF_OK)
			log_warn("capture", "%s is back", l->config.devices[i]);
		else
			p->retry_us = boot_us + RETRY_US;
	}
}

/* Switch all filters where the census begins or ends. */
static void
set_mode(struct live *l, int64_t boot_us)
{
	enum filter_mode mode = FILTER_ALL;
	struct rf_error err;

	if (!l->config.full)
		mode = live_census_step(&l->census, boot_us, l->packets)
		    ? FILTER_CENSUS
		    : FILTER_CONNECTIONS;
	if (mode == l->mode)
		return;
	l->mode = mode;
	for (size_t i = 0; i < l->config.n_devices; i++) {
		struct point *p = &l->points[i];

		if (p->capture != NULL &&
		    capture_live_set_mode(p->capture, mode, &err) != RF_OK)
			close_point(l, i, &err);
	}
}

/* Which interfaces went without a word? */
static void
check_points(struct live *l)
{
	struct rf_error err;

	for (size_t i = 0; i < l->config.n_devices; i++) {
		struct point *p = &l->points[i];

		if (p->capture != NULL &&
		    capture_live_check(p->capture, &err) != RF_OK)
			close_point(l, i, &err);
	}
}

static void
read_points(struct live *l, const struct pollfd *fds)
{
	struct rf_error err;

	for (size_t i = 0; i < l->config.n_devices; i++) {
		struct point *p = &l->points[i];
		int n = 0;

		p->has_spoken = false;
		if (p->capture != NULL && fds[i].revents != 0 &&
		    capture_live_read(
			p->capture, READ_MAX, on_frame, p, &n, &err) != RF_OK)
			close_point(l, i, &err);
		p->has_more = n >= READ_MAX;
	}
}

/* A device that nothing can come from now; NULL: none. What is new of those
 * that are open is told. */
static const char *
find_idle(struct live *l)
{
	const char *idle = NULL;

	for (size_t i = l->config.n_devices; i-- > 0;) {
		struct point *p = &l->points[i];
		const char *name = l->config.devices[i];
		bool is_down =
		    p->capture != NULL && !capture_live_is_up(p->capture);

		if (is_down && !p->is_down)
			log_warn("capture", "%s is down; nothing comes from it",
			    name);
		else if (p->is_down && !is_down)
			log_warn("capture", "%s is up again", name);
		p->is_down = is_down;
		if (p->capture == NULL || is_down)
			idle = name;
	}
	return idle;
}

/* The work of every second. */
static void
each_second(struct live *l, int64_t boot_us)
{
	struct daemon_stats stats;
	const char *idle;

	if (boot_us - l->second_us < SECOND)
		return;
	l->second_us = boot_us;
	check_points(l);
	reopen_points(l, boot_us);
	idle = find_idle(l);
	for (size_t i = 0; i < l->config.n_devices; i++)
		count_drops(l, i);
	if (l->config.publish == NULL)
		return;
	daemon_stats(l->daemon, &stats);
	l->config.publish(l->config.arg, &stats, idle);
}

/* Take signals; the one that ends, or 0. */
static int
take_signals(struct live *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return (int)info.ssi_signo;
		if (l->config.reload != NULL)
			l->config.reload(l->config.arg);
	}
	return 0;
}

/* Wait for frames or signals. */
static enum rf_status
wait_for(struct live *l, struct pollfd *fds, int wait_ms, struct rf_error *err)
{
	size_t n = l->config.n_devices;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){
			.fd = l->points[i].capture != NULL
			    ? capture_live_fd(l->points[i].capture)
			    : -1,
			.events = POLLIN,
		};
	fds[n] = (struct pollfd){ .fd = l->signals, .events = POLLIN };
	if (poll(fds, n + 1, wait_ms) < 0 && errno != EINTR)
		return rf_fail(err, RF_IO, "poll: %s", strerror(errno));
	return RF_OK;
}

/* Has all been read that came before end_us? is_late: every block of a ring
 * that began before had been handed over when it was looked for. */
static bool
is_drained(const struct live *l, int64_t end_us, bool is_late)
{
	for (size_t i = 0; i < l->config.n_devices; i++) {
		const struct point *p = &l->points[i];

		if (p->capture != NULL && p->frame_us < end_us &&
		    (p->has_spoken || !is_late))
			return false;
	}
	return true;
}

/*
 * What came before the signal is in the rings still; it counts, too. A block
 * of a ring that is not full is handed over when it is as old as a poll lasts,
 * whatever comes from other interfaces meanwhile.
 */
static void
drain(struct live *l, struct pollfd *fds)
{
	int64_t end_us = live_now_us(), boot_us = live_boot_us(), took_us = 0;
	struct rf_error err;
	bool is_late;

	do {
		/* Of what is asked below, not of when it has been read: this
		 * process may have to wait for a processor in between. */
		is_late = took_us >= BLOCK_US;
		if (wait_for(l, fds, is_late ? 0 : POLL_MS, &err) != RF_OK)
			return;
		daemon_clock(l->daemon, live_now_us(), live_boot_us());
		read_points(l, fds);
		took_us = live_boot_us() - boot_us;
	} while (!is_drained(l, end_us, is_late) && took_us < DRAIN_US);
}

struct live_moment
live_read_until(const struct live_moment *looked, int64_t asked_boot_us,
    int64_t left_us, int64_t last_boot_us)
{
	int64_t behind_us = looked->boot_us - asked_boot_us;

	if (left_us < looked->now_us - behind_us)
		behind_us = looked->now_us - left_us;
	if (behind_us > looked->boot_us - last_boot_us)
		behind_us = looked->boot_us - last_boot_us;
	return (struct live_moment){ looked->now_us - behind_us,
		looked->boot_us - behind_us };
}

/*
 * It is as late as what has been read says: what came since it was asked what
 * there is, which may be long ago where this process has to wait for a
 * processor, and what a ring holds still, are older than now.
 */
static void
step(struct live *l, const struct live_moment *looked, int64_t asked_boot_us)
{
	int64_t left_us = INT64_MAX;
	struct live_moment until;

	for (size_t i = 0; i < l->config.n_devices; i++) {
		const struct point *p = &l->points[i];

		if (p->capture != NULL && p->has_more && p->frame_us < left_us)
			left_us = p->frame_us;
	}
	until = live_read_until(looked, asked_boot_us, left_us, l->until_us);
	l->until_us = until.boot_us;
	daemon_step(l->daemon, until.now_us, until.boot_us);
}

enum rf_status
live_run(struct live *l, struct daemon *d, int *sig, struct rf_error *err)
{
	struct pollfd fds[DAEMON_POINTS_MAX + 1];
	struct live_moment looked;
	enum rf_status st;

	l->daemon = d;
	l->until_us = live_boot_us();
	live_census_init(&l->census, l->config.census_us, l->until_us);
	*sig = 0;
	while (*sig == 0) {
		int64_t boot_us = live_boot_us();

		set_mode(l, boot_us);
		each_second(l, boot_us);
		if ((st = wait_for(l, fds, POLL_MS, err)) != RF_OK)
			return st;
		looked = (struct live_moment){ live_now_us(), live_boot_us() };
		daemon_clock(d, looked.now_us, looked.boot_us);
		read_points(l, fds);
		*sig = take_signals(l);
		step(l, &looked, boot_us);
	}
	drain(l, fds);
	for (size_t i = 0; i < l->config.n_devices; i++)
		count_drops(l, i);
	return RF_OK;
}

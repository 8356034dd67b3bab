/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_live: frames from an interface, or from all of them ("any", which
 * says of each frame where it was seen), with the filter in the kernel.
 *
 * Reads never wait; a caller polls the descriptor. The ring is mapped, so it
 * counts as resident memory. One thread.
 */
#ifndef COLLECTOR_CAPTURE_LIVE_H
#define COLLECTOR_CAPTURE_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/capture.h"
#include "collector/filter.h"
#include "core/error.h"

struct capture_live;

struct capture_live_config {
	const char *device;
	uint32_t snaplen;
	uint32_t ring_bytes;
	uint32_t timeout_ms; /* how late a frame may come at a low rate */
	enum filter_mode mode;
};

typedef void capture_live_sink(void *arg, const struct capture_frame *f);

/*
 * Open a device. On success the caller owns *out. On failure *out is NULL:
 * RF_IO when it does not exist, is down or may not be captured on, RF_INVAL
 * when decode does not know its link type.
 */
RF_MUST_USE enum rf_status capture_live_open(struct capture_live **out,
    const struct capture_live_config *config, struct rf_error *err);

/* NULL is allowed. */
void capture_live_close(struct capture_live *c);

/* To poll for reading. */
int capture_live_fd(const struct capture_live *c);

/* As decode() takes it. */
int capture_live_link(const struct capture_live *c);

/*
 * Give what is there, *n and at most max frames, to sink, which may not keep
 * them. RF_IO: the interface is gone; nothing more will come.
 */
RF_MUST_USE enum rf_status capture_live_read(struct capture_live *c, int max,
    capture_live_sink *sink, void *arg, int *n, struct rf_error *err);

/* Filter otherwise from now on. */
RF_MUST_USE enum rf_status capture_live_set_mode(
    struct capture_live *c, enum filter_mode mode, struct rf_error *err);

/*
 * Is its interface still there? One that went down first and away then leaves
 * a socket without an error, which is silent for ever.
 */
RF_MUST_USE enum rf_status capture_live_check(
    const struct capture_live *c, struct rf_error *err);

/* Is its interface up? One that is down stays open, and is silent. */
bool capture_live_is_up(const struct capture_live *c);

/* How many frames the kernel dropped since it was opened: the ring was full. */
RF_MUST_USE enum rf_status capture_live_dropped(
    struct capture_live *c, uint64_t *out, struct rf_error *err);

#endif

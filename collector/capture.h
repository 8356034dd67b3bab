/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: frames out of libpcap, one after the other.
 *
 * The only home of pcap.h. A capture is a file (pcap or pcapng, either byte
 * order, micro- or nanoseconds) or standard input; what a frame holds is
 * decode's business. A capture belongs to one thread; several can be open at
 * once, and a caller that holds each one's next frame can merge them by time.
 */
#ifndef COLLECTOR_CAPTURE_H
#define COLLECTOR_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct capture;

struct capture_frame {
	int64_t ts_us; /* nanoseconds are cut off */
	const uint8_t *data;
	uint32_t captured; /* bytes at data */
	uint32_t wire_len;
};

enum capture_result {
	CAPTURE_FRAME, /* *frame is the next one */
	CAPTURE_END,   /* there is no more; every frame was delivered whole */
	CAPTURE_FAILED /* cut off or corrupt: what came before counts */
};

/*
 * Open a capture file; "-" is standard input, which is read through a
 * duplicate of its descriptor.
 *
 * On success the caller owns *out and releases it with capture_close(). On
 * failure *out is NULL: RF_IO when it cannot be opened or read, RF_CORRUPT
 * when it is empty, cut off in its header or no capture (gzip is named as
 * such), RF_INVAL when decode does not know its link type.
 */
RF_MUST_USE enum rf_status capture_open_file(
    struct capture **out, const char *path, struct rf_error *err);

/* NULL is allowed. */
void capture_close(struct capture *c);

/*
 * The next frame, which is borrowed until the next call for this capture.
 * *frame is set with CAPTURE_FRAME only, err with CAPTURE_FAILED only: it
 * names the capture, the last good packet and the byte where reading ended.
 * After CAPTURE_END and CAPTURE_FAILED there is nothing more to call for.
 */
RF_MUST_USE enum capture_result capture_next(struct capture *c,
    const struct capture_frame **frame, struct rf_error *err);

/* The path as it was given, or "standard input"; borrowed. */
const char *capture_name(const struct capture *c);

/* As decode() takes it. */
int capture_link(const struct capture *c);

/* Its name as libpcap knows it: "LINUX_SLL2". */
const char *capture_link_name(const struct capture *c);

/* Frames delivered so far. */
uint64_t capture_count(const struct capture *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_exact: decode in memory of exactly the captured size, so that a
 * sanitizer sees one byte too many, and check what holds of every packet.
 */
#ifndef TESTS_SUPPORT_DECODE_EXACT_H
#define TESTS_SUPPORT_DECODE_EXACT_H

#include "collector/decode.h"

/*
 * As decode(). p->payload is then NULL or points into frame. Aborts when the
 * packet's payload leaves the frame or an ignored address passes for a flow.
 */
enum decode_result decode_exact(struct packet *p, int link,
    const uint8_t *frame, size_t captured, size_t wire_len);

const char *decode_result_name(enum decode_result r);

#endif

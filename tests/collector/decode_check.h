/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet was read as, in words where it is not what it should be. To be
 * included behind cmocka.h. */
#ifndef TESTS_COLLECTOR_DECODE_CHECK_H
#define TESTS_COLLECTOR_DECODE_CHECK_H

#include "collector/decode.h"
#include "tests/support/decode_exact.h"

static inline void
check_result(const char *name, enum decode_result got, enum decode_result want)
{
	if (got != want)
		fail_msg("%s: %s, not %s", name, decode_result_name(got),
		    decode_result_name(want));
}

static inline void
check_addresses(const struct packet *p, const char *src, const char *dst)
{
	char text[IP_STRLEN];

	assert_string_equal(ip_format(&p->src, text), src);
	assert_string_equal(ip_format(&p->dst, text), dst);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/decode_exact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/flow.h"

#define REQUIRE(what) require(what, #what)

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "decode: not so: %s\n", what);
	abort();
}

static void
check_packet(const struct packet *p, const uint8_t *copy, size_t captured)
{
	REQUIRE(p->protocol == FLOW_TCP || p->protocol == FLOW_UDP ||
	    p->protocol == FLOW_SCTP);
	REQUIRE(ip_is_v4(&p->src) == ip_is_v4(&p->dst));
	REQUIRE(!ip_is_unspecified(&p->src) && !ip_is_unspecified(&p->dst));
	REQUIRE(!ip_is_loopback(&p->src) && !ip_is_loopback(&p->dst));
	REQUIRE(!ip_is_multicast(&p->dst));
	REQUIRE(!p->fragment || !p->more_fragments);
	REQUIRE(!p->fragment || (p->sport == 0 && p->dport == 0));
	REQUIRE(p->payload_captured <= p->payload_bytes);
	REQUIRE((p->payload == NULL) == (p->payload_captured == 0));
	if (p->payload != NULL) {
		REQUIRE(p->payload >= copy);
		REQUIRE((size_t)(p->payload - copy) + p->payload_captured <=
		    captured);
	}
}

enum decode_result
decode_exact(struct packet *p, int link, const uint8_t *frame, size_t captured,
    size_t wire_len)
{
	uint8_t *copy = malloc(captured == 0 ? 1 : captured);
	enum decode_result r;

	REQUIRE(copy != NULL);
	if (captured > 0)
		memcpy(copy, frame, captured);
	memset(p, 0xa5, sizeof(*p)); /* a field that is not set shows */
	r = decode(p, link, copy, captured, wire_len);
	if (r == DECODE_OK) {
		check_packet(p, copy, captured);
		if (p->payload != NULL)
			p->payload = frame + (p->payload - copy);
	}
	free(copy);
	return r;
}

const char *
decode_result_name(enum decode_result r)
{
	static const char *const name[DECODE_RESULT_COUNT] = { "ok",
		"truncated", "malformed", "unsupported", "non-IP", "ICMP",
		"ignored" };

	return (unsigned)r < DECODE_RESULT_COUNT ? name[r] : "?";
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_decode: any bytes as a frame. The first byte chooses the link type, the
 * second by how much the frame was longer on the wire.
 */
#include <stddef.h>
#include <stdint.h>

#include "collector/dns.h"
#include "core/flow.h"
#include "tests/support/decode_exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ignore_answer(
    void *arg, const char *name, const struct ip_addr *ip, uint32_t ttl_s)
{
	(void)arg;
	(void)name;
	(void)ip;
	(void)ttl_s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int links[] = { DECODE_LINK_EN10MB, DECODE_LINK_SLL2,
		DECODE_LINK_SLL, DECODE_LINK_RAW, DECODE_LINK_NULL,
		DECODE_LINK_IPV4, DECODE_LINK_IPV6, DECODE_LINK_LOOP };
	struct packet p;

	if (size < 2)
		return 0;
	/* decode_exact aborts when the packet does not hold together */
	if (decode_exact(&p, links[data[0] % 8], data + 2, size - 2,
		size - 2 + data[1]) == DECODE_OK &&
	    p.protocol == FLOW_UDP && p.payload != NULL)
		(void)dns_parse(
		    p.payload, p.payload_captured, ignore_answer, NULL);
	return 0;
}

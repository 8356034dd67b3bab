/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_conntrack: any bytes as one datagram of netlink. What comes out must be
 * whole, and what is chosen of it must be within its bounds. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/conntrack.h"
#include "core/flow.h"

#define NOW ((int64_t)1767225600 * 1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_entry(void *arg, const struct conntrack_entry *e)
{
	static const struct conntrack_timeouts timeouts = { 432000, 300, 300,
		120, 60, 30, 120, 210 };
	uint64_t *entries = arg;
	struct flow_known k;

	++*entries;
	if (e->protocol != FLOW_TCP && e->protocol != FLOW_UDP &&
	    e->protocol != FLOW_SCTP)
		abort();
	if (conntrack_judge(&k, e, &timeouts, NOW) != CONNTRACK_TAKE)
		return;
	if (k.last_us > NOW || k.last_us < NOW - (int64_t)432000 * 1000000 ||
	    k.client.port == 0 || k.server.port == 0 || !e->replied)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conntrack_parsed p = { .entries = 0 };
	uint64_t entries = 0;

	conntrack_parse(&p, data, size, check_entry, &entries);
	/* An entry takes no fewer bytes than its headers. */
	if (entries != p.entries ||
	    (p.entries + p.others + p.malformed) * 16 > size + 16)
		abort();
	return 0;
}

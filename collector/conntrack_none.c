/* SPDX-License-Identifier: Apache-2.0 */
/* conntrack_read() of a program that was built with CONNTRACK=0. */
#include "collector/conntrack.h"

enum rf_status
conntrack_read(
    struct conntrack_table *out, int64_t now_us, struct rf_error *err)
{
	return conntrack_read_from(-1, out, NULL, now_us, err);
}

enum rf_status
conntrack_read_from(int fd, struct conntrack_table *out,
    const struct conntrack_timeouts *t, int64_t now_us, struct rf_error *err)
{
	(void)fd;
	(void)t;
	*out = (struct conntrack_table){ .read_us = now_us };
	return rf_fail(err, RF_VERSION, "this program was built without it");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege: give up what a collector does not need once it is open.
 *
 * A capture that is open needs no privilege, neither to be read nor to have
 * its filter switched. Opening one again (a named interface that went and
 * came back) needs CAP_NET_RAW, which is then all that is kept.
 */
#ifndef COLLECTOR_PRIVILEGE_H
#define COLLECTOR_PRIVILEGE_H

#include <stdbool.h>

#include "core/error.h"

struct privilege_config {
	const char *user;   /* to become, when run as root; NULL: stay */
	bool user_optional; /* stay, if changing the user is not permitted */
	bool keep_net_raw;  /* captures may be opened again */
	bool keep_network;  /* connections to others may be opened */
};

/*
 * Become the user, drop every capability but what is to be kept, and rule out
 * that executing a file gives any back. Call it before there are threads:
 * capabilities belong to one. RF_INVAL: there is no such user.
 * (A container with NET_RAW alone cannot become another user: then root without
 * capabilities, who may no more than own its files, is what is left.)
 */
RF_MUST_USE enum rf_status privilege_drop(
    const struct privilege_config *config, struct rf_error *err);

/*
 * Allow this process, in all of its threads, no system call but those that a
 * collector makes while it runs; others fail with EPERM. RF_IO where the
 * kernel has no such filter.
 */
RF_MUST_USE enum rf_status privilege_confine(
    const struct privilege_config *config, struct rf_error *err);

#endif

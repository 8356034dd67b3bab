/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_check: whatever a cluster was read from, its indices, intervals and
 * lists must agree with each other. Aborts where they do not.
 */
#ifndef TESTS_SUPPORT_CLUSTER_CHECK_H
#define TESTS_SUPPORT_CLUSTER_CHECK_H

#include "kube/cluster.h"

/* c is finished. */
void cluster_check(const struct cluster *c);

#endif

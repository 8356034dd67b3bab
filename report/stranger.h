/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger: whether a policy's ingress may let in a new pod, which has a label
 * of its own alone and some address of the cluster.
 */
#ifndef REPORT_STRANGER_H
#define REPORT_STRANGER_H

#include "kube/cluster.h"
#include "policy/policy.h"

/* true, too, where that cannot be told: nobody is then asked to prove that it
 * is denied. */
bool stranger_is_admitted(const struct policy *p, const struct cluster *c);

#endif

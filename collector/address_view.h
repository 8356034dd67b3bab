/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_view: what the cluster knows of addresses, for the flow table. Pure.
 */
#ifndef COLLECTOR_ADDRESS_VIEW_H
#define COLLECTOR_ADDRESS_VIEW_H

#include "collector/leg_join.h"
#include "kube/address.h"

/* Borrows c. */
struct address_view address_view_of(const struct cluster *c);

enum address_class address_class_of(const struct address_owner *o);

#endif

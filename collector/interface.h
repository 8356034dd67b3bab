/* SPDX-License-Identifier: Apache-2.0 */
/* interface: what the kernel says of the one that a packet socket is bound to
 * (packet(7)). */
#ifndef COLLECTOR_INTERFACE_H
#define COLLECTOR_INTERFACE_H

#include <stdbool.h>

/* Was the interface of this packet socket taken away? The kernel takes the
 * socket's index with it. Never of one that is bound to all. */
bool interface_is_gone(int fd);

/* Is it up? Of a socket that is bound to all: is any? true, too, where the
 * kernel does not say. */
bool interface_is_up(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listeners: addresses and ports on which a handshake was seen to be accepted,
 * so that a connection without one can be given its direction.
 *
 * Of a fixed size, for weeks: at least the last third of max that was learnt is
 * known. A direction by what is forgotten may stay guessed; one by an address
 * that another has by now is wrong only where that one dials from the very port
 * on which the former listened.
 */
#ifndef COLLECTOR_LISTENERS_H
#define COLLECTOR_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ip.h"

struct listeners;

/* max: a power of two, at least 8. NULL: out of memory. */
struct listeners *listeners_new(uint32_t max, uint64_t seed);
void listeners_free(struct listeners *l);

void listeners_learn(struct listeners *l, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol);
bool listeners_has(const struct listeners *l, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol);

#endif

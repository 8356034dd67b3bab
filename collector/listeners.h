/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listeners: addresses and ports on which a handshake was seen to be accepted,
 * so that a connection without one can be given its direction.
 *
 * Fixed size; when it is full, further ones are not learnt (and then a
 * direction may stay guessed, never wrong).
 */
#ifndef COLLECTOR_LISTENERS_H
#define COLLECTOR_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ip.h"

struct listeners;

/* max: a power of two. NULL: out of memory. */
struct listeners *listeners_new(uint32_t max, uint64_t seed);
void listeners_free(struct listeners *l);

void listeners_learn(struct listeners *l, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol);
bool listeners_has(const struct listeners *l, const struct ip_addr *ip,
    uint16_t port, uint8_t protocol);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put_out: legs that the flow table let go of while their connection lived.
 *
 * It was told then. What it sends later is more of it, with the same client
 * and the same fate: for that a few bits of each are kept, under a hash of its
 * addresses and ports of 38 bits beside its place. Of a fixed size, touched
 * only once a leg is put out; of those that want one place the oldest goes,
 * which is counted. Private to the flow table.
 */
#ifndef COLLECTOR_PUT_OUT_H
#define COLLECTOR_PUT_OUT_H

#include "collector/leg.h"

struct put_out;

/* NULL: out of memory. */
struct put_out *put_out_new(uint64_t seed);
void put_out_free(struct put_out *po);

/* What is kept of a leg: flags of LEG_PAIRS and LEG_FIRST_LO, as that leg has
 * the ends. */
void put_out_remember(struct put_out *po, const struct leg_key *key,
    uint32_t hash, uint32_t flags, uint32_t now_ms);

/*
 * Was that leg put out? Then these were its flags, and it is forgotten. Of UDP,
 * whose ports come round unseen, only if that was less than a minute ago. That
 * is known modulo 70 minutes: ports that come round after more than an hour, if
 * no other leg has taken the place until then, are taken for the same exchange
 * once in 85 times, and one connection is not counted.
 */
bool put_out_recall(struct put_out *po, const struct leg_key *key,
    uint32_t hash, uint32_t now_ms, uint32_t *flags);

/* How many were forgotten to make place for others. */
uint64_t put_out_forgotten(const struct put_out *po);

#endif

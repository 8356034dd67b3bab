/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: which DNS names were answered with which addresses, and which client
 * was led to a pod by the name of a headless Service.
 *
 * Names of Services' own addresses are of no use and not kept. Bounded: when
 * it is full, stats count what was not learnt.
 */
#ifndef COLLECTOR_NAMES_H
#define COLLECTOR_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "kube/cluster.h"

struct names;

struct names_stats {
	uint64_t answers; /* DNS messages that answered something */
	uint64_t learnt;
	uint64_t overflow; /* not learnt: the table is full */
	uint64_t malformed;
};

/* c is borrowed. NULL: out of memory. */
struct names *names_new(const struct cluster *c, uint64_t seed);
void names_free(struct names *n);

/*
 * What a DNS message is known again by; 0 where it has no addresses to read.
 * Reads only what is fixed at birth, so another thread may ask meanwhile.
 */
uint64_t names_mark(const struct names *n, const uint8_t *msg, size_t len);

/* One answer was received that has no mark: it counts, and tells nothing. */
void names_count(struct names *n);

/* Read one DNS message that client received at at_us; mark is its own. */
void names_read(struct names *n, const struct ip_addr *client,
    const uint8_t *msg, size_t len, uint64_t mark, int64_t at_us);

/* The headless Service under whose name client got the address ip, or
 * FLOW_NONE. */
uint32_t names_headless(const struct names *n, const struct ip_addr *client,
    const struct ip_addr *ip);

/* Changes whenever an answer of names_headless might. */
uint64_t names_headless_state(const struct names *n);

/*
 * From now on the cluster is c; the one before is still there to be read.
 * What was learnt stays.
 */
void names_set_cluster(struct names *n, const struct cluster *c);

/* Is it time to write them down? What the messages of one batch can tell has
 * room still. */
bool names_is_filling(const struct names *n);

/* Forget the names of addresses: they are written down. */
void names_forget(struct names *n);

/* All names, in no order; borrowed until the next names_read. */
const struct dns_name *names_all(const struct names *n, size_t *count);

const struct names_stats *names_stats(const struct names *n);

#endif

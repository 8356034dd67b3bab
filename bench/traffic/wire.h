/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: packets as bytes into a pcap file, for the benchmark's generator.
 *
 * Payload is zeros unless given, so that a checksum needs only the headers.
 */
#ifndef BENCH_TRAFFIC_WIRE_H
#define BENCH_TRAFFIC_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/ip.h"

#define WIRE_SNAPLEN 256

enum wire_kind { WIRE_IN = 0, WIRE_OUT = 4 }; /* LINUX_SLL2 packet types */

struct wire {
	FILE *f;
	bool sll2; /* LINUX_SLL2, else Ethernet */
	int64_t now_us;
	uint64_t packets; /* written */
};

/* Who sends to whom, as one interface shows it. */
struct wire_flow {
	struct ip_addr src, dst;
	uint16_t sport, dport;
};

/* One packet's transport part, the same wherever it is seen. */
struct wire_packet {
	uint8_t protocol; /* FLOW_TCP or FLOW_UDP */
	uint8_t flags;    /* TCP */
	uint16_t ip_id;
	uint32_t seq, ack;   /* TCP */
	uint32_t tsval;      /* TCP */
	uint32_t bytes;      /* of payload */
	const uint8_t *data; /* the payload, or NULL: zeros */
};

/* Create path and write its header; false and errno on failure. */
bool wire_open(struct wire *w, const char *path, bool sll2);

/* Flush and close; false when any write failed. */
bool wire_close(struct wire *w);

/* One sighting. ifindex and kind are not shown by Ethernet. */
void wire_put(struct wire *w, const struct wire_flow *flow,
    const struct wire_packet *p, uint32_t ifindex, enum wire_kind kind);

/*
 * A DNS message for one A or AAAA question about name; an answer with
 * address, or NXDOMAIN when address is NULL. Returns its length.
 */
uint32_t wire_dns(uint8_t buf[static WIRE_SNAPLEN], uint16_t id,
    const char *name, bool aaaa, bool answer, const struct ip_addr *address);

#endif

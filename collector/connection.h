/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection: what the flow table says of one connection once it is over, or
 * once something of it has to be stored.
 *
 * A leg is one pair of addresses and ports under which the connection was
 * seen: before and after DNAT, before and after SNAT. Legs that carried the
 * same packets are one connection.
 */
#ifndef COLLECTOR_CONNECTION_H
#define COLLECTOR_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ip.h"

#define CONNECTION_LEGS_MAX 6

struct socket_addr {
	struct ip_addr ip;
	uint16_t port;
};

struct connection_leg {
	struct socket_addr client, server;
	int64_t first_us;
	uint32_t last_out_if;  /* interface that the client's last unanswered
				* packet left on; 0: none, or not known */
	uint32_t other_out_if; /* the same at another capture point: as clocks
				* differ, either may be the later one */
	uint8_t last_out_point, other_out_point;
};

/* How the client's side was told apart. */
enum connection_opening {
	OPENING_HANDSHAKE, /* SYN or SYN-ACK, INIT or INIT-ACK, DNS QR bit; or
			    * the kernel saw it */
	OPENING_FIRST      /* the client's side is who sent first */
};

/* Was it delivered? By what a process before this one knew of interfaces, or as
 * nothing was sent to the server. */
enum connection_delivery {
	DELIVERY_UNTOLD, /* there was none, or it could not tell */
	DELIVERY_SURE,
	DELIVERY_UNSURE
};

struct connection {
	uint8_t protocol; /* enum flow_protocol */
	uint8_t opening;  /* enum connection_opening */
	uint8_t n_legs;
	bool accepted;    /* SYN-ACK or INIT-ACK was seen */
	bool both_ways;   /* payload (UDP: packets) in both directions */
	bool any_reply;   /* both sides sent more than resets */
	bool any_data;    /* payload from either side */
	bool refused;     /* RST or ABORT answered, or ICMP unreachable did */
	bool types_known; /* the link type says how the host saw packets */
	bool entered;     /* a packet of the client came in here … */
	bool left;        /* … and one left; at each capture point that it
			   * entered */
	bool known;       /* the kernel's connection table had it */
	uint8_t delivery; /* enum connection_delivery */
	uint32_t counted; /* so many connections; 0: more of one told before */
	int64_t saved;    /* the row that has it as not told yet; 0: none */
	uint64_t packets, bytes;
	int64_t first_us, last_us;
	struct connection_leg legs[CONNECTION_LEGS_MAX]; /* first seen first */
};

/* How much of it is set: legs behind n_legs are not. */
static inline size_t
connection_bytes(const struct connection *c)
{
	return offsetof(struct connection, legs) +
	    c->n_legs * sizeof(c->legs[0]);
}

/* So many connections are told together at most. */
#define CONNECTION_BATCH 16

/* Takes n connections, in the order in which they ended; borrowed for the
 * call. */
typedef void connection_sink(void *arg, const struct connection *v, size_t n);

#endif

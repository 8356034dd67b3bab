/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow: what was seen, in plain values that every room shares.
 *
 * A connection is one TCP or SCTP association or one UDP exchange. A flow is
 * the sum of the connections between two endpoints on one protocol and
 * destination port within one window. An edge is a flow summed over windows
 * and over the pods of a workload (core/edge.h).
 *
 * Pods, workloads, nodes and services are named by their index in the
 * struct cluster (kube/cluster.h) that goes with the flows; FLOW_NONE means
 * none. Times are microseconds since the epoch.
 */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ip.h"

#define FLOW_NONE UINT32_MAX

/* IANA protocol numbers of what NetworkPolicy can express. */
enum flow_protocol { FLOW_TCP = 6, FLOW_UDP = 17, FLOW_SCTP = 132 };

enum flow_outcome {
	OUTCOME_ESTABLISHED, /* SYN-ACK, INIT-ACK, or data both ways */
	OUTCOME_ONEWAY,      /* UDP delivered to a listening pod, no answer */
	OUTCOME_MIDSTREAM,   /* data, but the handshake was not seen */
	OUTCOME_REFUSED,     /* RST, ABORT or ICMP unreachable */
	OUTCOME_UNANSWERED,  /* left for its destination, nothing came back */
	OUTCOME_DROPPED      /* came in from a pod and left on no interface */
};
#define OUTCOME_COUNT 6

/* How we know which end is the client. Guessed never becomes a rule. */
enum flow_certainty {
	CERTAINTY_HANDSHAKE, /* the opening was seen, by us or by the kernel */
	CERTAINTY_LISTENER,  /* one end is known to listen on its port */
	CERTAINTY_GUESSED
};
#define CERTAINTY_COUNT 3

enum endpoint_type {
	ENDPOINT_WORKLOAD, /* a pod with an address of its own */
	ENDPOINT_NODE,     /* a node, its gateway addresses, hostNetwork pods */
	ENDPOINT_EXTERNAL, /* outside of every pod, service and node range */
	ENDPOINT_UNKNOWN   /* inside such a range, owner at that time unknown */
};
#define ENDPOINT_TYPE_COUNT 4

/* From which side of the network a flow was observed (bits). */
enum flow_side {
	SIDE_SRC = 1, /* on the source's node */
	SIDE_DST = 2  /* on the destination's node */
};

/* Who an address was at the time of the flow. */
struct endpoint {
	enum endpoint_type type;
	struct ip_addr ip; /* zero: one of several backends, not known which */
	uint32_t workload; /* WORKLOAD: index in the cluster's workloads */
	uint32_t pod;      /* WORKLOAD: in its pods; FLOW_NONE if ip is zero */
	uint32_t node;     /* NODE: in its nodes; WORKLOAD: the pod's node */
};

struct flow {
	int64_t window_us; /* start of the window */
	uint32_t src;      /* index of an endpoint: the client itself */
	uint32_t dst;      /* the server itself: after every DNAT */
	uint32_t seen_src; /* the source as dst sees it; = src without SNAT */
	uint32_t service;  /* the Service that was dialled, or FLOW_NONE */
	uint16_t service_port; /* its port as dialled, 0 without a Service */
	uint16_t port;         /* dst's port: after every DNAT */
	uint8_t protocol;      /* enum flow_protocol */
	uint8_t outcome;       /* enum flow_outcome */
	uint8_t certainty;     /* enum flow_certainty */
	uint8_t sides;         /* enum flow_side bits */
	uint64_t connections;
	uint64_t packets; /* both directions, each counted once */
	uint64_t bytes;   /* of them, from the IP header on */
	int64_t first_us, last_us;
};

/* A name that DNS answers gave to an address, to the end of the last's TTL. */
struct dns_name {
	struct ip_addr ip;
	const char *name; /* lower case, no final dot */
	int64_t first_us, last_us;
};

/* What one capture point has seen, and what it could not use. */
struct coverage {
	const char *node;   /* as given by --node; "": it was not, never NULL */
	const char *source; /* file name, or interface */
	int64_t from_us, to_us;
	uint64_t packets;   /* received from libpcap */
	uint64_t dropped;   /* lost by kernel or interface (libpcap's stats) */
	uint64_t truncated; /* cut by the snaplen before what we need */
	uint64_t malformed; /* lengths or fields that contradict */
	uint64_t unsupported; /* link type, ethertype or protocol not ours */
	uint64_t non_ip;      /* ARP, LLDP and the like */
	uint64_t icmp;        /* ICMP that is no error: echo, neighbours */
	uint64_t ignored;     /* loopback, multicast, link-local control */
	uint64_t fragments;   /* fragments behind the first */
	uint64_t table_full;  /* connections that a full table put out early */
	uint64_t unowned;     /* connections whose ends are unknown because
			       * the cluster was not watched at the time */
	int64_t known_us;     /* until when the cluster was watched; 0: it was
			       * not, its objects were given */
};

/* Is it known when it was? A file without a packet does not tell: 0 to 0. */
static inline bool
coverage_has_time(const struct coverage *c)
{
	return c->packets > 0 || c->from_us != 0 || c->to_us != 0;
}

/* Flows with all they refer to, as one value. Borrowed memory throughout. */
struct flow_set {
	const struct endpoint *endpoints;
	size_t n_endpoints;
	const struct flow *flows;
	size_t n_flows;
	const struct dns_name *names; /* sorted by ip, then name */
	size_t n_names;
	const struct coverage *coverage;
	size_t n_coverage;
	uint64_t waiting; /* connections for their ends to be known: they are
			   * in none of the flows, of whatever time or ends */
	uint64_t open;    /* neither are these, without an answer yet */
};

/* Stable words for output and storage; NULL for a value out of range. */
const char *flow_protocol_name(unsigned protocol);   /* "TCP" */
const char *flow_outcome_name(unsigned outcome);     /* "established" */
const char *flow_certainty_name(unsigned certainty); /* "handshake" */
const char *endpoint_type_name(unsigned type);       /* "workload" */

/* 0 for anything but TCP, UDP, SCTP written exactly so (SEMANTICS 57). */
unsigned flow_protocol_parse(const char *name);

#endif

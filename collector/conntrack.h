/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conntrack: what the kernel's connection table knows of connections that
 * were there before we were: who opened them, and what translation they have.
 *
 * The reader of netlink messages and the choice of what is worth taking over
 * are pure; conntrack_read() asks the kernel, where it was built in
 * (conntrack_netlink.c, else conntrack_none.c). An entry outlives what it
 * stands for: a pod that vanished without a FIN leaves one for days, and its
 * address may belong to another by now. So each is dated by the time that it
 * has left: whoever held the addresses when the kernel last saw a packet of it
 * is who it is about.
 */
#ifndef COLLECTOR_CONNTRACK_H
#define COLLECTOR_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/connection.h"
#include "collector/flow_table.h"
#include "core/error.h"

/* The kernel's states that matter (enum tcp_conntrack, sctp_conntrack). */
enum {
	CONNTRACK_TCP_ESTABLISHED = 3,
	CONNTRACK_TCP_FIN_WAIT = 4,
	CONNTRACK_TCP_CLOSE_WAIT = 5,
	CONNTRACK_SCTP_ESTABLISHED = 4
};

/* One entry. The tuples are those of the packets of either direction. */
struct conntrack_entry {
	struct socket_addr src, dst;             /* of who spoke first */
	struct socket_addr reply_src, reply_dst; /* of who answered */
	uint8_t protocol;
	uint8_t state;     /* TCP and SCTP: the kernel's; else 0 */
	uint8_t tcp_flags; /* of both directions */
	bool replied, assured;
	bool has_timeout;   /* false: it is kept alive by a fast path */
	uint32_t timeout_s; /* until it is forgotten */
};

typedef void conntrack_sink(void *arg, const struct conntrack_entry *e);

/* Counts over all that was parsed. */
struct conntrack_parsed {
	uint64_t entries;   /* given to the sink */
	uint64_t others;    /* of protocols that are none of ours */
	uint64_t malformed; /* lengths or fields that contradict, or lack */
	bool interrupted;   /* the table changed: entries lack, or came twice */
	bool done;          /* the dump's end was read, or an error */
	int error;          /* the kernel's errno for the dump, or 0 */
};

/*
 * Read the netlink messages of one datagram, in host byte order as netlink
 * has them. What cannot be read is counted; nothing is read behind size.
 */
void conntrack_parse(struct conntrack_parsed *p, const uint8_t *data,
    size_t size, conntrack_sink *sink, void *arg);

/* The kernel's timeouts of idle entries, in seconds; 0: not known. */
struct conntrack_timeouts {
	uint32_t tcp_established, tcp_unacknowledged, tcp_max_retrans;
	uint32_t tcp_fin_wait, tcp_close_wait;
	uint32_t udp, udp_stream, sctp_established;
};

/* Why an entry is not taken over. */
enum conntrack_verdict {
	CONNTRACK_TAKE,
	CONNTRACK_OVER,    /* not established, ended, or silent for too long */
	CONNTRACK_IGNORED, /* loopback, multicast: never anything to us */
	CONNTRACK_UNDATED  /* when it was last heard of is not known */
};

/* Is this entry a connection that goes on at now_us, and what of it? */
enum conntrack_verdict conntrack_judge(struct flow_known *out,
    const struct conntrack_entry *e, const struct conntrack_timeouts *t,
    int64_t now_us);

#define CONNTRACK_KNOWN_MAX    32768 /* half a daemon's table, two legs each */
#define CONNTRACK_READINGS_MAX 3

/* What was read, and what became of it. */
struct conntrack_table {
	struct flow_known *v;
	size_t n;
	int64_t read_us; /* when it was begun, by which entries are dated … */
	int64_t done_us; /* … and all are of connections that were there */
	struct conntrack_parsed parsed;
	uint64_t over, ignored, undated;
	uint64_t too_many;    /* beyond CONNTRACK_KNOWN_MAX */
	uint64_t interrupted; /* readings that the kernel calls interrupted;
			       * CONNTRACK_READINGS_MAX: this one too */
};

/*
 * Read the kernel's table for this network namespace, of all zones, from now_us
 * on and in at most some seconds; again, while it changes too much meanwhile,
 * up to CONNTRACK_READINGS_MAX times. RF_IO: it cannot be read, and err says
 * why. RF_VERSION: this program or this kernel has no such thing. On failure
 * *out is empty.
 */
RF_MUST_USE enum rf_status conntrack_read(
    struct conntrack_table *out, int64_t now_us, struct rf_error *err);

/* The same from a socket, which is asked and answers as netlink does. */
RF_MUST_USE enum rf_status conntrack_read_from(int fd,
    struct conntrack_table *out, const struct conntrack_timeouts *t,
    int64_t now_us, struct rf_error *err);

/* Free v; the counts stay. */
void conntrack_release(struct conntrack_table *t);

#endif

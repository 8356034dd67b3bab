/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send_frames: made frames onto an interface, as fast as is asked for, for
 * bench/live.sh: what a live collector on the other end of a veth has to take.
 *
 *   send_frames IFACE MAC data KPPS SECONDS FLOWS
 *   send_frames IFACE MAC connections PER-SECOND SECONDS [SERVERS]
 *   send_frames IFACE MAC scan KPPS SOURCES
 *
 * data: segments of 60 bytes of connections that are open already; KPPS 0 is
 * as fast as it goes. connections: whole ones, opened, answered and closed,
 * eight packets each, both directions; with SERVERS so many, of 100 clients, no
 * two in a row of the same pair. scan: a SYN from each of that many
 * sources. Prints packets, what they stand for, and the seconds it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH     64
#define FRAME_MAX 128
#define PER_CONN  8 /* packets of a whole connection */

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct sender {
	int fd;
	uint8_t mac[6];
	uint64_t kpps;    /* 0: no limit */
	uint32_t servers; /* 0: fifty, of one client for long */
	struct timespec start;
	uint64_t sent;
	size_t n;
	uint8_t frames[BATCH][FRAME_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
};

/* One TCP packet between two made addresses. */
struct segment {
	uint32_t client, server; /* of 10.0.0.0/8 */
	uint16_t port;           /* the client's */
	uint32_t seq, ack;
	uint8_t flags;
	uint8_t payload;
	bool answer; /* from the server */
};

static int
die(const char *what)
{
	fprintf(stderr, "send_frames: %s: %s\n", what, strerror(errno));
	return 1;
}

static double
elapsed(const struct sender *s)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - s->start.tv_sec) +
	    (double)(now.tv_nsec - s->start.tv_nsec) / 1e9;
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* Checksums stay zero: nobody on the way looks at them. */
static size_t
build(const struct sender *s, uint8_t *f, const struct segment *t)
{
	size_t len = 40u + t->payload;
	uint32_t client = 0x0a000000 | t->client;
	uint32_t server = 0x0a000000 | t->server;

	memset(f, 0, FRAME_MAX);
	memcpy(f, s->mac, 6);
	f[6] = 2;
	put16(f + 12, ETHERTYPE_IP);
	f[14] = 0x45;
	put16(f + 16, (unsigned)len);
	f[22] = 64;
	f[23] = IPPROTO_TCP;
	put32(f + 26, t->answer ? server : client);
	put32(f + 30, t->answer ? client : server);
	put16(f + 34, t->answer ? 8080 : t->port);
	put16(f + 36, t->answer ? t->port : 8080);
	put32(f + 38, t->seq);
	put32(f + 42, t->ack);
	f[46] = 0x50;
	f[47] = t->flags;
	put16(f + 48, 1000);
	return 14 + len;
}

static void
flush(struct sender *s)
{
	size_t at = 0;

	while (at < s->n) {
		int n = sendmmsg(s->fd, s->msgs + at, (unsigned)(s->n - at), 0);

		if (n > 0)
			at += (size_t)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			exit(die("send"));
	}
	s->sent += s->n;
	s->n = 0;
	if (s->kpps == 0)
		return;
	/* Batches are small enough to be spun apart at any rate worth it. */
	for (;;) {
		double ahead =
		    (double)s->sent / ((double)s->kpps * 1e3) - elapsed(s);

		if (ahead <= 0)
			return;
		if (ahead > 0.0005)
			(void)usleep((useconds_t)(ahead * 5e5));
	}
}

static void
add(struct sender *s, const struct segment *t)
{
	size_t n = build(s, s->frames[s->n], t);

	s->iov[s->n].iov_len = n;
	if (++s->n == BATCH)
		flush(s);
}

static uint64_t
send_data(struct sender *s, double seconds, uint32_t flows)
{
	uint32_t i = 0;

	while (elapsed(s) < seconds) {
		const struct segment t = {
			.client = 1 + i % flows,
			.server = 0x800000 | (i % flows % 100),
			.port = (uint16_t)(32768 + i % flows % 20000),
			.seq = i,
			.ack = 1,
			.flags = PSH | ACK,
			.payload = 60,
			.answer = i / flows % 2,
		};

		add(s, &t);
		i++;
	}
	flush(s);
	return flows;
}

/* One whole connection, by its number. */
static void
send_connection(struct sender *s, uint32_t i)
{
	static const struct {
		uint8_t flags, payload;
		bool answer;
	} steps[PER_CONN] = {
		{ SYN, 0, false },
		{ SYN | ACK, 0, true },
		{ ACK, 0, false },
		{ PSH | ACK, 60, false },
		{ PSH | ACK, 60, true },
		{ FIN | ACK, 0, false },
		{ FIN | ACK, 0, true },
		{ ACK, 0, false },
	};
	uint32_t seq = i * 2654435761u, ack = 0, t;

	for (size_t k = 0; k < PER_CONN; k++) {
		const struct segment g = {
			.client =
			    1 + (s->servers != 0 ? i % 100 : i / 20000 % 200),
			.server =
			    0x800000 | i % (s->servers != 0 ? s->servers : 50),
			.port = (uint16_t)(32768 + i % 20000),
			.seq = steps[k].answer ? ack + (uint32_t)k : seq,
			.ack = steps[k].answer ? seq + 1 : ack + 1,
			.flags = steps[k].flags,
			.payload = steps[k].payload,
			.answer = steps[k].answer,
		};

		add(s, &g);
		t = steps[k].payload + (steps[k].flags & (SYN | FIN) ? 1u : 0u);
		if (steps[k].answer)
			ack += t;
		else
			seq += t;
	}
}

static uint64_t
send_connections(struct sender *s, double rate, double seconds)
{
	uint32_t i = 0, all = (uint32_t)(rate * seconds);

	while (i < all) {
		while (i < all && (double)i < elapsed(s) * rate)
			send_connection(s, i++);
		flush(s);
		(void)usleep(1000);
	}
	return i;
}

static uint64_t
send_scan(struct sender *s, uint32_t sources)
{
	for (uint32_t i = 0; i < sources; i++) {
		const struct segment t = {
			.client = 1 + i,
			.server = 0x800000,
			.port = (uint16_t)(32768 + i % 20000),
			.seq = i * 2654435761u,
			.flags = SYN,
		};

		add(s, &t);
	}
	flush(s);
	return sources;
}

static int
open_sender(struct sender *s, const char *iface, const char *mac)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_IP),
		.sll_ifindex = (int)if_nametoindex(iface) };
	const int on = 1;
	const struct ether_addr *m = ether_aton(mac);

	if (m == NULL)
		return die(mac);
	memcpy(s->mac, m->ether_addr_octet, sizeof(s->mac));
	s->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (s->fd < 0 || to.sll_ifindex == 0 ||
	    bind(s->fd, (const void *)&to, sizeof(to)) != 0)
		return die(iface);
	(void)setsockopt(
	    s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	for (size_t i = 0; i < BATCH; i++) {
		s->iov[i].iov_base = s->frames[i];
		s->msgs[i].msg_hdr.msg_iov = &s->iov[i];
		s->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &s->start);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct sender s;
	uint64_t what;
	double a, b;

	if (argc < 6) {
		fputs("usage: send_frames IFACE MAC data KPPS SECONDS FLOWS |\n"
		      "    connections PER-SECOND SECONDS [SERVERS] |\n"
		      "    scan KPPS SOURCES\n",
		    stderr);
		return 2;
	}
	if (open_sender(&s, argv[1], argv[2]) != 0)
		return 1;
	a = strtod(argv[4], NULL);
	b = strtod(argv[5], NULL);
	if (strcmp(argv[3], "data") == 0 && argc == 7) {
		s.kpps = (uint64_t)a;
		what = send_data(&s, b, (uint32_t)strtoul(argv[6], NULL, 10));
	} else if (strcmp(argv[3], "connections") == 0) {
		if (argc == 7)
			s.servers = (uint32_t)strtoul(argv[6], NULL, 10);
		what = send_connections(&s, a, b);
	} else if (strcmp(argv[3], "scan") == 0) {
		s.kpps = (uint64_t)a;
		what = send_scan(&s, (uint32_t)b);
	} else {
		return 2;
	}
	printf("%llu %llu %.3f\n", (unsigned long long)s.sent,
	    (unsigned long long)what, elapsed(&s));
	return 0;
}

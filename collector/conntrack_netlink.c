/* SPDX-License-Identifier: Apache-2.0 */
/* conntrack_read() by netlink: a dump or some, then the socket is closed. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/conntrack.h"

#define DATAGRAM_BYTES ((size_t)65536) /* the kernel sends half of it */
#define RECEIVE_BYTES  (4 << 20)
#define PATIENCE_S     5
#define PATIENCE_US    ((int64_t)PATIENCE_S * 1000000)
#define SYSCTL         "/proc/sys/net/netfilter/nf_conntrack_"

/* A table that is being filled. */
struct reading {
	struct conntrack_table *table;
	const struct conntrack_timeouts *timeouts;
	size_t room;
	int64_t began_us; /* of monotonic_us() */
	bool no_memory;
};

static int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static uint32_t
read_seconds(const char *name)
{
	char path[128];
	unsigned seconds = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), SYSCTL "%s", name);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	if (fscanf(f, "%u", &seconds) != 1) /* NOLINT(cert-err34-c): its own */
		seconds = 0;
	(void)fclose(f);
	return seconds;
}

static void
read_timeouts(struct conntrack_timeouts *t)
{
	*t = (struct conntrack_timeouts){
		.tcp_established = read_seconds("tcp_timeout_established"),
		.tcp_unacknowledged =
		    read_seconds("tcp_timeout_unacknowledged"),
		.tcp_max_retrans = read_seconds("tcp_timeout_max_retrans"),
		.tcp_fin_wait = read_seconds("tcp_timeout_fin_wait"),
		.tcp_close_wait = read_seconds("tcp_timeout_close_wait"),
		.udp = read_seconds("udp_timeout"),
		.udp_stream = read_seconds("udp_timeout_stream"),
		.sctp_established = read_seconds("sctp_timeout_established"),
	};
}

/* Room for one more; false: there is none. */
static bool
make_room(struct reading *r)
{
	size_t room = r->room != 0 ? r->room * 2 : 256;
	struct flow_known *v;

	if (r->table->n < r->room)
		return true;
	if (r->table->n >= CONNTRACK_KNOWN_MAX) {
		r->table->too_many++;
		return false;
	}
	v = realloc(r->table->v, room * sizeof(*v));
	if (v == NULL) {
		r->no_memory = true;
		return false;
	}
	r->table->v = v;
	r->room = room;
	return true;
}

static void
on_entry(void *arg, const struct conntrack_entry *e)
{
	struct reading *r = arg;
	struct conntrack_table *t = r->table;
	struct flow_known known;

	switch (conntrack_judge(&known, e, r->timeouts, t->read_us)) {
	case CONNTRACK_TAKE:
		if (make_room(r))
			t->v[t->n++] = known;
		break;
	case CONNTRACK_OVER:
		t->over++;
		break;
	case CONNTRACK_IGNORED:
		t->ignored++;
		break;
	case CONNTRACK_UNDATED:
		t->undated++;
		break;
	}
}

static enum rf_status
explain(int error, struct rf_error *err)
{
	if (error == EPERM || error == EACCES)
		return rf_fail(err, RF_IO,
		    "not permitted; it takes the capability NET_ADMIN, at the "
		    "start only");
	if (error == EPROTONOSUPPORT || error == EOPNOTSUPP ||
	    error == EAFNOSUPPORT || error == EINVAL || error == ENOENT)
		return rf_fail(err, RF_VERSION, "this kernel has none");
	if (error == EAGAIN || error == ETIMEDOUT)
		return rf_fail(
		    err, RF_IO, "no end of it within %d seconds", PATIENCE_S);
	return rf_fail(err, RF_IO, "%s", strerror(error));
}

/* Ask for all entries of both families. */
static enum rf_status
ask(int fd, struct rf_error *err)
{
	const struct {
		struct nlmsghdr h;
		struct nfgenmsg g;
	} request = {
		.h = { .nlmsg_len = sizeof(request),
		    .nlmsg_type =
			NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.g = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
	};
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const int size = RECEIVE_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, &request, sizeof(request), 0) < 0)
		return explain(errno, err);
	return RF_OK;
}

/* Take the answer, until its end. */
static enum rf_status
take_all(int fd, struct reading *r, struct rf_error *err)
{
	struct conntrack_parsed *parsed = &r->table->parsed;
	uint8_t *buf = malloc(DATAGRAM_BYTES);
	enum rf_status st = RF_OK;

	if (buf == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	while (st == RF_OK && !parsed->done) {
		ssize_t n = recv(fd, buf, DATAGRAM_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = explain(errno, err);
		else
			conntrack_parse(parsed, buf, (size_t)n, on_entry, r);
		if (st == RF_OK && !parsed->done &&
		    monotonic_us() - r->began_us > PATIENCE_US)
			st = explain(ETIMEDOUT, err);
	}
	free(buf);
	if (st == RF_OK && parsed->error != 0)
		st = explain(parsed->error, err);
	if (st == RF_OK && r->no_memory)
		st = rf_fail(err, RF_NOMEM, "out of memory");
	return st;
}

/* Nothing was read, but that it was interrupted; the room stays. */
static void
begin_again(struct conntrack_table *t, int64_t now_us)
{
	*t = (struct conntrack_table){
		.v = t->v, .read_us = now_us, .interrupted = t->interrupted
	};
}

enum rf_status
conntrack_read_from(int fd, struct conntrack_table *out,
    const struct conntrack_timeouts *t, int64_t now_us, struct rf_error *err)
{
	int64_t began_us = monotonic_us();
	struct reading r = {
		.table = out, .timeouts = t, .began_us = began_us
	};
	enum rf_status st;

	*out = (struct conntrack_table){ .read_us = now_us };
	do {
		begin_again(out, now_us + (monotonic_us() - began_us));
		if ((st = ask(fd, err)) == RF_OK)
			st = take_all(fd, &r, err);
		out->interrupted += out->parsed.interrupted;
	} while (st == RF_OK && out->parsed.interrupted &&
	    out->interrupted < CONNTRACK_READINGS_MAX);
	out->done_us = now_us + (monotonic_us() - began_us);
	if (st != RF_OK)
		conntrack_release(out);
	return st;
}

enum rf_status
conntrack_read(
    struct conntrack_table *out, int64_t now_us, struct rf_error *err)
{
	struct conntrack_timeouts timeouts;
	enum rf_status st;
	int fd;

	*out = (struct conntrack_table){ .read_us = now_us };
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return explain(errno, err);
	read_timeouts(&timeouts);
	st = conntrack_read_from(fd, out, &timeouts, now_us, err);
	(void)close(fd);
	return st;
}

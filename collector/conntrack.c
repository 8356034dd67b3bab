/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure part: netlink messages in, connections out. Headers are in host
 * byte order and padded to four bytes; what stands in attributes is in network
 * order (Linux, net/netfilter/nf_conntrack_netlink.c).
 */
#include "collector/conntrack.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/cursor.h"
#include "core/flow.h"

#define SECOND    ((int64_t)1000000)
#define DNS_PORT  53
#define MDNS_PORT 5353

/* Of entries that were taken up in their middle, and that wait for an ACK. */
#define PICKED_UP      IP_CT_TCP_FLAG_BE_LIBERAL
#define UNACKNOWLEDGED IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED

static size_t
padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The next attribute: its type without flags, and what is in it. */
static bool
next_attribute(struct cursor *c, uint16_t *type, struct cursor *value)
{
	struct nlattr a;
	size_t body, left = cursor_left(c);
	const uint8_t *p;

	if (left < sizeof(a))
		return false;
	memcpy(&a, c->p, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > left) {
		c->is_short = true;
		return false;
	}
	body = padded(a.nla_len);
	p = cursor_take(c, body < left ? body : left);
	*type = a.nla_type & 0x3fff; /* NLA_TYPE_MASK */
	*value = cursor_init(p + sizeof(a), a.nla_len - sizeof(a));
	return true;
}

static bool
read_ip(struct ip_addr *out, struct cursor *value, size_t size)
{
	const uint8_t *p = cursor_take(value, size);

	if (p == NULL)
		return false;
	*out = size == 4 ? ip_from_v4(p) : ip_from_v6(p);
	return true;
}

/* What a tuple must have; bits. */
enum { SRC_IP = 1, DST_IP = 2, PROTOCOL = 4, SRC_PORT = 8, DST_PORT = 16 };
#define WHOLE (SRC_IP | DST_IP | PROTOCOL | SRC_PORT | DST_PORT)

struct tuple {
	struct socket_addr src, dst;
	uint8_t protocol;
	unsigned has;
};

static bool
read_addresses(struct tuple *t, struct cursor c)
{
	struct cursor v;
	uint16_t type;

	while (next_attribute(&c, &type, &v)) {
		bool v4 = type == CTA_IP_V4_SRC || type == CTA_IP_V4_DST;
		bool src = type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC;

		if (!v4 && type != CTA_IP_V6_SRC && type != CTA_IP_V6_DST)
			continue;
		if (!read_ip(src ? &t->src.ip : &t->dst.ip, &v, v4 ? 4 : 16))
			return false;
		t->has |= src ? SRC_IP : DST_IP;
	}
	return !c.is_short;
}

static bool
read_ports(struct tuple *t, struct cursor c)
{
	struct cursor v;
	uint16_t type;

	while (next_attribute(&c, &type, &v)) {
		if (type == CTA_PROTO_NUM) {
			t->protocol = cursor_u8(&v);
			t->has |= PROTOCOL;
		} else if (type == CTA_PROTO_SRC_PORT) {
			t->src.port = cursor_u16(&v);
			t->has |= SRC_PORT;
		} else if (type == CTA_PROTO_DST_PORT) {
			t->dst.port = cursor_u16(&v);
			t->has |= DST_PORT;
		} else {
			continue;
		}
		if (v.is_short)
			return false;
	}
	return !c.is_short;
}

static bool
read_tuple(struct tuple *t, struct cursor c)
{
	struct cursor v;
	uint16_t type;

	while (next_attribute(&c, &type, &v)) {
		if (type == CTA_TUPLE_IP && !read_addresses(t, v))
			return false;
		if (type == CTA_TUPLE_PROTO && !read_ports(t, v))
			return false;
	}
	return !c.is_short;
}

/* TCP's or SCTP's own part: numbers of one byte. */
static bool
read_state(struct conntrack_entry *e, struct cursor c, bool tcp)
{
	struct cursor v;
	uint16_t type;

	while (next_attribute(&c, &type, &v)) {
		if (type ==
		    (tcp ? CTA_PROTOINFO_TCP_STATE : CTA_PROTOINFO_SCTP_STATE))
			e->state = cursor_u8(&v);
		else if (tcp &&
		    (type == CTA_PROTOINFO_TCP_FLAGS_ORIGINAL ||
			type == CTA_PROTOINFO_TCP_FLAGS_REPLY))
			e->tcp_flags |= cursor_u8(&v); /* flags, then mask */
		else
			continue;
		if (v.is_short)
			return false;
	}
	return !c.is_short;
}

static bool
read_protoinfo(struct conntrack_entry *e, struct cursor c)
{
	struct cursor v;
	uint16_t type;

	while (next_attribute(&c, &type, &v))
		if ((type == CTA_PROTOINFO_TCP || type == CTA_PROTOINFO_SCTP) &&
		    !read_state(e, v, type == CTA_PROTOINFO_TCP))
			return false;
	return !c.is_short;
}

static bool
read_attributes(struct conntrack_entry *e, struct tuple *there,
    struct tuple *back, struct cursor c)
{
	struct cursor v;
	uint32_t status;
	uint16_t type;
	bool ok = true;

	while (ok && next_attribute(&c, &type, &v)) {
		switch (type) {
		case CTA_TUPLE_ORIG:
			ok = read_tuple(there, v);
			break;
		case CTA_TUPLE_REPLY:
			ok = read_tuple(back, v);
			break;
		case CTA_STATUS:
			status = cursor_u32(&v);
			e->replied = (status & IPS_SEEN_REPLY) != 0;
			e->assured = (status & IPS_ASSURED) != 0;
			ok = !v.is_short;
			break;
		case CTA_TIMEOUT:
			e->timeout_s = cursor_u32(&v);
			e->has_timeout = true;
			ok = !v.is_short;
			break;
		case CTA_PROTOINFO:
			ok = read_protoinfo(e, v);
			break;
		}
	}
	return ok && !c.is_short;
}

static bool
is_ours(uint8_t protocol)
{
	return protocol == FLOW_TCP || protocol == FLOW_UDP ||
	    protocol == FLOW_SCTP;
}

/* The attributes of one entry, behind its nfgenmsg. */
static void
read_entry(struct conntrack_parsed *p, struct cursor c, conntrack_sink *sink,
    void *arg)
{
	struct conntrack_entry e = { .protocol = 0 };
	struct tuple there = { .has = 0 }, back = { .has = 0 };

	if (cursor_take(&c, sizeof(struct nfgenmsg)) == NULL ||
	    !read_attributes(&e, &there, &back, c) || !(there.has & PROTOCOL)) {
		p->malformed++;
		return;
	}
	if (!is_ours(there.protocol)) {
		p->others++;
		return;
	}
	if (there.has != WHOLE || back.has != WHOLE ||
	    there.protocol != back.protocol) {
		p->malformed++;
		return;
	}
	e.src = there.src;
	e.dst = there.dst;
	e.reply_src = back.src;
	e.reply_dst = back.dst;
	e.protocol = there.protocol;
	p->entries++;
	sink(arg, &e);
}

/* NLMSG_DONE and NLMSG_ERROR begin with a negative errno, or 0. */
static void
read_end(struct conntrack_parsed *p, struct cursor c, bool done)
{
	const uint8_t *b = cursor_take(&c, sizeof(int32_t));
	int32_t code = 0;

	if (b != NULL)
		memcpy(&code, b, sizeof(code));
	else if (!done)
		p->malformed++;
	if (code < 0 && code > INT32_MIN)
		p->error = -code;
	if (done || code != 0) /* an error of 0 only acknowledges */
		p->done = true;
}

void
conntrack_parse(struct conntrack_parsed *p, const uint8_t *data, size_t size,
    conntrack_sink *sink, void *arg)
{
	const int entry = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	struct cursor c = cursor_init(data, size);
	struct nlmsghdr h;

	while (!p->done && cursor_left(&c) >= sizeof(h)) {
		struct cursor body;
		size_t left = cursor_left(&c), whole;

		memcpy(&h, c.p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > left) {
			p->malformed++;
			return;
		}
		body = cursor_init(c.p + sizeof(h), h.nlmsg_len - sizeof(h));
		whole = padded(h.nlmsg_len);
		(void)cursor_take(&c, whole < left ? whole : left);
		if (h.nlmsg_flags & NLM_F_DUMP_INTR)
			p->interrupted = true;
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR)
			read_end(p, body, h.nlmsg_type == NLMSG_DONE);
		else if (h.nlmsg_type == entry)
			read_entry(p, body, sink, arg);
	}
}

/* How long an entry of its kind lives without a packet; 0: not known. */
static uint32_t
lifetime(const struct conntrack_entry *e, const struct conntrack_timeouts *t)
{
	if (e->protocol == FLOW_UDP)
		return e->assured ? t->udp_stream : t->udp;
	if (e->protocol == FLOW_SCTP)
		return t->sctp_established;
	if (e->state == CONNTRACK_TCP_FIN_WAIT)
		return t->tcp_fin_wait;
	if (e->state == CONNTRACK_TCP_CLOSE_WAIT)
		return t->tcp_close_wait;
	if (e->tcp_flags & UNACKNOWLEDGED &&
	    t->tcp_unacknowledged < t->tcp_established)
		return t->tcp_unacknowledged;
	/* With retransmissions or a closed window a timer ran that does not
	 * show; the last of a lifetime could be either. */
	if (e->has_timeout && e->timeout_s <= t->tcp_max_retrans)
		return 0;
	return t->tcp_established;
}

static bool
goes_on(const struct conntrack_entry *e)
{
	if (!e->replied)
		return false;
	if (e->protocol == FLOW_TCP)
		return e->state >= CONNTRACK_TCP_ESTABLISHED &&
		    e->state <= CONNTRACK_TCP_CLOSE_WAIT;
	if (e->protocol == FLOW_SCTP)
		return e->state == CONNTRACK_SCTP_ESTABLISHED;
	return true;
}

static bool
is_ignored(const struct socket_addr *a)
{
	return ip_is_unspecified(&a->ip) || ip_is_loopback(&a->ip) ||
	    ip_is_multicast(&a->ip) || a->port == 0;
}

/* An exchange of DNS tells of itself, and is over when it was answered. */
static bool
is_dns(const struct conntrack_entry *e)
{
	return e->protocol == FLOW_UDP &&
	    (e->dst.port == DNS_PORT || e->dst.port == MDNS_PORT ||
		e->reply_src.port == DNS_PORT ||
		e->reply_src.port == MDNS_PORT);
}

enum conntrack_verdict
conntrack_judge(struct flow_known *out, const struct conntrack_entry *e,
    const struct conntrack_timeouts *t, int64_t now_us)
{
	uint32_t life, idle = 0;

	if (is_ignored(&e->src) || is_ignored(&e->dst) ||
	    is_ignored(&e->reply_src) || is_ignored(&e->reply_dst))
		return CONNTRACK_IGNORED;
	if (!goes_on(e) || is_dns(e))
		return CONNTRACK_OVER;
	if (e->has_timeout) {
		if ((life = lifetime(e, t)) == 0)
			return CONNTRACK_UNDATED;
		idle = e->timeout_s < life ? life - e->timeout_s : 0;
	}
	if (e->protocol == FLOW_UDP && idle * 1000ull >= FLOW_TABLE_UDP_MS)
		return CONNTRACK_OVER;
	*out = (struct flow_known){
		.client = e->src,
		.dialled = e->dst,
		.seen = e->reply_dst,
		.server = e->reply_src,
		.protocol = e->protocol,
		/* What was picked up in its middle began with whoever spoke. */
		.opened = e->protocol != FLOW_UDP &&
		    !(e->protocol == FLOW_TCP && e->tcp_flags & PICKED_UP),
		.silent = e->protocol == FLOW_UDP && !e->assured,
		.last_us = now_us - idle * SECOND,
	};
	return CONNTRACK_TAKE;
}

void
conntrack_release(struct conntrack_table *t)
{
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_traffic: deterministic traffic of one busy node as a pcap file, with
 * the cluster's objects and the truth of who talked to whom.
 *
 * As Ethernet every packet is there once, after DNAT, with the client's own
 * address. As LINUX_SLL2 it is there as the node's "any" device sees it: a
 * Service's address at the client's veth, the pod's behind it, and a
 * masqueraded address at the uplink. Same options, same bytes.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/traffic/cluster.h"
#include "bench/traffic/wire.h"
#include "core/flow.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };
enum { N_EDGES = 600, UPLINK = 2, VETH = 100, DATA_BYTES = 1400 };

enum edge_kind {
	EDGE_SERVICE,
	EDGE_DIRECT,
	EDGE_EXTERNAL,
	EDGE_PROBE,
	EDGE_DNS
};

struct options {
	uint64_t packets, connections, seed;
	unsigned active, dns_percent, v6_percent;
	bool sll2;
	const char *out, *snapshot, *truth;
};

/* One row of the truth. src is a workload; dst a workload or an external. */
struct gen_edge {
	enum edge_kind kind;
	enum flow_outcome outcome;
	unsigned src, dst;
	uint64_t connections;
};

/* A conversation under way. */
struct talk {
	struct gen_edge *edge;
	unsigned server_pod, step, left;
	uint32_t client_seq, server_seq, tsval;
	uint16_t client_port, masked_port, ip_id;
	bool v6;
};

struct gen {
	const struct options *o;
	struct wire wire;
	uint64_t random, started;
	struct gen_edge edges[N_EDGES];
	struct talk *talks;
	size_t n_talks;
	uint16_t ports[CLUSTER_WORKLOADS], node_port;
};

/* splitmix64: small, and good enough to choose with. */
static uint32_t
draw(struct gen *g, uint32_t below)
{
	uint64_t z = g->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(((z ^ z >> 31) >> 32) * below >> 32);
}

static enum edge_kind
choose_kind(uint32_t percent)
{
	if (percent < 60)
		return EDGE_SERVICE;
	if (percent < 75)
		return EDGE_DIRECT;
	return percent < 90 ? EDGE_EXTERNAL : EDGE_PROBE;
}

static enum flow_outcome
choose_outcome(uint32_t percent)
{
	if (percent < 80)
		return OUTCOME_ESTABLISHED;
	if (percent < 90)
		return OUTCOME_MIDSTREAM;
	return percent < 95 ? OUTCOME_REFUSED : OUTCOME_UNANSWERED;
}

/* Edges may be twins; the truth's readers add them up. */
static void
choose_edges(struct gen *g)
{
	const unsigned others = CLUSTER_WORKLOADS - 1; /* all but CoreDNS */

	for (unsigned i = 0; i < N_EDGES; i++) {
		struct gen_edge *e = &g->edges[i];
		uint32_t kind = draw(g, 100), outcome = draw(g, 100);

		e->src = 1 + i % others;
		if (i < others && i % 2 == 0) {
			e->kind = EDGE_DNS;
			continue; /* to workload 0 */
		}
		e->kind = choose_kind(kind);
		if (e->kind == EDGE_EXTERNAL) {
			e->dst = i % CLUSTER_EXTERNALS;
			continue;
		}
		e->dst = 1 + (i * 7 + i / others * 13 + 3) % others;
		if (e->dst == e->src)
			e->dst = 1 + e->dst % others;
		if (e->kind != EDGE_PROBE)
			e->outcome = choose_outcome(outcome);
	}
}

/* The earlier of two draws: some edges are busier than others. */
static struct gen_edge *
choose_edge(struct gen *g)
{
	bool dns = draw(g, 100) < g->o->dns_percent;
	struct gen_edge *e;

	do {
		uint32_t a = draw(g, N_EDGES), b = draw(g, N_EDGES);

		e = &g->edges[a < b ? a : b];
	} while ((e->kind == EDGE_DNS) != dns);
	return e;
}

static uint16_t
next_port(uint16_t *port)
{
	*port = *port < 32768 || *port >= 60999 ? 32768 : *port + 1;
	return *port;
}

static void
start_talk(struct gen *g, struct talk *t)
{
	struct gen_edge *e = choose_edge(g);
	uint64_t seen = g->o->sll2 ? 2 : 1;
	uint64_t mean = g->o->packets / g->o->connections / seen;

	*t = (struct talk){ .edge = e,
		.client_seq = draw(g, UINT32_MAX),
		.server_seq = draw(g, UINT32_MAX),
		.tsval = draw(g, UINT32_MAX),
		.ip_id = (uint16_t)draw(g, 65535),
		.v6 = draw(g, 100) < g->o->v6_percent,
		.server_pod = draw(g, CLUSTER_PODS) };
	if (e->kind == EDGE_PROBE)
		t->server_pod = 0;
	if (e->kind == EDGE_EXTERNAL) {
		t->v6 = false; /* one address a name keeps the truth plain */
		t->masked_port = next_port(&g->node_port);
	}
	t->client_port = next_port(
	    e->kind == EDGE_PROBE ? &g->node_port : &g->ports[e->src]);
	t->left = mean > 10 ? draw(g, (uint32_t)(mean - 10) * 2 + 1) : 0;
	if (e->outcome == OUTCOME_MIDSTREAM)
		t->left += 4;
	e->connections++;
	g->started++;
}

/* What the client dials, and what the server gets: one request each. */
static void
faces(const struct gen *g, const struct talk *t, struct wire_flow *front,
    struct wire_flow *back)
{
	const struct gen_edge *e = t->edge;
	bool service = e->kind == EDGE_SERVICE || e->kind == EDGE_DNS;

	front->src = e->kind == EDGE_PROBE ? cluster_node_ip(0, t->v6)
					   : cluster_pod_ip(e->src, 0, t->v6);
	front->sport = t->client_port;
	if (e->kind == EDGE_EXTERNAL) {
		front->dst = cluster_external_ip(e->dst, t->v6);
		front->dport = 443;
	} else {
		front->dst = cluster_pod_ip(e->dst, t->server_pod, t->v6);
		front->dport = cluster_pod_port(e->dst);
	}
	*back = *front;
	if (!g->o->sll2)
		return;
	if (service) {
		front->dst = cluster_vip(e->dst, t->v6);
		front->dport = cluster_service_port(e->dst);
	}
	if (e->kind == EDGE_EXTERNAL) {
		back->src = cluster_node_ip(0, t->v6);
		back->sport = t->masked_port;
	}
}

static struct wire_flow
reversed(const struct wire_flow *f)
{
	return (struct wire_flow){ .src = f->dst,
		.dst = f->src,
		.sport = f->dport,
		.dport = f->sport };
}

/* The packet wherever the node sees it. */
static void
send_packet(
    struct gen *g, struct talk *t, bool from_client, struct wire_packet *p)
{
	struct wire_flow front, back;
	const struct gen_edge *e = t->edge;
	uint32_t client_if = VETH + e->src, server_if = UPLINK;

	p->ip_id = t->ip_id++;
	p->tsval = t->tsval++;
	faces(g, t, &front, &back);
	if (e->kind != EDGE_EXTERNAL && t->server_pod == 0)
		server_if = VETH + e->dst;
	if (!from_client) {
		front = reversed(&front);
		back = reversed(&back);
	}
	if (!g->o->sll2) {
		wire_put(&g->wire, &back, p, 0, WIRE_IN);
		return;
	}
	if (from_client && e->kind != EDGE_PROBE)
		wire_put(&g->wire, &front, p, client_if, WIRE_IN);
	wire_put(
	    &g->wire, &back, p, server_if, from_client ? WIRE_OUT : WIRE_IN);
	if (!from_client && e->kind != EDGE_PROBE)
		wire_put(&g->wire, &front, p, client_if, WIRE_OUT);
}

static void
send_tcp(struct gen *g, struct talk *t, bool from_client, uint8_t flags,
    uint32_t bytes)
{
	uint32_t *mine = from_client ? &t->client_seq : &t->server_seq;
	uint32_t other = from_client ? t->server_seq : t->client_seq;
	struct wire_packet p = { .protocol = FLOW_TCP,
		.flags = flags,
		.seq = *mine,
		.ack = (flags & TCP_ACK) != 0 ? other : 0,
		.bytes = bytes };

	send_packet(g, t, from_client, &p);
	*mine += bytes + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void
send_dns(struct gen *g, struct talk *t, bool answer, bool aaaa)
{
	uint8_t buf[WIRE_SNAPLEN];
	char name[CLUSTER_NAME_MAX];
	unsigned i = t->client_seq % CLUSTER_EXTERNALS;
	struct ip_addr ip = cluster_external_ip(i, aaaa);
	bool found = t->client_seq % 4 != 0;
	struct wire_packet p = { .protocol = FLOW_UDP, .data = buf };

	(void)cluster_external_name(i, name);
	if (!found)
		(void)snprintf(name, sizeof(name),
		    "api-%02u.example.com.svc.cluster.local", i);
	p.bytes = wire_dns(buf, (uint16_t)t->server_seq, name, aaaa, answer,
	    found ? &ip : NULL);
	send_packet(g, t, !answer, &p);
}

/* What has no answer, or an unfriendly one. true: it is over. */
static bool
step_failed(struct gen *g, struct talk *t)
{
	if (t->edge->outcome == OUTCOME_REFUSED && t->step == 1) {
		t->server_seq = 0;
		send_tcp(g, t, false, TCP_RST | TCP_ACK, 0);
		return true;
	}
	t->client_seq -= t->step != 0; /* the same SYN again */
	send_tcp(g, t, true, TCP_SYN, 0);
	return t->step++ == 2;
}

/* One more packet of the conversation; true: that was the last. */
static bool
step_talk(struct gen *g, struct talk *t)
{
	if (t->edge->kind == EDGE_DNS) {
		send_dns(g, t, t->step % 2 == 1, t->step >= 2);
		return t->step++ == 3;
	}
	if (t->edge->outcome == OUTCOME_REFUSED ||
	    t->edge->outcome == OUTCOME_UNANSWERED)
		return step_failed(g, t);
	if (t->edge->outcome == OUTCOME_MIDSTREAM && t->step < 4)
		t->step = 4;
	switch (t->step) {
	case 0:
		send_tcp(g, t, true, TCP_SYN, 0);
		break;
	case 1:
		send_tcp(g, t, false, TCP_SYN | TCP_ACK, 0);
		break;
	case 2:
		send_tcp(g, t, true, TCP_ACK, 0);
		break;
	case 3:
		send_tcp(g, t, true, TCP_PSH | TCP_ACK, 200);
		break;
	case 4:
		if (t->left == 0)
			break;
		t->left--;
		send_tcp(g, t, t->left % 3 == 0, TCP_ACK | TCP_PSH,
		    t->left % 3 == 0 ? 1 : DATA_BYTES);
		return false;
	case 5:
		send_tcp(g, t, true, TCP_FIN | TCP_ACK, 0);
		break;
	case 6:
		send_tcp(g, t, false, TCP_FIN | TCP_ACK, 0);
		break;
	default:
		send_tcp(g, t, true, TCP_ACK, 0);
		return true;
	}
	t->step++;
	return false;
}

/* Start and step conversations until there are enough packets, then let
 * those under way come to their end: the truth holds no half ones. */
static void
generate(struct gen *g)
{
	bool draining = false;

	for (;;) {
		draining = draining || g->wire.packets >= g->o->packets;
		if (!draining && g->n_talks < g->o->active &&
		    g->started < g->o->connections)
			start_talk(g, &g->talks[g->n_talks++]);
		if (g->n_talks == 0)
			return;
		size_t i = draw(g, (uint32_t)g->n_talks);
		struct talk *t = &g->talks[i];

		if (draining && t->left > 2)
			t->left = 2;
		if (!draining && t->left == 1 && t->step == 4 &&
		    g->started >= g->o->connections)
			t->left = 16; /* the last ones keep talking */
		g->wire.now_us += draw(g, 10);
		if (step_talk(g, t))
			*t = g->talks[--g->n_talks];
	}
}

static void
write_edge(const struct gen *g, const struct gen_edge *e, FILE *f)
{
	char ns[CLUSTER_NAME_MAX], name[CLUSTER_NAME_MAX], ip[IP_STRLEN];
	struct ip_addr addr = cluster_external_ip(e->dst, false);

	if (e->kind == EDGE_PROBE)
		(void)fprintf(f, "{\"src\":\"node node-0\",");
	else
		(void)fprintf(f, "{\"src\":\"%s/Deployment/%s\",",
		    cluster_namespace(e->src, ns),
		    cluster_workload(e->src, name));
	if (e->kind == EDGE_EXTERNAL)
		(void)fprintf(f, "\"dst\":\"external %s\",\"port\":443,",
		    ip_format(&addr, ip));
	else
		(void)fprintf(f, "\"dst\":\"%s/Deployment/%s\",\"port\":%u,",
		    cluster_namespace(e->dst, ns),
		    cluster_workload(e->dst, name), cluster_pod_port(e->dst));
	if (g->o->sll2 && (e->kind == EDGE_SERVICE || e->kind == EDGE_DNS))
		(void)fprintf(f, "\"service\":\"%s/%s:%u\",",
		    cluster_namespace(e->dst, ns),
		    cluster_workload(e->dst, name),
		    cluster_service_port(e->dst));
	else
		(void)fprintf(f, "\"service\":\"-\",");
	(void)fprintf(f,
	    "\"protocol\":\"%s\",\"outcome\":\"%s\","
	    "\"connections\":%" PRIu64 "}",
	    e->kind == EDGE_DNS ? "UDP" : "TCP", flow_outcome_name(e->outcome),
	    e->connections);
}

static void
write_truth(const struct gen *g, FILE *f)
{
	const char *comma = "";

	(void)fprintf(f,
	    "{\"packets\":%" PRIu64 ",\"connections\":%" PRIu64
	    ",\"edges\":[\n",
	    g->wire.packets, g->started);
	for (size_t i = 0; i < N_EDGES; i++) {
		const struct gen_edge *e = &g->edges[i];

		if (e->connections == 0)
			continue;
		(void)fprintf(f, "%s", comma);
		write_edge(g, e, f);
		comma = ",\n";
	}
	(void)fprintf(f, "\n]}\n");
}

static bool
write_json(const char *path, const struct gen *g,
    void (*write)(const struct gen *g, FILE *f))
{
	FILE *f;
	bool ok;

	if (path == NULL)
		return true;
	f = fopen(path, "w");
	if (f == NULL)
		return false;
	write(g, f);
	ok = ferror(f) == 0;
	return fclose(f) == 0 && ok;
}

static void
write_snapshot(const struct gen *g, FILE *f)
{
	(void)g;
	cluster_write_snapshot(f);
}

static int
run(const struct options *o)
{
	struct gen *g = calloc(1, sizeof(*g));
	int rc = 3;

	if (g == NULL)
		return rc;
	g->o = o;
	g->random = o->seed;
	g->talks = calloc(o->active, sizeof(*g->talks));
	if (g->talks == NULL || !wire_open(&g->wire, o->out, o->sll2))
		goto out;
	g->wire.now_us = INT64_C(1767225600) * 1000000;
	choose_edges(g);
	generate(g);
	if (wire_close(&g->wire) && write_json(o->truth, g, write_truth) &&
	    write_json(o->snapshot, g, write_snapshot))
		rc = 0;
out:
	if (rc != 0)
		(void)fprintf(stderr, "gen_traffic: %s\n", strerror(errno));
	free(g->talks);
	free(g);
	return rc;
}

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: gen_traffic --out FILE [--snapshot FILE] [--truth FILE]\n"
	    "  [--packets N] [--connections N] [--active N] [--dns PERCENT]\n"
	    "  [--v6 PERCENT] [--linktype en10mb|sll2] [--seed N]\n");
	return 2;
}

/* A decimal number of at least min and at most max. */
static bool
number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && end != text && *text != '-' &&
	    *out >= min && *out <= max;
}

static bool
set_option(struct options *o, int c, const char *value)
{
	uint64_t n = 0;
	bool ok = true;

	switch (c) {
	case 'p':
		return number(value, 1, UINT64_MAX, &o->packets);
	case 'c':
		return number(value, 1, UINT64_MAX, &o->connections);
	case 's':
		return number(value, 0, UINT64_MAX, &o->seed);
	case 'a':
		ok = number(value, 1, 10000000, &n);
		o->active = (unsigned)n;
		return ok;
	case 'd':
		ok = number(value, 0, 99, &n);
		o->dns_percent = (unsigned)n;
		return ok;
	case '6':
		ok = number(value, 0, 100, &n);
		o->v6_percent = (unsigned)n;
		return ok;
	case 'l':
		o->sll2 = strcmp(value, "sll2") == 0;
		return o->sll2 || strcmp(value, "en10mb") == 0;
	case 'o':
		o->out = value;
		return true;
	case 'S':
		o->snapshot = value;
		return true;
	case 't':
		o->truth = value;
		return true;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	/* clang-format off */
	static const struct option table[] = {
		{ "packets", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'c' },
		{ "active", required_argument, NULL, 'a' },
		{ "dns", required_argument, NULL, 'd' },
		{ "v6", required_argument, NULL, '6' },
		{ "linktype", required_argument, NULL, 'l' },
		{ "seed", required_argument, NULL, 's' },
		{ "out", required_argument, NULL, 'o' },
		{ "snapshot", required_argument, NULL, 'S' },
		{ "truth", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 }
	};
	/* clang-format on */
	struct options o = { .packets = 1000000,
		.connections = 50000,
		.seed = 1,
		.active = 20000,
		.dns_percent = 25,
		.v6_percent = 15 };
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		if (!set_option(&o, c, optarg))
			return usage();
	if (o.out == NULL || optind != argc)
		return usage();
	return run(&o);
}

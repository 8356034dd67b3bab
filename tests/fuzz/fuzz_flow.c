/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_flow: any bytes as a capture file, through decode, flow table, DNS
 * names and resolver against a small cluster. What goes in must come out:
 * every flow has its ends, its words and at least one packet.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/address_view.h"
#include "collector/capture.h"
#include "collector/certain.h"
#include "collector/decode.h"
#include "collector/flow_table.h"
#include "collector/names.h"
#include "collector/resolve.h"
#include "tests/support/world.h"

#define LEGS 64 /* few, so that the table fills */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world world;

struct pipeline {
	struct flow_table *ft;
	struct names *names;
	struct resolver *resolver;
	uint64_t packets;
};

static void
must(int holds)
{
	if (!holds)
		abort();
}

/* The addresses of the seeds (make_seeds.py), and a Service of each kind. */
static void
build_world(void)
{
	uint32_t n1, n2, web, svc;

	if (world.c != NULL)
		return;
	world_init(&world);
	n1 = world_node(&world, "node-1", "192.168.0.1", "10.42.1.0/24");
	n2 = world_node(&world, "node-2", "192.168.0.2", "10.42.2.0/24");
	(void)world_app(&world, "shop", "client", "10.42.1.6", n1);
	web = world_app(&world, "shop", "web", "10.42.2.9", n2);
	(void)world_app(&world, "shop", "six", "fd00:42:2::9", n2);
	svc = world_service(&world, "shop", "web", "10.43.0.10", "app=web");
	world_service_port(&world, svc, "http", FLOW_TCP, 80, 8080);
	world_backend(&world, svc, "10.42.2.9", 8080, web);
	world_service_port(&world, svc, "diameter", FLOW_SCTP, 3868, 3868);
	world_backend(&world, svc, "10.42.2.9", 3868, web);
	svc = world_service(&world, "shop", "each", "10.43.0.99", "app=web");
	world.c->services[svc].headless = true;
	world.c->services[svc].n_cluster_ips = 0;
	world_service_port(&world, svc, "http", FLOW_TCP, 8080, 8080);
	world_backend(&world, svc, "10.42.2.9", 8080, web);
	(void)world_dns(&world, "10.42.1.4", n1);
	world_api_server(&world, "192.168.0.1", 6443);
	world_finish(&world);
}

static void
on_connection(struct pipeline *p, const struct connection *c)
{
	struct aggregate_item r;

	must(c->n_legs >= 1 && c->n_legs <= CONNECTION_LEGS_MAX);
	must(c->packets >= 1 || c->known || !c->counted);
	must(c->last_us >= c->first_us);
	if (!certain_is_early(world.c, c))
		(void)certain_is_steady(world.c, c, c->last_us);
	resolver_resolve_unowned(p->resolver, c, 0, &r);
	must(
	    r.src.type != ENDPOINT_WORKLOAD && r.dst.type != ENDPOINT_WORKLOAD);
	resolver_resolve(p->resolver, c, &r);
	must(flow_outcome_name(r.flow.outcome) != NULL);
	must(flow_certainty_name(r.flow.certainty) != NULL);
	must(endpoint_type_name(r.src.type) != NULL);
	must(r.src.type != ENDPOINT_WORKLOAD || r.src.pod < world.c->n_pods);
	must(r.dst.type != ENDPOINT_WORKLOAD ||
	    r.dst.workload < world.c->n_workloads);
	must(r.flow.service == FLOW_NONE ||
	    r.flow.service < world.c->n_services);
	resolver_name_service(p->resolver, &r.flow, &r.src, &r.dst);
	p->packets += c->packets;
}

static void
on_connections(void *arg, const struct connection *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		on_connection(arg, &v[i]);
}

static int
pipeline_init(struct pipeline *p)
{
	struct flow_table_config config = {
		.legs_max = LEGS,
		.seed = 1,
		.view = address_view_of(world.c),
		.sink = on_connections,
		.sink_arg = p,
	};

	p->names = names_new(world.c, 1);
	p->resolver = resolver_new(world.c, p->names, 3600000000, 1);
	return p->names != NULL && p->resolver != NULL &&
	    flow_table_new(&p->ft, &config, NULL) == RF_OK;
}

static void
take(struct pipeline *p, int link, const struct capture_frame *f)
{
	struct packet packet;
	bool first;

	if (decode(&packet, link, f->data, f->captured, f->wire_len) !=
	    DECODE_OK)
		return;
	packet.ts_us = f->ts_us;
	packet.point = packet.place = 0;
	flow_table_add(p->ft, &packet, 1, &first);
	if (first && packet.payload != NULL && packet.sport == 53)
		names_read(p->names, &packet.dst, packet.payload,
		    packet.payload_captured,
		    names_mark(
			p->names, packet.payload, packet.payload_captured),
		    packet.ts_us);
}

/* What the kernel may have known of the seeds' connection: one that is told
 * of in any case, one only when it has packets, and one without translation. */
static void
know(struct pipeline *p, int64_t now_us)
{
	static const char *const ends[] = { "10.42.1.6", "10.43.0.10",
		"10.42.2.9" };
	struct socket_addr a[3];
	struct flow_known k = { .protocol = FLOW_TCP, .last_us = now_us };

	for (size_t i = 0; i < 3; i++)
		must(ip_parse(&a[i].ip, ends[i]));
	for (uint16_t i = 0; i < 3; i++) {
		a[0].port = 40000 + i;
		a[1].port = 80;
		a[2].port = 8080;
		k.client = k.seen = a[0];
		k.dialled = a[i < 2 ? 1 : 2];
		k.server = a[2];
		k.silent = i == 1;
		k.opened = i != 2;
		must(flow_table_know(p->ft, &k, now_us));
	}
}

/* As a daemon does every few seconds, but by what the packets say. */
static void
stand_still(struct pipeline *p, int64_t now_us, uint64_t n)
{
	flow_table_tick(p->ft, now_us);
	flow_table_flush(p->ft);
	names_set_cluster(p->names, world.c);
	resolver_set_cluster(p->resolver, world.c);
	if (n % 3 == 0) {
		flow_table_redate(p->ft, n % 2 == 0 ? 5000000 : -5000000);
		names_forget(p->names);
	}
}

/* A capture as collect -r takes it, or as a daemon would that had begun when
 * the connections of know() were there. */
static void
run(struct capture *c, bool live)
{
	const struct capture_frame *f;
	struct pipeline p = { 0 };
	uint64_t n = 0;

	must(pipeline_init(&p));
	while (capture_next(c, &f, NULL) == CAPTURE_FRAME) {
		if (live && n == 0)
			know(&p, f->ts_us);
		take(&p, capture_link(c), f);
		if (++n % 8 == 0 && live)
			stand_still(&p, f->ts_us, n);
	}
	must(capture_count(c) == n && capture_name(c) != NULL);
	flow_table_finish(p.ft);
	must(flow_table_legs(p.ft) == 0);
	must(p.packets <= flow_table_stats(p.ft)->packets);
	flow_table_free(p.ft);
	resolver_free(p.resolver);
	names_free(p.names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture *c;
	char path[32];

	build_world();
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int live = 0; live < 2; live++) {
		if (capture_open_file(&c, path, NULL) != RF_OK)
			break;
		run(c, live != 0);
		capture_close(c);
	}
	(void)close(fd);
	return 0;
}

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

#include "collector/capture.h"
#include "collector/decode.h"
#include "collector/flow_table.h"
#include "collector/names.h"
#include "collector/resolve.h"
#include "tests/support/world.h"

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

static void
build_world(void)
{
	uint32_t n1, n2, db, svc;

	if (world.c != NULL)
		return;
	world_init(&world);
	n1 = world_node(&world, "node-1", "192.168.0.1", "10.244.1.0/24");
	n2 = world_node(&world, "node-2", "192.168.0.2", "10.244.2.0/24");
	(void)world_app(&world, "shop", "web", "10.244.1.5", n1);
	db = world_app(&world, "shop", "db", "10.244.2.9", n2);
	svc = world_service(&world, "shop", "db", "10.96.0.20", "app=db");
	world_service_port(&world, svc, "sql", FLOW_TCP, 3306, 3306);
	world_backend(&world, svc, "10.244.2.9", 3306, db);
	(void)world_dns(&world, "10.244.1.4", n1);
	world_api_server(&world, "192.168.0.1", 6443);
	world_finish(&world);
}

static void
on_connection(void *arg, const struct connection *c)
{
	struct pipeline *p = arg;
	struct aggregate_item r;

	must(c->n_legs >= 1 && c->n_legs <= CONNECTION_LEGS_MAX);
	must(c->packets >= 1 && c->last_us >= c->first_us);
	resolver_resolve(p->resolver, c, &r);
	must(flow_outcome_name(r.flow.outcome) != NULL);
	must(flow_certainty_name(r.flow.certainty) != NULL);
	must(endpoint_type_name(r.src.type) != NULL);
	must(r.src.type != ENDPOINT_WORKLOAD || r.src.pod < world.c->n_pods);
	must(r.dst.type != ENDPOINT_WORKLOAD ||
	    r.dst.workload < world.c->n_workloads);
	must(r.flow.service == FLOW_NONE ||
	    r.flow.service < world.c->n_services);
	p->packets += c->packets;
}

static int
pipeline_init(struct pipeline *p)
{
	struct flow_table_config config = {
		.legs_max = 128,
		.seed = 1,
		.view = resolver_view(world.c),
		.sink = on_connection,
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
	packet.point = 0;
	flow_table_add(p->ft, &packet, 1, &first);
	if (first && packet.payload != NULL && packet.sport == 53)
		names_read(p->names, &packet.dst, packet.payload,
		    packet.payload_captured, packet.ts_us);
}

static void
run(struct capture *c)
{
	const struct capture_frame *f;
	struct pipeline p = { 0 };

	must(pipeline_init(&p));
	while (capture_next(c, &f, NULL) == CAPTURE_FRAME)
		take(&p, capture_link(c), f);
	flow_table_finish(p.ft);
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
	if (capture_open_file(&c, path, NULL) == RF_OK) {
		run(c);
		capture_close(c);
	}
	(void)close(fd);
	return 0;
}

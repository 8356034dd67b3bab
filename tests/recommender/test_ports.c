/* SPDX-License-Identifier: Apache-2.0 */
/* Names and ranges of ports; network plugins; addresses outside. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

/* The pod declares this TCP port. */
static void
declare(struct world *w, uint32_t pod, const char *name, uint16_t port)
{
	struct kube_port *p = arena_calloc(&w->c->arena, 2, sizeof(*p));

	assert_non_null(p);
	for (size_t i = 0; i < w->c->pods[pod].n_ports; i++)
		p[i] = w->c->pods[pod].ports[i];
	p[w->c->pods[pod].n_ports++] = (struct kube_port){
		.name = name, .port = port, .protocol = FLOW_TCP
	};
	w->c->pods[pod].ports = p;
}

/* web calls two pods of db, each on its own port; how each declares it. */
static void
two_pods(struct world *w, const char *first, const char *second,
    uint16_t second_port)
{
	struct world_base b = world_base(w);
	uint32_t other = world_pod(
	    w, w->c->pods[b.db].workload, "db-2", "app=db", "10.0.1.11", b.n1);

	declare(w, b.db, first, 5432);
	declare(w, other, second, second_port);
	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
	(void)world_connect(w, b.web, other, second_port);
}

static void
same_name(struct world *w)
{
	two_pods(w, "sql", "sql", 5433);
}

static void
same_number(struct world *w)
{
	two_pods(w, "sql", "sql", 5432);
}

static void
other_name(struct world *w)
{
	two_pods(w, "sql", "mysql", 5433);
}

static void
no_name(struct world *w)
{
	two_pods(w, "", "", 5433);
}

/* One pod has the name twice: which is meant is not known (SEMANTICS 45). */
static void
two_numbers(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t other = world_pod(
	    w, w->c->pods[b.db].workload, "db-2", "app=db", "10.0.1.11", b.n1);

	declare(w, b.db, "sql", 5432);
	declare(w, other, "sql", 5433);
	declare(w, other, "sql", 5434);
	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
}

/* A pod that is gone may have meant another number by it. */
static void
gone_pod(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t web = w->c->pods[b.db].workload;
	uint32_t other = world_pod(w, web, "db-2", "app=db", "10.0.1.11", b.n1);
	uint32_t gone = world_pod(w, web, "db-0", "app=db", "10.0.1.12", b.n1);

	declare(w, b.db, "sql", 5432);
	declare(w, other, "sql", 5433);
	declare(w, gone, "sql", 5432);
	w->c->pods[gone].deleted = true;
	world_finish(w);
	(void)world_connect(w, b.web, gone, 5432);
}

/* n ports from first on, so far apart. */
static struct world_base
dynamic(struct world *w, uint16_t first, unsigned n, unsigned step)
{
	struct world_base b = world_base(w);

	world_finish(w);
	for (unsigned i = 0; i < n; i++)
		(void)world_connect(
		    w, b.web, b.db, (uint16_t)(first + i * step));
	return b;
}

static void
dense(struct world *w)
{
	(void)dynamic(w, 30000, 8, 4);
}

static void
too_few(struct world *w)
{
	(void)dynamic(w, 30000, 7, 1);
}

static void
too_far_apart(struct world *w)
{
	(void)dynamic(w, 30000, 8, 5);
}

static void
low_ports(struct world *w)
{
	(void)dynamic(w, 1016, 8, 1);
}

/* Besides, one that nobody declares and that is always the same. */
static void
dense_and_one(struct world *w)
{
	struct world_base b = dynamic(w, 30000, 8, 4);

	(void)world_connect(w, b.web, b.db, 9999);
}

static void
scattered(struct world *w)
{
	(void)dynamic(w, 30000, 16, 500);
}

/* A declared port within the range must not be opened with it. */
static void
declared_between(struct world *w)
{
	struct world_base b = world_base(w);

	declare(w, b.db, "admin", 30001);
	world_finish(w);
	for (unsigned i = 0; i < 8; i++)
		(void)world_connect(w, b.web, b.db, (uint16_t)(30000 + i * 2));
}

static void
dense_outside(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	for (unsigned i = 0; i < 10; i++)
		(void)world_call_out(
		    w, b.web, "203.0.113.7", (uint16_t)(40000 + i * 3));
}

static void
through_service(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t s = world_service(w, "shop", "db", "10.96.0.50", "app=db");
	struct flow *f;

	world_service_port(w, s, "sql", FLOW_TCP, 3306, 5432);
	world_backend(w, s, "10.0.1.10", 5432, b.db);
	world_finish(w);
	f = world_connect(w, b.web, b.db, 5432);
	f->service = s;
	f->service_port = 3306;
}

static void
node_peer(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t dst;

	world_finish(w);
	dst = world_at_node(w, b.n1 == 0 ? 1 : 0, NULL);
	(void)world_flow(w, world_at_pod(w, b.web), dst, FLOW_TCP, 9100);
}

/* With an IPv6 address, too, if v6 is one. */
static void
call_many(struct world *w, const char *v6)
{
	struct world_base b = world_base(w);
	struct ip_addr ips[2] = { w->c->pods[b.web].ips[0] };
	char ip[32];

	if (v6 != NULL && ip_parse(&ips[1], v6)) {
		struct ip_addr *v = arena_calloc(&w->c->arena, 2, sizeof(*v));

		assert_non_null(v);
		memcpy(v, ips, sizeof(ips));
		w->c->pods[b.web].ips = v;
		w->c->pods[b.web].n_ips = 2;
	}
	world_finish(w);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(ip, sizeof(ip), "203.0.%u.7", 10 + i * 40);
		(void)world_call_out(w, b.web, ip, 443);
	}
	(void)world_call_out(w, b.web, "172.20.0.9", 443);
}

static void
many_outside(struct world *w)
{
	call_many(w, NULL);
}

static void
dual_outside(struct world *w)
{
	call_many(w, "fd00:10::10");
}

static void
clients(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t s = world_service(w, "shop", "web", "10.96.0.51", "app=web");
	struct flow *f;

	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	world_backend(w, s, "10.0.0.10", 8080, b.web);
	world_finish(w);
	f = world_flow(w, world_at(w, ENDPOINT_EXTERNAL, "198.51.100.9"),
	    world_at_pod(w, b.web), FLOW_TCP, 8080);
	f->service = s;
	f->service_port = 80;
}

/* clang-format off */
#define PLUGIN(title, fn, rules, why, plugin) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = "web", .want = (rules), .note = (why), \
	  .kind = NOTE_REMARK, .options = { .cni = (plugin) } }

static struct world_case cases[] = {
	SHOP("one name, two numbers: the name", same_name, "db",
	    "app=db in app=web @TCP/sql eg"),
	SHOP("the client's side too", same_name, "web",
	    "app=web in eg " DNS " & app=db @TCP/sql"),
	SHOP("one name, one number: the number", same_number, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("two names: the numbers", other_name, "db",
	    "app=db in app=web @TCP/5432,TCP/5433 eg"),
	SHOP("no name: the numbers", no_name, "db",
	    "app=db in app=web @TCP/5432,TCP/5433 eg"),
	SHOP("a name twice on one pod: the number", two_numbers, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("pods that are gone: the number", gone_pod, "db",
	    "app=db in app=web @TCP/5432 eg"),
	REMARK("8 ports within 4 times as many: a range", dense, "db",
	    "app=db in app=web @TCP/30000-30028 eg", "dynamic-ports"),
	REMARK("one far from them: itself", dense_and_one, "db",
	    "app=db in app=web @TCP/9999,TCP/30000-30028 eg", "dynamic-ports"),
	REMARK("16 ports far apart: each, and no promise", scattered, "db",
	    "app=db in app=web @TCP/30000,TCP/30500,TCP/31000,TCP/31500,"
	    "TCP/32000,TCP/32500,TCP/33000,TCP/33500,TCP/34000,TCP/34500,"
	    "TCP/35000,TCP/35500,TCP/36000,TCP/36500,TCP/37000,TCP/37500 eg",
	    "scattered-ports"),
	SHOP("7 ports: each", too_few, "db",
	    "app=db in app=web @TCP/30000,TCP/30001,TCP/30002,TCP/30003,"
	    "TCP/30004,TCP/30005,TCP/30006 eg"),
	SHOP("too far apart: each", too_far_apart, "db",
	    "app=db in app=web @TCP/30000,TCP/30005,TCP/30010,TCP/30015,"
	    "TCP/30020,TCP/30025,TCP/30030,TCP/30035 eg"),
	SHOP("below 1024: each", low_ports, "db",
	    "app=db in app=web @TCP/1016,TCP/1017,TCP/1018,TCP/1019,"
	    "TCP/1020,TCP/1021,TCP/1022,TCP/1023 eg"),
	SHOP("a declared port between: each", declared_between, "db",
	    "app=db in app=web @TCP/30000,TCP/30002,TCP/30004,TCP/30006,"
	    "TCP/30008,TCP/30010,TCP/30012,TCP/30014 eg"),
	REMARK("dense ports of one address", dense_outside, "web",
	    "app=web in eg " DNS " & 203.0.113.7/32 @TCP/40000-40027",
	    "dynamic-ports"),
	SHOP("generic: the pod's port alone", through_service, "web",
	    "app=web in eg " DNS " & app=db @TCP/5432"),
	PLUGIN("aws-vpc: the Service's port and address too", through_service,
	    "app=web in eg ns:kube-system/k8s-app=kube-dns 10.96.0.10/32 "
	    "@TCP/53,UDP/53 & app=db @TCP/3306,TCP/5432 & "
	    "10.96.0.50/32 @TCP/3306", "cni", CNI_AWS_VPC),
	PLUGIN("cilium: nodes by address are remarked on", node_peer,
	    "app=web in eg " DNS " & 192.168.0.2/32 @TCP/9100", "cni-nodes",
	    CNI_CILIUM),
	PLUGIN("cilium: a name of several numbers", same_name,
	    "app=web in eg " DNS " & app=db @TCP/sql", "cni-named-port",
	    CNI_CILIUM),
	{ .name = "--external=any: public addresses", .build = many_outside,
	  .namespace = "shop", .policy = "web",
	  .want = "app=web in eg " DNS " & 0.0.0.0/0!10.0.0.0/8"
	      "!100.64.0.0/10!169.254.0.0/16!172.16.0.0/12!192.168.0.0/16 "
	      "172.20.0.9/32 @TCP/443",
	  .note = "open-to-world", .kind = NOTE_REMARK,
	  .options = { .max_external = 2, .external_any = true } },
	{ .name = "--external=any: over IPv6 where pods have it",
	  .build = dual_outside, .namespace = "shop", .policy = "web",
	  .want = "app=web in eg " DNS " & ::/0!fc00::/7!fe80::/10 "
	      "0.0.0.0/0!10.0.0.0/8!100.64.0.0/10!169.254.0.0/16"
	      "!172.16.0.0/12!192.168.0.0/16 172.20.0.9/32 @TCP/443",
	  .note = "open-to-world", .kind = NOTE_REMARK,
	  .options = { .max_external = 2, .external_any = true } },
	{ .name = "--public-ingress=open: no peers", .build = clients,
	  .namespace = "shop", .policy = "web",
	  .want = "app=web in anyone @TCP/8080 eg",
	  .note = "open-to-anyone", .kind = NOTE_REMARK,
	  .options = { .public_open = true } },
	SHOP("else where they come from", clients, "web",
	    "app=web in 198.51.100.9/32 @TCP/8080 eg"),
};
/* clang-format on */

int
main(void)
{
	const struct case_table table = CASE_TABLE(world_case_run, cases, name);

	return case_table_run("ports", &table);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes that other recommenders made, and their users reported or their
 * code shows: each row would fail if we made it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define NAME     "app.kubernetes.io/name=redis"
#define RELEASE  ",app.kubernetes.io/instance="

/* One row for each pair of labels: the other ports were dropped (Theia). */
static void
two_ports(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
	(void)world_connect(w, b.web, b.db, 9187);
}

/* "Seen already" whatever the protocol (kguardian). */
static void
two_protocols(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_connect(w, b.web, b.db, 9000);
	world_connect(w, b.web, b.db, 9000)->protocol = FLOW_UDP;
}

/* Pods known by name without namespace (kguardian); and the namespace of a
 * peer forgotten (AccuKnox). */
static void
same_pod_name(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "other", "Deployment", "db", "app=db", "app=db");
	uint32_t pod =
	    world_pod(w, x, w->c->pods[b.db].name, "app=db", "10.0.1.30", b.n2);

	world_finish(w);
	(void)world_connect(w, b.web, pod, 5432);
}

/* Two releases of one chart taken for one (Kubescape). */
static uint32_t
release(struct world *w, const char *name, const char *labels, const char *ip,
    uint32_t node)
{
	uint32_t x =
	    world_workload(w, "shop", "StatefulSet", name, labels, labels);

	return world_pod(w, x, name, labels, ip, node);
}

static void
releases(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t carts =
	    release(w, "carts", NAME RELEASE "carts", "10.0.1.30", b.n2);

	(void)release(
	    w, "sessions", NAME RELEASE "sessions", "10.0.1.31", b.n2);
	world_finish(w);
	(void)world_connect(w, b.web, carts, 6379);
}

/* A replica's own labels: the next one was denied (kubescape/node-agent#942,
 * Inspektor Gadget). */
static void
replica(struct world *w)
{
	static const char *const labels =
	    "app=es,apps.kubernetes.io/pod-index"
	    "=0,controller-revision-hash=es-7f9,"
	    "statefulset.kubernetes.io/pod-name=es-0";
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "shop", "StatefulSet", "es", NULL, "app=es");
	uint32_t es = world_pod(w, x, "es-0", labels, "10.0.1.30", b.n2);

	world_finish(w);
	(void)world_connect(w, b.web, es, 9200);
}

static struct world_case cases[] = {
	SHOP("all ports of a pair", two_ports, "web",
	    "app=web in eg " DNS " & app=db @TCP/5432,TCP/9187"),
	SHOP("both protocols of a port", two_protocols, "web",
	    "app=web in eg " DNS " & app=db @TCP/9000,UDP/9000"),
	SHOP("pods of one name in two namespaces", same_pod_name, "web",
	    "app=web in eg " DNS " & ns:other/app=db @TCP/5432"),
	SHOP("releases of one chart: the one that was meant", releases, "web",
	    "app=web in eg " DNS " & app.kubernetes.io/instance=carts+" NAME
	    " @TCP/6379"),
	SHOP("releases of one chart: nobody calls the other", releases,
	    "sessions", "app.kubernetes.io/instance=sessions+" NAME " in eg"),
	SHOP("a replica stands for all", replica, "es",
	    "app=es in app=web @TCP/9200 eg"),
	SHOP("a replica as a peer", replica, "web",
	    "app=web in eg " DNS " & app=es @TCP/9200"),
};

int
main(void)
{
	const struct case_table table = CASE_TABLE(world_case_run, cases, name);

	return case_table_run("known_bugs", &table);
}

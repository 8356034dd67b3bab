/* SPDX-License-Identifier: Apache-2.0 */
/* How workloads are selected and named, and where DNS is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

static void
canary(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Deployment", "web-canary",
	    "app=web,track=canary", "app=web,track=canary");
	uint32_t pod = world_pod(
	    w, x, "web-canary-1", "app=web,track=canary", "10.0.1.12", b.n1);

	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
	(void)world_connect(w, pod, b.db, 5433);
}

static void
same_labels(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(
	    w, "shop", "StatefulSet", "web", "app=web", "app=web");
	uint32_t pod = world_pod(w, x, "web-0", "app=web", "10.0.1.12", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
same_name(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(
	    w, "shop", "StatefulSet", "web", "app=web-set", "app=web-set");
	uint32_t pod =
	    world_pod(w, x, "web-0", "app=web-set", "10.0.1.12", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
job(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Job", "import",
	    "batch.kubernetes.io/controller-uid=1",
	    "app=shop,component=import");
	uint32_t pod = world_pod(w, x, "import-x",
	    "app=shop,component=import,job-name=import,"
	    "batch.kubernetes.io/controller-uid=1",
	    "10.0.1.12", b.n1);

	w->c->pods[pod].phase = POD_SUCCEEDED;
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* A Job with the labels of a Deployment, as Helm's hooks have them. */
static void
hook(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "shop", "Job", "import", NULL, "app=web");
	uint32_t pod = world_pod(
	    w, x, "import-x", "app=web,job-name=import", "10.0.1.12", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* One without labels beside it. */
static void
loose_job(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "shop", "Job", "import", NULL, "app=web");
	uint32_t y = world_workload(w, "shop", "Job", "loose", NULL, "");
	uint32_t pod =
	    world_pod(w, y, "y", "job-name=loose", "10.0.1.13", b.n1);

	(void)world_pod(
	    w, x, "x", "app=web,job-name=import", "10.0.1.12", b.n1);
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* One that runs nothing now. */
static void
idle_hook(struct world *w)
{
	(void)world_base(w);
	(void)world_workload(w, "shop", "CronJob", "backup", NULL, "app=web");
	world_finish(w);
}

/* Two runs that have no label that lasts. */
static void
workflows(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Workflow", "etl-1", NULL, "");
	uint32_t y = world_workload(w, "shop", "Workflow", "etl-2", NULL, "");
	uint32_t pod = world_pod(w, x, "etl-1-x",
	    "workflows.argoproj.io/workflow=etl-1", "10.0.1.31", b.n1);

	(void)world_pod(w, y, "etl-2-x", "workflows.argoproj.io/workflow=etl-2",
	    "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
cron_job(struct world *w)
{
	(void)world_base(w);
	(void)world_workload(
	    w, "shop", "CronJob", "backup", NULL, "app=backup");
	world_finish(w);
}

static void
bare_pods(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "shop", "Pod", "Debug_x*", NULL, "run=debug");
	uint32_t pod =
	    world_pod(w, x, "debug-x1", "run=debug", "10.0.1.12", b.n1);

	w->c->workloads[x].has_object = false;
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
unlabelled(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Pod", "loose", NULL, "");
	uint32_t pod = world_pod(w, x, "loose", "", "10.0.1.12", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
helm(struct world *w)
{
	struct world_base b = world_base(w);
	const char *labels = "app.kubernetes.io/name=api,"
			     "app.kubernetes.io/instance=one,"
			     "app.kubernetes.io/component=server";
	const char *other = "app.kubernetes.io/name=api,"
			    "app.kubernetes.io/instance=one,"
			    "app.kubernetes.io/component=worker";
	uint32_t x =
	    world_workload(w, "shop", "Deployment", "server", labels, labels);
	uint32_t y =
	    world_workload(w, "shop", "Deployment", "worker", other, other);
	uint32_t server = world_pod(w, x, "s1", labels, "10.0.1.12", b.n1);

	(void)world_pod(w, y, "w1", other, "10.0.1.13", b.n1);
	world_finish(w);
	(void)world_connect(w, b.web, server, 80);
}

/* n Deployments of one app, told apart by a label that others may have. */
static void
tiers_of(struct world *w, unsigned n)
{
	static const char *const labels[] = { "app=shop,tier=back",
		"app=shop,tier=front", "app=shop,tier=mid",
		"app=shop,tier=none" };
	struct world_base b = world_base(w);
	uint32_t pods[NELEM(labels)];
	char ip[32];

	for (unsigned i = 0; i < n + 1; i++) {
		(void)snprintf(ip, sizeof(ip), "10.0.1.%u", i + 31);
		pods[i] = world_pod(w,
		    world_workload(w, "shop", "Deployment", &labels[i][14],
			labels[i], labels[i]),
		    &labels[i][14], labels[i], ip, b.n1);
	}
	world_finish(w);
	for (unsigned i = 0; i < n; i++)
		(void)world_connect(w, pods[i], b.db, 5432);
}

static void
tiers(struct world *w)
{
	tiers_of(w, 2);
}

static void
more_tiers(struct world *w)
{
	tiers_of(w, 3);
}

static void
custom_pods(struct world *w)
{
	struct world_base b = world_base(w);
	const char *labels = "app.kubernetes.io/managed-by=operator,"
			     "cluster=kafka,podRole=broker,pod-name=kafka-0";
	uint32_t x = world_workload(w, "shop", "Kafka", "kafka", NULL, labels);
	uint32_t y = world_workload(w, "shop", "Deployment", "entity",
	    "cluster=kafka,podRole=entity", "cluster=kafka,podRole=entity");
	uint32_t pod = world_pod(w, x, "kafka-0", labels, "10.0.1.31", b.n1);

	(void)world_pod(
	    w, y, "e", "cluster=kafka,podRole=entity", "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, b.web, pod, 9092);
}

static void
user_pods(struct world *w)
{
	struct world_base b = world_base(w);
	const char *labels = "allow=true,app=hub,component=single,run_id=7,"
			     "hub.jupyter.org/username=alice";
	uint32_t x = world_workload(w, "shop", "Pod", "alice", NULL, labels);
	uint32_t y = world_workload(w, "shop", "Deployment", "hub",
	    "app=hub,component=hub", "app=hub,component=hub");
	uint32_t pod = world_pod(w, x, "alice", labels, "10.0.1.31", b.n1);

	(void)world_pod(w, y, "h", "app=hub,component=hub", "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* Deployments of one user each, by their own spec.selector. */
static void
user_deployments(struct world *w)
{
	static const char *const labels[] = {
		"app=code,hub.jupyter.org/username=alice",
		"app=code,hub.jupyter.org/username=bob"
	};
	struct world_base b = world_base(w);
	uint32_t pods[2];

	for (unsigned i = 0; i < 2; i++) {
		const char *name = i == 0 ? "alice" : "bob";

		pods[i] = world_pod(w,
		    world_workload(
			w, "shop", "Deployment", name, labels[i], labels[i]),
		    name, labels[i], i == 0 ? "10.0.1.31" : "10.0.1.32", b.n1);
	}
	world_finish(w);
	(void)world_connect(w, pods[0], b.db, 5432);
}

static void
only_tiers(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Pod", "loose", NULL, "");
	uint32_t pod =
	    world_pod(w, x, "loose", "tier=back,version=3", "10.0.1.31", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
shared_ports(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t c1 = world_app(w, "shop", "c1", "10.0.1.21", b.n1);
	uint32_t c2 = world_app(w, "shop", "c2", "10.0.1.22", b.n1);
	uint32_t c3 = world_app(w, "shop", "c3", "10.0.1.23", b.n1);

	world_finish(w);
	(void)world_connect(w, c1, b.db, 5432);
	(void)world_connect(w, c1, b.db, 5433);
	(void)world_connect(w, c2, b.db, 5432);
	(void)world_connect(w, c2, b.db, 5433);
	(void)world_connect(w, c3, b.db, 5432);
	(void)world_connect(w, c3, b.db, 5433);
	(void)world_connect(w, b.web, b.db, 5432);
}

/* reviews-v1 to -v3, told apart by version; all but the last call db. */
static void
versions(struct world *w, unsigned n)
{
	struct world_base b = world_base(w);
	uint32_t pods[3];
	char text[64], ip[32];

	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(
		    text, sizeof(text), "app=reviews,version=v%u", i + 1);
		(void)snprintf(ip, sizeof(ip), "10.0.1.%u", i + 31);
		pods[i] = world_pod(w,
		    world_workload(
			w, "shop", "Deployment", &text[4], text, text),
		    &text[4], text, ip, b.n1);
	}
	world_finish(w);
	for (unsigned i = 0; i < n; i++)
		(void)world_connect(w, pods[i], b.db, 5432);
	(void)world_connect(w, b.web, b.db, 5432);
}

static void
whole_family(struct world *w)
{
	versions(w, 3);
}

static void
part_of_family(struct world *w)
{
	versions(w, 2);
}

/* Two of three call db; the third is a bare pod. */
static void
family_with_stranger(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(
	    w, "shop", "Deployment", "x", "app=pair,side=x", "app=pair,side=x");
	uint32_t y = world_workload(
	    w, "shop", "Deployment", "y", "app=pair,side=y", "app=pair,side=y");
	uint32_t z = world_workload(w, "shop", "Pod", "z", NULL, "");
	uint32_t px =
	    world_pod(w, x, "x1", "app=pair,side=x", "10.0.1.31", b.n1);
	uint32_t py =
	    world_pod(w, y, "y1", "app=pair,side=y", "10.0.1.32", b.n1);

	(void)world_pod(w, z, "z1", "app=pair,side=z", "10.0.1.33", b.n1);
	world_finish(w);
	(void)world_connect(w, px, b.db, 5432);
	(void)world_connect(w, py, b.db, 5432);
}

/* The same labels in three namespaces, all of which call db. */
static void
same_elsewhere(struct world *w)
{
	static const char *const names[] = { "blue", "red" };
	struct world_base b = world_base(w);
	uint32_t pods[2];
	char ip[32];

	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(ip, sizeof(ip), "10.0.1.%u", i + 41);
		pods[i] = world_app(w, names[i], "web", ip, b.n1);
	}
	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
	(void)world_connect(w, pods[0], b.db, 5432);
	(void)world_connect(w, pods[1], b.db, 5432);
}

/* Pods that nothing owns, of two releases: no version may part them. */
static void
bare_versions(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Pod", "x", NULL, "");
	uint32_t y = world_workload(w, "shop", "Pod", "y", NULL, "");
	uint32_t px =
	    world_pod(w, x, "x", "run=bare,version=v1", "10.0.1.31", b.n1);

	(void)world_pod(w, y, "y", "run=bare,version=v2", "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, px, b.db, 5432);
}

static void
host_network(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(
	    w, "shop", "DaemonSet", "exporter", "app=exporter", "app=exporter");

	(void)world_pod(w, x, "e1", "app=exporter", NULL, b.n1);
	world_finish(w);
}

static void
openshift(struct world *w)
{
	uint32_t n1 = world_node(w, "n1", "192.168.0.1", "10.0.1.0/24");
	uint32_t dns =
	    world_app(w, "openshift-dns", "default", "10.0.1.53", n1);
	uint32_t s = world_service(
	    w, "openshift-dns", "dns-default", "10.96.0.10", "app=default");
	uint32_t web = world_app(w, "shop", "web", "10.0.1.10", n1);
	uint32_t src, dst;

	world_service_port(w, s, "dns", FLOW_UDP, 53, 5353);
	world_backend(w, s, "10.0.1.53", 5353, dns);
	world_service_port(w, s, "metrics", FLOW_TCP, 9154, 9154);
	world_backend(w, s, "10.0.1.53", 9154, dns);
	world_finish(w);
	src = world_at_pod(w, web);
	dst = world_at_pod(w, dns);
	(void)world_flow(w, src, dst, FLOW_UDP, 5353);
}

static void
node_local(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "kube-system", "DaemonSet", "node-local-dns",
		"k8s-app=node-local-dns", "k8s-app=node-local-dns");

	(void)world_pod(w, x, "nld-1", "k8s-app=node-local-dns", NULL, b.n1);
	world_finish(w);
	(void)world_call_out(w, b.web, "169.254.20.10", 53);
}

/* A cache that somebody gave another address, as kubespray does. */
static void
local_dns_elsewhere(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_call_out(w, b.web, "169.254.25.10", 53)->protocol = FLOW_UDP;
}

/* The metadata service may answer DNS; it is no cache. */
static void
metadata_dns(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_call_out(w, b.web, "169.254.169.254", 53)->protocol = FLOW_UDP;
}

static void
no_dns(struct world *w)
{
	uint32_t n1 = world_node(w, "n1", "192.168.0.1", "10.0.1.0/24");
	uint32_t web = world_app(w, "shop", "web", "10.0.1.10", n1);
	uint32_t db = world_app(w, "shop", "db", "10.0.1.11", n1);

	world_finish(w);
	(void)world_connect(w, web, db, 5432);
}

static void
dns_server(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at_pod(w, 0);
	(void)world_flow(w, src, dst, FLOW_UDP, 53);
	(void)world_call_out(w, 0, "192.168.1.1", 53);
}

static struct world_case cases[] = {
	REMARK("canary: told apart by what it lacks", canary, "web",
	    "app=web+!track in eg " DNS " & app=db @TCP/5432",
	    "missing-labels"),
	SHOP("canary: the other", canary, "web-canary",
	    "app=web+track=canary in eg " DNS " & app=db @TCP/5433"),
	SHOP("canary: as peers", canary, "db",
	    "app=db in app=web+!track @TCP/5432 & app=web+track=canary "
	    "@TCP/5433 eg"),
	REMARK("same labels: one policy", same_labels, "web",
	    "app=web in eg " DNS " & app=db @TCP/5432", "shared-labels"),
	SHOP("same name: kind", same_name, "web-statefulset",
	    "app=web-set in eg " DNS " & app=db @TCP/5432"),
	SHOP("same name: kind of the other", same_name, "web-deployment",
	    "app=web in eg"),
	SHOP("job: stable labels", job, "import",
	    "app=shop in eg " DNS " & app=db @TCP/5432"),
	SHOP("a Job with another's labels: by the key that Jobs' pods carry",
	    hook, "import",
	    "app=web+job-name in eg " DNS " & app=db @TCP/5432"),
	SHOP(
	    "and the other without it", hook, "web", "app=web+!job-name in eg"),
	REMARK("a Job without labels beside it: by both", loose_job, "loose",
	    "job-name+!app in eg " DNS " & app=db @TCP/5432", "missing-labels"),
	SHOP("also where the Job runs nothing now", idle_hook, "backup",
	    "app=web+job-name in eg"),
	REMARK("runs without a label that lasts", workflows, "etl",
	    "workflows.argoproj.io/workflow in eg " DNS " & app=db @TCP/5432",
	    "shared-labels"),
	SHOP("CronJob between runs", cron_job, "backup", "app=backup in eg"),
	SHOP("bare pods: a valid name", bare_pods, "debug-x",
	    "run=debug in eg " DNS " & app=db @TCP/5432"),
	REMARK("no labels", unlabelled, "loose",
	    "!app in eg " DNS " & app=db @TCP/5432", "missing-labels"),
	SHOP("subject: all of spec.selector", helm, "server",
	    "app.kubernetes.io/component=server+app.kubernetes.io/"
	    "instance=one+app.kubernetes.io/name=api "
	    "in app=web @TCP/80 eg"),
	SHOP("peer: as little of it as will do", helm, "web",
	    "app=web in eg " DNS " & app.kubernetes.io/component=server+"
	    "app.kubernetes.io/name=api @TCP/80"),
	SHOP("peers: what many may carry not alone", tiers, "db",
	    "app=db in app=shop+tier=back app=shop+tier=front @TCP/5432 eg"),
	SHOP("peers: nor in a list of its values", more_tiers, "db",
	    "app=db in app=shop+tier~back~front~mid @TCP/5432 eg"),
	SHOP("no own selector: nor there", custom_pods, "kafka",
	    "cluster=kafka+podRole=broker in app=web @TCP/9092 eg"),
	SHOP("no own selector: by no user, run or flag", user_pods, "alice",
	    "app=hub+component=single in eg " DNS " & app=db @TCP/5432"),
	SHOP("own selector: the user that it names", user_deployments, "alice",
	    "app=code+hub.jupyter.org/username=alice in eg " DNS
	    " & app=db @TCP/5432"),
	REMARK("no own selector: alone where nothing says more", only_tiers,
	    "loose", "tier=back in eg " DNS " & app=db @TCP/5432",
	    "generic-labels"),
	SHOP("peers share ports, ports share peers", shared_ports, "db",
	    "app=db in app~c1~c2~c3 @TCP/5432,TCP/5433 & app=web @TCP/5432 eg"),
	SHOP("peers: a whole family by its label", whole_family, "db",
	    "app=db in app=reviews app=web @TCP/5432 eg"),
	SHOP("peers: a part of a family one by one", part_of_family, "db",
	    "app=db in app=reviews+version=v1 app=reviews+version=v2 app=web "
	    "@TCP/5432 eg"),
	SHOP("peers: a bare pod has the family's label", family_with_stranger,
	    "db", "app=db in side=x side=y @TCP/5432 eg"),
	REMARK("versions part no bare pods", bare_versions, "x",
	    "run=bare in eg " DNS " & app=db @TCP/5432", "shared-labels"),
	SHOP("peers: one list of namespaces", same_elsewhere, "db",
	    "app=db in ns:blue~red/app=web app=web @TCP/5432 eg"),
	REMARK("hostNetwork has no policy", host_network, NULL, "exporter",
	    "host-network"),
	SHOP("DNS on another port", openshift, "web",
	    "app=web in eg ns:openshift-dns/app=default @TCP/5353,UDP/5353"),
	SHOP("NodeLocal DNS", node_local, "web",
	    "app=web in eg ns:kube-system/k8s-app=kube-dns 10.96.0.10/32 "
	    "169.254.20.10/32 @TCP/53,UDP/53"),
	REMARK("DNS from a link-local address that nobody told of",
	    local_dns_elsewhere, "web",
	    "app=web in eg ns:kube-system/k8s-app=kube-dns 169.254.25.10/32 "
	    "@TCP/53,UDP/53",
	    "dns-link-local"),
	{ .name = "the metadata address stays a decision when it answers DNS",
	    .build = metadata_dns,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg",
	    .note = "metadata",
	    .kind = NOTE_DECISION },
	REMARK("unknown DNS", no_dns, "web",
	    "app=web in eg app=db @TCP/5432 & " DNS, "dns-unknown"),
	{ .name = "DNS server: answers every pod",
	    .build = dns_server,
	    .namespace = "kube-system",
	    .policy = "coredns",
	    .want = "k8s-app=kube-dns in ns:* 192.168.0.1/32 192.168.0.2/32 "
		    "@TCP/53,UDP/53 eg 192.168.1.1/32 @TCP/53,UDP/53",
	    .note = "dns-server",
	    .kind = NOTE_REMARK },

};

int
main(void)
{
	const struct case_table table = CASE_TABLE(world_case_run, cases, name);

	return case_table_run("selectors", &table);
}

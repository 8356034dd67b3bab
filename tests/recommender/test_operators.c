/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that operators run: no spec.selector, or one for each of many alike. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

struct made {
	const char *kind, *name, *selector, *labels;
	unsigned n_pods;
};

/* These workloads, all of whose pods call db. */
static void
make(struct world *w, const struct made *v, size_t n)
{
	struct world_base b = world_base(w);
	uint32_t pods[16];
	char name[64], ip[32];
	unsigned k = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t x = world_workload(w, "shop", v[i].kind, v[i].name,
		    v[i].selector, v[i].labels);

		for (unsigned j = 0; j < v[i].n_pods; j++, k++) {
			(void)snprintf(
			    name, sizeof(name), "%s-%u", v[i].name, j);
			(void)snprintf(ip, sizeof(ip), "10.0.1.%u", k + 31);
			pods[k] = world_pod(w, x, name, v[i].labels, ip, b.n1);
		}
	}
	world_finish(w);
	for (unsigned i = 0; i < k; i++)
		(void)world_connect(w, pods[i], b.db, 5432);
}

static void
set_of_pods(struct world *w)
{
	static const struct made v[] = { { "RayCluster", "ray", NULL,
	    "app.kubernetes.io/name=kuberay,ray.io/cluster=ray", 2 } };

	make(w, v, NELEM(v));
}

static void
run_of_one(struct world *w)
{
	static const struct made v[] = { { "EphemeralRunner", "ubuntu-x", NULL,
	    "app.kubernetes.io/name=ubuntu,runner=ubuntu-x", 1 } };

	make(w, v, NELEM(v));
}

static void
task_runs(struct world *w)
{
	static const struct made v[] = {
		{ "TaskRun", "push-x7k2p-build", NULL,
		    "tekton.dev/memberOf=tasks,tekton.dev/pipeline=push,"
		    "tekton.dev/pipelineTask=build,"
		    "tekton.dev/taskRun=push-x7k2p-build",
		    1 },
		{ "TaskRun", "push-m4q9z-build", NULL,
		    "tekton.dev/memberOf=tasks,tekton.dev/pipeline=push,"
		    "tekton.dev/pipelineTask=build,"
		    "tekton.dev/taskRun=push-m4q9z-build",
		    1 },
		{ "TaskRun", "push-x7k2p-test", NULL,
		    "tekton.dev/memberOf=tasks,tekton.dev/pipeline=push,"
		    "tekton.dev/pipelineTask=test,"
		    "tekton.dev/taskRun=push-x7k2p-test",
		    1 },
	};

	make(w, v, NELEM(v));
}

static void
organization(struct world *w)
{
	static const struct made v[] = { { "Listener", "l", NULL,
	    "actions.github.com/organization=acme,"
	    "actions.github.com/scale-set-name=ubuntu",
	    1 } };

	make(w, v, NELEM(v));
}

static void
numbers(struct world *w)
{
	static const struct made v[] = { { "Engine", "e", NULL,
	    "data-engine=v1,engine-image=e-12ab,project=41,what=engine", 1 } };

	make(w, v, NELEM(v));
}

/* One for each node. */
static void
instance_managers(struct world *w)
{
	static const struct made v[] = {
		{ "InstanceManager", "instance-manager-1a2b", NULL,
		    "app=longhorn,longhorn.io/node=n1", 1 },
		{ "InstanceManager", "instance-manager-3c4d", NULL,
		    "app=longhorn,longhorn.io/node=n2", 1 },
	};

	make(w, v, NELEM(v));
}

/* Pods that are named after what made them, and after itself. */
static void
game_servers(struct world *w)
{
	static const struct made v[] = {
		{ "GameServer", "fleet-c5d7f-x7k2p", NULL,
		    "agones.dev/fleet=fleet,agones.dev/gameserver="
		    "fleet-c5d7f-x7k2p,agones.dev/gameserverset=fleet-c5d7f",
		    1 },
		{ "GameServer", "fleet-h2j4k-m4q9z", NULL,
		    "agones.dev/fleet=fleet,agones.dev/gameserver="
		    "fleet-h2j4k-m4q9z,agones.dev/gameserverset=fleet-h2j4k",
		    1 },
		{ "Workspace", "w", NULL,
		    "app=code,id=0f1e2d3c-aaaa-4bbb-8ccc-0123456789ab", 1 },
		{ "Workspace", "x", NULL,
		    "app=code,id=1f1e2d3c-aaaa-4bbb-8ccc-0123456789ab", 1 },
		{ "VirtualMachine", "db01", NULL,
		    "kind=vm,vm.kubevirt.io/name=db01", 1 },
		{ "VirtualMachine", "web01", NULL,
		    "kind=vm,vm.kubevirt.io/name=web01", 1 },
	};

	make(w, v, NELEM(v));
}

/* Deployments of one daemon each. */
static void
monitors(struct world *w)
{
	static const struct made v[] = {
		{ "Deployment", "rook-ceph-mon-a",
		    "app=rook-ceph-mon,ceph_daemon_id=a,mon=a",
		    "app=rook-ceph-mon,ceph_daemon_id=a,failure-domain=h1,"
		    "mon=a",
		    1 },
		{ "Deployment", "rook-ceph-mon-b",
		    "app=rook-ceph-mon,ceph_daemon_id=b,mon=b",
		    "app=rook-ceph-mon,ceph_daemon_id=b,failure-domain=h2,"
		    "mon=b",
		    1 },
	};

	make(w, v, NELEM(v));
}

static void
object_stores(struct world *w)
{
	static const struct made v[] = {
		{ "Deployment", "rgw-x", "app=rgw,ceph_daemon_id=x",
		    "app=rgw,ceph_daemon_id=x,rook_object_store=x", 1 },
		{ "Deployment", "rgw-y", "app=rgw,ceph_daemon_id=y",
		    "app=rgw,ceph_daemon_id=y,rook_object_store=y", 1 },
	};

	make(w, v, NELEM(v));
}

static void
loose_job(struct world *w)
{
	static const struct made v[] = { { "Job", "export", NULL,
	    "job-name=export", 1 } };

	make(w, v, NELEM(v));
}

/* What "app" holds does not last, but it is there. */
static void
revisions(struct world *w)
{
	static const struct made v[] = {
		{ "Deployment", "hello-00001", NULL,
		    "app=hello-00001,serving.knative.dev/revision=hello-00001,"
		    "stack=fn",
		    1 },
		{ "Deployment", "queue", NULL,
		    "app=queue,serving.knative.dev/revision=queue-00001,"
		    "stack=fn",
		    1 },
	};

	make(w, v, NELEM(v));
}

/* Charts that have their version in spec.selector; versions side by side. */
static void
charts(struct world *w)
{
	static const struct made v[] = {
		{ "Deployment", "runner", "app=runner,chart=runner-1.2.3",
		    "app=runner,chart=runner-1.2.3", 1 },
		{ "Deployment", "api-v1", "app=api,version=v1",
		    "app=api,version=v1", 1 },
		{ "Deployment", "old", "app=old,chart=old-1",
		    "app=old,chart=old-1", 1 },
		{ "Deployment", "new", "app=old,chart=old-2",
		    "app=old,chart=old-2", 1 },
	};

	make(w, v, NELEM(v));
}

/* A Job with a Deployment's labels and one more; parts of one thing. */
static void
buckets(struct world *w)
{
	static const struct made v[] = {
		{ "Deployment", "minio", "app=minio", "app=minio", 1 },
		{ "Job", "make-buckets", NULL,
		    "app=minio,component=buckets,job-name=make-buckets", 1 },
		{ "StatefulSet", "r1", "ring=main,rack=r1", "ring=main,rack=r1",
		    1 },
		{ "StatefulSet", "r2", "ring=main,rack=r2", "ring=main,rack=r2",
		    1 },
	};

	make(w, v, NELEM(v));
}

#define TO_DB " in eg " DNS " & app=db @TCP/5432"

static struct world_case cases[] = {
	SHOP("a set of pods: by the name of what runs it", set_of_pods, "ray",
	    "ray.io/cluster=ray" TO_DB),
	SHOP("a single pod: not by a name that may be a run's", run_of_one,
	    "ubuntu-x", "app.kubernetes.io/name=ubuntu" TO_DB),
	SHOP("a task: not without its pipeline", task_runs, "push-build",
	    "tekton.dev/pipeline=push+tekton.dev/pipelineTask=build" TO_DB),
	SHOP("not by whose it is", organization, "l",
	    "actions.github.com/scale-set-name=ubuntu" TO_DB),
	SHOP("not by numbers, nor by an image", numbers, "e",
	    "what=engine" TO_DB),
	REMARK("one for each node: together", instance_managers,
	    "instance-manager", "app=longhorn" TO_DB, "shared-labels"),
	REMARK("names that were made up tell no pods apart", game_servers,
	    "fleet", "agones.dev/fleet=fleet" TO_DB, "shared-labels"),
	REMARK(
	    "nor do ids", game_servers, "w", "app=code" TO_DB, "shared-labels"),
	SHOP("but names that people gave", game_servers, "db01",
	    "vm.kubevirt.io/name=db01" TO_DB),
	REMARK("daemons of one kind: together", monitors, "rook-ceph-mon",
	    "app=rook-ceph-mon" TO_DB, "shared-labels"),
	SHOP("but not those of two stores", object_stores, "rgw-x",
	    "rook_object_store=x" TO_DB),
	REMARK("a Job of which only job-name tells", loose_job, "export",
	    "job-name" TO_DB, "generic-labels"),
	REMARK("a key that they carry is not one that they lack", revisions,
	    "hello-00001", "stack=fn" TO_DB, "shared-labels"),
	SHOP("own selector: without a chart's version", charts, "runner",
	    "app=runner" TO_DB),
	SHOP("where it is not needed", charts, "old",
	    "app=old+chart=old-1" TO_DB),
	SHOP("beside a Job: by what Jobs carry, not by what this one does",
	    buckets, "minio", "app=minio+!job-name" TO_DB),
	SHOP("the Job itself", buckets, "make-buckets",
	    "app=minio+component=buckets" TO_DB),
	SHOP("a rack is a part", buckets, "db",
	    "app=db in app=minio "
	    "rack=r1+ring=main rack=r2+ring=main @TCP/5432 eg"),
	SHOP("but with the version that it names", charts, "api-v1",
	    "app=api+version=v1" TO_DB),
};

#define RUNS       1500
#define RUNS_BYTES ((size_t)16 * 1024 * 1024)

/* What thousands of runs of one thing take grows with their number. */
static void
test_many_runs(void **state)
{
	struct recommend_options options = { 0 };
	struct recommendation out;
	struct flow_set fs;
	struct arena arena;
	struct rf_error err = { 0 };
	struct world w;
	uint32_t node;

	(void)state;
	arena_init(&arena, RUNS_BYTES);
	world_init(&w);
	node = world_node(&w, "n1", "192.168.0.1", NULL);
	for (unsigned i = 0; i < RUNS; i++) {
		char name[32], ip[32], labels[64];
		uint32_t job;

		(void)snprintf(name, sizeof(name), "etl-%u", i);
		(void)snprintf(ip, sizeof(ip), "10.0.%u.%u", i / 250, i % 250);
		(void)snprintf(
		    labels, sizeof(labels), "app=etl,job-name=etl-%u", i);
		job = world_workload(&w, "shop", "Job", name, NULL, labels);
		(void)world_pod(&w, job, name, labels, ip, node);
	}
	world_finish(&w);
	fs = world_flows(&w);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(out.n_workloads, 1);
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = { cmocka_unit_test(test_many_runs) };
	const struct case_table tables[] = {
		CASE_TABLE(world_case_run, cases, name),
	};

	return case_tables_run(
	    "operators", own, NELEM(own), tables, NELEM(tables));
}

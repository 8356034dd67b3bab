/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads beside others that carry the same keys for another reason. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"

/* Pods of a custom resource beside a Deployment's, all of one user each. */
static void
beside_users(struct world *w, const char *labels, const char *own)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Notebook", "nb", NULL, labels);
	uint32_t y = world_workload(w, "shop", "Deployment", "hub", own, own);
	uint32_t pod = world_pod(w, x, "nb-0", labels, "10.0.1.31", b.n1);

	(void)world_pod(w, y, "hub-0", own, "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static void
beside_other_user(struct world *w)
{
	beside_users(w, "app=nb,user=alice", "app=nb,user=admin");
}

static void
beside_same_user(struct world *w)
{
	beside_users(w, "app=nb,role=x,user=alice", "app=nb,user=alice");
}

static void
beside_marked_user(struct world *w)
{
	beside_users(w, "app=nb,hub.jupyter.org/username=alice",
	    "app=nb,hub.jupyter.org/username=admin");
}

/* A Job of which no label says what it is. */
static void
batch_tier(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x =
	    world_workload(w, "shop", "Job", "import", NULL, "tier=batch");
	uint32_t y = world_workload(
	    w, "shop", "Deployment", "queue", "tier=batch", "tier=batch");
	uint32_t pod = world_pod(
	    w, x, "import-x", "tier=batch,job-name=import", "10.0.1.31", b.n1);

	(void)world_pod(w, y, "queue-0", "tier=batch", "10.0.1.32", b.n1);
	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* The same with no label at all. */
static void
bare_job(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Job", "import", NULL, "");
	uint32_t pod =
	    world_pod(w, x, "import-x", "job-name=import", "10.0.1.31", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

/* Flags as Python writes them, beside a part. */
static void
python_flag(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t x = world_workload(w, "shop", "Pod", "worker*", NULL,
	    "component=worker,executor=True");
	uint32_t pod = world_pod(
	    w, x, "x-1", "component=worker,executor=True", "10.0.1.31", b.n1);

	world_finish(w);
	(void)world_connect(w, pod, b.db, 5432);
}

static struct world_case cases[] = {
	REMARK("by no key that they carry themselves", beside_other_user, "hub",
	    "app=nb in eg " DNS " & app=db @TCP/5432", "shared-labels"),
	SHOP("own selector: not where it selects pods of others",
	    beside_same_user, "hub", "app=nb+!role in eg"),
	REMARK("nor by one that others carry with a value", beside_marked_user,
	    "hub", "app=nb in eg " DNS " & app=db @TCP/5432", "shared-labels"),
	SHOP("a Job that no label tells of: not all Jobs", batch_tier, "import",
	    "tier=batch+job-name in eg " DNS " & app=db @TCP/5432"),
	REMARK("a Job without labels: all Jobs, and told so", bare_job,
	    "import", "job-name in eg " DNS " & app=db @TCP/5432",
	    "generic-labels"),
	REMARK("a flag in capitals says no more than others", python_flag,
	    "worker", "component=worker in eg " DNS " & app=db @TCP/5432",
	    "generic-labels"),
};

int
main(void)
{
	const struct case_table table = CASE_TABLE(world_case_run, cases, name);

	return case_table_run("neighbours", &table);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod was before it was given other labels, another owner or another
 * address, as far as snapshots and events tell when. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/cluster_text.h"
#include "tests/support/case_table.h"

#define DAY "2026-03-02T10:"

#define POD(name, app, ip, more)                                               \
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name            \
	"','namespace':'n','uid':'" name "','labels':{'app':'" app "'}" more   \
	"},'status':{'phase':'Running','podIP':'" ip "','startTime':'" DAY     \
	"00:00Z'}}"
#define EVENT(object) "{'type':'MODIFIED','object':" object "}\n"
#define LIST(items)   "{'kind':'PodList','items':[" items "]}\n"
/* Some other pod, which tells how late it is. */
#define CLOCK(name, time)                                                      \
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name            \
	"','namespace':'n','creationTimestamp':'" DAY time "Z'}}"
#define WRITTEN(time) ",'managedFields':[{'time':'" DAY time "Z'}]"
#define OWNED(name)                                                            \
	",'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet',"     \
	"'name':'" name "','controller':true}]"

/* want: the app of who has 10.0.0.5 at 10:00:30, 10:10:30, 10:20:30, …; "."
 * nobody. */
static const struct history_case {
	const char *name, *text, *want;
} cases[] = {
	/* clang-format off */
	{ "between the times that others tell, nobody knows",
	    EVENT(POD("a", "x", "10.0.0.5", "")) EVENT(CLOCK("b", "15:00"))
	    EVENT(POD("a", "y", "10.0.0.5", "")) EVENT(CLOCK("c", "35:00")),
	    "xx..yy" },
	{ "an event that tells its own time needs no other",
	    EVENT(POD("a", "x", "10.0.0.5", ""))
	    EVENT(POD("a", "y", "10.0.0.5", WRITTEN("15:00")))
	    EVENT(CLOCK("c", "35:00")), "xxyyyy" },
	{ "when nothing comes behind, from where nothing else is known",
	    EVENT(POD("a", "x", "10.0.0.5", "")) EVENT(CLOCK("b", "15:00"))
	    EVENT(POD("a", "y", "10.0.0.5", "")), "xxyyyy" },
	{ "twice",
	    EVENT(POD("a", "x", "10.0.0.5", ""))
	    EVENT(POD("a", "y", "10.0.0.5", WRITTEN("15:00")))
	    EVENT(POD("a", "z", "10.0.0.5", WRITTEN("35:00"))), "xxyyzz" },
	{ "later states are no change",
	    EVENT(POD("a", "x", "10.0.0.5", ""))
	    EVENT(POD("a", "y", "10.0.0.5", WRITTEN("15:00")))
	    EVENT(POD("a", "y", "10.0.0.5", WRITTEN("35:00"))), "xxyyyy" },
	{ "a List is as late as it tells, and what it replaces as its own",
	    LIST(POD("a", "x", "10.0.0.5", "") "," CLOCK("b", "15:00"))
	    LIST(CLOCK("c", "35:00") "," POD("a", "y", "10.0.0.5", ""))
	    EVENT(CLOCK("d", "45:00")), "xx...y" },
	{ "another address leaves the old one",
	    EVENT(POD("a", "x", "10.0.0.5", ""))
	    EVENT(POD("a", "y", "10.0.0.6", WRITTEN("25:00"))), "xxx..." },
	{ "and takes the new one then",
	    EVENT(POD("a", "x", "10.0.0.4", ""))
	    EVENT(POD("a", "y", "10.0.0.5", WRITTEN("25:00"))), "...yyy" },
	{ "another owner is another pod",
	    EVENT(POD("a", "x", "10.0.0.5", OWNED("r")))
	    EVENT(POD("a", "x", "10.0.0.5", OWNED("s") WRITTEN("25:00"))),
	    "xxxxxx" },
	/* clang-format on */
};

static const char *
app_at(const struct cluster *c, const char *ip, int64_t at_us)
{
	struct ip_addr a = ip_of(ip);
	struct address_owner o = address_owner_at(c, &a, at_us);

	return o.pod == FLOW_NONE ? "."
				  : label_get(&c->pods[o.pod].labels, "app");
}

static void
test_history(void **state)
{
	const struct history_case *hc = *state;
	struct cluster *c = text_cluster(hc->text);
	char got[7] = "";

	for (int i = 0; i < 6; i++)
		got[i] = app_at(c, "10.0.0.5",
		    time_of(DAY "00:30Z") + i * INT64_C(600000000))[0];
	assert_string_equal(got, hc->want);
	cluster_free(c);
}

/* A broken answer: one uid, and two pods by name. Neither becomes the other. */
static void
test_shared_uid(void **state)
{
	struct cluster *c = text_cluster(EVENT(POD("a", "x", "10.0.0.5",
	    "")) "{'type':'MODIFIED','object':{'apiVersion':'v1','kind':'Pod',"
		 "'metadata':{'name':'a','namespace':'m','uid':'a'}}}\n");
	uint32_t n = cluster_find_pod(c, "n", "a");
	uint32_t m = cluster_find_pod(c, "m", "a");

	(void)state;
	assert_int_equal(c->n_pods, 2);
	assert_true(n < 2 && m < 2 && n != m);
	assert_string_equal(c->namespaces[c->pods[n].ns].name, "n");
	assert_string_equal(c->namespaces[c->pods[m].ns].name, "m");
	cluster_free(c);
}

/* Its workload of then, not of now. */
static void
test_owner(void **state)
{
	struct cluster *c = text_cluster(
	    EVENT(POD("a", "x", "10.0.0.5", OWNED("r")))
		EVENT(POD("a", "x", "10.0.0.5", OWNED("s") WRITTEN("25:00"))));
	static const struct {
		const char *at, *want;
	} moments[] = { { DAY "24:59Z", "r" }, { DAY "25:01Z", "s" } };
	struct ip_addr ip = ip_of("10.0.0.5");

	(void)state;
	for (size_t i = 0; i < NELEM(moments); i++) {
		struct address_owner o =
		    address_owner_at(c, &ip, time_of(moments[i].at));

		assert_int_not_equal(o.pod, FLOW_NONE);
		assert_string_equal(c->workloads[c->pods[o.pod].workload].name,
		    moments[i].want);
	}
	cluster_free(c);
}

/* The recorded minute of a real server: a pod is relabelled at 09:34:54. */
static void
test_recorded(void **state)
{
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };
	struct cluster *c;
	struct ip_addr ip = ip_of("10.244.0.16");
	static const struct {
		const char *at, *tier;
	} moments[] = {
		{ "2026-11-20T09:34:53.9Z", "frontend" },
		{ "2026-11-20T09:34:55Z", "backend" },
	};

	(void)state;
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	file_read(sb, "fixtures/kube/watch-pods.jsonl");
	c = text_finish(sb, NULL);
	for (size_t i = 0; i < NELEM(moments); i++) {
		struct address_owner o =
		    address_owner_at(c, &ip, time_of(moments[i].at));

		assert_int_not_equal(o.pod, FLOW_NONE);
		assert_string_equal(
		    label_get(&c->pods[o.pod].labels, "tier"), moments[i].tier);
	}
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_shared_uid),
		cmocka_unit_test(test_recorded),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_history, cases, name),
	};

	return case_tables_run(
	    "history", own, NELEM(own), tables, NELEM(tables));
}

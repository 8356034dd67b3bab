/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs a pod: owner chains, static pods, bare pods and their groups. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>

#include "core/strbuf.h"
#include "tests/kube/cluster_text.h"
#include "tests/support/case_table.h"

#define OWNER(kind, name)                                                      \
	"'ownerReferences':[{'kind':'Other','name':'x'},{'apiVersion':'v1',"   \
	"'kind':'" kind "','name':'" name "','controller':true}]"
#define POD(name, labels, owner)                                               \
	"{'kind':'Pod','metadata':{'name':'" name                              \
	"','namespace':'n','labels':{" labels "}," owner "}}"
#define BARE(name, labels)                                                     \
	"{'kind':'Pod','metadata':{'name':'" name                              \
	"','namespace':'n','labels':{" labels "}}}"
#define OBJECT(kind, name, owner, spec)                                        \
	"{'kind':'" kind "','metadata':{'name':'" name                         \
	"','namespace':'n'," owner "},'spec':{" spec "}}"
#define SELECT(labels) "'selector':{'matchLabels':{" labels "}}"

/* want: "kind/name pods flags {labels};" in order; flags: o object read,
 * s selector known, p suspended. */
static const struct workload_case {
	const char *name, *text, *want;
} workload_cases[] = {
	/* clang-format off */
	{ "pod, ReplicaSet, Deployment",
	    OBJECT("Deployment", "d", "'uid':'1'", SELECT("'a':'b'"))
	    OBJECT("ReplicaSet", "d-5f", OWNER("Deployment", "d"), "")
	    POD("d-5f-x", "'a':'b','pod-template-hash':'5f'",
		OWNER("ReplicaSet", "d-5f")),
	    "Deployment/d 1 os {a=b};" },
	{ "the order of objects does not count",
	    POD("d-5f-x", "'a':'b'", OWNER("ReplicaSet", "d-5f"))
	    OBJECT("ReplicaSet", "d-5f", OWNER("Deployment", "d"), "")
	    OBJECT("Deployment", "d", "'uid':'1'", SELECT("'a':'b'")),
	    "Deployment/d 1 os {a=b};" },
	{ "ReplicaSet not read: the pod's hash tells",
	    POD("d-5f-x", "'pod-template-hash':'5f'",
		OWNER("ReplicaSet", "d-5f")),
	    "Deployment/d 1  {};" },
	{ "ReplicaSet not read, no hash: it stays",
	    POD("d-5f-x", "'a':'b'", OWNER("ReplicaSet", "d-5f")),
	    "ReplicaSet/d-5f 1  {a=b};" },
	{ "ReplicaSet not read, another hash: it stays",
	    POD("d-5f-x", "'pod-template-hash':'6f'",
		OWNER("ReplicaSet", "d-5f")),
	    "ReplicaSet/d-5f 1  {};" },
	{ "a Rollout's hash",
	    POD("d-5f-x", "'rollouts-pod-template-hash':'5f'",
		OWNER("ReplicaSet", "d-5f")),
	    "Rollout/d 1  {};" },
	{ "a Rollout by reference",
	    OBJECT("ReplicaSet", "d-5f", OWNER("Rollout", "d"), "")
	    POD("d-5f-x", "'a':'b'", OWNER("ReplicaSet", "d-5f")),
	    "Rollout/d 1  {a=b};" },
	{ "a Rollout that was read has a selector",
	    OBJECT("ReplicaSet", "d-5f", OWNER("Rollout", "d"), "")
	    OBJECT("Rollout", "d", "'uid':'1'", "'template':{},"
		SELECT("'a':'b'"))
	    POD("d-5f-x", "'a':'b'", OWNER("ReplicaSet", "d-5f")),
	    "Rollout/d 1 os {a=b};" },
	{ "a ReplicaSet of its own",
	    OBJECT("ReplicaSet", "r", "'uid':'1'", SELECT("'a':'b'"))
	    POD("r-x", "'a':'b'", OWNER("ReplicaSet", "r")),
	    "ReplicaSet/r 1 os {a=b};" },
	{ "a ReplicationController's selector is a map",
	    OBJECT("ReplicationController", "r", "'uid':'1'",
		"'selector':{'a':'b'}")
	    POD("r-x", "'a':'b'", OWNER("ReplicationController", "r")),
	    "ReplicationController/r 1 os {a=b};" },
	{ "a ReplicationController of a DeploymentConfig, neither read",
	    POD("d-12-x", "'deploymentconfig':'d','deployment':'d-12'",
		OWNER("ReplicationController", "d-12")),
	    "DeploymentConfig/d 1  {deploymentconfig=d};" },
	{ "not by another name, nor without a number",
	    POD("e-1-x", "'deploymentconfig':'d'",
		OWNER("ReplicationController", "e-1"))
	    POD("d-1a-x", "'deploymentconfig':'d'",
		OWNER("ReplicationController", "d-1a"))
	    POD("d--x", "'deploymentconfig':'d'",
		OWNER("ReplicationController", "d-")),
	    "ReplicationController/d- 1  {deploymentconfig=d};"
	    "ReplicationController/d-1a 1  {deploymentconfig=d};"
	    "ReplicationController/e-1 1  {deploymentconfig=d};" },
	{ "a pod that owns pods is not one of them",
	    BARE("job-driver", "'role':'driver'")
	    POD("job-exec-1", "'role':'exec','spark-exec-id':'1'",
		OWNER("Pod", "job-driver"))
	    POD("job-exec-2", "'role':'exec','spark-exec-id':'2'",
		OWNER("Pod", "job-driver")),
	    "Pod/job-driver 1 o {role=driver};Pod/job-exec-* 2 o {role=exec};" },
	{ "bare pods are one workload whatever user or run they are of",
	    BARE("j-alice", "'app':'j','example.org/username':'alice'")
	    BARE("j-bob", "'app':'j','run_id':'7'"),
	    "Pod/j-* 2 o {app=j};" },
	{ "Job of a CronJob",
	    OBJECT("CronJob", "c", "'uid':'1'", "'suspend':true")
	    OBJECT("Job", "c-1", OWNER("CronJob", "c"), "")
	    POD("c-1-x", "'a':'b','job-name':'c-1'", OWNER("Job", "c-1")),
	    "CronJob/c 1 op {a=b};" },
	{ "a Job alone", OBJECT("Job", "j", "'uid':'1'",
	    SELECT("'batch.kubernetes.io/controller-uid':'u'"))
	    POD("j-x", "'a':'b'", OWNER("Job", "j")), "Job/j 1 o {a=b};" },
	{ "a Job not read stays, even if its name ends in digits",
	    POD("j-29919455-x", "'a':'b'", OWNER("Job", "j-29919455")),
	    "Job/j-29919455 1  {a=b};" },
	{ "a Job not read of a CronJob that was",
	    OBJECT("CronJob", "j", "'uid':'1'", "")
	    POD("j-29919455-x", "'a':'b'", OWNER("Job", "j-29919455")),
	    "CronJob/j 1 o {a=b};" },
	{ "an operator's resource does not unite its StatefulSets",
	    OBJECT("StatefulSet", "s", OWNER("Prometheus", "k8s"),
		SELECT("'a':'b'"))
	    OBJECT("Prometheus", "k8s", "'uid':'1'", "")
	    POD("s-0", "'a':'b','apps.kubernetes.io/pod-index':'0'",
		OWNER("StatefulSet", "s")),
	    "StatefulSet/s 1 os {a=b};" },
	{ "custom resources on custom resources",
	    OBJECT("Workflow", "w-1", OWNER("CronWorkflow", "w"), "")
	    POD("w-1-x", "'a':'b'", OWNER("Workflow", "w-1")),
	    "CronWorkflow/w 1  {a=b};" },
	{ "a Kafka's sets of pods are apart",
	    OBJECT("StrimziPodSet", "k-b", OWNER("Kafka", "k"),
		"'pods':[{}]," SELECT("'name':'k'"))
	    OBJECT("StrimziPodSet", "k-c", OWNER("Kafka", "k"),
		"'pods':[{}]," SELECT("'name':'k'"))
	    OBJECT("Kafka", "k", "'uid':'1'", "")
	    POD("k-b-0", "'name':'k','pool':'b'", OWNER("StrimziPodSet", "k-b"))
	    POD("k-c-1", "'name':'k','pool':'c'",
		OWNER("StrimziPodSet", "k-c")),
	    "StrimziPodSet/k-b 1 os {name=k,pool=b};"
	    "StrimziPodSet/k-c 1 os {name=k,pool=c};" },
	{ "a set of pods that an application owns",
	    OBJECT("CloneSet", "c", OWNER("Application", "a"),
		"'template':{}," SELECT("'a':'b'"))
	    POD("c-x", "'a':'b'", OWNER("CloneSet", "c")),
	    "CloneSet/c 1 os {a=b};" },
	{ "runners of a set of runners",
	    OBJECT("EphemeralRunner", "r-1", OWNER("EphemeralRunnerSet", "r"),
		"")
	    OBJECT("EphemeralRunnerSet", "r", OWNER("AutoscalingRunnerSet", "q"),
		"'replicas':1")
	    POD("r-1", "'a':'b'", OWNER("EphemeralRunner", "r-1")),
	    "AutoscalingRunnerSet/q 1  {a=b};" },
	{ "a circle of owners ends",
	    OBJECT("A", "a", OWNER("B", "b"), "")
	    OBJECT("B", "b", OWNER("A", "a"), "")
	    POD("p", "'a':'b'", OWNER("A", "a")), "A/a 1 o {a=b};" },
	{ "owners that do not control do not count",
	    "{'kind':'Pod','metadata':{'name':'p','namespace':'n',"
	    "'ownerReferences':[{'kind':'Job','name':'j'}]}}",
	    "Pod/p 1 o {};" },
	{ "static pods lose their node's name",
	    POD("etcd-cp-1", "'c':'etcd'", OWNER("Node", "cp-1"))
	    POD("etcd-cp-2", "'c':'etcd'", OWNER("Node", "cp-2")),
	    "Pod/etcd 2 o {c=etcd};" },
	{ "a bare pod alone", BARE("web-1", "'a':'b'"),
	    "Pod/web-1 1 o {a=b};" },
	{ "bare pods with equal labels",
	    BARE("web-10", "'a':'b','pod-template-hash':'x'")
	    BARE("web-11", "'a':'b','pod-template-hash':'y'"),
	    "Pod/web-* 2 o {a=b};" },
	{ "other labels are another group",
	    BARE("web-1", "'a':'b'") BARE("db-1", "'a':'c'"),
	    "Pod/db-1 1 o {a=c};Pod/web-1 1 o {a=b};" },
	{ "two groups with one stem",
	    BARE("x-1", "'a':'1'") BARE("x-2", "'a':'1'")
	    BARE("x-3", "'a':'2'") BARE("x-4", "'a':'2'"),
	    "Pod/x-* 2 o {a=1};Pod/x-3* 2 o {a=2};" },
	{ "a stem without a dash", BARE("weba", "'a':'b'")
	    BARE("webb", "'a':'b'"), "Pod/web* 2 o {a=b};" },
	{ "nothing in common", BARE("ab", "'a':'b'") BARE("cd", "'a':'b'"),
	    "Pod/ab* 2 o {a=b};" },
	{ "nothing in common but what the labels call them",
	    BARE("ab", "'app':'','component':'w'")
	    BARE("cd", "'app':'','component':'w'"),
	    "Pod/w* 2 o {app=,component=w};" },
	{ "another group has that name",
	    BARE("ab", "'app':'w','x':'1'") BARE("cd", "'app':'w','x':'1'")
	    BARE("ef", "'app':'w','x':'2'") BARE("gh", "'app':'w','x':'2'"),
	    "Pod/ef* 2 o {app=w,x=2};Pod/w* 2 o {app=w,x=1};" },
	{ "an executor's pods are one workload whatever task they run",
	    BARE("etl-x", "'component':'w','dag_id':'etl','map_index':'1',"
		"'task_id':'x','kubernetes_executor':'True'")
	    BARE("ml-y", "'component':'w','dag_id':'ml','task_id':'y',"
		"'kubernetes_executor':'True'")
	    BARE("op-z", "'dag_id':'op','task_id':'z'"),
	    "Pod/op-z 1 o {dag_id=op,task_id=z};"
	    "Pod/w* 2 o {component=w,kubernetes_executor=True};" },
	{ "without labels each stands alone", BARE("a-1", "") BARE("a-2", ""),
	    "Pod/a-1 1 o {};Pod/a-2 1 o {};" },
	{ "labels that all pods share",
	    POD("p-0", "'a':'b','x':'1','y':'1'", OWNER("Set", "s"))
	    POD("p-1", "'a':'b','x':'2','z':'1'", OWNER("Set", "s")),
	    "Set/s 2  {a=b};" },
	{ "pods that are gone do not dilute the labels",
	    "{'type':'DELETED','object':" POD("p-0", "'a':'old'",
		OWNER("Set", "s")) "}"
	    POD("p-1", "'a':'new'", OWNER("Set", "s")),
	    "Set/s 2  {a=new};" },
	{ "idle controllers",
	    OBJECT("Deployment", "d", "'uid':'1'", "'replicas':0,"
		"'template':{'metadata':{'labels':{'a':'b'}}},"
		SELECT("'a':'b'"))
	    OBJECT("ReplicaSet", "d-5f", OWNER("Deployment", "d"), "")
	    OBJECT("CronJob", "c", "'uid':'1'", "'suspend':true,"
		"'jobTemplate':{'spec':{'template':{'metadata':{'labels':"
		"{'c':'d','controller-uid':'u'}}}}}"),
	    "CronJob/c 0 op {c=d};Deployment/d 0 os {a=b};" },
	{ "deleted controllers without pods are gone",
	    "{'type':'DELETED','object':"
	    OBJECT("Deployment", "d", "'uid':'1'", "") "}", "" },
	{ "selectors that everything matches are none",
	    OBJECT("DaemonSet", "d", "'uid':'1'", "'selector':{}"),
	    "DaemonSet/d 0 o {};" },
	/* clang-format on */
};

static void
put_workload(struct strbuf *sb, const struct kube_workload *w)
{
	strbuf_printf(sb, "%s/%s %" PRIu32 " %s%s%s {", w->kind, w->name,
	    w->n_pods, w->has_object ? "o" : "", w->has_selector ? "s" : "",
	    w->suspended ? "p" : "");
	for (size_t i = 0; i < w->labels.n; i++)
		strbuf_printf(sb, "%s%s=%s", i > 0 ? "," : "",
		    w->labels.v[i].key, w->labels.v[i].value);
	strbuf_puts(sb, "};");
}

static void
test_workloads(void **state)
{
	const struct workload_case *wc = *state;
	struct cluster *c = text_cluster(wc->text);
	struct strbuf got;

	strbuf_init(&got, 4096);
	for (size_t i = 0; i < c->n_workloads; i++)
		put_workload(&got, &c->workloads[i]);
	assert_string_equal(strbuf_str(&got), wc->want);
	strbuf_release(&got);
	cluster_free(c);
}

static void
test_replicas(void **state)
{
	struct cluster *c = text_cluster(
	    OBJECT("Deployment", "d", "'uid':'1'", "'replicas':3") OBJECT(
		"StatefulSet", "s", "'uid':'1'", "") "{'kind':'DaemonSet',"
						     "'metadata':{'name':'x',"
						     "'namespace':'n'},"
						     "'status':{'"
						     "desiredNumberScheduled':"
						     "7}}");

	(void)state;
	assert_int_equal(c->n_workloads, 3);
	assert_int_equal(c->workloads[0].replicas, 7);
	assert_int_equal(c->workloads[1].replicas, 3);
	assert_int_equal(c->workloads[2].replicas, 1);
	cluster_free(c);
}

/* A StatefulSet's pod of the same name is another pod (another uid). */
static void
test_same_name_new_uid(void **state)
{
	struct cluster *c = text_cluster(
	    "{'kind':'Pod','metadata':{'name':'s-0','namespace':'n','uid':"
	    "'1','creationTimestamp':'2026-01-01T00:00:00Z'}}"
	    "{'kind':'Pod','metadata':{'name':'s-0','namespace':'n','uid':"
	    "'2','creationTimestamp':'2026-01-02T00:00:00Z'}}"
	    "{'kind':'Pod','metadata':{'name':'s-0','namespace':'n','uid':"
	    "'2','labels':{'a':'b'}}}");
	uint32_t newest;

	(void)state;
	assert_int_equal(c->n_pods, 2);
	newest = cluster_find_pod(c, "n", "s-0");
	assert_string_equal(c->pods[newest].uid, "2");
	assert_string_equal(label_get(&c->pods[newest].labels, "a"), "b");
	assert_true(c->pods[newest].from_us == time_of("2026-01-02T00:00:00Z"));
	cluster_free(c);
}

static void
test_ports(void **state)
{
	struct cluster *c = text_cluster(
	    "{'kind':'Pod','metadata':{'name':'p'},'spec':{"
	    "'initContainers':[{'ports':[{'containerPort':1}]},"
	    "{'restartPolicy':'Always','ports':[{'containerPort':2,'name':"
	    "'side'}]}],'containers':[{},{'ports':[{'containerPort':3,"
	    "'protocol':'UDP'},{'containerPort':4}]}]}}");
	const struct kube_port *p = c->pods[0].ports;

	(void)state;
	assert_int_equal(c->pods[0].n_ports, 4);
	assert_int_equal(p[0].port, 3);
	assert_int_equal(p[0].protocol, FLOW_UDP);
	assert_int_equal(p[1].protocol, FLOW_TCP);
	assert_false(p[1].init || p[1].sidecar);
	assert_true(p[2].init && !p[2].sidecar);
	assert_true(p[3].sidecar && !p[3].init);
	assert_string_equal(p[3].name, "side");
	assert_string_equal(p[2].name, "");
	cluster_free(c);
}

static void
test_namespaces(void **state)
{
	struct cluster *c = text_cluster(
	    "{'kind':'Namespace','metadata':{'name':'b','labels':{'t':'1'}}}"
	    "{'kind':'Pod','metadata':{'name':'p','namespace':'a'}}");
	uint32_t a = cluster_find_namespace(c, "a");
	uint32_t b = cluster_find_namespace(c, "b");

	(void)state;
	assert_int_equal(c->n_namespaces, 2);
	assert_int_equal(cluster_find_namespace(c, "c"), FLOW_NONE);
	assert_true(c->namespaces[a].assumed);
	assert_false(c->namespaces[b].assumed);
	assert_int_equal(c->pods[0].ns, a);
	assert_int_equal(c->namespaces[a].labels.n, 1);
	assert_string_equal(
	    label_get(&c->namespaces[a].labels, "kubernetes.io/metadata.name"),
	    "a");
	assert_string_equal(
	    label_get(&c->namespaces[b].labels, "kubernetes.io/metadata.name"),
	    "b");
	assert_string_equal(label_get(&c->namespaces[b].labels, "t"), "1");
	cluster_free(c);
}

/* A target port's name is looked up where something serves under it. */
static void
test_service_target(void **state)
{
	static const struct kube_port ports[] = {
		{ "dns", 5353, FLOW_UDP, .sidecar = true },
		{ "web", 9, FLOW_TCP, .init = true },
		{ "web", 8080, FLOW_UDP, .init = false },
		{ "web", 8081, FLOW_TCP, .init = false },
	};
	const struct kube_pod p = { .ports = ports, .n_ports = NELEM(ports) };
	static const struct {
		struct kube_service_port port;
		uint16_t want;
	} rows[] = {
		{ { .protocol = FLOW_TCP, .target_name = "web" }, 8081 },
		{ { .protocol = FLOW_UDP, .target_name = "dns" }, 5353 },
		{ { .protocol = FLOW_TCP, .target_name = "dns" }, 0 },
		{ { .target_port = 7, .port = 80, .target_name = "" }, 7 },
		{ { .port = 80, .target_name = "" }, 80 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++)
		assert_int_equal(
		    kube_service_target(&rows[i].port, &p), rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_replicas),
		cmocka_unit_test(test_same_name_new_uid),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_service_target),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_workloads, workload_cases, name),
	};

	return case_tables_run(
	    "workload", own, NELEM(own), tables, NELEM(tables));
}

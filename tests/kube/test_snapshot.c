/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of objects: lists, events, order, errors, real recordings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/strbuf.h"
#include "tests/kube/cluster_text.h"
#include "tests/support/case_table.h"

#define POD(name)  "{'kind':'Pod','metadata':{'name':'" name "'}}"
#define BARE(name) "{'metadata':{'name':'" name "','namespace':'n'}}"

/* want: the pods, "+" before each that is there and "-" if it is gone. */
static const struct form_case {
	const char *name, *text, *want;
	uint64_t objects, events, lists, skipped;
} form_cases[] = {
	/* clang-format off */
	{ "a List", "{'kind':'List','items':[" POD("a") "," POD("b") "]}",
	    "+a+b", 2, 0, 1, 0 },
	{ "kind behind the items",
	    "{'apiVersion':'v1','items':[" POD("a") "],'kind':'List'}", "+a",
	    1, 0, 1, 0 },
	{ "a typed list", "{'kind':'PodList','items':[" BARE("a") "]}", "+a",
	    1, 0, 1, 0 },
	{ "a typed list, kind behind",
	    "{'items':[" BARE("a") "," BARE("b") "],'kind':'PodList'}", "+a+b",
	    2, 0, 1, 0 },
	{ "an empty list", "{'kind':'PodList','items':[]}", "", 0, 0, 1, 0 },
	{ "null items", "{'kind':'PodList','items':null}", "", 0, 0, 1, 0 },
	{ "Lists in a List", "{'kind':'List','items':[{'kind':'PodList',"
	    "'items':[" BARE("a") "]}]}", "+a", 1, 0, 1, 0 },
	{ "one object", POD("a"), "+a", 1, 0, 0, 0 },
	{ "a byte order mark", "\xef\xbb\xbf" POD("a"), "+a", 1, 0, 0, 0 },
	{ "objects one after the other", POD("a") POD("b") "\n\n" POD("c"),
	    "+a+b+c", 3, 0, 0, 0 },
	{ "events, one a line",
	    "{'type':'ADDED','object':" POD("a") "}\n"
	    "{'type':'MODIFIED','object':" POD("b") "}\n", "+a+b", 2, 2, 0, 0 },
	{ "an event that is indented",
	    "{\n    'type': 'ADDED',\n    'object': " POD("a") "\n}\n", "+a",
	    1, 1, 0, 0 },
	{ "type behind the object",
	    "{'object':" POD("a") ",'type':'DELETED'}", "-a", 1, 1, 0, 0 },
	{ "bookmarks and errors",
	    "{'type':'BOOKMARK','object':{'kind':'Pod','metadata':{"
	    "'resourceVersion':'7'},'spec':{'containers':null}}}"
	    "{'type':'ERROR','object':{'kind':'Status','code':410}}", "", 0, 2,
	    0, 2 },
	{ "deleted and made again",
	    "{'type':'DELETED','object':" POD("a") "}" POD("a"), "+a", 2, 1, 0,
	    0 },
	{ "kinds of no use", "{'kind':'List','items':[{'kind':'Secret',"
	    "'metadata':{'name':'x'}},{'kind':'Status'}," POD("a") "]}", "+a",
	    3, 0, 1, 2 },
	{ "another group's Service is none",
	    "{'kind':'Service','apiVersion':'serving.knative.dev/v1',"
	    "'metadata':{'name':'x'},'spec':'odd'}", "", 1, 0, 0, 1 },
	{ "gone from a later list",
	    "{'kind':'PodList','items':[" BARE("a") "," BARE("b") "]}"
	    "{'kind':'PodList','items':[" BARE("b") "]}", "-a+b", 3, 0, 2, 0 },
	{ "a list of another kind takes nothing away",
	    "{'kind':'PodList','items':[" BARE("a") "]}"
	    "{'kind':'ServiceList','items':[" BARE("s") "]}", "+a", 2, 0, 2,
	    0 },
	{ "a list of another namespace takes nothing away",
	    "{'kind':'PodList','items':[" BARE("a") "]}"
	    "{'kind':'PodList','items':[{'metadata':{'name':'b',"
	    "'namespace':'m'}}]}", "+b+a", 2, 0, 2, 0 },
	{ "a list of several namespaces does",
	    "{'kind':'PodList','items':[" BARE("a") "]}"
	    "{'kind':'PodList','items':[{'metadata':{'name':'b',"
	    "'namespace':'m'}},{'metadata':{'name':'c','namespace':'o'}}]}",
	    "+b-a+c", 3, 0, 2, 0 },
	{ "pages are one list",
	    "{'kind':'PodList','metadata':{'continue':'x'},'items':["
	    BARE("a") "]}{'kind':'PodList','metadata':{},'items':[" BARE("b")
	    "]}", "+a+b", 2, 0, 2, 0 },
	/* clang-format on */
};

static void
test_form(void **state)
{
	const struct form_case *fc = *state;
	struct snapshot_builder *sb;
	struct snapshot_stats stats;
	struct rf_error err = { 0 };
	struct strbuf got;
	struct cluster *c;

	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	if (text_read(sb, fc->text, &err) != RF_OK)
		fail_msg("%s", err.msg);
	c = text_finish(sb, &stats);
	strbuf_init(&got, 256);
	for (size_t i = 0; i < c->n_pods; i++) {
		strbuf_putc(&got, c->pods[i].deleted ? '-' : '+');
		strbuf_puts(&got, c->pods[i].name);
	}
	assert_string_equal(strbuf_str(&got), fc->want);
	strbuf_release(&got);
	assert_int_equal(stats.objects, fc->objects);
	assert_int_equal(stats.events, fc->events);
	assert_int_equal(stats.lists, fc->lists);
	assert_int_equal(stats.skipped, fc->skipped);
	cluster_free(c);
}

#define P(rest) "{'kind':'Pod','metadata':{'name':'a'}," rest "}"

static const struct refusal_case {
	const char *name, *text, *want;
} refusal_cases[] = {
	/* clang-format off */
	{ "not JSON", "hello", "text:1: expected '{'" },
	{ "a bare array", "[]", "text:1: an array; give the List around it" },
	{ "gzip", "\x1f\x8b\b", "text:1: gzip-compressed; unpack it first" },
	{ "UTF-16", "\xff\xfe{", "text:1: UTF-16, as PowerShell's > writes" },
	{ "YAML", "apiVersion: v1\n", "text:1: YAML; give what kubectl" },
	{ "YAML behind a byte order mark", "\xef\xbb\xbf---\n",
	    "text:1: YAML; give what kubectl" },
	{ "kubectl's table", "NAMESPACE   NAME\n",
	    "text:1: a table for people; let kubectl print it with -o json" },
	{ "a capture", "\xd4\xc3\xb2\xa1\x02", "text:1: a capture; " },
	{ "a capture, pcapng", "\n\r\r\n\x1c", "text:1: a capture; " },
	{ "kubectl's error", "Error from server (Forbidden): pods\n",
	    "text:1: what kubectl says when it fails" },
	{ "a byte order mark alone", "\xef\xbb\xbf", "text:1: empty, where" },
	{ "cut off", "{'kind':'List','items':[{'kind':'Pod'",
	    "text:1: not JSON" },
	{ "cut off between items", "{'kind':'List','items':[\n" POD("a"),
	    "text:2: expected ']'" },
	{ "trailing comma", "{'kind':'List','items':[],}",
	    "text:1: expected a member" },
	{ "trailing comma in items", "{'kind':'List','items':[" POD("a") ",]}",
	    "text:1: items: expected an object" },
	{ "bad JSON in an item", "{'kind':'List','items':[\n{'kind':'Pod',\n"
	    "'metadata':{'name':,}}]}", "text:3: not JSON" },
	{ "no kind", "\n{}", "text:2: object has no kind" },
	{ "no kind in a List", "{'kind':'List','items':[" BARE("a") "]}",
	    "text:1: object has no kind" },
	{ "no name", "{'kind':'Pod','metadata':{}}",
	    "text:1: Pod has no metadata.name" },
	{ "unknown event", "{'type':'WAT','object':" POD("a") "}",
	    "text:1: unknown event type" },
	{ "a Table", "{'kind':'Table','rows':[]}", "text:1: a Table" },
	{ "podIP that is none", P("'status':{'podIP':'10.0.0'}"),
	    "text:1: Pod default/a: status.podIP: \"10.0.0\" is no IP" },
	{ "podIPs with the place", P("'status':{'podIPs':[{'ip':'10.0.0.1'},"
	    "{'ip':'x'}]}"), "text:1: Pod default/a: status.podIPs[1].ip: " },
	{ "labels that are numbers", "\n\n{'kind':'Pod','metadata':{'name':"
	    "'a','namespace':'n','labels':{'v':1}}}",
	    "text:3: Pod n/a: metadata.labels: \"v\" wants a string" },
	{ "a map that is a list", P("'spec':[]"),
	    "text:1: Pod default/a: spec: wants a map, is a list" },
	{ "a time that is none", P("'status':{'startTime':'noon'}"),
	    "text:1: Pod default/a: status.startTime: " },
	{ "a port out of range", P("'spec':{'containers':[{},{'ports':[{"
	    "'containerPort':70000}]}]}"), "text:1: Pod default/a: "
	    "spec.containers[1].ports[0].containerPort: 70000" },
	{ "an unknown protocol", P("'spec':{'containers':[{'ports':[{"
	    "'containerPort':7,'protocol':'tcp'}]}]}"), "text:1: Pod "
	    "default/a: spec.containers[0].ports[0].protocol: " },
	{ "a pod CIDR that is none", "{'kind':'Node','metadata':{'name':'n'},"
	    "'spec':{'podCIDRs':['10.0.0.0']}}",
	    "text:1: Node n: spec.podCIDRs: \"10.0.0.0\" is no CIDR" },
	{ "an endpoint that is none", "{'kind':'EndpointSlice','metadata':{"
	    "'name':'e'},'addressType':'IPv4','endpoints':[{'addresses':["
	    "'x']}]}", "text:1: EndpointSlice default/e: endpoints[0]" },
	{ "a cluster IP that is none", "{'kind':'Service','metadata':{'name':"
	    "'s'},'spec':{'clusterIP':'none'}}",
	    "text:1: Service default/s: spec.clusterIP: " },
	{ "a selector operator", "{'kind':'Deployment','metadata':{'name':"
	    "'d'},'spec':{'selector':{'matchExpressions':[{'key':'a',"
	    "'operator':'Is'}]}}}", "text:1: Deployment default/d: "
	    "spec.selector.matchExpressions[0].operator: " },
	{ "matchExpressions without a key",
	    "{'kind':'Deployment','apiVersion':'apps/v1','metadata':{'name':"
	    "'d'},'spec':{'selector':{'matchExpressions':[{'operator':"
	    "'Exists'}]}}}",
	    "text:1: Deployment default/d: "
	    "spec.selector.matchExpressions[0].key: is missing" },
	/* clang-format on */
};

static void
test_refusal(void **state)
{
	const struct refusal_case *rc = *state;
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };

	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	assert_int_equal(text_read(sb, rc->text, &err), RF_CORRUPT);
	if (strncmp(err.msg, rc->want, strlen(rc->want)) != 0)
		fail_msg("%s", err.msg);
	snapshot_builder_free(sb);
}

static struct cluster *
recorded(const char *more)
{
	static const char *const files[] = { "namespaces-pretty", "nodes",
		"replicasets", "deployments", "statefulsets", "daemonsets",
		"jobs", "cronjobs", "services", "endpointslices",
		"endpoints-deprecated", "networkpolicies" };
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };
	char path[96];

	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	for (size_t i = 0; i < NELEM(files); i++) {
		(void)snprintf(
		    path, sizeof(path), "fixtures/kube/list-%s.json", files[i]);
		file_read(sb, path);
	}
	for (unsigned i = 1; i <= 3; i++) {
		(void)snprintf(
		    path, sizeof(path), "fixtures/kube/page-pods-%u.json", i);
		file_read(sb, path);
	}
	if (more != NULL)
		file_read(sb, more);
	return text_finish(sb, NULL);
}

static const struct kube_workload *
workload_of(
    const struct cluster *c, const char *ns, const char *kind, const char *name)
{
	uint32_t i = cluster_find_workload(c, ns, kind, name);

	if (i == FLOW_NONE)
		fail_msg("%s %s/%s", kind, ns, name);
	return &c->workloads[i];
}

static void
test_recorded_lists(void **state)
{
	struct cluster *c = recorded(NULL);
	const struct kube_workload *w;

	(void)state;
	assert_int_equal(c->n_pods, 11);
	assert_int_equal(c->n_nodes, 2);
	assert_int_equal(c->n_namespaces, 6);
	assert_int_equal(c->n_policies, 4);
	assert_true(c->has_policies);
	w = workload_of(c, "shop", "Deployment", "web");
	assert_int_equal(w->n_pods, 2);
	assert_true(w->has_object && w->has_selector);
	assert_string_equal(label_get(&w->labels, "tier"), "frontend");
	assert_null(label_get(&w->labels, "pod-template-hash"));
	assert_int_equal(w->replicas, 2);
	w = workload_of(c, "shop", "CronJob", "tick");
	assert_int_equal(w->n_pods, 2);
	assert_false(w->has_selector);
	w = workload_of(c, "data", "StatefulSet", "db");
	assert_int_equal(w->n_pods, 1);
	assert_int_equal(
	    cluster_find_workload(c, "shop", "Job", "tick-29919454"),
	    FLOW_NONE);
	for (size_t i = 0; i < c->n_pods; i++)
		assert_false(c->pods[i].deleted);
	cluster_free(c);
}

static void
test_recorded_slices(void **state)
{
	struct cluster *c = recorded(NULL);
	struct ip_addr lb = ip_of("198.51.100.20"), db = ip_of("10.244.0.10");
	struct ip_addr web = ip_of("10.244.0.7");
	struct address_target to = { &lb, 80, FLOW_TCP, ADDRESS_NOW };
	const struct kube_backend *b;
	uint32_t service;
	uint16_t port;
	size_t n;

	(void)state;
	service = cluster_find_service(c, "shop", "web-lb");
	assert_int_not_equal(service, FLOW_NONE);
	b = address_backends(c, service, &n);
	assert_non_null(b);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(b[i].pod, FLOW_NONE);
	assert_true(address_service(c, &to, &service, &port));
	assert_string_equal(c->services[service].name, "web-lb");
	assert_true(address_is_backend(c, service, 80, FLOW_TCP, &web, 8080));
	assert_false(address_is_backend(c, service, 80, FLOW_UDP, &web, 8080));
	service = cluster_find_service(c, "data", "db");
	assert_true(c->services[service].headless);
	assert_true(address_is_backend(c, service, 5432, FLOW_TCP, &db, 5432));
	/* An ExternalName Service leads nowhere that we know. */
	service = cluster_find_service(c, "shop", "ext");
	assert_null(address_backends(c, service, &n));
	assert_int_equal(n, 0);
	cluster_free(c);
}

static void
check_end(const struct cluster *c, const char *name, const char *uid_start,
    const char *want)
{
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (strcmp(p->name, name) != 0 ||
		    strncmp(p->uid, uid_start, strlen(uid_start)) != 0)
			continue;
		if (want == NULL)
			assert_true(p->to_us == TIME_MAX_US && !p->deleted);
		else
			assert_true(p->to_us == time_of(want));
		return;
	}
	fail_msg("no pod %s", name);
}

/* Scale, rollout, delete and recreate, as the API server told them. */
static void
test_recorded_watch(void **state)
{
	struct cluster *c = recorded("fixtures/kube/watch-pods.jsonl");
	struct ip_addr old = ip_of("10.244.0.11"), new = ip_of("10.244.0.18");
	struct address_owner a, b;

	(void)state;
	check_end(c, "web-74bbf9858b-ntbdg", "", "2026-11-20T09:34:41Z");
	check_end(c, "web-7ff977666b-77cnz", "", NULL);
	check_end(c, "client", "03a3781f", "2026-11-20T09:34:47Z");
	/* Finished in the second in which it started. */
	check_end(c, "tick-29919455-74sdj", "", "2026-11-20T09:35:01Z");
	a = address_owner_at(c, &old, time_of("2026-11-20T09:34:46.9Z"));
	b = address_owner_at(c, &new, time_of("2026-11-20T09:36:00Z"));
	assert_int_equal(a.kind, ADDRESS_POD);
	assert_int_equal(b.kind, ADDRESS_POD);
	assert_int_not_equal(a.pod, b.pod);
	assert_int_equal(c->pods[a.pod].workload, c->pods[b.pod].workload);
	a = address_owner_at(c, &old, time_of("2026-11-20T09:36:00Z"));
	assert_int_equal(a.kind, ADDRESS_POD_RANGE);
	assert_int_equal(a.pod, FLOW_NONE);
	/* Its Job was never listed, its CronJob was. */
	assert_int_equal(workload_of(c, "shop", "CronJob", "tick")->n_pods, 3);
	cluster_free(c);
}

static void
test_policies(void **state)
{
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };
	struct cluster *c =
	    text_cluster("{'kind':'NetworkPolicyList','items':[]}");

	(void)state;
	assert_true(c->has_policies);
	assert_int_equal(c->n_policies, 0);
	cluster_free(c);
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	assert_int_equal(text_read(sb,
			     "{'kind':'NetworkPolicyList','items':["
			     "{'metadata':{'name':'p','namespace':'n',"
			     "'managedFields':[{}]},'spec':{}},"
			     "{'metadata':{'name':'q','namespace':'n'}}]}"
			     "{'type':'DELETED','object':{'kind':"
			     "'NetworkPolicy','metadata':{'name':'q',"
			     "'namespace':'n'}}}",
			     &err),
	    RF_OK);
	c = text_finish(sb, NULL);
	assert_int_equal(c->n_policies, 1);
	assert_string_equal(c->policies[0].name, "p");
	assert_non_null(
	    strstr(c->policies[0].json, "\"kind\":\"NetworkPolicy\""));
	assert_non_null(strstr(
	    c->policies[0].json, "\"apiVersion\":\"networking.k8s.io/v1\""));
	assert_null(strstr(c->policies[0].json, "managedFields"));
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_recorded_lists),
		cmocka_unit_test(test_recorded_slices),
		cmocka_unit_test(test_recorded_watch),
		cmocka_unit_test(test_policies),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_form, form_cases, name),
		CASE_TABLE(test_refusal, refusal_cases, name),
	};

	return case_tables_run(
	    "snapshot", own, NELEM(own), tables, NELEM(tables));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster that follows a server: pods that start, move, die and hand their
 * addresses on, by a clock that the test turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <malloc.h>
#include <unistd.h>

#include "core/strbuf.h"
#include "kube/address.h"
#include "kube/live_view.h"
#include "tests/kube/viewer.h"
#include "tests/support/case_table.h"

#define META(name, uid)                                                        \
	"\"metadata\":{\"name\":\"" name                                       \
	"\",\"namespace\":\"n\",\"uid\":\"" uid "\",\"resourceVersion\":"      \
	"\"11\",\"managedFields\":[{\"manager\":\"x\"}]"
#define POD(name, uid, ip, start)                                              \
	"{" META(name, uid) "},\"status\":{\"phase\":\"Running\",\"podIP\":"   \
			    "\"" ip "\",\"podIPs\":[{\"ip\":\"" ip             \
			    "\"}],\"startTime\":"                              \
			    "\"2026-03-02T0" start "Z\"}}"
#define LIST(pods)                                                             \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"10\"},"     \
	"\"items\":[" pods "]}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

/* Who holds 10.0.0.<octet> so many seconds after the start: the pod's name
 * and its uid's first letter, or "-". */
struct question {
	int octet, at_s;
	const char *want;
};

static const struct live_case {
	const char *name;
	struct replay_answer answers[ANSWERS_MAX];
	uint64_t events;  /* of pods, until which the server is heard */
	uint64_t relists; /* or lists anew */
	struct question questions[6];
} cases[] = {
	/* clang-format off */
	{ .name = "a pod that was there",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) }, REST },
	  .questions = { { 1, 0, "a" }, { 1, -3601, "-" }, { 2, 0, "-" } } },
	{ .name = "a pod that starts",
	  .answers = { { .when = { PODS }, .text = LIST("") },
	      { .when = { WATCH }, .text = EVENT("ADDED",
		POD("a", "u1", "10.0.0.1", "8:59:58")), OPEN }, REST },
	  .events = 1,
	  .questions = { { 1, -3, "-" }, { 1, -1, "a" }, { 1, 9, "a" } } },
	{ .name = "a pod that dies without a word",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("DELETED",
		POD("a", "u1", "10.0.0.1", "8:00:00")), OPEN }, REST },
	  .events = 1,
	  .questions = { { 1, -1, "a" }, { 1, 60, "-" } } },
	{ .name = "an address that is handed on",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("DELETED",
		POD("a", "u1", "10.0.0.1", "8:00:00")) EVENT("ADDED",
		POD("b", "u2", "10.0.0.1", "9:00:20")), OPEN }, REST },
	  .events = 2,
	  .questions = { { 1, -1, "a" }, { 1, 15, "-" }, { 1, 21, "b" } } },
	{ .name = "a pod that comes back under its name",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("DELETED",
		POD("a", "u1", "10.0.0.1", "8:00:00")) EVENT("ADDED",
		POD("a", "v2", "10.0.0.2", "9:00:20")), OPEN }, REST },
	  .events = 2,
	  .questions = { { 1, -1, "a" }, { 1, 30, "-" }, { 2, 10, "-" },
	      { 2, 21, "a" } } },
	{ .name = "a pod that gets another address",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("MODIFIED",
		POD("a", "u1", "10.0.0.2", "8:00:00")), OPEN }, REST },
	  .events = 1,
	  .questions = { { 1, -1, "a" }, { 1, 30, "-" }, { 2, -1, "-" },
	      { 2, 30, "a" } } },
	{ .name = "a finished pod keeps none",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("MODIFIED", "{"
		META("a", "u1") "},\"status\":{\"phase\":\"Succeeded\","
		"\"startTime\":\"2026-03-02T08:00:00Z\","
		"\"containerStatuses\":[{\"state\":{\"terminated\":{"
		"\"finishedAt\":\"2026-03-02T08:59:50Z\"}}}]}}"), OPEN },
	      REST },
	  .events = 1,
	  .questions = { { 1, -20, "a" }, { 1, -5, "-" } } },
	{ .name = "gone while nobody watched",
	  .answers = { { .when = { PODS }, .times = 1,
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00") ","
		POD("b", "u2", "10.0.0.2", "8:00:00")) },
	      { .when = { WATCH }, .times = 1, .is_open = true,
		.end = REPLAY_STALL },
	      { .when = { WATCH }, .times = 1, .status = 410,
		.text = "Gone" },
	      { .when = { PODS },
		.text = LIST(POD("b", "u2", "10.0.0.2", "8:00:00")) },
	      REST },
	  .relists = 1,
	  .questions = { { 1, -1, "a" }, { 1, 60, "-" }, { 2, 60, "b" } } },
	{ .name = "what cannot be read is left out",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("x", "u0", "10.0.0", "8:00:00") ","
		POD("a", "u1", "10.0.0.1", "8:00:00")) }, REST },
	  .questions = { { 1, 0, "a" } } },
	{ .name = "a new state that cannot be read ends the one before",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00") ","
		POD("b", "u2", "10.0.0.2", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("MODIFIED",
		POD("a", "u1", "10.0.0", "8:00:00")), OPEN }, REST },
	  .events = 1,
	  .questions = { { 1, -1, "a" }, { 1, 60, "-" }, { 2, 60, "b" } } },
	{ .name = "a pod dies in a state that cannot be read",
	  .answers = { { .when = { PODS },
	      .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
	      { .when = { WATCH }, .text = EVENT("DELETED",
		POD("a", "u1", "10.0.0", "8:00:00")), OPEN }, REST },
	  .events = 1,
	  .questions = { { 1, -1, "a" }, { 1, 60, "-" } } },
	/* clang-format on */
};

static void
test_intervals(void **state)
{
	const struct live_case *lc = *state;
	const struct cluster *c;
	struct viewer w;

	viewer_init(&w, lc->answers, count_answers(lc->answers));
	follow(&w, lc->events, lc->relists);
	c = publish(&w);
	for (const struct question *q = lc->questions; q->want != NULL; q++) {
		struct address_owner o;
		struct ip_addr ip;
		char text[32];

		(void)snprintf(text, sizeof(text), "10.0.0.%d", q->octet);
		assert_true(ip_parse(&ip, text));
		o = address_owner_at(c, &ip, START_US + q->at_s * SECOND_US);
		if (strcmp(o.pod == FLOW_NONE ? "-" : c->pods[o.pod].name,
			q->want) != 0)
			fail_msg("%s at %d s: %s, not %s", text, q->at_s,
			    o.pod == FLOW_NONE ? "-" : c->pods[o.pod].name,
			    q->want);
	}
	live_view_release(w.view, c);
	viewer_release(&w);
}

#define LABELLED(role)                                                         \
	"{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u1\","    \
	"\"resourceVersion\":\"11\",\"labels\":{\"role\":\"" role "\"}},"      \
	"\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","            \
	"\"podIPs\":[{\"ip\":\"10.0.0.1\"}],\"startTime\":"                    \
	"\"2026-03-02T08:00:00Z\"}}"

/* The role of whoever has 10.0.0.1 so long after the start; "-": nobody. */
static const char *
role_at(const struct cluster *c, int64_t after_us)
{
	struct address_owner o;
	struct ip_addr ip;

	assert_true(ip_parse(&ip, "10.0.0.1"));
	o = address_owner_at(c, &ip, START_US + after_us);
	return o.pod == FLOW_NONE ? "-"
				  : label_get(&c->pods[o.pod].labels, "role");
}

/* A pod that gets other labels was what it was until then; when nobody
 * watched, nobody knows in between. */
static void
test_relabelled(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { PODS }, .times = 1, .text = LIST(LABELLED("x")) },
		{ .when = { WATCH },
		    .times = 1,
		    .text = EVENT("MODIFIED", LABELLED("y")),
		    OPEN },
		{ .when = { WATCH },
		    .times = 1,
		    .status = 410,
		    .text = "Gone" },
		{ .when = { PODS }, .text = LIST(LABELLED("z")) },
		REST,
	};
	const struct cluster *c;
	int64_t y_us, z_us;
	struct viewer w;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 0, 0);
	follow(&w, 1, 0);
	y_us = w.now_us - START_US;
	c = publish(&w);
	assert_string_equal(role_at(c, -SECOND_US), "x");
	assert_string_equal(role_at(c, y_us), "y");
	live_view_release(w.view, c);
	follow(&w, 1, 1);
	z_us = w.now_us - START_US;
	assert_true(z_us > y_us + 300 * SECOND_US);
	c = publish(&w);
	assert_string_equal(role_at(c, -SECOND_US), "x");
	assert_string_equal(role_at(c, y_us + 60 * SECOND_US), "-");
	assert_string_equal(role_at(c, z_us), "z");
	assert_string_equal(c->pods[cluster_find_pod(c, "n", "a")].uid, "u1");
	live_view_release(w.view, c);
	viewer_release(&w);
}

/* What readers do not look at is no change, and nothing new is published. */
static void
test_generations(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { PODS },
		    .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
		{ .when = { WATCH },
		    .times = 1,
		    .text = EVENT("MODIFIED",
			"{" META("a",
			    "u1") ",\"annotations\":{\"x\":\"y\"}},\"status\":"
				  "{\"phase\":\"Running\",\"podIP\":"
				  "\"10.0.0.1\",\"podIPs\":[{\"ip\":"
				  "\"10.0.0.1\"}],\"startTime\":"
				  "\"2026-03-02T08:00:00Z\"}}"),
		    OPEN },
		{ .when = { WATCH },
		    .times = 1,
		    .text =
			EVENT("DELETED", POD("a", "u1", "10.0.0.1", "8:00:00")),
		    OPEN },
		REST,
	};
	const struct cluster *first, *same, *last;
	struct live_view_stats stats;
	struct viewer w;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 0, 0);
	first = publish(&w);
	assert_int_equal(first->n_pods, 1);
	assert_true(first->has_policies);
	follow(&w, 1, 0);
	same = publish(&w);
	assert_ptr_equal(same, first);
	w.now_us += 700 * SECOND_US; /* silence ends the first watch */
	follow(&w, 2, 0);
	last = publish(&w);
	assert_ptr_not_equal(last, first);
	/* The old one is still what it was. */
	assert_false(first->pods[0].deleted);
	assert_true(last->pods[0].deleted);
	live_view_release(w.view, first);
	live_view_release(w.view, same);
	live_view_release(w.view, last);
	/* A quarter of an hour later nobody knows it any more. */
	w.now_us += 901 * SECOND_US;
	live_view_step(w.view, w.now_us, 1);
	live_view_stats(w.view, &stats);
	assert_int_equal(stats.objects, 0);
	assert_int_equal(stats.gone, 0);
	assert_int_equal(stats.generation, 2);
	viewer_release(&w);
}

/* Without a right for one resource, the rest goes on. */
static void
test_forbidden(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "/apis/networking.k8s.io/" },
		    .status = 403,
		    .text = "{\"message\":\"no\"}" },
		{ .when = { PODS },
		    .text = LIST(POD("a", "u1", "10.0.0.1", "8:00:00")) },
		REST,
	};
	struct live_view_watch watch;
	const struct cluster *c;
	struct viewer w;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 0, 0);
	live_view_watch(
	    w.view, client_resource_find("networkpolicies"), &watch);
	assert_string_equal(watch.state, "forbidden");
	assert_non_null(strstr(watch.problem,
	    "{apiGroups: [\"networking.k8s.io\"], resources: "
	    "[\"networkpolicies\"], verbs: [\"list\", \"watch\"]}"));
	c = publish(&w);
	assert_int_equal(c->n_pods, 1);
	assert_false(c->has_policies);
	live_view_release(w.view, c);
	viewer_release(&w);
}

/* The real server's lists of all kinds, then an hour of its pods' events. */
static void
test_recorded(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { PODS }, .file = RECORDED("list-pods.json") },
		{ .when = { "/services?limit" },
		    .file = SHARED("list-services.json") },
		{ .when = { "/namespaces?limit" },
		    .file = RECORDED("list-namespaces.json") },
		{ .when = { "/nodes?limit" },
		    .file = SHARED("list-nodes.json") },
		{ .when = { "/endpointslices?limit" },
		    .file = SHARED("list-endpointslices.json") },
		{ .when = { "/deployments?limit" },
		    .file = SHARED("list-deployments.json") },
		{ .when = { "/replicasets?limit" },
		    .file = SHARED("list-replicasets.json") },
		{ .when = { "/networkpolicies?limit" },
		    .file = SHARED("list-networkpolicies.json") },
		{ .when = { WATCH },
		    .times = 1,
		    .file = SHARED("watch-pods.jsonl"),
		    OPEN },
		REST,
	};
	const struct cluster *c;
	uint32_t pod, workload;
	struct viewer w;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 75, 0);
	c = publish(&w);
	assert_true(c->n_services > 0 && c->n_nodes > 0 && c->n_backends > 0);
	assert_true(c->n_policies > 0);
	/* Deleted and made again: the one that is there counts. */
	pod = cluster_find_pod(c, "shop", "client");
	assert_true(pod != FLOW_NONE);
	assert_false(c->pods[pod].deleted);
	assert_string_equal(
	    c->pods[pod].uid, "3e549780-25ad-4f42-8719-0cf36d4e277a");
	workload = cluster_find_workload(c, "shop", "Deployment", "web");
	assert_true(workload != FLOW_NONE);
	assert_true(c->workloads[workload].has_selector);
	live_view_release(w.view, c);
	viewer_release(&w);
}

static size_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128], *resident;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	resident = strchr(line, ' '); /* behind the whole size */
	assert_non_null(resident);
	return strtoul(resident, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* A list of n pods as large as real ones, in a file that path names. */
static void
write_pods(char *path, unsigned n)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	assert_non_null(f);
	fputs("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":"
	      "\"10\"},\"items\":[",
	    f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f,
		    "%s{\"metadata\":{\"name\":\"web-5d4f8c7b9-%05u\","
		    "\"namespace\":\"team-%u\",\"uid\":\"%08x-0000-4000-8000-"
		    "000000000000\",\"labels\":{\"app\":\"web-%u\","
		    "\"pod-template-hash\":\"5d4f8c7b9\"},\"managedFields\":"
		    "[{\"x\":\"%0900d\"}]},\"spec\":{\"containers\":[{\"name\":"
		    "\"web\",\"env\":[{\"name\":\"X\",\"value\":\"%0700d\"}],"
		    "\"ports\":[{\"containerPort\":8080}]}],\"nodeName\":"
		    "\"node-%u\"},\"status\":{\"phase\":\"Running\",\"podIP\":"
		    "\"10.%u.%u.%u\",\"podIPs\":[{\"ip\":\"10.%u.%u.%u\"}],"
		    "\"startTime\":\"2026-03-02T08:00:00Z\",\"message\":"
		    "\"%0900d\"}}",
		    i == 0 ? "" : ",\n", i, i % 50, i, i % 250, 0, 0, i % 100,
		    i >> 16, i >> 8 & 255, i & 255, i >> 16, i >> 8 & 255,
		    i & 255, 0);
	fputs("]}", f);
	assert_int_equal(fclose(f), 0);
}

/* 5,000 pods stay far below 64 MB, also while a new cluster replaces an old
 * one. Under sanitizers memory is not what it is otherwise. */
static void
test_memory(void **state)
{
	char path[] = "/tmp/ringfence-pods.XXXXXX";
	const struct replay_answer answers[] = {
		{ .when = { PODS }, .file = path },
		{ .when = { WATCH },
		    .text =
			EVENT("ADDED", POD("a", "u1", "10.9.0.1", "8:59:58")),
		    OPEN },
		REST,
	};
	const struct cluster *c;
	size_t before, used;
	struct viewer w;

	(void)state;
	write_pods(path, 5000);
	(void)malloc_trim(0);
	before = resident_bytes();
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 0, 0);
	c = publish(&w);
	follow(&w, 1, 0);
	live_view_release(w.view, c);
	c = publish(&w);
	used = resident_bytes() - before;
	assert_int_equal(c->n_pods, 5001);
	print_message("5,000 pods: %zu kB\n", used / 1024);
#ifndef __SANITIZE_ADDRESS__
	/* The server of this test holds the list itself, 15 MB, meanwhile. */
	assert_true(used < (size_t)64 * 1000 * 1000);
#endif
	live_view_release(w.view, c);
	viewer_release(&w);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_relabelled),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_memory),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_intervals, cases, name),
	};

	return case_tables_run(
	    "live_view", own, NELEM(own), tables, NELEM(tables));
}

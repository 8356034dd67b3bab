/* SPDX-License-Identifier: Apache-2.0 */
/* What a real server answered, played back: what the cluster that follows it
 * then knows, and what is asked for next. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "kube/address.h"
#include "tests/kube/viewer.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static size_t
count_text(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* Until a resource has had so many events. */
static void
follow_resource(struct viewer *w, const char *resource, uint64_t events)
{
	struct live_view_watch watch;

	for (unsigned i = 0; i < 5000; i++) {
		live_view_watch(
		    w->view, client_resource_find(resource), &watch);
		if (watch.events >= events)
			return;
		live_view_step(w->view, w->now_us, 3);
		w->now_us += TURN_US / 100;
	}
	fail_msg("%s: %llu events: %s", resource,
	    (unsigned long long)watch.events, watch.problem);
}

/* The pod that held the address at that time; "-": none. */
static const char *
holder(const struct cluster *c, const char *address, int64_t at_us)
{
	struct address_owner o;
	struct ip_addr ip;

	assert_true(ip_parse(&ip, address));
	o = address_owner_at(c, &ip, at_us);
	return o.pod == FLOW_NONE ? "-" : c->pods[o.pod].name;
}

static const char *
owner_name(const struct cluster *c, const char *pod)
{
	uint32_t i = cluster_find_pod(c, "shop", pod);

	assert_true(i != FLOW_NONE);
	return c->workloads[c->pods[i].workload].name;
}

/*
 * A rollout: new pods belong to the Deployment through a ReplicaSet that only
 * the watch told of. A pod that lost the label of a selector comes as DELETED
 * in its old state, still running: it is none of ours from then on.
 */
static void
test_rollout(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "/deployments?watch=1" },
		    .times = 1,
		    .file = RECORDED("watch-deployments.jsonl"),
		    OPEN },
		{ .when = { "/replicasets?watch=1" },
		    .times = 1,
		    .file = RECORDED("watch-replicasets.jsonl"),
		    OPEN },
		{ .when = { WATCH },
		    .times = 1,
		    .file = RECORDED("watch-pods-label.jsonl"),
		    OPEN },
		{ .when = { "/deployments?limit=" },
		    .file = SHARED("list-deployments.json") },
		{ .when = { "/replicasets?limit=" },
		    .file = SHARED("list-replicasets.json") },
		{ .when = { PODS }, .file = RECORDED("list-pods.json") },
		REST,
	};
	const struct cluster *c;
	struct viewer w;
	uint32_t d;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	w.now_us = INT64_C(1795168000) * SECOND_US; /* behind all of them */
	follow_resource(&w, "deployments", 34);
	follow_resource(&w, "replicasets", 42);
	follow_resource(&w, "pods", 47);
	c = publish(&w);
	assert_string_equal(owner_name(c, "web-7ff977666b-77cnz"), "web");
	assert_string_equal(owner_name(c, "web-7ff977666b-x5clv"), "web");
	assert_string_equal(owner_name(c, "web-74bbf9858b-ntbdg"), "web");
	d = cluster_find_workload(c, "tmp", "Deployment", "d");
	assert_true(d != FLOW_NONE);
	assert_true(c->workloads[d].has_selector);
	assert_string_equal(
	    holder(c, "10.244.0.20", w.now_us), "web-7ff977666b-77cnz");
	assert_string_equal(holder(c, "10.244.0.16", w.now_us), "-");
	assert_string_equal(holder(c, "10.244.0.16", w.now_us - 60 * SECOND_US),
	    "web-7ff977666b-l6rzv");
	live_view_release(w.view, c);
	viewer_release(&w);
}

/* Only the node's own pods are asked for, in the list and in the watch; what
 * the watch adds that the list had is no second pod. */
static void
test_node(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { WATCH, "&fieldSelector=spec.nodeName%3Dnode-a" },
		    .times = 1,
		    .file = RECORDED("watch-pods-rv0.jsonl"),
		    OPEN },
		{ .when = { PODS, "&fieldSelector=spec.nodeName%3Dnode-a" },
		    .file = RECORDED("list-pods-fieldselector-node.json") },
		{ .when = { PODS }, .status = 500 },
		REST,
	};
	const struct cluster *c;
	struct viewer w;

	(void)state;
	viewer_init_node(&w, answers, NELEM(answers), "node-a");
	w.now_us = INT64_C(1795168000) * SECOND_US;
	follow_resource(&w, "pods", 13);
	c = publish(&w);
	/* 6 of the list, 3 that have finished, and 1 that started. */
	assert_int_equal(c->n_pods, 10);
	assert_string_equal(
	    holder(c, "10.244.0.7", w.now_us), "web-74bbf9858b-nn46c");
	assert_string_equal(
	    holder(c, "10.244.0.14", w.now_us), "web-74bbf9858b-ntbdg");
	assert_string_equal(holder(c, "10.244.0.12", w.now_us), "-");
	live_view_release(w.view, c);
	viewer_release(&w);
}

/* A cluster without pods is one, and is known to be. */
static void
test_empty(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { PODS }, .file = RECORDED("list-pods-empty.json") },
		REST,
	};
	const struct cluster *c;
	struct viewer w;

	(void)state;
	viewer_init(&w, answers, NELEM(answers));
	follow(&w, 0, 0);
	c = publish(&w);
	assert_int_equal(c->n_pods, 0);
	assert_true(live_view_known_us(w.view) > 0);
	live_view_release(w.view, c);
	viewer_release(&w);
}

/* The tokens of the second page, of the 410 that it gets, and of that page. */
#define SECOND_PAGE "&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6ODY0"
#define RESUMED     "&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEs"
#define FIRST_PAGE                                                             \
	{                                                                      \
		.when = { PODS }, .times = 1,                                  \
		.file = SHARED("page-pods-1.json")                             \
	}

/*
 * A token that expired while pages were read: the server offers to go on with
 * a list that never was, which could lack a pod or have an address twice. It
 * is not taken; the list begins anew. So it does when the server cannot read
 * the token (of another server, before an upgrade), rather than asking for the
 * same page for ever.
 */
static void
test_page_refused(void **state)
{
	static const struct {
		int status;
		const char *file;
	} refusals[] = {
		{ 410, RECORDED("err-410-continue.json") },
		{ 400, RECORDED("err-400-continue.json") },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(refusals); i++) {
		const struct replay_answer answers[] = {
			{ .when = { PODS, RESUMED },
			    .file = RECORDED(
				"list-pods-inconsistent-continue.json") },
			{ .when = { PODS, SECOND_PAGE },
			    .status = refusals[i].status,
			    .file = refusals[i].file },
			FIRST_PAGE,
			{ .when = { PODS },
			    .file = RECORDED("list-pods.json") },
			REST,
		};
		struct live_view_watch pods;
		const struct cluster *c;
		struct viewer w;
		char *log;

		viewer_init(&w, answers, NELEM(answers));
		for (unsigned k = 0; k < 4000 && !live_view_is_synced(w.view);
		     k++) {
			live_view_step(w.view, w.now_us, 3);
			w.now_us += TURN_US;
		}
		c = publish(&w);
		assert_int_equal(c->n_pods, 11);
		live_view_release(w.view, c);
		live_view_watch(w.view, 0, &pods);
		assert_int_equal(pods.lists, 1);
		assert_int_equal(pods.failures, 1);
		assert_int_equal(replay_server_given(w.world.server, 0), 0);
		assert_int_equal(replay_server_given(w.world.server, 1), 1);
		log = replay_server_log(w.world.server);
		assert_int_equal(count_text(log, "GET " PODS), 3);
		free(log);
		viewer_release(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rollout),
		cmocka_unit_test(test_node),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_page_refused),
	};

	return cmocka_run_group_tests_name("recorded", tests, NULL, NULL);
}

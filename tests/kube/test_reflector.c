/* SPDX-License-Identifier: Apache-2.0 */
/* One resource, listed and watched through all that can go wrong, with a
 * clock that the test turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/watcher.h"
#include "tests/support/case_table.h"

/* What the sink is told: "(" and ")" around a list, in it names; +, ~ and -
 * before what an event adds, modifies and deletes. */
static const struct watch_case {
	const char *name;
	struct replay_answer answers[ANSWERS_MAX];
	const char *want;
	enum reflector_state state;
	const char *problem; /* stands in it; NULL: there is none */
	/* At least so many of each. */
	uint64_t relists, failures, silent, bookmarks;
	int64_t turn_us;      /* 0: TURN_US */
	const char *resource; /* NULL: namespaces */
} cases[] = {
	/* clang-format off */
	{ .name = "list, then watch from its version",
	  .answers = { FIRST(ITEM("a")), { .when = { WATCH("10") },
	      .text = EVENT("ADDED", "b", "11") EVENT("MODIFIED", "a", "12")
	      EVENT("DELETED", "b", "13"), .is_open = true,
	      .end = REPLAY_STALL } },
	  .want = "(a)+b~a-b", .state = REFLECTOR_WATCHING },
	{ .name = "only what is needed is asked for",
	  .answers = { { .when = { "limit=500",
	      "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" },
	      .text = LIST("10", ITEM("a")) },
	      { .when = { "allowWatchBookmarks=true", "watch=1",
		"as=PartialObjectMetadata;g", "timeoutSeconds=" },
		.is_open = true, .end = REPLAY_STALL } },
	  .want = "(a)", .state = REFLECTOR_WATCHING },
	{ .name = "a server that shuts down, as recorded",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 1,
	      .file = RECORDED("watch-namespaces-server-shutdown.raw"),
	      .is_raw = true, .end = REPLAY_CLOSE }, SILENT("1308") },
	  .want = "()+", .state = REFLECTOR_WATCHING, .bookmarks = 1 },
	{ .name = "a clean end goes on from the last event",
	  .answers = { FIRST(""), { .when = { WATCH("10") },
	      .text = EVENT("ADDED", "a", "11") }, { .when = { WATCH("11") },
	      .text = EVENT("DELETED", "a", "12") }, SILENT("12") },
	  .want = "()+a-a", .state = REFLECTOR_WATCHING },
	{ .name = "a reset goes on from the last whole event",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 1,
	      .text = EVENT("ADDED", "a", "11") EVENT("ADDED", "b", "12"),
	      .cut = 120, .end = REPLAY_CLOSE }, { .when = { WATCH("11") },
	      .text = EVENT("ADDED", "b", "12"), .is_open = true,
	      .end = REPLAY_STALL } },
	  .want = "()+a+b", .state = REFLECTOR_WATCHING, .failures = 1 },
	{ .name = "bookmarks move the version on",
	  .answers = { FIRST(""), { .when = { WATCH("10") },
	      .text = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
	      "\"resourceVersion\":\"99\"},\"spec\":{\"containers\":null}}}\n"
	      }, SILENT("99") },
	  .want = "()", .state = REFLECTOR_WATCHING, .bookmarks = 1 },
	{ .name = "410 in the stream lists again",
	  .answers = { FIRST(ITEM("a") "," ITEM("b")),
	      { .when = { WATCH("10") },
		.file = RECORDED("err-410-watch.jsonl") },
	      { .when = { "?limit=" }, .text = LIST("20", ITEM("b")) },
	      SILENT("20") },
	  .want = "(ab)(b)", .state = REFLECTOR_WATCHING, .relists = 1 },
	{ .name = "410 as a status lists again",
	  .answers = { FIRST(ITEM("a")),
	      { .when = { WATCH("10") }, .status = 410, .text = "Gone" },
	      { .when = { "?limit=" }, .text = LIST("20", "") },
	      SILENT("20") },
	  .want = "(a)()", .state = REFLECTOR_WATCHING, .relists = 1 },
	{ .name = "a version that the server cannot read lists again",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .status = 500,
	      .file = RECORDED("err-400-watch-rv.json") },
	      { .when = { "?limit=" }, .text = LIST("20", "") },
	      SILENT("20") },
	  .want = "()()", .state = REFLECTOR_WATCHING, .relists = 1,
	  .failures = 2 },
	{ .name = "another ERROR waits and goes on",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 1,
	      .text = "{\"type\":\"ERROR\",\"object\":{\"code\":503,"
	      "\"message\":\"etcd\"}}\n" }, { .when = { WATCH("10") },
	      .text = EVENT("ADDED", "a", "11"), .is_open = true,
	      .end = REPLAY_STALL } },
	  .want = "()+a", .state = REFLECTOR_WATCHING, .failures = 1 },
	{ .name = "an event that is no JSON lists again",
	  .answers = { FIRST(""), { .when = { WATCH("10") },
	      .text = "{\"type\":\"ADDED\",}\n" },
	      { .when = { "?limit=" }, .text = LIST("20", "") },
	      SILENT("20") },
	  .want = "()()", .state = REFLECTOR_WATCHING, .relists = 1,
	  .failures = 1 },
	{ .name = "a watch that goes silent after a bookmark",
	  .answers = { FIRST(""), { .when = { WATCH("10") },
	      .text = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{"
	      "\"resourceVersion\":\"11\"}}}\n", .is_open = true,
	      .end = REPLAY_STALL }, { .when = { WATCH("11") },
	      .text = EVENT("ADDED", "a", "12"), .is_open = true,
	      .end = REPLAY_STALL } },
	  .want = "()+a", .state = REFLECTOR_WATCHING, .silent = 1,
	  .failures = 1, .turn_us = 5 * SECOND_US },
	{ .name = "a watch that was always silent",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 1,
	      .is_open = true, .end = REPLAY_STALL }, { .when = {
	      WATCH("10") }, .text = EVENT("ADDED", "a", "12"),
	      .is_open = true, .end = REPLAY_STALL } },
	  .want = "()+a", .state = REFLECTOR_WATCHING, .silent = 1,
	  .turn_us = 5 * SECOND_US },
	{ .name = "401 is tried once more at once",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 1,
	      .status = 401, .file = RECORDED("err-401-bad-token.json") },
	      SILENT("10") },
	  .want = "()", .state = REFLECTOR_WATCHING, .failures = 1,
	  .problem = "watch namespaces: HTTP 401" },
	{ .name = "403 for the watch alone",
	  .answers = { FIRST(ITEM("a")), { .when = { "watch=1" },
	      .status = 403,
	      .file = RECORDED("err-403-sa-watch-deployments.json") } },
	  .want = "(a)", .state = REFLECTOR_FORBIDDEN, .failures = 1,
	  .problem = "{apiGroups: [\"\"], resources: [\"namespaces\"], verbs: "
	      "[\"list\", \"watch\"]} (HTTP 403: deployments.apps is "
	      "forbidden: User \"system:serviceaccount:kube-system:ringfence\""
	      " cannot watch" },
	{ .name = "403 that is mended", .turn_us = 5 * SECOND_US,
	  .answers = { { .when = { "GET" }, .times = 1, .status = 403 },
	      FIRST(ITEM("a")), SILENT("10") },
	  .want = "((a)", .state = REFLECTOR_WATCHING, .failures = 1 },
	{ .name = "a group that is not served",
	  .answers = { { .when = { "GET" }, .status = 404,
	      .file = RECORDED("err-404-group.txt") } },
	  .want = "(", .state = REFLECTOR_ABSENT, .failures = 1,
	  .problem = "list namespaces: HTTP 404: 404 page not found" },
	{ .name = "a watch that ends at once does not run hot",
	  .answers = { FIRST(""), { .when = { WATCH("10") }, .times = 6,
	      .text = "" }, { .when = { WATCH("10") },
	      .text = EVENT("ADDED", "a", "11"), .is_open = true,
	      .end = REPLAY_STALL } },
	  .want = "()+a", .state = REFLECTOR_WATCHING },
	{ .name = "410 in the stream of another kind, with bookmarks",
	  .resource = "networkpolicies",
	  .answers = { { .when = { "/networkpolicies?limit=" }, .times = 1,
	      .text = LIST("10", ITEM("a")) }, { .when = { WATCH("10") },
		.file = RECORDED("err-410-watch-bookmarks-netpol.jsonl") },
	      { .when = { "?limit=" }, .text = LIST("1309", ITEM("b")) },
	      SILENT("1309") },
	  .want = "(a)(b)", .state = REFLECTOR_WATCHING, .relists = 1,
	  .failures = 1 },
	{ .name = "410 for a list that is as old as it is",
	  .answers = { { .when = { "?limit=" }, .times = 1, .status = 410,
	      .file = RECORDED("err-410-list-exact.json") },
	      FIRST(ITEM("a")), SILENT("10") },
	  .want = "((a)", .state = REFLECTOR_WATCHING, .failures = 1 },
	{ .name = "metadata alone, page by page",
	  .answers = { { .when = { "&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEi" },
	      .text = LIST("864", ITEM("c")) }, { .when = { "?limit=" },
	      .file = RECORDED("list-pods-metadata-only.json") },
	      SILENT("864") },
	  .want = "(db-0agent-6vrnfagent-x5t7gc)",
	  .state = REFLECTOR_WATCHING },
	{ .name = "a server that knows no metadata alone gives all",
	  .answers = { { .when = { "watch=1",
	      ";v=v1,application/json\r\n" }, .is_open = true,
	      .end = REPLAY_STALL }, { .when = { "as=PartialObjectMetadataL",
	      ";v=v1,application/json\r\n" }, .file =
	      RECORDED("list-namespaces.json") } },
	  .want = "(datadefaultkube-node-leasekube-publickube-systemshop)",
	  .state = REFLECTOR_WATCHING },
	{ .name = "406",
	  .answers = { { .when = { "GET" }, .status = 406,
	      .file = RECORDED("err-406.json") } },
	  .want = "(", .state = REFLECTOR_WAITING, .failures = 1,
	  .problem = "list namespaces: HTTP 406: 406: Not Acceptable  Availa" },
	{ .name = "nobody whom the server knows",
	  .answers = { { .when = { "GET" }, .status = 403,
	      .file = RECORDED("err-403-anonymous.json") } },
	  .want = "(", .state = REFLECTOR_FORBIDDEN, .failures = 1,
	  .problem = "namespaces: forbidden; the server was shown no "
	      "credentials that it knows (HTTP 403: pods is forbidden: User "
	      "\"system:anonymous\"" },
	{ .name = "a selector that the server does not know",
	  .answers = { { .when = { "GET" }, .status = 400,
	      .file = RECORDED("err-400-fieldselector.json") } },
	  .want = "(", .state = REFLECTOR_WAITING, .failures = 1,
	  .problem = "list namespaces: HTTP 400: field label not supported: "
	      "spec.foo" },
	{ .name = "414, by a proxy",
	  .answers = { { .when = { "GET" }, .status = 414,
	      .text = "<html>\r\n<head><title>414 Request-URI Too Large</title>"
	      "</head>\r\n<body>nginx</body></html>" } },
	  .want = "(", .state = REFLECTOR_WAITING, .failures = 1,
	  .problem = "list namespaces: HTTP 414: 414 Request-URI Too Large (an "
	      "HTML page: is this the API server?); the address of the next "
	      "page is too long for it: a proxy on the way" },
	{ .name = "431, as the server's own HTTP library says it",
	  .answers = { { .when = { "GET" }, .status = 431,
	      .text = "431 Request Header Fields Too Large" } },
	  .want = "(", .state = REFLECTOR_WAITING, .failures = 1,
	  .problem = "list namespaces: HTTP 431: 431 Request Header Fields Too "
	      "Large; the credentials are too long for it: a shorter token" },
	{ .name = "a page without a title",
	  .answers = { { .when = { "GET" }, .status = 502,
	      .text = "\n<!DOCTYPE html>\n<p>bad gateway" } },
	  .want = "(", .state = REFLECTOR_WAITING, .failures = 1,
	  .problem = "list namespaces: HTTP 502: an HTML page" },
	/* clang-format on */
};

static bool
is_met(struct watcher *w, const struct watch_case *wc)
{
	const struct reflector_stats *s = reflector_stats(w->reflector);

	return strncmp(strbuf_str(&w->log), wc->want, strlen(wc->want)) == 0 &&
	    s->state == wc->state && s->relists >= wc->relists &&
	    s->failures >= wc->failures && s->silent >= wc->silent &&
	    s->bookmarks >= wc->bookmarks;
}

static void
test_watch(void **state)
{
	const struct watch_case *wc = *state;
	const struct reflector_stats *s;
	struct watcher w;

	watcher_init(&w, wc->answers, count_answers(wc->answers),
	    wc->resource != NULL ? wc->resource : "namespaces");
	for (unsigned i = 0; i < TURNS_MAX && !is_met(&w, wc); i++)
		turn(&w, wc->turn_us > 0 ? wc->turn_us : TURN_US);
	s = reflector_stats(w.reflector);
	if (!is_met(&w, wc))
		fail_msg("told \"%s\", %s, %s", strbuf_str(&w.log),
		    reflector_state_name(s->state), s->problem);
	if (wc->problem != NULL && strstr(s->problem, wc->problem) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", wc->problem, s->problem);
	watcher_release(&w);
}

/* Recorded watches give as many events as they have lines. */
static void
test_recorded(void **state)
{
	static const struct {
		const char *file;
		bool is_raw;
		uint64_t events, bookmarks;
	} files[] = {
		{ SHARED("watch-pods.jsonl"), false, 75, 2 },
		{ RECORDED("watch-endpointslices.jsonl"), false, 59, 2 },
		{ RECORDED("watch-netpol-chunked.raw"), true, 7, 3 },
		{ RECORDED("watch-pods-metadata.jsonl"), false, 73, 3 },
		{ RECORDED("watch-namespaces-delete.jsonl"), false, 10, 3 },
		{ RECORDED("watch-services.jsonl"), false, 3, 1 },
		{ RECORDED("watch-nodes.jsonl"), false, 4, 1 },
		{ RECORDED("watch-networkpolicies.jsonl"), false, 3, 1 },
		{ RECORDED("watch-namespaces.jsonl"), false, 5, 1 },
		{ RECORDED("watch-deployments.jsonl"), false, 34, 2 },
		{ RECORDED("watch-replicasets.jsonl"), false, 42, 1 },
		{ RECORDED("watch-pods-label.jsonl"), false, 47, 3 },
		{ RECORDED("watch-pods-rv0.jsonl"), false, 13, 3 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(files); i++) {
		const struct replay_answer answers[] = { FIRST(""),
			{ .when = { "watch=1" },
			    .times = 1,
			    .file = files[i].file,
			    .is_raw = files[i].is_raw },
			{ .when = { "watch=1" },
			    .is_open = true,
			    .end = REPLAY_STALL } };
		const struct reflector_stats *s;
		struct watcher w;

		watcher_init(&w, answers, NELEM(answers), "pods");
		s = reflector_stats(w.reflector);
		for (unsigned k = 0;
		     k < 500 && replay_server_given(w.world.server, 2) == 0;
		     k++)
			turn(&w, TURN_US);
		assert_int_equal(s->events, files[i].events);
		assert_int_equal(s->bookmarks, files[i].bookmarks);
		watcher_release(&w);
	}
}

/* When nobody is there, it waits longer each time, up to three quarters of a
 * minute, and never gives up. */
static void
test_backoff(void **state)
{
	const struct replay_answer none[] = { { .when = { "GET" },
	    .status = 503 } };
	const struct reflector_stats *s;
	int64_t longest = 0, delay;
	uint64_t failures = 0;
	struct watcher w;

	(void)state;
	watcher_init(&w, none, NELEM(none), "pods");
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < TURNS_MAX && failures < 12; i++) {
		turn(&w, TURN_US);
		if (s->failures == failures)
			continue;
		failures = s->failures;
		delay = reflector_due_us(w.reflector) - w.now_us;
		assert_true(delay >= SECOND_US / 2);
		assert_true(delay <= 45 * SECOND_US);
		if (failures == 1)
			assert_true(delay <= SECOND_US * 3 / 2);
		if (failures > 7)
			assert_true(delay >= 15 * SECOND_US);
		longest = delay > longest ? delay : longest;
	}
	assert_int_equal(failures, 12);
	assert_true(longest > 15 * SECOND_US);
	watcher_release(&w);
}

#define PAGE(next)                                                             \
	"{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"" next             \
	"\"},\"items\":[" ITEM("a") "]}"

/* Pages without end, and events without end: given up, and begun anew later,
 * with what a list may be at most in memory. */
static void
test_endless(void **state)
{
	const struct reflector_config small = { .body_max = 700 };
	const struct replay_answer pages[] = {
		{ .when = { "?limit=", "&continue=x" }, .text = PAGE("y") },
		{ .when = { "?limit=" }, .text = PAGE("x") },
	};
	const struct replay_answer events[] = { FIRST(ITEM("a")),
		{ .when = { WATCH("10") },
		    .text = EVENT("ADDED", "b", "10") EVENT("ADDED", "c", "10")
			EVENT("ADDED", "d", "10") EVENT("ADDED", "e", "10")
			    EVENT("ADDED", "f", "10") EVENT("ADDED", "g", "10")
				EVENT("ADDED", "h", "10") EVENT("ADDED", "i",
				    "10") EVENT("ADDED", "j", "10")
				    EVENT("ADDED", "k", "10") EVENT("ADDED",
					"l", "10") EVENT("ADDED", "m", "10")
					EVENT("ADDED", "n", "10") } };
	const struct reflector_stats *s;
	struct watcher w;

	(void)state;
	watcher_init_as(&w, pages, NELEM(pages), "pods", &small);
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < TURNS_MAX && s->failures < 3; i++)
		turn(&w, TURN_US);
	assert_int_equal(s->failures, 3);
	assert_int_equal(s->lists, 0);
	assert_non_null(strstr(s->problem, "more than 0 MiB"));
	watcher_release(&w);
	watcher_init_as(&w, events, NELEM(events), "namespaces", &small);
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < TURNS_MAX && s->failures < 1; i++)
		turn(&w, TURN_US);
	assert_int_equal(s->failures, 1);
	assert_int_equal(s->lists, 1);
	assert_non_null(strstr(s->problem, "more than 0 MiB"));
	watcher_release(&w);
}

/* A list whose next page is told in another type is not whole. */
static void
test_wrong_page(void **state)
{
	const struct replay_answer wrong[] = { { .when = { "?limit=" },
	    .text = "{\"kind\":\"PodList\",\"metadata\":{\"continue\":7},"
		    "\"items\":[" ITEM("a") "]}" } };
	const struct reflector_stats *s;
	struct watcher w;

	(void)state;
	watcher_init(&w, wrong, NELEM(wrong), "pods");
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < TURNS_MAX && s->failures < 1; i++)
		turn(&w, TURN_US);
	assert_int_equal(s->failures, 1);
	assert_int_equal(s->lists, 0);
	assert_non_null(strstr(s->problem, "next page"));
	watcher_release(&w);
}

/* The server's wish goes before our own haste. */
static void
test_retry_after(void **state)
{
	const struct replay_answer busy[] = {
		{ .when = { "GET" },
		    .times = 1,
		    .status = 429,
		    .headers = "Retry-After: 17\r\n" },
		{ .when = { "GET" },
		    .times = 1,
		    .status = 503,
		    .text = "{\"message\":\"m\",\"details\":{"
			    "\"retryAfterSeconds\":23}}" },
		{ .when = { "GET" }, .text = EMPTY },
	};
	static const int64_t waits_s[] = { 17, 23 };
	const struct reflector_stats *s;
	struct watcher w;

	(void)state;
	watcher_init(&w, busy, NELEM(busy), "pods");
	s = reflector_stats(w.reflector);
	for (uint64_t k = 0; k < NELEM(waits_s); k++) {
		for (unsigned i = 0; i < 1000 && s->failures <= k; i++)
			turn(&w, TURN_US);
		assert_int_equal(reflector_due_us(w.reflector) - w.now_us,
		    waits_s[k] * SECOND_US);
	}
	watcher_release(&w);
}

/* Empty watches that end in their own time: a version from the future looks
 * like that, so after two of them it lists again. */
static void
test_future_version(void **state)
{
	const struct replay_answer quiet[] = {
		{ .when = { "?limit=" }, .text = LIST("10", "") },
		{ .when = { "watch=1" }, .is_open = true, .end = REPLAY_STALL },
	};
	const struct reflector_stats *s;
	struct watcher w;

	(void)state;
	watcher_init(&w, quiet, NELEM(quiet), "pods");
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < 4000 && s->relists == 0; i++)
		turn(&w, 5 * SECOND_US);
	/* Silence is no clean end, but comes to the same. */
	assert_true(s->silent >= 2);
	assert_int_equal(s->relists, 1);
	watcher_release(&w);
}

/* The same as the real server does it: 200, nothing, and an end in time. */
static void
test_future_recorded(void **state)
{
	const struct replay_answer empty[] = {
		{ .when = { "?limit=" },
		    .times = 1,
		    .text = LIST("99999999", "") },
		{ .when = { WATCH("99999999") },
		    .file = RECORDED("watch-future-rv.jsonl") },
		{ .when = { "?limit=" }, .text = LIST("1309", "") },
		SILENT("1309"),
	};
	const struct reflector_stats *s;
	struct watcher w;

	(void)state;
	watcher_init(&w, empty, NELEM(empty), "pods");
	s = reflector_stats(w.reflector);
	for (unsigned i = 0; i < 4000 && s->relists == 0; i++) {
		reflector_step(w.reflector, w.now_us);
		/* The watch lasts as long as it was asked to. */
		if (s->state == REFLECTOR_WATCHING &&
		    reflector_due_us(w.reflector) == INT64_MAX)
			w.now_us += 2 * SECOND_US;
		reflector_step(w.reflector, w.now_us);
		client_work(w.world.client, w.now_us, 3);
	}
	assert_int_equal(s->relists, 1);
	assert_int_equal(s->failures, 0);
	assert_int_equal(s->silent, 0);
	assert_int_equal(replay_server_given(w.world.server, 1), 2);
	watcher_release(&w);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_wrong_page),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_future_version),
		cmocka_unit_test(test_future_recorded),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_watch, cases, name),
	};

	return case_tables_run(
	    "reflector", own, NELEM(own), tables, NELEM(tables));
}

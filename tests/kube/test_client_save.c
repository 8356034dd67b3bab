/* SPDX-License-Identifier: Apache-2.0 */
/* Saving a cluster from a server that answers well, badly or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/kube/client_world.h"
#include "tests/kube/save_world.h"
#include "tests/support/case_table.h"

#define PODS "/api/v1/pods?"
/* What no other answer is for. */
#define REST                                                                   \
	{                                                                      \
		.when = { "GET /" }, .text = EMPTY                             \
	}
#define POD(name)                                                              \
	"{\"metadata\":{\"name\":\"" name                                      \
	"\",\"namespace\":\"n\",\"uid\":\"" name "\"}}"
#define POD_LIST(more, pods)                                                   \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\"," more  \
	"\"x\":1},\"items\":[" pods "]}"

static const struct save_case {
	const char *name;
	struct replay_answer answers[ANSWERS_MAX];
	const char *user;
	size_t pods;       /* that come out, if all is well */
	const char *warn;  /* stands in the warnings; NULL: there are none */
	const char *fail;  /* stands in the error; NULL: it succeeds */
	const char *asked; /* stands in the log of requests; NULL: any */
	bool only_grows;   /* the file that is written */
} cases[] = {
	/* clang-format off */
	{ .name = "a real list",
	  .answers = { { .when = { PODS }, .file = RECORDED("list-pods.json") },
	      REST },
	  .pods = 11, .asked = "User-Agent: ringfence/" },
	{ .name = "token, gzip and page size are asked for",
	  .answers = { { .when = { PODS, "Bearer s3cret",
	      "Accept-Encoding: gzip", "limit=500" },
	      .file = RECORDED("list-pods.json") }, REST }, .pods = 11 },
	{ .name = "gzip",
	  .answers = { { .when = { PODS }, .headers =
	      "Content-Encoding: gzip\r\n",
	      .file = RECORDED("list-pods-ns-gzip.bin") }, REST }, .pods = 200 },
	{ .name = "three pages",
	  .answers = {
	      { .when = { PODS, "continue=", "XkN2h6eDk" }, .status = 500 },
	      { .when = { PODS, "continue=" }, .times = 1,
		.file = SHARED("page-pods-2.json") },
	      { .when = { PODS, "continue=" }, .times = 1,
		.file = SHARED("page-pods-3.json") },
	      { .when = { PODS }, .times = 1,
		.file = SHARED("page-pods-1.json") }, REST }, .pods = 11 },
	{ .name = "a token with odd characters is escaped",
	  .answers = { { .when = { PODS, "&continue=a%2Fb%26c%3D%20 HTTP" },
	      .text = POD_LIST("", POD("b")) },
	      { .when = { PODS }, .text =
		POD_LIST("\"continue\":\"a/b&c= \",", POD("a")) }, REST },
	  .pods = 2 },
	{ .name = "an expired page starts the list over",
	  .answers = { { .when = { PODS, "continue=" }, .times = 1,
	      .status = 410, .file = RECORDED("err-410-continue.json") },
	      { .when = { PODS, "continue=" },
		.text = POD_LIST("", POD("b") "," POD("c")) },
	      { .when = { PODS }, .text =
		POD_LIST("\"continue\":\"x\",", POD("a")) }, REST },
	  .pods = 3, .warn = "list pods: HTTP 410: The provided continue" },
	{ .name = "what was written of it cannot be taken back",
	  .answers = { { .when = { PODS, "continue=" }, .times = 1,
	      .status = 410, .file = RECORDED("err-410-continue.json") },
	      { .when = { PODS }, .times = 1, .text =
		POD_LIST("\"continue\":\"x\",", POD("a") "," POD("b")) },
	      { .when = { PODS }, .text = POD_LIST("", POD("c")) }, REST },
	  .warn = "list pods: HTTP 410", .only_grows = true,
	  .fail = "write: Operation not permitted" },
	{ .name = "pages that expire for ever",
	  .answers = { { .when = { PODS, "continue=" }, .status = 410,
	      .file = RECORDED("err-410-continue.json") },
	      { .when = { PODS }, .text =
		POD_LIST("\"continue\":\"x\",", POD("a")) }, REST },
	  .warn = "list pods: HTTP 410", .fail = "list pods: HTTP 410" },
	{ .name = "a page that comes again and again",
	  .answers = { { .when = { PODS }, .text =
		POD_LIST("\"continue\":\"x\",", POD("a")) }, REST },
	  .warn = "page comes again",
	  .fail = "list pods: the same page comes again and again" },
	{ .name = "a server that asks for an hour",
	  .answers = { { .when = { PODS }, .status = 429,
	      .headers = "Retry-After: 3600\r\n", .text = "busy" }, REST },
	  .fail = "list pods: HTTP 429: busy (it asks to wait for 3600 s)" },
	{ .name = "401 is tried once more",
	  .answers = { { .when = { PODS }, .times = 1, .status = 401,
	      .file = RECORDED("err-401-bad-token.json") },
	      { .when = { PODS }, .text = POD_LIST("", POD("a")) }, REST },
	  .pods = 1, .warn = "list pods: HTTP 401: Unauthorized" },
	{ .name = "401 for ever",
	  .answers = { { .when = { "GET" }, .status = 401,
	      .file = RECORDED("err-401-bad-token.json") } },
	  .warn = "401", .fail = "list pods: HTTP 401: Unauthorized" },
	{ .name = "403 on one resource names the rule",
	  .answers = { { .when = { "/apis/apps/v1/deployments?" },
	      .status = 403,
	      .file = RECORDED("err-403-sa-watch-deployments.json") }, REST },
	  .warn = "lacks the rule {apiGroups: [\"apps\"], resources: "
	      "[\"deployments\"], verbs: [\"list\", \"watch\"]} "
	      "(HTTP 403: deployments.apps is forbidden: User "
	      "\"system:serviceaccount:kube-system:ringfence\"" },
	{ .name = "403 on pods fails",
	  .answers = { { .when = { PODS }, .status = 403,
	      .text = "{\"message\":\"pods is forbidden\"}" }, REST },
	  .fail = "lacks the rule {apiGroups: [\"\"], resources: [\"pods\"]" },
	{ .name = "404 as text",
	  .answers = { { .when = { "/apis/networking.k8s.io/" },
	      .status = 404, .file = RECORDED("err-404-group.txt") }, REST },
	  .warn = "list networkpolicies: HTTP 404: 404 page not found" },
	{ .name = "404 as JSON",
	  .answers = { { .when = { "/apis/batch/v1/cronjobs" }, .status = 404,
	      .file = RECORDED("err-404-resource.json") }, REST },
	  .warn = "list cronjobs: HTTP 404: the server could not find" },
	{ .name = "429, then well",
	  .answers = { { .when = { PODS }, .times = 1, .status = 429,
	      .headers = "Retry-After: 2\r\n", .text = "slow down" },
	      { .when = { PODS }, .text = POD_LIST("", POD("a")) }, REST },
	  .pods = 1, .warn = "list pods: HTTP 429: slow down" },
	{ .name = "500 without a word, for ever",
	  .answers = { { .when = { PODS }, .status = 500 }, REST },
	  .warn = "500", .fail = "list pods: HTTP 500: without a word" },
	{ .name = "504 asks for a second",
	  .answers = { { .when = { PODS }, .times = 1, .status = 504,
	      .headers = "Retry-After: 1\r\n",
	      .file = RECORDED("err-504-future-rv.json") },
	      { .when = { PODS }, .text = POD_LIST("", POD("a")) }, REST },
	  .pods = 1, .warn = "list pods: HTTP 504: Timeout: Too large" },
	{ .name = "cut off in the middle, then well",
	  .answers = { { .when = { PODS }, .times = 1,
	      .file = RECORDED("list-pods.json"), .cut = 30000,
	      .end = REPLAY_CLOSE },
	      { .when = { PODS }, .file = RECORDED("list-pods.json") },
	      REST }, .pods = 11, .warn = "list pods: " },
	{ .name = "reset in the middle, then well",
	  .answers = { { .when = { PODS }, .times = 1,
	      .file = RECORDED("list-pods.json"), .cut = 30000,
	      .end = REPLAY_RESET },
	      { .when = { PODS }, .file = RECORDED("list-pods.json") },
	      REST }, .pods = 11, .warn = "list pods: " },
	{ .name = "stalls in the middle, then well",
	  .answers = { { .when = { PODS }, .times = 1,
	      .file = RECORDED("list-pods.json"), .cut = 30000,
	      .end = REPLAY_STALL },
	      { .when = { PODS }, .file = RECORDED("list-pods.json") },
	      REST }, .pods = 11, .warn = "nothing heard for 150 s" },
	{ .name = "chunks end well in the middle of a list",
	  .answers = { { .when = { PODS }, .text = "{\"kind\":\"PodList\"" },
	      REST }, .warn = "cut off",
	  .fail = "list pods: the answer is cut off" },
	{ .name = "no JSON",
	  .answers = { { .when = { PODS }, .text = "<html>hello</html>" },
	      REST }, .warn = "no JSON", .fail = "the answer is no JSON" },
	{ .name = "a Status where a list should be",
	  .answers = { { .when = { PODS }, .text = "{\"kind\":\"Status\"}" },
	      REST }, .warn = "no list", .fail = "is no list but Status" },
	{ .name = "a redirect is not followed",
	  .answers = { { .when = { PODS }, .status = 302,
	      .headers = "Location: /elsewhere\r\n", .text = "Found" }, REST },
	  .warn = "302", .fail = "list pods: HTTP 302: Found" },
	/* clang-format on */
};

static FILE *
open_output(const struct save_case *sc)
{
	int fd;

	if (!sc->only_grows)
		return tmpfile();
	fd = memfd_create("saved", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fdopen(fd, "w+");
}

static void
test_save(void **state)
{
	const struct save_case *sc = *state;
	struct save_run run = { .now_us = 1 };
	const struct client_save_config config = save_config(&run);
	struct client_save_report report;
	struct rf_error err = { 0 };
	struct client_world w;
	FILE *out = open_output(sc);
	enum rf_status st;
	char *log;

	assert_non_null(out);
	client_world_init(
	    &w, sc->answers, count_answers(sc->answers), "token: s3cret");
	st = client_save(w.client, out, &config, &report, &err);
	if (sc->fail == NULL && st != RF_OK)
		fail_msg("%s", err.msg);
	if (sc->fail != NULL &&
	    (st == RF_OK || strstr(err.msg, sc->fail) == NULL))
		fail_msg("\"%s\" is not in \"%s\"", sc->fail, err.msg);
	if (sc->warn == NULL)
		assert_string_equal(run.warnings, "");
	else if (strstr(run.warnings, sc->warn) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", sc->warn, run.warnings);
	if (sc->fail == NULL) {
		struct cluster *c = save_read(out);

		assert_int_equal(c->n_pods, sc->pods);
		cluster_free(c);
		assert_int_equal(report.objects[0], sc->pods);
	}
	log = replay_server_log(w.server);
	if (sc->asked != NULL)
		assert_non_null(strstr(log, sc->asked));
	free(log);
	fclose(out);
	client_world_release(&w);
}

static int64_t
monotonic_us(void *arg)
{
	struct timespec t;

	(void)arg;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* An answer that is there already, with the one before, is not waited for. */
static void
test_does_not_wait(void **state)
{
	static const struct replay_answer answers[] = { REST };
	const struct client_save_config config = { .now_us = monotonic_us,
		.wait_ms = 3000 };
	struct client_save_report report;
	struct rf_error err = { 0 };
	struct client_world w;
	FILE *out = tmpfile();
	int64_t start_us;

	(void)state;
	assert_non_null(out);
	client_world_init(&w, answers, 1, "token: s3cret");
	start_us = monotonic_us(NULL);
	for (unsigned i = 0; i < 5; i++)
		if (client_save(w.client, out, &config, &report, &err) != RF_OK)
			fail_msg("%s", err.msg);
	assert_in_range(monotonic_us(NULL) - start_us, 0, 2900000);
	fclose(out);
	client_world_release(&w);
}

int
main(void)
{
	static const struct CMUnitTest own[] = { cmocka_unit_test(
	    test_does_not_wait) };
	const struct case_table table = CASE_TABLE(test_save, cases, name);

	return case_tables_run("client_save", own, NELEM(own), &table, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: tokens that change, and plugins that are run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/rfc3339.h"
#include "kube/client_internal.h"
#include "tests/kube/client_get.h"
#include "tests/kube/client_world.h"
#include "tests/support/case_table.h"

/* A token file is read anew for every request. */
static void
test_token_file(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "Authorization: Bearer first\r\n" }, .text = "1" },
		{ .when = { "Authorization: Bearer second\r\n" }, .text = "2" },
		{ .when = { "GET" }, .status = 401 },
	};
	struct client_world w;
	struct folder d;
	char user[128];
	struct get g;

	(void)state;
	folder_init(&d);
	(void)snprintf(
	    user, sizeof(user), "token: old, tokenFile: %s/token", d.path);
	client_world_init(&w, answers, NELEM(answers), user);
	g = get(w.client, SECOND_US); /* not there: the other one */
	assert_int_equal(g.status, 401);
	run("printf 'first\\n' >%s/token", d.path);
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	run("printf second >%s/token", d.path);
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	assert_int_equal(replay_server_given(w.server, 1), 1);
	run("rm %s/token", d.path); /* the last one that was read still holds */
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	assert_int_equal(replay_server_given(w.server, 1), 2);
	client_world_release(&w);
	folder_release(&d);
}

/* What the server's clock shows is told with each answer. */
static void
test_date(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "GET" }, .times = 1, .text = "1" },
		{ .when = { "GET" },
		    .times = 1,
		    .headers = "Date: Thu, 01 Jan 1970 00:02:00 GMT\r\n",
		    .text = "2" },
		{ .when = { "GET" },
		    .headers = "date: yesterday, or so\r\n",
		    .text = "3" },
	};
	struct client_world w;

	(void)state;
	client_world_init(&w, answers, NELEM(answers), "token: t");
	(void)get(w.client, 200 * SECOND_US);
	assert_int_equal(client_ahead_us(w.client), 0);
	(void)get(w.client, 200 * SECOND_US + 999);
	assert_int_equal(client_ahead_us(w.client), -80 * SECOND_US);
	(void)get(w.client, 200 * SECOND_US);
	assert_int_equal(client_ahead_us(w.client), -80 * SECOND_US);
	client_world_release(&w);
}

static void
test_bad_token_file(void **state)
{
	static const struct replay_answer none[] = { { .when = { "GET" } } };
	static const char *const bad[] = { "", "\n", "two words",
		"a\\r\\nX-Evil: 1", "a\\0b" };
	struct client_world w;
	struct folder d;
	char user[128];

	(void)state;
	folder_init(&d);
	(void)snprintf(user, sizeof(user), "tokenFile: %s/token", d.path);
	client_world_init(&w, none, NELEM(none), user);
	for (size_t i = 0; i < NELEM(bad); i++) {
		struct get g;

		run("printf '%s' >%s/token", bad[i], d.path);
		g = get(w.client, SECOND_US);
		assert_int_equal(g.status, -1);
		assert_non_null(strstr(g.message, "/token: holds no token"));
	}
	client_world_release(&w);
	folder_release(&d);
}

/* A plugin runs once, again when its token is over or was refused. */
static void
test_plugin(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "Authorization: Bearer token-" }, .text = "1" },
		{ .when = { "GET" }, .status = 401 },
	};
	static const char script[] =
	    "#!/bin/sh\n"
	    "n=$(($(cat \"$1\" 2>/dev/null || echo 0) + 1)); echo $n >\"$1\"\n"
	    "[ \"$COLOUR\" = red ] || exit 9\n"
	    "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;;\n"
	    "*) exit 8 ;; esac\n"
	    "read -r x && exit 7\n"
	    "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
	    "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"token-%s\","
	    "\"expirationTimestamp\":\"1970-01-01T01:00:00Z\"}}' \"$n\"\n";
	struct client_world w;
	struct folder d;
	char user[512], path[128], *log;
	FILE *f;

	(void)state;
	folder_init(&d);
	(void)snprintf(path, sizeof(path), "%s/plugin", d.path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(script, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
	(void)snprintf(user, sizeof(user),
	    "exec: {apiVersion: client.authentication.k8s.io/v1, command: %s, "
	    "args: [%s/n], env: [{name: COLOUR, value: red}]}",
	    path, d.path);
	client_world_init(&w, answers, NELEM(answers), user);
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	assert_int_equal(get(w.client, 3000 * SECOND_US).status, 200);
	assert_int_equal(get(w.client, 3595 * SECOND_US).status, 200);
	client_forget_credentials(w.client);
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	log = replay_server_log(w.server);
	assert_non_null(strstr(log, "Bearer token-1\r"));
	assert_non_null(strstr(log, "Bearer token-2\r"));
	assert_non_null(strstr(log, "Bearer token-3\r"));
	assert_null(strstr(log, "Bearer token-4\r"));
	free(log);
	client_world_release(&w);
	folder_release(&d);
}

static const struct plugin_case {
	const char *name, *command, *want;
} plugin_cases[] = {
	/* clang-format off */
	{ "not there", "command: /nowhere/aws",
	    "run /nowhere/aws: No such file" },
	{ "not there, with a hint", "command: ringfence-no-such-plugin, "
	    "installHint: get it there", "get it there" },
	{ "fails", "command: 'false'", "false: exit status 1" },
	{ "says nothing", "command: 'true'", "true: printed no JSON" },
	{ "is killed", "command: sh, args: [-c, 'kill -9 $$']",
	    "sh: ended by signal 9" },
	{ "prints something else", "command: echo, args: ['{\"kind\":\"Pod\"}'"
	    "]", "echo: printed no ExecCredential but Pod" },
	{ "gives nothing", "command: echo, args: ['{\"kind\":"
	    "\"ExecCredential\",\"status\":{}}']", "neither token nor" },
	{ "gives half", "command: echo, args: ['{\"kind\":\"ExecCredential\","
	    "\"status\":{\"clientKeyData\":\"x\"}}']", "come together" },
	{ "gives no time", "command: echo, args: ['{\"kind\":"
	    "\"ExecCredential\",\"status\":{\"token\":\"t\","
	    "\"expirationTimestamp\":\"soon\"}}']", "is no RFC 3339 time" },
	{ "gives two lines", "command: echo, args: ['{\"kind\":"
	    "\"ExecCredential\",\"status\":{\"token\":\"a\\r\\nb\"}}']",
	    "status.token: is no token" },
	/* clang-format on */
};

static void
test_bad_plugin(void **state)
{
	static const struct replay_answer none[] = { { .when = { "GET" } } };
	const struct plugin_case *pc = *state;
	struct client_world w;
	char user[512];
	struct get g;

	(void)snprintf(user, sizeof(user),
	    "exec: {apiVersion: client.authentication.k8s.io/v1beta1, %s}",
	    pc->command);
	client_world_init(&w, none, NELEM(none), user);
	g = get(w.client, SECOND_US);
	assert_int_equal(g.status, -1);
	if (strstr(g.message, pc->want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", pc->want, g.message);
	client_world_release(&w);
}

static const struct slow_case {
	const char *name, *script;
} slow_cases[] = {
	{ "prints nothing", "echo $$ >PID; exec sleep 60" },
	{ "closes its output and stays",
	    "echo $$ >PID; exec sleep 60 >/dev/null" },
};

/* One that does not end is ended, and is not left behind. */
static void
test_slow_plugin(void **state)
{
	const struct slow_case *sc = *state;
	const char *pid = strstr(sc->script, "PID");
	struct credentials cr = { 0 };
	struct rf_error err = { 0 };
	struct kubeconfig *kc;
	struct folder d;
	char text[1024];

	folder_init(&d);
	(void)snprintf(text, sizeof(text),
	    "current-context: c\n"
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: 'https://h:1'}}]\n"
	    "users: [{name: u, user: {exec: {command: sh, apiVersion: "
	    "client.authentication.k8s.io/v1, args: [-c, '%.*s%s/pid%s']}}}]\n",
	    (int)(pid - sc->script), sc->script, d.path, pid + 3);
	if (kubeconfig_parse(&kc, text, strlen(text), "test", NULL, &err) !=
	    RF_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(credentials_run_plugin(&cr, kc, 300, &err), RF_IO);
	assert_string_equal(err.msg, "sh: did not end within 0.3 s");
	run("! kill -0 \"$(cat %s/pid)\" 2>/dev/null", d.path);
	credentials_release(&cr);
	kubeconfig_free(kc);
	folder_release(&d);
}

static const struct info_case {
	const char *name, *version, *asks, *cluster;
	const char *want; /* of spec; in an error, without a brace at first */
} info_cases[] = {
	/* clang-format off */
	{ "is not asked for", "v1", "false", ", tls-server-name: api, "
	    "certificate-authority: /nowhere/ca.crt",
	    "{\"interactive\":false}" },
	{ "the server alone", "v1beta1", "true", "", "{\"interactive\":false,"
	    "\"cluster\":{\"server\":\"https://h:1\"}}" },
	{ "all of it", "v1", "true", ", tls-server-name: api, "
	    "disable-compression: true, certificate-authority-data: "
	    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==, extensions: [{name: x, "
	    "extension: {}}, {name: client.authentication.k8s.io/exec, "
	    "extension: {audience: a\u00e9, l: [1, 2.5, true, null]}}]",
	    "{\"interactive\":false,\"cluster\":{\"server\":\"https://h:1\","
	    "\"tls-server-name\":\"api\",\"certificate-authority-data\":"
	    "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\","
	    "\"disable-compression\":true,\"config\":{\"audience\":"
	    "\"a\u00e9\",\"l\":[1,2.5,true,null]}}}" },
	{ "not verified", "v1", "true", ", insecure-skip-tls-verify: true",
	    "{\"interactive\":false,\"cluster\":{\"server\":\"https://h:1\","
	    "\"insecure-skip-tls-verify\":true}}" },
	{ "a file", "v1", "true", ", certificate-authority: FILE",
	    "{\"interactive\":false,\"cluster\":{\"server\":\"https://h:1\","
	    "\"certificate-authority-data\":\"Q0Fz\"}}" },
	{ "no file", "v1", "true", ", certificate-authority: /nowhere/ca.crt",
	    "open /nowhere/ca.crt: No such file" },
	/* clang-format on */
};

/* A plugin has none of our open files, blocks no signal although we do, and
 * gets SIGPIPE. */
static void
test_plugin_inherits_nothing(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "Authorization: Bearer clean" }, .text = "1" },
		{ .when = { "GET" }, .status = 401 },
	};
	static const char user[] =
	    "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, "
	    "args: [-c, 'test -e /proc/$$/fd/77 && exit 9; "
	    "grep -q \"^SigBlk:.0*$\" /proc/self/status || exit 8; "
	    "grep -q \"^SigIgn:.*[02468ace]...$\" /proc/self/status || exit 7; "
	    "echo \"{\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":"
	    "{\\\"token\\\":\\\"clean\\\"}}\"']}";
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	struct client_world w;
	sigset_t set, old;

	(void)state;
	assert_int_equal(dup2(STDOUT_FILENO, 77), 77);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
	client_world_init(&w, answers, NELEM(answers), user);
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	client_world_release(&w);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
	(void)signal(SIGPIPE, before);
	assert_int_equal(close(77), 0);
}

/* What a plugin is told, under the names that the API has for it. */
static void
test_info(void **state)
{
	const struct info_case *ic = *state;
	char text[1024], want[512], ca[128] = "", *got;
	const char *file = strstr(ic->cluster, "FILE");
	struct rf_error err = { 0 };
	struct kubeconfig *kc;
	struct folder d;

	folder_init(&d);
	run("printf CAs >%s/ca", d.path);
	if (file != NULL)
		(void)snprintf(ca, sizeof(ca), "%s/ca", d.path);
	(void)snprintf(text, sizeof(text),
	    "current-context: c\n"
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: 'https://h:1'%.*s%s}}]\n"
	    "users: [{name: u, user: {exec: {command: x, apiVersion: "
	    "client.authentication.k8s.io/%s, provideClusterInfo: %s}}}]\n",
	    file == NULL ? (int)strlen(ic->cluster) : (int)(file - ic->cluster),
	    ic->cluster, ca, ic->version, ic->asks);
	if (kubeconfig_parse(&kc, text, strlen(text), "test", NULL, &err) !=
	    RF_OK)
		fail_msg("%s", err.msg);
	(void)snprintf(want, sizeof(want),
	    "{\"apiVersion\":\"client.authentication.k8s.io/%s\",\"kind\":"
	    "\"ExecCredential\",\"spec\":%s}",
	    ic->version, ic->want);
	if (credentials_exec_info(&got, kc, &err) == RF_OK)
		assert_string_equal(got, want);
	else if (*ic->want == '{' || strstr(err.msg, ic->want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", ic->want, err.msg);
	free(got);
	kubeconfig_free(kc);
	folder_release(&d);
}

/* Proxies of the environment would see the token. */
static void
test_no_proxy(void **state)
{
	static const struct replay_answer answers[] = {
		{ .when = { "GET /version HTTP/1.1\r\n" }, .text = "1" }
	};
	struct client_world w;

	(void)state;
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	client_world_init(&w, answers, NELEM(answers), "token: t");
	assert_int_equal(get(w.client, SECOND_US).status, 200);
	client_world_release(&w);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_token_file),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_bad_token_file),
		cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_plugin_inherits_nothing),
		cmocka_unit_test(test_no_proxy),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_bad_plugin, plugin_cases, name),
		CASE_TABLE(test_slow_plugin, slow_cases, name),
		CASE_TABLE(test_info, info_cases, name),
	};

	return case_tables_run(
	    "client_auth", own, NELEM(own), tables, NELEM(tables));
}

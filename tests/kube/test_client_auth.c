/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: tokens that change, plugins that are run, and TLS both ways
 * with a throw-away CA. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/rfc3339.h"
#include "kube/client_internal.h"
#include "tests/kube/client_world.h"

#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))
#define SECOND_US INT64_C(1000000)

/* One GET, to its end. */
struct get {
	bool is_over;
	int status;
	char message[512];
	size_t body_bytes;
};

static enum rf_status
on_body(void *arg, const char *data, size_t n, struct rf_error *err)
{
	struct get *g = arg;

	(void)data;
	(void)err;
	g->body_bytes += n;
	return RF_OK;
}

static void
on_done(void *arg, const struct client_answer *a)
{
	struct get *g = arg;

	g->is_over = true;
	g->status = a->status;
	(void)snprintf(g->message, sizeof(g->message), "%s", a->message);
}

static struct get
get(struct client *c, int64_t now_us)
{
	const struct client_query q = { .path = "/version",
		.silence_max_us = 60 * SECOND_US };
	struct get g = { 0 };
	const struct client_handler h = { on_body, on_done, &g };
	struct client_request *r;
	struct rf_error err = { 0 };

	if (client_get(c, &q, &h, now_us, &r, &err) != RF_OK) {
		g.status = -1;
		(void)snprintf(g.message, sizeof(g.message), "%s", err.msg);
		return g;
	}
	for (unsigned i = 0; i < 1000 && !g.is_over; i++)
		client_work(c, now_us, 20);
	assert_true(g.is_over);
	return g;
}

struct folder {
	char path[64];
};

static void
folder_init(struct folder *d)
{
	(void)snprintf(d->path, sizeof(d->path), "/tmp/ringfence-auth.XXXXXX");
	assert_non_null(mkdtemp(d->path));
}

static void run(const char *fmt, ...) RF_PRINTF(1, 2);

/* A command of the shell, which must succeed. */
static void
run(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* NOLINTNEXTLINE(cert-env33-c): texts of this file */
	if (system(text) != 0)
		fail_msg("failed: %s", text);
}

static void
folder_release(struct folder *d)
{
	run("rm -r '%s'", d->path);
}

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

/* openssl s_server with a throw-away CA. */
struct tls_server {
	struct folder d;
	pid_t pid;
	unsigned port;
};

static void
make_certificates(const char *dir)
{
	run("cd %s && exec 2>/dev/null && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-nodes -subj /CN=ca -days 2 -keyout ca.key -out ca.crt && "
	    "for n in server client; do "
	    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
	    "-subj /CN=$n -keyout $n.key -out $n.csr && "
	    "printf 'subjectAltName=DNS:api.test' >$n.ext && "
	    "openssl x509 -req -in $n.csr -CA ca.crt -CAkey ca.key "
	    "-CAcreateserial -days 2 -extfile $n.ext -out $n.crt || exit 1; "
	    "done && printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n"
	    "Connection: close\\r\\n\\r\\nok' >version",
	    dir);
}

static void
tls_server_start(struct tls_server *s)
{
	char text[512];
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, text, NULL };

	make_certificates(s->d.path);
	(void)snprintf(text, sizeof(text),
	    "cd %s && exec openssl s_server -accept 127.0.0.1:%u -cert "
	    "server.crt -key server.key -CAfile ca.crt -Verify 1 "
	    "-verify_return_error -HTTP -quiet >/dev/null 2>&1 </dev/null",
	    s->d.path, s->port);
	assert_int_equal(
	    posix_spawn(&s->pid, "/bin/sh", NULL, NULL, argv,
		(char *[]){ (char[]){ "PATH=/usr/bin:/bin" }, NULL }),
	    0);
}

/* false: there is no openssl. */
static bool
tls_server_init(struct tls_server *s)
{
	*s = (struct tls_server){ .port = 20000 + (unsigned)getpid() % 20000 };
	/* NOLINTNEXTLINE(cert-env33-c): a fixed text */
	if (system("command -v openssl >/dev/null 2>&1") != 0) {
		print_message("skipped: there is no openssl\n");
		return false;
	}
	folder_init(&s->d);
	tls_server_start(s);
	return true;
}

static void
tls_server_stop(struct tls_server *s)
{
	(void)kill(s->pid, SIGTERM);
	(void)waitpid(s->pid, NULL, 0);
}

static void
tls_server_release(struct tls_server *s)
{
	tls_server_stop(s);
	folder_release(&s->d);
}

/* A client of its own, and what it goes by. */
struct tls_client {
	struct kubeconfig *kc;
	struct client *c;
};

static void
tls_client_init(struct tls_client *t, const struct tls_server *s,
    const char *cluster, const char *user)
{
	struct rf_error err = { 0 };
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "current-context: c\n"
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:%u', "
	    "%s}}]\nusers: [{name: u, user: {%s}}]\n",
	    s->port, cluster, user);
	if (kubeconfig_parse(&t->kc, text, strlen(text), "test", NULL, &err) !=
		RF_OK ||
	    client_open(&t->c, t->kc, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

static void
tls_client_release(struct tls_client *t)
{
	client_close(t->c);
	kubeconfig_free(t->kc);
}

static struct get
get_tls(const struct tls_server *s, const char *cluster, const char *user)
{
	struct tls_client t;
	struct get g;

	tls_client_init(&t, s, cluster, user);
	g = get(t.c, SECOND_US);
	tls_client_release(&t);
	return g;
}

/* The same, until it listens. */
static struct get
get_patiently(struct client *c)
{
	struct get g = { 0 };

	for (unsigned i = 0; i < 100 && g.status != 200; i++) {
		g = get(c, SECOND_US);
		if (g.status != 200)
			(void)usleep(50000);
	}
	return g;
}

/* Its CA, as of the cluster, and our own certificate, as of the user. */
static void
say_files(
    const struct tls_server *s, char ca[static 256], char user[static 512])
{
	(void)snprintf(ca, 256,
	    "tls-server-name: api.test, certificate-authority: %s/ca.crt",
	    s->d.path);
	(void)snprintf(user, 512,
	    "client-certificate: %s/client.crt, client-key: %s/client.key",
	    s->d.path, s->d.path);
}

static void
test_tls(void **state)
{
	struct tls_server s;
	struct tls_client t;
	char ca[256], user[512];
	struct get g;

	(void)state;
	if (!tls_server_init(&s))
		skip();
	say_files(&s, ca, user);
	tls_client_init(&t, &s, ca, user);
	g = get_patiently(t.c);
	tls_client_release(&t);
	if (g.status != 200)
		fail_msg("%s", g.message);
	assert_int_equal(g.body_bytes, 2);
	g = get_tls(&s, ca, "token: t"); /* it insists on a certificate */
	assert_int_equal(g.status, 0);
	g = get_tls(&s, "tls-server-name: api.test", user);
	assert_int_equal(g.status, 0);
	assert_non_null(strstr(g.message, "names no certificate-authority"));
	(void)snprintf(
	    ca, sizeof(ca), "certificate-authority: %s/ca.crt", s.d.path);
	g = get_tls(&s, ca, user); /* it is not called 127.0.0.1 */
	assert_int_equal(g.status, 0);
	assert_non_null(strstr(g.message, "127.0.0.1"));
	g = get_tls(&s, "insecure-skip-tls-verify: true", user);
	assert_int_equal(g.status, 200);
	tls_server_release(&s);
}

/* The cluster gets another CA, and so do the file that names it and our own
 * certificate: the client that runs already goes by the new ones. */
static void
test_other_ca(void **state)
{
	struct tls_server s;
	struct tls_client t;
	char ca[256], user[512];
	struct get g;

	(void)state;
	if (!tls_server_init(&s))
		skip();
	say_files(&s, ca, user);
	tls_client_init(&t, &s, ca, user);
	g = get_patiently(t.c);
	assert_int_equal(g.status, 200);
	tls_server_stop(&s);
	tls_server_start(&s); /* with new certificates */
	g = get_patiently(t.c);
	if (g.status != 200)
		fail_msg("%s", g.message);
	tls_client_release(&t);
	tls_server_release(&s);
}

int
main(void)
{
	struct CMUnitTest tests[NELEM(plugin_cases) + 7] = {
		cmocka_unit_test(test_token_file),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_bad_token_file),
		cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_other_ca),
	};

	for (size_t i = 0; i < NELEM(plugin_cases); i++) {
		tests[i + 7] =
		    (struct CMUnitTest)cmocka_unit_test(test_bad_plugin);
		tests[i + 7].name = plugin_cases[i].name;
		tests[i + 7].initial_state =
		    (void *)(uintptr_t)&plugin_cases[i];
	}
	return cmocka_run_group_tests_name("client_auth", tests, NULL, NULL);
}

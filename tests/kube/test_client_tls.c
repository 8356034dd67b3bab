/* SPDX-License-Identifier: Apache-2.0 */
/* TLS both ways with a throw-away CA: whose word is taken, and what is shown,
 * be it a file's or a plugin's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kube/client_get.h"

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

/* One that nobody listens on, below those that are handed out. */
static unsigned
find_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	const int one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned port = 20000 + ((unsigned)getpid() + i) % 12000;
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

		assert_true(fd >= 0);
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		at.sin_port = htons((uint16_t)port);
		rc = bind(fd, (const void *)&at, sizeof(at));
		(void)close(fd);
		if (rc == 0)
			return port;
	}
	fail_msg("all ports are taken");
	return 0;
}

/* false: there is no openssl. */
static bool
tls_server_init(struct tls_server *s)
{
	*s = (struct tls_server){ .port = find_port() };
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

	for (unsigned i = 0; i < 400 && g.status != 200; i++) {
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

/* What AKS and OpenShift do: the plugin gives a certificate for a short time.
 * It prints pair 1, then pair 2, which is of a stranger, then pair 1 again. */
static const char plugin[] =
    "#!/bin/sh\n"
    "cd \"${0%/*}\" && echo run >>runs && n=$(wc -l <runs)\n"
    "name=client; [ \"$n\" -eq 2 ] && name=stranger\n"
    "line() { awk '{printf \"%s\\\\n\", $0}' \"$1\"; }\n"
    "printf '{\"kind\":\"ExecCredential\",\"status\":{"
    "\"expirationTimestamp\":\"1970-01-01T01:00:00Z\","
    "\"clientCertificateData\":\"%s\",\"clientKeyData\":\"%s\"}}' "
    "\"$(line $name.crt)\" \"$(line $name.key)\"\n";

static void
test_plugin(void **state)
{
	struct tls_server s;
	struct tls_client t;
	char ca[256], user[512], path[128];
	FILE *f;

	(void)state;
	if (!tls_server_init(&s))
		skip();
	run("cd %s && openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -subj /CN=stranger -days 2 "
	    "-keyout stranger.key -out stranger.crt 2>&1",
	    s.d.path);
	(void)snprintf(path, sizeof(path), "%s/plugin", s.d.path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(plugin, f) != EOF);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
	say_files(&s, ca, user);
	(void)snprintf(user, sizeof(user),
	    "exec: {apiVersion: client.authentication.k8s.io/v1, command: %s}",
	    path);
	tls_client_init(&t, &s, ca, user);
	assert_int_equal(get_patiently(t.c).status, 200);
	assert_int_equal(get(t.c, 3000 * SECOND_US).status, 200);
	/* the second one is shown, and not the first any more */
	assert_int_equal(get(t.c, 3595 * SECOND_US).status, 0);
	assert_int_equal(get(t.c, 3595 * SECOND_US).status, 200);
	run("[ \"$(wc -l <%s/runs)\" -eq 3 ]", s.d.path);
	tls_client_release(&t);
	tls_server_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_other_ca),
		cmocka_unit_test(test_plugin),
	};

	return cmocka_run_group_tests_name("client_tls", tests, NULL, NULL);
}

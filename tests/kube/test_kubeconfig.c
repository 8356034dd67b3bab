/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig files: what they may say, what is refused and how it is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/kubeconfig.h"
#include "tests/support/case_table.h"

#define CONTEXT                                                                \
	"current-context: c\n"                                                 \
	"contexts:\n"                                                          \
	"- {name: c, context: {cluster: k, user: u}}\n"
#define CLUSTER                                                                \
	"clusters:\n"                                                          \
	"- {name: k, cluster: {server: 'https://h:6443/'}}\n"
#define USER(fields) "users:\n- name: u\n  user: {" fields "}\n"
#define EXEC         "apiVersion: client.authentication.k8s.io/v1, command: aws"

/* One line that says what came out of it. */
static void
describe(const struct kubeconfig *kc, char *buf, size_t size)
{
	size_t n = 0;

#define SAY(...) n += (size_t)snprintf(buf + n, size - n, __VA_ARGS__)
	SAY("%s", kc->server);
	if (kc->tls_server_name != NULL)
		SAY(" name=%s", kc->tls_server_name);
	if (kc->is_insecure)
		SAY(" insecure");
	if (kc->ca.path != NULL)
		SAY(" ca=%s", kc->ca.path);
	if (kc->ca.data != NULL)
		SAY(" ca-data=%zu", kc->ca.len);
	if (kc->cert.path != NULL)
		SAY(" cert=%s key=%s", kc->cert.path, kc->key.path);
	if (kc->token != NULL)
		SAY(" token=%s", kc->token);
	if (kc->token_path != NULL)
		SAY(" file=%s", kc->token_path);
	if (kc->exec.command != NULL)
		SAY(" exec=%s", kc->exec.command);
	for (size_t i = 0; i < kc->exec.n_args; i++)
		SAY(" %s", kc->exec.args[i]);
	for (size_t i = 0; i < kc->exec.n_env; i++)
		SAY(" %s", kc->exec.env[i]);
#undef SAY
}

static const struct parse_case {
	const char *name, *text;
	const char *context; /* --context, or NULL */
	const char *want;    /* what comes out, or what stands in the error */
	enum rf_status status;
} cases[] = {
	/* clang-format off */
	{ "token", CONTEXT CLUSTER USER("token: abc"), NULL,
	    "https://h:6443 token=abc", RF_OK },
	{ "JSON", "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\","
	    "\"context\":{\"cluster\":\"k\"}}],\"clusters\":[{\"name\":\"k\","
	    "\"cluster\":{\"server\":\"http://127.0.0.1:8001\"}}]}", NULL,
	    "http://127.0.0.1:8001", RF_OK },
	{ "another context", "current-context: x\ncontexts:\n"
	    "- {name: a, context: {cluster: k}}\n" CLUSTER, "a",
	    "https://h:6443", RF_OK },
	{ "a path behind the server", CONTEXT USER("") "clusters: [{name: k, "
	    "cluster: {server: 'https://rancher/k8s/clusters/c-1/'}}]", NULL,
	    "https://rancher/k8s/clusters/c-1", RF_OK },
	{ "files are relative to the kubeconfig", CONTEXT
	    "clusters: [{name: k, cluster: {server: 'https://h', "
	    "certificate-authority: pki/ca.crt}}]\n"
	    USER("client-certificate: /abs/c.crt, client-key: c.key, "
	    "tokenFile: t"), NULL, "https://h ca=./pki/ca.crt "
	    "cert=/abs/c.crt key=./c.key file=./t", RF_OK },
	{ "data", CONTEXT "clusters: [{name: k, cluster: {server: 'https://h',"
	    " tls-server-name: api, certificate-authority-data: "
	    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==}}]\n" USER(""), NULL,
	    "https://h name=api ca-data=28", RF_OK },
	{ "insecure", CONTEXT "clusters: [{name: k, cluster: {server: "
	    "'https://h', insecure-skip-tls-verify: true}}]\n" USER(""), NULL,
	    "https://h insecure", RF_OK },
	{ "a plugin", CONTEXT CLUSTER USER("exec: {" EXEC ", args: [eks, "
	    "get-token], env: [{name: A, value: b}], interactiveMode: Never, "
	    "provideClusterInfo: true}"), NULL,
	    "https://h:6443 exec=aws eks get-token A=b", RF_OK },
	{ "a plugin's path", CONTEXT CLUSTER USER("exec: {apiVersion: "
	    "client.authentication.k8s.io/v1beta1, command: bin/get}"), NULL,
	    "https://h:6443 exec=./bin/get", RF_OK },
	{ "null is not there", CONTEXT CLUSTER USER("token: null, exec: null"),
	    NULL, "https://h:6443", RF_OK },

	{ "empty", "", NULL, "test: is empty", RF_INVAL },
	{ "a list", "- a\n", NULL, "test:1: wants a map, is a list",
	    RF_CORRUPT },
	{ "no YAML", "a: [\n", NULL, "test", RF_CORRUPT },
	{ "no context", CLUSTER, NULL, "test: has no current-context",
	    RF_INVAL },
	{ "an unknown context", CONTEXT CLUSTER, "prod",
	    "test: there is no context \"prod\"; there are: c", RF_INVAL },
	{ "an unknown cluster", CONTEXT, NULL,
	    "contexts[c].context: there is no cluster \"k\" in clusters",
	    RF_INVAL },
	{ "an unknown user", CONTEXT CLUSTER, NULL,
	    "contexts[c].context: there is no user \"u\" in users",
	    RF_INVAL },
	{ "no server", CONTEXT "clusters:\n- name: k\n  cluster: {}\n"
	    USER(""), NULL, "test:6: clusters[k].cluster.server: is missing",
	    RF_CORRUPT },
	{ "a server that is none", CONTEXT "clusters:\n- name: k\n"
	    "  cluster:\n    server: h:6443\n" USER(""), NULL,
	    "test:7: clusters[k].cluster.server: \"h:6443\" is no http",
	    RF_CORRUPT },
	{ "credentials in the server's address", CONTEXT
	    "clusters: [{name: k, cluster: {server: 'https://a@h'}}]\n",
	    NULL, "is no http:// or https:// address", RF_CORRUPT },
	{ "a proxy", CONTEXT "clusters:\n- name: k\n  cluster:\n"
	    "    server: https://h\n    proxy-url: http://p:3128\n" USER(""),
	    NULL, "test:8: clusters[k].cluster.proxy-url: is not supported",
	    RF_CORRUPT },
	{ "insecure and a CA", CONTEXT "clusters: [{name: k, cluster: {server:"
	    " 'https://h', insecure-skip-tls-verify: true, "
	    "certificate-authority: ca}}]\n" USER(""), NULL,
	    "insecure-skip-tls-verify: contradicts", RF_CORRUPT },
	{ "impersonation", CONTEXT CLUSTER USER("as: root"), NULL,
	    "users[u].user.as: is not supported", RF_CORRUPT },
	{ "a password", CONTEXT CLUSTER USER("username: a, password: b"), NULL,
	    "users[u].user.username: is not supported", RF_CORRUPT },
	{ "an auth-provider", CONTEXT CLUSTER USER("auth-provider: {name: "
	    "gcp}"), NULL, "auth-provider: is not supported", RF_CORRUPT },
	{ "a token that is a number", CONTEXT CLUSTER USER("token: 123"), NULL,
	    "test:8: users[u].user.token: wants a string, is a", RF_CORRUPT },
	{ "base64 that is none", CONTEXT CLUSTER USER("client-certificate-data"
	    ": '!!', client-key-data: '!!'"), NULL,
	    "client-certificate-data: is no base64", RF_CORRUPT },
	{ "no PEM", CONTEXT CLUSTER USER("client-certificate-data: aGVsbG8=, "
	    "client-key-data: aGVsbG8="), NULL,
	    "client-certificate-data: holds no PEM", RF_CORRUPT },
	{ "a certificate without key", CONTEXT CLUSTER
	    USER("client-certificate: c"), NULL, "come together", RF_CORRUPT },
	{ "a plugin of another version", CONTEXT CLUSTER USER("exec: {"
	    "apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
	    NULL, "users[u].user.exec.apiVersion: \"client.authentication."
	    "k8s.io/v1alpha1\" is neither", RF_CORRUPT },
	{ "a plugin without command", CONTEXT CLUSTER USER("exec: {apiVersion:"
	    " client.authentication.k8s.io/v1}"), NULL,
	    "exec.command: is missing", RF_CORRUPT },
	{ "a plugin that asks", CONTEXT CLUSTER USER("exec: {" EXEC
	    ", interactiveMode: Always}"), NULL, "interactiveMode: Always",
	    RF_CORRUPT },
	{ "arguments that are no strings", CONTEXT CLUSTER USER("exec: {" EXEC
	    ", args: [1]}"), NULL, "exec.args: wants strings", RF_CORRUPT },
	/* clang-format on */
};

static void
test_parse(void **state)
{
	const struct parse_case *pc = *state;
	struct kubeconfig *kc = NULL;
	struct rf_error err = { 0 };
	char got[512] = "";
	enum rf_status st = kubeconfig_parse(
	    &kc, pc->text, strlen(pc->text), "test", pc->context, &err);

	if (st != pc->status)
		fail_msg("status %d: %s", (int)st, err.msg);
	if (st == RF_OK) {
		describe(kc, got, sizeof(got));
		assert_string_equal(got, pc->want);
	} else if (strstr(err.msg, pc->want) == NULL) {
		fail_msg("\"%s\" is not in \"%s\"", pc->want, err.msg);
	}
	kubeconfig_free(kc);
}

struct folder {
	char path[64];
};

static void
put(const struct folder *d, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) != EOF);
	assert_int_equal(fclose(f), 0);
}

static void
drop(const struct folder *d, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	assert_int_equal(remove(path), 0);
}

static void
expect(const struct kubeconfig_source *src, const char *want)
{
	struct kubeconfig *kc = NULL;
	struct rf_error err = { 0 };
	char got[512] = "";

	if (kubeconfig_load(&kc, src, &err) == RF_OK)
		describe(kc, got, sizeof(got));
	else
		(void)snprintf(got, sizeof(got), "%s", err.msg);
	if (strstr(got, want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", want, got);
	kubeconfig_free(kc);
}

/* Where it is looked for, and what of several files counts. */
static void
test_places(void **state)
{
	struct folder d = { "/tmp/ringfence-kc.XXXXXX" };
	char a[128], list[512], kube[128];
	struct kubeconfig_source src = { 0 };

	(void)state;
	assert_non_null(mkdtemp(d.path));
	put(&d, "a", CONTEXT CLUSTER);
	put(&d, "b",
	    "clusters: [{name: k, cluster: {server: 'https://no'}}]\n" USER(
		"tokenFile: tok"));
	put(&d, "empty", "");
	(void)snprintf(a, sizeof(a), "%s/a", d.path);
	(void)snprintf(list, sizeof(list), "%s/none::%s/empty:%s/a:%s/b",
	    d.path, d.path, d.path, d.path);
	expect(&src, "no kubeconfig: name one with --kubeconfig");
	src.path = a;
	expect(&src, "there is no user \"u\" in users");
	src.path = NULL;
	src.env_list = list;
	expect(&src, "https://h:6443 file=");
	expect(&src, "/tok");
	src.path = "/nowhere/config";
	expect(&src, "open /nowhere/config: No such file");
	src = (struct kubeconfig_source){ .home = d.path };
	expect(&src, "~/.kube/config is not there");
	(void)snprintf(kube, sizeof(kube), "%s/.kube", d.path);
	assert_int_equal(mkdir(kube, 0700), 0);
	put(&d, ".kube/config", CONTEXT CLUSTER USER("token: home"));
	expect(&src, "token=home");
	drop(&d, ".kube/config");
	drop(&d, ".kube");
	drop(&d, "a");
	drop(&d, "b");
	drop(&d, "empty");
	assert_int_equal(rmdir(d.path), 0);
}

static void
test_in_cluster(void **state)
{
	struct folder d = { "/tmp/ringfence-sa.XXXXXX" };
	struct kubeconfig_source src = { .service_host = "10.96.0.1",
		.service_port = "443",
		.account_dir = d.path };
	char want[256];

	(void)state;
	assert_non_null(mkdtemp(d.path));
	expect(&src, "/token: No such file or directory (is automount");
	put(&d, "token", "t\n");
	(void)snprintf(want, sizeof(want),
	    "https://10.96.0.1:443 ca=%s/ca.crt file=%s/token", d.path, d.path);
	expect(&src, want);
	src.service_host = "fd00::1";
	expect(&src, "https://[fd00::1]:443 ");
	src.context = "prod"; /* which a pod has none of */
	expect(&src, "no kubeconfig");
	drop(&d, "token");
	assert_int_equal(rmdir(d.path), 0);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_in_cluster),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_parse, cases, name),
	};

	return case_tables_run(
	    "kubeconfig", own, NELEM(own), tables, NELEM(tables));
}

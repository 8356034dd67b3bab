/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value of whatever is read as JSON or YAML, replaced by one of each
 * other type, one at a time. What is read is refused then, with its place: to
 * take it as missing would be to make up what the text says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client_internal.h"
#include "kube/snapshot.h"
#include "policy/read.h"
#include "policy/write.h"
#include "report/check_probe.h"
#include "tests/support/cluster_say.h"
#include "tests/support/json_mutant.h"

#define OBJECTS "fixtures/kube/every-field.json"
/* Of a custom resource, whose spec is looked at and not insisted on; and of a
 * NetworkPolicy, which is judged when it is used (below). */
#define CUSTOM "items[14].spec"
#define POLICY "items[20]."
#define MAX    ((size_t)1 << 20)

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
assert_tally(const struct mutant_tally *t)
{
	print_message("%zu values: %zu refused, %zu taken\n", t->values,
	    t->refused, t->taken);
	assert_int_equal(t->wrong, 0);
	/* Most are of the wrong type: else it was not read. */
	assert_true(t->refused > t->values * 8);
}

/* ------------------------------------------------------------- objects */
static bool
read_objects(const char *text, size_t len, struct strbuf *said)
{
	struct snapshot_builder *sb = NULL;
	struct rf_error err = { 0 };
	struct cluster *c = NULL;
	char *copy = malloc(len);
	bool is_taken;
	FILE *f;

	assert_non_null(copy);
	memcpy(copy, text, len);
	f = fmemopen(copy, len, "r");
	assert_non_null(f);
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	is_taken = snapshot_read(sb, f, "text", &err) == RF_OK;
	fclose(f);
	free(copy);
	if (is_taken) {
		assert_int_equal(snapshot_finish(sb, &c, NULL, &err), RF_OK);
		say_cluster(said, c);
	} else {
		strbuf_puts(said, err.msg);
	}
	cluster_free(c);
	snapshot_builder_free(sb);
	return is_taken;
}

static bool
object_may_be(const struct mutant *m)
{
	if (strncmp(m->path, POLICY, strlen(POLICY)) == 0)
		return m->is == MUTANT_NULL ||
		    strncmp(m->path, POLICY "spec", strlen(POLICY "spec")) == 0;
	if (ends_with(m->path, ".targetPort")) /* IntOrString */
		return m->is == MUTANT_INTEGER || m->is == MUTANT_TEXT;
	/* A null label is an empty one, as for a server. */
	return m->is == MUTANT_NULL &&
	    (strstr(m->path, "abels.") != NULL ||
		strstr(m->path, ".selector.app") != NULL);
}

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, MAX);

	if (f == NULL)
		fail_msg("%s: run from the top of the repository", path);
	assert_non_null(text);
	assert_true(fread(text, 1, MAX - 1, f) > 0);
	fclose(f);
	return text;
}

static void
test_objects(void **state)
{
	const struct mutant_reader r = { read_objects, object_may_be,
		"text:", CUSTOM };
	char *text = read_file(OBJECTS);
	struct mutant_tally t = json_mutants_judge(&r, "", text);

	(void)state;
	assert_tally(&t);
	free(text);
}

/* ------------------------------------------------------------ policies */
static const char policies[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{"
    "\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\","
    "\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\","
    "\"labels\":{\"a\":\"b\"},\"annotations\":{\"c\":\"d\"}},"
    "\"spec\":{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"},"
    "\"matchExpressions\":[{\"key\":\"tier\",\"operator\":\"In\","
    "\"values\":[\"x\",\"y\"]}]},\"policyTypes\":[\"Ingress\",\"Egress\"],"
    "\"ingress\":[{\"from\":[{\"podSelector\":{\"matchLabels\":{"
    "\"app\":\"a\"}},\"namespaceSelector\":{\"matchLabels\":{"
    "\"team\":\"b\"}}},{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\","
    "\"except\":[\"10.1.0.0/16\"]}}],\"ports\":[{\"protocol\":\"UDP\","
    "\"port\":53,\"endPort\":54},{\"port\":\"http\"}]}],"
    "\"egress\":[{\"to\":[{\"namespaceSelector\":{}}],"
    "\"ports\":[{\"protocol\":\"TCP\",\"port\":443}]}]}}]}";

static bool
read_policies(const char *text, size_t len, struct strbuf *said)
{
	struct policy_reader *r = NULL;
	const struct policy_problem *p;
	struct policy_set set;
	struct arena arena;
	bool is_taken;
	size_t n;

	arena_init(&arena, 0);
	assert_int_equal(policy_reader_new(&r, &arena, "default", NULL), RF_OK);
	assert_int_equal(policy_reader_text(r, "text", text, len, NULL), RF_OK);
	assert_int_equal(policy_reader_finish(r, &set, NULL), RF_OK);
	is_taken = policy_reader_refusals(r) == 0;
	for (size_t i = 0; is_taken && i < set.n_policies; i++)
		assert_int_equal(
		    policy_write(said, &set.policies[i], NULL), RF_OK);
	p = policy_reader_problems(r, &n);
	if (!is_taken && n > 0)
		strbuf_printf(said, "%s:%s", p[0].file, p[0].detail);
	policy_reader_free(r);
	arena_release(&arena);
	return is_taken;
}

/* What a server decodes a null, and what is not there, to (12, 13). */
static bool
policy_may_be(const struct mutant *m)
{
	if (ends_with(m->path, ".port"))
		return m->is == MUTANT_INTEGER || m->is == MUTANT_TEXT;
	return m->is == MUTANT_NULL &&
	    (*m->path == '\0' || ends_with(m->path, "]") ||
		strstr(m->path, "abels.") != NULL ||
		strstr(m->path, "annotations.") != NULL);
}

static void
test_policies(void **state)
{
	const struct mutant_reader r = { read_policies, policy_may_be,
		"text:", NULL };
	struct mutant_tally json = json_mutants_judge(&r, "", policies);
	struct mutant_tally yaml = json_mutants_judge(&r, "---\n", policies);

	(void)state;
	assert_tally(&json);
	assert_tally(&yaml);
}

/* --------------------------------------------------- who we are to a server */
#define CERT "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

static const char kubeconfig[] =
    "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{"
    "\"cluster\":\"k\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"k\","
    "\"cluster\":{\"server\":\"https://h:6443\","
    "\"certificate-authority-data\":\"" CERT "\",\"tls-server-name\":\"api\","
    "\"insecure-skip-tls-verify\":false,\"disable-compression\":true}}],"
    "\"users\":[{\"name\":\"u\",\"user\":{\"token\":\"t\","
    "\"client-certificate-data\":\"" CERT "\",\"client-key-data\":\"" CERT
    "\",\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1\","
    "\"command\":\"get\",\"args\":[\"a\",\"b\"],\"env\":[{\"name\":\"A\","
    "\"value\":\"b\"}],\"provideClusterInfo\":true,"
    "\"installHint\":\"x\"}}}]}";

static const char *
or_none(const char *s)
{
	return s == NULL ? "-" : s;
}

static bool
read_kubeconfig(const char *text, size_t len, struct strbuf *said)
{
	struct kubeconfig *kc = NULL;
	struct rf_error err = { 0 };

	if (kubeconfig_parse(&kc, text, len, "text", NULL, &err) != RF_OK) {
		strbuf_puts(said, err.msg);
		return false;
	}
	strbuf_printf(said, "%s %s %s %d %d %s %s %s %s", kc->context,
	    kc->server, or_none(kc->tls_server_name), kc->is_insecure,
	    kc->refuses_gzip, or_none(kc->ca.data), or_none(kc->cert.data),
	    or_none(kc->key.data), or_none(kc->token));
	strbuf_printf(said, " %s %s %d", or_none(kc->exec.command),
	    or_none(kc->exec.install_hint), kc->exec.wants_cluster);
	for (size_t i = 0; i < kc->exec.n_args; i++)
		strbuf_printf(said, " arg %s", kc->exec.args[i]);
	for (size_t i = 0; i < kc->exec.n_env; i++)
		strbuf_printf(said, " env %s", kc->exec.env[i]);
	kubeconfig_free(kc);
	return true;
}

static void
test_kubeconfig(void **state)
{
	const struct mutant_reader r = { read_kubeconfig, NULL, "text:", NULL };
	struct mutant_tally t = json_mutants_judge(&r, "", kubeconfig);

	(void)state;
	assert_tally(&t);
}

static const char credential[] =
    "{\"kind\":\"ExecCredential\","
    "\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{"
    "\"token\":\"t\",\"clientCertificateData\":\"c\","
    "\"clientKeyData\":\"k\","
    "\"expirationTimestamp\":\"2026-03-08T10:00:00Z\"}}";

static bool
read_credential(const char *text, size_t len, struct strbuf *said)
{
	struct credentials cr = { 0 };
	struct rf_error err = { 0 };

	if (credentials_parse(&cr, text, len, "text", &err) != RF_OK) {
		strbuf_puts(said, err.msg);
		return false;
	}
	strbuf_printf(said, "%s %s %s %lld", or_none(cr.token),
	    or_none(cr.cert), or_none(cr.key), (long long)cr.expires_us);
	credentials_release(&cr);
	return true;
}

static void
test_credential(void **state)
{
	const struct mutant_reader r = { read_credential, NULL, "text:", NULL };
	struct mutant_tally t = json_mutants_judge(&r, "", credential);

	(void)state;
	assert_tally(&t);
}

/* --------------------------------------------------------------- probes */
static const char probe[] =
    "{\"src\":\"10.1.0.4\",\"dst\":\"10.1.0.9\",\"proto\":\"UDP\","
    "\"port\":8080,\"src_pod\":\"shop/web-1\",\"dst_pod\":\"shop/db-1\"}";

static void
say_end(struct strbuf *said, const struct check_probe_end *e)
{
	say_ips(said, "ip", &e->ip, e->has_ip);
	strbuf_printf(said, "%d", (int)e->pod);
	if (e->pod == PROBE_POD_NAMED)
		strbuf_printf(said, " %s/%s", e->namespace, e->name);
}

static bool
read_probe(const char *text, size_t len, struct strbuf *said)
{
	struct rf_error err = { 0 };
	struct check_probe p;

	if (check_probe_read(&p, text, len, &err) != RF_OK) {
		strbuf_puts(said, err.msg);
		return false;
	}
	say_end(said, &p.src);
	say_end(said, &p.dst);
	strbuf_printf(said, " %u/%u", p.port, p.protocol);
	return true;
}

/* A null pod says that it is none. */
static bool
probe_may_be(const struct mutant *m)
{
	return m->is == MUTANT_NULL && ends_with(m->path, "_pod");
}

static void
test_probe(void **state)
{
	const struct mutant_reader r = { read_probe, probe_may_be, "", NULL };
	struct mutant_tally t = json_mutants_judge(&r, "", probe);

	(void)state;
	assert_tally(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_kubeconfig),
		cmocka_unit_test(test_credential),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests_name("wrong_types", tests, NULL, NULL);
}

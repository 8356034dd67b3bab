/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of probes: what is taken, what is refused, and the answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/probe.h"
#include "tests/support/case_table.h"
#include "tests/support/naive_scene.h"

static const char cluster[] =
    "ns shop team=a\n"
    "ns other\n"
    "node n1 192.168.0.1 cidr=10.0.0.0/24\n"
    "node n2 192.168.0.2\n"
    "pod shop/web n1 10.0.0.2,fd00::2 app=web\n"
    "pod shop/db n2 10.0.0.3,fd00::3 app=db sql:5432/TCP\n"
    "pod shop/host n2 192.168.0.2 host app=db\n"
    "pod other/web n1 10.0.0.4 app=web\n"
    "pod other/six n1 fd00::6\n";

static const char policies[] =
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: db, namespace: shop}\n"
    "spec:\n"
    "  podSelector: {matchLabels: {app: db}}\n"
    "  ingress:\n"
    "  - from: [{podSelector: {matchLabels: {app: web}}}]\n"
    "    ports: [{port: sql}]\n"
    "  - from: [{ipBlock: {cidr: 10.0.0.4/32}}]\n"
    "    ports: [{port: 9}]\n";

#define HEAD "\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.3\",\"proto\":\"TCP\","
#define PORT HEAD "\"port\":80"

/* clang-format off */
static struct read_case {
	const char *name, *line;
	const char *why; /* NULL: it is taken */
} read_cases[] = {
	{ "plain", "{" PORT "}", NULL },
	{ "blanks", " { \"src\" : \"10.0.0.2\" ,\t\"dst\":\"::1\", \"port\" : 1 } ", NULL },
	{ "escapes", "{" HEAD "\"por\\u0074\":80}", NULL },
	{ "unknown keys", "{\"id\":[1,{\"a\":null}]," PORT ",\"x\":1.5,\"y\":true}", NULL },
	{ "pods by name alone", "{\"src_pod\":\"shop/web\",\"dst_pod\":\"shop/db\",\"port\":80}", NULL },
	{ "null is no pod", "{" PORT ",\"src_pod\":null,\"dst_pod\":null}", NULL },
	{ "null address, named pod", "{\"src\":null,\"src_pod\":\"shop/web\",\"dst\":\"::1\",\"port\":80}", NULL },
	{ "highest port", "{" HEAD "\"port\":65535}", NULL },
	{ "nothing", "", "column" },
	{ "no JSON", "src=10.0.0.2", "column" },
	{ "list", "[" PORT "]", "column" },
	{ "number", "80", "column" },
	{ "two objects", "{" PORT "}{" PORT "}", "column" },
	{ "cut", "{" PORT, "column" },
	{ "twice", "{" PORT ",\"port\":81}", "duplicate" },
	{ "unknown twice", "{" PORT ",\"a\":1,\"a\":1}", "duplicate" },
	{ "port as text", "{" HEAD "\"port\":\"80\"}", "port: a number" },
	{ "port 0", "{" HEAD "\"port\":0}", "port: 0 is not" },
	{ "port below 0", "{" HEAD "\"port\":-1}", "port: -1 is not" },
	{ "port too high", "{" HEAD "\"port\":65536}", "port: 65536 is not" },
	{ "port as float", "{" HEAD "\"port\":80.0}", "port: a number" },
	{ "port with zero", "{" HEAD "\"port\":080}", "column" },
	{ "port true", "{" HEAD "\"port\":true}", "port: a number" },
	{ "port null", "{" HEAD "\"port\":null}", "port: a number" },
	{ "no port", "{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.3\"}", "port: missing" },
	{ "protocol twice", "{" HEAD "\"port\":1,\"proto\":\"tcp\"}", "duplicate" },
	{ "protocol", "{\"src\":\"::1\",\"dst\":\"::1\",\"proto\":\"tcp\",\"port\":1}", "proto: \"tcp\" is not" },
	{ "ICMP", "{\"src\":\"::1\",\"dst\":\"::1\",\"proto\":\"ICMP\",\"port\":1}", "proto: \"ICMP\"" },
	{ "protocol number", "{\"src\":\"::1\",\"dst\":\"::1\",\"proto\":6,\"port\":1}", "proto: \"TCP\"" },
	{ "address number", "{\"src\":1,\"dst\":\"::1\",\"port\":1}", "src: an address" },
	{ "no address", "{\"src\":\"web\",\"dst\":\"::1\",\"port\":1}", "src: \"web\" is no address" },
	{ "leading zero", "{\"src\":\"10.0.0.02\",\"dst\":\"::1\",\"port\":1}", "is no address" },
	{ "prefix", "{\"src\":\"::1\",\"dst\":\"10.0.0.0/8\",\"port\":1}", "dst: " },
	{ "control bytes are hidden", "{\"src\":\"\\u001b[2J\",\"dst\":\"::1\",\"port\":1}", "src: \"?[2J\"" },
	{ "no source", "{\"dst\":\"::1\",\"port\":1}", "src: an address is wanted" },
	{ "no destination, null pod", "{\"src\":\"::1\",\"dst_pod\":null,\"port\":1}", "dst: an address is wanted" },
	{ "pod without namespace", "{" PORT ",\"src_pod\":\"web\"}", "src_pod: \"web\"" },
	{ "pod without name", "{" PORT ",\"src_pod\":\"shop/\"}", "src_pod: " },
	{ "pod of three", "{" PORT ",\"dst_pod\":\"shop/db/x\"}", "dst_pod: " },
	{ "pod as list", "{" PORT ",\"dst_pod\":[]}", "dst_pod: " },
	{ "latin-1", "{" PORT ",\"x\":\"\xe9\"}", "column" },
};

/* What is asked of the scene, and how the line begins. */
static struct answer_case {
	const char *name, *line, *want, *why;
} answer_cases[] = {
	{ "by a rule", "{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.3\",\"port\":5432}",
	  "allow allow allow", "allowed by shop/db, ingress rule 1" },
	{ "other port", "{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.3\",\"port\":5433}",
	  "allow deny deny", "port 5433 is not 5432 (sql)" },
	{ "not isolated", "{\"src\":\"10.0.0.3\",\"dst\":\"10.0.0.2\",\"port\":1}",
	  "allow allow allow", "no policy isolates shop/web" },
	{ "outside", "{\"src\":\"203.0.113.9\",\"dst\":\"10.0.0.3\",\"port\":5432}",
	  "allow deny deny", "only an ipBlock" },
	{ "38: a block over a pod", "{\"src\":\"10.0.0.4\",\"dst\":\"10.0.0.3\",\"port\":9}",
	  "allow allow allow", "some network plugins do not match" },
	{ "54: the address in use", "{\"src\":\"fd00::2\",\"dst\":\"fd00::3\",\"port\":5432}",
	  "allow allow allow", "ingress rule 1" },
	{ "first of the right family", "{\"src_pod\":\"shop/web\",\"dst\":\"fd00::3\",\"port\":5433}",
	  "allow deny deny", "isolated by shop/db" },
	{ "both by name", "{\"src_pod\":\"other/six\",\"dst_pod\":\"shop/db\",\"port\":5432}",
	  "allow deny deny", "namespace other is not" },
	{ "6: hostNetwork by address", "{\"src\":\"10.0.0.4\",\"dst\":\"192.168.0.2\",\"port\":1}",
	  "allow allow allow", "192.168.0.2 (node n2): no pod" },
	{ "6: hostNetwork by name", "{\"src\":\"10.0.0.4\",\"dst_pod\":\"shop/host\",\"port\":1}",
	  "allow allow allow", "shop/host uses hostNetwork" },
	{ "49: itself", "{\"src\":\"10.0.0.3\",\"dst\":\"fd00::3\",\"port\":1}",
	  "allow allow allow", "a pod can always reach itself" },
	{ "49: by loopback", "{\"src\":\"10.0.0.3\",\"dst\":\"127.0.0.1\",\"port\":1}",
	  "allow allow allow", "a pod can always reach itself" },
	{ "49: another's loopback", "{\"src\":\"203.0.113.9\",\"dst\":\"::1\",\"port\":1}",
	  "allow allow allow", "::1 (outside the cluster)" },
	{ "51: its own node", "{\"src\":\"192.168.0.2\",\"dst\":\"10.0.0.3\",\"port\":1}",
	  "allow allow allow", "its own node is always allowed" },
	{ "51: another node", "{\"src\":\"192.168.0.1\",\"dst\":\"10.0.0.3\",\"port\":1}",
	  "allow deny deny", "192.168.0.1 is not in 10.0.0.4/32" },
	{ "null: the pod is gone", "{\"src\":\"10.0.0.2\",\"src_pod\":null,\"dst\":\"10.0.0.3\",\"port\":5432}",
	  "allow deny deny", "10.0.0.2 (in the cluster, held by no pod)" },
	{ "named against its address", "{\"src\":\"203.0.113.9\",\"src_pod\":\"shop/web\",\"dst\":\"10.0.0.3\",\"port\":5432}",
	  "allow allow allow", "ingress rule 1" },
	{ "families", "{\"src\":\"10.0.0.2\",\"dst\":\"fd00::3\",\"port\":5432}",
	  "allow allow allow", "different address families" },
};
/* clang-format on */

static void
test_read(void **state)
{
	const struct read_case *r = *state;
	struct check_probe p, slow;
	struct rf_error err;
	enum rf_status st =
	    check_probe_read(&p, r->line, strlen(r->line), &err);

	assert_int_equal(st, r->why == NULL ? RF_OK : RF_INVAL);
	assert_int_equal(
	    check_probe_read_json(&slow, r->line, strlen(r->line), NULL), st);
	if (st != RF_OK) {
		if (strstr(err.msg, r->why) == NULL)
			fail_msg("%s: no \"%s\"", err.msg, r->why);
		return;
	}
	assert_int_equal(p.port, slow.port);
	assert_int_equal(p.protocol, slow.protocol);
	assert_int_equal(p.src.pod, slow.src.pod);
	assert_int_equal(p.dst.pod, slow.dst.pod);
	assert_int_equal(p.src.has_ip, slow.src.has_ip);
	assert_memory_equal(&p.src.ip, &slow.src.ip, sizeof(p.src.ip));
	assert_memory_equal(&p.dst.ip, &slow.dst.ip, sizeof(p.dst.ip));
}

/* The whole way: lines in, lines out. text is freed by the caller. */
static enum rf_status
answer(char **text, const char *lines, struct probe_counts *counts,
    struct rf_error *err)
{
	struct naive_scene scene;
	struct check_scene s;
	enum rf_status st;
	size_t size = 0;
	struct probe_files f = { .name = "probes" };

	naive_scene_open(&scene, cluster, policies);
	s = (struct check_scene){ scene.cluster, &scene.set, scene.evaluator };
	f.in = tmpfile();
	f.out = open_memstream(text, &size);
	assert_true(f.in != NULL && f.out != NULL);
	fputs(lines, f.in);
	rewind(f.in);
	st = probe_answer_all(counts, &f, &s, true, err);
	assert_int_equal(fclose(f.out), 0);
	assert_int_equal(fclose(f.in), 0);
	naive_scene_close(&scene);
	return st;
}

static void
test_answer(void **state)
{
	const struct answer_case *a = *state;
	struct probe_counts counts;
	char egress[8], ingress[8], verdict[8], want[64];
	struct rf_error err;
	char *text = NULL;

	assert_int_equal(answer(&text, a->line, &counts, &err), RF_OK);
	assert_int_equal(
	    sscanf(a->want, "%7s %7s %7s", egress, ingress, verdict), 3);
	(void)snprintf(want, sizeof(want),
	    "{\"egress\":\"%s\",\"ingress\":\"%s\",\"verdict\":\"%s\",", egress,
	    ingress, verdict);
	if (strncmp(text, want, strlen(want)) != 0 ||
	    strstr(text, a->why) == NULL)
		fail_msg("%s", text);
	assert_int_equal(counts.probes, 1);
	assert_int_equal(counts.denied, strcmp(verdict, "deny") == 0);
	free(text);
}

static size_t
count_lines(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

/* What stands before a bad line is answered, nothing behind it. */
static void
test_stops(void **state)
{
	struct probe_counts counts;
	struct rf_error err;
	char *text = NULL;

	(void)state;
	assert_int_equal(answer(&text,
			     "{" PORT "}\r\n\n{" PORT "}\n{" HEAD
			     "\"port\":\"80\"}\n{" PORT "}\n",
			     &counts, &err),
	    RF_INVAL);
	assert_int_equal(count_lines(text), 2);
	assert_int_equal(counts.probes, 2);
	assert_non_null(strstr(err.msg, "probes:4: port: "));
	free(text);
}

static void
test_unknown_pod(void **state)
{
	struct probe_counts counts;
	struct rf_error err;
	char *text = NULL;

	(void)state;
	assert_int_equal(answer(&text, "{" PORT ",\"dst_pod\":\"shop/none\"}",
			     &counts, &err),
	    RF_INVAL);
	assert_string_equal(text, "");
	assert_string_equal(
	    err.msg, "probes:1: dst_pod: there is no pod shop/none");
	free(text);
}

static void
test_no_lines(void **state)
{
	struct probe_counts counts;
	struct rf_error err;
	char *text = NULL;

	(void)state;
	assert_int_equal(answer(&text, "\n \n", &counts, &err), RF_OK);
	assert_string_equal(text, "");
	assert_int_equal(counts.probes, 0);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_unknown_pod),
		cmocka_unit_test(test_no_lines),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_read, read_cases, name),
		CASE_TABLE(test_answer, answer_cases, name),
	};

	return case_tables_run(
	    "check_probe", own, NELEM(own), tables, NELEM(tables));
}

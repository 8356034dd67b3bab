/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: its exact text, round trips, and names that try to break out
 * of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/flow.h"
#include "policy/read.h"
#include "policy/write.h"
#include "tests/support/case_table.h"

static const char whole[] =
    "# first line\n"
    "#\n"
    "# third ? line\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata:\n"
    "  name: allow-web\n"
    "  namespace: shop\n"
    "  labels:\n"
    "    \"1st\": \"no\"\n"
    "    app.kubernetes.io/managed-by: ringfence\n"
    "  annotations:\n"
    "    example.com/why: \"a: b # c\\U0000000A\\U00000441\"\n"
    "spec:\n"
    "  podSelector:\n"
    "    matchLabels:\n"
    "      app: web\n"
    "      version: \"1.10\"\n"
    "    matchExpressions:\n"
    "    - key: tier\n"
    "      operator: NotIn\n"
    "      values:\n"
    "      - back\n"
    "      - \"\"\n"
    "    - key: canary\n"
    "      operator: DoesNotExist\n"
    "  policyTypes:\n"
    "  - Ingress\n"
    "  - Egress\n"
    "  ingress:\n"
    "  # seen from the\n"
    "  - from:\n"
    "    - namespaceSelector:\n"
    "        matchLabels:\n"
    "          kubernetes.io/metadata.name: front\n"
    "      podSelector: {}\n"
    "    - podSelector:\n"
    "        matchLabels:\n"
    "          app: api\n"
    "    # the node\n"
    "    - ipBlock:\n"
    "        cidr: 10.0.0.0/8\n"
    "        except:\n"
    "        - 10.1.0.0/16\n"
    "    - ipBlock:\n"
    "        cidr: \"fd00::/8\"\n"
    "    - namespaceSelector: {}\n"
    "    ports:\n"
    "    - port: 8080\n"
    "      protocol: TCP\n"
    "    - port: 9000\n"
    "      endPort: 9100\n"
    "      protocol: UDP\n"
    "    - port: http\n"
    "      protocol: TCP\n"
    "    - protocol: SCTP\n"
    "  - {}\n"
    "  egress:\n"
    "  - ports:\n"
    "    - port: 53\n"
    "      protocol: UDP\n"
    "  - to:\n"
    "    - podSelector: {}\n";

static const struct label meta_labels[] = {
	{ "1st", "no" },
	{ "app.kubernetes.io/managed-by", "ringfence" },
};
static const struct label notes[] = {
	{ "example.com/why", "a: b # c\n\xd1\x81" },
};
static const struct label subject[] = { { "app", "web" },
	{ "version", "1.10" } };
static const struct label front[] = { { "kubernetes.io/metadata.name",
    "front" } };
static const struct label api[] = { { "app", "api" } };
static const char *const tiers[] = { "back", "" };
static const struct selector_requirement requirements[] = {
	{ .key = "tier",
	    .op = SELECTOR_NOT_IN,
	    .values = tiers,
	    .n_values = 2 },
	{ .key = "canary", .op = SELECTOR_DOES_NOT_EXIST },
};
static const struct label_selector everything;
static const struct label_selector front_selector = { .match_labels = {
							  front, 1 } };
static const struct label_selector api_selector = { .match_labels = {
							api, 1 } };

static struct ip_prefix
prefix(const char *text)
{
	struct ip_prefix p;

	assert_true(ip_prefix_parse(&p, text, NULL));
	return p;
}

static enum rf_status
write_one(struct strbuf *out, const struct policy *p)
{
	struct rf_error err;

	strbuf_init(out, 1 << 20);
	return policy_write(out, p, &err);
}

/* Everything that a policy can hold, byte for byte. */
static void
test_whole(void **state)
{
	struct ip_prefix except[] = { prefix("10.1.0.0/16") };
	struct policy_ip_block v4 = {
		.cidr = prefix("10.0.0.0/8"), .except = except, .n_except = 1
	};
	struct policy_ip_block v6 = { .cidr = prefix("fd00::/8") };
	struct policy_peer peers[] = {
		{ .namespace_selector = &front_selector,
		    .pod_selector = &everything },
		{ .pod_selector = &api_selector },
		{ .ip_block = &v4, .comment = "the node" },
		{ .ip_block = &v6 },
		{ .namespace_selector = &everything },
	};
	struct policy_port ports[] = {
		{ .protocol = FLOW_TCP, .has_port = true, .port = 8080 },
		{ .protocol = FLOW_UDP,
		    .has_port = true,
		    .port = 9000,
		    .end_port = 9100 },
		{ .protocol = FLOW_TCP, .has_port = true, .name = "http" },
		{ .protocol = FLOW_SCTP },
	};
	struct policy_rule ingress[] = {
		{ .peers = peers,
		    .n_peers = 5,
		    .ports = ports,
		    .n_ports = 4,
		    .comment = "seen from the" },
		{ 0 },
	};
	struct policy_port dns = {
		.protocol = FLOW_UDP, .has_port = true, .port = 53
	};
	struct policy_peer own = { .pod_selector = &everything };
	struct policy_rule egress[] = {
		{ .ports = &dns, .n_ports = 1 },
		{ .peers = &own, .n_peers = 1 },
	};
	struct policy p = { .namespace = "shop",
		.name = "allow-web",
		.labels = { meta_labels, 2 },
		.annotations = { notes, 1 },
		.comment = "first line\n\nthird \xc2 line",
		.pod_selector = { .match_labels = { subject, 2 },
		    .match_expressions = requirements,
		    .n_match_expressions = 2 },
		.types = { true, true },
		.rules = { ingress, egress },
		.n_rules = { 2, 2 } };
	struct strbuf out;
	struct rf_error err;

	(void)state;
	assert_int_equal(write_one(&out, &p), RF_OK);
	assert_string_equal(strbuf_str(&out), whole);
	assert_int_equal(policy_write(&out, &p, &err), RF_OK);
	assert_non_null(strstr(
	    strbuf_str(&out), "  - podSelector: {}\n---\n# first line\n"));
	strbuf_release(&out);
}

static void
test_smallest(void **state)
{
	struct policy p = { .namespace = "shop",
		.name = "default-deny-all",
		.types = { true, true } };
	struct strbuf out;

	(void)state;
	assert_int_equal(write_one(&out, &p), RF_OK);
	assert_string_equal(strbuf_str(&out),
	    "apiVersion: networking.k8s.io/v1\n"
	    "kind: NetworkPolicy\n"
	    "metadata:\n"
	    "  name: default-deny-all\n"
	    "  namespace: shop\n"
	    "spec:\n"
	    "  podSelector: {}\n"
	    "  policyTypes:\n"
	    "  - Ingress\n"
	    "  - Egress\n");
	strbuf_release(&out);
}

/* Comments come from the wire: each must stay one comment line. */
static struct comment_row {
	const char *name, *comment, *want;
} comment_rows[] = {
	{ "carriage return", "a\rspec: {}", "# a?spec: {}\n" },
	{ "next line", "a\xc2\x85spec: {}", "# a??spec: {}\n" },
	{ "line separator", "a\xe2\x80\xa8kind: X", "# a???kind: X\n" },
	{ "escape sequence", "\033[31mred\033[0m", "# ?[31mred?[0m\n" },
	{ "newline", "a\n---\nkind: X", "# a\n# ---\n# kind: X\n" },
	{ "delete and tab", "a\x7f\tb", "# a??b\n" },
	{ "document end", "...", "# ...\n" },
};

static void
test_comment(void **state)
{
	const struct comment_row *row = *state;
	struct policy_peer peer = { .pod_selector = &everything,
		.comment = row->comment };
	struct policy_rule rule = {
		.peers = &peer, .n_peers = 1, .comment = row->comment
	};
	struct policy p = { .namespace = "shop",
		.name = "p",
		.types = { true, false },
		.comment = row->comment,
		.rules = { &rule, NULL },
		.n_rules = { 1, 0 } };
	struct strbuf out;
	const char *s;

	assert_int_equal(write_one(&out, &p), RF_OK);
	s = strbuf_str(&out);
	assert_int_equal(strncmp(s, row->want, strlen(row->want)), 0);
	assert_int_equal(strncmp(s + strlen(row->want), "apiVersion: ", 12), 0);
	for (; *s != '\0'; s++)
		assert_true(*s == '\n' || (*s >= 0x20 && *s < 0x7f));
	strbuf_release(&out);
}

static void
test_comment_is_capped(void **state)
{
	char comment[5000];
	struct policy p = { .namespace = "shop",
		.name = "p",
		.types = { true, false },
		.comment = comment };
	struct strbuf out;

	(void)state;
	memset(comment, 'x', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	assert_int_equal(write_one(&out, &p), RF_OK);
	assert_in_range(strcspn(strbuf_str(&out), "\n"), 200, 210);
	strbuf_release(&out);
}

/* Annotation values may be any text: it must come back byte for byte, which
 * policy_write itself checks. */
static void
test_any_value(void **state)
{
	static const char *const values[] = { "", "y", "N", "Yes", "off",
		"TRUE", "null", "~", "1e3", "0x50", "017", ".inf", "- a",
		"a: b", "a #b", "#b", "'", "\"", "\\", "\\n", "a\nb", "\n",
		"a\r\nb", "\t", "\x01", "\x7f", "\033[2J", "\xc2\x85",
		"\xe2\x80\xa8", "\xf0\x9f\x90\xb3", "{{ .x }}", "*a", "&a",
		"!!int 1", "|", ">", "%YAML", "---", "...", "@", "`", "[", "{",
		"? ", ": ", "=", "<<", "2001-01-01", "1:30", " a", "a " };
	struct label l = { .key = "a" };
	struct policy p = { .namespace = "shop",
		.name = "p",
		.types = { true, false },
		.annotations = { &l, 1 } };
	struct strbuf out;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		l.value = values[i];
		if (write_one(&out, &p) != RF_OK)
			fail_msg("value %zu: %s", i, values[i]);
		strbuf_release(&out);
	}
}

/* What no server would take is refused, not written. */
static struct refused_row {
	const char *name, *ns, *policy, *key, *value;
} refused_rows[] = {
	{ "name with a newline", "shop", "p\nspec: {}", "a", "b" },
	{ "name with a quote", "shop", "p\"", "a", "b" },
	{ "name empty", "shop", "", "a", "b" },
	{ "namespace with an escape", "\033[31m", "p", "a", "b" },
	{ "label key with a colon", "shop", "p", "a: b", "c" },
	{ "label value with a newline", "shop", "p", "a", "b\nc: d" },
	{ "label value that is no UTF-8", "shop", "p", "a", "\xff" },
};

static void
test_refused(void **state)
{
	const struct refused_row *row = *state;
	struct label l = { row->key, row->value };
	struct policy p = { .namespace = row->ns,
		.name = row->policy,
		.types = { true, false },
		.pod_selector = { .match_labels = { &l, 1 } } };
	struct strbuf out;

	assert_int_equal(write_one(&out, &p), RF_CORRUPT);
	assert_int_equal(out.len, 0);
	strbuf_release(&out);
}

/* An ill-formed annotation would come back as another text. */
static void
test_invalid_utf8(void **state)
{
	struct label l = { "a", "b\xc0\x80" };
	struct policy p = { .namespace = "shop",
		.name = "p",
		.types = { true, false },
		.annotations = { &l, 1 } };
	struct strbuf out;

	(void)state;
	assert_int_equal(write_one(&out, &p), RF_CORRUPT);
	strbuf_release(&out);
}

/* policy_equal tells apart what means something else. */
static void
test_absent_is_not_empty(void **state)
{
	struct policy_peer a = { .namespace_selector = &everything };
	struct policy_peer b = { .namespace_selector = &everything,
		.pod_selector = &api_selector };
	struct policy_rule ra = { .peers = &a, .n_peers = 1 };
	struct policy_rule rb = { .peers = &b, .n_peers = 1 };
	struct policy p = { .namespace = "shop",
		.name = "p",
		.types = { true, false },
		.rules = { &ra, NULL },
		.n_rules = { 1, 0 } };
	struct policy q = p;

	(void)state;
	assert_true(policy_equal(&p, &q));
	q.rules[0] = &rb;
	assert_false(policy_equal(&p, &q));
	q = p;
	q.types[1] = true;
	assert_false(policy_equal(&p, &q));
	q = p;
	q.comment = "comments aside";
	assert_true(policy_equal(&p, &q));
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_comment_is_capped),
		cmocka_unit_test(test_any_value),
		cmocka_unit_test(test_invalid_utf8),
		cmocka_unit_test(test_absent_is_not_empty),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_comment, comment_rows, name),
		CASE_TABLE(test_refused, refused_rows, name),
	};

	return case_tables_run(
	    "policy: write", own, NELEM(own), tables, NELEM(tables));
}

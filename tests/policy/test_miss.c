/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest miss: which rule is named, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/strbuf.h"
#include "tests/support/case_table.h"
#include "tests/support/naive_scene.h"

static const char cluster[] = "ns shop team=web\n"
			      "ns data team=db\n"
			      "node n1 10.9.0.1\n"
			      "pod shop/web n1 10.0.0.5 app=front-end\n"
			      "pod shop/api n1 10.0.0.6 app=api http:9090/TCP "
			      "sidecar:mesh:15001/TCP\n"
			      "pod data/db n1 10.0.1.5 app=db\n";

struct row {
	const char *name, *ingress, *query, *want;
};

static struct row rows[] = {
	{ "port", "[{from: [{podSelector: {}}], ports: [{port: 8081}]}]",
	    "shop/web > shop/api TCP/8080",
	    "p, ingress rule 1: peer matches, port 8080 is not 8081" },
	{ "port without peers", "[{ports: [{port: 8081}]}]",
	    "shop/web > shop/api TCP/8080",
	    "p, ingress rule 1: any peer, port 8080 is not 8081" },
	{ "port range", "[{ports: [{port: 1, endPort: 9}]}]",
	    "shop/web > shop/api TCP/10",
	    "p, ingress rule 1: any peer, port 10 is not in 1-9" },
	{ "protocol", "[{ports: [{port: 80}]}]", "shop/web > shop/api UDP/80",
	    "p, ingress rule 1: any peer, protocol UDP is not TCP" },
	{ "port of the right protocol before the wrong protocol",
	    "[{ports: [{port: 80, protocol: UDP}, {port: 81}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: any peer, port 80 is not 81" },
	{ "named port with another number", "[{ports: [{port: http}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: any peer, port 80 is not 9090 (http)" },
	{ "named port that is not there", "[{ports: [{port: web}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: any peer, port 80: api has no TCP port named "
	    "web" },
	{ "a sidecar's port with another number", "[{ports: [{port: mesh}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: any peer, port 80 is not 15001 (mesh)" },
	{ "label", "[{from: [{podSelector: {matchLabels: {app: frontend}}}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: namespace matches, label app is \"front-end\", "
	    "rule wants \"frontend\"" },
	{ "label absent",
	    "[{from: [{podSelector: {matchLabels: {tier: x}}}], ports: [{port: "
	    "80}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: namespace matches, label tier is absent, rule "
	    "wants \"x\", port matches" },
	{ "expression",
	    "[{from: [{podSelector: {matchExpressions: [{key: app, operator: "
	    "In, values: [a, b]}]}}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: namespace matches, label app is \"front-end\", "
	    "rule wants it in (a, b)" },
	{ "own namespace", "[{from: [{podSelector: {}}]}]",
	    "data/db > shop/api TCP/80",
	    "p, ingress rule 1: namespace data is not shop, the policy's own" },
	{ "namespace label",
	    "[{from: [{namespaceSelector: {matchLabels: {team: web}}}]}]",
	    "data/db > shop/api TCP/80",
	    "p, ingress rule 1: namespace data: label team is \"db\", rule "
	    "wants \"web\"" },
	{ "namespace and label",
	    "[{from: [{podSelector: {matchLabels: {app: web}}}]}]",
	    "data/db > shop/api TCP/80",
	    "p, ingress rule 1: namespace data is not shop, the policy's "
	    "own; label app is \"db\", rule wants \"web\"" },
	{ "block", "[{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]",
	    "192.0.3.1 > shop/api TCP/80",
	    "p, ingress rule 1: address 192.0.3.1 is not in 192.0.2.0/24" },
	{ "except",
	    "[{from: [{ipBlock: {cidr: 192.0.2.0/24, except: "
	    "[192.0.2.8/29]}}]}]",
	    "192.0.2.9 > shop/api TCP/80",
	    "p, ingress rule 1: address 192.0.2.9 is in 192.0.2.8/29, which "
	    "192.0.2.0/24 excepts" },
	{ "external and a selector", "[{from: [{podSelector: {}}]}]",
	    "192.0.2.9 > shop/api TCP/80",
	    "p, ingress rule 1: 192.0.2.9 is no pod, only an ipBlock matches "
	    "it" },
	{ "peer and port",
	    "[{from: [{podSelector: {matchLabels: {app: x}}}], ports: [{port: "
	    "81}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: namespace matches, label app is \"front-end\", "
	    "rule wants \"x\"; port 80 is not 81" },
	{ "one failure before two",
	    "[{from: [{podSelector: {matchLabels: {app: x}}}], ports: [{port: "
	    "81}]}, {from: [{podSelector: {}}], ports: [{port: 82}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 2: peer matches, port 80 is not 82" },
	{ "the nearest peer of a rule",
	    "[{from: [{ipBlock: {cidr: 192.0.2.0/24}}, {podSelector: "
	    "{matchLabels: {app: x}}}]}]",
	    "shop/web > shop/api TCP/80",
	    "p, ingress rule 1: namespace matches, label app is \"front-end\", "
	    "rule wants \"x\"" },
	{ "no rule at all", "[]", "shop/web > shop/api TCP/80",
	    "p isolates the pod and no policy has an ingress rule for it" },
	{ "not denied", "[{}]", "shop/web > shop/api TCP/80",
	    "ingress is not denied" },
	{ "not isolated", "[]", "shop/web > data/db TCP/80",
	    "ingress is not denied" },
};

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct evaluator_miss miss;
	struct evaluator_query q;
	struct naive_scene s;
	struct strbuf sb;

	strbuf_init(&sb, 65536);
	strbuf_printf(&sb,
	    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	    "metadata: {name: p, namespace: shop}\n"
	    "spec: {podSelector: {}, ingress: %s}\n",
	    row->ingress);
	naive_scene_open(&s, cluster, strbuf_str(&sb));
	q = naive_query(s.cluster, row->query);
	evaluator_nearest_miss(s.evaluator, &q, POLICY_INGRESS, &miss);
	assert_string_equal(miss.text, row->want);
	assert_int_equal(
	    miss.policy, strncmp(row->want, "p,", 2) == 0 ? 0 : FLOW_NONE);
	naive_scene_close(&s);
	strbuf_release(&sb);
}

/* A long or hostile label neither overflows the line nor reaches it raw. */
static void
test_hostile_label(void **state)
{
	char value[2000];
	struct label labels[] = { { "app", "\033[2J\n" }, { "z", value } };
	struct evaluator_query q;
	struct evaluator_miss miss;
	struct naive_scene s;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	naive_scene_open(&s, cluster,
	    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	    "metadata: {name: p, namespace: shop}\n"
	    "spec: {ingress: [{from: [{podSelector: {matchLabels: "
	    "{app: a}}}]}]}\n");
	s.cluster->pods[0].labels = (struct label_set){ labels, 2 };
	q = naive_query(s.cluster, "shop/web > shop/api TCP/80");
	evaluator_nearest_miss(s.evaluator, &q, POLICY_INGRESS, &miss);
	assert_string_equal(miss.text,
	    "p, ingress rule 1: namespace matches, label app is \"?[2J?\", "
	    "rule wants \"a\"");
	labels[0].value = value;
	evaluator_nearest_miss(s.evaluator, &q, POLICY_INGRESS, &miss);
	assert_int_equal(strlen(miss.text), sizeof(miss.text) - 1);
	naive_scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_hostile_label),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_row, rows, name),
	};

	return case_tables_run(
	    "policy: nearest miss", own, NELEM(own), tables, NELEM(tables));
}

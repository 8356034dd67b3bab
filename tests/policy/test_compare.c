/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normal forms: ways of writing one thing, and things that only look alike.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/strbuf.h"
#include "policy/compare.h"
#include "tests/support/case_table.h"
#include "tests/support/naive_scene.h"

struct pair_case {
	const char *name;
	const char *a, *b; /* the spec, in flow style */
	bool same;
};

/* clang-format off */
#define FROM(peers, ports) "{ingress: [{from: [" peers "], ports: [" ports "]}]}"
#define WEB "{podSelector: {matchLabels: {app: web}}}"
#define DB "{podSelector: {matchLabels: {app: db}}}"
#define POD(expr) "{podSelector: {matchExpressions: [" expr "]}, ingress: [{}]}"

static struct pair_case pair_cases[] = {
	{ "12, 13: nothing in many ways",
	  "{}", "{podSelector: null, ingress: [], egress: null, policyTypes: []}", true },
	{ "8: egress rules without policyTypes",
	  "{egress: [{}]}", "{egress: [{}], policyTypes: [Egress, Ingress]}", true },
	{ "10: rules of a direction that is not listed",
	  "{policyTypes: [Egress], ingress: [{}]}", "{policyTypes: [Egress]}", true },
	{ "8: ingress alone is not both",
	  "{ingress: [{}]}", "{ingress: [{}], policyTypes: [Ingress, Egress]}", false },
	{ "30: from nobody is from everybody",
	  "{ingress: [{from: [], ports: null}]}", "{ingress: [{}]}", true },
	{ "30: no rule is not an empty rule",
	  "{ingress: []}", "{ingress: [{}]}", false },
	{ "order of peers and ports, split and repeated",
	  FROM(WEB "," DB, "{port: 80},{port: 81}"),
	  "{ingress: [{from: [" DB "," DB "], ports: [{port: 81},{port: 80}]},"
	  "{from: [" WEB "], ports: [{port: 80, endPort: 81}]}]}", true },
	{ "ports of each peer stay its own",
	  FROM(WEB "," DB, "{port: 80}"),
	  "{ingress: [{from: [" WEB "], ports: [{port: 80}]},"
	  "{from: [" DB "], ports: [{port: 81}]}]}", false },
	{ "17, 18: In with one value is a label",
	  POD("{key: app, operator: In, values: [web, web]}"),
	  "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}", true },
	{ "18: In over In is what both have",
	  POD("{key: a, operator: In, values: [x, v]}, {key: a, operator: In, values: [v, z]}"),
	  "{podSelector: {matchLabels: {a: v}}, ingress: [{}]}", true },
	{ "19: NotIn is about absent keys, too",
	  POD("{key: a, operator: NotIn, values: [x]}"),
	  POD("{key: a, operator: NotIn, values: [x]}, {key: a, operator: Exists}"), false },
	{ "19: two NotIn are one",
	  POD("{key: a, operator: NotIn, values: [x]}, {key: a, operator: NotIn, values: [v]}"),
	  POD("{key: a, operator: NotIn, values: [v, x]}"), true },
	{ "20: Exists is implied by In",
	  POD("{key: a, operator: In, values: [x]}, {key: a, operator: Exists}"),
	  POD("{key: a, operator: In, values: [x]}"), true },
	{ "21: DoesNotExist swallows NotIn",
	  POD("{key: a, operator: DoesNotExist}, {key: a, operator: NotIn, values: [x]}"),
	  POD("{key: a, operator: DoesNotExist}"), true },
	{ "23: contradictions select nothing",
	  POD("{key: a, operator: DoesNotExist}, {key: a, operator: Exists}"),
	  POD("{key: b, operator: In, values: [x]}, {key: b, operator: NotIn, values: [x]}"), true },
	{ "17: an empty value is not an absent key",
	  "{podSelector: {matchLabels: {a: ''}}}", POD("{key: a, operator: DoesNotExist}"), false },
	{ "4, 31: the own namespace by name",
	  FROM(WEB, "{port: 80}"),
	  FROM("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}},"
	       " podSelector: {matchLabels: {app: web}}}", "{port: 80}"), true },
	{ "4: every namespace has its name",
	  FROM("{namespaceSelector: {}}", ""),
	  FROM("{namespaceSelector: {matchExpressions: ["
	       "{key: kubernetes.io/metadata.name, operator: Exists}]}}", ""), true },
	{ "34: all pods here are not all pods",
	  FROM("{podSelector: {}}", ""), FROM("{namespaceSelector: {}}", ""), false },
	{ "33: AND is not OR",
	  FROM("{namespaceSelector: {matchLabels: {a: b}}, podSelector: {matchLabels: {app: web}}}", ""),
	  FROM("{namespaceSelector: {matchLabels: {a: b}}}, " WEB, ""), false },
	{ "In is the sum of its values",
	  FROM("{podSelector: {matchExpressions: [{key: app, operator: In, values: [web, db]}]}}", ""),
	  FROM(DB "," WEB, ""), true },
	{ "36: host bits",
	  FROM("{ipBlock: {cidr: 10.1.2.3/8}}", ""), FROM("{ipBlock: {cidr: 10.0.0.0/8}}", ""), true },
	{ "35: excepts, repeated and nested",
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.1.0/24, 10.1.0.0/16]}}", ""),
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}", ""), true },
	{ "35: an except is something",
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}", ""),
	  FROM("{ipBlock: {cidr: 10.0.0.0/8}}", ""), false },
	{ "35: a block in another",
	  FROM("{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 10.1.0.0/16}}", ""),
	  FROM("{ipBlock: {cidr: 10.0.0.0/8}}", ""), true },
	{ "28: a block fills another's hole",
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {ipBlock: {cidr: 10.1.0.0/16}}", ""),
	  FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}", ""), false },
	{ "11: the protocol's default",
	  FROM(WEB, "{}"), FROM(WEB, "{protocol: TCP}"), true },
	{ "40: all of TCP is not all",
	  FROM(WEB, "{}"), FROM(WEB, ""), false },
	{ "40: a port of TCP is among all of TCP",
	  FROM(WEB, "{port: 80}, {}, {port: http}"), FROM(WEB, "{}"), true },
	{ "42: adjacent ranges",
	  FROM(WEB, "{port: 80, endPort: 89}, {port: 90, endPort: 99}"),
	  FROM(WEB, "{port: 80, endPort: 99}"), true },
	{ "42: a gap",
	  FROM(WEB, "{port: 80, endPort: 88}, {port: 90, endPort: 99}"),
	  FROM(WEB, "{port: 80, endPort: 99}"), false },
	{ "42: endPort of the port itself",
	  FROM(WEB, "{port: 80, endPort: 80}"), FROM(WEB, "{port: 80}"), true },
	{ "43: a name is no number",
	  FROM(WEB, "{port: http}"), FROM(WEB, "{port: 80}"), false },
	{ "47: protocols",
	  FROM(WEB, "{port: 53, protocol: UDP}"), FROM(WEB, "{port: 53}"), false },
	{ "what everybody may, each may",
	  "{ingress: [{ports: [{port: 80}]}, {from: [" WEB "], ports: [{port: 80}, {port: 81}]}]}",
	  "{ingress: [{ports: [{port: 80}]}, {from: [" WEB "], ports: [{port: 81}]}]}", true },
	{ "a wider selector's ports",
	  "{ingress: [{from: [{podSelector: {}}]}, {from: [" WEB "], ports: [{port: 81}]}]}",
	  FROM("{podSelector: {}}", ""), true },
	{ "a peer that nothing matches",
	  FROM(WEB ", {podSelector: {matchExpressions: [{key: a, operator: Exists}, "
	       "{key: a, operator: DoesNotExist}]}}", ""),
	  FROM(WEB, ""), true },
};
/* clang-format on */

static void
put_policy(struct strbuf *out, const char *name, const char *spec)
{
	strbuf_printf(out,
	    "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	    "metadata: {name: %s, namespace: shop}\nspec: %s\n",
	    name, spec);
}

static void
test_pair(void **state)
{
	const struct pair_case *p = *state;
	struct policy_form a, b;
	struct naive_scene s;
	struct strbuf text;
	struct rf_error err;

	strbuf_init(&text, 65536);
	put_policy(&text, "a", p->a);
	put_policy(&text, "b", p->b);
	naive_scene_open(&s, "ns shop\n", strbuf_str(&text));
	assert_int_equal(s.set.n_policies, 2);
	assert_int_equal(
	    policy_form_make(&a, &s.set.policies[0], &s.arena, &err), RF_OK);
	assert_int_equal(
	    policy_form_make(&b, &s.set.policies[1], &s.arena, &err), RF_OK);
	assert_int_equal(policy_form_equal(&a, &b), p->same);
	assert_int_equal(policy_form_equal(&b, &a), p->same);
	assert_true(policy_form_equal(&a, &a));
	naive_scene_close(&s);
	strbuf_release(&text);
}

static const struct text_case {
	const char *peer, *ports;
} text_wants[] = {
	{ "*/x=v", "TCP/*" },
	{ "10.0.0.0/8 except 10.1.0.0/16, 10.9.0.0/16", "TCP/53, SCTP/9" },
	{ "namespaces(team=a)/*", "TCP/80-90, TCP/http" },
};

/* The texts are for people. */
static void
test_text(void **state)
{
	static const char spec[] =
	    "{podSelector: {matchLabels: {app: web}}, egress: ["
	    "{to: [{namespaceSelector: {}, podSelector: {matchLabels: "
	    "{x: v}}}], ports: [{}]},"
	    "{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.9.0.0/16, "
	    "10.1.0.0/16]}}], ports: [{port: 53}, {port: 9, protocol: SCTP}]},"
	    "{to: [{namespaceSelector: {matchLabels: {team: a}}}],"
	    " ports: [{port: http}, {port: 80, endPort: 90}]}]}";
	struct policy_form f;
	struct naive_scene s;
	struct strbuf text;
	struct rf_error err;

	(void)state;
	strbuf_init(&text, 65536);
	put_policy(&text, "a", spec);
	naive_scene_open(&s, "ns shop\n", strbuf_str(&text));
	assert_int_equal(
	    policy_form_make(&f, &s.set.policies[0], &s.arena, &err), RF_OK);
	assert_string_equal(f.subject, "app=web");
	assert_true(f.types[POLICY_EGRESS] && f.types[POLICY_INGRESS]);
	assert_int_equal(f.n_entries[POLICY_INGRESS], 0);
	assert_int_equal(f.n_entries[POLICY_EGRESS], 3);
	for (size_t i = 0; i < 3; i++) {
		const struct policy_form_entry *e =
		    &f.entries[POLICY_EGRESS][i];

		assert_string_equal(e->peer, text_wants[i].peer);
		assert_string_equal(e->ports, text_wants[i].ports);
	}
	naive_scene_close(&s);
	strbuf_release(&text);
}

/* A subject is not split: it is one text. */
static void
test_subject_text(void **state)
{
	struct policy_form f;
	struct naive_scene s;
	struct strbuf text;
	struct rf_error err;

	(void)state;
	strbuf_init(&text, 65536);
	put_policy(&text, "a",
	    POD("{key: a, operator: NotIn, values: ['1']}, {key: b, "
		"operator: DoesNotExist}, {key: c, operator: NotIn, values: "
		"['3', '2']}, {key: c, operator: Exists}, {key: d, operator: "
		"In, values: ['5', '4']}, {key: e, operator: Exists}"));
	naive_scene_open(&s, "ns shop\n", strbuf_str(&text));
	assert_int_equal(
	    policy_form_make(&f, &s.set.policies[0], &s.arena, &err), RF_OK);
	assert_string_equal(f.subject, "a!=1,!b,c,c notin (2,3),d in (4,5),e");
	naive_scene_close(&s);
	strbuf_release(&text);
}

/* The ports of a rule are kept once, not once for each of its peers. */
static void
test_many(void **state)
{
	enum { N = 500 };
	static struct policy_ip_block blocks[N];
	static struct policy_peer peers[N];
	static struct policy_port ports[N];
	const struct policy_rule rule = {
		.peers = peers, .n_peers = N, .ports = ports, .n_ports = N
	};
	const struct policy p = { .namespace = "n",
		.name = "p",
		.types = { true, false },
		.rules = { &rule },
		.n_rules = { 1 } };
	struct policy_form f;
	struct rf_error err;
	struct arena arena;

	(void)state;
	for (unsigned i = 0; i < N / 2; i++)
		for (unsigned k = 0; k < 2; k++) {
			unsigned at = i * 2 + k;
			const uint8_t address[4] = { 10, (uint8_t)k, (uint8_t)i,
				0 };
			struct ip_addr ip = ip_from_v4(address);

			blocks[at].cidr = ip_prefix_of(&ip, 96 + 24);
			peers[at].ip_block = &blocks[at];
			ports[at].protocol = 6;
			ports[at].has_port = true;
			ports[at].port = (uint16_t)(2 * at + 1);
		}
	arena_init(&arena, (size_t)2 << 20);
	assert_int_equal(policy_form_make(&f, &p, &arena, &err), RF_OK);
	assert_int_equal(f.n_entries[POLICY_INGRESS], N);
	for (unsigned i = 1; i < N; i++)
		assert_ptr_equal(f.entries[POLICY_INGRESS][i].ports,
		    f.entries[POLICY_INGRESS][0].ports);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_subject_text),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_pair, pair_cases, name),
	};

	return case_tables_run(
	    "compare", own, NELEM(own), tables, NELEM(tables));
}

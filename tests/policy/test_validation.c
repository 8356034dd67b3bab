/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section H of SEMANTICS, and A, B and C as far as they are decoding: which
 * problems a text has, each as "Type field", in the order of the server.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/strbuf.h"
#include "policy/read.h"
#include "tests/support/case_table.h"

#define HEAD "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
#define META HEAD "metadata: {name: p}\n"
#define JSON                                                                   \
	"{\"apiVersion\":\"networking.k8s.io/v1\","                            \
	"\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"p\"},"

struct row {
	const char *name, *text;
	const char *want; /* "" when nothing is wrong */
	size_t n_policies;
};

#define SPEC(s) META "spec: {podSelector: {}, " s "}\n"
#define IN(s)   SPEC("ingress: [{" s "}]")
#define PORT(s) IN("ports: [{" s "}]")
#define FROM(s) IN("from: [" s "]")
#define SEL(s)  META "spec: {podSelector: {" s "}}\n"
#define A32     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" A32
#define IN0     "spec.ingress[0]."

static struct row rows[] = {
	{ "nothing wrong", META, "", 1 },
	{ "55 name missing", HEAD, "Required metadata.name", 0 },
	{ "55 name empty", HEAD "metadata: {name: \"\"}\n",
	    "Required metadata.name", 0 },
	{ "55 name null", HEAD "metadata: {name: null}\n",
	    "Required metadata.name", 0 },
	{ "55 metadata null", HEAD "metadata: null\n", "Required metadata.name",
	    0 },
	{ "55 generateName suffices", HEAD "metadata: {generateName: web-}\n",
	    "", 1 },
	{ "55 generateName is checked", HEAD "metadata: {generateName: Web-}\n",
	    "Invalid metadata.generateName", 0 },
	{ "55 name with a capital", HEAD "metadata: {name: Web}\n",
	    "Invalid metadata.name", 0 },
	{ "55 name that ends in a dash", HEAD "metadata: {name: web-}\n",
	    "Invalid metadata.name", 0 },
	{ "55 name with empty label", HEAD "metadata: {name: a..b}\n",
	    "Invalid metadata.name", 0 },
	{ "55 namespace with a dot",
	    HEAD "metadata: {name: p, namespace: a.b}\n",
	    "Invalid metadata.namespace", 0 },
	{ "55 namespace of 63",
	    HEAD "metadata: {name: p, namespace: " A63 "}\n", "", 1 },
	{ "55 namespace of 64",
	    HEAD "metadata: {name: p, namespace: a" A63 "}\n",
	    "Invalid metadata.namespace", 0 },
	{ "56 three types", SPEC("policyTypes: [Ingress, Egress, Bad]"),
	    "Invalid spec.policyTypes", 0 },
	{ "56 wrong case", SPEC("policyTypes: [Ingress, egress]"),
	    "NotSupported spec.policyTypes[1]", 0 },
	{ "56 both wrong", SPEC("policyTypes: [a, b]"),
	    "NotSupported spec.policyTypes[0], NotSupported "
	    "spec.policyTypes[1]",
	    0 },
	{ "56 null type", SPEC("policyTypes: [null]"),
	    "NotSupported spec.policyTypes[0]", 0 },
	{ "56 the same twice", SPEC("policyTypes: [Egress, Egress]"), "", 1 },
	{ "57 lower case", PORT("protocol: tcp"),
	    "NotSupported " IN0 "ports[0].protocol", 0 },
	{ "57 empty is not missing", PORT("protocol: \"\""),
	    "NotSupported " IN0 "ports[0].protocol", 0 },
	{ "57 null is missing", PORT("protocol: null"), "", 1 },
	{ "57 ICMP", SPEC("egress: [{}, {ports: [{}, {protocol: ICMP}]}]"),
	    "NotSupported spec.egress[1].ports[1].protocol", 0 },
	{ "58 port 0", PORT("port: 0"), "Invalid " IN0 "ports[0].port", 0 },
	{ "58 port 65535", PORT("port: 65535"), "", 1 },
	{ "58 port 65536", PORT("port: 65536"), "Invalid " IN0 "ports[0].port",
	    0 },
	{ "58 string of digits", PORT("port: \"80\""),
	    "Invalid " IN0 "ports[0].port", 0 },
	{ "58 name of 15", PORT("port: abcdefghijklmno"), "", 1 },
	{ "58 name of 16", PORT("port: abcdefghijklmnop"),
	    "Invalid " IN0 "ports[0].port", 0 },
	{ "58 name with two dashes", PORT("port: a--b"),
	    "Invalid " IN0 "ports[0].port", 0 },
	{ "58 name that begins with a dash", PORT("port: -ab"),
	    "Invalid " IN0 "ports[0].port", 0 },
	{ "58 name with underscore", PORT("port: a_b"),
	    "Invalid " IN0 "ports[0].port", 0 },
	{ "58 port null is absent", PORT("port: null"), "", 1 },
	{ "59 without port", PORT("endPort: 90"),
	    "Invalid " IN0 "ports[0].endPort", 0 },
	{ "59 with a name", PORT("port: http, endPort: 90"),
	    "Invalid " IN0 "ports[0].endPort", 0 },
	{ "59 below port", PORT("port: 90, endPort: 89"),
	    "Invalid " IN0 "ports[0].endPort", 0 },
	{ "59 equal", PORT("port: 90, endPort: 90"), "", 1 },
	{ "59 too large", PORT("port: 90, endPort: 65536"),
	    "Invalid " IN0 "ports[0].endPort", 0 },
	{ "60 empty peer", FROM("{}"), "Required " IN0 "from[0]", 0 },
	{ "60 null peer", FROM("null"), "Required " IN0 "from[0]", 0 },
	{ "60 peer of nulls", FROM("{podSelector: null}"),
	    "Required " IN0 "from[0]", 0 },
	{ "60 block and selector",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8}, namespaceSelector: {}}"),
	    "Forbidden " IN0 "from[0]", 0 },
	{ "60 egress path", SPEC("egress: [{to: [{podSelector: {}}, {}]}]"),
	    "Required spec.egress[0].to[1]", 0 },
	{ "61 cidr missing", FROM("{ipBlock: {}}"),
	    "Required " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 cidr empty", FROM("{ipBlock: {cidr: \"\"}}"),
	    "Required " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 bare address", FROM("{ipBlock: {cidr: 10.0.0.1}}"),
	    "Invalid " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 dotted mask", FROM("{ipBlock: {cidr: 10.0.0.0/255.0.0.0}}"),
	    "Invalid " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 zone", FROM("{ipBlock: {cidr: 'fe80::%eth0/64'}}"),
	    "Invalid " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 too long", FROM("{ipBlock: {cidr: 10.0.0.0/33}}"),
	    "Invalid " IN0 "from[0].ipBlock.cidr", 0 },
	{ "61 except is not looked at then",
	    FROM("{ipBlock: {cidr: x, except: [z]}}"),
	    "Invalid " IN0 "from[0].ipBlock.cidr", 0 },
	{ "62 equal",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}"),
	    "Invalid " IN0 "from[0].ipBlock.except[0]", 0 },
	{ "62 outside",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, "
		 "11.0.0.0/16]}}"),
	    "Invalid " IN0 "from[0].ipBlock.except[1]", 0 },
	{ "62 wider",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/7]}}"),
	    "Invalid " IN0 "from[0].ipBlock.except[0]", 0 },
	{ "62 another family",
	    FROM("{ipBlock: {cidr: '::/0', except: [10.0.0.0/8]}}"),
	    "Invalid " IN0 "from[0].ipBlock.except[0]", 0 },
	{ "62 no CIDR", FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [null]}}"),
	    "Invalid " IN0 "from[0].ipBlock.except[0]", 0 },
	{ "63 host bits", FROM("{ipBlock: {cidr: 10.1.2.3/8}}"),
	    "Warning " IN0 "from[0].ipBlock.cidr", 1 },
	{ "63 leading zeros", FROM("{ipBlock: {cidr: 010.0.0.0/8}}"),
	    "Warning " IN0 "from[0].ipBlock.cidr", 1 },
	{ "63 leading zero of the length",
	    FROM("{ipBlock: {cidr: 10.0.0.0/08}}"),
	    "Warning " IN0 "from[0].ipBlock.cidr", 1 },
	{ "63 IPv4-mapped", FROM("{ipBlock: {cidr: '::ffff:10.0.0.0/104'}}"),
	    "Warning " IN0 "from[0].ipBlock.cidr", 1 },
	{ "63 in except",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.2.3/16]}}"),
	    "Warning " IN0 "from[0].ipBlock.except[0]", 1 },
	{ "64 prefix with capitals", SEL("matchLabels: {A.b/c: d}"),
	    "Invalid spec.podSelector.matchLabels", 0 },
	{ "64 empty prefix", SEL("matchLabels: {/c: d}"),
	    "Invalid spec.podSelector.matchLabels", 0 },
	{ "64 name of 64", SEL("matchLabels: {a" A63 ": d}"),
	    "Invalid spec.podSelector.matchLabels", 0 },
	{ "64 value of 63", SEL("matchLabels: {a: " A63 "}"), "", 1 },
	{ "64 value of 64", SEL("matchLabels: {a: a" A63 "}"),
	    "Invalid spec.podSelector.matchLabels", 0 },
	{ "64 value that ends in a dot", SEL("matchLabels: {a: b.}"),
	    "Invalid spec.podSelector.matchLabels", 0 },
	{ "64 in a peer", FROM("{namespaceSelector: {matchLabels: {a: b.}}}"),
	    "Invalid " IN0 "from[0].namespaceSelector.matchLabels", 0 },
	{ "64 key and value", SEL("matchLabels: {-a: b.}"),
	    "Invalid spec.podSelector.matchLabels, Invalid "
	    "spec.podSelector.matchLabels",
	    0 },
	{ "65 operator",
	    SEL("matchExpressions: [{key: a, operator: in, values: [b]}]"),
	    "Invalid spec.podSelector.matchExpressions[0].operator", 0 },
	{ "65 operator missing", SEL("matchExpressions: [{key: a}]"),
	    "Invalid spec.podSelector.matchExpressions[0].operator", 0 },
	{ "65 In without values",
	    SEL("matchExpressions: [{key: a, operator: In, values: []}]"),
	    "Required spec.podSelector.matchExpressions[0].values", 0 },
	{ "65 NotIn without values",
	    SEL("matchExpressions: [{key: a, operator: NotIn}]"),
	    "Required spec.podSelector.matchExpressions[0].values", 0 },
	{ "65 Exists with values",
	    SEL("matchExpressions: [{key: a, operator: Exists, values: [b]}]"),
	    "Forbidden spec.podSelector.matchExpressions[0].values", 0 },
	{ "65 DoesNotExist with null values",
	    SEL("matchExpressions: [{key: a, operator: DoesNotExist, values: "
		"null}]"),
	    "", 1 },
	{ "65 key and value",
	    SEL("matchExpressions: [{key: a, operator: Exists}, {key: -a, "
		"operator: In, values: [ok, -b]}]"),
	    "Invalid spec.podSelector.matchExpressions[1].key, Invalid "
	    "spec.podSelector.matchExpressions[1].values[1]",
	    0 },
	{ "65 repeated values",
	    SEL("matchExpressions: [{key: a, operator: In, values: [b, b]}]"),
	    "", 1 },
	{ "66 map for a list", SPEC("ingress: {}"), "Decode spec.ingress", 0 },
	{ "66 fraction", PORT("port: 80.5"), "Decode " IN0 "ports[0].port", 0 },
	{ "66 whole number with a point, YAML", PORT("port: 80.0"), "", 1 },
	{ "66 whole number with an exponent, YAML", PORT("port: 1e3"), "", 1 },
	{ "66 hexadecimal, YAML", PORT("port: 0x50"), "", 1 },
	{ "66 whole number with a point, JSON",
	    JSON "\"spec\":{\"ingress\":[{\"ports\":[{\"port\":80.0}]}]}}",
	    "Decode " IN0 "ports[0].port", 0 },
	{ "66 number with an exponent, JSON",
	    JSON "\"spec\":{\"ingress\":[{\"ports\":[{\"port\":1e3}]}]}}",
	    "Decode " IN0 "ports[0].port", 0 },
	{ "66 endPort as string", PORT("port: 80, endPort: \"90\""),
	    "Decode " IN0 "ports[0].endPort", 0 },
	{ "66 port over 32 bits", PORT("port: 4294967376"),
	    "Decode " IN0 "ports[0].port", 0 },
	{ "66 string for a list",
	    FROM("{ipBlock: {cidr: 10.0.0.0/8, except: 10.0.0.0/9}}"),
	    "Decode " IN0 "from[0].ipBlock.except", 0 },
	{ "66 boolean port", PORT("port: yes"), "Decode " IN0 "ports[0].port",
	    0 },
	{ "66 decode errors stop validation",
	    SPEC("ingress: {}, policyTypes: [x]"), "Decode spec.ingress", 0 },
	{ "66 every decode error is reported",
	    SPEC("ingress: {}, policyTypes: x"),
	    "Decode spec.ingress, Decode spec.policyTypes", 0 },
	{ "22 number as a label value", SEL("matchLabels: {a: 1.10}"),
	    "Decode spec.podSelector.matchLabels.a", 0 },
	{ "22 boolean as a label value", SEL("matchLabels: {a: true}"),
	    "Decode spec.podSelector.matchLabels.a", 0 },
	{ "22 no is a boolean", SEL("matchLabels: {a: no}"),
	    "Decode spec.podSelector.matchLabels.a", 0 },
	{ "22 y is a boolean", SEL("matchLabels: {a: y}"),
	    "Decode spec.podSelector.matchLabels.a", 0 },
	{ "22 on in values",
	    SEL("matchExpressions: [{key: a, operator: In, values: [on]}]"),
	    "Decode spec.podSelector.matchExpressions[0].values[0]", 0 },
	{ "22 quoted it is a string", SEL("matchLabels: {a: \"no\"}"), "", 1 },
	{ "22 null is empty", SEL("matchLabels: {a: null}"), "", 1 },
	{ "66 name as number", HEAD "metadata: {name: 7}\n",
	    "Decode metadata.name", 0 },
	{ "66 annotation as boolean",
	    HEAD "metadata: {name: p, annotations: {a: true}}\n",
	    "Decode metadata.annotations.a", 0 },
	{ "67 from under egress", SPEC("egress: [{from: [{podSelector: {}}]}]"),
	    "Decode spec.egress[0].from", 0 },
	{ "67 to under ingress", IN("to: []"), "Decode " IN0 "to", 0 },
	{ "67 wrong case", FROM("{ipblock: {cidr: 10.0.0.0/8}}"),
	    "Decode " IN0 "from[0].ipblock", 0 },
	{ "67 unknown at the top", META "specs: {}\n", "Decode specs", 0 },
	{ "67 unknown in metadata", HEAD "metadata: {name: p, lables: {}}\n",
	    "Decode metadata.lables", 0 },
	{ "67 the server's own fields",
	    HEAD
	    "metadata: {name: p, uid: u, resourceVersion: \"1\", generation: "
	    "1, creationTimestamp: null, managedFields: [{manager: m, "
	    "operation: Apply, apiVersion: v1, time: \"t\", fieldsType: "
	    "FieldsV1, fieldsV1: {f:x: {}}}], ownerReferences: [{apiVersion: "
	    "v1, kind: K, name: nn, uid: u, controller: true, "
	    "blockOwnerDeletion: true}], finalizers: [a/b], selfLink: s, "
	    "deletionTimestamp: \"t\", deletionGracePeriodSeconds: 0}\n",
	    "", 1 },
	{ "67 status of older servers", META "status: {}\n", "Notice status",
	    1 },
	{ "67 duplicate field, JSON",
	    JSON "\"spec\":{},\n\"spec\":{\"podSelector\":{}}}", "Decode spec",
	    0 },
	{ "67 duplicate field, YAML",
	    META "spec: {}\nspec: {podSelector: {}}\n", "Warning spec", 1 },
	{ "67 duplicate label, YAML", SEL("matchLabels: {a: b, a: c}"),
	    "Warning spec.podSelector.matchLabels.a", 1 },
	{ "labels of the policy are checked",
	    HEAD "metadata: {name: p, labels: {a: b.}}\n",
	    "Invalid metadata.labels", 0 },
	{ "annotation keys are checked",
	    HEAD "metadata: {name: p, annotations: {-a: x}}\n",
	    "Invalid metadata.annotations", 0 },
	{ "annotation prefixes may have capitals",
	    HEAD "metadata: {name: p, annotations: {Example.com/A: \"any "
		 "thing\"}}\n",
	    "", 1 },
	{ "all errors of all kinds",
	    HEAD
	    "metadata: {name: P}\nspec: {podSelector: {matchLabels: {a: b.}}, "
	    "ingress: [{ports: [{port: 0}], from: [{}]}], policyTypes: [x]}\n",
	    "Invalid metadata.name, Invalid spec.podSelector.matchLabels, "
	    "Invalid " IN0 "ports[0].port, Required " IN0
	    "from[0], NotSupported spec.policyTypes[0]",
	    0 },
	{ "other kinds are skipped",
	    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: "
	    "d}\n---\n" META,
	    "Notice ", 1 },
	{ "extensions/v1beta1 is served no longer",
	    "apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: "
	    "{name: d}\n",
	    "Decode apiVersion", 0 },
	{ "another vendor's NetworkPolicy is not evaluated",
	    "apiVersion: crd.projectcalico.org/v1\nkind: "
	    "NetworkPolicy\nmetadata: {name: d}\n",
	    "Warning ", 0 },
	{ "7: nor is an AdminNetworkPolicy, which may decide before",
	    "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: "
	    "AdminNetworkPolicy\nmetadata: {name: d}\n---\n" META,
	    "Warning ", 1 },
	{ "nor is a list of another vendor's",
	    "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicyList\n"
	    "items: []\n",
	    "Warning ", 0 },
	{ "the kind's case counts",
	    "apiVersion: networking.k8s.io/v1\nkind: networkPolicy\nmetadata: "
	    "{name: d}\n",
	    "Decode kind", 0 },
	{ "a version that is not served",
	    "apiVersion: networking.k8s.io/v1beta1\nkind: "
	    "NetworkPolicy\nmetadata: {name: d}\n",
	    "Decode apiVersion", 0 },
	{ "kind missing",
	    "apiVersion: networking.k8s.io/v1\nmetadata: {name: d}\n",
	    "Decode kind", 0 },
	{ "a List",
	    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: "
	    "networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: "
	    "a}}\n- {apiVersion: v1, kind: Service, metadata: {name: s}}\n- "
	    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: "
	    "{name: b}}\n",
	    "Notice ", 2 },
	{ "a NetworkPolicyList",
	    "apiVersion: networking.k8s.io/v1\nkind: "
	    "NetworkPolicyList\nitems:\n- metadata: {name: a}\n- metadata: "
	    "{name: B}\n",
	    "Invalid metadata.name", 1 },
	{ "several documents",
	    META "---\n" HEAD "metadata: {name: q}\n---\n\n---\n" HEAD
		 "metadata: {name: r}\n",
	    "", 3 },
	{ "the same name twice", META "---\n" META, "Duplicate metadata.name",
	    1 },
	{ "a generateName names another object each time",
	    HEAD "metadata: {generateName: p}\n---\n" HEAD
		 "metadata: {generateName: p}\n---\n" META,
	    "", 3 },
	{ "and hides no name that stands twice",
	    META "---\n" HEAD "metadata: {generateName: p}\n---\n" META,
	    "Duplicate metadata.name", 2 },
	{ "the same name in two namespaces",
	    META "---\n" HEAD "metadata: {name: p, namespace: q}\n", "", 2 },
	{ "a list is no object", "- a\n- b\n", "Decode ", 0 },
	{ "no YAML", META "spec: {podSelector: [}\n", "Decode ", 0 },
	{ "nothing at all", "", "", 0 },
	{ "JSON", JSON "\"spec\":{\"podSelector\":{}}}", "", 1 },
};

static void
describe(const struct policy_reader *r, struct strbuf *sb)
{
	size_t n;
	const struct policy_problem *p = policy_reader_problems(r, &n);

	for (size_t i = 0; i < n; i++)
		strbuf_printf(sb, "%s%s %s", i == 0 ? "" : ", ",
		    policy_problem_type_name(p[i].type), p[i].field);
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct policy_reader *r;
	struct policy_set set;
	struct arena arena;
	struct rf_error err;
	struct strbuf sb;

	arena_init(&arena, 0);
	strbuf_init(&sb, 65536);
	assert_int_equal(policy_reader_new(&r, &arena, "shop", &err), RF_OK);
	assert_int_equal(
	    policy_reader_text(r, "f.yaml", row->text, strlen(row->text), &err),
	    RF_OK);
	assert_int_equal(policy_reader_finish(r, &set, &err), RF_OK);
	describe(r, &sb);
	assert_string_equal(strbuf_str(&sb), row->want);
	assert_int_equal(set.n_policies, row->n_policies);
	assert_int_equal(policy_reader_refusals(r) > 0,
	    row->want[0] != '\0' && strncmp(row->want, "Warning", 7) != 0 &&
		strncmp(row->want, "Notice", 6) != 0);
	policy_reader_free(r);
	strbuf_release(&sb);
	arena_release(&arena);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_row, rows, name);

	return case_table_run("policy: validation (H)", &table);
}

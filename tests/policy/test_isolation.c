/* SPDX-License-Identifier: Apache-2.0 */
/* Sections A, B and D of SEMANTICS: identity, defaulting as verdicts, and
 * who is isolated. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/policy/scene_table.h"

const char scene_cluster[] = "node n1 10.9.0.1 cidr=10.0.0.0/24\n"
			     "node n2 10.9.0.2 cidr=10.0.1.0/24\n"
			     "pod shop/web n1 10.0.0.5 app=web\n"
			     "pod shop/db n2 10.0.1.5 app=db\n"
			     "pod data/db n2 10.0.1.6 app=db\n"
			     "pod shop/agent n2 10.9.0.2 host app=web\n";

#define ONE(s)                                                                 \
	{                                                                      \
		{                                                              \
			"shop", "p", s                                         \
		}                                                              \
	}
#define TO_DB "shop/web > shop/db TCP/80"

static struct scene_row rows[] = {
	{ "1 selects only in its own namespace",
	    { { "data", "p", "{podSelector: {}}" } }, TO_DB, NULL,
	    "not-isolated" },
	{ "1 a namespace that the cluster lacks selects nothing",
	    { { "gone", "p", "{podSelector: {}}" } }, TO_DB, NULL,
	    "not-isolated" },
	{ "5 external ends are not subject",
	    ONE("{podSelector: {}, policyTypes: [Ingress, Egress]}"),
	    "192.0.2.1 > 192.0.2.2 TCP/80", "not-subject", "not-subject" },
	{ "6 hostNetwork pods are not subject",
	    ONE("{podSelector: {}, policyTypes: [Ingress, Egress]}"),
	    "shop/agent > 192.0.2.2 TCP/80", "not-subject", "not-subject" },
	{ "6 hostNetwork pods are matched by no selector",
	    ONE("{podSelector: {}, ingress: [{from: [{podSelector: {}}, "
		"{namespaceSelector: {}}]}]}"),
	    "shop/agent > shop/web TCP/80", "not-subject", "deny" },
	{ "6 hostNetwork pods are matched by node address",
	    ONE("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
		"10.9.0.2/32}}]}]}"),
	    "shop/agent > shop/web TCP/80", "not-subject", "allow p/0" },
	{ "6 hostNetwork pods are matched by a rule without peers",
	    ONE("{podSelector: {}, ingress: [{}]}"),
	    "shop/agent > shop/web TCP/80", NULL, "allow p/0" },
	{ "8 no policyTypes, no egress: ingress only", ONE("{podSelector: {}}"),
	    TO_DB, "not-isolated", "deny" },
	{ "8 no policyTypes, one egress rule: both",
	    ONE("{podSelector: {}, egress: [{}]}"), TO_DB, "allow p/0",
	    "deny" },
	{ "8 egress [] does not count", ONE("{podSelector: {}, egress: []}"),
	    TO_DB, "not-isolated", "deny" },
	{ "8 egress null does not count",
	    ONE("{podSelector: {}, egress: null}"), TO_DB, "not-isolated",
	    "deny" },
	{ "8 policyTypes [] is missing",
	    ONE("{podSelector: {}, policyTypes: [], egress: [{}]}"), TO_DB,
	    "allow p/0", "deny" },
	{ "8 policyTypes null is missing",
	    ONE("{podSelector: {}, policyTypes: null}"), TO_DB, "not-isolated",
	    "deny" },
	{ "9 egress rules alone deny all ingress",
	    ONE("{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}"),
	    TO_DB, "allow p/0", "deny" },
	{ "10 rules of a direction not listed are ignored",
	    ONE("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}"),
	    TO_DB, "deny", "not-isolated" },
	{ "10 listed without rules isolates",
	    ONE("{podSelector: {}, policyTypes: [Ingress, Egress]}"), TO_DB,
	    "deny", "deny" },
	{ "10 ingress listed, egress rules ignored",
	    ONE("{podSelector: {}, policyTypes: [Ingress], egress: [{}]}"),
	    TO_DB, "not-isolated", "deny" },
	{ "11 protocol missing is TCP",
	    ONE("{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"),
	    "shop/web > shop/db UDP/80", NULL, "deny" },
	{ "11 an empty port entry is all of TCP",
	    ONE("{podSelector: {}, ingress: [{ports: [{}]}]}"),
	    "shop/web > shop/db TCP/9", NULL, "allow p/0" },
	{ "11 an empty port entry is not UDP",
	    ONE("{podSelector: {}, ingress: [{ports: [{}]}]}"),
	    "shop/web > shop/db UDP/9", NULL, "deny" },
	{ "11 egress too",
	    ONE("{podSelector: {}, egress: [{ports: [{protocol: null}]}]}"),
	    "shop/web > shop/db UDP/9", "deny", "deny" },
	{ "12 null and empty lists of a rule are any",
	    ONE("{podSelector: {}, ingress: [{from: null, ports: []}]}"), TO_DB,
	    NULL, "allow p/0" },
	{ "12 a null rule allows everything",
	    ONE("{podSelector: {}, ingress: [null]}"), TO_DB, NULL,
	    "allow p/0" },
	{ "12 a null port entry is all of TCP",
	    ONE("{podSelector: {}, ingress: [{ports: [null]}]}"),
	    "shop/web > shop/db UDP/9", NULL, "deny" },
	{ "13 spec missing selects all, ingress", ONE("null"), TO_DB,
	    "not-isolated", "deny" },
	{ "13 podSelector missing selects all", ONE("{policyTypes: [Egress]}"),
	    TO_DB, "deny", "not-isolated" },
	{ "25 podSelector must match",
	    ONE("{podSelector: {matchLabels: {app: web}}}"), TO_DB,
	    "not-isolated", "not-isolated" },
	{ "26 ingress never restricts egress",
	    ONE("{podSelector: {matchLabels: {app: web}}, policyTypes: "
		"[Ingress]}"),
	    TO_DB, "not-isolated", "not-isolated" },
	{ "27 not isolated allows",
	    ONE("{podSelector: {matchLabels: {app: none}}}"), TO_DB,
	    "not-isolated", "not-isolated" },
	{ "28 union: the second policy allows",
	    { { "shop", "a", "{podSelector: {}}" },
		{ "shop", "b",
		    "{podSelector: {}, ingress: [{ports: [{port: 443}]}, "
		    "{ports: [{port: 80}]}]}" } },
	    TO_DB, NULL, "allow b/1" },
	{ "28 the first rule that allows is named",
	    { { "shop", "a", "{podSelector: {}, ingress: [{}]}" },
		{ "shop", "b", "{podSelector: {}, ingress: [{}]}" } },
	    TO_DB, NULL, "allow a/0" },
	{ "28 another policy allows what except leaves out",
	    { { "shop", "a",
		  "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
		  "192.0.2.0/24, except: [192.0.2.8/32]}}]}]}" },
		{ "shop", "b",
		    "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
		    "192.0.2.8/32}}]}]}" } },
	    "192.0.2.8 > shop/db TCP/80", NULL, "allow b/0" },
	{ "28 so does another block of the same rule",
	    ONE("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
		"192.0.2.0/24, except: [192.0.2.8/32]}}, {ipBlock: {cidr: "
		"192.0.2.8/32}}]}]}"),
	    "192.0.2.8 > shop/db TCP/80", NULL, "allow p/0" },
	{ "29 egress denies, ingress allows",
	    { { "shop", "a",
		  "{podSelector: {matchLabels: {app: web}}, policyTypes: "
		  "[Egress]}" },
		{ "shop", "b",
		    "{podSelector: {matchLabels: {app: db}}, ingress: "
		    "[{}]}" } },
	    TO_DB, "deny", "allow b/0" },
	{ "29 egress allows, ingress denies",
	    { { "shop", "a",
		  "{podSelector: {matchLabels: {app: web}}, policyTypes: "
		  "[Egress], egress: [{}]}" },
		{ "shop", "b", "{podSelector: {matchLabels: {app: db}}}" } },
	    TO_DB, "allow a/0", "deny" },
	{ "29 an external end allows its own side",
	    ONE("{podSelector: {}, policyTypes: [Egress], egress: [{}]}"),
	    "shop/web > 192.0.2.2 TCP/80", "allow p/0", "not-subject" },
};

int
main(void)
{
	return scene_table_run("policy: identity, defaulting, isolation "
			       "(A, B, D)",
	    rows, sizeof(rows) / sizeof(rows[0]));
}

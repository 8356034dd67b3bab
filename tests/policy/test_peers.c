/* SPDX-License-Identifier: Apache-2.0 */
/* Section E of SEMANTICS: rules and peers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/policy/scene_table.h"

const char scene_cluster[] = "ns shop team=web\n"
			     "ns data team=db\n"
			     "ns test team=web\n"
			     "pod shop/web - 10.0.0.5,fd00::5 app=web\n"
			     "pod shop/api - 10.0.0.6,fd00::6 app=api\n"
			     "pod data/db - 10.0.1.5 app=db\n"
			     "pod data/web - 10.0.1.6 app=web\n"
			     "pod test/web - 10.0.2.6 app=web\n";

#define IN(rule)                                                               \
	{                                                                      \
		{                                                              \
			"shop", "p", "{podSelector: {}, ingress: [" rule "]}"  \
		}                                                              \
	}
#define OUT(rule)                                                              \
	{                                                                      \
		{                                                              \
			"shop", "p",                                           \
			    "{podSelector: {}, policyTypes: [Egress], "        \
			    "egress: [" rule "]}"                              \
		}                                                              \
	}
#define BLOCK(b) IN("{from: [{ipBlock: " b "}]}")
#define OWN      "{from: [{podSelector: {matchLabels: {app: web}}}]}"
#define OR                                                                     \
	"{from: [{namespaceSelector: {matchLabels: {team: db}}}, "             \
	"{podSelector: {matchLabels: {app: web}}}]}"
#define AND                                                                    \
	"{from: [{namespaceSelector: {matchLabels: {team: db}}, podSelector: " \
	"{matchLabels: {app: web}}}]}"

static struct scene_row rows[] = {
	{ "30 no peers: any pod", IN("{}"), "data/db > shop/web TCP/1", NULL,
	    "allow p/0" },
	{ "30 no peers: external", IN("{}"), "192.0.2.1 > shop/web UDP/1", NULL,
	    "allow p/0" },
	{ "30 no peers: nothing known of the source", IN("{}"),
	    "- > shop/web TCP/1", NULL, "allow p/0" },
	{ "30 peers and ports must both match: port fails",
	    IN("{from: [{podSelector: {}}], ports: [{port: 80}]}"),
	    "shop/api > shop/web TCP/81", NULL, "deny" },
	{ "30 peers and ports must both match: peer fails",
	    IN("{from: [{podSelector: {}}], ports: [{port: 80}]}"),
	    "data/db > shop/web TCP/80", NULL, "deny" },
	{ "30 OR inside each list",
	    IN("{from: [{namespaceSelector: {matchLabels: {team: none}}}, "
	       "{podSelector: {}}], ports: [{port: 80}, {port: 81}]}"),
	    "shop/api > shop/web TCP/81", NULL, "allow p/0" },
	{ "30 rules do not mix peers and ports",
	    IN("{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: "
	       "[{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 81}]}"),
	    "shop/api > shop/web TCP/81", NULL, "deny" },
	{ "31 podSelector alone: own namespace", IN(OWN),
	    "shop/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "31 podSelector alone: not another namespace", IN(OWN),
	    "data/web > shop/api TCP/80", NULL, "deny" },
	{ "32 namespaceSelector alone: every pod there",
	    IN("{from: [{namespaceSelector: {matchLabels: {team: db}}}]}"),
	    "data/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "32 the own namespace has no standing",
	    IN("{from: [{namespaceSelector: {matchLabels: {team: db}}}]}"),
	    "shop/web > shop/api TCP/80", NULL, "deny" },
	{ "32 several namespaces",
	    IN("{from: [{namespaceSelector: {matchLabels: {team: web}}}]}"),
	    "test/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "33 both: AND holds", IN(AND), "data/web > shop/api TCP/80", NULL,
	    "allow p/0" },
	{ "33 both: namespace only", IN(AND), "data/db > shop/api TCP/80", NULL,
	    "deny" },
	{ "33 both: pod only", IN(AND), "shop/web > shop/api TCP/80", NULL,
	    "deny" },
	{ "33 two entries: namespace suffices", IN(OR),
	    "data/db > shop/api TCP/80", NULL, "allow p/0" },
	{ "33 two entries: own namespace suffices", IN(OR),
	    "shop/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "33 two entries: pod label elsewhere does not", IN(OR),
	    "test/web > shop/api TCP/80", NULL, "deny" },
	{ "34 podSelector {}: all of this namespace",
	    IN("{from: [{podSelector: {}}]}"), "shop/web > shop/api TCP/80",
	    NULL, "allow p/0" },
	{ "34 podSelector {}: none of others",
	    IN("{from: [{podSelector: {}}]}"), "data/db > shop/api TCP/80",
	    NULL, "deny" },
	{ "34 namespaceSelector {}: all pods",
	    IN("{from: [{namespaceSelector: {}}]}"),
	    "data/db > shop/api TCP/80", NULL, "allow p/0" },
	{ "34 namespaceSelector {} and podSelector {}",
	    IN("{from: [{namespaceSelector: {}, podSelector: {}}]}"),
	    "data/db > shop/api TCP/80", NULL, "allow p/0" },
	{ "5 namespaceSelector {} matches nothing external",
	    IN("{from: [{namespaceSelector: {}}]}"),
	    "192.0.2.1 > shop/api TCP/80", NULL, "deny" },
	{ "5 podSelector {} matches nothing external",
	    OUT("{to: [{podSelector: {}}]}"), "shop/web > 192.0.2.1 TCP/80",
	    "deny", NULL },
	{ "31 egress: own namespace",
	    OUT("{to: [{podSelector: {matchLabels: {app: web}}}]}"),
	    "shop/api > shop/web TCP/80", "allow p/0", NULL },
	{ "31 egress: not another namespace",
	    OUT("{to: [{podSelector: {matchLabels: {app: web}}}]}"),
	    "shop/api > data/web TCP/80", "deny", NULL },
	{ "35 inside", BLOCK("{cidr: 192.0.2.0/24}"),
	    "192.0.2.255 > shop/api TCP/80", NULL, "allow p/0" },
	{ "35 outside", BLOCK("{cidr: 192.0.2.0/24}"),
	    "192.0.3.0 > shop/api TCP/80", NULL, "deny" },
	{ "35 except", BLOCK("{cidr: 192.0.2.0/24, except: [192.0.2.8/29]}"),
	    "192.0.2.15 > shop/api TCP/80", NULL, "deny" },
	{ "35 beside except",
	    BLOCK("{cidr: 192.0.2.0/24, except: [192.0.2.8/29]}"),
	    "192.0.2.16 > shop/api TCP/80", NULL, "allow p/0" },
	{ "35 the second except",
	    BLOCK(
		"{cidr: 192.0.2.0/24, except: [192.0.2.8/29, 192.0.2.64/26]}"),
	    "192.0.2.65 > shop/api TCP/80", NULL, "deny" },
	{ "35 each block has its own except",
	    IN("{from: [{ipBlock: {cidr: 192.0.2.0/24, except: "
	       "[192.0.2.8/29]}}, {ipBlock: {cidr: 192.0.0.0/16, except: "
	       "[192.0.3.0/24]}}]}"),
	    "192.0.2.9 > shop/api TCP/80", NULL, "allow p/0" },
	{ "35 only this connection's address counts",
	    BLOCK("{cidr: 'fd00::5/128'}"), "shop/web > shop/api TCP/80", NULL,
	    "deny" },
	{ "35 /32", OUT("{to: [{ipBlock: {cidr: 192.0.2.1/32}}]}"),
	    "shop/web > 192.0.2.1 TCP/80", "allow p/0", NULL },
	{ "35 /31 holds two", OUT("{to: [{ipBlock: {cidr: 192.0.2.0/31}}]}"),
	    "shop/web > 192.0.2.1 TCP/80", "allow p/0", NULL },
	{ "35 /0", OUT("{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}"),
	    "shop/web > 255.255.255.255 TCP/80", "allow p/0", NULL },
	{ "35 an address that is not known matches no block",
	    OUT("{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: "
		"'::/0'}}]}"),
	    "shop/web > - TCP/80", "deny", NULL },
	{ "35 a pod with an unknown address matches no block",
	    OUT("{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}"),
	    "shop/web > data/db@- TCP/80", "deny", NULL },
	{ "35 a pod with an unknown address matches selectors",
	    OUT("{to: [{namespaceSelector: {}}]}"),
	    "shop/web > data/db@- TCP/80", "allow p/0", NULL },
	{ "36 host bits are masked", BLOCK("{cidr: 192.1.2.3/8}"),
	    "192.200.0.1 > shop/api TCP/80", NULL, "allow p/0" },
	{ "36 in except too",
	    BLOCK("{cidr: 192.0.0.0/8, except: [192.1.2.3/16]}"),
	    "192.1.200.1 > shop/api TCP/80", NULL, "deny" },
	{ "37 0.0.0.0/0 holds no IPv6", BLOCK("{cidr: 0.0.0.0/0}"),
	    "2001:db8::1 > shop/api@fd00::6 TCP/80", NULL, "deny" },
	{ "37 ::/0 holds no IPv4", BLOCK("{cidr: '::/0'}"),
	    "192.0.2.1 > shop/api TCP/80", NULL, "deny" },
	{ "37 ::/0 holds IPv6", BLOCK("{cidr: '::/0'}"),
	    "2001:db8::1 > shop/api@fd00::6 TCP/80", NULL, "allow p/0" },
	{ "37 IPv4-mapped is IPv4", BLOCK("{cidr: '::ffff:192.0.2.0/120'}"),
	    "192.0.2.1 > shop/api TCP/80", NULL, "allow p/0" },
	{ "38 a block matches a pod, flagged", BLOCK("{cidr: 10.0.0.0/24}"),
	    "shop/web > shop/api TCP/80", NULL, "allow p/0 block-on-pod" },
	{ "38 no flag when a selector of the rule matches too",
	    IN("{from: [{ipBlock: {cidr: 10.0.0.0/24}}, {podSelector: {}}]}"),
	    "shop/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "38 no flag when a later rule allows without",
	    IN("{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}, {from: "
	       "[{podSelector: {}}]}"),
	    "shop/web > shop/api TCP/80", NULL, "allow p/0" },
	{ "54 selectors match on either family",
	    IN("{from: [{podSelector: {matchLabels: {app: web}}}]}"),
	    "shop/web@fd00::5 > shop/api@fd00::6 TCP/80", NULL, "allow p/0" },
	{ "54 ipBlock on the family in use", BLOCK("{cidr: 10.0.0.0/24}"),
	    "shop/web@fd00::5 > shop/api@fd00::6 TCP/80", NULL, "deny" },
};

int
main(void)
{
	return scene_table_run(
	    "policy: peers (E)", rows, sizeof(rows) / sizeof(rows[0]));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Section G of SEMANTICS: traffic that policies cannot block. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/policy/scene_table.h"

const char scene_cluster[] = "node n1 10.9.0.1 cidr=10.0.0.0/24\n"
			     "node n2 10.9.0.2 cidr=10.0.1.0/24\n"
			     "pod shop/web n1 10.0.0.5 app=web\n"
			     "pod shop/api n2 10.0.1.5 app=api\n"
			     "pod shop/odd n1 10.0.0.1 app=odd\n"
			     "pod kube/agent1 n1 10.9.0.1 host app=agent\n"
			     "pod kube/agent2 n2 10.9.0.2 host app=agent\n";

#define DENY                                                                   \
	{                                                                      \
		{                                                              \
			"shop", "p",                                           \
			    "{podSelector: {}, policyTypes: [Ingress, "        \
			    "Egress]}"                                         \
		}                                                              \
	}

static struct scene_row rows[] = {
	{ "49 a pod to itself", DENY, "shop/web > shop/web TCP/80",
	    "allow self", "allow self" },
	{ "49 by any of its addresses", DENY,
	    "shop/web@127.0.0.1 > shop/web TCP/80", "allow self",
	    "allow self" },
	{ "49 not isolated stays not isolated", { { "kube", "p", "{}" } },
	    "shop/web > shop/web TCP/80", "not-isolated", "not-isolated" },
	{ "50 own node to pod", DENY, "10.9.0.1 > shop/web TCP/80",
	    "not-subject", "allow node-local" },
	{ "50 pod to own node", DENY, "shop/web > 10.9.0.1 TCP/10250",
	    "allow node-local", "not-subject" },
	{ "50 the gateway of the node's range is the node", DENY,
	    "10.0.0.1 > shop/web TCP/80", "not-subject", "allow node-local" },
	{ "50 another node to pod", DENY, "10.9.0.2 > shop/web TCP/80",
	    "not-subject", "deny" },
	{ "50 pod to another node", DENY, "shop/web > 10.9.0.2 TCP/10250",
	    "deny", "not-subject" },
	{ "51 a hostNetwork pod of the own node", DENY,
	    "kube/agent1 > shop/web TCP/80", "not-subject",
	    "allow node-local" },
	{ "51 to a hostNetwork pod of the own node", DENY,
	    "shop/web > kube/agent1 TCP/80", "allow node-local",
	    "not-subject" },
	{ "51 to one of the own node, address not known", DENY,
	    "shop/web > kube/agent1@- TCP/80", "allow node-local",
	    "not-subject" },
	{ "51 a hostNetwork pod of another node", DENY,
	    "kube/agent2 > shop/web TCP/80", "not-subject", "deny" },
	{ "51 an ordinary pod with the gateway's address is a pod", DENY,
	    "shop/odd > shop/web TCP/80", "deny", "deny" },
	{ "51 SNAT: the node is what ingress sees", DENY,
	    "shop/api~10.9.0.1 > shop/web TCP/80", "deny", "allow node-local" },
	{ "39 SNAT: a selector no longer sees the pod",
	    { { "shop", "p",
		"{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}" } },
	    "shop/api~10.9.0.2 > shop/web TCP/80", "not-isolated", "deny" },
	{ "39 SNAT: the node's address does",
	    { { "shop", "p",
		"{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "
		"10.9.0.2/32}}]}]}" } },
	    "shop/api~10.9.0.2 > shop/web TCP/80", "not-isolated",
	    "allow p/0" },
	{ "51 a pod that is not isolated needs no exemption",
	    { { "kube", "p", "{}" } }, "10.9.0.1 > shop/web TCP/80",
	    "not-subject", "not-isolated" },
};

int
main(void)
{
	return scene_table_run(
	    "policy: exempt traffic (G)", rows, sizeof(rows) / sizeof(rows[0]));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Section F of SEMANTICS: ports and protocols. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/policy/scene_table.h"

const char scene_cluster[] =
    "node n1 10.9.0.1\n"
    "pod shop/web - 10.0.0.5 app=web http:8080/TCP\n"
    "pod shop/api - 10.0.0.6 app=api http:9090/TCP dns:53/UDP\n"
    "pod shop/two - 10.0.0.7 http:80/TCP http:81/TCP\n"
    "pod shop/car - 10.0.0.8 app=car sidecar:http:15001/TCP init:once:99/TCP\n"
    "pod shop/both - 10.0.0.9 sidecar:http:80/TCP http:80/TCP http:80/UDP\n"
    "pod shop/agent n1 10.9.0.1 host http:7070/TCP\n";

#define IN(ports)                                                              \
	{                                                                      \
		{                                                              \
			"shop", "p",                                           \
			    "{podSelector: {}, ingress: [{ports: [" ports      \
			    "]}]}"                                             \
		}                                                              \
	}
#define OUT(ports)                                                             \
	{                                                                      \
		{                                                              \
			"shop", "p",                                           \
			    "{podSelector: {}, "                               \
			    "policyTypes: [Egress], egress: [{ports: [" ports  \
			    "]}]}"                                             \
		}                                                              \
	}

static struct scene_row rows[] = {
	{ "40 no port: every port of the protocol", IN("{protocol: UDP}"),
	    "192.0.2.1 > shop/web UDP/65535", NULL, "allow p/0" },
	{ "40 no port: that protocol only", IN("{protocol: UDP}"),
	    "192.0.2.1 > shop/web TCP/53", NULL, "deny" },
	{ "40 protocol and port", IN("{protocol: UDP, port: 53}"),
	    "192.0.2.1 > shop/web TCP/53", NULL, "deny" },
	{ "42 equal", IN("{port: 80}"), "192.0.2.1 > shop/web TCP/80", NULL,
	    "allow p/0" },
	{ "42 one above", IN("{port: 80}"), "192.0.2.1 > shop/web TCP/81", NULL,
	    "deny" },
	{ "42 one below", IN("{port: 80}"), "192.0.2.1 > shop/web TCP/79", NULL,
	    "deny" },
	{ "42 range: first", IN("{port: 80, endPort: 90}"),
	    "192.0.2.1 > shop/web TCP/80", NULL, "allow p/0" },
	{ "42 range: last", IN("{port: 80, endPort: 90}"),
	    "192.0.2.1 > shop/web TCP/90", NULL, "allow p/0" },
	{ "42 range: behind", IN("{port: 80, endPort: 90}"),
	    "192.0.2.1 > shop/web TCP/91", NULL, "deny" },
	{ "42 range: before", IN("{port: 80, endPort: 90}"),
	    "192.0.2.1 > shop/web TCP/79", NULL, "deny" },
	{ "42 range of one", IN("{port: 80, endPort: 80}"),
	    "192.0.2.1 > shop/web TCP/80", NULL, "allow p/0" },
	{ "42 whole range", IN("{port: 1, endPort: 65535}"),
	    "192.0.2.1 > shop/web TCP/65535", NULL, "allow p/0" },
	{ "42 range: protocol still counts", IN("{port: 1, endPort: 65535}"),
	    "192.0.2.1 > shop/web UDP/80", NULL, "deny" },
	{ "43 ingress: name on the selected pod", IN("{port: http}"),
	    "192.0.2.1 > shop/web TCP/8080", NULL, "allow p/0" },
	{ "43 ingress: another number of the same name", IN("{port: http}"),
	    "192.0.2.1 > shop/web TCP/9090", NULL, "deny" },
	{ "43 ingress: resolved for each pod", IN("{port: http}"),
	    "192.0.2.1 > shop/api TCP/9090", NULL, "allow p/0" },
	{ "43 egress: name on the peer", OUT("{port: http}"),
	    "shop/web > shop/api TCP/9090", "allow p/0", NULL },
	{ "41 egress: not the number on the selected pod", OUT("{port: http}"),
	    "shop/web > shop/api TCP/8080", "deny", NULL },
	{ "43 the name's protocol must be the entry's",
	    IN("{port: dns, protocol: TCP}"), "192.0.2.1 > shop/api TCP/53",
	    NULL, "deny" },
	{ "43 the name with its protocol", IN("{port: dns, protocol: UDP}"),
	    "192.0.2.1 > shop/api UDP/53", NULL, "allow p/0" },
	{ "44 no such name", IN("{port: nope}"),
	    "192.0.2.1 > shop/web TCP/8080", NULL, "deny" },
	{ "44 an external destination has no names", OUT("{port: http}"),
	    "shop/web > 192.0.2.1 TCP/8080", "deny", NULL },
	{ "44 nor has a hostNetwork pod", OUT("{port: http}"),
	    "shop/web > shop/agent TCP/7070", "deny", NULL },
	{ "45 the first of two numbers, flagged", IN("{port: http}"),
	    "192.0.2.1 > shop/two TCP/80", NULL, "allow p/0 ambiguous" },
	{ "45 the second of two numbers, flagged", IN("{port: http}"),
	    "192.0.2.1 > shop/two TCP/81", NULL, "allow p/0 ambiguous" },
	{ "45 no flag when a number allows too", IN("{port: http}, {port: 81}"),
	    "192.0.2.1 > shop/two TCP/81", NULL, "allow p/0" },
	{ "46 a sidecar's name, flagged", IN("{port: http}"),
	    "192.0.2.1 > shop/car TCP/15001", NULL, "allow p/0 sidecar" },
	{ "46 an init container's name does not count", IN("{port: once}"),
	    "192.0.2.1 > shop/car TCP/99", NULL, "deny" },
	{ "46 no flag when a container has it too", IN("{port: http}"),
	    "192.0.2.1 > shop/both TCP/80", NULL, "allow p/0" },
	{ "46 a number needs no declaration", IN("{port: 5555}"),
	    "192.0.2.1 > shop/web TCP/5555", NULL, "allow p/0" },
	{ "46 declaring opens nothing", IN("{port: 1}"),
	    "192.0.2.1 > shop/web TCP/8080", NULL, "deny" },
	{ "47 SCTP", IN("{protocol: SCTP, port: 80}"),
	    "192.0.2.1 > shop/web SCTP/80", NULL, "allow p/0" },
	{ "47 a TCP rule allows no UDP", IN("{protocol: TCP, port: 80}"),
	    "192.0.2.1 > shop/web UDP/80", NULL, "deny" },
	{ "47 nor SCTP", IN("{protocol: TCP, port: 80}"),
	    "192.0.2.1 > shop/web SCTP/80", NULL, "deny" },
	{ "48 no port entry matches ICMP",
	    IN("{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}"),
	    "192.0.2.1 > shop/web ICMP/0", NULL, "deny" },
};

int
main(void)
{
	return scene_table_run(
	    "policy: ports (F)", rows, sizeof(rows) / sizeof(rows[0]));
}

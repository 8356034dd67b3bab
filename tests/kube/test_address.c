/* SPDX-License-Identifier: Apache-2.0 */
/* Who held an address when, and what Services lead to. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/cluster_text.h"
#include "tests/support/case_table.h"

#define DAY "2026-03-02T10:"

#define HELD(name, phase, start, more)                                         \
	"{'kind':'Pod','metadata':{'name':'" name                              \
	"'},'status':{'phase':'" phase                                         \
	"','podIP':'10.0.0.5','startTime':'" DAY start "Z'" more "}}"
#define ENDED(time)                                                            \
	",'containerStatuses':[{'state':{'terminated':{'finishedAt':'" DAY     \
	    time "Z'}}}]"
#define GONE(object) "{'type':'DELETED','object':" object "}"

#define BEGAN(time)                                                            \
	",'containerStatuses':[{'restartCount':0,'state':{'running':{"         \
	"'startedAt':'" DAY time "Z'}}}]"
#define READY(is, time)                                                        \
	",'conditions':[{'type':'PodReadyToStartContainers','status':'" is     \
	"','lastTransitionTime':'" DAY time "Z'}]"
#define RESTARTED(time)                                                        \
	",'containerStatuses':[{'restartCount':2,'state':{'running':{"         \
	"'startedAt':'" DAY time "Z'}}}]"

/* want: who holds 10.0.0.5 at 10:00:01, 10:10:01, 10:20:01, …; "." nobody. */
static const struct interval_case {
	const char *name, *text, *want;
} interval_cases[] = {
	/* clang-format off */
	{ "from its start on", HELD("a", "Running", "10:00", ""), ".aaaaa" },
	{ "while it is pending", HELD("a", "Pending", "10:00", ""), ".aaaaa" },
	{ "a finished pod, to its last container's end",
	    HELD("a", "Succeeded", "10:00", ENDED("30:05")), ".aaa.." },
	{ "a finished pod without an end owned nothing",
	    HELD("a", "Failed", "10:00", ""), "......" },
	{ "taken over by the next one",
	    HELD("a", "Succeeded", "00:00", ENDED("20:05"))
	    HELD("b", "Running", "30:00", ""), "aaabbb" },
	{ "a running pod loses to a later running one",
	    HELD("a", "Running", "00:00", "")
	    HELD("b", "Running", "30:00", ""), "aaabbb" },
	{ "a finished one never takes it from a running one",
	    HELD("a", "Running", "00:00", "")
	    HELD("b", "Succeeded", "20:00", ENDED("30:05")), "aaaaaa" },
	{ "a finished one had it before",
	    HELD("a", "Succeeded", "00:00", ENDED("40:05"))
	    HELD("b", "Running", "20:00", ""), "aaaaab" },
	{ "two finished ones hand over",
	    HELD("a", "Succeeded", "00:00", ENDED("50:05"))
	    HELD("b", "Failed", "20:00", ENDED("30:05")), "aaaaaa" },
	{ "deleted without a time: until the next owner",
	    GONE(HELD("a", "Running", "00:00", ""))
	    HELD("b", "Running", "40:00", ""), "aaaabb" },
	{ "deleted without a time and no next owner",
	    GONE(HELD("a", "Running", "00:00", "")), "aaaaaa" },
	{ "deleted at its deletionTimestamp",
	    "{'type':'DELETED','object':{'kind':'Pod','metadata':{'name':'a',"
	    "'deletionTimestamp':'" DAY "20:05Z'},'status':{'phase':'Running',"
	    "'podIP':'10.0.0.5','startTime':'" DAY "00:00Z'}}}", "aaa..." },
	{ "being deleted it still holds it",
	    "{'kind':'Pod','metadata':{'name':'a',"
	    "'deletionTimestamp':'" DAY "20:05Z'},'status':{'phase':'Running',"
	    "'podIP':'10.0.0.5','startTime':'" DAY "00:00Z'}}", "aaaaaa" },
	{ "an init container's end is not the pod's",
	    GONE(HELD("a", "Running", "00:00", ",'initContainerStatuses':[{"
	    "'state':{'terminated':{'finishedAt':'" DAY "10:00Z'}}}],"
	    "'containerStatuses':[{'state':{'running':{}}}]")), "aaaaaa" },
	{ "from the start of its first container on, not its own",
	    HELD("a", "Running", "00:00", BEGAN("20:00")), "..aaaa" },
	{ "an init container is the first",
	    HELD("a", "Running", "00:00", BEGAN("40:00") ",'initContainer"
	    "Statuses':[{'state':{'terminated':{'startedAt':'" DAY "20:00Z',"
	    "'finishedAt':'" DAY "30:00Z'}}}]"), "..aaaa" },
	{ "a container that was restarted hides its first start",
	    HELD("a", "Running", "10:00", RESTARTED("50:00")), ".aaaaa" },
	{ "but its sandbox tells it",
	    HELD("a", "Running", "10:00", RESTARTED("50:00")
	    READY("True", "30:00")), "...aaa" },
	{ "a sandbox that is gone tells nothing",
	    HELD("a", "Running", "10:00", RESTARTED("50:00")
	    READY("False", "30:00")), ".aaaaa" },
	{ "while no container has begun it owns nothing",
	    HELD("a", "Pending", "10:00", ",'containerStatuses':[{'state':{"
	    "'waiting':{}}}]"), "......" },
	{ "one that waits for its volumes takes nothing yet",
	    HELD("a", "Succeeded", "00:00", ENDED("20:05"))
	    HELD("b", "Running", "10:00", BEGAN("40:00")), "aaa.bb" },
	{ "nor does one of which only the start is known",
	    HELD("a", "Succeeded", "00:00", ENDED("20:05"))
	    HELD("b", "Running", "10:00", ""), "aaabbb" },
	{ "a container's start takes it from one that is being deleted",
	    GONE("{'kind':'Pod','metadata':{'name':'a',"
	    "'deletionTimestamp':'" DAY "40:00Z'},'status':{'phase':'Running',"
	    "'podIP':'10.0.0.5','startTime':'" DAY "00:00Z'}}")
	    HELD("b", "Running", "10:00", BEGAN("20:00")), "aabbbb" },
	{ "one whose containers are done does not use up its grace",
	    GONE("{'kind':'Pod','metadata':{'name':'a',"
	    "'deletionTimestamp':'" DAY "40:00Z'},'status':{'phase':'Running',"
	    "'podIP':'10.0.0.5','startTime':'" DAY "00:00Z'" ENDED("20:05")
	    "}}"), "aaa..." },
	{ "hostNetwork pods own no address",
	    "{'kind':'Pod','metadata':{'name':'a'},'spec':{'hostNetwork':true}"
	    ",'status':{'phase':'Running','podIP':'10.0.0.5'}}", "......" },
	{ "a forgotten address is remembered",
	    HELD("a", "Running", "00:00", "")
	    "{'kind':'Pod','metadata':{'name':'a'},'status':{'phase':"
	    "'Succeeded','containerStatuses':[{'state':{'terminated':{"
	    "'finishedAt':'" DAY "20:05Z'}}}]}}", "aaa..." },
	/* clang-format on */
};

#define WAITS ",'containerStatuses':[{'restartCount':0,'state':{'waiting':{}}}]"

/* 2, 3: whose 10.0.0.5 is as the objects stand; "." nobody's. */
static void
test_now(void **state)
{
	static const struct {
		const char *text;
		char want;
	} cases[] = {
		{ HELD("a", "Running", "10:00", BEGAN("10:00")), 'a' },
		{ HELD("a", "Pending", "10:00", WAITS), 'a' },
		{ HELD("a", "Unknown", "10:00", ""), 'a' },
		{ "{'kind':'Pod','metadata':{'name':'a','deletionTimestamp':"
		  "'" DAY
		  "20:05Z'},'status':{'phase':'Running','podIP':'10.0.0.5',"
		  "'startTime':'" DAY "00:00Z'" ENDED("10:05") "}}",
		    'a' },
		{ HELD("a", "Succeeded", "10:00", ENDED("20:05")), '.' },
		{ HELD("a", "Failed", "10:00", "")
			HELD("b", "Pending", "20:00", WAITS),
		    'b' },
		{ GONE(HELD("a", "Running", "00:00", ""))
			HELD("b", "Pending", "40:00", WAITS),
		    'b' },
		{ HELD("a", "Running", "00:00", "")
			HELD("b", "Pending", "40:00", WAITS),
		    'a' },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct cluster *c = text_cluster(cases[i].text);
		struct ip_addr ip = ip_of("10.0.0.5");
		struct address_owner o = address_owner_now(c, &ip);
		char got = '.';

		if (o.kind == ADDRESS_POD && !c->pods[o.pod].deleted)
			got = c->pods[o.pod].name[0];
		assert_int_equal(got, cases[i].want);
		cluster_free(c);
	}
}

static void
test_interval(void **state)
{
	const struct interval_case *ic = *state;
	struct cluster *c = text_cluster(ic->text);
	struct ip_addr ip = ip_of("10.0.0.5");
	char got[7] = "";

	for (int i = 0; i < 6; i++) {
		int64_t at = time_of(DAY "00:01Z") + i * INT64_C(600000000);
		struct address_owner o = address_owner_at(c, &ip, at);

		got[i] = o.pod == FLOW_NONE ? '.' : c->pods[o.pod].name[0];
		if (o.kind == ADDRESS_POD)
			assert_int_not_equal(o.pod, FLOW_NONE);
	}
	assert_string_equal(got, ic->want);
	cluster_free(c);
}

/* In the second in which one ends and the next begins, either may be it. */
static void
test_same_second(void **state)
{
	static const struct {
		int ms;
		const char *want;
	} moments[] = { { -1, "a" }, { 0, "-" }, { 999, "-" }, { 1000, "b" } };
	struct cluster *c = text_cluster(HELD("a", "Succeeded", "00:00",
	    ENDED("20:00")) HELD("b", "Running", "10:00", BEGAN("20:00")));
	struct ip_addr ip = ip_of("10.0.0.5");

	(void)state;
	for (size_t i = 0; i < NELEM(moments); i++) {
		struct address_owner o = address_owner_at(c, &ip,
		    time_of(DAY "20:00Z") + (int64_t)moments[i].ms * 1000);

		assert_string_equal(
		    o.pod == FLOW_NONE ? "-" : c->pods[o.pod].name,
		    moments[i].want);
	}
	cluster_free(c);
}

/* The end of an unknown end is the next owner's start, for the store too. */
static void
test_end_is_written_back(void **state)
{
	struct cluster *c = text_cluster(GONE(HELD("a", "Running", "00:00", ""))
		HELD("b", "Running", "40:00", ""));
	uint32_t a = cluster_find_pod(c, "default", "a");

	(void)state;
	assert_true(c->pods[a].to_us == time_of(DAY "40:00Z"));
	a = cluster_find_pod(c, "default", "b");
	assert_true(c->pods[a].to_us == TIME_MAX_US);
	cluster_free(c);
}

static const char scene[] =
    "{'kind':'Node','metadata':{'name':'n1','annotations':{"
    "'projectcalico.org/IPv4Address':'10.200.0.1/24',"
    "'projectcalico.org/IPv4VXLANTunnelAddr':'10.244.9.9',"
    "'network.cilium.io/ipv6-cilium-host':'fd00:10:244::9'}},"
    "'spec':{'podCIDRs':['10.244.1.0/24','fd00:10:244:1::/64'],"
    "'providerID':'aws:///zone/i-1'},"
    "'status':{'addresses':[{'type':'InternalIP','address':'192.168.0.1'},"
    "{'type':'Hostname','address':'n1'}]}}"
    "{'kind':'Pod','metadata':{'name':'web-1','namespace':'shop','labels':{"
    "'app':'web'}},'spec':{'nodeName':'n1','containers':[{'ports':[{'name':"
    "'http','containerPort':8080},{'containerPort':9000}]}]},"
    "'status':{'phase':'Running','podIPs':[{'ip':'10.244.1.7'},"
    "{'ip':'fd00:10:244:1::7'}],'hostIP':'192.168.0.1'}}"
    "{'kind':'Pod','metadata':{'name':'exporter','namespace':'shop'},"
    "'spec':{'hostNetwork':true,'nodeName':'n1','containers':[{'ports':[{"
    "'containerPort':9100}]}]},'status':{'phase':'Running','podIP':"
    "'192.168.0.1','hostIP':'192.168.0.1'}}"
    "{'kind':'Pod','metadata':{'name':'lost','namespace':'shop'},"
    "'spec':{'hostNetwork':true,'nodeName':'n2'},'status':{'phase':"
    "'Running','hostIP':'192.168.0.2'}}"
    "{'kind':'Service','metadata':{'name':'web','namespace':'shop'},'spec':{"
    "'type':'LoadBalancer','clusterIPs':['10.96.0.10','fd00:96::10'],"
    "'selector':{'app':'web'},'externalIPs':['203.0.113.5'],'ports':[{"
    "'name':'http','port':80,'targetPort':'http','nodePort':30080},{'name':"
    "'raw','port':81,'targetPort':9000}]},'status':{'loadBalancer':{"
    "'ingress':[{'ip':'198.51.100.7'},{'hostname':'x'}]}}}"
    "{'kind':'Service','metadata':{'name':'web-hl','namespace':'shop'},"
    "'spec':{'clusterIP':'None','selector':{'app':'web'},'ports':[{'port':"
    "8080}]}}"
    "{'kind':'Service','metadata':{'name':'dns','namespace':'kube-system'},"
    "'spec':{'clusterIP':'10.96.0.90','selector':{'k':'dns'},'ports':[{"
    "'port':53,'protocol':'UDP'}]}}"
    "{'kind':'EndpointSlice','metadata':{'name':'dns-1','namespace':"
    "'kube-system','labels':{'kubernetes.io/service-name':'dns'}},"
    "'addressType':'IPv4','endpoints':[{'addresses':['10.244.1.53'],"
    "'conditions':{}},{'addresses':['10.244.1.54'],'conditions':{'ready':"
    "false}}],'ports':[{'name':'','port':5353,'protocol':'UDP'},{'name':"
    "'any'}]}"
    "{'kind':'EndpointSlice','metadata':{'name':'dns-f','namespace':"
    "'kube-system','labels':{'kubernetes.io/service-name':'dns'}},"
    "'addressType':'FQDN','endpoints':[{'addresses':['a.example']}]}";

/* OVN-Kubernetes, as OpenShift before and since 4.13 annotates. */
static const char ovn[] =
    "{'kind':'Node','metadata':{'name':'old','annotations':{"
    "'k8s.ovn.org/node-subnets':'{\\\"default\\\":\\\"10.128.0.0/23\\\"}',"
    "'k8s.ovn.org/node-gateway-router-lrp-ifaddr':"
    "'{\\\"ipv4\\\":\\\"100.64.0.2/16\\\"}'}}}"
    "{'kind':'Node','metadata':{'name':'new','annotations':{"
    "'k8s.ovn.org/node-subnets':"
    "'{\\\"default\\\":[\\\"10.129.0.0/23\\\",\\\"fd01:0:0:2::/64\\\"]}',"
    "'k8s.ovn.org/node-gateway-router-lrp-ifaddrs':"
    "'{\\\"default\\\":{\\\"ipv4\\\":\\\"100.64.0.3/16\\\"}}'}}}";

static void
test_ovn_kubernetes(void **state)
{
	static const struct {
		const char *ip, *node; /* NULL: of a pod range */
	} wants[] = {
		{ "10.128.0.1", "old" },
		{ "10.128.0.2", "old" },
		{ "100.64.0.2", "old" },
		{ "10.129.0.2", "new" },
		{ "fd01:0:0:2::2", "new" },
		{ "100.64.0.3", "new" },
		{ "10.128.1.3", NULL },
		{ "fd01:0:0:2::3", NULL },
	};
	struct cluster *c = text_cluster(ovn);

	(void)state;
	for (size_t i = 0; i < NELEM(wants); i++) {
		struct ip_addr ip = ip_of(wants[i].ip);
		struct address_owner got = address_owner_at(c, &ip, 0);

		if (wants[i].node == NULL) {
			assert_int_equal(got.kind, ADDRESS_POD_RANGE);
			continue;
		}
		assert_int_equal(got.kind, ADDRESS_NODE);
		assert_string_equal(c->nodes[got.node].name, wants[i].node);
	}
	cluster_free(c);
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *ip;
		enum address_kind kind;
	} kinds[] = {
		{ "10.244.1.7", ADDRESS_POD },
		{ "fd00:10:244:1::7", ADDRESS_POD },
		{ "192.168.0.1", ADDRESS_NODE },
		{ "10.200.0.1", ADDRESS_NODE },
		{ "10.244.9.9", ADDRESS_NODE },
		{ "fd00:10:244::9", ADDRESS_NODE },
		{ "10.244.1.0", ADDRESS_NODE },
		{ "10.244.1.1", ADDRESS_NODE },
		{ "fd00:10:244:1::1", ADDRESS_NODE },
		{ "192.168.0.2", ADDRESS_NODE }, /* told by a pod only */
		{ "10.96.0.10", ADDRESS_SERVICE },
		{ "fd00:96::10", ADDRESS_SERVICE },
		{ "198.51.100.7", ADDRESS_SERVICE },
		{ "203.0.113.5", ADDRESS_SERVICE },
		{ "10.244.1.2", ADDRESS_POD_RANGE },
		{ "fd00:10:244:1::2", ADDRESS_POD_RANGE },
		{ "10.96.0.50", ADDRESS_SERVICE_RANGE },
		{ "10.96.0.200", ADDRESS_EXTERNAL },
		{ "10.244.2.1", ADDRESS_EXTERNAL },
		{ "192.168.0.3", ADDRESS_EXTERNAL },
		{ "8.8.8.8", ADDRESS_EXTERNAL },
		{ "0.0.0.0", ADDRESS_EXTERNAL },
		{ "::", ADDRESS_EXTERNAL },
	};
	struct cluster *c = text_cluster(scene);

	(void)state;
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct ip_addr ip = ip_of(kinds[i].ip);
		struct address_owner o = address_owner_at(c, &ip, 0);

		if (o.kind != kinds[i].kind)
			fail_msg("%s is %d", kinds[i].ip, (int)o.kind);
		assert_int_equal(o.pod != FLOW_NONE, o.kind == ADDRESS_POD);
		assert_int_equal(o.node != FLOW_NONE, o.kind == ADDRESS_NODE);
	}
	cluster_free(c);
}

static void
test_node_owns(void **state)
{
	struct cluster *c = text_cluster(scene);
	const struct kube_node *n = &c->nodes[cluster_find_node(c, "n1")];
	const struct kube_pod *p =
	    &c->pods[cluster_find_pod(c, "shop", "web-1")];
	struct ip_addr own = ip_of("192.168.0.1"), tunnel = ip_of("10.244.9.9");
	struct ip_addr gateway = ip_of("10.244.1.1"), pod = ip_of("10.244.1.2");
	struct ip_addr other = ip_of("192.168.0.2");

	(void)state;
	assert_string_equal(n->provider, "aws");
	assert_true(kube_node_owns(n, &own));
	assert_true(kube_node_owns(n, &tunnel));
	assert_true(kube_node_owns(n, &gateway));
	assert_false(kube_node_owns(n, &pod));
	assert_true(cluster_is_own_node(c, p, &own));
	assert_true(cluster_is_own_node(c, p, &gateway));
	assert_false(cluster_is_own_node(c, p, &other));
	assert_false(cluster_is_own_node(c, p, &pod));
	cluster_free(c);
}

static void
test_service(void **state)
{
	static const struct {
		const char *ip;
		uint16_t port;
		uint8_t protocol;
		const char *service; /* NULL: none */
		uint16_t service_port;
	} dialled[] = {
		{ "10.96.0.10", 80, FLOW_TCP, "web", 80 },
		{ "10.96.0.10", 81, FLOW_TCP, "web", 81 },
		{ "fd00:96::10", 80, FLOW_TCP, "web", 80 },
		{ "198.51.100.7", 80, FLOW_TCP, "web", 80 },
		{ "203.0.113.5", 80, FLOW_TCP, "web", 80 },
		{ "192.168.0.1", 30080, FLOW_TCP, "web", 80 },
		{ "192.168.0.2", 30080, FLOW_TCP, "web", 80 },
		{ "10.200.0.1", 30080, FLOW_TCP, "web", 80 },
		{ "10.96.0.90", 53, FLOW_UDP, "dns", 53 },
		{ "10.96.0.90", 53, FLOW_TCP, NULL, 0 },
		{ "10.96.0.10", 8080, FLOW_TCP, NULL, 0 },
		{ "10.96.0.10", 30080, FLOW_TCP, NULL, 0 },
		{ "10.244.1.1", 30080, FLOW_TCP, NULL, 0 },
		{ "10.244.1.7", 30080, FLOW_TCP, NULL, 0 },
		{ "192.168.0.1", 80, FLOW_TCP, NULL, 0 },
		{ "::", 30080, FLOW_TCP, NULL, 0 },
	};
	struct cluster *c = text_cluster(scene);

	(void)state;
	for (size_t i = 0; i < NELEM(dialled); i++) {
		struct ip_addr ip = ip_of(dialled[i].ip);
		uint32_t s = FLOW_NONE;
		uint16_t port = 0;
		struct address_target to = { &ip, dialled[i].port,
			dialled[i].protocol, ADDRESS_NOW };
		bool found = address_service(c, &to, &s, &port);

		if (found != (dialled[i].service != NULL))
			fail_msg(
			    "%s:%u", dialled[i].ip, (unsigned)dialled[i].port);
		if (!found)
			continue;
		assert_string_equal(c->services[s].name, dialled[i].service);
		assert_int_equal(port, dialled[i].service_port);
	}
	cluster_free(c);
}

/* No slice was read for web: its selector tells, in both families. */
static void
test_derived_backends(void **state)
{
	struct cluster *c = text_cluster(scene);
	uint32_t web = cluster_find_service(c, "shop", "web");
	struct ip_addr v4 = ip_of("10.244.1.7");
	struct ip_addr v6 = ip_of("fd00:10:244:1::7");
	struct address_target to = { &v4, 8080, FLOW_TCP, ADDRESS_NOW };
	const struct kube_backend *b;
	uint32_t services[4];
	uint16_t ports[4];
	size_t n;

	(void)state;
	b = address_backends(c, web, &n);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(b[i].service, web);
		assert_string_equal(c->pods[b[i].pod].name, "web-1");
	}
	assert_true(address_is_backend(c, web, 80, FLOW_TCP, &v4, 8080));
	assert_true(address_is_backend(c, web, 80, FLOW_TCP, &v6, 8080));
	assert_true(address_is_backend(c, web, 81, FLOW_TCP, &v4, 9000));
	assert_false(address_is_backend(c, web, 80, FLOW_TCP, &v4, 9000));
	assert_false(address_is_backend(c, web, 81, FLOW_TCP, &v4, 8080));
	/* web-hl leads there too, but nobody dials a headless Service. */
	n = address_services_of(c, &to, services, ports, 4);
	assert_int_equal(n, 1);
	assert_int_equal(services[0], web);
	assert_int_equal(ports[0], 80);
	n = address_services_of(c, &to, NULL, NULL, 0);
	assert_int_equal(n, 1);
	cluster_free(c);
}

static void
test_slices(void **state)
{
	struct cluster *c = text_cluster(scene);
	uint32_t dns = cluster_find_service(c, "kube-system", "dns");
	const struct kube_backend *b;
	size_t n;

	(void)state;
	b = address_backends(c, dns, &n);
	assert_int_equal(n, 2); /* no port, no FQDN */
	assert_int_equal(b[0].port, 5353);
	assert_true(b[0].ready);
	assert_false(b[1].ready);
	assert_int_equal(b[0].pod, FLOW_NONE);
	cluster_free(c);
}

static void
test_listens(void **state)
{
	static const struct {
		const char *ip;
		uint16_t port;
		uint8_t protocol;
		bool want;
	} rows[] = {
		{ "10.244.1.7", 8080, FLOW_TCP, true },
		{ "10.244.1.7", 9000, FLOW_TCP, true },
		{ "10.244.1.7", 8080, FLOW_UDP, false },
		{ "10.244.1.7", 8081, FLOW_TCP, false },
		{ "10.244.1.53", 5353, FLOW_UDP, true },
		{ "10.96.0.90", 53, FLOW_UDP, true },
		{ "192.168.0.1", 30080, FLOW_TCP, true },
		{ "192.168.0.1", 9100, FLOW_TCP, true },
		{ "10.200.0.1", 9100, FLOW_TCP, true },
		{ "192.168.0.2", 9100, FLOW_TCP, false },
		{ "192.168.0.1", 22, FLOW_TCP, false },
	};
	struct cluster *c = text_cluster(scene);

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct ip_addr ip = ip_of(rows[i].ip);

		if (address_listens(c, &ip, rows[i].port, rows[i].protocol,
			0) != rows[i].want)
			fail_msg("%s:%u", rows[i].ip, (unsigned)rows[i].port);
	}
	cluster_free(c);
}

/* Endpoints count only where no slice does. */
static void
test_endpoints(void **state)
{
#define SERVICE                                                                \
	"{'kind':'Service','metadata':{'name':'s'},'spec':{'clusterIP':"       \
	"'10.96.0.1','ports':[{'port':80}]}}"
#define ENDPOINTS                                                              \
	"{'kind':'Endpoints','metadata':{'name':'s'},'subsets':[{'addresses':" \
	"[{'ip':'10.0.0.1'}],'notReadyAddresses':[{'ip':'10.0.0.2'}],"         \
	"'ports':[{'port':8080}]},{'addresses':[{'ip':'10.0.0.3'}],'ports':"   \
	"[{'port':8081}]}]}"
#define SLICE                                                                  \
	"{'kind':'EndpointSlice','metadata':{'name':'s-1','labels':{"          \
	"'kubernetes.io/service-name':'s'}},'endpoints':[{'addresses':["       \
	"'10.0.0.9']}],'ports':[{'port':8080}]}"
	struct cluster *c = text_cluster(SERVICE ENDPOINTS);
	const struct kube_backend *b;
	size_t n;

	(void)state;
	b = address_backends(c, 0, &n);
	assert_int_equal(n, 3);
	assert_true(b[0].ready && !b[1].ready && b[2].ready);
	assert_int_equal(b[2].port, 8081);
	cluster_free(c);
	c = text_cluster(SERVICE ENDPOINTS SLICE);
	b = address_backends(c, 0, &n);
	assert_int_equal(n, 1);
	assert_int_equal(b[0].ip.b[15], 9);
	cluster_free(c);
}

/* Cluster IPs that are far apart tell no range. */
static void
test_service_range(void **state)
{
#define AT(name, ip)                                                           \
	"{'kind':'Service','metadata':{'name':'" name                          \
	"'},'spec':{'clusterIP':'" ip "'}}"
	struct ip_addr between = ip_of("10.100.0.1");
	struct cluster *c = text_cluster(AT("a", "10.96.0.1"));

	(void)state;
	assert_int_equal(
	    address_owner_at(c, &between, 0).kind, ADDRESS_EXTERNAL);
	cluster_free(c);
	c = text_cluster(AT("a", "10.96.0.1") AT("b", "10.111.0.1"));
	assert_int_equal(
	    address_owner_at(c, &between, 0).kind, ADDRESS_SERVICE_RANGE);
	cluster_free(c);
	c = text_cluster(AT("a", "10.96.0.1") AT("b", "10.128.0.1"));
	assert_int_equal(
	    address_owner_at(c, &between, 0).kind, ADDRESS_EXTERNAL);
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_same_second),
		cmocka_unit_test(test_end_is_written_back),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ovn_kubernetes),
		cmocka_unit_test(test_node_owns),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_derived_backends),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_listens),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_service_range),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_interval, interval_cases, name),
	};

	return case_tables_run(
	    "address", own, NELEM(own), tables, NELEM(tables));
}

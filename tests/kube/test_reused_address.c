/* SPDX-License-Identifier: Apache-2.0 */
/* An address that a pod of web had and a pod of dns has now: endpoints are
 * those of now, questions are about then. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/cluster_text.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define DAY      "2026-03-02T10:"

static const char scene[] =
    "{'kind':'Pod','metadata':{'name':'web-1','namespace':'n','labels':{"
    "'app':'web'}},'spec':{'containers':[{'ports':[{'name':'http',"
    "'containerPort':8080}]}]},'status':{'phase':'Succeeded','podIP':"
    "'10.0.0.5','startTime':'" DAY "00:00Z','containerStatuses':[{'state':{"
    "'terminated':{'finishedAt':'" DAY "20:00Z'}}}]}}"
    "{'kind':'Pod','metadata':{'name':'dns-1','namespace':'n','labels':{"
    "'app':'dns'}},'status':{'phase':'Running','podIP':'10.0.0.5',"
    "'startTime':'" DAY "30:00Z'}}"
    "{'kind':'Service','metadata':{'name':'web','namespace':'n'},'spec':{"
    "'clusterIP':'None','selector':{'app':'web'},'ports':[{'name':'h',"
    "'port':80,'targetPort':'http'},{'name':'u','port':81,'protocol':'UDP',"
    "'targetPort':8080}]}}"
    "{'kind':'Service','metadata':{'name':'dns','namespace':'n'},'spec':{"
    "'clusterIP':'10.96.0.9','selector':{'app':'dns'},'ports':[{'port':53,"
    "'targetPort':5353,'protocol':'UDP'}]}}"
    "{'kind':'Service','metadata':{'name':'web','namespace':'other'},'spec':{"
    "'clusterIP':'10.96.0.8','selector':{'app':'web'},'ports':[{'port':80,"
    "'targetPort':8080}]}}"
    "{'kind':'Service','metadata':{'name':'by-hand','namespace':'n'},'spec':{"
    "'clusterIP':'10.96.0.7','ports':[{'port':54,'targetPort':5353,"
    "'protocol':'UDP'}]}}"
    "{'kind':'EndpointSlice','metadata':{'name':'dns-x','namespace':'n',"
    "'labels':{'kubernetes.io/service-name':'dns'}},'addressType':'IPv4',"
    "'endpoints':[{'addresses':['10.0.0.5'],'conditions':{}}],'ports':[{"
    "'name':'','port':5353,'protocol':'UDP'}]}"
    "{'kind':'EndpointSlice','metadata':{'name':'by-hand-x','namespace':'n',"
    "'labels':{'kubernetes.io/service-name':'by-hand'}},'addressType':'IPv4',"
    "'endpoints':[{'addresses':['10.0.0.5'],'conditions':{}}],'ports':[{"
    "'name':'','port':5353,'protocol':'UDP'}]}";

static int64_t
at(const char *time)
{
	int64_t us;

	assert_true(rfc3339_parse(&us, time));
	return us;
}

static void
test_listens(void **state)
{
	static const struct {
		const char *time;
		uint16_t port;
		uint8_t protocol;
		bool want;
	} rows[] = {
		{ DAY "10:00Z", 5353, FLOW_UDP, false },
		{ DAY "10:00Z", 8080, FLOW_TCP, true },
		{ DAY "40:00Z", 5353, FLOW_UDP, true },
		{ DAY "40:00Z", 8080, FLOW_TCP, false },
		/* Between the two: nobody is known to have it. */
		{ DAY "25:00Z", 5353, FLOW_UDP, true },
	};
	struct cluster *c = text_cluster(scene);
	struct ip_addr ip;

	(void)state;
	assert_true(ip_parse(&ip, "10.0.0.5"));
	for (size_t i = 0; i < NELEM(rows); i++)
		if (address_listens(c, &ip, rows[i].port, rows[i].protocol,
			at(rows[i].time)) != rows[i].want)
			fail_msg("row %zu", i);
	cluster_free(c);
}

static void
test_leading_port(void **state)
{
	static const struct {
		const char *ns, *service, *pod;
		uint16_t port;
		uint8_t protocol;
		uint16_t want;
	} rows[] = {
		{ "n", "dns", "dns-1", 5353, FLOW_UDP, 53 },
		{ "n", "dns", NULL, 5353, FLOW_UDP, 53 },
		{ "n", "dns", "web-1", 5353, FLOW_UDP, 0 },
		{ "n", "dns", "dns-1", 53, FLOW_UDP, 0 },
		{ "n", "web", "web-1", 8080, FLOW_TCP, 80 },
		{ "n", "web", "web-1", 8080, FLOW_UDP, 81 },
		{ "n", "web", NULL, 8080, FLOW_TCP, 0 },
		{ "other", "web", "web-1", 8080, FLOW_TCP, 0 },
		{ "n", "by-hand", "web-1", 5353, FLOW_UDP, 54 },
	};
	struct cluster *c = text_cluster(scene);
	struct ip_addr ip;

	(void)state;
	assert_true(ip_parse(&ip, "10.0.0.5"));
	for (size_t i = 0; i < NELEM(rows); i++) {
		uint32_t service =
		    cluster_find_service(c, rows[i].ns, rows[i].service);
		uint32_t pod = rows[i].pod == NULL
		    ? FLOW_NONE
		    : cluster_find_pod(c, "n", rows[i].pod);
		uint16_t got;

		assert_true(service != FLOW_NONE);
		got = address_leading_port(
		    c, service, pod, &ip, rows[i].port, rows[i].protocol);
		if (got != rows[i].want)
			fail_msg("row %zu: %u", i, (unsigned)got);
	}
	cluster_free(c);
}

/* Node a is gone, and so is b, of which a List told once; z has the address of
 * the one and the range of the other. */
static void
test_nodes(void **state)
{
	static const char nodes[] =
	    "{'kind':'Pod','metadata':{'name':'old','namespace':'n'},'spec':{"
	    "'nodeName':'a'},'status':{'phase':'Succeeded','podIP':"
	    "'10.244.9.5','hostIP':'10.1.0.5','startTime':'" DAY "00:00Z'}}"
	    "{'kind':'Node','metadata':{'name':'b'},'spec':{'podCIDR':"
	    "'10.244.3.0/24'},'status':{'addresses':[{'type':'InternalIP',"
	    "'address':'10.1.0.6'}]}}"
	    "{'kind':'Node','metadata':{'name':'z'},'spec':{'podCIDR':"
	    "'10.244.3.0/24'},'status':{'addresses':[{'type':'InternalIP',"
	    "'address':'10.1.0.5'}]}}"
	    "{'kind':'Pod','metadata':{'name':'new','namespace':'n'},'spec':{"
	    "'nodeName':'z'},'status':{'phase':'Running','podIP':"
	    "'10.244.3.5','hostIP':'10.1.0.5','startTime':'" DAY "30:00Z'}}";
	static const char *const of_z[] = { "10.1.0.5", "10.244.3.0",
		"10.244.3.1" };
	struct cluster *c = text_cluster(nodes);
	struct address_owner o;
	struct ip_addr ip;

	(void)state;
	for (size_t i = 0; i < NELEM(of_z); i++) {
		assert_true(ip_parse(&ip, of_z[i]));
		o = address_owner_at(c, &ip, at(DAY "40:00Z"));
		assert_int_equal(o.kind, ADDRESS_NODE);
		assert_string_equal(c->nodes[o.node].name, "z");
	}
	assert_true(ip_parse(&ip, "10.1.0.6"));
	o = address_owner_at(c, &ip, at(DAY "40:00Z"));
	assert_string_equal(c->nodes[o.node].name, "b");
	cluster_free(c);
}

#define SERVICE(name, made)                                                    \
	"{'kind':'Service','metadata':{'name':'" name "','namespace':'n',"     \
	"'creationTimestamp':'" DAY made "Z'},'spec':{'clusterIP':"            \
	"'10.96.0.1','selector':{'app':'x'},'ports':[{'port':80}]}}"

/* Of Services that had one cluster IP after each other the one is meant that
 * was there, whatever their names; before all of them the first. */
static void
test_services(void **state)
{
	static const char three[] = "{'kind':'List','items':[" SERVICE("b-old",
	    "00:00") "]}"
		     "{'kind':'List','items':[" SERVICE("a-gone",
			 "10:00") "]}"
				  "{'kind':'List','items':[" SERVICE("c-new",
				      "20:00") ","
					       "{'kind':'Pod','metadata':{'"
					       "name':'x','namespace':'n','"
					       "labels':{"
					       "'app':'x'}},'status':{'phase':'"
					       "Running','podIP':'10.0.0.5',"
					       "'startTime':'" DAY
					       "00:00Z'}}]}";
	static const struct {
		const char *time, *service;
		size_t leading; /* to the pod */
	} rows[] = {
		{ DAY "00:01Z", "b-old", 1 },
		{ DAY "09:59Z", "b-old", 1 },
		{ DAY "10:01Z", "a-gone", 2 }, /* whose end is not told */
		{ DAY "20:01Z", "c-new", 3 },
		{ "2026-03-01T00:00:00Z", "b-old", 0 },
		{ NULL, "c-new", 1 },
	};
	struct cluster *c = text_cluster(three);
	struct ip_addr ip = ip_of("10.96.0.1"), pod = ip_of("10.0.0.5");

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		int64_t at_us =
		    rows[i].time == NULL ? ADDRESS_NOW : at(rows[i].time);
		struct address_target to = { &ip, 80, FLOW_TCP, at_us };
		struct address_target from = { &pod, 80, FLOW_TCP, at_us };
		struct address_owner o = address_owner_at(c, &ip, at_us);
		uint32_t service;
		uint16_t port;

		assert_int_equal(o.kind, ADDRESS_SERVICE);
		assert_string_equal(
		    c->services[o.service].name, rows[i].service);
		assert_true(address_service(c, &to, &service, &port));
		assert_int_equal(service, o.service);
		assert_int_equal(address_services_of(c, &from, NULL, NULL, 0),
		    rows[i].leading);
	}
	cluster_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listens),
		cmocka_unit_test(test_leading_port),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_services),
	};

	return cmocka_run_group_tests_name("reused_address", tests, NULL, NULL);
}

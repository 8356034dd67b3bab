/* SPDX-License-Identifier: Apache-2.0 */
/* Lint over flows: traffic of others that policies forget (RF032 to RF035),
 * and the cluster's DNS where it is not the usual one (RF002). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "policy/lint.h"
#include "tests/support/case_table.h"
#include "tests/support/policy_text.h"
#include "tests/support/world.h"

/* Pods of shop may talk to each other, and nothing else. */
static const char closed[] =
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: closed, namespace: shop}\n"
    "spec:\n"
    "  podSelector: {}\n"
    "  policyTypes: [Ingress, Egress]\n"
    "  ingress: [{from: [{podSelector: {}}]}]\n"
    "  egress:\n"
    "  - to: [{podSelector: {}}]\n"
    "  - to:\n"
    "    - namespaceSelector: {}\n"
    "      podSelector: {matchLabels: {k8s-app: kube-dns}}\n"
    "    ports:\n"
    "    - {protocol: UDP, port: 53}\n"
    "    - {protocol: TCP, port: 53}\n";

/* Anybody may come in, and everything go out. */
static const char wide_open[] = "apiVersion: networking.k8s.io/v1\n"
				"kind: NetworkPolicy\n"
				"metadata: {name: open, namespace: shop}\n"
				"spec:\n"
				"  podSelector: {}\n"
				"  policyTypes: [Ingress, Egress]\n"
				"  ingress: [{}]\n"
				"  egress: [{}]\n";

struct scene {
	struct world w;
	uint32_t node, web, other;
};

/* shop/web on node-1 and a pod of another namespace on node-2. */
static void
start(struct scene *s, const char *ns, const char *name)
{
	uint32_t far;

	world_init(&s->w);
	s->node = world_node(&s->w, "node-1", "192.0.2.1", "10.0.1.0/24");
	far = world_node(&s->w, "node-2", "192.0.2.2", "10.0.2.0/24");
	s->web = world_app(&s->w, "shop", "web", "10.0.1.10", s->node);
	s->other = world_app(&s->w, ns, name, "10.0.2.20", far);
	(void)world_dns(&s->w, "10.0.2.2", far);
	world_api_server(&s->w, "192.0.2.2", 6443);
	world_finish(&s->w);
}

static void
lint_world(struct lint_result *out, struct scene *s, const char *text,
    struct arena *arena)
{
	struct policy_set set =
	    policy_text_read(arena, "default", "p.yaml", text);
	struct flow_set flows = world_flows(&s->w);
	struct lint_input in = { .set = &set,
		.cluster = s->w.c,
		.flows = &flows,
		.flows_cluster = s->w.c };

	assert_int_equal(lint_run(out, &in, arena, NULL), RF_OK);
}

static size_t
count(const struct lint_result *r, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += strcmp(r->findings[i].rule->id, id) == 0;
	return n;
}

/* clang-format off */
static struct flow_case {
	const char *name;
	const char *ns, *other; /* a pod beside shop/web */
	bool from_web;          /* else the other one calls */
	uint8_t outcome, certainty;
	const char *id;         /* NULL: nothing is found */
	const char *field;
} flow_cases[] = {
	{ "Prometheus scrapes", "monitoring", "prometheus", false,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE, "RF032", "spec.ingress" },
	{ "an exporter is no scraper", "monitoring", "prometheus-exporter",
	  false, OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE, NULL, NULL },
	{ "ingress controller calls", "edge", "traefik", false,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE, "RF033", "spec.ingress" },
	{ "logs leave", "logging", "fluentd", true,
	  OUTCOME_ESTABLISHED, CERTAINTY_LISTENER, "RF034", "spec.egress" },
	{ "an application of another team", "team-b", "shipping", false,
	  OUTCOME_ESTABLISHED, CERTAINTY_HANDSHAKE, NULL, NULL },
	{ "what never worked needs no rule", "monitoring", "prometheus",
	  false, OUTCOME_REFUSED, CERTAINTY_HANDSHAKE, NULL, NULL },
	{ "a guessed direction is no ground", "monitoring", "prometheus",
	  false, OUTCOME_MIDSTREAM, CERTAINTY_GUESSED, NULL, NULL },
};
/* clang-format on */

/* A scraper may not go out to a node's exporter, nor to a push gateway that is
 * outside: neither is the API server, and no selector means them. */
static void
test_outside(void **state)
{
	static const char *const wants[] = {
		"Allow TCP port 9100 to a node by ipBlock.",
		"Allow TCP port 9091 to an address outside by ipBlock.",
	};
	struct lint_result r;
	struct arena arena;
	struct scene s;

	(void)state;
	arena_init(&arena, 0);
	start(&s, "shop", "prometheus");
	(void)world_flow(&s.w, world_at_pod(&s.w, s.other),
	    world_at_node(&s.w, s.node, NULL), FLOW_TCP, 9100);
	(void)world_flow(&s.w, world_at_pod(&s.w, s.other),
	    world_at(&s.w, ENDPOINT_EXTERNAL, "198.51.100.7"), FLOW_TCP, 9091);
	lint_world(&r, &s, closed, &arena);
	assert_int_equal(r.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(strcmp(r.findings[i].mend, wants[0]) == 0 ||
		    strcmp(r.findings[i].mend, wants[1]) == 0);
	assert_string_not_equal(r.findings[0].mend, r.findings[1].mend);
	world_release(&s.w);
	arena_release(&arena);
}

static void
test_flow(void **state)
{
	const struct flow_case *c = *state;
	struct lint_result r;
	struct arena arena;
	struct scene s;

	arena_init(&arena, 0);
	start(&s, c->ns, c->other);
	for (unsigned i = 0; i < 3; i++) { /* told once, however often seen */
		uint32_t web = world_at_pod(&s.w, s.web);
		uint32_t other = world_at_pod(&s.w, s.other);
		struct flow *f = world_flow(&s.w, c->from_web ? web : other,
		    c->from_web ? other : web, FLOW_TCP, 9102);

		f->outcome = c->outcome;
		f->certainty = c->certainty;
	}
	lint_world(&r, &s, closed, &arena);
	assert_int_equal(r.n, c->id == NULL ? 0 : 1);
	if (c->id != NULL) {
		assert_string_equal(r.findings[0].rule->id, c->id);
		assert_string_equal(r.findings[0].field, c->field);
		assert_int_equal(r.findings[0].line, 1);
		assert_non_null(strstr(r.findings[0].reason, c->other));
	}
	lint_world(&r, &s, wide_open, &arena);
	assert_int_equal(r.n, 0);
	world_release(&s.w);
	arena_release(&arena);
}

/* The API server of another node calls a webhook; the pod's own node is
 * always let in. */
static void
test_webhook(void **state)
{
	static const char *const callers[] = { "192.0.2.2", "192.0.2.1" };

	(void)state;
	for (uint32_t i = 0; i < NELEM(callers); i++) {
		struct lint_result r;
		struct arena arena;
		struct scene s;

		arena_init(&arena, 0);
		start(&s, "team-b", "shipping");
		(void)world_flow(&s.w, world_at_node(&s.w, 1 - i, callers[i]),
		    world_at_pod(&s.w, s.web), FLOW_TCP, 8443);
		lint_world(&r, &s, closed, &arena);
		assert_int_equal(count(&r, "RF035"), i == 0 ? 1 : 0);
		world_release(&s.w);
		arena_release(&arena);
	}
}

static const char openshift[] = "apiVersion: networking.k8s.io/v1\n"
				"kind: NetworkPolicy\n"
				"metadata: {name: dns, namespace: shop}\n"
				"spec:\n"
				"  podSelector: {}\n"
				"  policyTypes: [Egress]\n"
				"  egress:\n"
				"  - to: [{namespaceSelector: {}}]\n"
				"    ports:\n"
				"    - {protocol: UDP, port: %u}\n"
				"    - {protocol: TCP, port: %u}\n";

/* DNS pods on 5353: the Service's 53 in a rule misses them. */
static void
test_dns_port(void **state)
{
	static const struct {
		unsigned port;
		size_t found;
	} cases[] = { { 53, 1 }, { 5353, 0 } };

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct lint_result r;
		struct arena arena;
		struct scene s;
		uint32_t pod, service;
		char text[512];

		arena_init(&arena, 0);
		world_init(&s.w);
		s.node = world_node(&s.w, "node-1", "192.0.2.1", "10.0.1.0/24");
		(void)world_app(&s.w, "shop", "web", "10.0.1.10", s.node);
		pod =
		    world_app(&s.w, "openshift-dns", "dns", "10.0.1.2", s.node);
		service = world_service(&s.w, "openshift-dns", "dns-default",
		    "172.30.0.10", "app=dns");
		world_service_port(&s.w, service, "dns", FLOW_UDP, 53, 5353);
		world_backend(&s.w, service, "10.0.1.2", 5353, pod);
		world_finish(&s.w);
		(void)snprintf(text, sizeof(text), openshift, cases[i].port,
		    cases[i].port);
		lint_world(&r, &s, text, &arena);
		assert_int_equal(count(&r, "RF002"), cases[i].found);
		if (cases[i].found > 0)
			assert_non_null(
			    strstr(r.findings[0].mend, "port 5353"));
		world_release(&s.w);
		arena_release(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_dns_port),
		cmocka_unit_test(test_outside),
	};
	const struct case_table tables[] = {
		CASE_TABLE(test_flow, flow_cases, name),
	};

	return case_tables_run(
	    "lint flows", own, NELEM(own), tables, NELEM(tables));
}

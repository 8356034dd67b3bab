/* SPDX-License-Identifier: Apache-2.0 */
/* The words for an end of a connection, what they lead to, and the mend. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/end_ref.h"
#include "report/check_print.h"
#include "report/check_words.h"
#include "tests/support/case_table.h"
#include "tests/support/policy_text.h"
#include "tests/support/world.h"

/*
 * web (two pods) and db in shop, api in other; Service db leads from 80 to
 * 5432 and has two backends, of which one is no pod; Service loose has no
 * EndpointSlice, nor has six, whose family the pods lack.
 */
static void
build(struct world *w)
{
	uint32_t n1, web, db, s;

	world_init(w);
	n1 = world_node(w, "n1", "192.168.0.1", "10.0.0.0/24");
	web = world_workload(w, "shop", "Deployment", "web", "app=web", "");
	(void)world_pod(w, web, "web-1", "app=web", "10.0.0.2", n1);
	(void)world_pod(w, web, "web-2", "app=web", "10.0.0.3", n1);
	(void)world_app(w, "shop", "db", "10.0.0.4", n1);
	(void)world_app(w, "other", "api", "10.0.0.5", n1);
	s = world_service(w, "shop", "db", "10.96.0.4", "app=db");
	world_service_port(w, s, "sql", FLOW_TCP, 80, 5432);
	db = 2;
	world_backend(w, s, "10.0.0.4", 5432, db);
	world_backend(w, s, "203.0.113.4", 5432, FLOW_NONE);
	s = world_service(w, "shop", "loose", "10.96.0.5", "app=web");
	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	s = world_service(w, "shop", "empty", "10.96.0.6", "app=none");
	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	s = world_service(w, "shop", "six", "fd00:96::7", "app=web");
	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	(void)world_app(w, "shop", "side", "10.0.0.6", n1);
	s = world_service(w, "shop", "side", "10.96.0.7", "app=side");
	world_service_port(w, s, "http", FLOW_TCP, 80, 8080);
	world_backend(w, s, "10.0.0.6", 8080, db + 2);
	world_finish(w);
}

static struct ref_case {
	const char *text;
	uint16_t port;    /* 0: a source */
	const char *want; /* the ends, or what is wrong */
	enum rf_status status;
} ref_cases[] = {
	{ "shop/web-1", 0, "shop/web-1 (10.0.0.2)", RF_OK },
	{ "shop/web-2", 80, "shop/web-2 (10.0.0.3):80", RF_OK },
	{ "shop/deployment/web", 80,
	    "shop/web-1 (10.0.0.2):80 shop/web-2 (10.0.0.3):80", RF_OK },
	{ "shop/DEPLOY/web", 0, "shop/web-1 (10.0.0.2) shop/web-2 (10.0.0.3)",
	    RF_OK },
	{ "svc/shop/db", 80,
	    "shop/db-10.0.0.4 (10.0.0.4):5432 "
	    "203.0.113.4 (outside the cluster):5432",
	    RF_OK },
	{ "shop/svc/db", 80,
	    "shop/db-10.0.0.4 (10.0.0.4):5432 "
	    "203.0.113.4 (outside the cluster):5432",
	    RF_OK },
	{ "10.96.0.4", 80,
	    "shop/db-10.0.0.4 (10.0.0.4):5432 "
	    "203.0.113.4 (outside the cluster):5432",
	    RF_OK },
	{ "10.96.0.4", 0, "10.96.0.4 (Service shop/db)", RF_OK },
	{ "service/shop/loose", 80,
	    "shop/web-1 (10.0.0.2):8080 shop/web-2 (10.0.0.3):8080", RF_OK },
	{ "10.0.0.5", 1, "other/api-10.0.0.5 (10.0.0.5):1", RF_OK },
	{ "192.168.0.1", 1, "192.168.0.1 (node n1):1", RF_OK },
	{ "10.0.0.77", 1, "10.0.0.77 (in the cluster, held by no pod):1",
	    RF_OK },
	{ "2001:db8::1", 1, "2001:db8::1 (outside the cluster):1", RF_OK },
	{ "svc/shop/db", 5432, "has no port TCP/5432; it has TCP/80",
	    RF_CORRUPT },
	{ "svc/shop/empty", 80, "no ready pod behind it", RF_CORRUPT },
	{ "svc/shop/six", 80, "no ready pod behind it", RF_CORRUPT },
	{ "svc/shop/emty", 80, "did you mean empty?", RF_CORRUPT },
	{ "shop/web-11", 80, "there is no pod shop/web-11; did you mean web-1?",
	    RF_CORRUPT },
	{ "shop/sts/web", 80, "there is no sts shop/web", RF_CORRUPT },
	{ "shop/deploy/wbe", 80, "did you mean web?", RF_CORRUPT },
	{ "sohp/deploy/web", 80,
	    "there is no namespace sohp; did you mean shop?", RF_CORRUPT },
	{ "web", 80, "is none of NS/POD", RF_INVAL },
	{ "a/b/c/d", 80, "is none of NS/POD", RF_INVAL },
	{ "/web", 80, "is none of NS/POD", RF_INVAL },
	{ "shop/", 80, "is none of NS/POD", RF_INVAL },
	{ "10.0.0.256", 80, "is none of NS/POD", RF_INVAL },
	{ "", 80, "is none of NS/POD", RF_INVAL },
};

static void
test_ref(void **state)
{
	const struct ref_case *r = *state;
	struct end_port port = { r->port, FLOW_TCP };
	struct strbuf text;
	struct arena arena;
	struct rf_error err;
	struct end_ref ref;
	struct world w;

	build(&w);
	arena_init(&arena, 0);
	strbuf_init(&text, 4096);
	assert_int_equal(
	    end_ref_find(&ref, r->text, w.c, port, &arena, &err), r->status);
	if (r->status != RF_OK) {
		if (strstr(err.msg, r->want) == NULL)
			fail_msg("%s", err.msg);
	} else {
		for (size_t i = 0; i < ref.n_ends; i++) {
			strbuf_puts(&text, i == 0 ? "" : " ");
			check_end_text(&text, w.c, &ref.ends[i]);
			if (ref.ends[i].port != 0)
				strbuf_printf(
				    &text, ":%u", (unsigned)ref.ends[i].port);
		}
		assert_string_equal(strbuf_str(&text), r->want);
	}
	strbuf_release(&text);
	arena_release(&arena);
	world_release(&w);
}

static const char policies[] =
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: db, namespace: shop}\n"
    "spec:\n"
    "  podSelector: {matchLabels: {app: db}}\n"
    "  ingress:\n"
    "  - from: [{podSelector: {matchLabels: {app: web}}}]\n"
    "    ports: [{port: 5432}]\n"
    "---\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: web, namespace: shop}\n"
    "spec: {podSelector: {matchLabels: {app: web}}}\n"
    "---\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: side, namespace: shop}\n"
    "spec: {podSelector: {matchLabels: {app: side}}, ingress: [\n"
    "  {ports: [{port: 80}]}]}\n";

static struct ask_case {
	const char *src, *dst;
	uint16_t port;
	size_t n, denied, groups;
	const char *says; /* part of the text */
} ask_cases[] = {
	{ "shop/deploy/web", "svc/shop/db", 80, 4, 0, 2,
	    "allowed by shop/db, ingress rule 1 (p.yaml:7)" },
	{ "shop/deploy/web", "shop/db-10.0.0.4", 80, 2, 2, 1,
	    "add {protocol: TCP, port: 80} to the ports of ingress rule 1 of "
	    "shop/db (p.yaml:7)" },
	{ "other/api-10.0.0.5", "shop/db-10.0.0.4", 5432, 1, 1, 1,
	    "add {namespaceSelector: {matchLabels: "
	    "{kubernetes.io/metadata.name: other}}, podSelector: "
	    "{matchLabels: {app: api}}} to the from of ingress rule 1" },
	{ "203.0.113.1", "shop/db-10.0.0.4", 80, 1, 1, 1,
	    "add to the ingress rules of shop/db (p.yaml:1): {from: "
	    "[{ipBlock: {cidr: \"203.0.113.1/32\"}}], ports: [{protocol: TCP, "
	    "port: 80}]}" },
	{ "shop/db-10.0.0.4", "shop/web-1", 80, 1, 1, 1,
	    "add to the ingress rules of shop/web (p.yaml:10): {from: "
	    "[{podSelector: {matchLabels: {app: db}}}]" },
	{ "shop/deploy/web", "shop/deploy/web", 80, 4, 2, 2,
	    "2 of 4 connections between them are denied: the pods differ" },
	{ "shop/web-1", "svc/shop/side", 80, 1, 1, 1,
	    "to the ports of ingress rule 1 of shop/side (p.yaml:19); 80 is "
	    "the port of Service shop/side, and rules see the pod's" },
	{ "192.168.0.1", "shop/web-1", 80, 1, 0, 1, "its own node" },
	{ "2001:db8::1", "shop/web-1", 80, 1, 1, 1,
	    "no address family in common" },
	{ "10.96.0.4", "other/api-10.0.0.5", 1, 1, 0, 1, "no policy isolates" },
};

static void
print(const struct check_scene *s, const struct ask_case *a,
    const struct check_result *result, const struct end_ref *dst)
{
	struct check_report r = { .scene = s,
		.result = result,
		.src = a->src,
		.dst = a->dst,
		.service = dst->service,
		.by_selector = dst->by_selector,
		.port = a->port,
		.protocol = FLOW_TCP };
	char *text = NULL, *json = NULL;
	size_t size;
	FILE *out;

	out = open_memstream(&text, &size);
	assert_int_equal(check_print_text(out, &r, NULL), RF_OK);
	assert_int_equal(fclose(out), 0);
	if (strstr(text, a->says) == NULL)
		fail_msg("%s", text);
	out = open_memstream(&json, &size);
	assert_int_equal(check_print_json(out, &r, NULL), RF_OK);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(json,
	    a->denied > 0 ? "\n  \"verdict\": \"deny\""
			  : "\n  \"verdict\": \"allow\""));
	free(text);
	free(json);
}

static void
test_ask(void **state)
{
	const struct ask_case *a = *state;
	struct end_port from = { 0, FLOW_TCP }, to = { a->port, FLOW_TCP };
	struct check_result result;
	struct evaluator *evaluator;
	struct check_scene s;
	struct policy_set set;
	struct end_ref src, dst;
	struct check_ask ask;
	struct arena arena;
	struct world w;

	build(&w);
	arena_init(&arena, 0);
	set = policy_text_read(&arena, "default", "p.yaml", policies);
	assert_int_equal(evaluator_new(&evaluator, &set, w.c, NULL), RF_OK);
	s = (struct check_scene){ w.c, &set, evaluator };
	assert_int_equal(
	    end_ref_find(&src, a->src, w.c, from, &arena, NULL), RF_OK);
	assert_int_equal(
	    end_ref_find(&dst, a->dst, w.c, to, &arena, NULL), RF_OK);
	ask = (struct check_ask){ src.ends, dst.ends, src.n_ends, dst.n_ends,
		FLOW_TCP };
	assert_int_equal(check_run(&result, &s, &ask, &arena, NULL), RF_OK);
	assert_int_equal(result.n, a->n);
	assert_int_equal(result.n_denied, a->denied);
	assert_int_equal(result.n_groups, a->groups);
	print(&s, a, &result, &dst);
	evaluator_free(evaluator);
	arena_release(&arena);
	world_release(&w);
}

int
main(void)
{
	const struct case_table tables[] = {
		CASE_TABLE(test_ref, ref_cases, text),
		CASE_TABLE(test_ask, ask_cases, says),
	};

	return case_tables_run("check", NULL, 0, tables, NELEM(tables));
}

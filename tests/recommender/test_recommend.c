/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each kind of traffic: one small cluster each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/world_case.h"
#include "tests/support/world_rules.h"

/* An external client, as the pod sees it. */
static struct flow *
call_in(struct world *w, const char *client, uint32_t seen, uint32_t pod)
{
	uint32_t src = world_at(w, ENDPOINT_EXTERNAL, client);
	uint32_t dst = world_at_pod(w, pod);
	struct flow *f = world_flow(w, src, dst, FLOW_TCP, 8080);

	if (seen != FLOW_NONE)
		f->seen_src = seen;
	return f;
}

static void
plain(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_connect(w, b.web, b.db, 5432);
}

static void
outcome_of(struct world *w, enum flow_outcome outcome)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_connect(w, b.web, b.db, 5432)->outcome = (uint8_t)outcome;
}

static void
oneway(struct world *w)
{
	outcome_of(w, OUTCOME_ONEWAY);
}

static void
midstream(struct world *w)
{
	outcome_of(w, OUTCOME_MIDSTREAM);
}

static void
refused(struct world *w)
{
	outcome_of(w, OUTCOME_REFUSED);
}

static void
unanswered(struct world *w)
{
	outcome_of(w, OUTCOME_UNANSWERED);
}

static void
dropped(struct world *w)
{
	outcome_of(w, OUTCOME_DROPPED);
}

static void
guessed(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_connect(w, b.web, b.db, 5432)->certainty = CERTAINTY_GUESSED;
}

static void
listener(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_connect(w, b.web, b.db, 5432)->certainty = CERTAINTY_LISTENER;
}

static void
sctp(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	world_connect(w, b.web, b.db, 9899)->protocol = FLOW_SCTP;
}

static void
self(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_connect(w, b.web, b.web, 80);
}

static void
hairpin(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t node;

	world_finish(w);
	node = world_at_node(w, b.n1, NULL);
	world_connect(w, b.web, b.web, 80)->seen_src = node;
}

static void
replicas(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t other = world_pod(
	    w, w->c->pods[b.db].workload, "db-2", "app=db", "10.0.1.11", b.n1);

	world_finish(w);
	(void)world_connect(w, b.db, other, 7000);
}

static void
probe(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_node(w, b.n1, NULL);
	dst = world_at_pod(w, b.web);
	(void)world_flow(w, src, dst, FLOW_TCP, 8080);
}

static void
webhook(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_node(w, b.n2, NULL);
	dst = world_at_pod(w, b.web);
	(void)world_flow(w, src, dst, FLOW_TCP, 8443);
}

static void
other_namespace(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t far = world_app(w, "ops", "scraper", "10.0.2.20", b.n2);

	world_finish(w);
	(void)world_connect(w, far, b.web, 9090);
	(void)world_connect(w, b.web, far, 9091);
}

static void
api_server(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_backend(w, 1, "192.168.0.8", 6443, FLOW_NONE);
	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at(w, ENDPOINT_EXTERNAL, "192.168.0.9");
	(void)world_flow(w, src, dst, FLOW_TCP, 6443);
}

static void
metadata(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_call_out(w, b.web, "169.254.169.254", 80);
}

static const char *const locals[] = { "169.254.7.8", "169.254.7.7" };

static void
link_local(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_call_out(w, b.web, "169.254.7.7", 80);
}

static void
unknown(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at(w, ENDPOINT_UNKNOWN, "10.0.1.77");
	(void)world_flow(w, src, dst, FLOW_TCP, 80);
}

static void
balancer(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t seen;

	world_finish(w);
	seen = world_at_node(w, b.n2, NULL);
	(void)call_in(w, "198.51.100.7", seen, b.web);
}

static void
balancer_own_node(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t seen;

	world_finish(w);
	seen = world_at_node(w, b.n1, NULL);
	(void)call_in(w, "198.51.100.7", seen, b.web);
}

static void
balancer_flannel(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t seen;

	world_finish(w);
	seen = world_at_node(w, b.n2, "10.0.2.0");
	(void)call_in(w, "198.51.100.7", seen, b.web);
}

static void
clients(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)call_in(w, "198.51.100.7", FLOW_NONE, b.web);
	(void)call_in(w, "2001:db8::7", FLOW_NONE, b.web);
}

static void
many_clients(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t s = world_service(w, "shop", "web", "10.96.0.80", "app=web");
	char ip[32];

	world_service_port(w, s, "", FLOW_TCP, 80, 8080);
	world_finish(w);
	for (unsigned i = 0; i < 20; i++) {
		struct flow *f;

		(void)snprintf(ip, sizeof(ip), "198.51.%u.7", i * 9);
		f = call_in(w, ip, FLOW_NONE, b.web);
		f->service = s;
		f->service_port = 80;
	}
}

static void
scraper(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, d1, d2;

	(void)world_node(w, "n3", "192.168.0.3", "10.0.3.0/24");
	world_finish(w);
	src = world_at_pod(w, b.web);
	d1 = world_at_node(w, b.n1, NULL);
	d2 = world_at_node(w, b.n2, NULL);
	(void)world_flow(w, src, d1, FLOW_TCP, 9100);
	(void)world_flow(w, src, d2, FLOW_TCP, 9100);
}

static void
one_node(struct world *w)
{
	struct world_base b = world_base(w);
	uint32_t src, dst;

	world_finish(w);
	src = world_at_pod(w, b.web);
	dst = world_at_node(w, b.n2, NULL);
	(void)world_flow(w, src, dst, FLOW_TCP, 2049);
}

static void
externals(struct world *w)
{
	struct world_base b = world_base(w);

	world_finish(w);
	(void)world_call_out(w, b.web, "203.0.113.9", 443);
	(void)world_call_out(w, b.web, "203.0.113.8", 443);
	(void)world_call_out(w, b.web, "203.0.113.8", 22);
	(void)world_call_out(w, b.web, "2001:db8::1", 443);
}

static void
dense_externals(struct world *w)
{
	struct world_base b = world_base(w);
	char ip[32];

	world_finish(w);
	for (unsigned i = 0; i < 18; i++) {
		(void)snprintf(ip, sizeof(ip), "203.0.113.%u", i + 64);
		(void)world_call_out(w, b.web, ip, 443);
	}
}

/* Dense, but half private: what touches is never merged across. */
static void
mixed_externals(struct world *w)
{
	struct world_base b = world_base(w);
	char ip[32];

	world_finish(w);
	for (unsigned i = 0; i < 8; i++) {
		(void)snprintf(ip, sizeof(ip), "172.31.255.%u", i + 248);
		(void)world_call_out(w, b.web, ip, 443);
		(void)snprintf(ip, sizeof(ip), "172.32.0.%u", i);
		(void)world_call_out(w, b.web, ip, 443);
	}
	(void)world_call_out(w, b.web, "8.8.8.8", 443);
}

static const char *const named[] = { "other/web", "shop/web" };
static const char *const unnamed[] = { "shop/webb", "shop/we" };

static struct world_case cases[] = {
	SHOP("egress: peer by its label", plain, "web",
	    "app=web in eg " DNS " & app=db @TCP/5432"),
	SHOP("ingress: and no DNS without egress", plain, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("floor: DNS for every pod", plain, "allow-dns", "* eg " DNS),
	SHOP("floor: nothing else", plain, "default-deny-all", "* in eg"),
	SHOP("oneway is traffic", oneway, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("midstream is traffic", midstream, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("a listener is certain enough", listener, "db",
	    "app=db in app=web @TCP/5432 eg"),
	SHOP("SCTP", sctp, "db", "app=db in app=web @SCTP/9899 eg"),
	LEFT_OUT("refused", refused, "refused"),
	LEFT_OUT("unanswered", unanswered, "unanswered"),
	LEFT_OUT("dropped", dropped, "dropped"),
	LEFT_OUT("guessed", guessed, "guessed"),
	LEFT_OUT("self", self, "self"),
	LEFT_OUT("hairpin through a node", hairpin, "hairpin"),
	LEFT_OUT("probe from the own node", probe, "own-node"),
	LEFT_OUT("unknown address", unknown, "unknown-address"),
	SHOP("replicas are not self", replicas, "db",
	    "app=db in app=db @TCP/7000 eg " DNS " & app=db @TCP/7000"),
	REMARK("webhook from another node", webhook, "web",
	    "app=web in 192.168.0.2/32 @TCP/8443 eg", "node-address"),
	SHOP("other namespace: one element", other_namespace, "web",
	    "app=web in ns:ops/app=scraper @TCP/9090 eg " DNS
	    " & ns:ops/app=scraper @TCP/9091"),
	SHOP("API server: every address", api_server, "web",
	    "app=web in eg " DNS " & 192.168.0.8/32 192.168.0.9/32 @TCP/6443"),
	DECIDE("metadata", metadata, "metadata"),
	DECIDE("link-local", link_local, "link-local"),
	{ .name = "metadata allowed for all",
	    .build = metadata,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg " DNS " & 169.254.169.254/32 @TCP/80",
	    .options = { .allow_metadata = true } },
	{ .name = "link-local allowed by address, that one only",
	    .build = link_local,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg " DNS " & 169.254.7.7/32 @TCP/80",
	    .options = { .link_local = locals, .n_link_local = 2 } },
	{ .name = "another link-local address allowed",
	    .build = link_local,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg",
	    .note = "link-local",
	    .kind = NOTE_DECISION,
	    .options = { .link_local = locals, .n_link_local = 1 } },
	{ .name = "metadata allowed by name",
	    .build = metadata,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg " DNS " & 169.254.169.254/32 @TCP/80",
	    .options = { .metadata_workloads = named,
		.n_metadata_workloads = 2 } },
	{ .name = "metadata allowed for others",
	    .build = metadata,
	    .namespace = "shop",
	    .policy = "web",
	    .want = "app=web in eg",
	    .note = "metadata",
	    .kind = NOTE_DECISION,
	    .options = { .metadata_workloads = unnamed,
		.n_metadata_workloads = 2 } },
	REMARK("balancer: every node", balancer, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 198.51.100.7/32 "
	    "@TCP/8080 eg",
	    "all-nodes"),
	REMARK("balancer: even if only the own node was seen",
	    balancer_own_node, "web",
	    "app=web in 192.168.0.1/32 192.168.0.2/32 198.51.100.7/32 "
	    "@TCP/8080 eg",
	    "all-nodes"),
	REMARK("balancer: every gateway", balancer_flannel, "web",
	    "app=web in 10.0.1.0/32 10.0.2.0/32 198.51.100.7/32 @TCP/8080 eg",
	    "all-nodes"),
	SHOP("clients: exact, both families", clients, "web",
	    "app=web in 198.51.100.7/32 2001:db8::7/128 @TCP/8080 eg"),
	REMARK("clients: too many", many_clients, "web",
	    "app=web in "
	    "0.0.0.0/0!10.0.1.0/24!10.0.2.0/24!192.168.0.1/32!192.168.0.2/32 "
	    "@TCP/8080 eg",
	    "open-to-world"),
	REMARK("several nodes: all of them", scraper, "web",
	    "app=web in eg " DNS
	    " & 192.168.0.1/32 192.168.0.2/32 192.168.0.3/32 @TCP/9100",
	    "all-nodes"),
	REMARK("one node: only it", one_node, "web",
	    "app=web in eg " DNS " & 192.168.0.2/32 @TCP/2049", "node-address"),
	SHOP("externals: exact", externals, "web",
	    "app=web in eg " DNS " & 203.0.113.8/32 @TCP/22,TCP/443 & "
	    "203.0.113.9/32 2001:db8::1/128 @TCP/443"),
	REMARK("externals: merged", dense_externals, "web",
	    "app=web in eg " DNS
	    " & 203.0.113.64/31 203.0.113.66/31 203.0.113.68/32 "
	    "203.0.113.69/32 203.0.113.70/32 "
	    "203.0.113.71/32 203.0.113.72/32 203.0.113.73/32 203.0.113.74/32 "
	    "203.0.113.75/32 203.0.113.76/32 "
	    "203.0.113.77/32 203.0.113.78/32 203.0.113.79/32 203.0.113.80/32 "
	    "203.0.113.81/32 @TCP/443",
	    "merged-addresses"),
};

/* Nothing is covered that must not be: merging stops at classes. */
static void
test_never_across(void **state)
{
	struct recommend_options options = { 0 };
	struct recommendation out;
	struct rf_error err;
	struct flow_set fs;
	struct arena arena;
	struct world w;
	char text[4096];

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	mixed_externals(&w);
	fs = world_flows(&w);
	assert_int_equal(
	    recommend(&out, w.c, &fs, &options, &arena, &err), RF_OK);
	world_rules(world_find(&out, "web"), text, sizeof(text));
	assert_null(strstr(text, "172.0.0.0"));
	assert_non_null(strstr(text, "172.32.0."));
	assert_non_null(strstr(text, "172.31.255."));
	world_release(&w);
	arena_release(&arena);
}

static void
test_unknown_namespace(void **state)
{
	const char *ns = "nowhere";
	struct recommend_options options = { .namespaces = &ns,
		.n_namespaces = 1 };
	struct recommendation out;
	struct rf_error err;
	struct flow_set fs;
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	plain(&w);
	fs = world_flows(&w);
	assert_int_equal(
	    recommend(&out, w.c, &fs, &options, &arena, &err), RF_INVAL);
	assert_non_null(strstr(err.msg, "nowhere"));
	world_release(&w);
	arena_release(&arena);
}

/* Files: the workloads' own first, then DNS, the default deny last; in the
 * order that kubectl apply takes them in. */
static void
test_order(void **state)
{
	static const char *const want[] = { "10-db-2.yaml", "10-db.yaml",
		"10-web.yaml", "80-allow-dns.yaml", "90-default-deny.yaml" };
	const char *ns = "shop";
	struct recommend_options options = { .namespaces = &ns,
		.n_namespaces = 1 };
	struct recommendation out;
	struct rf_error err;
	struct flow_set fs;
	struct arena arena;
	struct world w;

	(void)state;
	arena_init(&arena, 0);
	world_init(&w);
	(void)world_app(&w, "shop", "db-2", "10.0.1.9", world_base(&w).n1);
	world_finish(&w);
	fs = world_flows(&w);
	assert_int_equal(
	    recommend(&out, w.c, &fs, &options, &arena, &err), RF_OK);
	assert_int_equal(out.n_files, NELEM(want));
	for (size_t i = 0; i < NELEM(want); i++)
		assert_string_equal(out.files[i].name, want[i]);
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_never_across),
		cmocka_unit_test(test_unknown_namespace),
		cmocka_unit_test(test_order),
	};
	const struct case_table tables[] = {
		CASE_TABLE(world_case_run, cases, name),
	};

	return case_tables_run(
	    "recommend", own, NELEM(own), tables, NELEM(tables));
}

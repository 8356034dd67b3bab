/* SPDX-License-Identifier: Apache-2.0 */
/* Pods with an address of each family: what a rule for one of them opens. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/case_table.h"
#include "tests/support/policy_text.h"
#include "tests/support/world_case.h"

#define POLICY(name, spec)                                                     \
	"---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "        \
	"metadata: {name: " name ", namespace: shop}, spec: {" spec "}}\n"

static const struct dual_case {
	const char *name, *block;
	bool second; /* the second address is there */
	bool want;   /* web may reach db beyond what was seen */
} cases[] = {
	/* clang-format off */
	{ "the first addresses", "10.0.0.0/8", true, true },
	{ "the second addresses", "fd00::/64", true, true },
	{ "neither", "fd01::/64", true, false },
	{ "there is no second one", "fd00::/64", false, false },
	/* clang-format on */
};

/* What stays: web may go anywhere, db is open for a block. */
static struct policy_set
read_kept(struct arena *arena, const char *block)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    POLICY("a",
		"podSelector: {matchLabels: {app: web}}, policyTypes: "
		"[Egress], egress: [{}]") POLICY("b",
		"podSelector: {matchLabels: {app: db}}, policyTypes: "
		"[Ingress], ingress: [{from: [{ipBlock: {cidr: '%s'}}]}]"),
	    block);
	return policy_text_read(arena, "shop", "kept", text);
}

static void
give(struct world *w, uint32_t pod, struct ip_addr v[2], const char *second)
{
	v[0] = w->c->pods[pod].ips[0];
	assert_true(ip_parse(&v[1], second));
	w->c->pods[pod].ips = v;
	w->c->pods[pod].n_ips = 2;
}

static void
test_beyond(void **state)
{
	static const char *const scope[] = { "shop" };
	const struct dual_case *dc = *state;
	struct recommend_options options = { .namespaces = scope,
		.n_namespaces = 1 };
	struct ip_addr web[2], db[2];
	struct recommendation out;
	struct world_base b;
	struct policy_set kept;
	struct flow_set fs;
	struct rf_error err = { 0 };
	struct arena arena;
	struct world w;
	bool found = false;

	arena_init(&arena, (size_t)16 << 20);
	world_init(&w);
	b = world_base(&w);
	if (dc->second) {
		give(&w, b.web, web, "fd00::5");
		give(&w, b.db, db, "fd00::6");
	}
	world_finish(&w);
	(void)world_connect(&w, b.web, b.db, 5432);
	kept = read_kept(&arena, dc->block);
	options.existing = &kept;
	fs = world_flows(&w);
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < out.change.n_beyond; i++)
		found = found ||
		    (strstr(out.change.beyond[i].src, "shop/web") != NULL &&
			strstr(out.change.beyond[i].dst, "shop/db") != NULL);
	assert_int_equal(found, dc->want);
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_beyond, cases, name);

	return case_table_run("dual stack", &table);
}

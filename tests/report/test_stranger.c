/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a new pod, which no policy names, may be let in all the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/stranger.h"
#include "tests/support/case_table.h"
#include "tests/support/policy_text.h"
#include "tests/support/world.h"

static const struct stranger_case {
	const char *name, *ingress;
	bool want;
} cases[] = {
	/* clang-format off */
	{ "no rule", "[]", false },
	{ "a rule without peers", "[{}]", true },
	{ "labels", "[{from: [{podSelector: {matchLabels: {app: a}}}]}]",
	    false },
	{ "any pod", "[{from: [{podSelector: {}}]}]", true },
	{ "a namespace", "[{from: [{namespaceSelector: {}}]}]", true },
	{ "a block elsewhere", "[{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]",
	    false },
	{ "a block over the pods", "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]",
	    true },
	{ "a block within a node's range",
	    "[{from: [{ipBlock: {cidr: 10.244.1.128/25}}]}]", true },
	{ "a block over a pod that is in no node's range",
	    "[{from: [{ipBlock: {cidr: 172.20.0.0/24}}]}]", true },
	{ "all but the pods", "[{from: [{ipBlock: {cidr: 0.0.0.0/0, except: "
	    "[10.244.0.0/16, 172.20.0.0/16]}}]}]", false },
	{ "all but some of them", "[{from: [{ipBlock: {cidr: 0.0.0.0/0, "
	    "except: [10.244.0.0/16]}}]}]", true },
	{ "the second rule", "[{from: [{podSelector: {matchLabels: {app: a}}}]"
	    "}, {from: [{ipBlock: {cidr: 10.244.0.0/16}}]}]", true },
	/* clang-format on */
};

static void
test_case(void **state)
{
	const struct stranger_case *sc = *state;
	struct policy_set set;
	struct arena arena;
	struct world w;
	char text[1024];
	uint32_t node;

	arena_init(&arena, (size_t)1 << 20);
	world_init(&w);
	node = world_node(&w, "n1", "192.168.0.1", "10.244.1.0/24");
	(void)world_app(&w, "shop", "web", "10.244.1.5", node);
	(void)world_app(&w, "shop", "db", "172.20.0.9", node);
	world_finish(&w);
	(void)snprintf(text, sizeof(text),
	    "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, "
	    "metadata: {name: p, namespace: shop}, spec: {podSelector: {}, "
	    "policyTypes: [Ingress], ingress: %s}}\n",
	    sc->ingress);
	set = policy_text_read(&arena, "shop", "p", text);
	assert_int_equal(set.n_policies, 1);
	assert_int_equal(stranger_is_admitted(&set.policies[0], w.c), sc->want);
	world_release(&w);
	arena_release(&arena);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_case, cases, name);

	return case_table_run("stranger", &table);
}

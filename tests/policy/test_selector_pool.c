/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are written the same are one selector, and no others are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/strbuf.h"
#include "tests/support/policy_text.h"

#define PEERS 600 /* of which three are the same each time */

static void
add_peer(struct strbuf *sb, unsigned i)
{
	unsigned n = i % (PEERS / 3);

	switch (n % 4) {
	case 0:
		strbuf_printf(
		    sb, "{podSelector: {matchLabels: {app: a%u}}},", n);
		break;
	case 1: /* in another order of its labels */
		strbuf_printf(sb, "{podSelector: {matchLabels: {%s}}},",
		    i < PEERS / 3 ? "app: b, tier: c" : "tier: c, app: b");
		break;
	case 2:
		strbuf_printf(sb,
		    "{namespaceSelector: {matchLabels: {app: a%u}}},", n - 2);
		break;
	default:
		strbuf_printf(sb,
		    "{podSelector: {matchExpressions: [{key: app, "
		    "operator: In, values: [a%u]}]}},",
		    n);
		break;
	}
}

static const struct label_selector *
selector_of(const struct policy_peer *p)
{
	return p->pod_selector != NULL ? p->pod_selector
				       : p->namespace_selector;
}

static void
check_pair(const struct policy_peer *x, const struct policy_peer *y)
{
	const struct label_selector *a = selector_of(x), *b = selector_of(y);

	if (a->n_match_expressions > 0 || b->n_match_expressions > 0)
		assert_ptr_not_equal(a, b);
	else
		assert_int_equal(a == b,
		    label_set_equal(&a->match_labels, &b->match_labels));
}

static void
test_once(void **state)
{
	const struct policy_peer *peers;
	struct policy_set set;
	struct arena arena;
	struct strbuf sb;

	(void)state;
	arena_init(&arena, 0);
	strbuf_init(&sb, 1 << 20);
	strbuf_puts(&sb,
	    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	    "metadata: {name: p}\nspec: {podSelector: {}, ingress: [{from: [");
	for (unsigned i = 0; i < PEERS; i++)
		add_peer(&sb, i);
	strbuf_puts(&sb, "]}]}\n");
	set = policy_text_read(&arena, "shop", "t.yaml", strbuf_str(&sb));
	peers = set.policies[0].rules[POLICY_INGRESS][0].peers;
	assert_int_equal(
	    set.policies[0].rules[POLICY_INGRESS][0].n_peers, PEERS);
	for (unsigned i = 0; i < PEERS; i++)
		for (unsigned k = 0; k < i; k++)
			check_pair(&peers[i], &peers[k]);
	strbuf_release(&sb);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

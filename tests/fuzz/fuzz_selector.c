/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_selector: any text as a label selector in flow style, in all three
 * places where a policy has one. What is accepted must select the same pods
 * as the naive evaluator says.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "policy/read.h"
#include "tests/support/naive_evaluator.h"
#include "tests/support/naive_scene.h"

#define SELECTOR_MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char cluster_text[] =
    "ns a a=b\n"
    "ns b app=web tier=x\n"
    "pod a/none - 10.0.0.1\n"
    "pod a/web - 10.0.0.2 app=web\n"
    "pod a/blank - 10.0.0.3 app= a=b\n"
    "pod a/two - 10.0.0.4 app=web tier=front\n"
    "pod b/key - 10.0.0.5 example.com/app=web tier=x\n"
    "pod b/number - 10.0.0.6 app=1.10 true=yes\n";

/* The selector as spec.podSelector and as either of a peer's. */
static void
put_policies(struct strbuf *sb, const char *selector, size_t n)
{
	static const char *const before[] = {
		"spec: {podSelector: ",
		"spec: {ingress: [{from: [{podSelector: ",
		"spec: {ingress: [{from: [{namespaceSelector: ",
	};
	static const char *const after[] = { "}\n", "}]}]}\n", "}]}]}\n" };

	for (size_t i = 0; i < 3; i++) {
		strbuf_printf(sb,
		    "---\napiVersion: networking.k8s.io/v1\n"
		    "kind: NetworkPolicy\n"
		    "metadata: {name: p%zu, namespace: a}\n%s",
		    i, before[i]);
		strbuf_add(sb, selector, n);
		strbuf_puts(sb, after[i]);
	}
}

static void
check_pairs(const struct policy_set *set, const struct cluster *c)
{
	struct evaluator_answer have, want;
	struct evaluator *e;

	if (evaluator_new(&e, set, c, NULL) != RF_OK)
		abort();
	for (uint32_t i = 0; i < c->n_pods * c->n_pods; i++) {
		uint32_t src = i / (uint32_t)c->n_pods;
		uint32_t dst = i % (uint32_t)c->n_pods;
		struct evaluator_query q = { .protocol = FLOW_TCP, .port = 80 };

		q.src = (struct evaluator_end){ src, c->pods[src].ips[0] };
		q.dst = (struct evaluator_end){ dst, c->pods[dst].ips[0] };
		q.seen_src = q.src;
		evaluator_ask(e, &q, &have);
		naive_evaluator_ask(set, c, &q, &want);
		if (have.ingress.verdict != want.ingress.verdict ||
		    have.egress.verdict != want.egress.verdict ||
		    have.ingress.policy != want.ingress.policy)
			abort();
	}
	evaluator_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_reader *r;
	struct policy_set set;
	struct cluster *c;
	struct arena arena;
	struct strbuf sb;

	if (size > SELECTOR_MAX_BYTES)
		return 0;
	arena_init(&arena, 0);
	strbuf_init(&sb, 65536);
	put_policies(&sb, (const char *)data, size);
	if (policy_reader_new(&r, &arena, "default", NULL) != RF_OK)
		abort();
	if (policy_reader_text(r, NULL, strbuf_str(&sb), sb.len, NULL) ==
		RF_OK &&
	    policy_reader_finish(r, &set, NULL) == RF_OK) {
		c = naive_cluster_new(cluster_text);
		check_pairs(&set, c);
		cluster_free(c);
	}
	policy_reader_free(r);
	strbuf_release(&sb);
	arena_release(&arena);
	return 0;
}

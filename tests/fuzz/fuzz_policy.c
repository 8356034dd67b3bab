/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy: any text as NetworkPolicies. What the reader accepts must
 * compile, must be judged as the naive evaluator judges it, and must come
 * back the same when it is written.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/read.h"
#include "policy/write.h"
#include "tests/support/naive_evaluator.h"
#include "tests/support/naive_scene.h"

#define DOC_MAX_BYTES ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char cluster_text[] =
    "ns shop team=web\n"
    "node n1 10.9.0.1 cidr=10.0.0.0/24\n"
    "node n2 10.9.0.2 cidr=10.0.1.0/24\n"
    "pod shop/web n1 10.0.0.5,fd00::5 app=web http:8080/TCP\n"
    "pod shop/db n2 10.0.1.6 app=db sidecar:http:9090/TCP http:81/TCP\n"
    "pod default/db n2 10.0.1.5 app=db dns:53/UDP\n"
    "pod default/agent n2 10.9.0.2 host app=agent\n";

static const char *const queries[] = {
	"shop/web > shop/db TCP/80",
	"shop/web > default/db UDP/53",
	"default/db > shop/db TCP/9090",
	"default/agent > shop/web TCP/8080",
	"192.0.2.1 > default/db SCTP/1",
	"shop/web@fd00::5 > 2001:db8::1 TCP/443",
	"shop/web~10.9.0.1 > default/db TCP/65535",
	"default/db > - TCP/81",
};

static void
check_queries(const struct policy_set *set, const struct cluster *c)
{
	struct evaluator_answer have, want;
	struct evaluator_miss miss;
	struct evaluator_query q;
	struct evaluator *e;

	if (evaluator_new(&e, set, c, NULL) != RF_OK)
		abort();
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		q = naive_query(c, queries[i]);
		evaluator_ask(e, &q, &have);
		naive_evaluator_ask(set, c, &q, &want);
		if (have.allowed != want.allowed ||
		    have.egress.verdict != want.egress.verdict ||
		    have.ingress.verdict != want.ingress.verdict ||
		    have.egress.policy != want.egress.policy ||
		    have.ingress.rule != want.ingress.rule ||
		    have.egress.flags != want.egress.flags ||
		    have.ingress.flags != want.ingress.flags)
			abort();
		evaluator_nearest_miss(e, &q, POLICY_EGRESS, &miss);
		evaluator_nearest_miss(e, &q, POLICY_INGRESS, &miss);
	}
	evaluator_free(e);
}

/* All but what stands for a name yet to be made (generateName). */
static void
check_writing(const struct policy_set *set)
{
	struct strbuf out;

	for (size_t i = 0; i < set->n_policies; i++) {
		const struct policy *p = &set->policies[i];

		if (p->name[strlen(p->name) - 1] == '-')
			continue;
		strbuf_init(&out, DOC_MAX_BYTES);
		if (policy_write(&out, p, NULL) != RF_OK)
			abort();
		strbuf_release(&out);
	}
}

static void
check_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

/* Problems go to terminals, whatever the manifest held. */
static void
check_problems(const struct policy_reader *r)
{
	size_t n;
	const struct policy_problem *p = policy_reader_problems(r, &n);

	for (size_t i = 0; i < n; i++) {
		check_printable(p[i].detail);
		check_printable(p[i].field);
		check_printable(p[i].object);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_reader *r;
	struct policy_set set;
	struct cluster *c;
	struct arena arena;

	arena_init(&arena, 0);
	if (policy_reader_new(&r, &arena, "default", NULL) != RF_OK)
		abort();
	if (policy_reader_text(r, "f", (const char *)data, size, NULL) ==
		RF_OK &&
	    policy_reader_finish(r, &set, NULL) == RF_OK) {
		check_problems(r);
		c = naive_cluster_new(cluster_text);
		check_queries(&set, c);
		check_writing(&set);
		cluster_free(c);
	}
	policy_reader_free(r);
	arena_release(&arena);
	return 0;
}

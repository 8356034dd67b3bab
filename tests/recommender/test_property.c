/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties over random small clusters: nothing observed is dropped (the
 * proof fails otherwise), no pair of pods is allowed beyond what was observed
 * and DNS, each pod has one policy of its own, and the order in which objects
 * and flows arrive does not change a byte.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"
#include "policy/evaluator.h"
#include "policy/write.h"
#include "recommender/recommend.h"
#include "tests/support/world.h"

#define ROUNDS      300
#define WORKLOADS   10
#define PODS        24
#define NODES       3
#define FLOWS       40
#define PORTS       4
#define UNUSED_PORT 61999

/* A random cluster and its flows, before any order is given to them. */
struct spec {
	size_t n_workloads, n_pods, n_flows;
	struct {
		char ns[8], kind[16], name[16], labels[96];
		bool has_selector;
	} workloads[WORKLOADS];
	struct {
		size_t workload, node;
	} pods[PODS];
	struct {
		int src, dst, seen; /* pod; -1 - node; or FAR plus a number */
		uint16_t port;
		uint8_t protocol, outcome, certainty;
	} flows[FLOWS];
};
#define FAR 1000

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static size_t
pick(uint64_t *x, size_t n)
{
	return (size_t)(next(x) >> 20) % n;
}

static void
random_workloads(struct spec *s, uint64_t *x)
{
	static const char *const kinds[] = { "Deployment", "StatefulSet" };
	char more[64];

	s->n_workloads = 2 + pick(x, WORKLOADS - 1);
	for (size_t i = 0; i < s->n_workloads; i++) {
		(void)snprintf(s->workloads[i].ns, sizeof(s->workloads[i].ns),
		    "ns%zu", pick(x, 3));
		(void)snprintf(s->workloads[i].kind,
		    sizeof(s->workloads[i].kind), "%s", kinds[pick(x, 2)]);
		/* Names are unique, labels need not be. */
		(void)snprintf(s->workloads[i].name,
		    sizeof(s->workloads[i].name), "w%zu", i);
		more[0] = '\0';
		if (pick(x, 3) == 0)
			(void)snprintf(
			    more, sizeof(more), ",tier=%zu", pick(x, 2));
		if (pick(x, 5) == 0)
			s->workloads[i].labels[0] = '\0';
		else
			(void)snprintf(s->workloads[i].labels,
			    sizeof(s->workloads[i].labels), "app=a%zu%s",
			    pick(x, 5), more);
		s->workloads[i].has_selector =
		    s->workloads[i].labels[0] != '\0' && pick(x, 2) == 0;
	}
}

static void
random_flows(struct spec *s, uint64_t *x)
{
	static const uint16_t ports[PORTS] = { 80, 443, 5432, 9090 };

	s->n_flows = pick(x, FLOWS) + 1;
	for (size_t i = 0; i < s->n_flows; i++) {
		int src = (int)pick(x, s->n_pods),
		    dst = (int)pick(x, s->n_pods);

		s->flows[i].port = ports[pick(x, PORTS)];
		s->flows[i].protocol = pick(x, 4) == 0 ? FLOW_UDP : FLOW_TCP;
		s->flows[i].outcome =
		    (uint8_t)(pick(x, 3) == 0 ? pick(x, OUTCOME_COUNT) : 0);
		s->flows[i].certainty =
		    (uint8_t)(pick(x, 4) == 0 ? pick(x, CERTAINTY_COUNT) : 0);
		s->flows[i].seen = src;
		switch (pick(x, 8)) {
		case 0:
			src = FAR + (int)pick(x, 40);
			s->flows[i].seen = src;
			break;
		case 1:
			dst = FAR + (int)pick(x, 40);
			break;
		case 2:
			src = FAR + (int)pick(x, 40);
			s->flows[i].seen = -1 - (int)pick(x, NODES);
			break;
		case 3:
			src = -1 - (int)pick(x, NODES);
			s->flows[i].seen = src;
			break;
		case 4:
			dst = -1 - (int)pick(x, NODES);
			break;
		default:
			break;
		}
		s->flows[i].src = src;
		s->flows[i].dst = dst;
	}
}

static void
random_spec(struct spec *s, uint64_t seed)
{
	uint64_t x = seed * 2654435761u + 88172645463325252u;

	memset(s, 0, sizeof(*s));
	for (int i = 0; i < 8; i++)
		(void)next(&x);
	random_workloads(s, &x);
	s->n_pods = s->n_workloads + pick(&x, PODS - WORKLOADS);
	for (size_t i = 0; i < s->n_pods; i++) {
		s->pods[i].workload =
		    i < s->n_workloads ? i : pick(&x, s->n_workloads);
		s->pods[i].node = pick(&x, NODES);
	}
	random_flows(s, &x);
}

static void
shuffle(size_t *v, size_t n, uint64_t *x)
{
	for (size_t i = 0; i < n; i++)
		v[i] = i;
	for (size_t i = n; i > 1 && *x != 0; i--) {
		size_t j = pick(x, i), t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}

/* A spec as objects, in an order that order decides; 0: as written. */
struct built {
	struct world w;
	uint32_t nodes[NODES], pods[PODS];
};

static void
build_objects(struct built *b, const struct spec *s, uint64_t *order)
{
	size_t v[FLOWS];
	uint32_t workloads[WORKLOADS];
	char name[32], ip[32], cidr[32];

	shuffle(v, NODES, order);
	for (size_t i = 0; i < NODES; i++) {
		(void)snprintf(name, sizeof(name), "n%zu", v[i]);
		(void)snprintf(ip, sizeof(ip), "192.168.0.%zu", v[i] + 1);
		(void)snprintf(cidr, sizeof(cidr), "10.0.%zu.0/24", v[i]);
		b->nodes[v[i]] = world_node(&b->w, name, ip, cidr);
	}
	(void)world_dns(&b->w, "10.0.0.253", b->nodes[0]);
	shuffle(v, s->n_workloads, order);
	for (size_t i = 0; i < s->n_workloads; i++) {
		const char *labels = s->workloads[v[i]].labels;

		workloads[v[i]] = world_workload(&b->w, s->workloads[v[i]].ns,
		    s->workloads[v[i]].kind, s->workloads[v[i]].name,
		    s->workloads[v[i]].has_selector ? labels : NULL, labels);
	}
	shuffle(v, s->n_pods, order);
	for (size_t i = 0; i < s->n_pods; i++) {
		size_t k = v[i], x = s->pods[k].workload;

		(void)snprintf(name, sizeof(name), "p%zu", k);
		(void)snprintf(
		    ip, sizeof(ip), "10.0.%zu.%zu", s->pods[k].node, k + 10);
		b->pods[k] = world_pod(&b->w, workloads[x], name,
		    s->workloads[x].labels, ip, b->nodes[s->pods[k].node]);
	}
	world_finish(&b->w);
}

static uint32_t
endpoint_of(struct built *b, int end)
{
	char ip[32];

	if (end < 0)
		return world_at_node(&b->w, b->nodes[-1 - end], NULL);
	if (end < FAR)
		return world_at_pod(&b->w, b->pods[end]);
	(void)snprintf(ip, sizeof(ip), "203.0.113.%d", end - FAR);
	return world_at(&b->w, ENDPOINT_EXTERNAL, ip);
}

static void
build(struct built *b, const struct spec *s, uint64_t order)
{
	size_t v[FLOWS];

	world_init(&b->w);
	build_objects(b, s, &order);
	shuffle(v, s->n_flows, &order);
	for (size_t i = 0; i < s->n_flows; i++) {
		size_t k = v[i];
		uint32_t src = endpoint_of(b, s->flows[k].src);
		uint32_t dst = endpoint_of(b, s->flows[k].dst);
		uint32_t seen = s->flows[k].seen == s->flows[k].src
		    ? src
		    : endpoint_of(b, s->flows[k].seen);
		struct flow *f = world_flow(
		    &b->w, src, dst, s->flows[k].protocol, s->flows[k].port);

		f->seen_src = seen;
		f->outcome = s->flows[k].outcome;
		f->certainty = s->flows[k].certainty;
	}
}

/* Everything that a user gets, as text. */
static void
render(const struct recommendation *r, struct strbuf *sb)
{
	struct rf_error err;

	for (size_t i = 0; i < r->n_files; i++) {
		strbuf_add(sb, r->files[i].name, strlen(r->files[i].name));
		assert_int_equal(
		    policy_write(
			sb, &r->set.policies[r->files[i].policy], &err),
		    RF_OK);
	}
	for (size_t i = 0; i < r->n_notes; i++) {
		strbuf_add(sb, r->notes[i].reason, strlen(r->notes[i].reason));
		strbuf_add(sb, r->notes[i].text, strlen(r->notes[i].text));
		strbuf_add(sb, "\n", 1);
	}
}

static void
recommend_all(struct recommendation *out, struct built *b, struct arena *arena)
{
	struct recommend_options options = { .max_external = 4 };
	struct flow_set fs = world_flows(&b->w);
	struct rf_error err = { .msg = "" };

	arena_init(arena, 0);
	if (recommend(out, b->w.c, &fs, &options, arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

/* The one policy of the pod's workload. */
static uint32_t
own_policy(const struct evaluator *e, uint32_t pod)
{
	size_t n;
	const uint32_t *v = evaluator_isolating(e, pod, POLICY_EGRESS, &n);

	assert_int_equal(n, 3); /* its own, allow-dns, default-deny-all */
	return v[0];
}

/* Was a connection seen between pods of these two policies? */
static bool
was_observed(const struct built *b, const struct spec *s,
    const struct evaluator *e, const struct evaluator_query *q)
{
	uint32_t src = own_policy(e, q->src.pod),
		 dst = own_policy(e, q->dst.pod);

	for (size_t i = 0; i < s->n_flows; i++) {
		int a = s->flows[i].src, d = s->flows[i].dst;

		if (a >= 0 && a < FAR && d >= 0 && d < FAR &&
		    s->flows[i].port == q->port &&
		    s->flows[i].protocol == q->protocol &&
		    outcome_is_traffic(s->flows[i].outcome) &&
		    s->flows[i].certainty != CERTAINTY_GUESSED &&
		    own_policy(e, b->pods[a]) == src &&
		    own_policy(e, b->pods[d]) == dst)
			return true;
	}
	return false;
}

static void
check_pair(const struct built *b, const struct spec *s,
    const struct evaluator *e, uint32_t src, uint32_t dst)
{
	static const uint16_t ports[] = { 80, 443, 5432, 9090, UNUSED_PORT };
	static const uint8_t protocols[] = { FLOW_TCP, FLOW_UDP, FLOW_SCTP };
	const struct kube_pod *pods = b->w.c->pods;

	for (size_t i = 0; i < 15; i++) {
		struct evaluator_answer a;
		struct evaluator_query q = {
			.src = { src, pods[src].ips[0] },
			.dst = { dst, pods[dst].ips[0] },
			.seen_src = { src, pods[src].ips[0] },
			.port = ports[i % 5],
			.protocol = protocols[i / 5],
		};

		evaluator_ask(e, &q, &a);
		if (a.allowed && !was_observed(b, s, e, &q))
			fail_msg("%s to %s port %u is allowed, unobserved",
			    pods[src].name, pods[dst].name, (unsigned)q.port);
	}
}

static void
test_no_excess(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct recommendation out;
		struct evaluator *e;
		struct arena arena;
		struct spec s;
		struct built b;

		random_spec(&s, seed);
		build(&b, &s, 0);
		recommend_all(&out, &b, &arena);
		assert_int_equal(
		    evaluator_new(&e, &out.set, b.w.c, NULL), RF_OK);
		for (size_t i = 0; i < s.n_pods; i++)
			for (size_t k = 0; k < s.n_pods; k++)
				if (i != k)
					check_pair(
					    &b, &s, e, b.pods[i], b.pods[k]);
		assert_int_equal(out.proof.rules, out.proof.rules_needed);
		assert_int_equal(out.proof.n_beyond, 0);
		evaluator_free(e);
		arena_release(&arena);
		world_release(&b.w);
	}
}

static void
test_order_does_not_matter(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct strbuf text[2];
		struct spec s;

		random_spec(&s, seed);
		for (size_t i = 0; i < 2; i++) {
			struct recommendation out;
			struct arena arena;
			struct built b;

			build(&b, &s, i * (seed + 1));
			recommend_all(&out, &b, &arena);
			strbuf_init(&text[i], 1u << 22);
			render(&out, &text[i]);
			arena_release(&arena);
			world_release(&b.w);
		}
		assert_string_equal(text[0].s, text[1].s);
		strbuf_release(&text[0]);
		strbuf_release(&text[1]);
	}
}

/* The question that a flow of the spec puts; false: it must not give a rule. */
static bool
query_of(
    struct built *b, const struct spec *s, size_t i, struct evaluator_query *q)
{
	const struct flow *f = &b->w.flows[i];
	const struct endpoint *e = b->w.endpoints;

	(void)s;
	if (!outcome_is_traffic(f->outcome) ||
	    f->certainty == CERTAINTY_GUESSED)
		return false;
	*q = (struct evaluator_query){
		.src = { e[f->src].pod, e[f->src].ip },
		.dst = { e[f->dst].pod, e[f->dst].ip },
		.seen_src = { e[f->seen_src].pod, e[f->seen_src].ip },
		.port = f->port,
		.protocol = f->protocol,
	};
	return true;
}

/* How many of the spec's flows does this set drop? */
static size_t
count_dropped(struct built *b, const struct spec *s,
    const struct policy *policies, size_t n)
{
	struct policy_set set = { policies, n };
	struct evaluator_query q;
	struct evaluator_answer a;
	struct evaluator *e;
	size_t dropped = 0;

	assert_int_equal(evaluator_new(&e, &set, b->w.c, NULL), RF_OK);
	for (size_t i = 0; i < b->w.n_flows; i++) {
		if (!query_of(b, s, i, &q))
			continue;
		evaluator_ask(e, &q, &a);
		dropped += !a.allowed;
		q.seen_src = q.src; /* as its own node's policies see it */
		evaluator_ask(e, &q, &a);
		dropped += !a.allowed;
	}
	evaluator_free(e);
	return dropped;
}

static void
test_every_prefix_is_safe(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct recommendation out;
		struct arena arena;
		struct spec s;
		struct built b;

		random_spec(&s, seed);
		build(&b, &s, 0);
		recommend_all(&out, &b, &arena);
		for (size_t n = 0; n <= out.n_files; n++) {
			/* files stand in the set in rollout order */
			if (n < out.n_files)
				assert_int_equal(out.files[n].policy, n);
			assert_int_equal(
			    count_dropped(&b, &s, out.set.policies, n), 0);
		}
		arena_release(&arena);
		world_release(&b.w);
	}
}

/* Is every port of the rule DNS? Those rules are there whatever was seen, and
 * so are those for nodes that may be next (is_floor). */
static bool
is_dns_rule(const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++)
		if (rule->ports[i].port != 53)
			return false;
	return true;
}

/* Without the k-th rule of policy p something is dropped, if it is that one's
 * alone; several rules may stand for nodes that were not seen. */
static void
check_needed(struct built *b, const struct spec *s,
    const struct recommendation *out, size_t p, int d, size_t k)
{
	struct policy policies[WORKLOADS + 2 * 8];
	struct policy_rule rules[256];
	size_t n = out->set.policies[p].n_rules[d];

	assert_true(
	    out->set.n_policies <= sizeof(policies) / sizeof(*policies));
	assert_true(n <= 256);
	memcpy(policies, out->set.policies,
	    out->set.n_policies * sizeof(*policies));
	memcpy(rules, policies[p].rules[d], n * sizeof(*rules));
	memmove(&rules[k], &rules[k + 1], (n - k - 1) * sizeof(*rules));
	policies[p].rules[d] = rules;
	policies[p].n_rules[d] = n - 1;
	if (count_dropped(b, s, policies, out->set.n_policies) == 0)
		fail_msg("%s: %s rule %zu is redundant", policies[p].name,
		    policy_direction_name((enum policy_direction)d), k);
}

static void
test_no_rule_is_redundant(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS / 4; seed++) {
		struct recommendation out;
		struct arena arena;
		struct spec s;
		struct built b;

		random_spec(&s, seed);
		build(&b, &s, 0);
		recommend_all(&out, &b, &arena);
		for (size_t i = 0; i < out.n_files; i++)
			for (int d = 0; d < 2; d++) {
				const struct policy *p = &out.set.policies[i];

				for (size_t k = 0; k < p->n_rules[d]; k++)
					if (!is_dns_rule(&p->rules[d][k]) &&
					    !out.files[i]
						 .evidence[d][k]
						 .is_floor)
						check_needed(
						    &b, &s, &out, i, d, k);
			}
		arena_release(&arena);
		world_release(&b.w);
	}
}

/* What is left out with --incremental is allowed by what stays. */
static void
test_incremental(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS / 4; seed++) {
		struct recommend_options options = { .max_external = 4 };
		struct recommendation first, out;
		struct arena arena;
		struct policy_set kept;
		struct rf_error err;
		struct policy both[128], *old;
		struct spec s;
		struct built b;
		struct flow_set fs;
		size_t n = 0;

		random_spec(&s, seed);
		build(&b, &s, 0);
		recommend_all(&first, &b, &arena);
		old = arena_calloc(&arena, first.set.n_policies, sizeof(*old));
		assert_non_null(old);
		/* Every other one stays, under a name that is not ours. */
		for (size_t i = 0; i < first.set.n_policies; i += 2) {
			old[n] = first.set.policies[i];
			old[n++].name = "kept";
		}
		kept = (struct policy_set){ old, n };
		options.existing = &kept;
		options.incremental = true;
		fs = world_flows(&b.w);
		if (recommend(&out, b.w.c, &fs, &options, &arena, &err) !=
		    RF_OK)
			fail_msg("%s", err.msg);
		assert_true(n + out.set.n_policies <= 128);
		memcpy(both, old, n * sizeof(*both));
		memcpy(both + n, out.set.policies,
		    out.set.n_policies * sizeof(*both));
		assert_int_equal(
		    count_dropped(&b, &s, both, n + out.set.n_policies), 0);
		assert_true(out.proof.rules <= first.proof.rules);
		assert_int_equal(out.proof.rules, out.proof.rules_needed);
		arena_release(&arena);
		world_release(&b.w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_excess),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_every_prefix_is_safe),
		cmocka_unit_test(test_no_rule_is_redundant),
		cmocka_unit_test(test_incremental),
	};

	return cmocka_run_group_tests_name(
	    "recommend properties", tests, NULL, NULL);
}

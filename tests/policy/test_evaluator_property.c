/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator against the naive one on random policies, pods, nodes and
 * probes. The seed is printed; RINGFENCE_TEST_SEED repeats a run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/strbuf.h"
#include "policy/write.h"
#include "tests/support/naive_miss.h"
#include "tests/support/naive_scene.h"

#define WORLDS     400
#define PROBES     750 /* a world: 300,000 in all */
#define SCENE_MAX  ((size_t)1 << 20)
#define N_NS       4
#define N_NODES    3
#define N_PODS_MAX 90
#define HITS_MAX   64 /* more rules than a scene has in one direction */

static uint64_t random_state;

/* What the probes came to. */
struct tally {
	unsigned verdicts[4], flags[5];
};

/* xorshift64*: any seed gives the same run on every machine. */
static uint32_t
below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717u) >> 33) % n;
}

static bool
chance(uint32_t percent)
{
	return below(100) < percent;
}

static const char *
pick(const char *const *from, size_t n)
{
	return from[below((uint32_t)n)];
}

#define PICK(a) pick(a, sizeof(a) / sizeof((a)[0]))

static const char *const keys[] = { "app", "tier", "env" };
static const char *const values[] = { "a", "b", "c", "" };
static const char *const names[] = { "http", "http", "http", "dns" };
static const char *const protocols[] = { "TCP", "TCP", "TCP", "UDP", "SCTP" };
static const uint16_t ports[] = { 53, 80, 443, 8080, 8081 };

/* Few and near addresses, so that blocks and excepts do hit. */
static void
put_random_address(struct strbuf *sb)
{
	if (chance(20))
		strbuf_printf(sb, "fd00::%x:%x", below(4), below(6));
	else
		strbuf_printf(sb, "10.%u.%u.%u", below(3), below(4), below(6));
}

static void
put_labels(struct strbuf *sb)
{
	for (size_t i = 0; i < 3; i++)
		if (chance(60))
			strbuf_printf(sb, " %s=%s", keys[i], PICK(values));
}

static void
put_pod(struct strbuf *sb, unsigned i)
{
	bool host = chance(8);
	unsigned node = below(N_NODES + 1);

	strbuf_printf(sb, "pod ns%u/p%u ", below(N_NS), i);
	if (node == N_NODES)
		strbuf_puts(sb, "-");
	else
		strbuf_printf(sb, "n%u", node);
	if (host && node < N_NODES)
		strbuf_printf(sb, " 10.2.3.%u host", node);
	else
		strbuf_printf(sb, " 10.0.%u.%u,fd00::%x:%x", i / 50, i % 50 + 2,
		    i / 6 % 4, i % 6);
	put_labels(sb);
	for (unsigned n = below(5); n > 0; n--)
		strbuf_printf(sb, " %s%s:%u/%s",
		    chance(15)       ? "init:"
			: chance(20) ? "sidecar:"
				     : "",
		    PICK(names), ports[below(5)], PICK(protocols));
	strbuf_putc(sb, '\n');
}

static void
put_cluster(struct strbuf *sb)
{
	unsigned n = 5 + below(N_PODS_MAX - 5);

	for (unsigned i = 0; i < N_NS; i++) {
		if (chance(20))
			continue; /* assumed from its pods */
		strbuf_printf(sb, "ns ns%u", i);
		put_labels(sb);
		strbuf_putc(sb, '\n');
	}
	for (unsigned i = 0; i < N_NODES; i++)
		strbuf_printf(
		    sb, "node n%u 10.2.3.%u cidr=10.0.%u.0/24\n", i, i, i);
	for (unsigned i = 0; i < n; i++)
		put_pod(sb, i);
}

/* Now and then so many that they are not compared one by one. */
static void
put_values(struct strbuf *sb)
{
	strbuf_printf(sb, "\"%s\"", PICK(values));
	for (unsigned n = chance(20) ? 12 : 0; n > 0; n--)
		strbuf_printf(sb, ", \"x%u\"", below(9));
	strbuf_printf(sb, ", \"%s\"", PICK(values));
}

static void
put_selector(struct strbuf *sb)
{
	static const char *const set_ops[] = { "In", "NotIn" };
	static const char *const key_ops[] = { "Exists", "DoesNotExist" };

	if (chance(20)) {
		strbuf_puts(sb, "{}");
		return;
	}
	strbuf_puts(sb, "{matchLabels: {");
	if (chance(60))
		strbuf_printf(sb, "app: \"%s\", ", PICK(values));
	if (chance(20))
		strbuf_printf(
		    sb, "%s: \"%s\"", keys[1 + below(2)], PICK(values));
	strbuf_puts(sb, "}, matchExpressions: [");
	for (unsigned n = chance(40) ? 1 + below(2) : 0; n > 0; n--) {
		strbuf_printf(sb, "{key: %s, ", PICK(keys));
		if (chance(60)) {
			strbuf_printf(
			    sb, "operator: %s, values: [", PICK(set_ops));
			put_values(sb);
			strbuf_puts(sb, "]},");
		} else {
			strbuf_printf(sb, "operator: %s},", PICK(key_ops));
		}
	}
	strbuf_puts(sb, "]}");
}

static void
put_namespace_selector(struct strbuf *sb)
{
	if (chance(40))
		strbuf_printf(sb,
		    "{matchLabels: {kubernetes.io/metadata.name: ns%u}}",
		    below(N_NS));
	else
		put_selector(sb);
}

/* except one to eight bits longer and with the same start is a subset. */
static void
put_block(struct strbuf *sb)
{
	static const struct {
		const char *cidr, *except;
	} blocks[] = {
		{ "0.0.0.0/0", "10.0.0.0/8" },
		{ "0.0.0.0/0",
		    "10.0.1.4/32\", \"10.0.0.0/24\", "
		    "\"10.0.1.4/30\", \"10.2.0.0/15" },
		{ "10.0.0.0/8", "10.1.0.0/16" },
		{ "10.0.0.0/16", "10.0.1.0/29\", \"10.0.0.4/30" },
		{ "10.1.2.0/24", "10.1.2.4/32" },
		{ "10.1.2.3/31", "10.1.2.3/32" },
		{ "10.2.3.0/30", "10.2.3.1/32" },
		{ "::/0", "fd00::/16" },
		{ "fd00::/64", "fd00::1:0/112" },
		{ "fd00::2:0/112", "fd00::2:2/128" },
		{ "fd00::3:3/128", NULL },
	};
	unsigned i = below(11);

	strbuf_printf(sb, "{ipBlock: {cidr: \"%s\"", blocks[i].cidr);
	if (blocks[i].except != NULL && chance(50))
		strbuf_printf(sb, ", except: [\"%s\"]", blocks[i].except);
	strbuf_puts(sb, "}}");
}

static void
put_peer(struct strbuf *sb)
{
	unsigned kind = below(4);

	if (kind == 0) {
		put_block(sb);
		return;
	}
	strbuf_puts(sb, "{");
	if (kind != 1) {
		strbuf_puts(sb, "namespaceSelector: ");
		put_namespace_selector(sb);
	}
	if (kind == 2)
		strbuf_puts(sb, ", ");
	if (kind != 3) {
		strbuf_puts(sb, "podSelector: ");
		put_selector(sb);
	}
	strbuf_puts(sb, "}");
}

static void
put_port(struct strbuf *sb)
{
	unsigned kind = below(5), port = ports[below(5)];

	strbuf_puts(sb, "{");
	if (chance(60))
		strbuf_printf(sb, "protocol: %s, ", PICK(protocols));
	if (kind == 1)
		strbuf_printf(sb, "port: %u", port);
	else if (kind == 2 || kind == 4)
		strbuf_printf(sb, "port: %s", PICK(names));
	else if (kind == 3)
		strbuf_printf(
		    sb, "port: %u, endPort: %u", port, port + below(400));
	strbuf_puts(sb, "}");
}

static void
put_rules(struct strbuf *sb, const char *direction, const char *peers)
{
	unsigned n = below(4);

	strbuf_printf(sb, "  %s: [", direction);
	for (unsigned i = 0; i < n; i++) {
		strbuf_printf(sb, "{%s: [", peers);
		for (unsigned k = below(4); k > 0; k--) {
			put_peer(sb);
			strbuf_puts(sb, ", ");
		}
		strbuf_puts(sb, "], ports: [");
		for (unsigned k = chance(30) ? 0 : 1 + below(2); k > 0; k--) {
			put_port(sb);
			strbuf_puts(sb, ", ");
		}
		strbuf_puts(sb, "]}, ");
	}
	strbuf_puts(sb, "]\n");
}

static void
put_policies(struct strbuf *sb)
{
	static const char *const types[] = { "[]", "[Ingress]", "[Egress]",
		"[Ingress, Egress]" };
	unsigned n = 1 + below(12);

	for (unsigned i = 0; i < n; i++) {
		strbuf_printf(sb,
		    "---\napiVersion: networking.k8s.io/v1\n"
		    "kind: NetworkPolicy\n"
		    "metadata: {name: p%u, namespace: ns%u}\nspec:\n"
		    "  podSelector: ",
		    i, below(N_NS + 1));
		put_selector(sb);
		strbuf_printf(sb, "\n  policyTypes: %s\n", PICK(types));
		put_rules(sb, "ingress", "from");
		put_rules(sb, "egress", "to");
	}
}

static struct evaluator_end
random_end(const struct cluster *c)
{
	struct evaluator_end end = { .pod = FLOW_NONE };
	struct strbuf sb;

	if (chance(80)) {
		const struct kube_pod *pod;

		end.pod = below((uint32_t)c->n_pods);
		pod = &c->pods[end.pod];
		if (!chance(5))
			end.ip = pod->ips[below((uint32_t)pod->n_ips)];
		return end;
	}
	if (chance(10))
		return end;
	strbuf_init(&sb, 64);
	put_random_address(&sb);
	end.ip = naive_ip(strbuf_str(&sb));
	strbuf_release(&sb);
	return end;
}

static struct evaluator_query
random_query(const struct cluster *c)
{
	static const uint8_t numbers[] = { 6, 17, 132, 1 };
	struct evaluator_query q = { .src = random_end(c),
		.dst = random_end(c),
		.protocol = numbers[below(20) == 0 ? 3 : below(3)],
		.port = (uint16_t)(ports[below(5)] + (chance(10) ? 1 : 0)) };

	if (chance(10))
		q.dst = q.src;
	if (q.dst.pod != FLOW_NONE && chance(40)) {
		const struct kube_pod *dst = &c->pods[q.dst.pod];

		if (dst->n_ports > 0) {
			q.port = dst->ports[0].port;
			q.protocol = dst->ports[0].protocol;
		}
	}
	q.seen_src = q.src;
	if (chance(10)) {
		q.seen_src = (struct evaluator_end){ .pod = FLOW_NONE };
		q.seen_src.ip = c->nodes[below(N_NODES)].addrs[0];
	}
	return q;
}

static bool
sides_equal(const struct evaluator_side *a, const struct evaluator_side *b)
{
	return a->verdict == b->verdict && a->flags == b->flags &&
	    a->policy == b->policy && a->rule == b->rule;
}

/* Of one side: is each rule that allows it told, in order, and no other? */
static void
check_hits(const struct naive_scene *s, const struct evaluator_query *q,
    enum policy_direction d, const struct evaluator_hits *hits)
{
	uint32_t pod = d == POLICY_INGRESS ? q->dst.pod : q->src.pod;
	size_t n, k = 0;
	const uint32_t *v = evaluator_isolating(s->evaluator, pod, d, &n);

	for (size_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < s->set.policies[v[i]].n_rules[d];
		     r++) {
			if (!naive_evaluator_rule_allows(
				&s->set, s->cluster, v[i], d, r, q))
				continue;
			assert_true(k < hits->n);
			assert_int_equal(hits->v[k].policy, v[i]);
			assert_int_equal(hits->v[k++].rule, r);
		}
	assert_int_equal(k, hits->n);
}

static void
check_all(const struct naive_scene *s, const struct evaluator_query *q,
    const struct evaluator_answer *a)
{
	struct evaluator_rule rules[HITS_MAX];
	struct evaluator_hits hits = { rules, 0 };
	struct evaluator_side side;

	for (int i = 0; i < 2; i++) {
		enum policy_direction d = (enum policy_direction)i;

		evaluator_ask_side(s->evaluator, q, d, &side, &hits);
		assert_true(sides_equal(
		    &side, d == POLICY_INGRESS ? &a->ingress : &a->egress));
		check_hits(s, q, d, &hits);
		evaluator_ask_side(s->evaluator, q, d, &side, NULL);
		assert_true(sides_equal(
		    &side, d == POLICY_INGRESS ? &a->ingress : &a->egress));
	}
}

/* Does every rule allow what the naive one says, and is the nearest miss of
 * each denied side what trying everything finds? */
static void
check_rules(const struct naive_scene *s, const struct evaluator_query *q,
    const struct evaluator_answer *a)
{
	uint32_t p = below((uint32_t)s->set.n_policies);
	struct evaluator_miss miss, nearest;

	check_all(s, q, a);
	for (unsigned d = 0; d < 2; d++) {
		const struct evaluator_side *side =
		    d == POLICY_INGRESS ? &a->ingress : &a->egress;

		for (uint32_t i = 0; i < s->set.policies[p].n_rules[d]; i++)
			assert_int_equal(
			    evaluator_rule_allows(s->evaluator, p, d, i, q),
			    naive_evaluator_rule_allows(
				&s->set, s->cluster, p, d, i, q));
		evaluator_nearest_miss(s->evaluator, q, d, &miss);
		assert_int_not_equal(miss.text[0], '\0');
		if (side->verdict != EVAL_DENY) {
			assert_int_equal(miss.policy, FLOW_NONE);
			continue;
		}
		naive_nearest_miss(&s->set, s->cluster, q, d, &nearest);
		assert_int_equal(miss.policy, nearest.policy);
		assert_int_equal(miss.rule, nearest.rule);
		assert_int_equal(miss.lacks, nearest.lacks);
	}
}

static void
check_probe(const struct naive_scene *s, const struct evaluator_query *q,
    struct tally *seen)
{
	struct evaluator_answer have, want;

	evaluator_ask(s->evaluator, q, &have);
	naive_evaluator_ask(&s->set, s->cluster, q, &want);
	if (!sides_equal(&have.egress, &want.egress) ||
	    !sides_equal(&have.ingress, &want.ingress) ||
	    have.allowed != want.allowed) {
		char a[128], b[128];

		print_error("egress: %s, naive: %s\n",
		    naive_side_text(s, &have.egress, a, sizeof(a)),
		    naive_side_text(s, &want.egress, b, sizeof(b)));
		print_error("ingress: %s, naive: %s\n",
		    naive_side_text(s, &have.ingress, a, sizeof(a)),
		    naive_side_text(s, &want.ingress, b, sizeof(b)));
		fail_msg("pod %u to pod %u, protocol %u port %u", q->src.pod,
		    q->dst.pod, q->protocol, q->port);
	}
	seen->verdicts[have.ingress.verdict]++;
	for (unsigned i = 0; i < 5; i++)
		seen->flags[i] +=
		    ((have.ingress.flags | have.egress.flags) >> i & 1);
	if (chance(5))
		check_rules(s, q, &have);
}

/* What is written means the same: it reads back equal, or policy_write
 * itself fails. */
static void
check_written(const struct naive_scene *s)
{
	struct strbuf out;
	struct rf_error err;

	strbuf_init(&out, SCENE_MAX);
	for (size_t i = 0; i < s->set.n_policies; i++)
		if (policy_write(&out, &s->set.policies[i], &err) != RF_OK)
			fail_msg("%s", err.msg);
	strbuf_release(&out);
}

static void
check_world(struct tally *seen)
{
	struct strbuf cluster, policies;
	struct naive_scene s;

	strbuf_init(&cluster, SCENE_MAX);
	strbuf_init(&policies, SCENE_MAX);
	put_cluster(&cluster);
	put_policies(&policies);
	naive_scene_open(&s, strbuf_str(&cluster), strbuf_str(&policies));
	for (unsigned i = 0; i < PROBES; i++) {
		struct evaluator_query q = random_query(s.cluster);

		check_probe(&s, &q, seen);
	}
	check_written(&s);
	naive_scene_close(&s);
	strbuf_release(&policies);
	strbuf_release(&cluster);
}

/* 68, 69 and everything below them. */
static void
test_random_worlds(void **state)
{
	const char *fixed = getenv("RINGFENCE_TEST_SEED");
	uint64_t seed =
	    fixed != NULL ? strtoull(fixed, NULL, 0) : (uint64_t)time(NULL);
	struct tally seen = { 0 };

	(void)state;
	print_message("RINGFENCE_TEST_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	for (unsigned i = 0; i < WORLDS; i++)
		check_world(&seen);
	print_message("ingress: %u allowed, %u denied, %u not isolated, "
		      "%u not subject\n",
	    seen.verdicts[0], seen.verdicts[1], seen.verdicts[2],
	    seen.verdicts[3]);
	print_message("flags: %u self, %u node-local, %u block-on-pod, "
		      "%u ambiguous, %u sidecar\n",
	    seen.flags[0], seen.flags[1], seen.flags[2], seen.flags[3],
	    seen.flags[4]);
	/* A test whose probes all end alike would prove nothing. */
	for (unsigned i = 0; i < 4; i++)
		assert_true(seen.verdicts[i] > WORLDS * PROBES / 50);
	for (unsigned i = 0; i < 5; i++)
		assert_true(seen.flags[i] > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_worlds),
	};

	return cmocka_run_group_tests_name(
	    "evaluator property", tests, NULL, NULL);
}

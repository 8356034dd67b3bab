/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiled: a policy set made ready for questions about one cluster.
 *
 * Private to policy/. Pods that no selector of the set can tell apart (same
 * namespace, same values of all keys that selectors name) are one group; groups
 * are numbered so that those of one namespace are neighbours. A selector
 * becomes the set of groups it matches, all ipBlocks of a rule together become
 * ranges of addresses: asking costs the logarithm of what a rule lists, and
 * memory what it says. hostNetwork pods are in no group: no
 * selector sees them (SEMANTICS 6b).
 */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include "core/arena.h"
#include "policy/evaluator.h"

/* A set of groups, in whichever form is smaller: first FLOW_NONE, and a list
 * of n; or the bits of the words first to first + n - 1. */
struct group_set {
	union {
		const uint32_t *list; /* ascending */
		const uint64_t *words;
	} in;
	uint32_t first, n;
};

/* An address as a number, of the form that core/ip.h has for both families. */
__extension__ typedef unsigned __int128 ip_number;

struct compiled_ip {
	ip_number number;
	bool is_v4;
	bool is_none; /* not known which address (core/flow.h) */
};

/* The addresses of one family from first to last. */
struct ip_range {
	ip_number first, last;
};

/* What the ipBlocks of a rule let in together: disjoint ranges, ascending;
 * those of IPv4, then those of IPv6. */
struct range_set {
	const struct ip_range *v;
	uint32_t n_v4, n;
};

/* What tells that a peer is no nearer miss without looking at it. */
struct compiled_peer {
	uint32_t ns;    /* the one namespace that it can match, PEER_IS_BLOCK,
			 * or FLOW_NONE: ask it */
	uint32_t label; /* number of the one label that it wants of a pod,
			 * LABEL_OF_NOBODY, or FLOW_NONE: ask it */
	bool selects_ns;
};
#define PEER_IS_BLOCK   (FLOW_NONE - 1)
#define LABEL_OF_NOBODY (FLOW_NONE - 1)

/* The ports of a rule when they are one number or range, as mostly: side by
 * side, so that rules that do not match are left without looking at them. */
struct compiled_ports {
	uint16_t first, last;
	uint8_t protocol; /* 0: ask the rule's ports */
};

struct compiled_rule {
	bool any_peer;         /* it names none */
	struct group_set pods; /* of all its selector peers */
	struct range_set blocks;
	const struct policy_rule *source;
	const struct compiled_peer *peers; /* beside source's */
};

struct compiled_policy {
	struct group_set subjects; /* what its podSelector matches */
	const struct compiled_rule *rules[2];
	const struct compiled_ports *ports[2]; /* beside rules */
	uint32_t n_rules[2];                   /* 0 where it does not isolate */
};

/* For each group, the policies that isolate it: those of group g stand from
 * policies[start[g]] to before policies[start[g + 1]]. */
struct compiled_isolation {
	uint32_t *start;
	uint32_t *policies;
};

struct evaluator {
	struct arena arena;
	const struct policy_set *set;
	const struct cluster *cluster;
	uint32_t *group_of_pod;         /* FLOW_NONE: hostNetwork */
	struct label_set *group_labels; /* those that selectors can see */
	uint32_t *ns_start; /* first group of each namespace, and the end */
	uint32_t *group_ns; /* by group: its namespace */
	uint32_t n_groups;
	/* Numbers of the labels of group g: from label_start[g] on. */
	uint32_t *label_start, *label_ids;
	struct compiled_policy *policies;
	struct compiled_isolation isolation[2];
};

/* One end, as rules look at it. */
struct compiled_end {
	const struct evaluator_end *end;
	uint32_t group; /* FLOW_NONE: not a pod that selectors see */
	struct compiled_ip ip;
};

/* One direction of a query: who is asked, and whom the rules look at. */
struct compiled_side {
	enum policy_direction direction;
	uint32_t subject; /* pod, or FLOW_NONE when not subject */
	struct compiled_end other;
	const struct kube_pod *dst; /* that port names are looked up on */
	uint16_t port;
	uint8_t protocol;
};

static inline bool
group_set_has(const struct group_set *s, uint32_t group)
{
	uint32_t word = group / 64 - s->first, low = 0, n = s->n;

	if (s->first != FLOW_NONE)
		return word < n && (s->in.words[word] >> group % 64 & 1) != 0;
	while (n > 1) {
		uint32_t half = n / 2;

		low = s->in.list[low + half] <= group ? low + half : low;
		n -= half;
	}
	return n == 1 && s->in.list[low] == group;
}

/* A set that is being put together; any number of times, one at a time. */
struct group_scratch {
	uint64_t *bits;   /* over all groups */
	uint32_t *groups; /* those whose bit is set, as they came */
	uint32_t n;
};

bool group_scratch_init(
    struct group_scratch *s, struct arena *arena, uint32_t n_groups);
void group_scratch_add(struct group_scratch *s, uint32_t group);
/* Add all of from to to, and empty it. */
void group_scratch_move(struct group_scratch *from, struct group_scratch *to);
/* Move what was added into out, which lives in arena. */
bool group_scratch_take(
    struct group_scratch *s, struct arena *arena, struct group_set *out);

/* Call each for every group of the set, ascending. */
void group_set_each(const struct group_set *s,
    void (*each)(void *ctx, uint32_t group), void *ctx);

/* Does the group carry the label with this number? */
static inline bool
group_has_label(const struct evaluator *e, uint32_t group, uint32_t label)
{
	for (uint32_t i = e->label_start[group]; i < e->label_start[group + 1];
	     i++)
		if (e->label_ids[i] == label)
			return true;
	return false;
}

/* The ipBlocks among a rule's peers (35): inside cidr and in none of except. */
bool range_set_make(
    struct range_set *out, struct arena *arena, const struct policy_rule *rule);
bool range_set_has(const struct range_set *s, const struct compiled_ip *ip);

/* How many peers all rules of a set name. */
size_t compiled_peers(const struct policy_set *set);

/* Fill group_of_pod, group_labels, group_ns, ns_start and n_groups. */
enum rf_status compiled_make_groups(struct evaluator *e);

struct compiled_ip compiled_ip_of(const struct ip_addr *a);

/* The query as seen from one side. */
void compiled_side_of(const struct evaluator *e,
    const struct evaluator_query *q, enum policy_direction d,
    struct compiled_side *out);

/* Is the other end one of the rule's peers? *flags receives what it hangs on:
 * EVAL_BLOCK_ON_POD. */
bool compiled_peers_match(const struct compiled_rule *r,
    const struct compiled_end *other, unsigned *flags);

/* Is that side denied? */
bool compiled_denies(const struct evaluator *e, const struct evaluator_query *q,
    enum policy_direction d);

/* Does one entry of ports match (40 to 46)? *flags receives what it hangs
 * on: EVAL_NAME_AMBIGUOUS, EVAL_NAME_SIDECAR. */
bool compiled_port_matches(const struct policy_port *p,
    const struct compiled_side *side, unsigned *flags);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiled: a policy set made ready for questions about one cluster.
 *
 * Private to policy/. Pods that no selector of the set can tell apart (same
 * namespace, same values of all keys that selectors name) are one group; groups
 * are numbered so that those of one namespace are neighbours. A selector
 * becomes the set of groups it matches. hostNetwork pods are in no group: no
 * selector sees them (SEMANTICS 6b).
 */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include "core/arena.h"
#include "policy/evaluator.h"

/* A set of groups: bits of the words first to first + n - 1. */
struct group_set {
	const uint64_t *words;
	uint32_t first, n;
};

/* An address or a prefix as two numbers, to compare in two steps. */
struct compiled_ip {
	uint64_t hi, lo;
	bool is_v4;
	bool is_none; /* not known which address (core/flow.h) */
};

struct compiled_prefix {
	uint64_t hi, lo, mask_hi, mask_lo;
	bool is_v4;
};

struct compiled_block {
	struct compiled_prefix cidr;
	const struct compiled_prefix *except;
	uint32_t n_except;
};

struct compiled_rule {
	const struct policy_rule *source;
	/* Its ports when they are one number or range, as mostly: what does
	 * not match is then left without looking any further. */
	uint16_t first_port, last_port;
	uint8_t port_protocol;   /* 0: ask its ports */
	struct group_set pods;   /* of all its selector peers */
	const uint32_t *peer_ns; /* by peer: the one namespace that it can
				  * match, or FLOW_NONE: ask it */
	const struct compiled_block *blocks;
	uint32_t n_blocks;
};

struct compiled_policy {
	struct group_set subjects; /* what its podSelector matches */
	const struct compiled_rule *rules[2];
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
	uint32_t n_groups;
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
	uint32_t word = group / 64 - s->first;

	return word < s->n && (s->words[word] >> group % 64 & 1) != 0;
}

static inline bool
compiled_prefix_has(
    const struct compiled_prefix *p, const struct compiled_ip *ip)
{
	return ((ip->hi ^ p->hi) & p->mask_hi) == 0 &&
	    ((ip->lo ^ p->lo) & p->mask_lo) == 0 && ip->is_v4 == p->is_v4 &&
	    !ip->is_none;
}

/* Fill group_of_pod, group_labels, ns_start and n_groups. */
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

/* 35: inside cidr and in none of except. */
bool compiled_block_has(
    const struct compiled_block *b, const struct compiled_ip *ip);

/* Does one entry of ports match (40 to 46)? *flags receives what it hangs
 * on: EVAL_NAME_AMBIGUOUS, EVAL_NAME_SIDECAR. */
bool compiled_port_matches(const struct policy_port *p,
    const struct compiled_side *side, unsigned *flags);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: connections that nobody made yet, put to the evaluator.
 *
 * An end is a pod with one of its addresses, or an address that is no pod's
 * now. A finished or deleted pod owns no address (SEMANTICS 2, 3); a
 * hostNetwork pod is its node (6b).
 */
#ifndef REPORT_CHECK_H
#define REPORT_CHECK_H

#include "core/arena.h"
#include "core/error.h"
#include "core/strbuf.h"
#include "kube/cluster.h"
#include "policy/evaluator.h"

enum check_kind {
	CHECK_OUTSIDE,  /* in no range of the cluster */
	CHECK_POD,      /* a pod that policies see */
	CHECK_HOST_POD, /* a hostNetwork pod, given by name */
	CHECK_GONE_POD, /* a finished or deleted pod, given by name */
	CHECK_NODE,     /* an address of a node */
	CHECK_SERVICE,  /* a Service's own address, not translated */
	CHECK_RANGE     /* in a range of the cluster, held by nobody */
};

struct check_end {
	struct evaluator_end end;
	enum check_kind kind;
	uint32_t index; /* pod, node or Service by kind, else FLOW_NONE */
	uint16_t port;  /* destinations: the port on it; else 0 */
};

/* What the words and verdicts are about; borrowed. */
struct check_scene {
	const struct cluster *cluster;
	const struct policy_set *set;
	const struct evaluator *evaluator;
};

/* From any of src to any of dst. */
struct check_ask {
	const struct check_end *src, *dst;
	size_t n_src, n_dst;
	uint8_t protocol;
};

/* Connections that came to the same answer. */
struct check_group {
	struct check_end src, dst; /* one of them */
	struct evaluator_query query;
	struct evaluator_answer answer;
	size_t n;
};

struct check_result {
	const struct check_group *groups; /* denied before allowed, then the
					   * bigger first */
	size_t n_groups;
	size_t n, n_denied;  /* connections */
	bool mixed_families; /* the ends have no address family in common */
};

/* Who holds the address now? */
struct check_end check_end_of_ip(
    const struct cluster *c, const struct ip_addr *ip);

/* A pod with that address, whether it is one of its own or not. */
struct check_end check_end_of_pod(
    const struct cluster *c, uint32_t pod, const struct ip_addr *ip);

/* Does it hold its addresses: not finished, not deleted? */
bool check_pod_lives(const struct kube_pod *p);

/* Make the query of src and dst. To a pod, a loopback address is itself (49):
 * dst is then put right. */
void check_connect(
    struct check_group *g, const struct cluster *c, uint8_t protocol);

/*
 * Ask for each pair of ends of one address family, or for each pair when no
 * two are of one. Everything in *out lives in arena.
 */
RF_MUST_USE enum rf_status check_run(struct check_result *out,
    const struct check_scene *scene, const struct check_ask *ask,
    struct arena *arena, struct rf_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * naive_scene: a cluster, policies and questions as text, for policy tests.
 *
 * Whatever a scene is opened from must be right; a mistake aborts.
 */
#ifndef TESTS_SUPPORT_NAIVE_SCENE_H
#define TESTS_SUPPORT_NAIVE_SCENE_H

#include "policy/evaluator.h"
#include "tests/support/naive_cluster.h"

struct naive_scene {
	struct arena arena;
	struct cluster *cluster;
	struct policy_set set;
	struct evaluator *evaluator;
};

/* A question as text: "src > dst PROTOCOL/PORT". An end is NS/POD (with its
 * first address), NS/POD@ADDRESS, NS/POD@- (address not known), ADDRESS, or
 * "-" (nothing known). "src~seen > dst ..." gives the source as dst sees it.
 */
struct evaluator_query naive_query(const struct cluster *c, const char *text);

void naive_scene_open(
    struct naive_scene *s, const char *cluster, const char *policies);
void naive_scene_close(struct naive_scene *s);

/* One side in words: "allow POLICY/RULE", "deny", "not-isolated" or
 * "not-subject", then its flags: "self", "node-local", "block-on-pod",
 * "ambiguous", "sidecar". */
const char *naive_side_text(const struct naive_scene *s,
    const struct evaluator_side *side, char *buf, size_t size);

#endif

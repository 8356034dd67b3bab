/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_scene: one small world with a flow of every kind that an audit tells
 * apart, and policies for it; or another world that a test has built.
 */
#ifndef TESTS_SUPPORT_AUDIT_SCENE_H
#define TESTS_SUPPORT_AUDIT_SCENE_H

#include "report/audit.h"
#include "tests/support/world.h"

/* The flows of that world, one an edge, but for the two of DB. */
enum {
	API,
	DB,
	PROBE,
	NODES,
	OUT,
	STRANGER,
	HAIRPIN,
	REFUSED,
	GUESSED,
	SEVERAL,
	SELF,
	N_EDGES
};

struct audit_scene {
	struct world w;
	struct arena arena;
	struct flow_set flows;
	struct view view;
	const struct policy_set *set; /* that was audited last */
	/* Of the world with every kind: the edge of each flow, as an index into
	 * view. */
	size_t at[N_EDGES];
};

/* A cmocka fixture: the world with every kind, viewed. */
int audit_scene_setup(void **state);
int audit_scene_teardown(void **state);

/* See the flows of s->w, which is finished; the rest of s is zero. */
void audit_scene_view(struct audit_scene *s);
/* The same again of these flows, in s->arena, of the same world. */
void audit_scene_view_flows(struct audit_scene *s, struct flow_set flows);
void audit_scene_release(struct audit_scene *s);

/* What these policies, of the namespace shop where they name none, say of what
 * was seen. */
void audit_scene_run(
    struct audit_scene *s, const char *yaml, struct audit *out);

#define HEAD                                                                   \
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"         \
	"metadata: {name: "
#define DENY_ALL                                                               \
	HEAD "deny-all}\nspec: {podSelector: {}, "                             \
	     "policyTypes: [Ingress, Egress]}\n"
/* All egress, so that the ingress side decides. */
#define OPEN_EGRESS                                                            \
	HEAD "open}\nspec: {podSelector: {}, policyTypes: [Egress], "          \
	     "egress: [{}]}\n"
#define ONLY_SHARD_A                                                           \
	HEAD "db}\nspec: {podSelector: {matchLabels: {shard: b}}, "            \
	     "ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]"   \
	     "}\n"
#define CANARY                                                                 \
	HEAD "canary}\nspec: {podSelector: {matchLabels: {canary: 'yes'}}}\n"
#define API_SELF                                                               \
	HEAD "api}\nspec: {podSelector: {matchLabels: {app: api}}, "           \
	     "policyTypes: [Ingress, Egress], "                                \
	     "ingress: [{from: [{podSelector: {}}, "                           \
	     "{ipBlock: {cidr: 10.0.0.2/32}}]}], "                             \
	     "egress: [{to: [{podSelector: {}}]}]}\n"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_case: a small cluster, what is recommended for it, and what to expect
 * of one of its policies (as world_rules writes it) and of the notes.
 */
#ifndef TESTS_SUPPORT_WORLD_CASE_H
#define TESTS_SUPPORT_WORLD_CASE_H

#include "recommender/recommend.h"
#include "tests/support/world.h"

#define DNS "ns:kube-system/k8s-app=kube-dns @TCP/53,UDP/53"

struct world_case {
	const char *name;
	void (*build)(struct world *w);
	const char *namespace; /* in scope */
	const char *policy;    /* the one to look at; NULL: there is none */
	const char *want;      /* its rules */
	const char *note;      /* reason of a note that must be there */
	enum recommend_note_kind kind;
	bool no_note; /* it must not be there */
	struct recommend_options options;
};

/* clang-format off */
#define SHOP(title, fn, pol, rules) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = (pol), .want = (rules) }
#define LEFT_OUT(title, fn, why) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = "web", .want = "app=web in eg", .note = (why), \
	  .kind = NOTE_EXCLUDED }
#define DECIDE(title, fn, why) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = "web", .want = "app=web in eg", .note = (why), \
	  .kind = NOTE_DECISION }
#define REMARK(title, fn, pol, rules, why) \
	{ .name = (title), .build = (fn), .namespace = "shop", \
	  .policy = (pol), .want = (rules), .note = (why), \
	  .kind = NOTE_REMARK }
/* clang-format on */

/* What most tests need: two nodes, DNS, an API server, web and db in shop. */
struct world_base {
	uint32_t n1, n2, web, db;
};

struct world_base world_base(struct world *w);

/* A TCP flow between two pods; from a pod to an address outside. */
struct flow *world_connect(
    struct world *w, uint32_t src, uint32_t dst, uint16_t port);
struct flow *world_call_out(
    struct world *w, uint32_t pod, const char *ip, uint16_t port);

/* The policy of that name, or NULL. */
const struct policy *world_find(
    const struct recommendation *r, const char *name);

/* A cmocka test whose initial state is a struct world_case. */
void world_case_run(void **state);

#endif

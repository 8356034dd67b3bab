/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: do two policies mean the same, however they are written?
 *
 * A policy is brought into a normal form, which is the same for all ways to
 * write it that differ in order, repetition, splitting of rules, matchLabels
 * or In, `namespaceSelector` by the own name or none, host bits, adjacent
 * ranges, and whatever another peer of the same direction covers anyway. Two
 * equal forms have equal effect on every cluster. Two different ones may still
 * have the same effect on one cluster.
 *
 * The texts of a form are for people, too, in kubectl's selector syntax.
 */
#ifndef POLICY_COMPARE_H
#define POLICY_COMPARE_H

#include "core/error.h"
#include "policy/policy.h"

/* One peer and all ports that it may use. */
struct policy_form_entry {
	const char *peer;  /* "anywhere", "shop/app=web", "10.0.0.0/8 except
			    * 10.1.0.0/16", "namespaces(team=a)/app=web" */
	const char *ports; /* "all ports", "TCP/80, TCP/8000-8100, UDP/dns" */
};

struct policy_form {
	const char *subject; /* "app=web", "*"; NULL: it can select no pod,
			      * and the rest is empty */
	bool types[2];
	const struct policy_form_entry *entries[2]; /* by peer */
	size_t n_entries[2];
};

/* Everything in *out lives in arena. */
RF_MUST_USE enum rf_status policy_form_make(struct policy_form *out,
    const struct policy *p, struct arena *arena, struct rf_error *err);

bool policy_form_equal(
    const struct policy_form *a, const struct policy_form *b);

#endif

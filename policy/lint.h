/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint: mistakes that a server accepts and an experienced engineer would not.
 *
 * Every rule has a stable id, one row in one table, and a text that teaches
 * it. Pure: what is not known (no cluster, no flows) is not guessed; rules
 * that need it stay silent. Everything in a result lives in the arena that
 * was given and borrows the input.
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "core/arena.h"
#include "core/error.h"
#include "core/flow.h"
#include "kube/cluster.h"
#include "policy/policy.h"

enum lint_severity { LINT_NOTE, LINT_WARNING, LINT_ERROR };
#define LINT_SEVERITY_COUNT 3

enum lint_needs { LINT_NEEDS_POLICIES, LINT_NEEDS_CLUSTER, LINT_NEEDS_FLOWS };

struct lint;

/* What teaches a rule; each text ends with a newline. */
struct lint_lesson {
	const char *why;   /* a paragraph, wrapped */
	const char *wrong; /* lines of YAML */
	const char *right;
};

struct lint_rule {
	const char *id;              /* "RF001" */
	enum lint_severity severity; /* its findings have this one or less */
	const char *title;           /* what is wrong, a few words */
	enum lint_needs needs;       /* least that it can work with */
	/* Rules that one check finds together stand in a row; the first of
	 * them has it, the others have NULL. It runs when any of them can. */
	void (*check)(struct lint *l);
	const struct lint_lesson *lesson;
};

struct lint_finding {
	const struct lint_rule *rule;
	enum lint_severity severity;
	const char *file;   /* NULL: about a live object */
	uint32_t line;      /* 0: not known */
	const char *object; /* "NetworkPolicy ns/name", "Service ns/name" */
	const char *field;  /* "spec.ingress[0].from[1]", or "" */
	const char *reason; /* one sentence */
	const char *mend;   /* one sentence: what to do about it */
};

struct lint_input {
	const struct policy_set *set;
	/* Did the user say where policies without a namespace belong? */
	bool namespace_given;
	const struct cluster *cluster; /* NULL: not known */
	/* Observed flows with the cluster that their indices refer to; NULL:
	 * none. */
	const struct flow_set *flows;
	const struct cluster *flows_cluster;
};

struct lint_result {
	const struct lint_finding *findings; /* by file, line, id */
	size_t n;
	size_t counts[LINT_SEVERITY_COUNT];
};

RF_MUST_USE enum rf_status lint_run(struct lint_result *out,
    const struct lint_input *in, struct arena *arena, struct rf_error *err);

/* All rules, in the order of their ids. */
const struct lint_rule *lint_rules(size_t *n);

/* The rule of that id, upper or lower case; NULL: none. */
const struct lint_rule *lint_rule_find(const char *id);

const char *lint_severity_name(enum lint_severity s); /* "warning" */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: NetworkPolicies from YAML or JSON text, as a strict API server would
 * take them.
 *
 * Every mistake of every object is reported, not just the first. An object
 * with a mistake is never part of the result; the caller refuses the lot.
 * Other kinds are skipped with a notice. A duplicate field is PROBLEM_DECODE
 * in JSON, where a strict server sees it, and PROBLEM_WARNING in YAML, of
 * which kubectl sends the last one only (67).
 */
#ifndef POLICY_READ_H
#define POLICY_READ_H

#include "core/arena.h"
#include "core/error.h"
#include "policy/policy.h"

enum policy_problem_type {
	PROBLEM_INVALID,
	PROBLEM_REQUIRED,
	PROBLEM_NOT_SUPPORTED,
	PROBLEM_FORBIDDEN,
	PROBLEM_DUPLICATE,
	PROBLEM_DECODE,
	PROBLEM_WARNING, /* accepted, with the server's warning (63); or a
			  * policy of another API, which counts for nothing */
	PROBLEM_NOTICE   /* another kind that was skipped, and the like */
};

struct policy_problem {
	const char *file;
	uint32_t line;      /* 0: not known */
	const char *object; /* "NetworkPolicy ns/name", or "" */
	const char *field;  /* "spec.ingress[0].ports[1].endPort", or "" */
	enum policy_problem_type type;
	const char *detail; /* as the server words it: "Invalid value: 0: must
			     * be between 1 and 65535, inclusive" */
};

/* "Invalid", … "Decode", "Warning", "Notice". */
const char *policy_problem_type_name(enum policy_problem_type type);

struct policy_reader; /* gathers policies and problems over many texts */

/* Policies without metadata.namespace get default_namespace (1); one that
 * has only a generateName is named by that. Everything
 * that comes out is in arena, which must outlive its use. */
RF_MUST_USE enum rf_status policy_reader_new(struct policy_reader **out,
    struct arena *arena, const char *default_namespace, struct rf_error *err);
void policy_reader_free(struct policy_reader *r);

/* Read one text. A text that is not YAML is one PROBLEM_DECODE, not an
 * error, and so is one that nests too deep or expands too far: no server
 * would take it. Only RF_NOMEM is returned. */
RF_MUST_USE enum rf_status policy_reader_text(struct policy_reader *r,
    const char *file, const char *text, size_t len, struct rf_error *err);

/*
 * Read a path: a file, "-" for standard input, or a directory, of which all
 * *.yaml, *.yml and *.json but kustomization.yaml are read in name order,
 * not its sub-directories unless recurse. RF_IO when something cannot be read.
 */
RF_MUST_USE enum rf_status policy_reader_path(struct policy_reader *r,
    const char *path, bool recurse, struct rf_error *err);

/* Is path a directory with others in it, which are read by recursion alone? */
bool policy_path_goes_deeper(const char *path);

/* Two policies of one namespace and name become a PROBLEM_DUPLICATE. */
RF_MUST_USE enum rf_status policy_reader_finish(
    struct policy_reader *r, struct policy_set *out, struct rf_error *err);

const struct policy_problem *policy_reader_problems(
    const struct policy_reader *r, size_t *n);

/* How many of the problems refuse (all but warnings and notices). */
size_t policy_reader_refusals(const struct policy_reader *r);

/* How many objects were read, of whatever kind: an empty List is one. */
size_t policy_reader_objects(const struct policy_reader *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sarif: findings as SARIF 2.1.0, the way GitHub code scanning takes them.
 *
 * Locations are relative to a base directory, with slashes; a fingerprint is
 * made of a finding's key (rule, object, field), never of its line, so that a
 * finding that moved is still the same.
 */
#ifndef REPORT_SARIF_H
#define REPORT_SARIF_H

#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/error.h"

/* level: "error", "warning" or "note". */
struct sarif_rule {
	const char *id, *level;
	const char *title; /* one line */
	const char *help;  /* a paragraph or more */
};

struct sarif_result {
	uint32_t rule; /* index in the rules */
	const char *level;
	const char *message;
	const char *file; /* "-": standard input. Never NULL: what has no
			   * file has no place in SARIF */
	uint32_t line;    /* 0: not known, shown as the file's first */
	const char *key;  /* what stays when lines move: object and field */
};

struct sarif_run {
	const char *base; /* absolute paths below it become relative; or NULL */
	const struct sarif_rule *rules;
	size_t n_rules;
	const struct sarif_result *results;
	size_t n_results;
};

/* One run, the whole document. RF_NOMEM before anything is written. */
RF_MUST_USE enum rf_status sarif_print(FILE *out, const struct sarif_run *run,
    struct arena *arena, struct rf_error *err);

#endif

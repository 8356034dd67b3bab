/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_mutant: a JSON text again and again, each time with one of its values
 * left out, or replaced by one of another type or of an odd size.
 *
 * What reads it must refuse a value of the wrong type, or not look at it at
 * all: who takes it for one that is not there would make something up.
 */
#ifndef TESTS_SUPPORT_JSON_MUTANT_H
#define TESTS_SUPPORT_JSON_MUTANT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strbuf.h"

enum mutant_kind {
	MUTANT_ABSENT,
	MUTANT_NULL,
	MUTANT_BOOL,
	MUTANT_INTEGER,
	MUTANT_REAL,
	MUTANT_TEXT,
	MUTANT_LIST,
	MUTANT_MAP
};

struct mutant {
	const char *path; /* "spec.ports[1].name" */
	enum mutant_kind was, is;
	const char *with; /* what stands there now; "" for absent */
};

/* What reads such a text. */
struct mutant_reader {
	/* Does it take the text? Then what it makes of it, into said; else why
	 * not. */
	bool (*read)(const char *text, size_t len, struct strbuf *said);
	/* May the value be of this type, too? NULL: of its own only. */
	bool (*may_be)(const struct mutant *m);
	/* How every reason begins. */
	const char *prefix;
	/* Below this path a value of any type may be as if it were not there;
	 * NULL: nowhere. */
	const char *loose;
};

/* How many values there are; of their mutants how many were taken, refused, and
 * neither rightly: those are printed. */
struct mutant_tally {
	size_t values, taken, refused, wrong;
};

/*
 * Of each value in turn, all mutants. text must be JSON that the reader takes;
 * head stands in front of each. Right is a mutant that is refused, of a type
 * that it may be, null and as if it were not there, or that makes no difference
 * where nothing would, either.
 */
struct mutant_tally json_mutants_judge(
    const struct mutant_reader *r, const char *head, const char *text);

#endif

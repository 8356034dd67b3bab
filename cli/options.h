/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: one table per command from which parsing and --help come.
 *
 * A command declares a plain struct, an option table whose rows point into it
 * by offset, and a command_spec around both:
 *
 *	struct thing_options { const char *db; struct option_list files; };
 *	static const struct option_spec table[] = {
 *		{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT,
 *		  .env = "RINGFENCE_DB",
 *		  .offset = offsetof(struct thing_options, db),
 *		  .help = "The database." },
 *	};
 *
 * The struct starts out zeroed or with the defaults, which an option that is
 * not given leaves alone.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *, never empty */
	OPTION_LIST,   /* struct option_list: may be given several times */
	OPTION_NUMBER, /* uint64_t, decimal, within [min, max] */
	OPTION_TIME,   /* int64_t: RFC 3339, as microseconds since the epoch */
	OPTION_CHOICE  /* unsigned: the index of the word in choices */
};

struct option_list {
	const char **v; /* in the arena given to options_parse */
	size_t n;
	bool given; /* also when it came without a value (optional) */
};

struct option_spec {
	const char *name; /* long name, without dashes */
	char letter;      /* short form, or 0 */
	bool optional;    /* LIST: "--name" and "--name=V,V"; V is split */
	bool words;       /* LIST: words that follow it belong to it too */
	enum option_kind kind;
	size_t offset;
	const char *arg;            /* the value's name in help; FLAG: NULL */
	const char *const *choices; /* CHOICE: ends with NULL */
	uint64_t min, max;          /* NUMBER */
	const char *env;  /* TEXT: the variable used when it is not given */
	const char *help; /* one or more sentences */
};

#define OPTIONS_MAX 32

struct command_spec {
	const char *name;
	const char *summary;  /* one line, for the list of commands */
	const char *synopsis; /* what follows the name; lines split by \n */
	const char *about;    /* a paragraph or two, wrapped by hand */
	const char *examples; /* lines, each indented by two blanks */
	const struct option_spec *options; /* --help is added to them */
	size_t n_options;                  /* at most OPTIONS_MAX */
	bool takes_operands;
	size_t operands; /* offset of the struct option_list that gets them */
};

#define OPTIONS_RUN (-1)

/*
 * Parse argv into config. OPTIONS_RUN: go on. Anything else is the exit
 * status with which to end now: 0 after --help (on stdout), 2 after a
 * mistake (said on stderr), 3 without memory. Operands are a mistake unless
 * the command takes them or they stand behind an option that takes words.
 * Strings are borrowed from argv, lists are in arena.
 */
int options_parse(const struct command_spec *spec, int argc, char **argv,
    void *config, struct arena *arena);

/* Say on stderr what is wrong and where the usage is; returns 2. */
int options_usage(const struct command_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "ringfence", or "kubectl ringfence" when kubectl called us. */
const char *options_program(void);

void options_help(const struct command_spec *spec, FILE *out);

#endif

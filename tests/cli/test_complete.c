/* SPDX-License-Identifier: Apache-2.0 */
/* What shells and kubectl are offered for an unfinished command line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "tests/support/case_table.h"

#define WORDS_MAX 6

static const char *const formats[] = { "json", "yaml", NULL };

/* clang-format off */
static const struct option_spec get_rows[] = {
	{ .name = "db", .kind = OPTION_TEXT, .arg = "PATH",
	  .help = "Database. Not offered." },
	{ .name = "namespace", .letter = 'n', .kind = OPTION_LIST,
	  .arg = "NS", .help = "Namespace." },
	{ .name = "read", .letter = 'r', .kind = OPTION_LIST, .words = true,
	  .arg = "FILE...", .help = "Files" },
	{ .name = "output", .letter = 'o', .kind = OPTION_CHOICE,
	  .arg = "FORMAT", .choices = formats, .help = "Format." },
	{ .name = "quiet", .letter = 'q', .kind = OPTION_FLAG,
	  .help = "Say nothing." },
	{ .name = "allow", .kind = OPTION_LIST, .optional = true,
	  .arg = "NS,...", .help = "Allow." },
};
/* clang-format on */

static const struct command_spec get = {
	.name = "get",
	.summary = "get things",
	.options = get_rows,
	.n_options = NELEM(get_rows),
};
static const struct command_spec diff = {
	.name = "diff",
	.summary = "compare",
	.options = get_rows,
	.n_options = 1,
	.takes_operands = true,
};
static const struct command commands[] = { { &get, NULL }, { &diff, NULL } };

#define ALL_OPTIONS                                                            \
	"--db\tDatabase\n--namespace\tNamespace\n--read\tFiles\n"              \
	"--output\tFormat\n--quiet\tSay nothing\n--allow\tAllow\n--help\t"     \
	"Print examples and options\n:4\n"

/* clang-format off */
static struct complete_case {
	const char *name, *words[WORDS_MAX], *want;
} cases[] = {
	{ "no word at all", { NULL },
	  "get\tget things\ndiff\tcompare\n"
	  "help\tExamples and options of a command\n:4\n" },
	{ "commands", { "d" }, "diff\tcompare\n:4\n" },
	{ "no command begins so", { "x" }, ":4\n" },
	{ "options without a command", { "--v" },
	  "--version\tPrint the version\n:4\n" },
	{ "help of", { "help", "g" }, "get\tget things\n:4\n" },
	{ "help of, and no more", { "help", "get", "" }, ":4\n" },
	{ "of an unknown command", { "x", "" }, ":4\n" },
	{ "all options of a command", { "get", "" }, ALL_OPTIONS },
	{ "after one dash", { "get", "-" }, ALL_OPTIONS },
	{ "after two dashes", { "get", "--" }, ALL_OPTIONS },
	{ "options by their beginning", { "get", "--na" },
	  "--namespace\tNamespace\n:4\n" },
	{ "short options are not completed", { "get", "-n" }, ":4\n" },
	{ "choices", { "get", "--output", "" }, "json\nyaml\n:4\n" },
	{ "choices behind a letter", { "get", "-o", "y" }, "yaml\n:4\n" },
	{ "choices behind letters", { "get", "-qo", "y" }, "yaml\n:4\n" },
	{ "a letter's value in its word", { "get", "-oq", "--q" },
	  "--quiet\tSay nothing\n:4\n" },
	{ "choices in one word", { "get", "--output=j" },
	  "--output=json\n:4\n" },
	{ "as bash splits it", { "get", "--output", "=", "j" },
	  "json\n:4\n" },
	{ "as bash splits it, nothing yet", { "get", "--output", "=" },
	  "json\nyaml\n:4\n" },
	{ "bash, value given", { "get", "--output", "=", "json", "--q" },
	  "--quiet\tSay nothing\n:4\n" },
	{ "files for a path", { "get", "--db", "" }, ":0\n" },
	{ "files for a path in one word", { "get", "--db=/t" }, ":0\n" },
	{ "a flag has no value", { "get", "--quiet=" }, ":4\n" },
	{ "an option that there is not", { "get", "--nope=" }, ":4\n" },
	{ "nothing known of a value", { "get", "-n", "" }, ":4\n" },
	{ "a value that looks like an option", { "get", "-n", "-o", "" },
	  ALL_OPTIONS },
	{ "words of an option", { "get", "-r", "a", "b" }, ":0\n" },
	{ "another option ends them", { "get", "-r", "a", "-q", "" },
	  ALL_OPTIONS },
	{ "an optional value is in the word", { "get", "--allow", "" },
	  ALL_OPTIONS },
	{ "operands may be files", { "diff", "a" }, ":0\n" },
	{ "options beside operands", { "diff", "--d" },
	  "--db\tDatabase\n:4\n" },
	{ "behind -- are no options", { "diff", "--", "--d" }, ":0\n" },
	{ "nor where nothing is taken", { "get", "--", "-" }, ":4\n" },
};
/* clang-format on */

static void
test_complete(void **state)
{
	const struct complete_case *c = *state;
	char *text = NULL;
	size_t size, n = 0;
	FILE *out = open_memstream(&text, &size);

	while (n < WORDS_MAX && c->words[n] != NULL)
		n++;
	assert_non_null(out);
	complete(out, commands, NELEM(commands), c->words, n);
	(void)fclose(out);
	assert_string_equal(text, c->want);
	free(text);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_complete, cases, name);

	return case_table_run("complete", &table);
}

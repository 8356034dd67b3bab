/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines and what becomes of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/nearest.h"
#include "core/distance.h"
#include "cli/options.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS_MAX 10
#define ENV_NAME "RINGFENCE_TEST_OPTIONS"

struct config {
	const char *db;
	struct option_list names, maybe;
	uint64_t number;
	int64_t time_us;
	unsigned choice;
	bool flag;
};

#define AT(member) .offset = offsetof(struct config, member)

static const char *const words[] = { "table", "json", NULL };

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "db", .kind = OPTION_TEXT, AT(db), .arg = "PATH",
	  .env = ENV_NAME, .help = "Database." },
	{ .name = "namespace", .letter = 'n', .kind = OPTION_LIST, AT(names),
	  .arg = "NS", .help = "Namespace." },
	{ .name = "allow", .kind = OPTION_LIST, .optional = true, AT(maybe),
	  .arg = "A,B", .help = "Allow." },
	{ .name = "number", .kind = OPTION_NUMBER, AT(number), .arg = "N",
	  .min = 1, .max = 65535, .help = "Number." },
	{ .name = "since", .kind = OPTION_TIME, AT(time_us), .arg = "TIME",
	  .help = "Time." },
	{ .name = "output", .letter = 'o', .kind = OPTION_CHOICE, AT(choice),
	  .arg = "FORMAT", .choices = words, .help = "Format." },
	{ .name = "flag", .letter = 'f', .kind = OPTION_FLAG, AT(flag),
	  .help = "Flag." },
};

static const struct command_spec spec = {
	.name = "thing", .summary = "s", .synopsis = "--db PATH",
	.about = "About.", .examples = "  one\n",
	.options = table, .n_options = NELEM(table),
};

static const struct bad_case {
	const char *args[ARGS_MAX];
	const char *said; /* part of the first line on stderr */
} bad_cases[] = {
	{ { "--dbs", "x" }, "unknown option --dbs; did you mean --db?" },
	{ { "--name", "x" }, "unknown option --name; did you mean "
	    "--namespace?" },
	{ { "--nmaespace=x" }, "did you mean --namespace?" },
	{ { "--zzz" }, "unknown option --zzz" },
	{ { "-z" }, "unknown option -z" },
	{ { "-fz" }, "unknown option -z" },
	{ { "--db" }, "--db wants a value: PATH" },
	{ { "-n" }, "--namespace wants a value: NS" },
	{ { "--db=" }, "--db has an empty value" },
	{ { "--flag=yes" }, "--flag takes no value" },
	{ { "--db", "a", "--db", "b" }, "--db may be given only once" },
	{ { "--number", "0" }, "from 1 to 65535, not '0'" },
	{ { "--number", "65536" }, "from 1 to 65535, not '65536'" },
	{ { "--number", "-1" }, "not '-1'" },
	{ { "--number", "1x" }, "not '1x'" },
	{ { "--number", "+1" }, "not '+1'" },
	{ { "--number", "99999999999999999999" }, "not '9999" },
	{ { "--since", "yesterday" }, "not 'yesterday'" },
	{ { "-o", "yaml" }, "--output is one of table, json, not 'yaml'" },
	{ { "--allow=a,,b" }, "--allow has an empty element" },
	{ { "x" }, "unexpected argument 'x'" },
	{ { "-" }, "unexpected argument '-'" },
	{ { "stray" }, "unexpected argument 'stray'" },
	{ { "--", "--db" }, "unexpected argument '--db'" },
};
/* clang-format on */

/* Run the parser with stderr going to text. */
static int
parse(const char *const args[], struct config *c, struct arena *a, char *text,
    size_t size)
{
	static char pool[ARGS_MAX + 1][64]; /* values are borrowed from it */
	char *argv[ARGS_MAX + 2] = { NULL };
	FILE *tmp = tmpfile();
	int saved = dup(STDERR_FILENO), argc = 0, rc;
	size_t n;

	assert_non_null(tmp);
	argv[argc] = pool[argc];
	(void)snprintf(pool[argc++], sizeof(pool[0]), "thing");
	for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++) {
		argv[argc] = pool[argc];
		(void)snprintf(pool[argc++], sizeof(pool[0]), "%s", args[i]);
	}
	(void)fflush(stderr);
	assert_true(dup2(fileno(tmp), STDERR_FILENO) >= 0);
	*c = (struct config){ .number = 7 };
	rc = options_parse(&spec, argc, argv, c, a);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(tmp);
	n = fread(text, 1, size - 1, tmp);
	text[n] = '\0';
	(void)fclose(tmp);
	return rc;
}

static void
test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(bad_cases); i++) {
		struct arena a;
		struct config c;
		char text[1000];

		arena_init(&a, 0);
		assert_int_equal(
		    parse(bad_cases[i].args, &c, &a, text, sizeof(text)), 2);
		if (strstr(text, bad_cases[i].said) == NULL)
			fail_msg("case %zu: %s", i, text);
		assert_non_null(
		    strstr(text, "See 'ringfence thing --help' for usage."));
		arena_release(&a);
	}
}

static void
test_values(void **state)
{
	static const char *const args[ARGS_MAX] = { "-n", "a", "--namespace=b",
		"-nc", "--number=00080", "--since=1970-01-01T00:00:01Z",
		"-ojson", "-f", "--allow" };
	static const char *const split[ARGS_MAX] = { "--allow=x/y,z", "--db=p",
		"--allow=w" };
	struct arena a;
	struct config c;
	char text[100];

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(args, &c, &a, text, sizeof(text)), OPTIONS_RUN);
	assert_string_equal(text, "");
	assert_int_equal(c.names.n, 3);
	assert_string_equal(c.names.v[0], "a");
	assert_string_equal(c.names.v[1], "b");
	assert_string_equal(c.names.v[2], "c");
	assert_int_equal(c.number, 80);
	assert_int_equal(c.time_us, 1000000);
	assert_int_equal(c.choice, 1);
	assert_true(c.flag);
	assert_true(c.maybe.given);
	assert_int_equal(c.maybe.n, 0);
	assert_null(c.db);
	assert_int_equal(parse(split, &c, &a, text, sizeof(text)), OPTIONS_RUN);
	assert_int_equal(c.maybe.n, 3);
	assert_string_equal(c.maybe.v[0], "x/y");
	assert_string_equal(c.maybe.v[2], "w");
	assert_string_equal(c.db, "p");
	assert_int_equal(c.number, 7); /* the default stays */
	assert_false(c.flag);
	arena_release(&a);
}

/* The environment stands below the option. */
static void
test_environment(void **state)
{
	static const char *const none[ARGS_MAX] = { NULL };
	static const char *const given[ARGS_MAX] = { "--db=option" };
	struct arena a;
	struct config c;
	char text[100];

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(setenv(ENV_NAME, "environment", 1), 0);
	assert_int_equal(parse(none, &c, &a, text, sizeof(text)), OPTIONS_RUN);
	assert_string_equal(c.db, "environment");
	assert_int_equal(parse(given, &c, &a, text, sizeof(text)), OPTIONS_RUN);
	assert_string_equal(c.db, "option");
	assert_int_equal(setenv(ENV_NAME, "", 1), 0);
	assert_int_equal(parse(none, &c, &a, text, sizeof(text)), OPTIONS_RUN);
	assert_null(c.db);
	assert_int_equal(unsetenv(ENV_NAME), 0);
	arena_release(&a);
}

static void
test_help(void **state)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const char *examples, *options, *usage;

	(void)state;
	assert_non_null(f);
	options_help(&spec, f);
	assert_int_equal(fclose(f), 0);
	examples = strstr(text, "Examples:");
	options = strstr(text, "Options:");
	usage = strstr(text, "Usage:");
	assert_true(examples != NULL && options > examples && usage > options);
	assert_non_null(strstr(text, "  -n, --namespace NS        Namespace."));
	assert_non_null(strstr(text, "      --allow[=A,B]         Allow."));
	assert_non_null(strstr(text, "  -h, --help                "));
	assert_non_null(strstr(text, "  ringfence thing --db PATH\n"));
	free(text);
}

static void
test_nearest(void **state)
{
	/* clang-format off */
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "abc", "abc", 0 },
		{ "abc", "acb", 1 }, { "abc", "abd", 1 }, { "ab", "abc", 1 },
		{ "kitten", "sitting", 3 }, { "aduit", "audit", 1 },
	};
	/* clang-format on */
	char big[200];
	struct nearest n;

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_int_equal(
		    name_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(
		    name_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(name_distance(big, "a"), UINT_MAX);
	nearest_init(&n, "shpo");
	nearest_offer(&n, "kube-system");
	assert_null(n.best);
	nearest_offer(&n, "shop");
	nearest_offer(&n, "ship");
	assert_string_equal(n.best, "shop");
	nearest_init(&n, "x");
	nearest_offer(&n, "y");
	assert_null(n.best);
	nearest_init(&n, "nope");
	nearest_offer(&n, "done");
	assert_null(n.best);
	nearest_offer(&n, "noble");
	assert_null(n.best);
	nearest_offer(&n, "nopes");
	assert_string_equal(n.best, "nopes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

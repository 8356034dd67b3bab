/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "core/rfc3339.h"

/* getopt_long's value for row i; letters are below it. */
#define LONG_BASE 256
#define COLUMNS   80 /* no line of help is longer */

static const struct option_spec help_row = {
	.name = "help",
	.letter = 'h',
	.kind = OPTION_FLAG,
	.help = "Print this text.",
};

/* What getopt_long(3) wants, made from the table. */
struct getopt_tables {
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 5];
};

struct parse {
	const struct command_spec *spec;
	void *config;
	struct arena *arena;
	size_t n_max; /* no list can get longer */
	bool seen[OPTIONS_MAX];
};

static const struct option_spec *
row_at(const struct command_spec *spec, size_t i)
{
	return i < spec->n_options ? &spec->options[i] : &help_row;
}

const char *
options_program(void)
{
	return strcmp(program_invocation_short_name, "kubectl-ringfence") == 0
	    ? "kubectl ringfence"
	    : "ringfence";
}

int
options_usage(const struct command_spec *spec, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "ringfence %s: ", spec->name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	fprintf(stderr, "See '%s %s --help' for usage.\n", options_program(),
	    spec->name);
	return STATUS_USAGE;
}

static void
tables_fill(struct getopt_tables *t, const struct command_spec *spec)
{
	char *s = t->shorts;

	*t = (struct getopt_tables){ 0 };
	*s++ = '-'; /* words come in their place, as option 1 */
	*s++ = ':';
	for (size_t i = 0; i <= spec->n_options; i++) {
		const struct option_spec *o = row_at(spec, i);
		int has_arg = o->kind == OPTION_FLAG ? no_argument
		    : o->optional                    ? optional_argument
						     : required_argument;

		t->longs[i] = (struct option){ .name = o->name,
			.has_arg = has_arg,
			.val = LONG_BASE + (int)i };
		if (o->letter == 0)
			continue;
		*s++ = o->letter;
		if (has_arg == required_argument)
			*s++ = ':';
	}
}

/* The row that getopt_long's value stands for; NULL: none. */
static const struct option_spec *
row_of(const struct command_spec *spec, int value)
{
	for (size_t i = 0; i <= spec->n_options; i++) {
		const struct option_spec *o = row_at(spec, i);

		if (value == LONG_BASE + (int)i ||
		    (o->letter != 0 && value == o->letter))
			return o;
	}
	return NULL;
}

/* Every long option by its full name: getopt_long takes beginnings too. */
static int
check_long_names(const struct command_spec *spec, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *name;
		struct nearest near;
		char wanted[64];
		bool known = false;
		size_t len;

		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		name = argv[i] + 2;
		len = strcspn(name, "=");
		(void)snprintf(wanted, sizeof(wanted), "%.*s", (int)len, name);
		nearest_init(&near, wanted);
		for (size_t k = 0; k <= spec->n_options; k++) {
			const char *have = row_at(spec, k)->name;

			known |= strlen(have) == len &&
			    strncmp(have, name, len) == 0;
			nearest_offer(&near, have);
		}
		if (!known && near.best != NULL)
			return options_usage(spec,
			    "unknown option --%s; did you mean --%s?", wanted,
			    near.best);
		if (!known)
			return options_usage(
			    spec, "unknown option --%s", wanted);
	}
	return OPTIONS_RUN;
}

static int
out_of_memory(void)
{
	fputs("ringfence: out of memory\n", stderr);
	return STATUS_FAILURE;
}

static int
list_add(struct parse *p, struct option_list *list, const char *value)
{
	if (list->v == NULL)
		list->v = arena_calloc(p->arena, p->n_max, sizeof(*list->v));
	if (list->v == NULL)
		return out_of_memory();
	list->v[list->n++] = value;
	return OPTIONS_RUN;
}

/* "a,b,c" becomes three elements. */
static int
list_split(struct parse *p, const struct option_spec *o,
    struct option_list *list, const char *value)
{
	while (true) {
		size_t len = strcspn(value, ",");
		char *word = arena_strndup(p->arena, value, len);
		int rc = word == NULL ? out_of_memory() : OPTIONS_RUN;

		if (rc == OPTIONS_RUN && len == 0)
			rc = options_usage(
			    p->spec, "--%s has an empty element", o->name);
		if (rc == OPTIONS_RUN)
			rc = list_add(p, list, word);
		if (rc != OPTIONS_RUN || value[len] == '\0')
			return rc;
		value += len + 1;
	}
}

static int
put_list(struct parse *p, const struct option_spec *o, const char *value)
{
	struct option_list *list = (void *)((char *)p->config + o->offset);

	list->given = true;
	if (value == NULL)
		return OPTIONS_RUN;
	if (o->optional)
		return list_split(p, o, list, value);
	return list_add(p, list, value);
}

static int
put_number(struct parse *p, const struct option_spec *o, const char *value)
{
	unsigned long long n;
	uint64_t v;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[strspn(value, "0123456789")] != '\0' || errno != 0 ||
	    n < o->min || n > o->max)
		return options_usage(p->spec,
		    "--%s wants a number from %llu to %llu, not '%s'", o->name,
		    (unsigned long long)o->min, (unsigned long long)o->max,
		    value);
	v = n;
	memcpy((char *)p->config + o->offset, &v, sizeof(v));
	return OPTIONS_RUN;
}

static int
put_time(struct parse *p, const struct option_spec *o, const char *value)
{
	int64_t us;

	if (!rfc3339_parse(&us, value))
		return options_usage(p->spec,
		    "--%s wants a time such as 2026-03-02T09:00:00Z, not '%s'",
		    o->name, value);
	memcpy((char *)p->config + o->offset, &us, sizeof(us));
	return OPTIONS_RUN;
}

static int
put_choice(struct parse *p, const struct option_spec *o, const char *value)
{
	char words[160] = "";
	size_t len = 0;

	for (unsigned i = 0; o->choices[i] != NULL; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			memcpy((char *)p->config + o->offset, &i, sizeof(i));
			return OPTIONS_RUN;
		}
		if (len < sizeof(words))
			len +=
			    (size_t)snprintf(words + len, sizeof(words) - len,
				"%s%s", i == 0 ? "" : ", ", o->choices[i]);
	}
	return options_usage(
	    p->spec, "--%s is one of %s, not '%s'", o->name, words, value);
}

static int
put(struct parse *p, const struct option_spec *o, const char *value)
{
	bool *seen = &p->seen[o - p->spec->options];
	char *at = (char *)p->config + o->offset;
	const bool yes = true;

	if (o->kind != OPTION_LIST && o->kind != OPTION_FLAG && *seen)
		return options_usage(
		    p->spec, "--%s may be given only once", o->name);
	*seen = true;
	if (value != NULL && *value == '\0')
		return options_usage(
		    p->spec, "--%s has an empty value", o->name);
	if (value == NULL && o->kind != OPTION_FLAG && !o->optional)
		return options_usage(p->spec, "--%s wants a value", o->name);
	switch (o->kind) {
	case OPTION_FLAG:
		memcpy(at, &yes, sizeof(yes));
		return OPTIONS_RUN;
	case OPTION_TEXT:
		memcpy(at, &value, sizeof(value));
		return OPTIONS_RUN;
	case OPTION_LIST:
		return put_list(p, o, value);
	case OPTION_NUMBER:
		return put_number(p, o, value);
	case OPTION_TIME:
		return put_time(p, o, value);
	case OPTION_CHOICE:
		return put_choice(p, o, value);
	}
	return STATUS_FAILURE;
}

/* What getopt_long could not take: ':' no value, '?' anything else. */
static int
complain(const struct command_spec *spec, int what)
{
	const struct option_spec *o = row_of(spec, optopt);

	if (what == ':' && o != NULL)
		return options_usage(
		    spec, "--%s wants a value: %s", o->name, o->arg);
	if (o != NULL && optopt >= LONG_BASE)
		return options_usage(spec, "--%s takes no value", o->name);
	if (optopt > ' ' && optopt < 0x7f)
		return options_usage(spec, "unknown option -%c", optopt);
	return options_usage(spec, "unknown option");
}

/* What was not given may be in the environment. */
static void
put_environment(struct parse *p)
{
	for (size_t i = 0; i < p->spec->n_options; i++) {
		const struct option_spec *o = &p->spec->options[i];
		const char *value = o->env != NULL ? getenv(o->env) : NULL;

		if (!p->seen[i] && value != NULL && *value != '\0')
			memcpy((char *)p->config + o->offset, &value,
			    sizeof(value));
	}
}

/* A word without dashes: one more for the option before it, an operand, or a
 * mistake. */
static int
put_word(struct parse *p, const struct option_spec *before, const char *word)
{
	if (before != NULL && before->words)
		return put(p, before, word);
	if (!p->spec->takes_operands && before != NULL &&
	    before->kind == OPTION_LIST)
		return options_usage(p->spec,
		    "unexpected argument '%s'; for one more, repeat --%s", word,
		    before->name);
	if (!p->spec->takes_operands)
		return options_usage(p->spec, "unexpected argument '%s'", word);
	return list_add(
	    p, (void *)((char *)p->config + p->spec->operands), word);
}

int
options_parse(const struct command_spec *spec, int argc, char **argv,
    void *config, struct arena *arena)
{
	struct parse p = { .spec = spec, .config = config, .arena = arena };
	struct getopt_tables t;
	const struct option_spec *o, *before = NULL;
	int c, rc;

	for (int a = 0; a < argc; a++)
		p.n_max += strlen(argv[a]) + 1;
	tables_fill(&t, spec);
	rc = check_long_names(spec, argc, argv);
	optind = 0; /* GNU: start anew, whoever parsed before */
	while (rc == OPTIONS_RUN &&
	    (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (c == ':' || c == '?')
			return complain(spec, c);
		if (c == 1) {
			rc = put_word(&p, before, optarg);
			continue;
		}
		o = row_of(spec, c);
		before = o;
		if (o == &help_row || o == NULL) {
			options_help(spec, stdout);
			return STATUS_OK;
		}
		rc = put(&p, o, optarg);
	}
	if (rc != OPTIONS_RUN)
		return rc;
	for (; rc == OPTIONS_RUN && optind < argc; optind++) /* behind -- */
		rc = put_word(&p, before, argv[optind]);
	put_environment(&p);
	return rc;
}

/* Sentences, wrapped at 79 columns behind the options' names. */
static void
print_wrapped(FILE *out, const char *text, size_t indent)
{
	size_t at = indent;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (at > indent && at + 1 + len > 79) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)len, text);
		at += len;
		text += len + (text[len] == ' ' ? 1 : 0);
	}
	fputc('\n', out);
}

static void
print_row(FILE *out, const struct option_spec *o)
{
	enum { INDENT = 28 };
	int n;

	if (o->letter != 0)
		n = fprintf(out, "  -%c, --%s", o->letter, o->name);
	else
		n = fprintf(out, "      --%s", o->name);
	if (o->arg != NULL && o->optional)
		n += fprintf(out, "[=%s]", o->arg);
	else if (o->arg != NULL)
		n += fprintf(out, " %s", o->arg);
	if (n + 2 > INDENT)
		fprintf(out, "\n%*s", INDENT, "");
	else
		fprintf(out, "%*s", INDENT - n, "");
	print_wrapped(out, o->help, INDENT);
}

/* Where to break text so that at most max bytes of it come before: at the last
 * option there. len: nowhere. */
static size_t
break_at(const char *text, size_t len, size_t max)
{
	size_t found = len;

	for (size_t i = 0; i + 1 < len && i <= max; i++)
		if (text[i] == ' ' &&
		    (text[i + 1] == '-' || text[i + 1] == '['))
			found = i;
	return found;
}

/* Written with the plain name, shown with the one we were called by, which is
 * longer: then join is where a line goes on in the next one. at: columns that
 * are taken in the first one. */
static void
print_lines(FILE *out, const char *text, size_t at, const char *join)
{
	static const char plain[] = "  ringfence ";
	size_t tail = strcspn(join, "\n");

	while (*text != '\0') {
		size_t len, cut;

		if (strncmp(text, plain, strlen(plain)) == 0) {
			at = (size_t)fprintf(out, "  %s ", options_program());
			text += strlen(plain);
		}
		len = strcspn(text, "\n");
		cut = at + len <= COLUMNS
		    ? len
		    : break_at(text, len, COLUMNS - at - tail);
		fprintf(out, "%.*s", (int)cut, text);
		text += cut;
		at = 0;
		if (cut < len) {
			at = strlen(join) - tail - 1;
			fputs(join, out);
			text++;
		} else if (*text == '\n') {
			fputc(*text++, out);
		}
	}
}

void
options_help(const struct command_spec *spec, FILE *out)
{
	int at;

	fprintf(out, "%s\n\nExamples:\n", spec->about);
	print_lines(out, spec->examples, 0, " \\\n      ");
	fputs("\nOptions:\n", out);
	for (size_t i = 0; i <= spec->n_options; i++)
		print_row(out, row_at(spec, i));
	at = fprintf(out, "\nUsage:\n  %s %s ", options_program(), spec->name);
	at -= (int)strlen("\nUsage:\n");
	print_lines(out, spec->synopsis, (size_t)at, "\n      ");
	fputc('\n', out);
}

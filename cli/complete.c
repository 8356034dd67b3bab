/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <string.h>

/* As kubectl reads the last line. */
#define FILES_TOO  ":0\n"
#define NO_FILES   ":4\n"
#define N_WORDS(a) (sizeof(a) / sizeof((a)[0]))

struct completion {
	FILE *out;
	const struct command_spec *spec;
	const char *start; /* of what is being typed */
};

static bool
begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The first sentence of text tells a candidate from the others. */
static void
offer(const struct completion *c, const char *before, const char *word,
    const char *text)
{
	const char *end = strstr(text, ". ");
	size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	fprintf(c->out, "%s%s", before, word);
	if (len > 0)
		fprintf(c->out, "\t%.*s", (int)len, text);
	fputc('\n', c->out);
}

static void
offer_commands(const struct completion *c, const struct command *commands,
    size_t n, bool with_help)
{
	static const char help[] = "help";

	for (size_t i = 0; i < n; i++)
		if (begins(commands[i].spec->name, c->start))
			offer(c, "", commands[i].spec->name,
			    commands[i].spec->summary);
	if (with_help && begins(help, c->start))
		offer(c, "", help, "Examples and options of a command");
}

/* Options that the program takes without a command. */
static void
offer_plain(const struct completion *c)
{
	static const char *const rows[][2] = {
		{ "--help", "Print the commands" },
		{ "--version", "Print the version" },
	};

	for (size_t i = 0; i < N_WORDS(rows); i++)
		if (begins(rows[i][0], c->start))
			offer(c, "", rows[i][0], rows[i][1]);
}

static void
offer_options(const struct completion *c)
{
	const char *start = c->start + strspn(c->start, "-");
	static const char help[] = "help";

	if (strcmp(c->start, "") != 0 && !begins("--", c->start) &&
	    !begins(c->start, "--"))
		return;
	for (size_t i = 0; i < c->spec->n_options; i++)
		if (begins(c->spec->options[i].name, start))
			offer(c, "--", c->spec->options[i].name,
			    c->spec->options[i].help);
	if (begins(help, start))
		offer(c, "--", help, "Print examples and options");
}

static const struct option_spec *
find_long(const struct command_spec *spec, const char *name, size_t len)
{
	for (size_t i = 0; i < spec->n_options; i++)
		if (strlen(spec->options[i].name) == len &&
		    strncmp(spec->options[i].name, name, len) == 0)
			return &spec->options[i];
	return NULL;
}

/* The option that a word such as --name, -n or -qn ends with; NULL: none. */
static const struct option_spec *
find_option(const struct command_spec *spec, const char *word)
{
	if (word[0] != '-' || word[1] == '\0')
		return NULL;
	if (word[1] == '-')
		return find_long(spec, word + 2, strlen(word + 2));
	for (const char *at = word + 1; *at != '\0'; at++) {
		const struct option_spec *o = NULL;

		for (size_t i = 0; i < spec->n_options; i++)
			if (spec->options[i].letter == *at)
				o = &spec->options[i];
		if (o == NULL || at[1] == '\0')
			return o;
		if (o->kind != OPTION_FLAG)
			return NULL; /* the rest is its value */
	}
	return NULL;
}

static const char *
values(const struct completion *c, const struct option_spec *o,
    const char *before, const char *start)
{
	for (size_t i = 0; o->choices != NULL && o->choices[i] != NULL; i++)
		if (begins(o->choices[i], start))
			fprintf(c->out, "%s%s\n", before, o->choices[i]);
	if (o->arg != NULL &&
	    (strstr(o->arg, "FILE") != NULL || strstr(o->arg, "DIR") != NULL ||
		strstr(o->arg, "PATH") != NULL))
		return FILES_TOO;
	return NO_FILES;
}

/* --name=val in one word. */
static const char *
joined(const struct completion *c, const char *equals)
{
	const struct option_spec *o =
	    find_long(c->spec, c->start + 2, (size_t)(equals - c->start) - 2);
	char before[64];

	if (o == NULL || o->kind == OPTION_FLAG)
		return NO_FILES;
	(void)snprintf(before, sizeof(before), "--%s=", o->name);
	return values(c, o, before, equals + 1);
}

/* What the words so far of a command leave open. */
struct state {
	const struct option_spec *wants;  /* its value comes next */
	const struct option_spec *before; /* and may take more words */
	bool is_over;                     /* "--": no more options */
};

static struct state
read_words(const struct command_spec *spec, const char *const *words, size_t n)
{
	struct state s = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct option_spec *o;
		bool is_equals = strcmp(words[i], "=") == 0 && i > 0;

		if (is_equals && (o = find_option(spec, words[i - 1]))) {
			s.wants = o->kind == OPTION_FLAG ? NULL : o;
			continue;
		}
		if (s.wants != NULL || s.is_over) {
			s.wants = NULL;
			continue;
		}
		s.is_over = strcmp(words[i], "--") == 0;
		o = find_option(spec, words[i]);
		if (o != NULL || words[i][0] == '-')
			s.before = o;
		if (o != NULL && o->kind != OPTION_FLAG && !o->optional)
			s.wants = o;
	}
	return s;
}

static const char *
of_command(struct completion *c, const char *const *words, size_t n)
{
	const char *equals = NULL;
	struct state s;

	/* "--name" "=" and nothing behind it yet */
	if (n > 1 && strcmp(words[n - 1], "=") == 0) {
		c->start = "";
		s = read_words(c->spec, words, n);
	} else {
		c->start = words[n - 1];
		s = read_words(c->spec, words, n - 1);
	}
	if (s.wants != NULL)
		return values(c, s.wants, "", c->start);
	if (!s.is_over && begins(c->start, "--"))
		equals = strchr(c->start, '=');
	if (equals != NULL)
		return joined(c, equals);
	if (!s.is_over && c->start[0] == '-') {
		offer_options(c);
		return NO_FILES;
	}
	if (s.before != NULL && s.before->words)
		return values(c, s.before, "", c->start);
	if (c->spec->takes_operands)
		return FILES_TOO;
	if (!s.is_over)
		offer_options(c);
	return NO_FILES;
}

void
complete(FILE *out, const struct command *commands, size_t n_commands,
    const char *const *words, size_t n)
{
	struct completion c = { .out = out,
		.start = n == 0 ? "" : words[n - 1] };
	const char *end = NO_FILES;

	for (size_t i = 0; n > 1 && i < n_commands; i++)
		if (strcmp(commands[i].spec->name, words[0]) == 0)
			c.spec = commands[i].spec;
	if (c.spec != NULL)
		end = of_command(&c, words + 1, n - 1);
	else if (n < 2 && c.start[0] == '-')
		offer_plain(&c);
	else if (n < 2 || (n == 2 && strcmp(words[0], "help") == 0))
		offer_commands(&c, commands, n_commands, n < 2);
	fputs(end, out);
}

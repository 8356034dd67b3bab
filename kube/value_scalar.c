/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plain YAML scalar means to kubectl: the rules of its YAML 1.1 reader
 * followed by the passage through JSON that every manifest takes there.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/value_internal.h"

#define NELEM(a)   (sizeof(a) / sizeof((a)[0]))
#define TAG(name)  "tag:yaml.org,2002:" name
#define TWO_TO_63  9223372036854775808.0
#define SCALAR_MAX 512 /* longer plain text is no number */

enum word { WORD_NONE, WORD_TRUE, WORD_FALSE, WORD_NULL, WORD_NO_JSON };

static const struct {
	const char *text;
	enum word word;
} words[] = {
	/* clang-format off */
	{ "y", WORD_TRUE }, { "Y", WORD_TRUE },
	{ "yes", WORD_TRUE }, { "Yes", WORD_TRUE }, { "YES", WORD_TRUE },
	{ "true", WORD_TRUE }, { "True", WORD_TRUE }, { "TRUE", WORD_TRUE },
	{ "on", WORD_TRUE }, { "On", WORD_TRUE }, { "ON", WORD_TRUE },
	{ "n", WORD_FALSE }, { "N", WORD_FALSE },
	{ "no", WORD_FALSE }, { "No", WORD_FALSE }, { "NO", WORD_FALSE },
	{ "false", WORD_FALSE }, { "False", WORD_FALSE },
	{ "FALSE", WORD_FALSE },
	{ "off", WORD_FALSE }, { "Off", WORD_FALSE }, { "OFF", WORD_FALSE },
	{ "", WORD_NULL }, { "~", WORD_NULL },
	{ "null", WORD_NULL }, { "Null", WORD_NULL }, { "NULL", WORD_NULL },
	{ ".nan", WORD_NO_JSON }, { ".NaN", WORD_NO_JSON },
	{ ".NAN", WORD_NO_JSON },
	{ ".inf", WORD_NO_JSON }, { ".Inf", WORD_NO_JSON },
	{ ".INF", WORD_NO_JSON },
	{ "+.inf", WORD_NO_JSON }, { "+.Inf", WORD_NO_JSON },
	{ "+.INF", WORD_NO_JSON },
	{ "-.inf", WORD_NO_JSON }, { "-.Inf", WORD_NO_JSON },
	{ "-.INF", WORD_NO_JSON },
	/* clang-format on */
};

static enum word
find_word(const struct value *v)
{
	for (size_t i = 0; i < NELEM(words); i++)
		if (strlen(words[i].text) == v->text_len &&
		    memcmp(words[i].text, v->text, v->text_len) == 0)
			return words[i].word;
	return WORD_NONE;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* The base that a prefix announces; *s moves behind it. */
static unsigned
take_base(const char **s)
{
	if ((*s)[0] != '0' || (*s)[1] == '\0')
		return 10;
	switch ((*s)[1]) {
	case 'x':
	case 'X':
		*s += 2;
		return 16;
	case 'o':
	case 'O':
		*s += 2;
		return 8;
	case 'b':
	case 'B':
		*s += 2;
		return 2;
	default:
		*s += 1;
		return 8;
	}
}

/* Set v from an integer that JSON prints as one; true if s is that. */
static bool
parse_integer(struct value *v, const char *s)
{
	bool negative = *s == '-', has_sign = negative || *s == '+';
	uint64_t n = 0;
	unsigned base;

	s += has_sign;
	base = take_base(&s);
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		int d = digit_value(*s);

		if ((unsigned)d >= base ||
		    n > (UINT64_MAX - (unsigned)d) / base)
			return false;
		n = n * base + (unsigned)d;
	}
	if (n > (uint64_t)INT64_MAX + negative) {
		if (has_sign)
			return false;
		v->kind = VALUE_FLOAT;
		v->number = (double)n;
		return true;
	}
	v->kind = VALUE_INT;
	v->integer = (int64_t)(negative ? 0 - n : n);
	v->number = (double)v->integer;
	return true;
}

static size_t
count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* [-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)? */
static bool
is_float(const char *s)
{
	size_t whole, part = 0;

	s += *s == '-' || *s == '+';
	whole = count_digits(s);
	s += whole;
	if (*s == '.') {
		part = count_digits(s + 1);
		s += 1 + part;
	}
	if (whole == 0 && part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		if (count_digits(s) == 0)
			return false;
		s += count_digits(s);
	}
	return *s == '\0';
}

/* A number without fraction prints as an integer in JSON. */
static void
set_number(struct value *v, double d)
{
	v->number = d;
	if (d >= -TWO_TO_63 && d < TWO_TO_63 && (double)(int64_t)d == d) {
		v->kind = VALUE_INT;
		v->integer = (int64_t)d;
	} else {
		v->kind = VALUE_FLOAT;
	}
}

/* strtod reads by the locale's point, but no one here sets a locale. */
static bool
parse_float(struct value *v, const char *s)
{
	double d;

	if (!is_float(s))
		return false;
	d = strtod(s, NULL);
	if (!isfinite(d))
		return false;
	set_number(v, d);
	return true;
}

/* Underscores away; false where text that starts with "." has one that does
 * not stand between digits. */
static bool
strip_underscores(char *out, const struct value *v)
{
	const char *s = v->text;

	for (size_t i = 0; i < v->text_len; i++) {
		if (s[i] != '_') {
			*out++ = s[i];
			continue;
		}
		if (s[0] == '.' &&
		    (!isdigit((unsigned char)s[i - 1]) ||
			!isdigit((unsigned char)s[i + 1])))
			return false;
	}
	*out = '\0';
	return true;
}

static void
resolve_number(struct value *v)
{
	char plain[SCALAR_MAX + 1];
	char first = v->text[0];

	v->kind = VALUE_STRING;
	if (v->text_len > SCALAR_MAX || strlen(v->text) != v->text_len)
		return;
	if (!isdigit((unsigned char)first) && strchr("+-.", first) == NULL)
		return;
	if (!strip_underscores(plain, v))
		return;
	if (first != '.' && parse_integer(v, plain))
		return;
	(void)parse_float(v, plain);
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Standard base64 with padding; line breaks are skipped. */
static bool
decode_base64(const struct value *v, char *out, size_t *out_len)
{
	uint32_t bits = 0;
	size_t n = 0, pads = 0, len = 0;

	for (size_t i = 0; i < v->text_len; i++) {
		char c = v->text[i];
		int d = base64_value(c);

		if (c == '\n' || c == '\r')
			continue;
		pads += c == '=';
		if ((d < 0 && c != '=') || (d >= 0 && pads > 0))
			return false;
		bits = bits << 6 | (uint32_t)(d < 0 ? 0 : d);
		if (++n % 4 != 0)
			continue;
		for (unsigned k = 0; k < 3; k++)
			out[len++] = (char)(bits >> (16 - 8 * k) & 0xff);
	}
	if (n % 4 != 0 || pads > 2)
		return false;
	*out_len = len - pads;
	out[*out_len] = '\0';
	return true;
}

static bool
resolve_binary(struct value *v, struct arena *arena, const char **why)
{
	char *out = arena_alloc(arena, v->text_len + 4);

	*why = "out of memory";
	if (out == NULL)
		return false;
	*why = "!!binary value holds invalid base64";
	if (!decode_base64(v, out, &v->text_len))
		return false;
	v->kind = VALUE_STRING;
	v->text = out;
	return true;
}

/* Does what was resolved agree with the tag that was written? */
static bool
tag_agrees(const char *tag, enum value_kind kind)
{
	if (strcmp(tag, TAG("bool")) == 0)
		return kind == VALUE_BOOL;
	if (strcmp(tag, TAG("int")) == 0)
		return kind == VALUE_INT;
	if (strcmp(tag, TAG("float")) == 0)
		return kind == VALUE_INT || kind == VALUE_FLOAT;
	if (strcmp(tag, TAG("null")) == 0)
		return kind == VALUE_NULL;
	return true;
}

static bool
is_resolvable(const char *tag)
{
	static const char *const tags[] = { "", TAG("bool"), TAG("int"),
		TAG("float"), TAG("null") };

	for (size_t i = 0; i < NELEM(tags); i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return false;
}

bool
value_resolve(
    struct value *v, const char *tag, struct arena *arena, const char **why)
{
	enum word word;

	if (strcmp(tag, TAG("binary")) == 0)
		return resolve_binary(v, arena, why);
	v->kind = VALUE_STRING;
	if (!is_resolvable(tag))
		return true;
	word = find_word(v);
	if (word == WORD_NO_JSON) {
		v->kind = VALUE_FLOAT;
		v->number = strpbrk(v->text, "aA") != NULL ? NAN
		    : v->text[0] == '-'                    ? -INFINITY
							   : INFINITY;
	} else if (word == WORD_NULL) {
		v->kind = VALUE_NULL;
	} else if (word != WORD_NONE) {
		v->kind = VALUE_BOOL;
		v->boolean = word == WORD_TRUE;
	} else {
		resolve_number(v);
	}
	*why = "value does not fit its tag";
	return tag_agrees(tag, v->kind);
}

/* The fewest digits that give the same single-precision number, laid out as
 * kubectl does: an exponent below 1e-4 and from 1e6 on. */
static const char *
float_key(double d, struct arena *arena)
{
	char sci[40], out[64];
	int precision = 0, n = 0;
	long exponent;

	do {
		(void)snprintf(sci, sizeof(sci), "%.*e", precision, d);
	} while (strtof(sci, NULL) != (float)d && ++precision < 17);
	exponent = strtol(strchr(sci, 'e') + 1, NULL, 10);
	for (const char *s = sci; *s != 'e'; s++)
		n += isdigit((unsigned char)*s) != 0;
	if (exponent < -4 || exponent >= 6)
		(void)snprintf(out, sizeof(out), "%s", sci);
	else
		(void)snprintf(out, sizeof(out), "%.*f",
		    n - 1 > exponent ? n - 1 - (int)exponent : 0,
		    strtod(sci, NULL));
	return arena_strdup(arena, out);
}

const char *
value_key_text(const struct value *v, struct arena *arena)
{
	char text[32];

	switch (v->kind) {
	case VALUE_BOOL:
		return v->boolean ? "true" : "false";
	case VALUE_FLOAT:
		if (isnan(v->number))
			return ".nan";
		if (isinf(v->number))
			return v->number < 0 ? "-.inf" : ".inf";
		return float_key(v->number, arena);
	case VALUE_INT:
		/* Written with a point or exponent it was a float to kubectl,
		 * and is printed back as one. */
		if (strpbrk(v->text, ".eE") != NULL &&
		    strpbrk(v->text, "xX") == NULL)
			return float_key(v->number, arena);
		(void)snprintf(text, sizeof(text), "%" PRId64, v->integer);
		return arena_strdup(arena, text);
	default:
		return v->text;
	}
}

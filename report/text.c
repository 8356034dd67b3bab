/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text.h"

#include <stdbool.h>
#include <string.h>

/* How many bytes begin with this one; 0: none can. */
static size_t
sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

uint32_t
text_decode(const char *s, size_t *len)
{
	static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)s;
	size_t n = sequence_length(b[0]);
	uint32_t rune = b[0] & lead_bits[n];

	*len = 1;
	if (n == 0)
		return TEXT_INVALID;
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return TEXT_INVALID; /* the final NUL ends up here */
		rune = rune << 6 | (b[i] & 0x3f);
	}
	if (rune < least[n] || rune > 0x10ffff ||
	    (rune >= 0xd800 && rune <= 0xdfff))
		return TEXT_INVALID;
	*len = n;
	return rune;
}

/* Ranges of what is not seen, or changes how what follows is seen. */
static const uint32_t unseen[][2] = {
	{ 0, 0x1f },          /* C0 */
	{ 0x7f, 0x9f },       /* DEL, C1 */
	{ 0xad, 0xad },       /* soft hyphen */
	{ 0x34f, 0x34f },     /* grapheme joiner */
	{ 0x61c, 0x61c },     /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors, vowel separator */
	{ 0x200b, 0x200f },   /* zero width, left and right marks */
	{ 0x2028, 0x202e },   /* separators, bidirectional controls */
	{ 0x2060, 0x206f },   /* joiners, isolates, deprecated controls */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* Hangul filler */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xe0000, 0xe0fff }, /* tags, more variation selectors */
};

/* Marks that stand above or below the character before, of the scripts that
 * names are commonly written in. */
static const uint32_t marks[][2] = {
	{ 0x300, 0x36f },   /* Latin, Greek */
	{ 0x483, 0x489 },   /* Cyrillic */
	{ 0x591, 0x5bd },   /* Hebrew */
	{ 0x610, 0x61a },   /* Arabic */
	{ 0x64b, 0x65f },   /* Arabic */
	{ 0x1ab0, 0x1aff }, /* extended */
	{ 0x1dc0, 0x1dff }, /* supplement */
	{ 0x20d0, 0x20ff }, /* for symbols */
	{ 0x302a, 0x302f }, /* ideographic tones */
	{ 0x3099, 0x309a }, /* Japanese voicing */
	{ 0xfe20, 0xfe2f }, /* half marks */
};

/* What takes two columns (Unicode's East Asian Width W and F). */
static const uint32_t wide[][2] = {
	{ 0x1100, 0x115e },   /* Hangul initials */
	{ 0x231a, 0x231b },   /* watch, hourglass */
	{ 0x23e9, 0x23ec },   /* player's signs */
	{ 0x2614, 0x2615 },   /* umbrella, hot drink */
	{ 0x26a1, 0x26a1 },   /* high voltage */
	{ 0x2705, 0x2705 },   /* check mark */
	{ 0x274c, 0x274c },   /* cross mark */
	{ 0x2728, 0x2728 },   /* sparkles */
	{ 0x2b50, 0x2b50 },   /* star */
	{ 0x2e80, 0x303e },   /* CJK radicals, punctuation */
	{ 0x3041, 0x33ff },   /* kana, CJK letters */
	{ 0x3400, 0x4dbf },   /* ideographs */
	{ 0x4e00, 0xa4cf },   /* ideographs, Yi */
	{ 0xa960, 0xa97c },   /* Hangul */
	{ 0xac00, 0xd7a3 },   /* Hangul */
	{ 0xf900, 0xfaff },   /* ideographs */
	{ 0xfe30, 0xfe6f },   /* forms */
	{ 0xff01, 0xff60 },   /* full width */
	{ 0xffe0, 0xffe6 },   /* full width */
	{ 0x17000, 0x18cff }, /* Tangut, Khitan */
	{ 0x1b000, 0x1b2ff }, /* kana */
	{ 0x1f300, 0x1f64f }, /* pictures */
	{ 0x1f680, 0x1f6ff }, /* transport */
	{ 0x1f7e0, 0x1f7eb }, /* coloured circles and squares */
	{ 0x1f900, 0x1f9ff }, /* pictures */
	{ 0x1fa70, 0x1faff }, /* pictures */
	{ 0x20000, 0x3fffd }, /* ideographs */
};

#define IS_IN(rune, v) is_in(rune, v, sizeof(v) / sizeof((v)[0]))

static bool
is_in(uint32_t rune, const uint32_t (*ranges)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rune >= ranges[i][0] && rune <= ranges[i][1])
			return true;
	return false;
}

bool
text_is_control(uint32_t rune)
{
	return IS_IN(rune, unseen);
}

void
text_escape(struct strbuf *out, const char *s)
{
	while (*s != '\0') {
		size_t len;
		uint32_t rune = text_decode(s, &len);

		if (rune != TEXT_INVALID && !text_is_control(rune))
			strbuf_add(out, s, len);
		else
			for (size_t i = 0; i < len; i++)
				strbuf_printf(out, "\\x%02x",
				    (unsigned)(unsigned char)s[i]);
		s += len;
	}
}

void
text_print(FILE *out, struct strbuf *line, struct strbuf *safe)
{
	strbuf_clear(safe);
	text_escape(safe, strbuf_str(line));
	fputs(strbuf_str(safe), out);
	fputc('\n', out);
	strbuf_clear(line);
}

/* How many columns the character at s takes; *len receives its bytes. */
static size_t
width_at(const char *s, size_t *len)
{
	uint32_t rune;

	if ((unsigned char)*s < 0x80) {
		*len = 1;
		return 1;
	}
	rune = text_decode(s, len);
	if (IS_IN(rune, marks))
		return 0;
	return IS_IN(rune, wide) ? 2 : 1;
}

size_t
text_columns_of(const char *s, size_t n)
{
	size_t columns = 0, len;

	for (size_t i = 0; i < n; i += len)
		columns += width_at(s + i, &len);
	return columns;
}

size_t
text_columns(const char *s)
{
	return text_columns_of(s, strlen(s));
}

size_t
text_head(const char *s, size_t columns)
{
	size_t i = 0, len, width;

	while (s[i] != '\0' && (width = width_at(s + i, &len)) <= columns) {
		columns -= width;
		i += len;
	}
	return i;
}

size_t
text_tail(const char *s, size_t columns)
{
	size_t all = text_columns(s), i = 0, len;

	while (all > columns) {
		all -= width_at(s + i, &len);
		i += len;
	}
	/* A mark goes with the character that it is on. */
	while (s[i] != '\0' && i > 0 && width_at(s + i, &len) == 0)
		i += len;
	return i;
}

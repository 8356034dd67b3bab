/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text.h"

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

bool
text_is_control(uint32_t rune)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (rune >= unseen[i][0] && rune <= unseen[i][1])
			return true;
	return false;
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

size_t
text_columns(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/json_writer.h"

#include <assert.h>
#include <inttypes.h>

#include "core/rfc3339.h"
#include "report/text.h"

void
json_writer_init(struct json_writer *w, FILE *out)
{
	*w = (struct json_writer){ .out = out };
}

static bool
is_inline(const struct json_writer *w)
{
	return w->inline_from != 0 && w->depth >= w->inline_from;
}

/* How many bytes from here on need no second look; most texts are one run. */
static size_t
plain_run(const char *s)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x7f &&
	    s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* As UTF-16, which is what JSON's escapes are. */
static void
put_escape(struct json_writer *w, uint32_t rune)
{
	if (rune > 0xffff) {
		rune -= 0x10000;
		fprintf(w->out, "\\u%04" PRIx32, 0xd800 + (rune >> 10));
		rune = 0xdc00 + (rune & 0x3ff);
	}
	fprintf(w->out, "\\u%04" PRIx32, rune);
}

static void
put_text(struct json_writer *w, const char *s)
{
	fputc('"', w->out);
	while (*s != '\0') {
		size_t len = plain_run(s);
		uint32_t rune;

		(void)fwrite(s, 1, len, w->out);
		s += len;
		if (*s == '\0')
			break;
		rune = text_decode(s, &len);

		if (rune == '"' || rune == '\\')
			fprintf(w->out, "\\%c", (int)rune);
		else if (rune == '\n')
			fputs("\\n", w->out);
		else if (rune == '\t')
			fputs("\\t", w->out);
		else if (rune == TEXT_INVALID)
			fputs("\\ufffd", w->out);
		else if (text_is_control(rune))
			put_escape(w, rune);
		else
			(void)fwrite(s, 1, len, w->out);
		s += len;
	}
	fputc('"', w->out);
}

static void
new_line(struct json_writer *w)
{
	fprintf(w->out, "\n%*s", (int)(2 * w->depth), "");
}

/* What stands before a value: comma, line, key. */
static void
start(struct json_writer *w, const char *name)
{
	if (w->has_member[w->depth])
		fputs(is_inline(w) ? ", " : ",", w->out);
	if (w->depth > 0 && !is_inline(w))
		new_line(w);
	w->has_member[w->depth] = w->depth > 0;
	if (name != NULL) {
		put_text(w, name);
		fputs(": ", w->out);
	}
}

static void
begin(struct json_writer *w, const char *name, char bracket, bool one_line)
{
	start(w, name);
	fputc(bracket, w->out);
	assert(w->depth < JSON_WRITER_DEPTH);
	w->has_member[++w->depth] = false;
	if (one_line && w->inline_from == 0)
		w->inline_from = w->depth;
}

static void
end(struct json_writer *w, char bracket)
{
	bool had = w->has_member[w->depth], one_line = is_inline(w);

	assert(w->depth > 0);
	if (w->inline_from == w->depth)
		w->inline_from = 0;
	w->depth--;
	if (had && !one_line)
		new_line(w);
	fputc(bracket, w->out);
}

void
json_writer_object_begin(struct json_writer *w, const char *name)
{
	begin(w, name, '{', false);
}

void
json_writer_array_begin(struct json_writer *w, const char *name)
{
	begin(w, name, '[', false);
}

void
json_writer_object_begin_inline(struct json_writer *w, const char *name)
{
	begin(w, name, '{', true);
}

void
json_writer_array_begin_inline(struct json_writer *w, const char *name)
{
	begin(w, name, '[', true);
}

void
json_writer_object_end(struct json_writer *w)
{
	end(w, '}');
}

void
json_writer_array_end(struct json_writer *w)
{
	end(w, ']');
}

void
json_writer_string(struct json_writer *w, const char *name, const char *text)
{
	if (text == NULL) {
		json_writer_null(w, name);
		return;
	}
	start(w, name);
	put_text(w, text);
}

void
json_writer_unsigned(struct json_writer *w, const char *name, uint64_t v)
{
	start(w, name);
	fprintf(w->out, "%" PRIu64, v);
}

void
json_writer_null(struct json_writer *w, const char *name)
{
	start(w, name);
	fputs("null", w->out);
}

void
json_writer_ip(
    struct json_writer *w, const char *name, const struct ip_addr *ip)
{
	char text[IP_STRLEN];

	json_writer_string(w, name, ip_format(ip, text));
}

void
json_writer_time(struct json_writer *w, const char *name, int64_t us)
{
	char text[RFC3339_STRLEN];

	json_writer_string(w, name, rfc3339_format(us, text));
}

void
json_writer_end(struct json_writer *w)
{
	assert(w->depth == 0);
	fputc('\n', w->out);
}

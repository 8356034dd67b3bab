/* SPDX-License-Identifier: Apache-2.0 */
#include "report/csv.h"

#include <inttypes.h>
#include <string.h>

#include "report/text.h"

#define FIELD_MAX (1 << 20)

void
csv_init(struct csv *c, FILE *out)
{
	*c = (struct csv){ .out = out };
	strbuf_init(&c->scratch, FIELD_MAX);
}

void
csv_release(struct csv *c)
{
	strbuf_release(&c->scratch);
}

static void
separate(struct csv *c)
{
	if (c->has_field)
		fputc(',', c->out);
	c->has_field = true;
}

/* A spreadsheet would calculate what begins like this, and no name of
 * Kubernetes, address or host does. */
static bool
is_formula(const char *s)
{
	return *s != '\0' && strchr("=+-@", *s) != NULL;
}

void
csv_text(struct csv *c, const char *text)
{
	const char *s;

	separate(c);
	if (text == NULL || csv_failed(c))
		return;
	strbuf_clear(&c->scratch);
	text_escape(&c->scratch, text);
	s = strbuf_str(&c->scratch);
	if (strpbrk(s, "\",") == NULL && !is_formula(s)) {
		fputs(s, c->out);
		return;
	}
	fputc('"', c->out);
	if (is_formula(s))
		fputc('\'', c->out);
	for (; *s != '\0'; s++)
		fprintf(c->out, *s == '"' ? "\"%c" : "%c", *s);
	fputc('"', c->out);
}

void
csv_unsigned(struct csv *c, uint64_t v)
{
	separate(c);
	fprintf(c->out, "%" PRIu64, v);
}

void
csv_record_end(struct csv *c)
{
	fputs("\r\n", c->out);
	c->has_field = false;
}

bool
csv_failed(const struct csv *c)
{
	return strbuf_failed(&c->scratch);
}

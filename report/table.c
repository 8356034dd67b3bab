/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/text.h"

#define TEXT_MAX ((size_t)1 << 30)
#define GAP      "   "

static const char *const colour_codes[] = {
	[TABLE_PLAIN] = "",
	[TABLE_RED] = "\x1b[31m",
	[TABLE_YELLOW] = "\x1b[33m",
	[TABLE_GREEN] = "\x1b[32m",
};

void
table_init(
    struct table *t, const struct table_column *columns, size_t n_columns)
{
	assert(n_columns > 0 && n_columns <= TABLE_COLUMNS_MAX);
	*t = (struct table){ .columns = columns, .n_columns = n_columns };
	strbuf_init(&t->text, TEXT_MAX);
}

void
table_release(struct table *t)
{
	free(t->cells);
	strbuf_release(&t->text);
}

static struct table_cell *
cell_new(struct table *t)
{
	if (t->n_cells == t->cap_cells) {
		size_t cap = t->cap_cells == 0 ? 256 : 2 * t->cap_cells;
		void *p = reallocarray(t->cells, cap, sizeof(*t->cells));

		if (p == NULL) {
			t->failed = true;
			return NULL;
		}
		t->cells = p;
		t->cap_cells = cap;
	}
	return &t->cells[t->n_cells++];
}

void
table_add_coloured(struct table *t, const char *text, enum table_colour colour)
{
	struct table_cell *cell = cell_new(t);
	size_t offset = t->text.len;

	if (cell == NULL)
		return;
	text_escape(&t->text, text == NULL || *text == '\0' ? "-" : text);
	*cell = (struct table_cell){ .offset = offset, .colour = colour };
	if (!strbuf_failed(&t->text))
		cell->columns = text_columns(t->text.s + offset);
	strbuf_add(&t->text, "", 1);
}

void
table_add(struct table *t, const char *text)
{
	table_add_coloured(t, text, TABLE_PLAIN);
}

void
table_add_unsigned(struct table *t, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	table_add(t, text);
}

void
table_printf(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->failed = true;
		return;
	}
	table_add(t, text);
	free(text);
}

static void
put_cell(FILE *out, const struct table_column *column, const char *text,
    size_t columns, size_t width)
{
	int pad = (int)(width - columns);

	if (column->is_number)
		fprintf(out, "%*s", pad, "");
	fputs(text, out);
	if (!column->is_number)
		fprintf(out, "%*s", pad, "");
}

static void
put_row(const struct table *t, FILE *out, const struct table_cell *cells,
    const size_t *width, bool with_colour)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct table_column *column = &t->columns[i];
		const struct table_cell *cell = &cells[i];
		bool last = i + 1 == t->n_columns;
		bool colour = with_colour && cell->colour != TABLE_PLAIN;

		fputs(i == 0 ? "" : GAP, out);
		if (colour)
			fputs(colour_codes[cell->colour], out);
		put_cell(out, column, t->text.s + cell->offset, cell->columns,
		    last && !column->is_number ? cell->columns : width[i]);
		if (colour)
			fputs("\x1b[0m", out);
	}
	fputc('\n', out);
}

static void
put_headers(const struct table *t, FILE *out, const size_t *width)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct table_column *column = &t->columns[i];
		size_t len = strlen(column->header);
		bool last = i + 1 == t->n_columns;

		fputs(i == 0 ? "" : GAP, out);
		put_cell(out, column, column->header, len,
		    last && !column->is_number ? len : width[i]);
	}
	fputc('\n', out);
}

enum rf_status
table_print(const struct table *t, FILE *out, bool with_headers,
    bool with_colour, struct rf_error *err)
{
	size_t width[TABLE_COLUMNS_MAX] = { 0 };

	if (t->failed || strbuf_failed(&t->text))
		return rf_fail(err, RF_NOMEM, "table: out of memory");
	assert(t->n_cells % t->n_columns == 0);
	for (size_t i = 0; with_headers && i < t->n_columns; i++)
		width[i] = strlen(t->columns[i].header);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t *w = &width[i % t->n_columns];

		if (t->cells[i].columns > *w)
			*w = t->cells[i].columns;
	}
	if (with_headers)
		put_headers(t, out, width);
	for (size_t i = 0; i < t->n_cells; i += t->n_columns)
		put_row(t, out, &t->cells[i], width, with_colour);
	return RF_OK;
}

bool
table_wants_colour(FILE *out, const char *no_color, const char *term)
{
	if (no_color != NULL && *no_color != '\0')
		return false;
	return term != NULL && strcmp(term, "dumb") != 0 &&
	    isatty(fileno(out)) == 1;
}

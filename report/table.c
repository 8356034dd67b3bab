/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/text.h"

#define TEXT_MAX    ((size_t)1 << 30)
#define GAP         "   "
#define GAP_COLUMNS 3
#define ELLIPSIS    "\xe2\x80\xa6"
/* A name that is cut further says little; and then nothing. */
#define SHRUNK_GOOD  24
#define SHRUNK_MIN   12
#define BELOW_INDENT 4
#define BELOW_MIN    20

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

/* What is printed of a table, and how wide. */
struct layout {
	size_t width[TABLE_COLUMNS_MAX];
	unsigned hidden; /* bits by column */
	size_t last;     /* the last column that is not hidden */
	bool below;      /* the table's last column stands below its rows */
};

static bool
is_name(const struct table *t, size_t column)
{
	return (t->fit.shrinks & 1u << column) != 0;
}

/* With names of at most name_max columns. */
static size_t
total_width(const struct table *t, const struct layout *l, size_t name_max)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->n_columns; i++) {
		if ((l->hidden & 1u << i) != 0)
			continue;
		sum += sum > 0 ? GAP_COLUMNS : 0;
		sum += is_name(t, i) && l->width[i] > name_max ? name_max
							       : l->width[i];
	}
	return sum;
}

/* Take from the widest names first, so that they end up about equal. */
static void
shrink_names(const struct table *t, struct layout *l)
{
	size_t total = total_width(t, l, SIZE_MAX);

	while (total > t->fit.columns) {
		size_t widest = t->n_columns;

		for (size_t i = 0; i < t->n_columns; i++)
			if (is_name(t, i) && (l->hidden & 1u << i) == 0 &&
			    l->width[i] > SHRUNK_MIN &&
			    (widest == t->n_columns ||
				l->width[i] > l->width[widest]))
				widest = i;
		if (widest == t->n_columns)
			return; /* the terminal will have to wrap */
		l->width[widest]--;
		total--;
	}
}

static void
lay_out(const struct table *t, bool with_headers, struct layout *l)
{
	const struct table_fit *fit = &t->fit;

	*l = (struct layout){ .last = t->n_columns - 1 };
	for (size_t i = 0; with_headers && i < t->n_columns; i++)
		l->width[i] = strlen(t->columns[i].header);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t *w = &l->width[i % t->n_columns];

		if (t->cells[i].columns > *w)
			*w = t->cells[i].columns;
	}
	if (fit->columns == 0 || total_width(t, l, SIZE_MAX) <= fit->columns)
		return;
	l->below = fit->last_below;
	if (l->below)
		l->hidden = 1u << l->last;
	for (size_t i = 0;
	     i < fit->n_spare && total_width(t, l, SHRUNK_GOOD) > fit->columns;
	     i++)
		l->hidden |= 1u << fit->spare[i];
	while (l->last > 0 && (l->hidden & 1u << l->last) != 0)
		l->last--;
	shrink_names(t, l);
}

/* The text within width columns: without its middle if it must be. Returns how
 * many it took. */
static size_t
put_text(FILE *out, const char *text, size_t columns, size_t width)
{
	/* The end of a name tells more than its beginning. */
	size_t head, tail;

	if (columns <= width) {
		fputs(text, out);
		return columns;
	}
	head = text_head(text, width / 3);
	tail = text_tail(text, width - width / 3 - 1);
	fprintf(out, "%.*s" ELLIPSIS "%s", (int)head, text, text + tail);
	return text_columns_of(text, head) + 1 + text_columns(text + tail);
}

static void
put_cell(FILE *out, const struct table_column *column, const char *text,
    size_t columns, size_t width)
{
	size_t put;

	if (column->is_number && columns < width)
		fprintf(out, "%*s", (int)(width - columns), "");
	put = put_text(out, text, columns, width);
	if (!column->is_number && put < width)
		fprintf(out, "%*s", (int)(width - put), "");
}

/* The width to which the last column is padded: none, if it is text. */
static size_t
last_width(const struct table_column *column, size_t columns, size_t width)
{
	return column->is_number || columns > width ? width : columns;
}

static void
put_row(const struct table *t, FILE *out, const struct table_cell *cells,
    const struct layout *l, bool with_colour)
{
	for (size_t i = 0; i <= l->last; i++) {
		const struct table_column *column = &t->columns[i];
		const struct table_cell *cell = &cells[i];
		bool colour = with_colour && cell->colour != TABLE_PLAIN;

		if ((l->hidden & 1u << i) != 0)
			continue;
		if (colour)
			fputs(colour_codes[cell->colour], out);
		put_cell(out, column, t->text.s + cell->offset, cell->columns,
		    i < l->last
			? l->width[i]
			: last_width(column, cell->columns, l->width[i]));
		if (colour)
			fputs("\x1b[0m", out);
		fputs(i < l->last ? GAP : "\n", out);
	}
}

/* Wrapped between words, indented; a word longer than a line stays whole. */
static void
put_below(const struct table *t, FILE *out, const struct table_cell *cell)
{
	const char *s = t->text.s + cell->offset;
	size_t room = t->fit.columns, used = 0;

	if (strcmp(s, "-") == 0)
		return;
	room =
	    room > BELOW_INDENT + BELOW_MIN ? room - BELOW_INDENT : BELOW_MIN;
	while (*s != '\0') {
		size_t len = strcspn(s, " "), gap = strspn(s + len, " ");
		size_t wide = text_columns_of(s, len);

		if (used == 0 || used + 1 + wide > room) {
			fprintf(out, "%s%*s", used == 0 ? "" : "\n",
			    BELOW_INDENT, "");
			used = 0;
		} else {
			fputc(' ', out);
			used++;
		}
		fprintf(out, "%.*s", (int)len, s);
		used += wide;
		s += len + gap;
	}
	fputc('\n', out);
}

static void
put_headers(const struct table *t, FILE *out, const struct layout *l)
{
	for (size_t i = 0; i <= l->last; i++) {
		const struct table_column *column = &t->columns[i];
		size_t len = strlen(column->header);

		if ((l->hidden & 1u << i) != 0)
			continue;
		put_cell(out, column, column->header, len,
		    i < l->last ? l->width[i]
				: last_width(column, len, l->width[i]));
		fputs(i < l->last ? GAP : "\n", out);
	}
}

enum rf_status
table_print(const struct table *t, FILE *out, bool with_headers,
    bool with_colour, struct rf_error *err)
{
	struct layout l;

	if (t->failed || strbuf_failed(&t->text))
		return rf_fail(err, RF_NOMEM, "table: out of memory");
	assert(t->n_cells % t->n_columns == 0);
	lay_out(t, with_headers, &l);
	if (with_headers)
		put_headers(t, out, &l);
	for (size_t i = 0; i < t->n_cells; i += t->n_columns) {
		put_row(t, out, &t->cells[i], &l, with_colour);
		if (l.below)
			put_below(t, out, &t->cells[i + t->n_columns - 1]);
	}
	return RF_OK;
}

size_t
table_terminal_columns(FILE *out)
{
	struct winsize size;

	if (isatty(fileno(out)) != 1 ||
	    ioctl(fileno(out), TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

bool
table_wants_colour(FILE *out, const char *no_color, const char *term)
{
	if (no_color != NULL && *no_color != '\0')
		return false;
	return term != NULL && strcmp(term, "dumb") != 0 &&
	    isatty(fileno(out)) == 1;
}

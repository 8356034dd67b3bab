/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: rows for people, as kubectl prints them: upper-case headers, columns
 * apart by three blanks, no borders.
 *
 * Cells are gathered first, because a column is as wide as its widest cell.
 * Their text is escaped here (report/text.h). The last column is never
 * padded.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/error.h"
#include "core/strbuf.h"

#define TABLE_COLUMNS_MAX 16

/* Colour is only ever an addition to what the words say. */
enum table_colour { TABLE_PLAIN, TABLE_RED, TABLE_YELLOW, TABLE_GREEN };

struct table_column {
	const char *header;
	bool is_number; /* aligned to the right */
};

struct table_cell {
	size_t offset; /* in text */
	size_t columns;
	enum table_colour colour;
};

/*
 * How a table gives way on a terminal that is narrower: what explains a row
 * moves below it, columns that matter less are left out, names lose their
 * middle. Files and pipes get all.
 */
struct table_fit {
	size_t columns;   /* of the terminal; 0: as wide as it comes */
	unsigned shrinks; /* bits by column: names, that may be shortened */
	bool last_below;  /* the last column goes below its row, wrapped */
	/* Columns to leave out, in this order, while names would have to be
	 * cut so short that they say little. */
	const uint8_t *spare;
	size_t n_spare;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct table_cell *cells; /* row after row, all columns of each */
	size_t n_cells, cap_cells;
	struct strbuf text;
	struct table_fit fit; /* zero, or set before printing */
	bool failed;
};

void table_init(
    struct table *t, const struct table_column *columns, size_t n_columns);
void table_release(struct table *t);

/* The next cell, left to right, row by row. NULL and "" show as "-". */
void table_add(struct table *t, const char *text);
void table_add_coloured(
    struct table *t, const char *text, enum table_colour colour);
void table_add_unsigned(struct table *t, uint64_t v);
void table_printf(struct table *t, const char *fmt, ...) RF_PRINTF(2, 3);

/* RF_NOMEM when a cell was lost; nothing is printed then. */
RF_MUST_USE enum rf_status table_print(const struct table *t, FILE *out,
    bool with_headers, bool with_colour, struct rf_error *err);

/*
 * Should out get colour: a terminal, TERM not "dumb", no_color (the value of
 * NO_COLOR, or NULL) unset or empty?
 */
bool table_wants_colour(FILE *out, const char *no_color, const char *term);

/* How wide the terminal behind out is; 0: it is none, or does not say. */
size_t table_terminal_columns(FILE *out);

#endif

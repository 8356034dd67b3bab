/* SPDX-License-Identifier: Apache-2.0 */
#include "report/problems.h"

#include "report/json_writer.h"
#include "report/text.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

static void
add_part(struct strbuf *line, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	text_escape(line, text);
	strbuf_puts(line, ": ");
}

enum rf_status
problems_print_text(
    FILE *out, const struct policy_problem *v, size_t n, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	for (size_t i = 0; i < n && st == RF_OK; i++) {
		strbuf_clear(&line);
		text_escape(&line, v[i].file == NULL ? "-" : v[i].file);
		if (v[i].line > 0)
			strbuf_printf(&line, ":%u", (unsigned)v[i].line);
		strbuf_puts(&line, ": ");
		add_part(&line, v[i].object);
		add_part(&line, v[i].field);
		add_part(&line, policy_problem_type_name(v[i].type));
		text_escape(&line, v[i].detail);
		if (strbuf_failed(&line))
			st = rf_fail(err, RF_NOMEM, "out of memory");
		else
			fprintf(out, "%s\n", strbuf_str(&line));
	}
	strbuf_release(&line);
	return st;
}

void
problems_print_json(FILE *out, const struct policy_problem *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json_writer w;

		json_writer_init(&w, out);
		json_writer_object_begin_inline(&w, NULL);
		json_writer_string(
		    &w, "file", v[i].file == NULL ? "-" : v[i].file);
		if (v[i].line > 0)
			json_writer_unsigned(&w, "line", v[i].line);
		else
			json_writer_null(&w, "line");
		json_writer_string(&w, "object", v[i].object);
		json_writer_string(&w, "field", v[i].field);
		json_writer_string(
		    &w, "type", policy_problem_type_name(v[i].type));
		json_writer_string(&w, "detail", v[i].detail);
		json_writer_object_end(&w);
		json_writer_end(&w);
	}
}

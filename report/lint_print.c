/* SPDX-License-Identifier: Apache-2.0 */
#include "report/lint_print.h"

#include <string.h>

#include "core/strbuf.h"
#include "report/json_writer.h"
#include "report/sarif.h"
#include "report/table.h"

#define MESSAGE_MAX_BYTES ((size_t)1 << 20)

enum {
	COLUMN_SEVERITY,
	COLUMN_RULE,
	COLUMN_WHERE,
	COLUMN_OBJECT,
	COLUMN_FIELD,
	COLUMN_TEXT
};

static const struct table_column columns[] = {
	[COLUMN_SEVERITY] = { .header = "SEVERITY" },
	[COLUMN_RULE] = { .header = "RULE" },
	[COLUMN_WHERE] = { .header = "WHERE" },
	[COLUMN_OBJECT] = { .header = "OBJECT" },
	[COLUMN_FIELD] = { .header = "FIELD" },
	[COLUMN_TEXT] = { .header = "REASON AND MEND" },
};

static const struct table_column rule_columns[] = {
	{ .header = "RULE" },
	{ .header = "SEVERITY" },
	{ .header = "NEEDS" },
	{ .header = "ABOUT" },
};

static const char *
file_name(const struct lint_finding *f)
{
	return f->file == NULL ? "-" : f->file;
}

static void
add_row(struct table *t, const struct lint_finding *f)
{
	static const enum table_colour colours[] = {
		[LINT_NOTE] = TABLE_PLAIN,
		[LINT_WARNING] = TABLE_YELLOW,
		[LINT_ERROR] = TABLE_RED,
	};

	table_add_coloured(
	    t, lint_severity_name(f->severity), colours[f->severity]);
	table_add(t, f->rule->id);
	if (f->line > 0)
		table_printf(t, "%s:%u", file_name(f), (unsigned)f->line);
	else
		table_add(t, f->file);
	table_add(t, f->object);
	table_add(t, f->field);
	table_printf(t, "%s. %s", f->reason, f->mend);
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_summary(FILE *out, const struct lint_result *r)
{
	size_t e = r->counts[LINT_ERROR], w = r->counts[LINT_WARNING];
	size_t n = r->counts[LINT_NOTE];

	fprintf(out, "%s%zu error%s, %zu warning%s, %zu note%s.\n",
	    r->n == 0 ? "" : "\n", e, plural(e), w, plural(w), n, plural(n));
	if (r->n > 0)
		fprintf(out, "'ringfence lint --explain %s' explains a rule.\n",
		    r->findings[0].rule->id);
}

enum rf_status
lint_print_table(FILE *out, const struct lint_result *r, bool with_headers,
    bool with_colour, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < r->n; i++)
		add_row(&t, &r->findings[i]);
	t.fit = (struct table_fit){ .columns = table_terminal_columns(out),
		.shrinks = 1u << COLUMN_WHERE | 1u << COLUMN_OBJECT |
		    1u << COLUMN_FIELD,
		.last_below = true };
	if (r->n > 0)
		st = table_print(&t, out, with_headers, with_colour, err);
	if (st == RF_OK)
		print_summary(out, r);
	table_release(&t);
	return st;
}

static void
put_finding(struct json_writer *w, const struct lint_finding *f)
{
	json_writer_object_begin(w, NULL);
	json_writer_string(w, "id", f->rule->id);
	json_writer_string(w, "severity", lint_severity_name(f->severity));
	json_writer_string(w, "file", f->file);
	if (f->line > 0)
		json_writer_unsigned(w, "line", f->line);
	else
		json_writer_null(w, "line");
	json_writer_string(w, "object", f->object);
	json_writer_string(w, "field", f->field);
	json_writer_string(w, "reason", f->reason);
	json_writer_string(w, "mend", f->mend);
	json_writer_object_end(w);
}

void
lint_print_json(FILE *out, const struct lint_result *r, size_t n_policies)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_array_begin(&w, "findings");
	for (size_t i = 0; i < r->n; i++)
		put_finding(&w, &r->findings[i]);
	json_writer_array_end(&w);
	json_writer_object_begin(&w, "summary");
	json_writer_unsigned(&w, "policies", n_policies);
	json_writer_unsigned(&w, "errors", r->counts[LINT_ERROR]);
	json_writer_unsigned(&w, "warnings", r->counts[LINT_WARNING]);
	json_writer_unsigned(&w, "notes", r->counts[LINT_NOTE]);
	json_writer_object_end(&w);
	json_writer_object_end(&w);
	json_writer_end(&w);
}

/* Formatted into the arena; NULL: out of memory. */
static const char *
join(struct strbuf *sb, struct arena *arena, const char *const parts[5])
{
	strbuf_clear(sb);
	for (size_t i = 0; i < 5; i++)
		strbuf_puts(sb, parts[i]);
	return strbuf_failed(sb) ? NULL : arena_strdup(arena, strbuf_str(sb));
}

static bool
fill_rules(struct sarif_rule *out, const struct lint_rule *rules, size_t n,
    struct strbuf *sb, struct arena *arena)
{
	for (size_t i = 0; i < n; i++) {
		const struct lint_lesson *t = rules[i].lesson;

		out[i] = (struct sarif_rule){ .id = rules[i].id,
			.level = lint_severity_name(rules[i].severity),
			.title = rules[i].title };
		out[i].help = join(sb, arena,
		    (const char *const[]){ t->why, "\nWrong:\n", t->wrong,
			"\nRight:\n", t->right });
		if (out[i].help == NULL)
			return false;
	}
	return true;
}

static bool
fill_results(struct sarif_run *run, struct sarif_result *out,
    const struct lint_result *r, struct strbuf *sb, struct arena *arena)
{
	size_t n_rules;
	const struct lint_rule *rules = lint_rules(&n_rules);

	for (size_t i = 0; i < r->n; i++) {
		const struct lint_finding *f = &r->findings[i];
		struct sarif_result *s = &out[run->n_results];

		if (f->file == NULL)
			continue;
		*s = (struct sarif_result){ .rule = (uint32_t)(f->rule - rules),
			.level = lint_severity_name(f->severity),
			.file = f->file,
			.line = f->line };
		s->message = join(sb, arena,
		    (const char *const[]){
			f->object, ": ", f->reason, ". ", f->mend });
		s->key = join(sb, arena,
		    (const char *const[]){ f->object, " ", f->field, "", "" });
		if (s->message == NULL || s->key == NULL)
			return false;
		run->n_results++;
	}
	return true;
}

enum rf_status
lint_print_sarif(FILE *out, const struct lint_result *r, const char *base,
    size_t *left_out, struct arena *arena, struct rf_error *err)
{
	size_t n;
	const struct lint_rule *rules = lint_rules(&n);
	struct sarif_rule *srules = arena_calloc(arena, n, sizeof(*srules));
	struct sarif_result *results =
	    arena_calloc(arena, r->n + 1, sizeof(*results));
	struct sarif_run run = {
		.base = base, .rules = srules, .n_rules = n, .results = results
	};
	struct strbuf sb;
	bool ok;

	strbuf_init(&sb, MESSAGE_MAX_BYTES);
	ok = srules != NULL && results != NULL &&
	    fill_rules(srules, rules, n, &sb, arena) &&
	    fill_results(&run, results, r, &sb, arena);
	strbuf_release(&sb);
	if (!ok)
		return rf_fail(err, RF_NOMEM, "lint: out of memory");
	*left_out = r->n - run.n_results;
	return sarif_print(out, &run, arena, err);
}

static const char *
needs_name(enum lint_needs needs)
{
	static const char *const names[] = {
		[LINT_NEEDS_POLICIES] = "policies",
		[LINT_NEEDS_CLUSTER] = "cluster",
		[LINT_NEEDS_FLOWS] = "flows",
	};

	return names[needs];
}

static void
print_indented(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		fprintf(out, "    %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void
lint_print_rule(FILE *out, const struct lint_rule *rule)
{
	static const char *const from[] = {
		[LINT_NEEDS_POLICIES] = "found in the policies alone",
		[LINT_NEEDS_CLUSTER] = "needs --snapshot or --db",
		[LINT_NEEDS_FLOWS] = "needs --db",
	};

	fprintf(out, "%s: %s (%s; %s)\n\n%s\nWrong:\n\n", rule->id, rule->title,
	    lint_severity_name(rule->severity), from[rule->needs],
	    rule->lesson->why);
	print_indented(out, rule->lesson->wrong);
	fputs("\nRight:\n\n", out);
	print_indented(out, rule->lesson->right);
}

enum rf_status
lint_print_rules(FILE *out, bool with_headers, struct rf_error *err)
{
	size_t n;
	const struct lint_rule *rules = lint_rules(&n);
	enum rf_status st;
	struct table t;

	table_init(
	    &t, rule_columns, sizeof(rule_columns) / sizeof(rule_columns[0]));
	for (size_t i = 0; i < n; i++) {
		table_add(&t, rules[i].id);
		table_add(&t, lint_severity_name(rules[i].severity));
		table_add(&t, needs_name(rules[i].needs));
		table_add(&t, rules[i].title);
	}
	st = table_print(&t, out, with_headers, false, err);
	table_release(&t);
	return st;
}

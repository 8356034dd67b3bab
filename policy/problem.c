/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 2048  /* bytes of one detail or path */
#define QUOTED_MAX 300   /* bytes of a manifest's text that are repeated */
#define KEPT_MAX   10000 /* problems; those beyond it are only counted */

const char *
policy_problem_type_name(enum policy_problem_type type)
{
	static const char *const names[] = {
		[PROBLEM_INVALID] = "Invalid",
		[PROBLEM_REQUIRED] = "Required",
		[PROBLEM_NOT_SUPPORTED] = "NotSupported",
		[PROBLEM_FORBIDDEN] = "Forbidden",
		[PROBLEM_DUPLICATE] = "Duplicate",
		[PROBLEM_DECODE] = "Decode",
		[PROBLEM_WARNING] = "Warning",
		[PROBLEM_NOTICE] = "Notice",
	};

	return names[type];
}

static void
add_escaped(struct strbuf *sb, const char *text, bool quotes)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (++n > QUOTED_MAX) {
			strbuf_puts(sb, "...");
			break;
		}
		if (quotes && (c == '"' || c == '\\'))
			strbuf_printf(sb, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			strbuf_putc(sb, (char)c);
		else if (c == '\n')
			strbuf_puts(sb, "\\n");
		else
			strbuf_printf(sb, "\\x%02x", c);
	}
}

static const char *
keep(struct reading *r, struct strbuf *sb)
{
	const char *s = arena_strdup(r->arena, strbuf_str(sb));

	if (s == NULL || strbuf_failed(sb))
		r->failed = true;
	strbuf_release(sb);
	return s == NULL ? "" : s;
}

const char *
problem_quote(struct reading *r, const char *text)
{
	struct strbuf sb;

	strbuf_init(&sb, DETAIL_MAX);
	strbuf_putc(&sb, '"');
	add_escaped(&sb, text, true);
	strbuf_putc(&sb, '"');
	return keep(r, &sb);
}

const char *
problem_clean(struct reading *r, const char *text)
{
	struct strbuf sb;

	strbuf_init(&sb, DETAIL_MAX);
	add_escaped(&sb, text, false);
	return keep(r, &sb);
}

/* Recursion is as deep as the NetworkPolicy schema, not as the input. */
static void
add_path(struct strbuf *sb, const struct field_path *p)
{
	if (p == NULL)
		return;
	add_path(sb, p->up);
	if (p->key == NULL) {
		strbuf_printf(sb, "[%zu]", p->index);
		return;
	}
	if (p->up != NULL)
		strbuf_putc(sb, '.');
	add_escaped(sb, p->key, false);
}

static const char *
path_text(struct reading *r, const struct field_path *path)
{
	struct strbuf sb;

	if (path == NULL)
		return "";
	strbuf_init(&sb, DETAIL_MAX);
	add_path(&sb, path);
	return keep(r, &sb);
}

void
problem_add(struct reading *r, const struct field_path *path, uint32_t line,
    enum policy_problem_type type, const char *fmt, ...)
{
	void *v = r->problems;
	struct policy_problem *p;
	char text[DETAIL_MAX];
	va_list ap;

	if (type != PROBLEM_WARNING && type != PROBLEM_NOTICE)
		r->n_refusals++;
	if (r->n_problems == KEPT_MAX)
		return;
	if (!arena_grow(r->arena, &v, r->n_problems, &r->cap_problems,
		sizeof(*r->problems))) {
		r->failed = true;
		return;
	}
	r->problems = v;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p = &r->problems[r->n_problems++];
	p->file = r->file;
	p->line = line;
	p->object = r->object;
	p->field = path_text(r, path);
	p->type = type;
	p->detail = arena_strdup(r->arena, text);
	if (p->detail == NULL) {
		p->detail = "";
		r->failed = true;
	}
}

void
problem_invalid(struct reading *r, const struct field_path *path, uint32_t line,
    const char *value, const char *why)
{
	problem_add(r, path, line, PROBLEM_INVALID, "Invalid value: %s: %s",
	    problem_quote(r, value), why);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 65536
#define FLUSH_BYTES    65536
#define ANSWER_MAX     ((size_t)1 << 24)

/* One run over a file. */
struct batch {
	const struct check_scene *scene;
	bool as_json;
	struct strbuf text, answers;
	uint64_t line;
	struct probe_counts *counts;
};

static bool
is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr(" \t\r\n", s[i]) == NULL || s[i] == '\0')
			return false;
	return true;
}

static enum rf_status
answer_line(struct batch *b, const char *s, size_t n, struct rf_error *err)
{
	struct check_group g;
	struct check_probe p;
	enum rf_status st;

	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	if (n > LINE_MAX_BYTES)
		return rf_fail(
		    err, RF_INVAL, "longer than %d bytes", LINE_MAX_BYTES);
	if (is_blank(s, n))
		return RF_OK;
	st = check_probe_read(&p, s, n, err);
	if (st == RF_OK)
		st = check_probe_resolve(&g, b->scene->cluster, &p, err);
	if (st != RF_OK)
		return st;
	evaluator_ask(b->scene->evaluator, &g.query, &g.answer);
	check_probe_answer(&b->answers, b->scene, &g, b->as_json, &b->text);
	b->counts->probes++;
	b->counts->denied += !g.answer.allowed;
	if (strbuf_failed(&b->answers) || strbuf_failed(&b->text))
		return rf_fail(err, RF_NOMEM, "out of memory");
	return RF_OK;
}

static void
flush(struct batch *b, FILE *out)
{
	(void)fwrite(b->answers.s, 1, b->answers.len, out);
	strbuf_clear(&b->answers);
}

/* A line and its end, or a byte more than may be before one. 0: there is none,
 * and errno says why where the file cannot be read. */
static size_t
read_line(char buf[static LINE_MAX_BYTES + 1], FILE *f)
{
	size_t n = 0;
	int c;

	while (n <= LINE_MAX_BYTES && (c = getc_unlocked(f)) != EOF) {
		buf[n++] = (char)c;
		if (c == '\n')
			break;
	}
	return n;
}

enum rf_status
probe_answer_all(struct probe_counts *counts, const struct probe_files *f,
    const struct check_scene *s, bool as_json, struct rf_error *err)
{
	struct batch b = { .scene = s, .as_json = as_json, .counts = counts };
	char *line = malloc(LINE_MAX_BYTES + 1);
	enum rf_status st = RF_OK;
	size_t n;

	*counts = (struct probe_counts){ 0 };
	if (line == NULL)
		return rf_fail(err, RF_NOMEM, "%s: out of memory", f->name);
	strbuf_init(&b.text, ANSWER_MAX);
	strbuf_init(&b.answers, ANSWER_MAX + FLUSH_BYTES);
	while (st == RF_OK && (n = read_line(line, f->in)) > 0) {
		b.line++;
		st = answer_line(&b, line, n, err);
		if (st != RF_OK)
			st = rf_wrap(err, st, "%s:%" PRIu64, f->name, b.line);
		if (b.answers.len >= FLUSH_BYTES)
			flush(&b, f->out);
	}
	if (st == RF_OK && ferror(f->in) != 0)
		st = rf_fail(err, RF_IO, "%s: %s", f->name, strerror(errno));
	if (b.answers.len > 0)
		flush(&b, f->out);
	free(line);
	strbuf_release(&b.text);
	strbuf_release(&b.answers);
	return st;
}

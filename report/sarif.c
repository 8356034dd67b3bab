/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sarif.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/strbuf.h"
#include "report/json_writer.h"

#define SCHEMA                                                                 \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"  \
	"sarif-schema-2.1.0.json"
#define HOME_PAGE     "https://github.com/ringfence/ringfence"
#define URI_MAX_BYTES ((size_t)64 * 1024)

/* A result's fingerprint, and which of those that share it this one is. */
struct mark {
	uint64_t hash;
	size_t result;
	unsigned ordinal;
};

static int
compare_marks(const void *x, const void *y)
{
	const struct mark *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->result > b->result) - (a->result < b->result);
}

static int
compare_results(const void *x, const void *y)
{
	const struct mark *a = x, *b = y;

	return (a->result > b->result) - (a->result < b->result);
}

/* Two findings of one rule on one field are told apart by their order. */
static struct mark *
make_marks(const struct sarif_run *run, struct arena *arena)
{
	struct mark *v = arena_calloc(arena, run->n_results + 1, sizeof(*v));

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < run->n_results; i++) {
		const struct sarif_result *r = &run->results[i];

		v[i].result = i;
		v[i].hash =
		    hash_string(hash_string(0, run->rules[r->rule].id), r->key);
	}
	qsort(v, run->n_results, sizeof(*v), compare_marks);
	for (size_t i = 0; i < run->n_results; i++)
		v[i].ordinal = i > 0 && v[i - 1].hash == v[i].hash
		    ? v[i - 1].ordinal + 1
		    : 1;
	qsort(v, run->n_results, sizeof(*v), compare_results);
	return v;
}

static bool
is_plain(unsigned char c)
{
	return isalnum(c) || strchr("-._~/+@,=", c) != NULL;
}

/* The path as a URI reference: relative where it can be. */
static void
put_uri(struct strbuf *out, const char *base, const char *path)
{
	size_t n = base == NULL ? 0 : strlen(base);

	strbuf_clear(out);
	if (strcmp(path, "-") == 0) {
		strbuf_puts(out, "stdin");
		return;
	}
	if (n > 0 && strncmp(path, base, n) == 0 && path[n] == '/')
		path += n + 1;
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (path[0] == '/')
		strbuf_puts(out, "file://");
	for (; *path != '\0'; path++)
		if (is_plain((unsigned char)*path))
			strbuf_putc(out, *path);
		else
			strbuf_printf(out, "%%%02X", (unsigned char)*path);
}

static void
put_text(struct json_writer *w, const char *name, const char *text)
{
	json_writer_object_begin_inline(w, name);
	json_writer_string(w, "text", text);
	json_writer_object_end(w);
}

static void
put_driver(struct json_writer *w, const struct sarif_run *run)
{
	json_writer_object_begin(w, "tool");
	json_writer_object_begin(w, "driver");
	json_writer_string(w, "name", "ringfence");
	json_writer_string(w, "version", RF_VERSION_STRING);
	json_writer_string(w, "informationUri", HOME_PAGE);
	json_writer_array_begin(w, "rules");
	for (size_t i = 0; i < run->n_rules; i++) {
		const struct sarif_rule *r = &run->rules[i];

		json_writer_object_begin(w, NULL);
		json_writer_string(w, "id", r->id);
		put_text(w, "shortDescription", r->title);
		put_text(w, "help", r->help);
		json_writer_object_begin_inline(w, "defaultConfiguration");
		json_writer_string(w, "level", r->level);
		json_writer_object_end(w);
		json_writer_object_end(w);
	}
	json_writer_array_end(w);
	json_writer_object_end(w);
	json_writer_object_end(w);
}

static void
put_location(
    struct json_writer *w, const struct sarif_result *r, const char *uri)
{
	json_writer_array_begin(w, "locations");
	json_writer_object_begin_inline(w, NULL);
	json_writer_object_begin(w, "physicalLocation");
	json_writer_object_begin(w, "artifactLocation");
	json_writer_string(w, "uri", uri);
	json_writer_object_end(w);
	json_writer_object_begin(w, "region");
	json_writer_unsigned(w, "startLine", r->line == 0 ? 1 : r->line);
	json_writer_object_end(w);
	json_writer_object_end(w);
	json_writer_object_end(w);
	json_writer_array_end(w);
}

static void
put_result(struct json_writer *w, const struct sarif_run *run,
    const struct mark *m, struct strbuf *scratch)
{
	const struct sarif_result *r = &run->results[m->result];
	char fingerprint[40];

	json_writer_object_begin(w, NULL);
	json_writer_string(w, "ruleId", run->rules[r->rule].id);
	json_writer_unsigned(w, "ruleIndex", r->rule);
	json_writer_string(w, "level", r->level);
	put_text(w, "message", r->message);
	put_uri(scratch, run->base, r->file);
	put_location(w, r, strbuf_str(scratch));
	(void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64 ":%u",
	    m->hash, m->ordinal);
	json_writer_object_begin_inline(w, "partialFingerprints");
	json_writer_string(w, "primaryLocationLineHash", fingerprint);
	json_writer_object_end(w);
	json_writer_object_end(w);
}

enum rf_status
sarif_print(FILE *out, const struct sarif_run *run, struct arena *arena,
    struct rf_error *err)
{
	struct mark *marks = make_marks(run, arena);
	enum rf_status st = RF_OK;
	struct strbuf scratch;
	struct json_writer w;

	if (marks == NULL)
		return rf_fail(err, RF_NOMEM, "sarif: out of memory");
	strbuf_init(&scratch, URI_MAX_BYTES);
	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_string(&w, "$schema", SCHEMA);
	json_writer_string(&w, "version", "2.1.0");
	json_writer_array_begin(&w, "runs");
	json_writer_object_begin(&w, NULL);
	put_driver(&w, run);
	json_writer_array_begin(&w, "results");
	for (size_t i = 0; i < run->n_results; i++)
		put_result(&w, run, &marks[i], &scratch);
	json_writer_array_end(&w);
	json_writer_string(&w, "columnKind", "utf16CodeUnits");
	json_writer_object_end(&w);
	json_writer_array_end(&w);
	json_writer_object_end(&w);
	json_writer_end(&w);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "sarif: out of memory");
	strbuf_release(&scratch);
	return st;
}

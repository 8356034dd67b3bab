/* SPDX-License-Identifier: Apache-2.0 */
#include "report/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/strbuf.h"
#include "policy/write.h"

#define MARKER         ".ringfence"
#define TEXT_MAX       ((size_t)1 << 30)
#define MARKER_MAX     ((size_t)1 << 24)
#define PATH_MAX_BYTES ((size_t)8192)

struct writing {
	const char *dir;
	const struct recommendation *r;
	size_t removed;
	struct strbuf path, other; /* scratch */
	struct rf_error *err;
};

enum rf_status
policy_files_print(
    FILE *out, const struct recommendation *r, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct strbuf text;

	strbuf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < r->n_files && st == RF_OK; i++)
		st = policy_write(
		    &text, &r->set.policies[r->files[i].policy], err);
	if (st == RF_OK && strbuf_failed(&text))
		st = rf_fail(err, RF_NOMEM, "policies: out of memory");
	if (st == RF_OK)
		fputs(strbuf_str(&text), out);
	strbuf_release(&text);
	return st;
}

/* DIR/namespace[/prefix name suffix] in out. */
static const char *
path_to(const struct writing *w, struct strbuf *out, const char *namespace,
    const char *name, const char *suffix)
{
	strbuf_clear(out);
	strbuf_printf(out, "%s/%s", w->dir, namespace);
	if (name != NULL)
		strbuf_printf(
		    out, "/%s%s%s", *suffix != '\0' ? "." : "", name, suffix);
	return strbuf_str(out);
}

/* Names come from the database: none may lead out of its folder. */
static bool
is_plain_name(const char *name)
{
	return *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

static enum rf_status
check_names(struct writing *w)
{
	for (size_t i = 0; i < w->r->n_files; i++) {
		const struct recommend_file *f = &w->r->files[i];

		if (!is_plain_name(f->namespace) || !is_plain_name(f->name))
			return rf_fail(w->err, RF_CORRUPT,
			    "a namespace or policy cannot be a file name");
	}
	return RF_OK;
}

/* Is this the first file of its namespace? Each folder is handled once. */
static bool
is_first(const struct writing *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(w->r->files[k].namespace,
			w->r->files[i].namespace) == 0)
			return false;
	return true;
}

static bool
is_produced(const struct writing *w, const char *namespace, const char *name)
{
	for (size_t i = 0; i < w->r->n_files; i++)
		if (strcmp(w->r->files[i].namespace, namespace) == 0 &&
		    strcmp(w->r->files[i].name, name) == 0)
			return true;
	return false;
}

/* The names in a folder's marker, one a line; empty without a marker. */
static enum rf_status
read_marker(struct writing *w, const char *namespace, struct strbuf *out)
{
	const char *path = path_to(w, &w->path, namespace, MARKER, "");
	enum rf_status st = RF_OK;
	char chunk[4096];
	FILE *f;
	size_t n;

	strbuf_clear(out);
	strbuf_putc(out, '\n');
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT)
		return RF_OK;
	if (f == NULL)
		return rf_fail(
		    w->err, RF_IO, "open %s: %s", path, strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		strbuf_add(out, chunk, n);
	if (ferror(f))
		st = rf_fail(
		    w->err, RF_IO, "read %s: %s", path, strerror(errno));
	else if (strbuf_failed(out))
		st = rf_fail(w->err, RF_LIMIT, "%s is too large", path);
	(void)fclose(f);
	return st;
}

static bool
is_marked(struct writing *w, const struct strbuf *marker, const char *name)
{
	strbuf_clear(&w->other);
	strbuf_printf(&w->other, "\n%s\n", name);
	return !strbuf_failed(&w->other) &&
	    strstr(strbuf_str(marker), strbuf_str(&w->other)) != NULL;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What to do with each entry of a namespace's folder. */
typedef enum rf_status visit_entry(
    struct writing *w, const char *namespace, const char *name, bool is_ours);

static enum rf_status
walk(struct writing *w, const char *namespace, visit_entry *visit)
{
	enum rf_status st;
	struct strbuf marker;
	struct dirent *e;
	DIR *d;

	strbuf_init(&marker, MARKER_MAX);
	st = read_marker(w, namespace, &marker);
	if (st != RF_OK)
		goto out;
	d = opendir(path_to(w, &w->path, namespace, NULL, ""));
	if (d == NULL && errno != ENOENT)
		st = rf_fail(w->err, RF_IO, "open %s: %s", strbuf_str(&w->path),
		    strerror(errno));
	if (d == NULL)
		goto out;
	while (st == RF_OK && (e = readdir(d)) != NULL)
		if (!is_dot(e->d_name) && strcmp(e->d_name, MARKER) != 0)
			st = visit(w, namespace, e->d_name,
			    is_marked(w, &marker, e->d_name));
	(void)closedir(d);
out:
	strbuf_release(&marker);
	return st;
}

static enum rf_status
refuse_foreign(
    struct writing *w, const char *namespace, const char *name, bool is_ours)
{
	if (is_ours || is_produced(w, namespace, name))
		return RF_OK;
	return rf_fail(w->err, RF_EXISTS,
	    "%s/%s holds %.200s, which ringfence did not write", w->dir,
	    namespace, name);
}

static enum rf_status
remove_stale(
    struct writing *w, const char *namespace, const char *name, bool is_ours)
{
	const char *path;

	if (!is_ours || is_produced(w, namespace, name))
		return RF_OK;
	path = path_to(w, &w->path, namespace, name, "");
	if (unlink(path) != 0)
		return rf_fail(
		    w->err, RF_IO, "remove %s: %s", path, strerror(errno));
	w->removed++;
	return RF_OK;
}

static enum rf_status
walk_all(struct writing *w, visit_entry *visit)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < w->r->n_files && st == RF_OK; i++)
		if (is_first(w, i))
			st = walk(w, w->r->files[i].namespace, visit);
	return st;
}

static enum rf_status
make_dir(struct writing *w, const char *path)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return RF_OK;
	return rf_fail(w->err, RF_IO, "create %s: %s", path, strerror(errno));
}

/* The directory with all above it, and each namespace's folder. */
static enum rf_status
make_dirs(struct writing *w)
{
	enum rf_status st = RF_OK;
	char *dir = strdup(w->dir);

	if (dir == NULL)
		return rf_fail(w->err, RF_NOMEM, "out of memory");
	for (char *p = dir + 1; st == RF_OK && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		st = make_dir(w, dir);
		*p = '/';
	}
	if (st == RF_OK)
		st = make_dir(w, dir);
	free(dir);
	for (size_t i = 0; i < w->r->n_files && st == RF_OK; i++)
		if (is_first(w, i))
			st = make_dir(w,
			    path_to(w, &w->path, w->r->files[i].namespace, NULL,
				""));
	return st;
}

static enum rf_status
write_text(struct writing *w, const char *path, const struct strbuf *text)
{
	FILE *f = fopen(path, "we");
	bool ok;

	if (f == NULL)
		return rf_fail(
		    w->err, RF_IO, "create %s: %s", path, strerror(errno));
	ok = fwrite(strbuf_str(text), 1, text->len, f) == text->len;
	ok &= fflush(f) == 0 && fsync(fileno(f)) == 0;
	ok &= fclose(f) == 0;
	if (!ok)
		return rf_fail(
		    w->err, RF_IO, "write %s: %s", path, strerror(errno));
	return RF_OK;
}

/* Every file as .NAME.tmp beside its place. */
static enum rf_status
write_temporary(struct writing *w)
{
	const struct recommendation *r = w->r;
	enum rf_status st = RF_OK;
	struct strbuf text;

	strbuf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < r->n_files && st == RF_OK; i++) {
		const struct recommend_file *f = &r->files[i];

		strbuf_clear(&text);
		st = policy_write(&text, &r->set.policies[f->policy], w->err);
		if (st == RF_OK)
			st = write_text(w,
			    path_to(w, &w->path, f->namespace, f->name, ".tmp"),
			    &text);
	}
	strbuf_release(&text);
	return st;
}

static void
remove_temporary(struct writing *w)
{
	for (size_t i = 0; i < w->r->n_files; i++)
		(void)unlink(path_to(w, &w->path, w->r->files[i].namespace,
		    w->r->files[i].name, ".tmp"));
}

static enum rf_status
rename_one(struct writing *w, const char *namespace, const char *name)
{
	const char *from = path_to(w, &w->path, namespace, name, ".tmp");
	const char *to = path_to(w, &w->other, namespace, name, "");

	if (rename(from, to) != 0)
		return rf_fail(
		    w->err, RF_IO, "rename %s: %s", from, strerror(errno));
	return RF_OK;
}

static enum rf_status
write_marker(struct writing *w, const char *namespace)
{
	enum rf_status st;
	struct strbuf text;

	strbuf_init(&text, MARKER_MAX);
	for (size_t i = 0; i < w->r->n_files; i++)
		if (strcmp(w->r->files[i].namespace, namespace) == 0)
			strbuf_printf(&text, "%s\n", w->r->files[i].name);
	st = write_text(
	    w, path_to(w, &w->path, namespace, MARKER, ".tmp"), &text);
	strbuf_release(&text);
	if (st != RF_OK)
		return st;
	return rename_one(w, namespace, MARKER);
}

static enum rf_status
put_in_place(struct writing *w)
{
	const struct recommendation *r = w->r;
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < r->n_files && st == RF_OK; i++)
		st = rename_one(w, r->files[i].namespace, r->files[i].name);
	if (st == RF_OK)
		st = walk_all(w, remove_stale);
	for (size_t i = 0; i < r->n_files && st == RF_OK; i++)
		if (is_first(w, i))
			st = write_marker(w, r->files[i].namespace);
	return st;
}

enum rf_status
policy_files_write(const char *dir, const struct recommendation *r, bool force,
    size_t *removed, struct rf_error *err)
{
	struct writing w = { .dir = dir, .r = r, .err = err };
	enum rf_status st;

	strbuf_init(&w.path, PATH_MAX_BYTES);
	strbuf_init(&w.other, PATH_MAX_BYTES);
	st = check_names(&w);
	if (st == RF_OK && !force)
		st = walk_all(&w, refuse_foreign);
	if (st == RF_OK)
		st = make_dirs(&w);
	if (st == RF_OK) {
		st = write_temporary(&w);
		if (st == RF_OK)
			st = put_in_place(&w);
		if (st != RF_OK)
			remove_temporary(&w);
	}
	*removed = w.removed;
	strbuf_release(&w.path);
	strbuf_release(&w.other);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/strbuf.h"
#include "policy/write.h"
#include "report/folder.h"
#include "report/kustomization.h"

#define MARKER         ".ringfence"
#define UNITED         ".all" /* a marker with the names of before, too */
#define KUSTOMIZATION  "kustomization.yaml"
#define TEXT_MAX       ((size_t)1 << 30)
#define MARKER_MAX     ((size_t)1 << 24)
#define PATH_MAX_BYTES ((size_t)8192)

/* One file to write; folder NULL: in the directory itself. */
struct item {
	const char *folder, *name;
	const struct policy *policy; /* NULL: text */
	const char *text;
};

struct writing {
	const char *dir;
	const struct recommendation *r;
	struct item *items; /* folder by folder, those of the top at the end */
	size_t n_items;
	struct arena arena; /* of their texts */
	size_t removed;
	struct strbuf path, other; /* scratch */
	bool no_memory;            /* a name could not be made */
	struct rf_error *err;
};

/* DIR[/folder][/prefix name suffix] in out. */
static const char *
path_to(struct writing *w, struct strbuf *out, const char *folder,
    const char *name, const char *suffix)
{
	strbuf_clear(out);
	strbuf_puts(out, w->dir);
	if (folder != NULL)
		strbuf_printf(out, "/%s", folder);
	if (name != NULL)
		strbuf_printf(
		    out, "/%s%s%s", *suffix != '\0' ? "." : "", name, suffix);
	if (!strbuf_failed(out))
		return strbuf_str(out);
	w->no_memory = true; /* the beginning of a path is another path */
	return "";
}

/* The status of a step; what else went wrong where a name was missing, did so
 * because it was. */
static enum rf_status
step(const struct writing *w, enum rf_status st)
{
	if (!w->no_memory)
		return st;
	return rf_fail(w->err, RF_NOMEM, "write %s: out of memory", w->dir);
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

static bool
same_folder(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Is this the first item of its folder? Each folder is handled once. */
static bool
is_first(const struct writing *w, size_t i)
{
	return i == 0 ||
	    !same_folder(w->items[i - 1].folder, w->items[i].folder);
}

static bool
is_produced(const struct writing *w, const char *folder, const char *name)
{
	for (size_t i = 0; i < w->n_items; i++)
		if (same_folder(w->items[i].folder, folder) &&
		    strcmp(w->items[i].name, name) == 0)
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
	struct stat sb;
	FILE *f;
	size_t n;

	strbuf_clear(out);
	strbuf_putc(out, '\n');
	if (stat(path, &sb) == 0 && !S_ISREG(sb.st_mode))
		return rf_fail(w->err, RF_EXISTS, "%s is no file", path);
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
	else if (out->is_full)
		st = rf_fail(w->err, RF_LIMIT, "%s is too large", path);
	else if (strbuf_failed(out))
		st = rf_fail(w->err, RF_NOMEM, "read %s: out of memory", path);
	(void)fclose(f);
	return st;
}

static bool
is_marked(struct writing *w, const struct strbuf *marker, const char *name)
{
	strbuf_clear(&w->other);
	strbuf_printf(&w->other, "\n%s\n", name);
	w->no_memory |= strbuf_failed(&w->other);
	return !strbuf_failed(&w->other) &&
	    strstr(strbuf_str(marker), strbuf_str(&w->other)) != NULL;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
is_marker(const char *name)
{
	return strcmp(name, MARKER) == 0 ||
	    strcmp(name, "." MARKER ".tmp") == 0 ||
	    strcmp(name, "." MARKER UNITED) == 0;
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

/* What to do with each entry of a namespace's folder. Temporary files that a
 * run left when it was killed are ours. */
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
	while (st == RF_OK && (e = readdir(d)) != NULL) {
		const char *name = e->d_name;
		bool is_ours = is_marked(w, &marker, name) ||
		    (*name == '.' && has_suffix(name, ".yaml.tmp"));

		st = step(w, RF_OK); /* without memory, nothing is ours */
		if (st == RF_OK && !is_dot(name) && !is_marker(name))
			st = visit(w, namespace, name, is_ours);
	}
	(void)closedir(d);
out:
	strbuf_release(&marker);
	return st;
}

static enum rf_status
refuse_foreign(
    struct writing *w, const char *namespace, const char *name, bool is_ours)
{
	bool is_made = is_produced(w, namespace, name);

	/* Others may keep what they like beside the folders, and only there
	 * may they have made a file of the same name. */
	if (is_ours || is_made != (namespace == NULL))
		return RF_OK;
	return rf_fail(w->err, RF_EXISTS,
	    "%s%s%s holds %.200s, which ringfence did not write", w->dir,
	    namespace == NULL ? "" : "/", namespace == NULL ? "" : namespace,
	    name);
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

	for (size_t i = 0; i < w->n_items && st == RF_OK; i++)
		if (is_first(w, i))
			st = walk(w, w->items[i].folder, visit);
	return st;
}

/* Each namespace's folder. */
static enum rf_status
make_folders(struct writing *w)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < w->n_items && st == RF_OK; i++)
		if (is_first(w, i))
			st = folder_make(
			    path_to(w, &w->path, w->items[i].folder, NULL, ""),
			    w->err);
	return st;
}

static enum rf_status
write_text(struct writing *w, const char *path, const struct strbuf *text)
{
	FILE *f;
	bool ok;

	if (strbuf_failed(text))
		return rf_fail(
		    w->err, RF_NOMEM, "write %s: out of memory", path);
	(void)unlink(path); /* nor through a link that somebody put there */
	f = fopen(path, "wxe");
	if (f == NULL)
		return rf_fail(
		    w->err, RF_IO, "create %s: %s", path, strerror(errno));
	ok = fwrite(strbuf_str(text), 1, text->len, f) == text->len;
	ok &= fclose(f) == 0;
	if (!ok)
		return rf_fail(
		    w->err, RF_IO, "write %s: %s", path, strerror(errno));
	return RF_OK;
}

/* The names of a folder's files; until those that earlier runs wrote are gone,
 * theirs too. */
static enum rf_status
write_marker(struct writing *w, const char *namespace, const char *suffix)
{
	enum rf_status st = RF_OK;
	struct strbuf text;

	strbuf_init(&text, MARKER_MAX);
	if (strcmp(suffix, UNITED) == 0)
		st = read_marker(w, namespace, &text);
	for (size_t i = 0; i < w->n_items; i++)
		if (same_folder(w->items[i].folder, namespace))
			strbuf_printf(&text, "%s\n", w->items[i].name);
	if (st == RF_OK)
		st = write_text(
		    w, path_to(w, &w->path, namespace, MARKER, suffix), &text);
	strbuf_release(&text);
	return st;
}

/* Every file as .NAME.tmp beside its place, each folder's markers too. */
static enum rf_status
write_temporary(struct writing *w)
{
	enum rf_status st = RF_OK;
	struct strbuf text;

	strbuf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < w->n_items && st == RF_OK; i++) {
		const struct item *f = &w->items[i];

		strbuf_clear(&text);
		if (f->policy != NULL)
			st = policy_write(&text, f->policy, w->err);
		else
			strbuf_puts(&text, f->text);
		if (st == RF_OK)
			st = write_text(w,
			    path_to(w, &w->path, f->folder, f->name, ".tmp"),
			    &text);
		if (st == RF_OK && is_first(w, i))
			st = write_marker(w, f->folder, UNITED);
		if (st == RF_OK && is_first(w, i))
			st = write_marker(w, f->folder, ".tmp");
	}
	strbuf_release(&text);
	return st;
}

/* Sync the file system that the folder is on, unless that is *synced. */
static enum rf_status
sync_folder(struct writing *w, const char *folder, dev_t *synced)
{
	const char *path = path_to(w, &w->path, folder, NULL, "");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rf_status st = RF_OK;
	struct stat s;

	if (fd < 0 || fstat(fd, &s) != 0 ||
	    (s.st_dev != *synced && syncfs(fd) != 0))
		st = rf_fail(
		    w->err, RF_IO, "sync %s: %s", path, strerror(errno));
	else
		*synced = s.st_dev;
	if (fd >= 0)
		(void)close(fd);
	return st;
}

/* What was written must be on the disk before its name is, or a crash of the
 * machine could leave empty files. Synced one by one, each file would be a
 * commit of the journal. */
static enum rf_status
sync_all(struct writing *w)
{
	enum rf_status st = RF_OK;
	dev_t synced = 0; /* no file system's */

	for (size_t i = 0; i < w->n_items && st == RF_OK; i++)
		if (is_first(w, i))
			st = sync_folder(w, w->items[i].folder, &synced);
	return st;
}

static void
remove_temporary(struct writing *w)
{
	for (size_t i = 0; i < w->n_items; i++) {
		const char *folder = w->items[i].folder;

		(void)unlink(
		    path_to(w, &w->path, folder, w->items[i].name, ".tmp"));
		if (!is_first(w, i))
			continue;
		(void)unlink(path_to(w, &w->path, folder, MARKER, ".tmp"));
		(void)unlink(path_to(w, &w->path, folder, MARKER, UNITED));
	}
}

static enum rf_status
rename_one(struct writing *w, const char *namespace, const char *name,
    const char *suffix)
{
	const char *from = path_to(w, &w->path, namespace, name, suffix);
	const char *to = path_to(w, &w->other, namespace, name, "");

	if (rename(from, to) != 0)
		return rf_fail(
		    w->err, RF_IO, "rename %s: %s", from, strerror(errno));
	return RF_OK;
}

static enum rf_status
put_markers(struct writing *w, const char *suffix)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; i < w->n_items && st == RF_OK; i++)
		if (is_first(w, i))
			st = rename_one(w, w->items[i].folder, MARKER, suffix);
	return st;
}

/* A file that has its name is in the marker by then, also when we are killed:
 * else the next run would take it for another's. */
static enum rf_status
put_in_place(struct writing *w)
{
	enum rf_status st = put_markers(w, UNITED);

	for (size_t i = 0; i < w->n_items && st == RF_OK; i++)
		st =
		    rename_one(w, w->items[i].folder, w->items[i].name, ".tmp");
	if (st == RF_OK)
		st = step(w, walk_all(w, remove_stale));
	return st == RF_OK ? put_markers(w, ".tmp") : st;
}

static int
compare_names(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

/* Is DIR/name a folder that a run of ours, now or before, has filled? */
static bool
is_our_folder(struct writing *w, const char *name)
{
	for (size_t i = 0; i < w->r->n_files; i++)
		if (strcmp(w->r->files[i].namespace, name) == 0)
			return true;
	return is_plain_name(name) &&
	    access(path_to(w, &w->path, name, MARKER, ""), F_OK) == 0;
}

/* The folders of this run and of earlier ones, by name. */
static enum rf_status
list_folders(struct writing *w, const char ***out, size_t *n)
{
	const char **v = NULL;
	size_t cap = 0;
	void *grown;
	struct dirent *e;
	DIR *d = opendir(w->dir);

	*n = 0;
	if (d == NULL)
		return rf_fail(
		    w->err, RF_IO, "open %s: %s", w->dir, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		if (is_dot(e->d_name) || !is_our_folder(w, e->d_name))
			continue;
		grown = v;
		if (!arena_grow(&w->arena, &grown, *n, &cap, sizeof(*v)) ||
		    (((const char **)grown)[*n] =
			    arena_strdup(&w->arena, e->d_name)) == NULL) {
			(void)closedir(d);
			return rf_fail(w->err, RF_NOMEM, "out of memory");
		}
		v = grown;
		(*n)++;
	}
	(void)closedir(d);
	if (*n > 0)
		qsort(v, *n, sizeof(*v), compare_names);
	*out = v;
	return RF_OK;
}

/* Policies are grouped by namespace: each folder's files, then what lists
 * them. The lists of the top come when the folders are made. */
static enum rf_status
make_items(struct writing *w, const char *review)
{
	const struct recommendation *r = w->r;
	const char **names =
	    arena_calloc(&w->arena, r->n_files, sizeof(*names));
	size_t n = 0;

	w->items =
	    arena_calloc(&w->arena, 2 * r->n_files + 2, sizeof(*w->items));
	if (w->items == NULL || names == NULL)
		return rf_fail(w->err, RF_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n_files; i++) {
		const struct recommend_file *f = &r->files[i];
		struct item *list;

		names[n++] = f->name;
		w->items[w->n_items++] = (struct item){ .folder = f->namespace,
			.name = f->name,
			.policy = &r->set.policies[f->policy] };
		if (i + 1 < r->n_files &&
		    strcmp(f->namespace, r->files[i + 1].namespace) == 0)
			continue;
		list = &w->items[w->n_items++];
		*list = (struct item){ .folder = f->namespace,
			.name = KUSTOMIZATION,
			.text = kustomization_text(&w->arena, names, n) };
		if (list->text == NULL)
			return rf_fail(w->err, RF_NOMEM, "out of memory");
		n = 0;
	}
	w->items[w->n_items++] =
	    (struct item){ .name = "REVIEW.md", .text = review };
	w->items[w->n_items++] =
	    (struct item){ .name = KUSTOMIZATION, .text = "" };
	return RF_OK;
}

static enum rf_status
list_top(struct writing *w)
{
	struct item *list = &w->items[w->n_items - 1];
	const char **names = NULL;
	enum rf_status st;
	size_t n;

	if ((st = list_folders(w, &names, &n)) != RF_OK)
		return st;
	if ((list->text = kustomization_text(&w->arena, names, n)) == NULL)
		return rf_fail(w->err, RF_NOMEM, "out of memory");
	return RF_OK;
}

static enum rf_status
write_all(struct writing *w)
{
	enum rf_status st;

	if ((st = step(w, make_folders(w))) != RF_OK ||
	    (st = step(w, list_top(w))) != RF_OK)
		return st;
	if ((st = step(w, write_temporary(w))) == RF_OK &&
	    (st = step(w, sync_all(w))) == RF_OK)
		st = step(w, put_in_place(w));
	if (st != RF_OK)
		remove_temporary(w);
	return st;
}

enum rf_status
policy_files_write(const char *dir, const struct recommendation *r,
    const char *review, bool force, size_t *removed, struct rf_error *err)
{
	struct writing w = { .dir = dir, .r = r, .err = err };
	enum rf_status st;
	int lock = -1;

	arena_init(&w.arena, 0);
	strbuf_init(&w.path, PATH_MAX_BYTES);
	strbuf_init(&w.other, PATH_MAX_BYTES);
	st = check_names(&w);
	if (st == RF_OK)
		st = make_items(&w, review);
	if (st == RF_OK)
		st = folder_make_all(dir, err);
	if (st == RF_OK)
		st = folder_lock(&lock, dir, err);
	if (st == RF_OK && !force)
		st = step(&w, walk_all(&w, refuse_foreign));
	if (st == RF_OK)
		st = write_all(&w);
	if (lock >= 0)
		(void)close(lock);
	*removed = w.removed;
	strbuf_release(&w.path);
	strbuf_release(&w.other);
	arena_release(&w.arena);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: one, standard input, or those of a directory. */
#include "policy/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/strbuf.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define DEPTH_MAX      32

static enum rf_status
read_stream(
    struct policy_reader *r, FILE *f, const char *name, struct rf_error *err)
{
	struct strbuf sb;
	char chunk[16384];
	enum rf_status st;
	size_t n;

	strbuf_init(&sb, FILE_MAX_BYTES);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		if (n > FILE_MAX_BYTES - sb.len) {
			st = rf_fail(
			    err, RF_LIMIT, "%s: larger than 64 MiB", name);
			goto out;
		}
		strbuf_add(&sb, chunk, n);
	}
	if (ferror(f))
		st = rf_fail(err, RF_IO, "read %s: %s", name, strerror(errno));
	else if (strbuf_failed(&sb))
		st = rf_fail(err, RF_NOMEM, "read %s: out of memory", name);
	else
		st = policy_reader_text(r, name, strbuf_str(&sb), sb.len, err);
out:
	strbuf_release(&sb);
	return st;
}

static enum rf_status
read_file(struct policy_reader *r, const char *path, struct rf_error *err)
{
	enum rf_status st;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return rf_fail(
		    err, RF_IO, "open %s: %s", path, strerror(errno));
	st = read_stream(r, f, path, err);
	(void)fclose(f);
	return st;
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

static int
is_wanted(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int
compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* How a directory is read. */
struct walk {
	bool recurse;
	bool in_mount; /* below a directory that a mounted volume links to */
	unsigned depth;
};

static enum rf_status read_dir(struct policy_reader *r, const char *dir,
    struct walk walk, struct rf_error *err);

/* A manifest? What only lists manifests for kustomize is none. */
static bool
is_manifest(const char *name)
{
	if (strcmp(name, "kustomization.yaml") == 0 ||
	    strcmp(name, "kustomization.yml") == 0)
		return false;
	return has_suffix(name, ".yaml") || has_suffix(name, ".yml") ||
	    has_suffix(name, ".json");
}

/*
 * A mounted ConfigMap or Secret holds what is in it twice: in a directory
 * such as ..2026_03_10_08_00_00.1234, to which ..data leads, and as links
 * through ..data, by which it is read.
 */
static bool
is_mount_link(const char *path)
{
	static const char through[] = "..data/";
	char target[sizeof(through)];
	ssize_t n = readlink(path, target, sizeof(target));

	return n == (ssize_t)sizeof(target) &&
	    memcmp(target, through, sizeof(through) - 1) == 0;
}

/* Is it such a directory, beside ..data? */
static bool
is_behind_links(const char *dir, const char *name)
{
	char data[PATH_MAX];
	struct stat sb;

	if (strncmp(name, "..", 2) != 0)
		return false;
	(void)snprintf(data, sizeof(data), "%s/..data", dir);
	return lstat(data, &sb) == 0 && S_ISLNK(sb.st_mode);
}

static enum rf_status
read_subdir(struct policy_reader *r, const char *path, struct walk walk,
    struct rf_error *err)
{
	if (walk.depth == DEPTH_MAX)
		return rf_fail(err, RF_LIMIT,
		    "%s: more than %d directories deep", path, DEPTH_MAX);
	walk.depth++;
	return read_dir(r, path, walk, err);
}

/* A pipe that lies there would never end; one that is named may be read. */
static enum rf_status
read_manifest(struct policy_reader *r, const char *path, mode_t mode,
    struct rf_error *err)
{
	if (S_ISREG(mode))
		return read_file(r, path, err);
	return rf_fail(err, RF_IO,
	    "%s: is no file; take it out of the directory, or name the files",
	    path);
}

/* Links to directories are not followed, as in kubectl, so there is no
 * circle; but for those of a mounted volume, behind which there is none. */
static enum rf_status
read_link(struct policy_reader *r, const char *path, const char *name,
    struct walk walk, struct rf_error *err)
{
	struct stat target;

	if (stat(path, &target) != 0) /* which is to be said */
		return is_manifest(name) ? read_file(r, path, err) : RF_OK;
	if (!S_ISDIR(target.st_mode))
		return is_manifest(name)
		    ? read_manifest(r, path, target.st_mode, err)
		    : RF_OK;
	if (!walk.recurse || walk.in_mount || !is_mount_link(path))
		return RF_OK;
	walk.in_mount = true;
	return read_subdir(r, path, walk, err);
}

static enum rf_status
read_entry(struct policy_reader *r, const char *dir, const char *name,
    struct walk walk, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct stat link;
	char *path;

	if (asprintf(&path, "%s%s%s", dir, has_suffix(dir, "/") ? "" : "/",
		name) < 0)
		return rf_fail(err, RF_NOMEM, "read %s: out of memory", dir);
	if (lstat(path, &link) != 0)
		st = rf_fail(err, RF_IO, "%s: %s", path, strerror(errno));
	else if (S_ISLNK(link.st_mode))
		st = read_link(r, path, name, walk, err);
	else if (!S_ISDIR(link.st_mode))
		st = is_manifest(name)
		    ? read_manifest(r, path, link.st_mode, err)
		    : RF_OK;
	else if (walk.recurse && !is_behind_links(dir, name))
		st = read_subdir(r, path, walk, err);
	free(path);
	return st;
}

static enum rf_status
read_dir(struct policy_reader *r, const char *dir, struct walk walk,
    struct rf_error *err)
{
	struct dirent **entries = NULL;
	enum rf_status st = RF_OK;
	int n = scandir(dir, &entries, is_wanted, compare_entries);

	if (n < 0)
		return rf_fail(
		    err, RF_IO, "open directory %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (st == RF_OK)
			st = read_entry(r, dir, entries[i]->d_name, walk, err);
		free(entries[i]);
	}
	free(entries);
	return st;
}

enum rf_status
policy_reader_path(struct policy_reader *r, const char *path, bool recurse,
    struct rf_error *err)
{
	struct stat sb;

	if (strcmp(path, "-") == 0)
		return read_stream(r, stdin, "standard input", err);
	if (stat(path, &sb) != 0)
		return rf_fail(
		    err, RF_IO, "open %s: %s", path, strerror(errno));
	if (S_ISDIR(sb.st_mode))
		return read_dir(
		    r, path, (struct walk){ .recurse = recurse }, err);
	return read_file(r, path, err);
}

bool
policy_path_goes_deeper(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	struct stat sb;
	bool found = false;

	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL)
		found = is_wanted(e) &&
		    fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISDIR(sb.st_mode);
	(void)closedir(d);
	return found;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, and which context of them is meant. */
#include "kube/kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/strbuf.h"
#include "kube/error_line.h"
#include "kube/kubeconfig_internal.h"

#define FILE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define ACCOUNT_DIR    "/var/run/secrets/kubernetes.io/serviceaccount"

static enum rf_status
no_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "kubeconfig: out of memory");
}

/* NULL: out of memory. */
static struct kubeconfig *
kubeconfig_new(void)
{
	struct kubeconfig *kc = calloc(1, sizeof(*kc));

	if (kc != NULL)
		arena_init(&kc->arena, 0);
	return kc;
}

void
kubeconfig_free(struct kubeconfig *kc)
{
	if (kc == NULL)
		return;
	arena_release(&kc->arena);
	free(kc);
}

static enum rf_status
read_stream(
    struct strbuf *text, FILE *f, const char *name, struct rf_error *err)
{
	char buf[4096];
	size_t n;

	while (!strbuf_failed(text) && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(text, buf, n);
	if (ferror(f))
		return rf_fail(
		    err, RF_IO, "read %s: %s", name, strerror(errno));
	if (strbuf_failed(text) && !text->is_full)
		return rf_fail(err, RF_NOMEM, "%s: out of memory", name);
	if (strbuf_failed(text))
		return rf_fail(err, RF_LIMIT, "%s: more than 8 MiB", name);
	return RF_OK;
}

/* ".": the name has no folder. */
static const char *
folder_of(struct kubeconfig *kc, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (slash == NULL)
		return ".";
	return arena_strndup(
	    &kc->arena, name, slash == name ? 1 : (size_t)(slash - name));
}

static enum rf_status
read_file(struct kubeconfig *kc, struct kubeconfig_file *f, FILE *stream,
    struct rf_error *err)
{
	struct strbuf text;
	enum rf_status st;

	strbuf_init(&text, FILE_BYTES_MAX);
	st = read_stream(&text, stream, f->name, err);
	f->folder = folder_of(kc, f->name);
	if (st == RF_OK && f->folder == NULL)
		st = no_memory(err);
	if (st == RF_OK)
		st = kubeconfig_read(kc, f, strbuf_str(&text), text.len, err);
	strbuf_release(&text);
	return st;
}

/* Add a file to the list; one that is not there may be left out. */
static enum rf_status
add_file(struct kubeconfig *kc, struct kubeconfig_file *files, size_t *n,
    const char *name, struct rf_error *err)
{
	struct kubeconfig_file *f = &files[*n];
	FILE *stream = fopen(name, "re");
	enum rf_status st;

	if (stream == NULL)
		return rf_fail(
		    err, RF_IO, "open %s: %s", name, strerror(errno));
	*f = (struct kubeconfig_file){ .name = name };
	st = read_file(kc, f, stream, err);
	(void)fclose(stream);
	*n += st == RF_OK && f->doc != NULL;
	return st;
}

static bool
is_missing(const char *name)
{
	return access(name, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Files of $KUBECONFIG that are not there are no mistake, as in kubectl. */
static enum rf_status
add_list(struct kubeconfig *kc, struct kubeconfig_file *files, size_t *n,
    const char *list, struct rf_error *err)
{
	enum rf_status st = RF_OK;

	while (st == RF_OK && *list != '\0') {
		size_t len = strcspn(list, ":");
		const char *name = arena_strndup(&kc->arena, list, len);

		list += len + (list[len] == ':');
		if (name == NULL)
			return no_memory(err);
		if (len == 0 || is_missing(name))
			continue;
		if (*n == KUBECONFIG_FILES_MAX)
			return rf_fail(err, RF_LIMIT,
			    "$KUBECONFIG names more than %d files",
			    KUBECONFIG_FILES_MAX);
		st = add_file(kc, files, n, name, err);
	}
	return st;
}

static const char *
join(struct kubeconfig *kc, const char *folder, const char *name)
{
	size_t len = strlen(folder) + strlen(name) + 2;
	char *path = arena_alloc(&kc->arena, len);

	if (path != NULL)
		(void)snprintf(path, len, "%s/%s", folder, name);
	return path;
}

/* What every pod that has a service account finds in its file system. */
static enum rf_status
use_account(struct kubeconfig *kc, const struct kubeconfig_source *src,
    struct rf_error *err)
{
	const char *dir =
	    src->account_dir != NULL ? src->account_dir : ACCOUNT_DIR;
	const char *port =
	    src->service_port != NULL ? src->service_port : "443";
	bool is_v6 = strchr(src->service_host, ':') != NULL;
	size_t len = strlen(src->service_host) + strlen(port) + 16;
	char *server = arena_alloc(&kc->arena, len);

	kc->context = "in-cluster";
	kc->token_path = join(kc, dir, "token");
	kc->ca.path = join(kc, dir, "ca.crt");
	if (server == NULL || kc->token_path == NULL || kc->ca.path == NULL)
		return no_memory(err);
	(void)snprintf(server, len, is_v6 ? "https://[%s]:%s" : "https://%s:%s",
	    src->service_host, port);
	kc->server = server;
	if (access(kc->token_path, R_OK) != 0)
		return rf_fail(err, RF_IO,
		    "in-cluster: %s: %s (is automountServiceAccountToken off?)",
		    kc->token_path, strerror(errno));
	return RF_OK;
}

/* All files that there are to read; none is no mistake yet. */
static enum rf_status
add_files(struct kubeconfig *kc, struct kubeconfig_file *files, size_t *n,
    const struct kubeconfig_source *src, struct rf_error *err)
{
	const char *name;

	if (src->path != NULL)
		return add_file(kc, files, n, src->path, err);
	if (src->env_list != NULL && *src->env_list != '\0')
		return add_list(kc, files, n, src->env_list, err);
	if (src->home == NULL)
		return RF_OK;
	name = join(kc, src->home, ".kube/config");
	if (name == NULL)
		return no_memory(err);
	return is_missing(name) ? RF_OK : add_file(kc, files, n, name, err);
}

static enum rf_status
load(struct kubeconfig *kc, const struct kubeconfig_source *src,
    struct rf_error *err)
{
	struct kubeconfig_file files[KUBECONFIG_FILES_MAX];
	size_t n = 0;
	enum rf_status st = add_files(kc, files, &n, src, err);

	if (st != RF_OK)
		return st;
	if (n > 0)
		return kubeconfig_pick(kc, files, n, src->context, err);
	if (src->path != NULL)
		return rf_fail(err, RF_INVAL, "%s: is empty", src->path);
	if (src->service_host != NULL && src->context == NULL)
		return use_account(kc, src, err);
	return rf_fail(err, RF_INVAL,
	    "no kubeconfig: name one with --kubeconfig or in $KUBECONFIG "
	    "(~/.kube/config is not there, and this is no pod)");
}

/* Hand kc over if all went well; else it goes. */
static enum rf_status
hand_over(struct kubeconfig **out, struct kubeconfig *kc, enum rf_status st,
    struct rf_error *err)
{
	*out = NULL;
	if (st == RF_OK) {
		*out = kc;
		return RF_OK;
	}
	error_keep_one_line(err);
	kubeconfig_free(kc);
	return st;
}

enum rf_status
kubeconfig_load(struct kubeconfig **out, const struct kubeconfig_source *src,
    struct rf_error *err)
{
	struct kubeconfig *kc = kubeconfig_new();

	return hand_over(
	    out, kc, kc == NULL ? no_memory(err) : load(kc, src, err), err);
}

static enum rf_status
parse(struct kubeconfig *kc, struct kubeconfig_file *f, const char *text,
    size_t len, const char *context, struct rf_error *err)
{
	enum rf_status st = kubeconfig_read(kc, f, text, len, err);

	if (st == RF_OK && f->doc == NULL)
		st = rf_fail(err, RF_INVAL, "%s: is empty", f->name);
	if (st == RF_OK)
		st = kubeconfig_pick(kc, f, 1, context, err);
	return st;
}

enum rf_status
kubeconfig_parse(struct kubeconfig **out, const char *text, size_t len,
    const char *name, const char *context, struct rf_error *err)
{
	struct kubeconfig_file f = { .name = name, .folder = "." };
	struct kubeconfig *kc = kubeconfig_new();

	return hand_over(out, kc,
	    kc == NULL ? no_memory(err)
		       : parse(kc, &f, text, len, context, err),
	    err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From several files to one context: its cluster and its user. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kube/kubeconfig_internal.h"

/* An entry of clusters, users or contexts, and where it stands. */
struct entry {
	const struct kubeconfig_file *file;
	const struct value *value; /* the inner map */
};

enum rf_status
kubeconfig_read(struct kubeconfig *kc, struct kubeconfig_file *f,
    const char *text, size_t len, struct rf_error *err)
{
	struct value_docs docs;
	enum rf_status st =
	    value_read(&docs, &kc->arena, text, len, NULL, NULL, err);

	if (st != RF_OK)
		return rf_wrap(err, st, "%s", f->name);
	f->doc = docs.n > 0 ? docs.docs[0] : NULL;
	if (f->doc != NULL && f->doc->kind != VALUE_MAP)
		return rf_fail(err, RF_CORRUPT, "%s:%u: wants a map, is a %s",
		    f->name, (unsigned)f->doc->line,
		    value_kind_name(f->doc->kind));
	return RF_OK;
}

void
fields_fail(struct fields *f, const char *key, const struct value *at,
    const char *fmt, ...)
{
	char what[256];
	va_list ap;

	if (f->status != RF_OK)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	f->status = rf_fail(f->err, RF_CORRUPT, "%s:%u: %s%s%s: %s",
	    f->file->name, at == NULL ? 0u : (unsigned)at->line, f->path,
	    *f->path == '\0' ? "" : ".", key, what);
}

/* `token: 12345` is a number and no text, for kubectl too. */
const char *
fields_text(struct fields *f, const char *key)
{
	const struct value *v = value_get(f->map, key);
	const char *copy;

	if (v == NULL || v->kind == VALUE_NULL)
		return NULL;
	if (v->kind != VALUE_STRING) {
		fields_fail(f, key, v, "wants a string, is a %s",
		    value_kind_name(v->kind));
		return NULL;
	}
	if (memchr(v->text, '\0', v->text_len) != NULL) {
		fields_fail(f, key, v, "holds a NUL character");
		return NULL;
	}
	if (v->text_len == 0)
		return NULL;
	copy = arena_strndup(&f->kc->arena, v->text, v->text_len);
	if (copy == NULL && f->status == RF_OK)
		f->status =
		    rf_fail(f->err, RF_NOMEM, "kubeconfig: out of memory");
	return copy;
}

bool
fields_bool(struct fields *f, const char *key)
{
	const struct value *v = value_get(f->map, key);

	if (v == NULL || v->kind == VALUE_NULL)
		return false;
	if (v->kind != VALUE_BOOL)
		fields_fail(f, key, v, "wants a boolean, is a %s",
		    value_kind_name(v->kind));
	return v->kind == VALUE_BOOL && v->boolean;
}

static enum rf_status
wrong_kind(const struct kubeconfig_file *f, const char *path,
    const struct value *v, const char *wants, struct rf_error *err)
{
	return rf_fail(err, RF_CORRUPT, "%s:%u: %s: wants a %s, is a %s",
	    f->name, (unsigned)v->line, path, wants, value_kind_name(v->kind));
}

/* The entry of that name in one file's list, if it is there. */
static enum rf_status
find_in(const struct kubeconfig_file *f, const char *list, const char *inner,
    const char *name, struct entry *out, struct rf_error *err)
{
	const struct value *l = value_get(f->doc, list);

	if (l == NULL || l->kind == VALUE_NULL)
		return RF_OK;
	if (l->kind != VALUE_LIST)
		return wrong_kind(f, list, l, "list", err);
	for (size_t i = 0; i < l->n; i++) {
		const struct value *v = l->items[i], *n;

		if (v->kind != VALUE_MAP)
			return wrong_kind(f, list, v, "map", err);
		n = value_get(v, "name");
		if (n == NULL || n->text == NULL || strcmp(n->text, name) != 0)
			continue;
		v = value_get(v, inner);
		if (v != NULL && v->kind != VALUE_MAP && v->kind != VALUE_NULL)
			return wrong_kind(f, inner, v, "map", err);
		*out = (struct entry){ f, v };
		return RF_OK;
	}
	return RF_OK;
}

static enum rf_status
find_entry(const struct kubeconfig_file *files, size_t n,
    const char *const what[2], const char *name, struct entry *out,
    struct rf_error *err)
{
	enum rf_status st = RF_OK;

	*out = (struct entry){ 0 };
	for (size_t i = 0; st == RF_OK && out->file == NULL && i < n; i++)
		st = find_in(&files[i], what[0], what[1], name, out, err);
	return st;
}

/* The names that are there, so that a slip of the pen shows. */
static void
list_names(const struct kubeconfig_file *files, size_t n, const char *list,
    char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < n; i++) {
		const struct value *l = value_get(files[i].doc, list);

		for (size_t k = 0; l != NULL && l->kind == VALUE_LIST &&
		     k < l->n && len < size;
		     k++) {
			const struct value *v = l->items[k]->kind == VALUE_MAP
			    ? value_get(l->items[k], "name")
			    : NULL;

			if (v != NULL && v->text != NULL)
				len += (size_t)snprintf(buf + len, size - len,
				    "%s%s", len == 0 ? "" : ", ", v->text);
		}
	}
}

static enum rf_status
context_missing(const struct kubeconfig_file *files, size_t n, const char *name,
    struct rf_error *err)
{
	char names[256];

	list_names(files, n, "contexts", names, sizeof(names));
	if (*names == '\0')
		return rf_fail(err, RF_INVAL,
		    "%s: there is no context \"%.80s\", nor any other",
		    files[0].name, name);
	return rf_fail(err, RF_INVAL,
	    "%s: there is no context \"%.80s\"; there are: %s", files[0].name,
	    name, names);
}

/* current-context of the first file that has one; NULL: none has. */
static const char *
current_context(const struct kubeconfig_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct value *v =
		    value_get(files[i].doc, "current-context");

		if (v != NULL && v->text != NULL && v->text_len > 0 &&
		    v->kind != VALUE_NULL)
			return v->text;
	}
	return NULL;
}

typedef enum rf_status entry_reader(struct fields *f);

/* Find the cluster or user that the context names and read it. */
static enum rf_status
follow(struct fields *context, const struct kubeconfig_file *files, size_t n,
    const char *const what[2], entry_reader *read)
{
	const char *name = fields_text(context, what[1]);
	struct fields f = *context;
	struct entry e;
	char path[160];

	if (context->status != RF_OK)
		return context->status;
	if (name == NULL)
		return rf_fail(context->err, RF_INVAL, "%s: %s: names no %s",
		    context->file->name, context->path, what[1]);
	if ((f.status = find_entry(files, n, what, name, &e, f.err)) != RF_OK)
		return f.status;
	if (e.file == NULL)
		return rf_fail(f.err, RF_INVAL,
		    "%s: %s: there is no %s \"%.80s\" in %s",
		    context->file->name, context->path, what[1], name, what[0]);
	(void)snprintf(
	    path, sizeof(path), "%s[%.80s].%s", what[0], name, what[1]);
	f.file = e.file;
	f.map = e.value;
	f.path = path;
	return read(&f);
}

enum rf_status
kubeconfig_pick(struct kubeconfig *kc, const struct kubeconfig_file *files,
    size_t n, const char *context, struct rf_error *err)
{
	static const char *const contexts[] = { "contexts", "context" };
	static const char *const clusters[] = { "clusters", "cluster" };
	static const char *const users[] = { "users", "user" };
	struct fields f = { .kc = kc, .err = err };
	struct entry e;
	enum rf_status st;
	char path[160];

	if (context == NULL)
		context = current_context(files, n);
	if (context == NULL)
		return rf_fail(err, RF_INVAL,
		    "%s: has no current-context; name one with --context",
		    files[0].name);
	if ((st = find_entry(files, n, contexts, context, &e, err)) != RF_OK)
		return st;
	if (e.file == NULL)
		return context_missing(files, n, context, err);
	(void)snprintf(path, sizeof(path), "contexts[%.80s].context", context);
	kc->context = arena_strdup(&kc->arena, context);
	if (kc->context == NULL)
		return rf_fail(err, RF_NOMEM, "kubeconfig: out of memory");
	f.file = e.file;
	f.map = e.value;
	f.path = path;
	if ((st = follow(&f, files, n, clusters, kubeconfig_read_cluster)) !=
	    RF_OK)
		return st;
	/* Some clusters are open to anybody, and then nobody is named. */
	if (fields_text(&f, "user") == NULL && f.status == RF_OK)
		return RF_OK;
	return follow(&f, files, n, users, kubeconfig_read_user);
}

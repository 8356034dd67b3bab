/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/build.h"
#include "policy/decode.h"
#include "policy/problem.h"

#define GROUP "networking.k8s.io/"

struct policy_reader {
	struct reading reading;
	const char *default_namespace;
	struct policy *policies;
	size_t n_policies, cap_policies;
	size_t n_objects; /* lists and what is skipped, too */
	bool finished;
};

enum rf_status
policy_reader_new(struct policy_reader **out, struct arena *arena,
    const char *default_namespace, struct rf_error *err)
{
	struct policy_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL)
		return rf_fail(err, RF_NOMEM, "policy reader: out of memory");
	if (default_namespace == NULL || default_namespace[0] == '\0')
		default_namespace = "default";
	r->reading.arena = arena;
	r->reading.object = "";
	/* Where it lies is nothing that who writes policies can know. */
	r->reading.selectors.seed = (uintptr_t)r;
	r->default_namespace = arena_strdup(arena, default_namespace);
	if (r->default_namespace == NULL) {
		free(r);
		return rf_fail(err, RF_NOMEM, "policy reader: out of memory");
	}
	*out = r;
	return RF_OK;
}

void
policy_reader_free(struct policy_reader *r)
{
	if (r == NULL)
		return;
	selector_pool_release(&r->reading.selectors);
	free(r);
}

/* "NetworkPolicy ns/name", as far as the object names itself. */
static const char *
object_title(struct policy_reader *r, const struct value *object)
{
	const struct value *m = decode_field(object, "metadata");
	const char *name = decode_string(decode_field(m, "name"));
	const char *ns = decode_string(decode_field(m, "namespace"));
	struct strbuf sb;
	char *title;

	if (name[0] == '\0')
		name = decode_string(decode_field(m, "generateName"));
	if (name[0] == '\0')
		return "NetworkPolicy";
	if (ns[0] == '\0')
		ns = r->default_namespace;
	strbuf_init(&sb, 4096);
	strbuf_printf(&sb, "NetworkPolicy %s/%s",
	    problem_clean(&r->reading, ns), problem_clean(&r->reading, name));
	title = arena_strdup(r->reading.arena, strbuf_str(&sb));
	strbuf_release(&sb);
	if (title == NULL)
		r->reading.failed = true;
	return title == NULL ? "NetworkPolicy" : title;
}

static void
keep_policy(struct policy_reader *r, const struct policy *p)
{
	void *v = r->policies;

	if (!arena_grow(r->reading.arena, &v, r->n_policies, &r->cap_policies,
		sizeof(*p))) {
		r->reading.failed = true;
		return;
	}
	r->policies = v;
	r->policies[r->n_policies++] = *p;
}

static void
read_policy(struct policy_reader *r, const struct value *object)
{
	struct reading *rd = &r->reading;
	struct field_path status = path_key(NULL, "status");
	const struct value *v;
	size_t before = rd->n_refusals;
	struct policy p = { .file = rd->file, .line = object->line };

	rd->object = object_title(r, object);
	if (decode_check(rd, object)) {
		build_metadata(rd, &p, object, r->default_namespace);
		build_spec(rd, &p, object);
		v = decode_field(object, "status");
		if (v != NULL)
			problem_add(rd, &status, v->line, PROBLEM_NOTICE,
			    "ignored: servers before v1.28 had this field");
	}
	if (rd->n_refusals == before && !rd->failed)
		keep_policy(r, &p);
	rd->object = "";
}

/* A kind that only the case of its letters tells from ours is a mistake. */
static bool
is_builtin_group(const char *version)
{
	const char *slash = strchr(version, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - version);

	return n == 0 || memchr(version, '.', n) == NULL ||
	    (n > 7 && strncmp(slash - 7, ".k8s.io", 7) == 0);
}

static bool
has_end(const char *kind, const char *end)
{
	size_t n = strlen(kind), m = strlen(end);

	return n >= m && strcmp(kind + n - m, end) == 0;
}

/* AdminNetworkPolicy, CiliumNetworkPolicy, GlobalNetworkPolicy, … and lists of
 * them. */
static bool
is_other_policy(const char *kind)
{
	return has_end(kind, "NetworkPolicy") ||
	    has_end(kind, "NetworkPolicyList");
}

static void
skip_object(struct policy_reader *r, const struct value *object,
    const char *version, const char *kind)
{
	struct reading *rd = &r->reading;
	struct field_path path = path_key(
	    NULL, strcmp(kind, "NetworkPolicy") == 0 ? "apiVersion" : "kind");

	if (strcasecmp(kind, "NetworkPolicy") == 0 && is_builtin_group(version))
		problem_add(rd, &path, object->line, PROBLEM_DECODE,
		    "no kind %s in version %s; it is NetworkPolicy in "
		    "networking.k8s.io/v1",
		    problem_quote(rd, kind), problem_quote(rd, version));
	else if (is_other_policy(kind))
		problem_add(rd, NULL, object->line, PROBLEM_WARNING,
		    "skipped: %s %s is not evaluated; what it allows or denies "
		    "is in no verdict",
		    problem_clean(rd, version), problem_clean(rd, kind));
	else
		problem_add(rd, NULL, object->line, PROBLEM_NOTICE,
		    "skipped: %s %s is not a NetworkPolicy",
		    problem_clean(rd, version), problem_clean(rd, kind));
}

static void read_object(struct policy_reader *r, const struct value *object,
    const char *list_version, const char *list_kind);

static void
read_items(struct policy_reader *r, const struct value *list,
    const char *item_version, const char *item_kind)
{
	struct field_path path = path_key(NULL, "items");
	const struct value *items = decode_field(list, "items");

	if (items == NULL)
		return;
	if (items->kind != VALUE_LIST) {
		problem_add(&r->reading, &path, items->line, PROBLEM_DECODE,
		    "must be a list, not a %s", value_kind_name(items->kind));
		return;
	}
	for (size_t i = 0; i < items->n; i++)
		read_object(r, items->items[i], item_version, item_kind);
}

static void
missing_field(
    struct policy_reader *r, const struct value *object, const char *field)
{
	struct field_path path = path_key(NULL, field);

	problem_add(&r->reading, &path, object->line, PROBLEM_DECODE,
	    "missing: every Kubernetes object says its apiVersion and kind");
}

/*
 * One object; the items of a typed list take its apiVersion and kind. Depth
 * is bounded by that of the tree.
 */
static void
read_object(struct policy_reader *r, const struct value *object,
    const char *list_version, const char *list_kind)
{
	const char *version, *kind;

	if (object->kind != VALUE_MAP) {
		problem_add(&r->reading, NULL, object->line, PROBLEM_DECODE,
		    "a Kubernetes object must be a map, not a %s",
		    value_kind_name(object->kind));
		return;
	}
	r->n_objects++;
	version = decode_string(decode_field(object, "apiVersion"));
	kind = decode_string(decode_field(object, "kind"));
	if (version[0] == '\0')
		version = list_version;
	if (kind[0] == '\0')
		kind = list_kind;
	if (version[0] == '\0' || kind[0] == '\0')
		missing_field(
		    r, object, kind[0] == '\0' ? "kind" : "apiVersion");
	else if (strcmp(version, GROUP "v1") == 0 &&
	    strcmp(kind, "NetworkPolicy") == 0)
		read_policy(r, object);
	else if (strcmp(version, GROUP "v1") == 0 &&
	    strcmp(kind, "NetworkPolicyList") == 0)
		read_items(r, object, version, "NetworkPolicy");
	else if (strcmp(version, "v1") == 0 && strcmp(kind, "List") == 0)
		read_items(r, object, "", "");
	else
		skip_object(r, object, version, kind);
}

/* value_read's own findings. Duplicate keys wait for decode_check, which
 * knows their object and field. */
static void
take_notice(void *arg, uint32_t line, const char *text)
{
	struct reading *rd = &((struct policy_reader *)arg)->reading;
	const char *kept = arena_strdup(rd->arena, text);

	if (kept == NULL)
		rd->failed = true;
	else if (strncmp(text, "duplicate key", 13) == 0 &&
	    rd->n_duplicates < DUPLICATE_KEYS_MAX)
		rd->duplicates[rd->n_duplicates++] = (struct duplicate_key){
			.line = line,
			.text = kept,
		};
	else
		problem_add(rd, NULL, line, PROBLEM_WARNING, "%s",
		    problem_clean(rd, text));
}

/* value_read says "line 7: what is wrong": the line has a place of its own. */
static void
add_unreadable(struct reading *rd, const char *text, const char *hint)
{
	static const char prefix[] = "line ";
	unsigned long line = 0;
	char *rest;

	if (strncmp(text, prefix, strlen(prefix)) == 0) {
		line = strtoul(text + strlen(prefix), &rest, 10);
		if (strncmp(rest, ": ", 2) == 0 && line <= UINT32_MAX)
			text = rest + 2;
		else
			line = 0;
	}
	problem_add(rd, NULL, (uint32_t)line, PROBLEM_DECODE, "%s%s",
	    problem_clean(rd, text), hint);
}

/* Duplicates outside of every NetworkPolicy: other kinds, lists. */
static void
report_unplaced(struct reading *rd)
{
	for (size_t i = 0; i < rd->n_duplicates; i++)
		if (!rd->duplicates[i].is_placed)
			problem_add(rd, NULL, rd->duplicates[i].line,
			    PROBLEM_WARNING, "%s",
			    problem_clean(rd, rd->duplicates[i].text));
	rd->n_duplicates = 0;
}

/* kubectl gives a text that begins with a brace to its JSON reader. */
static bool
is_json(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n\v\f", text[i]) == NULL || text[i] == '\0')
			return text[i] == '{';
	return false;
}

enum rf_status
policy_reader_text(struct policy_reader *r, const char *file, const char *text,
    size_t len, struct rf_error *err)
{
	struct reading *rd = &r->reading;
	struct rf_error why = { 0 };
	struct value_docs docs = { 0 };
	enum rf_status st;

	rd->file = file == NULL ? NULL : arena_strdup(rd->arena, file);
	rd->is_json = is_json(text, len);
	rd->n_duplicates = 0;
	if (file != NULL && rd->file == NULL)
		return rf_fail(err, RF_NOMEM, "policy reader: out of memory");
	st = value_read(&docs, rd->arena, text, len, take_notice, r, &why);
	if (st == RF_NOMEM)
		return rf_fail(err, st, "%s: %s",
		    file == NULL ? "policies" : file, why.msg);
	if (st != RF_OK)
		add_unreadable(rd, why.msg,
		    rd->is_json && memmem(text, len, "{{", 2) != NULL
			? " (a template?)"
			: "");
	for (size_t i = 0; st == RF_OK && i < docs.n; i++)
		read_object(r, docs.docs[i], "", "");
	report_unplaced(rd);
	if (rd->failed)
		return rf_fail(err, RF_NOMEM, "policy reader: out of memory");
	return RF_OK;
}

static int
compare_policies(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;
	int d = strcmp((*x)->namespace, (*y)->namespace);

	if (d == 0)
		d = strcmp((*x)->name, (*y)->name);
	return d != 0 ? d : (*x > *y) - (*x < *y);
}

static void
report_duplicate(
    struct policy_reader *r, const struct policy *p, const struct policy *first)
{
	struct reading *rd = &r->reading;
	struct field_path meta = path_key(NULL, "metadata");
	struct field_path name = path_key(&meta, "name");
	struct strbuf sb;

	strbuf_init(&sb, 4096);
	strbuf_printf(&sb, "NetworkPolicy %s/%s",
	    problem_clean(rd, p->namespace), problem_clean(rd, p->name));
	rd->file = p->file;
	rd->object = arena_strdup(rd->arena, strbuf_str(&sb));
	strbuf_release(&sb);
	if (rd->object == NULL) {
		rd->object = "";
		rd->failed = true;
	}
	problem_add(rd, &name, p->line, PROBLEM_DUPLICATE,
	    "Duplicate value: %s: the same policy stands in %s, line %u",
	    problem_quote(rd, p->name),
	    first->file == NULL ? "the input" : problem_clean(rd, first->file),
	    first->line);
	rd->object = "";
}

/*
 * Of several policies of one name the first stays; a generateName names
 * another object each time.
 */
static enum rf_status
drop_duplicates(struct policy_reader *r)
{
	struct arena *a = r->reading.arena;
	size_t n = r->n_policies, kept = 0;
	const struct policy **sorted = arena_calloc(a, n, sizeof(const void *));
	const struct policy **first = arena_calloc(a, n, sizeof(const void *));
	const struct policy *f = NULL;

	if (sorted == NULL || first == NULL)
		return RF_NOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &r->policies[i];
	qsort(sorted, n, sizeof(const void *), compare_policies);
	for (size_t i = 0; i < n; i++) {
		const struct policy *p = sorted[i];

		if ((p->blank & BLANK_NAME) != 0)
			continue;
		if (f != NULL && strcmp(f->namespace, p->namespace) == 0 &&
		    strcmp(f->name, p->name) == 0)
			first[p - r->policies] = f;
		else
			f = p;
	}
	for (size_t i = 0; i < n; i++)
		if (first[i] != NULL)
			report_duplicate(r, &r->policies[i], first[i]);
	for (size_t i = 0; i < n; i++)
		if (first[i] == NULL)
			r->policies[kept++] = r->policies[i];
	r->n_policies = kept;
	return RF_OK;
}

enum rf_status
policy_reader_finish(
    struct policy_reader *r, struct policy_set *out, struct rf_error *err)
{
	*out = (struct policy_set){ 0 };
	if (!r->finished && drop_duplicates(r) != RF_OK)
		r->reading.failed = true;
	r->finished = true;
	if (r->reading.failed)
		return rf_fail(err, RF_NOMEM, "policy reader: out of memory");
	out->policies = r->policies;
	out->n_policies = r->n_policies;
	return RF_OK;
}

const struct policy_problem *
policy_reader_problems(const struct policy_reader *r, size_t *n)
{
	*n = r->reading.n_problems;
	return r->reading.problems;
}

size_t
policy_reader_refusals(const struct policy_reader *r)
{
	return r->reading.n_refusals;
}

size_t
policy_reader_objects(const struct policy_reader *r)
{
	return r->n_objects;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata, label maps and label selectors. */
#include "policy/build.h"

#include <stdlib.h>
#include <string.h>

#include "policy/decode.h"
#include "policy/names.h"

#define ANNOTATIONS_MAX_BYTES ((size_t)256 * 1024)

void *
build_array(struct reading *r, size_t n, size_t size)
{
	void *p = arena_calloc(r->arena, n, size);

	if (p == NULL)
		r->failed = true;
	return p;
}

static void
report(struct reading *r, const struct field_path *path, uint32_t line,
    const char *value, const struct name_faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		problem_invalid(r, path, line, value, f->v[i]);
}

static void
check_label(struct reading *r, const struct field_path *path,
    const struct value_pair *pair, bool is_annotation)
{
	struct name_faults f;
	char *lower;

	if (!is_annotation) {
		name_check_key(&f, pair->key);
		report(r, path, pair->line, pair->key, &f);
		name_check_label_value(&f, decode_string(pair->value));
		report(r, path, pair->line, decode_string(pair->value), &f);
		return;
	}
	/* Annotation keys may have capitals in their prefix. */
	lower = arena_strdup(r->arena, pair->key);
	if (lower == NULL) {
		r->failed = true;
		return;
	}
	for (char *c = lower; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	name_check_key(&f, lower);
	report(r, path, pair->line, pair->key, &f);
}

/* Among equal keys the later in the text (hence in memory) comes later. */
static int
compare_pairs(const void *a, const void *b)
{
	const struct value_pair *const *x = a, *const *y = b;
	int d = strcmp((*x)->key, (*y)->key);

	return d != 0 ? d : (*x > *y) - (*x < *y);
}

/* A map of strings as a label set; keys and values are checked as those of
 * labels unless is_annotation. v NULL: the empty set. */
static struct label_set
build_labels(struct reading *r, const struct field_path *path,
    const struct value *v, bool is_annotation)
{
	struct label_set out = { 0 };
	const struct value_pair **by_key;
	size_t n = decode_count(v), bytes = 0;
	struct label *labels;

	if (n == 0)
		return out;
	by_key = build_array(r, n, sizeof(const void *));
	labels = build_array(r, n, sizeof(*labels));
	if (by_key == NULL || labels == NULL)
		return out;
	for (size_t i = 0; i < n; i++) {
		by_key[i] = &v->pairs[i];
		check_label(r, path, by_key[i], is_annotation);
		bytes += strlen(v->pairs[i].key) +
		    strlen(decode_string(v->pairs[i].value));
	}
	if (is_annotation && bytes > ANNOTATIONS_MAX_BYTES)
		problem_add(r, path, v->line, PROBLEM_INVALID,
		    "Too long: may not be more than %zu bytes",
		    ANNOTATIONS_MAX_BYTES);
	/* Sorted first: label_sort is quadratic on a large unsorted map. */
	qsort(by_key, n, sizeof(const void *), compare_pairs);
	for (size_t i = 0; i < n; i++)
		labels[i] = (struct label){ .key = by_key[i]->key,
			.value = decode_string(by_key[i]->value) };
	out.v = labels;
	out.n = label_sort(labels, n);
	return out;
}

static bool
parse_operator(enum selector_op *out, const char *text)
{
	static const char *const names[] = {
		[SELECTOR_IN] = "In",
		[SELECTOR_NOT_IN] = "NotIn",
		[SELECTOR_EXISTS] = "Exists",
		[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], text) != 0)
			continue;
		*out = (enum selector_op)i;
		return true;
	}
	return false;
}

static void
check_operator(struct reading *r, const struct field_path *path, uint32_t line,
    struct selector_requirement *out, const char *text)
{
	struct field_path op_path = path_key(path, "operator");
	struct field_path values_path = path_key(path, "values");

	if (!parse_operator(&out->op, text))
		problem_invalid(
		    r, &op_path, line, text, "not a valid selector operator");
	else if (out->op == SELECTOR_IN || out->op == SELECTOR_NOT_IN) {
		if (out->n_values == 0)
			problem_add(r, &values_path, line, PROBLEM_REQUIRED,
			    "Required value: must be specified when "
			    "`operator` is 'In' or 'NotIn'");
	} else if (out->n_values > 0) {
		problem_add(r, &values_path, line, PROBLEM_FORBIDDEN,
		    "Forbidden: may not be specified when `operator` is "
		    "'Exists' or 'DoesNotExist'");
	}
}

static void
build_requirement(struct reading *r, const struct field_path *path,
    const struct value *v, uint32_t line, struct selector_requirement *out)
{
	const struct value *values = decode_field(v, "values");
	struct field_path key_path = path_key(path, "key");
	struct field_path values_path = path_key(path, "values");
	struct name_faults f;
	const char **texts;

	out->key = decode_string(decode_field(v, "key"));
	out->n_values = decode_count(values);
	texts = build_array(r, out->n_values, sizeof(*texts));
	if (texts == NULL)
		return;
	for (size_t i = 0; i < out->n_values; i++)
		texts[i] = decode_string(decode_item(values, i));
	out->values = texts;
	if (!selector_sort_values(out, r->arena)) {
		r->failed = true;
		return;
	}
	check_operator(
	    r, path, line, out, decode_string(decode_field(v, "operator")));
	name_check_key(&f, out->key);
	report(r, &key_path, line, out->key, &f);
	for (size_t i = 0; i < out->n_values; i++) {
		struct field_path at = path_index(&values_path, i);

		name_check_label_value(&f, texts[i]);
		report(r, &at, values->items[i]->line, texts[i], &f);
	}
}

void
build_selector(struct reading *r, const struct field_path *path,
    const struct value *v, struct label_selector *out)
{
	const struct value *labels = decode_field(v, "matchLabels");
	const struct value *list = decode_field(v, "matchExpressions");
	struct field_path labels_path = path_key(path, "matchLabels");
	struct field_path list_path = path_key(path, "matchExpressions");
	size_t n = decode_count(list);
	struct selector_requirement *reqs;

	*out = (struct label_selector){ 0 };
	out->match_labels = build_labels(r, &labels_path, labels, false);
	if (n == 0)
		return;
	reqs = build_array(r, n, sizeof(*reqs));
	if (reqs == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		struct field_path at = path_index(&list_path, i);

		build_requirement(r, &at, decode_item(list, i),
		    list->items[i]->line, &reqs[i]);
	}
	out->match_expressions = reqs;
	out->n_match_expressions = n;
}

static void
build_name(struct reading *r, struct policy *p, const struct field_path *meta,
    const struct value *metadata, uint32_t line)
{
	const char *name = decode_string(decode_field(metadata, "name"));
	const char *stem =
	    decode_string(decode_field(metadata, "generateName"));
	struct field_path name_path = path_key(meta, "name");
	struct field_path stem_path = path_key(meta, "generateName");
	struct name_faults f;

	if (stem[0] != '\0') {
		name_check_subdomain(&f, stem, true);
		report(r, &stem_path, line, stem, &f);
	}
	if (name[0] != '\0') {
		name_check_subdomain(&f, name, false);
		report(r, &name_path, line, name, &f);
	} else if (stem[0] == '\0') {
		problem_add(r, &name_path, line, PROBLEM_REQUIRED,
		    "Required value: name or generateName is required");
	}
	p->name = name[0] != '\0' ? name : stem;
	if (name[0] == '\0')
		p->blank |= BLANK_NAME;
}

void
build_metadata(struct reading *r, struct policy *p, const struct value *object,
    const char *default_namespace)
{
	const struct value *m = decode_field(object, "metadata");
	struct field_path meta = path_key(NULL, "metadata");
	struct field_path ns_path = path_key(&meta, "namespace");
	struct field_path labels_path = path_key(&meta, "labels");
	struct field_path notes_path = path_key(&meta, "annotations");
	uint32_t line = m == NULL ? object->line : m->line;
	struct name_faults f;

	build_name(r, p, &meta, m, line);
	p->namespace = decode_string(decode_field(m, "namespace"));
	if (p->namespace[0] == '\0') {
		p->namespace = default_namespace;
		p->blank |= BLANK_NAMESPACE;
	}
	name_check_label(&f, p->namespace);
	report(r, &ns_path, line, p->namespace, &f);
	p->labels =
	    build_labels(r, &labels_path, decode_field(m, "labels"), false);
	p->annotations =
	    build_labels(r, &notes_path, decode_field(m, "annotations"), true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The label sets that the pods of a namespace carry, each once per workload,
 * and an index from labels to them. */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define NELEM(a)   (sizeof(a) / sizeof((a)[0]))
#define LABEL_MARK "\x01" /* no value that a label may have */

int
workload_compare_name(const struct cluster *c, uint32_t a, uint32_t b)
{
	const struct kube_workload *x = &c->workloads[a], *y = &c->workloads[b];
	int d;

	if ((d = strcmp(x->namespace, y->namespace)) != 0 ||
	    (d = strcmp(x->name, y->name)) != 0)
		return d;
	return strcmp(x->kind, y->kind);
}

struct row {
	uint32_t ns;
	struct variant variant;
};

static int
compare_rows(const void *x, const void *y, void *arg)
{
	const struct run *r = arg;
	const struct row *a = x, *b = y;
	int d;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	d = workload_compare_name(
	    r->c, a->variant.workload, b->variant.workload);
	if (d != 0)
		return d;
	d = label_set_compare(&a->variant.labels, &b->variant.labels);
	if (d != 0)
		return d;
	return label_set_compare(&a->variant.all, &b->variant.all);
}

static int
compare_postings(const void *x, const void *y)
{
	const struct posting *a = x, *b = y;
	int d;

	if ((d = strcmp(a->label.key, b->label.key)) != 0 ||
	    (d = strcmp(a->label.value, b->label.value)) != 0)
		return d;
	return (a->variant > b->variant) - (a->variant < b->variant);
}

/* The label index of one namespace whose variants are in place. */
static enum rf_status
space_index(struct run *r, struct space *s)
{
	struct posting *p;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < s->n_variants; i++)
		n += s->variants[i].all.n;
	p = arena_calloc(r->arena, n, sizeof(*p));
	if (p == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < s->n_variants; i++)
		for (size_t j = 0; j < s->variants[i].all.n; j++)
			p[k++] = (struct posting){ s->variants[i].all.v[j],
				(uint32_t)i };
	qsort(p, n, sizeof(*p), compare_postings);
	s->postings = p;
	s->n_postings = n;
	return RF_OK;
}

/* Sort the rows, drop repetitions, hand each namespace its share. */
static enum rf_status
spaces_fill(struct run *r, struct row *rows, size_t n)
{
	struct variant *v = arena_calloc(r->arena, n, sizeof(*v));
	enum rf_status st;
	size_t k = 0;

	if (v == NULL)
		return run_nomem(r);
	qsort_r(rows, n, sizeof(*rows), compare_rows, r);
	for (size_t i = 0; i < n; i++) {
		struct space *s = &r->spaces[rows[i].ns];

		if (i > 0 && compare_rows(&rows[i - 1], &rows[i], r) == 0)
			continue;
		if (s->variants == NULL)
			s->variants = &v[k];
		s->n_variants++;
		v[k++] = rows[i].variant;
	}
	for (size_t i = 0; i < r->c->n_namespaces; i++)
		if ((st = space_index(r, &r->spaces[i])) != RF_OK)
			return st;
	return RF_OK;
}

/* Does this pod count for selectors: not hostNetwork, and not gone while
 * others of its workload are there? */
static bool
pod_counts(const struct run *r, const bool *alive, uint32_t pod)
{
	const struct kube_pod *p = &r->c->pods[pod];

	return !p->host_network && (!p->deleted || !alive[p->workload]);
}

/* Keys whose values never last, and whose presence tells what runs a pod. */
static const char *const marks[] = { "hub.jupyter.org/username", "job-name",
	"serving.knative.dev/revision", "spark-app-selector", "spark-exec-id",
	"tekton.dev/taskRun", "workflows.argoproj.io/workflow" };

bool
label_is_mark(const struct label *l)
{
	return strcmp(l->value, LABEL_MARK) == 0;
}

bool
key_is_mark(const char *key)
{
	for (size_t i = 0; i < NELEM(marks); i++)
		if (strcmp(key, marks[i]) == 0)
			return true;
	return false;
}

/* Add the marks that these labels carry, but for those of which the value is
 * kept. false: out of memory. */
static bool
add_marks(struct run *r, struct label_set *to, const struct label_set *carried)
{
	struct label *v =
	    arena_calloc(r->arena, to->n + NELEM(marks), sizeof(*v));
	size_t n = to->n;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < to->n; i++)
		v[i] = to->v[i];
	for (size_t i = 0; i < NELEM(marks); i++)
		if (label_get(carried, marks[i]) != NULL &&
		    label_get(to, marks[i]) == NULL)
			v[n++] = (struct label){ marks[i], LABEL_MARK };
	*to = (struct label_set){ v, label_sort(v, n) };
	return true;
}

/* Add the keys of labels that the set leaves out: they are carried all the
 * same, with a value that does not last. false: out of memory. */
static bool
add_keys(struct run *r, struct label_set *to, const struct label_set *labels)
{
	struct label *v = arena_calloc(r->arena, to->n + labels->n, sizeof(*v));
	size_t n = to->n;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < to->n; i++)
		v[i] = to->v[i];
	for (size_t i = 0; i < labels->n; i++)
		if (label_get(to, labels->v[i].key) == NULL)
			v[n++] = (struct label){ labels->v[i].key, LABEL_MARK };
	*to = (struct label_set){ v, label_sort(v, n) };
	return true;
}

/* What the pods of a template will carry that it does not tell. */
static struct label_set
carried_by(const struct kube_workload *w)
{
	static const struct label job = { "job-name", "" };

	if (strcmp(w->kind, "Job") == 0 || strcmp(w->kind, "CronJob") == 0)
		return (struct label_set){ &job, 1 };
	return (struct label_set){ NULL, 0 };
}

/* Does the label repeat the name of what runs the pod, or how it begins, and is
 * that made up? */
static bool
names_run(const struct label *l, const char *name)
{
	size_t n = strlen(l->value);

	return label_value_is_generated(l->value) &&
	    strncmp(name, l->value, n) == 0 &&
	    (name[n] == '\0' || name[n] == '-');
}

/* The labels that last of a workload that no spec.selector tells. */
static struct label_set
lasting(struct run *r, const struct label_set *labels, const char *name)
{
	struct label_set kept = label_lasting(labels, r->arena);
	struct label *v = arena_calloc(r->arena, kept.n, sizeof(*v));
	size_t n = 0;

	if (v == NULL || (kept.v == NULL && kept.n != 0))
		return (struct label_set){ NULL, 1 };
	for (size_t i = 0; i < kept.n; i++)
		if (!names_run(&kept.v[i], name))
			v[n++] = kept.v[i];
	return (struct label_set){ v, n };
}

/* The variant of a workload whose pods carry these labels, and keys of carried
 * whose values are not told. */
static enum rf_status
variant_make(struct run *r, uint32_t workload, const struct label_set *labels,
    const struct label_set *carried, struct variant *out)
{
	const struct kube_workload *w = &r->c->workloads[workload];

	*out = (struct variant){ .workload = workload,
		.all = label_stable(labels, r->arena) };
	if (out->all.v == NULL && out->all.n != 0)
		return run_nomem(r);
	out->labels = out->all;
	if (!w->has_selector)
		out->labels = lasting(r, labels, w->name);
	if ((out->labels.v == NULL && out->labels.n != 0) ||
	    !add_marks(r, &out->labels, carried) ||
	    !add_marks(r, &out->all, carried) ||
	    !add_keys(r, &out->all, labels))
		return run_nomem(r);
	return RF_OK;
}

/* One row for each pod that counts. seen: the workloads that have pods. */
static enum rf_status
rows_of_pods(struct run *r, struct row *rows, size_t *n, bool *seen)
{
	const struct cluster *c = r->c;
	bool *alive = arena_calloc(r->arena, c->n_workloads, sizeof(bool));

	if (alive == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < c->n_pods; i++) {
		seen[c->pods[i].workload] = true;
		if (!c->pods[i].deleted)
			alive[c->pods[i].workload] = true;
	}
	for (uint32_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];
		struct row *to = &rows[*n];
		enum rf_status st;

		if (!pod_counts(r, alive, i))
			continue;
		to->ns = p->ns;
		st = variant_make(
		    r, p->workload, &p->labels, &p->labels, &to->variant);
		if (st != RF_OK)
			return st;
		(*n)++;
	}
	return RF_OK;
}

/* One row for each pod that counts and each template without pods. */
static enum rf_status
rows_collect(struct run *r, struct row *rows, size_t *n)
{
	const struct cluster *c = r->c;
	bool *seen = arena_calloc(r->arena, c->n_workloads, sizeof(bool));
	enum rf_status st;

	*n = 0;
	if (seen == NULL)
		return run_nomem(r);
	if ((st = rows_of_pods(r, rows, n, seen)) != RF_OK)
		return st;
	for (uint32_t i = 0; i < c->n_workloads; i++) {
		const struct kube_workload *w = &c->workloads[i];
		struct label_set carried = carried_by(w);
		struct row *to = &rows[*n];

		if (seen[i] || !w->has_object || w->labels.n == 0 ||
		    r->ns_of[i] == FLOW_NONE)
			continue;
		to->ns = r->ns_of[i];
		st = variant_make(r, i, &w->labels, &carried, &to->variant);
		if (st != RF_OK)
			return st;
		(*n)++;
	}
	return RF_OK;
}

enum rf_status
variants_build(struct run *r)
{
	const struct cluster *c = r->c;
	struct row *rows;
	enum rf_status st;
	size_t n;

	r->spaces = arena_calloc(r->arena, c->n_namespaces, sizeof(*r->spaces));
	r->ns_of = arena_calloc(r->arena, c->n_workloads, sizeof(*r->ns_of));
	rows = calloc(c->n_pods + c->n_workloads + 1, sizeof(*rows));
	if (r->spaces == NULL || r->ns_of == NULL || rows == NULL) {
		free(rows);
		return run_nomem(r);
	}
	for (size_t i = 0; i < c->n_workloads; i++)
		r->ns_of[i] =
		    cluster_find_namespace(c, c->workloads[i].namespace);
	for (size_t i = 0; i < c->n_pods; i++)
		r->ns_of[c->pods[i].workload] = c->pods[i].ns;
	if ((st = rows_collect(r, rows, &n)) == RF_OK)
		st = spaces_fill(r, rows, n);
	free(rows);
	return st;
}

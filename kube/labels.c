/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/labels.h"

#include <stdlib.h>
#include <string.h>

#define NELEM(a)    (sizeof(a) / sizeof((a)[0]))
#define MANY_VALUES 9 /* from here on halving is faster */

static const char *const volatile_keys[] = {
	"acme.cert-manager.io/http-domain",
	"acme.cert-manager.io/http-token",
	"airflow-worker",
	"airflow_version",
	"app.kubernetes.io/version",
	"apps.kubernetes.io/pod-index",
	"ceph-osd-id",
	"ceph_daemon_id",
	"cnpg.io/instanceName",
	"cnpg.io/instanceRole",
	"controller-revision-hash",
	"controller-uid",
	"controller.kubernetes.io/hash",
	"dask.org/worker-name",
	"helm.sh/chart",
	"hub.jupyter.org/servername",
	"istio.io/rev",
	"job-name",
	"kubernetes.io/created-by",
	"kubernetes.io/hostname",
	"longhorn.io/engine-image",
	"longhorn.io/instance-manager-image",
	"longhorn.io/node",
	"longhorn.io/share-manager-image",
	"mgr_role",
	"node_name",
	"operatorframework.io/bundle-unpack-ref",
	"pkg.crossplane.io/revision",
	"pod-template-generation",
	"pod-template-hash",
	"rollouts-pod-template-hash",
	"security.istio.io/tlsMode",
	"service.istio.io/canonical-revision",
	"serving.knative.dev/configurationGeneration",
	"serving.knative.dev/configurationUID",
	"serving.knative.dev/revision",
	"serving.knative.dev/revisionUID",
	"serving.knative.dev/serviceUID",
	"spark-app-selector",
	"spark-exec-id",
	"spark-exec-resourceprofile-id",
	"spark-version",
	"spilo-role",
	"statefulset.kubernetes.io/pod-name",
	"strimzi.io/pod-name",
};

static const char *const volatile_prefixes[] = {
	"batch.kubernetes.io/",
	"job.runner.gitlab.com/",
	"openshift.io/deployer-pod",
	"topology.kubernetes.io/",
	"velero.io/data-",
	"velero.io/pod-volume-",
	"workflows.argoproj.io/completed",
	"workflows.argoproj.io/phase",
	"workflows.argoproj.io/workflow",
};

const char *
label_get(const struct label_set *set, const char *key)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(set->v[mid].key, key);

		if (d == 0)
			return set->v[mid].value;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Insertion sort: sets are small, and it is stable, so that the last of
 * equal keys can be told. */
size_t
label_sort(struct label *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct label l = v[i];
		size_t at = kept;

		while (at > 0 && strcmp(v[at - 1].key, l.key) > 0)
			at--;
		if (at > 0 && strcmp(v[at - 1].key, l.key) == 0) {
			v[at - 1].value = l.value;
			continue;
		}
		memmove(&v[at + 1], &v[at], (kept - at) * sizeof(*v));
		v[at] = l;
		kept++;
	}
	return kept;
}

int
label_set_compare(const struct label_set *a, const struct label_set *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int d = strcmp(a->v[i].key, b->v[i].key);

		if (d == 0)
			d = strcmp(a->v[i].value, b->v[i].value);
		if (d != 0)
			return d;
	}
	return a->n < b->n ? -1 : a->n > b->n;
}

bool
label_set_equal(const struct label_set *a, const struct label_set *b)
{
	return a->n == b->n && label_set_compare(a, b) == 0;
}

bool
selector_is_empty(const struct label_selector *s)
{
	return s->match_labels.n == 0 && s->n_match_expressions == 0;
}

static int
compare_values(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool
selector_sort_values(struct selector_requirement *r, struct arena *arena)
{
	size_t n = r->n_values, i = 1;
	const char **v;

	r->sorted = NULL;
	if (n < MANY_VALUES)
		return true;
	while (i < n && strcmp(r->values[i - 1], r->values[i]) <= 0)
		i++;
	if (i == n) {
		r->sorted = r->values;
		return true;
	}
	v = arena_calloc(arena, n, sizeof(*v));
	if (v == NULL)
		return false;
	memcpy(v, r->values, n * sizeof(*v));
	qsort(v, n, sizeof(*v), compare_values);
	r->sorted = v;
	return true;
}

static bool
has_value(const struct selector_requirement *r, const char *value)
{
	if (r->sorted != NULL)
		return bsearch(&value, r->sorted, r->n_values,
			   sizeof(*r->sorted), compare_values) != NULL;
	for (size_t i = 0; i < r->n_values; i++)
		if (strcmp(r->values[i], value) == 0)
			return true;
	return false;
}

static bool
requirement_holds(
    const struct selector_requirement *r, const struct label_set *labels)
{
	const char *value = label_get(labels, r->key);

	switch (r->op) {
	case SELECTOR_IN:
		return value != NULL && has_value(r, value);
	case SELECTOR_NOT_IN:
		return value == NULL || !has_value(r, value);
	case SELECTOR_EXISTS:
		return value != NULL;
	case SELECTOR_DOES_NOT_EXIST:
		return value == NULL;
	}
	return false;
}

bool
selector_matches(const struct label_selector *s, const struct label_set *labels)
{
	const struct label_set *want = &s->match_labels;

	for (size_t i = 0; i < want->n; i++) {
		const char *value = label_get(labels, want->v[i].key);

		if (value == NULL || strcmp(value, want->v[i].value) != 0)
			return false;
	}
	for (size_t i = 0; i < s->n_match_expressions; i++)
		if (!requirement_holds(&s->match_expressions[i], labels))
			return false;
	return true;
}

bool
label_is_volatile(const char *key)
{
	for (size_t i = 0; i < NELEM(volatile_keys); i++)
		if (strcmp(key, volatile_keys[i]) == 0)
			return true;
	for (size_t i = 0; i < NELEM(volatile_prefixes); i++)
		if (strncmp(key, volatile_prefixes[i],
			strlen(volatile_prefixes[i])) == 0)
			return true;
	return false;
}

/* Does the label name a rollout or a run beside one that does, with its value
 * or in its stead? Knative gives a revision's name to "app", too, OpenShift
 * calls a rollout "deployment" beside "deploymentconfig", and the pods in which
 * Airflow's executor runs whatever tasks there are, alike but for that, carry
 * the task's names. */
static bool
repeats_rollout(const struct label_set *set, const struct label *l)
{
	const char *revision = label_get(set, "serving.knative.dev/revision");

	if (strcmp(l->key, "deployment") == 0)
		return label_get(set, "deploymentconfig") != NULL;
	if (strcmp(l->key, "dag_id") == 0 || strcmp(l->key, "task_id") == 0 ||
	    strcmp(l->key, "map_index") == 0)
		return label_get(set, "kubernetes_executor") != NULL;
	return revision != NULL && strcmp(l->value, revision) == 0;
}

/* Is it one Ceph daemon's own: its name again, or what its disk is and where?
 * Rook runs each of a kind as a Deployment of its own, adds some for new disks
 * and replaces monitor "a" by "d". */
static bool
is_of_daemon(const struct label_set *set, const struct label *l)
{
	static const char *const names[] = { "app.kubernetes.io/instance",
		"mds", "mgr", "mon", "osd" };
	static const char *const disk[] = { "device-class", "encrypted",
		"failure-domain", "osd-store", "portable" };
	const char *id = label_get(set, "ceph_daemon_id");

	if (id == NULL)
		return false;
	for (size_t i = 0; i < NELEM(names); i++)
		if (strcmp(l->key, names[i]) == 0)
			return strcmp(l->value, id) == 0;
	for (size_t i = 0; i < NELEM(disk); i++)
		if (strcmp(l->key, disk[i]) == 0)
			return true;
	return strncmp(l->key, "topology-location-", 18) == 0;
}

static bool
is_kept(const struct label_set *set, const struct label *l, bool has_selector)
{
	if (label_is_volatile(l->key) || repeats_rollout(set, l) ||
	    is_of_daemon(set, l))
		return false;
	return has_selector ||
	    (!label_names_one(l->key) && !label_value_is_id(l->value));
}

static struct label_set
keep(const struct label_set *set, bool has_selector, struct arena *arena)
{
	struct label_set out = { 0 };
	struct label *v;

	for (size_t i = 0; i < set->n; i++)
		out.n += is_kept(set, &set->v[i], has_selector);
	if (out.n == 0)
		return out;
	v = arena_calloc(arena, out.n, sizeof(*v));
	out.v = v;
	for (size_t i = 0; v != NULL && i < set->n; i++)
		if (is_kept(set, &set->v[i], has_selector))
			*v++ = set->v[i];
	return out;
}

struct label_set
label_stable(const struct label_set *set, struct arena *arena)
{
	return keep(set, true, arena);
}

struct label_set
label_lasting(const struct label_set *set, struct arena *arena)
{
	return keep(set, false, arena);
}

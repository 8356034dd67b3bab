/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs the pods: owner chains are climbed to the controller whose pods
 * are alike, pods without one are grouped by their labels.
 *
 * Deployments, StatefulSets, DaemonSets and CronJobs are the top even if a
 * custom resource owns them: an operator's resource often owns several of
 * them whose pods have nothing in common, and no selector covers just those.
 */
#include <stdlib.h>
#include <string.h>

#include "kube/snapshot_internal.h"

#define CHAIN_MAX 16 /* deeper chains are circles */

/* One workload before it is sorted. */
struct draft {
	struct kube_workload w;
	bool has_live; /* labels are those of pods that are not gone */
	bool has_pods;
	uint32_t final;
};

struct bare {
	uint32_t pod;
	const char *namespace, *name;
	struct label_set stable;
};

struct assembly {
	struct snapshot_builder *sb;
	struct draft *v;
	size_t n, cap;
	struct string_map index; /* "kind/namespace/name" to a draft */
	uint32_t *draft_of_pod;
	struct bare *bare; /* pods without controller */
	size_t n_bare;
	bool failed; /* out of memory */
};

static const struct raw_controller *
find_controller(struct assembly *a, const char *kind, const char *namespace,
    const char *name)
{
	const struct raw_table *t = &a->sb->raw[RAW_CONTROLLER];
	const char *key = assemble_key(a->sb, kind, namespace, name);
	const uint32_t *at;

	if (key == NULL) {
		a->failed = true;
		return NULL;
	}
	at = string_map_find(&t->index, key);
	return at == NULL ? NULL : (const void *)t->v[*at];
}

static bool
is_top_kind(const char *kind)
{
	static const char *const kinds[] = { "Deployment", "StatefulSet",
		"DaemonSet", "CronJob" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/*
 * The owner of a ReplicaSet that was not read, from its name and the hash
 * that the pod carries. false: the pod carries none.
 */
static bool
infer_owner(
    struct assembly *a, const struct label_set *labels, struct raw_owner *top)
{
	const char *hash = label_get(labels, "rollouts-pod-template-hash");
	const char *kind = "Rollout", *version = "argoproj.io/v1alpha1";
	size_t len = strlen(top->name), hash_len;
	char *name;

	if (hash == NULL) {
		hash = label_get(labels, "pod-template-hash");
		kind = "Deployment";
		version = "apps/v1";
	}
	hash_len = hash == NULL ? 0 : strlen(hash);
	if (hash_len == 0 || len < hash_len + 2 ||
	    top->name[len - hash_len - 1] != '-' ||
	    strcmp(top->name + len - hash_len, hash) != 0)
		return false;
	name = arena_strndup(
	    &a->sb->cluster->arena, top->name, len - hash_len - 1);
	if (name == NULL)
		a->failed = true;
	else
		*top = (struct raw_owner){ version, kind, name };
	return name != NULL;
}

/*
 * The owner of a ReplicationController that was not read, from its name, the
 * DeploymentConfig's with the rollout's number behind it.
 */
static bool
infer_deployment_config(const struct label_set *labels, struct raw_owner *top)
{
	const char *config = label_get(labels, "deploymentconfig");
	size_t len = config == NULL ? 0 : strlen(config);

	if (len == 0 || strncmp(top->name, config, len) != 0 ||
	    top->name[len] != '-' || top->name[len + 1] == '\0' ||
	    top->name[len + 1 + strspn(top->name + len + 1, "0123456789")] !=
		'\0')
		return false;
	*top = (struct raw_owner){ "apps.openshift.io/v1", "DeploymentConfig",
		config };
	return true;
}

/*
 * The owner of a Job that was not read: a CronJob that was read, and whose
 * name the Job has with the scheduled minute behind it, as CronJobs name
 * theirs. Retention deletes Jobs before anybody lists them.
 */
static bool
infer_cron_job(struct assembly *a, const char *namespace, struct raw_owner *top)
{
	const char *dash = strrchr(top->name, '-');
	size_t n_digits = dash == NULL ? 0 : strspn(dash + 1, "0123456789");
	const struct raw_controller *c;
	char *name;

	if (n_digits < 8 || dash[1 + n_digits] != '\0')
		return false;
	name = arena_strndup(
	    &a->sb->scratch, top->name, (size_t)(dash - top->name));
	if (name == NULL) {
		a->failed = true;
		return false;
	}
	c = find_controller(a, "CronJob", namespace, name);
	if (c == NULL)
		return false;
	*top = (struct raw_owner){ c->api_version, c->head.kind, c->head.name };
	return true;
}

/*
 * A custom resource that selects its pods runs alike pods, whoever owns it: a
 * Kafka's StrimziPodSets are its brokers and its controllers. One that does
 * not select may run a single pod, as a runner set's runners do.
 */
static bool
is_set_of_pods(const struct raw_controller *c)
{
	return c != NULL && !c->is_builtin && c->has_selector;
}

/* Climb from *top, whose object (or NULL) is returned in the end. */
static const struct raw_controller *
climb(struct assembly *a, const char *namespace, const struct label_set *labels,
    struct raw_owner *top)
{
	const struct raw_controller *c = NULL;

	for (unsigned depth = 0; depth < CHAIN_MAX && !a->failed; depth++) {
		c = find_controller(a, top->kind, namespace, top->name);
		if (is_top_kind(top->kind) || is_set_of_pods(c))
			break;
		if (c == NULL && strcmp(top->kind, "ReplicaSet") == 0 &&
		    infer_owner(a, labels, top))
			continue;
		if (c == NULL &&
		    strcmp(top->kind, "ReplicationController") == 0 &&
		    infer_deployment_config(labels, top))
			continue;
		if (c == NULL && strcmp(top->kind, "Job") == 0 &&
		    infer_cron_job(a, namespace, top))
			continue;
		if (c == NULL || c->owner.kind == NULL)
			break;
		*top = c->owner;
	}
	return c;
}

static void
fill_from_object(struct kube_workload *w, const struct raw_controller *c)
{
	if (c == NULL)
		return;
	w->has_object = true;
	if (*c->api_version != '\0')
		w->api_version = c->api_version;
	w->has_selector = c->has_selector;
	if (c->has_selector)
		w->selector = c->selector;
	w->replicas = c->replicas;
	w->suspended = c->suspended;
}

/*
 * The draft of that name, made when it is new; until the next call. NULL: out
 * of memory, and the assembly has failed.
 */
static struct draft *
find_draft(struct assembly *a, const char *namespace,
    const struct raw_owner *top, const struct raw_controller *c)
{
	const char *key = assemble_key(a->sb, top->kind, namespace, top->name);
	const uint32_t *at =
	    key == NULL ? NULL : string_map_find(&a->index, key);
	struct draft *d;
	void *v = a->v;

	if (at != NULL)
		return &a->v[*at];
	if (key == NULL ||
	    !arena_grow(&a->sb->scratch, &v, a->n, &a->cap, sizeof(*a->v)) ||
	    !string_map_add(&a->index, &a->sb->scratch, key, (uint32_t)a->n)) {
		a->failed = true;
		return NULL;
	}
	a->v = v;
	d = &a->v[a->n++];
	*d = (struct draft){ .w = { .kind = top->kind,
				 .namespace = namespace,
				 .name = top->name,
				 .api_version = top->api_version,
				 .replicas = -1 } };
	fill_from_object(&d->w, c);
	return d;
}

/* Keep of *common only what labels has too. */
static void
intersect(
    struct label_set *common, struct label *v, const struct label_set *labels)
{
	size_t kept = 0;

	for (size_t i = 0; i < common->n; i++) {
		struct label l = common->v[i];
		const char *value = label_get(labels, l.key);

		if (value != NULL && strcmp(value, l.value) == 0)
			v[kept++] = l;
	}
	*common = (struct label_set){ v, kept };
}

/* Pods that are gone count only while there is none that is not. */
static void
add_pod(struct assembly *a, uint32_t pod, struct draft *d)
{
	const struct kube_pod *p = &a->sb->cluster->pods[pod];
	struct arena *arena = &a->sb->cluster->arena;
	struct label *v;

	a->draft_of_pod[pod] = (uint32_t)(d - a->v);
	d->w.n_pods++;
	if (d->has_live && p->deleted)
		return;
	if (!d->has_pods || (!d->has_live && !p->deleted)) {
		d->w.labels = label_stable(&p->labels, arena);
		a->failed |= d->w.labels.n > 0 && d->w.labels.v == NULL;
	} else {
		v = arena_calloc(arena, d->w.labels.n, sizeof(*v));
		a->failed |= v == NULL;
		if (v != NULL)
			intersect(&d->w.labels, v, &p->labels);
	}
	d->has_pods = true;
	d->has_live = d->has_live || !p->deleted;
}

/* A static pod is named after its node; its workload is not. */
static void
add_static_pod(struct assembly *a, uint32_t pod, const char *node)
{
	const struct kube_pod *p = &a->sb->cluster->pods[pod];
	struct raw_owner top = { "v1", "Pod", p->name };
	size_t len = strlen(p->name), node_len = strlen(node);
	struct draft *d;

	if (len > node_len + 1 && p->name[len - node_len - 1] == '-' &&
	    strcmp(p->name + len - node_len, node) == 0)
		top.name = arena_strndup(
		    &a->sb->cluster->arena, p->name, len - node_len - 1);
	if (top.name == NULL) {
		a->failed = true;
		return;
	}
	d = find_draft(a, p->namespace, &top, NULL);
	if (d == NULL)
		return;
	d->w.has_object = true;
	add_pod(a, pod, d);
}

static void
add_bare(struct assembly *a, uint32_t pod)
{
	const struct kube_pod *p = &a->sb->cluster->pods[pod];
	struct bare *b = &a->bare[a->n_bare++];

	*b = (struct bare){ pod, p->namespace, p->name,
		label_lasting(&p->labels, &a->sb->scratch) };
	a->failed |= b->stable.n > 0 && b->stable.v == NULL;
}

static void
add_owned_pods(struct assembly *a)
{
	const struct raw_table *t = &a->sb->raw[RAW_POD];

	for (size_t i = 0; i < t->n && !a->failed; i++) {
		const struct raw_pod *p = (const void *)t->v[i];
		struct raw_owner top = p->owner;
		const struct raw_controller *c;
		struct draft *d;

		/* A pod that owns others runs a program, not alike pods. */
		if (top.kind == NULL || strcmp(top.kind, "Pod") == 0) {
			add_bare(a, (uint32_t)i);
			continue;
		}
		if (strcmp(top.kind, "Node") == 0) {
			add_static_pod(a, (uint32_t)i, top.name);
			continue;
		}
		c = climb(a, p->head.namespace, &p->pod.labels, &top);
		d = find_draft(a, p->head.namespace, &top, c);
		if (d != NULL)
			add_pod(a, (uint32_t)i, d);
	}
}

/* Controllers that run nothing now are workloads too. */
static void
add_idle_controllers(struct assembly *a)
{
	static const struct label_set none;
	const struct raw_table *t = &a->sb->raw[RAW_CONTROLLER];

	for (size_t i = 0; i < t->n && !a->failed; i++) {
		const struct raw_controller *c = (const void *)t->v[i], *end;
		struct raw_owner top = { c->api_version, c->head.kind,
			c->head.name };
		struct draft *d;

		if (!c->is_builtin || c->head.deleted)
			continue;
		end = climb(a, c->head.namespace, &none, &top);
		if (end != c)
			continue;
		d = find_draft(a, c->head.namespace, &top, c);
		if (d != NULL && !d->has_pods)
			d->w.labels = label_stable(
			    &c->template_labels, &a->sb->cluster->arena);
	}
}

static int
compare_bare(const void *va, const void *vb)
{
	const struct bare *a = va, *b = vb;
	int d = strcmp(a->namespace, b->namespace);

	if (d == 0)
		d = label_set_compare(&a->stable, &b->stable);
	if (d == 0)
		d = strcmp(a->name, b->name);
	return d != 0 ? d : a->pod < b->pod ? -1 : a->pod > b->pod;
}

/* Without labels every name stands alone. */
static bool
is_same_group(const struct bare *a, const struct bare *b)
{
	return strcmp(a->namespace, b->namespace) == 0 &&
	    label_set_equal(&a->stable, &b->stable) &&
	    (a->stable.n > 0 || strcmp(a->name, b->name) == 0);
}

/*
 * How much of the first name makes "web-*" for web-1 and web-2: what the
 * names have in common, up to its last dash or dot. v is sorted by name, so
 * the first and the last tell.
 */
static size_t
stem_length(const struct bare *v, size_t n)
{
	const char *first = v[0].name, *last = v[n - 1].name;
	size_t len = 0, cut;

	while (first[len] != '\0' && first[len] == last[len])
		len++;
	for (cut = len; cut > 0; cut--)
		if (first[cut - 1] == '-' || first[cut - 1] == '.')
			return cut;
	return len;
}

/* What the labels call pods whose names have nothing in common, and will be
 * others tomorrow; their first name where the labels do not say. */
static const char *
name_by_labels(const struct bare *b)
{
	static const char *const keys[] = { "app.kubernetes.io/name", "app",
		"k8s-app", "name", "app.kubernetes.io/component", "component" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = label_get(&b->stable, keys[i]);

		if (value != NULL && value[0] != '\0')
			return value;
	}
	return b->name;
}

/* The first len characters of name, and "*". */
static const char *
starred(struct assembly *a, const char *name, size_t len)
{
	char *s = arena_alloc(&a->sb->cluster->arena, len + 2);

	if (s == NULL) {
		a->failed = true;
		return NULL;
	}
	memcpy(s, name, len);
	s[len] = '*';
	return s;
}

static bool
is_taken(struct assembly *a, const char *namespace, const char *name)
{
	const char *key = assemble_key(a->sb, "Pod", namespace, name);

	a->failed |= key == NULL;
	return key != NULL && string_map_find(&a->index, key) != NULL;
}

static void
add_group(struct assembly *a, const struct bare *v, size_t n)
{
	const char *name = v[0].name;
	struct raw_owner top = { "v1", "Pod", name };
	struct draft *d;

	if (strcmp(name, v[n - 1].name) != 0) {
		size_t len = stem_length(v, n);

		if (len == 0)
			name = name_by_labels(v);
		top.name = starred(a, name, len == 0 ? strlen(name) : len);
		/* Another group has that stem: the first name is unique. */
		if (top.name != NULL && is_taken(a, v[0].namespace, top.name))
			top.name = starred(a, v[0].name, strlen(v[0].name));
	}
	if (a->failed)
		return;
	d = find_draft(a, v[0].namespace, &top, NULL);
	for (size_t i = 0; d != NULL && i < n; i++) {
		d->w.has_object = true;
		add_pod(a, v[i].pod, d);
	}
}

static void
add_bare_groups(struct assembly *a)
{
	size_t end;

	if (a->n_bare > 0)
		qsort(a->bare, a->n_bare, sizeof(*a->bare), compare_bare);
	for (size_t i = 0; i < a->n_bare && !a->failed; i = end) {
		for (end = i + 1; end < a->n_bare &&
		     is_same_group(&a->bare[i], &a->bare[end]);)
			end++;
		add_group(a, &a->bare[i], end - i);
	}
}

static int
compare_drafts(const void *va, const void *vb)
{
	const struct draft *const *a = va, *const *b = vb;
	int d = strcmp((*a)->w.namespace, (*b)->w.namespace);

	if (d == 0)
		d = strcmp((*a)->w.kind, (*b)->w.kind);
	return d != 0 ? d : strcmp((*a)->w.name, (*b)->w.name);
}

static bool
store_drafts(struct assembly *a)
{
	struct cluster *c = a->sb->cluster;
	struct draft **order =
	    arena_calloc(&a->sb->scratch, a->n, sizeof(*order));

	c->workloads = arena_calloc(&c->arena, a->n, sizeof(*c->workloads));
	if (order == NULL || c->workloads == NULL)
		return false;
	for (size_t i = 0; i < a->n; i++)
		order[i] = &a->v[i];
	if (a->n > 0)
		qsort(order, a->n, sizeof(*order), compare_drafts);
	for (size_t i = 0; i < a->n; i++) {
		order[i]->final = (uint32_t)i;
		c->workloads[i] = order[i]->w;
	}
	c->n_workloads = a->n;
	for (size_t i = 0; a->v != NULL && i < c->n_pods; i++)
		c->pods[i].workload = a->v[a->draft_of_pod[i]].final;
	return true;
}

enum rf_status
assemble_workloads(struct snapshot_builder *sb, struct rf_error *err)
{
	struct assembly a = { .sb = sb };
	size_t n = sb->raw[RAW_POD].n;

	a.draft_of_pod = arena_calloc(&sb->scratch, n, sizeof(*a.draft_of_pod));
	a.bare = arena_calloc(&sb->scratch, n, sizeof(*a.bare));
	if (a.draft_of_pod == NULL || a.bare == NULL)
		return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
	add_owned_pods(&a);
	add_bare_groups(&a);
	add_idle_controllers(&a);
	if (a.failed || !store_drafts(&a))
		return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
	return RF_OK;
}

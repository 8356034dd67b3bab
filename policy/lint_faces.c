/* SPDX-License-Identifier: Apache-2.0 */
/* The pods of a cluster as selectors tell them apart, and whom they mean. */
#include <stdlib.h>
#include <string.h>

#include "policy/lint_internal.h"

static int
compare_faces(const void *x, const void *y)
{
	const struct lint_face *a = x, *b = y;
	int d;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	if (a->host_network != b->host_network)
		return a->host_network ? 1 : -1;
	if ((d = label_set_compare(a->labels, b->labels)) != 0)
		return d;
	/* Pods before templates, then the newest pod: it is listed last. */
	if ((a->pod == FLOW_NONE) != (b->pod == FLOW_NONE))
		return a->pod == FLOW_NONE ? 1 : -1;
	return (b->pod > a->pod) - (b->pod < a->pod);
}

static bool
same_face(const struct lint_face *a, const struct lint_face *b)
{
	return a->ns == b->ns && a->host_network == b->host_network &&
	    label_set_equal(a->labels, b->labels);
}

static size_t
gather(const struct cluster *c, struct lint_face *faces)
{
	size_t n = 0;

	for (uint32_t i = 0; i < c->n_pods; i++)
		faces[n++] = (struct lint_face){ .ns = c->pods[i].ns,
			.labels = &c->pods[i].labels,
			.host_network = c->pods[i].host_network,
			.pod = i,
			.workload = c->pods[i].workload };
	for (uint32_t i = 0; i < c->n_workloads; i++) {
		const struct kube_workload *w = &c->workloads[i];
		uint32_t ns = cluster_find_namespace(c, w->namespace);

		if (w->n_pods == 0 && ns != FLOW_NONE)
			faces[n++] = (struct lint_face){ .ns = ns,
				.labels = &w->labels,
				.pod = FLOW_NONE,
				.workload = i };
	}
	return n;
}

/* A counting sort: Services of one namespace become neighbours. */
static bool
sort_services(struct lint *l)
{
	const struct cluster *c = l->c;
	size_t *start =
	    arena_calloc(l->arena, c->n_namespaces + 2, sizeof(*start));
	uint32_t *v = arena_calloc(l->arena, c->n_services + 1, sizeof(*v));

	if (start == NULL || v == NULL)
		return false;
	/* One place too far up, so that placing moves them into position. */
	for (size_t i = 0; i < c->n_services; i++) {
		uint32_t ns =
		    cluster_find_namespace(c, c->services[i].namespace);

		if (ns != FLOW_NONE)
			start[ns + 2]++;
	}
	for (size_t i = 1; i <= c->n_namespaces + 1; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < c->n_services; i++) {
		uint32_t ns =
		    cluster_find_namespace(c, c->services[i].namespace);

		if (ns != FLOW_NONE)
			v[start[ns + 1]++] = i;
	}
	l->services = v;
	l->service_start = start;
	return true;
}

bool
lint_faces_make(struct lint *l)
{
	const struct cluster *c = l->c;
	struct lint_face *faces;
	size_t *start, n, kept = 0, at = 0;

	if (c == NULL)
		return true;
	faces = arena_calloc(
	    l->arena, c->n_pods + c->n_workloads + 1, sizeof(*faces));
	start = arena_calloc(l->arena, c->n_namespaces + 1, sizeof(*start));
	if (faces == NULL || start == NULL)
		return false;
	n = gather(c, faces);
	qsort(faces, n, sizeof(*faces), compare_faces);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !same_face(&faces[kept - 1], &faces[i]))
			faces[kept++] = faces[i];
	for (size_t ns = 0; ns < c->n_namespaces; ns++) {
		start[ns] = at;
		while (at < kept && faces[at].ns == ns)
			at++;
	}
	start[c->n_namespaces] = kept;
	l->faces = faces;
	l->n_faces = kept;
	l->ns_start = start;
	return sort_services(l);
}

bool
lint_peer_has(const struct lint *l, const struct policy_peer *p,
    uint32_t policy_ns, const struct lint_face *f)
{
	if (p->ip_block != NULL)
		return false;
	if (p->namespace_selector == NULL) {
		if (f->ns != policy_ns)
			return false;
	} else if (!selector_matches(
		       p->namespace_selector, &l->c->namespaces[f->ns].labels))
		return false;
	return p->pod_selector == NULL ||
	    selector_matches(p->pod_selector, f->labels);
}

size_t
lint_count(const struct lint *l, uint32_t ns, const struct label_selector *s)
{
	size_t n = 0;

	for (size_t i = l->ns_start[ns]; i < l->ns_start[ns + 1]; i++)
		n += selector_matches(s, l->faces[i].labels);
	return n;
}

bool
lint_has_faces(const struct lint *l, uint32_t ns)
{
	return l->ns_start[ns] < l->ns_start[ns + 1];
}

uint32_t
lint_ns(const struct lint *l, const struct policy *p)
{
	return l->c == NULL ? FLOW_NONE
			    : cluster_find_namespace(l->c, p->namespace);
}

bool
lint_subject(
    const struct policy *p, uint32_t policy_ns, const struct lint_face *f)
{
	return f->ns == policy_ns && !f->host_network &&
	    selector_matches(&p->pod_selector, f->labels);
}

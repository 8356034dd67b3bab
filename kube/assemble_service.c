/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services and what stands behind them: EndpointSlices, else Endpoints, else
 * the pods that the selector picks, as the endpoint controller would.
 */
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "kube/address.h"
#include "kube/snapshot_internal.h"

struct assembly {
	struct snapshot_builder *sb;
	struct string_map index; /* "namespace/name" to a Service */
	bool *has_slices;        /* by Service */
	size_t cap;              /* of the cluster's backends */
	bool failed;             /* out of memory */
};

static void
add_backend(struct assembly *a, const struct kube_backend *b)
{
	struct cluster *c = a->sb->cluster;
	void *v = c->backends;

	if (!arena_grow(
		&c->arena, &v, c->n_backends, &a->cap, sizeof(*c->backends))) {
		a->failed = true;
		return;
	}
	c->backends = v;
	c->backends[c->n_backends++] = *b;
}

static uint32_t
target_pod(struct assembly *a, const struct raw_endpoint *e)
{
	const uint32_t *at;
	const char *key;

	if (e->pod_name == NULL)
		return FLOW_NONE;
	key = assemble_key(a->sb, NULL, e->pod_namespace, e->pod_name);
	if (key == NULL) {
		a->failed = true;
		return FLOW_NONE;
	}
	at = string_map_find(&a->sb->pod_index, key);
	return at == NULL ? FLOW_NONE : *at;
}

static void
add_slice(struct assembly *a, const struct raw_slice *s, uint32_t service)
{
	for (; s != NULL; s = s->next)
		for (size_t i = 0; i < s->n_endpoints; i++) {
			const struct raw_endpoint *e = &s->endpoints[i];
			uint32_t pod = target_pod(a, e);

			for (size_t k = 0; k < s->n_ports; k++) {
				struct kube_backend b = {
					.service = service,
					.ip = e->ip,
					.port = s->ports[k].port,
					.protocol = s->ports[k].protocol,
					.port_name = s->ports[k].name,
					.pod = pod,
					.ready = e->ready,
				};

				add_backend(a, &b);
			}
		}
}

/* All slices of one sort. Endpoints count only where no slice does. */
static void
add_slices(struct assembly *a, bool legacy)
{
	const struct raw_table *t = &a->sb->raw[RAW_SLICE];

	for (size_t i = 0; i < t->n && !a->failed; i++) {
		const struct raw_slice *s = (const void *)t->v[i];
		const uint32_t *at;
		const char *key;

		if (s->head.deleted || s->service == NULL ||
		    s->is_legacy != legacy)
			continue;
		key = assemble_key(a->sb, NULL, s->head.namespace, s->service);
		if (key == NULL) {
			a->failed = true;
			return;
		}
		at = string_map_find(&a->index, key);
		if (at == NULL || (legacy && a->has_slices[*at]))
			continue;
		a->has_slices[*at] = true;
		add_slice(a, s, *at);
	}
}

static void
add_pod_behind(struct assembly *a, uint32_t service, uint32_t pod)
{
	const struct kube_service *s = &a->sb->cluster->services[service];
	const struct kube_pod *p = &a->sb->cluster->pods[pod];

	for (size_t i = 0; i < s->n_ports; i++) {
		struct kube_backend b = {
			.service = service,
			.port = kube_service_target(&s->ports[i], p),
			.protocol = s->ports[i].protocol,
			.port_name = s->ports[i].name,
			.pod = pod,
			.ready = p->phase == POD_RUNNING,
		};

		for (size_t k = 0; b.port != 0 && k < p->n_ips; k++) {
			b.ip = p->ips[k];
			if (kube_service_has_family(s, &b.ip))
				add_backend(a, &b);
		}
	}
}

/* Pods are sorted by namespace: the first of this one, or the end. */
static size_t
first_pod_of(const struct cluster *c, const char *namespace)
{
	size_t lo = 0, hi = c->n_pods;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(c->pods[mid].namespace, namespace) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
derive_backends(struct assembly *a, uint32_t service)
{
	const struct cluster *c = a->sb->cluster;
	const struct kube_service *s = &c->services[service];

	for (size_t i = first_pod_of(c, s->namespace);
	     i < c->n_pods && strcmp(c->pods[i].namespace, s->namespace) == 0;
	     i++) {
		const struct kube_pod *p = &c->pods[i];

		if (!p->deleted && p->phase != POD_SUCCEEDED &&
		    p->phase != POD_FAILED &&
		    selector_matches(&s->selector, &p->labels))
			add_pod_behind(a, service, (uint32_t)i);
	}
}

static bool
copy_services(struct assembly *a)
{
	struct cluster *c = a->sb->cluster;
	struct raw_table *t = &a->sb->raw[RAW_SERVICE];

	c->services = arena_calloc(&c->arena, t->n, sizeof(*c->services));
	if (c->services == NULL)
		return false;
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(struct raw_head *), assemble_compare);
	for (size_t i = 0; i < t->n; i++) {
		const struct raw_service *r = (const void *)t->v[i];
		const char *key =
		    assemble_key(a->sb, NULL, r->head.namespace, r->head.name);
		struct kube_service *s;

		s = &c->services[c->n_services++];
		*s = r->service;
		s->gone = r->head.deleted;
		if (s->to_us < s->from_us) /* clocks differ */
			s->to_us = s->from_us;
		if (key == NULL ||
		    !string_map_add(
			&a->index, &a->sb->scratch, key, (uint32_t)i))
			return false;
	}
	return true;
}

enum rf_status
assemble_services(struct snapshot_builder *sb, struct rf_error *err)
{
	struct cluster *c = sb->cluster;
	struct assembly a = { .sb = sb };

	a.has_slices = arena_calloc(
	    &sb->scratch, sb->raw[RAW_SERVICE].n, sizeof(*a.has_slices));
	a.failed = a.has_slices == NULL || !copy_services(&a);
	if (!a.failed) {
		add_slices(&a, false);
		add_slices(&a, true);
	}
	for (size_t i = 0; !a.failed && i < c->n_services; i++)
		if (!a.has_slices[i] && c->services[i].has_selector)
			derive_backends(&a, (uint32_t)i);
	if (a.failed)
		return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
	return RF_OK;
}

void
assemble_backend_pods(struct cluster *c)
{
	for (size_t i = 0; i < c->n_backends; i++)
		if (c->backends[i].pod == FLOW_NONE)
			c->backends[i].pod = address_owner_at(
			    c, &c->backends[i].ip, TIME_MAX_US - 1)
						 .pod;
}

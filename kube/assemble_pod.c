/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of the cluster, with the times at which they held their addresses. */
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "kube/snapshot_internal.h"

/* The API cuts times to seconds: what ended at :30 may have ended as late as
 * just before :31. */
#define SECOND_US INT64_C(1000000)

/*
 * Since when an address can have spoken for the pod. startTime comes before
 * that, by as long as volumes or the network take, and whoever had the address
 * before may have it still: it counts only where nothing better is told.
 */
static int64_t
start_of(const struct raw_pod *p, bool *is_vague)
{
	*is_vague = false;
	if (p->began_us != TIME_NONE &&
	    (p->ready_us == TIME_NONE || p->began_us < p->ready_us))
		return p->began_us;
	if (p->ready_us != TIME_NONE)
		return p->ready_us;
	if (p->is_waiting)
		return TIME_MAX_US;
	*is_vague = true;
	if (p->started_us != TIME_NONE)
		return p->started_us;
	return p->created_us != TIME_NONE ? p->created_us : TIME_MIN_US;
}

static int64_t
after(int64_t us)
{
	return us > TIME_MAX_US - SECOND_US ? TIME_MAX_US : us + SECOND_US;
}

/*
 * A finished pod ends with its last container; if that is not told, with its
 * deletion, else it never owned its address for all we know. A running one
 * holds it until it is gone, at the latest when its grace is over; when it is
 * to go, none of its containers starts again.
 */
static int64_t
end_of(const struct raw_pod *p, int64_t from_us)
{
	bool has_deletion = p->deletion_us != TIME_NONE;

	if (p->pod.phase == POD_SUCCEEDED || p->pod.phase == POD_FAILED) {
		if (p->finished_us != TIME_NONE)
			return after(p->finished_us);
		return has_deletion ? after(p->deletion_us) : from_us;
	}
	if (p->containers_done && (has_deletion || p->head.deleted))
		return after(p->finished_us);
	if (!p->head.deleted)
		return TIME_MAX_US;
	return has_deletion ? after(p->deletion_us) : TIME_MAX_US;
}

/* A hostNetwork pod's own addresses are its node's too. */
static bool
join_host_ips(struct snapshot_builder *sb, struct kube_pod *p)
{
	size_t n = p->n_host_ips;
	struct ip_addr *v =
	    arena_calloc(&sb->cluster->arena, n + p->n_ips, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		v[i] = p->host_ips[i];
	for (size_t i = 0; i < p->n_ips; i++) {
		size_t k = 0;

		while (k < n && !ip_equal(&v[k], &p->ips[i]))
			k++;
		if (k == n)
			v[n++] = p->ips[i];
	}
	p->host_ips = v;
	p->n_host_ips = n;
	return true;
}

static int
compare_pods(const void *va, const void *vb)
{
	const struct raw_pod *const *a = va, *const *b = vb;
	bool vague;
	int64_t from_a = start_of(*a, &vague), from_b = start_of(*b, &vague);
	int d = assemble_compare(va, vb);

	if (d != 0)
		return d;
	if (from_a != from_b)
		return from_a < from_b ? -1 : 1;
	return strcmp((*a)->pod.uid, (*b)->pod.uid);
}

static bool
finish_pod(
    struct snapshot_builder *sb, const struct raw_pod *r, struct kube_pod *p)
{
	*p = r->pod;
	p->ns = *string_map_find(&sb->namespace_index, p->namespace);
	p->node = r->node_name == NULL
	    ? FLOW_NONE
	    : *string_map_find(&sb->node_index, r->node_name);
	p->deleted = r->head.deleted;
	p->from_us = start_of(r, &p->is_vague);
	if (r->since_us != 0 && p->from_us < r->since_us) {
		p->from_us = r->since_us;
		p->is_vague = false;
	}
	p->held_us = p->from_us;
	if (p->is_vague && r->restarted_us > p->held_us)
		p->held_us = r->restarted_us;
	p->to_us = end_of(r, p->from_us);
	if (r->gone_us != 0 && p->to_us > r->gone_us)
		p->to_us = r->gone_us;
	if (p->to_us < p->from_us)
		p->to_us = p->from_us;
	return !p->host_network || join_host_ips(sb, p);
}

/* Later ones are newer, and one that is there beats one that is gone. */
static bool
index_pod(struct snapshot_builder *sb, uint32_t i)
{
	const struct kube_pod *p = &sb->cluster->pods[i];
	const char *key = assemble_key(sb, NULL, p->namespace, p->name);
	uint32_t *at;

	if (key == NULL)
		return false;
	at = string_map_find(&sb->pod_index, key);
	if (at == NULL)
		return string_map_add(&sb->pod_index, &sb->scratch, key, i);
	if (!p->deleted || sb->cluster->pods[*at].deleted)
		*at = i;
	return true;
}

enum rf_status
assemble_pods(struct snapshot_builder *sb, struct rf_error *err)
{
	struct cluster *c = sb->cluster;
	struct raw_table *t = &sb->raw[RAW_POD];

	c->pods = arena_calloc(&c->arena, t->n, sizeof(*c->pods));
	if (c->pods == NULL)
		return rf_fail(err, RF_NOMEM, "snapshot: out of memory");
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(struct raw_head *), compare_pods);
	for (size_t i = 0; i < t->n; i++) {
		const struct raw_pod *r = (const void *)t->v[i];

		c->n_pods++;
		if (!finish_pod(sb, r, &c->pods[i]) ||
		    !index_pod(sb, (uint32_t)i))
			return rf_fail(
			    err, RF_NOMEM, "snapshot: out of memory");
	}
	return RF_OK;
}

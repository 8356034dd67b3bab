/* SPDX-License-Identifier: Apache-2.0 */
#include "report/usage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum rf_status
fail_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "usage: out of memory");
}

enum rf_status
usage_index_make(struct usage_index *out, const struct policy_set *set,
    struct arena *arena, struct rf_error *err)
{
	size_t n = set->n_policies, total = 0, *base[2];
	struct usage_rule *rules;

	for (size_t p = 0; p < n; p++)
		total += set->policies[p].n_rules[POLICY_INGRESS] +
		    set->policies[p].n_rules[POLICY_EGRESS];
	rules = arena_calloc(arena, total + 1, sizeof(*rules));
	base[0] = arena_calloc(arena, n + 1, sizeof(**base));
	base[1] = arena_calloc(arena, n + 1, sizeof(**base));
	if (rules == NULL || base[0] == NULL || base[1] == NULL)
		return fail_memory(err);
	total = 0;
	for (uint32_t p = 0; p < n; p++) {
		for (int d = 0; d < 2; d++) {
			base[d][p] = total;
			for (uint32_t r = 0; r < set->policies[p].n_rules[d];
			     r++)
				rules[total++] = (struct usage_rule){ p,
					(enum policy_direction)d, r };
		}
	}
	*out = (struct usage_index){
		.rules = rules, .n_rules = total, .base = { base[0], base[1] }
	};
	return RF_OK;
}

static enum rf_status
find_unused(struct usage *out, const struct usage_input *in,
    struct arena *arena, struct rf_error *err)
{
	const struct usage_index *index = in->index;
	size_t n = in->set->n_policies;
	uint32_t *policies = arena_calloc(arena, n + 1, sizeof(*policies));
	bool *is_used = arena_calloc(arena, n + 1, sizeof(*is_used));
	struct usage_rule *rules =
	    arena_calloc(arena, index->n_rules + 1, sizeof(*rules));

	if (policies == NULL || is_used == NULL || rules == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < index->n_rules; i++) {
		if (in->used[i])
			is_used[index->rules[i].policy] = true;
		else
			rules[out->n_rules++] = index->rules[i];
	}
	for (uint32_t p = 0; p < n; p++)
		if (!is_used[p] &&
		    in->set->policies[p].n_rules[POLICY_INGRESS] +
			    in->set->policies[p].n_rules[POLICY_EGRESS] >
			0)
			policies[out->n_policies++] = p;
	out->policies = policies;
	out->rules = rules;
	return RF_OK;
}

/* The policies that isolate some pod, finished and deleted ones too: whoever
 * selects those of a Job that ended made no mistake. */
static void
mark_selecting(const struct usage_input *in, bool *selects)
{
	for (uint32_t i = 0; i < in->cluster->n_pods; i++) {
		for (int d = 0; d < 2; d++) {
			const uint32_t *v;
			size_t n;

			v = evaluator_isolating(
			    in->evaluator, i, (enum policy_direction)d, &n);
			for (size_t k = 0; k < n; k++)
				selects[v[k]] = true;
		}
	}
}

static bool
selects(const struct policy *p, const char *namespace,
    const struct label_set *labels)
{
	return strcmp(p->namespace, namespace) == 0 &&
	    selector_matches(&p->pod_selector, labels);
}

/* What comes closest to a pod that it could isolate? hosts are the
 * hostNetwork pods of the cluster, empty the workloads without pods. */
static struct usage_idle
explain_idle(const struct usage_input *in, uint32_t policy,
    const uint32_t *hosts, const uint32_t *empty)
{
	const struct policy *p = &in->set->policies[policy];
	struct usage_idle idle = { policy, IDLE_NO_POD, FLOW_NONE };

	for (; *hosts != FLOW_NONE; hosts++) {
		const struct kube_pod *pod = &in->cluster->pods[*hosts];

		if (selects(p, pod->namespace, &pod->labels)) {
			idle.reason = IDLE_HOST_NETWORK;
			return idle;
		}
	}
	for (; *empty != FLOW_NONE; empty++) {
		const struct kube_workload *w = &in->cluster->workloads[*empty];

		if (selects(p, w->namespace, &w->labels)) {
			idle.reason = IDLE_NO_POD_YET;
			idle.workload = *empty;
			return idle;
		}
	}
	if (selector_is_empty(&p->pod_selector))
		idle.reason = IDLE_EMPTY;
	return idle;
}

/* Both lists end with FLOW_NONE. */
static bool
list_invisible(const struct cluster *c, struct arena *arena, uint32_t **hosts,
    uint32_t **empty)
{
	size_t n_hosts = 0, n_empty = 0;
	uint32_t *h = arena_calloc(arena, c->n_pods + 1, sizeof(*h));
	uint32_t *e = arena_calloc(arena, c->n_workloads + 1, sizeof(*e));

	if (h == NULL || e == NULL)
		return false;
	for (uint32_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].host_network)
			h[n_hosts++] = i;
	for (uint32_t i = 0; i < c->n_workloads; i++)
		if (c->workloads[i].n_pods == 0)
			e[n_empty++] = i;
	h[n_hosts] = e[n_empty] = FLOW_NONE;
	*hosts = h;
	*empty = e;
	return true;
}

static enum rf_status
find_idle(struct usage *out, const struct usage_input *in, struct arena *arena,
    struct rf_error *err)
{
	size_t n = in->set->n_policies;
	bool *selecting = arena_calloc(arena, n + 1, sizeof(*selecting));
	struct usage_idle *idle = arena_calloc(arena, n + 1, sizeof(*idle));
	uint32_t *hosts, *empty;

	if (selecting == NULL || idle == NULL ||
	    !list_invisible(in->cluster, arena, &hosts, &empty))
		return fail_memory(err);
	mark_selecting(in, selecting);
	for (uint32_t p = 0; p < n; p++)
		if (!selecting[p])
			idle[out->n_idle++] = explain_idle(in, p, hosts, empty);
	out->idle = idle;
	return RF_OK;
}

static int
compare_from(const void *x, const void *y)
{
	const struct usage_span *a = x, *b = y;

	return (a->from_us > b->from_us) - (a->from_us < b->from_us);
}

static int64_t
clamp(int64_t us, int64_t since_us, int64_t until_us)
{
	if (since_us != 0 && us < since_us)
		return since_us;
	return until_us != 0 && us > until_us ? until_us : us;
}

enum rf_status
usage_span_make(struct usage_span *out, const struct flow_set *fs,
    int64_t since_us, int64_t until_us, struct rf_error *err)
{
	size_t n = 0;
	struct usage_span *v = calloc(fs->n_coverage + 1, sizeof(*v));
	int64_t covered_to;

	*out = (struct usage_span){ 0 };
	if (v == NULL)
		return fail_memory(err);
	for (size_t i = 0; i < fs->n_coverage; i++) {
		const struct coverage *c = &fs->coverage[i];

		if (coverage_has_time(c))
			v[n++] = (struct usage_span){
				.from_us =
				    clamp(c->from_us, since_us, until_us),
				.to_us = clamp(c->to_us, since_us, until_us),
			};
	}
	/* Captures overlap (one a node) and may have gaps between them. */
	qsort(v, n, sizeof(*v), compare_from);
	out->from_us = covered_to = v[0].from_us;
	for (size_t i = 0; i < n; i++) {
		if (v[i].from_us > covered_to)
			covered_to = v[i].from_us;
		if (v[i].to_us <= covered_to)
			continue;
		out->observed_us += v[i].to_us - covered_to;
		covered_to = v[i].to_us;
	}
	out->to_us = covered_to;
	free(v);
	return RF_OK;
}

enum rf_status
usage_make(struct usage *out, const struct usage_input *in, struct arena *arena,
    struct rf_error *err)
{
	enum rf_status st;

	*out = (struct usage){ 0 };
	if ((st = find_unused(out, in, arena, err)) != RF_OK)
		return st;
	if ((st = find_idle(out, in, arena, err)) != RF_OK)
		return st;
	return usage_span_make(&out->span, in->flows, 0, 0, err);
}

struct name_list {
	const struct policy_set *set;
	const char *const *v;
	size_t n;
};

static bool
is_kept(const struct name_list *names, uint32_t policy)
{
	const char *namespace = names->set->policies[policy].namespace;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], namespace) == 0)
			return true;
	return false;
}

void
usage_keep_namespaces(struct usage *u, const struct policy_set *set,
    const char *const *namespaces, size_t n)
{
	struct name_list names = { set, namespaces, n };
	size_t kept = 0;

	for (size_t i = 0; i < u->n_policies; i++)
		if (is_kept(&names, u->policies[i]))
			u->policies[kept++] = u->policies[i];
	u->n_policies = kept;
	kept = 0;
	for (size_t i = 0; i < u->n_rules; i++)
		if (is_kept(&names, u->rules[i].policy))
			u->rules[kept++] = u->rules[i];
	u->n_rules = kept;
	kept = 0;
	for (size_t i = 0; i < u->n_idle; i++)
		if (is_kept(&names, u->idle[i].policy))
			u->idle[kept++] = u->idle[i];
	u->n_idle = kept;
}

void
usage_duration(struct strbuf *out, int64_t us)
{
	int64_t s = us / 1000000, m = s / 60, h = m / 60;

	if (m == 0)
		strbuf_printf(out, "%" PRId64 "s", s);
	else if (h == 0)
		strbuf_printf(out, "%" PRId64 "m%02" PRId64 "s", m, s % 60);
	else if (h < 48)
		strbuf_printf(out, "%" PRId64 "h%02" PRId64 "m", h, m % 60);
	else
		strbuf_printf(out, "%" PRId64 "d%" PRId64 "h", h / 24, h % 24);
}

void
usage_idle_text(
    struct strbuf *out, const struct usage_idle *idle, const struct cluster *c)
{
	const struct kube_workload *w;

	switch (idle->reason) {
	case IDLE_EMPTY:
		strbuf_puts(out, "no pod is known in its namespace");
		break;
	case IDLE_NO_POD:
		strbuf_puts(out, "no pod that is known has such labels");
		break;
	case IDLE_NO_POD_YET:
		w = &c->workloads[idle->workload];
		strbuf_printf(
		    out, "%s %s has such labels, but no pod", w->kind, w->name);
		break;
	case IDLE_HOST_NETWORK:
		strbuf_puts(out,
		    "only hostNetwork pods, which policies do not isolate");
		break;
	}
}

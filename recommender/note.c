/* SPDX-License-Identifier: Apache-2.0 */
/* What is said beside the policies: left out, to decide, to know. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define REASONS_MAX     8 /* different ones on one edge */
#define QUIET_NAMED_MAX 5 /* workloads in one remark */

const char *
run_printf(const struct run *r, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (text = arena_alloc(r->arena, (size_t)n + 1)) == NULL)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

enum rf_status
note_add(struct run *r, struct recommend_note note, const char *fmt, ...)
{
	void *v = r->notes;
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	note.text = arena_strdup(r->arena, buf);
	if (note.text == NULL ||
	    !arena_grow(r->arena, &v, r->n_notes, &r->cap_notes, sizeof(note)))
		return run_nomem(r);
	r->notes = v;
	r->notes[r->n_notes++] = note;
	return RF_OK;
}

enum rf_status
note_remark(
    struct run *r, const struct raw *raw, const char *reason, const char *text)
{
	const struct group *g = &r->groups[raw->group];
	const char *dir =
	    policy_direction_name((enum policy_direction)raw->direction);

	if (text == NULL)
		return run_nomem(r);
	return note_add(r,
	    (struct recommend_note){ .kind = NOTE_REMARK,
		.reason = reason,
		.namespace = r->c->namespaces[g->ns].name,
		.policy = g->policy_name },
	    "%s on %s %u: %s", dir, flow_protocol_name(raw->protocol),
	    (unsigned)raw->port, text);
}

/* "Deployment default/web", "node n1", "203.0.113.7"; in arena, or NULL. */
static const char *
note_endpoint(const struct run *r, const struct endpoint *e)
{
	char ip[IP_STRLEN];

	if (e->type == ENDPOINT_WORKLOAD && e->workload != FLOW_NONE) {
		const struct kube_workload *w = &r->c->workloads[e->workload];

		return run_printf(
		    r, "%s %s/%s", w->kind, w->namespace, w->name);
	}
	if (e->type == ENDPOINT_NODE && e->node != FLOW_NONE)
		return run_printf(r, "node %s", r->c->nodes[e->node].name);
	if (ip_is_none(&e->ip))
		return "a backend";
	ip_format(&e->ip, ip);
	if (e->type == ENDPOINT_NODE)
		return run_printf(r, "node %s", ip);
	if (e->type == ENDPOINT_UNKNOWN)
		return run_printf(r, "unknown address %s", ip);
	return run_printf(r, "%s", ip);
}

const char *
note_edge(const struct run *r, const struct edge *e)
{
	const char *src = note_endpoint(r, e->src);
	const char *dst = note_endpoint(r, e->dst);
	const char *protocol = flow_protocol_name(e->protocol);
	const struct kube_service *s;

	if (src == NULL || dst == NULL)
		return NULL;
	if (protocol == NULL)
		protocol = "protocol";
	if (e->service == FLOW_NONE)
		return run_printf(
		    r, "%s to %s %s %u", src, dst, protocol, (unsigned)e->port);
	s = &r->c->services[e->service];
	return run_printf(r, "%s to %s %s %u (Service %s/%s)", src, dst,
	    protocol, (unsigned)e->port, s->namespace, s->name);
}

/* The sentence for a reason. */
static const char *
explain(const char *reason)
{
	static const struct {
		const char *reason, *text;
	} table[] = {
		{ "refused",
		    "was refused; a connection that fails gives no rule" },
		{ "unanswered",
		    "was never answered; a connection that fails gives no "
		    "rule" },
		{ "dropped",
		    "was dropped on its way; a connection that fails gives no "
		    "rule" },
		{ "guessed",
		    "is of a guessed direction, which never becomes a rule" },
		{ "not-expressible",
		    "is of a kind that NetworkPolicy cannot express" },
		{ "self", "is a pod reaching itself, which is always allowed" },
		{ "hairpin",
		    "is a pod reaching itself through its Service: no rule "
		    "allows it, and network plugins differ" },
		{ "unknown-address",
		    "has an end whose owner at that time is not known" },
		{ "own-node",
		    "stays on the pod's own node (kubelet probes and the "
		    "like), which is always allowed" },
		{ "metadata",
		    "reaches the instance metadata service, which hands out "
		    "the node's credentials: allow it only if the workload "
		    "needs it" },
		{ "link-local",
		    "uses a link-local address: decide whether it is needed "
		    "(--allow-link-local)" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].reason, reason) == 0)
			return table[i].text;
	return "gives no rule";
}

static enum rf_status
add_edge_note(struct run *r, const struct edge *e, const struct plan *plan)
{
	uint32_t src = plan_group(r, e->src), dst = plan_group(r, e->dst);
	const char *name = note_edge(r, e);
	struct recommend_note note = { .reason = plan->reason,
		.kind = plan->decision ? NOTE_DECISION : NOTE_EXCLUDED,
		.edge = e };
	const struct group *g = NULL;

	if (name == NULL)
		return run_nomem(r);
	if (plan_group_in_scope(r, src))
		g = &r->groups[src];
	else if (plan_group_in_scope(r, dst))
		g = &r->groups[dst];
	if (g != NULL) {
		note.namespace = r->c->namespaces[g->ns].name;
		note.policy = g->policy_name;
	}
	return note_add(r, note, "%s %s", name, explain(plan->reason));
}

/* Always allowed, so not worth a word on an edge that has rules. */
static bool
is_harmless(const struct plan *p)
{
	return strcmp(p->reason, "own-node") == 0 ||
	    strcmp(p->reason, "self") == 0;
}

static enum rf_status
note_edge_reasons(struct run *r, const struct edge *e)
{
	struct plan seen[REASONS_MAX];
	unsigned want = 0;
	size_t n = 0;
	enum rf_status st;

	for (size_t i = 0; i < e->n_flows; i++) {
		struct plan p = plan_flow(r, e->flows[i]);
		bool is_new = p.reason != NULL && n < REASONS_MAX;

		want |= p.want;
		for (size_t k = 0; k < n && is_new; k++)
			is_new = strcmp(seen[k].reason, p.reason) != 0;
		if (is_new)
			seen[n++] = p;
	}
	for (size_t i = 0; i < n; i++) {
		if (want != 0 && is_harmless(&seen[i]))
			continue;
		if ((st = add_edge_note(r, e, &seen[i])) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Policies that cover several workloads. */
static enum rf_status
note_shared(struct run *r, const struct group *g, struct recommend_note note)
{
	const char *title = group_title(r, g, MEMBER_MAX);

	if (title == NULL)
		return run_nomem(r);
	note.reason = "shared-labels";
	return note_add(r, note,
	    "covers %s together: no stable label tells them apart", title);
}

/* Policies that select by what pods lack; those of a spec.selector are its
 * author's own. */
static enum rf_status
note_lacking(struct run *r, const struct group *g, struct recommend_note note)
{
	const char *keys = NULL;

	for (size_t i = 0; i < g->subject.n_match_expressions; i++) {
		const struct selector_requirement *q =
		    &g->subject.match_expressions[i];

		if (q->op == SELECTOR_DOES_NOT_EXIST)
			keys = keys == NULL
			    ? q->key
			    : run_printf(r, "%s, %s", keys, q->key);
	}
	if (keys == NULL || g->is_own)
		return RF_OK;
	note.reason = "missing-labels";
	return note_add(r, note,
	    "no labels of its own tell these pods apart, so they are selected "
	    "by what they lack: %s; a label on their template that no other "
	    "workload has makes it sure",
	    keys);
}

/* The labels of a selector and the keys of which it wants any value; empty
 * where one of them says what the pods are. NULL: out of memory. */
static const char *
generic_text(struct run *r, const struct label_selector *s)
{
	const struct label_set *labels = &s->match_labels;
	const char *text = "";

	for (size_t i = 0; i < labels->n && text != NULL; i++) {
		if (label_says_what(&labels->v[i]))
			return "";
		text =
		    run_printf(r, "%s%s%s=%s", text, *text == '\0' ? "" : ",",
			labels->v[i].key, labels->v[i].value);
	}
	for (size_t i = 0; i < s->n_match_expressions && text != NULL; i++)
		if (s->match_expressions[i].op == SELECTOR_EXISTS)
			text = run_printf(r, "%s%s%s", text,
			    *text == '\0' ? "" : ",",
			    s->match_expressions[i].key);
	return text;
}

/* Labels that do not say what the pods are: others may get them, too. Those of
 * a spec.selector are its author's own. */
static enum rf_status
note_generic(struct run *r, const struct group *g, struct recommend_note note)
{
	const char *text = generic_text(r, &g->peer);

	if (text == NULL)
		return run_nomem(r);
	if (*text == '\0' || g->is_own)
		return RF_OK;
	note.reason = "generic-labels";
	return note_add(r, note,
	    "selected by %s, which does not say what they are: whatever gets "
	    "these labels later is meant as well",
	    text);
}

/* What a reviewer should know of whom a policy selects. */
static enum rf_status
note_groups(struct run *r)
{
	enum rf_status st = RF_OK;

	for (uint32_t i = 0; i < r->n_groups && st == RF_OK; i++) {
		struct group *g = &r->groups[i];
		struct recommend_note note = { .kind = NOTE_REMARK,
			.namespace = r->c->namespaces[g->ns].name,
			.policy = g->policy_name };

		if (!plan_group_in_scope(r, i))
			continue;
		if (g->n_members > 1)
			st = note_shared(r, g, note);
		if (st == RF_OK)
			st = note_lacking(r, g, note);
		if (st == RF_OK)
			st = note_generic(r, g, note);
	}
	return st;
}

/* Groups of which traffic was seen; NULL: out of memory. */
static bool *
groups_seen(struct run *r)
{
	bool *seen = arena_calloc(r->arena, r->n_groups, sizeof(*seen));

	for (size_t i = 0; seen != NULL && i < r->n_edges; i++) {
		const struct edge *e = &r->edges[i];
		uint32_t src = plan_group(r, e->src);
		uint32_t dst = plan_group(r, e->dst);

		if (!outcome_is_traffic(e->outcome))
			continue;
		if (src != FLOW_NONE)
			seen[src] = true;
		if (dst != FLOW_NONE)
			seen[dst] = true;
	}
	return seen;
}

/* A policy for what was never seen to talk shuts it off: one remark for each
 * namespace that has such workloads. */
static enum rf_status
note_quiet(struct run *r, uint32_t ns, const bool *seen)
{
	const char *names = "";
	size_t n = 0;

	for (uint32_t i = 0; i < r->n_groups; i++) {
		const struct group *g = &r->groups[i];
		const char *title;

		if (g->ns != ns || seen[i] || n++ >= QUIET_NAMED_MAX)
			continue;
		if ((title = group_title(r, g, TITLE_MAX)) == NULL ||
		    (names = run_printf(r, "%s%s%s", names, n == 1 ? "" : ", ",
			 title)) == NULL)
			return run_nomem(r);
	}
	if (n == 0)
		return RF_OK;
	if (n > QUIET_NAMED_MAX)
		names = run_printf(
		    r, "%s and %zu more", names, n - QUIET_NAMED_MAX);
	if (names == NULL)
		return run_nomem(r);
	return note_add(r,
	    (struct recommend_note){ .kind = NOTE_REMARK,
		.reason = "quiet",
		.namespace = r->c->namespaces[ns].name },
	    "no traffic was seen of %s in %s: %s everything but DNS", names,
	    r->c->namespaces[ns].name,
	    n == 1 ? "its policy denies" : "their policies deny");
}

/* What no policy can select. */
static enum rf_status
note_host_network(struct run *r)
{
	bool *done = arena_calloc(r->arena, r->c->n_workloads, sizeof(*done));
	enum rf_status st;

	if (done == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->c->n_pods; i++) {
		const struct kube_pod *p = &r->c->pods[i];
		const struct kube_workload *w = &r->c->workloads[p->workload];

		if (!p->host_network || p->deleted || done[p->workload] ||
		    !r->in_scope[p->ns])
			continue;
		done[p->workload] = true;
		st = note_add(r,
		    (struct recommend_note){ .kind = NOTE_REMARK,
			.reason = "host-network",
			.namespace = p->namespace },
		    "%s %s uses the node's network: no NetworkPolicy selects "
		    "it",
		    w->kind, w->name);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
note_quiet_all(struct run *r)
{
	const bool *seen = groups_seen(r);
	enum rf_status st = seen == NULL ? run_nomem(r) : RF_OK;

	for (uint32_t i = 0; st == RF_OK && i < r->c->n_namespaces; i++)
		if (r->in_scope[i])
			st = note_quiet(r, i, seen);
	return st;
}

static int
compare_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
compare_notes(const void *x, const void *y)
{
	const struct recommend_note *a = x, *b = y;
	int d;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if ((d = compare_text(a->namespace, b->namespace)) != 0 ||
	    (d = compare_text(a->policy, b->policy)) != 0 ||
	    (d = compare_text(a->reason, b->reason)) != 0 ||
	    (d = compare_text(a->text, b->text)) != 0)
		return d;
	return (a->edge > b->edge) - (a->edge < b->edge); /* in their order */
}

enum rf_status
notes_build(struct run *r)
{
	enum rf_status st;

	for (size_t i = 0; i < r->n_edges; i++)
		if ((st = note_edge_reasons(r, &r->edges[i])) != RF_OK)
			return st;
	if (!r->dns.known &&
	    (st = note_add(r,
		 (struct recommend_note){
		     .kind = NOTE_REMARK, .reason = "dns-unknown" },
		 "no object says where the cluster's DNS is: the customary "
		 "label k8s-app=kube-dns in kube-system is used; check it")) !=
		RF_OK)
		return st;
	if ((st = dns_note_local(r)) != RF_OK ||
	    (st = note_groups(r)) != RF_OK ||
	    (st = note_host_network(r)) != RF_OK ||
	    (st = note_quiet_all(r)) != RF_OK ||
	    (st = watched_note(r)) != RF_OK)
		return st;
	if (r->n_notes > 0)
		qsort(r->notes, r->n_notes, sizeof(*r->notes), compare_notes);
	return RF_OK;
}

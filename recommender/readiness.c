/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness: is what was seen of a workload likely to be all there is?
 *
 * Numbers come with the reasons in words; nothing is summed up into a score.
 * The chance that the next connection is one that no rule allows is the
 * Good-Turing estimate N1 / N: of N connections, N1 were the only one of
 * their kind (I. J. Good, Biometrika 40, 1953).
 */
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "recommender/internal.h"

#define MINUTE_US  ((int64_t)60 * 1000000)
#define HOUR_US    (60 * MINUTE_US)
#define DAY_US     (24 * HOUR_US)
#define WEEK_HOURS RECOMMEND_WEEK_HOURS

#define WATCHED_MIN_US    (7 * DAY_US)
#define HOURS_OF_WEEK_MIN 152 /* nine tenths of a week's */
#define QUIET_MIN_US      DAY_US
#define CONNECTIONS_MIN   30
#define SHARE_MAX         0.01  /* unknown or guessed */
#define LOSS_MAX          0.001 /* of packets */
#define CHANCE_MAX        0.001 /* of a new edge */
#define REASONS_MAX       10

/* One kind of connection: what the same rule would allow again. */
struct kind {
	uint32_t group, other; /* FLOW_NONE: an address */
	struct ip_addr ip;
	uint8_t direction, protocol;
	uint16_t port;
	uint64_t connections;
	int64_t first_us;
};

/* What else was seen of a group. */
struct shares {
	uint64_t total, unknown, guessed;
};

struct judging {
	struct run *r;
	struct kind *kinds; /* on the heap */
	size_t n_kinds, cap_kinds;
	struct shares *shares; /* by group */
};

static int
compare_kinds(const void *x, const void *y)
{
	const struct kind *a = x, *b = y;
	int d;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->direction != b->direction)
		return a->direction < b->direction ? -1 : 1;
	if (a->other != b->other)
		return a->other < b->other ? -1 : 1;
	if ((d = ip_compare(&a->ip, &b->ip)) != 0)
		return d;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

/* Count an edge for one of its ends. Clients from outside are one kind a
 * port: who they are does not say whether another port will be needed. */
static enum rf_status
count_end(struct judging *j, const struct edge *e, uint32_t group,
    enum policy_direction d)
{
	struct run *r = j->r;
	const struct endpoint *other = d == POLICY_EGRESS ? e->dst : e->src;
	struct kind k = { .group = group,
		.other = plan_group(r, other),
		.direction = (uint8_t)d,
		.protocol = e->protocol,
		.port = e->port,
		.connections = e->connections,
		.first_us = e->first_us };
	void *v = j->kinds;

	if (!plan_group_in_scope(r, group) || !outcome_is_traffic(e->outcome))
		return RF_OK;
	j->shares[group].total += e->connections;
	if (other->type == ENDPOINT_UNKNOWN)
		j->shares[group].unknown += e->connections;
	if (e->certainty == CERTAINTY_GUESSED)
		j->shares[group].guessed += e->connections;
	if (other->type == ENDPOINT_UNKNOWN ||
	    e->certainty == CERTAINTY_GUESSED)
		return RF_OK;
	if (k.other == FLOW_NONE && d == POLICY_EGRESS)
		k.ip = other->ip;
	if (!grow(&v, j->n_kinds, &j->cap_kinds, sizeof(*j->kinds)))
		return run_nomem(r);
	j->kinds = v;
	j->kinds[j->n_kinds++] = k;
	return RF_OK;
}

static enum rf_status
count_edges(struct judging *j)
{
	struct run *r = j->r;
	enum rf_status st;
	size_t n = 0;

	for (size_t i = 0; i < r->n_edges; i++) {
		const struct edge *e = &r->edges[i];

		if ((st = count_end(j, e, plan_group(r, e->src),
			 POLICY_EGRESS)) != RF_OK ||
		    (st = count_end(
			 j, e, plan_group(r, e->dst), POLICY_INGRESS)) != RF_OK)
			return st;
	}
	if (j->n_kinds > 0)
		qsort(j->kinds, j->n_kinds, sizeof(*j->kinds), compare_kinds);
	for (size_t i = 0; i < j->n_kinds; i++) {
		struct kind *last = n == 0 ? NULL : &j->kinds[n - 1];

		if (last == NULL || compare_kinds(last, &j->kinds[i]) != 0) {
			j->kinds[n++] = j->kinds[i];
			continue;
		}
		last->connections += j->kinds[i].connections;
		if (j->kinds[i].first_us < last->first_us)
			last->first_us = j->kinds[i].first_us;
	}
	j->n_kinds = n;
	return RF_OK;
}

static const char *
plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static const char *
duration(struct run *r, int64_t us)
{
	static const struct {
		int64_t us;
		const char *name;
	} units[] = { { DAY_US, "day" }, { HOUR_US, "hour" },
		{ MINUTE_US, "minute" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = us / units[i].us;

		/* Up to two of a unit the next smaller one says more. */
		if (n >= (i < 2 ? 2 : 1))
			return run_printf(r, "%lld %s%s", (long long)n,
			    units[i].name, plural(n));
	}
	return "less than a minute";
}

struct reasons {
	struct run *r;
	const char *v[REASONS_MAX];
	size_t n;
	bool failed;
};

static void
reason_add(struct reasons *l, const char *text)
{
	if (text == NULL)
		l->failed = true;
	else if (l->n < REASONS_MAX)
		l->v[l->n++] = text;
}

/* What holds for every workload: how long and how well was watched. */
static void
reasons_of_span(struct reasons *l)
{
	struct run *r = l->r;
	const struct recommend_span *s = &r->span;
	uint64_t all = s->packets + s->dropped;

	if (s->watched_us < WATCHED_MIN_US)
		reason_add(l,
		    run_printf(r, "watched for %s, a week is wanted",
			duration(r, s->watched_us)));
	if (s->hours_of_week < HOURS_OF_WEEK_MIN)
		reason_add(l,
		    run_printf(r, "%u of the week's %d hours %s watched",
			s->hours_of_week, WEEK_HOURS,
			s->hours_of_week == 1 ? "was" : "were"));
	if (all > 0 && (double)s->dropped / (double)all > LOSS_MAX)
		reason_add(l,
		    run_printf(r, "%.1f %% of the packets were lost in capture",
			100.0 * (double)s->dropped / (double)all));
	if ((double)s->unowned > SHARE_MAX * (double)s->connections)
		reason_add(l,
		    run_printf(r,
			"%.1f %% of all connections were seen while the "
			"cluster was not watched",
			100.0 * (double)s->unowned /
			    (double)(s->connections > s->unowned
				    ? s->connections
				    : s->unowned)));
}

static void
reason_unseen(struct reasons *l, const struct group *g)
{
	const struct kube_workload *first = &l->r->c->workloads[g->members[0]];

	reason_add(l,
	    run_printf(l->r, "no connection of this %s was seen%s", first->kind,
		first->suspended          ? "; it is suspended"
		    : g->pod == FLOW_NONE ? "; it has no pods"
					  : ""));
}

/* Of what was seen how much is not sure. */
static void
reasons_of_shares(struct reasons *l, const struct shares *s)
{
	if ((double)s->unknown > SHARE_MAX * (double)s->total)
		reason_add(l,
		    run_printf(l->r,
			"%.1f %% of its connections have an end that is not "
			"known",
			100.0 * (double)s->unknown / (double)s->total));
	if ((double)s->guessed > SHARE_MAX * (double)s->total)
		reason_add(l,
		    run_printf(l->r,
			"the direction of %.1f %% of its connections is "
			"guessed",
			100.0 * (double)s->guessed / (double)s->total));
}

static void
reasons_of_group(struct reasons *l, const struct group *g,
    const struct recommend_readiness *w, const struct shares *s)
{
	struct run *r = l->r;
	int64_t quiet = r->span.to_us - w->newest_us;

	if (w->connections == 0) {
		reason_unseen(l, g);
		return;
	}
	if (w->connections < CONNECTIONS_MIN)
		reason_add(l,
		    run_printf(r, "only %llu connection%s of it %s seen",
			(unsigned long long)w->connections,
			plural((int64_t)w->connections),
			w->connections == 1 ? "was" : "were"));
	if (quiet < QUIET_MIN_US)
		reason_add(l,
		    run_printf(r, "a new edge came up %s before the end",
			duration(r, quiet)));
	if (w->chance > CHANCE_MAX)
		reason_add(l,
		    run_printf(r,
			"the next connection is of a new edge with an "
			"estimated chance of %.1f %%",
			100.0 * w->chance));
	reasons_of_shares(l, s);
}

/* kinds: those of this group, *n of them. */
static enum rf_status
judge_group(struct judging *j, uint32_t group, const struct kind *kinds,
    size_t n, struct recommend_readiness *out)
{
	struct run *r = j->r;
	struct reasons l = { .r = r };
	const char **v, *watched;
	enum rf_status st;

	out->n_edges = n;
	for (size_t i = 0; i < n; i++) {
		out->connections += kinds[i].connections;
		out->n_once += kinds[i].connections == 1;
		if (i == 0 || kinds[i].first_us > out->newest_us)
			out->newest_us = kinds[i].first_us;
	}
	if (out->connections > 0)
		out->chance = (double)out->n_once / (double)out->connections;
	reasons_of_span(&l);
	if ((st = watched_reason(r, group, &watched)) != RF_OK)
		return st;
	if (watched != NULL)
		reason_add(&l, watched);
	reasons_of_group(&l, &r->groups[group], out, &j->shares[group]);
	v = arena_calloc(r->arena, l.n, sizeof(*v));
	if (v == NULL || l.failed)
		return run_nomem(r);
	for (size_t i = 0; i < l.n; i++)
		v[i] = l.v[i];
	out->reasons = v;
	out->n_reasons = l.n;
	out->is_ready = l.n == 0;
	return RF_OK;
}

static int
compare_workloads(const void *x, const void *y)
{
	const struct recommend_workload *a = x, *b = y;
	int d = strcmp(a->namespace, b->namespace);

	return d != 0 ? d : (a->policy > b->policy) - (a->policy < b->policy);
}

static enum rf_status
name_workload(
    struct run *r, const struct group *g, struct recommend_workload *w)
{
	const char **v = arena_calloc(r->arena, g->n_members, sizeof(*v));

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < g->n_members; i++) {
		const struct kube_workload *k = &r->c->workloads[g->members[i]];

		if ((v[i] = run_printf(r, "%s %s", k->kind, k->name)) == NULL)
			return run_nomem(r);
	}
	w->namespace = r->c->namespaces[g->ns].name;
	w->policy = g->policy;
	w->members = v;
	w->n_members = g->n_members;
	w->title = group_title(r, g, TITLE_MAX);
	return w->title == NULL ? run_nomem(r) : RF_OK;
}

static enum rf_status
judge_groups(struct judging *j)
{
	struct run *r = j->r;
	size_t k = 0;

	for (uint32_t g = 0; g < r->n_groups; g++) {
		struct recommend_workload *w = &r->workloads[r->n_workloads];
		enum rf_status st;
		size_t first = k;

		while (k < j->n_kinds && j->kinds[k].group == g)
			k++;
		if (!plan_group_in_scope(r, g))
			continue;
		if ((st = name_workload(r, &r->groups[g], w)) != RF_OK ||
		    (st = judge_group(j, g, &j->kinds[first], k - first,
			 &w->readiness)) != RF_OK)
			return st;
		r->n_workloads++;
	}
	return RF_OK;
}

enum rf_status
readiness_judge(struct run *r)
{
	struct judging j = { .r = r };
	enum rf_status st;

	j.shares = arena_calloc(r->arena, r->n_groups, sizeof(*j.shares));
	r->workloads =
	    arena_calloc(r->arena, r->n_groups, sizeof(*r->workloads));
	if (j.shares == NULL || r->workloads == NULL)
		return run_nomem(r);
	if ((st = count_edges(&j)) == RF_OK)
		st = judge_groups(&j);
	free(j.kinds);
	if (st == RF_OK && r->n_workloads > 0)
		qsort(r->workloads, r->n_workloads, sizeof(*r->workloads),
		    compare_workloads);
	return st;
}

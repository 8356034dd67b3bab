/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_judge.h"

#include <stdlib.h>

#include "kube/address.h"
#include "report/audit_internal.h"

static bool
mark_list_init(struct mark_list *m, size_t n, struct arena *arena)
{
	m->is_marked = arena_calloc(arena, n + 1, sizeof(*m->is_marked));
	m->v = arena_calloc(arena, n + 1, sizeof(*m->v));
	m->n = 0;
	return m->is_marked != NULL && m->v != NULL;
}

static void
mark_list_add(struct mark_list *m, size_t i)
{
	if (m->is_marked[i])
		return;
	m->is_marked[i] = true;
	m->v[m->n++] = (uint32_t)i;
}

static void
mark_list_clear(struct mark_list *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->is_marked[m->v[i]] = false;
	m->n = 0;
}

void
side_marks_clear(struct side_marks *m)
{
	mark_list_clear(&m->isolating);
	mark_list_clear(&m->allowing);
	mark_list_clear(&m->rules);
	m->verdict = EVAL_NOT_SUBJECT;
	m->flags = 0;
	m->nearest_miss = NULL;
}

/* How bad a side's verdict is: what an edge shows is the worst. */
static int
badness(enum evaluator_verdict v)
{
	switch (v) {
	case EVAL_DENY:
		return 3;
	case EVAL_ALLOW:
		return 2;
	case EVAL_NOT_ISOLATED:
		return 1;
	case EVAL_NOT_SUBJECT:
		break;
	}
	return 0;
}

static const struct evaluator_end *
subject_of(const struct evaluator_query *q, enum policy_direction d)
{
	return d == POLICY_INGRESS ? &q->dst : &q->src;
}

/* Note which policies and rules made this side what it is; does any rule
 * allow? */
static bool
mark_rules(struct side_marks *m, const struct side_answer *side)
{
	for (size_t i = 0; i < side->n_hits; i++) {
		mark_list_add(&m->allowing, side->hits[i].policy);
		mark_list_add(&m->rules, side->hits[i].number);
	}
	return side->n_hits > 0;
}

const char *
auditor_nearest_miss(
    struct auditor *a, const struct evaluator_query *q, enum policy_direction d)
{
	struct evaluator_miss miss;
	const char *text;

	evaluator_nearest_miss(a->evaluator, q, d, &miss);
	text = arena_strdup(a->arena, miss.text);
	a->failed |= text == NULL;
	return text;
}

static void
mark_denied(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, const struct side_answer *side)
{
	struct side_marks *m = &a->marks[d];
	const uint32_t *policies;
	size_t n;

	policies =
	    evaluator_isolating(a->evaluator, subject_of(q, d)->pod, d, &n);
	for (size_t i = 0; i < n; i++)
		mark_list_add(&m->isolating, policies[i]);
	if (a->is_terse || m->nearest_miss != NULL)
		return;
	if (side->verdict != EVAL_DENY) /* a hairpin, by its rules alone */
		m->nearest_miss = "no rule lets the pod reach itself";
	else if (side->nearest_miss != NULL)
		m->nearest_miss = side->nearest_miss;
	else
		m->nearest_miss = auditor_nearest_miss(a, q, d);
}

/*
 * Add one side of one answer. A hairpin is what the evaluator lets pass as
 * "itself": only rules count then. Returns the side's own verdict.
 */
static enum evaluator_verdict
mark_side(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, const struct side_answer *side, bool hairpin)
{
	struct side_marks *m = &a->marks[d];
	enum evaluator_verdict v = side->verdict;
	unsigned flags = side->flags;

	if (v == EVAL_ALLOW && (!a->is_terse || hairpin)) {
		bool any = mark_rules(m, side);

		if (hairpin && (flags & EVAL_SELF) != 0) {
			v = any ? EVAL_ALLOW : EVAL_DENY;
			flags &= ~(unsigned)EVAL_SELF;
		}
	}
	if (v == EVAL_DENY)
		mark_denied(a, q, d, side);
	m->flags |= flags;
	if (badness(v) > badness(m->verdict))
		m->verdict = v;
	return v;
}

static struct evaluator_end
end_of(const struct endpoint *e)
{
	return (struct evaluator_end){
		.pod = e->type == ENDPOINT_WORKLOAD ? e->pod : FLOW_NONE,
		.ip = e->ip,
	};
}

struct flow_facts
auditor_facts(const struct auditor *a, const struct flow *f)
{
	return (struct flow_facts){
		.is_rewritten =
		    f->service != FLOW_NONE || f->seen_src != f->src,
		.is_masked = f->seen_src != f->src,
		.is_unknown = a->endpoints[f->src].type == ENDPOINT_UNKNOWN ||
		    a->endpoints[f->dst].type == ENDPOINT_UNKNOWN,
		.is_guessed = f->certainty == CERTAINTY_GUESSED,
	};
}

void
auditor_ask(struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, struct side_answer *out)
{
	struct evaluator_side side;
	struct rule_hit *hits = a->numbered[d];

	evaluator_ask_side(a->evaluator, q, d, &side, &a->hits);
	for (size_t i = 0; i < a->hits.n; i++) {
		const struct evaluator_rule *r = &a->hits.v[i];

		hits[i] = (struct rule_hit){ r->policy,
			(uint32_t)a->index.base[d][r->policy] + r->rule };
	}
	*out = (struct side_answer){ .verdict = side.verdict,
		.flags = side.flags,
		.hits = hits,
		.n_hits = a->hits.n };
}

struct judgement
judgement_of(const struct flow_facts *about, bool hairpin,
    enum evaluator_verdict out, enum evaluator_verdict in)
{
	if (about->is_unknown)
		return (
		    struct judgement){ AUDIT_UNKNOWN, AUDIT_UNKNOWN_ADDRESS };
	if (out == EVAL_NOT_SUBJECT && in == EVAL_NOT_SUBJECT)
		return (struct judgement){ AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };
	if (out != EVAL_DENY && in != EVAL_DENY)
		return (struct judgement){ AUDIT_ALLOWED, AUDIT_CLEAR };
	if (hairpin)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_HAIRPIN };
	if (about->is_guessed)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_GUESSED };
	return (struct judgement){ AUDIT_WOULD_DROP, AUDIT_CLEAR };
}

bool
auditor_may_hide(const struct flow_facts *about, const struct side_answer *in)
{
	return about->is_masked && (in->flags & EVAL_NODE_LOCAL) != 0;
}

/*
 * The pod's own node, which is always let in, stands for the client: does no
 * rule allow the client itself, whom most plugins see on that node?
 */
static bool
hides_denied(struct auditor *a, const struct evaluator_query *q)
{
	const struct side_answer denied = { .verdict = EVAL_DENY };
	struct evaluator_query before = *q;
	struct evaluator_side side;

	before.seen_src = q->src;
	if (before.src.pod == FLOW_NONE && ip_is_none(&before.src.ip))
		return false;
	evaluator_ask_side(a->evaluator, &before, POLICY_INGRESS, &side, NULL);
	if (side.verdict != EVAL_DENY)
		return false;
	mark_denied(a, &before, POLICY_INGRESS, &denied);
	a->marks[POLICY_INGRESS].verdict = EVAL_DENY;
	return true;
}

struct judgement
auditor_weigh(struct auditor *a, const struct flow_facts *about,
    const struct evaluator_query *q, const struct side_answer sides[2])
{
	bool hairpin = is_hairpin(about, q);
	enum evaluator_verdict out, in;
	struct judgement j;

	out = mark_side(a, q, POLICY_EGRESS, &sides[POLICY_EGRESS], hairpin);
	in = mark_side(a, q, POLICY_INGRESS, &sides[POLICY_INGRESS], hairpin);
	j = judgement_of(about, hairpin, out, in);
	if (j.verdict == AUDIT_ALLOWED &&
	    auditor_may_hide(about, &sides[POLICY_INGRESS]) &&
	    hides_denied(a, q))
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_REWRITTEN };
	return j;
}

void
judgement_worsen(struct judgement *worst, struct judgement j)
{
	if (j.verdict < worst->verdict)
		*worst = j;
}

/* Whoever is called with the questions of a flow. */
struct asker {
	void (*each)(void *ctx, const struct evaluator_query *q);
	void *ctx;
};

/* May the client have reached that address? */
static bool
has_family(const struct evaluator_query *q, const struct ip_addr *ip)
{
	return ip_is_none(&q->src.ip) || ip_is_v4(&q->src.ip) == ip_is_v4(ip);
}

/* The pod's first address of the client's family, or its first. */
static const struct ip_addr *
address_for(const struct evaluator_query *q, const struct kube_pod *p)
{
	for (size_t i = 0; i < p->n_ips; i++)
		if (has_family(q, &p->ips[i]))
			return &p->ips[i];
	return &p->ips[0];
}

/* Which backend answered is not known: each that is ready may have. */
static size_t
ask_backends(const struct auditor *a, const struct flow *f,
    struct evaluator_query *q, const struct asker *to)
{
	const struct kube_backend *b;
	size_t n, asked = 0;

	if (f->service >= a->c->n_services)
		return 0;
	b = address_backends(a->c, f->service, &n);
	for (size_t i = 0; i < n; i++) {
		if (!b[i].ready || b[i].port != f->port ||
		    b[i].protocol != f->protocol || !has_family(q, &b[i].ip))
			continue;
		q->dst = (struct evaluator_end){ b[i].pod, b[i].ip };
		to->each(to->ctx, q);
		asked++;
	}
	return asked;
}

/* Without backends: each pod of the workload that is still there. */
static size_t
ask_workload(const struct auditor *a, const struct flow *f,
    struct evaluator_query *q, const struct asker *to)
{
	uint32_t workload = a->endpoints[f->dst].workload;
	size_t asked = 0;

	for (size_t i = a->pod_start[workload]; i < a->pod_start[workload + 1];
	     i++) {
		const struct kube_pod *p = &a->c->pods[a->pods[i]];

		if (p->deleted || p->n_ips == 0 || p->phase == POD_SUCCEEDED ||
		    p->phase == POD_FAILED)
			continue;
		q->dst =
		    (struct evaluator_end){ a->pods[i], *address_for(q, p) };
		to->each(to->ctx, q);
		asked++;
	}
	return asked;
}

size_t
auditor_questions(const struct auditor *a, const struct flow *f,
    void (*each)(void *ctx, const struct evaluator_query *q), void *ctx)
{
	const struct endpoint *dst = &a->endpoints[f->dst];
	const struct asker to = { each, ctx };
	struct evaluator_query q = {
		.src = end_of(&a->endpoints[f->src]),
		.dst = end_of(dst),
		.seen_src = end_of(&a->endpoints[f->seen_src]),
		.port = f->port,
		.protocol = f->protocol,
	};
	size_t n;

	if (dst->type != ENDPOINT_WORKLOAD || dst->pod != FLOW_NONE) {
		each(ctx, &q);
		return 1;
	}
	n = ask_backends(a, f, &q, &to);
	return n > 0 ? n : ask_workload(a, f, &q, &to);
}

/* One flow, as it comes. */
struct single {
	struct auditor *a;
	struct flow_facts about;
	struct judgement worst;
};

static void
ask_plainly(const struct auditor *a, const struct evaluator_query *q,
    enum policy_direction d, struct side_answer *out)
{
	struct evaluator_side side;

	evaluator_ask_side(a->evaluator, q, d, &side, NULL);
	*out = (struct side_answer){ .verdict = side.verdict,
		.flags = side.flags };
}

static void
judge_question(void *ctx, const struct evaluator_query *q)
{
	struct single *s = ctx;
	struct side_answer sides[2];

	for (int d = 0; d < 2; d++)
		if (s->a->is_terse && !is_hairpin(&s->about, q))
			ask_plainly(
			    s->a, q, (enum policy_direction)d, &sides[d]);
		else
			auditor_ask(
			    s->a, q, (enum policy_direction)d, &sides[d]);
	judgement_worsen(&s->worst, auditor_weigh(s->a, &s->about, q, sides));
}

/* The verdict of one flow; a->marks then tell why. */
static struct judgement
judge_flow(struct auditor *a, const struct flow *f)
{
	struct single s = { .a = a,
		.about = auditor_facts(a, f),
		.worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR } };

	if (auditor_questions(a, f, judge_question, &s) == 0)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_NO_BACKEND };
	return s.worst;
}

static bool
group_pods(struct auditor *a)
{
	const struct cluster *c = a->c;
	uint32_t *start =
	    arena_calloc(a->arena, c->n_workloads + 2, sizeof(*start));
	uint32_t *pods = arena_calloc(a->arena, c->n_pods + 1, sizeof(*pods));

	if (start == NULL || pods == NULL)
		return false;
	/* Counted one place further on, a start moves up to its own end as
	 * its pods are put. */
	for (size_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].workload < c->n_workloads)
			start[c->pods[i].workload + 2]++;
	for (size_t w = 2; w <= c->n_workloads; w++)
		start[w] += start[w - 1];
	for (uint32_t i = 0; i < c->n_pods; i++)
		if (c->pods[i].workload < c->n_workloads)
			pods[start[c->pods[i].workload + 1]++] = i;
	a->pod_start = start;
	a->pods = pods;
	return true;
}

bool
auditor_init(struct auditor *a)
{
	size_t n = a->set->n_policies;

	for (int d = 0; d < 2; d++) {
		struct side_marks *m = &a->marks[d];

		*m = (struct side_marks){ .verdict = EVAL_NOT_SUBJECT };
		if (!mark_list_init(&m->isolating, n, a->arena) ||
		    !mark_list_init(&m->allowing, n, a->arena) ||
		    !mark_list_init(&m->rules, a->index.n_rules, a->arena))
			return false;
	}
	a->used =
	    arena_calloc(a->arena, a->index.n_rules + 1, sizeof(*a->used));
	if (a->used == NULL || !group_pods(a))
		return false;
	a->hits.v =
	    arena_calloc(a->arena, a->index.n_rules + 1, sizeof(*a->hits.v));
	for (int d = 0; d < 2; d++)
		a->numbered[d] = arena_calloc(
		    a->arena, a->index.n_rules + 1, sizeof(*a->numbered[d]));
	return a->hits.v != NULL && a->numbered[0] != NULL &&
	    a->numbered[1] != NULL;
}

struct audit_judge {
	struct auditor a;
	struct arena arena;
	struct evaluator *evaluator;
};

enum rf_status
audit_judge_new(struct audit_judge **out, const struct policy_set *set,
    const struct cluster *c, struct rf_error *err)
{
	struct audit_judge *j = calloc(1, sizeof(*j));
	enum rf_status st;

	*out = NULL;
	if (j == NULL)
		return rf_fail(err, RF_NOMEM, "judge: out of memory");
	arena_init(&j->arena, 0);
	j->a = (struct auditor){
		.set = set, .c = c, .arena = &j->arena, .is_terse = true
	};
	st = evaluator_new(&j->evaluator, set, c, err);
	j->a.evaluator = j->evaluator;
	if (st == RF_OK)
		st = usage_index_make(&j->a.index, set, &j->arena, err);
	if (st == RF_OK && !auditor_init(&j->a))
		st = rf_fail(err, RF_NOMEM, "judge: out of memory");
	if (st == RF_OK)
		*out = j;
	else
		audit_judge_free(j);
	return st;
}

void
audit_judge_free(struct audit_judge *j)
{
	if (j == NULL)
		return;
	evaluator_free(j->evaluator);
	arena_release(&j->arena);
	free(j);
}

void
audit_judge_flow(struct audit_judge *j, const struct endpoint *endpoints,
    const struct flow *f, struct audit_judgement *out)
{
	struct judgement verdict;

	side_marks_clear(&j->a.marks[0]);
	side_marks_clear(&j->a.marks[1]);
	j->a.endpoints = endpoints;
	verdict = judge_flow(&j->a, f);
	*out = (struct audit_judgement){ .verdict = verdict.verdict,
		.reason = verdict.reason };
	for (int d = 0; d < 2; d++) {
		const struct side_marks *m = &j->a.marks[d];

		out->is_denied[d] = m->verdict == EVAL_DENY;
		out->policies[d] = m->isolating.v;
		out->n_policies[d] = m->isolating.n;
	}
}

enum rf_status
audit_judge_why(struct audit_judge *j, const struct endpoint *endpoints,
    const struct flow *f, struct strbuf *out, struct rf_error *err)
{
	struct auditor a = j->a;
	struct arena arena;

	arena_init(&arena, 0);
	a.arena = &arena;
	a.endpoints = endpoints;
	a.is_terse = false;
	side_marks_clear(&a.marks[0]);
	side_marks_clear(&a.marks[1]);
	(void)judge_flow(&a, f);
	for (int d = 1; d >= 0; d--) {
		if (a.marks[d].nearest_miss == NULL)
			continue;
		strbuf_printf(out, "%s%s: %s", out->len > 0 ? "; " : "",
		    d == POLICY_EGRESS ? "egress" : "ingress",
		    a.marks[d].nearest_miss);
	}
	/* The lists of what is marked are shared, how many there are is not. */
	side_marks_clear(&a.marks[0]);
	side_marks_clear(&a.marks[1]);
	j->a.marks[0] = a.marks[0];
	j->a.marks[1] = a.marks[1];
	arena_release(&arena);
	if (a.failed || strbuf_failed(out))
		return rf_fail(err, RF_NOMEM, "judge: out of memory");
	return RF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_block.h"

#include <stdlib.h>

#include "core/grow.h"

/* So many that those of a subject are some, so few that they stay in cache. Of
 * one flow alone there may be more: the backends of a Service. */
#define QUESTIONS ((size_t)64 * 1024)

/* Rules that allow, of which a side mostly has one. Where policies overlap so
 * much that this is not enough, questions are asked again one by one. */
#define HITS (4 * QUESTIONS)

bool
audit_block_init(struct audit_block *b, struct auditor *a)
{
	*b = (struct audit_block){ .a = a };
	b->hits = calloc(HITS, sizeof(*b->hits));
	return b->hits != NULL;
}

void
audit_block_release(struct audit_block *b)
{
	free(b->flows);
	free(b->questions);
	free(b->sides[0]);
	free(b->sides[1]);
	free(b->rows);
	free(b->hits);
}

void
audit_block_clear(struct audit_block *b)
{
	b->n_flows = b->n_questions = b->n_hits = 0;
}

static bool
is_over(const struct audit_block *b)
{
	return b->n_questions > QUESTIONS || b->n_flows > QUESTIONS;
}

static void
add_question(void *ctx, const struct evaluator_query *q)
{
	struct audit_block *b = ctx;
	void *v = b->questions;

	if (!grow(
		&v, b->n_questions, &b->cap_questions, sizeof(*b->questions))) {
		b->a->failed = true;
		return;
	}
	b->questions = v;
	b->questions[b->n_questions++] = (struct block_question){ .q = *q };
}

static void
add_flow(struct audit_block *b, const struct flow *f)
{
	const struct endpoint *dst = &b->a->endpoints[f->dst];
	size_t first = b->n_questions;
	struct block_flow *out;
	void *v = b->flows;

	if (!grow(&v, b->n_flows, &b->cap_flows, sizeof(*b->flows))) {
		b->a->failed = true;
		return;
	}
	b->flows = v;
	out = &b->flows[b->n_flows++];
	*out = (struct block_flow){ .flow = f,
		.first = (uint32_t)first,
		.about = auditor_facts(b->a, f) };
	auditor_questions(b->a, f, add_question, b);
	out->n = (uint32_t)(b->n_questions - first);
	out->is_hairpin = out->n == 1 && dst->pod != FLOW_NONE &&
	    is_hairpin(&out->about, &b->questions[first].q);
}

/* Take the flows from that one on out again. */
static void
forget_from(struct audit_block *b, size_t flow)
{
	if (flow == b->n_flows)
		return;
	b->n_questions = b->flows[flow].first;
	b->n_flows = flow;
}

bool
audit_block_add(struct audit_block *b, const struct edge *e)
{
	size_t first = b->n_flows;

	for (size_t i = 0; i < e->n_flows && !is_over(b); i++)
		add_flow(b, e->flows[i]);
	if (is_over(b)) {
		forget_from(b, first);
		return false;
	}
	/* Hairpins come last when an edge is judged. */
	for (size_t i = first; i < b->n_flows; i++) {
		const struct block_flow *f = &b->flows[i];

		if (f->is_hairpin || f->n == 0)
			continue;
		b->questions[f->first].wants_miss = true;
		break;
	}
	return true;
}

size_t
audit_block_add_some(
    struct audit_block *b, const struct edge *e, size_t from, bool hairpins)
{
	size_t i;

	for (i = from; i < e->n_flows && !b->a->failed; i++) {
		size_t n = b->n_flows;

		add_flow(b, e->flows[i]);
		if (b->a->failed || b->flows[n].is_hairpin != hairpins) {
			forget_from(b, n);
			continue;
		}
		if (n > 0 && is_over(b)) {
			forget_from(b, n);
			break;
		}
	}
	return i;
}

/* Subjects that no selector tells apart have the same policies. Returns how
 * many questions have a subject at all. */
static size_t
order_questions(struct audit_block *b, enum policy_direction d)
{
	const struct evaluator *e = b->a->evaluator;
	size_t n = 0;

	for (size_t i = 0; i < b->n_questions; i++) {
		const struct evaluator_query *q = &b->questions[i].q;
		uint32_t pod = d == POLICY_INGRESS ? q->dst.pod : q->src.pod;
		uint32_t class =
		    pod == FLOW_NONE ? FLOW_NONE : evaluator_class(e, pod);

		if (class != FLOW_NONE)
			b->rows[n++] = (struct order_row){ class, (uint32_t)i };
		else
			b->sides[d][i] =
			    (struct block_side){ .verdict = EVAL_NOT_SUBJECT,
				    .is_known = true };
	}
	return n;
}

static void
ask(struct audit_block *b, size_t question, enum policy_direction d)
{
	const struct block_question *q = &b->questions[question];
	struct side_answer answer;

	auditor_ask(b->a, &q->q, d, &answer);
	b->sides[d][question] = (struct block_side){
		.first_hit = (uint32_t)b->n_hits,
		.n_hits = (uint32_t)answer.n_hits,
		.verdict = (uint8_t)answer.verdict,
		.flags = (uint8_t)answer.flags,
		.is_known = answer.n_hits <= HITS - b->n_hits,
	};
	if (!b->sides[d][question].is_known)
		return;
	for (size_t i = 0; i < answer.n_hits; i++)
		b->hits[b->n_hits++] = answer.hits[i];
	if (answer.verdict == EVAL_DENY && q->wants_miss)
		b->sides[d][question].nearest_miss =
		    auditor_nearest_miss(b->a, &q->q, d);
}

static bool
reserve(struct audit_block *b)
{
	size_t n = b->cap_questions;

	if (n <= b->cap_asked)
		return true;
	free(b->sides[0]);
	free(b->sides[1]);
	free(b->rows);
	b->sides[0] = calloc(n, sizeof(*b->sides[0]));
	b->sides[1] = calloc(n, sizeof(*b->sides[1]));
	b->rows = calloc(n, sizeof(*b->rows));
	b->cap_asked = n;
	return b->sides[0] != NULL && b->sides[1] != NULL && b->rows != NULL;
}

bool
audit_block_ask(struct audit_block *b)
{
	if (!reserve(b))
		return false;
	for (int i = 0; i < 2; i++) {
		enum policy_direction d = (enum policy_direction)i;
		size_t n = order_questions(b, d);

		if (!order_by_key(b->rows, n))
			return false;
		for (size_t k = 0; k < n; k++)
			ask(b, b->rows[k].at, d);
	}
	return true;
}

void
audit_block_answer(struct audit_block *b, size_t question,
    enum policy_direction d, struct side_answer *out)
{
	const struct block_side *side = &b->sides[d][question];

	if (!side->is_known) {
		auditor_ask(b->a, &b->questions[question].q, d, out);
		return;
	}
	*out = (struct side_answer){
		.verdict = (enum evaluator_verdict)side->verdict,
		.flags = side->flags,
		.hits = &b->hits[side->first_hit],
		.n_hits = side->n_hits,
		.nearest_miss = side->nearest_miss,
	};
}

struct judgement
audit_block_judge(struct audit_block *b, const struct block_flow *f)
{
	struct judgement worst = { AUDIT_NOT_ENFORCEABLE, AUDIT_CLEAR };

	if (f->n == 0)
		return (struct judgement){ AUDIT_UNKNOWN, AUDIT_NO_BACKEND };
	for (size_t i = f->first; i < f->first + f->n; i++) {
		struct side_answer sides[2];

		for (int d = 0; d < 2; d++)
			audit_block_answer(
			    b, i, (enum policy_direction)d, &sides[d]);
		judgement_worsen(&worst,
		    auditor_weigh(b->a, &f->about, &b->questions[i].q, sides));
	}
	return worst;
}

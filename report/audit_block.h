/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_block: the questions that some edges are, asked together.
 *
 * An edge's source is at hand when edges come by their sources, its
 * destination is anywhere: what its policies say has to be fetched from
 * memory each time, and that is most of what an audit of many edges waits
 * for. So the questions of a block of edges are gathered first, asked subject
 * by subject, a side at a time, and their answers picked up edge by edge. A
 * block is of a bounded size; an edge of more questions is gathered in pieces.
 * Private to report/.
 */
#ifndef REPORT_AUDIT_BLOCK_H
#define REPORT_AUDIT_BLOCK_H

#include "core/order.h"
#include "report/audit_internal.h"

/* One side of a question. */
struct block_side {
	const char *nearest_miss;
	uint32_t first_hit, n_hits; /* in the block's hits */
	uint8_t verdict, flags;     /* of enum evaluator_verdict, _flag */
	bool is_known;              /* false: there was no room for its hits */
};

struct block_question {
	struct evaluator_query q;
	bool wants_miss; /* if denied: it is the first of its edge */
};

struct block_flow {
	const struct flow *flow;
	uint32_t first, n; /* its questions */
	struct flow_facts about;
	bool is_hairpin;
};

struct audit_block {
	struct auditor *a;
	struct block_flow *flows;
	size_t n_flows, cap_flows;
	struct block_question *questions;
	size_t n_questions, cap_questions;
	struct block_side *sides[2]; /* by direction, then question */
	struct order_row *rows;      /* scratch */
	size_t cap_asked;            /* of sides and rows */
	struct rule_hit *hits;
	size_t n_hits;
};

/* false: out of memory; release it all the same. */
bool audit_block_init(struct audit_block *b, struct auditor *a);
void audit_block_release(struct audit_block *b);

/* Forget all questions. */
void audit_block_clear(struct audit_block *b);

/* Its flows are the next. false: there is no room for all of them, and none was
 * added. a->failed tells whether memory ran out. */
bool audit_block_add(struct audit_block *b, const struct edge *e);

/* Of an edge's flows from the one of that number on those that are hairpins, or
 * that are none: one at least, then as many as there is room for. Returns the
 * number of the first that was not looked at. */
size_t audit_block_add_some(
    struct audit_block *b, const struct edge *e, size_t from, bool hairpins);

/* false: out of memory. */
bool audit_block_ask(struct audit_block *b);

/* What one side of a question of the block was answered; asks it, where that
 * could not be remembered. */
void audit_block_answer(struct audit_block *b, size_t question,
    enum policy_direction d, struct side_answer *out);

/* The verdict of a flow of the block; a->marks then tell why, added to what
 * is there. */
struct judgement audit_block_judge(
    struct audit_block *b, const struct block_flow *f);

#endif

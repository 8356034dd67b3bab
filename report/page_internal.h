/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_internal: what the parts of the page share. Private to
 * report/page*.c.
 */
#ifndef REPORT_PAGE_INTERNAL_H
#define REPORT_PAGE_INTERNAL_H

#include "report/map.h"
#include "report/page.h"

#define PAGE_COUNTS (AUDIT_VERDICT_COUNT + 1) /* the last: never worked */

/* A note that says of one edge why it has no rule. */
struct page_note {
	const struct flow *flow; /* the first of the edge's */
	const struct recommend_note *note;
};

struct page {
	struct strbuf *out, cell; /* cell: scratch */
	const struct page_input *in;
	const struct recommendation *r;
	const struct audit *a;
	struct arena *arena;
	/* Namespaces with a section, sorted; of space s the edges with an end
	 * in it stand, worst first, from start[s] to before start[s + 1] of
	 * edges; behind them those of no namespace at all. */
	const char **spaces;
	size_t n_spaces;
	uint32_t *start;
	const struct audit_edge **edges;
	/* All of them, each once. */
	const struct audit_edge **all;
	size_t n_all;
	size_t counts[PAGE_COUNTS]; /* of all */
	struct map_member *members;
	size_t n_members;
	struct page_note *notes; /* by flow */
	size_t n_notes;
	bool is_coarse; /* the first graph has a box for each namespace */
};

/* Text of strangers, escaped; and what was gathered in cell, which is then
 * empty. */
void page_text(struct page *p, const char *text);
void page_cell(struct page *p);

/* A cell with a point in time, to the second. */
void page_time(struct page *p, int64_t us);

/* Why the edge has no rule; NULL: it has, or nothing is to be said. */
const struct recommend_note *page_find_note(
    const struct page *p, const struct edge *e);

/* "#w3", where the workload at that end has its row; NULL: nowhere. Uses
 * cell. */
const char *page_find_row(struct page *p, const struct view_end *e);

/* Edges as a table. space goes without saying; NULL: none does. */
void page_edges(struct page *p, const struct audit_edge *const *edges, size_t n,
    const char *caption, const char *space);

/* The workloads of a namespace, with readiness. */
void page_workloads(struct page *p, const char *space);

/* Decisions, unknown ends, unused policies, remarks, coverage. */
void page_decisions(struct page *p);
size_t page_decision_count(const struct page *p);
void page_unknown(struct page *p);
void page_policies(struct page *p);
void page_remarks(struct page *p);
void page_coverage(struct page *p);

/* The page's style and script, and their digests for its policy. */
extern const char page_style[], page_style_digest[], page_script[],
    page_script_digest[];

#endif

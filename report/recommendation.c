/* SPDX-License-Identifier: Apache-2.0 */
#include "report/recommendation.h"

#include <string.h>

#include "report/note_crowd.h"
#include "report/review_text.h"
#include "report/table.h"
#include "report/text.h"

#define LINE_MAX_BYTES ((size_t)1 << 16)
#define BEYOND_MAX     20 /* pairs that are listed */

static const struct table_column columns[] = {
	{ .header = "NAMESPACE" },
	{ .header = "FILE" },
	{ .header = "POLICY" },
	{ .header = "INGRESS", .is_number = true },
	{ .header = "EGRESS", .is_number = true },
	{ .header = "SELECTS" },
};

size_t
recommendation_count(
    const struct recommendation *r, enum recommend_note_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_notes; i++)
		n += r->notes[i].kind == kind;
	return n;
}

static enum rf_status
print_policies(FILE *out, const struct recommendation *r, struct rf_error *err)
{
	struct strbuf scratch;
	enum rf_status st;
	struct table t;

	strbuf_init(&scratch, LINE_MAX_BYTES);
	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < r->n_files; i++) {
		const struct recommend_file *f = &r->files[i];
		const struct policy *p = &r->set.policies[f->policy];

		strbuf_clear(&scratch);
		review_selector(&scratch, &p->pod_selector);
		table_add(&t, f->namespace);
		table_add(&t, f->name);
		table_add(&t, p->name);
		table_add_unsigned(&t, p->n_rules[POLICY_INGRESS]);
		table_add_unsigned(&t, p->n_rules[POLICY_EGRESS]);
		table_add(&t, strbuf_str(&scratch));
	}
	st = strbuf_failed(&scratch)
	    ? rf_fail(err, RF_NOMEM, "recommend: out of memory")
	    : table_print(&t, out, true, false, err);
	table_release(&t);
	strbuf_release(&scratch);
	return st;
}

static void
print_note(FILE *out, const struct recommend_note *note, struct strbuf *line)
{
	strbuf_clear(line);
	if (note->kind == NOTE_REMARK && note->policy != NULL) {
		text_escape(line, note->namespace);
		strbuf_putc(line, '/');
		text_escape(line, note->policy);
		strbuf_puts(line, ": ");
	}
	text_escape(line, note->text);
	fprintf(out, "  %s: %s\n", note->reason, strbuf_str(line));
}

static void
print_routine(FILE *out, const struct recommendation *r)
{
	static const struct {
		const char *reason, *text;
	} rows[] = {
		{ "own-node",
		    "between a pod and its own node (kubelet probes "
		    "and the like), always allowed" },
		{ "self", "of a pod to itself, always allowed" },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n_notes; i++)
			n += note_is_routine(&r->notes[i]) &&
			    strcmp(r->notes[i].reason, rows[k].reason) == 0;
		if (n > 0)
			fprintf(out, "  %s: %zu edge%s %s\n", rows[k].reason, n,
			    n == 1 ? "" : "s", rows[k].text);
	}
}

static enum rf_status
print_notes(FILE *out, const struct recommendation *r,
    enum recommend_note_kind kind, const char *heading, struct rf_error *err)
{
	size_t n = recommendation_count(r, kind), more;
	enum rf_status st = RF_OK;
	struct note_crowd crowd;
	struct strbuf line;

	if (n == 0)
		return RF_OK;
	if ((st = note_crowd_init(&crowd, r, err)) != RF_OK)
		goto out;
	strbuf_init(&line, LINE_MAX_BYTES);
	fprintf(out, "\n%s (%zu):\n", heading, n);
	for (size_t i = 0; i < r->n_notes; i++) {
		const struct recommend_note *note = &r->notes[i];

		if (note->kind != kind || note_is_routine(note) ||
		    !note_crowd_shows(&crowd, note, &more))
			continue;
		print_note(out, note, &line);
		if (more > 0)
			fprintf(out,
			    "  %s: and %zu more like the one above, which "
			    "ringfence flows lists\n",
			    note->reason, more);
	}
	if (kind == NOTE_EXCLUDED)
		print_routine(out, r);
	if (strbuf_failed(&line))
		st = rf_fail(err, RF_NOMEM, "out of memory");
	strbuf_release(&line);
out:
	note_crowd_release(&crowd);
	return st;
}

static void
print_proof(FILE *out, const struct recommend_proof *p)
{
	fprintf(out,
	    "\nProof (every observed edge was replayed):\n"
	    "  edges observed %zu: allowed %zu, excluded %zu, "
	    "waiting for a decision %zu\n",
	    p->edges_observed, p->edges_allowed, p->edges_excluded,
	    p->edges_decisions);
	fprintf(out, "  rules %zu besides DNS: ", p->rules);
	if (p->rules_needed == p->rules)
		fputs("all needed, without any one of them an observed edge "
		      "would be dropped\n",
		    out);
	else
		fprintf(out,
		    "%zu needed, the others overlap with another one\n",
		    p->rules_needed);
	fprintf(out, "  rollout: each of the %zu steps drops nothing\n",
	    p->rollout_steps);
}

/* What may connect although it was not seen. */
static enum rf_status
print_beyond(FILE *out, const struct recommend_proof *p, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct strbuf text, line;

	strbuf_init(&text, LINE_MAX_BYTES);
	strbuf_init(&line, LINE_MAX_BYTES);
	fprintf(out,
	    "  pairs of workloads and ports that may connect: %zu seen, %zu "
	    "more for DNS, %zu beyond that%s\n",
	    p->pairs_observed, p->pairs_dns, p->n_beyond,
	    p->n_beyond > 0 ? ":" : "");
	for (size_t i = 0; i < p->n_beyond && i < BEYOND_MAX; i++) {
		strbuf_clear(&text);
		strbuf_clear(&line);
		review_pair(&text, &p->beyond[i]);
		text_escape(&line, strbuf_str(&text));
		fprintf(out, "    %s\n", strbuf_str(&line));
	}
	if (p->n_beyond > BEYOND_MAX)
		fprintf(out, "    and %zu more\n", p->n_beyond - BEYOND_MAX);
	if (strbuf_failed(&text) || strbuf_failed(&line))
		st = rf_fail(err, RF_NOMEM, "out of memory");
	strbuf_release(&text);
	strbuf_release(&line);
	return st;
}

/* One line: the reasons stand in REVIEW.md. */
static void
print_readiness(FILE *out, const struct recommendation *r)
{
	const struct recommend_readiness *first;
	size_t n = 0;

	for (size_t i = 0; i < r->n_workloads; i++)
		n += r->workloads[i].readiness.is_ready;
	fprintf(out, "\nReadiness: %zu of %zu workload%s ready", n,
	    r->n_workloads, r->n_workloads == 1 ? " is" : "s are");
	if (n == r->n_workloads) {
		fputs(".\n", out);
		return;
	}
	for (size_t i = 0; i < r->n_workloads; i++) {
		first = &r->workloads[i].readiness;
		if (first->n_reasons == 0)
			continue;
		fprintf(
		    out, "; first reason to wait: %s.\n", first->reasons[0]);
		return;
	}
}

enum rf_status
recommendation_print(
    FILE *out, const struct recommendation *r, struct rf_error *err)
{
	static const struct {
		enum recommend_note_kind kind;
		const char *heading;
	} groups[] = {
		{ NOTE_REMARK, "Remarks" },
		{ NOTE_EXCLUDED, "Left out, no rule was made" },
		{ NOTE_DECISION,
		    "Decide: no rule was made, but it may be "
		    "needed" },
	};
	enum rf_status st;

	st = print_policies(out, r, err);
	for (size_t i = 0; st == RF_OK && i < 3; i++)
		st =
		    print_notes(out, r, groups[i].kind, groups[i].heading, err);
	if (st != RF_OK)
		return st;
	print_proof(out, &r->proof);
	if ((st = print_beyond(out, &r->proof, err)) != RF_OK)
		return st;
	print_readiness(out, r);
	return RF_OK;
}

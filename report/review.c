/* SPDX-License-Identifier: Apache-2.0 */
#include "report/review.h"

#include <inttypes.h>
#include <string.h>

#include "report/note_crowd.h"
#include "report/review_text.h"

#define CELL_MAX   ((size_t)1 << 20)
#define BEYOND_MAX 200 /* pairs that are listed */

struct writing {
	struct strbuf *out;
	struct strbuf cell; /* scratch */
	const struct recommendation *r;
	const struct flow_set *fs;
	struct note_crowd crowd;
};

static void
put_cell(struct writing *w)
{
	if (strbuf_failed(&w->cell))
		w->out->failed = true;
	review_escape(w->out, strbuf_str(&w->cell));
	strbuf_clear(&w->cell);
}

static void
put_text(struct writing *w, const char *text)
{
	review_escape(w->out, text);
}

static void
put_span(struct writing *w)
{
	const struct recommend_span *s = &w->r->span;

	if (s->from_us == 0 && s->to_us == 0) {
		strbuf_puts(w->out, "Nothing was observed yet.\n");
		return;
	}
	strbuf_puts(w->out, "Observed from ");
	review_time(w->out, s->from_us);
	strbuf_puts(w->out, " to ");
	review_time(w->out, s->to_us);
	strbuf_printf(w->out,
	    " in %zu capture%s, %u of the week's 168 hours: %" PRIu64
	    " packets, %" PRIu64 " lost.\nWhat was not observed is not "
	    "covered.\n",
	    w->fs->n_coverage, w->fs->n_coverage == 1 ? "" : "s",
	    s->hours_of_week, s->packets, s->dropped);
	if (w->fs->waiting > 0)
		strbuf_printf(w->out,
		    "%" PRIu64 " connection%s for %s ends to be known: nothing "
		    "here is of %s.\n",
		    w->fs->waiting, w->fs->waiting == 1 ? " waits" : "s wait",
		    w->fs->waiting == 1 ? "its" : "their",
		    w->fs->waiting == 1 ? "it" : "them");
	if (w->fs->open > 0)
		strbuf_printf(w->out,
		    "%" PRIu64 " attempt%s no answer yet: nothing here is of "
		    "%s.\n",
		    w->fs->open, w->fs->open == 1 ? " has" : "s have",
		    w->fs->open == 1 ? "it" : "them");
}

static size_t
count_ready(const struct recommendation *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_workloads; i++)
		n += r->workloads[i].readiness.is_ready;
	return n;
}

static void
put_beyond(struct writing *w)
{
	const struct recommend_proof *p = &w->r->proof;

	strbuf_printf(w->out,
	    "- Pairs of workloads and ports that may connect: %zu that were "
	    "seen, %zu more for DNS, **%zu beyond that**%s\n",
	    p->pairs_observed, p->pairs_dns, p->n_beyond,
	    p->n_beyond == 0 ? "." : ":");
	for (size_t i = 0; i < p->n_beyond && i < BEYOND_MAX; i++) {
		review_pair(&w->cell, &p->beyond[i]);
		strbuf_puts(w->out, "  - ");
		put_cell(w);
		strbuf_putc(w->out, '\n');
	}
	if (p->n_beyond > BEYOND_MAX)
		strbuf_printf(
		    w->out, "  - and %zu more\n", p->n_beyond - BEYOND_MAX);
}

static void
put_proof(struct writing *w)
{
	const struct recommend_proof *p = &w->r->proof;

	strbuf_puts(w->out,
	    "\n## Proof\n\nEvery observed edge was put to the evaluator that "
	    "`ringfence audit` uses.\n\n");
	strbuf_printf(w->out,
	    "- Edges observed: %zu. Allowed: %zu; left out: %zu; waiting for "
	    "a decision: %zu.\n",
	    p->edges_observed, p->edges_allowed, p->edges_excluded,
	    p->edges_decisions);
	strbuf_printf(w->out, "- Rules besides DNS: %zu. ", p->rules);
	if (p->rules == p->rules_needed)
		strbuf_puts(w->out,
		    "Without any one of them an observed edge would be "
		    "dropped: none is redundant.\n");
	else
		strbuf_printf(w->out,
		    "%zu of them cannot be left out without dropping an "
		    "observed edge; the others overlap with another one.\n",
		    p->rules_needed);
	put_beyond(w);
	strbuf_printf(w->out,
	    "- Rollout: after each of the %zu files, in order, no observed "
	    "edge is dropped.\n",
	    p->rollout_steps);
}

static void
put_note(struct writing *w, const struct recommend_note *note)
{
	strbuf_printf(w->out, "- **%s**", note->reason);
	if (note->kind == NOTE_REMARK && note->policy != NULL) {
		strbuf_printf(
		    &w->cell, " %s/%s:", note->namespace, note->policy);
		put_cell(w);
	}
	strbuf_putc(w->out, ' ');
	put_text(w, note->text);
	if (note->edge != NULL) {
		strbuf_printf(w->out, " (%" PRIu64 " connection%s, last ",
		    note->edge->connections,
		    note->edge->connections == 1 ? "" : "s");
		review_time(w->out, note->edge->last_us);
		strbuf_putc(w->out, ')');
	}
	strbuf_putc(w->out, '\n');
}

static void
put_notes(struct writing *w, enum recommend_note_kind kind, const char *none)
{
	const struct recommendation *r = w->r;
	size_t routine = 0, n = 0, more;

	for (size_t i = 0; i < r->n_notes; i++) {
		const struct recommend_note *note = &r->notes[i];

		if (note->kind != kind)
			continue;
		n++;
		if (note_is_routine(note)) {
			routine++;
			continue;
		}
		if (!note_crowd_shows(&w->crowd, note, &more))
			continue;
		put_note(w, note);
		if (more > 0)
			strbuf_printf(w->out,
			    "- **%s** and %zu more like the one above, which "
			    "`ringfence flows` lists\n",
			    note->reason, more);
	}
	if (routine > 0)
		strbuf_printf(w->out,
		    "- %zu edge%s between a pod and its own node (kubelet "
		    "probes and the like) or itself: always allowed\n",
		    routine, routine == 1 ? "" : "s");
	if (n == 0)
		strbuf_printf(w->out, "%s\n", none);
}

static void
put_decisions(struct writing *w)
{
	strbuf_puts(w->out, "\n## Decide\n\n");
	put_notes(w, NOTE_DECISION, "Nothing waits for a decision.");
}

static void
put_readiness_row(
    struct writing *w, const struct recommend_workload *a, size_t n_common)
{
	const struct recommend_readiness *d = &a->readiness;
	const char *comma = "";

	strbuf_puts(w->out, "| ");
	put_text(w, a->namespace);
	strbuf_puts(w->out, " | ");
	put_text(w, a->title);
	strbuf_printf(w->out, " | %s | %" PRIu64 " | %zu | %.2f %% | ",
	    d->is_ready ? "ready" : "wait", d->connections, d->n_edges,
	    100.0 * d->chance);
	for (size_t i = n_common; i < d->n_reasons; i++) {
		strbuf_puts(w->out, comma);
		put_text(w, d->reasons[i]);
		comma = "; ";
	}
	strbuf_puts(w->out, " |\n");
}

/* A namespace is ready when all of its workloads are. */
static void
put_namespaces(struct writing *w)
{
	const struct recommendation *r = w->r;

	for (size_t i = 0, j; i < r->n_workloads; i = j) {
		size_t ready = 0;

		for (j = i; j < r->n_workloads &&
		     strcmp(r->workloads[i].namespace,
			 r->workloads[j].namespace) == 0;
		     j++)
			ready += r->workloads[j].readiness.is_ready;
		strbuf_puts(w->out, "- Namespace ");
		put_text(w, r->workloads[i].namespace);
		strbuf_printf(w->out, ": **%s**, %zu of %zu workloads ready\n",
		    ready == j - i ? "ready" : "wait", ready, j - i);
	}
}

static void
put_readiness(struct writing *w)
{
	const struct recommendation *r = w->r;
	const struct recommend_readiness *first;
	size_t n = count_ready(r), n_common = review_common_reasons(r);

	strbuf_puts(w->out, "\n## Readiness\n\n");
	if (r->n_workloads == 0) {
		strbuf_puts(w->out, "There are no workloads.\n");
		return;
	}
	put_namespaces(w);
	strbuf_puts(w->out, "\n");
	strbuf_printf(w->out, "%zu of %zu workload%s ready.", n, r->n_workloads,
	    r->n_workloads == 1 ? " is" : "s are");
	first = &r->workloads[0].readiness;
	if (n_common > 0)
		strbuf_puts(w->out, " All must wait:\n");
	for (size_t i = 0; i < n_common; i++) {
		strbuf_puts(w->out, "\n- ");
		put_text(w, first->reasons[i]);
	}
	strbuf_puts(w->out,
	    "\n\n*New* is the estimated chance that the next connection is "
	    "one that was never\nseen (Good-Turing: N1 / N).\n\n"
	    "| Namespace | Workload | State | Connections | Edges | New | "
	    "Wait because |\n"
	    "| --- | --- | --- | ---: | ---: | ---: | --- |\n");
	for (size_t i = 0; i < r->n_workloads; i++)
		put_readiness_row(w, &r->workloads[i], n_common);
}

static void
put_evidence(struct writing *w, const struct recommend_evidence *v)
{
	if (v->connections == 0) {
		strbuf_printf(w->out, " - | - | - | %s |\n",
		    v->is_floor ? "always there" : "");
		return;
	}
	strbuf_printf(w->out, " %" PRIu64 " | ", v->connections);
	review_time(w->out, v->first_us);
	strbuf_puts(w->out, " | ");
	review_time(w->out, v->last_us);
	strbuf_puts(w->out, " | ");
	if (v->example_text != NULL)
		put_text(w, v->example_text);
	if (v->n_edges > 1)
		strbuf_printf(w->out, " and %zu more edge%s", v->n_edges - 1,
		    v->n_edges == 2 ? "" : "s");
	strbuf_puts(w->out, " |\n");
}

static void
put_rules(struct writing *w, const struct recommend_file *f,
    const struct policy *p, enum policy_direction d)
{
	for (size_t i = 0; i < p->n_rules[d]; i++) {
		strbuf_printf(
		    w->out, "| %s %zu | ", policy_direction_name(d), i + 1);
		review_peers(&w->cell, &p->rules[d][i]);
		put_cell(w);
		strbuf_puts(w->out, " | ");
		review_ports(&w->cell, &p->rules[d][i]);
		put_cell(w);
		strbuf_puts(w->out, " |");
		put_evidence(w, &f->evidence[d][i]);
	}
}

static void
put_policy(struct writing *w, const struct recommend_file *f)
{
	const struct policy *p = &w->r->set.policies[f->policy];

	strbuf_puts(w->out, "\n### ");
	strbuf_printf(&w->cell, "%s/%s", f->namespace, f->name);
	put_cell(w);
	strbuf_puts(w->out, "\n\n");
	if (p->comment != NULL) {
		put_text(w, p->comment);
		strbuf_puts(w->out, "; selects ");
	}
	review_selector(&w->cell, &p->pod_selector);
	put_cell(w);
	strbuf_puts(w->out, ".\n");
	if (p->n_rules[0] + p->n_rules[1] == 0) {
		strbuf_puts(w->out,
		    "No rules: nothing comes in or goes out "
		    "by this policy.\n");
		return;
	}
	strbuf_puts(w->out,
	    "\n| Rule | Peers | Ports | Connections | First seen | Last seen "
	    "| For example |\n| --- | --- | --- | ---: | --- | --- | --- |\n");
	put_rules(w, f, p, POLICY_INGRESS);
	put_rules(w, f, p, POLICY_EGRESS);
}

/* Nothing that a shell or Markdown would take for more than a name. */
static bool
is_plain(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")] ==
	    '\0' &&
	    name[0] != '-';
}

/* How to be rid of those that stay; they are sorted by namespace. */
static void
put_deletion(struct writing *w, const struct recommend_change *c)
{
	const char *ns = NULL;

	for (size_t i = 0; i < c->n_policies; i++) {
		const struct recommend_existing *p = &c->policies[i];

		if (p->is_replaced || !is_plain(p->name) ||
		    !is_plain(p->namespace))
			continue;
		if (ns == NULL)
			strbuf_puts(w->out,
			    "\nOurs need none of them. Once all files are "
			    "applied:\n\n```sh");
		if (ns == NULL || strcmp(ns, p->namespace) != 0)
			strbuf_printf(w->out,
			    "\nkubectl delete networkpolicy -n %s",
			    p->namespace);
		ns = p->namespace;
		strbuf_printf(w->out, " \\\n    %s", p->name);
	}
	if (ns != NULL)
		strbuf_puts(w->out, "\n```\n");
}

/* Each policy that is there, and what becomes of it; returns how many stay. */
static size_t
put_existing(struct writing *w, const struct recommend_change *c)
{
	size_t kept = 0;

	strbuf_puts(w->out, "\n## What changes\n\n");
	for (size_t i = 0; i < c->n_policies; i++) {
		strbuf_printf(&w->cell, "%s/%s", c->policies[i].namespace,
		    c->policies[i].name);
		strbuf_puts(w->out, "- ");
		put_cell(w);
		strbuf_puts(w->out,
		    c->policies[i].is_replaced
			? ": replaced, for ours bears the same name\n"
			: ": stays until somebody deletes it\n");
		kept += !c->policies[i].is_replaced;
	}
	strbuf_printf(w->out,
	    "\nThe existing policies alone would allow %zu of the observed "
	    "edges and drop %zu.\n",
	    c->edges_allowed, c->edges_denied);
	return kept;
}

/* What is open while those stay. */
static void
put_meanwhile(struct writing *w, const struct recommend_change *c, size_t kept)
{
	if (kept == 1)
		strbuf_puts(w->out,
		    "Policies add up: while the one that stays "
		    "does,");
	else
		strbuf_printf(w->out,
		    "Policies add up: while the %zu that stay do,", kept);
	if (c->n_beyond == 0)
		strbuf_puts(w->out, " nothing more may connect.\n");
	else
		strbuf_printf(w->out,
		    " %zu pair%s of workloads and\nports may connect that "
		    "%s not seen:\n\n",
		    c->n_beyond, c->n_beyond == 1 ? "" : "s",
		    c->n_beyond == 1 ? "was" : "were");
	for (size_t i = 0; i < c->n_beyond && i < BEYOND_MAX; i++) {
		review_pair(&w->cell, &c->beyond[i]);
		strbuf_puts(w->out, "- ");
		put_cell(w);
		strbuf_putc(w->out, '\n');
	}
	if (c->n_beyond > BEYOND_MAX)
		strbuf_printf(
		    w->out, "- and %zu more\n", c->n_beyond - BEYOND_MAX);
}

/* Beside policies that are there already. */
static void
put_change(struct writing *w)
{
	const struct recommend_change *c = &w->r->change;
	size_t kept;

	if (c->n_policies == 0)
		return;
	kept = put_existing(w, c);
	if (kept == 0)
		return;
	put_meanwhile(w, c, kept);
	if (c->is_incremental)
		strbuf_puts(w->out,
		    "\nOurs leave out what they allow: they must stay.\n");
	else
		put_deletion(w, c);
}

static void
put_limits(struct writing *w)
{
	strbuf_puts(w->out,
	    "\n## What NetworkPolicy cannot express\n\n"
	    "- Pods on the node's network (hostNetwork): no policy selects "
	    "them, and as peers\n  they are their node's address, together "
	    "with everything else on that node.\n"
	    "- Clients whose address a node or load balancer has rewritten: "
	    "a rule can only\n  name the nodes, and the client for where "
	    "that happens on the pod's own.\n"
	    "- DNS names: services outside are allowed by the addresses that "
	    "were seen.\n"
	    "- ICMP, and anything that is not TCP, UDP or SCTP: network "
	    "plugins differ.\n"
	    "- A pod's own node: it reaches the pod whatever policies say.\n");
}

static void
put_policies(struct writing *w)
{
	const struct recommendation *r = w->r;

	strbuf_puts(w->out,
	    "\n## Rules and their evidence\n\nIn rollout order: each file "
	    "after the one before it.\n");
	for (size_t i = 0; i < r->n_files; i++)
		put_policy(w, &r->files[i]);
}

enum rf_status
review_write(struct strbuf *out, const struct recommendation *r,
    const struct flow_set *fs, struct rf_error *err)
{
	struct writing w = { .out = out, .r = r, .fs = fs };
	enum rf_status st = note_crowd_init(&w.crowd, r, err);

	if (st != RF_OK)
		goto out;
	strbuf_init(&w.cell, CELL_MAX);
	strbuf_puts(
	    out, "# Review: NetworkPolicies that ringfence recommends\n\n");
	put_span(&w);
	put_proof(&w);
	put_decisions(&w);
	put_readiness(&w);
	strbuf_puts(out, "\n## Remarks\n\n");
	put_notes(&w, NOTE_REMARK, "None.");
	strbuf_puts(out, "\n## Left out, no rule was made\n\n");
	put_notes(&w, NOTE_EXCLUDED, "Nothing.");
	put_change(&w);
	put_limits(&w);
	put_policies(&w);
	strbuf_release(&w.cell);
	if (strbuf_failed(out))
		st = rf_fail(err, RF_NOMEM, "review: out of memory");
out:
	note_crowd_release(&w.crowd);
	return st;
}

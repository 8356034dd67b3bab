/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/would_drop_count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "report/text.h"

#define N_SLOTS(v) (sizeof(v) / sizeof((v)[0]))

void
drop_counts_release(struct drop_counts *d)
{
	for (size_t i = 0; i < N_SLOTS(d->policies); i++) {
		free(d->policies[i].namespace);
		free(d->policies[i].name);
	}
	memset(d->policies, 0, sizeof(d->policies));
	d->n_policies = 0;
}

bool
drop_counts_meet(struct drop_counts *d, uint64_t edge)
{
	size_t mask = N_SLOTS(d->seen) - 1, i;

	edge += edge == 0;
	for (i = edge & mask; d->seen[i] != 0; i = (i + 1) & mask)
		if (d->seen[i] == edge)
			return false;
	if (d->n_seen == DROP_EDGES_MAX) {
		d->edges_lost++;
		return false;
	}
	d->seen[i] = edge;
	d->n_seen++;
	d->edges++;
	return true;
}

void
drop_counts_forget(struct drop_counts *d)
{
	memset(d->seen, 0, sizeof(d->seen));
	d->n_seen = 0;
}

struct drop_counter *
drop_counts_of(struct drop_counts *d, const char *namespace, const char *name,
    int direction)
{
	size_t mask = N_SLOTS(d->policies) - 1, i;
	uint64_t hash =
	    hash_string(hash_string((unsigned)direction, namespace), name);
	struct drop_counter *c;

	for (i = hash & mask; d->policies[i].name != NULL; i = (i + 1) & mask) {
		c = &d->policies[i];
		if (c->direction == direction && strcmp(c->name, name) == 0 &&
		    strcmp(c->namespace, namespace) == 0)
			return c;
	}
	if (d->n_policies == DROP_POLICIES_MAX)
		return NULL;
	c = &d->policies[i];
	c->namespace = strdup(namespace);
	c->name = strdup(name);
	if (c->namespace == NULL || c->name == NULL) {
		free(c->namespace);
		free(c->name);
		*c = (struct drop_counter){ 0 };
		return NULL;
	}
	c->direction = direction;
	d->n_policies++;
	return c;
}

/* A label's value. Names of Kubernetes need no escaping; who reads others in a
 * terminal is safe from them. */
static void
render_value(struct strbuf *out, const char *s)
{
	struct strbuf shown;

	strbuf_init(&shown, 65536);
	text_escape(&shown, s);
	if (strbuf_failed(&shown))
		out->failed = true;
	for (s = strbuf_str(&shown); *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *s);
	}
	strbuf_release(&shown);
}

static void
render_policies(const struct drop_counts *d, struct strbuf *out,
    const char *metric, const char *help, bool is_edges)
{
	strbuf_printf(
	    out, "# HELP %s %s\n# TYPE %s counter\n", metric, help, metric);
	for (size_t i = 0; i < N_SLOTS(d->policies); i++) {
		const struct drop_counter *c = &d->policies[i];

		if (c->name == NULL)
			continue;
		strbuf_printf(out, "%s{namespace=\"", metric);
		render_value(out, c->namespace);
		strbuf_puts(out, "\",policy=\"");
		render_value(out, c->name);
		strbuf_printf(out, "\",direction=\"%s\"} %" PRIu64 "\n",
		    c->direction == POLICY_EGRESS ? "egress" : "ingress",
		    is_edges ? c->edges : c->connections);
	}
}

static void
render_one(
    struct strbuf *out, const char *metric, const char *help, uint64_t value)
{
	strbuf_printf(out, "# HELP %s %s\n# TYPE %s counter\n%s %" PRIu64 "\n",
	    metric, help, metric, metric, value);
}

void
drop_counts_render(const struct drop_counts *d, struct strbuf *out)
{
	static const char judged[] =
	    "ringfence_would_drop_judged_connections_total";

	strbuf_printf(out,
	    "# HELP %s Connections stored and judged, by verdict.\n"
	    "# TYPE %s counter\n",
	    judged, judged);
	for (int v = 0; v < AUDIT_VERDICT_COUNT; v++)
		strbuf_printf(out, "%s{verdict=\"%s\"} %" PRIu64 "\n", judged,
		    audit_verdict_name((enum audit_verdict)v),
		    d->connections[v]);
	render_policies(d, out, "ringfence_would_drop_connections_total",
	    "Connections that a side of would be dropped, by each policy that "
	    "isolates that side's pod.",
	    false);
	render_policies(d, out, "ringfence_would_drop_edges_total",
	    "The same, each edge once for a set of policies.", true);
	render_one(out, "ringfence_would_drop_new_edges_total",
	    "Edges that would be dropped, each once for a set of policies.",
	    d->edges);
	render_one(out, "ringfence_would_drop_edges_overflow_total",
	    "Flows of edges that were too many to be told apart.",
	    d->edges_lost);
	render_one(out, "ringfence_would_drop_policies_overflow_total",
	    "Connections of policies that were too many for labels.", d->other);
}

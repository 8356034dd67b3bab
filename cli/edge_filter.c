/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/edge_filter.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "core/strbuf.h"
#include "report/text.h"

#define PATH_MAX_BYTES 2048

/* OUTCOME_COUNT: there is none of that name. */
static unsigned
outcome_of(const char *word)
{
	unsigned o = 0;

	while (o < OUTCOME_COUNT && strcmp(flow_outcome_name(o), word) != 0)
		o++;
	return o;
}

int
edge_filter_check(
    const struct command_spec *spec, const struct edge_filter_options *o)
{
	for (size_t i = 0; i < o->outcomes.n; i++)
		if (outcome_of(o->outcomes.v[i]) == OUTCOME_COUNT)
			return options_usage(spec,
			    "--outcome is established, oneway, midstream, "
			    "refused, unanswered or dropped, not '%s'",
			    o->outcomes.v[i]);
	for (size_t i = 0; i < o->workloads.n; i++)
		if (strchr(o->workloads.v[i], '/') == NULL)
			return options_usage(spec,
			    "--workload is NAMESPACE/NAME or "
			    "NAMESPACE/KIND/NAME, not '%s'",
			    o->workloads.v[i]);
	return OPTIONS_RUN;
}

/* "ns/name", fit for a terminal, in arena; NULL: out of memory. */
static const char *
path_of(
    const struct kube_workload *w, struct strbuf *scratch, struct arena *arena)
{
	strbuf_clear(scratch);
	text_escape(scratch, w->namespace);
	strbuf_putc(scratch, '/');
	text_escape(scratch, w->name);
	return strbuf_failed(scratch)
	    ? NULL
	    : arena_strdup(arena, strbuf_str(scratch));
}

/* A filter that nothing can pass would make an audit of nothing look well. */
static int
say_unknown(const struct command_spec *spec, const struct cluster *c,
    const char *wanted, struct arena *arena)
{
	struct strbuf scratch;
	struct nearest near;

	strbuf_init(&scratch, PATH_MAX_BYTES);
	nearest_init(&near, wanted);
	for (size_t i = 0; i < c->n_workloads; i++) {
		const char *path = path_of(&c->workloads[i], &scratch, arena);

		if (path != NULL)
			nearest_offer(&near, path);
	}
	strbuf_release(&scratch);
	if (near.best != NULL)
		return options_usage(spec,
		    "workload '%s' is not in the database; did you mean '%s'?",
		    wanted, near.best);
	return options_usage(
	    spec, "workload '%s' is not in the database", wanted);
}

int
edge_filter_make(struct view_filter *out, const struct command_spec *spec,
    const struct edge_filter_options *o, const struct cluster *c,
    struct arena *arena)
{
	*out = (struct view_filter){ .port = (uint16_t)o->port };
	for (size_t i = 0; i < o->outcomes.n; i++)
		out->outcomes |= 1u << outcome_of(o->outcomes.v[i]);
	for (size_t i = 0; i < o->workloads.n; i++) {
		const char *wanted = o->workloads.v[i];
		size_t n;

		if (view_filter_add_workload(out, c, wanted, arena, &n) !=
		    RF_OK) {
			fprintf(stderr, "ringfence: out of memory\n");
			return STATUS_FAILURE;
		}
		if (n == 0)
			return say_unknown(spec, c, wanted, arena);
	}
	return OPTIONS_RUN;
}

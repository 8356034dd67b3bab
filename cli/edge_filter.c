/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/edge_filter.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "core/strbuf.h"
#include "kube/selector_text.h"
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

static int
read_selector(const struct command_spec *spec, struct edge_filter_options *o,
    struct arena *arena)
{
	struct rf_error err;
	enum rf_status st;

	if (o->selector == NULL)
		return OPTIONS_RUN;
	st = selector_text_read(&o->labels, o->selector, arena, &err);
	if (st == RF_INVAL)
		return options_usage(spec, "-l '%s' is no label selector: %s",
		    o->selector, err.msg);
	if (st == RF_OK)
		return OPTIONS_RUN;
	fprintf(stderr, "ringfence: %s\n", err.msg);
	return STATUS_FAILURE;
}

int
edge_filter_check(const struct command_spec *spec,
    struct edge_filter_options *o, struct arena *arena)
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
	return read_selector(spec, o, arena);
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

static int
say_no_memory(void)
{
	fprintf(stderr, "ringfence: out of memory\n");
	return STATUS_FAILURE;
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

static int
add_workloads(struct view_filter *out, const struct command_spec *spec,
    const struct option_list *workloads, struct dataset *d)
{
	for (size_t i = 0; i < workloads->n; i++) {
		const char *wanted = workloads->v[i];
		size_t n;

		if (view_filter_add_workload(
			out, d->cluster, wanted, &d->arena, &n) != RF_OK)
			return say_no_memory();
		if (n == 0)
			return say_unknown(spec, d->cluster, wanted, &d->arena);
	}
	return OPTIONS_RUN;
}

static int
add_selected(struct view_filter *out, const struct command_spec *spec,
    const struct edge_filter_options *o, const struct option_list *namespaces,
    struct dataset *d)
{
	struct view_namespaces in = { namespaces->v, namespaces->n };
	size_t n;

	if (view_filter_select(
		out, d->cluster, &o->labels, &in, &d->arena, &n) != RF_OK)
		return say_no_memory();
	if (n == 0)
		return options_usage(spec,
		    "-l '%s' selects no pod that the database knows%s",
		    o->selector, in.n == 0 ? "" : " in what -n names");
	return OPTIONS_RUN;
}

int
edge_filter_make(struct view_filter *out, const struct command_spec *spec,
    const struct edge_filter_options *o, const struct option_list *namespaces,
    struct dataset *d)
{
	int rc;

	*out = (struct view_filter){ .port = (uint16_t)o->port };
	for (size_t i = 0; i < o->outcomes.n; i++)
		out->outcomes |= 1u << outcome_of(o->outcomes.v[i]);
	rc = add_workloads(out, spec, &o->workloads, d);
	if (rc == OPTIONS_RUN && o->selector != NULL)
		rc = add_selected(out, spec, o, namespaces, d);
	return rc;
}

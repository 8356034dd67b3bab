/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_filter: --workload, --port and --outcome, which flows and audit share.
 */
#ifndef CLI_EDGE_FILTER_H
#define CLI_EDGE_FILTER_H

#include "cli/options.h"
#include "report/view_filter.h"

struct edge_filter_options {
	struct option_list workloads, outcomes;
	uint64_t port; /* 0: any */
};

#define EDGE_FILTER_WORKLOAD_HELP                                              \
	"Only edges with an end in this workload: NAMESPACE/NAME, or "         \
	"NAMESPACE/KIND/NAME. Repeatable."
#define EDGE_FILTER_OUTCOME_HELP                                               \
	"Only edges with this outcome: established, oneway, midstream, "       \
	"refused, unanswered or dropped. Repeatable."
#define EDGE_FILTER_PORT_HELP                                                  \
	"Only edges to this port, of the pod or of the Service."

/*
 * What needs no database: OPTIONS_RUN, or the exit status after a mistake was
 * said.
 */
int edge_filter_check(
    const struct command_spec *spec, const struct edge_filter_options *o);

/* Look the workloads up. OPTIONS_RUN, or the exit status after it was said
 * that one is not known, or that memory ran out. */
int edge_filter_make(struct view_filter *out, const struct command_spec *spec,
    const struct edge_filter_options *o, const struct cluster *c,
    struct arena *arena);

#endif

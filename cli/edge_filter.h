/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_filter: --workload, -l, --port and --outcome, which flows and audit
 * share.
 */
#ifndef CLI_EDGE_FILTER_H
#define CLI_EDGE_FILTER_H

#include "cli/dataset.h"
#include "cli/options.h"
#include "report/view_filter.h"

struct edge_filter_options {
	struct option_list workloads, outcomes;
	const char *selector;         /* NULL: any labels */
	struct label_selector labels; /* what it says, once checked */
	uint64_t port;                /* 0: any */
};

#define EDGE_FILTER_WORKLOAD_HELP                                              \
	"Only edges with an end in this workload: NAMESPACE/NAME, or "         \
	"NAMESPACE/KIND/NAME. Repeatable."
#define EDGE_FILTER_SELECTOR_HELP                                              \
	"Only edges with an end in a workload whose pods have these labels, "  \
	"as kubectl's -l: 'app=web,tier!=front,env in (a, b),!canary'. With "  \
	"-n, in one of those namespaces."
#define EDGE_FILTER_OUTCOME_HELP                                               \
	"Only edges with this outcome: established, oneway, midstream, "       \
	"refused, unanswered or dropped. Repeatable."
#define EDGE_FILTER_PORT_HELP                                                  \
	"Only edges to this port, of the pod or of the Service."

/*
 * What needs no database: OPTIONS_RUN, or the exit status after a mistake was
 * said. The selector is read into arena.
 */
int edge_filter_check(const struct command_spec *spec,
    struct edge_filter_options *o, struct arena *arena);

/* Look the workloads up, those that the selector means in the namespaces given
 * with -n. OPTIONS_RUN, or the exit status after it was said that there is none
 * such, or that memory ran out. */
int edge_filter_make(struct view_filter *out, const struct command_spec *spec,
    const struct edge_filter_options *o, const struct option_list *namespaces,
    struct dataset *d);

#endif

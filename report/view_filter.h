/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_filter: which edges a person asked for.
 */
#ifndef REPORT_VIEW_FILTER_H
#define REPORT_VIEW_FILTER_H

#include "core/arena.h"
#include "kube/cluster.h"
#include "report/view.h"

/* Zero lets everything pass. */
struct view_filter {
	unsigned outcomes;   /* bits by enum flow_outcome */
	uint16_t port;       /* of the pod, or of the Service */
	uint32_t *workloads; /* one of them at one end */
	size_t n_workloads, cap_workloads;
	const bool *selected; /* by workload, one of these at one end; NULL:
			       * any */
};

bool view_filter_passes(const struct view_filter *f, const struct view_edge *e);

/*
 * Add the workloads that "NS/NAME" or "NS/KIND/NAME" means, the kind as people
 * call it (kube/kind.h). *n receives how many they are: 0 when the cluster has
 * none such.
 */
RF_MUST_USE enum rf_status view_filter_add_workload(struct view_filter *f,
    const struct cluster *c, const char *text, struct arena *arena, size_t *n);

/* Namespaces by name; n 0: all. */
struct view_namespaces {
	const char *const *v;
	size_t n;
};

/*
 * Let only pass what has an end in a workload of these namespaces some of
 * whose pods s selects, or its labels where it has no pod. *n receives how
 * many workloads these are.
 */
RF_MUST_USE enum rf_status view_filter_select(struct view_filter *f,
    const struct cluster *c, const struct label_selector *s,
    const struct view_namespaces *in, struct arena *arena, size_t *n);

/* Keep the edges that pass. */
RF_MUST_USE enum rf_status view_narrow(struct view *v,
    const struct view_filter *f, struct arena *arena, struct rf_error *err);

#endif

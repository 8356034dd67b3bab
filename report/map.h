/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: the graph of an audit: who calls whom on which port, and the verdict.
 *
 * Traffic only. What would hide everything else is counted instead of drawn:
 * allowed look-ups of DNS, and what a pod's own node does.
 */
#ifndef REPORT_MAP_H
#define REPORT_MAP_H

#include "report/graph.h"

/* A workload that the page has a row for. */
struct map_member {
	const char *namespace, *title; /* "Deployment web" */
	const char *href;              /* of the row */
	bool is_ready;
	bool is_drawn; /* also where no traffic of it is drawn */
};

struct map_input {
	const struct audit_edge *const *edges;
	size_t n_edges;
	const struct map_member *members; /* sorted with map_member_compare */
	size_t n_members;
	/* Whose workloads are drawn one by one: those of this namespace. NULL:
	 * of every one, or with is_coarse of none. Others are one box each. */
	const char *namespace;
	bool is_coarse;
	/* Sorted namespaces with a section each: that of the i-th is #nsI. */
	const char *const *spaces;
	size_t n_spaces;
};

struct map {
	struct graph graph;
	size_t n_edges; /* that its lines stand for */
	size_t n_dns, n_own_node, n_failed, n_inside; /* left out */
};

/* Everything in *out lives in arena; it is laid out. */
RF_MUST_USE enum rf_status map_make(struct map *out, const struct map_input *in,
    struct arena *arena, struct rf_error *err);

/* By namespace, then title; for qsort. */
int map_member_compare(const void *a, const void *b);

#endif

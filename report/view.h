/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: edges with the names of their ends, in an order that names make.
 *
 * Indices differ between databases with the same content; names do not. All
 * printing goes over this.
 */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "core/arena.h"
#include "core/edge.h"
#include "core/strbuf.h"
#include "kube/cluster.h"
#include "report/csv.h"
#include "report/json_writer.h"

/* One end of an edge. Texts are never NULL. */
struct view_end {
	enum endpoint_type type;
	const char *namespace, *kind; /* WORKLOAD, else "" */
	const char *name;             /* WORKLOAD and NODE, else "" */
	struct ip_addr ip;            /* EXTERNAL and UNKNOWN */
	const char **dns;             /* EXTERNAL: names seen for it, sorted */
	size_t n_dns;
};

/* Of a million edges a million of these: ends are shared. */
struct view_edge {
	const struct edge *edge;
	const struct view_end *src, *dst;
	const char *service_namespace, *service_name; /* NULL: none dialled */
	struct ip_addr *seen_from; /* the source's rewritten addresses, as
				    * the destination saw them; sorted */
	uint32_t n_seen_from;
	/* How many pods of a workload took part; 0 when it is not known which,
	 * and of ends that are no workload. */
	uint32_t src_pods, dst_pods;
};

struct view {
	const struct view_edge *edges;
	size_t n_edges;
	const struct flow_set *flows;
};

/* Everything in *out lives in arena and borrows the rest. */
RF_MUST_USE enum rf_status view_make(struct view *out,
    const struct edge_set *edges, const struct flow_set *flows,
    const struct cluster *c, struct arena *arena, struct rf_error *err);

/* Order of two edges by the names of their ends, then by the rest
 * of their key. */
int view_edge_compare(const struct view_edge *a, const struct view_edge *b);

/*
 * "shop/deployment/web", "node/node-1", "external/203.0.113.7 (api.example)",
 * "unknown/10.1.2.3". Not escaped.
 */
void view_end_text(struct strbuf *out, const struct view_end *e);

/* "shop/web:80", "" when no Service was dialled. */
void view_service_text(struct strbuf *out, const struct view_edge *e);

/* The members that flows and audit share, into an object that is open. */
void view_edge_json(struct json_writer *w, const struct view_edge *e);

/* The array "coverage". */
void view_coverage_json(struct json_writer *w, const struct flow_set *fs);

#endif

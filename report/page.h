/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: what was observed and what policies say of it, as one HTML file for
 * a browser: the graph, verdicts, readiness, what is not known.
 *
 * The page needs nothing else: no address is fetched, and without scripts all
 * of it is there. The one script, which its Content-Security-Policy names by
 * digest, filters tables and highlights lines. The document is well-formed
 * XML, too. No clock, no path: the same input gives the same bytes.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "recommender/recommend.h"
#include "report/audit.h"

struct page_input {
	const struct recommendation *recommendation; /* readiness, decisions */
	const struct audit *audit;     /* of all edges; counts are not read */
	const char *const *namespaces; /* with a section; n 0: every one */
	size_t n_namespaces;
	bool is_recommended; /* the audit is of the recommendation's set */
};

/* Append the whole document. Scratch lives in arena. */
RF_MUST_USE enum rf_status page_write(struct strbuf *out,
    const struct page_input *in, struct arena *arena, struct rf_error *err);

#endif

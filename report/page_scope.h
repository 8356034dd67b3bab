/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_scope: what the page has sections and rows for, found out once.
 * Private to report/page*.c.
 */
#ifndef REPORT_PAGE_SCOPE_H
#define REPORT_PAGE_SCOPE_H

#include "report/page_internal.h"

/* Fill everything of p below in, r, a and arena, which are set. */
RF_MUST_USE enum rf_status page_scope(struct page *p, struct rf_error *err);

#endif

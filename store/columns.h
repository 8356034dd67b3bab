/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns: labels, selectors, ports and address lists as JSON text, one
 * column each, because they are only ever read back whole.
 *
 * The text is canonical: equal values give equal bytes, which is how the
 * queries tell that nothing changed.
 */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#include "core/arena.h"
#include "core/strbuf.h"
#include "kube/cluster.h"

#define COLUMNS_MAX 8 /* of one row */

/* Texts that live until the writer is cleared; their memory is used again. */
struct column_writer {
	struct strbuf text[COLUMNS_MAX];
	int n;
	bool failed; /* out of memory, or a string that is not UTF-8 */
};

void column_writer_init(struct column_writer *w);
void column_writer_release(struct column_writer *w);

const char *column_labels(struct column_writer *w, const struct label_set *l);
const char *column_selector(
    struct column_writer *w, const struct label_selector *sel);
const char *column_ips(
    struct column_writer *w, const struct ip_addr *v, size_t n);
const char *column_cidrs(
    struct column_writer *w, const struct ip_prefix *v, size_t n);
const char *column_pod_ports(
    struct column_writer *w, const struct kube_port *v, size_t n);
const char *column_service_ports(
    struct column_writer *w, const struct kube_service_port *v, size_t n);

/* The next row: no texts, no failure. */
void column_writer_clear(struct column_writer *w);

/* Into arena. RF_CORRUPT: not what the functions above write. */
RF_MUST_USE enum rf_status column_read_labels(struct label_set *out,
    const char *text, struct arena *a, struct rf_error *err);
RF_MUST_USE enum rf_status column_read_selector(struct label_selector *out,
    const char *text, struct arena *a, struct rf_error *err);
RF_MUST_USE enum rf_status column_read_ips(const struct ip_addr **out,
    size_t *n, const char *text, struct arena *a, struct rf_error *err);
RF_MUST_USE enum rf_status column_read_cidrs(const struct ip_prefix **out,
    size_t *n, const char *text, struct arena *a, struct rf_error *err);
RF_MUST_USE enum rf_status column_read_pod_ports(const struct kube_port **out,
    size_t *n, const char *text, struct arena *a, struct rf_error *err);
RF_MUST_USE enum rf_status column_read_service_ports(
    const struct kube_service_port **out, size_t *n, const char *text,
    struct arena *a, struct rf_error *err);

#endif

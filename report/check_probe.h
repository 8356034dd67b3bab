/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_probe: one line of `ringfence check --probes`, which is a connection
 * to ask about, and the line that answers it.
 *
 *	{"src":"10.1.0.4","dst":"10.1.0.9","proto":"TCP","port":8080,
 *	 "src_pod":"shop/web-1","dst_pod":null}
 *
 * src_pod and dst_pod may be left out: then the address says who it is. null
 * says that it is no pod. With a pod the address may be left out. Other keys
 * are ignored. What is not of this shape is refused, never guessed.
 */
#ifndef REPORT_CHECK_PROBE_H
#define REPORT_CHECK_PROBE_H

#include "report/check.h"

enum check_probe_pod {
	PROBE_POD_UNSAID, /* whoever holds the address */
	PROBE_POD_NONE,   /* null: nobody does */
	PROBE_POD_NAMED
};

struct check_probe_end {
	bool has_ip;
	struct ip_addr ip;
	enum check_probe_pod pod;
	char namespace[64], name[254]; /* PROBE_POD_NAMED */
};

struct check_probe {
	struct check_probe_end src, dst;
	uint16_t port;
	uint8_t protocol;
};

/*
 * Read one line, without its newline. RF_INVAL: err says which field is wrong
 * and why. Plain lines take a short way, which check_probe_read_json, the
 * long one, must agree with.
 */
RF_MUST_USE enum rf_status check_probe_read(struct check_probe *out,
    const char *line, size_t len, struct rf_error *err);
RF_MUST_USE enum rf_status check_probe_read_json(struct check_probe *out,
    const char *line, size_t len, struct rf_error *err);

/*
 * Name both ends. RF_INVAL: a pod that is not there, or that has no address
 * where none was given.
 */
RF_MUST_USE enum rf_status check_probe_resolve(struct check_group *out,
    const struct cluster *c, const struct check_probe *p, struct rf_error *err);

/* Append the answer as one line of JSON, or for people. text is scratch. */
void check_probe_answer(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, bool as_json, struct strbuf *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_print: one connection's answer, for people and for programs.
 */
#ifndef REPORT_CHECK_PRINT_H
#define REPORT_CHECK_PRINT_H

#include <stdio.h>

#include "report/check.h"

struct check_report {
	const struct check_scene *scene;
	const struct check_result *result;
	const char *src, *dst; /* as they were asked for */
	uint32_t service;      /* that was dialled, or FLOW_NONE */
	bool by_selector;      /* its pods are those it selects: no
				* EndpointSlice was read */
	bool by_node;          /* it was dialled by a node's address */
	uint16_t port;         /* as it was asked for */
	uint8_t protocol;
};

RF_MUST_USE enum rf_status check_print_text(
    FILE *out, const struct check_report *r, struct rf_error *err);
RF_MUST_USE enum rf_status check_print_json(
    FILE *out, const struct check_report *r, struct rf_error *err);

#endif

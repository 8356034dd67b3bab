/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line on stderr for what an operator should know.
 *
 * Only cli/ and the collecting loop log; everything below returns errors.
 * Not thread-safe but for the sink's own locking.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN };

/* Receives one finished line without its newline. */
typedef void log_sink(enum log_level level, const char *line, void *arg);

/* Replace stderr (tests, fuzzers); NULL puts stderr back. */
void log_set_sink(log_sink *sink, void *arg);

void log_error(const char *area, const char *fmt, ...) RF_PRINTF(2, 3);
void log_warn(const char *area, const char *fmt, ...) RF_PRINTF(2, 3);

#endif

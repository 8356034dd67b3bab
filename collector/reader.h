/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: several captures as one stream of decoded batches in time order.
 *
 * Reading and decoding have a thread of their own: they are a third of the
 * work on a large file. The caller's thread takes the batches; what the reader
 * learns of each capture (coverage, digest) is the caller's to read once
 * reader_next has said that that was all.
 */
#ifndef COLLECTOR_READER_H
#define COLLECTOR_READER_H

#include "collector/intake.h"
#include "core/error.h"
#include "core/flow.h"

struct reader;

struct reader_config {
	const char *const *files; /* "-" is standard input */
	size_t n_files;
	const char *node; /* for coverage; NULL: unknown */
	bool accept_cut;  /* take what is whole of a file that is cut off */
	struct flow_table *ft; /* put into each batch, with names */
	struct names *names;
};

/*
 * Open every capture and start reading. RF_IO, RF_CORRUPT or RF_INVAL name
 * the capture. config and its strings are borrowed for the reader's life.
 */
RF_MUST_USE enum rf_status reader_start(struct reader **out,
    const struct reader_config *config, struct rf_error *err);

/*
 * The next batch, or NULL when there is no more; it is the caller's until the
 * next call. After NULL reader_status says whether that was the end.
 */
struct intake *reader_next(struct reader *r);

/* RF_OK: every capture was read to its end. */
RF_MUST_USE enum rf_status reader_status(
    const struct reader *r, struct rf_error *err);

/* What was read of file i. Only after reader_next said NULL. */
const struct coverage *reader_coverage(const struct reader *r, size_t i);

/* A mark of the content of file i: of times, lengths and addresses of its
 * frames. Only after reader_next said NULL. */
uint64_t reader_digest(const struct reader *r, size_t i);

/* Stop reading, wherever it is. NULL is allowed. */
void reader_stop(struct reader *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: how a function says that it failed, and why.
 *
 * Every fallible function returns an enum rf_status and takes, as its last
 * parameter, a struct rf_error that may be NULL. Whoever returns an error
 * does not log it; only cli/ and the daemon's loop do.
 */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

enum rf_status {
	RF_OK = 0,
	RF_NOMEM,   /* an allocation failed */
	RF_INVAL,   /* the caller's or the user's input is wrong */
	RF_IO,      /* the operating system refused */
	RF_CORRUPT, /* stored or foreign data does not hold together */
	RF_VERSION, /* written by a version that we do not speak */
	RF_LIMIT,   /* a stated bound was reached */
	RF_EXISTS   /* it is there already, and was left as it is */
};

#define RF_ERROR_MAX 512

struct rf_error {
	enum rf_status code;
	char msg[RF_ERROR_MAX]; /* one line, no newline, never empty */
};

#define RF_MUST_USE          __attribute__((warn_unused_result))
#define RF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Record code and text in err, unless it is NULL, and return code. */
enum rf_status rf_fail(struct rf_error *err, enum rf_status code,
    const char *fmt, ...) RF_PRINTF(3, 4);

/*
 * Put "prefix: " before the text that err already holds and return code, so
 * that a message reads from the outside in.
 */
enum rf_status rf_wrap(struct rf_error *err, enum rf_status code,
    const char *fmt, ...) RF_PRINTF(3, 4);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_server: a small HTTP/1.1 server on 127.0.0.1, on a thread of its
 * own, that answers what a test tells it to, well or badly.
 *
 * Any failure of its own aborts: a test would mean nothing then.
 */
#ifndef TESTS_SUPPORT_REPLAY_SERVER_H
#define TESTS_SUPPORT_REPLAY_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct replay_server;

/* What becomes of the connection when the answer was sent. */
enum replay_end {
	REPLAY_KEEP,  /* the next request may follow */
	REPLAY_CLOSE, /* closed, after all that was sent */
	REPLAY_RESET, /* reset (RST) */
	REPLAY_STALL  /* open, silent, for ever */
};

struct replay_answer {
	/* All must stand in the request's head; NULL ends them. */
	const char *when[4];
	unsigned times;      /* good for so many requests; 0: for any number */
	int status;          /* 0: 200 */
	const char *headers; /* more header lines, each with \r\n; or NULL */
	const char *file;    /* the body: a file */
	const char *text;    /* or a text */
	bool is_raw;         /* it holds its own chunk framing */
	bool is_open;        /* the stream is not ended: more might come */
	bool is_mute;        /* nothing is sent at all, not even a head */
	size_t cut;          /* send only this much of the body; 0: all */
	enum replay_end end;
};

/* answers is borrowed; the first that fits a request is given, 501 when none
 * does. Bodies are sent in chunks of odd sizes. */
struct replay_server *replay_server_new(
    const struct replay_answer *answers, size_t n);
void replay_server_free(struct replay_server *s);

/* "http://127.0.0.1:PORT" */
const char *replay_server_url(const struct replay_server *s);

/* How often an answer was given. */
unsigned replay_server_given(struct replay_server *s, size_t answer);

/* All requests' heads so far, one after the other; the caller frees. */
char *replay_server_log(struct replay_server *s);

#endif

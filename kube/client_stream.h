/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_stream: cuts the bytes of an answer into JSON values as they come.
 *
 * A list gives its items one by one, then the object around them with an
 * empty "items"; a watch gives one event after the other. Nothing but the
 * value in hand is held. Whether it is JSON, jansson says later: here it must
 * only have an end.
 */
#ifndef KUBE_CLIENT_STREAM_H
#define KUBE_CLIENT_STREAM_H

#include "core/strbuf.h"

enum stream_part {
	STREAM_ITEM,  /* an element of the outer object's "items" */
	STREAM_OUTER, /* the outer object, complete */
	STREAM_EVENT  /* a value of a watch */
};

/* text is borrowed; not RF_OK ends the stream. */
typedef enum rf_status stream_taker(void *arg, enum stream_part part,
    const char *text, size_t len, struct rf_error *err);

struct client_stream {
	struct strbuf value, outer;
	stream_taker *take;
	void *arg;
	char key[8]; /* the last string at depth 1, as far as it fits */
	unsigned key_len, depth;
	bool is_watch, in_string, is_escaped, in_items, is_over;
};

void client_stream_init(
    struct client_stream *s, bool is_watch, stream_taker *take, void *arg);
void client_stream_release(struct client_stream *s);

/* RF_CORRUPT: no JSON; RF_LIMIT: a value of more than 64 MiB; else what the
 * taker returned. */
RF_MUST_USE enum rf_status client_stream_add(
    struct client_stream *s, const char *data, size_t n, struct rf_error *err);

/* Is nothing half in hand? */
bool client_stream_is_whole(const struct client_stream *s);

#endif

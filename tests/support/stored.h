/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored: what a database holds, read as a command would. To be included
 * behind cmocka.h.
 */
#ifndef TESTS_SUPPORT_STORED_H
#define TESTS_SUPPORT_STORED_H

#include "store/store.h"

struct stored {
	struct store *store;
	struct cluster *c;
	struct arena arena; /* of flows */
	struct flow_set flows;
};

static inline void
stored_open(struct stored *s, const char *path)
{
	struct store_filter all = { 0 };
	struct rf_error err;

	*s = (struct stored){ 0 };
	arena_init(&s->arena, 0);
	assert_int_equal(store_open(&s->store, path, STORE_READ, &err), RF_OK);
	assert_int_equal(store_get_cluster(s->store, &s->c, &err), RF_OK);
	assert_int_equal(
	    store_get_flows(s->store, s->c, &all, &s->arena, &s->flows, &err),
	    RF_OK);
}

static inline void
stored_close(struct stored *s)
{
	arena_release(&s->arena);
	cluster_free(s->c);
	store_close(s->store);
}

#endif

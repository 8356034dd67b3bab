/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_fixture: a database in memory, and what was last read from it. To be
 * included behind cmocka.h.
 */
#ifndef TESTS_STORE_MEMORY_FIXTURE_H
#define TESTS_STORE_MEMORY_FIXTURE_H

#include <string.h>

#include "store/store.h"

#define IP4(a, b, c, d)                                                        \
	{                                                                      \
		{                                                              \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d   \
		}                                                              \
	}

struct fixture {
	struct store *s;
	struct cluster *c;
	struct arena arena;
	struct flow_set set; /* of c, in arena */
	struct rf_error err;
};

/* f is whatever has an err that the call writes to. */
#define OK(f, call)                                                            \
	do {                                                                   \
		if ((call) != RF_OK)                                           \
			fail_msg("%s: %s", #call, (f)->err.msg);               \
	} while (0)

static inline void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	OK(f, store_open(&f->s, ":memory:", STORE_WRITE, &f->err));
}

static inline void
teardown(struct fixture *f)
{
	cluster_free(f->c);
	arena_release(&f->arena);
	store_close(f->s);
}

static inline void
get(struct fixture *f, const struct store_filter *filter)
{
	cluster_free(f->c);
	f->c = NULL;
	OK(f, store_get_cluster(f->s, &f->c, &f->err));
	OK(f, store_get_flows(f->s, f->c, filter, &f->arena, &f->set, &f->err));
}

#endif

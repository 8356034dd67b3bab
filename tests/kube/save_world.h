/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save_world: what client_save() is given by tests, and what it left behind.
 * To be included behind cmocka.h.
 */
#ifndef TESTS_KUBE_SAVE_WORLD_H
#define TESTS_KUBE_SAVE_WORLD_H

#include <string.h>

#include "kube/client_save.h"
#include "kube/snapshot.h"

struct save_run {
	int64_t now_us;
	char warnings[4096];
};

/* Half a second goes by whenever somebody looks. */
static inline int64_t
save_now(void *arg)
{
	struct save_run *r = arg;

	return r->now_us += 500000;
}

static inline void
save_warn(void *arg, const char *text)
{
	struct save_run *r = arg;

	strncat(
	    r->warnings, text, sizeof(r->warnings) - strlen(r->warnings) - 1);
}

static inline struct client_save_config
save_config(struct save_run *r)
{
	return (struct client_save_config){
		.now_us = save_now, .warn = save_warn, .arg = r, .wait_ms = 2
	};
}

/* What was saved, as a cluster. */
static inline struct cluster *
save_read(FILE *f)
{
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };
	struct cluster *c;

	rewind(f);
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	if (snapshot_read(sb, f, "saved", &err) != RF_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(snapshot_finish(sb, &c, NULL, &err), RF_OK);
	snapshot_builder_free(sb);
	return c;
}

#endif

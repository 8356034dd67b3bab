/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_text: clusters from text, for the tests of this folder.
 *
 * JSON is written with ' for ", which none of the texts need otherwise.
 */
#ifndef TESTS_KUBE_CLUSTER_TEXT_H
#define TESTS_KUBE_CLUSTER_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "kube/address.h"
#include "kube/snapshot.h"

static inline enum rf_status
text_read(struct snapshot_builder *sb, const char *text, struct rf_error *err)
{
	size_t len = strlen(text);
	char *json = malloc(len + 1);
	enum rf_status st;
	FILE *f;

	assert_non_null(json);
	for (size_t i = 0; i <= len; i++)
		json[i] = (char)(text[i] == '\'' ? '"' : text[i]);
	f = fmemopen(json, len, "r");
	assert_non_null(f);
	st = snapshot_read(sb, f, "text", err);
	fclose(f);
	free(json);
	return st;
}

static inline struct cluster *
text_finish(struct snapshot_builder *sb, struct snapshot_stats *stats)
{
	struct rf_error err = { 0 };
	struct cluster *c;

	if (snapshot_finish(sb, &c, stats, &err) != RF_OK)
		fail_msg("%s", err.msg);
	snapshot_builder_free(sb);
	return c;
}

/* The cluster of one text; the test fails if it is refused. */
static inline struct cluster *
text_cluster(const char *text)
{
	struct snapshot_builder *sb;
	struct rf_error err = { 0 };

	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	if (text_read(sb, text, &err) != RF_OK)
		fail_msg("%s", err.msg);
	return text_finish(sb, NULL);
}

static inline void
file_read(struct snapshot_builder *sb, const char *path)
{
	struct rf_error err = { 0 };
	FILE *f = fopen(path, "r");

	if (f == NULL)
		fail_msg("%s: run from the top of the repository", path);
	if (snapshot_read(sb, f, path, &err) != RF_OK)
		fail_msg("%s", err.msg);
	fclose(f);
}

static inline struct ip_addr
ip_of(const char *text)
{
	struct ip_addr ip;

	if (!ip_parse(&ip, text))
		fail_msg("%s", text);
	return ip;
}

static inline int64_t
time_of(const char *text)
{
	int64_t us;

	if (!rfc3339_parse(&us, text))
		fail_msg("%s", text);
	return us;
}

#endif

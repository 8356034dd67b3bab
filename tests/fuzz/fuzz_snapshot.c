/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_snapshot: any bytes as a snapshot; a cluster that comes of it must
 * hold together. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/snapshot.h"
#include "tests/support/cluster_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_builder *sb = NULL;
	struct snapshot_stats stats = { 0 };
	struct cluster *c = NULL;
	struct rf_error err = { 0 };
	char *copy;
	FILE *f;

	if (size == 0) /* fmemopen takes no empty buffer */
		return 0;
	copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data, size);
	f = fmemopen(copy, size, "r");
	require(f != NULL);
	require(snapshot_builder_new(&sb, &err) == RF_OK);
	if (snapshot_read(sb, f, "fuzz", &err) == RF_OK) {
		require(snapshot_finish(sb, &c, &stats, &err) == RF_OK);
		require(stats.skipped <= stats.objects + stats.events);
		cluster_check(c);
	} else {
		require(strchr(err.msg, '\n') == NULL);
	}
	cluster_free(c);
	snapshot_builder_free(sb);
	fclose(f);
	free(copy);
	return 0;
}

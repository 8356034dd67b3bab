/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kube/snapshot.h"
#include "store/store.h"

static enum rf_status
read_file(struct snapshot_builder *sb, const char *path, struct rf_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "r");
	enum rf_status st;

	if (f == NULL)
		return rf_fail(err, RF_IO, "%s: %s", path, strerror(errno));
	st = snapshot_read(sb, f, is_stdin ? "standard input" : path, err);
	if (!is_stdin)
		(void)fclose(f);
	return st;
}

static enum rf_status
read_snapshots(
    struct cluster **out, const struct option_list *paths, struct rf_error *err)
{
	struct snapshot_builder *sb;
	struct snapshot_stats stats;
	enum rf_status st = snapshot_builder_new(&sb, err);

	for (size_t i = 0; st == RF_OK && i < paths->n; i++)
		st = read_file(sb, paths->v[i], err);
	if (st == RF_OK)
		st = snapshot_finish(sb, out, &stats, err);
	snapshot_builder_free(sb);
	return st;
}

static enum rf_status
read_store(struct cluster **out, const char *path, struct rf_error *err)
{
	struct store *s;
	enum rf_status st;

	if (access(path, R_OK) != 0)
		return rf_fail(err, RF_IO, "%s: %s", path, strerror(errno));
	st = store_open(&s, path, STORE_READ, err);
	if (st != RF_OK)
		return st;
	st = store_get_cluster(s, out, err);
	if (st != RF_OK)
		st = rf_wrap(err, st, "%s", path);
	store_close(s);
	return st;
}

enum rf_status
cluster_input_read(
    struct cluster **out, const struct option_list *snapshots, const char *db)
{
	struct rf_error err;
	enum rf_status st;

	*out = NULL;
	st = snapshots->n > 0 ? read_snapshots(out, snapshots, &err)
			      : read_store(out, db, &err);
	if (st != RF_OK) {
		fprintf(stderr, "ringfence: %s\n", err.msg);
		cluster_free(*out);
		*out = NULL;
	} else if (*out != NULL && (*out)->n_pods == 0) {
		fprintf(stderr,
		    "Warning: there is no pod in what %s names, so every "
		    "address is outside of the cluster.\n",
		    snapshots->n > 0 ? "--snapshot" : "--db");
	}
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dataset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* SQLite only says that it cannot open a file; say what to do. */
static enum rf_status
check_path(const char *path)
{
	if (access(path, R_OK) == 0)
		return RF_OK;
	fprintf(stderr, "ringfence: %s: %s\n", path, strerror(errno));
	if (errno == ENOENT)
		fprintf(stderr,
		    "Make a database from a capture first:\n"
		    "  ringfence collect -r FILE --snapshot FILE --db %s\n",
		    path);
	return RF_IO;
}

static enum rf_status
load(struct dataset *d, const char *path, const struct store_filter *filter,
    struct rf_error *err)
{
	enum rf_status st;

	st = store_open(&d->store, path, STORE_READ, err);
	if (st != RF_OK)
		return st;
	st = store_get_cluster(d->store, &d->cluster, err);
	if (st != RF_OK)
		return st;
	st = store_get_flows(
	    d->store, d->cluster, filter, &d->arena, &d->flows, err);
	if (st != RF_OK)
		return st;
	return edge_roll_up(&d->edges, &d->flows, &d->arena, err);
}

enum rf_status
dataset_open(
    struct dataset *out, const char *path, const struct store_filter *filter)
{
	struct rf_error err;
	enum rf_status st = check_path(path);

	*out = (struct dataset){ 0 };
	if (st != RF_OK)
		return st;
	arena_init(&out->arena, 0);
	st = load(out, path, filter, &err);
	if (st != RF_OK) {
		fprintf(stderr, "ringfence: %s: %s\n", path, err.msg);
		dataset_close(out);
	}
	return st;
}

void
dataset_close(struct dataset *d)
{
	arena_release(&d->arena);
	cluster_free(d->cluster);
	store_close(d->store);
	*d = (struct dataset){ 0 };
}

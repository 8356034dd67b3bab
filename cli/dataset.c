/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output_file.h"
#include "cli/terminal.h"
#include "core/timely.h"

/* SQLite only says that it cannot open a file; say what to do. */
static enum rf_status
check_path(const char *path)
{
	bool is_absent;

	if (access(path, R_OK) == 0)
		return RF_OK;
	is_absent = errno == ENOENT;
	fprintf(stderr, "ringfence: %s: %s\n", path, strerror(errno));
	if (is_absent) {
		(void)fputs("Make a database from a capture first:\n"
			    "  ringfence collect -r FILE --snapshot FILE --db ",
		    stderr);
		terminal_put_word(path, stderr);
		(void)fputc('\n', stderr);
	}
	return RF_IO;
}

void
dataset_say_stored(const char *path)
{
	(void)fputs("stored in ", stdout);
	terminal_puts(path, stdout);
	(void)fputs("; next: ringfence flows --db ", stdout);
	terminal_put_word(path, stdout);
	(void)putchar('\n');
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
	if (st == RF_OK)
		st = store_get_flows(
		    d->store, d->cluster, filter, &d->arena, &d->flows, err);
	if (st == RF_OK && !timely_names(&d->flows, &d->arena))
		st = rf_fail(err, RF_NOMEM, "out of memory");
	if (st == RF_OK)
		st = edge_roll_up(&d->edges, &d->flows, &d->arena, err);
	return st == RF_OK ? RF_OK : rf_wrap(err, st, "%s", path);
}

int
dataset_check_given(const struct command_spec *spec, const char *db)
{
	if (db != NULL)
		return OPTIONS_RUN;
	return options_usage(
	    spec, "which database? Give --db PATH or set RINGFENCE_DB");
}

int
dataset_check_output(
    const struct command_spec *spec, const char *db, const char *output)
{
	if (output_is_stdout(output) || !output_is_same(output, db))
		return OPTIONS_RUN;
	return options_usage(spec,
	    "-o %s is the database itself, which would be lost; name another "
	    "file",
	    output);
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
		fprintf(stderr, "ringfence: %s\n", err.msg);
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

/* By namespace: does it have pods? For free(). */
static bool *
mark_peopled(const struct cluster *c)
{
	bool *v = calloc(c->n_namespaces + 1, sizeof(*v));

	for (size_t i = 0; v != NULL && i < c->n_pods; i++)
		v[c->pods[i].ns] = true;
	return v;
}

void
dataset_warn_policies(const struct dataset *d, const struct policy_set *set)
{
	const struct cluster *c = d->cluster;
	bool *peopled = mark_peopled(c);
	size_t n = 0, first = 0;

	for (size_t i = 0; peopled != NULL && i < set->n_policies; i++) {
		uint32_t ns =
		    cluster_find_namespace(c, set->policies[i].namespace);

		if (ns != FLOW_NONE && peopled[ns])
			continue;
		if (n++ == 0)
			first = i;
	}
	if (set->n_policies == 0)
		fputs("Warning: there is no NetworkPolicy in what -f names, "
		      "so nothing can be dropped.\n",
		    stderr);
	if (n > 0)
		fprintf(stderr,
		    "Warning: %zu of %zu policies select no pod, for there is "
		    "none in their namespace (the first is %s/%s).\n"
		    "--default-namespace says where policies without a "
		    "namespace belong.\n",
		    n, set->n_policies, set->policies[first].namespace,
		    set->policies[first].name);
	free(peopled);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_merge: the databases of several nodes as one. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/beside.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/output_file.h"
#include "store/unite.h"

struct merge_options {
	const char *output;
	struct option_list inputs;
	bool quiet;
};

#define AT(member) .offset = offsetof(struct merge_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "output", .letter = 'o', .arg = "PATH",
	  .kind = OPTION_TEXT, AT(output),
	  .help = "The database to make; one that merge made before is "
	      "replaced." },
	{ .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, AT(quiet),
	  .help = "No summary." },
};
/* clang-format on */

const struct command_spec merge_spec = {
	.name = "merge",
	.summary = "unite the databases of many nodes",
	.synopsis = "-o PATH [-q] DB...",
	.about =
	    "Make one database out of those that collectors wrote on each "
	    "node. A connection\nthat two nodes saw counts once, and "
	    "addresses that one node did not know are\nresolved with what "
	    "the others knew at that time. Name all databases each time:\n"
	    "the result is made anew, and is the same in whatever order. "
	    "Collectors may go on\nwriting meanwhile; the databases are only "
	    "read.",
	.examples =
	    "  # From every node, then as if one collector had seen it all\n"
	    "  ringfence merge -o all.db node-*.db\n"
	    "  ringfence recommend --db all.db -A -o policies\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
	.takes_operands = true,
	.operands = offsetof(struct merge_options, inputs),
};

static int
fail(const char *text)
{
	fprintf(stderr, "ringfence merge: %s\n", text);
	return STATUS_FAILURE;
}

/* Only what merge made is replaced. */
static enum rf_status
check_output(const char *path, struct rf_error *err)
{
	bool is_united = false;
	struct store *s = NULL;
	enum rf_status st;
	struct stat sb;

	if (lstat(path, &sb) != 0)
		return RF_OK;
	if (stat(path, &sb) != 0)
		return rf_fail(err, RF_IO, "%s: a link that leads nowhere: %s",
		    path, strerror(errno));
	if (!S_ISREG(sb.st_mode))
		return rf_fail(err, RF_EXISTS,
		    "%s: is no file, and a database cannot be put in its "
		    "place; name a new file with -o",
		    path);
	st = store_open(&s, path, STORE_READ, err);
	if (st != RF_OK)
		return st;
	st = store_is_united(s, &is_united, err);
	store_close(s);
	if (st == RF_OK && !is_united)
		st = rf_fail(err, RF_EXISTS,
		    "%s: is there already, and was not made by merge; name a "
		    "new file with -o",
		    path);
	return st;
}

/* Was it named before? Once more changes nothing. */
static bool
is_repeated(const struct option_list *inputs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (output_is_same(inputs->v[k], inputs->v[i]))
			return true;
	return false;
}

static enum rf_status
open_inputs(const struct merge_options *o, struct unite_input *v, size_t *n,
    struct rf_error *err)
{
	for (size_t i = 0; i < o->inputs.n; i++) {
		const char *path = o->inputs.v[i];
		enum rf_status st;

		if (is_repeated(&o->inputs, i))
			continue;
		if (output_is_same(path, o->output))
			return rf_fail(err, RF_INVAL,
			    "%s: cannot be both made and read", path);
		if (access(path, R_OK) != 0)
			return rf_fail(
			    err, RF_IO, "%s: %s", path, strerror(errno));
		st = store_open(&v[*n].s, path, STORE_READ, err);
		if (st != RF_OK)
			return st;
		v[(*n)++].name = path;
	}
	return RF_OK;
}

/* What SQLite kept beside the file that is replaced belongs to that one. */
static void
remove_journal(const char *path)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	char name[PATH_MAX + 8];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

/* Beside the output, and renamed when it is whole. */
static enum rf_status
unite_into(const char *output, const struct unite_input *v, size_t n,
    struct unite_stats *stats, struct rf_error *err)
{
	struct store *out = NULL;
	struct beside b;
	enum rf_status st;

	if ((st = beside_begin(&b, output, err)) != RF_OK)
		return st;
	st = store_open(&out, b.path, STORE_WRITE, err);
	if (st == RF_OK)
		st = store_unite(out, v, n, stats, err);
	store_close(out);
	if (st == RF_OK)
		remove_journal(output);
	if (st == RF_OK)
		st = beside_rename(&b, output, err);
	beside_end(&b);
	return st;
}

static void
print_summary(
    const struct merge_options *o, size_t n, const struct unite_stats *s)
{
	printf("%zu database%s: %" PRIu64 " connections, of which %" PRIu64
	       " were seen by two nodes and count once\n",
	    n, n == 1 ? "" : "s", s->connections,
	    s->connections_in - s->connections);
	if (s->resolved > 0)
		printf("%" PRIu64 " connections had an end that its own node "
		       "did not know and another one did\n",
		    s->resolved);
	if (s->waiting > 0)
		printf("%" PRIu64 " connections wait in them for their ends to "
		       "be known, and are not part of it yet\n",
		    s->waiting);
	if (s->open > 0)
		printf("%" PRIu64 " attempts in them have no answer yet, and "
		       "are not part of it\n",
		    s->open);
	dataset_say_stored(o->output);
}

static int
merge(const struct merge_options *o)
{
	struct unite_input *v = calloc(o->inputs.n + 1, sizeof(*v));
	char *real = realpath(o->output, NULL); /* what a link leads to */
	const char *output = real != NULL ? real : o->output;
	struct unite_stats stats;
	struct rf_error err;
	enum rf_status st;
	size_t n = 0;

	if (v == NULL)
		return fail("out of memory");
	st = check_output(o->output, &err);
	if (st == RF_OK)
		st = open_inputs(o, v, &n, &err);
	if (st == RF_OK)
		st = unite_into(output, v, n, &stats, &err);
	for (size_t i = 0; i < n; i++)
		store_close(v[i].s);
	free(v);
	free(real);
	if (st != RF_OK)
		return fail(err.msg);
	if (!o->quiet)
		print_summary(o, n, &stats);
	return STATUS_OK;
}

int
cmd_merge(int argc, char **argv)
{
	struct merge_options o = { 0 };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&merge_spec, argc, argv, &o, &arena);
	if (rc == OPTIONS_RUN && o.output == NULL)
		rc = options_usage(
		    &merge_spec, "where to? Name the database with -o PATH");
	if (rc == OPTIONS_RUN && o.inputs.n == 0)
		rc = options_usage(
		    &merge_spec, "which databases? Name those of the nodes");
	if (rc == OPTIONS_RUN && o.output != NULL)
		rc = merge(&o);
	arena_release(&arena);
	return rc;
}

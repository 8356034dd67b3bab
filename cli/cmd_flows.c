/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_flows: list the edges of a database. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/dataset.h"
#include "report/edges.h"
#include "report/table.h"

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct flows_options {
	const char *db;
	struct option_list namespaces;
	unsigned format; /* enum format */
	int64_t since_us, until_us;
	struct option_list outcomes;
	uint64_t port; /* 0: any */
	bool no_headers;
};

static const char *const formats[] = { "table", "json", "csv", NULL };

#define AT(member) .offset = offsetof(struct flows_options, member)

/* clang-format off */
static const struct option_spec table[] = {
	{ .name = "db", .arg = "PATH", .kind = OPTION_TEXT, AT(db),
	  .env = "RINGFENCE_DB",
	  .help = "The database to read; else $RINGFENCE_DB." },
	{ .name = "namespace", .letter = 'n', .arg = "NS",
	  .kind = OPTION_LIST, AT(namespaces),
	  .help = "Only edges with an end in this namespace. Repeatable." },
	{ .name = "output", .letter = 'o', .arg = "FORMAT",
	  .kind = OPTION_CHOICE, AT(format), .choices = formats,
	  .help = "table (default), json or csv." },
	{ .name = "since", .arg = "TIME", .kind = OPTION_TIME, AT(since_us),
	  .help = "Only what was seen at or after this RFC 3339 time." },
	{ .name = "until", .arg = "TIME", .kind = OPTION_TIME, AT(until_us),
	  .help = "Only what was seen before this time." },
	{ .name = "outcome", .arg = "OUTCOME", .kind = OPTION_LIST,
	  AT(outcomes),
	  .help = "Only edges with this outcome: established, oneway, "
	      "midstream, refused, unanswered or dropped. Repeatable." },
	{ .name = "port", .arg = "N", .kind = OPTION_NUMBER, AT(port),
	  .min = 1, .max = 65535,
	  .help = "Only edges to this port, of the pod or of the Service." },
	{ .name = "no-headers", .kind = OPTION_FLAG, AT(no_headers),
	  .help = "Leave out the line of headers (table, csv)." },
};
/* clang-format on */

const struct command_spec flows_spec = {
	.name = "flows",
	.summary = "list who talked to whom",
	.synopsis = "--db PATH [-n NS]... [-o table|json|csv] [--since TIME]\n"
		    "      [--until TIME] [--outcome OUTCOME]... [--port N] "
		    "[--no-headers]",
	.about = "List the edges of a database: which workload, node or "
		 "address opened\nconnections to which, on which protocol and "
		 "port, and what became of them.",
	.examples =
	    "  # Everything that touches one namespace\n"
	    "  ringfence flows --db flows.db -n shop\n\n"
	    "  # What was refused, for a script\n"
	    "  ringfence flows --db flows.db --outcome refused -o json\n",
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

/* The outcomes asked for as bits, all when none were; 0: one is unknown. */
static unsigned
outcome_bits(const struct option_list *words, const char **bad)
{
	unsigned bits = 0;

	for (size_t i = 0; i < words->n; i++) {
		unsigned o = 0;

		while (o < OUTCOME_COUNT &&
		    strcmp(flow_outcome_name(o), words->v[i]) != 0)
			o++;
		if (o == OUTCOME_COUNT) {
			*bad = words->v[i];
			return 0;
		}
		bits |= 1u << o;
	}
	return words->n == 0 ? ~0u : bits;
}

static bool
wanted(const struct edge *e, unsigned outcomes, uint64_t port)
{
	return (outcomes & 1u << e->outcome) != 0 &&
	    (port == 0 || e->port == port || e->service_port == port);
}

/* The edges that pass the filters which the store does not know. */
static void
narrow(struct view *v, unsigned outcomes, uint64_t port, struct view_edge *room)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_edges; i++)
		if (wanted(v->edges[i].edge, outcomes, port))
			room[n++] = v->edges[i];
	v->edges = room;
	v->n_edges = n;
}

static void
say_none(const struct option_list *namespaces)
{
	if (namespaces->n == 0) {
		fputs("No flows found.\n", stderr);
		return;
	}
	fputs("No flows found in ", stderr);
	for (size_t i = 0; i < namespaces->n; i++)
		fprintf(stderr, "%s%s", i == 0 ? "" : ", ", namespaces->v[i]);
	fprintf(stderr, " namespace%s.\n", namespaces->n == 1 ? "" : "s");
}

static enum rf_status
print(const struct view *v, const struct flows_options *o, struct rf_error *err)
{
	bool colour =
	    table_wants_colour(stdout, getenv("NO_COLOR"), getenv("TERM"));

	switch (o->format) {
	case FORMAT_JSON:
		edges_print_json(stdout, v);
		return RF_OK;
	case FORMAT_CSV:
		return edges_print_csv(stdout, v, !o->no_headers, err);
	default:
		return edges_print_table(
		    stdout, v, !o->no_headers, colour, err);
	}
}

static int
list(const struct flows_options *o, unsigned outcomes)
{
	struct store_filter filter = { .namespaces = o->namespaces.v,
		.n_namespaces = o->namespaces.n,
		.since_us = o->since_us,
		.until_us = o->until_us };
	struct view_edge *room;
	struct rf_error err;
	struct dataset d;
	struct view v;
	enum rf_status st;

	if (dataset_open(&d, o->db, &filter) != RF_OK)
		return STATUS_FAILURE;
	st = view_make(&v, &d.edges, &d.flows, d.cluster, &d.arena, &err);
	if (st != RF_OK)
		goto out;
	room = arena_calloc(&d.arena, v.n_edges + 1, sizeof(*room));
	if (room == NULL) {
		st = rf_fail(&err, RF_NOMEM, "out of memory");
		goto out;
	}
	narrow(&v, outcomes, o->port, room);
	st = print(&v, o, &err);
	if (st == RF_OK && v.n_edges == 0)
		say_none(&o->namespaces);
out:
	if (st != RF_OK)
		fprintf(stderr, "ringfence: %s\n", err.msg);
	dataset_close(&d);
	return st == RF_OK ? STATUS_OK : STATUS_FAILURE;
}

int
cmd_flows(int argc, char **argv)
{
	struct flows_options o = { 0 };
	const char *bad = NULL;
	struct arena arena;
	unsigned outcomes;
	int rc;

	arena_init(&arena, 0);
	rc = options_parse(&flows_spec, argc, argv, &o, &arena);
	if (rc != OPTIONS_RUN)
		goto out;
	outcomes = outcome_bits(&o.outcomes, &bad);
	if (o.db == NULL)
		rc = options_usage(&flows_spec,
		    "which database? Give --db PATH or set RINGFENCE_DB");
	else if (outcomes == 0)
		rc = options_usage(&flows_spec,
		    "--outcome is established, oneway, midstream, refused, "
		    "unanswered or dropped, not '%s'",
		    bad);
	else if (o.until_us != 0 && o.since_us >= o.until_us)
		rc =
		    options_usage(&flows_spec, "--since is not before --until");
	else
		rc = list(&o, outcomes);
out:
	arena_release(&arena);
	return rc;
}

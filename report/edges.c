/* SPDX-License-Identifier: Apache-2.0 */
#include "report/edges.h"

#include "core/rfc3339.h"
#include "report/table.h"

#define CELL_MAX 4096

/* VERDICT only where policies were asked. */
static const struct table_column columns[] = {
	{ .header = "VERDICT" },
	{ .header = "SOURCE" },
	{ .header = "DESTINATION" },
	{ .header = "PORT" },
	{ .header = "SERVICE" },
	{ .header = "OUTCOME" },
	{ .header = "CERTAINTY" },
	{ .header = "CONNECTIONS", .is_number = true },
	{ .header = "PACKETS", .is_number = true },
	{ .header = "BYTES", .is_number = true },
	{ .header = "FIRST SEEN" },
	{ .header = "LAST SEEN" },
};

/* Of SOURCE, DESTINATION and SERVICE, with VERDICT before them. */
#define NAME_COLUMNS (1u << 1 | 1u << 2 | 1u << 4)

static const char *const csv_headers[] = { "srcType", "srcNamespace", "srcKind",
	"srcName", "srcIp", "srcDnsNames", "dstType", "dstNamespace", "dstKind",
	"dstName", "dstIp", "dstDnsNames", "protocol", "port",
	"serviceNamespace", "serviceName", "servicePort", "outcome",
	"certainty", "connections", "packets", "bytes", "firstSeen",
	"lastSeen" };
static const char *const csv_verdict_headers[] = { "verdict", "reason" };

/* A second is fine enough for people. */
static void
add_time(struct table *t, int64_t us)
{
	char text[RFC3339_STRLEN];

	table_add(t, rfc3339_format(us - us % 1000000, text));
}

static void
add_row(struct table *t, const struct edges *edges, size_t i,
    struct strbuf *scratch)
{
	const struct view_edge *v = &edges->view->edges[i];
	const struct edge *e = v->edge;

	if (edges->audit != NULL) {
		enum audit_verdict verdict = edges->audit->edges[i].verdict;

		table_add_coloured(t, audit_verdict_name(verdict),
		    audit_verdict_colour(verdict));
	}
	strbuf_clear(scratch);
	view_end_text(scratch, v->src);
	table_add(t, strbuf_str(scratch));
	strbuf_clear(scratch);
	view_end_text(scratch, v->dst);
	table_add(t, strbuf_str(scratch));
	table_printf(t, "%s/%u", flow_protocol_name(e->protocol), e->port);
	strbuf_clear(scratch);
	view_service_text(scratch, v);
	table_add(t, strbuf_str(scratch));
	table_add_coloured(t, flow_outcome_name(e->outcome),
	    outcome_is_traffic(e->outcome) ? TABLE_PLAIN : TABLE_YELLOW);
	table_add(t, flow_certainty_name(e->certainty));
	table_add_unsigned(t, e->connections);
	table_add_unsigned(t, e->packets);
	table_add_unsigned(t, e->bytes);
	add_time(t, e->first_us);
	add_time(t, e->last_us);
}

/* FIRST SEEN, PACKETS, BYTES, CERTAINTY, LAST SEEN, SERVICE; with and without
 * VERDICT before them. */
static const uint8_t spare[2][6] = { { 10, 8, 9, 6, 11, 4 },
	{ 9, 7, 8, 5, 10, 3 } };

enum rf_status
edges_print_table(FILE *out, const struct edges *e,
    const struct audit_style *style, struct rf_error *err)
{
	size_t first = e->audit == NULL ? 1 : 0;
	struct strbuf scratch;
	struct table t;
	enum rf_status st = RF_OK;

	strbuf_init(&scratch, CELL_MAX);
	table_init(
	    &t, columns + first, sizeof(columns) / sizeof(columns[0]) - first);
	t.fit = (struct table_fit){ .columns = style->columns,
		.shrinks = NAME_COLUMNS >> first,
		.spare = spare[first],
		.n_spare = sizeof(spare[first]) };
	for (size_t i = 0; i < e->view->n_edges; i++)
		add_row(&t, e, i, &scratch);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "flows: out of memory");
	else if (e->view->n_edges > 0)
		st = table_print(
		    &t, out, style->with_headers, style->with_colour, err);
	table_release(&t);
	strbuf_release(&scratch);
	return st;
}

/* The members of one edge, into an object that is open. */
static void
put_edge_json(struct json_writer *w, const struct edges *e, size_t i)
{
	view_edge_json(w, &e->view->edges[i]);
	if (e->audit == NULL)
		return;
	json_writer_string(
	    w, "verdict", audit_verdict_name(e->audit->edges[i].verdict));
	json_writer_string(
	    w, "reason", audit_reason_name(e->audit->edges[i].reason));
}

void
edges_print_json_lines(FILE *out, const struct edges *e)
{
	for (size_t i = 0; i < e->view->n_edges; i++) {
		struct json_writer w;

		json_writer_init(&w, out);
		json_writer_object_begin_inline(&w, NULL);
		put_edge_json(&w, e, i);
		json_writer_object_end(&w);
		json_writer_end(&w);
	}
}

void
edges_print_json(FILE *out, const struct edges *e)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_array_begin(&w, "edges");
	for (size_t i = 0; i < e->view->n_edges; i++) {
		json_writer_object_begin(&w, NULL);
		put_edge_json(&w, e, i);
		json_writer_object_end(&w);
	}
	json_writer_array_end(&w);
	view_coverage_json(&w, e->view->flows);
	json_writer_object_end(&w);
	json_writer_end(&w);
}

static void
put_csv_end(struct csv *c, const struct view_end *e, struct strbuf *scratch)
{
	char ip[IP_STRLEN];
	bool has_ip =
	    e->type == ENDPOINT_EXTERNAL || e->type == ENDPOINT_UNKNOWN;

	csv_text(c, endpoint_type_name(e->type));
	csv_text(c, e->namespace);
	csv_text(c, e->kind);
	csv_text(c, e->name);
	csv_text(c, has_ip ? ip_format(&e->ip, ip) : "");
	strbuf_clear(scratch);
	for (size_t i = 0; i < e->n_dns; i++)
		strbuf_printf(scratch, "%s%s", i == 0 ? "" : " ", e->dns[i]);
	csv_text(c, strbuf_str(scratch));
}

static void
put_csv_edge(
    struct csv *c, const struct edges *edges, size_t i, struct strbuf *scratch)
{
	const struct view_edge *v = &edges->view->edges[i];
	const struct edge *e = v->edge;
	char time[RFC3339_STRLEN];

	put_csv_end(c, v->src, scratch);
	put_csv_end(c, v->dst, scratch);
	csv_text(c, flow_protocol_name(e->protocol));
	csv_unsigned(c, e->port);
	csv_text(c, v->service_namespace);
	csv_text(c, v->service_name);
	if (v->service_name != NULL)
		csv_unsigned(c, e->service_port);
	else
		csv_text(c, "");
	csv_text(c, flow_outcome_name(e->outcome));
	csv_text(c, flow_certainty_name(e->certainty));
	csv_unsigned(c, e->connections);
	csv_unsigned(c, e->packets);
	csv_unsigned(c, e->bytes);
	csv_text(c, rfc3339_format(e->first_us, time));
	csv_text(c, rfc3339_format(e->last_us, time));
	if (edges->audit != NULL) {
		const struct audit_edge *a = &edges->audit->edges[i];

		csv_text(c, audit_verdict_name(a->verdict));
		csv_text(c, audit_reason_name(a->reason));
	}
	csv_record_end(c);
}

static void
put_csv_headers(struct csv *c, bool with_verdict)
{
	for (size_t i = 0; i < sizeof(csv_headers) / sizeof(csv_headers[0]);
	     i++)
		csv_text(c, csv_headers[i]);
	for (size_t i = 0; with_verdict &&
	     i < sizeof(csv_verdict_headers) / sizeof(csv_verdict_headers[0]);
	     i++)
		csv_text(c, csv_verdict_headers[i]);
	csv_record_end(c);
}

enum rf_status
edges_print_csv(
    FILE *out, const struct edges *e, bool with_headers, struct rf_error *err)
{
	struct strbuf scratch;
	enum rf_status st = RF_OK;
	struct csv c;

	csv_init(&c, out);
	strbuf_init(&scratch, 1 << 20);
	if (with_headers)
		put_csv_headers(&c, e->audit != NULL);
	for (size_t i = 0; i < e->view->n_edges; i++)
		put_csv_edge(&c, e, i, &scratch);
	if (csv_failed(&c) || strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "csv: out of memory");
	strbuf_release(&scratch);
	csv_release(&c);
	return st;
}

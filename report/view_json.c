/* SPDX-License-Identifier: Apache-2.0 */
#include "report/view.h"

static void
put_end(struct json_writer *w, const char *name, const struct view_end *e,
    uint32_t pods)
{
	json_writer_object_begin_inline(w, name);
	json_writer_string(w, "type", endpoint_type_name(e->type));
	switch (e->type) {
	case ENDPOINT_WORKLOAD:
		json_writer_string(w, "kind", e->kind);
		json_writer_string(w, "namespace", e->namespace);
		json_writer_string(w, "name", e->name);
		json_writer_unsigned(w, "pods", pods);
		break;
	case ENDPOINT_NODE:
		json_writer_string(w, "name", e->name);
		break;
	case ENDPOINT_EXTERNAL:
		json_writer_ip(w, "ip", &e->ip);
		json_writer_array_begin(w, "names");
		for (size_t i = 0; i < e->n_dns; i++)
			json_writer_string(w, NULL, e->dns[i]);
		json_writer_array_end(w);
		break;
	case ENDPOINT_UNKNOWN:
		json_writer_ip(w, "ip", &e->ip);
		break;
	}
	json_writer_object_end(w);
}

static void
put_service(struct json_writer *w, const struct view_edge *e)
{
	if (e->service_name == NULL) {
		json_writer_null(w, "service");
		return;
	}
	json_writer_object_begin_inline(w, "service");
	json_writer_string(w, "namespace", e->service_namespace);
	json_writer_string(w, "name", e->service_name);
	json_writer_unsigned(w, "port", e->edge->service_port);
	json_writer_object_end(w);
}

void
view_edge_json(struct json_writer *w, const struct view_edge *v)
{
	const struct edge *e = v->edge;

	put_end(w, "src", v->src, v->src_pods);
	put_end(w, "dst", v->dst, v->dst_pods);
	json_writer_string(w, "protocol", flow_protocol_name(e->protocol));
	json_writer_unsigned(w, "port", e->port);
	put_service(w, v);
	json_writer_string(w, "outcome", flow_outcome_name(e->outcome));
	json_writer_string(w, "certainty", flow_certainty_name(e->certainty));
	json_writer_unsigned(w, "connections", e->connections);
	json_writer_unsigned(w, "packets", e->packets);
	json_writer_unsigned(w, "bytes", e->bytes);
	json_writer_time(w, "firstSeen", e->first_us);
	json_writer_time(w, "lastSeen", e->last_us);
	json_writer_array_begin_inline(w, "seenFrom");
	for (size_t i = 0; i < v->n_seen_from; i++)
		json_writer_ip(w, NULL, &v->seen_from[i]);
	json_writer_array_end(w);
}

static void
put_coverage(struct json_writer *w, const struct coverage *c)
{
	const struct {
		const char *name;
		uint64_t v;
	} counters[] = {
		{ "packets", c->packets },
		{ "dropped", c->dropped },
		{ "truncated", c->truncated },
		{ "malformed", c->malformed },
		{ "unsupported", c->unsupported },
		{ "nonIp", c->non_ip },
		{ "icmp", c->icmp },
		{ "ignored", c->ignored },
		{ "fragments", c->fragments },
		{ "tableFull", c->table_full },
		{ "unowned", c->unowned },
	};

	json_writer_object_begin(w, NULL);
	json_writer_string(w, "node", c->node);
	json_writer_string(w, "source", c->source);
	if (coverage_has_time(c)) {
		json_writer_time(w, "from", c->from_us);
		json_writer_time(w, "to", c->to_us);
	} else {
		json_writer_null(w, "from");
		json_writer_null(w, "to");
	}
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		json_writer_unsigned(w, counters[i].name, counters[i].v);
	json_writer_object_end(w);
}

void
view_coverage_json(struct json_writer *w, const struct flow_set *fs)
{
	json_writer_array_begin(w, "coverage");
	for (size_t i = 0; i < fs->n_coverage; i++)
		put_coverage(w, &fs->coverage[i]);
	json_writer_array_end(w);
	json_writer_unsigned(w, "waiting", fs->waiting);
	json_writer_unsigned(w, "open", fs->open);
}

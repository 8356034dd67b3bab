/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/audit_scene.h"
#include "tests/support/policy_text.h"

static void
add_several(struct world *w, uint32_t web, uint32_t api_pod, uint32_t service)
{
	uint32_t dst = world_at_pod(w, api_pod);
	struct flow *f;

	w->endpoints[dst].ip = (struct ip_addr){ 0 };
	w->endpoints[dst].pod = FLOW_NONE;
	w->endpoints[dst].node = FLOW_NONE;
	f = world_flow(w, web, dst, FLOW_TCP, 9090);
	f->service = service;
	f->service_port = 90;
}

static void
add_flows(struct world *w, const uint32_t pod[4], uint32_t service,
    const uint32_t node[2])
{
	uint32_t web = world_at_pod(w, pod[0]), api = world_at_pod(w, pod[1]);
	uint32_t db[2] = { world_at_pod(w, pod[2]), world_at_pod(w, pod[3]) };
	uint32_t own = world_at_node(w, node[0], "10.0.0.1");
	uint32_t far = world_at_node(w, node[1], "10.0.0.2");
	struct flow *f;

	f = world_flow(w, web, api, FLOW_TCP, 8080);
	f->connections = 5;
	f->service = service;
	f->service_port = 80;
	world_flow(w, api, db[0], FLOW_TCP, 5432)->connections = 3;
	world_flow(w, api, db[1], FLOW_TCP, 5432)->connections = 4;
	world_flow(w, own, web, FLOW_TCP, 8080);
	world_flow(w, own, far, FLOW_TCP, 6443);
	world_flow(w, web, world_at(w, ENDPOINT_EXTERNAL, "203.0.113.7"),
	    FLOW_TCP, 443);
	world_flow(
	    w, world_at(w, ENDPOINT_UNKNOWN, "10.1.9.9"), web, FLOW_TCP, 8080);
	f = world_flow(w, api, api, FLOW_TCP, 8080);
	f->service = service;
	f->service_port = 80;
	f->seen_src = far;
	f = world_flow(w, web, db[0], FLOW_TCP, 5432);
	f->outcome = OUTCOME_REFUSED;
	f = world_flow(w, db[0], web, FLOW_TCP, 9999);
	f->outcome = OUTCOME_MIDSTREAM;
	f->certainty = CERTAINTY_GUESSED;
	add_several(w, web, pod[1], service);
	world_flow(w, web, web, FLOW_TCP, 7000);
}

static void
find_edges(struct audit_scene *s)
{
	static const struct {
		uint16_t port;
		uint8_t outcome;
		enum endpoint_type src, dst;
		const char *src_name;
	} keys[N_EDGES] = {
		[API] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[DB] = { 5432, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "api" },
		[PROBE] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_NODE,
		    ENDPOINT_WORKLOAD, "n1" },
		[NODES] = { 6443, OUTCOME_ESTABLISHED, ENDPOINT_NODE,
		    ENDPOINT_NODE, "n1" },
		[OUT] = { 443, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_EXTERNAL, "web" },
		[STRANGER] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_UNKNOWN,
		    ENDPOINT_WORKLOAD, "" },
		[HAIRPIN] = { 8080, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "api" },
		[REFUSED] = { 5432, OUTCOME_REFUSED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[GUESSED] = { 9999, OUTCOME_MIDSTREAM, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "db" },
		[SEVERAL] = { 9090, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
		[SELF] = { 7000, OUTCOME_ESTABLISHED, ENDPOINT_WORKLOAD,
		    ENDPOINT_WORKLOAD, "web" },
	};

	assert_int_equal(s->view.n_edges, N_EDGES);
	for (size_t k = 0; k < N_EDGES; k++) {
		s->at[k] = SIZE_MAX;
		for (size_t i = 0; i < s->view.n_edges; i++) {
			const struct view_edge *v = &s->view.edges[i];

			if (v->edge->port == keys[k].port &&
			    v->edge->outcome == keys[k].outcome &&
			    v->src->type == keys[k].src &&
			    v->dst->type == keys[k].dst &&
			    strcmp(v->src->name, keys[k].src_name) == 0)
				s->at[k] = i;
		}
		assert_true(s->at[k] != SIZE_MAX);
	}
}

void
audit_scene_view_flows(struct audit_scene *s, struct flow_set flows)
{
	struct edge_set edges;

	s->flows = flows;
	assert_int_equal(
	    edge_roll_up(&edges, &s->flows, &s->arena, NULL), RF_OK);
	assert_int_equal(
	    view_make(&s->view, &edges, &s->flows, s->w.c, &s->arena, NULL),
	    RF_OK);
}

void
audit_scene_view(struct audit_scene *s)
{
	arena_init(&s->arena, 0);
	audit_scene_view_flows(s, world_flows(&s->w));
}

void
audit_scene_release(struct audit_scene *s)
{
	arena_release(&s->arena);
	world_release(&s->w);
}

int
audit_scene_setup(void **state)
{
	struct audit_scene *s = calloc(1, sizeof(*s));
	uint32_t node[2], pod[4], db, service, api2;
	struct world *w;

	assert_non_null(s);
	w = &s->w;
	world_init(w);
	node[0] = world_node(w, "n1", "10.0.0.1", "10.1.0.0/24");
	node[1] = world_node(w, "n2", "10.0.0.2", "10.1.1.0/24");
	pod[0] = world_app(w, "shop", "web", "10.1.0.2", node[0]);
	pod[1] = world_app(w, "shop", "api", "10.1.1.3", node[1]);
	db = world_workload(w, "shop", "StatefulSet", "db", "app=db", "app=db");
	pod[2] =
	    world_pod(w, db, "db-0", "app=db,shard=a", "10.1.0.4", node[0]);
	pod[3] =
	    world_pod(w, db, "db-1", "app=db,shard=b", "10.1.1.4", node[1]);
	api2 = world_pod(w, w->c->pods[pod[1]].workload, "api-2",
	    "app=api,canary=yes", "10.1.0.9", node[0]);
	service = world_service(w, "shop", "api", "10.96.0.9", "app=api");
	world_service_port(w, service, "http", FLOW_TCP, 80, 8080);
	world_backend(w, service, "10.1.1.3", 8080, pod[1]);
	world_service_port(w, service, "admin", FLOW_TCP, 90, 9090);
	world_backend(w, service, "10.1.1.3", 9090, pod[1]);
	world_backend(w, service, "10.1.0.9", 9090, api2);
	world_finish(w);
	add_flows(w, pod, service, node);
	world_name(w, "203.0.113.7", "pay.example");
	audit_scene_view(s);
	find_edges(s);
	*state = s;
	return 0;
}

int
audit_scene_teardown(void **state)
{
	audit_scene_release(*state);
	free(*state);
	return 0;
}

void
audit_scene_run(struct audit_scene *s, const char *yaml, struct audit *out)
{
	struct policy_set *set = arena_alloc(&s->arena, sizeof(*set));

	assert_non_null(set);
	*set = policy_text_read(&s->arena, "shop", "t.yaml", yaml);
	s->set = set;
	assert_int_equal(
	    audit_run(out, &s->view, s->w.c, set, &s->arena, NULL), RF_OK);
	assert_int_equal(out->n_edges, s->view.n_edges);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/world_case.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/support/world_rules.h"

struct world_base
world_base(struct world *w)
{
	struct world_base b;

	b.n1 = world_node(w, "n1", "192.168.0.1", "10.0.1.0/24");
	b.n2 = world_node(w, "n2", "192.168.0.2", "10.0.2.0/24");
	(void)world_dns(w, "10.0.1.53", b.n1);
	world_api_server(w, "192.168.0.9", 6443);
	b.web = world_app(w, "shop", "web", "10.0.1.10", b.n1);
	b.db = world_app(w, "shop", "db", "10.0.2.10", b.n2);
	return b;
}

struct flow *
world_connect(struct world *w, uint32_t a, uint32_t b, uint16_t port)
{
	uint32_t src = world_at_pod(w, a), dst = world_at_pod(w, b);

	return world_flow(w, src, dst, FLOW_TCP, port);
}

struct flow *
world_call_out(struct world *w, uint32_t pod, const char *ip, uint16_t port)
{
	uint32_t src = world_at_pod(w, pod);
	uint32_t dst = world_at(w, ENDPOINT_EXTERNAL, ip);

	return world_flow(w, src, dst, FLOW_TCP, port);
}

const struct policy *
world_find(const struct recommendation *r, const char *name)
{
	for (size_t i = 0; i < r->set.n_policies; i++)
		if (strcmp(r->set.policies[i].name, name) == 0)
			return &r->set.policies[i];
	return NULL;
}

static bool
has_note(const struct recommendation *r, const struct world_case *c)
{
	for (size_t i = 0; i < r->n_notes; i++)
		if (r->notes[i].kind == c->kind &&
		    strcmp(r->notes[i].reason, c->note) == 0)
			return true;
	return false;
}

void
world_case_run(void **state)
{
	const struct world_case *c = *state;
	struct recommend_options options = c->options;
	struct recommendation out;
	struct rf_error err = { .msg = "" };
	struct flow_set fs;
	struct arena arena;
	struct world w;
	char text[4096];

	arena_init(&arena, 0);
	world_init(&w);
	c->build(&w);
	fs = world_flows(&w);
	options.namespaces = &c->namespace;
	options.n_namespaces = 1;
	if (recommend(&out, w.c, &fs, &options, &arena, &err) != RF_OK)
		fail_msg("%s", err.msg);
	if (c->policy == NULL) {
		assert_null(world_find(&out, c->want));
	} else {
		const struct policy *p = world_find(&out, c->policy);

		assert_non_null(p);
		world_rules(p, text, sizeof(text));
		assert_string_equal(text, c->want);
	}
	if (c->note != NULL)
		assert_int_equal(has_note(&out, c), !c->no_note);
	assert_int_equal(out.proof.rules, out.proof.rules_needed);
	assert_int_equal(out.proof.edges_observed,
	    out.proof.edges_allowed + out.proof.edges_excluded +
		out.proof.edges_decisions);
	assert_int_equal(out.proof.rollout_steps, out.n_files);
	world_release(&w);
	arena_release(&arena);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "report/audit_print.h"
#include "report/audit_words.h"

#define TEXT_MAX ((size_t)1 << 20)

static const struct {
	unsigned bit;
	const char *word;
} flag_names[] = {
	{ EVAL_SELF, "self" },
	{ EVAL_NODE_LOCAL, "node-local" },
	{ EVAL_BLOCK_ON_POD, "ip-block-on-pod" },
	{ EVAL_NAME_AMBIGUOUS, "port-name-ambiguous" },
	{ EVAL_NAME_SIDECAR, "port-name-of-sidecar" },
};

static void
put_policy(struct json_writer *w, const struct policy_set *set, uint32_t policy,
    struct strbuf *scratch)
{
	strbuf_clear(scratch);
	audit_policy_text(scratch, set, policy);
	json_writer_string(w, NULL, strbuf_str(scratch));
}

/* "ns/name ingress[0]": as in a field path, from 0. */
static void
put_rule(struct json_writer *w, const struct policy_set *set,
    const struct usage_rule *r, struct strbuf *scratch)
{
	strbuf_clear(scratch);
	audit_policy_text(scratch, set, r->policy);
	strbuf_printf(scratch, " %s[%" PRIu32 "]",
	    policy_direction_name(r->direction), r->rule);
	json_writer_string(w, NULL, strbuf_str(scratch));
}

static void
put_side(struct json_writer *w, const struct audit *a,
    const struct audit_edge *e, enum policy_direction d, struct strbuf *scratch)
{
	const struct audit_side *s = &e->sides[d];

	json_writer_object_begin(w, policy_direction_name(d));
	json_writer_string(w, "verdict", audit_side_name(s->verdict));
	json_writer_array_begin_inline(w, "policies");
	for (size_t i = 0; i < s->n_policies; i++)
		put_policy(w, a->set, s->policies[i], scratch);
	json_writer_array_end(w);
	json_writer_array_begin_inline(w, "rules");
	for (size_t i = 0; i < s->n_rules; i++) {
		struct usage_rule r = { s->rules[i].policy, d,
			s->rules[i].rule };

		put_rule(w, a->set, &r, scratch);
	}
	json_writer_array_end(w);
	json_writer_array_begin_inline(w, "flags");
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if ((s->flags & flag_names[i].bit) != 0)
			json_writer_string(w, NULL, flag_names[i].word);
	json_writer_array_end(w);
	if (s->verdict == EVAL_DENY)
		json_writer_string(w, "nearestMiss", s->nearest_miss);
	json_writer_object_end(w);
}

static void
put_edge(struct json_writer *w, const struct audit *a,
    const struct audit_edge *e, struct strbuf *scratch)
{
	json_writer_object_begin(w, NULL);
	view_edge_json(w, e->view);
	json_writer_string(w, "verdict", audit_verdict_name(e->verdict));
	json_writer_string(w, "reason", audit_reason_name(e->reason));
	put_side(w, a, e, POLICY_EGRESS, scratch);
	put_side(w, a, e, POLICY_INGRESS, scratch);
	json_writer_object_begin_inline(w, "pairs");
	json_writer_unsigned(w, "total", e->pairs);
	json_writer_unsigned(w, "wouldDrop", e->pairs_dropped);
	json_writer_unsigned(w, "unknown", e->pairs_unknown);
	json_writer_object_end(w);
	json_writer_object_end(w);
}

static void
put_summary(struct json_writer *w, const struct audit *a)
{
	json_writer_object_begin(w, "summary");
	json_writer_unsigned(w, "policies", a->set->n_policies);
	json_writer_unsigned(w, "edges", audit_counted(a));
	json_writer_unsigned(w, "allowed", a->counts[AUDIT_ALLOWED]);
	json_writer_unsigned(w, "wouldDrop", a->counts[AUDIT_WOULD_DROP]);
	json_writer_unsigned(
	    w, "notEnforceable", a->counts[AUDIT_NOT_ENFORCEABLE]);
	json_writer_unsigned(w, "unknown", a->counts[AUDIT_UNKNOWN]);
	json_writer_unsigned(w, "wouldDropConnections", a->connections_dropped);
	json_writer_unsigned(w, "notTraffic", a->n_not_traffic);
	json_writer_object_end(w);
}

static void
put_span(struct json_writer *w, const struct usage_span *s)
{
	json_writer_object_begin_inline(w, "observed");
	if (s->from_us == s->to_us) {
		json_writer_null(w, "from");
		json_writer_null(w, "to");
	} else {
		json_writer_time(w, "from", s->from_us);
		json_writer_time(w, "to", s->to_us);
	}
	json_writer_unsigned(
	    w, "seconds", (uint64_t)(s->observed_us / 1000000));
	json_writer_object_end(w);
}

static void
put_usage(struct json_writer *w, const struct audit *a, struct strbuf *scratch)
{
	const struct usage *u = &a->usage;

	json_writer_object_begin(w, "unused");
	put_span(w, &u->span);
	json_writer_array_begin(w, "policies");
	for (size_t i = 0; i < u->n_policies; i++)
		put_policy(w, a->set, u->policies[i], scratch);
	json_writer_array_end(w);
	json_writer_array_begin(w, "rules");
	for (size_t i = 0; i < u->n_rules; i++)
		put_rule(w, a->set, &u->rules[i], scratch);
	json_writer_array_end(w);
	json_writer_object_end(w);
	json_writer_array_begin(w, "selectsNothing");
	for (size_t i = 0; i < u->n_idle; i++)
		put_policy(w, a->set, u->idle[i].policy, scratch);
	json_writer_array_end(w);
}

enum rf_status
audit_print_json(FILE *out, const struct audit *a, struct rf_error *err)
{
	struct json_writer w;
	struct strbuf scratch;
	enum rf_status st = RF_OK;

	strbuf_init(&scratch, TEXT_MAX);
	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_array_begin(&w, "edges");
	for (size_t i = 0; i < a->n_edges; i++)
		put_edge(&w, a, &a->edges[i], &scratch);
	json_writer_array_end(&w);
	put_summary(&w, a);
	put_usage(&w, a, &scratch);
	view_coverage_json(&w, a->flows);
	json_writer_object_end(&w);
	json_writer_end(&w);
	if (strbuf_failed(&scratch))
		st = rf_fail(err, RF_NOMEM, "audit: out of memory");
	strbuf_release(&scratch);
	return st;
}

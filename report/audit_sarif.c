/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "report/audit_print.h"
#include "report/audit_words.h"
#include "report/sarif.h"
#include "report/text.h"

#define TEXT_MAX ((size_t)1 << 20)

enum rule { RULE_WOULD_DROP, RULE_UNKNOWN, RULE_UNUSED, RULE_NO_POD };

static const struct sarif_rule rules[] = {
	[RULE_WOULD_DROP] = { "RFA01", "error",
	    "Observed traffic would be dropped",
	    "This connection was observed and worked. The policy isolates one "
	    "of its ends, and no rule of any policy allows it there, so it "
	    "would be dropped once the policy is applied. Add a rule for it, "
	    "or make sure that it is not wanted. The nearest miss names the "
	    "rule that came closest and what it lacked." },
	[RULE_UNKNOWN] = { "RFA02", "warning",
	    "Observed traffic may be dropped",
	    "No rule allows this connection, but nothing firm can be said of "
	    "it: who held an address at that time, which end opened the "
	    "connection, or what a network plugin does with a pod that "
	    "reaches itself through its Service is not known." },
	[RULE_UNUSED] = { "RFA03", "note", "Nothing observed used this rule",
	    "No observed connection was allowed by this rule. What happens "
	    "rarely - a yearly job, a failover - may still need it, so look "
	    "at how long was observed before it is removed." },
	[RULE_NO_POD] = { "RFA04", "warning", "The policy selects no pod",
	    "The podSelector matches no pod that is known in the policy's "
	    "namespace, so the policy does nothing. Often a label is "
	    "misspelt, or the policy is in the wrong namespace." },
};

struct making {
	const struct audit *a;
	struct arena *arena;
	struct sarif_result *results;
	size_t n, cap;
	size_t left_out; /* policies that were read from no file */
	struct strbuf text, key;
	bool failed;
};

/* What is in text and key becomes a result at that line of the policy. */
static void
add_result(struct making *m, enum rule rule, uint32_t policy, uint32_t line)
{
	const struct policy *p = &m->a->set->policies[policy];
	struct sarif_result *r;

	if (p->file == NULL) {
		m->left_out++;
		return;
	}
	if (!arena_grow(m->arena, (void **)&m->results, m->n, &m->cap,
		sizeof(*m->results))) {
		m->failed = true;
		return;
	}
	r = &m->results[m->n++];
	*r = (struct sarif_result){ .rule = rule,
		.level = rules[rule].level,
		.message = arena_strdup(m->arena, strbuf_str(&m->text)),
		.file = p->file,
		.line = line,
		.key = arena_strdup(m->arena, strbuf_str(&m->key)) };
	m->failed |= strbuf_failed(&m->text) || strbuf_failed(&m->key) ||
	    r->message == NULL || r->key == NULL;
}

/* "shop/deployment/web to shop/deployment/api, TCP/8080". */
static void
add_edge_text(struct strbuf *out, const struct audit_edge *e)
{
	view_end_text(out, e->view->src);
	strbuf_puts(out, " to ");
	view_end_text(out, e->view->dst);
	strbuf_printf(out, ", %s/%u",
	    flow_protocol_name(e->view->edge->protocol), e->view->edge->port);
}

static void
add_denial(struct making *m, const struct audit_edge *e,
    enum policy_direction d, uint32_t policy)
{
	const struct audit_side *s = &e->sides[d];
	bool drops = e->verdict == AUDIT_WOULD_DROP;
	struct strbuf edge;

	strbuf_init(&edge, TEXT_MAX);
	add_edge_text(&edge, e);
	strbuf_clear(&m->text);
	strbuf_clear(&m->key);
	text_escape(&m->text, strbuf_str(&edge));
	if (drops)
		strbuf_printf(&m->text,
		    ": %" PRIu64 " of %" PRIu64
		    " observed connections would be dropped. ",
		    e->connections_dropped, e->view->edge->connections);
	else
		strbuf_puts(&m->text, ": may be dropped. ");
	text_escape(&m->text, m->a->set->policies[policy].namespace);
	strbuf_putc(&m->text, '/');
	text_escape(&m->text, m->a->set->policies[policy].name);
	strbuf_printf(&m->text, " isolates the %s (%s) and no rule allows it. ",
	    d == POLICY_EGRESS ? "source" : "destination",
	    policy_direction_name(d));
	if (!drops)
		strbuf_printf(
		    &m->text, "Not firm: %s. ", audit_reason_text(e->reason));
	strbuf_puts(&m->text, "Nearest miss: ");
	text_escape(&m->text, s->nearest_miss);
	audit_policy_text(&m->key, m->a->set, policy);
	strbuf_printf(&m->key, " %s ", policy_direction_name(d));
	strbuf_puts(&m->key, strbuf_str(&edge));
	m->failed |= strbuf_failed(&edge);
	strbuf_release(&edge);
	add_result(m, drops ? RULE_WOULD_DROP : RULE_UNKNOWN, policy,
	    m->a->set->policies[policy].line);
}

static void
add_edge(struct making *m, const struct audit_edge *e)
{
	if (!e->is_traffic ||
	    (e->verdict != AUDIT_WOULD_DROP && e->verdict != AUDIT_UNKNOWN))
		return;
	for (int d = 1; d >= 0; d--) {
		const struct audit_side *s = &e->sides[d];

		for (size_t i = 0; s->verdict == EVAL_DENY && i < s->n_policies;
		     i++)
			add_denial(
			    m, e, (enum policy_direction)d, s->policies[i]);
	}
}

static void
add_unused(struct making *m, const struct usage_rule *r)
{
	if (audit_policy_is_idle(m->a, r->policy))
		return;
	strbuf_clear(&m->text);
	strbuf_clear(&m->key);
	audit_policy_text(&m->key, m->a->set, r->policy);
	strbuf_puts(&m->key, " ");
	audit_rule_text(&m->key, r);
	text_escape(&m->text, strbuf_str(&m->key));
	strbuf_puts(&m->text, ": nothing used it in ");
	usage_duration(&m->text, m->a->usage.span.observed_us);
	strbuf_puts(
	    &m->text, " of observation; what happens rarely may need it");
	add_result(m, RULE_UNUSED, r->policy, audit_rule_line(m->a->set, r));
}

static void
add_idle(struct making *m, const struct usage_idle *idle)
{
	struct strbuf why;

	strbuf_init(&why, TEXT_MAX);
	usage_idle_text(&why, idle, m->a->cluster);
	strbuf_clear(&m->text);
	strbuf_clear(&m->key);
	audit_policy_text(&m->key, m->a->set, idle->policy);
	text_escape(&m->text, strbuf_str(&m->key));
	strbuf_puts(&m->text, " selects no pod: ");
	text_escape(&m->text, strbuf_str(&why));
	m->failed |= strbuf_failed(&why);
	strbuf_release(&why);
	add_result(m, RULE_NO_POD, idle->policy,
	    audit_selector_line(&m->a->set->policies[idle->policy]));
}

enum rf_status
audit_print_sarif(FILE *out, const struct audit *a, const char *base,
    size_t *left_out, struct arena *arena, struct rf_error *err)
{
	struct making m = { .a = a, .arena = arena };
	struct sarif_run run = { .base = base,
		.rules = rules,
		.n_rules = sizeof(rules) / sizeof(rules[0]) };

	strbuf_init(&m.text, TEXT_MAX);
	strbuf_init(&m.key, TEXT_MAX);
	for (size_t i = 0; i < a->n_edges; i++)
		add_edge(&m, &a->edges[i]);
	for (size_t i = 0; i < a->usage.n_rules; i++)
		add_unused(&m, &a->usage.rules[i]);
	for (size_t i = 0; i < a->usage.n_idle; i++)
		add_idle(&m, &a->usage.idle[i]);
	strbuf_release(&m.text);
	strbuf_release(&m.key);
	*left_out = m.left_out;
	if (m.failed)
		return rf_fail(err, RF_NOMEM, "audit: out of memory");
	run.results = m.results;
	run.n_results = m.n;
	return sarif_print(out, &run, arena, err);
}

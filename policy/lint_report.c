/* SPDX-License-Identifier: Apache-2.0 */
/* Findings and the words they are made of. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/lint_internal.h"

#define TEXT_MAX 1024

const char *
lint_text(struct lint *l, const char *fmt, ...)
{
	char buf[TEXT_MAX];
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	text = arena_strdup(l->arena, buf);
	if (text == NULL)
		l->failed = true;
	return text == NULL ? "" : text;
}

struct lint_at
lint_at_policy(const struct policy *p, uint32_t line, const char *field)
{
	return (struct lint_at){
		.policy = p, .line = line == 0 ? p->line : line, .field = field
	};
}

static uint32_t
rule_line(const struct lint_spot *s)
{
	return s->rule->line == 0 ? s->policy->line : s->rule->line;
}

struct lint_at
lint_at_rule(struct lint *l, const struct lint_spot *s, const char *tail)
{
	return lint_at_policy(s->policy, rule_line(s),
	    lint_text(l, "spec.%s[%zu]%s", policy_direction_name(s->direction),
		s->index, tail));
}

struct lint_at
lint_at_peer(
    struct lint *l, const struct lint_spot *s, size_t peer, const char *tail)
{
	uint32_t line = s->rule->peers[peer].line;

	return lint_at_policy(s->policy, line == 0 ? rule_line(s) : line,
	    lint_text(l, "spec.%s[%zu].%s[%zu]%s",
		policy_direction_name(s->direction), s->index,
		s->direction == POLICY_INGRESS ? "from" : "to", peer, tail));
}

struct lint_at
lint_at_port(struct lint *l, const struct lint_spot *s, size_t port)
{
	uint32_t line = s->rule->ports[port].line;

	return lint_at_policy(s->policy, line == 0 ? rule_line(s) : line,
	    lint_text(l, "spec.%s[%zu].ports[%zu]",
		policy_direction_name(s->direction), s->index, port));
}

void
lint_add(struct lint *l, unsigned ahead, enum lint_severity severity,
    const struct lint_at *at, const char *reason, const char *mend)
{
	void *v = l->findings;
	const struct lint_rule *rule = l->rule + ahead;
	struct lint_finding *f;

	if (!arena_grow(l->arena, &v, l->n_findings, &l->cap_findings,
		sizeof(*l->findings))) {
		l->failed = true;
		return;
	}
	l->findings = v;
	f = &l->findings[l->n_findings++];
	*f = (struct lint_finding){ .rule = rule,
		.severity =
		    severity < rule->severity ? severity : rule->severity,
		.line = at->line,
		.object = at->object,
		.field = at->field,
		.reason = reason,
		.mend = mend };
	if (at->policy != NULL) {
		f->file = at->policy->file;
		f->object = lint_text(l, "NetworkPolicy %s/%s",
		    at->policy->namespace, at->policy->name);
	}
}

static void
add_values(struct strbuf *out, const struct selector_requirement *r)
{
	for (size_t i = 0; i < r->n_values; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : ", ", r->values[i]);
}

static void
add_requirement(struct strbuf *out, const struct selector_requirement *r)
{
	switch (r->op) {
	case SELECTOR_IN:
	case SELECTOR_NOT_IN:
		strbuf_printf(out, "%s %s (", r->key,
		    r->op == SELECTOR_IN ? "in" : "not in");
		add_values(out, r);
		strbuf_putc(out, ')');
		break;
	case SELECTOR_EXISTS:
		strbuf_printf(out, "%s exists", r->key);
		break;
	case SELECTOR_DOES_NOT_EXIST:
		strbuf_printf(out, "%s absent", r->key);
		break;
	}
}

const char *
lint_selector_text(struct lint *l, const struct label_selector *s)
{
	struct strbuf *out = &l->text;

	if (selector_is_empty(s))
		return "{}";
	strbuf_clear(out);
	for (size_t i = 0; i < s->match_labels.n; i++)
		strbuf_printf(out, "%s%s: %s", i == 0 ? "" : ", ",
		    s->match_labels.v[i].key, s->match_labels.v[i].value);
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		if (out->len > 0)
			strbuf_puts(out, ", ");
		add_requirement(out, &s->match_expressions[i]);
	}
	if (strbuf_failed(out))
		l->failed = true;
	/* Longer ones are cut: this goes into a sentence. */
	return lint_text(
	    l, "%.300s%s", strbuf_str(out), out->len > 300 ? "..." : "");
}

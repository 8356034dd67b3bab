/* SPDX-License-Identifier: Apache-2.0 */
#include "report/review_text.h"

#include <string.h>
#include <strings.h>

#include "core/flow.h"
#include "core/rfc3339.h"
#include "report/text.h"

/* "a,b)" */
static void
add_values(struct strbuf *out, const struct selector_requirement *q)
{
	for (size_t i = 0; i < q->n_values; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : ",", q->values[i]);
	strbuf_putc(out, ')');
}

static void
add_requirement(struct strbuf *out, const struct selector_requirement *q)
{
	static const char *const words[] = {
		[SELECTOR_IN] = " in (",
		[SELECTOR_NOT_IN] = " notin (",
		[SELECTOR_EXISTS] = "",
		[SELECTOR_DOES_NOT_EXIST] = "",
	};

	if (q->op == SELECTOR_DOES_NOT_EXIST)
		strbuf_putc(out, '!');
	strbuf_printf(out, "%s%s", q->key, words[q->op]);
	if (q->op == SELECTOR_EXISTS || q->op == SELECTOR_DOES_NOT_EXIST)
		return;
	add_values(out, q);
}

void
review_selector(struct strbuf *out, const struct label_selector *s)
{
	const char *comma = "";

	if (selector_is_empty(s)) {
		strbuf_puts(out, "every pod");
		return;
	}
	for (size_t i = 0; i < s->match_labels.n; i++) {
		strbuf_printf(out, "%s%s=%s", comma, s->match_labels.v[i].key,
		    s->match_labels.v[i].value);
		comma = ",";
	}
	for (size_t i = 0; i < s->n_match_expressions; i++) {
		strbuf_puts(out, comma);
		add_requirement(out, &s->match_expressions[i]);
		comma = ",";
	}
}

/* "monitoring" for the usual selector, "(blue,red)" for several of them, the
 * labels themselves else. */
static void
add_namespaces(struct strbuf *out, const struct label_selector *s)
{
	static const char name[] = "kubernetes.io/metadata.name";

	if (selector_is_empty(s))
		strbuf_puts(out, "any namespace");
	else if (s->match_labels.n == 1 && s->n_match_expressions == 0 &&
	    strcmp(s->match_labels.v[0].key, name) == 0)
		strbuf_puts(out, s->match_labels.v[0].value);
	else if (s->match_labels.n == 0 && s->n_match_expressions == 1 &&
	    s->match_expressions->op == SELECTOR_IN &&
	    strcmp(s->match_expressions->key, name) == 0) {
		strbuf_putc(out, '(');
		add_values(out, s->match_expressions);
	} else
		review_selector(out, s);
}

static void
add_peer(struct strbuf *out, const struct policy_peer *p)
{
	char text[IP_PREFIX_STRLEN];

	if (p->ip_block != NULL) {
		strbuf_puts(out, ip_prefix_format(&p->ip_block->cidr, text));
		if (p->ip_block->n_except > 0)
			strbuf_printf(out, " except %zu block%s",
			    p->ip_block->n_except,
			    p->ip_block->n_except == 1 ? "" : "s");
		if (p->comment != NULL)
			strbuf_printf(out, " (%s)", p->comment);
		return;
	}
	if (p->namespace_selector != NULL)
		add_namespaces(out, p->namespace_selector);
	if (p->namespace_selector != NULL && p->pod_selector != NULL)
		strbuf_putc(out, '/');
	if (p->pod_selector != NULL)
		review_selector(out, p->pod_selector);
}

/* Addresses do not say what they are: the rule's comment does. */
static bool
has_block(const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_peers; i++)
		if (rule->peers[i].ip_block != NULL)
			return true;
	return false;
}

void
review_peers(struct strbuf *out, const struct policy_rule *rule)
{
	if (rule->n_peers == 0)
		strbuf_puts(out, "anyone");
	if (rule->comment != NULL && has_block(rule))
		strbuf_printf(out, "%s: ", rule->comment);
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (i > 0)
			strbuf_puts(out, "; ");
		add_peer(out, &rule->peers[i]);
	}
}

static void
add_port(struct strbuf *out, const struct policy_port *p)
{
	const char *protocol = flow_protocol_name(p->protocol);

	strbuf_puts(out, protocol == NULL ? "?" : protocol);
	if (p->has_port && p->name != NULL)
		strbuf_printf(out, " %s", p->name);
	else if (p->has_port)
		strbuf_printf(out, " %u", p->port);
	if (p->end_port != 0)
		strbuf_printf(out, "-%u", p->end_port);
}

void
review_ports(struct strbuf *out, const struct policy_rule *rule)
{
	if (rule->n_ports == 0)
		strbuf_puts(out, "any");
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (i > 0)
			strbuf_puts(out, ", ");
		add_port(out, &rule->ports[i]);
	}
}

void
review_pair(struct strbuf *out, const struct recommend_pair *p)
{
	const char *protocol = flow_protocol_name(p->protocol);

	strbuf_printf(out, "%s to %s %s ", p->src, p->dst,
	    protocol == NULL ? "?" : protocol);
	if (p->port == 0)
		strbuf_puts(out, "on ports that were never used");
	else if (p->end_port != 0)
		strbuf_printf(
		    out, "%u-%u (not each was used)", p->port, p->end_port);
	else
		strbuf_printf(out, "%u", p->port);
}

size_t
review_common_reasons(const struct recommendation *r)
{
	size_t n = r->n_workloads > 1 ? r->workloads[0].readiness.n_reasons : 0;

	for (size_t i = 1; i < r->n_workloads; i++) {
		const struct recommend_readiness *a =
		    &r->workloads[i].readiness;
		size_t k = 0;

		while (k < n && k < a->n_reasons &&
		    strcmp(r->workloads[0].readiness.reasons[k],
			a->reasons[k]) == 0)
			k++;
		n = k;
	}
	return n;
}

void
review_escape(struct strbuf *out, const char *text)
{
	struct strbuf safe;

	strbuf_init(&safe, (size_t)1 << 20);
	text_escape(&safe, text);
	for (const char *c = strbuf_str(&safe); *c != '\0'; c++) {
		/* "<" and "&" as entities: some readers take HTML even
		 * behind a backslash; ":" so that nothing becomes a link. */
		if (*c == '<')
			strbuf_puts(out, "&lt;");
		else if (*c == '>')
			strbuf_puts(out, "&gt;");
		else if (*c == '&')
			strbuf_puts(out, "&amp;");
		else if (*c == '@')
			strbuf_puts(out, "&#64;");
		else if (c[0] == ':' && c[1] == '/')
			strbuf_puts(out, "&#58;");
		else if (strncasecmp(c, "www.", 4) == 0) {
			strbuf_add(out, c, 3);
			strbuf_puts(out, "&#46;");
			c += 3;
		} else {
			if (strchr("\\`*_{}[]#|~$!", *c) != NULL)
				strbuf_putc(out, '\\');
			strbuf_putc(out, *c);
		}
	}
	if (strbuf_failed(&safe))
		out->failed = true;
	strbuf_release(&safe);
}

void
review_time(struct strbuf *out, int64_t us)
{
	char text[RFC3339_STRLEN];

	strbuf_puts(out, rfc3339_format(us - us % 1000000, text));
}

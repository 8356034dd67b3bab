/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/world_rules.h"

#include <stdio.h>
#include <string.h>

#include "core/flow.h"

struct out {
	char *p;
	size_t left;
};

static void
put(struct out *o, const char *s)
{
	size_t n = strlen(s);

	if (n >= o->left)
		n = o->left - 1;
	memcpy(o->p, s, n);
	o->p += n;
	o->left -= n;
	*o->p = '\0';
}

static void
put_selector(struct out *o, const struct label_selector *s)
{
	const char *sep = "";

	if (selector_is_empty(s))
		put(o, "*");
	for (size_t i = 0; i < s->match_labels.n; i++, sep = "+") {
		put(o, sep);
		put(o, s->match_labels.v[i].key);
		put(o, "=");
		put(o, s->match_labels.v[i].value);
	}
	for (size_t i = 0; i < s->n_match_expressions; i++, sep = "+") {
		const struct selector_requirement *r = &s->match_expressions[i];

		put(o, sep);
		put(o, r->op == SELECTOR_DOES_NOT_EXIST ? "!" : "");
		put(o, r->key);
		for (size_t k = 0; k < r->n_values; k++) {
			put(o, r->op == SELECTOR_IN ? "~" : "!~");
			put(o, r->values[k]);
		}
	}
}

static void
put_block(struct out *o, const struct policy_ip_block *b)
{
	char text[IP_PREFIX_STRLEN];

	put(o, ip_prefix_format(&b->cidr, text));
	for (size_t i = 0; i < b->n_except; i++) {
		put(o, "!");
		put(o, ip_prefix_format(&b->except[i], text));
	}
}

/* Namespaces by name; "*" is all of them. */
static void
put_namespaces(struct out *o, const struct label_selector *s)
{
	const struct selector_requirement *r = s->match_expressions;

	if (selector_is_empty(s))
		put(o, "*");
	if (s->match_labels.n > 0)
		put(o, s->match_labels.v[0].value);
	for (size_t i = 0; s->n_match_expressions > 0 && i < r->n_values; i++) {
		put(o, i > 0 ? "~" : "");
		put(o, r->values[i]);
	}
}

static void
put_peer(struct out *o, const struct policy_peer *p)
{
	if (p->ip_block != NULL) {
		put_block(o, p->ip_block);
		return;
	}
	if (p->namespace_selector != NULL) {
		put(o, "ns:");
		put_namespaces(o, p->namespace_selector);
		put(o, p->pod_selector != NULL ? "/" : "");
	}
	if (p->pod_selector != NULL)
		put_selector(o, p->pod_selector);
}

static void
put_rule(struct out *o, const struct policy_rule *r)
{
	char text[32];

	if (r->n_peers == 0)
		put(o, " anyone");
	for (size_t i = 0; i < r->n_peers; i++) {
		put(o, " ");
		put_peer(o, &r->peers[i]);
	}
	put(o, r->n_ports > 0 ? " @" : "");
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct policy_port *p = &r->ports[i];

		(void)snprintf(text, sizeof(text), "%s%s/", i > 0 ? "," : "",
		    flow_protocol_name(p->protocol));
		put(o, text);
		(void)snprintf(text, sizeof(text), "%u", (unsigned)p->port);
		put(o, p->name == NULL ? text : p->name);
		(void)snprintf(
		    text, sizeof(text), "-%u", (unsigned)p->end_port);
		put(o, p->end_port == 0 ? "" : text);
	}
}

void
world_rules(const struct policy *p, char *buf, size_t size)
{
	static const char *const names[] = {
		[POLICY_INGRESS] = " in", [POLICY_EGRESS] = " eg"
	};
	struct out o = { buf, size };

	*buf = '\0';
	put_selector(&o, &p->pod_selector);
	for (int d = 0; d < 2; d++) {
		if (!p->types[d])
			continue;
		put(&o, names[d]);
		for (size_t i = 0; i < p->n_rules[d]; i++) {
			put(&o, i > 0 ? " &" : "");
			put_rule(&o, &p->rules[d][i]);
		}
	}
}

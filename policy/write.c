/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/write.h"

#include <string.h>
#include <strings.h>

#include "core/flow.h"
#include "policy/read.h"

#define COMMENT_MAX       200 /* characters of one comment line */
#define COMMENT_LINES_MAX 200
#define DOC_MAX_BYTES     ((size_t)16 * 1024 * 1024)

static void
put_indent(struct strbuf *out, unsigned n)
{
	for (; n > 0; n--)
		strbuf_puts(out, "  ");
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does every version of YAML read the plain text as this very string? */
static bool
is_plain(const char *text)
{
	static const char *const reserved[] = { "y", "n", "yes", "no", "on",
		"off", "true", "false", "null" };

	if (!is_letter(text[0]))
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcasecmp(text, reserved[i]) == 0)
			return false;
	for (const char *c = text; *c != '\0'; c++)
		if (!is_letter(*c) && !is_digit(*c) &&
		    strchr("._/-", *c) == NULL)
			return false;
	return true;
}

/* The next code point; an invalid byte yields U+FFFD, which the read-back
 * then finds to differ. */
static uint32_t
next_rune(const unsigned char **s)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = *s;
	unsigned more = p[0] < 0x80 ? 0
	    : (p[0] & 0xe0) == 0xc0 ? 1
	    : (p[0] & 0xf0) == 0xe0 ? 2
	    : (p[0] & 0xf8) == 0xf0 ? 3
				    : 4;
	uint32_t rune = more == 0 ? p[0] : p[0] & (0x3fu >> more);

	if (more == 4)
		goto invalid;
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			goto invalid;
		rune = rune << 6 | (p[i] & 0x3f);
	}
	if (rune < least[more] || rune > 0x10ffff ||
	    (rune >= 0xd800 && rune < 0xe000))
		goto invalid;
	*s = p + more + 1;
	return rune;
invalid:
	*s = p + 1;
	return 0xfffd;
}

void
policy_write_text(struct strbuf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (is_plain(text)) {
		strbuf_puts(out, text);
		return;
	}
	strbuf_putc(out, '"');
	while (*p != '\0') {
		uint32_t rune = next_rune(&p);

		if (rune == '"' || rune == '\\')
			strbuf_printf(out, "\\%c", (char)rune);
		else if (rune >= 0x20 && rune < 0x7f)
			strbuf_putc(out, (char)rune);
		else
			strbuf_printf(out, "\\U%08X", rune);
	}
	strbuf_putc(out, '"');
}

/*
 * Comments may hold names that strangers chose, and CR, NEL or LS would end
 * one: only printable ASCII passes.
 */
static void
put_comment(struct strbuf *out, unsigned indent, const char *text)
{
	size_t lines = 0;

	if (text == NULL || text[0] == '\0')
		return;
	while (lines++ < COMMENT_LINES_MAX) {
		size_t n = strcspn(text, "\n");

		put_indent(out, indent);
		strbuf_putc(out, '#');
		for (size_t i = 0; i < n && i < COMMENT_MAX; i++) {
			char c = text[i];

			if (i == 0)
				strbuf_putc(out, ' ');
			strbuf_putc(out, c >= 0x20 && c < 0x7f ? c : '?');
		}
		strbuf_puts(out, n > COMMENT_MAX ? "...\n" : "\n");
		text += n;
		if (*text == '\0' || *++text == '\0')
			return;
	}
}

/* A rule's or a peer's comment is one line, whatever it holds. */
static void
put_comment_line(struct strbuf *out, unsigned indent, const char *text)
{
	char line[COMMENT_MAX + 2] = { 0 };
	size_t n;

	if (text == NULL || text[0] == '\0')
		return;
	n = strnlen(text, sizeof(line) - 1);
	for (size_t i = 0; i < n; i++)
		line[i] = text[i] == '\n' ? ' ' : text[i];
	put_comment(out, indent, line);
}

static void
put_labels(struct strbuf *out, unsigned indent, const char *key,
    const struct label_set *set)
{
	if (set->n == 0)
		return;
	put_indent(out, indent);
	strbuf_printf(out, "%s:\n", key);
	for (size_t i = 0; i < set->n; i++) {
		put_indent(out, indent + 1);
		policy_write_text(out, set->v[i].key);
		strbuf_puts(out, ": ");
		policy_write_text(out, set->v[i].value);
		strbuf_putc(out, '\n');
	}
}

static void
put_requirement(
    struct strbuf *out, unsigned indent, const struct selector_requirement *r)
{
	static const char *const names[] = {
		[SELECTOR_IN] = "In",
		[SELECTOR_NOT_IN] = "NotIn",
		[SELECTOR_EXISTS] = "Exists",
		[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
	};

	put_indent(out, indent);
	strbuf_puts(out, "- key: ");
	policy_write_text(out, r->key);
	strbuf_putc(out, '\n');
	put_indent(out, indent + 1);
	strbuf_printf(out, "operator: %s\n", names[r->op]);
	if (r->n_values == 0)
		return;
	put_indent(out, indent + 1);
	strbuf_puts(out, "values:\n");
	for (size_t i = 0; i < r->n_values; i++) {
		put_indent(out, indent + 1);
		strbuf_puts(out, "- ");
		policy_write_text(out, r->values[i]);
		strbuf_putc(out, '\n');
	}
}

/* "key:" was not written yet; the cursor stands behind its indentation. */
static void
put_selector(struct strbuf *out, unsigned indent, const char *key,
    const struct label_selector *s)
{
	if (selector_is_empty(s)) {
		strbuf_printf(out, "%s: {}\n", key);
		return;
	}
	strbuf_printf(out, "%s:\n", key);
	put_labels(out, indent + 1, "matchLabels", &s->match_labels);
	if (s->n_match_expressions == 0)
		return;
	put_indent(out, indent + 1);
	strbuf_puts(out, "matchExpressions:\n");
	for (size_t i = 0; i < s->n_match_expressions; i++)
		put_requirement(out, indent + 1, &s->match_expressions[i]);
}

static void
put_prefix(struct strbuf *out, const struct ip_prefix *p)
{
	char text[IP_PREFIX_STRLEN];

	(void)ip_prefix_format(p, text);
	/* A dotted quad with a length is no number in any YAML; a text with
	 * colons is quoted all the same. */
	if (ip_prefix_is_v4(p))
		strbuf_printf(out, "%s\n", text);
	else
		strbuf_printf(out, "\"%s\"\n", text);
}

static void
put_ip_block(
    struct strbuf *out, unsigned indent, const struct policy_ip_block *b)
{
	strbuf_puts(out, "ipBlock:\n");
	put_indent(out, indent + 1);
	strbuf_puts(out, "cidr: ");
	put_prefix(out, &b->cidr);
	if (b->n_except == 0)
		return;
	put_indent(out, indent + 1);
	strbuf_puts(out, "except:\n");
	for (size_t i = 0; i < b->n_except; i++) {
		put_indent(out, indent + 1);
		strbuf_puts(out, "- ");
		put_prefix(out, &b->except[i]);
	}
}

static void
put_peer(struct strbuf *out, unsigned indent, const struct policy_peer *p)
{
	put_comment_line(out, indent, p->comment);
	put_indent(out, indent);
	strbuf_puts(out, "- ");
	if (p->ip_block != NULL) {
		put_ip_block(out, indent + 1, p->ip_block);
		return;
	}
	if (p->namespace_selector != NULL)
		put_selector(out, indent + 1, "namespaceSelector",
		    p->namespace_selector);
	if (p->namespace_selector != NULL && p->pod_selector != NULL)
		put_indent(out, indent + 1);
	if (p->pod_selector != NULL)
		put_selector(out, indent + 1, "podSelector", p->pod_selector);
}

static void
put_port(struct strbuf *out, unsigned indent, const struct policy_port *p)
{
	put_indent(out, indent);
	strbuf_puts(out, "- ");
	if (p->has_port && p->name != NULL) {
		strbuf_puts(out, "port: ");
		policy_write_text(out, p->name);
		strbuf_putc(out, '\n');
		put_indent(out, indent + 1);
	} else if (p->has_port) {
		strbuf_printf(out, "port: %u\n", p->port);
		put_indent(out, indent + 1);
		if (p->end_port != 0) {
			strbuf_printf(out, "endPort: %u\n", p->end_port);
			put_indent(out, indent + 1);
		}
	}
	strbuf_printf(out, "protocol: %s\n",
	    flow_protocol_name(p->protocol) == NULL
		? "?"
		: flow_protocol_name(p->protocol));
}

static void
put_rule(
    struct strbuf *out, const struct policy_rule *r, enum policy_direction d)
{
	put_comment_line(out, 1, r->comment);
	put_indent(out, 1);
	strbuf_puts(out, "- ");
	if (r->n_peers == 0 && r->n_ports == 0)
		strbuf_puts(out, "{}\n");
	if (r->n_peers > 0)
		strbuf_puts(out, d == POLICY_INGRESS ? "from:\n" : "to:\n");
	for (size_t i = 0; i < r->n_peers; i++)
		put_peer(out, 2, &r->peers[i]);
	if (r->n_peers > 0 && r->n_ports > 0)
		put_indent(out, 2);
	if (r->n_ports > 0)
		strbuf_puts(out, "ports:\n");
	for (size_t i = 0; i < r->n_ports; i++)
		put_port(out, 2, &r->ports[i]);
}

static void
put_policy(struct strbuf *out, const struct policy *p)
{
	static const enum policy_direction order[] = { POLICY_INGRESS,
		POLICY_EGRESS };

	put_comment(out, 0, p->comment);
	strbuf_puts(out,
	    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	    "metadata:\n  name: ");
	policy_write_text(out, p->name);
	strbuf_puts(out, "\n  namespace: ");
	policy_write_text(out, p->namespace);
	strbuf_putc(out, '\n');
	put_labels(out, 1, "labels", &p->labels);
	put_labels(out, 1, "annotations", &p->annotations);
	strbuf_puts(out, "spec:\n  ");
	put_selector(out, 1, "podSelector", &p->pod_selector);
	strbuf_puts(out, "  policyTypes:\n");
	if (p->types[POLICY_INGRESS])
		strbuf_puts(out, "  - Ingress\n");
	if (p->types[POLICY_EGRESS])
		strbuf_puts(out, "  - Egress\n");
	for (size_t i = 0; i < 2; i++) {
		enum policy_direction d = order[i];

		if (p->n_rules[d] > 0)
			strbuf_printf(out, "  %s:\n", policy_direction_name(d));
		for (size_t j = 0; j < p->n_rules[d]; j++)
			put_rule(out, &p->rules[d][j], d);
	}
}

/* Read the document back: is it the policy, the whole and nothing else? */
static enum rf_status
check_written(
    const struct strbuf *doc, const struct policy *p, struct rf_error *err)
{
	const struct policy_problem *problems;
	struct policy_reader *r = NULL;
	struct policy_set set = { 0 };
	struct arena arena;
	enum rf_status st;
	size_t n;

	arena_init(&arena, 0);
	st = policy_reader_new(&r, &arena, "default", err);
	if (st != RF_OK)
		goto out;
	st = policy_reader_text(r, NULL, strbuf_str(doc), doc->len, err);
	if (st == RF_OK)
		st = policy_reader_finish(r, &set, err);
	if (st != RF_OK)
		goto out;
	problems = policy_reader_problems(r, &n);
	if (n > 0)
		st = rf_fail(err, RF_CORRUPT, "written policy: %s: %s",
		    problems[0].field, problems[0].detail);
	else if (set.n_policies != 1 || !policy_equal(&set.policies[0], p))
		st = rf_fail(err, RF_CORRUPT,
		    "written policy: reads back as another one");
out:
	policy_reader_free(r);
	arena_release(&arena);
	return st;
}

enum rf_status
policy_write(struct strbuf *out, const struct policy *p, struct rf_error *err)
{
	struct strbuf doc;
	enum rf_status st;

	if (p->namespace == NULL || p->name == NULL)
		return rf_fail(err, RF_INVAL,
		    "write policy: it has no name or no namespace");
	strbuf_init(&doc, DOC_MAX_BYTES);
	put_policy(&doc, p);
	if (strbuf_failed(&doc)) {
		st = rf_fail(err, RF_NOMEM, "write policy %s/%s: out of memory",
		    p->namespace, p->name);
		goto out;
	}
	st = check_written(&doc, p, err);
	if (st != RF_OK) {
		st = rf_wrap(err, st, "policy %s/%s", p->namespace, p->name);
		goto out;
	}
	if (out->len > 0)
		strbuf_puts(out, "---\n");
	strbuf_add(out, strbuf_str(&doc), doc.len);
	if (strbuf_failed(out))
		st = rf_fail(err, RF_NOMEM, "write policy %s/%s: out of memory",
		    p->namespace, p->name);
out:
	strbuf_release(&doc);
	return st;
}

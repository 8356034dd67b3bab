/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the JSON columns; columns_read.c reads them. Members are in the order
 * of their names, as in what jansson wrote with JSON_COMPACT | JSON_SORT_KEYS
 * before: the text of what did not change must not change.
 */
#include "store/columns.h"

#include "kube/json_text.h"

#define COLUMN_BYTES_MAX ((size_t)64 * 1024 * 1024)

void
column_writer_init(struct column_writer *w)
{
	*w = (struct column_writer){ .n = 0 };
	for (int i = 0; i < COLUMNS_MAX; i++)
		strbuf_init(&w->text[i], COLUMN_BYTES_MAX);
}

void
column_writer_release(struct column_writer *w)
{
	for (int i = 0; i < COLUMNS_MAX; i++)
		strbuf_release(&w->text[i]);
}

void
column_writer_clear(struct column_writer *w)
{
	w->n = 0;
	w->failed = false;
}

/* The next text, empty; past the last one, that again, and it has failed. */
static struct strbuf *
begin(struct column_writer *w)
{
	struct strbuf *sb;

	if (w->n == COLUMNS_MAX) {
		w->failed = true;
		w->n--;
	}
	sb = &w->text[w->n++];
	strbuf_clear(sb);
	return sb;
}

/* The text; "" once anything has failed. */
static const char *
end(struct column_writer *w, const struct strbuf *sb)
{
	if (strbuf_failed(sb))
		w->failed = true;
	return w->failed ? "" : strbuf_str(sb);
}

static void
put_text(struct column_writer *w, struct strbuf *sb, const char *s)
{
	if (!json_text_quote(sb, s != NULL ? s : ""))
		w->failed = true;
}

static void
put_comma(struct strbuf *sb, size_t i)
{
	if (i > 0)
		strbuf_putc(sb, ',');
}

static void
put_labels(
    struct column_writer *w, struct strbuf *sb, const struct label_set *l)
{
	strbuf_putc(sb, '{');
	for (size_t i = 0; i < l->n; i++) {
		put_comma(sb, i);
		put_text(w, sb, l->v[i].key);
		strbuf_putc(sb, ':');
		put_text(w, sb, l->v[i].value);
	}
	strbuf_putc(sb, '}');
}

const char *
column_labels(struct column_writer *w, const struct label_set *l)
{
	struct strbuf *sb = begin(w);

	put_labels(w, sb, l);
	return end(w, sb);
}

static const char *const op_names[] = {
	[SELECTOR_IN] = "In",
	[SELECTOR_NOT_IN] = "NotIn",
	[SELECTOR_EXISTS] = "Exists",
	[SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
};

static void
put_requirement(struct column_writer *w, struct strbuf *sb,
    const struct selector_requirement *r)
{
	strbuf_puts(sb, "{\"key\":");
	put_text(w, sb, r->key);
	strbuf_printf(sb, ",\"operator\":\"%s\",\"values\":[", op_names[r->op]);
	for (size_t i = 0; i < r->n_values; i++) {
		put_comma(sb, i);
		put_text(w, sb, r->values[i]);
	}
	strbuf_puts(sb, "]}");
}

const char *
column_selector(struct column_writer *w, const struct label_selector *sel)
{
	struct strbuf *sb = begin(w);

	strbuf_puts(sb, "{\"matchExpressions\":[");
	for (size_t i = 0; i < sel->n_match_expressions; i++) {
		put_comma(sb, i);
		put_requirement(w, sb, &sel->match_expressions[i]);
	}
	strbuf_puts(sb, "],\"matchLabels\":");
	put_labels(w, sb, &sel->match_labels);
	strbuf_putc(sb, '}');
	return end(w, sb);
}

const char *
column_ips(struct column_writer *w, const struct ip_addr *v, size_t n)
{
	struct strbuf *sb = begin(w);
	char buf[IP_STRLEN];

	strbuf_putc(sb, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(sb, i);
		put_text(w, sb, ip_format(&v[i], buf));
	}
	strbuf_putc(sb, ']');
	return end(w, sb);
}

const char *
column_cidrs(struct column_writer *w, const struct ip_prefix *v, size_t n)
{
	struct strbuf *sb = begin(w);
	char buf[IP_PREFIX_STRLEN];

	strbuf_putc(sb, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(sb, i);
		put_text(w, sb, ip_prefix_format(&v[i], buf));
	}
	strbuf_putc(sb, ']');
	return end(w, sb);
}

const char *
column_pod_ports(struct column_writer *w, const struct kube_port *v, size_t n)
{
	struct strbuf *sb = begin(w);

	strbuf_putc(sb, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(sb, i);
		strbuf_printf(
		    sb, "{\"init\":%s,\"name\":", v[i].init ? "true" : "false");
		put_text(w, sb, v[i].name);
		strbuf_printf(sb,
		    ",\"port\":%u,\"protocol\":%u,\"sidecar\":%s}", v[i].port,
		    v[i].protocol, v[i].sidecar ? "true" : "false");
	}
	strbuf_putc(sb, ']');
	return end(w, sb);
}

const char *
column_service_ports(
    struct column_writer *w, const struct kube_service_port *v, size_t n)
{
	struct strbuf *sb = begin(w);

	strbuf_putc(sb, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(sb, i);
		strbuf_puts(sb, "{\"name\":");
		put_text(w, sb, v[i].name);
		strbuf_printf(sb,
		    ",\"nodePort\":%u,\"port\":%u,\"protocol\":%u,"
		    "\"targetName\":",
		    v[i].node_port, v[i].port, v[i].protocol);
		put_text(w, sb, v[i].target_name);
		strbuf_printf(sb, ",\"targetPort\":%u}", v[i].target_port);
	}
	strbuf_putc(sb, ']');
	return end(w, sb);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the boxes of a map are called. */
#include <stdlib.h>
#include <string.h>

#include "report/map_internal.h"

const char *
map_keep(struct map_making *m, struct strbuf *text)
{
	const char *s = strbuf_failed(text)
	    ? NULL
	    : arena_strdup(m->arena, strbuf_str(text));

	strbuf_clear(text);
	return s;
}

/* The workload's row, and whether it is ready. */
static void
title_workload(struct map_making *m, const struct map_key *k,
    struct graph_box *b, struct strbuf *text)
{
	struct map_member want = { .namespace = k->namespace };
	const struct map_member *w;

	b->title = k->name;
	strbuf_printf(text, "%s %s", k->type, k->name);
	want.title = strbuf_str(text);
	w = m->in->n_members == 0
	    ? NULL
	    : bsearch(&want, m->in->members, m->in->n_members, sizeof(want),
		  map_member_compare);
	b->subtitle = k->type;
	strbuf_clear(text);
	if (w == NULL)
		return;
	b->href = w->href;
	strbuf_printf(text, "%s, %s", k->type, w->is_ready ? "ready" : "wait");
	b->subtitle = map_keep(m, text);
}

static int
compare_texts(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char *
find_section(struct map_making *m, const char *namespace, struct strbuf *text)
{
	const struct map_input *in = m->in;
	const char *const *found = in->n_spaces == 0
	    ? NULL
	    : bsearch(&namespace, in->spaces, in->n_spaces, sizeof(namespace),
		  compare_texts);

	if (found == NULL)
		return NULL;
	strbuf_printf(text, "#ns%zu", (size_t)(found - in->spaces));
	return map_keep(m, text);
}

static void
title_namespace(struct map_making *m, const struct map_key *k,
    struct graph_box *b, struct strbuf *text)
{
	size_t n = 0, ready = 0;

	b->title = k->namespace;
	b->subtitle = "other namespace";
	if ((b->href = find_section(m, k->namespace, text)) != NULL)
		b->subtitle = "no workload of its own";
	for (size_t i = 0; i < m->in->n_members; i++) {
		if (strcmp(m->in->members[i].namespace, k->namespace) != 0)
			continue;
		n++;
		ready += m->in->members[i].is_ready;
	}
	if (n == 0)
		return;
	strbuf_printf(
	    text, "%zu workload%s, %zu ready", n, n == 1 ? "" : "s", ready);
	b->subtitle = map_keep(m, text);
}

static void
title_outside(struct map_making *m, const struct map_key *k,
    struct graph_box *b, struct strbuf *text)
{
	char ip[IP_STRLEN];

	b->subtitle = "outside the cluster";
	if (m->is_outside_one)
		b->title = k->is_src ? "clients outside" : "servers outside";
	else if (*k->name != '\0')
		b->title = k->name;
	else {
		strbuf_puts(text, ip_format(&k->ip, ip));
		b->title = map_keep(m, text);
	}
}

void
map_title(struct map_making *m, const struct map_key *k, struct graph_box *b,
    struct strbuf *text)
{
	b->kind = k->kind;
	switch (k->kind) {
	case GRAPH_WORKLOAD:
		title_workload(m, k, b, text);
		return;
	case GRAPH_NAMESPACE:
		title_namespace(m, k, b, text);
		return;
	case GRAPH_OUTSIDE:
		title_outside(m, k, b, text);
		return;
	case GRAPH_NODES:
		b->title = "nodes";
		b->subtitle = "and their hostNetwork pods";
		return;
	case GRAPH_UNKNOWN:
		break;
	}
	b->title =
	    *k->name != '\0' ? "one of several pods" : "unknown addresses";
	b->subtitle = "whose they were is not known";
}

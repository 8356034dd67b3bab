/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_internal: a map in the making. Private to report/map*.c.
 */
#ifndef REPORT_MAP_INTERNAL_H
#define REPORT_MAP_INTERNAL_H

#include "report/map.h"

/* What becomes one box. Texts are never NULL. */
struct map_key {
	enum graph_kind kind;
	bool is_src; /* ends that are drawn once on each side */
	const char *namespace, *type, *name;
	struct ip_addr ip;
};

/* A port of a box. */
struct port {
	uint32_t box, slot;
	uint8_t protocol;
	uint16_t port;
	uint64_t connections;
};

/* An edge that is drawn. */
struct stroke {
	const struct audit_edge *edge;
	uint32_t src, dst, slot;
};

struct map_making {
	const struct map_input *in;
	struct map *out;
	struct arena *arena;
	bool is_outside_one;  /* too many to be drawn one by one */
	struct map_key *keys; /* sorted, each once: by box */
	size_t n_keys;
	struct stroke *strokes;
	size_t n_strokes;
	struct port *ports;
	size_t n_ports;
};

/* A copy of the text, which is then empty; NULL: out of memory. */
const char *map_keep(struct map_making *m, struct strbuf *text);

/* Kind, title, subtitle and link of a box; a text is NULL after failure. */
void map_title(struct map_making *m, const struct map_key *k,
    struct graph_box *b, struct strbuf *text);

#endif

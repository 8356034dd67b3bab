/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Needs of one group and direction to rules: peers that need the same ports
 * share a rule, or ports that have the same peers, whichever is shorter among
 * those that have to do with each other. Each (peer, port) stands in exactly
 * one rule, and none is there that was not needed.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

static int
compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_port(const struct policy_port *a, const struct policy_port *b)
{
	int d;

	if ((d = compare_u32(a->protocol, b->protocol)) != 0 ||
	    (d = compare_u32(a->port, b->port)) != 0 ||
	    (d = compare_u32(a->end_port, b->end_port)) != 0)
		return d;
	if (a->name == NULL || b->name == NULL)
		return (a->name != NULL) - (b->name != NULL);
	return strcmp(a->name, b->name);
}

static struct policy_port
port_of(const struct need *n)
{
	return (struct policy_port){ .protocol = n->protocol,
		.has_port = true,
		.port = n->port,
		.end_port = n->end_port,
		.name = n->port_name };
}

static int
compare_needs(const void *x, const void *y)
{
	const struct need *a = x, *b = y;
	struct policy_port p = port_of(a), q = port_of(b);
	int d;

	if ((d = compare_u32(a->group, b->group)) != 0 ||
	    (d = compare_u32(a->direction, b->direction)) != 0 ||
	    (d = peer_compare(&a->peer, &b->peer)) != 0)
		return d;
	return compare_port(&p, &q);
}

size_t
needs_sort(struct need *needs, size_t n)
{
	size_t k = 0;

	if (n == 0)
		return 0;
	qsort(needs, n, sizeof(*needs), compare_needs);
	for (size_t i = 0; i < n; i++) {
		struct need *last = k == 0 ? NULL : &needs[k - 1];

		if (last == NULL || compare_needs(last, &needs[i]) != 0) {
			needs[k++] = needs[i];
			continue;
		}
		last->floor &= needs[i].floor;
		last->peer.kinds =
		    (uint16_t)(last->peer.kinds | needs[i].peer.kinds);
	}
	return k;
}

/* Does a allow all that b allows, and more? Same group and direction. */
static bool
covers(const struct need *a, const struct need *b)
{
	struct policy_port p = port_of(a), q = port_of(b);

	if (compare_port(&p, &q) != 0)
		return false;
	if (a->peer.type == PEER_ANYONE)
		return b->peer.type != PEER_ANYONE;
	if (a->peer.type == PEER_EVERY_POD)
		return b->peer.type == PEER_GROUP;
	if (a->peer.type != PEER_BLOCK || b->peer.type != PEER_BLOCK ||
	    a->peer.block.bits >= b->peer.block.bits ||
	    !ip_prefix_covers(&a->peer.block, &b->peer.block))
		return false;
	return (a->peer.kinds & (BLOCK_WORLD | BLOCK_PUBLIC)) == 0 ||
	    (a->peer.kinds == BLOCK_WORLD && b->peer.kinds == BLOCK_EXTERNAL);
}

/* Drop what a wider need of the same port allows anyway; order is kept. What
 * was seen makes the wider one more than floor. */
static size_t
drop_covered(struct need *needs, size_t n)
{
	size_t k = 0;
	bool any = false;

	for (size_t i = 0; i < n && !any; i++)
		any = needs[i].peer.type == PEER_EVERY_POD ||
		    needs[i].peer.type == PEER_ANYONE ||
		    (needs[i].peer.type == PEER_BLOCK &&
			needs[i].peer.block.bits < 128);
	for (size_t i = 0; i < n; i++) {
		bool covered = false;

		for (size_t j = 0; any && j < n; j++) {
			if ((j >= k && j < i) || /* these have moved */
			    needs[j].peer.type == PEER_GROUP ||
			    !covers(&needs[j], &needs[i]))
				continue;
			needs[j].floor &= needs[i].floor;
			covered = true;
		}
		if (!covered)
			needs[k++] = needs[i];
	}
	return k;
}

/* One thing needed, as indices: a and b are peer and port, or the reverse. */
struct pair {
	uint32_t a, b;
	uint32_t component;
	bool floor;
	uint16_t kinds; /* of an address, on this port */
};

/* A row: what one a is paired with. */
struct row {
	uint32_t a;
	const struct pair *v;
	size_t n;
};

/* Rows with the same partners, next to each other in rows. */
struct part {
	const struct row *rows;
	size_t n;
	bool by_port; /* rows are ports, their partners peers */
};

struct relation {
	const struct peer *peers;
	size_t n_peers;
	const struct policy_port *ports;
	size_t n_ports;
	struct pair *pairs;
	size_t n_pairs;
};

struct parting {
	struct part *v;
	size_t n;
};

static int
compare_pairs(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int d = compare_u32(a->a, b->a);

	return d != 0 ? d : compare_u32(a->b, b->b);
}

static int
compare_partners(const struct row *a, const struct row *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->v[i].b != b->v[i].b)
			return compare_u32(a->v[i].b, b->v[i].b);
	return (a->n > b->n) - (a->n < b->n);
}

static int
compare_rows(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int d = compare_partners(a, b);

	return d != 0 ? d : compare_u32(a->a, b->a);
}

/* By the first peer, then the first port: a rule's place does not depend on
 * how the others were shared out. */
static int
compare_parts(const void *x, const void *y)
{
	const struct part *p = x, *q = y;
	const struct row *a = p->rows, *b = q->rows;
	int d = compare_u32(
	    p->by_port ? a->v->b : a->a, q->by_port ? b->v->b : b->a);

	return d != 0 ? d
		      : compare_u32(p->by_port ? a->a : a->v->b,
			    q->by_port ? b->a : b->v->b);
}

static enum rf_status
part_rows(struct run *r, const struct relation *rel, bool by_port,
    struct parting *out)
{
	struct pair *v = arena_calloc(&r->scratch, rel->n_pairs, sizeof(*v));
	struct row *rows =
	    arena_calloc(&r->scratch, rel->n_pairs, sizeof(*rows));
	struct part *parts =
	    arena_calloc(&r->scratch, rel->n_pairs, sizeof(*parts));
	size_t n = 0;

	*out = (struct parting){ .v = parts };
	if (v == NULL || rows == NULL || parts == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < rel->n_pairs; i++)
		v[i] = (struct pair){
			.a = by_port ? rel->pairs[i].b : rel->pairs[i].a,
			.b = by_port ? rel->pairs[i].a : rel->pairs[i].b,
			.floor = rel->pairs[i].floor,
			.kinds = rel->pairs[i].kinds,
		};
	qsort(v, rel->n_pairs, sizeof(*v), compare_pairs);
	for (size_t i = 0; i < rel->n_pairs; i++) {
		if (i == 0 || v[i].a != v[i - 1].a)
			rows[n++] = (struct row){ v[i].a, &v[i], 0 };
		rows[n - 1].n++;
	}
	qsort(rows, n, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_partners(&rows[i - 1], &rows[i]) != 0)
			parts[out->n++] = (struct part){ &rows[i], 0, by_port };
		parts[out->n - 1].n++;
	}
	return RF_OK;
}

/* What a peer of a part is, by the ports that are in it. */
static uint16_t
part_kinds(const struct part *part, size_t peer)
{
	uint16_t kinds = 0;

	if (part->by_port)
		for (size_t i = 0; i < part->n; i++)
			kinds = (uint16_t)(kinds | part->rows[i].v[peer].kinds);
	else
		for (size_t i = 0; i < part->rows[peer].n; i++)
			kinds = (uint16_t)(kinds | part->rows[peer].v[i].kinds);
	return kinds;
}

/* The peers and ports of one part, in order. */
static enum rf_status
part_content(struct run *r, struct arena *arena, const struct relation *rel,
    const struct part *part, struct relation *out)
{
	size_t na = part->n, nb = part->rows->n;
	struct peer *peers;
	struct policy_port *ports;

	out->n_peers = part->by_port ? nb : na;
	out->n_ports = part->by_port ? na : nb;
	peers = arena_calloc(arena, out->n_peers, sizeof(*peers));
	ports = arena_calloc(arena, out->n_ports, sizeof(*ports));
	if (peers == NULL || ports == NULL)
		return run_nomem(r);
	for (size_t k = 0; k < out->n_peers; k++) {
		peers[k] = rel->peers[part->by_port ? part->rows->v[k].b
						    : part->rows[k].a];
		peers[k].kinds = part_kinds(part, k);
	}
	for (size_t k = 0; k < out->n_ports; k++)
		ports[k] = rel->ports[part->by_port ? part->rows[k].a
						    : part->rows->v[k].b];
	out->peers = peers;
	out->ports = ports;
	return RF_OK;
}

static enum rf_status
count_lines(struct run *r, uint32_t ns, const struct relation *rel,
    const struct parting *p, size_t *lines)
{
	struct relation part = { 0 };
	enum rf_status st;
	size_t n;

	*lines = 0;
	for (size_t i = 0; i < p->n; i++) {
		if ((st = part_content(r, &r->scratch, rel, &p->v[i], &part)) !=
		    RF_OK)
			return st;
		st = peers_lines(r, ns, part.peers, part.n_peers, &n);
		if (st != RF_OK)
			return st;
		*lines += 1 + 2 * part.n_ports + n;
	}
	return RF_OK;
}

static int
compare_ports(const void *x, const void *y)
{
	return compare_port(x, y);
}

/* Number peers and ports, in order; needs are sorted and without repetition. */
static enum rf_status
relate(struct run *r, const struct need *needs, size_t n, struct relation *rel)
{
	struct peer *peers = arena_calloc(&r->scratch, n, sizeof(*peers));
	struct policy_port *ports =
	    arena_calloc(&r->scratch, n, sizeof(*ports));
	struct pair *pairs = arena_calloc(&r->scratch, n, sizeof(*pairs));
	size_t np = 0, nq = 0;

	if (peers == NULL || ports == NULL || pairs == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++)
		ports[i] = port_of(&needs[i]);
	qsort(ports, n, sizeof(*ports), compare_ports);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_port(&ports[nq - 1], &ports[i]) != 0)
			ports[nq++] = ports[i];
	for (size_t i = 0; i < n; i++) {
		struct policy_port key = port_of(&needs[i]);
		const struct policy_port *q =
		    bsearch(&key, ports, nq, sizeof(*ports), compare_ports);

		if (np == 0 || peer_compare(&peers[np - 1], &needs[i].peer))
			peers[np++] = needs[i].peer;
		pairs[i] = (struct pair){ .a = (uint32_t)(np - 1),
			.b = (uint32_t)(q - ports),
			.floor = needs[i].floor,
			.kinds = needs[i].peer.kinds };
	}
	*rel = (struct relation){ peers, np, ports, nq, pairs, n };
	return RF_OK;
}

/* Is everything in this part there without an observation? */
static bool
part_is_floor(const struct part *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->rows[i].n; k++)
			if (!p->rows[i].v[k].floor)
				return false;
	return true;
}

static enum rf_status
write_rules(struct run *r, uint32_t ns, const struct relation *rel,
    const struct parting *p, struct rule_list *out)
{
	struct policy_rule *rules =
	    arena_calloc(r->arena, p->n, sizeof(*rules));
	struct recommend_evidence *evidence =
	    arena_calloc(r->arena, p->n, sizeof(*evidence));
	enum rf_status st;

	if (rules == NULL || evidence == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < p->n; i++) {
		struct relation part = { 0 };
		struct peer_list peers;

		if ((st = part_content(r, r->arena, rel, &p->v[i], &part)) !=
			RF_OK ||
		    (st = peers_write(
			 r, ns, part.peers, part.n_peers, &peers)) != RF_OK)
			return st;
		rules[i] = (struct policy_rule){ .peers = peers.v,
			.n_peers = peers.n,
			.ports = part.ports,
			.n_ports = part.n_ports,
			.comment = peers.comment };
		evidence[i].is_floor = part_is_floor(&p->v[i]);
	}
	*out = (struct rule_list){ rules, evidence, p->n };
	return RF_OK;
}

/* Is an address one thing on one port and another on the next? Pairs are in
 * order. */
static bool
kinds_differ(const struct relation *rel)
{
	for (size_t i = 1; i < rel->n_pairs; i++)
		if (rel->pairs[i].a == rel->pairs[i - 1].a &&
		    rel->pairs[i].kinds != rel->pairs[i - 1].kinds)
			return true;
	return false;
}

/* The parts of the pairs in rel, in the shorter of the two ways. An API
 * server that is a node, too, is best told by port. */
static enum rf_status
part_shorter(
    struct run *r, uint32_t ns, const struct relation *rel, struct parting *out)
{
	struct parting by_port;
	size_t lines_peer, lines_port;
	enum rf_status st;

	if ((st = part_rows(r, rel, false, out)) != RF_OK ||
	    (st = part_rows(r, rel, true, &by_port)) != RF_OK ||
	    (st = count_lines(r, ns, rel, out, &lines_peer)) != RF_OK ||
	    (st = count_lines(r, ns, rel, &by_port, &lines_port)) != RF_OK)
		return st;
	if (lines_port < lines_peer ||
	    (lines_port == lines_peer && kinds_differ(rel)))
		*out = by_port;
	return RF_OK;
}

static uint32_t
find_root(uint32_t *up, uint32_t i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

/* Pairs to components: those that share neither peer nor port, not even by
 * way of others, have nothing to share. Sets pair.component. */
static enum rf_status
find_components(struct run *r, const struct relation *rel)
{
	size_t n = rel->n_peers + rel->n_ports;
	uint32_t *up = arena_calloc(&r->scratch, n, sizeof(*up));

	if (up == NULL)
		return run_nomem(r);
	for (uint32_t i = 0; i < n; i++)
		up[i] = i;
	for (size_t i = 0; i < rel->n_pairs; i++) {
		uint32_t a = find_root(up, rel->pairs[i].a);
		uint32_t b =
		    find_root(up, (uint32_t)rel->n_peers + rel->pairs[i].b);

		up[a < b ? b : a] = a < b ? a : b;
	}
	for (size_t i = 0; i < rel->n_pairs; i++)
		rel->pairs[i].component = find_root(up, rel->pairs[i].a);
	return RF_OK;
}

static int
compare_components(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	int d = compare_u32(a->component, b->component);

	return d != 0 ? d : compare_pairs(x, y);
}

/* Each component on its own; all parts in the order of their first peers. */
static enum rf_status
part_all(
    struct run *r, uint32_t ns, const struct relation *rel, struct parting *out)
{
	struct part *v = arena_calloc(&r->scratch, rel->n_pairs, sizeof(*v));
	enum rf_status st;

	*out = (struct parting){ .v = v };
	if (v == NULL || rel->pairs == NULL)
		return run_nomem(r);
	if ((st = find_components(r, rel)) != RF_OK)
		return st;
	qsort(
	    rel->pairs, rel->n_pairs, sizeof(*rel->pairs), compare_components);
	for (size_t i = 0, j; i < rel->n_pairs; i = j) {
		struct relation one = *rel;
		struct parting parts;

		for (j = i; j < rel->n_pairs &&
		     rel->pairs[j].component == rel->pairs[i].component;
		     j++)
			;
		one.pairs = &rel->pairs[i];
		one.n_pairs = j - i;
		if ((st = part_shorter(r, ns, &one, &parts)) != RF_OK)
			return st;
		memcpy(&v[out->n], parts.v, parts.n * sizeof(*v));
		out->n += parts.n;
	}
	qsort(v, out->n, sizeof(*v), compare_parts);
	return RF_OK;
}

enum rf_status
rules_build(struct run *r, uint32_t ns, struct need *needs, size_t n,
    struct rule_list *out)
{
	struct relation rel = { 0 };
	struct parting parts;
	enum rf_status st;

	*out = (struct rule_list){ 0 };
	n = drop_covered(needs, n);
	if (n == 0)
		return RF_OK;
	arena_init(&r->scratch, 0);
	if ((st = relate(r, needs, n, &rel)) == RF_OK &&
	    (st = part_all(r, ns, &rel, &parts)) == RF_OK)
		st = write_rules(r, ns, &rel, &parts, out);
	arena_release(&r->scratch);
	return st;
}

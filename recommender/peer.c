/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers as they are written: labels in the same namespace, namespace and
 * labels in one element otherwise, addresses as blocks. Workloads that one
 * label key tells apart share one element with an In list where that is
 * shorter; it selects exactly the same pods.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define NAMES_MAX 4 /* in a rule's comment */

int
peer_compare(const struct peer *a, const struct peer *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == PEER_GROUP)
		return (a->group > b->group) - (a->group < b->group);
	if (a->type == PEER_BLOCK)
		return ip_prefix_compare(&a->block, &b->block);
	return 0;
}

/* The key of a peer that one label selects; NULL: it needs more. */
static const char *
single_key(const struct run *r, const struct peer *p)
{
	const struct label_selector *s;

	if (p->type != PEER_GROUP)
		return NULL;
	s = &r->groups[p->group].peer;
	if (s->match_labels.n != 1 || s->n_match_expressions != 0)
		return NULL;
	return s->match_labels.v[0].key;
}

/* May these two stand in one In list? */
static bool
same_list(const struct run *r, const struct peer *a, const struct peer *b)
{
	const char *k = single_key(r, a), *l = single_key(r, b);

	return k != NULL && l != NULL && strcmp(k, l) == 0 &&
	    r->groups[a->group].ns == r->groups[b->group].ns;
}

/* How many of the peers, from the first on, share an In list with peer i; 1
 * where a list would not be shorter. */
static size_t
list_size(const struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    size_t i)
{
	size_t count = 0, least;

	if (single_key(r, &peers[i]) == NULL)
		return 1;
	for (size_t k = 0; k < n; k++)
		count += same_list(r, &peers[i], &peers[k]);
	least = r->groups[peers[i].group].ns == ns ? 3 : 2;
	return count < least ? 1 : count;
}

/* Is peer i written as part of an earlier one's list? */
static bool
is_listed(const struct run *r, const struct peer *peers, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_list(r, &peers[k], &peers[i]))
			return true;
	return false;
}

static size_t
selector_lines(const struct label_selector *s)
{
	size_t n = 1;

	if (s->match_labels.n > 0)
		n += 1 + s->match_labels.n;
	if (s->n_match_expressions > 0)
		n += 1 + 2 * s->n_match_expressions;
	return n;
}

size_t
peers_lines(
    const struct run *r, uint32_t ns, const struct peer *peers, size_t n)
{
	size_t lines = 1;

	if (n > 0 && peers[0].type == PEER_ANYONE)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct group *g = peers[i].type == PEER_GROUP
		    ? &r->groups[peers[i].group]
		    : NULL;
		size_t len = g == NULL ? 1 : list_size(r, ns, peers, n, i);

		if (g == NULL) {
			lines += peers[i].type == PEER_EVERY_POD ? 1 : 2;
			continue;
		}
		if (len > 1 && is_listed(r, peers, i))
			continue;
		lines += g->ns == ns ? 0 : 3;
		lines += len > 1 ? 5 + len : selector_lines(&g->peer);
	}
	return lines;
}

static struct label_selector *
label_selector_of(struct run *r, const char *key, const char *value)
{
	struct label_selector *s = arena_alloc(r->arena, sizeof(*s));
	struct label *l = arena_alloc(r->arena, sizeof(*l));

	if (s == NULL || l == NULL)
		return NULL;
	*l = (struct label){ key, value };
	s->match_labels = (struct label_set){ l, 1 };
	return s;
}

static struct label_selector *
namespace_selector(struct run *r, uint32_t ns)
{
	return label_selector_of(
	    r, "kubernetes.io/metadata.name", r->c->namespaces[ns].name);
}

static int
compare_values(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

/* One In list for every peer that shares one with peer i. */
static struct label_selector *
in_selector(struct run *r, const struct peer *peers, size_t n, size_t i)
{
	struct label_selector *s = arena_alloc(r->arena, sizeof(*s));
	struct selector_requirement *req = arena_alloc(r->arena, sizeof(*req));
	const char **values = arena_calloc(r->arena, n, sizeof(*values));

	if (s == NULL || req == NULL || values == NULL)
		return NULL;
	*req = (struct selector_requirement){ .op = SELECTOR_IN,
		.key = single_key(r, &peers[i]),
		.values = values };
	for (size_t k = i; k < n; k++)
		if (same_list(r, &peers[i], &peers[k]))
			values[req->n_values++] = r->groups[peers[k].group]
						      .peer.match_labels.v[0]
						      .value;
	qsort(values, req->n_values, sizeof(*values), compare_values);
	s->match_expressions = req;
	s->n_match_expressions = 1;
	return s;
}

static enum rf_status
write_group(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    size_t i, struct policy_peer *out)
{
	const struct group *g = &r->groups[peers[i].group];

	out->pod_selector = &g->peer;
	if (list_size(r, ns, peers, n, i) > 1)
		out->pod_selector = in_selector(r, peers, n, i);
	if (g->ns != ns)
		out->namespace_selector = namespace_selector(r, g->ns);
	if (out->pod_selector == NULL ||
	    (g->ns != ns && out->namespace_selector == NULL))
		return run_nomem(r);
	return RF_OK;
}

/* The names that DNS answers gave to the addresses of a block, in order. */
static const char *
block_names(struct run *r, const struct ip_prefix *block)
{
	const char *seen[3], *text = NULL;
	size_t n = 0, lo = 0, hi = r->fs->n_names;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_compare(&r->fs->names[mid].ip, &block->addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->fs->n_names && n < 3 &&
	     ip_prefix_contains(block, &r->fs->names[lo].ip);
	     lo++) {
		bool is_new = true;

		for (size_t i = 0; i < n; i++)
			is_new &= strcmp(seen[i], r->fs->names[lo].name) != 0;
		if (is_new)
			seen[n++] = r->fs->names[lo].name;
	}
	qsort(seen, n, sizeof(*seen), compare_values);
	for (size_t i = 0; i < n; i++)
		text = text == NULL ? seen[0]
				    : run_printf(r, "%s, %s", text, seen[i]);
	return text;
}

static enum rf_status
write_block(struct run *r, const struct peer *p, struct policy_peer *out)
{
	struct policy_ip_block *b = arena_alloc(r->arena, sizeof(*b));
	struct prefix_list except;
	enum rf_status st;

	if (b == NULL)
		return run_nomem(r);
	b->cidr = p->block;
	out->ip_block = b;
	if ((p->kinds & BLOCK_EXTERNAL) != 0)
		out->comment = block_names(r, &p->block);
	if ((p->kinds & (BLOCK_WORLD | BLOCK_PUBLIC)) == 0)
		return RF_OK;
	st = external_exceptions(r, ip_prefix_is_v4(&p->block),
	    (p->kinds & BLOCK_WORLD) == 0, &except);
	if (st != RF_OK)
		return st;
	b->except = except.v;
	b->n_except = except.n;
	return RF_OK;
}

/* Where nothing is known of DNS: the labels that it has by custom. */
static enum rf_status
write_kube_dns(struct run *r, uint32_t ns, struct policy_peer *out)
{
	bool here = ns != FLOW_NONE &&
	    strcmp(r->c->namespaces[ns].name, "kube-system") == 0;

	out->pod_selector = label_selector_of(r, "k8s-app", "kube-dns");
	if (!here)
		out->namespace_selector = label_selector_of(
		    r, "kubernetes.io/metadata.name", "kube-system");
	if (out->pod_selector == NULL ||
	    (!here && out->namespace_selector == NULL))
		return run_nomem(r);
	return RF_OK;
}

static enum rf_status
write_peer(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    size_t i, struct policy_peer *out)
{
	*out = (struct policy_peer){ 0 };
	switch ((enum peer_type)peers[i].type) {
	case PEER_GROUP:
		return write_group(r, ns, peers, n, i, out);
	case PEER_BLOCK:
		return write_block(r, &peers[i], out);
	case PEER_KUBE_DNS:
		return write_kube_dns(r, ns, out);
	case PEER_EVERY_POD:
	case PEER_ANYONE: /* is never written out */
		break;
	}
	out->namespace_selector =
	    arena_alloc(r->arena, sizeof(struct label_selector));
	return out->namespace_selector == NULL ? run_nomem(r) : RF_OK;
}

/* Why an address is there, in words. */
static const char *
block_reasons(struct run *r, unsigned kinds)
{
	static const struct {
		unsigned kind;
		const char *text;
	} words[] = {
		{ BLOCK_DNS, "DNS" },
		{ BLOCK_API_SERVER, "API server" },
		{ BLOCK_METADATA, "instance metadata" },
		{ BLOCK_NODE, "nodes" },
		{ BLOCK_SERVICE, "Service addresses" },
		{ BLOCK_EXTERNAL | BLOCK_WORLD | BLOCK_PUBLIC, "external" },
	};
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((words[i].kind & kinds) == 0)
			continue;
		text = text == NULL
		    ? words[i].text
		    : run_printf(r, "%s, %s", text, words[i].text);
	}
	return text;
}

/* What a peer is called in a rule's comment. */
static const char *
peer_name(struct run *r, uint32_t ns, const struct peer *p)
{
	const struct group *g;
	const char *name;

	if (p->type == PEER_BLOCK)
		return block_reasons(r, p->kinds);
	if (p->type == PEER_EVERY_POD)
		return "every pod";
	if (p->type == PEER_ANYONE)
		return "anyone, every pod included";
	if (p->type == PEER_KUBE_DNS)
		return "DNS";
	g = &r->groups[p->group];
	name = r->c->workloads[g->members[0]].name;
	if (g->ns == ns)
		return name;
	return run_printf(r, "%s/%s", r->c->namespaces[g->ns].name, name);
}

/* The names of a rule's peers, each once, cut where there are many. */
static const char *
rule_comment(struct run *r, uint32_t ns, const struct peer *peers, size_t n)
{
	const char *names[NAMES_MAX], *text = NULL;
	size_t k = 0, i;

	for (i = 0; i < n; i++) {
		const char *name = peer_name(r, ns, &peers[i]);
		bool is_new = name != NULL;

		for (size_t j = 0; j < k && is_new; j++)
			is_new = strcmp(names[j], name) != 0;
		if (!is_new)
			continue;
		if (k == NAMES_MAX)
			break;
		names[k++] = name;
	}
	for (size_t j = 0; j < k; j++)
		text = text == NULL ? names[0]
				    : run_printf(r, "%s, %s", text, names[j]);
	if (i < n)
		text = run_printf(r, "%s and others", text);
	return text;
}

enum rf_status
peers_write(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    struct peer_list *out)
{
	enum rf_status st;

	*out = (struct peer_list){ .v = arena_calloc(
				       r->arena, n, sizeof(*out->v)) };
	if (out->v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++) {
		if (peers[i].type == PEER_ANYONE ||
		    (list_size(r, ns, peers, n, i) > 1 &&
			is_listed(r, peers, i)))
			continue;
		st = write_peer(r, ns, peers, n, i, &out->v[out->n++]);
		if (st != RF_OK)
			return st;
	}
	out->comment = rule_comment(r, ns, peers, n);
	return RF_OK;
}

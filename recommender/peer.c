/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers as they are written: workloads by their labels (element.c),
 * addresses as blocks; and what a rule's comment calls them.
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

enum rf_status
peers_lines(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    size_t *lines)
{
	struct element_list e;
	enum rf_status st = elements_form(r, &r->scratch, ns, peers, n, &e);

	*lines = n > 0 && peers[0].type == PEER_ANYONE ? 0 : 1;
	if (st != RF_OK)
		return st;
	for (size_t i = 0; i < e.n; i++)
		*lines += element_lines(&e.v[i]);
	for (size_t i = 0; i < n; i++)
		if (peers[i].type == PEER_BLOCK)
			*lines += 2;
		else if (peers[i].type == PEER_EVERY_POD)
			*lines += 1;
		else if (peers[i].type == PEER_KUBE_DNS)
			*lines += 6;
	return RF_OK;
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

static int
compare_values(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
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

/* What is said of one address among others. */
static const char *
block_comment(struct run *r, const struct peer *p)
{
	if ((p->kinds & BLOCK_EXTERNAL) != 0)
		return block_names(r, &p->block);
	return (p->kinds & BLOCK_DNS) != 0 ? dns_local_name(r, &p->block.addr)
					   : NULL;
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
	out->comment = block_comment(r, p);
	if ((p->kinds & (BLOCK_WORLD | BLOCK_PUBLIC)) == 0)
		return RF_OK;
	st = external_exceptions(
	    r, &p->block, (p->kinds & BLOCK_WORLD) == 0, &except);
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

/* A peer that is no workload. */
static enum rf_status
write_peer(
    struct run *r, uint32_t ns, const struct peer *p, struct policy_peer *out)
{
	if (p->type == PEER_BLOCK)
		return write_block(r, p, out);
	if (p->type == PEER_KUBE_DNS)
		return write_kube_dns(r, ns, out);
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
		{ BLOCK_LINK_LOCAL, "link-local" },
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

/* A rule's comment in the making. */
struct naming {
	const char *v[NAMES_MAX];
	size_t n;
	bool more; /* than fit */
};

static void
naming_add(struct naming *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (name == NULL || strcmp(names->v[i], name) == 0)
			return;
	if (names->n == NAMES_MAX)
		names->more = true;
	else if (name != NULL)
		names->v[names->n++] = name;
}

/* The workloads of a group, by name. */
static void
naming_add_group(
    struct run *r, struct naming *names, uint32_t ns, const struct group *g)
{
	for (size_t i = 0; i < g->n_members && !names->more; i++) {
		const char *name = r->c->workloads[g->members[i]].name;

		if (g->ns != ns)
			name = run_printf(
			    r, "%s/%s", r->c->namespaces[g->ns].name, name);
		naming_add(names, name);
	}
}

/* The one name that all external addresses of a rule have, or NULL. */
static const char *
common_name(struct run *r, const struct peer *peers, size_t n)
{
	const char *common = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name;

		if (peers[i].type != PEER_BLOCK ||
		    (peers[i].kinds & BLOCK_EXTERNAL) == 0)
			continue;
		name = block_names(r, &peers[i].block);
		if (name == NULL ||
		    (common != NULL && strcmp(common, name) != 0))
			return NULL;
		common = name;
	}
	return common;
}

/* The names of a rule's peers, each once, cut where there are many. */
static const char *
rule_comment(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    const char *outside)
{
	struct naming names = { .n = 0 };
	const char *text = NULL;

	for (size_t i = 0; i < n && !names.more; i++) {
		const struct peer *p = &peers[i];

		if (p->type == PEER_GROUP)
			naming_add_group(r, &names, ns, &r->groups[p->group]);
		else if (p->type == PEER_EVERY_POD)
			naming_add(&names, "every pod");
		else if (p->type == PEER_ANYONE)
			naming_add(&names, "anyone, every pod included");
		else if (p->type == PEER_KUBE_DNS)
			naming_add(&names, "DNS");
		else if ((p->kinds & ~BLOCK_PASSED_ON) == BLOCK_EXTERNAL &&
		    outside != NULL)
			naming_add(&names, outside);
		else
			naming_add(&names, block_reasons(r, p->kinds));
	}
	for (size_t i = 0; i < names.n; i++)
		text = text == NULL ? names.v[0]
				    : run_printf(r, "%s, %s", text, names.v[i]);
	return names.more ? run_printf(r, "%s and others", text) : text;
}

/* The rule's comment; what it says of addresses, they need not repeat. */
static void
write_comments(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    struct peer_list *out)
{
	const char *outside = common_name(r, peers, n);

	out->comment = rule_comment(r, ns, peers, n, outside);
	for (size_t i = 0; outside != NULL && i < out->n; i++)
		if (out->v[i].comment != NULL &&
		    strcmp(out->v[i].comment, outside) == 0)
			out->v[i].comment = NULL;
}

enum rf_status
peers_write(struct run *r, uint32_t ns, const struct peer *peers, size_t n,
    struct peer_list *out)
{
	struct element_list e;
	enum rf_status st = elements_form(r, r->arena, ns, peers, n, &e);
	size_t k = 0;

	*out = (struct peer_list){ .v = arena_calloc(
				       r->arena, n, sizeof(*out->v)) };
	if (st != RF_OK || out->v == NULL)
		return st != RF_OK ? st : run_nomem(r);
	for (size_t i = 0; i < n; i++) {
		if (k < e.n && e.v[k].first == i) {
			out->v[out->n++] =
			    (struct policy_peer){ .pod_selector = e.v[k].pods,
				    .namespace_selector = e.v[k].namespaces };
			k++;
		}
		if (peers[i].type == PEER_GROUP || peers[i].type == PEER_ANYONE)
			continue;
		st = write_peer(r, ns, &peers[i], &out->v[out->n++]);
		if (st != RF_OK)
			return st;
	}
	write_comments(r, ns, peers, n, out);
	return RF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External addresses: exact up to a limit, then merged as long as what the
 * prefixes let in beyond the observed stays within a budget. Merging never
 * crosses from public to private and never takes in the cluster's own.
 */
#include <stdlib.h>
#include <string.h>

#include "recommender/internal.h"

#define MERGE_BUDGET 4  /* addresses covered for each one observed */
#define LISTED_MAX   4  /* addresses in one remark */
#define EXCEPT_MAX   64 /* exceptions of a block; more are merged */

static const char *const private_classes[] = { "10.0.0.0/8", "172.16.0.0/12",
	"192.168.0.0/16", "100.64.0.0/10", "fc00::/7" };
#define N_PRIVATE (sizeof(private_classes) / sizeof(private_classes[0]))

static enum rf_status
add_block(struct run *r, struct need proto, unsigned kinds,
    const struct ip_prefix *block)
{
	proto.peer = (struct peer){
		.type = PEER_BLOCK, .kinds = (uint16_t)kinds, .block = *block
	};
	return needs_add(r, proto);
}

/* May these two become one block? */
static bool
may_merge(const struct run *r, const struct ip_prefix *a,
    const struct ip_prefix *b, const struct ip_prefix *both)
{
	struct ip_prefix c;

	if (ip_prefix_is_v4(a) != ip_prefix_is_v4(b) ||
	    (ip_prefix_is_v4(a) && both->bits < 96 + 8))
		return false;
	for (size_t i = 0; i < N_PRIVATE; i++)
		if (ip_prefix_parse(&c, private_classes[i], NULL) &&
		    !ip_prefix_covers(&c, both) && ip_prefix_covers(both, &c))
			return false;
	if (ip_is_private(&a->addr) != ip_is_private(&b->addr))
		return false;
	return !address_holds_pods(r, both) && !address_holds_special(r, both);
}

/* How many addresses a prefix holds; more than fits counts as the most. */
static uint64_t
prefix_size(const struct ip_prefix *p)
{
	unsigned host = 128u - p->bits;

	return host >= 40 ? (uint64_t)1 << 40 : (uint64_t)1 << host;
}

struct merging {
	struct ip_prefix *v;
	size_t n;
	uint64_t covered, budget;
};

/* Merge neighbours whose common prefix has this many bits, from the start,
 * until the limit holds. false: the budget would be exceeded. */
static bool
merge_level(const struct run *r, struct merging *m, uint8_t bits)
{
	size_t k = 0;

	for (size_t i = 1; i < m->n; i++) {
		struct ip_prefix both = prefix_around(&m->v[k], &m->v[i]);
		uint64_t was = prefix_size(&m->v[k]) + prefix_size(&m->v[i]);
		uint64_t is = prefix_size(&both);
		bool enough = m->n - (i - 1 - k) <= r->max_external;

		if (enough || both.bits != bits ||
		    !may_merge(r, &m->v[k], &m->v[i], &both)) {
			m->v[++k] = m->v[i];
			continue;
		}
		if (m->covered - was + is > m->budget)
			return false;
		m->covered = m->covered - was + is;
		m->v[k] = both;
	}
	m->n = k + 1;
	return true;
}

/* Fewer prefixes around the addresses, the closest first; false: there is no
 * way within limit and budget. */
static bool
merge_addresses(const struct run *r, struct merging *m)
{
	for (unsigned bits = 127; bits > 0 && m->n > r->max_external; bits--)
		if (!merge_level(r, m, (uint8_t)bits))
			return false;
	return m->n <= r->max_external;
}

/* Each address by itself; or only those that a wide block leaves out, as they
 * have become the cluster's own. */
static enum rf_status
add_each(struct run *r, struct need proto, const struct raw *raws, size_t n,
    bool only_passed_on)
{
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		struct ip_prefix host = ip_prefix_host(&raws[i].ip);
		bool is_passed_on = address_is_passed_on(r, &raws[i].ip);

		if (only_passed_on && !is_passed_on)
			continue;
		st = add_block(r, proto,
		    BLOCK_EXTERNAL | (is_passed_on ? BLOCK_PASSED_ON : 0),
		    &host);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

static enum rf_status
add_exact(struct run *r, struct need proto, const struct raw *raws, size_t n)
{
	return add_each(r, proto, raws, n, false);
}

static enum rf_status
add_merged(struct run *r, struct need proto, const struct raw *raws, size_t n)
{
	unsigned budget = r->options->external_budget;
	struct merging m = { .n = n,
		.covered = n,
		.budget = (uint64_t)(budget == 0 ? MERGE_BUDGET : budget) * n };
	enum rf_status st;

	m.v = arena_calloc(r->arena, n, sizeof(*m.v));
	if (m.v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++)
		m.v[i] = ip_prefix_host(&raws[i].ip);
	if (!merge_addresses(r, &m)) {
		if ((st = add_exact(r, proto, raws, n)) != RF_OK)
			return st;
		return note_remark(r, raws, "many-addresses",
		    run_printf(r,
			"%zu external addresses are listed one by one; they "
			"lie too far apart to merge into %zu blocks within "
			"%llu addresses (--external-budget; or "
			"--external=any)",
			n, r->max_external, (unsigned long long)m.budget));
	}
	for (size_t i = 0; i < m.n; i++)
		if ((st = add_block(r, proto, BLOCK_EXTERNAL, &m.v[i])) !=
		    RF_OK)
			return st;
	return note_remark(r, raws, "merged-addresses",
	    run_printf(r,
		"%zu external addresses are merged into %zu blocks, which "
		"hold %llu addresses",
		n, m.n, (unsigned long long)m.covered));
}

/* Who has an address of a family is reached from anywhere over it. */
static void
add_own_families(const struct run *r, uint32_t group, bool has[2])
{
	uint32_t pod = r->groups[group].pod;

	for (size_t i = 0; pod != FLOW_NONE && i < r->c->pods[pod].n_ips; i++)
		has[ip_is_v4(&r->c->pods[pod].ips[i])] = true;
}

/* Both families as far as the pods have them or they were seen, but for what
 * kind leaves out. */
static enum rf_status
add_families(struct run *r, struct need proto, enum block_kind kind,
    const struct raw *raws, size_t n)
{
	bool has[2] = { false, false };
	struct ip_prefix all;
	enum rf_status st;

	for (size_t i = 0; i < n; i++)
		has[ip_is_v4(&raws[i].ip)] = true;
	add_own_families(r, proto.group, has);
	if (has[1] && ip_prefix_parse(&all, "0.0.0.0/0", NULL) &&
	    (st = add_block(r, proto, kind, &all)) != RF_OK)
		return st;
	if (has[0] && ip_prefix_parse(&all, "::/0", NULL) &&
	    (st = add_block(r, proto, kind, &all)) != RF_OK)
		return st;
	return add_each(r, proto, raws, n, true);
}

/* Clients from anywhere: every address but the cluster's own. */
static enum rf_status
add_world(struct run *r, struct need proto, const struct raw *raws, size_t n)
{
	enum rf_status st = add_families(r, proto, BLOCK_WORLD, raws, n);

	if (st != RF_OK)
		return st;
	return note_remark(r, raws, "open-to-world",
	    run_printf(r,
		"%zu external clients came in, so every address outside of the "
		"cluster is allowed",
		n));
}

/* Clients from private networks: those networks, but for the cluster's own
 * addresses; what is public is still told one by one. */
static enum rf_status
add_private(struct run *r, struct need proto, const struct raw *raws, size_t n)
{
	bool seen[N_PRIVATE] = { false };
	size_t n_private = 0;
	struct ip_prefix c;
	enum rf_status st;

	for (size_t i = 0; i < n; i++) {
		struct ip_prefix host = ip_prefix_host(&raws[i].ip);
		bool is_private = false;

		for (size_t k = 0; k < N_PRIVATE; k++)
			if (ip_prefix_parse(&c, private_classes[k], NULL) &&
			    ip_prefix_covers(&c, &host))
				seen[k] = is_private = true;
		n_private += is_private;
		if (!is_private &&
		    (st = add_exact(r, proto, &raws[i], 1)) != RF_OK)
			return st;
	}
	for (size_t k = 0; k < N_PRIVATE; k++)
		if (seen[k] && ip_prefix_parse(&c, private_classes[k], NULL) &&
		    (st = add_block(r, proto, BLOCK_WORLD, &c)) != RF_OK)
			return st;
	if ((st = add_each(r, proto, raws, n, true)) != RF_OK)
		return st;
	return note_remark(r, raws, "open-to-private",
	    run_printf(r,
		"%zu clients from private networks came in through a Service, "
		"so every address of these networks outside of the cluster is "
		"allowed",
		n_private));
}

/* Whoever asks: this admits every pod as well. */
enum rf_status
external_anyone(struct run *r, const struct raw *raws)
{
	struct need proto = { .group = raws->group,
		.direction = raws->direction,
		.protocol = raws->protocol,
		.port = raws->port };
	enum rf_status st;

	proto.peer = (struct peer){ .type = PEER_ANYONE };
	if ((st = needs_add(r, proto)) != RF_OK)
		return st;
	return note_remark(r, raws, "open-to-anyone",
	    "clients come in from outside, and --public-ingress=open allows "
	    "everybody, every pod included");
}

/* Servers anywhere outside; private ones are still told one by one. raws is
 * reordered. */
static enum rf_status
add_public(struct run *r, struct need proto, const struct raw *raws, size_t n)
{
	struct raw *v = arena_calloc(r->arena, n, sizeof(*v));
	size_t n_private = 0, n_public = 0;
	enum rf_status st;

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < n; i++)
		if (ip_is_private(&raws[i].ip))
			v[n_private++] = raws[i];
	for (size_t i = 0; i < n; i++)
		if (!ip_is_private(&raws[i].ip))
			v[n_private + n_public++] = raws[i];
	st = n_private > r->max_external ? add_merged(r, proto, v, n_private)
					 : add_exact(r, proto, v, n_private);
	if (st != RF_OK)
		return st;
	if (n_public <= r->max_external)
		return add_exact(r, proto, v + n_private, n_public);
	st = add_families(r, proto, BLOCK_PUBLIC, v + n_private, n_public);
	if (st != RF_OK)
		return st;
	return note_remark(r, raws, "open-to-world",
	    run_printf(r,
		"%zu public addresses were reached, and --external=any "
		"allows all of them",
		n_public));
}

/* Which of the addresses are so, as text, cut where they are many; NULL: none,
 * or out of memory, which *st then says. */
static const char *
list_addresses(struct run *r, const struct raw *raws, size_t n,
    bool (*is_so)(const struct run *r, const struct ip_addr *ip),
    enum rf_status *st)
{
	const char *list = NULL;
	char text[IP_STRLEN];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_so(r, &raws[i].ip) || k++ >= LISTED_MAX)
			continue;
		list = run_printf(r, "%s%s%s", list == NULL ? "" : list,
		    list == NULL ? "" : ", ", ip_format(&raws[i].ip, text));
		if (list == NULL)
			break;
	}
	if (k > LISTED_MAX && list != NULL)
		list = run_printf(r, "%s and %zu more", list, k - LISTED_MAX);
	*st = k > 0 && list == NULL ? run_nomem(r) : RF_OK;
	return list;
}

/* Addresses of which a reviewer must know more than that they are outside. */
static const struct doubt {
	bool (*is_so)(const struct run *r, const struct ip_addr *ip);
	const char *reason, *words;
} doubts[] = {
	/* Where nodes do not tell the ranges of pods, a pod that is gone looks
	 * like an address outside. */
	{ address_is_beside_pods, "beside-pods",
	    "private, without a name, and beside addresses of pods, of which "
	    "no node tells the range; make sure that it is no pod that is "
	    "gone, for its address passes to another one" },
	/* The rule is for whoever had the address then. */
	{ address_is_passed_on, "passed-on",
	    "outside of the cluster when it was seen, and an address of its "
	    "own now; remove it if that other is gone, for it means whoever "
	    "has the address" },
};

static enum rf_status
remark_doubts(struct run *r, const struct raw *raws, size_t n)
{
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < sizeof(doubts) / sizeof(*doubts);
	     i++) {
		const struct doubt *d = &doubts[i];
		const char *list = list_addresses(r, raws, n, d->is_so, &st);

		if (list != NULL)
			st = note_remark(r, raws, d->reason,
			    run_printf(r, "%s: %s", list, d->words));
	}
	return st;
}

enum rf_status
external_needs(struct run *r, const struct raw *raws, size_t n)
{
	struct need proto = { .group = raws->group,
		.direction = raws->direction,
		.protocol = raws->protocol,
		.port = raws->port };
	bool in = raws->direction == POLICY_INGRESS;
	size_t n_open = 0, n_inner = 0;
	enum rf_status st;

	/* Who comes from the Internet is anybody, whether through a Service, a
	 * hostPort or a balancer that knows the pods. */
	for (size_t i = 0; i < n; i++)
		if (!ip_is_private(&raws[i].ip))
			n_open++;
		else
			n_inner += raws[i].via_service;
	if (in && n_open + n_inner > 0 && r->options->public_open)
		return external_anyone(r, raws);
	if ((st = remark_doubts(r, raws, n)) != RF_OK)
		return st;
	if (n <= r->max_external)
		return add_exact(r, proto, raws, n);
	if (in && n_open > r->max_external)
		return add_world(r, proto, raws, n);
	if (in && n_inner > r->max_external)
		return add_private(r, proto, raws, n);
	if (!in && r->options->external_any)
		return add_public(r, proto, raws, n);
	return add_merged(r, proto, raws, n);
}

/* Does a block hold an address that was seen outside of the cluster? */
static bool
holds_others(const struct run *r, const struct ip_prefix *p)
{
	return addr_list_touches(&r->other_ips, p);
}

/* Too many exceptions: unite the closest neighbours, but never around an
 * address that was seen outside, nor beyond a sixteenth of the block. */
static size_t
limit_exceptions(const struct run *r, const struct ip_prefix *block,
    struct ip_prefix *v, size_t n)
{
	while (n > EXCEPT_MAX) {
		struct ip_prefix best = { 0 };
		size_t at = n;

		for (size_t i = 0; i + 1 < n; i++) {
			struct ip_prefix p = prefix_around(&v[i], &v[i + 1]);

			if (p.bits < block->bits + 4 || holds_others(r, &p) ||
			    (at < n && p.bits <= best.bits))
				continue;
			best = p;
			at = i;
		}
		if (at == n)
			break;
		v[at] = best;
		memmove(&v[at + 1], &v[at + 2], (n - at - 2) * sizeof(*v));
		n = prefixes_unite(v, n - 1);
	}
	return n;
}

enum rf_status
external_exceptions(struct run *r, const struct ip_prefix *block,
    bool no_private, struct prefix_list *out)
{
	static const char *const local[] = { "169.254.0.0/16", "fe80::/10" };
	size_t n_local = sizeof(local) / sizeof(local[0]), m = 0, k = 0;
	size_t n = r->pod_ranges.n + r->pod_ips.n + r->n_node_ips + N_PRIVATE;
	struct ip_prefix *v = arena_calloc(r->arena, n + n_local, sizeof(*v));

	if (v == NULL)
		return run_nomem(r);
	for (size_t i = 0; i < r->pod_ranges.n; i++)
		v[m++] = r->pod_ranges.v[i];
	for (size_t i = 0; i < r->pod_ips.n; i++)
		v[m++] = ip_prefix_host(&r->pod_ips.v[i]);
	for (size_t i = 0; i < r->n_node_ips; i++)
		v[m++] = ip_prefix_host(&r->node_ips[i].ip);
	for (size_t i = 0; no_private && i < N_PRIVATE; i++)
		m += ip_prefix_parse(&v[m], private_classes[i], NULL);
	for (size_t i = 0; no_private && i < n_local; i++)
		m += ip_prefix_parse(&v[m], local[i], NULL);
	for (size_t i = 0; i < m; i++)
		if (ip_prefix_is_v4(&v[i]) == ip_prefix_is_v4(block) &&
		    v[i].bits > block->bits && ip_prefix_covers(block, &v[i]))
			v[k++] = v[i];
	k = prefixes_unite(v, k);
	*out = (struct prefix_list){ v, limit_exceptions(r, block, v, k) };
	return RF_OK;
}

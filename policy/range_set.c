/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ipBlocks of a rule as disjoint ranges of addresses: a block less what it
 * excepts leaves the gaps between its excepts, and which block of a rule it is
 * that lets an address in makes no difference.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"

struct range_list {
	struct ip_range *v;
	size_t n;
};

static ip_number
number_of(const struct ip_addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->b, sizeof(high));
	memcpy(&low, a->b + sizeof(high), sizeof(low));
	return (ip_number)be64toh(high) << 64 | be64toh(low);
}

struct compiled_ip
compiled_ip_of(const struct ip_addr *a)
{
	return (struct compiled_ip){ .number = number_of(a),
		.is_v4 = ip_is_v4(a),
		.is_none = ip_is_none(a) };
}

static struct ip_range
range_of(const struct ip_prefix *p)
{
	ip_number first = number_of(&p->addr);
	ip_number rest = p->bits == 0 ? ~(ip_number)0
				      : ((ip_number)1 << (128 - p->bits)) - 1;

	return (struct ip_range){ first & ~rest, first | rest };
}

static int
compare_ranges(const void *x, const void *y)
{
	const struct ip_range *a = x, *b = y;

	return (a->first > b->first) - (a->first < b->first);
}

static void
sort_ranges(struct ip_range *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_ranges);
}

/* Add what the block leaves of its cidr; room for n_except more as scratch
 * stands behind what it adds. */
static void
add_block(struct range_list *l, const struct policy_ip_block *b)
{
	bool is_v4 = ip_prefix_is_v4(&b->cidr), more = true;
	struct ip_range left = range_of(&b->cidr), *out = &l->v[l->n];
	struct ip_range *except = out + b->n_except + 1;
	size_t n = 0;

	for (size_t i = 0; i < b->n_except; i++)
		if (ip_prefix_is_v4(&b->except[i]) == is_v4)
			except[n++] = range_of(&b->except[i]);
	sort_ranges(except, n);
	for (size_t i = 0; i < n && more; i++) {
		if (except[i].last < left.first || except[i].first > left.last)
			continue;
		if (except[i].first > left.first)
			l->v[l->n++] = (struct ip_range){ left.first,
				except[i].first - 1 };
		more = except[i].last < left.last;
		left.first = except[i].last + 1;
	}
	if (more)
		l->v[l->n++] = left;
}

/* The blocks of one family. */
static void
add_blocks(struct range_list *l, const struct policy_rule *rule, bool is_v4)
{
	size_t start = l->n, kept = l->n;

	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;

		if (b != NULL && ip_prefix_is_v4(&b->cidr) == is_v4)
			add_block(l, b);
	}
	sort_ranges(l->v + start, l->n - start);
	for (size_t i = start; i < l->n; i++) {
		struct ip_range *last = kept > start ? &l->v[kept - 1] : NULL;

		if (last == NULL || l->v[i].first > last->last)
			l->v[kept++] = l->v[i];
		else if (l->v[i].last > last->last)
			last->last = l->v[i].last;
	}
	l->n = kept;
}

bool
range_set_make(
    struct range_set *out, struct arena *arena, const struct policy_rule *rule)
{
	struct range_list l = { 0 };
	size_t room = 0, most = 0;

	*out = (struct range_set){ 0 };
	for (size_t i = 0; i < rule->n_peers; i++) {
		const struct policy_ip_block *b = rule->peers[i].ip_block;

		if (b == NULL)
			continue;
		room += b->n_except + 1;
		most = b->n_except > most ? b->n_except : most;
	}
	if (room == 0)
		return true;
	l.v = arena_calloc(arena, room + most, sizeof(*l.v));
	if (l.v == NULL || room > UINT32_MAX)
		return false;
	add_blocks(&l, rule, true);
	out->n_v4 = (uint32_t)l.n;
	add_blocks(&l, rule, false);
	out->n = (uint32_t)l.n;
	out->v = l.v;
	return true;
}

bool
range_set_has(const struct range_set *s, const struct compiled_ip *ip)
{
	const struct ip_range *v = ip->is_v4 ? s->v : s->v + s->n_v4;
	uint32_t n = ip->is_v4 ? s->n_v4 : s->n - s->n_v4;

	while (n > 1) {
		uint32_t half = n / 2;

		v = v[half].first <= ip->number ? v + half : v;
		n -= half;
	}
	return n == 1 && !ip->is_none && v->first <= ip->number &&
	    ip->number <= v->last;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timely.h"

#include <stdlib.h>

/* Programs ask before they connect, and remember answers for a while. */
#define SLACK_US ((uint64_t)5 * 60 * 1000000)

/* When an address was spoken with: from after to is never. */
struct span {
	struct ip_addr ip;
	int64_t from_us, to_us;
};

static void
widen(struct span *s, const struct flow *f)
{
	if (f->first_us < s->from_us)
		s->from_us = f->first_us;
	if (f->last_us > s->to_us)
		s->to_us = f->last_us;
}

static int
compare_spans(const void *a, const void *b)
{
	return ip_compare(
	    &((const struct span *)a)->ip, &((const struct span *)b)->ip);
}

/* One for each endpoint, by address; an address may have several. For free(),
 * NULL: out of memory. */
static struct span *
make_spans(const struct flow_set *fs)
{
	struct span *v = calloc(fs->n_endpoints + 1, sizeof(*v));

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < fs->n_endpoints; i++)
		v[i] =
		    (struct span){ fs->endpoints[i].ip, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < fs->n_flows; i++) {
		widen(&v[fs->flows[i].src], &fs->flows[i]);
		widen(&v[fs->flows[i].dst], &fs->flows[i]);
	}
	qsort(v, fs->n_endpoints, sizeof(*v), compare_spans);
	return v;
}

/* Is a before b, or not much later? */
static bool
is_in_time(int64_t a, int64_t b)
{
	return a <= b || (uint64_t)a - (uint64_t)b <= SLACK_US;
}

static bool
holds_in(const struct dns_name *d, const struct span *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].from_us <= v[i].to_us &&
		    is_in_time(d->first_us, v[i].to_us) &&
		    is_in_time(v[i].from_us, d->last_us))
			return true;
	return false;
}

/* The names of one address, n of them, into out; returns how many stay. */
static size_t
keep(struct dns_name *out, const struct dns_name *names, size_t n,
    const struct span *spans, size_t n_spans)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (holds_in(&names[i], spans, n_spans))
			out[kept++] = names[i];
	if (kept > 0)
		return kept;
	for (size_t i = 0; i < n; i++)
		out[i] = names[i];
	return n;
}

/* Both are in order of addresses. */
static size_t
keep_all(
    struct dns_name *out, const struct flow_set *fs, const struct span *spans)
{
	size_t kept = 0, i = 0, s = 0;

	while (i < fs->n_names) {
		const struct ip_addr *ip = &fs->names[i].ip;
		size_t n = 1, n_spans = 0;

		while (
		    i + n < fs->n_names && ip_equal(&fs->names[i + n].ip, ip))
			n++;
		while (s < fs->n_endpoints && ip_compare(&spans[s].ip, ip) < 0)
			s++;
		while (s + n_spans < fs->n_endpoints &&
		    ip_equal(&spans[s + n_spans].ip, ip))
			n_spans++;
		kept += keep(out + kept, &fs->names[i], n, spans + s, n_spans);
		i += n;
	}
	return kept;
}

bool
timely_names(struct flow_set *fs, struct arena *arena)
{
	struct dns_name *names = NULL;
	struct span *spans;

	if (fs->n_names == 0)
		return true;
	spans = make_spans(fs);
	if (spans != NULL)
		names = arena_calloc(arena, fs->n_names, sizeof(*names));
	if (names != NULL) {
		fs->n_names = keep_all(names, fs, spans);
		fs->names = names;
	}
	free(spans);
	return names != NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/flow_sum.h"

#include <stdlib.h>
#include <string.h>

int
flow_sum_compare(const struct flow *a, const struct flow *b)
{
	struct flow_key x =
	    flow_key(a, a->src, a->dst, a->seen_src, a->service);
	struct flow_key y =
	    flow_key(b, b->src, b->dst, b->seen_src, b->service);

	for (int i = 1; i < 4; i++)
		if (x.w[i] != y.w[i])
			return x.w[i] < y.w[i] ? -1 : 1;
	return 0;
}

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void
add_to(struct flow *to, const struct flow *f)
{
	to->sides |= f->sides;
	to->connections = sum(to->connections, f->connections);
	to->packets = sum(to->packets, f->packets);
	to->bytes = sum(to->bytes, f->bytes);
	to->first_us = f->first_us < to->first_us ? f->first_us : to->first_us;
	to->last_us = f->last_us > to->last_us ? f->last_us : to->last_us;
}

static bool
reserve(struct flow **v, size_t *cap, size_t n)
{
	size_t want = *cap < 512 ? 1024 : *cap * 2;
	struct flow *p;

	if (n <= *cap)
		return true;
	want = want < n ? n : want;
	if (want > SIZE_MAX / sizeof(*p) ||
	    (p = realloc(*v, want * sizeof(*p))) == NULL)
		return false;
	*v = p;
	*cap = want;
	return true;
}

/* Merge the last run into the one before it. That one is moved out of the way;
 * what is written never reaches what is still to be read of the last. */
static bool
merge_last(struct flow_sum *s)
{
	size_t at = s->starts[s->n_runs - 2], j = s->starts[s->n_runs - 1];
	size_t n = j - at, i = 0, out = at;

	if (!reserve(&s->spare, &s->cap_spare, n))
		return false;
	memcpy(s->spare, s->v + at, n * sizeof(*s->v));
	while (i < n && j < s->n) {
		int c = flow_sum_compare(&s->spare[i], &s->v[j]);

		if (c == 0)
			add_to(&s->spare[i], &s->v[j++]);
		else if (c < 0)
			s->v[out++] = s->spare[i++];
		else
			s->v[out++] = s->v[j++];
	}
	memcpy(s->v + out, s->spare + i, (n - i) * sizeof(*s->v));
	out += n - i;
	memmove(s->v + out, s->v + j, (s->n - j) * sizeof(*s->v));
	s->n = out + (s->n - j);
	s->n_runs--;
	return true;
}

static size_t
run_length(const struct flow_sum *s, unsigned run)
{
	size_t end = run + 1 < s->n_runs ? s->starts[run + 1] : s->n;

	return end - s->starts[run];
}

static bool
start_run(struct flow_sum *s)
{
	while (s->n_runs > 1 &&
	    run_length(s, s->n_runs - 1) >= run_length(s, s->n_runs - 2) / 2)
		if (!merge_last(s))
			return false;
	s->starts[s->n_runs++] = s->n;
	return true;
}

bool
flow_sum_add(struct flow_sum *s, const struct flow *f)
{
	int c = s->n == 0 ? 1 : flow_sum_compare(&s->v[s->n - 1], f);

	if (c == 0) {
		add_to(&s->v[s->n - 1], f);
		return true;
	}
	if (c > 0 && !start_run(s))
		return false;
	if (!reserve(&s->v, &s->cap, s->n + 1))
		return false;
	s->v[s->n++] = *f;
	return true;
}

bool
flow_sum_finish(struct flow_sum *s)
{
	struct flow *less;

	while (s->n_runs > 1)
		if (!merge_last(s))
			return false;
	/* Whoever goes on needs memory of his own. */
	free(s->spare);
	s->spare = NULL;
	s->cap_spare = 0;
	if (s->n > 0 && (less = realloc(s->v, s->n * sizeof(*less))) != NULL) {
		s->v = less;
		s->cap = s->n;
	}
	return true;
}

void
flow_sum_release(struct flow_sum *s)
{
	free(s->v);
	free(s->spare);
	*s = (struct flow_sum){ 0 };
}

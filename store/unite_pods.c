/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a pod was before it was relabelled is a pod of its own, whose uid each
 * database has made up: behind a '~' stands a time or a row. For what two nodes
 * saw of it to be one, it is called by what it was in all of them: its labels
 * and addresses, and which time it was that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/rfc3339.h"
#include "store/unite_part.h"

/* A pod of an input. */
struct self {
	struct kube_pod *pod;
	uint32_t part;
	uint64_t what; /* a hash of what it was */
	bool is_former;
};

static uint64_t
hash_pod(const struct kube_pod *p)
{
	uint64_t h = 0;

	for (size_t i = 0; i < p->labels.n; i++) {
		h = hash_string(h, p->labels.v[i].key);
		h = hash_string(h, p->labels.v[i].value);
	}
	for (size_t i = 0; i < p->n_ips; i++)
		h = hash_bytes(h, p->ips[i].b, sizeof(p->ips[i].b));
	return h;
}

/* Of one pod, whoever it was when. */
static int
compare_bases(const struct kube_pod *a, const struct kube_pod *b)
{
	size_t n = kube_uid_length(a->uid), m = kube_uid_length(b->uid);
	int c;

	if ((c = strcmp(a->namespace, b->namespace)) != 0 ||
	    (c = strcmp(a->name, b->name)) != 0 ||
	    (c = memcmp(a->uid, b->uid, n < m ? n : m)) != 0)
		return c;
	return (n > m) - (n < m);
}

static int
compare_selves(const void *x, const void *y)
{
	const struct self *a = x, *b = y;
	int c = compare_bases(a->pod, b->pod);

	if (c != 0)
		return c;
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	if (a->what != b->what)
		return a->what < b->what ? -1 : 1;
	if (a->pod->from_us != b->pod->from_us)
		return a->pod->from_us < b->pod->from_us ? -1 : 1;
	return (a->pod->to_us > b->pod->to_us) -
	    (a->pod->to_us < b->pod->to_us);
}

/* Who it is now, as the newest input has it; NULL: it is in none. */
static const struct kube_pod *
find_present(const struct self *v, size_t n)
{
	for (size_t i = n; i > 0; i--)
		if (!v[i - 1].is_former)
			return v[i - 1].pod;
	return NULL;
}

/* As pod_part.sql has it. */
static bool
is_other(const struct kube_pod *p, const struct kube_pod *present)
{
	if (!label_set_equal(&p->labels, &present->labels))
		return true;
	if (p->n_ips == 0 || present->n_ips == 0)
		return false;
	return p->n_ips != present->n_ips ||
	    memcmp(p->ips, present->ips, p->n_ips * sizeof(*p->ips)) != 0;
}

/* What an older input has as the pod is former, if it is another by now. */
static void
end_older(struct self *s, const struct kube_pod *present)
{
	struct kube_pod *p = s->pod;
	int64_t to_us = p->from_us;

	if (s->is_former || !is_other(p, present))
		return;
	if (to_us < present->from_us)
		to_us = present->from_us;
	if (p->to_us > to_us)
		p->to_us = to_us;
	p->deleted = true;
	s->is_former = true;
}

static bool
rename_self(struct self *s, unsigned nth, struct arena *arena)
{
	int base = (int)kube_uid_length(s->pod->uid);
	size_t size = (size_t)base + 40;
	char *uid = arena_alloc(arena, size);

	if (uid == NULL)
		return false;
	(void)snprintf(uid, size, "%.*s~%016" PRIx64 ".%u", base, s->pod->uid,
	    s->what, nth);
	s->pod->uid = uid;
	return true;
}

/* The selves of one pod. Those that are the same at the same time are one: a
 * live view's, and what the store has made of the row from before. */
static bool
rename_selves(struct self *v, size_t n, struct unite_part *parts)
{
	const struct kube_pod *present = find_present(v, n);
	int64_t until_us = TIME_MIN_US;
	unsigned nth = 0;

	for (size_t i = 0; present != NULL && i < n; i++)
		end_older(&v[i], present);
	for (size_t i = 0; i < n; i++) {
		const struct kube_pod *p = v[i].pod;

		if (i == 0 || v[i].part != v[i - 1].part ||
		    v[i].what != v[i - 1].what) {
			nth = 0;
			until_us = TIME_MAX_US;
		}
		if (!v[i].is_former)
			continue;
		nth += p->from_us > until_us;
		if (until_us == TIME_MAX_US || p->to_us > until_us)
			until_us = p->to_us;
		if (!rename_self(&v[i], nth, &parts[v[i].part].c->arena))
			return false;
	}
	return true;
}

static size_t
list_selves(struct self *v, struct unite_part *parts, size_t n_parts)
{
	size_t n = 0;

	for (size_t i = 0; i < n_parts; i++) {
		struct cluster *c = parts[i].c;

		for (size_t k = 0; k < c->n_pods; k++) {
			struct kube_pod *p = &c->pods[k];

			if (p->uid[0] == '\0') /* its name is the identity */
				continue;
			v[n++] = (struct self){ .pod = p,
				.part = (uint32_t)i,
				.what = hash_pod(p),
				.is_former = strchr(p->uid, '~') != NULL };
		}
	}
	return n;
}

bool
part_name_pods(struct unite_part *parts, size_t n_parts)
{
	size_t n = 0, end;
	struct self *v;
	bool ok = true;

	for (size_t i = 0; i < n_parts; i++)
		n += parts[i].c->n_pods;
	if ((v = calloc(n + 1, sizeof(*v))) == NULL)
		return false;
	n = list_selves(v, parts, n_parts);
	qsort(v, n, sizeof(*v), compare_selves);
	for (size_t at = 0; ok && at < n; at = end) {
		for (end = at + 1;
		     end < n && compare_bases(v[at].pod, v[end].pod) == 0;
		     end++)
			;
		ok = rename_selves(v + at, end - at, parts);
	}
	free(v);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Normal forms: each peer of a direction with all ports that any rule gives
 * it or a wider peer. */
#include "policy/compare.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compare_internal.h"

#define METADATA_NAME "kubernetes.io/metadata.name"
#define TEXT_MAX      ((size_t)1 << 22)

/* Beyond this many peers what is covered stays: the forms are still right,
 * only fewer ways of writing come to the same one. */
#define COVER_MAX 2000

/* Of how many peers with one value a key, at most, a peer is the sum. */
#define SPLIT_MAX 64

enum peer_kind { PEER_ANY, PEER_PODS, PEER_BLOCK };

struct peer_form {
	enum peer_kind kind;
	struct selector_form namespaces, pods; /* PODS */
	struct ip_prefix cidr;                 /* BLOCK */
	struct ip_prefix *except;              /* sorted, none in another */
	size_t n_except;
	struct port_form own;   /* by its own rules */
	struct port_form ports; /* by those of wider peers, too */
	const char *text;
	bool dropped;
};

struct forming {
	struct arena *arena;
	const struct policy *policy;
	struct peer_form *v;
	size_t n, cap;
	struct strbuf text;
};

static int
compare_prefixes(const void *a, const void *b)
{
	return ip_prefix_compare(a, b);
}

/* Sorted, without those that lie in another: shorter ones come first. */
static bool
form_block(
    struct peer_form *out, const struct policy_ip_block *b, struct arena *arena)
{
	out->kind = PEER_BLOCK;
	out->cidr = b->cidr;
	out->except =
	    arena_calloc(arena, b->n_except + 1, sizeof(*out->except));
	if (out->except == NULL)
		return false;
	if (b->n_except > 0)
		memcpy(
		    out->except, b->except, b->n_except * sizeof(*out->except));
	qsort(out->except, b->n_except, sizeof(*out->except), compare_prefixes);
	for (size_t i = 0; i < b->n_except; i++) {
		size_t last = out->n_except;

		if (last == 0 ||
		    !ip_prefix_covers(&out->except[last - 1], &out->except[i]))
			out->except[out->n_except++] = out->except[i];
	}
	return true;
}

/* 31 to 34. Every namespace has its name as a label (4). */
static bool
form_pods(struct peer_form *out, const struct policy *policy,
    const struct policy_peer *p, struct arena *arena)
{
	static const struct label_selector everything = { 0 };
	const struct label_selector *pods =
	    p->pod_selector != NULL ? p->pod_selector : &everything;

	out->kind = PEER_PODS;
	if (!selector_form_make(&out->pods, pods, arena))
		return false;
	if (p->namespace_selector == NULL)
		return selector_form_is(
		    &out->namespaces, METADATA_NAME, policy->namespace, arena);
	if (!selector_form_make(&out->namespaces, p->namespace_selector, arena))
		return false;
	selector_form_know_present(&out->namespaces, METADATA_NAME);
	return true;
}

static void
put_block(struct strbuf *out, const struct peer_form *p)
{
	char cidr[IP_PREFIX_STRLEN];

	strbuf_puts(out, ip_prefix_format(&p->cidr, cidr));
	for (size_t i = 0; i < p->n_except; i++) {
		strbuf_puts(out, i == 0 ? " except " : ", ");
		strbuf_puts(out, ip_prefix_format(&p->except[i], cidr));
	}
}

static void
put_namespaces(struct strbuf *out, const struct selector_form *s)
{
	if (s->n == 0)
		strbuf_putc(out, '*');
	else if (s->n == 1 && s->v[0].kind == KEY_IN && s->v[0].n == 1 &&
	    strcmp(s->v[0].key, METADATA_NAME) == 0)
		strbuf_puts(out, s->v[0].values[0]);
	else {
		strbuf_puts(out, "namespaces(");
		selector_form_text(out, s);
		strbuf_putc(out, ')');
	}
}

/* The text in strbuf, kept. */
static const char *
keep_text(struct forming *f)
{
	const char *s = strbuf_failed(&f->text)
	    ? NULL
	    : arena_strdup(f->arena, strbuf_str(&f->text));

	strbuf_clear(&f->text);
	return s;
}

static bool
name_peer(struct forming *f, struct peer_form *p)
{
	switch (p->kind) {
	case PEER_ANY:
		strbuf_puts(&f->text, "anywhere");
		break;
	case PEER_BLOCK:
		put_block(&f->text, p);
		break;
	case PEER_PODS:
		put_namespaces(&f->text, &p->namespaces);
		strbuf_putc(&f->text, '/');
		selector_form_text(&f->text, &p->pods);
		break;
	}
	p->text = keep_text(f);
	return p->text != NULL;
}

/* p with these ports, which the peers of a rule share, if there is anybody whom
 * it matches. */
static bool
add_peer(struct forming *f, struct peer_form *p, const struct port_form *ports)
{
	void *v = f->v;

	if (p->kind == PEER_PODS && (p->pods.never || p->namespaces.never))
		return true;
	p->own = port_form_share(ports);
	if (!name_peer(f, p) ||
	    !arena_grow(f->arena, &v, f->n, &f->cap, sizeof(*p)))
		return false;
	f->v = v;
	f->v[f->n++] = *p;
	return true;
}

/* How many peers with one value a key it takes to say the same. */
static size_t
count_split(const struct selector_form *s, size_t n)
{
	for (size_t i = 0; i < s->n && n <= SPLIT_MAX; i++)
		if (s->v[i].kind == KEY_IN)
			n *= s->v[i].n;
	return n;
}

/* s with the value of each of its keys that *index says; *index is left for
 * the next selector. */
static bool
pick_split(struct selector_form *out, const struct selector_form *s,
    size_t *index, struct arena *arena)
{
	*out = *s;
	out->v = arena_calloc(arena, s->n + 1, sizeof(*out->v));
	if (out->v == NULL)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		struct key_form *k = &out->v[i];

		*k = s->v[i];
		if (k->kind != KEY_IN)
			continue;
		k->values += *index % k->n;
		*index /= k->n;
		k->n = 1;
	}
	return true;
}

/* "app in (a,b)" is "app=a" or "app=b": people write it either way. */
static bool
add_split(struct forming *f, struct peer_form *p, const struct port_form *ports)
{
	size_t n = 1;

	if (p->kind == PEER_PODS && !p->pods.never && !p->namespaces.never)
		n = count_split(&p->pods, count_split(&p->namespaces, 1));
	if (n == 1 || n > SPLIT_MAX)
		return add_peer(f, p, ports);
	for (size_t i = 0; i < n; i++) {
		struct peer_form one = { .kind = PEER_PODS };
		size_t index = i;

		if (!pick_split(
			&one.namespaces, &p->namespaces, &index, f->arena) ||
		    !pick_split(&one.pods, &p->pods, &index, f->arena) ||
		    !add_peer(f, &one, ports))
			return false;
	}
	return true;
}

static bool
add_rule(struct forming *f, const struct policy_rule *r)
{
	struct peer_form any = { .kind = PEER_ANY };
	struct port_form ports = { 0 };

	if (!port_form_add_rule(&ports, r, f->arena))
		return false;
	if (r->n_peers == 0)
		return add_peer(f, &any, &ports);
	for (size_t i = 0; i < r->n_peers; i++) {
		const struct policy_peer *peer = &r->peers[i];
		struct peer_form p = { 0 };
		bool ok = peer->ip_block != NULL
		    ? form_block(&p, peer->ip_block, f->arena)
		    : form_pods(&p, f->policy, peer, f->arena);

		if (!ok || !add_split(f, &p, &ports))
			return false;
	}
	return true;
}

static int
compare_peers(const void *a, const void *b)
{
	return strcmp(((const struct peer_form *)a)->text,
	    ((const struct peer_form *)b)->text);
}

/* Peers of one text are one. */
static bool
merge_peers(struct forming *f)
{
	size_t kept = 0;

	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), compare_peers);
	for (size_t i = 0; i < f->n; i++) {
		struct peer_form *last = kept == 0 ? NULL : &f->v[kept - 1];

		if (last == NULL || strcmp(last->text, f->v[i].text) != 0)
			f->v[kept++] = f->v[i];
		else if (!port_form_add(&last->own, &f->v[i].own, f->arena))
			return false;
	}
	f->n = kept;
	return true;
}

/* Is every address of a that b excepts outside of a's own range or excepted
 * there, too? */
static bool
block_covers(const struct peer_form *wide, const struct peer_form *narrow)
{
	if (!ip_prefix_covers(&wide->cidr, &narrow->cidr))
		return false;
	for (size_t i = 0; i < wide->n_except; i++) {
		const struct ip_prefix *hole = &wide->except[i];
		bool same = false;

		if (ip_prefix_covers(hole, &narrow->cidr))
			return false;
		if (!ip_prefix_covers(&narrow->cidr, hole))
			continue;
		for (size_t k = 0; k < narrow->n_except && !same; k++)
			same = ip_prefix_covers(&narrow->except[k], hole);
		if (!same)
			return false;
	}
	return true;
}

static bool
peer_covers(const struct peer_form *wide, const struct peer_form *narrow)
{
	if (wide->kind == PEER_ANY)
		return true;
	if (wide->kind != narrow->kind)
		return false;
	if (wide->kind == PEER_BLOCK)
		return block_covers(wide, narrow);
	return selector_form_covers(&wide->namespaces, &narrow->namespaces) &&
	    selector_form_covers(&wide->pods, &narrow->pods);
}

/*
 * Give each peer what wider ones may, and drop it when that is all it has.
 * Where two cover each other (excepts can be written so) the first one stays.
 */
static bool
spread(struct forming *f, size_t at)
{
	struct peer_form *p = &f->v[at];
	struct port_form wider = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct peer_form *w = &f->v[i];

		if (i == at || !peer_covers(w, p) ||
		    (i > at && peer_covers(p, w)))
			continue;
		if (!port_form_add(&wider, &w->own, f->arena))
			return false;
	}
	if (wider.n == 0) {
		p->ports = port_form_share(&p->own);
		return true;
	}
	if (!port_form_add(&p->ports, &wider, f->arena) ||
	    !port_form_add(&p->ports, &p->own, f->arena))
		return false;
	p->dropped = port_form_equal(&p->ports, &wider);
	return true;
}

static bool
fill_entries(struct forming *f, struct policy_form *out, unsigned d)
{
	struct policy_form_entry *v =
	    arena_calloc(f->arena, f->n + 1, sizeof(*v));
	const struct port_item *shared = NULL; /* those of text */
	const char *text = NULL;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < f->n; i++) {
		const struct port_form *ports =
		    f->n > COVER_MAX ? &f->v[i].own : &f->v[i].ports;

		if (f->v[i].dropped)
			continue;
		if (text == NULL || ports->v != shared) {
			port_form_text(&f->text, ports);
			text = keep_text(f);
			shared = ports->v;
		}
		if (text == NULL)
			return false;
		v[out->n_entries[d]++] =
		    (struct policy_form_entry){ f->v[i].text, text };
	}
	out->entries[d] = v;
	return true;
}

static bool
form_direction(struct forming *f, struct policy_form *out, unsigned d)
{
	f->v = NULL;
	f->n = f->cap = 0;
	for (size_t i = 0; i < f->policy->n_rules[d]; i++)
		if (!add_rule(f, &f->policy->rules[d][i]))
			return false;
	if (!merge_peers(f))
		return false;
	for (size_t i = 0; f->n <= COVER_MAX && i < f->n; i++)
		if (!spread(f, i))
			return false;
	return fill_entries(f, out, d);
}

static bool
form_policy(struct forming *f, struct policy_form *out)
{
	struct selector_form subject;

	if (!selector_form_make(&subject, &f->policy->pod_selector, f->arena))
		return false;
	if (subject.never)
		return true;
	selector_form_text(&f->text, &subject);
	out->subject = keep_text(f);
	if (out->subject == NULL)
		return false;
	for (unsigned d = 0; d < 2; d++) {
		out->types[d] = f->policy->types[d];
		if (out->types[d] && !form_direction(f, out, d))
			return false;
	}
	return true;
}

enum rf_status
policy_form_make(struct policy_form *out, const struct policy *p,
    struct arena *arena, struct rf_error *err)
{
	struct forming f = { .arena = arena, .policy = p };
	bool ok;

	*out = (struct policy_form){ 0 };
	strbuf_init(&f.text, TEXT_MAX);
	ok = form_policy(&f, out);
	strbuf_release(&f.text);
	return ok ? RF_OK
		  : rf_fail(err, RF_NOMEM, "policy %s/%s: out of memory",
			p->namespace, p->name);
}

bool
policy_form_equal(const struct policy_form *a, const struct policy_form *b)
{
	if (a->subject == NULL || b->subject == NULL)
		return a->subject == b->subject;
	if (strcmp(a->subject, b->subject) != 0)
		return false;
	for (unsigned d = 0; d < 2; d++) {
		if (a->types[d] != b->types[d] ||
		    a->n_entries[d] != b->n_entries[d])
			return false;
		for (size_t i = 0; i < a->n_entries[d]; i++)
			if (strcmp(a->entries[d][i].peer,
				b->entries[d][i].peer) != 0 ||
			    strcmp(a->entries[d][i].ports,
				b->entries[d][i].ports) != 0)
				return false;
	}
	return true;
}

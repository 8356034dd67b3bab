/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_internal: the parts of a normal form: selectors, peers, port sets.
 *
 * Private to policy/compare*.c. Memory is the arena's; what runs out of it
 * returns false or NULL.
 */
#ifndef POLICY_COMPARE_INTERNAL_H
#define POLICY_COMPARE_INTERNAL_H

#include "core/arena.h"
#include "core/strbuf.h"
#include "policy/policy.h"

/* All that a selector says of one key. */
enum key_kind {
	KEY_OPTIONAL, /* absent, or none of the values */
	KEY_PRESENT,  /* present, with none of the values */
	KEY_IN,       /* present, with one of the values */
	KEY_ABSENT
};

struct key_form {
	const char *key;
	enum key_kind kind;
	const char **values; /* sorted, each once */
	size_t n;
};

struct selector_form {
	struct key_form *v; /* by key */
	size_t n;
	bool never; /* it contradicts itself: nothing matches */
};

bool selector_form_make(struct selector_form *out,
    const struct label_selector *s, struct arena *arena);

/* The form of "key is value". */
bool selector_form_is(struct selector_form *out, const char *key,
    const char *value, struct arena *arena);

/* That a key is on every object there is: kubernetes.io/metadata.name. */
void selector_form_know_present(struct selector_form *s, const char *key);

/* Does wide match whatever narrow matches? */
bool selector_form_covers(
    const struct selector_form *wide, const struct selector_form *narrow);

/* In kubectl's syntax; "*" when it is empty. */
void selector_form_text(struct strbuf *out, const struct selector_form *s);

/* Numbers lo to hi of a protocol, or a name. protocol 0: whatever there is,
 * ICMP included. */
struct port_item {
	uint8_t protocol;
	uint16_t lo, hi;
	const char *name; /* NULL: by number */
};

struct port_form {
	struct port_item *v; /* sorted, merged */
	size_t n, cap;
};

/* The same set, its items shared until one of the two grows. */
static inline struct port_form
port_form_share(const struct port_form *s)
{
	return (struct port_form){ s->v, s->n, s->n };
}

/* The union of s and the rule's ports; of s and another set. */
bool port_form_add_rule(
    struct port_form *s, const struct policy_rule *r, struct arena *arena);
bool port_form_add(
    struct port_form *s, const struct port_form *other, struct arena *arena);
bool port_form_equal(const struct port_form *a, const struct port_form *b);
void port_form_text(struct strbuf *out, const struct port_form *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of ports, as merged ranges and names. */
#include <stdlib.h>
#include <string.h>

#include "core/flow.h"
#include "policy/compare_internal.h"

#define PORT_MAX 65535

static int
compare_items(const void *va, const void *vb)
{
	const struct port_item *a = va, *b = vb;

	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if ((a->name == NULL) != (b->name == NULL))
		return a->name == NULL ? -1 : 1;
	if (a->name != NULL)
		return strcmp(a->name, b->name);
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return (a->hi > b->hi) - (a->hi < b->hi);
}

/* Does the sorted last item of the result take in the next one? Numbers of a
 * protocol stand before its names. */
static bool
absorb(struct port_item *last, const struct port_item *next, bool all_numbers)
{
	if (last->protocol != next->protocol)
		return false;
	if (next->name != NULL)
		return all_numbers ||
		    (last->name != NULL && strcmp(last->name, next->name) == 0);
	if (last->name != NULL || next->lo > (uint32_t)last->hi + 1)
		return false;
	if (next->hi > last->hi)
		last->hi = next->hi;
	return true;
}

static void
normalise(struct port_form *s)
{
	bool all_numbers = false; /* of the protocol at hand */
	size_t kept = 0;

	if (s->n == 0)
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare_items);
	if (s->v[0].protocol == 0) {
		s->n = 1;
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct port_item next = s->v[i];
		struct port_item *last = kept == 0 ? NULL : &s->v[kept - 1];

		if (last == NULL || last->protocol != next.protocol)
			all_numbers = false;
		if (last == NULL || !absorb(last, &next, all_numbers))
			s->v[kept++] = next;
		last = &s->v[kept - 1];
		if (last->name == NULL && last->lo <= 1 && last->hi == PORT_MAX)
			all_numbers = true;
	}
	s->n = kept;
}

static bool
add_item(struct port_form *s, struct port_item item, struct arena *arena)
{
	void *v = s->v;

	if (!arena_grow(arena, &v, s->n, &s->cap, sizeof(item)))
		return false;
	s->v = v;
	s->v[s->n++] = item;
	return true;
}

static struct port_item
item_of(const struct policy_port *p)
{
	struct port_item item = { .protocol = p->protocol, .name = p->name };

	if (!p->has_port) {
		item.lo = 1;
		item.hi = PORT_MAX;
	} else if (p->name == NULL) {
		item.lo = p->port;
		item.hi = p->end_port != 0 ? p->end_port : p->port;
	}
	return item;
}

bool
port_form_add_rule(
    struct port_form *s, const struct policy_rule *r, struct arena *arena)
{
	if (r->n_ports == 0 &&
	    !add_item(s, (struct port_item){ .hi = PORT_MAX }, arena))
		return false;
	for (size_t i = 0; i < r->n_ports; i++)
		if (!add_item(s, item_of(&r->ports[i]), arena))
			return false;
	normalise(s);
	return true;
}

bool
port_form_add(
    struct port_form *s, const struct port_form *other, struct arena *arena)
{
	for (size_t i = 0; i < other->n; i++)
		if (!add_item(s, other->v[i], arena))
			return false;
	normalise(s);
	return true;
}

bool
port_form_equal(const struct port_form *a, const struct port_form *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (compare_items(&a->v[i], &b->v[i]) != 0)
			return false;
	return true;
}

void
port_form_text(struct strbuf *out, const struct port_form *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct port_item *p = &s->v[i];

		strbuf_puts(out, i == 0 ? "" : ", ");
		if (p->protocol == 0) {
			strbuf_puts(out, "all ports");
			continue;
		}
		strbuf_printf(out, "%s/", flow_protocol_name(p->protocol));
		if (p->name != NULL)
			strbuf_puts(out, p->name);
		else if (p->lo == 1 && p->hi == PORT_MAX)
			strbuf_putc(out, '*');
		else if (p->lo == p->hi)
			strbuf_printf(out, "%u", (unsigned)p->lo);
		else
			strbuf_printf(
			    out, "%u-%u", (unsigned)p->lo, (unsigned)p->hi);
	}
}

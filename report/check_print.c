/* SPDX-License-Identifier: Apache-2.0 */
#include "report/check_print.h"

#include <inttypes.h>

#include "report/check_words.h"
#include "report/json_writer.h"
#include "report/text.h"

#define TEXT_MAX   ((size_t)1 << 20)
#define GROUPS_MAX 10 /* shown to people */

/* A line while it is put together. */
struct printer {
	FILE *out;
	const struct check_report *r;
	struct strbuf text, safe;
};

static const struct evaluator_side *
side_of(const struct check_group *g, enum policy_direction d)
{
	return d == POLICY_INGRESS ? &g->answer.ingress : &g->answer.egress;
}

static uint32_t
subject_of(const struct check_group *g, enum policy_direction d)
{
	return d == POLICY_INGRESS ? g->query.dst.pod : g->query.src.pod;
}

static void
end_line(struct printer *p)
{
	text_print(p->out, &p->text, &p->safe);
}

static void
put_isolating(struct strbuf *text, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d)
{
	size_t n;
	const uint32_t *v =
	    evaluator_isolating(s->evaluator, subject_of(g, d), d, &n);

	for (size_t i = 0; i < n; i++) {
		const struct policy *p = &s->set->policies[v[i]];

		strbuf_printf(text, "%s%s/%s",
		    i == 0 ? "             isolated by " : ", ", p->namespace,
		    p->name);
		check_place_text(text, p->file, p->line);
	}
}

static void
print_denied(
    struct printer *p, const struct check_group *g, enum policy_direction d)
{
	const struct check_scene *s = p->r->scene;
	struct evaluator_miss miss;

	strbuf_puts(&p->text, "no rule allows it");
	end_line(p);
	evaluator_nearest_miss(s->evaluator, &g->query, d, &miss);
	strbuf_printf(&p->text, "             nearest miss: %s", miss.text);
	if (miss.policy != FLOW_NONE)
		check_place_text(&p->text, s->set->policies[miss.policy].file,
		    s->set->policies[miss.policy].rules[d][miss.rule].line);
	end_line(p);
	strbuf_puts(&p->text, "             to allow it, ");
	check_mend_text(&p->text, s, &g->query, d, &miss);
	end_line(p);
}

static void
print_side(
    struct printer *p, const struct check_group *g, enum policy_direction d)
{
	const struct evaluator_side *side = side_of(g, d);
	bool denied = side->verdict == EVAL_DENY;

	strbuf_printf(&p->text, "    %-8s %-6s", policy_direction_name(d),
	    denied ? "deny" : "allow");
	if (denied)
		print_denied(p, g, d);
	else {
		check_why_text(&p->text, p->r->scene, g, d);
		end_line(p);
	}
	put_isolating(&p->text, p->r->scene, g, d);
	if (p->text.len > 0)
		end_line(p);
}

static void
print_group(struct printer *p, const struct check_group *g)
{
	const struct cluster *c = p->r->scene->cluster;

	fputs("\n  ", p->out);
	if (p->r->result->n > 1)
		strbuf_printf(&p->text, "%s, %zu of %zu: ",
		    g->answer.allowed ? "allowed" : "denied", g->n,
		    p->r->result->n);
	check_end_text(&p->text, c, &g->src);
	strbuf_puts(&p->text, " to ");
	check_end_text(&p->text, c, &g->dst);
	strbuf_printf(&p->text, " %s/%u", flow_protocol_name(p->r->protocol),
	    (unsigned)g->dst.port);
	end_line(p);
	print_side(p, g, POLICY_EGRESS);
	print_side(p, g, POLICY_INGRESS);
}

/* Is one of the answers of such a source, or of a pod to itself? */
static bool
any_from(const struct check_result *r, enum check_kind kind)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (r->groups[i].src.kind == kind)
			return true;
	return false;
}

static bool
any_to_itself(const struct check_result *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (r->groups[i].query.src.pod != FLOW_NONE &&
		    r->groups[i].query.src.pod == r->groups[i].query.dst.pod)
			return true;
	return false;
}

/* What is left open of a Service: 39 and 49 of SEMANTICS. */
static void
put_open(struct strbuf *out, const struct check_report *r,
    const struct kube_service *s)
{
	if ((r->by_node || any_from(r->result, CHECK_OUTSIDE)) &&
	    kube_service_masks_clients(s))
		strbuf_puts(out,
		    "; without externalTrafficPolicy Local a client may arrive "
		    "with a node's address, and they judge that");
	if (!s->headless && any_to_itself(r->result))
		strbuf_puts(out,
		    "; of a pod that reaches itself through its Service "
		    "network plugins judge differently");
}

static void
put_service(struct strbuf *out, const struct check_report *r)
{
	const struct kube_service *s;

	if (r->service == FLOW_NONE)
		return;
	s = &r->scene->cluster->services[r->service];
	strbuf_printf(out,
	    "policies see the pods behind Service %s/%s and their ports%s",
	    s->namespace, s->name,
	    r->by_selector
		? "; no EndpointSlice names them, so they are those that it "
		  "selects, ready or not"
		: "");
	put_open(out, r, s);
}

static void
put_families(struct strbuf *out, const struct check_result *r)
{
	if (r->mixed_families)
		strbuf_printf(out,
		    "%sthe ends have no address family in common",
		    out->len > 0 ? "; " : "");
}

static void
print_notes(struct printer *p)
{
	const struct check_result *res = p->r->result;

	put_service(&p->text, p->r);
	if (p->text.len > 0)
		end_line(p);
	put_families(&p->text, res);
	if (p->text.len > 0)
		end_line(p);
	if (res->n_denied > 0 && res->n_denied < res->n) {
		strbuf_printf(&p->text,
		    "%zu of %zu connections between them are denied: the "
		    "pods differ",
		    res->n_denied, res->n);
		end_line(p);
	}
}

enum rf_status
check_print_text(FILE *out, const struct check_report *r, struct rf_error *err)
{
	struct printer p = { .out = out, .r = r };
	const struct check_result *res = r->result;
	bool failed;

	strbuf_init(&p.text, TEXT_MAX);
	strbuf_init(&p.safe, TEXT_MAX);
	strbuf_printf(&p.text, "%s: %s to %s %s/%u",
	    res->n_denied == 0 ? "allowed" : "denied", r->src, r->dst,
	    flow_protocol_name(r->protocol), (unsigned)r->port);
	end_line(&p);
	print_notes(&p);
	for (size_t i = 0; i < res->n_groups && i < GROUPS_MAX; i++)
		print_group(&p, &res->groups[i]);
	if (res->n_groups > GROUPS_MAX)
		fprintf(out, "\n  and %zu other answers (-o json has all)\n",
		    res->n_groups - GROUPS_MAX);
	failed = strbuf_failed(&p.text) || strbuf_failed(&p.safe);
	strbuf_release(&p.text);
	strbuf_release(&p.safe);
	return failed ? rf_fail(err, RF_NOMEM, "check: out of memory") : RF_OK;
}

static void
json_end(struct json_writer *w, const char *name, const struct cluster *c,
    const struct check_end *e, struct strbuf *text)
{
	static const char *const types[] = {
		[CHECK_OUTSIDE] = "external",
		[CHECK_POD] = "pod",
		[CHECK_HOST_POD] = "hostNetwork",
		[CHECK_GONE_POD] = "ended",
		[CHECK_NODE] = "node",
		[CHECK_SERVICE] = "service",
		[CHECK_RANGE] = "unheld",
	};

	json_writer_object_begin_inline(w, name);
	json_writer_string(w, "type", types[e->kind]);
	strbuf_clear(text);
	if (e->kind == CHECK_POD || e->kind == CHECK_HOST_POD ||
	    e->kind == CHECK_GONE_POD)
		strbuf_printf(text, "%s/%s", c->pods[e->index].namespace,
		    c->pods[e->index].name);
	json_writer_string(w, "pod", text->len == 0 ? NULL : text->s);
	json_writer_ip(w, "ip", &e->end.ip);
	json_writer_object_end(w);
}

/* Why a side is denied: what came nearest, and what would let it pass. */
static void
json_denied(struct json_writer *w, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d, struct strbuf *text)
{
	struct evaluator_miss miss;

	evaluator_nearest_miss(s->evaluator, &g->query, d, &miss);
	json_writer_string(w, "nearestMiss", miss.text);
	strbuf_clear(text);
	check_mend_text(text, s, &g->query, d, &miss);
	json_writer_string(w, "suggestion", strbuf_str(text));
}

static void
json_rule(struct json_writer *w, const struct policy_set *set,
    const struct evaluator_side *side, enum policy_direction d,
    struct strbuf *text)
{
	const struct policy *p;
	uint32_t line;

	if (side->policy == FLOW_NONE) {
		json_writer_null(w, "rule");
		return;
	}
	p = &set->policies[side->policy];
	line = p->rules[d][side->rule].line;
	json_writer_object_begin_inline(w, "rule");
	strbuf_clear(text);
	strbuf_printf(text, "%s/%s", p->namespace, p->name);
	json_writer_string(w, "policy", text->s);
	strbuf_clear(text);
	strbuf_printf(
	    text, "%s[%" PRIu32 "]", policy_direction_name(d), side->rule);
	json_writer_string(w, "rule", text->s);
	json_writer_string(w, "file", p->file);
	if (line == 0)
		json_writer_null(w, "line");
	else
		json_writer_unsigned(w, "line", line);
	json_writer_object_end(w);
}

static void
json_side(struct json_writer *w, const struct check_scene *s,
    const struct check_group *g, enum policy_direction d, struct strbuf *text)
{
	const struct evaluator_side *side = side_of(g, d);
	const uint32_t *v;
	size_t n;

	json_writer_object_begin(w, policy_direction_name(d));
	json_writer_string(w, "verdict", check_verdict_name(side->verdict));
	json_writer_array_begin_inline(w, "policies");
	v = evaluator_isolating(s->evaluator, subject_of(g, d), d, &n);
	for (size_t i = 0; i < n; i++) {
		strbuf_clear(text);
		strbuf_printf(text, "%s/%s", s->set->policies[v[i]].namespace,
		    s->set->policies[v[i]].name);
		json_writer_string(w, NULL, text->s);
	}
	json_writer_array_end(w);
	json_rule(w, s->set, side, d, text);
	json_writer_array_begin_inline(w, "flags");
	for (unsigned i = 0; check_flag_name(i) != NULL; i++)
		if ((side->flags & 1u << i) != 0)
			json_writer_string(w, NULL, check_flag_name(i));
	json_writer_array_end(w);
	strbuf_clear(text);
	check_why_text(text, s, g, d);
	json_writer_string(w, "why", text->s);
	if (side->verdict == EVAL_DENY)
		json_denied(w, s, g, d, text);
	json_writer_object_end(w);
}

static void
json_group(struct json_writer *w, const struct check_report *r,
    const struct check_group *g, struct strbuf *text)
{
	json_writer_object_begin(w, NULL);
	json_writer_string(w, "verdict", g->answer.allowed ? "allow" : "deny");
	json_writer_unsigned(w, "connections", g->n);
	json_end(w, "src", r->scene->cluster, &g->src, text);
	json_end(w, "dst", r->scene->cluster, &g->dst, text);
	json_writer_unsigned(w, "port", g->dst.port);
	json_side(w, r->scene, g, POLICY_EGRESS, text);
	json_side(w, r->scene, g, POLICY_INGRESS, text);
	json_writer_object_end(w);
}

enum rf_status
check_print_json(FILE *out, const struct check_report *r, struct rf_error *err)
{
	const struct check_result *res = r->result;
	struct json_writer w;
	struct strbuf text;
	bool failed;

	strbuf_init(&text, TEXT_MAX);
	json_writer_init(&w, out);
	json_writer_object_begin(&w, NULL);
	json_writer_string(&w, "src", r->src);
	json_writer_string(&w, "dst", r->dst);
	json_writer_string(&w, "protocol", flow_protocol_name(r->protocol));
	json_writer_unsigned(&w, "port", r->port);
	json_writer_string(
	    &w, "verdict", res->n_denied == 0 ? "allow" : "deny");
	json_writer_unsigned(&w, "connections", res->n);
	json_writer_unsigned(&w, "denied", res->n_denied);
	put_service(&text, r);
	put_families(&text, res);
	json_writer_string(&w, "note", text.len == 0 ? NULL : text.s);
	json_writer_array_begin(&w, "answers");
	for (size_t i = 0; i < res->n_groups; i++)
		json_group(&w, r, &res->groups[i], &text);
	json_writer_array_end(&w);
	json_writer_object_end(&w);
	json_writer_end(&w);
	failed = strbuf_failed(&text);
	strbuf_release(&text);
	return failed ? rf_fail(err, RF_NOMEM, "check: out of memory") : RF_OK;
}

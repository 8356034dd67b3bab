/* SPDX-License-Identifier: Apache-2.0 */
/* Probes to questions, and answers to lines. */
#include <inttypes.h>
#include <string.h>

#include "report/check_probe.h"
#include "report/check_words.h"
#include "report/text.h"

/* The pod's first address of the family; any: of whichever it has. */
static const struct ip_addr *
address_of(const struct kube_pod *p, bool any, bool v4)
{
	for (size_t i = 0; i < p->n_ips; i++)
		if (any || ip_is_v4(&p->ips[i]) == v4)
			return &p->ips[i];
	return NULL;
}

static enum rf_status
find_pod(uint32_t *out, const struct cluster *c,
    const struct check_probe_end *e, const char *field, struct rf_error *err)
{
	*out = FLOW_NONE;
	if (e->pod != PROBE_POD_NAMED)
		return RF_OK;
	*out = cluster_find_pod(c, e->namespace, e->name);
	return *out != FLOW_NONE
	    ? RF_OK
	    : rf_fail(err, RF_INVAL, "%s: there is no pod %s/%s", field,
		  e->namespace, e->name);
}

/* The address of an end that was only named: of the other end's family, if
 * the pod has one. other NULL: that is not known either. */
static enum rf_status
pick_address(struct ip_addr *out, const struct cluster *c, uint32_t pod,
    const struct ip_addr *other, struct rf_error *err)
{
	const struct kube_pod *p = &c->pods[pod];
	const struct ip_addr *ip = NULL;

	if (other != NULL)
		ip = address_of(p, false, ip_is_v4(other));
	if (ip == NULL)
		ip = address_of(p, true, false);
	if (ip == NULL)
		return rf_fail(err, RF_INVAL, "pod %s/%s has no address",
		    p->namespace, p->name);
	*out = *ip;
	return RF_OK;
}

static struct check_end
end_of(const struct cluster *c, const struct check_probe_end *e, uint32_t pod,
    const struct ip_addr *ip)
{
	struct check_end end;

	if (pod != FLOW_NONE)
		return check_end_of_pod(c, pod, ip);
	end = check_end_of_ip(c, ip);
	if (e->pod == PROBE_POD_NONE && end.kind == CHECK_POD) {
		end.kind = CHECK_RANGE;
		end.index = end.end.pod = FLOW_NONE;
	}
	return end;
}

/* Both only named: the first address of src whose family dst has, too. */
static bool
pick_common(
    struct ip_addr *src, const struct kube_pod *a, const struct kube_pod *b)
{
	for (size_t i = 0; i < a->n_ips; i++)
		if (address_of(b, false, ip_is_v4(&a->ips[i])) != NULL) {
			*src = a->ips[i];
			return true;
		}
	return false;
}

static enum rf_status
pick_addresses(struct ip_addr ip[2], const struct cluster *c,
    const struct check_probe *p, const uint32_t pod[2], struct rf_error *err)
{
	bool has_src = p->src.has_ip;
	enum rf_status st = RF_OK;

	if (!has_src && !p->dst.has_ip)
		has_src =
		    pick_common(&ip[0], &c->pods[pod[0]], &c->pods[pod[1]]);
	if (!has_src)
		st = pick_address(
		    &ip[0], c, pod[0], p->dst.has_ip ? &ip[1] : NULL, err);
	if (st == RF_OK && !p->dst.has_ip)
		st = pick_address(&ip[1], c, pod[1], &ip[0], err);
	return st;
}

enum rf_status
check_probe_resolve(struct check_group *out, const struct cluster *c,
    const struct check_probe *p, struct rf_error *err)
{
	struct ip_addr ip[2] = { p->src.ip, p->dst.ip };
	uint32_t pod[2];
	enum rf_status st;

	st = find_pod(&pod[0], c, &p->src, "src_pod", err);
	if (st == RF_OK)
		st = find_pod(&pod[1], c, &p->dst, "dst_pod", err);
	if (st == RF_OK)
		st = pick_addresses(ip, c, p, pod, err);
	if (st != RF_OK)
		return st;
	out->src = end_of(c, &p->src, pod[0], &ip[0]);
	out->dst = end_of(c, &p->dst, pod[1], &ip[1]);
	out->dst.port = p->port;
	check_connect(out, c, p->protocol);
	out->n = 1;
	return RF_OK;
}

/* As UTF-16, which is what JSON's escapes are. */
static void
put_escape(struct strbuf *out, uint32_t rune)
{
	if (rune > 0xffff) {
		rune -= 0x10000;
		strbuf_printf(out, "\\u%04" PRIx32, 0xd800 + (rune >> 10));
		rune = 0xdc00 + (rune & 0x3ff);
	}
	strbuf_printf(out, "\\u%04" PRIx32, rune);
}

/* As a JSON string. */
static void
put_json(struct strbuf *out, const char *s)
{
	strbuf_putc(out, '"');
	while (*s != '\0') {
		size_t plain = 0, len;
		uint32_t rune;

		while (s[plain] >= 0x20 && s[plain] <= 0x7e &&
		    s[plain] != '"' && s[plain] != '\\')
			plain++;
		strbuf_add(out, s, plain);
		s += plain;
		if (*s == '\0')
			break;
		rune = text_decode(s, &len);
		if (rune == '"' || rune == '\\')
			strbuf_printf(out, "\\%c", (int)rune);
		else if (rune == TEXT_INVALID)
			strbuf_puts(out, "\\ufffd");
		else if (text_is_control(rune))
			put_escape(out, rune);
		else
			strbuf_add(out, s, len);
		s += len;
	}
	strbuf_putc(out, '"');
}

static const char *
word(const struct evaluator_side *side)
{
	return side->verdict == EVAL_DENY ? "deny" : "allow";
}

static void
put_why(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g)
{
	strbuf_puts(out, "egress: ");
	check_why_text(out, s, g, POLICY_EGRESS);
	strbuf_puts(out, "; ingress: ");
	check_why_text(out, s, g, POLICY_INGRESS);
	if (ip_is_v4(&g->src.end.ip) != ip_is_v4(&g->dst.end.ip))
		strbuf_puts(out,
		    "; source and destination are of different address "
		    "families");
	if (g->dst.kind == CHECK_SERVICE)
		strbuf_puts(out,
		    "; policies see the pods behind a Service, not its "
		    "address");
}

static void
put_line(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, struct strbuf *text)
{
	strbuf_puts(text, g->answer.allowed ? "allow  " : "deny   ");
	check_end_text(text, s->cluster, &g->src);
	strbuf_puts(text, " > ");
	check_end_text(text, s->cluster, &g->dst);
	strbuf_printf(text, " %s/%u: ", flow_protocol_name(g->query.protocol),
	    (unsigned)g->query.port);
	put_why(text, s, g);
	text_escape(out, strbuf_str(text));
	strbuf_putc(out, '\n');
}

void
check_probe_answer(struct strbuf *out, const struct check_scene *s,
    const struct check_group *g, bool as_json, struct strbuf *text)
{
	strbuf_clear(text);
	if (!as_json) {
		put_line(out, s, g, text);
		return;
	}
	strbuf_puts(out, "{\"egress\":\"");
	strbuf_puts(out, word(&g->answer.egress));
	strbuf_puts(out, "\",\"ingress\":\"");
	strbuf_puts(out, word(&g->answer.ingress));
	strbuf_puts(out, "\",\"verdict\":\"");
	strbuf_puts(out, g->answer.allowed ? "allow" : "deny");
	put_why(text, s, g);
	strbuf_puts(out, "\",\"why\":");
	put_json(out, strbuf_str(text));
	strbuf_puts(out, "}\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a policy: peers, ports and the spec around them. */
#include "policy/build.h"

#include <string.h>

#include "core/flow.h"
#include "policy/decode.h"
#include "policy/names.h"

#define CIDR_TEXT                                                              \
	"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

/* The warnings that a server sends with a CIDR it accepts (63). */
static void
warn_cidr(struct reading *r, const struct field_path *path,
    const struct value *v, const struct ip_prefix *p, unsigned notes)
{
	char want[IP_PREFIX_STRLEN], host[IP_STRLEN], base[IP_STRLEN + 1];
	const char *text = decode_string(v);
	const char *slash = strchr(text, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - text);
	struct ip_addr a;

	(void)ip_prefix_format(p, want);
	if ((notes & IP_PREFIX_HOST_BITS) != 0 && n < sizeof(base)) {
		memcpy(base, text, n);
		base[n] = '\0';
		if (ip_parse(&a, base))
			problem_add(r, path, v->line, PROBLEM_WARNING,
			    "CIDR value %s is ambiguous in this context "
			    "(should be \"%s\" or \"%s/%d\"?)",
			    problem_quote(r, text), want, ip_format(&a, host),
			    ip_is_v4(&a) ? 32 : 128);
		else
			problem_add(r, path, v->line, PROBLEM_WARNING,
			    "CIDR value %s has bits set behind its length "
			    "(should be \"%s\"?)",
			    problem_quote(r, text), want);
	}
	if ((notes & (IP_PREFIX_LEADING_ZEROS | IP_PREFIX_V4_MAPPED)) != 0)
		problem_add(r, path, v->line, PROBLEM_WARNING,
		    "non-standard CIDR value %s will be considered invalid "
		    "in a future Kubernetes release: use \"%s\"",
		    problem_quote(r, text), want);
}

/*
 * The length that the server compares: that of the text, so that an
 * IPv4-mapped /104 counts as longer than the /8 it stands for.
 */
static unsigned
written_bits(const struct ip_prefix *p, unsigned notes)
{
	if ((notes & IP_PREFIX_V4_MAPPED) != 0 || !ip_prefix_is_v4(p))
		return p->bits;
	return p->bits - 96u;
}

static void
build_except(struct reading *r, const struct field_path *path,
    const struct value *list, struct policy_ip_block *out, unsigned cidr_bits)
{
	size_t n = decode_count(list);
	struct ip_prefix *except = build_array(r, n, sizeof(*except));

	if (except == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct value *v = list->items[i];
		const char *text = decode_string(v);
		struct field_path at = path_index(path, i);
		unsigned notes = 0;

		if (!ip_prefix_parse(&except[i], text, &notes)) {
			problem_invalid(r, &at, v->line, text, CIDR_TEXT);
			continue;
		}
		warn_cidr(r, &at, v, &except[i], notes);
		if (!ip_prefix_contains(&out->cidr, &except[i].addr) ||
		    ip_prefix_is_v4(&except[i]) !=
			ip_prefix_is_v4(&out->cidr) ||
		    cidr_bits >= written_bits(&except[i], notes))
			problem_invalid(r, &at, v->line, text,
			    "must be a strict subset of `cidr`");
	}
	out->except = except;
	out->n_except = n;
}

static const struct policy_ip_block *
build_ip_block(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	const struct value *cidr = decode_field(v, "cidr");
	struct field_path cidr_path = path_key(path, "cidr");
	struct field_path except_path = path_key(path, "except");
	struct policy_ip_block *out = build_array(r, 1, sizeof(*out));
	const char *text = decode_string(cidr);
	unsigned notes = 0;

	if (out == NULL)
		return NULL;
	if (text[0] == '\0') {
		problem_add(r, &cidr_path, cidr == NULL ? v->line : cidr->line,
		    PROBLEM_REQUIRED, "Required value");
		return out;
	}
	if (!ip_prefix_parse(&out->cidr, text, &notes)) {
		problem_invalid(r, &cidr_path, cidr->line, text, CIDR_TEXT);
		return out;
	}
	warn_cidr(r, &cidr_path, cidr, &out->cidr, notes);
	build_except(r, &except_path, decode_field(v, "except"), out,
	    written_bits(&out->cidr, notes));
	return out;
}

static uint32_t
line_of(const struct value *map, const char *key)
{
	const struct value *v =
	    map == NULL || map->kind != VALUE_MAP ? NULL : value_get(map, key);

	return v == NULL ? 0 : v->line;
}

/* Is the field there, and holds nothing: null, [] or {}? */
static bool
is_blank(const struct value *map, const char *key)
{
	return map != NULL && map->kind == VALUE_MAP &&
	    value_get(map, key) != NULL &&
	    decode_count(decode_field(map, key)) == 0;
}

/* Is the selector null, or made of nothing but nulls? {} is not: whoever
 * writes it says that all is meant. */
static bool
is_blank_selector(const struct value *map, const char *key)
{
	const struct value *s = decode_field(map, key);

	if (s == NULL)
		return is_blank(map, key);
	for (size_t i = 0; i < s->n; i++)
		if (s->pairs[i].value->kind != VALUE_NULL)
			return false;
	return s->n > 0;
}

static const struct label_selector *
build_peer_selector(struct reading *r, const struct field_path *peer,
    const struct value *v, const char *key)
{
	const struct value *s = decode_field(v, key);
	struct field_path path = path_key(peer, key);
	const struct label_selector *out;
	struct label_selector read;

	if (s == NULL)
		return NULL;
	build_selector(r, &path, s, &read);
	out = selector_pool_keep(&r->selectors, r->arena, &read);
	r->failed |= out == NULL;
	return out;
}

static void
build_peer(struct reading *r, const struct field_path *path,
    const struct value *v, uint32_t line, struct policy_peer *out)
{
	const struct value *block = decode_field(v, "ipBlock");
	struct field_path block_path = path_key(path, "ipBlock");

	out->pod_selector = build_peer_selector(r, path, v, "podSelector");
	out->namespace_selector =
	    build_peer_selector(r, path, v, "namespaceSelector");
	if (block != NULL)
		out->ip_block = build_ip_block(r, &block_path, block);
	out->line = line;
	if (is_blank_selector(v, "podSelector"))
		out->blank |= BLANK_POD_SELECTOR;
	if (is_blank_selector(v, "namespaceSelector"))
		out->blank |= BLANK_NS_SELECTOR;
	if (out->ip_block != NULL &&
	    (out->pod_selector != NULL || out->namespace_selector != NULL))
		problem_add(r, path, line, PROBLEM_FORBIDDEN,
		    "Forbidden: may not specify both ipBlock and another peer");
	else if (out->ip_block == NULL && out->pod_selector == NULL &&
	    out->namespace_selector == NULL)
		problem_add(r, path, line, PROBLEM_REQUIRED,
		    "Required value: must specify a peer");
}

/* The entries of from or to, in arena. */
static const struct policy_peer *
build_peers(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	size_t n = decode_count(v);
	struct policy_peer *peers = build_array(r, n, sizeof(*peers));

	for (size_t i = 0; peers != NULL && i < n; i++) {
		struct field_path at = path_index(path, i);

		build_peer(
		    r, &at, decode_item(v, i), v->items[i]->line, &peers[i]);
	}
	return peers;
}

static void
check_port_number(
    struct reading *r, const struct field_path *path, uint32_t line, int64_t n)
{
	if (n < 1 || n > 65535)
		problem_add(r, path, line, PROBLEM_INVALID,
		    "Invalid value: %lld: must be between 1 and 65535, "
		    "inclusive",
		    (long long)n);
}

static void
build_end_port(struct reading *r, const struct field_path *path,
    const struct value *v, const struct value *port, struct policy_port *out)
{
	int64_t n = decode_integer(v);
	const char *why = NULL;

	if (port == NULL)
		why = "may not be specified when `port` is not specified";
	else if (port->kind == VALUE_STRING)
		why = "may not be specified when `port` is non-numeric";
	if (why != NULL) {
		problem_add(r, path, v->line, PROBLEM_INVALID,
		    "Invalid value: %lld: %s", (long long)n, why);
		return;
	}
	/* The server names the value of port here, not that of endPort. */
	if (n < decode_integer(port))
		problem_add(r, path, v->line, PROBLEM_INVALID,
		    "Invalid value: %lld: must be greater than or equal to "
		    "`port`",
		    (long long)decode_integer(port));
	check_port_number(r, path, v->line, n);
	out->end_port = (uint16_t)n;
}

static void
build_protocol(struct reading *r, const struct field_path *path,
    const struct value *v, struct policy_port *out)
{
	out->protocol = FLOW_TCP; /* 11: missing and null, but not "" */
	if (v == NULL)
		return;
	out->protocol = (uint8_t)flow_protocol_parse(v->text);
	if (out->protocol == 0)
		problem_add(r, path, v->line, PROBLEM_NOT_SUPPORTED,
		    "Unsupported value: %s: supported values: \"TCP\", "
		    "\"UDP\", \"SCTP\"",
		    problem_quote(r, v->text));
}

static void
build_port(struct reading *r, const struct field_path *path,
    const struct value *v, struct policy_port *out)
{
	const struct value *port = decode_field(v, "port");
	const struct value *end = decode_field(v, "endPort");
	struct field_path protocol_path = path_key(path, "protocol");
	struct field_path port_path = path_key(path, "port");
	struct field_path end_path = path_key(path, "endPort");
	struct name_faults f;

	build_protocol(r, &protocol_path, decode_field(v, "protocol"), out);
	if (port != NULL && port->kind == VALUE_STRING) {
		out->has_port = true;
		out->name = port->text;
		name_check_port(&f, port->text);
		for (size_t i = 0; i < f.n; i++)
			problem_invalid(
			    r, &port_path, port->line, port->text, f.v[i]);
	} else if (port != NULL) {
		out->has_port = true;
		out->port = (uint16_t)decode_integer(port);
		check_port_number(
		    r, &port_path, port->line, decode_integer(port));
	}
	if (end != NULL)
		build_end_port(r, &end_path, end, port, out);
}

/* The entries of ports, in arena. */
static const struct policy_port *
build_ports(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	size_t n = decode_count(v);
	struct policy_port *ports = build_array(r, n, sizeof(*ports));

	for (size_t i = 0; ports != NULL && i < n; i++) {
		struct field_path at = path_index(path, i);

		ports[i].line = v->items[i]->line;
		build_port(r, &at, decode_item(v, i), &ports[i]);
	}
	return ports;
}

static void
build_rules(struct reading *r, struct policy *p, const struct field_path *spec,
    const struct value *list, enum policy_direction d)
{
	struct field_path path = path_key(spec, policy_direction_name(d));
	const char *peers_key = d == POLICY_INGRESS ? "from" : "to";
	size_t n = decode_count(list);
	struct policy_rule *rules = build_array(r, n, sizeof(*rules));

	for (size_t i = 0; rules != NULL && i < n; i++) {
		const struct value *v = decode_item(list, i);
		const struct value *ports = decode_field(v, "ports");
		const struct value *peers = decode_field(v, peers_key);
		struct field_path at = path_index(&path, i);
		struct field_path ports_path = path_key(&at, "ports");
		struct field_path peers_path = path_key(&at, peers_key);

		rules[i].line = list->items[i]->line;
		rules[i].ports = build_ports(r, &ports_path, ports);
		rules[i].n_ports = decode_count(ports);
		rules[i].peers = build_peers(r, &peers_path, peers);
		rules[i].n_peers = decode_count(peers);
		if (is_blank(v, peers_key))
			rules[i].blank |= BLANK_PEERS;
		if (is_blank(v, "ports"))
			rules[i].blank |= BLANK_PORTS;
	}
	p->rules[d] = rules;
	p->n_rules[d] = rules == NULL ? 0 : n;
}

static void
too_many_types(
    struct reading *r, const struct field_path *path, const struct value *v)
{
	struct strbuf sb;

	strbuf_init(&sb, 1024);
	for (size_t i = 0; i < v->n && i < 8; i++)
		strbuf_printf(&sb, "%s%s", i == 0 ? "" : ",",
		    problem_quote(r, decode_string(v->items[i])));
	problem_add(r, path, v->line, PROBLEM_INVALID,
	    "Invalid value: [%s%s]: may not specify more than two policyTypes",
	    strbuf_str(&sb), v->n > 8 ? ",..." : "");
	strbuf_release(&sb);
}

static void
build_types(struct reading *r, struct policy *p, const struct field_path *spec,
    const struct value *v)
{
	struct field_path path = path_key(spec, "policyTypes");

	if (decode_count(v) == 0) { /* 8, 9 */
		p->types[POLICY_INGRESS] = true;
		p->types[POLICY_EGRESS] = p->n_rules[POLICY_EGRESS] > 0;
		return;
	}
	if (v->n > 2) {
		too_many_types(r, &path, v);
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		const char *text = decode_string(v->items[i]);
		struct field_path at = path_index(&path, i);

		if (strcmp(text, "Ingress") == 0)
			p->types[POLICY_INGRESS] = true;
		else if (strcmp(text, "Egress") == 0)
			p->types[POLICY_EGRESS] = true;
		else
			problem_add(r, &at, v->items[i]->line,
			    PROBLEM_NOT_SUPPORTED,
			    "Unsupported value: %s: supported values: "
			    "\"Ingress\", \"Egress\"",
			    problem_quote(r, text));
	}
}

static void
note_blanks(struct policy *p, const struct value *spec)
{
	p->selector_line = line_of(spec, "podSelector");
	p->types_line = line_of(spec, "policyTypes");
	if (decode_count(decode_field(spec, "policyTypes")) == 0)
		p->blank |= BLANK_TYPES;
	if (is_blank(spec, "ingress"))
		p->blank |= BLANK_INGRESS;
	if (is_blank(spec, "egress"))
		p->blank |= BLANK_EGRESS;
	if (is_blank_selector(spec, "podSelector"))
		p->blank |= BLANK_POD_SELECTOR;
}

void
build_spec(struct reading *r, struct policy *p, const struct value *object)
{
	const struct value *spec = decode_field(object, "spec");
	struct field_path path = path_key(NULL, "spec");
	struct field_path selector_path = path_key(&path, "podSelector");

	build_selector(r, &selector_path, decode_field(spec, "podSelector"),
	    &p->pod_selector);
	build_rules(r, p, &path, decode_field(spec, "ingress"), POLICY_INGRESS);
	build_rules(r, p, &path, decode_field(spec, "egress"), POLICY_EGRESS);
	build_types(r, p, &path, decode_field(spec, "policyTypes"));
	note_blanks(p, spec);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to probes. jansson is for what is unusual; the fields are judged in
 * one place, whichever way they came. */
#include "report/check_probe.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "kube/json_text.h"

enum field {
	FIELD_SRC,
	FIELD_DST,
	FIELD_PROTO,
	FIELD_PORT,
	FIELD_SRC_POD,
	FIELD_DST_POD,
	FIELD_NONE
};

static const char *const names[] = { "src", "dst", "proto", "port", "src_pod",
	"dst_pod" };

#define N_NAMES (sizeof(names) / sizeof(names[0]))

enum token_kind { TOKEN_NULL, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_OTHER };

/* The value of a field. */
struct token {
	enum token_kind kind;
	const char *text; /* not terminated */
	size_t len;
	int64_t number;
};

static enum field
field_of(const char *key, size_t len)
{
	for (unsigned i = 0; i < N_NAMES; i++)
		if (strlen(names[i]) == len && memcmp(names[i], key, len) == 0)
			return (enum field)i;
	return FIELD_NONE;
}

static enum rf_status
wrong_type(enum field f, const char *want, struct rf_error *err)
{
	return rf_fail(err, RF_INVAL, "%s: %s is wanted", names[f], want);
}

/* At most max bytes of a value, printable, for messages. */
static const char *
shown(const struct token *t, char buf[static 64])
{
	size_t n = t->len < 60 ? t->len : 60;

	for (size_t i = 0; i < n; i++)
		buf[i] =
		    t->text[i] >= 0x20 && t->text[i] < 0x7f ? t->text[i] : '?';
	buf[n] = '\0';
	return buf;
}

static enum rf_status
put_address(struct check_probe_end *e, enum field f, const struct token *t,
    struct rf_error *err)
{
	char text[IP_STRLEN], buf[64];

	if (t->kind == TOKEN_NULL)
		return RF_OK;
	if (t->kind != TOKEN_TEXT)
		return wrong_type(f, "an address as a string", err);
	if (t->len < sizeof(text) && memchr(t->text, 0, t->len) == NULL) {
		memcpy(text, t->text, t->len);
		text[t->len] = '\0';
		e->has_ip = ip_parse(&e->ip, text) && !ip_is_none(&e->ip);
	}
	return e->has_ip ? RF_OK
			 : rf_fail(err, RF_INVAL, "%s: \"%s\" is no address",
			       names[f], shown(t, buf));
}

static enum rf_status
put_pod(struct check_probe_end *e, enum field f, const struct token *t,
    struct rf_error *err)
{
	const char *slash;
	size_t ns, name;
	char buf[64];

	if (t->kind == TOKEN_NULL) {
		e->pod = PROBE_POD_NONE;
		return RF_OK;
	}
	if (t->kind != TOKEN_TEXT)
		return wrong_type(f, "\"namespace/name\" or null", err);
	slash = memchr(t->text, '/', t->len);
	ns = slash == NULL ? 0 : (size_t)(slash - t->text);
	name = slash == NULL ? 0 : t->len - ns - 1;
	if (ns == 0 || ns >= sizeof(e->namespace) || name == 0 ||
	    name >= sizeof(e->name) || memchr(slash + 1, '/', name) != NULL ||
	    memchr(t->text, 0, t->len) != NULL)
		return rf_fail(err, RF_INVAL,
		    "%s: \"%s\" is not of the form namespace/name", names[f],
		    shown(t, buf));
	memcpy(e->namespace, t->text, ns);
	e->namespace[ns] = '\0';
	memcpy(e->name, slash + 1, name);
	e->name[name] = '\0';
	e->pod = PROBE_POD_NAMED;
	return RF_OK;
}

static enum rf_status
put_protocol(struct check_probe *p, const struct token *t, struct rf_error *err)
{
	char text[8] = "", buf[64];

	if (t->kind == TOKEN_NULL)
		return RF_OK;
	if (t->kind != TOKEN_TEXT)
		return wrong_type(
		    FIELD_PROTO, "\"TCP\", \"UDP\" or \"SCTP\"", err);
	if (t->len < sizeof(text))
		memcpy(text, t->text, t->len);
	p->protocol =
	    strlen(text) == t->len ? (uint8_t)flow_protocol_parse(text) : 0;
	return p->protocol != 0
	    ? RF_OK
	    : rf_fail(err, RF_INVAL, "proto: \"%s\" is not TCP, UDP or SCTP",
		  shown(t, buf));
}

static enum rf_status
put_port(struct check_probe *p, const struct token *t, struct rf_error *err)
{
	if (t->kind != TOKEN_NUMBER)
		return wrong_type(FIELD_PORT, "a number from 1 to 65535", err);
	if (t->number < 1 || t->number > 65535)
		return rf_fail(err, RF_INVAL,
		    "port: %lld is not from 1 to 65535", (long long)t->number);
	p->port = (uint16_t)t->number;
	return RF_OK;
}

static enum rf_status
put_field(struct check_probe *p, enum field f, const struct token *t,
    struct rf_error *err)
{
	switch (f) {
	case FIELD_SRC:
		return put_address(&p->src, f, t, err);
	case FIELD_DST:
		return put_address(&p->dst, f, t, err);
	case FIELD_PROTO:
		return put_protocol(p, t, err);
	case FIELD_PORT:
		return put_port(p, t, err);
	case FIELD_SRC_POD:
		return put_pod(&p->src, f, t, err);
	case FIELD_DST_POD:
		return put_pod(&p->dst, f, t, err);
	case FIELD_NONE:
		break;
	}
	return RF_OK;
}

static void
start(struct check_probe *p)
{
	p->src.has_ip = p->dst.has_ip = false;
	p->src.ip = p->dst.ip = (struct ip_addr){ 0 };
	p->src.pod = p->dst.pod = PROBE_POD_UNSAID;
	p->port = 0;
	p->protocol = FLOW_TCP;
}

/* Is everything there that a question needs? */
static enum rf_status
finish(const struct check_probe *p, struct rf_error *err)
{
	if (!p->src.has_ip && p->src.pod != PROBE_POD_NAMED)
		return rf_fail(
		    err, RF_INVAL, "src: an address is wanted, or a src_pod");
	if (!p->dst.has_ip && p->dst.pod != PROBE_POD_NAMED)
		return rf_fail(
		    err, RF_INVAL, "dst: an address is wanted, or a dst_pod");
	if (p->port == 0)
		return rf_fail(err, RF_INVAL, "port: missing");
	return RF_OK;
}

static struct token
token_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_NULL:
		return (struct token){ .kind = TOKEN_NULL };
	case JSON_STRING:
		return (struct token){ .kind = TOKEN_TEXT,
			.text = json_string_value(v),
			.len = json_string_length(v) };
	case JSON_INTEGER:
		return (struct token){ .kind = TOKEN_NUMBER,
			.number = json_integer_value(v) };
	default:
		return (struct token){ .kind = TOKEN_OTHER };
	}
}

enum rf_status
check_probe_read_json(
    struct check_probe *out, const char *line, size_t len, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	json_error_t why;
	json_t *o = json_text_read(line, len, JSON_REJECT_DUPLICATES, &why), *v;
	const char *key;

	start(out);
	if (o == NULL)
		return rf_fail(err,
		    json_text_status(&why) == RF_NOMEM ? RF_NOMEM : RF_INVAL,
		    "column %d: %s", why.column, why.text);
	if (!json_is_object(o)) {
		json_decref(o);
		return rf_fail(err, RF_INVAL, "no JSON object");
	}
	json_object_foreach(o, key, v)
	{
		struct token t = token_of(v);

		if (st == RF_OK)
			st =
			    put_field(out, field_of(key, strlen(key)), &t, err);
	}
	json_decref(o);
	return st == RF_OK ? finish(out, err) : st;
}

/* The rest of a line on the short way. */
struct cursor {
	const char *at, *end;
};

static void
skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

static bool
take(struct cursor *c, char wanted)
{
	skip_blanks(c);
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* A string of printable ASCII without escapes. */
static bool
take_text(struct cursor *c, const char **text, size_t *len)
{
	if (!take(c, '"'))
		return false;
	*text = c->at;
	while (c->at < c->end && *c->at != '"') {
		if (*c->at < 0x20 || *c->at > 0x7e || *c->at == '\\')
			return false;
		c->at++;
	}
	if (c->at == c->end)
		return false;
	*len = (size_t)(c->at++ - *text);
	return true;
}

/* A port: more digits, a fraction or a sign take the long way. */
static bool
take_number(struct cursor *c, int64_t *n)
{
	const char *from = c->at;

	*n = 0;
	while (c->at < c->end && c->at - from < 6 &&
	    isdigit((unsigned char)*c->at))
		*n = *n * 10 + (*c->at++ - '0');
	return c->at > from && c->at - from <= 5 && *from != '0';
}

static bool
take_value(struct cursor *c, struct token *t)
{
	skip_blanks(c);
	if (c->at == c->end)
		return false;
	if (*c->at == '"') {
		t->kind = TOKEN_TEXT;
		return take_text(c, &t->text, &t->len);
	}
	if (c->end - c->at >= 4 && memcmp(c->at, "null", 4) == 0) {
		t->kind = TOKEN_NULL;
		c->at += 4;
		return true;
	}
	t->kind = TOKEN_NUMBER;
	return take_number(c, &t->number);
}

/* The short way; false: it is not as plain as that, or it is wrong. */
static bool
read_plain(struct check_probe *out, const char *line, size_t len)
{
	struct cursor c = { line, line + len };
	unsigned seen = 0;
	bool more;

	start(out);
	if (!take(&c, '{'))
		return false;
	do {
		const char *key;
		struct token t;
		enum field f;
		size_t n;

		if (!take_text(&c, &key, &n) || !take(&c, ':') ||
		    !take_value(&c, &t))
			return false;
		f = field_of(key, n);
		if (f == FIELD_NONE || (seen & 1u << f) != 0 ||
		    put_field(out, f, &t, NULL) != RF_OK)
			return false;
		seen |= 1u << f;
		more = take(&c, ',');
	} while (more);
	if (!take(&c, '}'))
		return false;
	skip_blanks(&c);
	return c.at == c.end && finish(out, NULL) == RF_OK;
}

enum rf_status
check_probe_read(
    struct check_probe *out, const char *line, size_t len, struct rf_error *err)
{
	if (read_plain(out, line, len))
		return RF_OK;
	return check_probe_read_json(out, line, len, err);
}

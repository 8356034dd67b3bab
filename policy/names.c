/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/names.h"

#include <string.h>

#define SUBDOMAIN_MAX 253
#define LABEL_MAX     63
#define PORT_NAME_MAX 15

/* clang-format off */
#define SUBDOMAIN_TEXT "a lowercase RFC 1123 subdomain must consist of " \
	"lower case alphanumeric characters, '-' or '.', and must start " \
	"and end with an alphanumeric character (e.g. 'example.com', " \
	"regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?" \
	"(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_TEXT "a lowercase RFC 1123 label must consist of lower case " \
	"alphanumeric characters or '-', and must start and end with an " \
	"alphanumeric character (e.g. 'my-name',  or '123-abc', regex " \
	"used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
#define KEY_TEXT "must consist of alphanumeric characters, '-', '_' or " \
	"'.', and must start and end with an alphanumeric character " \
	"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " \
	"validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
#define VALUE_TEXT "a valid label must be an empty string or consist of " \
	"alphanumeric characters, '-', '_' or '.', and must start and end " \
	"with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  " \
	"or '12345', regex used for validation is " \
	"'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
/* clang-format on */

static void
fault(struct name_faults *f, const char *text)
{
	if (f->n < NAME_FAULTS_MAX)
		f->v[f->n++] = text;
}

static bool
is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool
is_dns_label(const char *s, size_t n)
{
	if (n == 0 || !is_lower_alnum(s[0]) || !is_lower_alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] != '-' && !is_lower_alnum(s[i]))
			return false;
	return true;
}

static bool
is_subdomain(const char *s, size_t n)
{
	for (;;) {
		const char *dot = memchr(s, '.', n);
		size_t len = dot == NULL ? n : (size_t)(dot - s);

		if (!is_dns_label(s, len))
			return false;
		if (dot == NULL)
			return true;
		s += len + 1;
		n -= len + 1;
	}
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool
is_qualified(const char *s, size_t n)
{
	if (n == 0 || !is_alnum(s[0]) || !is_alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && strchr("-_.", s[i]) == NULL)
			return false;
	return true;
}

void
name_check_subdomain(struct name_faults *f, const char *text, bool is_prefix)
{
	char masked[SUBDOMAIN_MAX + 1];
	size_t n = strlen(text);

	f->n = 0;
	if (n > SUBDOMAIN_MAX)
		fault(f, "must be no more than 253 characters");
	/* What the server checks in place of a prefix with its last dash. */
	if (is_prefix && n > 1 && n <= SUBDOMAIN_MAX && text[n - 1] == '-') {
		memcpy(masked, text, n - 2);
		masked[n - 2] = 'a';
		text = masked;
		n--;
	}
	if (!is_subdomain(text, n))
		fault(f, SUBDOMAIN_TEXT);
}

void
name_check_label(struct name_faults *f, const char *text)
{
	size_t n = strlen(text);

	f->n = 0;
	if (n > LABEL_MAX)
		fault(f, "must be no more than 63 characters");
	if (!is_dns_label(text, n))
		fault(f, LABEL_TEXT);
}

static void
check_key_prefix(struct name_faults *f, const char *text, size_t n)
{
	if (n == 0) {
		fault(f, "prefix part must be non-empty");
		return;
	}
	if (n > SUBDOMAIN_MAX)
		fault(f, "prefix part must be no more than 253 bytes");
	if (!is_subdomain(text, n))
		fault(f, "prefix part " SUBDOMAIN_TEXT);
}

void
name_check_key(struct name_faults *f, const char *text)
{
	const char *slash = strchr(text, '/');
	const char *name = slash == NULL ? text : slash + 1;
	size_t n = strlen(name);

	f->n = 0;
	if (strchr(name, '/') != NULL) {
		fault(f,
		    "a valid label key " KEY_TEXT
		    " with an optional DNS subdomain prefix and '/' (e.g. "
		    "'example.com/MyName')");
		return;
	}
	if (slash != NULL)
		check_key_prefix(f, text, (size_t)(slash - text));
	if (n == 0)
		fault(f, "name part must be non-empty");
	else if (n > LABEL_MAX)
		fault(f, "name part must be no more than 63 bytes");
	if (!is_qualified(name, n))
		fault(f, "name part " KEY_TEXT);
}

void
name_check_label_value(struct name_faults *f, const char *text)
{
	size_t n = strlen(text);

	f->n = 0;
	if (n > LABEL_MAX)
		fault(f, "must be no more than 63 bytes");
	if (n > 0 && !is_qualified(text, n))
		fault(f, VALUE_TEXT);
}

void
name_check_port(struct name_faults *f, const char *text)
{
	size_t n = strlen(text), ok = 0;
	bool letter = false;

	f->n = 0;
	for (const char *c = text; *c != '\0'; c++) {
		ok += *c == '-' || is_lower_alnum(*c);
		letter |= *c >= 'a' && *c <= 'z';
	}
	if (n > PORT_NAME_MAX)
		fault(f, "must be no more than 15 characters");
	if (n == 0 || ok != n)
		fault(f,
		    "must contain only alpha-numeric characters (a-z, 0-9), "
		    "and hyphens (-)");
	if (!letter)
		fault(f, "must contain at least one letter (a-z)");
	if (strstr(text, "--") != NULL)
		fault(f, "must not contain consecutive hyphens");
	if (n > 0 && (text[0] == '-' || text[n - 1] == '-'))
		fault(f, "must not begin or end with a hyphen");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says when it says no. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "kube/client_internal.h"
#include "kube/json_text.h"

#define FIRST_LINE_MAX    200
#define RETRY_AFTER_MAX_S 3600

/* A Status: its message, and how long it asks us to stay away. */
static bool
explain_status(struct strbuf *message, int64_t *retry_after_us,
    const char *body, size_t len)
{
	json_error_t why;
	json_t *j = json_text_read(body, len, 0, &why), *details, *seconds;
	const char *text = json_string_value(json_object_get(j, "message"));
	bool has_text = text != NULL && *text != '\0';
	json_int_t s;

	details = json_object_get(j, "details");
	seconds = json_object_get(details, "retryAfterSeconds");
	s = json_integer_value(seconds);
	if (*retry_after_us < 0 && s > 0)
		*retry_after_us = INT64_C(1000000) *
		    (s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S);
	if (has_text)
		strbuf_puts(message, text);
	json_decref(j);
	return has_text;
}

/* What a page of a proxy is called, of which the first line says nothing. */
static void
explain_page(struct strbuf *message, const char *body)
{
	const char *title = strcasestr(body, "<title>");
	size_t n;

	if (title == NULL) {
		strbuf_puts(message, "an HTML page");
		return;
	}
	title += strlen("<title>");
	n = strcspn(title, "<\r\n");
	strbuf_add(message, title, n < FIRST_LINE_MAX ? n : FIRST_LINE_MAX);
	strbuf_puts(message, " (an HTML page: is this the API server?)");
}

/* What can be done about it, where the server's own words do not say so. */
static const char *
advice(int status)
{
	switch (status) {
	case 414:
		return "; the address of the next page is too long for it: a "
		       "proxy on the way allows less than the API server";
	case 431:
		return "; the credentials are too long for it: a shorter "
		       "token, or a larger limit of a proxy on the way";
	default:
		return "";
	}
}

void
client_explain(struct strbuf *message, int64_t *retry_after_us, int status,
    const char *body, size_t len)
{
	size_t from = message->len, n;

	strbuf_printf(message, "HTTP %d: ", status);
	if (!explain_status(message, retry_after_us, body, len)) {
		body += strspn(body, " \t\r\n");
		n = strcspn(body, "\r\n");
		if (n == 0)
			strbuf_puts(message, "without a word");
		else if (*body == '<')
			explain_page(message, body);
		else
			strbuf_add(message, body,
			    n < FIRST_LINE_MAX ? n : FIRST_LINE_MAX);
	}
	strbuf_puts(message, advice(status));
	for (size_t i = from; !strbuf_failed(message) && i < message->len; i++)
		if ((unsigned char)message->s[i] < 0x20 ||
		    message->s[i] == 0x7f)
			message->s[i] = ' ';
}

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

void
client_explain(struct strbuf *message, int64_t *retry_after_us, int status,
    const char *body, size_t len)
{
	size_t from = message->len, n;

	strbuf_printf(message, "HTTP %d: ", status);
	if (!explain_status(message, retry_after_us, body, len)) {
		n = strcspn(body, "\r\n");
		strbuf_add(
		    message, body, n < FIRST_LINE_MAX ? n : FIRST_LINE_MAX);
		if (n == 0)
			strbuf_puts(message, "without a word");
	}
	for (size_t i = from; !strbuf_failed(message) && i < message->len; i++)
		if ((unsigned char)message->s[i] < 0x20 ||
		    message->s[i] == 0x7f)
			message->s[i] = ' ';
}

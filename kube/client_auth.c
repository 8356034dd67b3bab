/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, and what credential plugins print. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "kube/client_internal.h"
#include "kube/json_text.h"

#define TOKEN_MAX 65536
/* Clocks differ, and a request takes its time. */
#define EXPIRY_MARGIN_US INT64_C(10000000)

/* Secrets do not stay in memory that others get. */
static void
forget(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
credentials_release(struct credentials *cr)
{
	forget(&cr->token);
	forget(&cr->cert);
	forget(&cr->key);
	cr->from_plugin = false;
	cr->expires_us = 0;
}

/* A header is one line, and no other one may hide in it. */
static bool
is_token(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return *text != '\0';
}

static enum rf_status
take_token(struct credentials *cr, const char *text, size_t len,
    const char *name, struct rf_error *err)
{
	char *copy;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (len > 0 && strchr(" \t\r\n", *text) != NULL) {
		text++;
		len--;
	}
	if ((copy = strndup(text, len)) == NULL)
		return rf_fail(err, RF_NOMEM, "API client: out of memory");
	if (!is_token(copy) || strlen(copy) != len) {
		free(copy);
		return rf_fail(err, RF_CORRUPT, "%s: holds no token", name);
	}
	forget(&cr->token);
	cr->token = copy;
	return RF_OK;
}

static enum rf_status
read_token(struct credentials *cr, const char *path, struct rf_error *err)
{
	FILE *f = fopen(path, "re");
	char *buf = malloc(TOKEN_MAX);
	enum rf_status st;
	size_t n;

	if (f == NULL)
		st = rf_fail(err, RF_IO, "open %s: %s", path, strerror(errno));
	else if (buf == NULL)
		st = rf_fail(err, RF_NOMEM, "API client: out of memory");
	else if ((n = fread(buf, 1, TOKEN_MAX, f)) == TOKEN_MAX || ferror(f))
		st = rf_fail(err, RF_IO, "read %s: %s", path,
		    ferror(f) ? strerror(errno) : "too long for a token");
	else
		st = take_token(cr, buf, n, path, err);
	if (buf != NULL)
		explicit_bzero(buf, TOKEN_MAX);
	free(buf);
	if (f != NULL)
		(void)fclose(f);
	return st;
}

enum rf_status
credentials_refresh(struct credentials *cr, const struct kubeconfig *kc,
    int64_t now_us, struct rf_error *err)
{
	enum rf_status st;

	if (kc->token_path != NULL) {
		st = read_token(cr, kc->token_path, err);
		if (st == RF_OK || (cr->token == NULL && kc->token == NULL))
			return st;
		if (cr->token != NULL) /* the last one that was readable */
			return RF_OK;
	}
	if (kc->token != NULL)
		return take_token(
		    cr, kc->token, strlen(kc->token), "token", err);
	if (kc->exec.command == NULL)
		return RF_OK;
	if (cr->from_plugin &&
	    (cr->expires_us == TIME_MAX_US ||
		now_us < cr->expires_us - EXPIRY_MARGIN_US))
		return RF_OK;
	return credentials_run_plugin(cr, kc, CREDENTIALS_PLUGIN_MS, err);
}

static enum rf_status
copy_text(char **out, const json_t *status, const char *key, const char *name,
    struct rf_error *err)
{
	const json_t *j = json_object_get(status, key);

	if (j == NULL || json_is_null(j))
		return RF_OK;
	if (!json_is_string(j))
		return rf_fail(err, RF_CORRUPT, "%s: status.%s: wants a string",
		    name, key);
	if (*json_string_value(j) == '\0')
		return RF_OK;
	if ((*out = strdup(json_string_value(j))) == NULL)
		return rf_fail(err, RF_NOMEM, "API client: out of memory");
	return RF_OK;
}

static enum rf_status
read_expiry(struct credentials *cr, const json_t *status, const char *name,
    struct rf_error *err)
{
	const json_t *j = json_object_get(status, "expirationTimestamp");

	cr->expires_us = TIME_MAX_US;
	if (j == NULL || json_is_null(j))
		return RF_OK;
	if (json_is_string(j) &&
	    rfc3339_parse(&cr->expires_us, json_string_value(j)))
		return RF_OK;
	return rf_fail(err, RF_CORRUPT,
	    "%s: status.expirationTimestamp: is no RFC 3339 time", name);
}

static enum rf_status
read_status(struct credentials *cr, const json_t *status, const char *name,
    struct rf_error *err)
{
	enum rf_status st = copy_text(&cr->token, status, "token", name, err);

	if (st == RF_OK)
		st = copy_text(
		    &cr->cert, status, "clientCertificateData", name, err);
	if (st == RF_OK)
		st = copy_text(&cr->key, status, "clientKeyData", name, err);
	if (st == RF_OK)
		st = read_expiry(cr, status, name, err);
	if (st != RF_OK)
		return st;
	if ((cr->cert == NULL) != (cr->key == NULL))
		return rf_fail(err, RF_CORRUPT,
		    "%s: certificate and key come together or not at all",
		    name);
	if (cr->token == NULL && cr->cert == NULL)
		return rf_fail(err, RF_CORRUPT,
		    "%s: status holds neither token nor certificate", name);
	if (cr->token != NULL && !is_token(cr->token))
		return rf_fail(
		    err, RF_CORRUPT, "%s: status.token: is no token", name);
	return RF_OK;
}

enum rf_status
credentials_parse(struct credentials *cr, const char *text, size_t len,
    const char *name, struct rf_error *err)
{
	struct credentials fresh = { .from_plugin = true };
	json_error_t je;
	json_t *j = json_text_read(text, len, 0, &je);
	const char *kind = json_string_value(json_object_get(j, "kind"));
	enum rf_status st;

	if (j == NULL)
		return rf_fail(err, json_text_status(&je),
		    "%s: printed no JSON: line %d: %s", name, je.line, je.text);
	if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
		st = rf_fail(err, RF_CORRUPT,
		    "%s: printed no ExecCredential but %.60s", name,
		    kind == NULL ? "something without kind" : kind);
	else
		st = read_status(
		    &fresh, json_object_get(j, "status"), name, err);
	json_decref(j);
	if (st == RF_OK) {
		credentials_release(cr);
		*cr = fresh;
	} else {
		credentials_release(&fresh);
	}
	return st;
}

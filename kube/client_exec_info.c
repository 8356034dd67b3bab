/* SPDX-License-Identifier: Apache-2.0 */
/* KUBERNETES_EXEC_INFO: what a credential plugin is told of the cluster. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client_internal.h"
#include "kube/json_text.h"
#include "kube/value.h"

#define CA_MAX ((size_t)1024 * 1024)

/* n bytes as base64, which kubeconfig and plugin exchange; NULL: no memory. */
static json_t *
base64_new(const char *data, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (n + 2) / 3 * 4;
	char *text = malloc(len + 1), *to = text;
	json_t *j = NULL;

	for (size_t i = 0; text != NULL && i < n; i += 3) {
		unsigned bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 |
			    (i + k < n ? (unsigned char)data[i + k] : 0u);
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
		*to++ = i + 2 < n ? digits[bits & 63] : '=';
	}
	if (text != NULL)
		j = json_stringn(text, len);
	free(text);
	return j;
}

static json_t *value_json(const struct value *v);

static json_t *
list_json(const struct value *v)
{
	json_t *j = json_array();

	for (size_t i = 0; j != NULL && i < v->n; i++)
		if (json_array_append_new(j, value_json(v->items[i])) != 0) {
			json_decref(j);
			return NULL;
		}
	return j;
}

static json_t *
map_json(const struct value *v)
{
	json_t *j = json_object();

	for (size_t i = 0; j != NULL && i < v->n; i++)
		if (json_object_set_new(j, v->pairs[i].key,
			value_json(v->pairs[i].value)) != 0) {
			json_decref(j);
			return NULL;
		}
	return j;
}

/* v as kubectl hands it on; NULL: no memory, or no JSON can say it. The
 * reader has bounded its depth. */
static json_t *
value_json(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NULL:
		return json_null();
	case VALUE_BOOL:
		return json_boolean(v->boolean);
	case VALUE_INT:
		return json_integer(v->integer);
	case VALUE_FLOAT:
		return json_real(v->number);
	case VALUE_STRING:
		return json_stringn(v->text, v->text_len);
	case VALUE_LIST:
		return list_json(v);
	case VALUE_MAP:
		return map_json(v);
	}
	return NULL;
}

/* The file is read anew each time: clusters get new CAs. */
static enum rf_status
read_ca(json_t **out, const char *path, struct rf_error *err)
{
	FILE *f = fopen(path, "re");
	char *buf = malloc(CA_MAX);
	enum rf_status st = RF_OK;
	size_t n;

	if (f == NULL)
		st = rf_fail(err, RF_IO, "open %s: %s", path, strerror(errno));
	else if (buf == NULL)
		st = rf_fail(err, RF_NOMEM, "API client: out of memory");
	else if ((n = fread(buf, 1, CA_MAX, f)) == CA_MAX || ferror(f))
		st = rf_fail(err, RF_IO, "read %s: %s", path,
		    ferror(f) ? strerror(errno) : "too long for a CA");
	else
		*out = base64_new(buf, n);
	free(buf);
	if (f != NULL)
		(void)fclose(f);
	return st;
}

/* What the plugin shall know of the cluster, under the names that kubeconfig
 * has for it. A NULL that json_object_set_new gets makes it fail. */
static enum rf_status
add_cluster(json_t *spec, const struct kubeconfig *kc, struct rf_error *err)
{
	json_t *cluster = json_object(), *ca = NULL;
	bool has_ca = kc->ca.data != NULL || kc->ca.path != NULL;
	enum rf_status st = RF_OK;
	int rc;

	if (kc->ca.data != NULL)
		ca = base64_new(kc->ca.data, kc->ca.len);
	else if (has_ca)
		st = read_ca(&ca, kc->ca.path, err);
	if (st != RF_OK) {
		json_decref(cluster);
		return st;
	}
	rc = json_object_set_new(cluster, "server", json_string(kc->server));
	if (kc->tls_server_name != NULL)
		rc |= json_object_set_new(cluster, "tls-server-name",
		    json_string(kc->tls_server_name));
	if (kc->is_insecure)
		rc |= json_object_set_new(
		    cluster, "insecure-skip-tls-verify", json_true());
	if (has_ca)
		rc |= json_object_set_new(
		    cluster, "certificate-authority-data", ca);
	if (kc->refuses_gzip)
		rc |= json_object_set_new(
		    cluster, "disable-compression", json_true());
	if (kc->exec.config != NULL)
		rc |= json_object_set_new(
		    cluster, "config", value_json(kc->exec.config));
	rc |= json_object_set_new(spec, "cluster", cluster);
	return rc == 0 ? RF_OK
		       : rf_fail(err, RF_NOMEM, "API client: out of memory");
}

enum rf_status
credentials_exec_info(
    char **out, const struct kubeconfig *kc, struct rf_error *err)
{
	json_t *j =
	    json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", kc->exec.api_version,
		"kind", "ExecCredential", "spec", "interactive", 0);
	enum rf_status st = RF_OK;

	*out = NULL;
	if (j != NULL && kc->exec.wants_cluster)
		st = add_cluster(json_object_get(j, "spec"), kc, err);
	if (j != NULL && st == RF_OK)
		*out = json_text_write(j, JSON_COMPACT);
	json_decref(j);
	if (st == RF_OK && *out == NULL)
		st = rf_fail(err, RF_NOMEM, "API client: out of memory");
	return st;
}

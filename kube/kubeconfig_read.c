/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster and a user entry of a kubeconfig say. */
#include <stdio.h>
#include <string.h>

#include "kube/kubeconfig_internal.h"

#define EXEC_GROUP "client.authentication.k8s.io/"

static void
no_memory(struct fields *f)
{
	if (f->status == RF_OK)
		f->status =
		    rf_fail(f->err, RF_NOMEM, "kubeconfig: out of memory");
}

/* Keys that would send requests elsewhere, or as somebody else. */
static void
refuse(struct fields *f, const char *key, const char *why)
{
	const struct value *v = value_get(f->map, key);

	if (v == NULL || v->kind == VALUE_NULL ||
	    (v->kind == VALUE_STRING && v->text_len == 0) ||
	    (v->kind == VALUE_LIST && v->n == 0))
		return;
	fields_fail(f, key, v, "is not supported: %s", why);
}

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Decode in, with line ends anywhere, to out; false: it is no base64. */
static bool
base64_decode(const char *in, char *out, size_t *len)
{
	unsigned bits = 0, n = 0, pad = 0, digits = 0;

	*len = 0;
	for (; *in != '\0'; in++) {
		int d = base64_digit(*in);

		if (*in == '\n' || *in == '\r')
			continue;
		digits++;
		if (*in == '=') {
			pad++;
			continue;
		}
		if (d < 0 || pad > 0)
			return false;
		bits = (bits << 6 | (unsigned)d) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			out[(*len)++] = (char)(unsigned char)(bits >> n);
		}
	}
	return digits % 4 == 0 && pad <= 2;
}

/* A path as it stands in a file: relative to the file's folder. */
static const char *
resolve_path(struct fields *f, const char *path)
{
	size_t len;
	char *full;

	if (path == NULL || *path == '/')
		return path;
	len = strlen(f->file->folder) + strlen(path) + 2;
	full = arena_alloc(&f->kc->arena, len);
	if (full == NULL) {
		no_memory(f);
		return NULL;
	}
	(void)snprintf(full, len, "%s/%s", f->file->folder, path);
	return full;
}

/* key names a file, key with "-data" behind it holds its base64. */
static void
read_pem(struct fields *f, const char *key, struct kubeconfig_pem *out)
{
	char data_key[64];
	const char *text;
	char *data;

	(void)snprintf(data_key, sizeof(data_key), "%s-data", key);
	out->path = resolve_path(f, fields_text(f, key));
	text = fields_text(f, data_key);
	if (text == NULL)
		return;
	data = arena_alloc(&f->kc->arena, strlen(text) + 1);
	if (data == NULL)
		no_memory(f);
	else if (!base64_decode(text, data, &out->len))
		fields_fail(
		    f, data_key, value_get(f->map, data_key), "is no base64");
	else if (out->len < 11 || strstr(data, "-----BEGIN ") == NULL)
		fields_fail(
		    f, data_key, value_get(f->map, data_key), "holds no PEM");
	out->data = data;
}

/* Is text http(s)://host…, with nothing that does not belong there? */
static bool
is_server(const char *text)
{
	const char *host = strncmp(text, "https://", 8) == 0 ? text + 8
	    : strncmp(text, "http://", 7) == 0               ? text + 7
							     : NULL;

	if (host == NULL || *host == '\0' || *host == '/' || *host == ':')
		return false;
	for (const char *c = host; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f ||
		    strchr("?#@\"<>\\", *c) != NULL)
			return false;
	return true;
}

static void
read_server(struct fields *f)
{
	const char *text = fields_text(f, "server");
	size_t len = text == NULL ? 0 : strlen(text);

	if (text == NULL) {
		fields_fail(f, "server", f->map, "is missing");
		return;
	}
	while (len > 0 && text[len - 1] == '/')
		len--;
	f->kc->server = arena_strndup(&f->kc->arena, text, len);
	if (f->kc->server == NULL)
		no_memory(f);
	else if (!is_server(f->kc->server))
		fields_fail(f, "server", value_get(f->map, "server"),
		    "\"%.100s\" is no http:// or https:// address", text);
}

/* What a cluster tells plugins is a named extension of it. */
static void
read_config(struct fields *f)
{
	const struct value *l = value_get(f->map, "extensions");

	if (l == NULL || l->kind == VALUE_NULL)
		return;
	if (l->kind != VALUE_LIST) {
		fields_fail(f, "extensions", l, "wants a list, is a %s",
		    value_kind_name(l->kind));
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct value *v = l->items[i], *name;

		name = v->kind == VALUE_MAP ? value_get(v, "name") : NULL;
		if (name != NULL && name->kind == VALUE_STRING &&
		    strcmp(name->text, EXEC_GROUP "exec") == 0)
			f->kc->exec.config = value_get(v, "extension");
	}
}

enum rf_status
kubeconfig_read_cluster(struct fields *f)
{
	struct kubeconfig *kc = f->kc;

	read_server(f);
	kc->tls_server_name = fields_text(f, "tls-server-name");
	kc->is_insecure = fields_bool(f, "insecure-skip-tls-verify");
	kc->refuses_gzip = fields_bool(f, "disable-compression");
	read_config(f);
	read_pem(f, "certificate-authority", &kc->ca);
	refuse(f, "proxy-url", "ringfence talks to the API server directly");
	if (kc->is_insecure && (kc->ca.path != NULL || kc->ca.data != NULL))
		fields_fail(f, "insecure-skip-tls-verify",
		    value_get(f->map, "insecure-skip-tls-verify"),
		    "contradicts certificate-authority");
	return f->status;
}

/* The strings of a list; NULL when there are none. */
static const char *const *
read_strings(struct fields *f, const char *key, size_t *n)
{
	const struct value *l = value_get(f->map, key);
	const char **v;

	*n = 0;
	if (l == NULL || l->kind == VALUE_NULL)
		return NULL;
	if (l->kind != VALUE_LIST) {
		fields_fail(f, key, l, "wants a list, is a %s",
		    value_kind_name(l->kind));
		return NULL;
	}
	v = arena_calloc(&f->kc->arena, l->n + 1, sizeof(*v));
	for (size_t i = 0; v != NULL && i < l->n; i++) {
		const struct value *s = l->items[i];

		if (s->kind != VALUE_STRING) {
			fields_fail(f, key, s, "wants strings, one is a %s",
			    value_kind_name(s->kind));
			return NULL;
		}
		v[i] = arena_strndup(&f->kc->arena, s->text, s->text_len);
		if (v[i] == NULL)
			no_memory(f);
	}
	if (v == NULL)
		no_memory(f);
	*n = v == NULL ? 0 : l->n;
	return v;
}

/* One {name, value} as "name=value". */
static const char *
read_variable(struct fields *f, const struct value *map)
{
	const struct value *name = value_get(map, "name");
	const struct value *value = value_get(map, "value");
	size_t len;
	char *text;

	if (name == NULL || name->kind != VALUE_STRING || value == NULL ||
	    value->kind != VALUE_STRING || name->text_len == 0 ||
	    strchr(name->text, '=') != NULL) {
		fields_fail(f, "env", map, "wants name and value, as strings");
		return NULL;
	}
	len = name->text_len + value->text_len + 2;
	text = arena_alloc(&f->kc->arena, len);
	if (text == NULL)
		no_memory(f);
	else
		(void)snprintf(text, len, "%s=%s", name->text, value->text);
	return text;
}

static void
read_environment(struct fields *f, struct kubeconfig_exec *exec)
{
	const struct value *l = value_get(f->map, "env");
	const char **v;

	if (l == NULL || l->kind == VALUE_NULL)
		return;
	if (l->kind != VALUE_LIST) {
		fields_fail(f, "env", l, "wants a list, is a %s",
		    value_kind_name(l->kind));
		return;
	}
	v = arena_calloc(&f->kc->arena, l->n + 1, sizeof(*v));
	if (v == NULL)
		no_memory(f);
	for (size_t i = 0; v != NULL && i < l->n; i++)
		v[i] = read_variable(f, l->items[i]);
	exec->env = v;
	exec->n_env = v == NULL ? 0 : l->n;
}

static void
check_exec_version(struct fields *f, const char *version)
{
	const struct value *at = value_get(f->map, "apiVersion");

	if (version == NULL)
		fields_fail(f, "apiVersion", f->map, "is missing");
	else if (strcmp(version, EXEC_GROUP "v1") != 0 &&
	    strcmp(version, EXEC_GROUP "v1beta1") != 0)
		fields_fail(f, "apiVersion", at,
		    "\"%.80s\" is neither " EXEC_GROUP "v1 nor v1beta1",
		    version);
}

/* A command with a folder in it is relative to the file, as in kubectl. */
static void
read_exec(struct fields *f, const struct value *map)
{
	struct kubeconfig_exec *exec = &f->kc->exec;
	const char *mode;

	f->map = map;
	exec->command = fields_text(f, "command");
	exec->api_version = fields_text(f, "apiVersion");
	exec->args = read_strings(f, "args", &exec->n_args);
	exec->install_hint = fields_text(f, "installHint");
	exec->wants_cluster = fields_bool(f, "provideClusterInfo");
	mode = fields_text(f, "interactiveMode");
	read_environment(f, exec);
	if (exec->command == NULL)
		fields_fail(f, "command", map, "is missing");
	else if (strchr(exec->command, '/') != NULL)
		exec->command = resolve_path(f, exec->command);
	check_exec_version(f, exec->api_version);
	if (mode != NULL && strcmp(mode, "Always") == 0)
		fields_fail(f, "interactiveMode",
		    value_get(map, "interactiveMode"),
		    "Always: nobody is there to answer");
}

enum rf_status
kubeconfig_read_user(struct fields *f)
{
	static const char *const acting_as[] = { "as", "as-uid", "as-groups",
		"as-user-extra" };
	struct kubeconfig *kc = f->kc;
	const struct value *exec = value_get(f->map, "exec");
	struct fields inner;
	char path[192];

	kc->token = fields_text(f, "token");
	kc->token_path = resolve_path(f, fields_text(f, "tokenFile"));
	read_pem(f, "client-certificate", &kc->cert);
	read_pem(f, "client-key", &kc->key);
	for (size_t i = 0; i < sizeof(acting_as) / sizeof(acting_as[0]); i++)
		refuse(f, acting_as[i], "ringfence acts as itself alone");
	refuse(f, "username", "Kubernetes 1.19 dropped basic authentication");
	refuse(f, "auth-provider", "Kubernetes 1.26 dropped it; use exec");
	if ((kc->cert.path == NULL && kc->cert.data == NULL) !=
	    (kc->key.path == NULL && kc->key.data == NULL))
		fields_fail(f, "client-certificate", f->map,
		    "certificate and key come together or not at all");
	if (exec == NULL || exec->kind == VALUE_NULL)
		return f->status;
	if (exec->kind != VALUE_MAP) {
		fields_fail(f, "exec", exec, "wants a map, is a %s",
		    value_kind_name(exec->kind));
		return f->status;
	}
	(void)snprintf(path, sizeof(path), "%s.exec", f->path);
	inner = *f;
	inner.path = path;
	read_exec(&inner, exec);
	return inner.status;
}

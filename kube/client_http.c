/* SPDX-License-Identifier: Apache-2.0 */
/* The home of libcurl. */
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "kube/client_internal.h"
#include "kube/error_line.h"

#define USER_AGENT         "ringfence/" RF_VERSION_STRING
#define ERROR_BODY_MAX     65536
#define CONNECT_TIMEOUT_MS 15000L
#define RETRY_AFTER_MAX_S  3600
/* A server that is gone without a word is noticed after 25 seconds. */
#define ALIVE_IDLE_S  10L
#define ALIVE_EVERY_S 5L
#define ALIVE_PROBES  3

struct client_request {
	struct client *client;
	struct client_request *prev, *next;
	CURL *easy;
	struct curl_slist *headers;
	struct client_handler handler;
	int64_t heard_us, silence_max_us;
	struct strbuf error_body; /* of answers other than 200 */
	struct strbuf message;
	char detail[CURL_ERROR_SIZE];
	struct rf_error err; /* why the handler wants no more */
	bool is_refused;     /* it does not */
	bool is_answered;    /* the head of a 200 has come */
};

struct client {
	const struct kubeconfig *kc;
	struct credentials credentials;
	CURLM *multi;
	struct client_request *first;
	size_t n_requests;
	int64_t now_us;
	int64_t ahead_us;              /* the server's clock, of ours */
	char *base_url;                /* with tls-server-name for host */
	char *host_header;             /* NULL: as in base_url */
	struct curl_slist *connect_to; /* NULL: to the host of base_url */
};

static enum rf_status
no_memory(struct rf_error *err)
{
	return rf_fail(err, RF_NOMEM, "API client: out of memory");
}

/* The end of "host:port" or "[v6]:port" or "host" in a URL's authority. */
static size_t
host_length(const char *authority)
{
	const char *end = *authority == '[' ? strchr(authority, ']') : NULL;

	return end != NULL ? (size_t)(end + 1 - authority)
			   : strcspn(authority, ":/");
}

/*
 * curl verifies the name that it connects to. To verify another one, the URL
 * gets that name, and connections are sent to the real host.
 */
static bool
rename_server(struct client *c)
{
	const char *server = c->kc->server, *name = c->kc->tls_server_name;
	const char *host = strstr(server, "://") + 3;
	size_t host_len = host_length(host), authority_len = strcspn(host, "/");
	const char *port = host[host_len] == ':' ? host + host_len + 1 : "443";
	size_t size = strlen(server) * 2 + strlen(name) * 2 + 32;
	char *text = malloc(size);

	if (text == NULL)
		return false;
	(void)snprintf(text, size, "%s:%.*s:%.*s:%.*s", name,
	    (int)strcspn(port, "/"), port, (int)host_len, host,
	    (int)strcspn(port, "/"), port);
	c->connect_to = curl_slist_append(NULL, text);
	(void)snprintf(text, size, "https://%s:%.*s%s", name,
	    (int)strcspn(port, "/"), port, host + authority_len);
	c->base_url = text;
	c->host_header = malloc(authority_len + 7);
	if (c->host_header != NULL)
		(void)snprintf(c->host_header, authority_len + 7, "Host: %.*s",
		    (int)authority_len, host);
	return c->connect_to != NULL && c->host_header != NULL;
}

enum rf_status
client_open(
    struct client **out, const struct kubeconfig *kc, struct rf_error *err)
{
	struct client *c = calloc(1, sizeof(*c));
	bool ok;

	*out = NULL;
	if (c == NULL)
		return no_memory(err);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return rf_fail(err, RF_IO, "API client: libcurl cannot start");
	}
	c->kc = kc;
	c->multi = curl_multi_init();
	if (kc->tls_server_name != NULL && strncmp(kc->server, "https", 5) == 0)
		ok = rename_server(c);
	else
		ok = (c->base_url = strdup(kc->server)) != NULL;
	if (!ok || c->multi == NULL) {
		client_close(c);
		return no_memory(err);
	}
	*out = c;
	return RF_OK;
}

void
client_close(struct client *c)
{
	if (c == NULL)
		return;
	while (c->first != NULL)
		client_cancel(c->first);
	(void)curl_multi_cleanup(c->multi);
	curl_slist_free_all(c->connect_to);
	credentials_release(&c->credentials);
	free(c->host_header);
	free(c->base_url);
	free(c);
	curl_global_cleanup();
}

const char *
client_server(const struct client *c)
{
	return c->kc->server;
}

int64_t
client_ahead_us(const struct client *c)
{
	return c->ahead_us;
}

size_t
client_n_requests(const struct client *c)
{
	return c->n_requests;
}

void
client_forget_credentials(struct client *c)
{
	credentials_release(&c->credentials);
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct client_request *r = arg;
	long status = 0;

	n *= size;
	r->heard_us = r->client->now_us;
	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) { /* what does not fit is not needed */
		strbuf_add(&r->error_body, data, n);
		return n;
	}
	if (r->handler.body(r->handler.arg, data, n, &r->err) == RF_OK)
		return n;
	r->is_refused = true;
	return 0;
}

/* "Date: Thu, 26 Nov 2026 23:59:59 GMT", if it is that header. */
static void
note_date(struct client *c, const char *line, size_t n)
{
	static const char name[] = "date:";
	char text[64];
	time_t at;

	if (n < sizeof(name) || n >= sizeof(text) ||
	    strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	(void)memcpy(text, line, n);
	text[n] = '\0';
	at = curl_getdate(text + sizeof(name) - 1, NULL);
	if (at > 0) /* it is cut to the second, so ours is, too */
		c->ahead_us = ((int64_t)at - c->now_us / 1000000) * 1000000;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct client_request *r = arg;
	long status = 0;

	n *= size;
	r->heard_us = r->client->now_us;
	note_date(r->client, data, n);
	/* The empty line that ends the head; that of a 100 may come before. */
	if (n <= 2) {
		(void)curl_easy_getinfo(
		    r->easy, CURLINFO_RESPONSE_CODE, &status);
		r->is_answered = status == 200;
	}
	return n;
}

static bool
add_header(struct client_request *r, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 3;
	char *line = malloc(size);
	struct curl_slist *list;

	if (line == NULL)
		return false;
	(void)snprintf(
	    line, size, "%s%s%s", name, *name == '\0' ? "" : ": ", value);
	list = curl_slist_append(r->headers, line);
	free(line);
	if (list == NULL)
		return false;
	r->headers = list;
	return true;
}

static bool
set_headers(struct client_request *r, const struct client_query *q)
{
	struct client *c = r->client;
	const char *token = c->credentials.token;
	const char *accept = q->accept != NULL ? q->accept : "application/json";
	char *bearer = NULL;
	bool ok;

	ok = add_header(r, "Accept", accept);
	if (ok && c->host_header != NULL)
		ok = add_header(r, "", c->host_header);
	if (ok && token != NULL) {
		bearer = malloc(strlen(token) + 8);
		if (bearer == NULL)
			return false;
		(void)snprintf(bearer, strlen(token) + 8, "Bearer %s", token);
		ok = add_header(r, "Authorization", bearer);
		free(bearer);
	}
	return ok &&
	    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers) ==
	    CURLE_OK;
}

/* One of the client's own certificate, its key and the CA. */
static CURLcode
set_pem(CURL *easy, const struct kubeconfig_pem *pem, const char *fresh,
    CURLoption blob_option, CURLoption path_option)
{
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };

	if (fresh == NULL && pem->data == NULL)
		return pem->path == NULL
		    ? CURLE_OK
		    : curl_easy_setopt(easy, path_option, pem->path);
	blob.len = fresh != NULL ? strlen(fresh) : pem->len;
	/* curl copies it and leaves ours alone, whatever its type says. */
	blob.data = strndup(fresh != NULL ? fresh : pem->data, blob.len);
	if (blob.data == NULL)
		return CURLE_OUT_OF_MEMORY;
	if (curl_easy_setopt(easy, blob_option, &blob) != CURLE_OK) {
		free(blob.data);
		return CURLE_OUT_OF_MEMORY;
	}
	free(blob.data);
	return CURLE_OK;
}

static bool
set_tls(struct client_request *r)
{
	const struct client *c = r->client;
	const struct kubeconfig *kc = c->kc;
	long verify = kc->is_insecure ? 0L : 1L;
	CURL *e = r->easy;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify);
	rc |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, verify * 2);
	rc |= curl_easy_setopt(
	    e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* The file is replaced when the cluster changes its CA, and curl would
	 * go by the old one for a day. A backend that keeps none refuses. */
	(void)curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	/* A cluster's own CA is the only one then: no certificate that one of
	 * the system's signed will do. */
	if (kc->ca.path != NULL || kc->ca.data != NULL)
		rc |= curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	rc |= set_pem(e, &kc->ca, NULL, CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO);
	rc |= set_pem(e, &kc->cert, c->credentials.cert, CURLOPT_SSLCERT_BLOB,
	    CURLOPT_SSLCERT);
	rc |= set_pem(e, &kc->key, c->credentials.key, CURLOPT_SSLKEY_BLOB,
	    CURLOPT_SSLKEY);
	return rc == CURLE_OK;
}

/* curl sets the other times of keepalive itself. */
static int
on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const int probes = ALIVE_PROBES;

	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	return CURL_SOCKOPT_OK;
}

static bool
set_transfer(struct client_request *r, const struct client_query *q)
{
	CURL *e = r->easy;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	rc |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	rc |= curl_easy_setopt(e, CURLOPT_USERAGENT, USER_AGENT);
	rc |= curl_easy_setopt(
	    e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	rc |=
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, ALIVE_IDLE_S);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, ALIVE_EVERY_S);
	rc |= curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	rc |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->detail);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	if (q->gzip && !r->client->kc->refuses_gzip)
		rc |= curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (r->client->connect_to != NULL)
		rc |= curl_easy_setopt(
		    e, CURLOPT_CONNECT_TO, r->client->connect_to);
	return rc == CURLE_OK;
}

static bool
set_url(struct client_request *r, const char *path)
{
	size_t size = strlen(r->client->base_url) + strlen(path) + 1;
	char *url = malloc(size);
	CURLcode rc;

	if (url == NULL)
		return false;
	(void)snprintf(url, size, "%s%s", r->client->base_url, path);
	rc = curl_easy_setopt(r->easy, CURLOPT_URL, url);
	free(url);
	return rc == CURLE_OK;
}

static void
request_free(struct client_request *r)
{
	struct client *c = r->client;

	if (r->next != NULL)
		r->next->prev = r->prev;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		c->first = r->next;
	c->n_requests--;
	if (r->easy != NULL) {
		(void)curl_multi_remove_handle(c->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	curl_slist_free_all(r->headers);
	strbuf_release(&r->error_body);
	strbuf_release(&r->message);
	free(r);
}

void
client_cancel(struct client_request *r)
{
	if (r != NULL)
		request_free(r);
}

bool
client_is_answered(const struct client_request *r)
{
	return r->is_answered;
}

void
client_limit_silence(struct client_request *r, int64_t silence_max_us)
{
	r->silence_max_us = silence_max_us;
}

static struct client_request *
request_new(struct client *c)
{
	struct client_request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->client = c;
	r->next = c->first;
	if (r->next != NULL)
		r->next->prev = r;
	c->first = r;
	c->n_requests++;
	strbuf_init(&r->error_body, ERROR_BODY_MAX);
	strbuf_init(&r->message, ERROR_BODY_MAX);
	r->easy = curl_easy_init();
	return r;
}

enum rf_status
client_get(struct client *c, const struct client_query *q,
    const struct client_handler *h, int64_t now_us, struct client_request **out,
    struct rf_error *err)
{
	struct client_request *r;
	enum rf_status st;

	*out = NULL;
	c->now_us = now_us;
	st = credentials_refresh(&c->credentials, c->kc, now_us, err);
	if (st != RF_OK)
		return st;
	if ((r = request_new(c)) == NULL)
		return no_memory(err);
	r->handler = *h;
	r->heard_us = now_us;
	r->silence_max_us = q->silence_max_us;
	if (r->easy == NULL || !set_url(r, q->path) || !set_transfer(r, q) ||
	    !set_tls(r) || !set_headers(r, q) ||
	    curl_multi_add_handle(c->multi, r->easy) != CURLM_OK) {
		request_free(r);
		return no_memory(err);
	}
	*out = r;
	return RF_OK;
}

/* In words that help: most often it is the network or a certificate. */
static void
explain_failure(struct client_request *r, CURLcode rc)
{
	const char *why =
	    *r->detail != '\0' ? r->detail : curl_easy_strerror(rc);

	strbuf_printf(&r->message, "%s: %s", r->client->kc->server, why);
	if (rc == CURLE_PEER_FAILED_VERIFICATION &&
	    r->client->kc->ca.path == NULL && r->client->kc->ca.data == NULL)
		strbuf_puts(&r->message,
		    " (the kubeconfig names no certificate-authority)");
}

static void
finish(struct client_request *r, CURLcode rc, bool was_silent)
{
	struct client_answer a = { .retry_after_us = -1,
		.was_silent = was_silent,
		.is_complete = rc == CURLE_OK && !was_silent };
	struct client_handler h = r->handler;
	curl_off_t retry_s = 0;
	long status = 0;

	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_s);
	a.status = (int)status;
	if (retry_s > RETRY_AFTER_MAX_S)
		retry_s = RETRY_AFTER_MAX_S;
	if (retry_s > 0)
		a.retry_after_us = (int64_t)retry_s * 1000000;
	if (was_silent)
		strbuf_printf(&r->message, "%s: nothing heard for %lld s",
		    r->client->kc->server,
		    (long long)(r->silence_max_us / 1000000));
	else if (r->is_refused)
		strbuf_puts(&r->message, r->err.msg);
	else if (rc != CURLE_OK)
		explain_failure(r, rc);
	else if (status != 200)
		client_explain(&r->message, &a.retry_after_us, a.status,
		    strbuf_str(&r->error_body), r->error_body.len);
	a.message = strbuf_str(&r->message);
	(void)curl_multi_remove_handle(r->client->multi, r->easy);
	h.done(h.arg, &a);
	request_free(r);
}

static void
finish_silent(struct client *c, int64_t now_us)
{
	struct client_request *next;

	for (struct client_request *r = c->first; r != NULL; r = next) {
		next = r->next;
		if (now_us < r->heard_us) /* the clock was set back */
			r->heard_us = now_us;
		if (now_us - r->heard_us > r->silence_max_us) {
			/* A dead connection must not serve again. */
			(void)curl_easy_setopt(
			    r->easy, CURLOPT_FORBID_REUSE, 1L);
			finish(r, CURLE_OK, true);
		}
	}
}

void
client_work(struct client *c, int64_t now_us, int wait_ms)
{
	struct client_request *r = NULL;
	CURLMsg *m;
	int n;

	c->now_us = now_us;
	(void)curl_multi_perform(c->multi, &n);
	/* One that is over, and not taken note of yet, is not waited for. */
	if (wait_ms > 0 && n > 0 && (size_t)n == c->n_requests) {
		(void)curl_multi_poll(c->multi, NULL, 0, wait_ms, NULL);
		(void)curl_multi_perform(c->multi, &n);
	}
	while ((m = curl_multi_info_read(c->multi, &n)) != NULL) {
		CURLcode rc = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
		finish(r, rc, false);
	}
	finish_silent(c, now_us);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The only home of microhttpd.h. */
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/metrics.h"

/* A pod that keeps connections open does not keep the kubelet's probe from its
 * answer, or we would be stopped for it. */
#define CONNECTIONS_MAX    128
#define CONNECTIONS_OF_ONE 16 /* address */
#define TIMEOUT_S          10
#define ADDRESS_MAX        256
#define TEXT_MAX           ((size_t)1 << 20)

#define TYPE_PLAIN "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_OPEN  "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct metrics_server {
	int fd; /* MHD's, once it runs */
	struct MHD_Daemon *http;
	pthread_mutex_t lock;
	struct metrics_state state;
	struct metrics_more more[METRICS_MORE_MAX];
	size_t n_more;
};

static int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* getaddrinfo(3) takes 99999 for a port, and means another. */
static bool
is_port(const char *text)
{
	unsigned long n;
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	n = strtoul(text, NULL, 10);
	return n >= 1 && n <= 65535;
}

/* Split "[::1]:9797" or "127.0.0.1:9797" in place. */
static bool
split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':'), *end;

	if (colon == NULL)
		return false;
	*port = colon + 1;
	*colon = '\0';
	*host = text;
	if (*text == '[') {
		end = strchr(text, ']');
		if (end == NULL || end[1] != '\0')
			return false;
		*end = '\0';
		*host = text + 1;
	} else if (strchr(text, ':') != NULL) {
		return false;
	}
	return is_port(*port);
}

static enum rf_status
bind_to(int *out, const struct addrinfo *a, const char *address,
    struct rf_error *err)
{
	int fd = socket(a->ai_family,
	    a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int on = 1;

	if (fd < 0)
		return rf_fail(
		    err, RF_IO, "listen on %s: %s", address, strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(fd, CONNECTIONS_MAX) != 0) {
		(void)rf_fail(
		    err, RF_IO, "listen on %s: %s", address, strerror(errno));
		(void)close(fd);
		return RF_IO;
	}
	*out = fd;
	return RF_OK;
}

/* For freeaddrinfo(3). NULL: err says why. */
static struct addrinfo *
resolve(const char *address, struct rf_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char text[ADDRESS_MAX] = "", *host, *port;

	if (strlen(address) < sizeof(text))
		memcpy(text, address, strlen(address) + 1);
	if (split(text, &host, &port) &&
	    getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found) == 0)
		return found;
	(void)rf_fail(err, RF_INVAL,
	    "listen: \"%.100s\" is not ADDRESS:PORT in numbers, as "
	    "127.0.0.1:9797 or [::]:9797",
	    address);
	return NULL;
}

enum rf_status
metrics_check_address(const char *address, struct rf_error *err)
{
	struct addrinfo *found = resolve(address, err);

	if (found == NULL)
		return RF_INVAL;
	freeaddrinfo(found);
	return RF_OK;
}

static enum rf_status
listen_on(int *fd, const char *address, struct rf_error *err)
{
	struct addrinfo *found = resolve(address, err);
	enum rf_status st;

	if (found == NULL)
		return RF_INVAL;
	st = bind_to(fd, found, address, err);
	freeaddrinfo(found);
	return st;
}

enum rf_status
metrics_server_listen(
    struct metrics_server **out, const char *address, struct rf_error *err)
{
	struct metrics_server *s = calloc(1, sizeof(*s));
	enum rf_status st;

	*out = NULL;
	if (s == NULL)
		return rf_fail(err, RF_NOMEM, "metrics: out of memory");
	s->fd = -1;
	(void)pthread_mutex_init(&s->lock, NULL);
	s->state.published_us = monotonic_us();
	s->state.tried_us = s->state.published_us;
	s->state.stored_us = s->state.published_us;
	(void)snprintf(
	    s->state.idle, sizeof(s->state.idle), "no capture is open");
	st = listen_on(&s->fd, address, err);
	if (st == RF_OK)
		*out = s;
	else
		metrics_server_free(s);
	return st;
}

static enum MHD_Result
answer_as(struct MHD_Connection *connection, unsigned status, const char *type,
    const char *text)
{
	union {
		const char *in;
		void *out; /* copied, as it is MUST_COPY */
	} body = { .in = text };
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    strlen(text), body.out, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(
		    r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer_as(connection, status, TYPE_PLAIN, text);
}

static enum MHD_Result
answer_metrics(struct MHD_Connection *connection,
    const struct metrics_server *s, const struct metrics_state *state)
{
	bool is_open = metrics_wants_open(MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	struct strbuf text, open;
	enum MHD_Result result;

	strbuf_init(&text, TEXT_MAX);
	strbuf_init(&open, TEXT_MAX);
	metrics_render(&text, &state->stats);
	metrics_render_process(&text);
	for (size_t i = 0; i < s->n_more; i++)
		s->more[i].render(s->more[i].arg, &text);
	if (is_open)
		metrics_to_open(&open, strbuf_str(&text));
	if (strbuf_failed(&text) || strbuf_failed(&open))
		result = answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "out of memory\n");
	else
		result = answer_as(connection, MHD_HTTP_OK,
		    is_open ? TYPE_OPEN : TYPE_PLAIN,
		    strbuf_str(is_open ? &open : &text));
	strbuf_release(&open);
	strbuf_release(&text);
	return result;
}

static enum MHD_Result
answer_state(struct MHD_Connection *connection, const char *trouble)
{
	char text[128];

	if (trouble == NULL)
		return answer(connection, MHD_HTTP_OK, "ok\n");
	(void)snprintf(text, sizeof(text), "%s\n", trouble);
	return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

/* NOLINTBEGIN(readability-function-size): the library chose the parameters */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	struct metrics_server *s = arg;
	struct metrics_state state;
	int64_t now_us = monotonic_us();

	(void)version;
	(void)upload;
	(void)context;
	if (*upload_size != 0)
		return MHD_NO;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET and HEAD\n");
	(void)pthread_mutex_lock(&s->lock);
	state = s->state;
	(void)pthread_mutex_unlock(&s->lock);
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(connection, s, &state);
	if (strcmp(url, "/healthz") == 0)
		return answer_state(
		    connection, metrics_unhealthy(&state, now_us));
	if (strcmp(url, "/readyz") == 0)
		return answer_state(
		    connection, metrics_unready(&state, now_us));
	return answer(connection, MHD_HTTP_NOT_FOUND,
	    "there are /metrics, /healthz and /readyz\n");
}
/* NOLINTEND(readability-function-size) */

enum rf_status
metrics_server_start(struct metrics_server *s, struct rf_error *err)
{
	s->http = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
	    on_request, s, MHD_OPTION_LISTEN_SOCKET, s->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
	if (s->http == NULL)
		return rf_fail(
		    err, RF_IO, "metrics: no server: %s", strerror(errno));
	return RF_OK;
}

void
metrics_server_add(struct metrics_server *s, const struct metrics_more *more)
{
	assert(s->n_more < METRICS_MORE_MAX);
	s->more[s->n_more++] = *more;
}

void
metrics_server_publish(struct metrics_server *s,
    const struct daemon_stats *stats, const char *idle, bool complete)
{
	(void)pthread_mutex_lock(&s->lock);
	metrics_state_update(&s->state, stats, monotonic_us());
	s->state.idle[0] = '\0';
	if (idle != NULL)
		(void)snprintf(s->state.idle, sizeof(s->state.idle),
		    strcmp(idle, "any") == 0
			? "%.32s: no interface is up"
			: "%.32s is not captured: it is gone, or down",
		    idle);
	s->state.complete = complete;
	(void)pthread_mutex_unlock(&s->lock);
}

void
metrics_server_free(struct metrics_server *s)
{
	if (s == NULL)
		return;
	if (s->http != NULL)
		MHD_stop_daemon(s->http);
	else if (s->fd >= 0)
		(void)close(s->fd);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/replay_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/strbuf.h"

#define CONNECTIONS_MAX 64
#define ANSWERS_MAX     64
#define HEAD_MAX        65536
#define BODY_MAX        ((size_t)256 * 1024 * 1024)

struct connection {
	int fd;
	struct strbuf head;
	bool is_stalled;
};

struct replay_server {
	const struct replay_answer *answers;
	size_t n;
	unsigned given[ANSWERS_MAX];
	int listener, wake[2];
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock; /* given and log */
	struct strbuf log;
	struct connection connections[CONNECTIONS_MAX];
	size_t n_connections;
};

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

static void
send_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent <= 0) /* the client went away */
			return;
		data += sent;
		n -= (size_t)sent;
	}
}

static char *
read_body(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct strbuf text;
	char buf[65536];
	size_t n;

	require(f != NULL, path);
	strbuf_init(&text, BODY_MAX);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&text, buf, n);
	require(!ferror(f) && !strbuf_failed(&text), path);
	(void)fclose(f);
	*len = text.len;
	return text.s;
}

static const char *
reason(int status)
{
	return status == 200 ? "OK" : "Not so";
}

/* In chunks that end where no value does. */
static void
send_chunks(int fd, const char *body, size_t len, bool is_open)
{
	size_t size = 1;
	char line[32];

	for (size_t at = 0; at < len; at += size) {
		int n;

		size = size * 3 + 1 > 16001 ? 7 : size * 3 + 1;
		if (size > len - at)
			size = len - at;
		n = snprintf(line, sizeof(line), "%zx\r\n", size);
		send_all(fd, line, (size_t)n);
		send_all(fd, body + at, size);
		send_all(fd, "\r\n", 2);
	}
	if (!is_open)
		send_all(fd, "0\r\n\r\n", 5);
}

static void
send_answer(int fd, const struct replay_answer *a)
{
	int status = a->status == 0 ? 200 : a->status;
	size_t len = a->text == NULL ? 0 : strlen(a->text), sent;
	char *file = a->file == NULL ? NULL : read_body(a->file, &len);
	const char *body = file != NULL ? file : a->text;
	char head[1024];
	int n;

	sent = a->cut > 0 && a->cut < len ? a->cut : len;
	n = snprintf(head, sizeof(head),
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n%s\r\n",
	    status, reason(status), a->headers == NULL ? "" : a->headers);
	send_all(fd, head, (size_t)n);
	if (a->is_raw)
		send_all(fd, body, sent);
	else
		send_chunks(fd, body, sent, a->is_open || sent < len);
	free(file);
}

static bool
fits(const struct replay_answer *a, const char *head)
{
	for (size_t i = 0; i < 4 && a->when[i] != NULL; i++)
		if (strstr(head, a->when[i]) == NULL)
			return false;
	return true;
}

/* The answer to a request; NULL: none. Counted and logged. */
static const struct replay_answer *
choose(struct replay_server *s, const char *head)
{
	const struct replay_answer *found = NULL;

	(void)pthread_mutex_lock(&s->lock);
	strbuf_puts(&s->log, head);
	for (size_t i = 0; found == NULL && i < s->n; i++) {
		const struct replay_answer *a = &s->answers[i];

		if (!fits(a, head) || (a->times > 0 && s->given[i] >= a->times))
			continue;
		s->given[i]++;
		found = a;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

static void
drop(struct replay_server *s, size_t i, bool reset)
{
	struct connection *c = &s->connections[i];
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (reset)
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(c->fd);
	strbuf_release(&c->head);
	s->connections[i] = s->connections[--s->n_connections];
}

/* A whole request: answer it. false: the connection is gone. */
static bool
answer(struct replay_server *s, size_t i)
{
	static const struct replay_answer none = { .status = 501,
		.text = "no such answer" };
	struct connection *c = &s->connections[i];
	const struct replay_answer *a = choose(s, strbuf_str(&c->head));

	if (a == NULL)
		a = &none;
	strbuf_clear(&c->head);
	if (!a->is_mute)
		send_answer(c->fd, a);
	if (a->end == REPLAY_CLOSE || a->end == REPLAY_RESET) {
		drop(s, i, a->end == REPLAY_RESET);
		return false;
	}
	c->is_stalled = a->end == REPLAY_STALL;
	return true;
}

static void
receive(struct replay_server *s, size_t i)
{
	struct connection *c = &s->connections[i];
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n <= 0) {
		drop(s, i, false);
		return;
	}
	strbuf_add(&c->head, buf, (size_t)n);
	if (strstr(strbuf_str(&c->head), "\r\n\r\n") != NULL)
		(void)answer(s, i);
}

static void
accept_one(struct replay_server *s)
{
	struct connection *c = &s->connections[s->n_connections];
	int fd = accept(s->listener, NULL, NULL), on = 1;

	require(fd >= 0, "accept");
	require(s->n_connections < CONNECTIONS_MAX, "too many connections");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*c = (struct connection){ .fd = fd };
	strbuf_init(&c->head, HEAD_MAX);
	s->n_connections++;
}

static void *
serve(void *arg)
{
	struct replay_server *s = arg;
	struct pollfd fds[CONNECTIONS_MAX + 2];

	for (;;) {
		size_t n = s->n_connections;

		fds[0] = (struct pollfd){ s->wake[0], POLLIN, 0 };
		fds[1] = (struct pollfd){ s->listener, POLLIN, 0 };
		for (size_t i = 0; i < n; i++)
			fds[i + 2] =
			    (struct pollfd){ s->connections[i].fd, POLLIN, 0 };
		require(poll(fds, n + 2, -1) > 0, "poll");
		if (fds[0].revents != 0)
			return NULL;
		for (size_t i = n; i > 0; i--) /* drop moves the last one */
			if (fds[i + 1].revents != 0)
				receive(s, i - 1);
		if (fds[1].revents != 0)
			accept_one(s);
	}
}

static void
listen_somewhere(struct replay_server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(s->listener >= 0, "socket");
	require(
	    bind(s->listener, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
	require(listen(s->listener, CONNECTIONS_MAX) == 0, "listen");
	require(getsockname(s->listener, (struct sockaddr *)&a, &len) == 0,
	    "getsockname");
	(void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u",
	    (unsigned)ntohs(a.sin_port));
}

struct replay_server *
replay_server_new(const struct replay_answer *answers, size_t n)
{
	struct replay_server *s = calloc(1, sizeof(*s));

	require(s != NULL && n <= ANSWERS_MAX, "replay_server_new");
	s->answers = answers;
	s->n = n;
	strbuf_init(&s->log, BODY_MAX);
	require(pipe(s->wake) == 0, "pipe");
	require(pthread_mutex_init(&s->lock, NULL) == 0, "mutex");
	listen_somewhere(s);
	require(pthread_create(&s->thread, NULL, serve, s) == 0, "thread");
	return s;
}

void
replay_server_free(struct replay_server *s)
{
	if (s == NULL)
		return;
	require(write(s->wake[1], "", 1) == 1, "write");
	require(pthread_join(s->thread, NULL) == 0, "join");
	while (s->n_connections > 0)
		drop(s, 0, false);
	(void)close(s->listener);
	(void)close(s->wake[0]);
	(void)close(s->wake[1]);
	(void)pthread_mutex_destroy(&s->lock);
	strbuf_release(&s->log);
	free(s);
}

const char *
replay_server_url(const struct replay_server *s)
{
	return s->url;
}

unsigned
replay_server_given(struct replay_server *s, size_t i)
{
	unsigned n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->given[i];
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

char *
replay_server_log(struct replay_server *s)
{
	char *text;

	(void)pthread_mutex_lock(&s->lock);
	text = strdup(strbuf_str(&s->log));
	(void)pthread_mutex_unlock(&s->lock);
	require(text != NULL, "strdup");
	return text;
}

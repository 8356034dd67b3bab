/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics' text, the states, and the server over a real socket. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/live.h"
#include "collector/metrics.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND   ((int64_t)1000000)

/* Every metric: HELP, TYPE and one sample of a fitting name, none twice. */
static void
test_text(void **state)
{
	struct daemon_stats stats = { .packets = 12345, .flush_us = 1500007 };
	char help[128], type[128], kind[16], name[128], value[64];
	struct strbuf text, seen;
	const char *p;
	int n, count = 0;

	(void)state;
	strbuf_init(&text, 65536);
	strbuf_init(&seen, 65536);
	metrics_render(&text, &stats);
	assert_false(strbuf_failed(&text));
	for (p = strbuf_str(&text); *p != '\0'; p += n, count++) {
		assert_int_equal(
		    sscanf(p,
			"# HELP %127s %*[^\n]\n# TYPE %127s %15s\n%127s "
			"%63s\n%n",
			help, type, kind, name, value, &n),
		    5);
		assert_string_equal(help, type);
		assert_string_equal(help, name);
		assert_int_equal(strcmp(name + strlen(name) - 6, "_total") == 0,
		    strcmp(kind, "counter") == 0);
		strbuf_puts(&seen, " ");
		assert_null(strstr(strbuf_str(&seen), name));
		strbuf_puts(&seen, name);
	}
	assert_true(count >= 20);
	assert_non_null(
	    strstr(strbuf_str(&text), "\nringfence_packets_total 12345\n"));
	assert_non_null(strstr(strbuf_str(&text),
	    "\nringfence_flush_duration_seconds 1.500007\n"));
	strbuf_release(&seen);
	strbuf_release(&text);
}

/* A day of a daemon that goes well, fails, stands still. */
static void
test_states(void **state)
{
	struct daemon_stats stats = { .interval_us = 5 * SECOND };
	struct metrics_state s = { .published_us = 100 * SECOND,
		.tried_us = 100 * SECOND,
		.stored_us = 100 * SECOND,
		.idle = "no capture is open" };

	(void)state;
	assert_null(metrics_unhealthy(&s, 101 * SECOND));
	assert_non_null(metrics_unhealthy(&s, 131 * SECOND));
	assert_string_equal(
	    metrics_unready(&s, 101 * SECOND), "no capture is open");
	s.idle[0] = '\0';
	assert_non_null(
	    strstr(metrics_unready(&s, 101 * SECOND), "the cluster's objects"));
	s.complete = true;
	assert_non_null(
	    strstr(metrics_unready(&s, 101 * SECOND), "nothing was stored"));
	stats.flushes = 1;
	metrics_state_update(&s, &stats, 105 * SECOND);
	assert_null(metrics_unready(&s, 106 * SECOND));
	assert_non_null(metrics_unready(&s, 136 * SECOND));

	/* The database fails: no longer ready, but alive. */
	for (int64_t t = 110; t <= 160; t += 5) {
		stats.flush_failures++;
		metrics_state_update(&s, &stats, t * SECOND);
	}
	assert_null(metrics_unhealthy(&s, 160 * SECOND));
	assert_non_null(
	    strstr(metrics_unready(&s, 160 * SECOND), "has not been written"));

	/* The loop goes on, but the writer does nothing any more. */
	for (int64_t t = 161; t <= 201; t++)
		metrics_state_update(&s, &stats, t * SECOND);
	assert_non_null(
	    strstr(metrics_unhealthy(&s, 201 * SECOND), "the writer"));
	stats.flushes++;
	metrics_state_update(&s, &stats, 202 * SECOND);
	assert_null(metrics_unready(&s, 202 * SECOND));
}

static void
test_open(void **state)
{
	static const char text[] =
	    "# HELP a_total All.\n# TYPE a_total counter\na_total{x=\"_total "
	    "y\"} 1\n# HELP b B.\n# TYPE b gauge\nb 2\n";
	static const struct {
		const char *accept;
		bool wants;
	} cases[] = {
		{ NULL, false },
		{ "text/plain", false },
		{ "*/*", false },
		{ "application/openmetrics-text", true },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;"
		  "version=0.0.4;q=0.3",
		    true },
		{ "text/plain;q=0.5, application/openmetrics-text; q=0.1",
		    true },
		{ "application/openmetrics-text;q=0,text/plain", false },
		{ "application/openmetrics-text;q=0,"
		  "application/openmetrics-text;version=1.0.0",
		    true },
	};
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1000);
	metrics_to_open(&out, text);
	assert_string_equal(strbuf_str(&out),
	    "# HELP a All.\n# TYPE a counter\na_total{x=\"_total y\"} 1\n"
	    "# HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n");
	strbuf_release(&out);
	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(
		    metrics_wants_open(cases[i].accept), cases[i].wants);
}

static void
test_addresses(void **state)
{
	static const char *const bad[] = { "", "9797", "localhost:9797",
		"127.0.0.1", "127.0.0.1:", "::1:9797", "[::1:9797",
		"127.0.0.1:port", "127.0.0.1:99999999" };
	static const char *const good[] = { "127.0.0.1:9797", "[::]:9797",
		":9797" };
	struct metrics_server *s;
	struct rf_error err;

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		assert_int_equal(metrics_check_address(bad[i], &err), RF_INVAL);
		assert_int_equal(
		    metrics_server_listen(&s, bad[i], &err), RF_INVAL);
		assert_null(s);
	}
	for (size_t i = 0; i < NELEM(good); i++)
		assert_int_equal(metrics_check_address(good[i], &err), RF_OK);
}

/* What the server says to a request, up to size bytes. */
static void
ask(uint16_t port, const char *request, char *reply, size_t size)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t got;

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(write(fd, request, strlen(request)) > 0);
	while (n + 1 < size && (got = read(fd, reply + n, size - 1 - n)) > 0)
		n += (size_t)got;
	reply[n] = '\0';
	(void)close(fd);
}

/* A port that was free a moment ago. */
static uint16_t
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)close(fd);
	return ntohs(a.sin_port);
}

static void
test_server(void **state)
{
	static const struct {
		const char *request, *status, *word;
	} cases[] = {
		{ "GET /metrics HTTP/1.0\r\n\r\n", "200",
		    "ringfence_packets_total 7\n" },
		{ "GET /healthz HTTP/1.0\r\n\r\n", "200", "ok\n" },
		{ "GET /readyz HTTP/1.0\r\n\r\n", "503",
		    "eth0 is not captured" },
		{ "GET /else HTTP/1.0\r\n\r\n", "404", "/metrics" },
		{ "DELETE /metrics HTTP/1.0\r\n\r\n", "405", "GET" },
		{ "POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
		    "405", "Allow: GET, HEAD" },
		{ "GET /metrics HTTP/1.0\r\n\r\n", "200",
		    "\r\nContent-Type: text/plain; version=0.0.4" },
		{ "GET /metrics HTTP/1.0\r\n"
		  "Accept: application/openmetrics-text\r\n\r\n",
		    "200",
		    "\r\nContent-Type: application/openmetrics-text; "
		    "version=1.0.0" },
		{ "GET /metrics HTTP/1.0\r\n"
		  "Accept: application/openmetrics-text\r\n\r\n",
		    "200", "\n# EOF\n" },
		{ "GET /metrics HTTP/1.0\r\n\r\n", "200",
		    "\nprocess_cpu_seconds_total " },
	};
	struct daemon_stats stats = { .packets = 7 };
	struct metrics_server *s;
	uint16_t port = free_port();
	char address[32], reply[16384];
	struct rf_error err;

	(void)state;
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(metrics_server_listen(&s, address, &err), RF_OK);
	assert_int_equal(metrics_server_start(s, &err), RF_OK);
	metrics_server_publish(s, &stats, "eth0", true);
	for (size_t i = 0; i < NELEM(cases); i++) {
		ask(port, cases[i].request, reply, sizeof(reply));
		assert_memory_equal(reply + 9, cases[i].status, 3);
		assert_non_null(strstr(reply, cases[i].word));
	}
	metrics_server_free(s);
}

/* A client at 127.0.0.2 that never finishes its request. */
static int
connect_slowly(uint16_t port)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK + 1) } };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)!send(fd, "GET /met", 8, MSG_NOSIGNAL);
	return fd;
}

/* A request that is too long, and a client that never finishes any of its
 * many, do not keep others from an answer. */
static void
test_bad_clients(void **state)
{
	enum { SLOW = 60, LONG = 100000 };
	struct daemon_stats stats = { .packets = 7 };
	struct metrics_server *s;
	uint16_t port = free_port();
	char address[32], reply[16384];
	char *request = malloc(LONG + 1);
	int slow[SLOW];
	struct rf_error err;

	(void)state;
	assert_non_null(request);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(metrics_server_listen(&s, address, &err), RF_OK);
	assert_int_equal(metrics_server_start(s, &err), RF_OK);
	metrics_server_publish(s, &stats, NULL, true);
	for (size_t i = 0; i < SLOW; i++)
		slow[i] = connect_slowly(port);
	memset(request, 'a', LONG);
	memcpy(request, "GET /", 5);
	request[LONG] = '\0';
	ask(port, request, reply, sizeof(reply)); /* refused or cut off */
	assert_true(reply[0] == '\0' || reply[9] == '4');
	memcpy(request, "GET /metrics HTTP/1.0\r\nX: ", 27);
	ask(port, request, reply, sizeof(reply));
	assert_true(reply[0] == '\0' || reply[9] == '4');
	ask(port, "GET /metrics HTTP/1.0\r\n\r\n", reply, sizeof(reply));
	assert_non_null(strstr(reply, "ringfence_packets_total 7\n"));
	for (size_t i = 0; i < SLOW; i++)
		(void)close(slow[i]);
	metrics_server_free(s);
	free(request);
}

/* The census: at the start, then each period, ended by time or by packets. */
static void
test_census(void **state)
{
	static const struct {
		int64_t at_s;
		uint64_t packets;
		bool runs;
	} steps[] = { { 0, 0, true }, { 14, 100, true }, { 15, 100, false },
		{ 74, 100, false }, { 75, 100, true }, { 79, 200, true },
		{ 80, 200, false }, { 139, 200, false }, { 140, 200, true },
		{ 141, 50199, true }, { 142, 50200, false },
		{ 201, 50300, false }, { 202, 50300, true },
		{ 210, 50300, false },
		/* the clock is put back by an hour: no hour without one */
		{ -3400, 50300, true } };
	struct live_census c;

	(void)state;
	live_census_init(&c, 60 * SECOND, 0);
	for (size_t i = 0; i < NELEM(steps); i++)
		assert_int_equal(live_census_step(&c, steps[i].at_s * SECOND,
				     steps[i].packets),
		    steps[i].runs);
	live_census_init(&c, 0, 0);
	assert_false(live_census_step(&c, 0, 0));
	assert_false(live_census_step(&c, 1000 * SECOND, 0));
}

/* Time goes on as far as all has been read, and never back. */
static void
test_read_until(void **state)
{
	enum { WALL = 1000, BOOT = 50 }; /* seconds, looked at */
	static const struct {
		int64_t asked, left, last; /* ago */
		int64_t behind;
	} cases[] = {
		{ 0, INT64_MIN, 10, 0 },
		{ 3, INT64_MIN, 10, 3 }, /* it waited for a processor */
		{ 3, 2, 10, 3 },         /* what is left came after that */
		{ 3, 5, 10, 5 },         /* or before */
		{ 0, 5, 4, 4 },          /* no further back than it was */
		{ 3, INT64_MIN, 0, 0 },
		{ 0, 3600, 2, 2 },  /* the clock was put forward */
		{ 0, -3600, 2, 0 }, /* and back */
	};
	const struct live_moment looked = { WALL * SECOND, BOOT * SECOND };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t left_us = cases[i].left == INT64_MIN
		    ? INT64_MAX
		    : (WALL - cases[i].left) * SECOND;
		struct live_moment m =
		    live_read_until(&looked, (BOOT - cases[i].asked) * SECOND,
			left_us, (BOOT - cases[i].last) * SECOND);

		assert_int_equal(m.now_us, (WALL - cases[i].behind) * SECOND);
		assert_int_equal(m.boot_us, (BOOT - cases[i].behind) * SECOND);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_bad_clients),
		cmocka_unit_test(test_census),
		cmocka_unit_test(test_read_until),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}

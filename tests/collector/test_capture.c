/* SPDX-License-Identifier: Apache-2.0 */
/* Files of every kind that libpcap reads, built in a folder of their own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/capture.h"
#include "collector/decode.h"

#define PACKETS     3
#define PACKET_SIZE 60
#define SECONDS     1767225600

/* Bytes of a file under construction. */
struct content {
	uint8_t b[4096];
	size_t len;
	bool swapped; /* not in this machine's byte order */
};

struct fixture {
	char folder[64];
	char path[96];
};

static void
put(struct content *c, const void *b, size_t n)
{
	memcpy(c->b + c->len, b, n);
	c->len += n;
}

static void
put16(struct content *c, uint16_t v)
{
	if (c->swapped)
		v = __builtin_bswap16(v);
	put(c, &v, 2);
}

static void
put32(struct content *c, uint32_t v)
{
	if (c->swapped)
		v = __builtin_bswap32(v);
	put(c, &v, 4);
}

static void
put_packet(struct content *c, unsigned n)
{
	for (unsigned i = 0; i < PACKET_SIZE; i++)
		c->b[c->len++] = (uint8_t)(n + i);
}

/* fraction: that of a second in the file's own unit */
static void
put_pcap(struct content *c, uint32_t magic, uint32_t link, uint32_t fraction)
{
	c->len = 0;
	put32(c, magic);
	put16(c, 2);
	put16(c, 4);
	put32(c, 0);
	put32(c, 0);
	put32(c, 160);
	put32(c, link);
	for (unsigned n = 0; n < PACKETS; n++) {
		put32(c, SECONDS + n);
		put32(c, fraction);
		put32(c, PACKET_SIZE);
		put32(c, 1500);
		put_packet(c, n);
	}
}

static void
put_interface(struct content *c, uint16_t link)
{
	put32(c, 1);
	put32(c, 20);
	put16(c, link);
	put16(c, 0);
	put32(c, 160);
	put32(c, 20);
}

static void
put_pcapng(struct content *c, uint16_t link, uint16_t second_link)
{
	c->len = 0;
	put32(c, 0x0a0d0d0a);
	put32(c, 28);
	put32(c, 0x1a2b3c4d);
	put16(c, 1);
	put16(c, 0);
	put32(c, UINT32_MAX);
	put32(c, UINT32_MAX);
	put32(c, 28);
	put_interface(c, link);
	for (unsigned n = 0; n < PACKETS; n++) {
		uint64_t us = (uint64_t)(SECONDS + n) * 1000000 + 123456;

		if (n == 1)
			put_interface(c, second_link);
		put32(c, 6);
		put32(c, 32 + PACKET_SIZE);
		put32(c, n == 0 ? 0 : 1);
		put32(c, (uint32_t)(us >> 32));
		put32(c, (uint32_t)us);
		put32(c, PACKET_SIZE);
		put32(c, 1500);
		put_packet(c, n);
		put32(c, 32 + PACKET_SIZE);
	}
}

static void
write_file(const char *path, const void *b, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(b, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
make_path(struct fixture *x, const char *name)
{
	(void)snprintf(x->path, sizeof(x->path), "%s/%s", x->folder, name);
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return -1;
	(void)snprintf(x->folder, sizeof(x->folder), "%s%s", P_tmpdir,
	    "/ringfence-......");
	memset(x->folder + strlen(x->folder) - 6, 'X', 6); /* mkdtemp(3) */
	if (mkdtemp(x->folder) == NULL) {
		free(x);
		return -1;
	}
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	make_path(x, "capture");
	(void)unlink(x->path);
	(void)rmdir(x->folder);
	free(x);
	return 0;
}

static struct capture *
open_good(const char *path)
{
	struct rf_error err = { 0 };
	struct capture *c = NULL;

	if (capture_open_file(&c, path, &err) != RF_OK)
		fail_msg("%s", err.msg);
	assert_non_null(c);
	return c;
}

static void
check_frames(struct capture *c, int64_t fraction_us)
{
	const struct capture_frame *f = NULL;

	for (unsigned n = 0; n < PACKETS; n++) {
		assert_int_equal(capture_next(c, &f, NULL), CAPTURE_FRAME);
		assert_int_equal(
		    f->ts_us, (int64_t)(SECONDS + n) * 1000000 + fraction_us);
		assert_int_equal(f->captured, PACKET_SIZE);
		assert_int_equal(f->wire_len, 1500);
		for (unsigned i = 0; i < PACKET_SIZE; i++)
			assert_int_equal(f->data[i], (uint8_t)(n + i));
		assert_int_equal(capture_count(c), n + 1);
	}
	assert_int_equal(capture_next(c, &f, NULL), CAPTURE_END);
	assert_int_equal(capture_next(c, &f, NULL), CAPTURE_END);
	assert_int_equal(capture_count(c), PACKETS);
}

static void
test_formats(void **state)
{
	static const struct {
		uint32_t magic; /* 0: pcapng */
		bool swapped;
		uint32_t fraction;
	} cases[] = {
		{ 0xa1b2c3d4, false, 123456 },
		{ 0xa1b2c3d4, true, 123456 },
		{ 0xa1b23c4d, false, 123456789 },
		{ 0xa1b23c4d, true, 123456789 },
		{ 0, false, 0 },
		{ 0, true, 0 },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct content content = { .swapped = cases[i].swapped };
		struct capture *c;

		if (cases[i].magic == 0)
			put_pcapng(&content, 276, 276);
		else
			put_pcap(
			    &content, cases[i].magic, 276, cases[i].fraction);
		make_path(x, "capture");
		write_file(x->path, content.b, content.len);
		c = open_good(x->path);
		assert_string_equal(capture_name(c), x->path);
		assert_int_equal(capture_link(c), DECODE_LINK_SLL2);
		assert_string_equal(capture_link_name(c), "LINUX_SLL2");
		check_frames(c, 123456);
		capture_close(c);
	}
}

/* The first and the last link type that a file may have here. */
static void
test_links(void **state)
{
	/* clang-format off */
	static const struct {
		uint32_t link;
		int want; /* -1: refused */
	} cases[] = {
		{ 0, DECODE_LINK_NULL }, { 1, DECODE_LINK_EN10MB },
		{ 101, DECODE_LINK_RAW }, { 108, DECODE_LINK_LOOP },
		{ 113, DECODE_LINK_SLL }, { 228, DECODE_LINK_IPV4 },
		{ 229, DECODE_LINK_IPV6 }, { 276, DECODE_LINK_SLL2 },
		{ 239, -1 }, { 105, -1 }, { 147, -1 },
	};
	/* clang-format on */
	struct fixture *x = *state;

	make_path(x, "capture");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct content content = { 0 };
		struct rf_error err = { 0 };
		struct capture *c;

		put_pcap(&content, 0xa1b2c3d4, cases[i].link, 0);
		write_file(x->path, content.b, content.len);
		if (cases[i].want >= 0) {
			c = open_good(x->path);
			assert_int_equal(capture_link(c), cases[i].want);
			capture_close(c);
			continue;
		}
		assert_int_equal(
		    capture_open_file(&c, x->path, &err), RF_INVAL);
		assert_null(c);
		assert_non_null(strstr(err.msg, x->path));
		assert_non_null(strstr(err.msg, "link type"));
		if (cases[i].link == 239)
			assert_non_null(strstr(err.msg, "NFLOG (239)"));
	}
}

/* Put a descriptor in the place of standard input; the old one. */
static int
replace_stdin(int fd)
{
	int saved = dup(STDIN_FILENO);

	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	(void)close(fd);
	return saved;
}

static void
restore_stdin(int saved)
{
	(void)dup2(saved, STDIN_FILENO);
	(void)close(saved);
}

static int
open_pipe_with(const struct content *content)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(
	    write(fds[1], content->b, content->len), (ssize_t)content->len);
	(void)close(fds[1]);
	return fds[0];
}

static void
test_standard_input(void **state)
{
	struct content content = { 0 };
	struct capture *c;

	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		int saved;

		if (ng)
			put_pcapng(&content, 1, 1);
		else
			put_pcap(&content, 0xa1b2c3d4, 1, 123456);
		saved = replace_stdin(open_pipe_with(&content));
		c = open_good("-");
		assert_string_equal(capture_name(c), "standard input");
		check_frames(c, 123456);
		capture_close(c);
		/* standard input itself is not ours to close */
		assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
		restore_stdin(saved);
	}
}

static void
check_failure(struct capture *c, unsigned packets, const char *want)
{
	const struct capture_frame *f = NULL;
	struct rf_error err = { 0 };

	for (unsigned n = 0; n < packets; n++)
		assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
	f = NULL;
	assert_int_equal(capture_next(c, &f, &err), CAPTURE_FAILED);
	assert_null(f);
	assert_int_equal(err.code, RF_CORRUPT);
	if (strstr(err.msg, want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", want, err.msg);
	assert_int_equal(capture_count(c), packets);
}

/* Cut at every byte of the last record: the packets before it count. */
static void
test_truncated(void **state)
{
	struct fixture *x = *state;
	struct content content = { 0 };
	size_t record = 16 + PACKET_SIZE;
	struct capture *c;

	make_path(x, "capture");
	put_pcap(&content, 0xa1b2c3d4, 1, 0);
	for (size_t cut = 1; cut < record; cut++) {
		char want[256];

		write_file(x->path, content.b, content.len - cut);
		c = open_good(x->path);
		(void)snprintf(want, sizeof(want),
		    "%s: truncated after packet 2 at byte %zu", x->path,
		    content.len - cut);
		check_failure(c, 2, want);
		capture_close(c);
	}
	write_file(x->path, content.b, content.len - record);
	c = open_good(x->path);
	{
		const struct capture_frame *f;

		assert_int_equal(capture_next(c, &f, NULL), CAPTURE_FRAME);
		assert_int_equal(capture_next(c, &f, NULL), CAPTURE_FRAME);
		assert_int_equal(capture_next(c, &f, NULL), CAPTURE_END);
	}
	capture_close(c);
}

static void
test_truncated_on_standard_input(void **state)
{
	struct content content = { 0 };
	struct capture *c;
	int saved;

	(void)state;
	put_pcap(&content, 0xa1b2c3d4, 1, 0);
	content.len -= 5;
	saved = replace_stdin(open_pipe_with(&content));
	c = open_good("-");
	check_failure(c, 2, "standard input: truncated after packet 2");
	capture_close(c);
	restore_stdin(saved);
}

static void
test_corrupt_record(void **state)
{
	struct fixture *x = *state;
	struct content content = { 0 };
	struct capture *c;

	make_path(x, "capture");
	put_pcap(&content, 0xa1b2c3d4, 1, 0);
	memset(content.b + 24 + 16 + PACKET_SIZE + 8, 0xff, 4);
	write_file(x->path, content.b, content.len);
	c = open_good(x->path);
	check_failure(c, 1, "after packet 1 at byte 100: ");
	capture_close(c);
}

/* libpcap cannot mix link types in one handle, and says so. */
static void
test_mixed_links(void **state)
{
	struct fixture *x = *state;
	struct content content = { 0 };
	struct capture *c;

	make_path(x, "capture");
	put_pcapng(&content, 1, 276);
	write_file(x->path, content.b, content.len);
	c = open_good(x->path);
	check_failure(c, 1, "an interface has a type 276 different from");
	capture_close(c);
}

static void
check_refused(const char *path, enum rf_status want, const char *text)
{
	struct rf_error err = { 0 };
	struct capture *c;

	assert_int_equal(capture_open_file(&c, path, &err), want);
	assert_null(c);
	if (strstr(err.msg, path) == NULL || strstr(err.msg, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, err.msg);
}

static void
test_no_capture(void **state)
{
	/* clang-format off */
	static const struct {
		const char *b;
		size_t n;
		const char *want;
	} cases[] = {
		{ "", 0, "empty" },
		{ "\x1f\x8b\x08\0\0\0\0\0\0\3", 10,
		    "gzip -dc FILE | ringfence collect -r -" },
		{ "\x1f\x9d..........................", 26, "no capture" },
		{ "{\"kind\":\"List\",\"apiVersion\":\"v1\"}", 33,
		    "no capture" },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 25,
		    "no capture" },
		{ "\xd4\xc3\xb2\xa1\2\0\4\0", 8, "truncated" },
		{ "\xd4\xc3", 2, "truncated" },
	};
	/* clang-format on */
	struct fixture *x = *state;

	make_path(x, "capture");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(x->path, cases[i].b, cases[i].n);
		check_refused(x->path, RF_CORRUPT, cases[i].want);
	}
	check_refused(x->folder, RF_IO, "is a directory");
	make_path(x, "missing");
	check_refused(x->path, RF_IO, "No such file or directory");
}

/* What a merge by time does: hold one frame of each, take the earliest. */
static void
test_two_at_once(void **state)
{
	struct fixture *x = *state;
	struct content content = { 0 };
	const struct capture_frame *frame[2];
	struct capture *c[2];

	make_path(x, "capture");
	put_pcap(&content, 0xa1b2c3d4, 1, 0);
	write_file(x->path, content.b, content.len);
	for (int i = 0; i < 2; i++) {
		c[i] = open_good(x->path);
		assert_int_equal(
		    capture_next(c[i], &frame[i], NULL), CAPTURE_FRAME);
	}
	assert_int_equal(capture_next(c[1], &frame[1], NULL), CAPTURE_FRAME);
	assert_int_equal(frame[0]->data[0], 0);
	assert_int_equal(frame[1]->data[0], 1);
	assert_true(frame[0]->ts_us < frame[1]->ts_us);
	capture_close(c[0]);
	assert_int_equal(frame[1]->data[1], 2);
	capture_close(c[1]);
	capture_close(NULL);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_formats),
		CASE(test_links),
		CASE(test_standard_input),
		CASE(test_truncated),
		CASE(test_truncated_on_standard_input),
		CASE(test_corrupt_record),
		CASE(test_mixed_links),
		CASE(test_no_capture),
		CASE(test_two_at_once),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Classic captures, whole and broken: the same frames as libpcap finds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/capture.h"
#include "collector/savefile.h"
#include "core/hash.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)
#define RECORDS_MAX    400
#define ROUNDS         40

struct file {
	uint8_t b[FILE_BYTES_MAX];
	size_t len;
	size_t at[RECORDS_MAX]; /* where each record begins */
	size_t n;
	bool swapped;
};

static uint64_t random_state;

static uint32_t
random_below(uint32_t n)
{
	random_state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash_mix(random_state, 0xa0761d6478bd642fu) >> 32) %
	    n;
}

static void
put32_at(struct file *f, size_t at, uint32_t v)
{
	if (f->swapped)
		v = __builtin_bswap32(v);
	memcpy(f->b + at, &v, sizeof(v));
}

static void
put32(struct file *f, uint32_t v)
{
	put32_at(f, f->len, v);
	f->len += 4;
}

static void
put16(struct file *f, uint16_t v)
{
	if (f->swapped)
		v = __builtin_bswap16(v);
	memcpy(f->b + f->len, &v, sizeof(v));
	f->len += 2;
}

/* Mostly short, some empty, a few longer than what is read at once. */
static uint32_t
random_length(void)
{
	switch (random_below(40)) {
	case 0:
		return 0;
	case 1:
		return random_below(SAVEFILE_RECORD_MAX + 1);
	default:
		return 40 + random_below(1500);
	}
}

static void
make_file(struct file *f, uint32_t magic, bool swapped)
{
	f->swapped = swapped;
	f->len = 0;
	f->n = 0;
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, SAVEFILE_RECORD_MAX);
	put32(f, DLT_EN10MB);
	while (f->n < RECORDS_MAX) {
		uint32_t n = random_length();

		if (f->len + 16 + n > FILE_BYTES_MAX)
			break;
		f->at[f->n++] = f->len;
		put32(f, 1767225600 + random_below(1000000));
		put32(f, random_below(1000000));
		put32(f, n);
		put32(f, n + random_below(100));
		for (uint32_t i = 0; i < n; i++)
			f->b[f->len++] = (uint8_t)(f->n * 7 + i);
	}
}

/* What cannot be true of a record: a fraction of more than a second, seconds
 * that libpcap takes for negative ones. */
static void
break_times(struct file *f)
{
	static const uint32_t fractions[] = { 999999, 1000000, 999999999,
		1000000000, 3600000000, UINT32_MAX };
	static const uint32_t seconds[] = { 0, INT32_MAX };

	for (size_t i = 0; i < f->n; i++) {
		if (random_below(3) == 0)
			put32_at(f, f->at[i], seconds[random_below(2)]);
		if (random_below(3) == 0)
			put32_at(f, f->at[i] + 4, fractions[random_below(6)]);
	}
}

/* Cut it somewhere, or let a record claim another length. */
static void
break_file(struct file *f)
{
	static const uint32_t lengths[] = { 0, 1, SAVEFILE_RECORD_MAX,
		SAVEFILE_RECORD_MAX + 1, INT32_MAX, UINT32_MAX };
	size_t i = random_below((uint32_t)f->n);

	switch (random_below(3)) {
	case 0:
		f->len = 24 + random_below((uint32_t)(f->len - 24));
		break;
	case 1: /* in or right behind a record's header */
		f->len = f->at[i] + random_below(18);
		break;
	default:
		put32_at(f, f->at[i] + 8,
		    lengths[random_below(
			sizeof(lengths) / sizeof(lengths[0]))]);
	}
}

static int
file_in_memory(const struct file *f)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f->b, f->len), f->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* libpcap drops what is behind the snaplen, we do not. */
static void
check_frame(const struct capture_frame *frame, const struct pcap_pkthdr *h,
    const uint8_t *data, uint32_t snaplen)
{
	bool is_time = h->ts.tv_usec >= 0 && h->ts.tv_usec < 1000000;

	if (frame->captured > snaplen)
		assert_int_equal(h->caplen, snaplen);
	else
		assert_int_equal(frame->captured, h->caplen);
	assert_int_equal(frame->wire_len, h->len);
	assert_int_equal(frame->ts_us,
	    (int64_t)h->ts.tv_sec * 1000000 + (is_time ? h->ts.tv_usec : 0));
	assert_memory_equal(frame->data, data, h->caplen);
}

/* Both readers, frame by frame, and how each of them ends. */
static void
compare(const struct file *f, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *stream = fdopen(file_in_memory(f), "rb");
	pcap_t *p = pcap_fopen_offline(stream, why);
	const struct capture_frame *frame;
	enum capture_result result;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	struct rf_error err;
	struct capture *c;
	int rc;

	assert_non_null(p);
	assert_int_equal(capture_open_file(&c, path, &err), RF_OK);
	do {
		rc = pcap_next_ex(p, &h, &data);
		result = capture_next(c, &frame, &err);
		assert_int_equal(result,
		    rc == 1                      ? CAPTURE_FRAME
			: rc == PCAP_ERROR_BREAK ? CAPTURE_END
						 : CAPTURE_FAILED);
		if (rc == 1)
			check_frame(frame, h, data, (uint32_t)pcap_snapshot(p));
	} while (rc == 1);
	capture_close(c);
	pcap_close(p);
}

static void
compare_as_file(const struct file *f)
{
	int fd = file_in_memory(f);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	compare(f, path);
	assert_int_equal(close(fd), 0);
}

/* In pieces of any size, as a pipe may deliver them. */
static void
compare_as_pipe(const struct file *f)
{
	char path[64];
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		for (size_t at = 0, n; at < f->len; at += n) {
			n = 1 + random_below(70000);
			if (n > f->len - at)
				n = f->len - at;
			if (write(ends[1], f->b + at, n) != (ssize_t)n)
				_exit(1);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(close(ends[1]), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	compare(f, path);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* Of four kinds, by turns. */
static void
make_nth(struct file *f, int i)
{
	make_file(f, i & 1 ? 0xa1b23c4d : 0xa1b2c3d4, (i & 2) != 0);
}

static void
test_whole(void **state)
{
	struct file *f = *state;

	for (int i = 0; i < 8; i++) {
		make_nth(f, i);
		compare_as_file(f);
		compare_as_pipe(f);
	}
}

static void
test_broken(void **state)
{
	struct file *f = *state;

	for (int i = 0; i < ROUNDS; i++) {
		make_nth(f, i);
		break_file(f);
		compare_as_file(f);
	}
}

static void
test_times(void **state)
{
	struct file *f = *state;

	for (int i = 0; i < 8; i++) {
		make_nth(f, i);
		break_times(f);
		compare_as_file(f);
	}
}

/* Records that are longer than the header says: each byte is there. */
static void
test_snaplen(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 96, 1000, SAVEFILE_RECORD_MAX,
		INT32_MAX, UINT32_MAX };
	struct file *f = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_nth(f, (int)i);
		put32_at(f, 16, lengths[i]);
		compare_as_file(f);
	}
}

/* Nothing behind the header is a capture without packets. */
static void
test_header_only(void **state)
{
	struct file *f = *state;

	make_nth(f, 0);
	f->len = 24;
	compare_as_file(f);
	compare_as_pipe(f);
}

static int
set_up(void **state)
{
	random_state = 11;
	*state = calloc(1, sizeof(struct file));
	return *state == NULL;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_header_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/decode.h"
#include "collector/savefile.h"

/* libpcap reads each packet with two small reads: what it saves to do them
 * out of a large buffer, and without a lock each, is half of its time. */
#define READ_BUFFER_BYTES ((size_t)256 * 1024)

#define TIME_S_MAX ((int64_t)253402300799) /* the last second of 9999 */

struct capture {
	pcap_t *pcap; /* NULL where savefile reads */
	struct savefile savefile;
	int fd; /* savefile's, or -1 */
	char *name;
	char *read_buffer; /* of libpcap's stream, outlives it */
	int link;
	struct capture_frame frame;
	uint64_t n;
};

/* A descriptor of its own in either case, so that closing it is right. */
static int
open_descriptor(const char *path)
{
	return strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
				      : open(path, O_RDONLY | O_CLOEXEC);
}

/* A capture's first bytes, as far as there are any. */
struct head {
	uint8_t b[SAVEFILE_HEADER_BYTES];
	size_t n;
};

static enum rf_status
read_head(struct head *head, int fd, const char *name, struct rf_error *err)
{
	struct stat st;
	ssize_t got;

	*head = (struct head){ .n = 0 };
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return rf_fail(err, RF_IO, "%s: is a directory", name);
	do {
		got = read(fd, head->b + head->n, sizeof(head->b) - head->n);
		if (got > 0)
			head->n += (size_t)got;
	} while (
	    got > 0 ? head->n < sizeof(head->b) : got < 0 && errno == EINTR);
	if (got < 0)
		return rf_fail(
		    err, RF_IO, "read %s: %s", name, strerror(errno));
	return RF_OK;
}

/* What libpcap could only call an unknown format. */
static enum rf_status
check_head(const struct head *head, const char *name, struct rf_error *err)
{
	if (head->n == 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s: empty, where a capture should begin", name);
	if (head->b[0] != 0x1f)
		return RF_OK;
	if (head->n > 1 && head->b[1] == 0x8b)
		return rf_fail(err, RF_CORRUPT,
		    "%s: gzip-compressed; use gzip -dc FILE | "
		    "ringfence collect -r -",
		    name);
	return rf_fail(
	    err, RF_CORRUPT, "%s: no capture: neither pcap nor pcapng", name);
}

/*
 * A stream that begins with the head again. What cannot seek gets it put back
 * (glibc takes back any number of bytes). On failure the descriptor is still
 * the caller's.
 */
static FILE *
open_stream(struct capture *c, int fd, const struct head *head)
{
	bool seeks = lseek(fd, -(off_t)head->n, SEEK_CUR) >= 0;
	FILE *file;

	c->read_buffer = malloc(READ_BUFFER_BYTES);
	file = c->read_buffer != NULL ? fdopen(fd, "rb") : NULL;
	if (file == NULL)
		return NULL;
	(void)setvbuf(file, c->read_buffer, _IOFBF, READ_BUFFER_BYTES);
	(void)__fsetlocking(file, FSETLOCKING_BYCALLER);
	for (size_t n = head->n; n > 0 && !seeks; n--)
		(void)ungetc(head->b[n - 1], file);
	return file;
}

/* Why libpcap does not read it. */
static enum rf_status
refuse(
    const struct capture *c, FILE *file, const char *why, struct rf_error *err)
{
	if (strcmp(why, "unknown file format") == 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s: no capture: neither pcap nor pcapng", c->name);
	if (feof(file) != 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s: truncated in the file's header: %s", c->name, why);
	return rf_fail(err, RF_CORRUPT, "%s: no capture that can be read: %s",
	    c->name, why);
}

/* Let libpcap read it. *fd is -1 as soon as it is no longer the caller's. */
static enum rf_status
open_pcap(
    struct capture *c, int *fd, const struct head *head, struct rf_error *err)
{
	FILE *file = open_stream(c, *fd, head);
	char why[PCAP_ERRBUF_SIZE] = "";
	enum rf_status rc;

	if (file == NULL)
		return rf_fail(
		    err, RF_NOMEM, "open %s: out of memory", c->name);
	*fd = -1;
	c->pcap = pcap_fopen_offline_with_tstamp_precision(
	    file, PCAP_TSTAMP_PRECISION_MICRO, why);
	if (c->pcap != NULL) { /* it closes the stream from then on */
		c->link = pcap_datalink(c->pcap);
		return RF_OK;
	}
	rc = refuse(c, file, why, err);
	(void)fclose(file);
	return rc;
}

/* Let savefile read it. *fd is -1 as soon as it is no longer the caller's. */
static enum rf_status
open_savefile(
    struct capture *c, int *fd, const struct head *head, struct rf_error *err)
{
	if (!savefile_init(&c->savefile, *fd, head->b))
		return rf_fail(
		    err, RF_NOMEM, "open %s: out of memory", c->name);
	c->fd = *fd;
	*fd = -1;
	c->link = c->savefile.link == DECODE_LINK_LINKTYPE_RAW
	    ? DECODE_LINK_RAW
	    : c->savefile.link;
	return RF_OK;
}

static enum rf_status
check_link(const struct capture *c, struct rf_error *err)
{
	if (decode_link_supported(c->link))
		return RF_OK;
	return rf_fail(err, RF_INVAL,
	    "%s: link type %s (%d) is not supported; capture on an Ethernet "
	    "interface or on \"any\"",
	    c->name, capture_link_name(c), c->link);
}

/* The same for whatever reads it. */
static enum rf_status
open_content(struct capture *c, int *fd, struct rf_error *err)
{
	struct head head;
	enum rf_status rc = read_head(&head, *fd, c->name, err);

	if (rc == RF_OK)
		rc = check_head(&head, c->name, err);
	if (rc != RF_OK)
		return rc;
	if (head.n == sizeof(head.b) && savefile_knows(head.b))
		rc = open_savefile(c, fd, &head, err);
	else
		rc = open_pcap(c, fd, &head, err);
	return rc == RF_OK ? check_link(c, err) : rc;
}

enum rf_status
capture_open_file(struct capture **out, const char *path, struct rf_error *err)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct capture *c = calloc(1, sizeof(*c));
	enum rf_status rc;
	int fd;

	*out = NULL;
	if (c == NULL || (c->name = strdup(name)) == NULL) {
		free(c);
		return rf_fail(err, RF_NOMEM, "open %s: out of memory", name);
	}
	c->fd = -1;
	fd = open_descriptor(path);
	if (fd < 0)
		rc = rf_fail(err, RF_IO, "open %s: %s", name, strerror(errno));
	else
		rc = open_content(c, &fd, err);
	if (fd >= 0)
		(void)close(fd);
	if (rc != RF_OK) {
		capture_close(c);
		return rc;
	}
	*out = c;
	return RF_OK;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->pcap != NULL)
		pcap_close(c->pcap);
	savefile_release(&c->savefile);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->read_buffer);
	free(c->name);
	free(c);
}

/* Say where reading ended; a pipe does not know its position. */
static enum capture_result
fail_reading(struct capture *c, struct rf_error *err)
{
	FILE *file = pcap_file(c->pcap);
	off_t at = ftello(file);
	char where[64] = "";

	if (at >= 0)
		(void)snprintf(
		    where, sizeof(where), " at byte %jd", (intmax_t)at);
	if (feof(file) != 0)
		(void)rf_fail(err, RF_CORRUPT,
		    "%s: truncated after packet %ju%s", c->name,
		    (uintmax_t)c->n, where);
	else
		(void)rf_fail(err, ferror(file) != 0 ? RF_IO : RF_CORRUPT,
		    "%s: after packet %ju%s: %s", c->name, (uintmax_t)c->n,
		    where, pcap_geterr(c->pcap));
	return CAPTURE_FAILED;
}

/* What savefile could not go on with. */
static enum capture_result
fail_savefile(
    const struct capture *c, enum savefile_result result, struct rf_error *err)
{
	const struct savefile *s = &c->savefile;
	uintmax_t n = c->n, at = s->offset;

	if (result != SAVEFILE_CORRUPT) /* where the file ends, or failed */
		at += s->end - s->at;
	if (result == SAVEFILE_CUT)
		(void)rf_fail(err, RF_CORRUPT,
		    "%s: truncated after packet %ju at byte %ju", c->name, n,
		    at);
	else if (result == SAVEFILE_CORRUPT)
		(void)rf_fail(err, RF_CORRUPT,
		    "%s: after packet %ju at byte %ju: a record of more than "
		    "%u bytes",
		    c->name, n, at, SAVEFILE_RECORD_MAX);
	else
		(void)rf_fail(err, RF_IO,
		    "%s: after packet %ju at byte %ju: "
		    "%s",
		    c->name, n, at, strerror(errno));
	return CAPTURE_FAILED;
}

static enum capture_result
next_of_savefile(
    struct capture *c, const struct capture_frame **frame, struct rf_error *err)
{
	struct savefile_record r;
	enum savefile_result result = savefile_next(&c->savefile, &r);

	if (result == SAVEFILE_END)
		return CAPTURE_END;
	if (result != SAVEFILE_RECORD)
		return fail_savefile(c, result, err);
	c->frame = (struct capture_frame){ .ts_us = r.ts_us,
		.data = r.data,
		.captured = r.captured,
		.wire_len = r.wire_len };
	c->n++;
	*frame = &c->frame;
	return CAPTURE_FRAME;
}

/* pcapng has 64 bits for a time, so a broken file can have any: it is moved
 * into the years that can be written, before it can overflow. */
static int64_t
time_us(const struct timeval *tv)
{
	int64_t s = tv->tv_sec, us = tv->tv_usec;

	if (s < 0)
		s = 0;
	if (s > TIME_S_MAX)
		s = TIME_S_MAX;
	return s * 1000000 + (us < 0 || us > 999999 ? 0 : us);
}

enum capture_result
capture_next(
    struct capture *c, const struct capture_frame **frame, struct rf_error *err)
{
	struct pcap_pkthdr *header;

	if (c->pcap == NULL)
		return next_of_savefile(c, frame, err);
	switch (pcap_next_ex(c->pcap, &header, &c->frame.data)) {
	case 1:
		break;
	case PCAP_ERROR_BREAK: /* a file's end */
		return CAPTURE_END;
	default:
		return fail_reading(c, err);
	}
	c->frame.ts_us = time_us(&header->ts);
	c->frame.captured = header->caplen;
	c->frame.wire_len = header->len;
	c->n++;
	*frame = &c->frame;
	return CAPTURE_FRAME;
}

const char *
capture_name(const struct capture *c)
{
	return c->name;
}

int
capture_link(const struct capture *c)
{
	return c->link;
}

const char *
capture_link_name(const struct capture *c)
{
	const char *name = pcap_datalink_val_to_name(c->link);

	return name != NULL ? name : "unknown";
}

uint64_t
capture_count(const struct capture *c)
{
	return c->n;
}

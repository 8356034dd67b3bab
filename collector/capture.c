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
	FILE *file; /* savefile's stream, or NULL */
	char *name;
	char *read_buffer; /* of the stream, outlives it */
	int link;
	struct capture_frame frame;
	uint64_t n;
};

/* A stream of its own in either case, so that closing it is always right. */
static FILE *
open_stream(const char *path)
{
	FILE *file = NULL;
	int fd = strcmp(path, "-") == 0
	    ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
	    : open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		file = fdopen(fd, "rb");
	if (fd >= 0 && file == NULL)
		(void)close(fd);
	return file;
}

/*
 * What libpcap could only call an unknown format. The bytes that tell are
 * put back; a pipe cannot seek, but none of these is a capture's first byte.
 */
static enum rf_status
check_content(FILE *file, const char *name, struct rf_error *err)
{
	struct stat st;
	int first, second;

	if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
		return rf_fail(err, RF_IO, "%s: is a directory", name);
	first = getc(file);
	if (first == EOF && ferror(file) != 0)
		return rf_fail(
		    err, RF_IO, "read %s: %s", name, strerror(errno));
	if (first == EOF)
		return rf_fail(err, RF_CORRUPT,
		    "%s: empty, where a capture should begin", name);
	if (first != 0x1f) {
		(void)ungetc(first, file);
		return RF_OK;
	}
	second = getc(file);
	if (second == 0x8b)
		return rf_fail(err, RF_CORRUPT,
		    "%s: gzip-compressed; use gzip -dc FILE | "
		    "ringfence collect -r -",
		    name);
	return rf_fail(
	    err, RF_CORRUPT, "%s: no capture: neither pcap nor pcapng", name);
}

/* Give the stream to libpcap, which closes it from then on. */
static enum rf_status
open_pcap(struct capture *c, FILE *file, struct rf_error *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";

	c->pcap = pcap_fopen_offline_with_tstamp_precision(
	    file, PCAP_TSTAMP_PRECISION_MICRO, why);
	if (c->pcap != NULL) {
		c->link = pcap_datalink(c->pcap);
		return RF_OK;
	}
	if (strcmp(why, "unknown file format") == 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s: no capture: neither pcap nor pcapng", c->name);
	if (feof(file) != 0)
		return rf_fail(err, RF_CORRUPT,
		    "%s: truncated in the file's header: %s", c->name, why);
	return rf_fail(err, RF_CORRUPT, "%s: no capture that can be read: %s",
	    c->name, why);
}

/*
 * Take the stream for savefile if it is of its kind. *taken is false, and the
 * header is put back for libpcap, if it is not. (glibc takes back everything
 * that is still in the stream's buffer.)
 */
static enum rf_status
open_savefile(struct capture *c, FILE *file, bool *taken, struct rf_error *err)
{
	uint8_t header[SAVEFILE_HEADER_BYTES];
	size_t n = fread(header, 1, sizeof(header), file);

	*taken = n == sizeof(header) && savefile_knows(header);
	if (!*taken) {
		clearerr(file);
		while (n > 0)
			if (ungetc(header[--n], file) == EOF)
				return rf_fail(err, RF_IO,
				    "%s: cannot be looked at", c->name);
		return RF_OK;
	}
	if (!savefile_init(&c->savefile, file, header))
		return rf_fail(
		    err, RF_NOMEM, "open %s: out of memory", c->name);
	c->file = file;
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

enum rf_status
capture_open_file(struct capture **out, const char *path, struct rf_error *err)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct capture *c;
	FILE *file = NULL;
	bool taken = false;
	enum rf_status rc = RF_NOMEM;

	*out = NULL;
	c = calloc(1, sizeof(*c));
	if (c != NULL) {
		c->name = strdup(name);
		c->read_buffer = malloc(READ_BUFFER_BYTES);
	}
	if (c == NULL || c->name == NULL || c->read_buffer == NULL) {
		rc = rf_fail(err, RF_NOMEM, "open %s: out of memory", name);
		goto out;
	}
	file = open_stream(path);
	if (file == NULL) {
		rc = rf_fail(err, RF_IO, "open %s: %s", name, strerror(errno));
		goto out;
	}
	(void)setvbuf(file, c->read_buffer, _IOFBF, READ_BUFFER_BYTES);
	(void)__fsetlocking(file, FSETLOCKING_BYCALLER);
	rc = check_content(file, name, err);
	if (rc == RF_OK)
		rc = open_savefile(c, file, &taken, err);
	if (rc == RF_OK && !taken)
		rc = open_pcap(c, file, err);
	if (rc != RF_OK)
		goto out;
	file = NULL;
	rc = check_link(c, err);
	if (rc != RF_OK)
		goto out;
	*out = c;
	c = NULL;
out:
	if (file != NULL)
		(void)fclose(file);
	capture_close(c);
	return rc;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->pcap != NULL)
		pcap_close(c->pcap);
	savefile_release(&c->savefile);
	if (c->file != NULL)
		(void)fclose(c->file);
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

uint32_t
capture_snaplen(const struct capture *c)
{
	return c->pcap != NULL ? (uint32_t)pcap_snapshot(c->pcap)
			       : c->savefile.snaplen;
}

bool
capture_is_swapped(const struct capture *c)
{
	return c->pcap != NULL ? pcap_is_swapped(c->pcap) != 0
			       : c->savefile.swapped;
}

uint64_t
capture_count(const struct capture *c)
{
	return c->n;
}

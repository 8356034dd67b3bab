/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/reader.h"

#include <stdlib.h>
#include <string.h>

#include "collector/capture.h"
#include "collector/relay.h"
#include "core/hash.h"

#define BATCHES 32 /* between the threads: 0.6 MiB, and the DNS answers */
#define LINE    ((size_t)64)

/* One capture, and the frame that it has ready. */
struct source {
	struct capture *capture;
	const struct capture_frame *frame; /* NULL: there is no more */
	uint64_t digest;
	struct coverage cov;
	uint8_t place;
	bool begun;    /* it has a place … */
	bool followed; /* … which another has now */
};

struct reader {
	const struct reader_config *config;
	struct relay relay;
	pthread_t thread;
	bool running, holding; /* the caller holds a batch */
	struct source *sources;
	uint8_t n_places;
	enum rf_status status; /* the thread's, until it has ended */
	struct rf_error error;
	struct intake *batches[BATCHES];
};

/* Fetch the next frame of a source and take it into the digest. */
static enum rf_status
advance(const struct reader *r, struct source *s, struct rf_error *err)
{
	const struct capture_frame *f = NULL;
	enum capture_result result = capture_next(s->capture, &f, err);
	uint64_t some = 0;

	s->frame = result == CAPTURE_FRAME ? f : NULL;
	if (result == CAPTURE_FAILED && !r->config->accept_cut)
		return rf_wrap(err, RF_CORRUPT,
		    "nothing was stored (--accept-cut takes what is whole)");
	if (result != CAPTURE_FRAME)
		return RF_OK;
	/* the addresses' place: it is read anyway, a frame's end is not */
	if (f->captured >= 40)
		some = hash_word(f->data + 32);
	s->digest = hash_mix(
	    s->digest ^ (uint64_t)f->ts_us, 0x9e3779b97f4a7c15u ^ some);
	s->digest =
	    hash_mix(s->digest ^ ((uint64_t)f->captured << 32 | f->wire_len),
		0xa0761d6478bd642fu);
	return RF_OK;
}

static enum rf_status
open_sources(struct reader *r, struct rf_error *err)
{
	const struct reader_config *config = r->config;
	enum rf_status st;

	for (size_t i = 0; i < config->n_files; i++) {
		struct source *s = &r->sources[i];

		s->cov = (struct coverage){
			.node = config->node != NULL ? config->node : "",
			.source = config->files[i],
		};
		st = capture_open_file(&s->capture, config->files[i], err);
		if (st == RF_OK)
			st = advance(r, s, err);
		if (st != RF_OK)
			return st;
	}
	return RF_OK;
}

/* Of two at one time a capture that goes on is before one that begins. */
static bool
is_before(const struct source *a, const struct source *b)
{
	if (a->frame->ts_us != b->frame->ts_us)
		return a->frame->ts_us < b->frame->ts_us;
	return a->begun && !b->begun;
}

/*
 * The source whose next frame is the earliest, of several the first; or NULL at
 * the end of all. *until_us: its frames before that time come before those of
 * all others.
 */
static struct source *
earliest(struct reader *r, int64_t *until_us)
{
	struct source *best = NULL;

	*until_us = INT64_MAX;
	for (size_t i = 0; i < r->config->n_files; i++) {
		struct source *s = &r->sources[i];
		int64_t ts_us;

		if (s->frame == NULL)
			continue;
		ts_us = s->frame->ts_us;
		if (best == NULL || is_before(s, best)) {
			if (best != NULL)
				*until_us = best->frame->ts_us;
			best = s;
		} else if (ts_us < *until_us) {
			*until_us = ts_us;
		}
	}
	return best;
}

/* How many characters two names begin with alike. */
static size_t
alike(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/*
 * What begins when another has ended may be the next part of the same capture,
 * and goes on in its place, as no packet is in both; of several in that of the
 * name that is most alike.
 */
static void
begin(struct reader *r, struct source *s)
{
	struct source *before = NULL;
	size_t most = 0;

	for (size_t i = 0; i < r->config->n_files; i++) {
		struct source *e = &r->sources[i];
		size_t n = alike(e->cov.source, s->cov.source);

		if (!e->begun || e->followed || e->frame != NULL ||
		    capture_link(e->capture) != capture_link(s->capture))
			continue;
		if (before == NULL || n > most) {
			before = e;
			most = n;
		}
	}
	if (before != NULL)
		before->followed = true;
	s->place = before != NULL ? before->place : r->n_places++;
	s->begun = true;
}

/* Fill one batch; false: there is no more, or reading failed. */
static bool
fill(struct reader *r, struct intake *in)
{
	int64_t until_us;
	struct source *s;

	while ((s = earliest(r, &until_us)) != NULL) {
		int link = capture_link(s->capture);
		struct intake_at at = { .point = (uint8_t)(s - r->sources) };
		bool full;

		if (!s->begun)
			begin(r, s);
		at.place = s->place;
		do {
			full = intake_decode(in, s->frame, link, at, &s->cov);
			r->status = advance(r, s, &r->error);
			if (r->status != RF_OK)
				return false;
		} while (
		    !full && s->frame != NULL && s->frame->ts_us < until_us);
		if (full)
			return true;
	}
	return false;
}

static void *
read_all(void *arg)
{
	struct reader *r = arg;
	uint32_t slot;
	bool more = true;

	while (more && relay_reserve(&r->relay, &slot)) {
		more = fill(r, r->batches[slot]);
		if (r->status == RF_OK)
			relay_give(&r->relay);
	}
	relay_close(&r->relay);
	return NULL;
}

/* At the beginning of a line of the cache, as struct flow_sighting
 * wants it. */
static bool
make_batches(struct reader *r)
{
	const size_t size = (sizeof(struct intake) + LINE - 1) / LINE * LINE;

	for (size_t i = 0; i < BATCHES; i++) {
		struct intake *in = aligned_alloc(LINE, size);

		if (in == NULL)
			return false;
		r->batches[i] = in;
		in->ft = r->config->ft;
		in->names = r->config->names;
		intake_clear(in);
	}
	return true;
}

enum rf_status
reader_start(struct reader **out, const struct reader_config *config,
    struct rf_error *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	enum rf_status st = RF_OK;
	int rc = 0;

	*out = NULL;
	if (r == NULL)
		return rf_fail(err, RF_NOMEM, "reader: out of memory");
	r->config = config;
	relay_init(&r->relay, BATCHES);
	r->sources = calloc(config->n_files, sizeof(*r->sources));
	if (r->sources == NULL || !make_batches(r))
		st = rf_fail(err, RF_NOMEM, "reader: out of memory");
	else
		st = open_sources(r, err);
	if (st == RF_OK)
		rc = pthread_create(&r->thread, NULL, read_all, r);
	if (rc != 0)
		st = rf_fail(err, RF_IO, "reader: no thread: %s", strerror(rc));
	if (st != RF_OK) {
		reader_stop(r);
		return st;
	}
	r->running = true;
	*out = r;
	return RF_OK;
}

/* The thread has nothing more to do: its results become the caller's. */
static void
join(struct reader *r)
{
	if (r->running)
		(void)pthread_join(r->thread, NULL);
	r->running = false;
}

struct intake *
reader_next(struct reader *r)
{
	struct intake *in;
	uint32_t slot;

	if (r->holding)
		relay_free(&r->relay);
	r->holding = relay_take(&r->relay, &slot);
	if (!r->holding) {
		join(r);
		return NULL;
	}
	in = r->batches[slot];
	in->next = relay_peek(&r->relay, &slot) ? r->batches[slot] : NULL;
	return in;
}

enum rf_status
reader_status(const struct reader *r, struct rf_error *err)
{
	if (r->status != RF_OK && err != NULL)
		*err = r->error;
	return r->status;
}

const struct coverage *
reader_coverage(const struct reader *r, size_t i)
{
	return &r->sources[i].cov;
}

uint64_t
reader_digest(const struct reader *r, size_t i)
{
	uint64_t digest = r->sources[i].digest;

	return digest != 0 ? digest : 1; /* 0 is what merge leaves */
}

void
reader_stop(struct reader *r)
{
	if (r == NULL)
		return;
	relay_abort(&r->relay);
	join(r);
	for (size_t i = 0; r->sources != NULL && i < r->config->n_files; i++)
		capture_close(r->sources[i].capture);
	free(r->sources);
	for (size_t i = 0; i < BATCHES; i++)
		free(r->batches[i]);
	relay_release(&r->relay);
	free(r);
}

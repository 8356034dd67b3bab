/* SPDX-License-Identifier: Apache-2.0 */
#include "report/coverage.h"

#include <inttypes.h>

#include "core/rfc3339.h"

/* Over the times of those that have one. */
static void
widen(struct coverage *sum, const struct coverage *c)
{
	bool is_first = !coverage_has_time(sum);

	if (!coverage_has_time(c))
		return;
	if (is_first || c->from_us < sum->from_us)
		sum->from_us = c->from_us;
	if (is_first || c->to_us > sum->to_us)
		sum->to_us = c->to_us;
}

static struct coverage
sum_up(const struct flow_set *fs)
{
	struct coverage sum = { 0 };

	for (size_t i = 0; i < fs->n_coverage; i++) {
		const struct coverage *c = &fs->coverage[i];

		widen(&sum, c);
		sum.packets += c->packets;
		sum.dropped += c->dropped;
		sum.truncated += c->truncated;
		sum.malformed += c->malformed;
		sum.unsupported += c->unsupported;
		sum.table_full += c->table_full;
		sum.unowned += c->unowned;
	}
	return sum;
}

/* Something that happened to packets or connections, one or many. */
struct loss {
	uint64_t n;
	const char *noun, *one, *many; /* "packet", "was lost", "were lost" */
	const char *rest;
};

static void
warn(FILE *out, const char *prefix, const struct loss *l)
{
	if (l->n > 0)
		fprintf(out, "%s: %" PRIu64 " %s%s %s%s.\n", prefix, l->n,
		    l->noun, l->n == 1 ? "" : "s", l->n == 1 ? l->one : l->many,
		    l->rest);
}

/* What no reader of edges may overlook. */
static void
warn_losses(FILE *out, const struct coverage *sum, const char *prefix)
{
	warn(out, prefix,
	    &(struct loss){ sum->dropped, "packet", "was", "were",
		" lost in capture: edges may be missing" });
	warn(out, prefix,
	    &(struct loss){ sum->table_full, "connection", "was", "were",
		" put out of a full table early" });
	warn(out, prefix,
	    &(struct loss){ sum->unowned, "connection",
		"was seen while the cluster was not watched: its ends count",
		"were seen while the cluster was not watched: their ends "
		"count",
		" as unknown" });
}

/* What could not be used. */
static void
warn_unread(FILE *out, const struct coverage *sum)
{
	warn(out, "Warning",
	    &(struct loss){ sum->truncated, "packet", "was", "were",
		" cut too short to be read; capture with a larger snaplen" });
	warn(out, "Warning",
	    &(struct loss){
		sum->malformed, "packet", "was", "were", " malformed" });
	warn(out, "Warning",
	    &(struct loss){ sum->unsupported, "packet", "is", "are",
		" of a protocol or link type that is not read" });
}

/* In a database that is being written some do most of the time. */
void
coverage_tell_waiting(FILE *out, const struct flow_set *fs)
{
	if (fs->waiting == 1)
		fputs("1 connection waits for its ends to be known: it is in "
		      "none of these numbers yet.\n",
		    out);
	else if (fs->waiting > 0)
		fprintf(out,
		    "%" PRIu64 " connections wait for their ends to be known: "
		    "they are in none of these numbers yet.\n",
		    fs->waiting);
	if (fs->open == 1)
		fputs("1 attempt has no answer yet: it is in none of these "
		      "numbers until it has, or will not.\n",
		    out);
	else if (fs->open > 0)
		fprintf(out,
		    "%" PRIu64 " attempts have no answer yet: they are in none "
		    "of these numbers until they have, or will not.\n",
		    fs->open);
}

void
coverage_warn(FILE *out, const struct flow_set *fs)
{
	struct coverage sum;

	if (fs->n_coverage == 0)
		return;
	sum = sum_up(fs);
	warn_losses(out, &sum, "ringfence: warning");
}

void
coverage_print(FILE *out, const struct flow_set *fs)
{
	char from[RFC3339_STRLEN], to[RFC3339_STRLEN];
	struct coverage sum;
	size_t n = fs->n_coverage;

	sum = sum_up(fs);
	if (!coverage_has_time(&sum)) {
		fputs("Nothing was observed yet.\n", out);
		return;
	}
	sum.from_us -= sum.from_us % 1000000;
	sum.to_us -= sum.to_us % 1000000;
	fprintf(out,
	    "Observed from %s to %s in %zu capture%s: %" PRIu64 " packet%s.\n",
	    rfc3339_format(sum.from_us, from), rfc3339_format(sum.to_us, to), n,
	    n == 1 ? "" : "s", sum.packets, sum.packets == 1 ? "" : "s");
	warn_losses(out, &sum, "Warning");
	warn_unread(out, &sum);
	coverage_tell_waiting(out, fs);
	fputs("What was not observed is not covered.\n", out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/coverage.h"

#include <inttypes.h>

#include "core/rfc3339.h"

static struct coverage
sum_up(const struct flow_set *fs)
{
	struct coverage sum = fs->coverage[0];

	for (size_t i = 1; i < fs->n_coverage; i++) {
		const struct coverage *c = &fs->coverage[i];

		if (c->from_us < sum.from_us)
			sum.from_us = c->from_us;
		if (c->to_us > sum.to_us)
			sum.to_us = c->to_us;
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

static void
warn_counter(FILE *out, const char *prefix, uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(out, "%s: %" PRIu64 " %s.\n", prefix, n, what);
}

/* What no reader of edges may overlook. */
static void
warn_losses(FILE *out, const struct coverage *sum, const char *prefix)
{
	warn_counter(out, prefix, sum->dropped,
	    "packets were lost in capture: edges may be missing");
	warn_counter(out, prefix, sum->table_full,
	    "connections were put out of a full table early");
	warn_counter(out, prefix, sum->unowned,
	    "connections were seen while the cluster was not watched: their "
	    "ends count as unknown");
}

/* In a database that is being written some do most of the time. */
void
coverage_tell_waiting(FILE *out, const struct flow_set *fs)
{
	if (fs->waiting > 0)
		fprintf(out,
		    "%" PRIu64 " connections wait for their ends to be known: "
		    "they are in none of these numbers yet.\n",
		    fs->waiting);
	if (fs->open > 0)
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

	if (n == 0) {
		fputs("Nothing was observed yet.\n", out);
		return;
	}
	sum = sum_up(fs);
	sum.from_us -= sum.from_us % 1000000;
	sum.to_us -= sum.to_us % 1000000;
	fprintf(out,
	    "Observed from %s to %s in %zu capture%s: %" PRIu64 " packets.\n",
	    rfc3339_format(sum.from_us, from), rfc3339_format(sum.to_us, to), n,
	    n == 1 ? "" : "s", sum.packets);
	warn_losses(out, &sum, "Warning");
	warn_counter(out, "Warning", sum.truncated,
	    "packets were cut too short to be read; capture with a larger "
	    "snaplen");
	warn_counter(out, "Warning", sum.malformed, "packets were malformed");
	warn_counter(out, "Warning", sum.unsupported,
	    "packets are of a protocol or link type that is not read");
	coverage_tell_waiting(out, fs);
	fputs("What was not observed is not covered.\n", out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SECOND     ((int64_t)1000000)
#define HEALTHY_US (30 * SECOND) /* without a sign of the loop */

enum unit { COUNT, MICROSECONDS };

struct metric {
	const char *name, *help;
	enum { COUNTER, GAUGE } type;
	enum unit unit;
	size_t offset; /* of a 64-bit number in struct daemon_stats */
};

/* clang-format off */
#define AT(field) offsetof(struct daemon_stats, field)
static const struct metric metrics[] = {
	{ "ringfence_packets_total", "Packets taken from the kernel.", COUNTER, COUNT, AT(packets) },
	{ "ringfence_packets_dropped_total", "Packets that the kernel dropped because the ring was full.", COUNTER, COUNT, AT(dropped) },
	{ "ringfence_packets_truncated_total", "Packets cut by the snaplen before what is needed.", COUNTER, COUNT, AT(truncated) },
	{ "ringfence_packets_malformed_total", "Packets whose lengths or fields contradict.", COUNTER, COUNT, AT(malformed) },
	{ "ringfence_packets_unsupported_total", "Packets of protocols that are not decoded.", COUNTER, COUNT, AT(unsupported) },
	{ "ringfence_packets_non_ip_total", "Packets that are not IP.", COUNTER, COUNT, AT(non_ip) },
	{ "ringfence_packets_icmp_total", "ICMP packets that are no error.", COUNTER, COUNT, AT(icmp) },
	{ "ringfence_packets_ignored_total", "Packets of loopback, multicast and broadcast.", COUNTER, COUNT, AT(ignored) },
	{ "ringfence_fragments_total", "Fragments behind the first of a packet.", COUNTER, COUNT, AT(fragments) },
	{ "ringfence_connections_total", "Connections found, each counted once.", COUNTER, COUNT, AT(connections) },
	{ "ringfence_connections_unresolved_total", "Connections with an end whose owner was unknown.", COUNTER, COUNT, AT(unresolved) },
	{ "ringfence_connections_unowned_total", "Those of them that were seen while the cluster was not watched.", COUNTER, COUNT, AT(unowned) },
	{ "ringfence_connections_guessed_total", "Connections whose direction was guessed.", COUNTER, COUNT, AT(guessed) },
	{ "ringfence_connections_lost_total", "Connections not stored: the database failed for longer than memory lasts.", COUNTER, COUNT, AT(lost_connections) },
	{ "ringfence_sightings_joined_total", "Sightings behind address translation that were joined.", COUNTER, COUNT, AT(joined) },
	{ "ringfence_table_forced_out_total", "Living connections that a full table put out early.", COUNTER, COUNT, AT(forced_out) },
	{ "ringfence_table_forgotten_total", "Address pairs put out and forgotten: more of them is another connection.", COUNTER, COUNT, AT(forgotten) },
	{ "ringfence_table_strays_total", "Tails of connections that are too little to count.", COUNTER, COUNT, AT(strays) },
	{ "ringfence_conntrack_connections", "Connections taken over from the kernel's connection table at the start.", GAUGE, COUNT, AT(known) },
	{ "ringfence_conntrack_lost", "Entries of that table that found no room or could not be read.", GAUGE, COUNT, AT(known_lost) },
	{ "ringfence_conntrack_interrupted", "Readings of that table that it changed under; of 3 the last one was used all the same.", GAUGE, COUNT, AT(known_interrupted) },
	{ "ringfence_table_entries", "Address pairs in the connection table.", GAUGE, COUNT, AT(legs) },
	{ "ringfence_table_capacity", "Address pairs for which the connection table has room.", GAUGE, COUNT, AT(legs_max) },
	{ "ringfence_connections_waiting", "Connections that wait for their ends to be known.", GAUGE, COUNT, AT(waiting) },
	{ "ringfence_pods", "Pods known, also those that ended.", GAUGE, COUNT, AT(pods) },
	{ "ringfence_cluster_generation", "Changes when the cluster's objects do.", GAUGE, COUNT, AT(generation) },
	{ "ringfence_dns_names_total", "Names of addresses handed to the database.", COUNTER, COUNT, AT(names) },
	{ "ringfence_dns_names_lost_total", "Names of addresses that found no room until the database could be written.", COUNTER, COUNT, AT(names_lost) },
	{ "ringfence_packets_misdated_total", "Packets whose time could not be; the time of their arrival was taken.", COUNTER, COUNT, AT(misdated) },
	{ "ringfence_clock_sets_total", "Times that the system's clock was set by five seconds or more.", COUNTER, COUNT, AT(clock_sets) },
	{ "ringfence_flushes_total", "Transactions stored.", COUNTER, COUNT, AT(flushes) },
	{ "ringfence_flush_failures_total", "Transactions that failed and were tried again.", COUNTER, COUNT, AT(flush_failures) },
	{ "ringfence_flush_rows_total", "Rows of flows stored.", COUNTER, COUNT, AT(flush_rows) },
	{ "ringfence_flush_duration_seconds", "How long the last transaction took.", GAUGE, MICROSECONDS, AT(flush_us) },
	{ "ringfence_last_flush_timestamp_seconds", "When a transaction was last stored; 0: never.", GAUGE, MICROSECONDS, AT(flushed_us) },
};
#undef AT
/* clang-format on */

void
metrics_render(struct strbuf *out, const struct daemon_stats *stats)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const struct metric *m = &metrics[i];
		uint64_t v;

		memcpy(&v, (const char *)stats + m->offset, sizeof(v));
		strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", m->name,
		    m->help, m->name, m->type == COUNTER ? "counter" : "gauge",
		    m->name);
		if (m->unit == COUNT)
			strbuf_printf(out, "%" PRIu64 "\n", v);
		else
			strbuf_printf(out, "%" PRIu64 ".%06" PRIu64 "\n",
			    v / SECOND, v % SECOND);
	}
}

/* The sample of one metric of the process. */
static void
render_one(struct strbuf *out, const char *name, const char *type,
    const char *help, double value)
{
	strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.6f\n", name, help,
	    name, type, name, value);
}

static double
seconds_of(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* /proc may be hidden; then there is no such metric. */
static void
render_memory(struct strbuf *out)
{
	double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long size, resident;
	char text[128] = "";
	FILE *f = fopen("/proc/self/statm", "re");
	bool is_read = f != NULL && fgets(text, sizeof(text), f) != NULL;
	char *end = text;

	if (f != NULL)
		(void)fclose(f);
	if (!is_read)
		return;
	size = strtoul(text, &end, 10);
	resident = strtoul(end, NULL, 10);
	render_one(out, "process_virtual_memory_bytes", "gauge",
	    "Virtual memory size.", (double)size * page);
	render_one(out, "process_resident_memory_bytes", "gauge",
	    "Resident memory size.", (double)resident * page);
}

void
metrics_render_process(struct strbuf *out)
{
	struct rusage usage;

	strbuf_puts(out,
	    "# HELP ringfence_build_info Always 1; the version is its label.\n"
	    "# TYPE ringfence_build_info gauge\n"
	    "ringfence_build_info{version=\"" RF_VERSION_STRING "\"} 1\n");
	render_memory(out);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		render_one(out, "process_cpu_seconds_total", "counter",
		    "CPU time that was spent.",
		    seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
}

/* "# HELP x_total" and "# TYPE x_total" name the family, which is x. */
static void
open_line(struct strbuf *out, const char *line, size_t len)
{
	static const char suffix[] = "_total";
	size_t head = strlen("# HELP "), n, cut = 0;

	if (len <= head || line[0] != '#') {
		strbuf_add(out, line, len);
		return;
	}
	n = strcspn(line + head, " \n");
	if (n > strlen(suffix) &&
	    strncmp(line + head + n - strlen(suffix), suffix, strlen(suffix)) ==
		0)
		cut = strlen(suffix);
	strbuf_add(out, line, head + n - cut);
	strbuf_add(out, line + head + n, len - head - n);
}

void
metrics_to_open(struct strbuf *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		open_line(out, text, len);
		text += len;
	}
	strbuf_puts(out, "# EOF\n");
}

bool
metrics_wants_open(const char *accept)
{
	static const char type[] = "application/openmetrics-text";
	const char *at = accept, *q;
	size_t len;

	while (at != NULL && (at = strstr(at, type)) != NULL) {
		len = strcspn(at, ",");
		q = strstr(at, ";q=");
		if (q == NULL || q >= at + len || strtod(q + 3, NULL) > 0)
			return true;
		at += len;
	}
	return false;
}

void
metrics_state_update(
    struct metrics_state *s, const struct daemon_stats *stats, int64_t now_us)
{
	const struct daemon_stats *old = &s->stats;

	if (stats->flushes + stats->flush_failures !=
	    old->flushes + old->flush_failures)
		s->tried_us = now_us;
	if (stats->flushes != old->flushes)
		s->stored_us = now_us;
	s->published_us = now_us;
	s->stats = *stats;
}

/* A database that fails is no reason to start anew: what is kept in memory
 * would be lost. A writer that does not even try is. */
const char *
metrics_unhealthy(const struct metrics_state *s, int64_t now_us)
{
	if (now_us - s->published_us > HEALTHY_US)
		return "the loop has given no sign for 30 seconds";
	if (now_us - s->tried_us > HEALTHY_US + 2 * s->stats.interval_us)
		return "the writer has tried to store nothing for 30 seconds";
	return NULL;
}

const char *
metrics_unready(const struct metrics_state *s, int64_t now_us)
{
	if (metrics_unhealthy(s, now_us) != NULL)
		return metrics_unhealthy(s, now_us);
	if (s->idle[0] != '\0')
		return s->idle;
	if (!s->complete)
		return "not all of the cluster's objects are known";
	if (s->stats.flushes == 0)
		return "nothing was stored yet";
	if (now_us - s->stored_us > HEALTHY_US + 2 * s->stats.interval_us)
		return "the database has not been written for 30 seconds";
	return NULL;
}

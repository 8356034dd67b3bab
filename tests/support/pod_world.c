/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pod_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/rfc3339.h"

#define ADDRESSES 4
#define NEVER     INT64_MAX

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static int64_t
between(struct pod_world *w, int64_t least_us, int64_t most_us)
{
	w->random += UINT64_C(0x9e3779b97f4a7c15);
	return least_us +
	    (int64_t)(hash_mix(w->random, UINT64_C(0xa0761d6478bd642f)) %
		(uint64_t)(most_us - least_us + 1));
}

static bool
chance(struct pod_world *w, unsigned percent)
{
	return between(w, 1, 100) <= percent;
}

static void
tell(struct pod_world *w, unsigned pod, int64_t at_us, bool is_deletion)
{
	struct event *e = &w->events[w->n_events++];
	int64_t lag_us = between(w, SECOND / 100, SECOND);

	require(w->n_events < EVENTS_MAX);
	*e = (struct event){ at_us, at_us + lag_us, pod, is_deletion };
	/* They come in order. */
	for (size_t i = w->n_events - 1; i > 0; i--)
		if (w->events[i - 1].pod == pod &&
		    e->heard_us <= w->events[i - 1].heard_us)
			e->heard_us = w->events[i - 1].heard_us + 1;
}

/* Returns when the address is free again. */
static int64_t
live(struct pod_world *w, unsigned octet, int64_t from_us)
{
	unsigned i = w->n_pods++;
	struct life *p = &w->pods[i];

	require(w->n_pods < PODS_MAX);
	p->octet = octet;
	/* It may have been created, and started, while another had it. */
	p->created_us = from_us - between(w, 0, 20 * SECOND);
	p->first_us = from_us + between(w, SECOND / 5, 2 * SECOND);
	/* Not before all its images are there. */
	p->told_us = p->first_us +
	    (chance(w, 20) ? between(w, SECOND, 12 * SECOND)
			   : between(w, SECOND / 10, SECOND));
	p->end_us = p->told_us + between(w, SECOND, 60 * SECOND);
	p->end_told_us = p->end_us + between(w, SECOND / 10, SECOND);
	p->deleted_us = p->end_told_us + between(w, 1, 2 * SECOND);
	p->relabel_us =
	    chance(w, 40) ? between(w, p->told_us, p->end_us) : NEVER;
	p->restart_us =
	    chance(w, 20) ? between(w, p->told_us, p->end_us) : NEVER;
	tell(w, i, p->created_us, false);
	tell(w, i, p->told_us, false);
	for (int k = 0; k < 2; k++) { /* the earlier first */
		int64_t at_us = (p->relabel_us < p->restart_us) == (k == 0)
		    ? p->relabel_us
		    : p->restart_us;

		if (at_us != NEVER)
			tell(w, i, at_us, false);
	}
	tell(w, i, p->end_told_us, false);
	tell(w, i, p->deleted_us, true);
	return p->end_us + between(w, SECOND / 2, SECOND) +
	    (chance(w, 60) ? 0 : between(w, 0, 20 * SECOND));
}

static int
compare_heard(const void *va, const void *vb)
{
	const struct event *a = va, *b = vb;

	return (a->heard_us > b->heard_us) - (a->heard_us < b->heard_us);
}

static int
compare_at(const void *va, const void *vb)
{
	const struct event *a = va, *b = vb;

	return (a->at_us > b->at_us) - (a->at_us < b->at_us);
}

char
pod_world_role(const struct life *p, int64_t at_us)
{
	return at_us < p->relabel_us ? 'x' : 'y';
}

static bool
is_near(int64_t a_us, int64_t b_us)
{
	return b_us != NEVER && llabs(a_us - b_us) < 2 * SECOND;
}

/* Are the ends of what is known further away than the second of which they
 * are told? */
static bool
is_sure(const struct pod_world *w, const struct life *p, int64_t at_us)
{
	for (unsigned i = 0; i < w->n_pods; i++)
		if (w->pods[i].octet == p->octet &&
		    (is_near(at_us, w->pods[i].first_us) ||
			(&w->pods[i] != p &&
			    is_near(at_us, w->pods[i].end_us))))
			return false;
	if (is_near(at_us, p->relabel_us) || is_near(at_us, p->restart_us))
		return false;
	/* A restart hides the first start, but not that of the sandbox. */
	if (p->restart_us != NEVER && at_us < p->told_us + SECOND)
		return false;
	return at_us < w->gap_from_us - 4 * SECOND ||
	    at_us > w->gap_to_us + 2 * SECOND;
}

static void
add_flow(struct pod_world *w, unsigned pod, int64_t at_us)
{
	const struct life *p = &w->pods[pod];

	if (at_us < p->first_us || at_us >= p->end_us)
		return;
	require(w->n_flows < FLOWS_MAX);
	w->flows[w->n_flows++] =
	    (struct truth){ at_us, pod, is_sure(w, p, at_us) };
}

void
pod_world_sort(struct pod_world *w, bool by_hearing)
{
	qsort(w->events, w->n_events, sizeof(w->events[0]),
	    by_hearing ? compare_heard : compare_at);
}

static int
compare_flows(const void *va, const void *vb)
{
	const struct truth *a = va, *b = vb;

	return (a->at_us > b->at_us) - (a->at_us < b->at_us);
}

void
pod_world_invent(struct pod_world *w, uint64_t seed, bool has_gap)
{
	w->random = seed;
	w->gap_from_us = w->gap_to_us = NEVER;
	if (has_gap) {
		w->gap_from_us = START + between(w, 60, 120) * SECOND;
		w->gap_to_us =
		    w->gap_from_us + between(w, 5 * SECOND, 90 * SECOND);
	}
	for (unsigned i = 0; i < ADDRESSES; i++)
		for (int64_t t = START + between(w, SECOND, 9 * SECOND);
		     t < START + LASTS;)
			t = live(w, i + 2, t);
	if (!has_gap)
		w->gap_from_us = w->gap_to_us = 0;
	for (unsigned i = 0; i < w->n_pods; i++) {
		const struct life *p = &w->pods[i];

		/* Its first words, its last ones, and some in between. */
		add_flow(w, i, p->first_us + 1);
		add_flow(w, i, p->end_us - 1);
		for (unsigned k = 0; k < 8; k++)
			add_flow(w, i, between(w, p->first_us, p->end_us));
	}
	qsort(w->flows, w->n_flows, sizeof(w->flows[0]), compare_flows);
}

/* As Kubernetes writes times. */
static void
stamp(int64_t us, char buf[static RFC3339_STRLEN])
{
	(void)rfc3339_format(us - us % SECOND, buf);
}

void
pod_world_say(const struct pod_world *w, unsigned i, int64_t at_us,
    bool tells_written, char *out, size_t size)
{
	const struct life *p = &w->pods[i];
	bool is_told = at_us >= p->told_us, has_ended = at_us >= p->end_told_us;
	bool has_restarted = at_us >= p->restart_us;
	char created[RFC3339_STRLEN], first[RFC3339_STRLEN];
	char ready[RFC3339_STRLEN], ended[RFC3339_STRLEN];
	char written[RFC3339_STRLEN];
	char address[256] = "", state[512] = "";

	stamp(p->created_us, created);
	stamp(has_restarted ? p->restart_us : p->first_us, first);
	stamp(p->told_us, ready);
	stamp(p->end_us, ended);
	stamp(at_us, written);
	if (is_told)
		(void)snprintf(address, sizeof(address),
		    ",\"podIP\":\"10.244.0.%u\",\"conditions\":[{\"type\":"
		    "\"PodReadyToStartContainers\",\"status\":\"%s\","
		    "\"lastTransitionTime\":\"%s\"}]",
		    p->octet, has_ended ? "False" : "True",
		    has_ended ? ended : ready);
	if (is_told)
		(void)snprintf(state, sizeof(state),
		    ",\"containerStatuses\":[{\"restartCount\":%d,\"state\":{"
		    "\"%s\":{\"startedAt\":\"%s\"%s%s%s}}}]",
		    has_restarted, has_ended ? "terminated" : "running", first,
		    has_ended ? ",\"finishedAt\":\"" : "",
		    has_ended ? ended : "", has_ended ? "\"" : "");
	(void)snprintf(out, size,
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
	    "\"p%u\",\"namespace\":\"n\",\"uid\":\"u%u\",\"creationTimestamp\""
	    ":\"%s\",\"labels\":{\"role\":\"%c\"}%s%s%s},\"status\":{\"phase\""
	    ":\"%s\",\"startTime\":\"%s\"%s%s}}",
	    i, i, created, pod_world_role(p, at_us),
	    tells_written ? ",\"managedFields\":[{\"time\":\"" : "",
	    tells_written ? written : "", tells_written ? "\"}]" : "",
	    has_ended     ? "Failed"
		: is_told ? "Running"
			  : "Pending",
	    created, address, state);
}

bool
pod_world_is_seen_late(const struct pod_world *w, const struct life *p)
{
	return p->told_us + SECOND > w->gap_from_us &&
	    p->relabel_us < w->gap_to_us + 2 * SECOND;
}

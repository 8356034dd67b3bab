/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_world: an invented life of pods that hand a few addresses on, what an
 * API server tells of it, and when which of them spoke.
 */
#ifndef TESTS_SUPPORT_POD_WORLD_H
#define TESTS_SUPPORT_POD_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND     ((int64_t)1000000)
#define START      ((int64_t)1767225600 * SECOND) /* 2026-01-01T00:00:00Z */
#define LASTS      (240 * SECOND)
#define PODS_MAX   256
#define EVENTS_MAX 2048 /* PODS_MAX * 8 */
#define FLOWS_MAX  4000

/* All times are the truth; when the API server hears of them is in events. */
struct life {
	int64_t created_us, first_us, relabel_us, restart_us, end_us;
	int64_t told_us, end_told_us, deleted_us; /* to the API server */
	unsigned octet;
};

struct event {
	int64_t at_us, heard_us; /* in the API server, and by us */
	unsigned pod;
	bool is_deletion;
};

struct truth {
	int64_t at_us;
	unsigned pod;
	bool is_sure; /* no end of an interval is near that only seconds tell */
};

struct pod_world {
	uint64_t random;
	struct life pods[PODS_MAX];
	unsigned n_pods;
	struct event events[EVENTS_MAX];
	size_t n_events;
	int64_t gap_from_us, gap_to_us; /* in which nothing is heard */
	struct truth flows[FLOWS_MAX];  /* by time */
	unsigned n_flows;
};

/* A world that seed makes; w is zero. */
void pod_world_invent(struct pod_world *w, uint64_t seed, bool has_gap);

/* Order the events by when they happened, or by when they are heard of. */
void pod_world_sort(struct pod_world *w, bool by_hearing);

/* The label "role" of a pod at that time. */
char pod_world_role(const struct life *p, int64_t at_us);

/* Pod i as the API server has it at at_us, as JSON of at most size bytes. */
void pod_world_say(const struct pod_world *w, unsigned i, int64_t at_us,
    bool tells_written, char *out, size_t size);

/* Was it relabelled before anybody saw it? Then nobody can tell. */
bool pod_world_is_seen_late(const struct pod_world *w, const struct life *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak_world: months of a node's life in a moment: pods that come and go and
 * hand their addresses on, an API server that is listed anew, connections that
 * are counted here as well, and a clock that is set. What a collector makes of
 * it is compared with that count, and what it costs can be measured.
 *
 * Any failure of its own, or of the collector, aborts.
 */
#ifndef TESTS_SUPPORT_SOAK_WORLD_H
#define TESTS_SUPPORT_SOAK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct soak_config {
	unsigned workloads;   /* of one pod each, at most 200 */
	unsigned connections; /* opened and closed in each step */
	unsigned
	    steps_per_pod; /* after so many one pod is replaced by another */
	unsigned steps_per_list; /* after so many all pods are listed anew */
	int64_t step_us;
	int64_t interval_us; /* between flushes */
	int64_t retain_us;
};

struct soak_world;

/* The database is made at path, which must not exist. */
struct soak_world *soak_new(const struct soak_config *config, const char *path);

/* Store what is left, and stop. */
void soak_finish(struct soak_world *w);
void soak_free(struct soak_world *w);

/* Let so much time go by, in which all goes its way. */
void soak_pass(struct soak_world *w, int64_t us);

/* The system's clock is set, while nothing happens. */
void soak_set_clock(struct soak_world *w, int64_t by_us);

/* A packet of a connection of its own, dated so far from now. */
void soak_stray(struct soak_world *w, int64_t off_us);

struct soak_cost {
	uint64_t steps;   /* of SQLite's virtual machine, since the last */
	uint64_t flushes; /* the same, and rows */
	uint64_t rows;
	uint64_t legs;         /* in the table now, as all below */
	uint64_t malloc_bytes; /* 0: not known */
	uint64_t objects;      /* of the cluster, with those that are gone */
	uint64_t database_bytes, log_bytes; /* the file and its WAL */
	uint64_t flush_us;                  /* the last one took, by the wall */
};

void soak_measure(struct soak_world *w, struct soak_cost *out);

struct soak_verdict {
	uint64_t expected, found; /* connections in windows that are kept */
	uint64_t differ;   /* sums by pair and window that do not agree */
	uint64_t told;     /* all that were ever told … */
	uint64_t made;     /* … and all that were made */
	uint64_t unknown;  /* found, with an end that nobody knows */
	bool sum_differs;  /* of all windows from what is in them */
	int64_t oldest_us; /* window that is there, before now_us */
	int64_t now_us, covered_us; /* that is observed, and was lived */
	int64_t lived_us;
};

/* Compare the database with the truth, which reaches back to its start. */
void soak_judge(struct soak_world *w, struct soak_verdict *out);

#endif

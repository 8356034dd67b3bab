/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_saved: what a flow table has open, as rows that another process can put
 * back: connections that nobody was told of yet, and those that were told and
 * go on, so that they are not told again.
 *
 * A row stands for one connection as long as that is open and nothing of it is
 * told: struct connection says with saved which row is over by that. Young ones
 * (LEG_JOIN_WINDOW_MS) have none. Pure, like the table.
 */
#ifndef COLLECTOR_FLOW_SAVED_H
#define COLLECTOR_FLOW_SAVED_H

#include "collector/flow_table.h"

#define FLOW_SAVED_MAX (8 + 89 * CONNECTION_LEGS_MAX) /* bytes */

struct flow_saved {
	int64_t row; /* above 0; the same one again replaces it */
	const struct connection *c; /* as it is; counted 0: it was told */
	const uint8_t *content;
	size_t size;
};

struct flow_save {
	int64_t next_row; /* counted on */
	/* One that was told has a row when it went on for so many saves. */
	uint8_t lasting;
	uint32_t points; /* stands for the capture points and their order */
	/* Borrows it for the call. false: there is no room, it is given again
	 * next time. */
	bool (*put)(void *arg, const struct flow_saved *s);
	/* That row is over, and nothing is told of it: forget it. */
	void (*forget)(void *arg, int64_t row);
	void *arg;
};

/* Give what differs from the rows given before. Right after a flush, when all
 * that the sink was told of is where the rows will be. */
void flow_table_save(struct flow_table *ft, struct flow_save *s);

/* The same after flow_table_tell_all(), for the last time: all that goes on
 * was told. */
void flow_table_save_last(struct flow_table *ft, struct flow_save *s);

struct flow_restore {
	int64_t now_us;
	int64_t saved_us;  /* when rows were last given */
	int64_t booted_us; /* interfaces have other numbers since then */
	uint32_t points;
	/* Shall one that was told go on? If not it is told anew, should it be
	 * seen again. It is asked as of now_us. */
	bool (*goes_on)(void *arg, const struct connection *c);
	void *arg;
};

enum flow_restored {
	FLOW_RESTORED,
	FLOW_RESTORED_NOT, /* it was told, and will be anew */
	FLOW_RESTORED_BAD  /* cannot be read, or found no room: it is lost */
};

/* Put one back, before any packet is taken; *c is what is known of it. */
enum flow_restored flow_table_restore(struct flow_table *ft,
    const struct flow_restore *r, const struct flow_saved *s,
    struct connection *c);

/* So long at most one may be out of sight to be taken for the same again: no
 * port of it comes round sooner, and the kernel keeps that for a minute. */
#define FLOW_SAVED_GAP_US ((int64_t)300 * 1000000)

#endif

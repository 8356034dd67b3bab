/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint: a node has better use for memory than a collector.
 */
#ifndef COLLECTOR_FOOTPRINT_H
#define COLLECTOR_FOOTPRINT_H

/*
 * Before threads are started and tables are made: what reading the start's
 * objects took goes back to the kernel; and so does the code of libraries that
 * only starting ran (initialisers of TLS libraries, mostly). What is needed of
 * it comes back from the page cache. Nothing that fails here matters.
 */
void footprint_trim(void);

/* The same for what runs for weeks, without large pages for its tables, which
 * are mostly empty. */
void footprint_reduce(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: many rows sorted by a number each.
 *
 * What is compared a million times is compared as a number: whoever sorts
 * gives each of the few things that rows name its rank, and rows their ranks.
 */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order_row {
	uint64_t key;
	uint32_t at; /* the row's own number, for the caller */
};

/* Ascending by key; rows of one key stay as they stood. False: out of memory,
 * nothing is moved. */
bool order_by_key(struct order_row *rows, size_t n);

#endif

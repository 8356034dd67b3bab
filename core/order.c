/* SPDX-License-Identifier: Apache-2.0 */
#include "core/order.h"

#include <stdlib.h>
#include <string.h>

/* The bits in which keys differ; *is_sorted: there is nothing to do. */
static uint64_t
find_difference(const struct order_row *rows, size_t n, bool *is_sorted)
{
	uint64_t differ = 0;

	*is_sorted = true;
	for (size_t i = 1; i < n; i++) {
		differ |= rows[i].key ^ rows[0].key;
		*is_sorted &= rows[i - 1].key <= rows[i].key;
	}
	return differ;
}

/* One pass of the radix sort: by the byte of the key at shift. */
static void
sort_by_byte(
    struct order_row *out, const struct order_row *in, size_t n, int shift)
{
	size_t at[256] = { 0 }, sum = 0, count;

	for (size_t i = 0; i < n; i++)
		at[in[i].key >> shift & 0xff]++;
	for (size_t i = 0; i < 256; i++) {
		count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		out[at[in[i].key >> shift & 0xff]++] = in[i];
}

/* A pass for each byte in which keys differ at all, the last one first: ranks
 * are small numbers, so those are few. */
bool
order_by_key(struct order_row *rows, size_t n)
{
	struct order_row *from = rows, *to, *spare, *swap;
	bool is_sorted;
	uint64_t differ = find_difference(rows, n, &is_sorted);

	if (is_sorted)
		return true;
	spare = calloc(n, sizeof(*spare));
	if (spare == NULL)
		return false;
	to = spare;
	for (int shift = 0; shift < 64; shift += 8) {
		if ((differ >> shift & 0xff) == 0)
			continue;
		sort_by_byte(to, from, n, shift);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != rows)
		memcpy(rows, from, n * sizeof(*rows));
	free(spare);
	return true;
}

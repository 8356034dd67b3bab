/* SPDX-License-Identifier: Apache-2.0 */
#include "core/distance.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define NAME_MAX_LEN 64

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
name_distance(const char *a, const char *b)
{
	unsigned row[3][NAME_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return UINT_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;

			now[j] = least(up[j] + 1, now[j - 1] + 1);
			now[j] = least(now[j], up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], up2[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

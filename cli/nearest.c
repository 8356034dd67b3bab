/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include <limits.h>
#include <string.h>

#include "core/distance.h"

void
nearest_init(struct nearest *n, const char *wanted)
{
	*n = (struct nearest){ .wanted = wanted, .distance = UINT_MAX };
}

void
nearest_offer(struct nearest *n, const char *name)
{
	size_t len = strlen(n->wanted);
	unsigned d = name_distance(n->wanted, name);

	/* A beginning of the name is as good as one slip; where half of it is
	 * another, it was not meant. */
	if (len >= 2 && strncmp(n->wanted, name, len) == 0)
		d = d < 1 ? d : 1;
	else if (len <= 2 * (size_t)d)
		return;
	if (d <= 1 + len / 4 && d < len && d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}

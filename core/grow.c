/* SPDX-License-Identifier: Apache-2.0 */
#include "core/grow.h"

#include <stdint.h>
#include <stdlib.h>

#define ELEMENTS_MIN ((size_t)8)

bool
grow(void **p, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? ELEMENTS_MIN : *cap + *cap / 2;
	void *v;

	if (n < *cap)
		return true;
	if (want <= *cap || (v = reallocarray(*p, want, size)) == NULL)
		return false;
	*p = v;
	*cap = want;
	return true;
}

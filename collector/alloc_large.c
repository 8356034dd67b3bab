/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alloc_large.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 * 1024 * 1024)
#define LINE      ((size_t)64)
/* From so much on, memory is mapped, and resident only where it is touched. */
#define MAPPED_MIN ((size_t)128 * 1024)

static size_t
round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* A mapping one large page longer, of which the aligned part stays. */
static void *
map_huge(size_t size)
{
	size_t whole = size + HUGE_PAGE, head;
	char *p = mmap(NULL, whole, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	head = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
	if (head != 0)
		(void)munmap(p, head);
	(void)munmap(p + head + size, whole - head - size);
	(void)madvise(p + head, size, MADV_HUGEPAGE);
	return p + head;
}

static size_t
mapped_size(size_t size)
{
	return size >= HUGE_PAGE ? round_up(size, HUGE_PAGE) : size;
}

void *
alloc_large(size_t size)
{
	void *p;

	if (size >= HUGE_PAGE)
		return map_huge(mapped_size(size));
	if (size >= MAPPED_MIN) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return p != MAP_FAILED ? p : NULL;
	}
	p = aligned_alloc(LINE, round_up(size, LINE));
	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void
free_large(void *p, size_t size)
{
	if (p != NULL && size >= MAPPED_MIN)
		(void)munmap(p, mapped_size(size));
	else
		free(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Let go of what of an object is not written to, not even by relocation. */
static int
forget_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t from, to;

		if (h->p_type != PT_LOAD || h->p_flags & PF_W)
			continue;
		from = (info->dlpi_addr + h->p_vaddr + page - 1) & ~(page - 1);
		to = (info->dlpi_addr + h->p_vaddr + h->p_memsz) & ~(page - 1);
		if (from < to)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
footprint_trim(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)malloc_trim(0);
	(void)dl_iterate_phdr(forget_code, &page);
}

void
footprint_reduce(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	footprint_trim();
}

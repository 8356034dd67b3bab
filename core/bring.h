/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring: ask for a line of the cache before it is needed.
 */
#ifndef CORE_BRING_H
#define CORE_BRING_H

/*
 * GCC takes a function that does nothing but ask for lines for one without
 * effect, and leaves out the calls of it that it does not inline. To it the
 * empty statement is an effect.
 */
static inline void
bring_line(const void *p)
{
	__builtin_prefetch(p);
	__asm__ volatile("");
}

/*
 * The same for what will be written: it is taken from the core that had it. A
 * processor that does not know the instruction passes over it.
 */
static inline void
bring_line_to_write(void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
	__asm__ volatile("");
#endif
}

#endif

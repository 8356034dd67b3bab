/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_alloc: malloc and its like, which fail on demand.
 *
 * The C library and the sanitizers both allow to be replaced, and both keep
 * what they do under a name of their own. This file itself is compiled without
 * sanitizers: it is called before they are ready.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/fault.h"

/* The sanitizer's where there is one, else the C library's. */
#define REAL(name)                                                             \
	(__interceptor_##name != NULL ? __interceptor_##name : __libc_##name)
#define REAL_IS(type, name, params)                                            \
	type __interceptor_##name params __attribute__((weak));                \
	type __libc_##name params

REAL_IS(void *, malloc, (size_t size));
REAL_IS(void *, calloc, (size_t n, size_t size));
REAL_IS(void *, realloc, (void *p, size_t size));

#define FRAMES 96 /* of a path; what lies further out is left off */

struct fault_state *fault_state;

static void
fire(struct fault_state *s)
{
	void *frames[32];

	if (atomic_fetch_add(&s->fired, 1) == 0 && s->trace)
		backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
}

static _Thread_local unsigned exempt;

/* The calls that led here, as one number: the same in every child, for they
 * are forks of one process, whoever there asked for them. */
static uint64_t
path_here(const struct fault_state *s)
{
	void *frames[FRAMES];
	uint64_t hash = 14695981039346656037u;
	int depth;

	exempt++; /* the unwinder allocates, too */
	depth = backtrace(frames, FRAMES);
	exempt--;
	for (int i = 2; i < depth && frames[i] != s->outer; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211u;
	return hash;
}

/* Note by what path the nth call came; that which shall fail is the first by
 * the path that is looked for. */
static void
record(struct fault_state *s, uint64_t n)
{
	unsigned long long none = 0;
	uint64_t path;

	if (n > s->paths_max &&
	    (s->path == 0 || n < s->path_from || atomic_load(&s->nth) != 0))
		return;
	path = path_here(s);
	if (n <= s->paths_max)
		s->paths[n - 1] = path;
	if (s->path != 0 && path == s->path)
		(void)atomic_compare_exchange_strong(&s->nth, &none, n);
}

bool
fault_hits(enum fault_kind kind)
{
	struct fault_state *s = fault_state;
	uint64_t n, nth;

	if (s == NULL || !atomic_load(&s->armed) || s->kind != kind)
		return false;
	n = atomic_fetch_add(&s->count, 1) + 1;
	record(s, n);
	nth = atomic_load(&s->nth);
	if (nth == 0 || n < nth || (n > nth && !s->forever))
		return false;
	fire(s);
	return true;
}

/* A sanitizer asks for it in each new thread, and dies without an answer. */
int
pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	static int (*next)(pthread_t, pthread_attr_t *);
	int rc;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_getattr_np");
	exempt++;
	rc = next(thread, attr);
	exempt--;
	return rc;
}

static bool
fails(void)
{
	if (exempt != 0 || !fault_hits(FAULT_ALLOC))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : REAL(malloc)(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : REAL(calloc)(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails() ? NULL : REAL(realloc)(p, size);
}

/* A sanitizer's own ones of these would not come by here. */
void *
reallocarray(void *p, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, n == 0 || size == 0 ? 1 : n * size);
}

char *
strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
strdup(const char *s)
{
	return strndup(s, strlen(s));
}

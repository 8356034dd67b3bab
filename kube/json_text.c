/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "out of memory";

/* Has jansson been refused memory, on this thread, since that was asked? */
static _Thread_local bool was_refused;

static void *
allocate(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		was_refused = true;
	return p;
}

/* Before main, for jansson must not change its mind later. */
__attribute__((constructor)) static void
install(void)
{
	json_set_alloc_funcs(allocate, free);
}

json_t *
json_text_read(const char *text, size_t len, size_t flags, json_error_t *why)
{
	json_t *j;

	was_refused = false;
	j = json_loadb(text, len, flags, why);
	if (!was_refused)
		return j;
	json_decref(j); /* a token of it may lack a character */
	(void)snprintf(why->text, sizeof(why->text), "%s", no_memory);
	return NULL;
}

enum rf_status
json_text_status(const json_error_t *why)
{
	return strcmp(why->text, no_memory) == 0 ? RF_NOMEM : RF_CORRUPT;
}

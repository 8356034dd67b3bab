/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_value: any bytes as YAML or JSON; what is read must hold together. And
 * as one JSON value, of which both readers of those must say the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/value.h"
#include "tests/support/json_agree.h"

#define DEPTH_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_notice(void *arg, uint32_t line, const char *text)
{
	(void)arg;
	if (line == 0 || *text == '\0')
		abort();
}

static void
check_value(const struct value *v, unsigned depth)
{
	if (v == NULL || depth > DEPTH_MAX + 1 || v->line == 0)
		abort();
	if (v->kind == VALUE_STRING && v->text[v->text_len] != '\0')
		abort();
	for (size_t i = 0; v->kind == VALUE_LIST && i < v->n; i++)
		check_value(v->items[i], depth + 1);
	for (size_t i = 0; v->kind == VALUE_MAP && i < v->n; i++) {
		if (value_get(v, v->pairs[i].key) != v->pairs[i].value)
			abort();
		check_value(v->pairs[i].value, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value_docs docs;
	struct rf_error err = { 0 };
	struct arena arena;

	if (!json_agree((const char *)data, size, NULL))
		abort();
	arena_init(&arena, 0);
	if (value_read(&docs, &arena, (const char *)data, size, check_notice,
		NULL, &err) == RF_OK) {
		for (size_t i = 0; i < docs.n; i++)
			check_value(docs.docs[i], 1);
	} else if (err.msg[0] == '\0' || strchr(err.msg, '\n') != NULL) {
		abort();
	}
	arena_release(&arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report/kustomization.h"

#include <string.h>

#include "core/strbuf.h"
#include "policy/write.h"

#define TEXT_MAX ((size_t)1 << 30)

static bool
is_yaml_file(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

const char *
kustomization_text(struct arena *arena, const char *const *names, size_t n)
{
	struct strbuf text;
	const char *kept;

	strbuf_init(&text, TEXT_MAX);
	strbuf_puts(&text,
	    "apiVersion: kustomize.config.k8s.io/v1beta1\n"
	    "kind: Kustomization\n"
	    "# in rollout order\n"
	    "sortOptions:\n  order: fifo\n"
	    "resources:\n");
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(&text, "- ");
		if (is_yaml_file(names[i])) /* a string for every reader */
			strbuf_puts(&text, names[i]);
		else /* a namespace, which may be 012 */
			policy_write_text(&text, names[i]);
		strbuf_putc(&text, '\n');
	}
	kept = strbuf_failed(&text) ? NULL
				    : arena_strdup(arena, strbuf_str(&text));
	strbuf_release(&text);
	return kept;
}

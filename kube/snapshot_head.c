/* SPDX-License-Identifier: Apache-2.0 */
/* What people give for a snapshot that is none, told by how it begins. */
#include <string.h>

#include "kube/snapshot_internal.h"

#define UTF8_MARK "\xef\xbb\xbf" /* a byte order mark */

static const struct {
	const char *begin;
	const char *what;
} heads[] = {
	{ "\x1f\x8b", "gzip-compressed; unpack it first (gzip -d)" },
	{ "\xff\xfe",
	    "UTF-16, as PowerShell's > writes it; save it as UTF-8 "
	    "(kubectl ... | Out-File -Encoding utf8)" },
	{ "\xfe\xff", "UTF-16; save it as UTF-8" },
	{ "\xd4\xc3\xb2\xa1", "a capture; those are given with -r" },
	{ "\xa1\xb2\xc3\xd4", "a capture; those are given with -r" },
	{ "\x4d\x3c\xb2\xa1", "a capture; those are given with -r" },
	{ "\xa1\xb2\x3c\x4d", "a capture; those are given with -r" },
	{ "\x0a\x0d\x0d\x0a", "a capture; those are given with -r" },
	{ "SQLite format 3", "a database; those are given with --db" },
	{ "[",
	    "an array; give the List around it, as kubectl get ... -o json "
	    "prints it" },
	{ "apiVersion:", "YAML; give what kubectl get ... -o json prints" },
	{ "kind:", "YAML; give what kubectl get ... -o json prints" },
	{ "---", "YAML; give what kubectl get ... -o json prints" },
	{ "- ", "YAML; give what kubectl get ... -o json prints" },
	{ "NAME", "a table for people; let kubectl print it with -o json" },
	{ "Error", "what kubectl says when it fails" },
	{ "error", "what kubectl says when it fails" },
	{ "Unable to", "what kubectl says when it fails" },
};

const char *
snapshot_head_explain(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t len = strlen(heads[i].begin);

		if (n >= len && memcmp(text, heads[i].begin, len) == 0)
			return heads[i].what;
	}
	return NULL;
}

size_t
snapshot_head_mark(const char *text, size_t n)
{
	size_t len = strlen(UTF8_MARK);

	return n >= len && memcmp(text, UTF8_MARK, len) == 0 ? len : 0;
}

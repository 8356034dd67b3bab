/* SPDX-License-Identifier: Apache-2.0 */
#include "report/policy_stream.h"

#include "core/strbuf.h"
#include "policy/write.h"

#define TEXT_MAX ((size_t)1 << 30)

enum rf_status
policy_stream_print(
    FILE *out, const struct recommendation *r, struct rf_error *err)
{
	enum rf_status st = RF_OK;
	struct strbuf text;

	strbuf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < r->n_files && st == RF_OK; i++) {
		strbuf_clear(&text);
		st = policy_write(
		    &text, &r->set.policies[r->files[i].policy], err);
		if (st == RF_OK && i > 0)
			fputs("---\n", out);
		if (st == RF_OK)
			fputs(strbuf_str(&text), out);
	}
	strbuf_release(&text);
	return st;
}

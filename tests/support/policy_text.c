/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/policy_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "policy/read.h"

struct policy_set
policy_text_read(
    struct arena *arena, const char *ns, const char *file, const char *text)
{
	struct policy_reader *r;
	struct policy_set set;

	assert_int_equal(policy_reader_new(&r, arena, ns, NULL), RF_OK);
	assert_int_equal(
	    policy_reader_text(r, file, text, strlen(text), NULL), RF_OK);
	assert_int_equal(policy_reader_finish(r, &set, NULL), RF_OK);
	assert_int_equal(policy_reader_refusals(r), 0);
	policy_reader_free(r);
	return set;
}

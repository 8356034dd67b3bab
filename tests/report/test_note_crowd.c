/* SPDX-License-Identifier: Apache-2.0 */
/* A scan is a number, what stands alone and what must be decided is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/edge.h"
#include "report/note_crowd.h"

#define MANY 500

static struct endpoint ends[MANY];
static struct edge edges[MANY];
static struct recommend_note notes[MANY];

/* Edge i: of a source that is nobody, or workload i % 100, to workload 7. */
static void
make(size_t i, bool from_outside, enum recommend_note_kind kind,
    const char *reason)
{
	static const struct endpoint server = { .type = ENDPOINT_WORKLOAD,
		.workload = 7 };

	ends[i] = (struct endpoint){
		.type = from_outside ? ENDPOINT_EXTERNAL : ENDPOINT_WORKLOAD,
		.workload = from_outside ? FLOW_NONE : (uint32_t)(i % 100),
	};
	edges[i] = (struct edge){
		.src = &ends[i], .dst = &server, .port = (uint16_t)i
	};
	notes[i] = (struct recommend_note){
		.kind = kind, .reason = reason, .edge = &edges[i], .text = ""
	};
}

/* How many are shown of all notes, and how many are told to be more. */
static size_t
shown(size_t n, size_t *more)
{
	struct recommendation r = { .notes = notes, .n_notes = n };
	struct note_crowd c;
	struct rf_error err;
	size_t count = 0, told;

	*more = 0;
	assert_int_equal(note_crowd_init(&c, &r, &err), RF_OK);
	for (size_t i = 0; i < n; i++) {
		count += note_crowd_shows(&c, &notes[i], &told);
		*more += told;
	}
	note_crowd_release(&c);
	return count;
}

static void
test_scan(void **state)
{
	size_t more;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		make(i, i % 5 != 0, NOTE_EXCLUDED, "unanswered");
	/* 400 from outside, 100 of 20 workloads, 5 ports each */
	assert_int_equal(shown(MANY, &more), NOTE_CROWD_SHOWN + 100);
	assert_int_equal(more, 400 - NOTE_CROWD_SHOWN);
}

static void
test_reasons(void **state)
{
	size_t more;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		make(i, true, NOTE_EXCLUDED,
		    i % 2 == 0 ? "unanswered" : "refused");
	assert_int_equal(shown(MANY, &more), 2 * NOTE_CROWD_SHOWN);
	assert_int_equal(more, MANY - 2 * NOTE_CROWD_SHOWN);
	/* No more than are shown: no word of others. */
	assert_int_equal(
	    shown(2 * NOTE_CROWD_SHOWN, &more), 2 * NOTE_CROWD_SHOWN);
	assert_int_equal(more, 0);
}

static void
test_decisions(void **state)
{
	size_t more;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		make(i, true, NOTE_DECISION, "unknown-address");
	assert_int_equal(shown(MANY, &more), MANY);
	for (size_t i = 0; i < MANY; i++) {
		make(i, true, NOTE_EXCLUDED, "left-out");
		notes[i].edge = NULL;
	}
	assert_int_equal(shown(MANY, &more), MANY);
	assert_int_equal(more, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_decisions),
	};

	return cmocka_run_group_tests_name("note_crowd", tests, NULL, NULL);
}

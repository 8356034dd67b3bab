/* SPDX-License-Identifier: Apache-2.0 */
/* From objects to a table's times, and from the table to a cluster. */
#include <stdlib.h>

#include "core/rfc3339.h"
#include "kube/client_resource.h"
#include "kube/live_table.h"
#include "kube/snapshot_internal.h"

#define SECOND_US INT64_C(1000000)

/* When an object was last written, in whole seconds, as managedFields tell, or
 * TIME_NONE. */
static int64_t
written_us(const json_t *object)
{
	const json_t *list = json_object_get(
	    json_object_get(object, "metadata"), "managedFields");
	int64_t latest = TIME_NONE;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(
		    json_object_get(json_array_get(list, i), "time"));
		int64_t us;

		if (text != NULL && rfc3339_parse(&us, text) && us > latest)
			latest = us;
	}
	return latest;
}

struct live_time
live_time_of(const json_t *object, int64_t known_us, int64_t now_us)
{
	struct live_time t = { known_us, now_us };
	int64_t us = written_us(object);

	if (us == TIME_NONE || us > now_us) /* clocks differ */
		return t;
	if (known_us == now_us) /* an event: this is what was written */
		t.known_us = us;
	if (us + SECOND_US > t.known_us && us + SECOND_US < now_us)
		t.now_us = us + SECOND_US;
	return t;
}

static enum rf_status
take(struct snapshot_builder *sb, const struct live_object *o,
    struct rf_error *err)
{
	const struct snapshot_item item = {
		.file = client_resources[o->resource].name,
		.line = 1,
		.is_deleted_event = o->gone_us != 0,
		.since_us = o->since_us,
		.gone_us = o->gone_us,
	};

	return snapshot_take_text(sb, item, o->text, o->len, err);
}

/* Those that are gone first: a name that came back is the newer one's. */
enum rf_status
live_table_build(const struct live_table *t, struct cluster **out,
    uint64_t *bytes, struct rf_error *err)
{
	struct live_object **sorted = live_table_sorted(t);
	struct snapshot_builder *sb = NULL;
	enum rf_status st = snapshot_builder_new(&sb, err);

	*bytes = 0;
	if (sorted == NULL && st == RF_OK)
		st = rf_fail(err, RF_NOMEM, "live cluster: out of memory");
	for (const struct live_object *o = t->gone; st == RF_OK && o != NULL;
	     o = o->next) {
		st = take(sb, o, err);
		*bytes += o->len;
	}
	for (size_t i = 0; st == RF_OK && sorted != NULL && i < t->n; i++) {
		st = take(sb, sorted[i], err);
		*bytes += sorted[i]->len;
	}
	if (st == RF_OK)
		st = snapshot_finish(sb, out, NULL, err);
	snapshot_builder_free(sb);
	free(sorted);
	return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invented worlds, in which pods start late, are relabelled, restart, die and
 * hand their addresses on, while a watch is late or interrupted: no flow is
 * ever another pod's, and none is unknown where it could be known.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/daemon.h"
#include "collector/decode.h"
#include "core/hash.h"
#include "kube/address.h"
#include "kube/live_prune.h"
#include "kube/live_table.h"
#include "kube/snapshot.h"
#include "tests/support/frame_builder.h"
#include "tests/support/pod_world.h"
#include "tests/support/stored.h"

#define PORT_MIN 1000
#define SERVER   "203.0.113.7"
#define WORLDS   3

enum { FIN = 1, SYN = 2, ACK = 16, SYNACK = 18 };

struct world {
	struct pod_world truth;
	bool has_labels; /* of then, not just the last ones */
	struct live_pruner pruner;
	struct live_table table;
	uint64_t mark;
	struct cluster *clusters[400];
	size_t newest;
	int64_t known_us;
	struct daemon *d;
	struct store *store;
	char db[64];
};

static const struct cluster *
current(void *arg, uint64_t *generation)
{
	struct world *w = arg;

	*generation = w->newest;
	return w->clusters[w->newest];
}

static void
release(void *arg, const struct cluster *c)
{
	(void)arg;
	(void)c;
}

static int64_t
known(void *arg)
{
	const struct world *w = arg;

	return w->known_us;
}

static void
put(struct world *w, unsigned pod, int64_t at_us, int64_t known_us,
    int64_t now_us)
{
	size_t resource = client_resource_find("pods");
	char text[2048];
	struct rf_error err;
	json_t *j, *pruned;

	pod_world_say(&w->truth, pod, at_us, true, text, sizeof(text));
	j = json_loads(text, 0, NULL);
	assert_non_null(j);
	pruned = live_prune(&w->pruner, resource, j);
	assert_non_null(pruned);
	assert_int_equal(live_table_put(&w->table, resource, pruned, w->mark,
			     live_time_of(j, known_us, now_us), &err),
	    RF_OK);
	json_decref(pruned);
	json_decref(j);
}

static void
take_away(struct world *w, unsigned pod, int64_t at_us, int64_t now_us)
{
	size_t resource = client_resource_find("pods");
	char text[2048];
	struct rf_error err;
	json_t *j, *pruned;

	pod_world_say(&w->truth, pod, at_us, true, text, sizeof(text));
	j = json_loads(text, 0, NULL);
	pruned = live_prune(&w->pruner, resource, j);
	assert_non_null(pruned);
	assert_int_equal(
	    live_table_remove(&w->table, resource, pruned, now_us, true, &err),
	    RF_OK);
	json_decref(pruned);
	json_decref(j);
}

/* Listed anew, as after 410: what nobody told is found out. */
static void
list_again(struct world *w, int64_t now_us)
{
	size_t resource = client_resource_find("pods");

	w->mark++;
	for (unsigned i = 0; i < w->truth.n_pods; i++)
		if (w->truth.pods[i].created_us <= now_us &&
		    now_us < w->truth.pods[i].deleted_us)
			put(w, i, now_us, w->truth.gap_from_us, now_us);
	(void)live_table_sweep(
	    &w->table, resource, w->mark, w->truth.gap_from_us, true);
}

static bool
is_in_gap(const struct world *w, int64_t us)
{
	return w->truth.gap_from_us <= us && us < w->truth.gap_to_us;
}

/* What is heard in the second before now_us. */
static void
hear(struct world *w, size_t *at, int64_t now_us)
{
	bool lists = is_in_gap(w, now_us - SECOND) && !is_in_gap(w, now_us);

	for (;
	     *at < w->truth.n_events && w->truth.events[*at].heard_us <= now_us;
	     ++*at) {
		const struct event *e = &w->truth.events[*at];

		if (is_in_gap(w, e->heard_us) || is_in_gap(w, e->at_us))
			continue;
		if (e->is_deletion)
			take_away(w, e->pod, e->at_us, e->heard_us);
		else
			put(w, e->pod, e->at_us, e->heard_us, e->heard_us);
	}
	if (lists)
		list_again(w, now_us);
}

static void
publish(struct world *w, int64_t now_us)
{
	struct cluster *c = NULL;
	struct rf_error err;
	uint64_t bytes;

	if (w->table.is_changed || w->newest == 0) {
		assert_int_equal(
		    live_table_build(&w->table, &c, &bytes, &err), RF_OK);
		w->clusters[++w->newest] = c;
		w->table.is_changed = false;
	}
	if (!is_in_gap(w, now_us))
		w->known_us = now_us;
}

static void
segment(struct world *w, const char *src, uint16_t sport, const char *dst,
    uint16_t dport, uint8_t flags, int64_t at_us)
{
	struct frame_segment s = { .flags = flags,
		/* No two connections begin with the same number. */
		.seq = (uint32_t)hash_mix(sport, dport) + !(flags & SYN),
		.ack = flags & ACK ? (uint32_t)hash_mix(dport, sport) + 1 : 0 };
	struct capture_frame cf;
	struct frame f;

	frame_init(&f, "", 0);
	frame_tcp(&f, sport, dport, &s);
	frame_ip(&f, src, dst);
	frame_sll2(&f, 0, 4);
	cf = (struct capture_frame){ .ts_us = at_us,
		.data = frame_bytes(&f),
		.captured = (uint32_t)frame_len(&f),
		.wire_len = (uint32_t)frame_len(&f) };
	daemon_frame(w->d, 0, DECODE_LINK_SLL2, &cf);
}

/* A short connection to a port that tells which it was. */
static void
connect(struct world *w, unsigned i)
{
	const struct truth *t = &w->truth.flows[i];
	uint16_t port = (uint16_t)(PORT_MIN + i);
	char client[32];

	(void)snprintf(
	    client, sizeof(client), "10.244.0.%u", w->truth.pods[t->pod].octet);
	segment(w, client, 40000, SERVER, port, SYN, t->at_us);
	segment(w, SERVER, port, client, 40000, SYNACK, t->at_us);
	segment(w, client, 40000, SERVER, port, FIN | ACK, t->at_us);
	segment(w, SERVER, port, client, 40000, FIN | ACK, t->at_us);
}

static void
run(struct world *w)
{
	size_t heard = 0;
	unsigned flow = 0;
	struct rf_error err;

	pod_world_sort(&w->truth, true);
	for (int64_t now_us = START; now_us < START + LASTS + 60 * SECOND;) {
		now_us += SECOND;
		for (; flow < w->truth.n_flows &&
		     w->truth.flows[flow].at_us < now_us;
		     flow++)
			connect(w, flow);
		hear(w, &heard, now_us);
		publish(w, now_us);
		daemon_step(w->d, now_us, now_us);
	}
	assert_int_equal(
	    daemon_finish(w->d, START + LASTS + 60 * SECOND, &err), RF_OK);
}

/* The pod of a flow, its role, and what the truth says of both. */
static void
check(const struct world *w, unsigned flow, const struct cluster *c,
    uint32_t pod, unsigned *n_unknown)
{
	const struct truth *t = &w->truth.flows[flow];
	char name[16];
	double at = (double)(t->at_us - START) / 1e6;

	(void)snprintf(name, sizeof(name), "p%u", t->pod);
	if (pod == FLOW_NONE) {
		++*n_unknown;
		if (t->is_sure)
			fail_msg("%s at %.3f s is unknown", name, at);
		return;
	}
	if (strcmp(c->pods[pod].name, name) != 0)
		fail_msg("%s at %.3f s is taken for %s", name, at,
		    c->pods[pod].name);
	if (w->has_labels &&
	    !pod_world_is_seen_late(&w->truth, &w->truth.pods[t->pod]) &&
	    label_get(&c->pods[pod].labels, "role")[0] !=
		pod_world_role(&w->truth.pods[t->pod], t->at_us))
		fail_msg("%s at %.3f s has another label", name, at);
}

static unsigned
look(struct world *w)
{
	unsigned n_unknown = 0, n = 0;
	struct stored s;

	stored_open(&s, w->db);
	for (size_t i = 0; i < s.flows.n_flows; i++) {
		const struct flow *f = &s.flows.flows[i];
		const struct endpoint *src = &s.flows.endpoints[f->src];

		assert_in_range(
		    f->port, PORT_MIN, PORT_MIN + w->truth.n_flows - 1);
		assert_int_equal(f->connections, 1);
		assert_true(src->type == ENDPOINT_WORKLOAD ||
		    src->type == ENDPOINT_UNKNOWN);
		check(w, f->port - PORT_MIN, s.c,
		    src->type == ENDPOINT_WORKLOAD ? src->pod : FLOW_NONE,
		    &n_unknown);
		n++;
	}
	assert_int_equal(n, w->truth.n_flows);
	stored_close(&s);
	return n_unknown;
}

static const char *const points[] = { "any" };

/* The range of the pods. */
static void
add_node(struct world *w)
{
	static const char text[] =
	    "{\"metadata\":{\"name\":\"n1\",\"uid\":\"n1\"},\"spec\":{"
	    "\"podCIDR\":\"10.244.0.0/24\"}}";
	size_t resource = client_resource_find("nodes");
	json_t *j = json_loads(text, 0, NULL), *pruned;
	struct rf_error err;

	assert_non_null(j);
	pruned = live_prune(&w->pruner, resource, j);
	assert_non_null(pruned);
	assert_int_equal(live_table_put(&w->table, resource, pruned, w->mark,
			     (struct live_time){ START, START }, &err),
	    RF_OK);
	json_decref(pruned);
	json_decref(j);
}

static void
open_world(struct world *w)
{
	struct daemon_config config = { .source = { .current = current,
					    .release = release,
					    .known_us = known,
					    .arg = w },
		.points = points,
		.n_points = 1,
		.start_us = START,
		.interval_us = 5 * SECOND,
		.window_us = 3600 * SECOND,
		.grace_us = 30 * SECOND,
		.gap_us = 20 * SECOND,
		.seed = 1,
		.legs_max = 4096,
		.synchronous = true };
	struct rf_error err;
	int fd;

	(void)snprintf(w->db, sizeof(w->db), "/tmp/test_identity.XXXXXX");
	fd = mkstemp(w->db);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(
	    store_open(&w->store, w->db, STORE_WRITE, &err), RF_OK);
	assert_true(live_pruner_init(&w->pruner));
	assert_int_equal(live_table_init(&w->table, 1, &err), RF_OK);
	add_node(w);
	publish(w, START);
	config.store = w->store;
	assert_int_equal(daemon_new(&w->d, &config, &err), RF_OK);
}

static void
close_world(struct world *w)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	daemon_free(w->d);
	store_close(w->store);
	for (size_t i = 1; i <= w->newest; i++)
		cluster_free(w->clusters[i]);
	live_pruner_release(&w->pruner);
	live_table_release(&w->table);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[80];

		(void)snprintf(path, sizeof(path), "%s%s", w->db, ends[i]);
		(void)unlink(path);
	}
	free(w);
}

static void
run_worlds(uint64_t first_seed, bool has_gap)
{
	for (uint64_t seed = first_seed; seed < first_seed + WORLDS; seed++) {
		struct world *w = calloc(1, sizeof(*w));
		unsigned n_unknown;

		assert_non_null(w);
		pod_world_invent(&w->truth, seed, has_gap);
		w->has_labels = true;
		open_world(w);
		run(w);
		n_unknown = look(w);
		print_message("world %d: %u pods, %u flows, %u unknown\n",
		    (int)seed, w->truth.n_pods, w->truth.n_flows, n_unknown);
		assert_true(n_unknown < w->truth.n_flows / 4);
		close_world(w);
	}
}

static void
test_live(void **state)
{
	(void)state;
	run_worlds(1, false);
}

static void
test_gap(void **state)
{
	(void)state;
	run_worlds(100, true);
}

/* The same worlds as kubectl prints their events, without the times at which
 * they were written, and then a List of what is there at the end. */
static struct cluster *
read_stream(struct world *w, bool with_events)
{
	struct snapshot_builder *sb = NULL;
	int64_t list_us = START + LASTS;
	struct cluster *c = NULL;
	struct rf_error err;
	char text[2048];
	FILE *f = tmpfile();

	assert_non_null(f);
	pod_world_sort(&w->truth, false);
	for (size_t i = 0; with_events && i < w->truth.n_events; i++) {
		const struct event *e = &w->truth.events[i];

		pod_world_say(
		    &w->truth, e->pod, e->at_us, false, text, sizeof(text));
		fprintf(f, "{\"type\":\"%s\",\"object\":%s}\n",
		    e->is_deletion ? "DELETED" : "MODIFIED", text);
	}
	/* Somebody always comes last and tells how late it is. */
	if (with_events)
		fputs("{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\","
		      "\"kind\":\"Pod\",\"metadata\":{\"name\":\"last\","
		      "\"namespace\":\"n\",\"creationTimestamp\":"
		      "\"2026-01-01T01:00:00Z\"}}}\n",
		    f);
	if (with_events)
		list_us = w->truth.events[w->truth.n_events - 1].at_us;
	fputs("{\"kind\":\"PodList\",\"items\":[", f);
	for (unsigned i = 0, n = 0; i < w->truth.n_pods; i++) {
		if (list_us < w->truth.pods[i].created_us ||
		    list_us >= w->truth.pods[i].deleted_us)
			continue;
		pod_world_say(&w->truth, i, list_us, false, text, sizeof(text));
		fprintf(f, "%s%s", n++ > 0 ? "," : "", text);
	}
	fputs("]}\n", f);
	rewind(f);
	assert_int_equal(snapshot_builder_new(&sb, &err), RF_OK);
	if (snapshot_read(sb, f, "world", &err) != RF_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(snapshot_finish(sb, &c, NULL, &err), RF_OK);
	snapshot_builder_free(sb);
	(void)fclose(f);
	return c;
}

static void
test_files(void **state)
{
	(void)state;
	for (uint64_t seed = 200; seed < 200 + 4 * WORLDS; seed++) {
		struct world *w = calloc(1, sizeof(*w));
		unsigned n_unknown = 0;

		assert_non_null(w);
		pod_world_invent(&w->truth, seed, false);
		for (unsigned k = 0; k < 2; k++) {
			struct cluster *c = read_stream(w, k == 0);

			w->has_labels = k == 0;
			for (unsigned i = 0; i < w->truth.n_flows; i++) {
				struct address_owner o;
				struct ip_addr ip;
				char text[32];

				(void)snprintf(text, sizeof(text),
				    "10.244.0.%u",
				    w->truth.pods[w->truth.flows[i].pod].octet);
				assert_true(ip_parse(&ip, text));
				w->truth.flows[i].is_sure = false;
				o = address_owner_at(
				    c, &ip, w->truth.flows[i].at_us);
				check(w, i, c, o.pod, &n_unknown);
			}
			cluster_free(c);
		}
		free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/soak_world.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/decode.h"
#include "core/hash.h"
#include "core/rfc3339.h"
#include "kube/client_resource.h"
#include "tests/support/frame_builder.h"
#include "tests/support/soak_internal.h"

/* Of which the first two stay all the time, with a connection. */
#define STAY      2
#define OUTSIDE   2000
#define KEEP_US   (900 * SOAK_SECOND)
#define KEEP_MAX  20000
#define LONG_PORT 999

enum { FIN = 1, SYN = 2, ACK = 16, SYNACK = 18, DATA = 24 };

static unsigned
draw(struct soak_world *w, unsigned n)
{
	w->random += UINT64_C(0x9e3779b97f4a7c15);
	return (
	    unsigned)(hash_mix(w->random, UINT64_C(0xa0761d6478bd642f)) % n);
}

static int64_t
wall_us(const struct soak_world *w)
{
	return w->true_us + w->off_us;
}

/* The daemon's source. */
static const struct cluster *
current(void *arg, uint64_t *generation)
{
	struct soak_world *w = arg;

	*generation = w->generation;
	w->clusters[w->newest].users++;
	return w->clusters[w->newest].c;
}

static void
drop(struct soak_world *w, unsigned i)
{
	if (--w->clusters[i].users > 0)
		return;
	cluster_free(w->clusters[i].c);
	w->clusters[i].c = NULL;
}

static void
release(void *arg, const struct cluster *c)
{
	struct soak_world *w = arg;

	for (unsigned i = 0; i < SOAK_CLUSTERS; i++)
		if (w->clusters[i].c == c) {
			drop(w, i);
			return;
		}
}

static int64_t
known(void *arg)
{
	const struct soak_world *w = arg;

	return w->known_us;
}

static void
publish(struct soak_world *w)
{
	struct rf_error err;
	unsigned i = 0;
	uint64_t bytes;

	(void)live_table_forget(&w->table, wall_us(w), KEEP_US, KEEP_MAX);
	w->known_us = wall_us(w);
	if (!w->table.is_changed && w->generation > 0)
		return;
	while (i < SOAK_CLUSTERS && w->clusters[i].c != NULL)
		i++;
	soak_require(i < SOAK_CLUSTERS, "clusters that nobody gives back");
	soak_require(live_table_build(
			 &w->table, &w->clusters[i].c, &bytes, &err) == RF_OK,
	    "build");
	w->clusters[i].users = 1;
	if (w->generation > 0)
		drop(w, w->newest);
	w->newest = i;
	w->generation++;
	w->table.is_changed = false;
}

static void
put(struct soak_world *w, const char *resource, const char *text, bool is_gone)
{
	size_t r = client_resource_find(resource);
	json_t *j = json_loads(text, 0, NULL), *pruned;
	int64_t now_us = wall_us(w);
	struct rf_error err;
	enum rf_status st;

	soak_require(j != NULL, "JSON");
	pruned = live_prune(&w->pruner, r, j);
	soak_require(pruned != NULL, "prune");
	st = is_gone
	    ? live_table_remove(&w->table, r, pruned, now_us, true, &err)
	    : live_table_put(&w->table, r, pruned, w->mark,
		  live_time_of(j, now_us, now_us), &err);
	soak_require(st == RF_OK, "put");
	json_decref(pruned);
	json_decref(j);
}

static void
address_of(const struct soak_world *w, unsigned workload, char *out, size_t n)
{
	(void)snprintf(out, n, "10.244.0.%u", w->pods[workload].address + 2);
}

/* The API server's clock is right, whatever the node's shows. */
static void
put_pod(struct soak_world *w, unsigned i, bool is_gone)
{
	const struct soak_pod *p = &w->pods[i];
	char at[RFC3339_STRLEN], ip[32], text[1024];

	(void)rfc3339_format(p->started_us - p->started_us % SOAK_SECOND, at);
	address_of(w, i, ip, sizeof(ip));
	(void)snprintf(text, sizeof(text),
	    "{\"metadata\":{\"name\":\"w%u-%u\",\"namespace\":\"n\",\"uid\":"
	    "\"u%u-%u\",\"creationTimestamp\":\"%s\",\"labels\":{\"app\":"
	    "\"w%u\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
	    "\"kind\":\"StatefulSet\",\"name\":\"w%u\",\"uid\":\"s%u\","
	    "\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\"},\"status\":{"
	    "\"phase\":\"Running\",\"startTime\":\"%s\",\"podIP\":\"%s\"}}",
	    i, p->serial, i, p->serial, at, i, i, i, at, ip);
	put(w, "pods", text, is_gone);
}

/* One dies, another comes, and has an address that was another's. */
static void
replace_pod(struct soak_world *w)
{
	unsigned i = STAY + draw(w, w->config.workloads - STAY);
	struct soak_pod *p = &w->pods[i];
	unsigned old = p->address;

	put_pod(w, i, true);
	p->address = w->spare[w->next_spare];
	w->spare[w->next_spare] = old;
	w->next_spare = (w->next_spare + 1) % SOAK_SPARE;
	p->serial++;
	p->started_us = w->true_us;
	put_pod(w, i, false);
}

static void
list_again(struct soak_world *w)
{
	w->mark++;
	for (unsigned i = 0; i < w->config.workloads; i++)
		put_pod(w, i, false);
	(void)live_table_sweep(
	    &w->table, client_resource_find("pods"), w->mark, wall_us(w), true);
}

struct ends {
	char client[32], server[32];
	uint16_t client_port, server_port;
	uint32_t isn;
};

static void
segment(struct soak_world *w, const struct ends *e, bool from_server,
    uint8_t flags, int64_t at_us)
{
	struct frame_segment s = { .flags = flags,
		.seq = e->isn + (from_server ? 77 : 0) + !(flags & SYN),
		.ack = flags & ACK ? e->isn + (from_server ? 1 : 78) : 0 };
	struct capture_frame cf;
	struct frame f;

	frame_init(&f, "hello", flags == DATA ? 5 : 0);
	frame_tcp(&f, from_server ? e->server_port : e->client_port,
	    from_server ? e->client_port : e->server_port, &s);
	frame_ip(&f, from_server ? e->server : e->client,
	    from_server ? e->client : e->server);
	frame_sll2(&f, 0, 4);
	cf = (struct capture_frame){ .ts_us = at_us,
		.data = frame_bytes(&f),
		.captured = (uint32_t)frame_len(&f),
		.wire_len = (uint32_t)frame_len(&f) };
	daemon_frame(w->d, 0, DECODE_LINK_SLL2, &cf);
}

static void
note(struct soak_world *w, unsigned src, unsigned dst, int64_t at_us)
{
	if (w->n_truth == w->max_truth) {
		w->max_truth = w->max_truth * 2 + 1024;
		w->truth = realloc(w->truth, w->max_truth * sizeof(*w->truth));
		soak_require(w->truth != NULL, "memory");
	}
	w->truth[w->n_truth++] =
	    (struct soak_truth){ at_us - at_us % SOAK_WINDOW, src, dst };
}

static void
ends_of(struct soak_world *w, unsigned src, unsigned dst, struct ends *e)
{
	uint64_t n = w->n_connections++;

	address_of(w, src, e->client, sizeof(e->client));
	if (dst < w->config.workloads)
		address_of(w, dst, e->server, sizeof(e->server));
	else
		(void)snprintf(e->server, sizeof(e->server), "203.0.%u.%u",
		    draw(w, OUTSIDE) / 250, draw(w, 250) + 1);
	e->client_port = (uint16_t)(1024 + n % 60000);
	e->server_port = (uint16_t)(8000 + dst);
	e->isn = (uint32_t)hash_mix(n, w->random | 1);
}

/* Short, from a workload to another, or outside. */
static void
connect(struct soak_world *w, int64_t at_us)
{
	unsigned n = w->config.workloads, src = draw(w, n);
	unsigned dst = draw(w, 8) == 0 ? n : (src + 1 + draw(w, n - 1)) % n;
	struct ends e;

	ends_of(w, src, dst, &e);
	segment(w, &e, false, SYN, at_us);
	segment(w, &e, true, SYNACK, at_us + 100);
	segment(w, &e, false, FIN | ACK, at_us + 200);
	segment(w, &e, true, FIN | ACK, at_us + 300);
	note(w, src, dst, at_us);
}

/* That of the two that stay: opened once, and now and then there is data. */
static void
speak(struct soak_world *w)
{
	struct ends e = {
		.client_port = LONG_PORT, .server_port = LONG_PORT, .isn = 1
	};

	address_of(w, 0, e.client, sizeof(e.client));
	address_of(w, 1, e.server, sizeof(e.server));
	if (w->n_steps > 0) {
		segment(w, &e, false, DATA, wall_us(w));
		return;
	}
	segment(w, &e, false, SYN, wall_us(w));
	segment(w, &e, true, SYNACK, wall_us(w));
	note(w, 0, 1, wall_us(w));
}

static void
step(struct soak_world *w, bool is_quiet)
{
	const struct soak_config *c = &w->config;
	int64_t from_us = wall_us(w);

	w->true_us += c->step_us;
	daemon_clock(w->d, wall_us(w), w->true_us);
	speak(w);
	for (unsigned i = 0; !is_quiet && i < c->connections; i++)
		connect(w,
		    from_us +
			c->step_us * (int64_t)(i + 1) /
			    (int64_t)(c->connections + 1));
	w->n_steps++;
	/* By a wrong clock nobody can tell whose an address was: only pods
	 * that have been there for long are asked then. */
	if (w->off_us == 0 && w->n_steps % c->steps_per_pod == 0)
		replace_pod(w);
	if (w->n_steps % c->steps_per_list == 0)
		list_again(w);
	publish(w);
	daemon_step(w->d, wall_us(w), w->true_us);
}

void
soak_pass(struct soak_world *w, int64_t us)
{
	for (int64_t end_us = w->true_us + us; w->true_us < end_us;)
		step(w, false);
}

void
soak_set_clock(struct soak_world *w, int64_t by_us)
{
	/* What is not told yet would be dated by the new clock. */
	for (int i = 0; i < 3; i++)
		step(w, true);
	w->off_us += by_us;
}

void
soak_stray(struct soak_world *w, int64_t off_us)
{
	struct ends e;

	ends_of(w, 0, 1, &e);
	segment(w, &e, false, SYN, wall_us(w) + off_us);
	segment(w, &e, true, SYNACK, wall_us(w) + off_us);
	segment(w, &e, false, FIN | ACK, wall_us(w) + off_us);
	segment(w, &e, true, FIN | ACK, wall_us(w) + off_us);
	note(w, 0, 1, wall_us(w));
}

static void
start(struct soak_world *w)
{
	static const char *const points[] = { "any" };
	struct daemon_config config = {
		.store = w->store,
		.source = { .current = current,
		    .release = release,
		    .known_us = known,
		    .arg = w },
		.node = "n1",
		.points = points,
		.n_points = 1,
		.start_us = SOAK_START,
		.interval_us = w->config.interval_us,
		.window_us = SOAK_WINDOW,
		.retain_us = w->config.retain_us,
		.grace_us = 30 * SOAK_SECOND,
		.gap_us = 300 * SOAK_SECOND,
		.seed = 1,
		.legs_max = 8192,
		.flows_max = 4096,
		.synchronous = true,
	};
	struct rf_error err;

	put(w, "nodes",
	    "{\"metadata\":{\"name\":\"n1\",\"uid\":\"n1\"},\"spec\":{"
	    "\"podCIDR\":\"10.244.0.0/24\"}}",
	    false);
	for (unsigned i = 0; i < w->config.workloads; i++) {
		w->pods[i] =
		    (struct soak_pod){ 0, i, SOAK_START - 86400 * SOAK_SECOND };
		put_pod(w, i, false);
	}
	for (unsigned i = 0; i < SOAK_SPARE; i++)
		w->spare[i] = w->config.workloads + i;
	publish(w);
	soak_require(daemon_new(&w->d, &config, &err) == RF_OK, "daemon");
	daemon_step(w->d, SOAK_START, SOAK_START);
}

struct soak_world *
soak_new(const struct soak_config *config, const char *path)
{
	struct soak_world *w = calloc(1, sizeof(*w));
	struct rf_error err;

	soak_require(w != NULL, "memory");
	soak_require(
	    config->workloads > STAY && config->workloads <= SOAK_WORKLOADS,
	    "workloads");
	w->config = *config;
	w->true_us = SOAK_START;
	w->random = 1;
	(void)snprintf(w->path, sizeof(w->path), "%s", path);
	soak_require(live_pruner_init(&w->pruner) &&
		live_table_init(&w->table, 1, &err) == RF_OK,
	    "table");
	soak_require(
	    store_open(&w->store, path, STORE_WRITE, &err) == RF_OK, "store");
	start(w);
	return w;
}

void
soak_finish(struct soak_world *w)
{
	struct rf_error err;

	soak_require(daemon_finish(w->d, wall_us(w), &err) == RF_OK, "finish");
}

void
soak_free(struct soak_world *w)
{
	daemon_free(w->d);
	store_close(w->store);
	drop(w, w->newest);
	for (unsigned i = 0; i < SOAK_CLUSTERS; i++)
		soak_require(w->clusters[i].c == NULL, "a cluster is in use");
	live_pruner_release(&w->pruner);
	live_table_release(&w->table);
	free(w->truth);
	free(w);
}

static uint64_t
file_bytes(const char *path, const char *end)
{
	char name[300];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s%s", path, end);
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void
soak_measure(struct soak_world *w, struct soak_cost *out)
{
	struct mallinfo2 m = mallinfo2();
	struct daemon_stats s;

	daemon_stats(w->d, &s);
	*out = (struct soak_cost){ .steps = store_work(w->store),
		.flushes = s.flushes - w->before.flushes,
		.rows = s.flush_rows - w->before.flush_rows,
		.legs = s.legs,
		.objects = w->table.n + w->table.n_gone,
		.database_bytes = file_bytes(w->path, ""),
		.log_bytes = file_bytes(w->path, "-wal"),
		.flush_us = s.flush_us };
	/* Not what is noted here. */
	if (m.uordblks > 0)
		out->malloc_bytes =
		    m.uordblks + m.hblkhd - w->max_truth * sizeof(*w->truth);
	w->before = s;
}

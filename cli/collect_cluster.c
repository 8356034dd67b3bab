/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collect_cluster.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "collector/live.h"
#include "core/log.h"
#include "kube/live_view.h"

#define SECOND     INT64_C(1000000)
#define STEP_MS    500
#define TICK_NS    100000000L
#define WAIT_TICKS 300 /* half a minute */
/* From then on the first cluster may lack what only groups pods. */
#define PATIENCE_US (25 * SECOND)
/* No more of the time than a 50th goes into making clusters. */
#define PUBLISH_SHARE 50
/* Clocks that agree; the server tells seconds. */
#define AGREE_US (5 * SECOND)

struct collect_cluster {
	struct cluster_connection connection;
	struct live_view *view;
	struct cluster *known; /* of the database; NULL: was not needed */
	const char *node;      /* NULL: pods of all nodes */
	pthread_t thread;
	bool is_running;
	atomic_bool must_stop, is_published, is_complete;
	atomic_llong ahead_us; /* the server's clock, of this node's */
	/* The thread's own: what was said already. */
	char problems[CLIENT_RESOURCE_COUNT][512];
	uint64_t refused;
	bool is_off; /* one of the clocks */
};

static int64_t
monotonic_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

static enum rf_status
check_plugin(
    const struct kubeconfig *kc, bool is_confined, struct rf_error *err)
{
	if (kc->exec.command == NULL || !is_confined)
		return RF_OK;
	return rf_fail(err, RF_INVAL,
	    "context %s: the user's credentials come from the program %s, "
	    "which cannot run once system calls are confined; use a token or "
	    "a certificate, or --no-seccomp",
	    kc->context, kc->exec.command);
}

enum rf_status
collect_cluster_open(struct collect_cluster **out,
    const struct collect_cluster_options *o, const char *node, bool is_confined,
    struct rf_error *err)
{
	struct collect_cluster *cc = calloc(1, sizeof(*cc));
	struct live_view_config config = { 0 };
	enum rf_status st;

	if (cc == NULL)
		return rf_fail(err, RF_NOMEM, "out of memory");
	if (o->watch == WATCH_NODE)
		cc->node = node;
	config.node = cc->node;
	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = (uint64_t)getpid();
	st = cluster_connect(&cc->connection, &o->connection, err);
	if (st == RF_OK)
		st = check_plugin(cc->connection.config, is_confined, err);
	if (st == RF_OK)
		st = live_view_new(
		    &cc->view, cc->connection.client, &config, err);
	if (st != RF_OK) {
		collect_cluster_close(cc);
		return st;
	}
	*out = cc;
	return RF_OK;
}

/* But for numbers: times in a message are no news. */
static bool
is_same_text(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	for (;;) {
		a += strspn(a, digits);
		b += strspn(b, digits);
		if (*a != *b || *a == '\0')
			return *a == *b;
		a++;
		b++;
	}
}

/* Say once what changed for the worse or the better. */
static void
tell_problems(struct collect_cluster *cc)
{
	struct live_view_stats stats;
	struct live_view_watch w;

	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		live_view_watch(cc->view, i, &w);
		if (is_same_text(cc->problems[i], w.problem))
			continue;
		(void)snprintf(
		    cc->problems[i], sizeof(cc->problems[i]), "%s", w.problem);
		if (w.problem[0] != '\0')
			log_warn("cluster", "%s", w.problem);
		else
			log_warn("cluster", "%s: well again", w.resource);
	}
	live_view_stats(cc->view, &stats);
	if (cc->refused == 0 && stats.refused != 0)
		log_warn("cluster", "left out, and so are others like it: %s",
		    stats.refusal);
	cc->refused = stats.refused;
}

/* Who had an address is told by the server's clock, when it spoke by ours. */
static void
tell_clock(struct collect_cluster *cc)
{
	int64_t ahead_us = client_ahead_us(cc->connection.client);
	bool is_off = ahead_us > AGREE_US || ahead_us < -AGREE_US;

	atomic_store(&cc->ahead_us, ahead_us);
	if (is_off == cc->is_off)
		return;
	cc->is_off = is_off;
	if (!is_off)
		log_warn("cluster",
		    "the API server's clock and ours agree "
		    "again");
	else
		log_warn("cluster",
		    "the API server's clock is %" PRId64
		    " s %s this node's: connections may be taken for those of "
		    "who had an address before or later, or of nobody",
		    (ahead_us < 0 ? -ahead_us : ahead_us) / SECOND,
		    ahead_us < 0 ? "behind" : "ahead of");
}

static bool
is_listed(struct collect_cluster *cc, const char *resource, bool may_lack)
{
	struct live_view_watch w;

	live_view_watch(cc->view, client_resource_find(resource), &w);
	return w.is_synced || (may_lack && w.is_excluded);
}

/*
 * Would addresses be resolved rightly? A cluster without pods would call all
 * of them external, so that one stays out, however long it takes.
 */
static bool
is_usable(struct collect_cluster *cc, bool is_patient)
{
	if (!is_listed(cc, "pods", false))
		return false;
	if (is_patient)
		return live_view_is_synced(cc->view);
	return is_listed(cc, "services", true) &&
	    is_listed(cc, "nodes", true) && is_listed(cc, "namespaces", true);
}

/* Returns when the next one may be published. */
static int64_t
publish(struct collect_cluster *cc)
{
	int64_t took_us = monotonic_us(), now_us;
	struct rf_error err;
	bool is_synced = live_view_is_synced(cc->view);

	if (live_view_publish(cc->view, &err) == RF_OK) {
		atomic_store(&cc->is_published, true);
		atomic_store(&cc->is_complete, is_synced);
	} else
		log_warn(
		    "cluster", "%s; the objects stay as they were", err.msg);
	now_us = monotonic_us();
	took_us = now_us - took_us;
	return now_us + SECOND + PUBLISH_SHARE * took_us;
}

static void *
follow(void *arg)
{
	struct collect_cluster *cc = arg;
	int64_t start_us = monotonic_us(), due_us = 0;

	while (!atomic_load(&cc->must_stop)) {
		int64_t t;

		live_view_step(cc->view, live_now_us(), STEP_MS);
		if (client_n_requests(cc->connection.client) == 0) {
			struct timespec nap = { 0, TICK_NS };

			(void)nanosleep(&nap, NULL);
		}
		tell_problems(cc);
		tell_clock(cc);
		t = monotonic_us();
		if (t >= due_us &&
		    (atomic_load(&cc->is_published) ||
			is_usable(cc, t - start_us < PATIENCE_US)))
			due_us = publish(cc);
	}
	return NULL;
}

static enum rf_status
check_file(const char *what, const char *path, struct rf_error *err)
{
	if (path == NULL || access(path, R_OK) == 0)
		return RF_OK;
	return rf_fail(err, RF_IO,
	    "%s %s: %s, as the user that this runs as from now on; see --user",
	    what, path, strerror(errno));
}

/* They are read again and again, so what root alone may read is of no use. */
static enum rf_status
check_files(const struct kubeconfig *kc, struct rf_error *err)
{
	const struct {
		const char *what;
		const struct kubeconfig_pem *pem;
	} pems[] = {
		{ "certificate authority", &kc->ca },
		{ "client certificate", &kc->cert },
		{ "client key", &kc->key },
	};
	enum rf_status st = RF_OK;

	for (size_t i = 0; st == RF_OK && i < sizeof(pems) / sizeof(pems[0]);
	     i++)
		if (pems[i].pem->data == NULL)
			st = check_file(pems[i].what, pems[i].pem->path, err);
	if (st == RF_OK && kc->token == NULL)
		st = check_file("token", kc->token_path, err);
	return st;
}

static bool
signal_waits(void)
{
	sigset_t set;

	return sigpending(&set) == 0 &&
	    (sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGINT) == 1);
}

/* Pods are forbidden or not served: waiting longer is of no use. */
static bool
is_hopeless(struct collect_cluster *cc)
{
	struct live_view_watch w;

	live_view_watch(cc->view, client_resource_find("pods"), &w);
	return w.is_excluded;
}

/* Was anything observed since the node was started? Before that, its pods had
 * other addresses. */
static enum rf_status
check_start(struct store *store, const struct cluster *c, struct rf_error *err)
{
	const int64_t none_us = INT64_MIN;
	const struct store_filter notes = { .window_us = &none_us };
	int64_t started_us = live_now_us() - live_boot_us();
	struct flow_set set;
	struct arena arena;
	enum rf_status st;
	bool is_since = false;

	arena_init(&arena, 0);
	st = store_get_flows(store, c, &notes, &arena, &set, err);
	for (size_t i = 0; st == RF_OK && i < set.n_coverage; i++)
		is_since = is_since || set.coverage[i].to_us >= started_us;
	arena_release(&arena);
	if (st != RF_OK || is_since)
		return st;
	return rf_fail(err, RF_IO,
	    "the database was last written before this node was started, so "
	    "that the addresses it knows may be others' by now");
}

/* The server has said nothing of use: then what the database knows. */
static enum rf_status
fall_back(struct collect_cluster *cc, struct store *store, struct rf_error *err)
{
	const char *server = client_server(cc->connection.client);
	struct live_view_watch w;
	enum rf_status st;

	if (signal_waits())
		return rf_fail(
		    err, RF_IO, "%s: stopped before it answered", server);
	if ((st = store_get_cluster(store, &cc->known, err)) != RF_OK)
		return st;
	live_view_watch(cc->view, client_resource_find("pods"), &w);
	if (w.problem[0] == '\0')
		(void)snprintf(w.problem, sizeof(w.problem),
		    "%s: no answer within half a minute", server);
	if (cc->known->n_pods == 0)
		return rf_fail(err, RF_IO,
		    "%s; the database knows no pods either, so every "
		    "address would count as external",
		    w.problem);
	if ((st = check_start(store, cc->known, err)) != RF_OK)
		return rf_wrap(err, st, "%s", w.problem);
	log_warn("cluster",
	    "%s; going on with the ranges and Services that the database "
	    "knows; connections wait for the server for five minutes, then "
	    "their ends count as unknown",
	    w.problem);
	return RF_OK;
}

/* Signals are the main thread's. */
static enum rf_status
start_thread(struct collect_cluster *cc, struct rf_error *err)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&cc->thread, NULL, follow, cc);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return rf_fail(
		    err, RF_IO, "cluster: no thread: %s", strerror(rc));
	cc->is_running = true;
	return RF_OK;
}

static bool
is_in_ranges(const struct cluster *c, const struct ip_addr *ip)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		for (size_t k = 0; k < c->nodes[i].n_pod_cidrs; k++)
			if (ip_prefix_contains(&c->nodes[i].pod_cidrs[k], ip))
				return true;
	return false;
}

/*
 * Pods that are not listed are told from the world outside by the ranges of
 * the nodes alone. Some network plugins give addresses without those.
 */
static enum rf_status
check_ranges(const struct cluster *c, struct rf_error *err)
{
	size_t n_ranges = 0;

	for (size_t i = 0; i < c->n_nodes; i++)
		n_ranges += c->nodes[i].n_pod_cidrs;
	if (n_ranges == 0)
		return rf_fail(err, RF_INVAL,
		    "--watch=node: no node has spec.podCIDRs, so the pods of "
		    "others would count as external; use --watch=cluster");
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		if (p->host_network || p->n_ips == 0 ||
		    is_in_ranges(c, &p->ips[0]))
			continue;
		return rf_fail(err, RF_INVAL,
		    "--watch=node: the address of pod %s/%s is in no node's "
		    "spec.podCIDRs, so the pods of others would count as "
		    "external; use --watch=cluster",
		    p->namespace, p->name);
	}
	return RF_OK;
}

static enum rf_status
check_published(struct collect_cluster *cc, struct rf_error *err)
{
	uint64_t number;
	const struct cluster *c;
	enum rf_status st;

	if (cc->node == NULL)
		return RF_OK;
	c = live_view_current(cc->view, &number);
	st = check_ranges(c, err);
	live_view_release(cc->view, c);
	return st;
}

enum rf_status
collect_cluster_start(
    struct collect_cluster *cc, struct store *store, struct rf_error *err)
{
	enum rf_status st = check_files(cc->connection.config, err);

	if (st != RF_OK || (st = start_thread(cc, err)) != RF_OK)
		return st;
	for (int i = 0; i < WAIT_TICKS; i++) {
		struct timespec tick = { 0, TICK_NS };

		if (atomic_load(&cc->is_published) || is_hopeless(cc) ||
		    signal_waits())
			break;
		(void)nanosleep(&tick, NULL);
	}
	return atomic_load(&cc->is_published) ? check_published(cc, err)
					      : fall_back(cc, store, err);
}

/* The database's cluster is number 1, and the view's come behind it. */
static const struct cluster *
current_cluster(void *arg, uint64_t *number)
{
	struct collect_cluster *cc = arg;
	const struct cluster *c = live_view_current(cc->view, number);

	*number = c != NULL ? *number + 1 : 1;
	return c != NULL ? c : cc->known;
}

static int64_t
known_us(void *arg)
{
	struct collect_cluster *cc = arg;

	return live_view_known_us(cc->view);
}

static bool
is_up(void *arg)
{
	struct collect_cluster *cc = arg;
	struct live_view_watch w;

	live_view_watch(cc->view, client_resource_find("pods"), &w);
	return w.is_up;
}

static void
release_cluster(void *arg, const struct cluster *c)
{
	struct collect_cluster *cc = arg;

	if (c != cc->known)
		live_view_release(cc->view, c);
}

bool
collect_cluster_is_complete(const struct collect_cluster *cc)
{
	return atomic_load(&cc->is_complete);
}

struct daemon_cluster_source
collect_cluster_source(struct collect_cluster *cc)
{
	return (struct daemon_cluster_source){ .current = current_cluster,
		.release = release_cluster,
		.known_us = known_us,
		.is_up = is_up,
		.arg = cc };
}

/* clang-format off */
static const struct watch_metric {
	const char *name, *type, *help;
} watch_metrics[] = {
	{ "ringfence_watch_up", "gauge", "Is the resource watched now? 1 or 0." },
	{ "ringfence_watch_last_heard_timestamp_seconds", "gauge", "When the server last spoke of it; 0: never." },
	{ "ringfence_watch_last_event_timestamp_seconds", "gauge", "When it last changed; 0: never." },
	{ "ringfence_watch_relists_total", "counter", "Lists but the first." },
	{ "ringfence_watch_failures_total", "counter", "Requests that failed." },
};
/* clang-format on */

#define AHEAD "ringfence_cluster_clock_ahead_seconds"
#define KNOWN "ringfence_cluster_known_timestamp_seconds"

/* In the order of the table above. */
static int64_t
value_of(const struct live_view_watch *w, size_t metric)
{
	const int64_t values[] = {
		strcmp(w->state, "watching") == 0,
		w->heard_us / SECOND,
		w->event_us / SECOND,
		(int64_t)w->relists,
		(int64_t)w->failures,
	};

	return values[metric];
}

void
collect_cluster_metrics(struct collect_cluster *cc, struct strbuf *out)
{
	struct live_view_watch watches[CLIENT_RESOURCE_COUNT];

	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		live_view_watch(cc->view, i, &watches[i]);
	for (size_t m = 0; m < sizeof(watch_metrics) / sizeof(watch_metrics[0]);
	     m++) {
		const struct watch_metric *metric = &watch_metrics[m];

		strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
		    metric->help, metric->name, metric->type);
		for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
			strbuf_printf(out, "%s{resource=\"%s\"} %" PRId64 "\n",
			    metric->name, watches[i].resource,
			    value_of(&watches[i], m));
	}
	strbuf_printf(out,
	    "# HELP %s By how much the API server's clock is ahead of this "
	    "node's.\n# TYPE %s gauge\n%s %" PRId64 "\n",
	    AHEAD, AHEAD, AHEAD, (int64_t)atomic_load(&cc->ahead_us) / SECOND);
	strbuf_printf(out,
	    "# HELP %s Until when all is known of pods; it stands still while "
	    "they are not watched.\n# TYPE %s gauge\n%s %" PRId64 "\n",
	    KNOWN, KNOWN, KNOWN, live_view_known_us(cc->view) / SECOND);
}

void
collect_cluster_close(struct collect_cluster *cc)
{
	if (cc == NULL)
		return;
	if (cc->is_running) {
		atomic_store(&cc->must_stop, true);
		(void)pthread_join(cc->thread, NULL);
	}
	live_view_free(cc->view);
	cluster_disconnect(&cc->connection);
	cluster_free(cc->known);
	free(cc);
}

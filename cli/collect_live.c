/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collect_live.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/duration.h"
#include "collector/footprint.h"
#include "collector/live.h"
#include "collector/metrics.h"
#include "collector/privilege.h"
#include "core/log.h"

#define WINDOW_US ((int64_t)3600 * 1000000)
#define GRACE_US  ((int64_t)30 * 1000000)  /* for a watch that is late */
#define GAP_US    ((int64_t)300 * 1000000) /* for one that is not there */
/* Copies are joined within a second, and known half of one late. */
#define YOUNG_US     ((int64_t)1500000)
#define USER_DEFAULT "nobody"

const struct collect_live_options collect_live_defaults = {
	.ring_mib = 16,
	.snaplen = 512,
	.census = "60s",
	.interval = "5s",
	.retain = "0",
};

/* A cluster that was read, in use by a number of others. */
struct generation {
	struct cluster *c;
	uint64_t number;
	unsigned users; /* one more while it is the newest */
	struct generation *older;
};

struct session {
	const struct collect_live_options *o;
	const struct collect_live_target *target;
	struct store *store;
	struct live *live;
	struct metrics_server *metrics;
	struct daemon *daemon;
	struct conntrack_table known;    /* until the daemon has it */
	struct collect_cluster *cluster; /* NULL: objects of snapshots */
	struct would_drop *would_drop;   /* NULL: nothing is judged */
	pthread_mutex_t lock;            /* of the generations */
	struct generation *newest;
};

static int
fail(const struct rf_error *err)
{
	fprintf(stderr, "ringfence collect: %s\n", err->msg);
	return STATUS_FAILURE;
}

/* Free what nobody uses any more. Called with the lock held. */
static void
sweep(struct session *s)
{
	struct generation **at = &s->newest;

	while (*at != NULL) {
		struct generation *g = *at;

		if (g->users != 0) {
			at = &g->older;
			continue;
		}
		*at = g->older;
		cluster_free(g->c);
		free(g);
	}
}

/* Make c, which becomes ours, the newest. */
static enum rf_status
add_generation(struct session *s, struct cluster *c, struct rf_error *err)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		cluster_free(c);
		return rf_fail(err, RF_NOMEM, "out of memory");
	}
	g->c = c;
	g->users = 1;
	(void)pthread_mutex_lock(&s->lock);
	g->older = s->newest;
	g->number = g->older != NULL ? g->older->number + 1 : 1;
	if (g->older != NULL)
		g->older->users--;
	s->newest = g;
	sweep(s);
	(void)pthread_mutex_unlock(&s->lock);
	return RF_OK;
}

static const struct cluster *
current_cluster(void *arg, uint64_t *number)
{
	struct session *s = arg;
	const struct cluster *c;

	(void)pthread_mutex_lock(&s->lock);
	s->newest->users++;
	*number = s->newest->number;
	c = s->newest->c;
	(void)pthread_mutex_unlock(&s->lock);
	return c;
}

static void
release_cluster(void *arg, const struct cluster *c)
{
	struct session *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	for (struct generation *g = s->newest; g != NULL; g = g->older)
		if (g->c == c)
			g->users--;
	sweep(s);
	(void)pthread_mutex_unlock(&s->lock);
}

/* On SIGHUP: read policies and snapshots anew; what cannot be read changes
 * nothing. */
static void
reload(void *arg)
{
	struct session *s = arg;
	struct cluster *c = NULL;
	struct rf_error err;
	enum rf_status st;
	bool has_files =
	    s->would_drop != NULL && !s->o->would_drop.from_cluster;

	if (has_files)
		would_drop_reload(s->would_drop);
	if (has_files && s->target->snapshots->n == 0)
		return;
	if (s->cluster != NULL) {
		log_warn("collect",
		    "SIGHUP: nothing to read; the objects follow the cluster");
		return;
	}
	if (s->target->snapshots->n == 0) {
		log_warn("collect", "SIGHUP: there is no --snapshot to read");
		return;
	}
	st = collect_read_cluster(&c, s->target->snapshots, NULL, &err);
	if (st == RF_OK)
		st = add_generation(s, c, &err);
	if (st != RF_OK)
		log_error("collect",
		    "SIGHUP: %s; the objects stay as they were", err.msg);
	else
		log_warn("collect", "SIGHUP: the snapshots were read again");
}

static void
publish(void *arg, const struct daemon_stats *stats, const char *idle)
{
	struct session *s = arg;

	if (s->metrics != NULL)
		metrics_server_publish(s->metrics, stats, idle,
		    s->cluster == NULL ||
			collect_cluster_is_complete(s->cluster));
}

static int64_t
duration_of(const char *text)
{
	int64_t us = 0;

	(void)duration_parse(text, &us);
	return us;
}

static enum rf_status
open_captures(struct session *s, struct rf_error *err)
{
	const struct live_config config = {
		.devices = s->o->interfaces.v,
		.n_devices = s->o->interfaces.n,
		.snaplen = (uint32_t)s->o->snaplen,
		.ring_bytes = (uint32_t)(s->o->ring_mib << 20),
		.full = s->o->depth == DEPTH_FULL,
		.census_us = duration_of(s->o->census),
		.reload = reload,
		.publish = publish,
		.arg = s,
	};

	return live_open(&s->live, &config, err);
}

/* The cluster that stays, but for SIGHUP. */
static enum rf_status
open_snapshots(struct session *s, struct rf_error *err)
{
	struct cluster *c = NULL;
	enum rf_status st =
	    collect_read_cluster(&c, s->target->snapshots, s->store, err);

	if (st != RF_OK)
		return st;
	if (c->n_pods == 0)
		fputs("ringfence collect: warning: no pods are known; without "
		      "--snapshot every address stays external\n",
		    stderr);
	return add_generation(s, c, err);
}

static bool
captures_any_only(const struct option_list *interfaces)
{
	for (size_t i = 0; i < interfaces->n; i++)
		if (strcmp(interfaces->v[i], "any") != 0)
			return false;
	return true;
}

/*
 * What was there before the captures were opened; what opens while the table
 * is read has its packets in them. Going on without it is no failure: then
 * what is silent is found when it speaks. The table does not tell on which
 * interfaces a connection is, so it is no help where only some are asked for.
 */
static void
read_conntrack(struct session *s)
{
	const struct conntrack_table *t = &s->known;
	struct rf_error err;

	if (!captures_any_only(&s->o->interfaces))
		return;
	if (conntrack_read(&s->known, live_now_us(), &err) != RF_OK) {
		log_warn("collect",
		    "the kernel's connection table is not used: %s; older "
		    "connections are found when they send",
		    err.msg);
		return;
	}
	if (t->too_many + t->undated + t->parsed.malformed != 0)
		log_warn("collect",
		    "of the kernel's connection table, not used: %" PRIu64
		    " entries beyond %d, %" PRIu64
		    " without a known age, %" PRIu64 " that cannot be read",
		    t->too_many, CONNTRACK_KNOWN_MAX, t->undated,
		    t->parsed.malformed);
	if (t->parsed.interrupted)
		log_warn("collect",
		    "the kernel's connection table changed while it was read, "
		    "%" PRIu64 " times: what it lacks is found when it sends",
		    t->interrupted);
}

/* All that may need privileges. */
static enum rf_status
open_all(struct session *s, struct rf_error *err)
{
	enum rf_status st;

	if ((st = open_captures(s, err)) != RF_OK)
		return st;
	read_conntrack(s);
	if (s->o->listen != NULL &&
	    (st = metrics_server_listen(&s->metrics, s->o->listen, err)) !=
		RF_OK)
		return st;
	if ((s->o->would_drop.policies.n > 0 ||
		s->o->would_drop.from_cluster) &&
	    (st = would_drop_new(&s->would_drop, &s->o->would_drop, err)) !=
		RF_OK)
		return st;
	st = store_open(&s->store, s->target->db, STORE_WRITE, err);
	if (st == RF_OK)
		st = collect_check_store(s->store, s->target->db, err);
	if (st != RF_OK)
		return st;
	if (!s->o->cluster.enabled)
		return open_snapshots(s, err);
	return collect_cluster_open(&s->cluster, &s->o->cluster,
	    s->target->node, !s->o->no_seccomp, err);
}

/*
 * So often what was seen is stored, for none of it to be in memory alone for
 * longer than --interval says: what is younger than copies of it may come is
 * left for the next time.
 */
static int64_t
flush_interval_us(const char *interval)
{
	int64_t us = duration_of(interval);

	return us > 2 * YOUNG_US ? us - YOUNG_US : us / 2;
}

static enum rf_status
start_daemon(struct session *s, struct rf_error *err)
{
	struct daemon_config config = {
		.store = s->store,
		.source = s->cluster != NULL
		    ? collect_cluster_source(s->cluster)
		    : (struct daemon_cluster_source){ .current =
							  current_cluster,
			  .release = release_cluster,
			  .arg = s },
		.node = s->target->node,
		.points = s->o->interfaces.v,
		.n_points = s->o->interfaces.n,
		.start_us = live_now_us(),
		.booted_us = live_now_us() - live_boot_us(),
		.interval_us = flush_interval_us(s->o->interval),
		.window_us = WINDOW_US,
		.retain_us = duration_of(s->o->retain),
		.grace_us = s->cluster != NULL ? GRACE_US : 0,
		.gap_us = GAP_US,
	};

	if (s->would_drop != NULL)
		config.judge = would_drop_judge(s->would_drop);
	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = (uint64_t)getpid();
	return daemon_new(&s->daemon, &config, err);
}

static void
render_cluster(void *arg, struct strbuf *out)
{
	collect_cluster_metrics(arg, out);
}

/* Give up privileges, start the threads, then confine all of them. */
static enum rf_status
start_all(struct session *s, struct rf_error *err)
{
	const struct privilege_config privilege = {
		.user = s->o->user != NULL ? s->o->user
		    : geteuid() == 0       ? USER_DEFAULT
					   : NULL,
		.user_optional = s->o->user == NULL,
		.keep_net_raw = !captures_any_only(&s->o->interfaces),
		.keep_network = s->cluster != NULL,
	};
	enum rf_status st;

	if ((st = privilege_drop(&privilege, err)) != RF_OK)
		return st;
	if (s->cluster != NULL &&
	    (st = collect_cluster_start(s->cluster, s->store, err)) != RF_OK)
		return st;
	if ((st = start_daemon(s, err)) != RF_OK)
		return st;
	daemon_know(s->daemon, &s->known);
	conntrack_release(&s->known);
	if (s->metrics != NULL && s->cluster != NULL)
		metrics_server_add(s->metrics,
		    &(struct metrics_more){ render_cluster, s->cluster });
	if (s->metrics != NULL && s->would_drop != NULL)
		metrics_server_add(s->metrics,
		    &(struct metrics_more){ would_drop_render, s->would_drop });
	if (s->metrics != NULL &&
	    (st = metrics_server_start(s->metrics, err)) != RF_OK)
		return st;
	return s->o->no_seccomp ? RF_OK : privilege_confine(&privilege, err);
}

static void
print_summary(const struct session *s)
{
	struct daemon_stats stats;

	if (s->target->quiet)
		return;
	daemon_stats(s->daemon, &stats);
	printf("%" PRIu64 " packets, %" PRIu64 " dropped by the kernel; "
	       "%" PRIu64 " connections, each counted once\n",
	    stats.packets, stats.dropped, stats.connections);
	if (stats.unresolved != 0)
		printf("%" PRIu64 " of them have an end whose owner at that "
		       "time is unknown: they give no rule\n",
		    stats.unresolved);
	if (stats.unowned != 0)
		printf("%" PRIu64 " of those because the API server was not "
		       "heard at the time\n",
		    stats.unowned);
	if (stats.guessed != 0)
		printf("%" PRIu64 " of them have a guessed direction: they "
		       "give no rule\n",
		    stats.guessed);
	if (stats.lost_connections != 0)
		printf("%" PRIu64 " are lost: the database could not be "
		       "written\n",
		    stats.lost_connections);
	if (stats.names_lost != 0)
		printf("%" PRIu64 " DNS names of addresses found no room: "
		       "these addresses stand without them\n",
		    stats.names_lost);
	dataset_say_stored(s->target->db);
}

static enum rf_status
run_session(struct session *s, int *sig, struct rf_error *err)
{
	struct rf_error later;
	enum rf_status st, end;

	if ((st = open_all(s, err)) != RF_OK)
		return st;
	footprint_reduce();
	if ((st = start_all(s, err)) != RF_OK)
		return st;
	if (!s->target->quiet)
		fprintf(stderr, "ringfence collect: capturing\n");
	st = live_run(s->live, s->daemon, sig, err);
	end = daemon_finish(s->daemon, live_now_us(), &later);
	if (st == RF_OK && end != RF_OK) {
		*err = later;
		st = end;
	}
	if (st == RF_OK)
		print_summary(s);
	return st;
}

/* Say what is wrong with the options; OPTIONS_RUN: nothing is. */
static int
check(const struct collect_live_options *o,
    const struct collect_live_target *target)
{
	const struct {
		const char *name, *text;
		int64_t least_us;
	} durations[] = {
		{ "census", o->census, 0 },
		{ "interval", o->interval, 1000000 },
		{ "retain", o->retain, 0 },
	};
	struct rf_error err;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		int64_t us = 0;

		if (!duration_parse(durations[i].text, &us) ||
		    us < durations[i].least_us)
			return options_usage(&collect_spec,
			    "--%s: \"%s\" is no duration such as 30s, 10m, 6h "
			    "or 30d",
			    durations[i].name, durations[i].text);
	}
	if (o->listen != NULL &&
	    metrics_check_address(o->listen, &err) != RF_OK)
		return options_usage(&collect_spec, "--%s", err.msg);
	if (o->interfaces.n > DAEMON_POINTS_MAX)
		return options_usage(&collect_spec,
		    "%zu interfaces; at most %d, or \"any\" for all of them",
		    o->interfaces.n, DAEMON_POINTS_MAX);
	if (o->interfaces.n > 1 && !captures_any_only(&o->interfaces))
		for (size_t i = 0; i < o->interfaces.n; i++)
			if (strcmp(o->interfaces.v[i], "any") == 0)
				return options_usage(&collect_spec,
				    "\"any\" is all interfaces already");
	if (o->cluster.enabled && target->snapshots->n != 0)
		return options_usage(
		    &collect_spec, "either --cluster or --snapshot, not both");
	if (o->cluster.watch == WATCH_NODE && target->node == NULL)
		return options_usage(&collect_spec,
		    "--watch=node: which node? Name it with --node");
	return OPTIONS_RUN;
}

int
collect_live(const struct collect_live_options *o,
    const struct collect_live_target *target)
{
	struct session s = { .o = o, .target = target };
	struct rf_error err;
	enum rf_status st;
	int status, sig = 0;

	if ((status = check(o, target)) != OPTIONS_RUN)
		return status;
	(void)pthread_mutex_init(&s.lock, NULL);
	st = run_session(&s, &sig, &err);
	if (st != RF_OK)
		status = fail(&err);
	else
		status = sig == SIGINT ? 128 + SIGINT : STATUS_OK;
	conntrack_release(&s.known);
	metrics_server_free(s.metrics);
	daemon_free(s.daemon);
	would_drop_free(s.would_drop);
	collect_cluster_close(s.cluster);
	live_close(s.live);
	if (st != RF_OK && !target->existed)
		store_discard(s.store);
	else
		store_close(s.store);
	if (s.newest != NULL)
		s.newest->users--;
	sweep(&s);
	(void)pthread_mutex_destroy(&s.lock);
	return status;
}

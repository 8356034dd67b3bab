/* SPDX-License-Identifier: Apache-2.0 */
/* collect: captures and the cluster's objects in, a database of flows out. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/collect_live.h"
#include "cli/commands.h"
#include "cli/dataset.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "collector/collect.h"
#include "collector/footprint.h"
#include "kube/snapshot.h"
#include "store/store.h"
#include "store/unite.h"

#define WINDOW_US ((int64_t)3600 * 1000000)

struct collect_options {
	struct option_list files, snapshots;
	const char *db, *node;
	bool accept_cut, quiet;
	struct collect_live_options live;
};

#define LIVE(field) offsetof(struct collect_options, live.field)

static const char *const depths[] = { "connections", "full", NULL };
static const char *const watches[] = { "cluster", "node", NULL };

static const struct option_spec table[] = {
	{ .name = "read",
	    .letter = 'r',
	    .kind = OPTION_LIST,
	    .words = true,
	    .arg = "FILE...",
	    .offset = offsetof(struct collect_options, files),
	    .help = "Capture to read, pcap or pcapng; - is standard input. "
		    "Several are taken in time order, each as a place of its "
		    "own; a connection seen at two of them counts once." },
	{ .name = "snapshot",
	    .letter = 's',
	    .kind = OPTION_LIST,
	    .words = true,
	    .arg = "FILE...",
	    .offset = offsetof(struct collect_options, snapshots),
	    .help = "The cluster's objects, as kubectl get ... -o json or "
		    "kubectl get pods -A -w --output-watch-events -o json "
		    "print them. Several: earlier states first." },
	{ .name = "db",
	    .kind = OPTION_TEXT,
	    .arg = "PATH",
	    .env = "RINGFENCE_DB",
	    .offset = offsetof(struct collect_options, db),
	    .help = "Database to add to; made if it is not there." },
	{ .name = "node",
	    .kind = OPTION_TEXT,
	    .arg = "NAME",
	    .offset = offsetof(struct collect_options, node),
	    .help = "Node that the captures were taken on, by its name in the "
		    "cluster: recommend says which were not captured." },
	{ .name = "accept-cut",
	    .kind = OPTION_FLAG,
	    .offset = offsetof(struct collect_options, accept_cut),
	    .help = "Take what is whole of a capture that ends in the middle "
		    "of a packet, as when its writer was killed." },
	{ .name = "interface",
	    .letter = 'i',
	    .kind = OPTION_LIST,
	    .arg = "NAME",
	    .offset = LIVE(interfaces),
	    .help = "Capture live until SIGTERM or SIGINT: on any, which is "
		    "every interface, or on named ones, which may go and come "
		    "back." },
	{ .name = "depth",
	    .kind = OPTION_CHOICE,
	    .arg = "WORD",
	    .choices = depths,
	    .offset = LIVE(depth),
	    .help = "connections (default): only what opens and ends "
		    "connections, and all of TCP during a census, so packets "
		    "and bytes are a part. full: every packet." },
	{ .name = "census",
	    .kind = OPTION_TEXT,
	    .arg = "TIME",
	    .offset = LIVE(census),
	    .help = "How often to look at all of TCP for a moment, which finds "
		    "connections that were there before; 0: never. 60s." },
	{ .name = "interval",
	    .kind = OPTION_TEXT,
	    .arg = "TIME",
	    .offset = LIVE(interval),
	    .help = "What a crash loses at most: store as often. 5s." },
	{ .name = "retain",
	    .kind = OPTION_TEXT,
	    .arg = "TIME",
	    .offset = LIVE(retain),
	    .help = "Forget what is older, such as 30d; 0 (default): never." },
	{ .name = "ring-mib",
	    .kind = OPTION_NUMBER,
	    .arg = "N",
	    .min = 1,
	    .max = 1024,
	    .offset = LIVE(ring_mib),
	    .help = "Memory for packets that wait, for each interface. 16." },
	{ .name = "listen",
	    .kind = OPTION_TEXT,
	    .arg = "ADDRESS:PORT",
	    .offset = LIVE(listen),
	    .help = "Answer /metrics, /healthz and /readyz there." },
	{ .name = "user",
	    .kind = OPTION_TEXT,
	    .arg = "NAME",
	    .offset = LIVE(user),
	    .help = "Become that user once all is open; nobody, when started "
		    "as root." },
	{ .name = "no-seccomp",
	    .kind = OPTION_FLAG,
	    .offset = LIVE(no_seccomp),
	    .help = "Do not confine system calls (to look for a fault)." },
	{ .name = "cluster",
	    .kind = OPTION_FLAG,
	    .offset = LIVE(cluster.enabled),
	    .help = "Take the objects from the API server instead, and follow "
		    "it (with -i)." },
	CLUSTER_OPTION_ROWS(LIVE(cluster.connection)),
	{ .name = "policies",
	    .kind = OPTION_LIST,
	    .arg = "FILE|DIR",
	    .offset = LIVE(would_drop.policies),
	    .help = "Judge what is stored (with -i): what would these policies "
		    "have dropped? In the metrics and the log. Read again on "
		    "SIGHUP. Repeatable." },
	{ .name = "policies-from-cluster",
	    .kind = OPTION_FLAG,
	    .offset = LIVE(would_drop.from_cluster),
	    .help = "The same, with the policies of the cluster that --cluster "
		    "follows." },
	{ .name = "watch",
	    .kind = OPTION_CHOICE,
	    .arg = "WORD",
	    .choices = watches,
	    .offset = LIVE(cluster.watch),
	    .help = "With --cluster: the pods of the whole cluster (default), "
		    "or of --node alone, which leaves the pods of others "
		    "unknown." },
	{ .name = "quiet",
	    .letter = 'q',
	    .kind = OPTION_FLAG,
	    .offset = offsetof(struct collect_options, quiet),
	    .help = "No progress and no summary." },
};

const struct command_spec collect_spec = {
	.name = "collect",
	.summary = "read captures, resolve who talked to whom, store it",
	.synopsis = "-r FILE... --snapshot FILE... --db PATH [--node NAME]\n"
		    "      [--accept-cut] [-q]\n"
		    "  ringfence collect -i any|NAME [--snapshot FILE... | "
		    "--cluster] --db PATH\n"
		    "      [--kubeconfig FILE] [--context NAME] "
		    "[--watch cluster|node]\n"
		    "      [--node NAME] [--depth WORD] [--census TIME] "
		    "[--interval TIME]\n"
		    "      [--retain TIME] [--ring-mib N] "
		    "[--listen ADDRESS:PORT]\n"
		    "      [--policies FILE|DIR... | "
		    "--policies-from-cluster]\n"
		    "      [--user NAME] [--no-seccomp] [-q]",
	.about =
	    "Reads packet captures, or captures live with -i, finds each "
	    "connection once,\nnames both of its ends by the cluster's objects "
	    "as they were at that time, and\nadds the sums to a database. A "
	    "capture that this database has already is\nrefused, and nothing "
	    "is stored.",
	/* clang-format off */
	.examples =
	    "  tcpdump -i any -w node-1.pcap    # on each node, for long\n"
	    "  kubectl get pods,svc,ns,nodes,endpointslices,networkpolicies,\\\n"
	    "deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs \\\n"
	    "      -A -o json >objects.json\n"
	    "  ringfence collect -r node-*.pcap --snapshot objects.json --db f.db\n"
	    "  gzip -dc old.pcap.gz | ringfence collect -r - -s objects.json --db f.db\n"
	    "  ringfence collect -i any --cluster --db f.db --node \"$(hostname)\"\n",
	/* clang-format on */
	.options = table,
	.n_options = sizeof(table) / sizeof(table[0]),
};

static int
fail(const struct rf_error *err)
{
	fprintf(stderr, "ringfence collect: %s\n", err->msg);
	return STATUS_FAILURE;
}

enum rf_status
collect_read_cluster(struct cluster **out, const struct option_list *snapshots,
    struct store *store, struct rf_error *err)
{
	struct snapshot_builder *sb = NULL;
	struct snapshot_stats stats;
	enum rf_status st;

	if (snapshots->n == 0)
		return store_get_cluster(store, out, err);
	st = snapshot_builder_new(&sb, err);
	for (size_t i = 0; st == RF_OK && i < snapshots->n; i++) {
		const char *name = snapshots->v[i];
		bool is_stdin = strcmp(name, "-") == 0;
		FILE *f = is_stdin ? stdin : fopen(name, "re");

		if (f == NULL) {
			st = rf_fail(
			    err, RF_IO, "open %s: %s", name, strerror(errno));
			break;
		}
		st = snapshot_read(
		    sb, f, is_stdin ? "standard input" : name, err);
		if (!is_stdin)
			(void)fclose(f);
	}
	if (st == RF_OK)
		st = snapshot_finish(sb, out, &stats, err);
	snapshot_builder_free(sb);
	return st;
}

static void
show_progress(void *arg, uint64_t packets)
{
	(void)arg;
	(void)dprintf(
	    STDERR_FILENO, "\r%" PRIu64 " million packets", packets >> 20);
}

static void
print_coverage(const struct coverage *c)
{
	terminal_puts(c->source, stdout);
	printf(": %" PRIu64 " packets", c->packets);
	if (c->truncated != 0)
		printf(", %" PRIu64 " truncated", c->truncated);
	if (c->malformed != 0)
		printf(", %" PRIu64 " malformed", c->malformed);
	if (c->unsupported != 0)
		printf(", %" PRIu64 " unsupported", c->unsupported);
	if (c->icmp != 0)
		printf(", %" PRIu64 " ICMP", c->icmp);
	if (c->non_ip != 0)
		printf(", %" PRIu64 " not IP", c->non_ip);
	if (c->ignored != 0)
		printf(", %" PRIu64 " loopback or multicast", c->ignored);
	putchar('\n');
}

static void
print_report(const struct collect_options *o, const struct collect_report *r)
{
	for (size_t i = 0; i < o->files.n; i++)
		print_coverage(&r->coverage[i]);
	printf("%" PRIu64 " connections%s (%" PRIu64
	       " sightings behind address translation joined)\n",
	    r->connections,
	    r->coverage[0].table_full == 0 ? ", each counted once" : "",
	    r->joined);
	if (r->unresolved != 0)
		printf("%" PRIu64 " of them have an end whose owner at that "
		       "time is unknown: they give no rule\n",
		    r->unresolved);
	if (r->guessed != 0)
		printf("%" PRIu64 " of them have a guessed direction: they "
		       "give no rule\n",
		    r->guessed);
	if (r->coverage[0].table_full != 0)
		printf("%" PRIu64 " were put out of a full table while they "
		       "lived; none is lost\n",
		    r->coverage[0].table_full);
	if (r->forgotten != 0)
		printf("%" PRIu64 " address pairs of those were forgotten: "
		       "what they sent later was counted again\n",
		    r->forgotten);
	dataset_say_stored(o->db);
}

static void
warn_no_pods(const struct collect_options *o)
{
	fprintf(stderr,
	    "ringfence collect: warning: %s, so no address is a workload's\n",
	    o->snapshots.n > 0 ? "there is no pod in what --snapshot names"
			       : "no pods are known without --snapshot");
}

/* Such as with the objects of another cluster. */
static void
warn_no_ends(const struct collect_report *r)
{
	if (r->connections > 0 && !r->saw_pods)
		fputs("ringfence collect: warning: no connection has a pod at "
		      "either end; are the objects of the same cluster and "
		      "time as the captures?\n",
		    stderr);
}

static int
collect_into(struct store *store, const struct collect_options *o)
{
	struct collect_config config = {
		.files = o->files.v,
		.n_files = o->files.n,
		.node = o->node,
		.window_us = WINDOW_US,
		.now_us = (int64_t)time(NULL) * 1000000,
		.accept_cut = o->accept_cut,
		.is_interrupted = interrupt_came,
	};
	struct collect_report *report = calloc(1, sizeof(*report));
	struct cluster *c = NULL;
	struct rf_error err;
	enum rf_status st = RF_NOMEM;

	if (report == NULL)
		return fail(&(struct rf_error){ .msg = "out of memory" });
	if (getrandom(&config.seed, sizeof(config.seed), 0) < 0)
		config.seed = (uint64_t)getpid();
	if (!o->quiet && isatty(STDERR_FILENO))
		config.progress = show_progress;
	st = collect_read_cluster(&c, &o->snapshots, store, &err);
	if (st == RF_OK && c->n_pods == 0)
		warn_no_pods(o);
	footprint_trim();
	if (st == RF_OK)
		st = collect_files(store, c, &config, report, &err);
	if (config.progress != NULL)
		(void)dprintf(STDERR_FILENO, "\r\033[K");
	if (st == RF_OK && !o->quiet)
		print_report(o, report);
	if (st == RF_OK && c->n_pods > 0)
		warn_no_ends(report);
	cluster_free(c);
	free(report);
	return st == RF_OK ? STATUS_OK : fail(&err);
}

/* Can the file be opened at all? Asked before a database is made for it. */
static bool
readable(const char *path, struct rf_error *err)
{
	if (strcmp(path, "-") == 0 || access(path, R_OK) == 0)
		return true;
	(void)rf_fail(err, RF_IO, "open %s: %s", path, strerror(errno));
	return false;
}

/* A pipe may keep us waiting for long: then a signal ends us where we are. */
static bool
reads_files_only(const struct option_list *list)
{
	struct stat sb;

	for (size_t i = 0; i < list->n; i++)
		if (stat(list->v[i], &sb) != 0 || !S_ISREG(sb.st_mode))
			return false;
	return true;
}

static int
collect_offline(const struct collect_options *o, bool existed)
{
	struct store *store = NULL;
	struct rf_error err;
	int status;

	if (reads_files_only(&o->files) && reads_files_only(&o->snapshots))
		interrupt_watch();
	if (store_open(&store, o->db, STORE_WRITE, &err) != RF_OK)
		return fail(&err);
	if (collect_check_store(store, o->db, &err) != RF_OK) {
		store_close(store);
		return fail(&err);
	}
	status = collect_into(store, o);
	/* A database that this run made and put nothing into does not stay. */
	if (status != STATUS_OK && !existed)
		store_discard(store);
	else
		store_close(store);
	if (status != STATUS_OK)
		interrupt_pass_on();
	return status;
}

static int
run(const struct collect_options *o)
{
	bool existed;
	struct rf_error err;

	assert(o->db != NULL); /* cmd_collect asked for it */
	existed = access(o->db, F_OK) == 0;
	for (size_t i = 0; i < o->files.n; i++)
		if (!readable(o->files.v[i], &err))
			return fail(&err);
	for (size_t i = 0; i < o->snapshots.n; i++)
		if (!readable(o->snapshots.v[i], &err))
			return fail(&err);
	if (o->live.interfaces.n != 0)
		return collect_live(&o->live,
		    &(struct collect_live_target){
			.db = o->db,
			.node = o->node,
			.snapshots = &o->snapshots,
			.quiet = o->quiet,
			.existed = existed,
		    });
	return collect_offline(o, existed);
}

enum rf_status
collect_check_store(struct store *store, const char *path, struct rf_error *err)
{
	bool is_united;
	enum rf_status st = store_is_united(store, &is_united, err);

	if (st == RF_OK && is_united)
		return rf_fail(err, RF_INVAL,
		    "%s: was made by merge, which makes it anew each time; "
		    "collect into a database of its own and merge that one, "
		    "too",
		    path);
	return st;
}

/* How often standard input is named; it can be read once. */
static size_t
count_stdin(const struct option_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += strcmp(list->v[i], "-") == 0;
	return n;
}

/* The options of --cluster say nothing without it, nor it without -i. */
static int
check_cluster(const struct collect_options *o)
{
	const struct collect_cluster_options *c = &o->live.cluster;

	if (c->enabled && o->live.interfaces.n == 0)
		return options_usage(&collect_spec,
		    "--cluster follows the cluster of now: with -i, not -r");
	if (!c->enabled &&
	    (c->connection.kubeconfig != NULL ||
		c->connection.context != NULL || c->watch != WATCH_CLUSTER))
		return options_usage(&collect_spec,
		    "--kubeconfig, --context and --watch go with --cluster");
	return OPTIONS_RUN;
}

/* An option that a live capture alone has use for; NULL: none was given. */
static const char *
live_option(const struct collect_live_options *l)
{
	const struct collect_live_options *d = &collect_live_defaults;
	const struct {
		const char *name;
		bool given;
	} rows[] = {
		{ "--census", l->census != d->census },
		{ "--interval", l->interval != d->interval },
		{ "--retain", l->retain != d->retain },
		{ "--ring-mib", l->ring_mib != d->ring_mib },
		{ "--depth", l->depth != d->depth },
		{ "--listen", l->listen != NULL },
		{ "--user", l->user != NULL },
		{ "--no-seccomp", l->no_seccomp },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].given)
			return rows[i].name;
	return NULL;
}

static int
check_live(const struct collect_options *o)
{
	const char *name = live_option(&o->live);

	if (o->files.n != 0 && name != NULL)
		return options_usage(&collect_spec,
		    "%s goes with a live capture: with -i, not -r", name);
	if (o->files.n == 0 && o->accept_cut)
		return options_usage(&collect_spec,
		    "--accept-cut goes with files: with -r, not -i");
	return OPTIONS_RUN;
}

/* Judging what is stored is for who captures live. */
static int
check_policies(const struct collect_options *o)
{
	const struct would_drop_options *w = &o->live.would_drop;

	if ((w->policies.n > 0 || w->from_cluster) && o->live.interfaces.n == 0)
		return options_usage(&collect_spec,
		    "--policies judges live captures (-i); for files, ask "
		    "ringfence audit afterwards");
	if (w->policies.n > 0 && w->from_cluster)
		return options_usage(&collect_spec,
		    "either --policies or --policies-from-cluster, not both");
	if (w->from_cluster && !o->live.cluster.enabled)
		return options_usage(
		    &collect_spec, "--policies-from-cluster needs --cluster");
	if (count_stdin(&w->policies) > 0)
		return options_usage(&collect_spec,
		    "--policies is read again and again: name files");
	return OPTIONS_RUN;
}

int
cmd_collect(int argc, char **argv)
{
	struct collect_options o = { 0 };
	struct arena arena;
	int status;

	arena_init(&arena, 0);
	o.live = collect_live_defaults;
	status = options_parse(&collect_spec, argc, argv, &o, &arena);
	if (status == OPTIONS_RUN && o.files.n + o.live.interfaces.n == 0)
		status = options_usage(&collect_spec,
		    "which capture? Name it with -r FILE, or capture with "
		    "-i any");
	if (status == OPTIONS_RUN && o.files.n != 0 && o.live.interfaces.n != 0)
		status = options_usage(&collect_spec,
		    "either files (-r) or interfaces (-i), not both");
	if (status == OPTIONS_RUN)
		status = check_live(&o);
	if (status == OPTIONS_RUN)
		status = check_cluster(&o);
	if (status == OPTIONS_RUN)
		status = check_policies(&o);
	if (status == OPTIONS_RUN && o.files.n > COLLECT_FILES_MAX)
		status = options_usage(&collect_spec,
		    "%zu captures; at most %d can be read at once", o.files.n,
		    COLLECT_FILES_MAX);
	if (status == OPTIONS_RUN &&
	    count_stdin(&o.files) + count_stdin(&o.snapshots) > 1)
		status = options_usage(
		    &collect_spec, "standard input (-) can be read only once");
	if (status == OPTIONS_RUN && o.db == NULL)
		status = options_usage(&collect_spec,
		    "where to? Name the database with --db PATH");
	if (status == OPTIONS_RUN)
		status = run(&o);
	arena_release(&arena);
	return status;
}

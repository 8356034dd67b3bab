/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: fault [-s NAME] [-k KIND] [-n NTH | -p PATH] [-e EVERY] [-r RUNS] [-S]
 * [-l]
 *
 * Run every scenario of scenario.c again and again: with an allocation
 * failing on each path that leads to one, where it is first taken and where
 * last (points.h); once alone and once with all that follow; then the same
 * with what the file system is asked for. With -e, really every call of a
 * scenario that makes so many at most; with -r, so many calls of each
 * scenario and kind at most. Where a server's pace decides which call is the
 * nth, the path itself is waited for, and looked for new ones until there are
 * none. Each time it must either end with exit status 3 and a word why, having
 * changed nothing that was there, or end as if nothing had failed, with the
 * same output. It may never crash, leak, or say that all is well with half of
 * an output. Where it is killed (kill) instead, what was there is there, or
 * what should come; the next run does all and leaves nothing of the one before.
 *
 * -S leaves out what the scenarios before that of -s have already, as a run of
 * all does. -n or -p with -s and -k runs that one alone and shows where it
 * failed (for addr2line) and what the command printed. Ends with "N passed, N
 * failed".
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/child.h"
#include "tests/fault/points.h"
#include "tests/fault/scenario.h"
#include "tests/fault/server.h"
#include "tests/fault/tree.h"

#define COMPLAINTS 3 /* shown of each */
#define ATTEMPTS   3 /* for a path that need not be taken each time */
#define ROUNDS     8 /* until there are no new paths */

static const struct kind {
	const char *name;
	struct child_fault fault;
} kinds[] = {
	{ "alloc", { .kind = FAULT_ALLOC } },
	{ "alloc-on", { .kind = FAULT_ALLOC, .forever = true } },
	{ "eio", { .kind = FAULT_EIO } },
	{ "eio-on", { .kind = FAULT_EIO, .forever = true } },
	{ "full", { .kind = FAULT_FULL, .forever = true } },
	{ "kill", { .kind = FAULT_KILL } },
};

struct wanted {
	const char *name, *kind;
	struct point one;             /* this alone */
	unsigned long long every_max; /* of a scenario of so few calls all */
	unsigned runs;                /* 0: every path */
	bool only_new; /* as if the scenarios before had been run, too */
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* How a scenario ends; what it should be compared with. */
struct ending {
	int status;
	uint64_t out;
	struct tree tree;
	uint64_t database; /* what flows shows of it; 0: none */
};

struct run {
	struct child_places places;
	const char *base; /* % */
	char view[PATH_SIZE];
	const struct scenario *s;
	struct ending before, after;
	unsigned complaints, absent;
	struct points_seen seen[N_KINDS];
};

static void
path_in(char *out, const char *folder, const char *name)
{
	if (snprintf(out, PATH_SIZE, "%s/%s", folder, name) >= PATH_SIZE)
		abort();
}

static bool
says(const char *path, const char *const *words)
{
	FILE *f = fopen(path, "re");
	char text[4096];
	size_t n;

	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	for (; *words != NULL; words++)
		if (strstr(text, *words) != NULL)
			return true;
	return false;
}

/* What a reader sees of the scenario's database; 0: no flows at all, whether
 * there is a file or not. */
static uint64_t
view_database(const struct run *r)
{
	static const char *const empty[] = { "\"edges\": []", NULL };
	struct child_places places = r->places;
	char path[PATH_SIZE], words[PATH_SIZE];

	if (r->s->database == NULL)
		return 0;
	path_in(path, places.own, r->s->database);
	if (access(path, F_OK) != 0)
		return 0;
	(void)snprintf(
	    words, sizeof(words), "flows -o json --db #%s", r->s->database);
	path_in(places.out, r->base, "view");
	path_in(places.err, r->base, "view-error");
	if (child_run(&places, words, NULL) != 0 || says(places.out, empty))
		return 0;
	return tree_mark(places.out);
}

static void
begin(struct run *r)
{
	char from[PATH_SIZE], to[PATH_SIZE], names[2][64];
	const struct scenario *s = r->s;

	tree_remove(r->places.own);
	if (mkdir(r->places.own, 0700) != 0)
		abort();
	if (s->copy != NULL) {
		if (sscanf(s->copy, "%63s %63s", names[0], names[1]) != 2)
			abort();
		path_in(from, *names[0] == '@' ? r->places.fixtures : r->base,
		    names[0] + (*names[0] == '@'));
		path_in(to, r->places.own, names[1]);
		tree_copy_file(from, to);
	}
	if (s->before != NULL && child_run(&r->places, s->before, NULL) != 0)
		abort();
}

static void
look(const struct run *r, struct ending *e)
{
	tree_read(&e->tree, r->places.own);
	e->database = view_database(r);
	e->out = tree_mark(r->places.out);
}

static void
show_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[400];

	for (int i = 0; f != NULL && i < 60 && fgets(line, sizeof(line), f);
	     i++)
		printf("      %s%s", line, strchr(line, '\n') ? "" : "\n");
	if (f != NULL)
		(void)fclose(f);
}

/* Does the message name what was wrong? */
static bool
explains(const struct run *r, enum fault_kind kind)
{
	/* SQLite's json_valid() takes want of memory for a mistake, and where
	 * there is none for a thread glibc says EAGAIN */
	static const char *const memory[] = { "memory", "Cannot allocate",
		"json_valid", "no thread: Resource temporarily", NULL };
	static const char *const disk[] = { "rror", "full", "open", "write",
		"read", "disk", "No space", NULL };

	return says(r->places.err, kind == FAULT_ALLOC ? memory : disk);
}

/* What is wrong with what it left when it was killed, and with the next run. */
static const char *
judge_killed(const struct run *r, const struct ending *e)
{
	struct ending next = { 0 };
	const char *wrong = NULL;

	if (!tree_is_between(&e->tree, &r->before.tree, &r->after.tree))
		return "a file is neither as before nor as after";
	if (e->database != r->before.database &&
	    e->database != r->after.database)
		return "what was committed is lost";
	next.status = child_run(&r->places, r->s->args, NULL);
	look(r, &next);
	/* A capture that is in the database already is refused, rightly. */
	if (next.status != r->after.status &&
	    (r->s->database == NULL || e->database != r->after.database))
		wrong = "the next run fails";
	else if (!tree_equal(&next.tree, &r->after.tree))
		wrong = "the next run leaves other files";
	else if (!r->s->adds && next.database != r->after.database)
		wrong = "the next run leaves another database";
	tree_release(&next.tree);
	return wrong;
}

/* What is wrong with how it ended; NULL: nothing. */
static const char *
judge(const struct run *r, const struct ending *e, enum fault_kind kind)
{
	static char why[PATH_SIZE];
	const char *stranger;
	char path[PATH_SIZE];

	if (e->status == CHILD_SANITIZER)
		return "a sanitizer spoke";
	if (e->status < 0 && (kind != FAULT_KILL || e->status != -SIGKILL))
		return e->status == -SIGALRM ? "it hangs" : "it crashed";
	if (r->s->database != NULL) {
		path_in(path, r->places.own, r->s->database);
		if (!child_database_is_whole(path))
			return "the database is damaged";
	}
	if (kind == FAULT_KILL)
		return judge_killed(r, e);
	if (e->status == r->after.status) {
		if (e->out != r->after.out)
			return "it ended well with another output";
		if (!tree_equal(&e->tree, &r->after.tree) ||
		    e->database != r->after.database)
			return "it ended well with other files";
		return NULL;
	}
	if (e->status != 3)
		return "its status is neither 3 nor that of a good run";
	if (!explains(r, kind))
		return "it does not say why";
	stranger = tree_stranger(&e->tree, &r->before.tree, &r->after.tree);
	if (stranger != NULL) {
		(void)snprintf(
		    why, sizeof(why), "it left behind %.200s", stranger);
		return why;
	}
	if (e->database != r->before.database &&
	    e->database != r->after.database)
		return "what was committed is lost";
	return NULL;
}

/* Did the call come and fail? To walk the stack of each call takes longer than
 * all else: at first only of those about where it came before. */
static bool
fail_at(struct run *r, const struct kind *k, struct point at, bool show,
    int *status)
{
	struct child_fault fault = k->fault;

	fault.trace = show;
	fault.path = at.path;
	fault.nth = at.path != 0 ? 0 : at.nth;
	fault.path_from = at.nth / 8 * 7;
	for (unsigned i = 0; i < (at.path != 0 ? ATTEMPTS : 1); i++) {
		begin(r);
		*status = child_run(&r->places, r->s->args, &fault);
		if (child_failed_some())
			return true;
		fault.path_from = 0;
	}
	return false;
}

static bool
try(struct run *r, const struct kind *k, struct point at, bool show)
{
	struct ending e = { 0 };
	const char *wrong;

	if (!fail_at(r, k, at, show, &e.status) && !show) {
		r->absent++;
		return true;
	}
	look(r, &e);
	wrong = judge(r, &e, k->fault.kind);
	tree_release(&e.tree);
	if (wrong != NULL && r->complaints++ < COMPLAINTS) {
		printf("  -s '%s' -k %s ", r->s->name, k->name);
		if (at.path != 0)
			printf("-p %" PRIx64, at.path);
		else
			printf("-n %" PRIu64, at.nth);
		printf(": %s (status %d)\n", wrong, e.status);
	}
	if (show || (wrong != NULL && r->complaints <= COMPLAINTS))
		show_file(r->places.err);
	return wrong == NULL;
}

/* What is new in a run without a fault; how many calls it made. */
static unsigned long long
find_points(struct run *r, const struct kind *k, const struct wanted *want,
    bool by_path, struct points *points)
{
	struct child_fault count = k->fault;
	enum points_which which = POINTS_ENDS;
	unsigned long long calls;

	count.paths = true;
	begin(r);
	(void)child_run(&r->places, r->s->args, &count);
	calls = child_calls();
	if (calls > CHILD_PATHS)
		abort();
	if (by_path)
		which = POINTS_FIRST;
	else if (calls <= want->every_max)
		which = POINTS_EVERY;
	points_choose(points, child_paths(), calls, which,
	    r->s->has_server ? (want->runs + 3) / 4 : want->runs,
	    &r->seen[k - kinds]);
	for (size_t i = 0; i < points->n && !by_path; i++)
		points->at[i].path = 0;
	return calls;
}

static bool
run_kind(struct run *r, const struct kind *k, const struct wanted *want)
{
	bool by_path = r->s->has_server && k->fault.kind == FAULT_ALLOC;
	unsigned rounds = by_path && want->runs == 0 ? ROUNDS : 1, bad = 0;
	unsigned long long calls = 0;
	size_t n = 0, n_paths = 0;
	struct points points;

	r->complaints = r->absent = 0;
	for (bool is_new = true; is_new && rounds > 0; rounds--) {
		calls = find_points(r, k, want, by_path, &points);
		for (size_t i = 0; i < points.n; i++)
			bad += !try(r, k, points.at[i], false);
		is_new = points.n > 0;
		n += points.n;
		n_paths = points.n_paths;
		points_release(&points);
	}
	printf("%s %s, %s: %zu of %llu calls by %zu paths, %u not taken again, "
	       "%u bad\n",
	    bad == 0 ? "ok" : "not ok", r->s->name, k->name, n, calls, n_paths,
	    r->absent, bad);
	(void)fflush(stdout);
	return bad == 0;
}

/* What the scenario does when nothing fails. */
static void
learn(struct run *r)
{
	struct ending again = { 0 };

	begin(r);
	look(r, &r->before);
	r->after.status = child_run(&r->places, r->s->args, NULL);
	look(r, &r->after);
	if (r->after.status != 0 && r->after.status != 1) {
		printf("'%s' does not work at all:\n", r->s->name);
		show_file(r->places.err);
		exit(3);
	}
	begin(r);
	again.status = child_run(&r->places, r->s->args, NULL);
	look(r, &again);
	if (again.out != r->after.out || again.database != r->after.database) {
		printf("'%s' differs from run to run\n", r->s->name);
		exit(3);
	}
	tree_release(&again.tree);
}

static void
forget(struct run *r)
{
	tree_release(&r->before.tree);
	tree_release(&r->after.tree);
	memset(&r->before, 0, sizeof(r->before));
	memset(&r->after, 0, sizeof(r->after));
}

static void
make_base(struct run *r)
{
	for (const char *const *c = scenario_base; *c != NULL; c++) {
		if (child_run(&r->places, *c, NULL) == 0)
			continue;
		printf("cannot prepare: %s\n", *c);
		show_file(r->places.err);
		exit(3);
	}
}

static bool
is_wanted(const struct kind *k, const struct wanted *want)
{
	return want->kind == NULL || strcmp(k->name, want->kind) == 0;
}

/* Who only reads leaves nothing behind. */
static bool
writes(const struct scenario *s)
{
	return strchr(s->args, '#') != NULL;
}

/* Its paths, as if they had been tried. */
static void
pass_over(struct run *r, const struct wanted *want)
{
	struct points points;

	for (size_t k = 0; k < N_KINDS; k++) {
		if (!is_wanted(&kinds[k], want))
			continue;
		(void)find_points(r, &kinds[k], want, false, &points);
		points_release(&points);
	}
}

static void
run_all(
    struct run *r, const struct wanted *want, unsigned *pass, unsigned *fail)
{
	for (size_t i = 0; i < n_scenarios; i++) {
		r->s = &scenarios[i];
		if (want->name != NULL && strcmp(r->s->name, want->name) != 0) {
			if (want->only_new)
				pass_over(r, want);
			continue;
		}
		learn(r);
		for (size_t k = 0; k < N_KINDS; k++) {
			bool ok;

			if (!is_wanted(&kinds[k], want) ||
			    (kinds[k].fault.kind == FAULT_KILL &&
				!writes(r->s)))
				continue;
			ok = want->one.nth != 0 || want->one.path != 0
			    ? try(r, &kinds[k], want->one, true)
			    : run_kind(r, &kinds[k], want);
			*(ok ? pass : fail) += 1;
		}
		forget(r);
	}
}

static int
read_options(struct wanted *want, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:k:n:p:r:e:Sl")) != -1) {
		switch (c) {
		case 's':
			want->name = optarg;
			break;
		case 'k':
			want->kind = optarg;
			break;
		case 'n':
			want->one.nth = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			want->one.path = strtoull(optarg, NULL, 16);
			break;
		case 'r':
			want->runs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'S':
			want->only_new = true;
			break;
		case 'e':
			want->every_max = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			for (size_t i = 0; i < n_scenarios; i++)
				puts(scenarios[i].name);
			return 0;
		default:
			return 2;
		}
	}
	return -1;
}

/* Paths are addresses: start anew where they are the same each time. */
static void
stay_in_place(char **argv)
{
	int now = personality(0xffffffff);

	if (now == -1 || (now & ADDR_NO_RANDOMIZE) != 0 ||
	    personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1)
		return;
	(void)execv("/proc/self/exe", argv);
}

int
main(int argc, char **argv)
{
	char top[] = "/tmp/ringfence-fault.XXXXXX", base[PATH_SIZE];
	struct wanted want = { 0 };
	unsigned pass = 0, fail = 0;
	struct run r = { 0 };
	int rc = read_options(&want, argc, argv);
	pid_t server;

	if (rc >= 0)
		return rc;
	stay_in_place(argv);
	(void)unsetenv("RINGFENCE_DB");
	if (mkdtemp(top) == NULL)
		return 3;
	path_in(base, top, "base");
	path_in(r.places.own, top, "own");
	path_in(r.places.out, top, "out");
	path_in(r.places.err, top, "err");
	if (mkdir(base, 0700) != 0)
		return 3;
	r.base = r.places.base = base;
	r.places.fixtures = "fixtures";
	server = server_start(base);
	make_base(&r);
	run_all(&r, &want, &pass, &fail);
	server_stop(server);
	tree_remove(top);
	for (size_t k = 0; k < N_KINDS; k++)
		points_forget(&r.seen[k]);
	printf("%u passed, %u failed\n", pass, fail);
	return fail == 0 && pass > 0 ? 0 : 1;
}

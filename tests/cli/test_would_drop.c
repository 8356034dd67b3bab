/* SPDX-License-Identifier: Apache-2.0 */
/* What is judged as it is stored: the verdicts and counts of an audit of the
 * same flows, policies that change, and what is said of edges. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/would_drop.h"
#include "cli/would_drop_count.h"
#include "core/log.h"
#include "tests/support/audit_scene.h"

#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))
#define LINES_MAX 20
#define WIDE      HEAD "all-in}\nspec: {podSelector: {}, ingress: [{}]}\n"

static const char *const sets[] = { "", DENY_ALL, DENY_ALL OPEN_EGRESS,
	ONLY_SHARD_A, CANARY, DENY_ALL API_SELF, WIDE };

struct log {
	unsigned lines;
	char last[1024];
};

static void
take_line(enum log_level level, const char *line, void *arg)
{
	struct log *log = arg;

	(void)level;
	log->lines++;
	(void)snprintf(log->last, sizeof(log->last), "%s", line);
}

static struct log log_taken;

/* The texts of audit_scene.h name no namespace. */
static void
write_policies(const char *path, const char *yaml)
{
	static const char head[] = "metadata: {";
	FILE *f = fopen(path, "w");
	const char *at;

	assert_non_null(f);
	while ((at = strstr(yaml, head)) != NULL) {
		at += strlen(head);
		(void)fwrite(yaml, 1, (size_t)(at - yaml), f);
		fputs("namespace: shop, ", f);
		yaml = at;
	}
	fputs(yaml, f);
	assert_int_equal(fclose(f), 0);
}

/* A judge with policies in a file of its own. */
struct fixture {
	char path[64];
	const char *paths[1];
	struct would_drop_options o;
	struct would_drop *wd;
	struct daemon_batch batch;
};

static void
open_fixture(struct fixture *f, struct audit_scene *s, const char *yaml)
{
	struct rf_error err;
	int fd;

	*f = (struct fixture){ .path = "/tmp/ringfence-test-XXXXXX" };
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	(void)close(fd);
	write_policies(f->path, yaml);
	f->paths[0] = f->path;
	f->o.policies = (struct option_list){ .v = f->paths, .n = 1 };
	if (would_drop_new(&f->wd, &f->o, &err) != RF_OK)
		fail_msg("%s", err.msg);
	f->batch = (struct daemon_batch){ .c = s->w.c,
		.generation = 1,
		.endpoints = s->w.endpoints,
		.flows = s->w.flows,
		.n_flows = s->w.n_flows };
	log_taken = (struct log){ 0 };
	log_set_sink(take_line, &log_taken);
}

static void
close_fixture(struct fixture *f)
{
	would_drop_free(f->wd);
	(void)unlink(f->path);
	log_set_sink(NULL, NULL);
}

static void
judge(struct fixture *f)
{
	struct daemon_judge j = would_drop_judge(f->wd);

	j.judge(j.arg, &f->batch);
}

/* The value of a series, named as the text spells it; -1: there is none. */
static double
value_of(struct fixture *f, const char *series)
{
	struct strbuf text;
	const char *at;
	double v = -1;
	char line[256];

	strbuf_init(&text, (size_t)1 << 20);
	would_drop_render(f->wd, &text);
	(void)snprintf(line, sizeof(line), "\n%s ", series);
	at = strstr(strbuf_str(&text), line);
	if (at != NULL)
		v = strtod(at + strlen(line), NULL);
	strbuf_release(&text);
	return v;
}

static double
by_policy(
    struct fixture *f, const char *what, const char *policy, int direction)
{
	char series[256];

	(void)snprintf(series, sizeof(series),
	    "ringfence_would_drop_%s_total{namespace=\"shop\",policy=\"%s\","
	    "direction=\"%s\"}",
	    what, policy, direction == POLICY_EGRESS ? "egress" : "ingress");
	return value_of(f, series);
}

#define JUDGED(verdict)                                                        \
	"ringfence_would_drop_judged_connections_total{verdict=\"" verdict "\"}"
#define NEW_EDGES "ringfence_would_drop_new_edges_total"
#define STALE     "ringfence_would_drop_policies_stale"

/* What an audit counts for one policy and direction. */
struct expected {
	uint64_t connections, edges;
};

static struct expected
expect(const struct audit *a, uint32_t policy, int d)
{
	struct expected x = { 0 };

	for (size_t i = 0; i < a->n_edges; i++) {
		const struct audit_edge *e = &a->edges[i];
		const struct audit_side *side = &e->sides[d];

		if (!e->is_traffic || e->verdict != AUDIT_WOULD_DROP ||
		    side->verdict != EVAL_DENY)
			continue;
		for (size_t k = 0; k < side->n_policies; k++) {
			if (side->policies[k] != policy)
				continue;
			x.connections += e->connections_dropped;
			x.edges++;
		}
	}
	return x;
}

static double
unknown_connections(const struct audit *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->n_edges; i++)
		if (a->edges[i].is_traffic &&
		    a->edges[i].verdict == AUDIT_UNKNOWN)
			n += a->edges[i].view->edge->connections;
	return (double)n;
}

static void
assert_as_audit(struct fixture *f, const struct audit *a)
{
	assert_true(value_of(f, JUDGED("would-drop")) ==
	    (double)a->connections_dropped);
	assert_true(value_of(f, JUDGED("unknown")) == unknown_connections(a));
	assert_true(
	    value_of(f, NEW_EDGES) == (double)a->counts[AUDIT_WOULD_DROP]);
	assert_int_equal(log_taken.lines, a->counts[AUDIT_WOULD_DROP]);
	for (uint32_t p = 0; p < a->set->n_policies; p++) {
		for (int d = 0; d < 2; d++) {
			const char *name = a->set->policies[p].name;
			struct expected x = expect(a, p, d);

			if (x.edges == 0) {
				assert_true(by_policy(f, "edges", name, d) < 0);
				continue;
			}
			assert_true(by_policy(f, "connections", name, d) ==
			    (double)x.connections);
			assert_true(
			    by_policy(f, "edges", name, d) == (double)x.edges);
		}
	}
}

static void
test_as_audit(void **state)
{
	struct audit_scene *s = *state;

	for (size_t i = 0; i < NELEM(sets); i++) {
		struct fixture f;
		struct audit a;

		audit_scene_run(s, sets[i], &a);
		open_fixture(&f, s, sets[i]);
		judge(&f);
		assert_as_audit(&f, &a);
		close_fixture(&f);
	}
}

/* Seen again, an edge is old; its connections count. A cluster that changed
 * makes no edge new either. */
static void
test_again(void **state)
{
	struct audit_scene *s = *state;
	struct fixture f;
	double edges, connections;

	open_fixture(&f, s, DENY_ALL);
	judge(&f);
	edges = value_of(&f, NEW_EDGES);
	connections = value_of(&f, JUDGED("would-drop"));
	judge(&f);
	f.batch.generation = 2;
	judge(&f);
	assert_true(edges > 0 && value_of(&f, NEW_EDGES) == edges);
	assert_true(value_of(&f, JUDGED("would-drop")) == 3 * connections);
	assert_int_equal(log_taken.lines, (unsigned)edges);
	close_fixture(&f);
}

static void
test_words(void **state)
{
	struct audit_scene *s = *state;
	struct fixture f;

	open_fixture(&f, s, CANARY);
	judge(&f);
	assert_int_equal(log_taken.lines, 1);
	assert_string_equal(log_taken.last,
	    "ringfence: warning: would-drop: shop/deployment/web to "
	    "shop/deployment/api TCP/9090: ingress: canary isolates the pod "
	    "and no policy has an ingress rule for it");
	close_fixture(&f);
}

/* A reason that is too long for a line is cut, and not left out. */
static void
test_long_reason(void **state)
{
	struct audit_scene *s = *state;
	struct fixture f;
	char yaml[2048], key[318];
	size_t len;

	memset(key, 'k', sizeof(key) - 1);
	key[253] = '/';
	key[sizeof(key) - 1] = '\0';
	(void)snprintf(yaml, sizeof(yaml),
	    HEAD "long}\nspec: {podSelector: {}, "
		 "policyTypes: [Ingress, Egress], "
		 "ingress: [{from: [{podSelector: {matchLabels: {%s: x}}}]}], "
		 "egress: [{to: [{podSelector: {matchLabels: {%s: x}}}]}]}\n",
	    key, key);
	open_fixture(&f, s, yaml);
	f.batch.flows = &s->w.flows[API];
	f.batch.n_flows = 1;
	judge(&f);
	assert_int_equal(log_taken.lines, 1);
	assert_non_null(
	    strstr(log_taken.last, "egress: long, egress rule 1: "));
	len = strlen(log_taken.last);
	assert_true(len > 400 && len < 1000);
	assert_string_equal(log_taken.last + len - 3, "...");
	close_fixture(&f);
}

static void
test_reload(void **state)
{
	struct audit_scene *s = *state;
	struct fixture f;
	double dropped, edges;

	open_fixture(&f, s, DENY_ALL);
	judge(&f);
	dropped = value_of(&f, JUDGED("would-drop"));
	edges = value_of(&f, NEW_EDGES);

	write_policies(f.path, "kind: [\n"); /* the old ones stay in force */
	would_drop_reload(f.wd);
	assert_non_null(strstr(log_taken.last, "stay in force"));
	judge(&f);
	assert_true(value_of(&f, STALE) == 1);
	assert_true(value_of(&f, JUDGED("would-drop")) == 2 * dropped);
	assert_true(value_of(&f, NEW_EDGES) == edges);

	write_policies(f.path, WIDE);
	would_drop_reload(f.wd);
	assert_non_null(strstr(log_taken.last, "1 policies were read again"));
	judge(&f);
	assert_true(value_of(&f, STALE) == 0);
	assert_true(value_of(&f, JUDGED("would-drop")) == 2 * dropped);

	write_policies(f.path, DENY_ALL); /* under new policies: new edges */
	would_drop_reload(f.wd);
	judge(&f);
	assert_true(value_of(&f, JUDGED("would-drop")) == 3 * dropped);
	assert_true(value_of(&f, NEW_EDGES) == 2 * edges);
	assert_true(value_of(&f, "ringfence_would_drop_reads_total") == 4);
	assert_true(
	    value_of(&f, "ringfence_would_drop_read_failures_total") == 1);
	close_fixture(&f);
}

#define LIVE_DENY                                                              \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\"," \
	"\"metadata\":{\"name\":\"live\",\"namespace\":\"shop\"},"             \
	"\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\"]}}"

static void
test_cluster(void **state)
{
	struct kube_policy_text text = { "shop", "live", LIVE_DENY };
	struct audit_scene *s = *state;
	struct fixture f;
	double dropped;

	open_fixture(&f, s, "");
	would_drop_free(f.wd);
	f.o = (struct would_drop_options){ .from_cluster = true };
	assert_int_equal(would_drop_new(&f.wd, &f.o, NULL), RF_OK);
	judge(&f); /* the policies are not known: nothing is judged */
	assert_true(value_of(&f, JUDGED("allowed")) == 0);

	s->w.c->policies = &text;
	s->w.c->n_policies = 1;
	s->w.c->has_policies = true;
	judge(&f);
	dropped = by_policy(&f, "connections", "live", POLICY_INGRESS);
	assert_true(dropped > 0);

	text.json = "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"
		    "\"NetworkPolicy\",\"metadata\":{\"name\":\"live\"},"
		    "\"spec\":{\"podSelector\":{\"matchLabels\":3}}}";
	f.batch.generation = 2;
	judge(&f); /* what cannot be read leaves the old one in force */
	assert_true(value_of(&f, STALE) == 1);
	assert_true(by_policy(&f, "connections", "live", POLICY_INGRESS) ==
	    2 * dropped);

	s->w.c->n_policies = 0;
	f.batch.generation = 3;
	judge(&f);
	assert_true(value_of(&f, STALE) == 0);
	assert_true(by_policy(&f, "connections", "live", POLICY_INGRESS) ==
	    2 * dropped);
	s->w.c->policies = NULL;
	close_fixture(&f);
}

/* However many edges there are, the log stays readable. */
static void
test_many(void **state)
{
	enum { N = 40000 };
	struct audit_scene *s = *state;
	struct flow *flows = calloc(N, sizeof(*flows));
	struct fixture f;

	assert_non_null(flows);
	open_fixture(&f, s, DENY_ALL);
	for (size_t i = 0; i < N; i++) {
		flows[i] = s->w.flows[API];
		flows[i].port = (uint16_t)(1 + i);
		flows[i].service = FLOW_NONE;
		flows[i].connections = 1;
	}
	f.batch.flows = flows;
	f.batch.n_flows = N;
	judge(&f);
	assert_int_equal(log_taken.lines, LINES_MAX);
	assert_true(value_of(&f, JUDGED("would-drop")) == N);
	assert_true(value_of(&f, NEW_EDGES) +
		value_of(&f, "ringfence_would_drop_edges_overflow_total") ==
	    N);
	assert_true(value_of(&f, NEW_EDGES) == 32768);
	close_fixture(&f);
	free(flows);
}

/* Whatever a policy is called, its sample is one line that shows it. */
static void
test_hostile_names(void **state)
{
	static const char bidi[] = { '\xe2', '\x80', '\xae', '\xff', 0 };
	static const char *const names[][2] = {
		{ "a\"} 1\nb{c=\"", "a\\\"} 1\\\\x0ab{c=\\\"" },
		{ "\x1b[31m", "\\\\x1b[31m" },
		{ "\xc2\x9b"
		  "31m",
		    "\\\\xc2\\\\x9b31m" },
		{ "back\\slash\r", "back\\\\slash\\\\x0d" },
		/* U+202E; lint refuses it in a string */
		{ bidi, "\\\\xe2\\\\x80\\\\xae\\\\xff" },
		{ "\xc3\xa4", "\xc3\xa4" },
	};
	struct drop_counts *d = calloc(1, sizeof(*d));
	struct strbuf out;

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < NELEM(names); i++) {
		char want[256];

		strbuf_init(&out, 1 << 20);
		assert_non_null(drop_counts_of(d, names[i][0], names[i][0], 0));
		drop_counts_render(d, &out);
		assert_false(strbuf_failed(&out));
		(void)snprintf(want, sizeof(want),
		    "_connections_total{namespace=\"%s\",policy=\"%s\","
		    "direction=\"",
		    names[i][1], names[i][1]);
		assert_non_null(strstr(strbuf_str(&out), want));
		for (const char *c = strbuf_str(&out); *c != '\0'; c++)
			assert_true(*c == '\n' ||
			    ((unsigned char)*c >= 0x20 && *c != 0x7f));
		strbuf_release(&out);
	}
	drop_counts_release(d);
	free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test_setup_teardown(
		    test_as_audit, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_again, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_words, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_long_reason, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_reload, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_cluster, audit_scene_setup, audit_scene_teardown),
		cmocka_unit_test_setup_teardown(
		    test_many, audit_scene_setup, audit_scene_teardown),
	};

	return cmocka_run_group_tests_name("would_drop", tests, NULL, NULL);
}

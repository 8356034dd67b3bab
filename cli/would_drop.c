/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/would_drop.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cluster_fetch.h"
#include "cli/policy_input.h"
#include "cli/would_drop_count.h"
#include "core/edge.h"
#include "core/hash.h"
#include "core/log.h"
#include "report/audit_judge.h"

#define LINES_MAX 20 /* of the log, within LINES_US */
#define LINES_US  (INT64_C(60) * 1000000)
#define WHY_MAX   ((size_t)1 << 20)
#define WHY_SHOWN 480 /* bytes: a line of the log holds 1,023 */
#define END_MAX   512

/* A set of policies with its memory. */
struct rules {
	struct arena arena;
	struct policy_input in;
};

struct would_drop {
	const struct would_drop_options *o;

	/* The writer's thread alone. */
	struct rules *active; /* compiled in judge */
	struct audit_judge *judge;
	uint64_t generation; /* of the cluster in judge */
	uint64_t digest;     /* of the cluster's policies, read or refused */
	bool has_digest;
	int64_t lines_us; /* when the minute of lines began */
	unsigned lines, lines_left_out;

	pthread_mutex_t lock; /* of everything below */
	struct rules *next;   /* to be taken by the writer; NULL: none */
	struct drop_counts counts;
	uint64_t n_policies, reads, failures;
	bool is_stale;
	int64_t compile_us, judge_us;
};

static int64_t
monotonic_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	policy_input_release(&r->in);
	arena_release(&r->arena);
	free(r);
}

/* From the files, or from c; what is wrong was said. */
static enum rf_status
rules_read(struct rules **out, const struct would_drop_options *o,
    const struct cluster *c, struct rf_error *err)
{
	struct rules *r = calloc(1, sizeof(*r));
	enum rf_status st;

	*out = NULL;
	if (r == NULL)
		return rf_fail(err, RF_NOMEM, "policies: out of memory");
	arena_init(&r->arena, 0);
	st = c != NULL
	    ? cluster_policies_read(&r->in, c, "the cluster", &r->arena)
	    : policy_input_read_any(&r->in, &o->policies, "default", &r->arena);
	if (st == RF_OK)
		st = policy_input_accept(&r->in, "judged");
	if (st != RF_OK) {
		rules_free(r);
		return rf_fail(err, st, "the policies cannot be used");
	}
	if (c == NULL && r->in.set.n_policies == 0)
		log_warn("would-drop",
		    "there is no NetworkPolicy in what --policies names, so "
		    "nothing would be dropped");
	*out = r;
	return RF_OK;
}

enum rf_status
would_drop_new(struct would_drop **out, const struct would_drop_options *o,
    struct rf_error *err)
{
	struct would_drop *wd = calloc(1, sizeof(*wd));
	enum rf_status st = RF_OK;

	*out = NULL;
	if (wd == NULL)
		return rf_fail(err, RF_NOMEM, "policies: out of memory");
	(void)pthread_mutex_init(&wd->lock, NULL);
	wd->o = o;
	if (!o->from_cluster) {
		st = rules_read(&wd->next, o, NULL, err);
		wd->reads = 1;
	}
	if (st == RF_OK)
		*out = wd;
	else
		would_drop_free(wd);
	return st;
}

void
would_drop_free(struct would_drop *wd)
{
	if (wd == NULL)
		return;
	audit_judge_free(wd->judge);
	rules_free(wd->active);
	rules_free(wd->next);
	drop_counts_release(&wd->counts);
	(void)pthread_mutex_destroy(&wd->lock);
	free(wd);
}

/* Leave r, which becomes ours, for the writer, or note that there is none. */
static void
offer(struct would_drop *wd, struct rules *r)
{
	struct rules *old;

	(void)pthread_mutex_lock(&wd->lock);
	wd->reads++;
	wd->failures += r == NULL;
	wd->is_stale = r == NULL;
	old = r != NULL ? wd->next : NULL;
	if (r != NULL)
		wd->next = r;
	(void)pthread_mutex_unlock(&wd->lock);
	rules_free(old);
}

void
would_drop_reload(struct would_drop *wd)
{
	struct rf_error err;
	enum rf_status st;
	struct rules *r;

	if (wd->o->from_cluster)
		return;
	st = rules_read(&r, wd->o, NULL, &err);
	if (st == RF_OK && r != NULL)
		log_warn("would-drop", "SIGHUP: %zu policies were read again",
		    r->in.set.n_policies);
	else
		log_error("would-drop",
		    "SIGHUP: %s; those from before stay in force", err.msg);
	offer(wd, r);
}

static uint64_t
digest_of(const struct cluster *c)
{
	uint64_t h = c->n_policies;

	for (size_t i = 0; i < c->n_policies; i++)
		h = hash_string(h, c->policies[i].json);
	return h;
}

/* The cluster's policies, if they are others than before. */
static void
follow_cluster(struct would_drop *wd, const struct cluster *c)
{
	uint64_t digest;
	struct rules *r;
	struct rf_error err;

	if (!c->has_policies)
		return; /* not listed yet, or forbidden, which is said there */
	digest = digest_of(c);
	if (wd->has_digest && digest == wd->digest)
		return;
	wd->has_digest = true;
	wd->digest = digest;
	if (rules_read(&r, wd->o, c, &err) != RF_OK)
		log_error("would-drop", "%s; those from before stay in force",
		    err.msg);
	offer(wd, r);
}

/* Take over what is new of policies and cluster. false: nothing can be
 * judged. */
static bool
prepare(struct would_drop *wd, const struct daemon_batch *b)
{
	int64_t began = monotonic_us();
	struct rules *next;
	struct rf_error err;
	enum rf_status st;

	if (wd->judge != NULL && wd->generation != b->generation) {
		audit_judge_free(wd->judge);
		wd->judge = NULL;
		if (wd->o->from_cluster)
			follow_cluster(wd, b->c);
	} else if (wd->judge == NULL && wd->o->from_cluster) {
		follow_cluster(wd, b->c);
	}
	(void)pthread_mutex_lock(&wd->lock);
	next = wd->next;
	wd->next = NULL;
	if (next != NULL) {
		wd->n_policies = next->in.set.n_policies;
		drop_counts_forget(&wd->counts);
	}
	(void)pthread_mutex_unlock(&wd->lock);
	if (next != NULL) {
		audit_judge_free(wd->judge);
		wd->judge = NULL;
		rules_free(wd->active);
		wd->active = next;
	}
	if (wd->judge != NULL || wd->active == NULL)
		return wd->judge != NULL;
	st = audit_judge_new(&wd->judge, &wd->active->in.set, b->c, &err);
	if (st != RF_OK)
		log_error("would-drop", "%s", err.msg);
	wd->generation = b->generation;
	(void)pthread_mutex_lock(&wd->lock);
	wd->compile_us = monotonic_us() - began;
	(void)pthread_mutex_unlock(&wd->lock);
	return st == RF_OK;
}

/* "shop/deployment/web", "node/node-1", "external/192.0.2.1". */
static void
end_text(
    char *out, size_t size, const struct cluster *c, const struct endpoint *e)
{
	char ip[IP_STRLEN];

	if (e->type == ENDPOINT_WORKLOAD) {
		const struct kube_workload *w = &c->workloads[e->workload];
		size_t at = strlen(w->namespace) + 1;

		(void)snprintf(
		    out, size, "%s/%s/%s", w->namespace, w->kind, w->name);
		for (; at < size && out[at] != '\0' && out[at] != '/'; at++)
			out[at] = (char)tolower((unsigned char)out[at]);
	} else if (e->type == ENDPOINT_NODE && e->node != FLOW_NONE) {
		(void)snprintf(out, size, "node/%s", c->nodes[e->node].name);
	} else {
		(void)snprintf(out, size, "%s/%s", endpoint_type_name(e->type),
		    ip_format(&e->ip, ip));
	}
}

/* One edge of what flows and audit list, whatever the cluster's generation. */
static uint64_t
edge_hash(const char *src, const char *dst, const struct cluster *c,
    const struct flow *f)
{
	const uint64_t key[] = { f->protocol, f->port, f->service_port,
		f->outcome, f->certainty, 0 };
	uint64_t h = hash_string(hash_string(0, src), dst);

	if (f->service != FLOW_NONE) {
		h = hash_string(h, c->services[f->service].namespace);
		h = hash_string(h, c->services[f->service].name);
	}
	return hash_words(h, key, sizeof(key));
}

/* Some lines a minute; how many more there were is told with the next. */
static bool
may_log(struct would_drop *wd, int64_t now_us)
{
	if (wd->lines == 0 || now_us - wd->lines_us >= LINES_US) {
		wd->lines_us = now_us;
		wd->lines = 0;
	}
	if (wd->lines == LINES_MAX) {
		wd->lines_left_out++;
		return false;
	}
	wd->lines++;
	return true;
}

static void
tell(struct would_drop *wd, const struct daemon_batch *b, const struct flow *f,
    const char *src, const char *dst)
{
	char more[64] = "";
	const char *cut;
	struct strbuf why;
	struct rf_error err;

	if (!may_log(wd, monotonic_us()))
		return;
	if (wd->lines_left_out > 0)
		(void)snprintf(more, sizeof(more),
		    " (%u other edges were not told)", wd->lines_left_out);
	wd->lines_left_out = 0;
	strbuf_init(&why, WHY_MAX);
	if (audit_judge_why(wd->judge, b->endpoints, f, &why, &err) != RF_OK)
		strbuf_clear(&why);
	cut = why.len > WHY_SHOWN ? "..." : "";
	log_warn("would-drop", "%s to %s %s/%u: %.*s%s%s", src, dst,
	    flow_protocol_name(f->protocol), f->port, WHY_SHOWN,
	    strbuf_str(&why), cut, more);
	strbuf_release(&why);
}

static void
count_policies(struct would_drop *wd, const struct audit_judgement *j,
    const struct flow *f, bool is_new)
{
	const struct policy_set *set = &wd->active->in.set;

	for (int d = 0; d < 2; d++) {
		for (size_t i = 0; j->is_denied[d] && i < j->n_policies[d];
		     i++) {
			const struct policy *p =
			    &set->policies[j->policies[d][i]];
			struct drop_counter *c = drop_counts_of(
			    &wd->counts, p->namespace, p->name, d);

			if (c == NULL) {
				wd->counts.other += f->connections;
				continue;
			}
			c->connections += f->connections;
			c->edges += is_new;
		}
	}
}

static void
judge_flow(
    struct would_drop *wd, const struct daemon_batch *b, const struct flow *f)
{
	char src[END_MAX], dst[END_MAX];
	struct audit_judgement j;
	bool is_new;

	if (!outcome_is_traffic(f->outcome))
		return; /* as in an audit, what never worked is not counted */
	audit_judge_flow(wd->judge, b->endpoints, f, &j);
	(void)pthread_mutex_lock(&wd->lock);
	wd->counts.connections[j.verdict] += f->connections;
	(void)pthread_mutex_unlock(&wd->lock);
	if (j.verdict != AUDIT_WOULD_DROP)
		return;
	end_text(src, sizeof(src), b->c, &b->endpoints[f->src]);
	end_text(dst, sizeof(dst), b->c, &b->endpoints[f->dst]);
	(void)pthread_mutex_lock(&wd->lock);
	is_new = drop_counts_meet(&wd->counts, edge_hash(src, dst, b->c, f));
	count_policies(wd, &j, f, is_new);
	(void)pthread_mutex_unlock(&wd->lock);
	if (is_new)
		tell(wd, b, f, src, dst);
}

static void
judge_batch(void *arg, const struct daemon_batch *b)
{
	struct would_drop *wd = arg;
	int64_t began;

	if (b->n_flows == 0 || !prepare(wd, b))
		return;
	began = monotonic_us();
	for (size_t i = 0; i < b->n_flows; i++)
		judge_flow(wd, b, &b->flows[i]);
	(void)pthread_mutex_lock(&wd->lock);
	wd->judge_us = monotonic_us() - began;
	(void)pthread_mutex_unlock(&wd->lock);
}

struct daemon_judge
would_drop_judge(struct would_drop *wd)
{
	return (struct daemon_judge){ judge_batch, wd };
}

static void
render_number(struct strbuf *out, const char *name, const char *type,
    const char *help, uint64_t value)
{
	strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name,
	    help, name, type, name, value);
}

static void
render_seconds(
    struct strbuf *out, const char *name, const char *help, int64_t us)
{
	strbuf_printf(out,
	    "# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 ".%06" PRId64 "\n",
	    name, help, name, name, us / 1000000, us % 1000000);
}

void
would_drop_render(void *arg, struct strbuf *out)
{
	struct would_drop *wd = arg;

	(void)pthread_mutex_lock(&wd->lock);
	drop_counts_render(&wd->counts, out);
	render_number(out, "ringfence_would_drop_policies", "gauge",
	    "Policies that are in force for the judgement.", wd->n_policies);
	render_number(out, "ringfence_would_drop_policies_stale", "gauge",
	    "1 while the newest policies cannot be used.", wd->is_stale);
	render_number(out, "ringfence_would_drop_reads_total", "counter",
	    "How often policies were read.", wd->reads);
	render_number(out, "ringfence_would_drop_read_failures_total",
	    "counter", "How often they could not be used.", wd->failures);
	render_seconds(out, "ringfence_would_drop_compile_seconds",
	    "How long it took to compile the policies.", wd->compile_us);
	render_seconds(out, "ringfence_would_drop_judge_seconds",
	    "How long it took to judge what was last stored.", wd->judge_us);
	(void)pthread_mutex_unlock(&wd->lock);
}

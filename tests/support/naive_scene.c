/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/naive_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/read.h"

static void
die(const char *what, const char *text)
{
	(void)fprintf(stderr, "naive_scene: %s: %s\n", what, text);
	abort();
}

static struct evaluator_end
read_end(const struct cluster *c, const char *text)
{
	struct evaluator_end end = { .pod = FLOW_NONE };
	char name[128];
	const char *at = strchr(text, '@');

	if (strcmp(text, "-") == 0)
		return end;
	if (strchr(text, '/') == NULL) {
		end.ip = naive_ip(text);
		return end;
	}
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(text, "@"), text);
	end.pod = naive_cluster_pod(c, name);
	if (at == NULL)
		end.ip = c->pods[end.pod].ips[0];
	else if (strcmp(at, "@-") != 0)
		end.ip = naive_ip(at + 1);
	return end;
}

struct evaluator_query
naive_query(const struct cluster *c, const char *text)
{
	struct evaluator_query q = { 0 };
	char src[128], dst[128], protocol[8], port[8], *seen;

	if (sscanf(text, "%127s > %127s %7[A-Z]/%7[0-9]", src, dst, protocol,
		port) != 4)
		die("no question", text);
	seen = strchr(src, '~');
	if (seen != NULL)
		*seen++ = '\0';
	q.src = read_end(c, src);
	q.dst = read_end(c, dst);
	q.seen_src = seen == NULL ? q.src : read_end(c, seen);
	q.protocol = strcmp(protocol, "ICMP") == 0
	    ? 1
	    : (uint8_t)flow_protocol_parse(protocol);
	q.port = (uint16_t)strtoul(port, NULL, 10);
	if (q.protocol == 0)
		die("no protocol", text);
	return q;
}

void
naive_scene_open(
    struct naive_scene *s, const char *cluster, const char *policies)
{
	const struct policy_problem *p;
	struct policy_reader *r;
	struct rf_error err;
	size_t n;

	*s = (struct naive_scene){ 0 };
	arena_init(&s->arena, 0);
	s->cluster = naive_cluster_new(cluster);
	if (policy_reader_new(&r, &s->arena, "default", &err) != RF_OK ||
	    policy_reader_text(r, "scene", policies, strlen(policies), &err) !=
		RF_OK ||
	    policy_reader_finish(r, &s->set, &err) != RF_OK)
		die("policies", err.msg);
	p = policy_reader_problems(r, &n);
	for (size_t i = 0; i < n; i++)
		if (p[i].type != PROBLEM_NOTICE && p[i].type != PROBLEM_WARNING)
			die(p[i].field, p[i].detail);
	policy_reader_free(r);
	if (evaluator_new(&s->evaluator, &s->set, s->cluster, &err) != RF_OK)
		die("evaluator", err.msg);
}

void
naive_scene_close(struct naive_scene *s)
{
	evaluator_free(s->evaluator);
	cluster_free(s->cluster);
	arena_release(&s->arena);
}

const char *
naive_side_text(const struct naive_scene *s, const struct evaluator_side *side,
    char *buf, size_t size)
{
	static const char *const verdicts[] = { "allow", "deny", "not-isolated",
		"not-subject" };
	static const char *const flags[] = { "self", "node-local",
		"block-on-pod", "ambiguous", "sidecar" };
	char *p = buf;

	p += snprintf(p, size, "%s", verdicts[side->verdict]);
	if (side->policy != FLOW_NONE)
		p += snprintf(p, size - (size_t)(p - buf), " %s/%u",
		    s->set.policies[side->policy].name, side->rule);
	for (unsigned i = 0; i < 5; i++)
		if (side->flags >> i & 1)
			p += snprintf(
			    p, size - (size_t)(p - buf), " %s", flags[i]);
	return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_probe: any bytes as a line of `check --probes`. The short way and the
 * long one agree; what is taken is answered in one line of printable JSON,
 * as the naive evaluator answers.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/check_probe.h"
#include "tests/support/naive_evaluator.h"
#include "tests/support/naive_scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char cluster[] =
    "ns a team=x\n"
    "node n1 192.168.0.1 cidr=10.0.0.0/24\n"
    "pod a/p n1 10.0.0.2,fd00::2 app=web http:80/TCP\n"
    "pod a/q n1 10.0.0.3,fd00::3 app=db dns:53/UDP\n"
    "pod b/h n1 192.168.0.1 host\n";

static const char policies[] =
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: p, namespace: a}\n"
    "spec:\n"
    "  podSelector: {}\n"
    "  policyTypes: [Ingress, Egress]\n"
    "  ingress:\n"
    "  - from: [{podSelector: {matchLabels: {app: web}}}]\n"
    "    ports: [{port: dns, protocol: UDP}, {port: 80, endPort: 90}]\n"
    "  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: "
    "[10.0.0.2/32]}}]}]\n";

static bool
same_end(const struct check_probe_end *a, const struct check_probe_end *b)
{
	if (a->has_ip != b->has_ip || a->pod != b->pod)
		return false;
	if (a->has_ip && !ip_equal(&a->ip, &b->ip))
		return false;
	return a->pod != PROBE_POD_NAMED ||
	    (strcmp(a->namespace, b->namespace) == 0 &&
		strcmp(a->name, b->name) == 0);
}

static bool
same_side(const struct evaluator_side *a, const struct evaluator_side *b)
{
	return a->verdict == b->verdict && a->flags == b->flags &&
	    a->policy == b->policy && a->rule == b->rule;
}

static void
check_answer(const struct naive_scene *n, struct check_group *g)
{
	struct check_scene s = { n->cluster, &n->set, n->evaluator };
	struct evaluator_answer want;
	struct strbuf out, text;

	evaluator_ask(n->evaluator, &g->query, &g->answer);
	naive_evaluator_ask(&n->set, n->cluster, &g->query, &want);
	if (!same_side(&g->answer.egress, &want.egress) ||
	    !same_side(&g->answer.ingress, &want.ingress))
		abort();
	strbuf_init(&out, 65536);
	strbuf_init(&text, 65536);
	check_probe_answer(&out, &s, g, true, &text);
	if (strbuf_failed(&out) || strbuf_failed(&text) || out.len == 0 ||
	    strchr(out.s, '\n') != out.s + out.len - 1)
		abort();
	strbuf_release(&out);
	strbuf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct naive_scene scene; /* the same for every input */
	struct check_probe fast, slow;
	struct check_group g;
	const char *line = (const char *)data;
	enum rf_status a, b;

	if (size > 4096)
		return 0;
	if (scene.evaluator == NULL)
		naive_scene_open(&scene, cluster, policies);
	a = check_probe_read(&fast, line, size, NULL);
	b = check_probe_read_json(&slow, line, size, NULL);
	if (a != b)
		abort();
	if (a != RF_OK)
		return 0;
	if (!same_end(&fast.src, &slow.src) ||
	    !same_end(&fast.dst, &slow.dst) || fast.port != slow.port ||
	    fast.protocol != slow.protocol)
		abort();
	if (check_probe_resolve(&g, scene.cluster, &fast, NULL) == RF_OK)
		check_answer(&scene, &g);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each resource but pods forbidden in turn: the rule that is missing is told,
 * and what becomes unknown; the rest is saved, and no pod gets an owner that
 * is not its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/kube/client_world.h"
#include "tests/kube/save_world.h"
#include "tests/support/case_table.h"

/* As long as a server's own words. */
#define SAID                                                                   \
	"deployments.apps is forbidden: User system:serviceaccount:ringfence:" \
	"ringfence cannot list resource deployments in API group apps at the " \
	"cluster scope"
/* What runs, whatever is forbidden: each pod names its owner. */
#define OWNERS                                                                 \
	"StatefulSet/db 1; DaemonSet/agent 2; Deployment/coredns 1; "          \
	"CronJob/tick 2; Deployment/web 2; Job/once 1; Pod/client 1; "         \
	"Pod/ds-dual 1; "

static const struct forbidden_case {
	const char *name, *group;
	const char *loss; /* what is said to be unknown */
} cases[] = {
	/* clang-format off */
	{ "services", "",
	    "which addresses are a Service's is unknown" },
	{ "namespaces", "",
	    "the labels of namespaces are unknown" },
	{ "nodes", "",
	    "nodes are known by their pods alone" },
	{ "endpointslices", "discovery.k8s.io",
	    "pods behind a Service are known by its selector alone" },
	{ "deployments", "apps",
	    "selectors, and those without pods, are unknown" },
	{ "replicasets", "apps",
	    "a pod's Deployment is known by its pod-template-hash alone" },
	{ "statefulsets", "apps",
	    "selectors, and those without pods, are unknown" },
	{ "daemonsets", "apps",
	    "selectors, and those without pods, are unknown" },
	{ "jobs", "batch",
	    "a pod's CronJob is known by its Job's name alone" },
	{ "cronjobs", "batch",
	    "those without pods are unknown" },
	{ "networkpolicies", "networking.k8s.io",
	    "the policies that are there are unknown" },
	/* clang-format on */
};

/* "kind/name pods; " of each workload with pods. */
static void
describe(FILE *f, char *out, size_t size)
{
	struct cluster *c = save_read(f);
	size_t n = 0;

	for (size_t i = 0; i < c->n_workloads; i++)
		if (c->workloads[i].n_pods > 0)
			n += (size_t)snprintf(out + n, size - n, "%s/%s %u; ",
			    c->workloads[i].kind, c->workloads[i].name,
			    (unsigned)c->workloads[i].n_pods);
	cluster_free(c);
}

/* The forbidden one first, then the lists of all. */
static void
script(struct replay_answer v[static CLIENT_RESOURCE_COUNT + 1],
    char paths[static CLIENT_RESOURCE_COUNT + 1][160], const char *forbidden)
{
	(void)snprintf(paths[0], 160, "/%s?", forbidden);
	v[0] = (struct replay_answer){ .when = { paths[0] },
		.status = 403,
		.text = "{\"message\":\"" SAID "\"}" };
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		const char *name = client_resources[i].name;

		(void)snprintf(paths[i + 1], 160,
		    "fixtures/kube%s/list-%s.json",
		    i == 0 || strcmp(name, "namespaces") == 0 ? "-api" : "",
		    name);
		v[i + 1] = (struct replay_answer){ .file = paths[i + 1] };
	}
}

static void
test_forbidden(void **state)
{
	const struct forbidden_case *fc = *state;
	static char whens[CLIENT_RESOURCE_COUNT][32];
	char paths[CLIENT_RESOURCE_COUNT + 1][160];
	char want[512], got[1024] = "";
	struct replay_answer answers[CLIENT_RESOURCE_COUNT + 1];
	struct save_run run = { .now_us = 1 };
	const struct client_save_config config = save_config(&run);
	struct client_save_report report;
	struct rf_error err = { 0 };
	struct client_world w;
	FILE *out = tmpfile();

	assert_non_null(out);
	script(answers, paths, fc->name);
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++) {
		(void)snprintf(whens[i], sizeof(whens[i]), "/%s?",
		    client_resources[i].name);
		answers[i + 1].when[0] = whens[i];
	}
	client_world_init(&w, answers, NELEM(answers), "token: t");
	if (client_save(w.client, out, &config, &report, &err) != RF_OK)
		fail_msg("%s", err.msg);
	(void)snprintf(want, sizeof(want),
	    "%s: forbidden; the ClusterRole lacks the rule {apiGroups: "
	    "[\"%s\"], resources: [\"%s\"], verbs: [\"list\", "
	    "\"watch\"]} (HTTP 403: " SAID "); %s",
	    fc->name, fc->group, fc->name, fc->loss);
	describe(out, got, sizeof(got));
	for (size_t i = 0; i < CLIENT_RESOURCE_COUNT; i++)
		assert_int_equal(report.missing[i],
		    strcmp(client_resources[i].name, fc->name) == 0);
	assert_string_equal(run.warnings, want);
	assert_string_equal(got, OWNERS);
	fclose(out);
	client_world_release(&w);
}

int
main(void)
{
	const struct case_table table = CASE_TABLE(test_forbidden, cases, name);

	return case_table_run("forbidden", &table);
}

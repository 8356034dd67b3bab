/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kind.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *alias, *kind;
} aliases[] = {
	{ "deploy", "Deployment" },
	{ "deployments", "Deployment" },
	{ "sts", "StatefulSet" },
	{ "statefulsets", "StatefulSet" },
	{ "ds", "DaemonSet" },
	{ "daemonsets", "DaemonSet" },
	{ "rs", "ReplicaSet" },
	{ "replicasets", "ReplicaSet" },
	{ "rc", "ReplicationController" },
	{ "replicationcontrollers", "ReplicationController" },
	{ "jobs", "Job" },
	{ "cj", "CronJob" },
	{ "cronjobs", "CronJob" },
	{ "po", "Pod" },
	{ "pods", "Pod" },
};

static bool
is_same(const char *name, const char *word, size_t n)
{
	return strlen(name) == n && strncasecmp(name, word, n) == 0;
}

bool
kind_is_meant(const char *kind, const char *word, size_t n)
{
	if (is_same(kind, word, n))
		return true;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (is_same(aliases[i].alias, word, n))
			return strcmp(aliases[i].kind, kind) == 0;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/child.h"
#include "tests/support/replay_server.h"

#define LIST(resource)                                                         \
	{                                                                      \
		.when = { "/" resource "?limit=" },                            \
		.file = "fixtures/nodes/one/" resource ".json"                 \
	}
#define OPEN .is_open = true, .end = REPLAY_STALL

/* A cluster as it was recorded, and one more pod a little later. */
static const struct replay_answer answers[] = {
	{ .when = { "/api/v1/pods?watch=1" },
	    .text = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":"
		    "\"late\",\"namespace\":\"shop\",\"uid\":\"late\","
		    "\"resourceVersion\":\"30000\"},\"spec\":{\"nodeName\":"
		    "\"node-a\"},\"status\":{\"phase\":\"Running\",\"podIP\":"
		    "\"10.244.0.99\",\"startTime\":\"2026-11-20T09:40:00Z\"}}}"
		    "\n",
	    OPEN },
	{ .when = { "watch=1" }, OPEN },
	LIST("pods"),
	LIST("namespaces"),
	LIST("services"),
	LIST("nodes"),
	LIST("endpointslices"),
	LIST("replicasets"),
	LIST("networkpolicies"),
	{ .when = { "?limit=" },
	    .text = "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":"
		    "\"7\"},\"items\":[]}" },
};

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_SIZE];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		abort();
}

static _Noreturn void
serve(const char *folder, int ready)
{
	struct replay_server *s;
	char text[512];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	s = replay_server_new(answers, sizeof(answers) / sizeof(answers[0]));
	(void)snprintf(text, sizeof(text),
	    "current-context: c\n"
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: \"%s\"}}]\n"
	    "users: [{name: u, user: {tokenFile: token}}]\n",
	    replay_server_url(s));
	write_file(folder, "token", "t");
	write_file(folder, "kubeconfig", text);
	if (write(ready, "", 1) != 1)
		abort();
	for (;;)
		(void)pause();
}

pid_t
server_start(const char *folder)
{
	int ready[2];
	char c;
	pid_t pid;

	(void)fflush(NULL);
	if (pipe(ready) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0)
		serve(folder, ready[1]);
	(void)close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		abort();
	(void)close(ready[0]);
	return pid;
}

void
server_stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

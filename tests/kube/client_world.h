/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_world: a replay server and a client of it, for the tests of this
 * folder.
 */
#ifndef TESTS_KUBE_CLIENT_WORLD_H
#define TESTS_KUBE_CLIENT_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client.h"
#include "tests/support/replay_server.h"

#define RECORDED(file) "fixtures/kube-api/" file
#define SHARED(file)   "fixtures/kube/" file
#define EMPTY                                                                  \
	"{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"7\"},"         \
	"\"items\":[]}"

/* Of one case; behind fewer stands one that fits nothing. */
#define ANSWERS_MAX 8

static inline size_t
count_answers(const struct replay_answer v[ANSWERS_MAX])
{
	size_t n = 0;

	while (n < ANSWERS_MAX && v[n].when[0] != NULL)
		n++;
	return n;
}

struct client_world {
	struct replay_server *server;
	struct kubeconfig *config;
	struct client *client;
};

/* user: the lines of the user entry, as YAML flow: "token: x". */
static inline void
client_world_init(struct client_world *w, const struct replay_answer *answers,
    size_t n, const char *user)
{
	struct rf_error err = { 0 };
	char text[1024];

	w->server = replay_server_new(answers, n);
	(void)snprintf(text, sizeof(text),
	    "current-context: c\n"
	    "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: \"%s\"}}]\n"
	    "users: [{name: u, user: {%s}}]\n",
	    replay_server_url(w->server), user);
	if (kubeconfig_parse(
		&w->config, text, strlen(text), "test", NULL, &err) != RF_OK)
		fail_msg("%s", err.msg);
	if (client_open(&w->client, w->config, &err) != RF_OK)
		fail_msg("%s", err.msg);
}

static inline void
client_world_release(struct client_world *w)
{
	client_close(w->client);
	kubeconfig_free(w->config);
	replay_server_free(w->server);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_options: --kubeconfig and --context, for every command that talks
 * to the API server.
 */
#ifndef CLI_CLUSTER_OPTIONS_H
#define CLI_CLUSTER_OPTIONS_H

#include "cli/options.h"
#include "kube/client.h"

struct cluster_options {
	const char *kubeconfig, *context; /* NULL: as kubectl finds them */
};

/* Two rows of an option table; at is the offset of the struct above. */
/* clang-format off */
#define CLUSTER_OPTION_ROWS(at) \
	{ .name = "kubeconfig", .kind = OPTION_TEXT, .arg = "FILE", \
	  .offset = (at) + offsetof(struct cluster_options, kubeconfig), \
	  .help = "Where the API server is and who we are to it; else the " \
	      "files in $KUBECONFIG, else ~/.kube/config, else the service " \
	      "account of the pod." }, \
	{ .name = "context", .kind = OPTION_TEXT, .arg = "NAME", \
	  .offset = (at) + offsetof(struct cluster_options, context), \
	  .help = "Context of the kubeconfig; else its current one." }
/* clang-format on */

/* --cluster beside them, for a command that can also do without a server. */
struct cluster_choice {
	bool chosen;
	struct cluster_options connection;
};

/* Three rows of an option table; at is the offset of the struct above. */
/* clang-format off */
#define CLUSTER_CHOICE_ROWS(at, text) \
	{ .name = "cluster", .kind = OPTION_FLAG, \
	  .offset = (at) + offsetof(struct cluster_choice, chosen), \
	  .help = (text) }, \
	CLUSTER_OPTION_ROWS((at) + offsetof(struct cluster_choice, connection))
/* clang-format on */

/* --kubeconfig and --context are of no use without --cluster: OPTIONS_RUN, or
 * the status of a mistake in usage. */
int cluster_choice_check(
    const struct command_spec *spec, const struct cluster_choice *choice);

/* A client and what it borrows. */
struct cluster_connection {
	struct kubeconfig *config;
	struct client *client;
};

/* Nothing is sent yet. On failure nothing is left to close. */
RF_MUST_USE enum rf_status cluster_connect(struct cluster_connection *out,
    const struct cluster_options *o, struct rf_error *err);

void cluster_disconnect(struct cluster_connection *cc);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_options.h"

#include <stdlib.h>

int
cluster_choice_check(
    const struct command_spec *spec, const struct cluster_choice *choice)
{
	const struct cluster_options *o = &choice->connection;

	if (choice->chosen || (o->kubeconfig == NULL && o->context == NULL))
		return OPTIONS_RUN;
	return options_usage(spec, "--%s is of no use without --cluster",
	    o->kubeconfig != NULL ? "kubeconfig" : "context");
}

enum rf_status
cluster_connect(struct cluster_connection *out, const struct cluster_options *o,
    struct rf_error *err)
{
	const struct kubeconfig_source source = {
		.path = o->kubeconfig,
		.context = o->context,
		.env_list = getenv("KUBECONFIG"),
		.home = getenv("HOME"),
		.service_host = getenv("KUBERNETES_SERVICE_HOST"),
		.service_port = getenv("KUBERNETES_SERVICE_PORT"),
	};
	enum rf_status st;

	*out = (struct cluster_connection){ 0 };
	st = kubeconfig_load(&out->config, &source, err);
	if (st == RF_OK)
		st = client_open(&out->client, out->config, err);
	if (st != RF_OK)
		cluster_disconnect(out);
	return st;
}

void
cluster_disconnect(struct cluster_connection *cc)
{
	client_close(cc->client);
	kubeconfig_free(cc->config);
	*cc = (struct cluster_connection){ 0 };
}

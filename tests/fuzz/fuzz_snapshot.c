/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_snapshot: any bytes as a snapshot; a cluster that comes of it must
 * hold together. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/address.h"
#include "kube/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_pods(const struct cluster *c)
{
	for (size_t i = 0; i < c->n_pods; i++) {
		const struct kube_pod *p = &c->pods[i];

		require(p->ns < c->n_namespaces);
		require(p->workload < c->n_workloads);
		require(p->node == FLOW_NONE || p->node < c->n_nodes);
		require(p->from_us <= p->to_us);
		require(cluster_find_pod(c, p->namespace, p->name) < c->n_pods);
		for (size_t k = 0; k < p->n_ips; k++) {
			struct address_owner o =
			    address_owner_at(c, &p->ips[k], p->from_us);

			require(o.kind != ADDRESS_EXTERNAL || p->host_network ||
			    ip_is_none(&p->ips[k]));
			require(o.pod == FLOW_NONE || o.pod < c->n_pods);
		}
	}
}

static void
check_services(const struct cluster *c)
{
	for (size_t i = 0; i < c->n_backends; i++) {
		const struct kube_backend *b = &c->backends[i];
		uint32_t services[4];
		uint16_t ports[4];

		require(b->service < c->n_services);
		require(b->pod == FLOW_NONE || b->pod < c->n_pods);
		require(address_listens(c, &b->ip, b->port, b->protocol, 0));
		(void)address_services_of(
		    c, &b->ip, b->port, b->protocol, services, ports, 4);
	}
}

static void
check_cluster(const struct cluster *c)
{
	check_pods(c);
	check_services(c);
	for (size_t i = 0; i < c->n_workloads; i++)
		require(cluster_find_workload(c, c->workloads[i].namespace,
			    c->workloads[i].kind, c->workloads[i].name) == i);
	for (size_t i = 0; i < c->n_namespaces; i++)
		require(cluster_find_namespace(c, c->namespaces[i].name) == i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_builder *sb = NULL;
	struct cluster *c = NULL;
	struct rf_error err = { 0 };
	char *copy;
	FILE *f;

	if (size == 0) /* fmemopen takes no empty buffer */
		return 0;
	copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data, size);
	f = fmemopen(copy, size, "r");
	require(f != NULL);
	require(snapshot_builder_new(&sb, &err) == RF_OK);
	if (snapshot_read(sb, f, "fuzz", &err) == RF_OK) {
		require(snapshot_finish(sb, &c, NULL, &err) == RF_OK);
		check_cluster(c);
	} else {
		require(strchr(err.msg, '\n') == NULL);
	}
	cluster_free(c);
	snapshot_builder_free(sb);
	fclose(f);
	free(copy);
	return 0;
}

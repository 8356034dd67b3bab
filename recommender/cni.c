/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network plugins that differ from what the API says. The facts and where
 * they are from stand in man/ringfence.1, NETWORK PLUGINS.
 */
#include <string.h>

#include "recommender/internal.h"

bool
cni_before_dnat(const struct run *r)
{
	return r->options->cni == CNI_AWS_VPC;
}

/*
 * Policy that comes before DNAT sees the Service's address and port: both are
 * added, the port also to the pods, for the plugin turns the pods' selector
 * into Service addresses itself. pods NULL: the Service has none.
 */
enum rf_status
cni_add_service(struct run *r, const struct flow *f, uint32_t group,
    const struct peer *pods)
{
	const struct kube_service *s;
	struct need need = { .group = group,
		.direction = POLICY_EGRESS,
		.protocol = f->protocol,
		.port = f->service_port,
		.floor = true };
	enum rf_status st;

	if (!cni_before_dnat(r) || f->service == FLOW_NONE ||
	    f->service_port == 0)
		return RF_OK;
	s = &r->c->services[f->service];
	if (pods != NULL && f->service_port != f->port) {
		need.peer = *pods;
		if ((st = needs_add(r, need)) != RF_OK)
			return st;
	}
	for (size_t i = 0; i < s->n_cluster_ips; i++) {
		need.peer = (struct peer){ .type = PEER_BLOCK,
			.kinds = BLOCK_SERVICE,
			.block = ip_prefix_host(&s->cluster_ips[i]) };
		if ((st = needs_add(r, need)) != RF_OK)
			return st;
	}
	return RF_OK;
}

/* What Cilium does otherwise, in the rules of a group (bits). */
enum { CILIUM_NODES = 1, CILIUM_NAMES = 2 };

static void
find_cilium(const struct run *r, unsigned *has)
{
	const unsigned nodes = BLOCK_NODE | BLOCK_API_SERVER;

	for (size_t i = 0; i < r->n_needs; i++) {
		const struct need *n = &r->needs[i];
		const struct peer *p = &n->peer;

		if (p->type == PEER_BLOCK &&
		    ((p->kinds & nodes) != 0 ||
			dns_is_node_local(r, &p->block.addr)))
			has[n->group] |= CILIUM_NODES;
		if (n->direction == POLICY_EGRESS && n->port_name != NULL)
			has[n->group] |= CILIUM_NAMES;
	}
}

static enum rf_status
remark_cilium_group(struct run *r, const struct group *g, unsigned has)
{
	struct recommend_note note = { .kind = NOTE_REMARK,
		.reason = "cni-nodes",
		.namespace = r->c->namespaces[g->ns].name,
		.policy = g->policy_name };
	enum rf_status st = RF_OK;

	if ((has & CILIUM_NODES) != 0)
		st = note_add(r, note,
		    "rules name nodes, what listens on them or the API server "
		    "by ipBlock, which Cilium does not match unless "
		    "policy-cidr-match-mode is nodes; a CiliumNetworkPolicy "
		    "with the entities host, remote-node or kube-apiserver "
		    "does it too");
	note.reason = "cni-named-port";
	if (st == RF_OK && (has & CILIUM_NAMES) != 0)
		st = note_add(r, note,
		    "an egress rule names a port whose number differs between "
		    "pods, of which Cilium may allow only one "
		    "(cilium/cilium#30003): try each, or write the numbers");
	return st;
}

static enum rf_status
remark_cilium(struct run *r)
{
	unsigned *has = arena_calloc(r->arena, r->n_groups, sizeof(*has));
	enum rf_status st = RF_OK;

	if (has == NULL)
		return run_nomem(r);
	find_cilium(r, has);
	for (uint32_t g = 0; g < r->n_groups && st == RF_OK; g++)
		if (plan_group_in_scope(r, g))
			st = remark_cilium_group(r, &r->groups[g], has[g]);
	return st;
}

enum rf_status
cni_remarks(struct run *r)
{
	static const struct recommend_note general = { .kind = NOTE_REMARK,
		.reason = "cni" };

	switch (r->options->cni) {
	case CNI_CILIUM:
		return remark_cilium(r);
	case CNI_AWS_VPC:
		return note_add(r, general,
		    "aws-vpc: Service addresses and ports are added to what "
		    "goes out; a Service that is made anew has another "
		    "address");
	case CNI_KUBE_ROUTER:
		return note_add(r, general,
		    "kube-router: a client on another node may reach a "
		    "Service's pod with its node's address; where that was "
		    "not seen in the capture, allow the nodes by hand");
	case CNI_GENERIC:
	case CNI_CALICO:
		break;
	}
	return RF_OK;
}

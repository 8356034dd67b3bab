/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Services that traffic took, in the comments of the rules that let it
 * pass. The proof tells which rule that is, so a rule names its own only.
 */
#include <string.h>

#include "recommender/internal.h"

static int
compare_services(const struct kube_service *a, const struct kube_service *b)
{
	int d = strcmp(a->namespace, b->namespace);

	return d != 0 ? d : strcmp(a->name, b->name);
}

/* Keep the first SERVICES_MAX by name, whatever the order they come in. */
static void
keep(struct recommend_evidence *v, const struct kube_service *s)
{
	size_t i = v->n_services;
	int d = 1;

	while (i > 0 && (d = compare_services(v->services[i - 1], s)) > 0)
		i--;
	if (i > 0 && d == 0)
		return;
	if (v->n_services == RECOMMEND_SERVICES_MAX) {
		v->more_services = true;
		if (i == RECOMMEND_SERVICES_MAX)
			return;
		v->n_services--;
	}
	memmove(&v->services[i + 1], &v->services[i],
	    (v->n_services - i) * sizeof(v->services[0]));
	v->services[i] = s;
	v->n_services++;
}

void
service_note(struct run *r, struct recommend_evidence *v, const struct flow *f,
    enum policy_direction d)
{
	const struct endpoint *dst = &r->fs->endpoints[f->dst];
	const struct endpoint *seen = &r->fs->endpoints[f->seen_src];
	const struct kube_service *s;

	if (f->service == FLOW_NONE || f->service == r->api_service ||
	    (d == POLICY_INGRESS && plan_group(r, seen) != FLOW_NONE))
		return;
	s = &r->c->services[f->service];
	if (dns_is_service(s))
		return; /* everyone's, seen or not */
	if (dst->type == ENDPOINT_WORKLOAD && dst->workload != FLOW_NONE &&
	    strcmp(r->c->workloads[dst->workload].name, s->name) == 0)
		return; /* the name says it */
	keep(v, s);
}

/* "Service a, b/c", where b is another namespace than the policy's. */
static const char *
names(struct run *r, const char *ns, const struct recommend_evidence *v)
{
	const char *text = v->n_services > 1 ? "Services" : "Service";

	for (size_t i = 0; i < v->n_services && text != NULL; i++) {
		const struct kube_service *s = v->services[i];
		bool here = strcmp(s->namespace, ns) == 0;

		text = run_printf(r, "%s%s %s%s%s", text, i == 0 ? "" : ",",
		    here ? "" : s->namespace, here ? "" : "/", s->name);
	}
	return v->more_services && text != NULL
	    ? run_printf(r, "%s and others", text)
	    : text;
}

enum rf_status
services_comment(struct run *r, const char *ns, struct policy_rule *rule,
    const struct recommend_evidence *v)
{
	const char *text;

	if (v->n_services == 0)
		return RF_OK;
	if ((text = names(r, ns, v)) == NULL)
		return run_nomem(r);
	rule->comment = rule->comment == NULL
	    ? text
	    : run_printf(r, "%s (%s)", rule->comment, text);
	return rule->comment == NULL ? run_nomem(r) : RF_OK;
}

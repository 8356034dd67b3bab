/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/end_ref.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/nearest.h"
#include "kube/address.h"
#include "kube/kind.h"

/* The word while its ends gather. */
struct finding {
	const struct cluster *c;
	struct end_port port;
	struct arena *arena;
	struct check_end *v;
	size_t n, cap;
	bool failed; /* out of memory */
};

/* Up to three words between slashes. */
struct parts {
	char *v[3];
	size_t n;
};

static void
add(struct finding *f, struct check_end e, uint16_t port)
{
	void *v = f->v;

	e.port = port;
	if (!arena_grow(f->arena, &v, f->n, &f->cap, sizeof(e))) {
		f->failed = true;
		return;
	}
	f->v = v;
	f->v[f->n++] = e;
}

/* By each address that the Service, unless it is NULL, can lead to. */
static void
add_pod(struct finding *f, uint32_t pod, const struct kube_service *s,
    uint16_t port)
{
	const struct kube_pod *p = &f->c->pods[pod];

	for (size_t i = 0; i < p->n_ips; i++)
		if (s == NULL || kube_service_has_family(s, &p->ips[i]))
			add(f, check_end_of_pod(f->c, pod, &p->ips[i]), port);
}

static enum rf_status
no_such(const char *what, const struct parts *p, const struct nearest *near,
    struct rf_error *err)
{
	const char *name = p->v[p->n - 1], *ns = p->v[0];

	if (near->best != NULL)
		return rf_fail(err, RF_CORRUPT,
		    "there is no %s %s/%s; did you mean %s?", what, ns, name,
		    near->best);
	return rf_fail(err, RF_CORRUPT, "there is no %s %s/%s", what, ns, name);
}

static bool
has_pods(const struct cluster *c, const char *ns)
{
	for (size_t i = 0; i < c->n_pods; i++)
		if (strcmp(c->pods[i].namespace, ns) == 0)
			return true;
	return false;
}

static enum rf_status
check_namespace(const struct cluster *c, const char *ns, struct rf_error *err)
{
	struct nearest near;

	if (cluster_find_namespace(c, ns) != FLOW_NONE || has_pods(c, ns))
		return RF_OK;
	nearest_init(&near, ns);
	for (size_t i = 0; i < c->n_namespaces; i++)
		nearest_offer(&near, c->namespaces[i].name);
	if (near.best != NULL)
		return rf_fail(err, RF_CORRUPT,
		    "there is no namespace %s; did you mean %s?", ns,
		    near.best);
	return rf_fail(err, RF_CORRUPT, "there is no namespace %s", ns);
}

/* NS/NAME is often meant for the workload of that name. */
static const struct kube_workload *
workload_named(const struct cluster *c, const struct parts *p)
{
	for (size_t i = 0; i < c->n_workloads; i++)
		if (strcmp(c->workloads[i].namespace, p->v[0]) == 0 &&
		    strcmp(c->workloads[i].name, p->v[1]) == 0)
			return &c->workloads[i];
	return NULL;
}

static enum rf_status
find_pod(struct finding *f, const struct parts *p, struct rf_error *err)
{
	uint32_t pod = cluster_find_pod(f->c, p->v[0], p->v[1]);
	const struct kube_workload *w;
	struct nearest near;

	if (pod == FLOW_NONE && (w = workload_named(f->c, p)) != NULL)
		return rf_fail(err, RF_CORRUPT,
		    "there is no pod %s/%s; the %s is %s/%s/%s", p->v[0],
		    p->v[1], w->kind, p->v[0], w->kind, p->v[1]);
	if (pod == FLOW_NONE) {
		nearest_init(&near, p->v[1]);
		for (size_t i = 0; i < f->c->n_pods; i++)
			if (strcmp(f->c->pods[i].namespace, p->v[0]) == 0)
				nearest_offer(&near, f->c->pods[i].name);
		return no_such("pod", p, &near, err);
	}
	if (!check_pod_lives(&f->c->pods[pod]))
		return rf_fail(err, RF_CORRUPT,
		    "pod %s/%s has ended: it holds no address", p->v[0],
		    p->v[1]);
	add_pod(f, pod, NULL, f->port.port);
	return RF_OK;
}

static uint32_t
look_up_workload(
    const struct cluster *c, const struct parts *p, struct nearest *near)
{
	uint32_t found = FLOW_NONE;

	for (uint32_t i = 0; i < c->n_workloads; i++) {
		const struct kube_workload *w = &c->workloads[i];

		if (strcmp(w->namespace, p->v[0]) != 0 ||
		    !kind_is_meant(w->kind, p->v[1], strlen(p->v[1])))
			continue;
		nearest_offer(near, w->name);
		if (strcmp(w->name, p->v[2]) == 0)
			found = i;
	}
	return found;
}

static enum rf_status
find_workload(struct finding *f, const struct parts *p, struct rf_error *err)
{
	struct nearest near;
	uint32_t workload;

	nearest_init(&near, p->v[2]);
	workload = look_up_workload(f->c, p, &near);
	if (workload == FLOW_NONE)
		return no_such(p->v[1], p, &near, err);
	for (uint32_t i = 0; i < f->c->n_pods; i++)
		if (f->c->pods[i].workload == workload &&
		    check_pod_lives(&f->c->pods[i]))
			add_pod(f, i, NULL, f->port.port);
	return RF_OK;
}

/* The service port that is dialled. NULL: there is none. */
static const struct kube_service_port *
dialled_port(const struct kube_service *s, struct end_port port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].port == port.port &&
		    s->ports[i].protocol == port.protocol)
			return &s->ports[i];
	return NULL;
}

static enum rf_status
no_port(
    const struct kube_service *s, struct end_port port, struct rf_error *err)
{
	char have[160] = "none";
	size_t len = 0;

	for (size_t i = 0; i < s->n_ports && len < sizeof(have); i++)
		len += (size_t)snprintf(have + len, sizeof(have) - len,
		    "%s%s/%u", i == 0 ? "" : ", ",
		    flow_protocol_name(s->ports[i].protocol),
		    (unsigned)s->ports[i].port);
	return rf_fail(err, RF_CORRUPT,
	    "Service %s/%s has no port %s/%u; it has %s", s->namespace, s->name,
	    flow_protocol_name(port.protocol), (unsigned)port.port, have);
}

/* Backends from EndpointSlices; sp NULL: of any port (a source). */
static void
add_backends(
    struct finding *f, uint32_t service, const struct kube_service_port *sp)
{
	const struct kube_backend *b;
	size_t n;

	b = address_backends(f->c, service, &n);
	for (size_t i = 0; i < n; i++) {
		if (!b[i].ready ||
		    (sp != NULL &&
			(b[i].protocol != sp->protocol ||
			    strcmp(b[i].port_name, sp->name) != 0)))
			continue;
		if (b[i].pod != FLOW_NONE)
			add(f, check_end_of_pod(f->c, b[i].pod, &b[i].ip),
			    sp == NULL ? 0 : b[i].port);
		else
			add(f, check_end_of_ip(f->c, &b[i].ip),
			    sp == NULL ? 0 : b[i].port);
	}
}

static void
add_selected(struct finding *f, const struct kube_service *s,
    const struct kube_service_port *sp)
{
	for (uint32_t i = 0; i < f->c->n_pods; i++) {
		const struct kube_pod *p = &f->c->pods[i];
		uint16_t port = sp == NULL ? 0 : kube_service_target(sp, p);

		if (strcmp(p->namespace, s->namespace) == 0 &&
		    check_pod_lives(p) && (sp == NULL || port != 0) &&
		    selector_matches(&s->selector, &p->labels))
			add_pod(f, i, s, port);
	}
}

static enum rf_status
open_service(struct finding *f, uint32_t service, struct end_ref *out,
    struct rf_error *err)
{
	const struct kube_service *s = &f->c->services[service];
	const struct kube_service_port *sp = NULL;
	size_t n;

	out->service = service;
	if (s->gone)
		return rf_fail(err, RF_CORRUPT, "Service %s/%s is gone",
		    s->namespace, s->name);
	if (strcmp(s->type, "ExternalName") == 0)
		return rf_fail(err, RF_CORRUPT,
		    "Service %s/%s is another name (ExternalName) and leads to "
		    "no pod; give an address of that name",
		    s->namespace, s->name);
	if (f->port.port != 0 && (sp = dialled_port(s, f->port)) == NULL)
		return no_port(s, f->port, err);
	(void)address_backends(f->c, service, &n);
	out->by_selector = n == 0 && s->has_selector;
	if (out->by_selector)
		add_selected(f, s, sp);
	else
		add_backends(f, service, sp);
	if (f->n == 0 && !f->failed)
		return rf_fail(err, RF_CORRUPT,
		    "Service %s/%s has no ready pod behind it%s", s->namespace,
		    s->name, sp == NULL ? "" : " on that port");
	return RF_OK;
}

static enum rf_status
find_service(struct finding *f, const struct parts *p, struct end_ref *out,
    struct rf_error *err)
{
	uint32_t service = cluster_find_service(f->c, p->v[0], p->v[2]);
	struct nearest near;

	if (service != FLOW_NONE)
		return open_service(f, service, out, err);
	nearest_init(&near, p->v[2]);
	for (size_t i = 0; i < f->c->n_services; i++)
		if (strcmp(f->c->services[i].namespace, p->v[0]) == 0)
			nearest_offer(&near, f->c->services[i].name);
	return no_such("Service", p, &near, err);
}

/* "a/b/c" into words; false: an empty one, or too many. */
static bool
split(struct parts *p, const char *text, struct arena *arena)
{
	char *s = arena_strdup(arena, text);

	p->n = 0;
	while (s != NULL && p->n < 3) {
		p->v[p->n++] = s;
		if (*s == '/' || *s == '\0')
			return false;
		s = strchr(s, '/');
		if (s != NULL)
			*s++ = '\0';
	}
	return s == NULL && p->n >= 2;
}

static bool
is_service_word(const char *s)
{
	return strcasecmp(s, "svc") == 0 || strcasecmp(s, "service") == 0 ||
	    strcasecmp(s, "services") == 0;
}

/* Is it the DNS name of a Service, NAME.NS.svc and so on? */
static bool
is_service_dns(const char *text, size_t *name_len, size_t *ns_len)
{
	const char *ns, *rest;

	*name_len = strcspn(text, "./");
	if (text[*name_len] != '.')
		return false;
	ns = text + *name_len + 1;
	*ns_len = strcspn(ns, "./");
	rest = ns + *ns_len;
	return strcmp(rest, ".svc") == 0 || strncmp(rest, ".svc.", 5) == 0;
}

/* What is no way to name an end, with the way that was meant. */
static enum rf_status
no_end(const char *text, struct rf_error *err)
{
	struct ip_prefix range;
	size_t name_len, ns_len;

	if (ip_prefix_parse(&range, text, NULL))
		return rf_fail(err, RF_INVAL,
		    "'%s' is a range; ask about an address of it", text);
	if (is_service_dns(text, &name_len, &ns_len))
		return rf_fail(err, RF_INVAL,
		    "'%s' is a DNS name; the Service is svc/%.*s/%.*s", text,
		    (int)ns_len, text + name_len + 1, (int)name_len, text);
	return rf_fail(err, RF_INVAL,
	    "'%s' is none of NS/POD, NS/KIND/NAME, svc/NS/NAME or an address",
	    text);
}

static enum rf_status
find_named(struct finding *f, const char *text, struct end_ref *out,
    struct rf_error *err)
{
	struct ip_prefix range;
	struct parts p;
	enum rf_status st;
	bool is_service;

	if (ip_prefix_parse(&range, text, NULL) || !split(&p, text, f->arena))
		return no_end(text, err);
	is_service = p.n == 3 && is_service_word(p.v[0]);
	if (is_service)
		p.v[0] = p.v[1];
	else if (p.n == 3)
		is_service = is_service_word(p.v[1]);
	st = check_namespace(f->c, p.v[0], err);
	if (st != RF_OK)
		return st;
	if (is_service)
		return find_service(f, &p, out, err);
	return p.n == 3 ? find_workload(f, &p, err) : find_pod(f, &p, err);
}

/* A Service's own address, also of another port than it has, or a node's with a
 * nodePort, is the Service. */
static enum rf_status
find_address(struct finding *f, const struct ip_addr *ip, struct end_ref *out,
    struct rf_error *err)
{
	struct check_end e = check_end_of_ip(f->c, ip);
	struct address_target to = { ip, f->port.port, f->port.protocol,
		ADDRESS_NOW };
	uint32_t service;
	uint16_t port;

	if (f->port.port != 0 && address_service(f->c, &to, &service, &port)) {
		out->by_node = e.kind == CHECK_NODE;
		f->port.port = port;
		return open_service(f, service, out, err);
	}
	if (e.kind == CHECK_SERVICE && f->port.port != 0)
		return open_service(f, e.index, out, err);
	add(f, e, f->port.port);
	return RF_OK;
}

enum rf_status
end_ref_find(struct end_ref *out, const char *text, const struct cluster *c,
    struct end_port port, struct arena *arena, struct rf_error *err)
{
	struct finding f = { .c = c, .port = port, .arena = arena };
	struct ip_addr ip;
	enum rf_status st = RF_OK;

	*out = (struct end_ref){ .text = text, .service = FLOW_NONE };
	if (ip_parse(&ip, text))
		st = find_address(&f, &ip, out, err);
	else
		st = find_named(&f, text, out, err);
	if (st == RF_OK && f.failed)
		st = rf_fail(err, RF_NOMEM, "out of memory");
	if (st == RF_OK && f.n == 0)
		st = rf_fail(err, RF_CORRUPT,
		    "%s has no running pod with an address", text);
	out->ends = f.v;
	out->n_ends = f.n;
	return st;
}

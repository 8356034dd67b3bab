/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/naive_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 512
#define PARTS_MAX   24

static void
die(const char *what, const char *text)
{
	(void)fprintf(stderr, "naive_cluster: %s: %s\n", what, text);
	abort();
}

struct ip_addr
naive_ip(const char *text)
{
	struct ip_addr a;

	if (!ip_parse(&a, text))
		die("no address", text);
	return a;
}

static void *
take(struct cluster *c, size_t n, size_t size)
{
	void *p = arena_calloc(&c->arena, n, size);

	if (p == NULL)
		die("no memory", "");
	return p;
}

static uint32_t
find_ns(struct cluster *c, const char *name)
{
	struct kube_namespace *ns;
	struct label *l;

	for (uint32_t i = 0; i < c->n_namespaces; i++)
		if (strcmp(c->namespaces[i].name, name) == 0)
			return i;
	if (c->n_namespaces == OBJECTS_MAX)
		die("too many namespaces", name);
	ns = &c->namespaces[c->n_namespaces++];
	l = take(c, PARTS_MAX, sizeof(*l));
	l[0] = (struct label){ "kubernetes.io/metadata.name", name };
	ns->name = name;
	ns->assumed = true;
	ns->labels = (struct label_set){ l, 1 };
	return (uint32_t)c->n_namespaces - 1;
}

static uint32_t
find_node(const struct cluster *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_nodes; i++)
		if (strcmp(c->nodes[i].name, name) == 0)
			return i;
	return FLOW_NONE;
}

/* Cut text at its first c; NULL: there is none. */
static char *
cut(char *text, char c)
{
	char *at = strchr(text, c);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

static void
read_ns(struct cluster *c, char **part)
{
	struct kube_namespace *ns = &c->namespaces[find_ns(c, part[1])];
	struct label *l = take(c, PARTS_MAX, sizeof(*l));
	size_t n = 0;

	ns->assumed = false;
	l[n++] = ns->labels.v[0];
	for (char **p = part + 2; *p != NULL; p++) {
		const char *value = cut(*p, '=');

		l[n++] = (struct label){ *p, value };
	}
	ns->labels = (struct label_set){ l, label_sort(l, n) };
}

static void
read_node(struct cluster *c, char **part)
{
	struct kube_node *n = &c->nodes[c->n_nodes++];
	struct ip_addr *addrs = take(c, PARTS_MAX, sizeof(*addrs));
	struct ip_prefix *cidrs = take(c, PARTS_MAX, sizeof(*cidrs));

	n->name = part[1];
	n->provider = "";
	n->addrs = addrs;
	n->pod_cidrs = cidrs;
	for (char **p = part + 2; *p != NULL; p++) {
		if (strncmp(*p, "cidr=", 5) != 0)
			addrs[n->n_addrs++] = naive_ip(*p);
		else if (!ip_prefix_parse(
			     &cidrs[n->n_pod_cidrs++], *p + 5, NULL))
			die("no prefix", *p);
	}
}

static struct kube_port
read_port(char *text)
{
	struct kube_port p = { 0 };
	char *number, *protocol;

	if (strncmp(text, "init:", 5) == 0) {
		p.init = true;
		text += 5;
	} else if (strncmp(text, "sidecar:", 8) == 0) {
		p.sidecar = true;
		text += 8;
	}
	number = cut(text, ':');
	protocol = number == NULL ? NULL : cut(number, '/');
	if (protocol == NULL)
		die("no port", text);
	p.name = text;
	p.port = (uint16_t)strtoul(number, NULL, 10);
	p.protocol = (uint8_t)flow_protocol_parse(protocol);
	return p;
}

static void
read_addresses(struct cluster *c, struct kube_pod *pod, char *text)
{
	struct ip_addr *ips = take(c, PARTS_MAX, sizeof(*ips));

	while (text != NULL) {
		char *next = cut(text, ',');

		ips[pod->n_ips++] = naive_ip(text);
		text = next;
	}
	pod->ips = ips;
}

static void
read_pod(struct cluster *c, char **part)
{
	struct kube_pod *pod = &c->pods[c->n_pods++];
	struct kube_port *ports = take(c, PARTS_MAX, sizeof(*ports));
	struct label *l = take(c, PARTS_MAX, sizeof(*l));
	char *name = cut(part[1], '/');

	pod->namespace = part[1];
	pod->name = name;
	pod->uid = "";
	pod->ns = find_ns(c, part[1]);
	pod->node = find_node(c, part[2]);
	pod->phase = POD_RUNNING;
	pod->from_us = INT64_MIN;
	pod->to_us = INT64_MAX;
	read_addresses(c, pod, part[3]);
	for (char **p = part + 4; *p != NULL; p++) {
		char *value;

		if (strcmp(*p, "host") == 0)
			pod->host_network = true;
		else if ((value = cut(*p, '=')) != NULL)
			l[pod->labels.n++] = (struct label){ *p, value };
		else
			ports[pod->n_ports++] = read_port(*p);
	}
	pod->labels.v = l;
	pod->labels.n = label_sort(l, pod->labels.n);
	pod->ports = ports;
	if (pod->node != FLOW_NONE) {
		pod->host_ips = c->nodes[pod->node].addrs;
		pod->n_host_ips = c->nodes[pod->node].n_addrs;
	}
}

static void
read_line(struct cluster *c, char *line)
{
	char *part[PARTS_MAX] = { NULL }, *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(line, " \t", &save); p != NULL;
	     p = strtok_r(NULL, " \t", &save)) {
		if (n == PARTS_MAX - 1)
			die("line too long", p);
		part[n++] = p;
	}
	if (n == 0)
		return;
	if (c->n_pods == OBJECTS_MAX || c->n_nodes == OBJECTS_MAX)
		die("too many objects", part[0]);
	if (strcmp(part[0], "ns") == 0 && n >= 2)
		read_ns(c, part);
	else if (strcmp(part[0], "node") == 0 && n >= 2)
		read_node(c, part);
	else if (strcmp(part[0], "pod") == 0 && n >= 4)
		read_pod(c, part);
	else
		die("unknown line", part[0]);
}

struct cluster *
naive_cluster_new(const char *text)
{
	struct cluster *c = cluster_new();
	struct kube_workload *w;
	struct rf_error err;
	char *copy, *line, *save = NULL;

	if (c == NULL)
		die("no memory", "");
	c->namespaces = take(c, OBJECTS_MAX, sizeof(*c->namespaces));
	c->nodes = take(c, OBJECTS_MAX, sizeof(*c->nodes));
	c->pods = take(c, OBJECTS_MAX, sizeof(*c->pods));
	w = take(c, 1, sizeof(*w));
	*w = (struct kube_workload){ .kind = "Deployment",
		.namespace = "",
		.name = "all",
		.api_version = "apps/v1" };
	c->workloads = w;
	c->n_workloads = 1;
	copy = arena_strdup(&c->arena, text);
	if (copy == NULL)
		die("no memory", "");
	for (line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		read_line(c, line);
	if (cluster_finish(c, &err) != RF_OK)
		die("cluster_finish", err.msg);
	return c;
}

uint32_t
naive_cluster_pod(const struct cluster *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_pods; i++) {
		size_t n = strlen(c->pods[i].namespace);

		if (strncmp(c->pods[i].namespace, name, n) == 0 &&
		    name[n] == '/' &&
		    strcmp(c->pods[i].name, name + n + 1) == 0)
			return i;
	}
	die("no such pod", name);
	return FLOW_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/traffic/cluster.h"

static struct ip_addr
v4(uint32_t host)
{
	const uint8_t b[4] = { (uint8_t)(host >> 24), (uint8_t)(host >> 16),
		(uint8_t)(host >> 8), (uint8_t)host };

	return ip_from_v4(b);
}

/* fd00:PLACE:NET::HOST, or 2001:db8:NET::HOST for place 0. */
static struct ip_addr
v6_of(unsigned place, unsigned net, unsigned host)
{
	const uint8_t b[16] = { place != 0 ? 0xfd : 0x20, place != 0 ? 0 : 1,
		place != 0 ? (uint8_t)(place >> 8) : 0x0d,
		place != 0 ? (uint8_t)place : 0xb8, (uint8_t)(net >> 8),
		(uint8_t)net, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(host >> 8),
		(uint8_t)host };

	return ip_from_v6(b);
}

unsigned
cluster_pod_node(unsigned workload, unsigned pod)
{
	return pod == 0 ? 0 : 1 + (workload + pod) % (CLUSTER_NODES - 1);
}

struct ip_addr
cluster_pod_ip(unsigned workload, unsigned pod, bool v6)
{
	unsigned node = cluster_pod_node(workload, pod);
	unsigned host = 2 +
	    (pod == 0 ? workload
		      : workload / (CLUSTER_NODES - 1) * CLUSTER_PODS + pod);

	if (v6)
		return v6_of(0x244, node, host);
	return v4(0x0af40000u + node * 1024 + host);
}

struct ip_addr
cluster_node_ip(unsigned node, bool v6)
{
	return v6 ? v6_of(0x172, 0, node + 2) : v4(0xac120002u + node);
}

struct ip_addr
cluster_vip(unsigned workload, bool v6)
{
	return v6 ? v6_of(0x96, 0, workload + 10) : v4(0x0a60000au + workload);
}

struct ip_addr
cluster_external_ip(unsigned i, bool v6)
{
	return v6 ? v6_of(0, 0, i + 10) : v4(0xcb00710au + i);
}

uint16_t
cluster_pod_port(unsigned workload)
{
	static const uint16_t ports[] = { 8080, 8443, 9090, 3000, 50051, 5432,
		6379 };

	return workload == 0
	    ? 53
	    : ports[workload % (sizeof(ports) / sizeof(*ports))];
}

uint16_t
cluster_service_port(unsigned workload)
{
	return workload == 0 ? 53 : 80;
}

static const char *
fixed_name(char buf[static CLUSTER_NAME_MAX], const char *name)
{
	(void)snprintf(buf, CLUSTER_NAME_MAX, "%s", name);
	return buf;
}

const char *
cluster_namespace(unsigned workload, char buf[static CLUSTER_NAME_MAX])
{
	if (workload == 0)
		return fixed_name(buf, "kube-system");
	(void)snprintf(
	    buf, CLUSTER_NAME_MAX, "ns-%02u", workload % CLUSTER_NAMESPACES);
	return buf;
}

const char *
cluster_workload(unsigned workload, char buf[static CLUSTER_NAME_MAX])
{
	if (workload == 0)
		return fixed_name(buf, "coredns");
	(void)snprintf(buf, CLUSTER_NAME_MAX, "app-%03u", workload);
	return buf;
}

const char *
cluster_external_name(unsigned i, char buf[static CLUSTER_NAME_MAX])
{
	(void)snprintf(buf, CLUSTER_NAME_MAX, "api-%02u.example.com", i);
	return buf;
}

static void
write_namespaces_and_nodes(FILE *f)
{
	char a[IP_STRLEN], b[IP_STRLEN];

	(void)fprintf(f,
	    "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\","
	    "\"metadata\":{\"name\":\"kube-system\"}}");
	for (unsigned n = 0; n < CLUSTER_NAMESPACES; n++)
		(void)fprintf(f,
		    ",\n{\"apiVersion\":\"v1\",\"kind\":"
		    "\"Namespace\",\"metadata\":{\"name\":\"ns-%02u\"}}",
		    n);
	for (unsigned n = 0; n < CLUSTER_NODES; n++) {
		struct ip_addr ip4 = cluster_node_ip(n, false);
		struct ip_addr ip6 = cluster_node_ip(n, true);

		(void)fprintf(f,
		    ",\n{\"apiVersion\":\"v1\",\"kind\":\"Node\","
		    "\"metadata\":{\"name\":\"node-%u\"},\"spec\":{"
		    "\"podCIDRs\":[\"10.244.%u.0/22\",\"fd00:244:%x::/64\"]},"
		    "\"status\":{\"addresses\":[{\"type\":\"InternalIP\","
		    "\"address\":\"%s\"},{\"type\":\"InternalIP\","
		    "\"address\":\"%s\"}]}}",
		    n, n * 4, n, ip_format(&ip4, a), ip_format(&ip6, b));
	}
}

static void
write_pod(FILE *f, unsigned w, unsigned pod)
{
	struct ip_addr ip4 = cluster_pod_ip(w, pod, false);
	struct ip_addr ip6 = cluster_pod_ip(w, pod, true);
	char ns[CLUSTER_NAME_MAX], name[CLUSTER_NAME_MAX];
	char a[IP_STRLEN], b[IP_STRLEN];

	(void)cluster_namespace(w, ns);
	(void)cluster_workload(w, name);
	(void)ip_format(&ip4, a);
	(void)ip_format(&ip6, b);
	(void)fprintf(f,
	    ",\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
	    "\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s-5d8f7c-%u\","
	    "\"labels\":{\"app\":\"%s\",\"pod-template-hash\":\"5d8f7c\"},"
	    "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":"
	    "\"ReplicaSet\",\"name\":\"%s-5d8f7c\",\"controller\":true}]},",
	    ns, name, pod, name, name);
	(void)fprintf(f,
	    "\"spec\":{\"nodeName\":\"node-%u\",\"containers\":"
	    "[{\"name\":\"main\",\"ports\":[{\"name\":\"main\","
	    "\"containerPort\":%u,\"protocol\":\"%s\"}]}]},\"status\":{"
	    "\"phase\":\"Running\",\"podIP\":\"%s\",\"podIPs\":"
	    "[{\"ip\":\"%s\"},{\"ip\":\"%s\"}]}}",
	    cluster_pod_node(w, pod), cluster_pod_port(w),
	    w == 0 ? "UDP" : "TCP", a, a, b);
}

static void
write_slice(FILE *f, unsigned w, bool v6)
{
	char ns[CLUSTER_NAME_MAX], name[CLUSTER_NAME_MAX], a[IP_STRLEN];

	(void)cluster_namespace(w, ns);
	(void)cluster_workload(w, name);
	(void)fprintf(f,
	    ",\n{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":"
	    "\"EndpointSlice\",\"metadata\":{\"namespace\":\"%s\",\"name\":"
	    "\"%s-v%d\",\"labels\":{\"kubernetes.io/service-name\":\"%s\"}},"
	    "\"addressType\":\"IPv%d\",\"ports\":[{\"name\":\"main\","
	    "\"protocol\":\"%s\",\"port\":%u}],\"endpoints\":[",
	    ns, name, v6 ? 6 : 4, name, v6 ? 6 : 4, w == 0 ? "UDP" : "TCP",
	    cluster_pod_port(w));
	for (unsigned pod = 0; pod < CLUSTER_PODS; pod++) {
		struct ip_addr ip = cluster_pod_ip(w, pod, v6);

		(void)fprintf(f,
		    "%s{\"addresses\":[\"%s\"],\"conditions\":"
		    "{\"ready\":true},\"targetRef\":{\"kind\":\"Pod\","
		    "\"namespace\":\"%s\",\"name\":\"%s-5d8f7c-%u\"}}",
		    pod == 0 ? "" : ",", ip_format(&ip, a), ns, name, pod);
	}
	(void)fprintf(f, "]}");
}

static void
write_workload(FILE *f, unsigned w)
{
	struct ip_addr ip4 = cluster_vip(w, false), ip6 = cluster_vip(w, true);
	char ns[CLUSTER_NAME_MAX], name[CLUSTER_NAME_MAX];
	char a[IP_STRLEN], b[IP_STRLEN];

	(void)cluster_namespace(w, ns);
	(void)cluster_workload(w, name);
	(void)ip_format(&ip4, a);
	(void)ip_format(&ip6, b);
	(void)fprintf(f,
	    ",\n{\"apiVersion\":\"apps/v1\",\"kind\":"
	    "\"ReplicaSet\",\"metadata\":{\"namespace\":\"%s\",\"name\":"
	    "\"%s-5d8f7c\",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
	    "\"kind\":\"Deployment\",\"name\":\"%s\",\"controller\":true}]}}",
	    ns, name, name);
	(void)fprintf(f,
	    ",\n{\"apiVersion\":\"v1\",\"kind\":\"Service\","
	    "\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\"},\"spec\":{"
	    "\"type\":\"ClusterIP\",\"clusterIP\":\"%s\",\"clusterIPs\":"
	    "[\"%s\",\"%s\"],\"selector\":{\"app\":\"%s\"},\"ports\":[{"
	    "\"name\":\"main\",\"protocol\":\"%s\",\"port\":%u,"
	    "\"targetPort\":\"main\"}]}}",
	    ns, name, a, a, b, name, w == 0 ? "UDP" : "TCP",
	    cluster_service_port(w));
	write_slice(f, w, false);
	write_slice(f, w, true);
	for (unsigned pod = 0; pod < CLUSTER_PODS; pod++)
		write_pod(f, w, pod);
}

void
cluster_write_snapshot(FILE *f)
{
	(void)fprintf(
	    f, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n");
	write_namespaces_and_nodes(f);
	for (unsigned w = 0; w < CLUSTER_WORKLOADS; w++)
		write_workload(f, w);
	(void)fprintf(f, "\n]}\n");
}

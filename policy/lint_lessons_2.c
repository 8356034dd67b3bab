/* SPDX-License-Identifier: Apache-2.0 */
/* What lint --explain teaches: RF019 to RF035. */
#include "policy/lint_lessons.h"

/* clang-format off */
const struct lint_lesson lint_lessons_2[] = {
	[0] = { .why =
	      "Rules are a union. The empty rule {} allows everything, so whatever\n"
	      "stands beside it restricts nothing.\n",
	  .wrong =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {app: web}}\n"
	      "- {}\n",
	  .right =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {app: web}}\n" },
	[1] = { .why =
	      "Another rule of the same policy already allows all that this one does.\n"
	      "It changes nothing, and misleads whoever tightens the other one later.\n",
	  .wrong =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {app: web}}\n",
	  .right =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {app: web}}\n" },
	[2] = { .why =
	      "Two policies of one namespace select the same pods and have the same\n"
	      "rules. Whoever changes one of them changes nothing.\n",
	  .wrong =
	      "# twice, under two names\n"
	      "podSelector: {matchLabels: {app: web}}\n",
	  .right =
	      "# once\n"
	      "podSelector: {matchLabels: {app: web}}\n" },
	[3] = { .why =
	      "Hashes of pod templates, versions and chart names are other ones after\n"
	      "the next rollout. A selector that names them then matches nothing.\n",
	  .wrong =
	      "podSelector:\n"
	      "  matchLabels: {app: web, pod-template-hash: 5d4f8c7b9}\n",
	  .right =
	      "podSelector:\n"
	      "  matchLabels: {app: web}\n" },
	[4] = { .why =
	      "All demands of a selector must hold together. Alternatives belong into\n"
	      "one In.\n",
	  .wrong =
	      "podSelector:\n"
	      "  matchLabels: {app: web}\n"
	      "  matchExpressions:\n"
	      "  - {key: app, operator: In, values: [api]}\n",
	  .right =
	      "podSelector:\n"
	      "  matchExpressions:\n"
	      "  - {key: app, operator: In, values: [web, api]}\n" },
	[5] = { .why =
	      "Policies are enforced after the Service's address and port were replaced\n"
	      "by those of a pod. The port in a rule is always the one that the pod\n"
	      "listens on.\n",
	  .wrong =
	      "# Service backend: port 8080, targetPort 8081\n"
	      "podSelector: {matchLabels: {app: backend}}\n"
	      "ingress:\n"
	      "- ports:\n"
	      "  - {protocol: TCP, port: 8080}\n",
	  .right =
	      "podSelector: {matchLabels: {app: backend}}\n"
	      "ingress:\n"
	      "- ports:\n"
	      "  - {protocol: TCP, port: 8081}\n" },
	[6] = { .why =
	      "A named port is looked up among the container ports of the destination\n"
	      "pod, with its protocol: for ingress the pods that the policy selects,\n"
	      "for egress the peers. Names of Service ports do not count.\n",
	  .wrong =
	      "# containerPort: {name: http, containerPort: 8080}\n"
	      "ports:\n"
	      "- {protocol: TCP, port: web}\n",
	  .right =
	      "ports:\n"
	      "- {protocol: TCP, port: http}\n" },
	[7] = { .why =
	      "Blocks are for addresses outside of the cluster. A pod's address changes\n"
	      "whenever the pod does, and some network plugins never match pods by\n"
	      "address.\n",
	  .wrong =
	      "from:\n"
	      "- ipBlock: {cidr: 10.244.1.17/32}\n",
	  .right =
	      "from:\n"
	      "- podSelector: {matchLabels: {app: web}}\n" },
	[8] = { .why =
	      "A Service's address is replaced before policies look at a packet, so a\n"
	      "block that holds it matches nothing. The usual victim is the API server,\n"
	      "10.96.0.1. A few network plugins look before that: for them, the address\n"
	      "stands beside those who are behind it, which is not reported.\n",
	  .wrong =
	      "to:\n"
	      "- ipBlock: {cidr: 10.96.0.1/32}\n"
	      "ports:\n"
	      "- {protocol: TCP, port: 443}\n",
	  .right =
	      "# kubectl get endpointslices -n default\n"
	      "to:\n"
	      "- ipBlock: {cidr: 192.0.2.10/32}\n"
	      "ports:\n"
	      "- {protocol: TCP, port: 6443}\n" },
	[9] = { .why =
	      "0.0.0.0/0 also holds every pod, node and office network, and\n"
	      "169.254.169.254, where clouds hand out the node's credentials. Leave\n"
	      "them out; what is needed inside gets rules of its own. For ::/0 it is\n"
	      "fc00::/7.\n",
	  .wrong =
	      "to:\n"
	      "- ipBlock: {cidr: 0.0.0.0/0}\n",
	  .right =
	      "to:\n"
	      "- ipBlock:\n"
	      "    cidr: 0.0.0.0/0\n"
	      "    except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16,\n"
	      "      169.254.169.254/32]\n" },
	[10] = { .why =
	      "A load balancer or NodePort with externalTrafficPolicy Cluster, the\n"
	      "default, may replace the client's address by a node's, so that a block\n"
	      "of client addresses never matches. Some clouds deliver to pods directly,\n"
	      "hence a note.\n",
	  .wrong =
	      "# Service: type LoadBalancer, externalTrafficPolicy Cluster\n"
	      "from:\n"
	      "- ipBlock: {cidr: 203.0.113.0/24}\n",
	  .right =
	      "# Service: type LoadBalancer, externalTrafficPolicy Local\n"
	      "from:\n"
	      "- ipBlock: {cidr: 203.0.113.0/24}\n" },
	[11] = { .why =
	      "The API server accepts policies whether or not anything enforces them.\n"
	      "Plain flannel does not. This is said only when flannel's DaemonSet is\n"
	      "there and no agent that may enforce is.\n",
	  .wrong =
	      "# DaemonSet kube-flannel/kube-flannel-ds, and no enforcer\n",
	  .right =
	      "# flannel with Calico (\"Canal\"), or with kube-network-policies\n" },
	[12] = { .why =
	      "Whoever dials it reaches nobody, and no policy can change that. Only\n"
	      "Services of namespaces that the policies are about are looked at; it is\n"
	      "a note when no label comes close.\n",
	  .wrong =
	      "# Service; the pods carry app: backend\n"
	      "selector: {app: backnd}\n",
	  .right =
	      "selector: {app: backend}\n" },
	[13] = { .why =
	      "Prometheus and its like scrape pods of every namespace. Policies that\n"
	      "one team writes forget them, and dashboards and alerts go silent.\n",
	  .wrong =
	      "# namespace shop is closed to all but its own pods\n"
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n",
	  .right =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n"
	      "- from:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: monitoring}\n"
	      "    podSelector:\n"
	      "      matchLabels: {app.kubernetes.io/name: prometheus}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 9102}\n" },
	[14] = { .why =
	      "Requests from outside reach pods from the ingress controller's\n"
	      "namespace. Without a rule for it the site is down.\n",
	  .wrong =
	      "# namespace shop is closed to all but its own pods\n"
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n",
	  .right =
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n"
	      "- from:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: ingress-nginx}\n"
	      "    podSelector:\n"
	      "      matchLabels: {app.kubernetes.io/name: ingress-nginx}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 8080}\n" },
	[15] = { .why =
	      "Logs leave pods for a collector in another namespace, or a collector\n"
	      "sends them on. Nobody notices until the logs are needed.\n",
	  .wrong =
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {}\n",
	  .right =
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {}\n"
	      "- to:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: logging}\n"
	      "    podSelector: {matchLabels: {app: fluentd}}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 24224}\n" },
	[16] = { .why =
	      "The API server calls admission webhooks and aggregated APIs from the\n"
	      "control plane's addresses. With a webhook out of reach nothing can be\n"
	      "created any more, its own pods included.\n",
	  .wrong =
	      "# namespace shop is closed to all but its own pods\n"
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {}\n",
	  .right =
	      "ingress:\n"
	      "- from:\n"
	      "  - ipBlock: {cidr: 192.0.2.10/32}  # the control plane\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 8443}\n" },
};
/* clang-format on */

/* SPDX-License-Identifier: Apache-2.0 */
/* What lint --explain teaches: RF001 to RF018. */
#include "policy/lint_lessons.h"

/* clang-format off */
const struct lint_lesson lint_lessons_1[] = {
	[0] = { .why =
	      "As soon as a pod's egress is restricted, asking for a name is restricted\n"
	      "too. The application then fails to resolve even the names of what it is\n"
	      "allowed to reach. It is the most common reason why a first egress policy\n"
	      "is rolled back.\n",
	  .wrong =
	      "policyTypes: [Egress]\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 5432}\n",
	  .right =
	      "policyTypes: [Egress]\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 5432}\n"
	      "- to:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: kube-system}\n"
	      "    podSelector: {matchLabels: {k8s-app: kube-dns}}\n"
	      "  ports:\n"
	      "  - {protocol: UDP, port: 53}\n"
	      "  - {protocol: TCP, port: 53}\n" },
	[1] = { .why =
	      "Policies see packets after the DNS Service's address was replaced: what\n"
	      "counts are the labels, namespace and port of the pods behind it. On\n"
	      "OpenShift they listen on 5353. With NodeLocal DNSCache pods ask\n"
	      "169.254.20.10, an address of the node that no pod selector matches.\n",
	  .wrong =
	      "# The DNS pods of this cluster listen on 5353.\n"
	      "egress:\n"
	      "- to:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: openshift-dns}\n"
	      "  ports:\n"
	      "  - {protocol: UDP, port: 53}\n"
	      "  - {protocol: TCP, port: 53}\n",
	  .right =
	      "egress:\n"
	      "- to:\n"
	      "  - namespaceSelector:\n"
	      "      matchLabels: {kubernetes.io/metadata.name: openshift-dns}\n"
	      "  ports:\n"
	      "  - {protocol: UDP, port: 5353}\n"
	      "  - {protocol: TCP, port: 5353}\n" },
	[2] = { .why =
	      "Names are asked over UDP, and over TCP when the answer does not fit into\n"
	      "one packet. A port without protocol is TCP alone. With UDP alone\n"
	      "everything works until a Service has many endpoints or a name many\n"
	      "records.\n",
	  .wrong =
	      "ports:\n"
	      "- port: 53\n",
	  .right =
	      "ports:\n"
	      "- {protocol: UDP, port: 53}\n"
	      "- {protocol: TCP, port: 53}\n" },
	[3] = { .why =
	      "Entries of \"from\" and \"to\" are an OR; two selectors in one entry are an\n"
	      "AND. One dash too many turns \"the Prometheus pods of namespace\n"
	      "monitoring\" into \"every pod of monitoring, or Prometheus pods of my own\n"
	      "namespace\".\n",
	  .wrong =
	      "from:\n"
	      "- namespaceSelector:\n"
	      "    matchLabels: {kubernetes.io/metadata.name: monitoring}\n"
	      "- podSelector:\n"
	      "    matchLabels: {app: prometheus}\n",
	  .right =
	      "from:\n"
	      "- namespaceSelector:\n"
	      "    matchLabels: {kubernetes.io/metadata.name: monitoring}\n"
	      "  podSelector:\n"
	      "    matchLabels: {app: prometheus}\n" },
	[4] = { .why =
	      "A podSelector without namespaceSelector means pods of the policy's own\n"
	      "namespace, nowhere else.\n",
	  .wrong =
	      "# A policy of namespace shop; the controller runs in ingress-nginx.\n"
	      "from:\n"
	      "- podSelector:\n"
	      "    matchLabels: {app.kubernetes.io/name: ingress-nginx}\n",
	  .right =
	      "from:\n"
	      "- namespaceSelector:\n"
	      "    matchLabels: {kubernetes.io/metadata.name: ingress-nginx}\n"
	      "  podSelector:\n"
	      "    matchLabels: {app.kubernetes.io/name: ingress-nginx}\n" },
	[5] = { .why =
	      "A selector that matches nothing is no mistake to a server: the entry\n"
	      "just allows nobody, and the traffic that it is there for is dropped.\n"
	      "When a label that exists comes close it is an error; otherwise a note,\n"
	      "for the pods may be yet to come.\n",
	  .wrong =
	      "# The pods carry app: frontend.\n"
	      "from:\n"
	      "- podSelector: {matchLabels: {app: front-end}}\n",
	  .right =
	      "from:\n"
	      "- podSelector: {matchLabels: {app: frontend}}\n" },
	[6] = { .why =
	      "namespaceSelector looks at the labels of Namespace objects, not at their\n"
	      "names. Only kubernetes.io/metadata.name is on every namespace by itself.\n",
	  .wrong =
	      "from:\n"
	      "- namespaceSelector: {matchLabels: {name: monitoring}}\n",
	  .right =
	      "from:\n"
	      "- namespaceSelector:\n"
	      "    matchLabels: {kubernetes.io/metadata.name: monitoring}\n" },
	[7] = { .why =
	      "Pods with hostNetwork have no address of their own. Most network plugins\n"
	      "see their traffic as the node's, and no podSelector or namespaceSelector\n"
	      "ever matches it.\n",
	  .wrong =
	      "# node-exporter runs with hostNetwork.\n"
	      "from:\n"
	      "- podSelector: {matchLabels: {app: node-exporter}}\n",
	  .right =
	      "from:\n"
	      "- ipBlock: {cidr: 192.0.2.11/32}  # the node\n" },
	[8] = { .why =
	      "A policy whose podSelector matches nothing is accepted and protects\n"
	      "nothing: the pods that it was written for stay open to everybody. A\n"
	      "policy selects pods of its own namespace only.\n",
	  .wrong =
	      "# The pods carry name: carts.\n"
	      "podSelector: {matchLabels: {name: cart}}\n",
	  .right =
	      "podSelector: {matchLabels: {name: carts}}\n" },
	[9] = { .why =
	      "Pods with hostNetwork use the address of their node. Most network\n"
	      "plugins enforce no policy on them, so the policy promises a protection\n"
	      "that is not there.\n",
	  .wrong =
	      "# All pods with app: node-exporter run with hostNetwork.\n"
	      "podSelector: {matchLabels: {app: node-exporter}}\n",
	  .right =
	      "# Leave such pods to the firewall of their node.\n"
	      "podSelector: {matchLabels: {app: web}}\n" },
	[10] = { .why =
	      "A policy belongs to one namespace. Without metadata.namespace it lands\n"
	      "in the one that kubectl happens to use, and selects other pods or none.\n"
	      "It is a note as long as nothing else looks wrong, for tools such as Helm\n"
	      "and Kustomize fill it in; -n NS says where such policies belong.\n",
	  .wrong =
	      "metadata:\n"
	      "  name: allow-web\n",
	  .right =
	      "metadata:\n"
	      "  name: allow-web\n"
	      "  namespace: shop\n" },
	[11] = { .why =
	      "The server refuses the policy, or it waits for a namespace whose name is\n"
	      "spelt otherwise.\n",
	  .wrong =
	      "metadata: {name: allow-web, namespace: shpo}\n",
	  .right =
	      "metadata: {name: allow-web, namespace: shop}\n" },
	[12] = { .why =
	      "Without policyTypes a policy isolates ingress, and egress only when it\n"
	      "has at least one egress rule. An empty egress does not count, so \"deny\n"
	      "all egress\" leaves all egress open. With policyTypes, they alone decide.\n",
	  .wrong =
	      "podSelector: {}\n"
	      "egress: []\n",
	  .right =
	      "podSelector: {}\n"
	      "policyTypes: [Egress]\n" },
	[13] = { .why =
	      "When policyTypes is there, it alone decides. Rules of a direction that\n"
	      "it does not list are ignored, and that direction stays open.\n",
	  .wrong =
	      "policyTypes: [Ingress]\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n",
	  .right =
	      "policyTypes: [Ingress, Egress]\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n" },
	[14] = { .why =
	      "A policy without policyTypes always isolates ingress. One that has only\n"
	      "egress rules therefore denies everything that comes in, which is seldom\n"
	      "what its author had in mind.\n",
	  .wrong =
	      "podSelector: {matchLabels: {app: web}}\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n",
	  .right =
	      "podSelector: {matchLabels: {app: web}}\n"
	      "policyTypes: [Egress]\n"
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: db}}\n" },
	[15] = { .why =
	      "A field with nothing behind its colon is null, and a null selector is\n"
	      "the empty one. \"podSelector: matchLabels:\" with the labels forgotten, or\n"
	      "lost by a template, isolates every pod of the namespace. Where\n"
	      "everything is meant, write {}.\n",
	  .wrong =
	      "podSelector:\n"
	      "  matchLabels:\n"
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {name: cortex}}\n",
	  .right =
	      "podSelector:\n"
	      "  matchLabels:\n"
	      "    name: ingester\n"
	      "ingress:\n"
	      "- from:\n"
	      "  - podSelector: {matchLabels: {name: cortex}}\n" },
	[16] = { .why =
	      "In a rule, an empty from, to or ports is the same as a missing one: no\n"
	      "restriction. \"from: []\" reads like nobody and means the whole world.\n",
	  .wrong =
	      "ingress:\n"
	      "- from: []\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 8080}\n",
	  .right =
	      "# Nobody: no rule at all.\n"
	      "policyTypes: [Ingress]\n"
	      "ingress: []\n" },
	[17] = { .why =
	      "A rule without \"to\" allows its ports to every address, inside and\n"
	      "outside of the cluster; namespaceSelector {} without ports allows every\n"
	      "pod of the cluster on every port. Either may be meant.\n",
	  .wrong =
	      "egress:\n"
	      "- ports:\n"
	      "  - {protocol: TCP, port: 443}\n",
	  .right =
	      "egress:\n"
	      "- to:\n"
	      "  - podSelector: {matchLabels: {app: api}}\n"
	      "  ports:\n"
	      "  - {protocol: TCP, port: 443}\n" },
};
/* clang-format on */

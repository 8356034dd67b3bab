/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: the NetworkPolicy v1 model (networking.k8s.io/v1), after defaulting.
 *
 * A policy_set is read from YAML or JSON (policy/read.h), built by the
 * recommender, written (policy/write.h) and compiled (policy/evaluator.h).
 * Everything is borrowed from the arena that the builder used. Numbers in
 * comments are those of policy/SEMANTICS.md.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ip.h"
#include "kube/labels.h"

/*
 * What a text leaves blank, which defaulting makes the same as missing (12,
 * 13) although its author may have meant something else. Bits that the reader
 * sets for lint; nothing else looks at them, but the reader at BLANK_NAME.
 */
enum policy_blank {
	BLANK_NAMESPACE = 1,     /* policy: metadata.namespace is missing */
	BLANK_TYPES = 2,         /* policy: policyTypes is missing or empty */
	BLANK_INGRESS = 4,       /* policy: ingress is there, without a rule */
	BLANK_EGRESS = 8,        /* policy: egress likewise */
	BLANK_POD_SELECTOR = 16, /* policy, peer: podSelector, or all that is
				  * in it, is null */
	BLANK_NS_SELECTOR = 32,  /* peer: namespaceSelector likewise */
	BLANK_PEERS = 64,        /* rule: from or to is there, but empty */
	BLANK_PORTS = 128,       /* rule: ports likewise */
	BLANK_NAME = 256         /* policy: has a generateName only */
};

/* ipBlock (35 to 38). */
struct policy_ip_block {
	struct ip_prefix cidr;
	const struct ip_prefix *except;
	size_t n_except;
};

/* NetworkPolicyPeer: either ip_block, or one or both selectors (30 to 34). */
struct policy_peer {
	const struct policy_ip_block *ip_block;
	const struct label_selector *pod_selector;       /* NULL: absent */
	const struct label_selector *namespace_selector; /* NULL: absent */
	const char *comment; /* writer: one line before it, or NULL */
	uint32_t line;       /* reader: where it stands; 0 unknown */
	unsigned blank;      /* reader: enum policy_blank */
};

/* NetworkPolicyPort (40 to 45). */
struct policy_port {
	uint8_t protocol;  /* enum flow_protocol; never 0 */
	bool has_port;     /* false: every port of the protocol */
	const char *name;  /* named port, or NULL */
	uint16_t port;     /* numeric, when name is NULL */
	uint16_t end_port; /* 0: none */
	uint32_t line;     /* reader: where it stands; 0 unknown */
};

/* One ingress or egress rule. Zero peers: any; zero ports: any (30). */
struct policy_rule {
	const struct policy_peer *peers;
	size_t n_peers;
	const struct policy_port *ports;
	size_t n_ports;
	const char *comment; /* writer: one line before it, or NULL */
	uint32_t line;       /* reader: where it stands; 0 unknown */
	unsigned blank;      /* reader: enum policy_blank */
};

enum policy_direction { POLICY_INGRESS, POLICY_EGRESS };

struct policy {
	const char *namespace, *name;
	const char *file; /* where it was read, or NULL */
	uint32_t line;
	uint32_t selector_line, types_line; /* reader: of these two fields; 0
					     * missing or unknown */
	unsigned blank;                     /* reader: enum policy_blank */
	struct label_set labels, annotations;
	const char *comment; /* writer: lines before the document, or NULL */
	struct label_selector pod_selector;
	bool types[2]; /* indexed by policy_direction (8 to 10) */
	const struct policy_rule *rules[2];
	size_t n_rules[2];
};

struct policy_set {
	const struct policy *policies; /* in reading order */
	size_t n_policies;
};

const char *policy_direction_name(enum policy_direction d); /* "ingress" */

#endif

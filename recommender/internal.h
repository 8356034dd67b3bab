/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of the recommender share; one struct run per call
 * of recommend(), everything in its arena.
 *
 * The way: groups (who is selected by which labels) -> needs (which peer on
 * which port each group was seen to need) -> rules -> policies -> proof.
 * Groups are numbered in the order of their names, so whatever is sorted by
 * these numbers does not depend on the order of the input.
 */
#ifndef RECOMMENDER_INTERNAL_H
#define RECOMMENDER_INTERNAL_H

#include "policy/evaluator.h"
#include "recommender/recommend.h"

#define MAX_EXTERNAL_DEFAULT 16
#define DNS_PORT             53

/* One set of stable labels that live pods of a workload carry; of its pod
 * template while it has no pods. */
struct variant {
	uint32_t workload;
	struct label_set labels; /* that tell what they are (label_lasting) */
	struct label_set all;    /* and those that selectors meet as well */
};

struct posting {
	struct label label;
	uint32_t variant;
};

/* The variants of one namespace, and where each label occurs. */
struct space {
	const struct variant *variants;
	size_t n_variants;
	const struct posting *postings; /* by label, then variant */
	size_t n_postings;
};

/* The workloads that one policy covers: one, unless labels cannot separate
 * them. hostNetwork workloads are in no group. */
struct group {
	uint32_t ns;
	const uint32_t *members; /* workloads, by name and kind */
	size_t n_members;
	struct label_selector subject, peer;
	bool is_own;             /* subject is the workload's spec.selector */
	uint32_t family;         /* index in run.families, or FLOW_NONE */
	const char *policy_name; /* where the namespace is in scope */
	uint32_t pod, pod2;      /* two that subject selects, or FLOW_NONE */
	uint32_t policy;         /* index in the set, or FLOW_NONE */
};

/* Where a group's pods ran while anything was captured. */
struct watch {
	size_t n_nodes, n_missing; /* n_missing: that no capture names */
	uint32_t missing;          /* the first of those */
	int64_t lived_us;          /* the time of all its pods */
	int64_t seen_us;           /* of it, a capture of their node ran */
};

/* Groups of a namespace that share a label with nobody else. */
struct family {
	struct label label;
	size_t n_groups;
};

enum peer_type {
	PEER_EVERY_POD,
	PEER_GROUP,
	PEER_KUBE_DNS, /* the customary labels, where no object says more */
	PEER_BLOCK,
	PEER_ANYONE /* pods, nodes and addresses alike: a rule without peers */
};

/* Why an address block is there (bits: there may be several reasons). */
enum block_kind {
	BLOCK_DNS = 1,
	BLOCK_API_SERVER = 2,
	BLOCK_METADATA = 4,
	BLOCK_NODE = 8,
	BLOCK_EXTERNAL = 16,
	BLOCK_WORLD = 32,    /* a family or a private network, but for the
			      * cluster's own addresses */
	BLOCK_PUBLIC = 64,   /* the same, and no private ones */
	BLOCK_SERVICE = 128, /* of a Service, where policy comes before DNAT */
	BLOCK_LINK_LOCAL = 256, /* allowed by its address */
	/* Of an address outside that is the cluster's now: WORLD and PUBLIC
	 * leave it out. */
	BLOCK_PASSED_ON = 512
};

struct peer {
	uint8_t type;           /* enum peer_type */
	uint16_t kinds;         /* BLOCK: enum block_kind */
	uint32_t group;         /* GROUP */
	struct ip_prefix block; /* BLOCK */
};

/* The group needs this peer on this port. */
struct need {
	uint32_t group;
	uint8_t direction; /* enum policy_direction */
	uint8_t protocol;
	uint16_t port;
	uint16_t end_port;     /* of a range that begins at port, or 0 */
	const char *port_name; /* instead of port, or NULL */
	bool floor; /* there without an observation: DNS, other nodes */
	struct peer peer;
};

enum raw_kind {
	RAW_NODE,  /* a node, as destination or as source of its own */
	RAW_ENTRY, /* a node through which clients enter a Service */
	RAW_EXTERNAL
};

/* An address that a group exchanged traffic with, before addresses are
 * completed (nodes) or merged (externals). */
struct raw {
	uint32_t group;
	uint8_t direction, protocol;
	uint16_t port;
	uint8_t kind;     /* enum raw_kind */
	bool via_service; /* EXTERNAL: came in through a Service */
	bool own_node;    /* NODE, ENTRY: only seen on the pod's own node */
	struct ip_addr ip;
	uint32_t node; /* NODE, ENTRY: its index, or FLOW_NONE */
};

/* One place that answers DNS, over UDP and TCP. */
struct dns_entry {
	struct peer peer;
	uint16_t port; /* on the pod */
};

/* The cluster's DNS as policies must name it. */
struct dns {
	bool known;          /* objects say where it is */
	struct dns_entry *v; /* sorted, each once */
	size_t n, cap;
	struct ip_addr *local; /* of caches on the pods' own node */
	size_t n_local, cap_local;
};

/* What kind of address of a node this is (bits, so that they unite). */
enum node_kind {
	NODE_PRIVATE = 1, /* its own */
	NODE_PUBLIC = 2,
	NODE_GATEWAY0 = 4, /* first and second address of its pod range */
	NODE_GATEWAY1 = 8,
	NODE_TUNNEL = 16 /* its own, but inside a pod range */
};
#define NODE_V6_SHIFT 8 /* the same kinds of IPv6 addresses */

struct node_addr {
	struct ip_addr ip;
	uint32_t node;
	unsigned kind; /* one bit */
};

struct addr_list {
	const struct ip_addr *v; /* sorted, each once */
	size_t n;
};

struct prefix_list {
	const struct ip_prefix *v; /* sorted, each once */
	size_t n;
};

struct run {
	const struct cluster *c;
	const struct flow_set *fs;
	const struct recommend_options *options;
	struct arena *arena;
	struct arena scratch; /* of one rules_build */
	struct rf_error *err;
	size_t max_external;

	bool *in_scope;       /* by namespace */
	uint32_t *ns_of;      /* by workload: namespace, or FLOW_NONE */
	struct space *spaces; /* by namespace */
	struct group *groups;
	size_t n_groups;
	uint32_t *group_of; /* by workload: group, or FLOW_NONE */
	struct family *families;
	uint32_t n_families;
	uint32_t api_service; /* default/kubernetes, or FLOW_NONE */
	struct dns dns;
	struct addr_list pod_ips; /* of pods that are not gone */
	struct addr_list service_ips;
	struct addr_list other_ips; /* external and unknown ends of flows */
	struct prefix_list pod_ranges;
	struct node_addr *node_ips; /* sorted by address */
	size_t n_node_ips;
	bool *is_api_node; /* by node: the API server listens there */

	struct edge *edges; /* those considered, in stable order */
	size_t n_edges;
	struct need *needs; /* on the heap, until policies are written */
	size_t n_needs, cap_needs;
	struct raw *raws; /* on the heap, until they are needs */
	size_t n_raws, cap_raws;
	struct recommend_note *notes;
	size_t n_notes, cap_notes;
	struct policy *policies; /* in rollout order, as files */
	struct recommend_file *files;
	struct recommend_evidence *(*evidence)[2]; /* as recommend_file's */
	struct policy_rule *(*rules)[2];           /* the policies' own */
	size_t n_policies;
	struct recommend_workload *workloads;
	size_t n_workloads;
	struct recommend_span span;
	struct watch *watches; /* by group */
	bool *ran_on;          /* by node: pods in scope did meanwhile */
	bool *not_captured;    /* of those: no capture names it */
	size_t
	    captures_unnamed;   /* that ran at a time, at most, and name none */
	struct policy_set kept; /* existing policies that ours do not replace */
	bool *replaced;         /* beside options->existing: the others */
	struct evaluator *kept_evaluator; /* of kept, when incremental */
	struct recommend_change change;
};

/* Which sides of a flow a policy must allow (bits). */
enum { WANT_EGRESS = 1, WANT_INGRESS = 2 };

/* What becomes of one flow. Where nothing is wanted, reason says why. */
struct plan {
	unsigned want;
	bool decision;      /* reason is a decision, not an exclusion */
	const char *reason; /* stable word, or NULL */
};

/* One possible end of a flow whose destination is a Service as a whole. */
struct target {
	uint32_t group; /* FLOW_NONE: an address */
	uint32_t pod;
	struct ip_addr ip;
	uint16_t port;
};

/* Where a walk over them stands. */
struct target_walk {
	const struct run *r;
	const struct flow *f;
	const char *port_name; /* that f dialled, or NULL */
	const struct kube_backend *next;
	size_t left;
};

enum rf_status run_nomem(struct run *r);

/* scope.c: which namespaces, which edges. */
RF_MUST_USE enum rf_status scope_choose(struct run *r);
RF_MUST_USE enum rf_status scope_edges(struct run *r);

/* variant.c: the label sets of every namespace. */
RF_MUST_USE enum rf_status variants_build(struct run *r);
/* Does it stand for the key alone, whose values do not last? */
bool label_is_mark(const struct label *l);
bool key_is_mark(const char *key);
int workload_compare_name(const struct cluster *c, uint32_t a, uint32_t b);

/*
 * selector.c: the labels that select the workloads with this root and no
 * other. clash is FLOW_NONE, or a workload that no label separates them
 * from (and the selectors are then void). root_of maps workloads to roots.
 */
RF_MUST_USE enum rf_status selector_choose(struct run *r,
    const uint32_t *root_of, uint32_t root, struct group *g, uint32_t *clash);
/* How many variants carry the label: postings from *first on. */
size_t space_holders(
    const struct space *s, const struct label *l, size_t *first);

/* own.c: spec.selector without what does not last, and further without what
 * names a release; empty where nothing is left. */
RF_MUST_USE enum rf_status own_selector(
    struct run *r, const struct kube_workload *w, struct label_selector *out);
RF_MUST_USE enum rf_status own_without_release(struct run *r,
    const struct label_selector *own, struct label_selector *out);

/* rank.c: which labels are the better ones, the lower the better; and whether
 * one says what a workload is: not a version, a part, an origin or a flag. */
unsigned label_rank(const struct label *l);
bool label_says_what(const struct label *l);
bool label_is_version(const char *key);

/* group.c: workloads to groups, with their selectors and policy names. */
RF_MUST_USE enum rf_status groups_build(struct run *r);
/* "Deployment web" or "Deployment web, StatefulSet web", and how many more than
 * max there are. */
#define TITLE_MAX  4   /* where it stands beside other things */
#define MEMBER_MAX 100 /* where it is what is told */
const char *group_title(struct run *r, const struct group *g, size_t max);

/* family.c: groups must be in place. */
RF_MUST_USE enum rf_status families_build(struct run *r);

/* dns.c */
RF_MUST_USE enum rf_status dns_find(struct run *r);
/* A link-local address where DNS is asked: NodeLocal's, or seen to answer. */
bool dns_is_node_local(const struct run *r, const struct ip_addr *ip);
const char *dns_local_name(const struct run *r, const struct ip_addr *ip);
/* Say which were only seen. */
RF_MUST_USE enum rf_status dns_note_local(struct run *r);
/* Is it the Service through which the cluster's pods resolve names? */
bool dns_is_service(const struct kube_service *s);
/* What every group with egress needs, and what the DNS server itself needs. */
RF_MUST_USE enum rf_status dns_add_floor(struct run *r);
/* The needs of a namespace's allow-dns policy, in arena. */
RF_MUST_USE enum rf_status dns_needs(
    struct run *r, struct need **needs, size_t *n);

/* plan.c: what becomes of a flow, and the needs of those that give rules. */
bool plan_is_metadata(const struct ip_addr *ip);
uint32_t plan_group(const struct run *r, const struct endpoint *e);
bool plan_group_in_scope(const struct run *r, uint32_t group);
struct plan plan_flow(const struct run *r, const struct flow *f);
bool plan_is_api_server(const struct run *r, const struct flow *f);
/* Is it an address of the API server, whatever the port? */
bool plan_is_api_address(const struct run *r, const struct ip_addr *ip);
/* Is other, which is no pod, the pod's own node? */
bool plan_is_own_node(const struct run *r, const struct endpoint *pod,
    const struct endpoint *other);
/*
 * A node rewrote the client's address. What a policy of the server sees then is
 * the node, if that is another one; on the server's own node most plugins look
 * before it is rewritten. Which node a client comes in through is chance, so
 * rules have to allow both.
 */
bool plan_sees_client(const struct run *r, const struct flow *f);
/* The backends that a flow to a Service as a whole may have reached, one after
 * the other: plan_next_target() is false behind the last. */
struct target_walk plan_targets(const struct run *r, const struct flow *f);
bool plan_next_target(struct target_walk *w, struct target *t);
bool plan_any_target_in_scope(const struct run *r, const struct flow *f);
/* Is the destination a Service as a whole rather than one address? */
bool plan_is_open(const struct flow *f, const struct endpoint *dst);
RF_MUST_USE enum rf_status plan_needs(struct run *r);

RF_MUST_USE enum rf_status needs_add(struct run *r, struct need need);

/* address.c: what belongs to the cluster, for blocks that must not hold it. */
RF_MUST_USE enum rf_status address_collect(struct run *r);
/* Does the prefix hold a pod, a Service or a pod range? */
bool address_holds_pods(const struct run *r, const struct ip_prefix *p);
/* Might an address that is external for all that is known have been a pod's:
 * private, without a DNS name, in a network from which pods have theirs? */
bool address_is_beside_pods(const struct run *r, const struct ip_addr *ip);
/* Is an address that was outside when it was seen the cluster's own now? */
bool address_is_passed_on(const struct run *r, const struct ip_addr *ip);
/* Does it hold a node, or touch link-local, loopback or multicast? */
bool address_holds_special(const struct run *r, const struct ip_prefix *p);
bool addr_list_touches(const struct addr_list *l, const struct ip_prefix *p);
/* Unite prefixes in place: none inside another, no two halves of one. */
size_t prefixes_unite(struct ip_prefix *v, size_t n);
/* The longest prefix that holds both; they must be of one family. */
struct ip_prefix prefix_around(
    const struct ip_prefix *a, const struct ip_prefix *b);

/* node.c, external.c: one bucket of raws, all of one group, direction, port
 * and kind, sorted by address, to needs. */
RF_MUST_USE enum rf_status node_collect(struct run *r);
RF_MUST_USE enum rf_status node_needs(
    struct run *r, const struct raw *raws, size_t n);
unsigned node_kind_of(const struct run *r, const struct ip_addr *ip);
/* Every node's addresses of these kinds, as needs like proto. */
RF_MUST_USE enum rf_status node_add_all(
    struct run *r, struct need proto, unsigned kinds);
RF_MUST_USE enum rf_status external_needs(
    struct run *r, const struct raw *raws, size_t n);
/* A rule without peers for this bucket. */
RF_MUST_USE enum rf_status external_anyone(
    struct run *r, const struct raw *raws);
/* The exceptions of a BLOCK_WORLD or, with no_private, a BLOCK_PUBLIC. */
RF_MUST_USE enum rf_status external_exceptions(struct run *r,
    const struct ip_prefix *block, bool no_private, struct prefix_list *out);

/* port.c: needs' ports to names and ranges. */
RF_MUST_USE enum rf_status ports_form(struct run *r);

/* cni.c: what network plugins need beyond the API, and cannot do. */
bool cni_before_dnat(const struct run *r);
/* The Service's own addresses and port, where f dialled one. */
RF_MUST_USE enum rf_status cni_add_service(struct run *r, const struct flow *f,
    uint32_t group, const struct peer *pods);
RF_MUST_USE enum rf_status cni_remarks(struct run *r);

/* rule.c: needs of one group and direction to rules. */
struct rule_list {
	struct policy_rule *v;
	struct recommend_evidence *evidence; /* beside v */
	size_t n;
};
/* Sort, drop repetitions; returns how many are left. */
size_t needs_sort(struct need *needs, size_t n);
/* needs must be sorted; they are changed. ns is the policy's namespace. */
RF_MUST_USE enum rf_status rules_build(struct run *r, uint32_t ns,
    struct need *needs, size_t n, struct rule_list *out);

/* peer.c: peers as they are written. */
struct peer_list {
	struct policy_peer *v;
	size_t n;
	const char *comment; /* of the rule, or NULL */
};
RF_MUST_USE enum rf_status peers_write(struct run *r, uint32_t ns,
    const struct peer *peers, size_t n, struct peer_list *out);
/* How many lines they take. */
RF_MUST_USE enum rf_status peers_lines(struct run *r, uint32_t ns,
    const struct peer *peers, size_t n, size_t *lines);
int peer_compare(const struct peer *a, const struct peer *b);

/* element.c: the workloads among a rule's peers, as they are written. */
struct element {
	uint32_t first;  /* the first peer that it stands for */
	uint32_t ns;     /* of it */
	uint32_t family; /* of it */
	const struct label_selector *pods;
	const struct label_selector *namespaces; /* NULL: the policy's own */
};
struct element_list {
	struct element *v; /* in the order of their first peers */
	size_t n;
};
RF_MUST_USE enum rf_status elements_form(struct run *r, struct arena *arena,
    uint32_t ns, const struct peer *peers, size_t n, struct element_list *out);
size_t element_lines(const struct element *e);

/* policies.c */
RF_MUST_USE enum rf_status policies_build(struct run *r);

/* note.c */
RF_MUST_USE enum rf_status note_add(struct run *r, struct recommend_note note,
    const char *fmt, ...) RF_PRINTF(3, 4);
/* A remark on the rule for these addresses; text NULL: out of memory. */
RF_MUST_USE enum rf_status note_remark(
    struct run *r, const struct raw *raw, const char *reason, const char *text);
/* What was left out, what must be decided, what a reviewer should know. */
RF_MUST_USE enum rf_status notes_build(struct run *r);
/* Its ends, port and Service as text, in arena; NULL: out of memory. */
const char *note_edge(const struct run *r, const struct edge *e);
const char *run_printf(const struct run *r, const char *fmt, ...)
    RF_PRINTF(2, 3);

/* service.c: this rule lets the flow pass; which Service did it take? */
void service_note(struct run *r, struct recommend_evidence *v,
    const struct flow *f, enum policy_direction d);
/* Add what was noted to the rule's comment. */
RF_MUST_USE enum rf_status services_comment(struct run *r, const char *ns,
    struct policy_rule *rule, const struct recommend_evidence *v);

/* proof.c: replay everything through the set. */
RF_MUST_USE enum rf_status proof_run(
    struct run *r, struct recommend_proof *proof);
/* The question that a flow puts to an evaluator. */
struct evaluator_query proof_query(const struct run *r, const struct flow *f);

/* beyond.c: which pairs of workloads the set lets connect. */
RF_MUST_USE enum rf_status beyond_find(struct run *r, const struct evaluator *e,
    const struct policy_set *set, struct recommend_proof *proof);

/* existing.c: policies that are there already. */
RF_MUST_USE enum rf_status existing_prepare(struct run *r);
/* WANT_ bits of want that they allow, when incremental. */
unsigned existing_allows(
    const struct run *r, const struct flow *f, unsigned want);
/* Do they let it in by its client's own address (plan_sees_client)? */
bool existing_allows_client(const struct run *r, const struct flow *f);
/* Those that stay, then ours. */
RF_MUST_USE enum rf_status existing_unite(
    struct run *r, struct policy_set *out);
RF_MUST_USE enum rf_status existing_compare(struct run *r);

/* watched.c: when captures ran, and on which of the pods' nodes. */
RF_MUST_USE enum rf_status watched_measure(struct run *r);
/* What is not seen for want of captures, as a remark. */
RF_MUST_USE enum rf_status watched_note(struct run *r);
/* Why it keeps a workload from being ready, in arena; NULL: it does not. */
RF_MUST_USE enum rf_status watched_reason(
    struct run *r, uint32_t group, const char **out);

/* readiness.c: the workloads in scope, and how sure one can be of each. */
RF_MUST_USE enum rf_status readiness_judge(struct run *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_internal: what the checks of lint share.
 *
 * Private to policy/lint*.c. A check walks the set and reports; memory that
 * runs out is remembered in the lint and ends the run, so checks need not
 * look.
 */
#ifndef POLICY_LINT_INTERNAL_H
#define POLICY_LINT_INTERNAL_H

#include "core/strbuf.h"
#include "policy/evaluator.h"
#include "policy/lint.h"

/*
 * Pods that no label tells apart, or the pod template of a workload that has
 * none. Finished and deleted pods count: whoever selects them did not err.
 */
struct lint_face {
	uint32_t ns; /* in the cluster's namespaces */
	const struct label_set *labels;
	bool host_network;
	uint32_t pod;      /* one of them; FLOW_NONE: a template */
	uint32_t workload; /* of that pod */
};

/* A label that some pod of a namespace, or some namespace, carries. */
struct lint_label {
	uint32_t ns; /* FLOW_NONE: on a namespace */
	const char *key, *value;
};

struct lint_holders;

struct lint {
	const struct lint_input *in;
	const struct policy_set *set;
	const struct cluster *c; /* NULL: not known */
	struct arena *arena;
	const struct lint_face *faces; /* by ns; those of ns i are from */
	size_t n_faces;                /* ns_start[i] to before [i + 1] */
	const size_t *ns_start;
	/* Indices of Services by ns, found as the faces are. */
	const uint32_t *services;
	const size_t *service_start;
	const struct lint_label *labels; /* by ns, key, value */
	size_t n_labels;
	const struct lint_holders *holders; /* NULL without c */
	struct evaluator *evaluator;        /* of set and c; NULL without c */
	const struct lint_rule *rule;       /* whose check is running */
	struct lint_finding *findings;
	size_t n_findings, cap_findings;
	struct strbuf text; /* scratch */
	bool failed;        /* out of memory */
};

/* Where a finding is: a policy (line 0: its own) or a live object. */
struct lint_at {
	const struct policy *policy; /* NULL: a live object */
	const char *object;          /* then: "Service ns/name" */
	uint32_t line;
	const char *field;
};

/* One rule of a policy, as the walk hands it out. */
struct lint_spot {
	const struct policy *policy;
	enum policy_direction direction;
	size_t index;
	const struct policy_rule *rule;
};

/* ---- lint_report.c ---- */

/* Formatted, in the arena; never NULL. */
const char *lint_text(struct lint *l, const char *fmt, ...) RF_PRINTF(2, 3);

struct lint_at lint_at_policy(
    const struct policy *p, uint32_t line, const char *field);
/* "spec.ingress[0]", with ".from[1]" or ".ports[1]" and more behind it. */
struct lint_at lint_at_rule(
    struct lint *l, const struct lint_spot *s, const char *tail);
struct lint_at lint_at_peer(
    struct lint *l, const struct lint_spot *s, size_t peer, const char *tail);
struct lint_at lint_at_port(
    struct lint *l, const struct lint_spot *s, size_t port);

/*
 * Add a finding of the rule at hand, or of the rule `ahead` rows behind it
 * when one check serves several. No more severe than the table says.
 */
void lint_add(struct lint *l, unsigned ahead, enum lint_severity severity,
    const struct lint_at *at, const char *reason, const char *mend);

/* "app: web, tier in (a, b)", "{}". */
const char *lint_selector_text(struct lint *l, const struct label_selector *s);

/* ---- lint_walk.c ---- */

/* Does any port entry of the rule hold it? True without ports. */
bool lint_ports_have(
    const struct policy_rule *r, uint8_t protocol, unsigned port);

/* The first rule of the set, or the next: false at the end. s zeroed. */
bool lint_next_rule(const struct lint *l, struct lint_spot *s);
/* Is it so only by its podSelector; only by its namespaceSelector? */
bool lint_peer_is_pods(const struct policy_peer *p);
bool lint_peer_is_namespaces(const struct policy_peer *p);
/* Does every end, in or out of the cluster, match (30)? */
bool lint_rule_is_open(const struct policy_rule *r);

/* ---- lint_near.c ---- */

bool lint_near_make(struct lint *l);

/*
 * What the author of a selector that matches nothing probably meant: a label
 * that exists in that namespace (FLOW_NONE: on namespaces; LINT_ANYWHERE: on
 * pods of any), in words: "name: carts". NULL: nothing comes close.
 */
#define LINT_ANYWHERE (FLOW_NONE - 1)
const char *lint_near(
    struct lint *l, uint32_t ns, const struct label_selector *s);

/* The nearest of names, or NULL; start over with best NULL. */
struct lint_near_name {
	const char *wanted, *best;
	unsigned distance;
};
void lint_near_offer(struct lint_near_name *n, const char *name);

/* ---- lint_holding.c ---- */

/* What of the cluster an address block holds. */
struct lint_holding {
	bool pod_ranges; /* it holds, or lies in, a range of pod addresses */
	bool pods;       /* it holds addresses of pods */
	bool nodes;      /* it holds addresses of nodes */
	bool gateways;   /* and nothing else: it is one or two addresses */
	const struct kube_service *service; /* it holds its cluster IP */
};

bool lint_holders_make(struct lint *l);
bool lint_block_has(const struct policy_ip_block *b, const struct ip_addr *a);
/* Needs a cluster. */
struct lint_holding lint_holding_of(
    const struct lint *l, const struct policy_ip_block *b);

/* ---- lint_faces.c ---- */

bool lint_faces_make(struct lint *l);

/* Does the peer mean pods of that face? Never those of hostNetwork unless
 * asked to. policy_ns: index of the policy's namespace. */
bool lint_peer_has(const struct lint *l, const struct policy_peer *p,
    uint32_t policy_ns, const struct lint_face *f);

/* How many faces of the namespace the selector matches. */
size_t lint_count(
    const struct lint *l, uint32_t ns, const struct label_selector *s);

/* Has the namespace any pod or template? */
bool lint_has_faces(const struct lint *l, uint32_t ns);

/* The policy's namespace, FLOW_NONE when there is none or no cluster. */
uint32_t lint_ns(const struct lint *l, const struct policy *p);

/* Does the policy apply to pods of that face? */
bool lint_subject(
    const struct policy *p, uint32_t policy_ns, const struct lint_face *f);

/* ---- lint_redundant.c ---- */

/* Is it certain that whatever inner matches, outer does: are its demands all
 * among inner's? */
bool lint_selector_covers(
    const struct label_selector *outer, const struct label_selector *inner);

/* ---- lint_dns.c ---- */

/* Is it the Service of the cluster's DNS? */
bool lint_is_dns_service(const struct kube_service *s);

/* ---- checks, by subject ---- */

void lint_check_dns(struct lint *l);         /* RF001 to RF003 */
void lint_check_mixed_peers(struct lint *l); /* RF004 */
void lint_check_peers(struct lint *l);       /* RF005 to RF008 */
void lint_check_subjects(struct lint *l);    /* RF009 to RF012 */
void lint_check_types(struct lint *l);       /* RF013 to RF015 */
void lint_check_blanks(struct lint *l);      /* RF016, RF017 */
void lint_check_wide(struct lint *l);        /* RF018 */
void lint_check_redundant(struct lint *l);   /* RF019, RF020 */
void lint_check_duplicates(struct lint *l);  /* RF021 */
void lint_check_labels(struct lint *l);      /* RF022, RF023 */
void lint_check_ports(struct lint *l);       /* RF024, RF025 */
void lint_check_blocks(struct lint *l);      /* RF026 to RF028 */
void lint_check_snat(struct lint *l);        /* RF029 */
void lint_check_cni(struct lint *l);         /* RF030 */
void lint_check_services(struct lint *l);    /* RF031 */
void lint_check_flows(struct lint *l);       /* RF032 to RF035 */

#endif
